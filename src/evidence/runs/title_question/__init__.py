"""What can selection do that a gradient can't? Five tasks without a slope, and the gradient's best reply (chapter 17).

Every arm of a task gets the same budget and its settings from a short list, tried on runs that don't judge. Ten runs
side by side are a unit; each has a split or data of its own.

    python3 course.py run title-question --seeds 2

P1 to P11 were predicted before anything was run. T4 was then tuned anew, with as many settings for selection (its two
arms together) as for the reply, at full length; a prediction before that (known: the stored run with short lists, in
which the mutation scale was held at 0.2; trials of twelve settings on seeds 2000 to 2003, where the GA needs 349
connections with a scale of 0.1, and pruning by size 228 to 255):

P12 T4: selection meets the goal in at least 18 of 20 runs and still loses, by a factor of 1.1 to 1.6; its networks
    read less of the test than those pruned by size, by 0.5 to 2 points.

The same for T5 (P13: selection solves in at least 15 of 20 runs, REINFORCE in at most 2; selection wins, by a factor
of 1.7 to 3) was committed with longer lists in faaa30f, and not run, for want of core-minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from evidence.runner import Context, Experiment, Rows, Unit
from evidence.runs.title_question import digits, lines, poles, topology

RUNS_OF_A_UNIT = 10
FIRST_TUNING_SEED = 1000
SHARES = {"smoke": 0.02, "laptop": 0.25, "full": 1.0}  # of the budgets
MILLION = 1_000_000
ORDER = ("T3a", "T3b", "T3c", "T4", "T5", "T1", "T2")
Run = Callable[..., Any]


@dataclass(frozen=True)
class Arm:
    """A way to do a task.

    Attributes:
        role: "trivial", "random search", "selection", "strategy", "plain gradient" or "reply".
        run: of seeds and a budget, and a setting's words.
        grid: the settings that are tried; one of them needs no trial.
        times: budgets; more than one where as many core-seconds are meant, not as many evaluations.
    """

    role: str
    run: Run
    grid: tuple[dict[str, Any], ...] = ({},)
    times: float = 1.0


@dataclass(frozen=True)
class Task:
    """A task of the scorecard.

    Attributes:
        title: in words.
        score: what the column of scores holds.
        larger: whether more of it is better.
        budget: evaluations; in T5 actions simulated.
        margin: differences below are ties: in points, or as a factor where less is better.
        arms: by name.
        n_tuning, tuning_share: on how many runs settings are tried, and with which share of the budget.
    """

    title: str
    score: str
    larger: bool
    budget: int
    margin: float
    arms: dict[str, Arm]
    n_tuning: int = 3
    tuning_share: float = 0.5


def _grid(**words: tuple[Any, ...]) -> tuple[dict[str, Any], ...]:
    """All combinations."""
    made: list[dict[str, Any]] = [{}]
    for name, values in words.items():
        made = [row | {name: value} for row in made for value in values]
    return tuple(made)


def _on_digits(kind: digits.Kind) -> dict[str, Arm]:
    ternary = kind.bits == 2
    rates = _grid(learning_rate=(0.003, 0.01, 0.03))
    if ternary:
        crowd = _grid(rate=(0.001, 0.002, 0.005, 0.01), scale=(0.0,), batch=(50,))
        parts = _grid(rate=(0.005, 0.01, 0.02, 0.05), scale=(0.0,), batch=(50, 200))
        cloud = _grid(sigma=(0.2, 0.4), learning_rate=(0.03, 0.1, 0.3))
    else:
        crowd = _grid(rate=(0.1, 1.0), scale=(0.05, 0.1, 0.2), batch=(50,))
        parts = _grid(rate=(0.1, 1.0), scale=(0.05, 0.1, 0.2), batch=(50, 200))
        cloud = _grid(sigma=(0.05, 0.1, 0.2), learning_rate=(0.01, 0.03, 0.1))
    gradient = partial(digits.by_gradient, kind)
    arms = {
        "smooth network, swapped": Arm("trivial", partial(gradient, how="trivial"), rates),
        "random search": Arm("random search", partial(digits.random_search, kind), _grid(std=(0.1, 0.3, 1.0))),
        "GA": Arm("selection", partial(digits.genetic, kind), crowd),
        "one neuron": Arm("selection", partial(digits.one_neuron, kind), parts),
        "ES": Arm("strategy", partial(digits.strategy, kind), cloud),
        "plain gradient": Arm("plain gradient", partial(gradient, how="plain"), rates),
        "straight-through": Arm("reply", partial(gradient, how="reply"), rates),
        "one neuron, as many seconds": Arm("selection", partial(digits.one_neuron, kind), parts, times=10),
    }
    if not ternary:
        arms["ES, as many seconds"] = Arm("strategy", partial(digits.strategy, kind), cloud, times=2)
    return arms


def _on_counts(task: lines.Counted) -> dict[str, Arm]:
    rates = _grid(learning_rate=(0.003, 0.01, 0.03, 0.1, 0.3, 1.0))
    scales, stds = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0), (0.1, 0.3, 1.0, 3.0, 10.0)
    starts = _grid(learning_rate=(0.1, 0.3, 1.0), starts=(10, 30, 100, 300), steepest=(30.0, 100.0))
    crowd = _grid(scale=scales, n_genomes=(30, 100, 300, 1000))
    cloud = _grid(sigma=(0.1, 0.3, 1.0, 3.0, 10.0), learning_rate=(0.03, 0.1, 0.3))
    gradient = partial(lines.by_gradient, task)
    reply = Arm("reply", partial(gradient, how="reply"), rates if task.threshold else starts)
    return {
        "always yes": Arm("trivial", partial(lines.trivial, task)),
        "random search": Arm("random search", partial(lines.random_search, task), _grid(std=stds)),
        "GA": Arm("selection", partial(lines.genetic, task), crowd),
        "(1+99)": Arm("selection", partial(lines.genetic, task, single=True), _grid(scale=scales)),
        "ES": Arm("strategy", partial(lines.strategy, task), cloud),
        "plain gradient": Arm("plain gradient", partial(gradient, how="plain"), rates),
        "moved threshold" if task.threshold else "annealed sigmoid": reply,
    }


def _topologies() -> dict[str, Arm]:
    crowd = _grid(start=(0.1, 0.3), scale=(0.05, 0.1, 0.2), price=(0.5, 2.0, 8.0))
    single = _grid(start=(0.1, 0.3), scale=(0.02, 0.05, 0.1), price=(2.0,))
    pruned = _grid(learning_rate=(0.01, 0.03, 0.1), keep=(0.8, 0.85, 0.9, 0.95), first=(0.1, 0.3))
    by_chance = partial(topology.in_rounds, by="chance")
    by_strategy = partial(topology.in_rounds, train=topology.by_strategy)
    return {
        "pruned by chance": Arm("trivial", by_chance, _grid(learning_rate=(0.01, 0.03), keep=(0.85, 0.9, 0.95))),
        "random search": Arm("random search", topology.random_search, _grid(share=(0.1, 0.3, 1.0))),
        "GA": Arm("selection", topology.genetic, crowd),
        "(1+99)": Arm("selection", partial(topology.genetic, single=True), single),
        "ES, pruned": Arm("strategy", by_strategy, _grid(learning_rate=(0.01, 0.03, 0.1), keep=(0.75, 0.85))),
        "plain gradient": Arm("plain gradient", topology.densely, _grid(learning_rate=(0.01,))),
        "pruned by size": Arm("reply", topology.in_rounds, pruned),
    }


def _poles() -> dict[str, Arm]:
    return {
        "untrained": Arm("trivial", poles.untrained),
        "random search": Arm("random search", poles.random_search, _grid(std=(1.0, 3.0))),
        "GA": Arm("selection", poles.genetic, _grid(scale=(0.2, 0.4), n_genomes=(50, 200))),
        "(1+99)": Arm("selection", partial(poles.genetic, single=True), _grid(scale=(0.3, 1.0))),
        "ES": Arm("strategy", poles.strategy, _grid(sigma=(0.1, 0.3), learning_rate=(0.1, 0.3))),
        "REINFORCE": Arm("reply", poles.reinforce, _grid(sigma=(0.3, 1.0), learning_rate=(0.03, 0.1))),
    }


def _counted(title: str, score: str, budget: int, task: lines.Counted) -> Task:
    # Cheap, so that settings can be tried at full length: with few tries an unlucky start looks like a bad setting.
    return Task(title, score, True, budget, 0.5, _on_counts(task), n_tuning=10, tuning_share=1.0)


TASKS = {
    "T1": Task("step units", "right on the test, %", True, 2 * MILLION, 0.5, _on_digits(digits.T1)),
    "T2": Task("ternary weights", "right on the test, %", True, 2 * MILLION, 0.5, _on_digits(digits.T2)),
    "T3a": _counted("a line among outliers", "right on the test, %", 2 * MILLION, lines.T3A),
    "T3b": _counted("F1 of a rare digit", "F1 on the test, %", 4 * MILLION, lines.T3B),
    "T3c": _counted("a plane among outliers", "right on the test, %", 2 * MILLION, lines.T3C),
    "T4": Task("fewest connections", "connections", False, 4 * MILLION, 1.1, _topologies(), 4, 1.0),
    "T5": Task("two poles, speeds hidden", "actions until solved", False, 600_000, 1.25, _poles()),
}


def units(seeds: list[int]) -> list[Unit]:
    """Task by task: its arms are tuned, then judged by the first seeds; more seeds come when all tasks are done."""
    made = []
    for seed in seeds:
        for name in ORDER:
            task = TASKS[name]
            if seed == seeds[0]:
                made += [Unit(f"tune {name}; {arm}", 0) for arm, how in task.arms.items() if len(how.grid) > 1]
            made += [Unit(f"{name}; {arm}", seed) for arm in task.arms]
    return made


def find(method: str) -> tuple[str, Task, str, Arm]:
    """A unit's task and arm, with their names."""
    name, _, arm = method.removeprefix("tune ").partition("; ")
    return name, TASKS[name], arm, TASKS[name].arms[arm]


