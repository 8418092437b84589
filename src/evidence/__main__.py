"""Stored runs and benchmarks: `python -m evidence COMMAND`, which `python3 course.py COMMAND` calls."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 course.py", description="Evidence of Descent with Modification.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="make a stored run under results/ (resumes what was stopped)")
    run.add_argument("name", help="for example genreg-mnist")
    run.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds 0 ... N-1 (default 5)")
    run.add_argument("--size", default="full", help="smoke (seconds), laptop (minutes) or full (default)")
    run.add_argument("--device", help="cpu (default; for `run gpu`, cuda), cuda or cuda:N")
    run.add_argument("--minutes", type=float, metavar="M", help="begin nothing that takes longer; for `run gpu`")
    run.add_argument("--jobs", type=int, default=1, metavar="N", help="units at a time, one thread each (default 1)")
    run.add_argument("--scheduler", metavar="ADDRESS", help="units on the workers of a Dask scheduler, tcp://HOST:PORT")
    run.add_argument("--out", type=Path, metavar="FOLDER", help="folder of stored runs (default results/)")
    run.add_argument("--source", type=Path, metavar="FOLDER", help="foreign files, for genreg-audit")

    bench = commands.add_parser("bench", help="measure the package against simpler code for the same work")
    bench.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    bench.add_argument("--peers", action="store_true", help="against other libraries; see the extra `peers`")
    bench.add_argument("--keep", action="store_true", help="store what the other libraries took, as results/peers")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0 done, 2 bad input, 130 interrupted."""
    arguments = _parser().parse_args(argv)
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        if os.environ.get("NEUROEVO_DEBUG"):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2


def _dispatch(arguments: argparse.Namespace) -> int:
    # Each command imports what it needs: `--help` should not wait for torch.
    match arguments.command:
        case "run":
            from evidence import runner

            runner.stop_like_ctrl_c()
            folder = runner.run(
                arguments.name,
                n_seeds=arguments.seeds,
                size=arguments.size,
                device=arguments.device,
                jobs=arguments.jobs,
                scheduler=arguments.scheduler,
                minutes=arguments.minutes,
                out=arguments.out,
                source=arguments.source,
            )
            print(f"stored in {folder}")
        case "bench":
            from evidence import bench

            bench.main(as_json=arguments.json, with_peers=arguments.peers, keep=arguments.keep)
    return 0


if __name__ == "__main__":
    sys.exit(main())
