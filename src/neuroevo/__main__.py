"""The package's command line: `python -m neuroevo COMMAND`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m neuroevo", description="Tools of Descent with Modification.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="make a stored run under results/ (resumes what was stopped)")
    run.add_argument("name", help="for example genreg-mnist")
    run.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds 0 ... N-1 (default 5)")
    run.add_argument("--size", default="full", help="smoke (seconds), laptop (minutes) or full (default)")
    run.add_argument("--device", default="cpu", help="cpu (default), cuda or cuda:N")
    run.add_argument("--jobs", type=int, default=1, metavar="N", help="units at a time, one thread each (default 1)")
    run.add_argument("--out", type=Path, metavar="FOLDER", help="folder of stored runs (default results/)")
    run.add_argument("--source", type=Path, metavar="FOLDER", help="foreign files, for genreg-audit")

    bench = commands.add_parser("bench", help="measure the package against simpler code for the same work")
    bench.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    bench.add_argument("--peers", action="store_true", help="against other libraries; see the extra `peers`")

    execute = commands.add_parser("execute", help="run notebooks and normalise what is committed")
    execute.add_argument("notebooks", nargs="+", type=Path)

    labs = commands.add_parser("labs", help="generate labs/ from solutions/")
    labs.add_argument("--check", action="store_true", help="change nothing; fail if a lab differs from its source")

    grade = commands.add_parser("grade", help="grade a folder of submitted labs into a CSV")
    grade.add_argument("lab", help="number of the lab, for example 01")
    grade.add_argument("submissions", type=Path)
    grade.add_argument("--out", type=Path, default=Path("grades.csv"))
    grade.add_argument("--timeout", type=int, default=120, metavar="SECONDS", help="for each notebook (default 120)")

    commands.add_parser("doctor", help="check this machine and say how to mend what is wrong")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0 done, 1 found something wrong, 2 bad input, 130 interrupted."""
    arguments = _parser().parse_args(argv)
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        if os.environ.get("NEUROEVO_DEBUG"):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2


def _dispatch(arguments: argparse.Namespace) -> int:
    # Each command imports what it needs: `--help` and `labs` should not wait for torch.
    match arguments.command:
        case "run":
            from neuroevo import experiments

            experiments.stop_like_ctrl_c()
            folder = experiments.run(
                arguments.name,
                n_seeds=arguments.seeds,
                size=arguments.size,
                device=arguments.device,
                jobs=arguments.jobs,
                out=arguments.out,
                source=arguments.source,
            )
            print(f"stored in {folder}")
        case "bench":
            from neuroevo import bench

            bench.main(as_json=arguments.json, with_peers=arguments.peers)
        case "execute":
            from neuroevo import notebooks

            notebooks.execute(arguments.notebooks)
        case "labs":
            from neuroevo import notebooks

            source, target = Path("solutions"), Path("labs")
            if arguments.check:
                differing = notebooks.check_labs(source, target)
                for lab in differing:
                    print(f"{lab} is not what {source / Path(lab).name} generates: run `python3 course.py labs`")
                return 1 if differing else 0
            for path in notebooks.build_labs(source, target):
                print(path)
        case "grade":
            from neuroevo import grade

            grade.grade_folder(arguments.lab, arguments.submissions, arguments.out, arguments.timeout)
            print(f"wrote {arguments.out}")
        case "doctor":
            from neuroevo import doctor

            return doctor.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