def given(unit: Unit, finished: Mapping[Unit, Rows]) -> dict[str, Any] | None:
    """The setting of an arm that did best on validation, in the mean; None before it is tuned."""
    _, _, _, arm = find(unit.method)
    if unit.method.startswith("tune "):
        return {}
    if len(arm.grid) == 1:
        return {"setting": arm.grid[0]}
    tuned = finished.get(Unit(f"tune {unit.method}", 0))
    return tuned and {"setting": next(arm.grid[row["number"]] for row in tuned["tuning"] if row["chosen"])}


def run_unit(unit: Unit, context: Context) -> Rows:
    """Tune an arm (a row a setting), or judge it with ten seeds (a row a seed, and its curve)."""
    name, task, arm, how = find(unit.method)
    about = {"task": name, "arm": arm, "role": how.role}
    budget = round(task.budget * how.times * SHARES[context.size])
    if unit.method.startswith("tune "):
        seeds = range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + (2 if context.size == "smoke" else task.n_tuning))
        rows = []
        for number, setting in enumerate(context.bar(how.grid, unit, "setting")):
            finals = _finals(name, how.run(seeds, round(task.tuning_share * budget), **setting))
            mean = sum(row["validation"] for row in finals) / len(finals)
            rows.append(about | {"number": number, "setting": words(setting), "validation": mean})
        best = max(rows, key=lambda row: row["validation"])
        return {"tuning": [row | {"chosen": int(row is best)} for row in rows]}
    setting = context.given["setting"]
    n_runs = 2 if context.size == "smoke" else RUNS_OF_A_UNIT
    books = how.run(range(n_runs * unit.seed, n_runs * (unit.seed + 1)), budget, **setting)
    final = [about | {"setting": words(setting)} | row for row in _finals(name, books)]
    return {"finals": final, "curves": [about | row for row in books.curve]}


def _finals(name: str, books: Any) -> list[dict[str, Any]]:
    return topology.finals(books) if name == "T4" else books.finals()


def words(setting: Mapping[str, Any]) -> str:
    """A setting in words."""
    return ", ".join(f"{name} {value}" for name, value in setting.items())


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds."""
    return {
        "size": size,
        "share_of_budgets": SHARES[size],
        "first_tuning_seed": FIRST_TUNING_SEED,
        "runs_of_a_unit": RUNS_OF_A_UNIT,
        "tasks": {
            name: {
                "title": task.title,
                "score": task.score,
                "larger": task.larger,
                "budget": task.budget,
                "margin": task.margin,
                "tuning_seeds": task.n_tuning,
                "tuning_share": task.tuning_share,
                "arms": {arm: [how.role, how.times, [words(s) for s in how.grid]] for arm, how in task.arms.items()},
            }
            for name, task in TASKS.items()
        },
    }


def _seconds(unit: Unit, context: Context) -> float:
    return 60 * SHARES[context.size]


EXPERIMENT = Experiment(units, run_unit, settings, given, seconds=_seconds)
