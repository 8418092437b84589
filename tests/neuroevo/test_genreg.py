import dataclasses
import json
import os
import pickle
import random
import signal
import tempfile
import threading
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file
from scipy import stats

from neuroevo import ga, genreg, nets
from neuroevo.genreg import GENREG, Settings, reward

NET = nets.MLP((6, 5, 3))
NAMES = nets.MLP((1, 1))  # two columns: enough to write each row's number into it
SETTINGS = Settings(n_genomes=12)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def named(trust, **settings):
    """A state whose rows hold their own numbers, and keep them: no mutation unless asked for."""
    settings = Settings(n_genomes=len(trust), **{"child_mutation_rate": 0, **settings})
    population = torch.arange(float(len(trust)))[:, None].repeat(1, 2)
    return GENREG(NAMES, settings, rng(), population, torch.tensor(trust))


def origins(state):
    return [int(name) for name in state.population[:, 0]]


def run(state, n_generations):
    """As a real run does it: images from the run's own generator, rewards from the answers."""
    for _ in range(n_generations):
        x = torch.rand((30, NET.sizes[0]), generator=state.rng)
        y = torch.arange(30) % 3
        state.tell(reward(nets.count_correct(NET.forward(state.ask(), x), y), 30, state.settings))
    return state


def assert_same(a, b):
    assert torch.equal(a.population, b.population)
    assert torch.equal(a.trust, b.trust)
    assert torch.equal(a.rng.get_state(), b.rng.get_state())
    assert (a.net, a.settings, a.generation) == (b.net, b.settings, b.generation)


# The rule


def printed_generation(genomes, answers, source):
    """The README's trust update, selection and reproduction without mutation, statement by statement.

    genomes are (name, trust); answers are lists of right and wrong (True, False), one list a genome.
    """
    updated = []
    for (name, old), right_or_wrong in zip(genomes, answers, strict=True):
        earned = 0.0
        for right in right_or_wrong:
            earned += 10.0 if right else -1.5
        updated.append((name, old * (1 - 0.2) + earned))
    updated.sort(key=lambda genome: genome[1], reverse=True)
    survivors = updated[: int(len(genomes) * 0.2)]
    children = []
    for _ in genomes:
        (parent,) = source.choices(survivors, weights=[trust for _, trust in survivors])
        children.append((parent[0], parent[1] * 0.03))
    return children


def test_a_generation_is_the_printed_one():
    n_genomes, n_images, n_rounds, source = 20, 10, 400, random.Random(1)
    old = [7.5 * row % 40 for row in range(n_genomes)]
    n_right = [(3 * row) % (n_images + 1) for row in range(n_genomes)]
    answers = [[image < right for image in range(n_images)] for right in n_right]
    ours, printed, trust_of = Counter(), Counter(), {}
    for seed in range(n_rounds):
        state = named(old)
        state.rng.manual_seed(seed)
        state.tell(reward(torch.tensor(n_right, dtype=torch.float32), n_images, state.settings))
        ours.update(origins(state))
        for name, trust in zip(origins(state), state.trust.tolist(), strict=True):
            assert trust_of.setdefault(name, trust) == trust
        children = printed_generation(list(enumerate(old)), answers, source)
        printed.update(name for name, _ in children)
        for name, trust in children:
            assert trust_of.setdefault(name, trust) == pytest.approx(trust, rel=1e-5)
    assert len(printed) == 4
    assert ours.keys() == printed.keys()
    counts = [[counter[name] for name in printed] for counter in (ours, printed)]
    assert stats.chi2_contingency(counts).pvalue > 1e-4
    assert sum(ours.values()) == n_rounds * n_genomes


def test_defaults_are_the_readmes():
    s = Settings()
    assert (s.n_genomes, s.survival_cutoff, s.child_mutation_rate, s.births) == (200, 0.2, 0.07, None)
    assert (s.trust_decay, s.trust_inheritance, s.correct_reward, s.wrong_penalty) == (0.2, 0.03, 10.0, -1.5)


def test_reward_by_hand():
    assert reward(torch.tensor([0.0, 3.0, 4.0]), 4, SETTINGS).tolist() == [-6.0, 28.5, 40.0]


def test_trust_update_by_hand():
    # One survivor, so all children are its: 0.03 * (0.8 * 50 + 10) beats 0.8 * 10 + 40.
    state = named([10.0, 50.0, 0.0, 0.0, 0.0])
    state.tell(torch.tensor([40.0, 10.0, 0.0, 0.0, 0.0]))
    assert origins(state) == [1] * 5
    torch.testing.assert_close(state.trust, torch.full((5,), 0.03 * 50))
    assert state.generation == 1


