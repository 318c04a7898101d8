"""`marketable worker`: work background jobs, without pages."""

import argparse
from typing import Any

from marketable.commands.answers import Answer


def add(commands: Any) -> None:
    parser = commands.add_parser("worker", help="work background jobs")
    parser.add_argument(
        "--until-idle", action="store_true", help="end when no job is due and none is running"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Answer:
    from marketable.commands.database import opened

    with opened():
        work(until_idle=options.until_idle)
    return Answer()


def work(*, until_idle: bool = False) -> None:
    """Work jobs in this process until a signal, or until nothing is left to do."""
    from marketable.jobs import worker

    worker.run(until_idle=until_idle)
