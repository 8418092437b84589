"""How fast is a generation of GENREG, and how fast could it be?

One run measures the package, two simpler programs for the same work, and the floor: the operations at the speed of
the machine's own matrix product plus the bytes at the speed of its own copy. Machines are noisy, so quote the ratios.
"""

from __future__ import annotations

import statistics

import psutil
import torch
from torch import Tensor

from evidence.bench.timing import seconds, side_by_side
from neuroevo import nets
from neuroevo.genreg import GENREG, Settings, reward

NET = nets.MLP((784, 64, 10))
N_IMAGES = 200
CACHE_LINE = 64  # bytes


def package_generation(state: GENREG, x: Tensor, y: Tensor) -> None:
    """One generation as the package does it: score everybody at once, then tell."""
    with torch.inference_mode():
        correct = nets.count_correct(NET.forward(state.ask(), x), y)
        state.tell(reward(correct, len(y), state.settings))


def genome_loop_generation(population: list[list[Tensor]], x: Tensor, y: Tensor, s: Settings) -> list[list[Tensor]]:
    """The same generation, genome by genome, all images at once."""
    with torch.inference_mode():
        correct = []
        for w1, b1, w2, b2 in population:
            logits = torch.addmm(b2, torch.tanh(torch.addmm(b1, x, w1.T)), w2.T)
            correct.append(int((logits.argmax(dim=1) == y).sum()))
        return _printed_reproduction(population, torch.tensor(correct, dtype=torch.float32), len(y), s)


def literal_generation(population: list[list[Tensor]], x: Tensor, y: Tensor, s: Settings) -> list[list[Tensor]]:
    """The same generation as the GENREG README prints it: genome by genome, image by image."""
    with torch.inference_mode():
        correct = []
        for w1, b1, w2, b2 in population:
            right = 0
            for image, label in zip(x, y.tolist(), strict=True):
                logits = w2 @ torch.tanh(w1 @ image + b1) + b2
                right += int(logits.argmax()) == label
            correct.append(right)
        return _printed_reproduction(population, torch.tensor(correct, dtype=torch.float32), len(y), s)


def _printed_reproduction(
    population: list[list[Tensor]], correct: Tensor, n_images: int, s: Settings
) -> list[list[Tensor]]:
    trust = reward(correct, n_images, s)
    ranking = trust.argsort(descending=True)[: int(len(population) * s.survival_cutoff)]
    weights = trust[ranking].clamp(min=1e-6)
    children = []
    for parent in ranking[torch.multinomial(weights, len(population), replacement=True)].tolist():
        child = [layer.clone() for layer in population[parent]]
        for layer in child:
            mask = torch.rand_like(layer) < s.child_mutation_rate
            layer += mask * torch.randn_like(layer) * s.mutation_scale
        children.append(child)
    return children


def bytes_moved(s: Settings) -> float:
    """The fewest bytes a generation must move, for a population that doesn't fit into the cache.

    Every weight is read once by the forward pass; a copied row is read and written; a mutated entry costs its cache
    line, read and written.
    """
    row = 4 * NET.n_params
    n_parents = max(1, int(s.n_genomes * s.survival_cutoff))
    # Each parent's first child stays where it is; the chance that a parent has no child is small (0.7 % for 40 of 200).
    copied = (s.n_genomes - n_parents) * row
    lines = s.n_genomes * row / CACHE_LINE
    touched = lines * (1 - (1 - s.child_mutation_rate) ** (CACHE_LINE / 4)) * CACHE_LINE
    return s.n_genomes * row + 2 * copied + 2 * touched


def operations(s: Settings) -> int:
    """Floating-point operations of the forward passes; a multiplication and an addition are two."""
    weights = sum(n_in * n_out for n_in, n_out in zip(NET.sizes, NET.sizes[1:], strict=False))
    return 2 * s.n_genomes * N_IMAGES * weights