def test_uniform_parents_are_drawn_evenly():
    counts = Counter()
    for seed in range(300):
        state = named([0.0] * 20, parent_choice="uniform")
        state.rng.manual_seed(seed)
        state.tell(torch.tensor([1000.0, 100.0, 10.0, 1.0, *[0.0] * 16]))
        counts.update(origins(state))
    assert sorted(counts) == [0, 1, 2, 3]
    assert stats.chisquare(list(counts.values())).pvalue > 1e-4


def test_negative_trust_still_gives_a_generation():
    state = named([0.0] * 10)
    state.tell(-torch.arange(10.0) - 1)
    assert origins(state) == [0] * 10  # the worse of two survivors has the weight 0
    assert state.trust.tolist() == pytest.approx([-0.03] * 10)


def test_only_children_mutate_and_by_the_settings():
    state = GENREG.start(NET, dataclasses.replace(SETTINGS, n_genomes=200, child_mutation_rate=0.3), rng())
    before = state.population.clone()
    state.tell(torch.tensor([1.0, *[0.0] * 199]))  # all trust lies with row 0
    noise = state.population - before[0]
    hit = noise != 0
    assert abs(hit.float().mean() - 0.3) < 0.02
    assert noise[hit].std() == pytest.approx(0.03, rel=0.03)


def test_births_replace_the_least_trusted_and_the_others_live_on():
    for seed in range(50):
        state = named([0.0] * 8, births=3, survival_cutoff=0.25, child_mutation_rate=1, mutation_scale=1e-3)
        state.rng.manual_seed(seed)
        before = state.population.clone()
        state.tell(torch.tensor([5.0, 80.0, 1.0, 20.0, 7.0, 40.0, 2.0, 9.0]))
        living, dying, parents = [1, 3, 4, 5, 7], [0, 2, 6], {1, 5}
        assert torch.equal(state.population[living], before[living])
        assert state.trust[living].tolist() == [80.0, 20.0, 7.0, 40.0, 9.0]
        for row in dying:
            (parent,) = [p for p in parents if abs(float(state.population[row, 0]) - p) < 0.5]
            assert (state.population[row] != parent).all()
            assert float(state.trust[row]) == pytest.approx(0.03 * {1: 80, 5: 40}[parent])


def test_a_dying_parents_child_is_a_child():
    # Six of eight die, four may be parents: what stays in a dying parent's row is its child, with a child's trust.
    seen = 0
    for seed in range(20):
        state = named([0.0] * 8, births=6, survival_cutoff=0.5, child_mutation_rate=1, mutation_scale=1e-3)
        state.rng.manual_seed(seed)
        state.tell(torch.tensor([8.0, 7.0, 6.0, 5.0, 0.0, 0.0, 0.0, 0.0]))
        assert state.trust[:2].tolist() == [8.0, 7.0]
        assert (state.trust[2:] < 0.03 * 8 + 1e-6).all()
        assert (state.population[2:] % 1 != 0).all()
        seen += round(float(state.population[2, 0])) == 2
    assert seen > 0


def test_settings_may_change_between_generations():
    state = named([0.0] * 5)
    state.tell(torch.arange(5.0))
    state.settings = dataclasses.replace(state.settings, trust_inheritance=1.0, trust_decay=1.0)
    state.tell(torch.tensor([0.0, 0.0, 9.0, 0.0, 0.0]))
    assert state.trust.tolist() == [9.0] * 5


# No gradient anywhere


