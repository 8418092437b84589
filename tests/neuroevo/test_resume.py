"""Kill -9 anywhere, resume, and nothing is lost: the final population is that of an uninterrupted run, bit for bit.

The runs are made by this file as a program, in a process of its own that imports torch once and forks: a child counts
the lines of Python that it runs and kills itself (SIGKILL, which nothing can catch) at one of them, drawn at random
beforehand; a second child resumes.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

N_GENERATIONS, EVERY = 9, 3
N_KILLS = {"between checkpoints": 10, "inside a checkpoint": 8, "inside the checkpoint after Ctrl-C": 4}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.slow
def test_killed_at_random_points_and_resumed_a_run_ends_as_if_it_had_not_been(tmp_path):
    environment = os.environ | {"NEUROEVO_OFFLINE": "1", "NEUROEVO_DATA": str(tmp_path), "OMP_NUM_THREADS": "1"}
    made = subprocess.run([sys.executable, __file__, str(tmp_path)], env=environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    whole = final_state(tmp_path / "whole")
    kills = json.loads((tmp_path / "kills.json").read_text())
    assert len(kills) >= 20
    assert len({kill["generation"] for kill in kills}) > 5
    for kill in kills:
        assert kill["signal"] == signal.SIGKILL, kill
        assert final_state(tmp_path / kill["folder"]) == whole, kill
        # What was saved isn't done again.
        begins = N_GENERATIONS - kill["redone"]
        assert kill["saved"] <= begins <= max(kill["saved"], kill["generation"] // EVERY * EVERY), kill


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_the_comparison_would_see_another_run(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    for folder, text in ((a, b"one"), (b, b"two")):
        newest = folder / f"generation-{N_GENERATIONS:05d}"
        newest.mkdir(parents=True)
        for name in ("state.safetensors", "champion.safetensors"):
            (newest / name).write_bytes(text)
        (newest / "log.json").write_text(json.dumps({"curve": [{"step": 1, "seconds": 2}], "budget": {}}))
    assert final_state(a) == final_state(a) != final_state(b)


def final_state(folder):
    """All that a run keeps, but for times: population, trust and generator, the champion, and the curve."""
    newest = max(folder.glob("generation-*"))
    assert newest.name == f"generation-{N_GENERATIONS:05d}"
    log = json.loads((newest / "log.json").read_text())
    curve = [{key: value for key, value in row.items() if "seconds" not in key} for row in log["curve"]]
    files = [(newest / name).read_bytes() for name in ("state.safetensors", "champion.safetensors")]
    return files, curve, log["budget"].get("evaluations")


# As a program


def main(folder):
    import torch

    from evidence.runner import Context, Unit
    from evidence.runs import genreg_mnist
    from neuroevo import data, files, ga, genreg

    torch.set_num_threads(1)
    genreg_mnist.CHECKPOINT_EVERY = EVERY
    genreg_mnist.N_GENERATIONS["smoke"], genreg_mnist.N_GENOMES["smoke"] = N_GENERATIONS, 10
    images = data.mnist()  # once for all
    data.mnist = lambda: images
    watched = {module.__file__ for module in (genreg_mnist, genreg, ga, files, tempfile, shutil)}
    checkpoint, uninterrupted = genreg_mnist._checkpoint, genreg_mnist.uninterrupted

    def run(scratch, where, kill_at=None, ctrl_c=False):
        """In a child: the run, counted. Gives back how it ended, lines counted, and generations done."""
        about = scratch.with_suffix(".json")
        scratch.mkdir(exist_ok=True)
        child = os.fork()
        if child:
            status = os.waitpid(child, 0)[1]
            return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status), about
        count = {"lines": 0, "inside": False, "begun": 0, "generation": 0, "saved": 0}

        def trace(frame, event, argument):
            if frame.f_code.co_filename not in watched:
                return None
            here = count["inside"] and (not ctrl_c or count["saved"] == count["generation"])
            if event == "line" and here == ("inside" in where):
                if count["lines"] == kill_at:
                    about.write_text(json.dumps(count))
                    os.kill(os.getpid(), signal.SIGKILL)
                count["lines"] += 1
            return trace

        def watched_checkpoint(context, recorder, state):
            count["inside"] = True
            checkpoint(context, recorder, state)
            count.update(inside=False, saved=state.generation)

        def counted(*words):
            if ctrl_c and count["begun"] == 2 * EVERY:
                raise KeyboardInterrupt
            count["begun"] += 1
            return uninterrupted(*words)

        def told(self, scores, tell=genreg.GENREG.tell):
            tell(self, scores)
            count["generation"] = self.generation

        genreg_mnist._checkpoint, genreg_mnist.uninterrupted, genreg.GENREG.tell = watched_checkpoint, counted, told
        code = 0
        sys.settrace(trace)
        try:
            genreg_mnist.run_unit(Unit("printed", 0), Context("smoke", torch.device("cpu"), scratch, None, False))
        except KeyboardInterrupt:
            code = 0 if ctrl_c else 1
        except BaseException:
            sys.settrace(None)
            import traceback

            traceback.print_exc()
            code = 1
        sys.settrace(None)
        about.write_text(json.dumps(count))
        sys.stderr.flush()
        os._exit(code)

    ended, about = run(folder / "whole", "between checkpoints")
    assert ended == 0
    drawn, kills = random.Random(0), []
    for where, n in N_KILLS.items():
        ctrl_c = "Ctrl-C" in where
        ended, about = run(folder / f"count {where}", where, ctrl_c=ctrl_c)
        assert ended == 0
        n_lines = json.loads(about.read_text())["lines"]
        for kill_at in drawn.sample(range(n_lines), min(n, n_lines)):
            scratch = folder / f"killed {len(kills)}"
            ended, about = run(scratch, where, kill_at, ctrl_c)
            kill = json.loads(about.read_text()) | {"where": where, "signal": ended, "folder": scratch.name}
            resumed, about = run(scratch, "between checkpoints")
            assert resumed == 0, f"could not resume after {kill}: {sorted(map(str, scratch.rglob('*')))}"
            kills.append(kill | {"redone": json.loads(about.read_text())["begun"]})
    (folder / "kills.json").write_text(json.dumps(kills))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
