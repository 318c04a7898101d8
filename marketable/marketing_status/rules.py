"""Which status a contact has, and what can change it (S1–S7)."""

from enum import StrEnum


class Status(StrEnum):
    NON_MARKETING = "non_marketing"  # no row in marketing_contact
    MARKETING = "marketing"  # a row
    LEAVING = "leaving"  # a row with leaving_on: counts until that update date


class Event(StrEnum):
    START = "start"
    STOP = "stop"
    KEEP = "keep"
    UPDATE_DATE = "update_date"
    ARCHIVE = "archive"
    ERASE = "erase"


COUNTS_TOWARD_TIER = frozenset({Status.MARKETING, Status.LEAVING})

# Anything not listed leaves the contact as it is. STOP, ARCHIVE and ERASE lead to LEAVING and
# never straight to NON_MARKETING: a marketing contact cannot go back before the update date.
# Merge, un-merge and restore look at more than one contact or moment: `joined`, `parted`, and
# `contacts/services/`.
TRANSITIONS: dict[tuple[Status, Event], Status] = {
    (Status.NON_MARKETING, Event.START): Status.MARKETING,
    (Status.LEAVING, Event.START): Status.MARKETING,
    (Status.MARKETING, Event.STOP): Status.LEAVING,
    (Status.LEAVING, Event.KEEP): Status.MARKETING,
    (Status.LEAVING, Event.UPDATE_DATE): Status.NON_MARKETING,
    (Status.MARKETING, Event.ARCHIVE): Status.LEAVING,
    (Status.MARKETING, Event.ERASE): Status.LEAVING,
}

#: The stronger state wins when two contacts become one (S12).
STRENGTH: dict[Status, int] = {
    Status.NON_MARKETING: 0,
    Status.LEAVING: 1,
    Status.MARKETING: 2,
}


def joined(survivor: Status, other: Status) -> Status:
    """Return the status of the survivor of a merge: the stronger of the two (S12).

    >>> joined(Status.LEAVING, Status.MARKETING)
    <Status.MARKETING: 'marketing'>
    """
    return max(survivor, other, key=STRENGTH.__getitem__)


def parted(before: Status, present: Status) -> Status:
    """Return the status of a survivor whose merge is taken back in the same period and whose
    status nothing has changed since: its own of before, but never from counting to not counting,
    for it may have been mailed (S13).

    >>> parted(Status.NON_MARKETING, Status.MARKETING)
    <Status.LEAVING: 'leaving'>
    """
    if present in COUNTS_TOWARD_TIER and before not in COUNTS_TOWARD_TIER:
        return Status.LEAVING
    return before if present in COUNTS_TOWARD_TIER else present


class Verdict(StrEnum):
    """What an action would do to one contact."""

    SET = "set"
    KEPT = "kept"  # a staging withdrawn
    STAGED = "staged"
    ALREADY = "already"
    NO_ADDRESS = "NO_ADDRESS"  # S19
    HARD_BOUNCED = "HARD_BOUNCED"  # S19


#: Verdicts that change the contact, and those that a person is told the reason of.
CHANGING = frozenset({Verdict.SET, Verdict.KEPT, Verdict.STAGED})
CANNOT = frozenset({Verdict.NO_ADDRESS, Verdict.HARD_BOUNCED})


def after(status: Status, event: Event) -> Status:
    """Return the status that `event` leads to.

    >>> after(Status.MARKETING, Event.STOP)
    <Status.LEAVING: 'leaving'>
    >>> after(Status.MARKETING, Event.UPDATE_DATE)
    <Status.MARKETING: 'marketing'>
    """
    return TRANSITIONS.get((status, event), status)


def moves(event: Event) -> dict[Status, Status]:
    """Return {status before: status after} for every status that `event` changes."""
    return {before: later for (before, on), later in TRANSITIONS.items() if on is event}


def usage_delta(before: Status, later: Status) -> int:
    """Return what a move does to usage: +1, 0 or -1 (S2)."""
    return (later in COUNTS_TOWARD_TIER) - (before in COUNTS_TOWARD_TIER)