def test_a_generation_never_calls_autograd(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("autograd was called")

    monkeypatch.setattr(torch.autograd, "backward", refuse)
    monkeypatch.setattr(torch.autograd, "grad", refuse)
    with torch.autograd.graph.saved_tensors_hooks(refuse, refuse):
        state = run(GENREG.start(NET, SETTINGS, rng()), 3)
    scores = NET.forward(state.ask(), torch.rand(4, 6))
    assert scores.grad_fn is None
    assert not scores.requires_grad


def test_rewards_with_a_graph_leave_none_in_the_state():
    state = GENREG.start(NET, SETTINGS, rng())
    state.tell(torch.rand(12, requires_grad=True) * 2)
    assert not state.trust.requires_grad
    assert not state.population.requires_grad


# Bad rewards


@pytest.mark.parametrize(
    ("rewards", "words"),
    [
        (torch.ones(11), r"rewards must have shape \(12,\)"),
        (torch.ones(12, 1), r"rewards must have shape \(12,\)"),
        (torch.tensor([1.0] * 11 + [float("nan")]), r"rewards of genomes \[11\] are NaN or infinite"),
        (torch.tensor([float("inf")] + [1.0] * 11), r"rewards of genomes \[0\] are NaN or infinite"),
    ],
)
@pytest.mark.parametrize("births", [None, 5])
def test_bad_rewards_leave_the_state_as_it_was(rewards, words, births):
    settings = dataclasses.replace(SETTINGS, births=births)
    state, twin = (run(GENREG.start(NET, settings, rng()), 2) for _ in range(2))
    with pytest.raises(ValueError, match=words):
        state.tell(rewards)
    assert_same(state, twin)


def test_another_population_size_is_refused_between_generations():
    state, twin = (run(GENREG.start(NET, SETTINGS, rng()), 1) for _ in range(2))
    state.settings = twin.settings = dataclasses.replace(SETTINGS, n_genomes=9)
    with pytest.raises(ValueError, match=r"n_genomes is now 9, the population has 12"):
        state.tell(torch.ones(12))
    assert_same(state, twin)


@pytest.mark.parametrize(
    "change",
    [
        {"n_genomes": 0},
        {"survival_cutoff": 0.0},
        {"survival_cutoff": 1.1},
        {"child_mutation_rate": -0.1},
        {"child_mutation_rate": float("nan")},
        {"trust_decay": 1.5},
        {"trust_inheritance": -1.0},
        {"mutation_scale": float("inf")},
        {"mutation_scale": -0.1},
        {"init_std": float("nan")},
        {"correct_reward": -2.0},
        {"parent_choice": "roulette"},
        {"births": 0},
        {"births": 201},
    ],
)
def test_settings_out_of_range(change):
    ((name, value),) = change.items()
    with pytest.raises(ValueError, match=f"^settings out of range: {name}={value!r};"):
        Settings(**change)


# Saving and resuming


@pytest.mark.parametrize("changes", [{}, {"births": 3}, {"parent_choice": "uniform"}])
def test_a_resumed_run_is_the_uninterrupted_run(tmp_path, changes):
    settings = dataclasses.replace(SETTINGS, **changes)
    whole = run(GENREG.start(NET, settings, rng()), 7)
    run(GENREG.start(NET, settings, rng()), 4).save(tmp_path / "new folder" / "state.safetensors")
    resumed = GENREG.load(tmp_path / "new folder" / "state.safetensors", NET)
    assert resumed.generation == 4
    assert_same(run(resumed, 3), whole)


@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    activation=st.sampled_from(sorted(nets.ACTIVATIONS)),
    n_genomes=st.integers(1, 9),
    births=st.none() | st.just(1),
    penalty=st.floats(-1e30, 9.9),
    scale=st.floats(0, 1e30),
    seed=st.integers(0, 2**60),
)
def test_what_is_saved_is_what_is_loaded(sizes, activation, n_genomes, births, penalty, scale, seed):
    net = nets.MLP(tuple(sizes), activation)
    settings = Settings(n_genomes=n_genomes, births=births, wrong_penalty=penalty, mutation_scale=scale)
    state = GENREG.start(net, settings, rng(seed))
    state.tell(torch.randn(n_genomes, generator=state.rng))
    with tempfile.TemporaryDirectory() as folder:
        state.save(f"{folder}/state")
        assert_same(GENREG.load(f"{folder}/state", net), state)


def test_a_file_holds_no_code_and_nothing_else_is_left_in_its_folder(tmp_path):
    GENREG.start(NET, SETTINGS, rng()).save(tmp_path / "state")
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    with safe_open(tmp_path / "state", "pt") as file:
        assert set(file.keys()) == {"population", "trust", "rng"}
        assert json.loads(file.metadata()["json"])["settings"] == dataclasses.asdict(SETTINGS)


def test_a_folder_is_no_place_for_a_state(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "results.csv").write_text("1")
    with pytest.raises(IsADirectoryError, match="give the name of a file"):
        GENREG.start(NET, SETTINGS, rng()).save(tmp_path / "runs")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["results.csv"]


def test_settings_may_change_on_resuming(tmp_path):
    GENREG.start(NET, SETTINGS, rng()).save(tmp_path / "state")
    resumed = GENREG.load(tmp_path / "state", NET, mutation_scale=0.5, births=2)
    assert resumed.settings == dataclasses.replace(SETTINGS, mutation_scale=0.5, births=2)
    with pytest.raises(ValueError, match="out of range: mutation_scale=-1"):
        GENREG.load(tmp_path / "state", NET, mutation_scale=-1)
    with pytest.raises(ValueError, match="holds 12 genomes: n_genomes can't be changed to 13"):
        GENREG.load(tmp_path / "state", NET, n_genomes=13)


