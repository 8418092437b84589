"""The course's tools: `python -m coursekit COMMAND`, which `python3 course.py COMMAND` calls."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

_GRADE = """Grade what a class has handed in. `grade CLASS --new` makes its folder; put what the learning platform gives
into CLASS/01, CLASS/02 and so on; `grade CLASS 01` writes CLASS/marks-01.csv, which you may type into. The same command
goes on where it was stopped."""

_VARIANTS = """Write a notebook for each student of CLASS/roster.csv into CLASS/variants: constants and hidden cases of
their own, from the key of the class and the student's number. `grade` reads the key, CLASS/key.txt, and judges each by
the same: keep it to yourself."""

_REFEREE = """Look through a capstone: missing seeds, unequal budgets, numbers without an interval or a cell, the test
set, the locked prediction. Nothing is run. Ends with 1 if something was found."""
_LADDER = """Run a strategy in ask/tell form on 784-64-10 from raw pixels, by its scores alone, in a process of its own,
below the rungs of chapter 13. A folder of files becomes a table; the same command goes on where it was stopped."""
_QUIZZES = """Bring the numbers of book/quizzes up to date with their chapters, and say what is wrong with a quiz. With
--qti or --sheet also write them for a learning platform or for paper. Ends with 1 if something is wrong."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 course.py", description="Tools of Descent with Modification.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    execute = commands.add_parser("execute", help="run notebooks and normalise what is committed")
    execute.add_argument("notebooks", nargs="+", type=Path)
    execute.add_argument(
        "--text-only", action="store_true", help="run nothing: take the text's numbers from the outputs"
    )

    labs = commands.add_parser("labs", help="generate labs/ from solutions/")
    labs.add_argument("--check", action="store_true", help="change nothing; fail if a lab differs from its source")
    for system in ("nbgrader", "otter"):
        labs.add_argument(
            f"--{system}", type=Path, metavar="FOLDER", help=f"write assignments for {system} there instead"
        )

    grade = commands.add_parser("grade", help="grade what a class has handed in", description=_GRADE)
    grade.add_argument("folder", type=Path, metavar="CLASS", help="the folder of the class")
    grade.add_argument("lab", nargs="?", help="number of the lab, for example 01; without it, only the tables are made")
    grade.add_argument("--new", action="store_true", help="make the folder of a class, or what is missing of it")
    grade.add_argument("--student", action="append", default=[], metavar="ID", help="grade this student again")
    grade.add_argument("--exercise", action="append", default=[], metavar="N.N", help="grade this exercise again")
    grade.add_argument("--again", action="store_true", help="grade everybody again")
    grade.add_argument("--jobs", type=int, default=1, metavar="N", help="notebooks at a time (default 1)")
    grade.add_argument("--scheduler", metavar="ADDRESS", help="of Dask, whose workers grade, such as tcp://host:8786")
    grade.add_argument(
        "--timeout", type=float, default=60, metavar="SECONDS", help="of computing, for each cell (default 60)"
    )
    grade.add_argument(
        "--unsafe", action="store_true", help="run students' code without walls where none can be had: read the guide"
    )
    after = grade.add_argument_group("when it is graded", "nothing is graded by these; without LAB, all graded labs")
    after.add_argument("--mark", action="store_true", help="mark the free texts of LAB on a page of this machine")
    after.add_argument("--blind", action="store_true", help="with --mark: without names")
    after.add_argument("--port", type=int, default=0, help="with --mark: of the page (default: any free one)")
    after.add_argument("--feedback", action="store_true", help="a page for each student, zipped for the platform")
    after.add_argument("--export", choices=("canvas", "moodle"), help="marks as a platform imports them")
    after.add_argument("--report", action="store_true", help="frequent mistakes, what to ask, points, who is missing")
    after.add_argument("--similar", action="store_true", help="whose code is alike: questions (needs copydetect)")

    variants = commands.add_parser("variants", help="make each student's own labs", description=_VARIANTS)
    variants.add_argument("folder", type=Path, metavar="CLASS", help="the folder of the class")
    variants.add_argument("lab", nargs="?", default="", help="number of the lab; without it, all labs")
    variants.add_argument("--key", default="", help="the key of the class (default: the one it has, or a random one)")

    measure = commands.add_parser("measure", help="count the words, the code and the minutes of chapters")
    measure.add_argument("notebooks", nargs="*", help="default: all chapters")
    measure.add_argument("--before", metavar="REVISION", help="show the numbers of a git revision beside today's")
    measure.add_argument("--json", action="store_true", help="for programs")

    referee = commands.add_parser("referee", help="look through the report of a capstone", description=_REFEREE)
    referee.add_argument("notebook", type=Path)
    referee.add_argument("--rerun", action="store_true", help="run a copy, too, and compare: this runs its code")

    ladder = commands.add_parser("ladder", help="run a strategy beside chapter 13's rungs", description=_LADDER)
    ladder.add_argument("place", type=Path, metavar="FILE|FOLDER", help="a file with a class Strategy, or many")
    ladder.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds 0 ... N-1 (default 3)")
    ladder.add_argument("--evaluations", type=int, default=2_600_000, metavar="N", help="fewer, for trying out")
    ladder.add_argument("--core-seconds", type=float, default=30, metavar="S", help="of its own, a seed (default 30)")
    ladder.add_argument("--test", action="store_true", help="open the test set: when nothing more will be changed")
    ladder.add_argument("--again", action="store_true", help="run everybody again")
    ladder.add_argument("--unsafe", action="store_true", help="without walls where none can be had: read the guide")

    quizzes = commands.add_parser("quizzes", help="look through the quizzes, and export them", description=_QUIZZES)
    quizzes.add_argument("chapters", nargs="*", type=int, metavar="CHAPTER", help="numbers; default: all")
    quizzes.add_argument("--qti", type=Path, metavar="FOLDER", help="write a QTI 2.1 package for each chapter there")
    quizzes.add_argument("--sheet", type=Path, metavar="FILE", help="write a page to print, with a key: quizzes.html")

    slides = commands.add_parser("slides", help="make slides for a lecture from chapters")
    slides.add_argument("chapters", nargs="*", metavar="CHAPTER", help="numbers; default: all")
    slides.add_argument("--out", type=Path, default=Path("_build", "slides"), metavar="FOLDER")

    lite = commands.add_parser("lite", help="build a site on which labs run in a browser")
    lite.add_argument("target", type=Path, metavar="FOLDER", help="of the site; what it holds is replaced")

    trust = commands.add_parser("trust", help="let JupyterLab show what these notebooks hold as HTML")
    trust.add_argument("notebooks", nargs="*", type=Path)

    commands.add_parser("doctor", help="check this machine and say how to mend what is wrong")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0 done, 1 found something wrong, 2 bad input, 130 interrupted."""
    arguments = _parser().parse_args(argv)
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        if os.environ.get("NEUROEVO_DEBUG"):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2


def _dispatch(arguments: argparse.Namespace) -> int:
    # Each command imports what it needs: `--help` and `labs` should not wait for torch.
    match arguments.command:
        case "execute":
            from coursekit import quizzes
            from coursekit.execute import execute

            execute(arguments.notebooks, text_only=arguments.text_only)
            for chapter in arguments.notebooks:
                quiz = Path("book", "quizzes", chapter.stem + ".md")
                if chapter.parent.name == "notebooks" and quiz.is_file():
                    quizzes.bring_up_to_date(quiz, chapter)
        case "labs":
            from coursekit.make_labs import build_labs, check_labs

            folders = {Path("solutions", sub): Path("labs", sub) for sub in ("", "broken")}
            if arguments.check:
                differing = {lab: source for source, target in folders.items() for lab in check_labs(source, target)}
                for lab, source in differing.items():
                    print(f"{lab} is not what {source / lab.name} generates: run `python3 course.py labs`")
                return 1 if differing else 0
            if arguments.nbgrader or arguments.otter:
                from coursekit.conversion import FORMATS, convert

                for system in FORMATS:
                    if folder := getattr(arguments, system):
                        convert(sorted(Path("solutions").glob("*.ipynb")), system, folder)
                        print(f"made {folder}")
                return 0
            for source, target in folders.items():
                print(*build_labs(source, target), sep="\n")
        case "grade":
            from coursekit import grade, handback

            if arguments.new:
                for path in grade.set_up_class(arguments.folder):
                    print(f"made {path}")
                return 0
            if arguments.mark:
                if arguments.lab is None:
                    raise ValueError("--mark needs the number of a lab")
                asked = {"blind": arguments.blind, "port": arguments.port}
                print(handback.mark_texts(arguments.folder, arguments.lab, ready=_open_page, **asked))
                return 0
            if arguments.feedback or arguments.export or arguments.report or arguments.similar:
                wanted = {"export": arguments.export or "", "feedback": arguments.feedback, "report": arguments.report}
                wanted["similar"] = arguments.similar
                print(handback.hand_back(arguments.folder, arguments.lab, **wanted))
                return 0
            summary = grade.grade_class(
                arguments.folder,
                arguments.lab,
                students=arguments.student,
                exercises=arguments.exercise,
                again=arguments.again,
                jobs=max(1, arguments.jobs),
                scheduler=arguments.scheduler,
                cell_seconds=arguments.timeout,
                unsafe=arguments.unsafe,
            )
            print(summary)
            if summary.stopped:
                raise KeyboardInterrupt
        case "variants":
            from coursekit.variants import write_variants

            made = write_variants(arguments.folder, arguments.lab, key=arguments.key)
            print(f"made {len(made) - 1} notebooks in {made[0].parents[1]}, and {made[-1]}")
        case "measure":
            from coursekit import readability

            given = arguments.notebooks
            measured = {"now": readability.measure_files(given or sorted(Path("notebooks").glob("*.ipynb")))}
            if arguments.before:
                before = readability.measure_revision(arguments.before, given or ["notebooks/"])
                measured = {arguments.before: before} | measured
            print((readability.to_json if arguments.json else readability.table)(measured))
        case "referee":
            from coursekit import referee as looking

            opinion = looking.judge(arguments.notebook)
            print(looking.words(opinion))
            told = looking.rerun(arguments.notebook) if arguments.rerun else []
            print("\n".join(told or (["run again: every run comes out as it was"] if arguments.rerun else [])))
            return 1 if opinion.findings or told else 0
        case "ladder":
            from coursekit import ladder as climbing

            rules = climbing.Rules(arguments.evaluations, arguments.core_seconds, arguments.unsafe)
            print(climbing.hold(arguments.place, arguments.seeds, rules, test=arguments.test, again=arguments.again))
        case "quizzes":
            return _quizzes(arguments)
        case "slides":
            from coursekit import slides

            for path in slides.write(slides.chapters(Path(), arguments.chapters), arguments.out):
                print(f"made {path}")
        case "lite":
            from coursekit import lite

            print(f"The site is at {lite.build(Path(), arguments.target)}; it must be served, by --serve or a host.")
        case "trust":
            from coursekit.notebooks import trust

            trust(arguments.notebooks)
        case "doctor":
            from coursekit import doctor

            return doctor.main()
    return 0


def _open_page(address: str) -> None:
    import webbrowser

    print(f"Mark the free texts at {address}\nuntil you press Ctrl-C.", flush=True)
    webbrowser.open(address)


def _quizzes(arguments: argparse.Namespace) -> int:
    from coursekit import quizzes
    from coursekit.notebooks import read_notebook
    from coursekit.quizzes import qti

    paths = {int(path.name[:2]): path for path in sorted(Path("book", "quizzes").glob("[0-9]*.md"))}
    chosen = arguments.chapters or list(paths)
    if missing := [str(chapter) for chapter in chosen if chapter not in paths]:
        raise ValueError(f"there is no quiz for chapter {', '.join(missing)}, only for {', '.join(map(str, paths))}")
    read, wrong = [], 0
    for path in (paths[chapter] for chapter in chosen):
        chapter = Path("notebooks", path.stem + ".ipynb")
        complaints = quizzes.bring_up_to_date(path, chapter)
        read.append(quizzes.read(path))
        complaints += quizzes.faults(read[-1], read_notebook(chapter))
        print(f"{path}: {len(read[-1].questions)} questions", *complaints, sep="\n  ")
        wrong += len(complaints)
    if wrong:
        return 1
    if arguments.qti:
        for quiz in read:
            print(f"made {qti.export(quiz, arguments.qti)}")
    if arguments.sheet:
        arguments.sheet.write_text(quizzes.sheet(read), "utf-8")
        print(f"made {arguments.sheet}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
