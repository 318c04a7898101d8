"""How many meet a filter that is being written, and who: bounded, so that no edit leaves a long
statement behind. See docs/decisions/0010."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from django.db import OperationalError

from marketable import sql
from marketable.accounts.queries import Reach
from marketable.contacts import queries as contacts
from marketable.contacts.conditions import Condition
from marketable.contacts.queries import ContactRow, Count
from marketable.segments.selection import Selection, conditions_of

T = TypeVar("T")

SAMPLE = 5
#: How long the count of an edit may take, and the look for a few of the contacts.
COUNT_MS = 400
SAMPLE_MS = 150
#: How long somebody who asks for the exact number waits for it.
EXACT_MS = 20_000
QUERY_CANCELED = "57014"
LOCK = "hashtext('marketable filter'), hashtext(%(editor)s)"


@dataclass(frozen=True, slots=True)
class Look:
    """How many a filter takes, and some of them.

    rows  None where they were not found in time
    """

    count: Count
    rows: tuple[ContactRow, ...] | None


def look(
    account_id: int,
    selection: Selection,
    *,
    reach: Reach,
    today: date,
    editor: str,
    is_exact: bool = False,
) -> Look:
    """Return how many contacts a selection has inside `reach`, with a sample of them.

    editor    what tells one builder from another: a new question ends the one before it
    is_exact  somebody asks for the exact number, and waits

    Raises FilterRefused.
    """
    where = conditions_of(account_id, selection, reach=reach, today=today)
    end_question(editor)
    count = _count(account_id, where, editor, EXACT_MS if is_exact else COUNT_MS)
    if count.is_exact and count.value == 0:
        return Look(count, ())
    return Look(count, _sample(account_id, where, editor, today))


def end_question(editor: str) -> None:
    """End what an editor still asks: its answer would come too late.

    What it asks holds a lock under its name. PostgreSQL ends it as if somebody had pressed a
    button; the transaction that held it is over, and nothing was written.
    """
    sql.row(
        "SELECT count(pg_cancel_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' "
        "AND granted AND objsubid = 2 AND pid <> pg_backend_pid() "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND classid::bigint = hashtext('marketable filter')::bigint & 4294967295 "
        "AND objid::bigint = hashtext(%(editor)s)::bigint & 4294967295",
        {"editor": editor},
    )


def _count(account_id: int, where: list[Condition], editor: str, limit: int) -> Count:
    """Return the exact number if it is found in time, else about how many."""
    exact = _asked(
        editor, limit, lambda: Count(contacts.count_exactly(account_id, where), is_exact=True)
    )
    if exact is not None:
        return exact
    sampled = _asked(editor, SAMPLE_MS, lambda: contacts.estimated_by_sample(account_id, where))
    return sampled or contacts.estimated(account_id, where)


def _sample(
    account_id: int, where: list[Condition], editor: str, today: date
) -> tuple[ContactRow, ...] | None:
    return _asked(
        editor,
        SAMPLE_MS,
        lambda: tuple(contacts.page(account_id, where, today=today, limit=SAMPLE).rows),
    )


def _asked(editor: str, limit: int, question: Callable[[], T]) -> T | None:
    """Return the answer to a question of an editor; None for one that took too long, or that the
    editor's next question ended."""
    try:
        with sql.bounded(limit):
            sql.row(f"SELECT pg_advisory_xact_lock_shared({LOCK})", {"editor": editor})
            return question()
    except OperationalError as error:
        if not _is_ended(error):
            raise
    return None


def _is_ended(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) == QUERY_CANCELED
