"""Numbers and words of bulk actions (B). Pure."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum

REQUEST_LIMIT = 2_000  # contacts done in the request itself (B6)
BATCH_SIZE = 20_000  # contacts per transaction of a longer one
PLAN_LIFE = timedelta(hours=1)  # B5


class ActionKind(StrEnum):
    START = "start"
    STOP = "stop"
    KEEP = "keep"
    EDIT = "edit"
    ADD = "add"  # to a fixed segment
    REMOVE = "remove"
    ARCHIVE = "archive"
    RESTORE = "restore"  # takes an ARCHIVE back


#: They move the status: their plan has a price, and taking them back follows S15 and S16.
OF_STATUS = frozenset({ActionKind.START, ActionKind.STOP, ActionKind.KEEP})


class ActionState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    FAILED = "failed"
    UNDONE = "undone"  # never stored: another bulk action has taken this one back


class Outcome(StrEnum):
    """What became of one chosen contact, in the words of every door (§7)."""

    SET = "set"
    KEPT = "kept"  # a staging withdrawn
    ALREADY_MARKETING = "already_marketing"
    STAGED = "staged"
    ALREADY_STAGED = "already_staged"
    ALREADY_NON_MARKETING = "already_non_marketing"
    CANNOT = "cannot"  # S19
    OUTSIDE_RIGHTS = "outside_rights"  # P6
    WAITING = "waiting"  # O5
    FAILED = "failed"
    CHANGED = "changed"  # has another value now
    ADDED = "added"
    REMOVED = "removed"
    ARCHIVED = "archived"
    RESTORED = "restored"
    ALREADY = "already"  # has the value, is in the list or out of it


#: What became of a contact that a finished batch really altered.
ALTERING = frozenset(
    {
        Outcome.SET,
        Outcome.KEPT,
        Outcome.STAGED,
        Outcome.CHANGED,
        Outcome.ADDED,
        Outcome.REMOVED,
        Outcome.ARCHIVED,
        Outcome.RESTORED,
    }
)


class Reason(StrEnum):
    """Why a contact cannot take part in an action that does not move the status."""

    STAGE_BACKWARDS = "STAGE_BACKWARDS"  # a lifecycle stage is not set backwards
    CHANGED_SINCE = "CHANGED_SINCE"  # somebody touched it after the action that is taken back
    ARCHIVED = "ARCHIVED"  # in the recycle bin
    NOT_IN_BIN = "NOT_IN_BIN"  # restored, erased or merged since
    EMAIL_TAKEN = "EMAIL_TAKEN"  # S17
    UNIQUE_TAKEN = "UNIQUE_TAKEN"


# The page tests the same before it lets a person confirm: static/web/js/plan-dialog.js.
_GROUPED = re.compile(r"[1-9][0-9]{0,2}([ ,.'’])[0-9]{3}(?:\1[0-9]{3})*|[1-9][0-9]*|0")
_LONGEST_COUNT = 40


def parse_count(text: str) -> int | None:
    """Return the number a person typed, or None if it is not one (B4, J1).

    Digits, with or without one kind of separator in groups of three: space, no-break or narrow
    space, comma, dot or apostrophe, after NFKC. No sign, fraction, exponent or leading zeros.

    >>> parse_count("12 480"), parse_count("12,480"), parse_count(" 12480 ")
    (12480, 12480, 12480)
    >>> parse_count("12,48"), parse_count("1e3"), parse_count("-5"), parse_count("42.0")
    (None, None, None, None)
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if len(plain) > _LONGEST_COUNT or not _GROUPED.fullmatch(plain):
        return None
    return int("".join(letter for letter in plain if letter.isdecimal()))


def batches(total: int, size: int = BATCH_SIZE) -> Iterator[range]:
    """Yield the places of each batch's members among all of them, from 0.

    >>> list(batches(5, 2))
    [range(0, 2), range(2, 4), range(4, 5)]
    """
    for start in range(0, total, size):
        yield range(start, min(start + size, total))
