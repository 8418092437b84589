"""The course's tools: `python -m coursekit COMMAND`, which `python3 course.py COMMAND` calls."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


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

    grade = commands.add_parser("grade", help="grade a folder of submitted labs into a CSV")
    grade.add_argument("lab", help="number of the lab, for example 01")
    grade.add_argument("submissions", type=Path)
    grade.add_argument("--out", type=Path, default=Path("grades.csv"))
    grade.add_argument("--timeout", type=int, default=120, metavar="SECONDS", help="for each cell (default 120)")

    measure = commands.add_parser("measure", help="count the words, the code and the minutes of chapters")
    measure.add_argument("notebooks", nargs="*", help="default: all chapters")
    measure.add_argument("--before", metavar="REVISION", help="show the numbers of a git revision beside today's")
    measure.add_argument("--json", action="store_true", help="for programs")

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
            from coursekit.execute import execute

            execute(arguments.notebooks, text_only=arguments.text_only)
        case "labs":
            from coursekit.make_labs import build_labs, check_labs

            source, target = Path("solutions"), Path("labs")
            if arguments.check:
                differing = check_labs(source, target)
                for lab in differing:
                    print(f"{lab} is not what {source / Path(lab).name} generates: run `python3 course.py labs`")
                return 1 if differing else 0
            for path in build_labs(source, target):
                print(path)
        case "grade":
            from coursekit import grade

            grade.grade_folder(arguments.lab, arguments.submissions, arguments.out, arguments.timeout)
            print(f"wrote {arguments.out}")
        case "measure":
            from coursekit import readability

            given = arguments.notebooks
            measured = {"now": readability.measure_files(given or sorted(Path("notebooks").glob("*.ipynb")))}
            if arguments.before:
                before = readability.measure_revision(arguments.before, given or ["notebooks/"])
                measured = {arguments.before: before} | measured
            print((readability.to_json if arguments.json else readability.table)(measured))
        case "trust":
            from coursekit.notebooks import trust

            trust(arguments.notebooks)
        case "doctor":
            from coursekit import doctor

            return doctor.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
