import json
import os
from importlib import metadata, util

import pytest
import torch

from evidence import __main__
from evidence.bench import contenders, generation, line, peers
from neuroevo import results
from neuroevo.genreg import GENREG, Settings


def test_the_three_programs_give_the_same_scores(monkeypatch):
    scores = []

    def recording(n_correct, n_images, settings, reward=generation.reward):
        scores.append(n_correct.tolist())
        return reward(n_correct, n_images, settings)

    monkeypatch.setattr(generation, "reward", recording)
    rng = torch.Generator().manual_seed(0)
    settings = Settings(n_genomes=10, init_std=0.2)
    x, y = torch.rand((40, 784), generator=rng), torch.arange(40) % 10
    state = GENREG.start(generation.NET, settings, rng)
    rows = [[w[i].clone() for layer in generation.NET.layers(state.ask()) for w in layer] for i in range(10)]
    children = [
        generation.literal_generation(rows, x, y, settings),
        generation.genome_loop_generation(rows, x, y, settings),
    ]
    generation.package_generation(state, x, y)
    assert scores[0] == scores[1] == scores[2]
    assert len(set(scores[0])) > 3
    for population in children:
        assert [[w.shape for w in child] for child in population] == [[w.shape for w in row] for row in rows]


def test_the_simpler_programs_mutate_and_select_as_the_package_does():
    settings = Settings(n_genomes=50, survival_cutoff=0.02, child_mutation_rate=0.3, mutation_scale=0.5)
    rows = [[torch.full((40, 30), float(i)), torch.full((40,), float(i))] for i in range(50)]
    correct = torch.arange(50.0).flip(0)
    children = generation._printed_reproduction(rows, correct, 50, settings)
    assert len(children) == 50
    noise = torch.cat([layer.flatten() for child in children for layer in child])  # the one parent is row 0, all zeros
    assert abs((noise != 0).float().mean() - 0.3) < 0.01
    assert noise[noise != 0].std() == pytest.approx(0.5, rel=0.03)
    assert not any(layer.any() for layer in rows[0])


