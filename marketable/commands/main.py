"""The command `marketable`. Loads nothing of the product before it is known what is asked."""

import argparse
import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from typing import NoReturn

from marketable.commands import (
    account,
    backup,
    contacts,
    doctor,
    history,
    marketing,
    prove,
    schema,
    segment,
    serve,
    update_date,
    usage,
    worker,
)
from marketable.commands.answers import FAILED, MISUSED, CommandRefused, show, show_refusal

NOUNS = (
    serve,
    worker,
    account,
    contacts,
    marketing,
    usage,
    update_date,
    prove,
    history,
    segment,
    schema,
    backup,
    doctor,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 refused or failed, 2 wrong usage."""
    try:
        options = parser().parse_args(argv)
    except SystemExit as end:  # argparse has printed the help or what is wrong
        return int(end.code or 0)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _leave)
    as_json = bool(getattr(options, "json", False))
    try:
        answer = options.run(options)
        show(answer, as_json=as_json)
    except SystemExit as end:  # wrong usage found late, or SIGTERM
        return int(end.code or 0)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader has enough, as in `| head`
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        return _refuse(error, as_json=as_json)
    return int(answer.status)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="marketable",
        description="Store every contact, and pay only for those you market to.",
    )
    top.add_argument("--version", action=_Version, nargs=0, help="show the version and end")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for noun in NOUNS:
        noun.add(commands)
    return top


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *rest: object) -> NoReturn:
        from marketable.commands.release import version

        sys.stdout.write(f"marketable {version()}\n")
        raise SystemExit(0)


def _refuse(error: Exception, *, as_json: bool) -> int:
    from marketable.config.env import UnknownSetting
    from marketable.errors import Refused
    from marketable.postgres import PostgresRefused

    if isinstance(error, UnknownSetting):
        show_refusal("unknown_setting", str(error), {}, as_json=as_json)
        return MISUSED
    if isinstance(error, Refused):  # numbers without grouping, as `--expect` takes them
        show_refusal(error.code, error.worded(str), error.facts, as_json=as_json)
        return FAILED
    if isinstance(error, (CommandRefused, PostgresRefused)):
        show_refusal(error.code, error.message, error.facts, as_json=as_json)
        return FAILED
    if _is_away(error):
        text = "The database went away. What was committed is kept; run the command again."
        show_refusal("database_away", text, {}, as_json=as_json)
        return FAILED
    traceback.print_exception(error)  # a bug: the trace is for those who can mend it
    if as_json:
        show_refusal("internal_error", f"{type(error).__name__}: {error}", {}, as_json=True)
    return FAILED


def _is_away(error: Exception) -> bool:
    """Tell a database that ended or cannot be reached from a bug. A statement that was refused has
    a code that says why; a lost connection has none, or one of its own class (08, 57P)."""
    if "psycopg" not in sys.modules:
        return False
    import psycopg
    from django.db import InterfaceError, OperationalError

    cause = error.__cause__ if isinstance(error, (InterfaceError, OperationalError)) else error
    if not isinstance(cause, (psycopg.InterfaceError, psycopg.OperationalError)):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(("08", "57P"))


def _leave(*_: object) -> NoReturn:
    """Let SIGTERM unwind the stack, so that the embedded server is left properly."""
    raise SystemExit(128 + signal.SIGTERM)
