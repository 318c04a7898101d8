"""What a command says: one JSON document or lines for people, and refusals as both."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

DONE, FAILED, MISUSED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of a command.

    document  what `--json` prints; None when the command has written its output itself
    lines     what people read instead
    """

    document: Mapping[str, Any] | None = None
    lines: tuple[str, ...] = ()
    status: int = field(default=DONE)


class Refusal(Protocol):
    """`marketable.errors.Refused` and `PostgresRefused` alike."""

    code: Any
    facts: dict[str, Any]

    @property
    def message(self) -> str: ...


class CommandRefused(Exception):
    """A refusal of the command line itself, with the shape of `marketable.errors.Refused`."""

    def __init__(self, code: str, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.facts = code, message, facts


def show(answer: Answer, *, as_json: bool) -> None:
    if as_json and answer.document is not None:
        sys.stdout.write(to_json(answer.document) + "\n")
    elif not as_json:
        sys.stdout.writelines(f"{line}\n" for line in answer.lines)
    sys.stdout.flush()


def show_refusal(code: str, message: str, facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a refusal: `{"error": …}` to standard output, or a line to standard error."""
    if as_json:
        error = {
            "code": code,
            "message": message,
            "expected": facts.get("expected"),
            "actual": facts.get("actual"),
        }
        sys.stdout.write(to_json({"error": error}) + "\n")
        sys.stdout.flush()
    else:
        say(message)


def say(line: str) -> None:
    """Tell a person what is going on, on standard error."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def to_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    """Dates and moments as ISO 8601."""
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in an answer.")
