"""The package where its tensors are on a GPU: the same numbers as on the CPU, and no tensor left behind.

Each scenario runs a module on a pretended GPU, which refuses what CUDA refuses (tests/pretended_gpu.py). That it would
find a mistake is shown by making one: every `device=` of the package is taken out, one at a time.
"""

import ast
import inspect
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from pretended_gpu import GPU, pretended_gpu
from torch._subclasses.fake_tensor import FakeTensorMode

from neuroevo import budget, ga, genreg, nets, neurons, plots, stats, strategies
from neuroevo.data import splits, transforms
from neuroevo.strategies import cma_es, common, openai_es, snes


@pytest.fixture
def gpu(monkeypatch):
    with pretended_gpu(monkeypatch):
        yield


def run(scenario, device, *arguments):
    """What a scenario gives, brought to the CPU; all of it must have been on the device."""
    results = list(scenario(device, torch.Generator(device).manual_seed(0), *arguments))
    assert {tensor.device.type for tensor in results} == {torch.device(device).type}
    return [tensor.cpu() for tensor in results]


def run_nets(device, rng):
    net = nets.MLP((6, 5, 3))
    population, x = net.init(7, 0.5, rng), torch.rand(4, 6, generator=rng, device=device)
    y = torch.tensor([0, 1, 2, 0], device=device)
    logits = net.forward(population, x)
    yield from (population, logits, net.forward(population, x, chunk_bytes=1))
    yield from (nets.accuracy(logits, y), nets.count_correct(logits, y), nets.mean_log_likelihood(logits, y))


def run_ga(device, rng):
    population = torch.randn(2, 8, 5, generator=rng, device=device)
    scales = torch.tensor([0.1, 0.2]).view(2, 1, 1)  # a setting may come from the CPU
    for select in (ga.from_best, ga.tournament):
        for crossover in (None, ga.uniform, ga.one_point, ga.blend):
            for mutate in (None, *(partial(ga.mutate_, rate=rate, scale=scales) for rate in (0.4, 1))):
                search = ga.GA(population, select=select, crossover=crossover, mutate=mutate, rng=rng)
                for _ in range(2):
                    search.tell(search.ask().sum(dim=-1))
                yield from (search.ask(), search.founders, search.parents)
    one = population[0].clone()
    yield ga.proportional(torch.arange(8, device=device), torch.rand(8, generator=rng, device=device) - 0.5, 8, rng)
    yield ga.reproduce_(one, torch.tensor([3, 3, 3, 1, 0, 0, 7, 7], device=device))
    for rate in (0.4, 1):
        ga.mutate_(one, rate, 0.1, rng, rows=torch.tensor([1, 4], device=device))
    bits = (one > 0).float()
    ga.flip_(bits, 0.3, rng)
    ga.flip_(bits, 1, rng)
    yield from (one, bits, ga.bernoulli_positions(100, 0.2, rng))


def run_genreg(device, rng, folder):
    net = nets.MLP((6, 5, 3))
    x, y = torch.rand(9, 6, generator=rng, device=device), torch.arange(9, device=device) % 3
    for changes in ({}, {"births": 3}, {"parent_choice": "uniform"}):
        settings = genreg.Settings(n_genomes=10, **changes)
        state = genreg.GENREG.start(net, settings, rng)
        for _ in range(3):
            state.tell(genreg.reward(nets.count_correct(net.forward(state.ask(), x), y), len(y), settings))
        yield from (state.population, state.trust)
    state.save(folder / "state.safetensors")
    again = genreg.GENREG.load(folder / "state.safetensors", net, device)
    again.tell(torch.arange(10.0, device=device))
    yield from (again.population, again.trust)


def run_neurons(device, rng):
    net = nets.MLP((6, 5, 3))
    x, y = torch.rand(9, 6, generator=rng, device=device), torch.arange(9, device=device) % 3
    rows = neurons.split(net, net.init(1, 0.5, rng)[0])
    search = neurons.Selection(rows, n_pairs=3, rng=rng)
    for _ in range(3):
        steps = search.ask(0.1)
        fitness, parent = neurons.score(rows, steps, x, y)
        search.tell(fitness, parent)
    yield from (rows, fitness, parent, neurons.join(net, rows))


def run_strategies(device, rng):
    start = torch.randn(2, 5, generator=rng, device=device, dtype=torch.float64)
    made = [
        openai_es.OpenAIES(start, n_pairs=3, sigma=0.1, learning_rate=0.1, rng=rng),
        snes.SNES(start, sigma=0.1, rng=rng),
        snes.SNES(start, sigma=torch.full((5,), 0.1, device=device), rng=rng),
        cma_es.CMAES(start, sigma=0.1, rng=rng),
    ]
    for search in made:
        for _ in range(30):
            search.tell(-search.ask().square().sum(dim=-1))
        yield search.mean
    yield from (made[0].gradient, made[1].sigma, made[3].sigma, made[3].C)
    yield strategies.centred_ranks(torch.rand(2, 5, generator=rng, device=device))


def run_data(device, rng):
    x = torch.arange(12 * 784).reshape(12, 784) % 251
    split = splits.Split(x.to(torch.uint8), torch.arange(12) % 3).to(device)
    on_cpu = torch.Generator().manual_seed(1)  # picks the same images wherever they are
    yield from (split.x, split.y, *split.per_class, *split.sample(2, rng), *split.sample(2, on_cpu))
    yield from (split.pixels(), split.pixels([1, 2]), split.pixels(torch.tensor([3]), device))
    images = split.pixels()
    yield from (transforms.shrink(split).x, transforms.shift(images, 2, rng), transforms.shift(images, 0, rng))
    yield transforms.moved(images, 1.5, torch.linspace(-1, 1, 12), degrees=torch.linspace(0, 9, 12, device=device))