def measure(n_rounds: int = 7) -> dict[str, float]:
    """Measure everything, round by round, so that what disturbs the machine disturbs all alike.

    Returns:
        generations_per_second, ratio_literal_loop and ratio_genome_loop (their seconds over the package's), ratio_floor
        (the package's seconds over the floor), the medians in seconds behind them, the peaks, and the memory in bytes
        that the package's run took on top of what the process held before.
    """
    settings = Settings()
    process = psutil.Process()
    before = process.memory_info().rss
    rng = torch.Generator().manual_seed(0)
    x = torch.rand((N_IMAGES, NET.sizes[0]), generator=rng)
    y = torch.arange(N_IMAGES) % NET.sizes[-1]
    state = GENREG.start(NET, settings, rng)
    package_generation(state, x, y)
    memory_total = process.memory_info().rss
    rows = [[w.clone() for layer in NET.layers(row[None]) for w in (layer[0][0], layer[1][0])] for row in state.ask()]
    # Matrices that fit no cache, as the population doesn't; 4096 is large enough for the processor's best rate.
    a, b = torch.rand((2, 4096, 4096), generator=rng)
    times: dict[str, list[float]] = {name: [] for name in ("package", "genome_loop", "literal_loop", "floor")}
    flops, bandwidth = [], []
    out = torch.empty_like(a)
    torch.mm(a, b, out=out)
    for i in range(n_rounds):
        # Best of two: the floor takes the machine at its best within the round.
        flops.append(2 * 4096**3 / min(seconds(lambda: torch.mm(a, b, out=out)) for _ in range(2)))
        bandwidth.append(2 * a.nbytes / min(seconds(lambda: out.copy_(a)) for _ in range(4)))
        times["floor"].append(operations(settings) / flops[-1] + bytes_moved(settings) / bandwidth[-1])
        times["package"].append(statistics.median(seconds(lambda: package_generation(state, x, y)) for _ in range(5)))
        times["genome_loop"].append(seconds(lambda: genome_loop_generation(rows, x, y, settings)))
        if i < 3:  # a second or two each
            times["literal_loop"].append(seconds(lambda: literal_generation(rows, x, y, settings)))
    median = {name: statistics.median(values) for name, values in times.items()}

    def ratio(over: str, under: str) -> float:
        """Median over the rounds: what disturbs the machine in one round disturbs both."""
        return statistics.median(p / q for p, q in zip(times[over], times[under], strict=False))

    return {
        "generations_per_second": 1 / median["package"],
        "ratio_literal_loop": ratio("literal_loop", "package"),
        "ratio_genome_loop": ratio("genome_loop", "package"),
        "ratio_floor": ratio("package", "floor"),
        "seconds_package": median["package"],
        "seconds_genome_loop": median["genome_loop"],
        "seconds_literal_loop": median["literal_loop"],
        "seconds_floor": median["floor"],
        "flops_peak": statistics.median(flops),
        "bandwidth_peak": statistics.median(bandwidth),
        "memory_run": memory_total - before,
        "memory_process": memory_total,
        "threads": torch.get_num_threads(),
    }


def table(m: dict[str, float]) -> str:
    """What `measure` found, for people."""
    s = Settings()
    title = f"One generation: {s.n_genomes} genomes {NET.sizes}, {N_IMAGES} images, {m['threads']} threads"
    rows = [
        ("README's loop, genome by image", m["seconds_literal_loop"], m["ratio_literal_loop"]),
        ("loop over genomes, images batched", m["seconds_genome_loop"], m["ratio_genome_loop"]),
        ("this package", m["seconds_package"], 1.0),
        ("floor: operations + bytes at peak", m["seconds_floor"], 1 / m["ratio_floor"]),
    ]
    return (
        f"{side_by_side(title, rows)}\n\n"
        f"{m['generations_per_second']:.1f} generations a second, {m['ratio_floor']:.2f} times the floor\n"
        f"peaks: {m['flops_peak'] / 1e9:.0f} GFLOP/s (product of 4096 x 4096), "
        f"{m['bandwidth_peak'] / 1e9:.1f} GB/s (copy)\n"
        f"memory: {m['memory_run'] / 1e6:.0f} MB for the run, {m['memory_process'] / 1e6:.0f} MB with Python and torch"
    )
