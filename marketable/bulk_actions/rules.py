"""Numbers and words of bulk actions (B). Pure."""

import re
import unicodedata
from datetime import timedelta
from enum import StrEnum

REQUEST_LIMIT = 2_000  # contacts done in the request itself (B6)
BATCH_SIZE = 20_000  # contacts per transaction of a longer one
PLAN_LIFE = timedelta(hours=1)  # B5


class ActionState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    FAILED = "failed"


GROUPED = re.compile(r"[1-9]\d{0,2}(?:([ ,.'’])\d{3})(?:\1\d{3})*|[1-9]\d*|0")


def parse_count(text: str) -> int | None:
    """Return the number a person typed, or None if it is not one (B4, J1).

    Digits, with or without one kind of separator in groups of three; no sign, fraction or
    exponent.

    >>> parse_count("12 480"), parse_count("12,480"), parse_count("12480")
    (12480, 12480, 12480)
    >>> parse_count("12,48"), parse_count("1e3"), parse_count("-5"), parse_count("42.0")
    (None, None, None, None)
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain.isascii() and "’" not in plain:
        return None
    if not GROUPED.fullmatch(plain):
        return None
    return int(re.sub(r"\D", "", plain))
