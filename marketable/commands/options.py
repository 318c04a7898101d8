"""Options that several commands share, and what their values must look like."""

import argparse
from datetime import date


def add_account(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--account", type=positive, required=True, metavar="ID", help="number of the account"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document, also for a refusal"
    )


def positive(text: str) -> int:
    """Read a whole number from 1 on that fits the database.

    >>> positive("42")
    42
    """
    number = _number(text)
    if not 1 <= number < 2**63:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 on")
    return number


def count(text: str) -> int:
    """Read how many: a whole number from 0 on."""
    number = _number(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 on")
    return number


def ids(text: str) -> tuple[int, ...]:
    """Read contact numbers with commas between them; each counts once.

    >>> ids("3, 1,3")
    (3, 1)
    """
    return tuple(dict.fromkeys(positive(part) for part in text.split(",")))


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a date like 2027-01-31") from None


def _number(text: str) -> int:
    plain = text.strip()
    if not plain.isascii() or not plain.lstrip("-").isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(plain)