SCENARIOS = {
    run_nets: [nets],
    run_ga: [ga],
    run_genreg: [genreg],
    run_neurons: [neurons],
    run_strategies: [common, openai_es, snes, cma_es],
    run_data: [splits, transforms],
}


def arguments_of(scenario, tmp_path):
    return [tmp_path] if "folder" in inspect.signature(scenario).parameters else []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_on_a_gpu_as_on_the_cpu(scenario, tmp_path, gpu):
    arguments = arguments_of(scenario, tmp_path)
    here, there = run(scenario, "cpu", *arguments), run(scenario, "cuda", *arguments)
    assert len(here) == len(there) > 3
    for a, b in zip(here, there, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_curves_and_intervals_of_what_is_on_a_gpu(gpu):
    x, runs = torch.arange(3, device="cuda"), torch.arange(6.0, device="cuda").view(2, 3)
    fig, ax = plt.subplots()
    plots.band(ax, x, runs, label="two runs", colour="evolution")
    assert ax.lines[-1].get_ydata().tolist() == [1.5, 2.5, 3.5]
    plt.close(fig)
    assert stats.mean_interval(runs[0]).mean == 1


def test_a_clock_waits_for_the_gpu(gpu, monkeypatch):
    waits = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waits.append("waited"))
    with budget.Budget().clock():
        assert waits == ["waited"]
    assert waits == ["waited"] * 2
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    with budget.Budget().clock():
        pass
    assert len(waits) == 2  # where nobody uses a GPU, nobody wakes it


# Are these CUDA's rules?

MEETINGS = {
    "a vector": lambda there, here: there + here[0],
    "a number": lambda there, here: there + here.sum(),
    "its number": lambda there, here: here + there.sum(),
    "a join": lambda there, here: torch.cat([there, here]),
    "a choice": lambda there, here: torch.where(there > 0, here.sum(), there),
    "indices to gather": lambda there, here: there.gather(0, here.long()),
    "where to search": lambda there, here: torch.searchsorted(there[0], here[0]),
    "a product": lambda there, here: there @ here.T,
    "a sum in place": lambda there, here: there.scatter_add_(0, torch.zeros_like(there).long(), here),
    "a mask": lambda there, here: there.masked_fill(here > 0, 1.0),
}


def refused(meeting):
    there, here = torch.zeros(2, 3, device="cuda"), torch.zeros(2, 3)
    try:
        assert meeting(there, here).device == GPU
    except RuntimeError:  # FakeTensorMode's own is one, too
        return True
    return False


@pytest.mark.parametrize("meeting", MEETINGS.values(), ids=MEETINGS)
def test_the_pretended_gpu_refuses_what_torch_says_that_a_gpu_refuses(meeting, monkeypatch):
    with FakeTensorMode():
        expected = refused(meeting)
    with pretended_gpu(monkeypatch):
        assert refused(meeting) == expected


def test_what_a_pretended_gpu_keeps_apart(gpu):
    there, here = torch.zeros(2, device="cuda"), torch.zeros(2)
    for arguments in ({"generator": torch.Generator(), "device": "cuda"}, {"generator": torch.Generator("cuda")}):
        with pytest.raises(RuntimeError, match="generator"):
            torch.rand(2, **arguments)
    for convert in (np.asarray, torch.Tensor.numpy):
        with pytest.raises(TypeError, match=r"Use Tensor\.cpu"):
            convert(there)
    there.copy_(here + 1)  # a copy may cross
    assert there.tolist() == [1, 1]
    there.cpu().add_(1)
    torch.as_tensor(here, device="cuda").add_(1)
    assert there.tolist() == [1, 1]  # and what has crossed is another tensor
    assert here.tolist() == [0, 0]
    assert there[torch.tensor([1])].device == GPU  # an index may, too
    there[torch.tensor([0])] = here.sum()
    # FakeTensorMode says nothing of these three, or lets them pass.
    for mistake in (
        lambda: there.__setitem__(torch.tensor([0]), here[:1]),
        lambda: here[torch.zeros(2, device="cuda").long()],
        lambda: torch.stack([there.sum(), here.sum()]),
    ):
        with pytest.raises(RuntimeError, match="same device"):
            mistake()


# Would a mistake be found?


class _Forgetful(ast.NodeTransformer):
    """Takes the `device=` out of the n-th call that has one."""

    def __init__(self, n):
        self.n, self.line = n, None

    def visit_Subscript(self, node):
        self.visit(node.value)  # an index may come from the CPU
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        with_device = [word for word in node.keywords if word.arg == "device"]
        if with_device:
            if self.n == 0:
                node.keywords.remove(with_device[0])
                self.line = node.lineno
            self.n -= 1
        return node


def mistakes():
    for scenario, modules in SCENARIOS.items():
        for module in modules:
            source = inspect.getsource(module)
            n = 0
            while (forgetful := _Forgetful(n)) and (tree := forgetful.visit(ast.parse(source))) and forgetful.line:
                if "safe_open" not in source.splitlines()[forgetful.line - 1]:
                    yield pytest.param(scenario, module, tree, id=f"{module.__name__}:{forgetful.line}")
                n += 1


@pytest.mark.parametrize(("scenario", "module", "tree"), list(mistakes()))
def test_a_forgotten_device_is_found(scenario, module, tree, tmp_path, gpu):
    as_it_is = dict(vars(module))
    try:
        exec(compile(ast.fix_missing_locations(tree), module.__file__, "exec"), vars(module))
        with pytest.raises((RuntimeError, ValueError, AssertionError), match=r"device|generator|cuda"):
            run(scenario, "cuda", *arguments_of(scenario, tmp_path))
    finally:
        vars(module).clear()
        vars(module).update(as_it_is)
