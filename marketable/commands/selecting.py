"""Which contacts a command is about: `--all`, `--ids`, `--emails-file`, `--status`, `--filter`,
`--segment`."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from marketable.commands import options as shared
from marketable.commands.answers import CommandRefused

if TYPE_CHECKING:
    from marketable.segments.rules import Filter
    from marketable.segments.selection import Selection


def add_to(parser: argparse.ArgumentParser, *, is_required: bool = True) -> None:
    """Add the options of a selection; without one, where none is required, it is everybody."""
    which = parser.add_mutually_exclusive_group(required=is_required)
    which.add_argument("--all", action="store_true", help="every contact of the account")
    which.add_argument("--ids", type=shared.ids, metavar="1,2,3", help="these contacts")
    which.add_argument(
        "--emails-file", metavar="FILE", help="UTF-8, one address a line; - reads them here"
    )
    which.add_argument("--status", choices=("non_marketing", "marketing", "leaving"))
    which.add_argument(
        "--filter",
        metavar="FILE",
        help="JSON as `marketable schema filter` describes it; - reads it here",
    )
    which.add_argument("--segment", type=shared.positive, metavar="ID", help="those in a segment")


def read(options: argparse.Namespace) -> "Callable[[], Selection]":
    """Read the files that the options name, before the database is opened; return what makes the
    selection of them once the product is loaded."""
    lines = read_lines(options.emails_file) if options.emails_file else None
    text = read_text(options.filter) if options.filter else None

    def selection() -> "Selection":
        from marketable.marketing_status.rules import Status
        from marketable.segments import following
        from marketable.segments.selection import Selection

        def caught_up(chosen: Selection) -> Selection:
            following.catch_up_for(
                options.account, chosen, patience_seconds=following.PATIENCE_SECONDS
            )
            return chosen

        if lines is not None:
            return Selection(emails=addresses(lines))
        if text is not None:
            return caught_up(Selection(filter=parsed(text)))
        if options.segment is not None:
            return caught_up(Selection(segment_id=options.segment))
        if options.ids is not None:
            return Selection(ids=options.ids)
        if options.status is not None:
            return Selection(status=Status(options.status))
        return Selection()

    return selection


def parsed(text: str) -> "Filter":
    """Return the filter that a text holds.

    Raises FilterRefused, naming the place in it.
    """
    from marketable.segments import rules
    from marketable.segments.errors import FilterRefused

    try:
        return rules.read(text)
    except rules.BadFilter as error:
        raise FilterRefused.because(error) from error


def addresses(lines: list[str]) -> tuple[str, ...]:
    """Return the lines as normalised addresses, each once. What is no address stays as it is, and
    so is nobody's."""
    from marketable.contacts.errors import InvalidEmail
    from marketable.contacts.rules import normalise_email

    found: dict[str, None] = {}
    for line in lines:
        try:
            found[normalise_email(line)] = None
        except InvalidEmail:
            found[line.replace("\0", "�")] = None
    return tuple(found)


def read_lines(name: str) -> list[str]:
    """Return the lines of a UTF-8 file that are not empty, without blanks around them."""
    return [line for line in (part.strip() for part in read_text(name).split("\n")) if line]


def read_text(name: str) -> str:
    """Return the text of a UTF-8 file; - is standard input."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandRefused(
            "file_unreadable", f"{name} cannot be read: {error.strerror}."
        ) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandRefused(
            "not_utf8", f"{name} is not UTF-8: byte {error.start} is no character."
        ) from error