def quiet_measurement():
    """One round, and two more tries where the machine was disturbed: the targets are for a quiet one and all rounds."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # two threads wait for each other wherever another program takes one of two cores
    for _ in range(3):
        m = generation.measure(n_rounds=1)
        if m["ratio_literal_loop"] > 5 and m["ratio_genome_loop"] > 1.2 and 0.5 < m["ratio_floor"] < 5:
            break
    torch.set_num_threads(n_threads)
    return m


@pytest.mark.slow
def test_bench_reports_the_ratios_as_json_and_as_a_table(monkeypatch, capsys):
    m = quiet_measurement()
    assert m["ratio_literal_loop"] > 5
    assert m["ratio_genome_loop"] > 1.2
    assert 0.5 < m["ratio_floor"] < 5
    quick = line.measure(n_rounds=1)
    monkeypatch.setattr(generation, "measure", lambda: m)
    monkeypatch.setattr(line, "measure", lambda: quick)
    assert __main__.main(["bench", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {**m, **{f"line_{key}": value for key, value in quick.items()}}
    assert quick["ratio_module_loop"] > 50
    assert quick["ratio_run_loop"] > 3
    assert m["generations_per_second"] == pytest.approx(1 / m["seconds_package"])
    assert m["ratio_literal_loop"] == pytest.approx(m["seconds_literal_loop"] / m["seconds_package"])
    assert m["memory_run"] < 600e6
    assert __main__.main(["bench"]) == 0
    table = capsys.readouterr().out
    for words in (
        "README's loop",
        "over genomes",
        "this package",
        "floor",
        "as modules",
        f"{m['ratio_floor']:.2f} times the floor",
    ):
        assert words in table


def test_the_floor_counts_operations_and_bytes_by_hand():
    assert generation.operations(Settings()) == 2 * 200 * 200 * (784 * 64 + 64 * 10)
    row = 4 * 50_890
    still = Settings(child_mutation_rate=0)
    assert generation.bytes_moved(still) == 200 * row + 2 * 160 * row
    everything = Settings(child_mutation_rate=1)
    assert generation.bytes_moved(everything) == pytest.approx(200 * row + 2 * 160 * row + 2 * 200 * row)


def test_both_programs_for_the_line_find_it():
    goal = torch.tensor([2.0, 3.0])
    for seed in range(2):
        rng = torch.Generator().manual_seed(seed)
        assert (line.module_run(rng) - goal).abs().max() < 0.1
        assert ((line.population_runs(200, rng) - goal).abs() < 0.1).all()
    with torch.no_grad():
        model = torch.nn.Linear(1, 1)
        error = torch.nn.functional.mse_loss(model(line.X[:, None]), line.Y[:, None])
        row = torch.cat([model.weight.flatten(), model.bias])
        assert float(line.fitness(row[None])) == pytest.approx(-float(error), rel=1e-5)


def pretended(library, seconds, kind="GA", use="documented"):
    times = iter(seconds)
    return contenders.Contender(library, "pretended", kind, use, lambda task: lambda: next(times))


def broken(task):
    raise AttributeError("no such algorithm")


def absent(task):
    raise ImportError("no such module")


def test_the_peers_are_compared_round_by_round_and_a_missing_or_broken_one_is_a_row():
    pretenders = (
        pretended("neuroevo", [0.5, 0.5, 1.0, 2.0, 4.0]),
        pretended("numpy", [0.5, 0.5, 3.0, 6.0, 12.0]),
        pretended("scipy", [0.5, 0.5, 2.0, 4.0, 12.0], kind="ES"),
        pretended("pillow", [0.5, 0.5, 1.5, 3.0, 6.0], use="ours"),
        pretended("pandas", [20.0]),  # so slow that once must do
        contenders.Contender("torch", "renamed", "GA", "documented", broken),
        contenders.Contender("tqdm", "half there", "GA", "documented", absent),
        pretended("no-such-library-at-all", []),
    )
    m = peers.measure(3, pretenders)
    ours, numpy, scipy, _, slow, failed, half, missing = m["rows"]
    assert ours["seconds"] == 2
    assert ours["ratio"] == 1
    assert (numpy["ratio"], numpy["n"], numpy["seconds_max"]) == (3, 3, 12)
    assert scipy["ratio"] == 2
    assert (slow["n"], slow["seconds"]) == (1, 20)
    assert failed["note"] == "failed: AttributeError: no such algorithm"
    assert half["note"] == missing["note"] == peers.MISSING
    assert (m["ratio_fastest_peer"], m["fastest_peer"]) == (2, "scipy, pretended")
    assert (m["ratio_fastest_ga"], m["fastest_ga"]) == (3, "numpy, pretended")
    assert (m["ratio_fastest_tuned"], m["fastest_tuned"]) == (1.5, "pillow, pretended")
    table = peers.table(m)
    for words in ("0.5", "3.00x", "failed: AttributeError", "pip install 'neuroevo[peers]'", "scipy, pretended, 2.00"):
        assert words in table


def test_what_the_peers_took_is_stored_whole_or_not_at_all(tmp_path):
    missing = peers.measure(1, (pretended("neuroevo", [1.0] * 3), pretended("no-such-library-at-all", [])))
    with pytest.raises(ValueError, match="no-such-library-at-all isn't installed"):
        peers.keep(missing, tmp_path)
    assert not list(tmp_path.iterdir())
    peers.keep(peers.measure(1, (pretended("neuroevo", [1.0] * 3), pretended("numpy", [2.0] * 3))), tmp_path)
    stored = results.load("peers", tmp_path)
    assert list(stored.tables["generation"].ratio) == [1, 2]
    assert stored.provenance["settings"]["sizes"] == [784, 64, 10]


@pytest.mark.slow
def test_without_the_peers_the_table_is_ours_and_says_how_to_get_them(monkeypatch, capsys):
    def version(name, found=metadata.version):
        if name != "neuroevo":
            raise metadata.PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(peers.metadata, "version", version)
    measure = peers.measure
    monkeypatch.setattr(peers, "measure", lambda: measure(1))
    assert __main__.main(["bench", "--peers", "--json"]) == 0
    m = json.loads(capsys.readouterr().out)
    assert {row["library"] for row in m["rows"]} == {"neuroevo", "evotorch", "evosax", "evox", "deap", "pygad"}
    assert m["ratio_fastest_peer"] is m["fastest_ga"] is m["ratio_fastest_tuned"] is None
    for row in m["rows"]:
        if row["library"] == "neuroevo":
            assert row["seconds"] > 0
        else:
            assert row["note"] == peers.MISSING
    assert __main__.main(["bench", "--peers"]) == 0
    table = capsys.readouterr().out
    assert "GENREG" in table
    assert peers.MISSING in table


def test_measuring_peers_leaves_threads_cores_and_environment_as_they_were():
    def here():
        cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
        return torch.get_num_threads(), cores, os.environ.get("XLA_FLAGS"), os.environ.get("JAX_PLATFORMS")

    before = here()
    with peers.one_core():
        assert torch.get_num_threads() == 1
        assert not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) == 1
    assert here() == before


def test_all_contenders_do_the_same_work():
    task = contenders.Task()
    population = task.start.repeat(3, 1)
    x, y = task.batches[0]
    again = contenders.Task()
    assert torch.equal(again.start, task.start)
    assert torch.equal(
        task.correct(population), generation.nets.count_correct(generation.NET.forward(population, x), y)
    )
    assert not torch.equal(task.batches[1][0], x)
    assert sum(p.numel() for p in contenders._module().parameters()) == generation.NET.n_params == 50_890


def test_the_installed_peers_run_a_generation():
    # pygad as documented takes half a minute a generation; `bench --peers` runs it.
    installed = [
        contender
        for contender in contenders.CONTENDERS
        if util.find_spec(contender.library) and contender.start is not contenders.pygad_documented
    ]
    ours = [contender for contender in installed if contender.library == "neuroevo"]
    if installed == ours:
        pytest.skip("no other library is installed: pip install 'neuroevo[peers]'")
    for row in peers.measure(1, tuple(installed))["rows"]:
        assert "note" not in row, row
        assert row["seconds"] > 0
