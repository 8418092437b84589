"""What lab 12 asks of a split by family: whole families in one part each, every family equally often in the test."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from coursekit.feedback import Student, TryAgain, comes_from_rng, diagnose, hidden, refuse

__all__ = ["judge_split"]


def _told(value: Any) -> str:
    """A value with its type; the type alone of what may look otherwise in another process."""
    kind = f"of type {type(value).__name__}"
    return f"{value!r:.40}, {kind}" if isinstance(value, str | int | float | list | tuple) else f"something {kind}"


def _one(found: list[Any]) -> str:
    """The first of what was found, where there is one: messages are written before it is known which is said."""
    return repr(found[0]) if found else ""


def _numbers(name: str, part: Any, families: list[str]) -> list[int]:
    """The face numbers of one part; TryAgain if it holds something else."""
    holds = f"{name} should be a flat list of face numbers, places in `families`; yours"
    listed = part.tolist() if hasattr(part, "tolist") else part
    refuse(isinstance(listed, str) or not isinstance(listed, Iterable), f"{holds} is {_told(listed)}.")
    numbers = [one.item() if getattr(one, "ndim", None) == 0 else one for one in listed]
    first, *_ = [one for one in numbers if isinstance(one, bool) or not isinstance(one, int)] or [0]
    diagnose(
        {
            f"{name} holds names; give the numbers of the faces, their places in `families`.": (
                isinstance(first, str) and first in families
            ),
            f"{name} holds True and False; give the numbers of the faces.": isinstance(first, bool),
            f"{holds} is nested, and holds {_told(first)}.": isinstance(first, Iterable) and not isinstance(first, str),
            f"{holds} holds {_told(first)}.": not isinstance(first, int),
            f"{name} holds {len(numbers)} numbers, as many as there are faces, and all are 0 or 1. Do they say which "
            "faces are in it? Give the faces' numbers, those where it is 1.": (
                len(numbers) == len(families) and set(numbers) == {0, 1}
            ),
        }
    )
    return numbers


def _split(
    student: Student, families: list[str], n_test: int, n_validation: int, rng: np.random.Generator
) -> list[list[int]]:
    """The student's three lists of face numbers."""
    answer = student(families, n_test, n_validation, rng)
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        kind = f"{len(answer)} things" if isinstance(answer, tuple | list) else f"a {type(answer).__name__}"
        raise TryAgain(f"return three lists, (train, validation, test); you return {kind}.")
    names = ("train", "validation", "test")
    parts = [_numbers(name, part, families) for name, part in zip(names, answer, strict=True)]
    flat = [number for part in parts for number in part]
    last = len(families) - 1
    strange = [number for number in flat if not 0 <= number <= last]
    twice = [number for number, count in Counter(flat).items() if count > 1]
    within = [
        f"{name} holds face {one} twice"
        for name, part in zip(names, parts, strict=True)
        for one in part
        if part.count(one) > 1
    ]
    missing = sorted(set(range(last + 1)) - set(flat))
    train, validation, test = ({families[i] for i in part if 0 <= i <= last} for part in parts)
    n_families = len(set(families))
    lost = {families[face] for face in missing} - (train | validation | test)
    whole = f"so is its whole family, {_one(sorted(lost))}" if lost else "others of its family are in one"
    rule = "train is all that the two others leave."
    if len(test) < n_test or len(validation) < n_validation:
        rule = "do your slices leave a name out, or does a loop leave out a face?"
    elif not lost:
        rule = "is each face of a family dealt out?"
    hold = (
        f"Train, validation and test hold {len(train)}, {len(validation)} and {len(test)} of {n_families} families, "
        f"where {n_families - n_test - n_validation}, {n_validation} and {n_test} are asked for"
    )
    diagnose(
        {
            f"there is no face {_one(strange)}: they are numbered 0 to {last}, their places in `families`.": strange,
            f"all three parts are empty, for {last + 1} faces of {n_families} families: is anything put into them?": (
                not flat
            ),
            f"{''.join(within[:1])}. Is the name of its family drawn twice, or the face put in twice?": within,
            f"face {_one(twice)} is in two parts. {hold}: face i goes by its own name, families[i], train is what "
            "the two others leave, and each name is dealt out once, sorted(set(families)).": twice
            and train == set(families),
            f"face {_one(twice)} is in two parts. {hold}: do your slices of the names overlap, or are a family's "
            "faces looked for side by side?": (twice and (len(test) > n_test or len(validation) > n_validation)),
            f"face {_one(twice)} is in two parts. {hold}. Is a name drawn more than once (`families` has it once for "
            "each of its faces, sorted(set(families)) has each once), or do your slices overlap?": twice,
            f"face {_one(missing)} is in none of the three parts, and {whole}. {hold}: {rule}": missing,
        }
    )
    return parts


_MANY = ["Sans"] * 8 + ["Serif"] * 4 + ["Roman"] * 4 + ["Script", "Sans Mono", "Sans", "Sans Mono", "Gothic", "Round"]
_FEW = ["b", "a", "c", "a", "b", "d", "a", "e"]


