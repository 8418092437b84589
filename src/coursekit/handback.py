"""After grading: free texts are marked, and marks, feedback and a report leave the folder of a class."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from coursekit.feedback import Lab
from coursekit.grade import ALL, ClassFolder, Summary, open_class
from coursekit.grading import exporting, marking, reporting, returning, similarity
from coursekit.grading.reading import Notebook, read_cells
from coursekit.grading.roster import ClassError
from coursekit.grading.rows import Entry
from coursekit.labs import lab_of
from coursekit.labs.samples import samples_of

__all__ = ["hand_back", "mark_texts"]


def hand_back(
    folder: str | Path,
    lab: str | int | None = None,
    *,
    labs: str | Path = "labs",
    export: str = "",
    feedback: bool = False,
    report: bool = False,
    similar: bool = False,
) -> Summary:
    """Write what leaves the class: marks for a platform, feedback for students, a report. Nothing is graded.

    Args:
        folder: of the class.
        lab: its number; without it, all labs that have been graded.
        labs: the folder of the labs as they were handed out.
        export: "canvas" or "moodle": marks as that platform imports them.
        feedback: a page for each student, in a zip file for the platform.
        report: which mistakes were how frequent, what to ask, the points, who is missing.
        similar: whose code is alike, beyond what was handed out and what `solutions`, beside `labs`, has.

    Raises:
        ClassError: something in the folder isn't what it should be, or a lab hasn't been graded.
    """
    summary = Summary()
    with open_class(folder, labs) as one:
        marks, numbers = [], [one.number(lab)] if lab is not None else one.graded()
        if not numbers:
            raise ClassError(f"no lab has been graded yet: `python3 course.py grade {folder} 01` grades lab 1")
        for number in numbers:
            checks, entries = lab_of(one.labs[number].name), one.look(number, Summary())
            marks.append(_marks(one, number, checks, entries))
            if feedback:
                paths, told = returning.write_feedback(one.folder, checks, entries)
                summary.sheets += paths
                summary.counts += told
            if similar:
                path, pairs = similarity.write_similar(
                    one.folder / f"similar-{number}.html",
                    f"Lab {checks.number}: {checks.title}",
                    one.collect(number)[0],
                    [one.labs[number].notebook, *_published(Path(labs), one.labs[number].name)],
                )
                summary.sheets.append(path)
                summary.to_ask += pairs
            if report:
                path, counted = reporting.write_report(one.folder, checks, entries)
                summary.sheets.append(path)
                summary.report += counted.lines()
        if export:
            paths, told = exporting.export(one.folder, export, marks, one.roster)
            summary.sheets += paths
            summary.to_look_at += told
        one.write_gradebook(Summary())
    return summary


def mark_texts(
    folder: str | Path,
    lab: str | int,
    *,
    labs: str | Path = "labs",
    blind: bool = False,
    port: int = 0,
    ready: Callable[[str], None] = print,
) -> Summary:
    """Serve the page on which the free texts of a lab are marked, until Ctrl-C; then write the tables.

    Args:
        folder, lab, labs: as for `hand_back`.
        blind: show codes for names.
        port: on which this machine is served; any free one if 0.
        ready: is told the page's address.

    Raises:
        ClassError: something in the folder isn't what it should be.
        OSError: the port can't be had.
    """
    summary = Summary()
    with open_class(folder, labs) as one:
        number = one.number(lab)
        checks, entries = lab_of(one.labs[number].name), one.look(number, Summary())
        with contextlib.suppress(KeyboardInterrupt):
            record, solution = (
                one.folder / "gradebook.sqlite",
                Path(labs).with_name("solutions") / one.labs[number].name,
            )
            samples = samples_of(checks, solution)
            marking.serve(record, number, checks, entries, samples, blind=blind, port=port, ready=ready)
        one.look(number, summary)
        one.write_gradebook(summary)
    return summary


def _published(labs: Path, name: str) -> list[Notebook]:
    """The published solution of a lab, if it is here."""
    return [read_cells(path) for path in (labs.parent / "solutions").rglob(name)]


def _marks(one: ClassFolder, number: str, checks: Lab, entries: Sequence[Entry]) -> exporting.Marks:
    """The totals of a lab, and what was said to them; what was typed into the gradebook goes before."""
    typed = one.record.typed(ALL)
    totals = {entry.student: typed.get(entry.student, {}).get(number, entry.cells["total"]) for entry in entries}
    said = {}
    for entry in entries:
        lines = [(f"{n}: ", entry.cells.get(f"{n} comment")) for n in marking.texts_of(checks)]
        said[entry.student] = "\n".join(n + text for n, text in [*lines, ("", entry.cells.get("comment"))] if text)
    points = sum(exercise.points for exercise in checks.exercises.values())
    return exporting.Marks(number, checks.title, points, totals, said)