@pytest.mark.parametrize("crash", [OSError("no space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("failing", [(genreg, "save_file"), (os, "replace")], ids=["writing", "replacing"])
def test_a_crash_while_saving_leaves_the_older_file(tmp_path, monkeypatch, crash, failing):
    state = GENREG.start(NET, SETTINGS, rng())
    state.save(tmp_path / "state")
    older = (tmp_path / "state").read_bytes()

    def half(_, path, *args):
        with open(path, "wb") as file:
            file.write(older[: len(older) // 2])
        raise crash

    def refuse(*args):
        raise crash

    monkeypatch.setattr(*failing, half if failing[1] == "save_file" else refuse)
    with pytest.raises(type(crash)):
        run(state, 1).save(tmp_path / "state")
    assert (tmp_path / "state").read_bytes() == older
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("net", [nets.MLP((6, 5, 4)), nets.MLP((6, 5, 3), "relu"), nets.MLP((6, 3))])
def test_a_checkpoint_of_another_architecture(tmp_path, net):
    GENREG.start(net, SETTINGS, rng()).save(tmp_path / "state")
    with pytest.raises(ValueError, match=r"holds an MLP \(6, .* but this run wants \(6, 5, 3\) with tanh"):
        GENREG.load(tmp_path / "state", NET)


def test_a_checkpoint_goes_on_only_on_its_kind_of_device(tmp_path):
    GENREG.start(NET, SETTINGS, rng()).save(tmp_path / "state")
    with pytest.raises(ValueError, match="written on cpu; its generator can't go on on cuda"):
        GENREG.load(tmp_path / "state", NET, "cuda")


def damaged(whole):
    """Named ways in which a file can fail to be a checkpoint."""
    return {
        "empty": b"",
        "header cut off": whole[:100],
        "data cut off": whole[:-1],
        "garbage": bytes(range(256)) * 20,
        "text": b"generation,trust\n1,2\n",
        "pickle": pickle.dumps({"population": [1.0], "trust": [0.0]}),
        "no metadata": b"\x02\0\0\0\0\0\0\0{}",
        "another format": whole.replace(b"neuroevo-genreg-1", b"neuroevo-genreg-9"),
    }


@pytest.mark.parametrize("kind", damaged(b""))
def test_a_damaged_file_is_refused_and_left_alone(tmp_path, kind):
    path = tmp_path / "state"
    GENREG.start(NET, SETTINGS, rng()).save(path)
    path.write_bytes(damaged(path.read_bytes())[kind])
    before = path.read_bytes()
    with pytest.raises(
        ValueError, match=r"state is not a whole GENREG checkpoint .*: start again, or give another file"
    ):
        GENREG.load(path, NET)
    assert path.read_bytes() == before


def test_a_checkpoint_without_one_of_its_tensors(tmp_path):
    state = GENREG.start(NET, SETTINGS, rng())
    state.save(tmp_path / "whole")
    with safe_open(tmp_path / "whole", "pt") as file:
        save_file({"population": state.population}, tmp_path / "state", file.metadata())
    with pytest.raises(ValueError, match="not a whole GENREG checkpoint"):
        GENREG.load(tmp_path / "state", NET)


def test_an_absent_checkpoint(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        GENREG.load(tmp_path / "nowhere", NET)


# Interrupts


@pytest.fixture
def stops():
    """Ctrl-C and SIGTERM as the command line sets them: both raise KeyboardInterrupt."""
    held = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.default_int_handler) for number in held]
    yield held
    for number, handler in zip(held, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("operator", ["truncation", "reproduce_", "mutate_"])
def test_a_stop_waits_until_the_generation_is_whole(monkeypatch, stops, operator):
    original = getattr(ga, operator)
    twin = run(GENREG.start(NET, SETTINGS, rng()), 1)
    for stop in stops:
        state = GENREG.start(NET, SETTINGS, rng())

        def stopped(*args, stop=stop):
            signal.raise_signal(stop)
            return original(*args)

        monkeypatch.setattr(ga, operator, stopped)
        with pytest.raises(KeyboardInterrupt):
            run(state, 1)
        monkeypatch.setattr(ga, operator, original)
        assert_same(state, twin)
        assert signal.getsignal(stop) is signal.default_int_handler


def test_a_held_back_stop_reaches_whoever_was_listening(stops):
    calls = []
    signal.signal(signal.SIGINT, lambda number, frame: calls.append(number))
    with genreg.uninterrupted():
        with genreg.uninterrupted():
            signal.raise_signal(signal.SIGINT)
        assert calls == []
    assert calls == [signal.SIGINT]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with genreg.uninterrupted():
        signal.raise_signal(signal.SIGINT)
    assert calls == [signal.SIGINT]


def test_an_error_inside_gives_the_handlers_back(stops):
    with pytest.raises(ValueError, match="inside"), genreg.uninterrupted():
        raise ValueError("inside")
    assert [signal.getsignal(number) for number in stops] == [signal.default_int_handler] * 2


def test_a_generation_runs_outside_the_main_thread():
    state = GENREG.start(NET, SETTINGS, rng())
    thread = threading.Thread(target=run, args=(state, 1))
    thread.start()
    thread.join()
    assert state.generation == 1
