"""What lab 17 asks of a test of robustness: the same damages for all, shares of what was there, pairs by seed."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Student, TryAgain, comes_from_rng, compare, diagnose, hidden, refuse, seems

__all__ = ["judge_harness"]

Masks = NDArray[np.bool_]
Case = tuple[list[list[str]], int, int, int, Callable[[str, Any], float], Any]


@seems("function")
class _Lesion:
    """An accuracy that notes what it is asked: which network, and which of its units live."""

    def __init__(self, accuracy: Callable[[str, Any], float], names: set[str], n_units: int) -> None:
        self._accuracy, self._names, self._n_units = accuracy, names, n_units
        self.asked: list[tuple[str, Masks]] = []

    def __call__(self, network: Any, alive: Any) -> float:
        if not isinstance(network, str) or network not in self._names:
            raise TryAgain(
                f"accuracy takes one network and its mask, accuracy(network, alive); {self._given(network, alive)}"
            )
        mask = np.asarray(alive)
        refuse(
            mask.shape == () and not isinstance(alive, np.ndarray),
            f"`alive` should be an array of {self._n_units} times True or False, one for each unit; yours is a value "
            f"of type {type(alive).__name__}{': is something drawn from it?' if hasattr(alive, 'random') else '.'}",
        )
        refuse(
            mask.shape != (self._n_units,) or mask.dtype != np.bool_,
            f"`alive` should be an array of {self._n_units} times True or False, one for each unit; yours is "
            f"{mask.dtype} of shape {mask.shape}.",
        )
        self.asked.append((network, mask.copy()))
        return self._accuracy(network, mask)

    def _given(self, network: Any, alive: Any) -> str:
        if isinstance(alive, str) and alive in self._names:
            return "you give the network second: exchange the two."
        if isinstance(network, list | tuple):
            return (
                f"you give a {type(network).__name__} as the network. Go through the groups, and the networks of each."
            )
        shown = repr(network)[:30] if isinstance(network, str | int | float) else f"a {type(network).__name__}"
        return f"you give {shown} as the network, and no group of `groups` holds that."


def _units(n: int) -> str:
    return "1 unit is" if n == 1 else f"{n} units are"


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def _judge_sizes(damaged: dict[str, list[Masks]], measured_intact: bool, n_lost: int) -> None:
    """TryAgain unless each damage takes as many units as it should."""
    every = [mask for masks in damaged.values() for mask in masks]
    lost, n_units = {int((~mask).sum()) for mask in every}, len(every[0])
    fewest, most, turned = min(lost), max(lost), n_units - n_lost
    pairs = [pair for masks in damaged.values() for pair in pairwise(masks)]
    due = f"it should be {n_lost} each time"
    diagnose(
        {
            "accuracy is called with no unit alive, and never with all of them. True is for a unit that lives: is the "
            "array for the intact network turned round?": lost == {n_lost, n_units} and not measured_intact,
            f"{turned} units are lost and {n_lost} live; {n_lost} should be lost. True is for a unit that lives: are "
            "your masks the wrong way round, or too many units drawn?": turned != n_lost
            and turned in lost <= {turned, n_units},
            f"each damage keeps what the one before it has lost, so that first {_units(fewest)} lost and in the end "
            f"{most}; {due}. Begin every damage with all units alive.": len(lost) > 1
            and not any((~before & after).any() for before, after in pairs),
            f"sometimes {_units(fewest)} lost and sometimes {most}; {due}. Are the {n_lost} places all different, "
            "drawn without replacement, or is their number left to chance?": fewest < most <= n_lost,
            f"sometimes {_units(fewest)} lost and sometimes {most}; {due}: that many different places, in an array in "
            "which all other units live.": fewest < most,
            f"no unit lives in any of your damages, where {n_lost} should be lost. Does an array begin with all units "
            "alive, and is there a new one for each draw?": lost == {n_units},
            f"{_units(fewest)} lost each time; it should be {n_lost}.": lost != {n_lost},
        }
    )


def _judge_who(measured: list[list[bool]]) -> None:
    """TryAgain unless all networks of all groups are measured with units lost."""
    missing = [(g, s) for g, row in enumerate(measured) for s, done in enumerate(row) if not done]
    if not missing:
        return
    g, s = missing[0]
    last, seeds = len(measured[0]) - 1, sorted({s for _, s in missing})
    many = "Is there a loop over all networks of a group, and does it go on to its end?"
    ends = "Does a slice or a range over a group leave it out, or a loop end early?"
    behind = "Is something called once, behind the loop over networks, and not for each of them?"
    which = {
        (last,): f"the last network of every group, groups[{g}][{s}] for one, is never measured with a unit lost; all "
        f"others are. {ends}",
        (0,): "the first network of every group, groups[0][0] for one, is never measured with a unit lost; all others "
        f"are. {ends}",
        tuple(range(1, last + 1)): "of every group the first network alone is measured with a unit lost; groups[0][1], "
        f"for one, isn't. {many}",
        tuple(range(last)): "of every group the last network alone is measured with a unit lost; groups[0][0], for "
        f"one, isn't. {behind}",
    }
    if len(missing) == len(seeds) * len(measured) and tuple(seeds) in which:
        raise TryAgain(which[tuple(seeds)])
    who = f"groups[{g}][{s}] is never" if any(measured[g]) else f"no network of groups[{g}] is ever"
    done = [f"groups[{g}][{s}]" for g, row in enumerate(measured) for s, is_measured in enumerate(row) if is_measured]
    refuse(
        len(done) == 1,
        f"{''.join(done[:1])} alone is ever measured with a unit lost. Is there a loop over all groups and all their "
        "networks, and does what measures one look at the network that it is given, or at an earlier one?",
    )
    raise TryAgain(f"{who} measured with a unit lost; others are. All groups should be, the control too.")


def _judge_masks(asked: list[tuple[str, Masks]], groups: list[list[str]], n_lost: int, n_draws: int) -> Masks:
    """The damages that every network suffered, (n_draws, n_units); TryAgain if they aren't the same, or aren't fair."""
    refuse(
        not asked,
        f"with {len(groups)} groups accuracy is never called, and so no network is measured: accuracy(network, alive) "
        "does it with these units alive. Does your loop leave groups out, or end early, or does nothing in it call "
        "accuracy?",
    )
    place = {name: f"groups[{g}][{s}]" for g, group in enumerate(groups) for s, name in enumerate(group)}
    damaged: dict[str, list[Masks]] = {name: [] for name in place}
    intact = Counter(name for name, mask in asked if mask.all())
    for name, mask in asked:
        if not mask.all():
            damaged[name].append(mask)
    first, often = max(intact.items(), key=lambda one: one[1], default=("", 0))
    refuse(
        not any(damaged.values()) and often >= max(2, n_draws),
        f"{place.get(first)} is measured {_times(often)}, and each time all its units live: {n_draws} times it should "
        f"lose {n_lost}. Is False ever put into the masks, and do these reach accuracy?",
    )
    refuse(
        not any(damaged.values()),
        "no network is ever measured with a unit lost: call accuracy(network, alive) with each damage as `alive`, too, "
        "False where a unit is lost.",
    )
    rarest = sorted(damaged.items(), key=lambda one: len(one[1]))  # a control may be measured again for each group
    for name, masks in rarest:
        refuse(
            masks and intact[name] >= max(2, n_draws - len(masks)) and len(masks) < n_draws,
            f"{place[name]} is measured {_times(len(masks))} with units lost and {_times(intact[name])} with none: "
            f"each of the {n_draws} damages should take {n_lost}.",
        )
    _judge_sizes(damaged, bool(intact), n_lost)
    _judge_who([[bool(damaged[name]) for name in group] for group in groups])
    for name, masks in rarest:
        refuse(
            len(masks) % n_draws,
            f"{place[name]} is measured with {len(masks)} damages, of the {n_draws} that are asked for.",
        )
    suffered = {name: sorted(m.tobytes() for m in masks)[:: len(masks) // n_draws] for name, masks in damaged.items()}
    by_group = all(suffered[name] == suffered[group[0]] for group in groups for name in group)
    by_seed = all(
        suffered[name] == suffered[own] for group in groups for name, own in zip(group, groups[0], strict=True)
    )
    alike = "those of one group do, " if by_group else "those of one seed do, " if by_seed else ""
    refuse(
        not (by_group and by_seed),
        f"the networks don't lose the same units ({alike}all should), so some may be luckier than others. Are the "
        "masks drawn once, before any loop over groups or networks, and left as they are?",
    )
    for name, where in place.items():
        refuse(
            not intact[name],
            f"{where} isn't measured intact, with all units alive, so you can't know which share of it is left.",
        )
    return np.array(min(damaged.values(), key=len))


def _judge_draws(masks: Masks, n_lost: int) -> None:
    """TryAgain unless hundreds of damages look as if any set of units could be lost."""
    n_draws, n_units = masks.shape
    different = len({mask.tobytes() for mask in masks})
    refuse(
        different == 1,
        "all draws lose the same units: each of the `n_draws` masks is drawn anew, from `rng` as it goes on. Is there "
        "one draw for all, a generator that begins anew, or one array that all masks share?",
    )
    share = (~masks).mean(axis=0)
    off = int(np.argmax(np.abs(share - n_lost / n_units)))
    refuse(
        abs(share[off] - n_lost / n_units) > 0.12,
        f"unit {off} is lost in {100 * share[off]:.0f} % of {n_draws} draws; with {n_lost} of {n_units} lost it should "
        f"be {100 * n_lost / n_units:.0f} %: every unit has the same chance.",
    )
    refuse(
        different < 0.7 * comb(n_units, n_lost),
        f"among {n_draws} draws there are only {different} different ones: any {n_lost} of the units may be lost "
        "together, not neighbours alone, nor always the same partners, and each draw is one of its own.",
    )


# --- Values ---------------------------------------------------------------------------------------------------------


def _draw(n_units: int, n_lost: int, n_draws: int, rng: np.random.Generator) -> Masks:
    masks = np.ones((n_draws, n_units), dtype=bool)
    for mask in masks:
        mask[rng.permutation(n_units)[:n_lost]] = False
    return masks


class _Seen:
    """The masks that a student's function drew, by case, so that the right answer is about the same damages."""

    def __init__(self) -> None:
        self.masks: dict[Any, Masks] = {}

    def tables(self, case: Case) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Accuracies after each damage, (groups, seeds, draws), and intact, (groups, seeds)."""
        groups, n_units, n_lost, n_draws, accuracy, rng = case
        drawn = isinstance(rng, np.random.Generator)
        masks = _draw(n_units, n_lost, n_draws, rng) if drawn else self.masks[_key(case)]
        hurt = [[[accuracy(name, mask) for mask in masks] for name in group] for group in groups]
        whole = [[accuracy(name, np.ones(n_units, dtype=bool)) for name in group] for group in groups]
        return np.array(hurt), np.array(whole)


def _key(case: Case) -> Any:
    groups, n_units, n_lost, n_draws, _, seed = case
    return str(groups), n_units, n_lost, n_draws, seed


def _case(seed: int, n_groups: int, n_seeds: int, n_units: int, n_lost: int, n_draws: int) -> Case:
    """Networks that are names, of very different accuracy and frailty."""
    rng = np.random.default_rng(hidden(seed))
    groups = [[f"{'ABCDEF'[g]}{s}" for s in range(n_seeds)] for g in range(n_groups)]
    intact = {name: rng.uniform(0.5, 1.0) for group in groups for name in group}
    frail = {name: rng.uniform(0.0, 0.3, n_units) for group in groups for name in group}

    def accuracy(network: str, alive: Any) -> float:
        return float(intact[network] * np.prod(1 - frail[network][~np.asarray(alive)]))

    return groups, n_units, n_lost, n_draws, accuracy, seed


def judge_harness(student: Student) -> None:
    """Protocol first (who loses what), then the numbers for the damages that were drawn."""
    seen = _Seen()

    def damages(case: Case, rng: np.random.Generator) -> tuple[Any, Masks]:
        groups, n_units, n_lost, n_draws, accuracy, _ = case
        lesion = _Lesion(accuracy, {name for group in groups for name in group}, n_units)
        answer = student(groups, n_units, n_lost, n_draws, lesion, rng)
        return answer, _judge_masks(lesion.asked, groups, n_lost, n_draws)

    def run(*case: Any) -> Any:
        answer, seen.masks[_key(case)] = damages(case, np.random.default_rng(hidden(case[-1])))
        return answer

    many = _case(9, 3, 3, 10, 3, 400)
    _judge_draws(damages(many, np.random.default_rng(hidden(9)))[1], 3)
    comes_from_rng(lambda rng: damages(_case(8, 2, 2, 20, 7, 6), rng)[1], np.random.default_rng)

    def told(change: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        return lambda *case: change(*seen.tables(case))

    def kept(hurt: Any, whole: Any) -> Any:
        return hurt.mean(axis=2) / whole

    def paired(table: Any) -> Any:
        return table[1:] - table[0]

    compare(
        Student(run, student.parameters),
        returns="robustness",
        by_hand=[],
        others=[_case(1, 2, 3, 8, 2, 5), _case(2, 3, 4, 12, 5, 7), _case(3, 4, 2, 6, 1, 4)],
        right=told(lambda hurt, whole: paired(kept(hurt, whole))),
        mistakes={
            "you compare accuracies after the damage. A group that was better before would look tough: divide by each "
            "network's own intact accuracy.": told(lambda hurt, whole: paired(hurt.mean(axis=2))),
            "you compare points lost (intact less damaged). Take the share that is kept, damaged / intact: who has "
            "more can lose more.": told(lambda hurt, whole: paired(whole - hurt.mean(axis=2))),
            "you compare points lost, the other way round. Take the share that is kept, damaged / intact: who has more "
            "can lose more.": told(lambda hurt, whole: paired(hurt.mean(axis=2) - whole)),
            "robust groups come out below 0, fragile ones above. Is what is *lost* compared, or the treated group "
            "taken off the control?": (told(lambda hurt, whole: -paired(kept(hurt, whole)))),
            "you return the share that is kept, of the treated groups. Take off the control's, seed by seed.": (
                told(lambda hurt, whole: kept(hurt, whole)[1:])
            ),
            "you return the share that the control keeps. It goes off that of each treated group, seed by seed.": (
                told(lambda hurt, whole: np.repeat(kept(hurt, whole)[:1], len(whole) - 1, axis=0))
            ),
            "you return the share that is kept, of all groups. Take off the control's, seed by seed, and leave the "
            "control out.": told(kept),
            "the control is compared with itself, in a row of zeros: leave it out, groups[1:].": (
                told(lambda hurt, whole: kept(hurt, whole) - kept(hurt, whole)[0])
            ),
            "you take off the control's *mean*. Networks of one seed had the same start, so take off the control of "
            "the same seed.": told(lambda hurt, whole: kept(hurt, whole)[1:] - kept(hurt, whole)[0].mean()),
            "you divide by the control's share; take the difference.": (
                told(lambda hurt, whole: kept(hurt, whole)[1:] / kept(hurt, whole)[0])
            ),
            "you *add* the control's share: take it off.": (
                told(lambda hurt, whole: kept(hurt, whole)[1:] + kept(hurt, whole)[0])
            ),
            "you multiply by the intact accuracy: divide by it.": (
                told(lambda hurt, whole: paired(hurt.mean(axis=2) * whole))
            ),
            "you average over the seeds: return a row for each treated group and a column for each seed.": (
                told(lambda hurt, whole: paired(kept(hurt, whole)).mean(axis=1))
            ),
            "you average over the groups: return a row for each treated group and a column for each seed.": (
                told(lambda hurt, whole: paired(kept(hurt, whole)).mean(axis=0))
            ),
            "you average over nothing: take the mean over the damages, which is what a network keeps.": (
                told(lambda hurt, whole: paired(hurt / whole[..., None]))
            ),
            "you divide by the intact accuracy of the *control*: divide by the network's own.": (
                told(lambda hurt, whole: paired(hurt.mean(axis=2) / whole[0]))
            ),
            "you divide by the group's mean intact accuracy: divide by the network's own.": (
                told(lambda hurt, whole: paired(hurt.mean(axis=2) / whole.mean(axis=1, keepdims=True)))
            ),
            "you keep the worst damage; take the mean over all.": (
                told(lambda hurt, whole: paired(hurt.min(axis=2) / whole))
            ),
            "you keep the mildest damage; take the mean over all.": (
                told(lambda hurt, whole: paired(hurt.max(axis=2) / whole))
            ),
            "you take the median of the damages; take their mean.": (
                told(lambda hurt, whole: paired(np.median(hurt, axis=2) / whole))
            ),
            "only the first damage counts: take the mean over all.": (
                told(lambda hurt, whole: paired(hurt[..., 0] / whole))
            ),
            "only the last damage counts: take the mean over all. Is the result overwritten in the loop?": (
                told(lambda hurt, whole: paired(hurt[..., -1] / whole))
            ),
            "you add up the damages; take their mean.": told(lambda hurt, whole: paired(hurt.sum(axis=2) / whole)),
            "the control is the first group, groups[0]; you take the last one.": (
                told(lambda hurt, whole: kept(hurt, whole)[:-1] - kept(hurt, whole)[-1])
            ),
            "the shares are upside down: damaged / intact, not intact / damaged.": (
                told(lambda hurt, whole: paired(whole / hurt.mean(axis=2)))
            ),
            "the control is groups[0]; you take groups[1] off each treated group.": (
                told(lambda hurt, whole: kept(hurt, whole)[1:] - kept(hurt, whole)[1])
            ),
            "the control is groups[0]; you take the last group off each treated group.": (
                told(lambda hurt, whole: kept(hurt, whole)[1:] - kept(hurt, whole)[-1])
            ),
            "the first treated group is left out: the control is groups[0] alone.": (
                told(lambda hurt, whole: paired(kept(hurt, whole))[1:])
            ),
            "the last treated group is left out: the treated ones are groups[1:].": (
                told(lambda hurt, whole: paired(kept(hurt, whole))[:-1])
            ),
            "the damages have no part in what you return: it is made of the accuracies with all units alive.": (
                told(lambda hurt, whole: paired(whole))
            ),
            "every entry is 0: is a network compared with itself, or nothing put into a table?": (
                told(lambda hurt, whole: 0 * paired(whole))
            ),
            "each group is compared with the one before it. Compare each with the control, groups[0].": (
                told(lambda hurt, whole: np.diff(kept(hurt, whole), axis=0))
            ),
        },
    )