def _judge_parts(families: list[str], parts: list[list[int]], n_test: int, n_validation: int) -> None:
    """TryAgain unless whole families stand in one part each, as many as are asked for."""
    names = [{families[face] for face in part} for part in parts]
    train, validation, test = names
    asked = f"n_test = {n_test}, n_validation = {n_validation}"
    shared = sorted((train & test) | (validation & test)) or sorted(train & validation)
    where = "train and test" if train & test else "validation and test" if validation & test else "train and validation"
    part_of = {face: number for number, part in enumerate(parts) for face in part}
    neighbours = [face for face in range(1, len(families)) if families[face] == families[face - 1]]
    torn = any(part_of[face] != part_of[face - 1] for face in neighbours)
    example = shared[:1] and [face for face, family in enumerate(families) if family == shared[0]][:4]
    holds = [
        (one, other) for part in (test, validation) for one in part for other in part if one != other and one in other
    ]
    short, long = holds[0] if holds else ("", "")
    fewer = [len(part - {other for _, other in holds}) for part in names]  # without those that hold another's name
    got, wanted = [len(part) for part in names], [len(set(families)) - n_test - n_validation, n_validation, n_test]
    diagnose(
        {
            f"family {_one(shared)} stands in {where} (its faces are {example}, ...). Are faces dealt out, and not "
            f"names? {asked} count families, and a family goes to one part with all its faces.": shared and torn,
            f"family {_one(shared)} stands in {where}: its faces are {example}, ... A face tells on its relatives, "
            "so all of a family belong in one part, also where they don't stand side by side in `families`.": shared,
            f"{asked}, and train, validation and test hold {', '.join(map(str, got))} families, not "
            f"{', '.join(map(str, wanted))}: the right numbers, in another order. Are the lists returned as train, "
            "validation, test; are n_test and n_validation exchanged; or is a condition turned round?": (
                got != wanted and sorted(got) == sorted(wanted)
            ),
            f"the family {long!r} goes where {short!r} goes, and holds its name. Is it asked whether a text is in a "
            "text? Ask whether the whole name is among those that were drawn.": (
                bool(holds) and fewer[1:] == wanted[1:] and got != wanted
            ),
            f"{asked}, and train, validation and test hold {', '.join(map(str, got))} families, not "
            f"{', '.join(map(str, wanted))}: families are counted, not faces. Are as many names taken as are due, "
            "is none drawn twice, and is no condition turned round?": got[2] != n_test,
            f"{asked}, and train, validation and test hold {', '.join(map(str, got))} families, not "
            f"{', '.join(map(str, wanted))}: where does a family go that wasn't drawn?": got[0] == 0
            and got[2] == n_test,
            f"{asked}, and your validation holds {got[1]} families: n_validation counts families, each once.": (
                got[1] != n_validation
            ),
        }
    )


def judge_split(student: Student) -> None:
    """Four kinds of splits, and four hundred of the first kind."""
    tested: Counter[str] = Counter()
    draws = []
    n_draws = 400
    for families, n_test, n_validation in ((_MANY, 2, 1), (_MANY, 2, 3), (_FEW, 1, 1), (_FEW, 2, 1)):
        for seed in range(6):
            parts = _split(student, families, n_test, n_validation, np.random.default_rng(hidden(seed)))
            _judge_parts(families, parts, n_test, n_validation)
    for seed in range(n_draws):
        parts = _split(student, _MANY, 2, 1, np.random.default_rng(hidden(seed)))
        _judge_parts(_MANY, parts, 2, 1)
        of = tuple(sorted({_MANY[face] for face in parts[2]}))
        tested.update(of)
        draws.append(of)
    # Of 105 splits two agree by chance once in 105 pairs; five pairs never do.
    comes_from_rng(
        lambda rng: [[sorted(part) for part in _split(student, _MANY, 2, 1, rng)] for _ in range(5)],
        np.random.default_rng,
        elsewhere="two calls with the same `rng` give two splits, so there is another source of randomness: draw from "
        "rng alone.",
        inside="the test families are the same for every `rng`: let rng.permutation(names) decide who they are.",
    )
    names = sorted(set(_MANY))
    share = {name: tested[name] / n_draws for name in names}
    fair = 2 / len(names)
    large, small = share["Sans"], np.mean([share[name] for name in ("Script", "Gothic", "Round")])
    often = f"'Sans' in {100 * large:.0f} % of {n_draws} splits, those of one face in {100 * small:.0f} %"
    odd = max(names, key=lambda name: abs(share[name] - fair))
    never = [name for name in names if tested[name] == 0]
    diagnose(
        {
            "the test families are the same for every `rng`: let rng.permutation(names) decide who they are.": (
                len(set(draws)) == 1
            ),
            f"{_one(never)} is never in the test, in {n_draws} splits: each family should have the same chance.": never,
            f"large families are in the test more often than small ones: {often}. Do you draw faces, and take their "
            "families? Draw from the *names*, each once: sorted(set(families)).": large > fair + 0.12 and large > small,
            f"small families are in the test more often than large ones: {often}. Every family should have the same "
            "chance.": large < fair - 0.12,
            f"not every family is in the test equally often: {odd} is in {100 * share[odd]:.0f} % of {n_draws} splits, "
            f"where {100 * fair:.0f} % are due. Shuffle the names once, and cut.": abs(share[odd] - fair) > 0.12,
        }
    )
