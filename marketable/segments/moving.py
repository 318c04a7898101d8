"""Who is in a segment: built as a whole, or asked again of some contacts.

Every write happens under the lock of the segment's row, so that a rebuild and the reader of the
ledger never work on one segment at once: the later one sees what the earlier one committed.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from django.db import DataError, transaction
from django.utils.translation import gettext_noop as _

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.billing.rules import today_in
from marketable.contacts.conditions import Condition
from marketable.segments import compiling, queries
from marketable.segments.compiling import Context
from marketable.segments.errors import FilterRefused
from marketable.segments.queries import SegmentView
from marketable.segments.rules import Filter, Kind, in_segment
from marketable.sql import SubQuery


@dataclass(frozen=True, slots=True)
class Moved:
    """How many contacts joined and left."""

    joined: int
    left: int


@dataclass(frozen=True, slots=True)
class Meaning:
    """A segment's filter as SQL on a day of the account.

    next_turn  the next day on which time alone could move a contact, or empty
    """

    meets: Condition
    next_turn: str
    today: date


def meaning_of(segment: SegmentView, context: Context) -> Meaning:
    """Return who should be in a segment now.

    Raises FilterRefused for a filter that names what is gone.
    """
    if segment.filter is None:
        return Meaning(put_in_by_hand(segment.id), "", context.today)
    return meaning_of_filter(segment.filter, context)


def meaning_of_filter(wanted: Filter, context: Context) -> Meaning:
    """Return what a filter means on the day of its context. Raises FilterRefused."""
    meets = compiling.compiled(wanted, context)
    return Meaning(meets, compiling.next_turn(context), context.today)


def context_at(account_id: int, now: datetime) -> Context:
    """Return what the account's filters are read against at a moment."""
    return compiling.context_of(account_id, today_in(accounts.account(account_id).zone, now))


def lock(account_id: int, segment_id: int, *, with_deleted: bool = False) -> bool:
    """Lock a segment against every other change of its members; False for one that is gone."""
    found = sql.row(
        "SELECT id FROM segment WHERE account_id = %(account_id)s AND id = %(id)s "
        "AND (%(with_deleted)s OR deleted_at IS NULL) FOR NO KEY UPDATE",
        {"account_id": account_id, "id": segment_id, "with_deleted": with_deleted},
    )
    return found is not None


def locked(account_id: int, segment_ids: Collection[int]) -> dict[int, SegmentView]:
    """Lock segments and return them by number, as they are under the lock."""
    return {
        one.id: one
        for one in queries.segments_where(
            account_id, "id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE", {"ids": [*segment_ids]}
        )
    }


def ask_again(
    account_id: int, segment: SegmentView, asked: SubQuery, meaning: Meaning, *, now: datetime
) -> Moved:
    """Let some contacts join or leave, as the filter says now, and note when time alone could move
    them next; one statement. The segment must be locked.

    asked  answers one column `contact_id`, without repetition
    """
    params = {
        **asked.params,
        "account_id": account_id,
        "segment_id": segment.id,
        "now": now,
        "sel_account_id": account_id,
        "sel_today": meaning.today,
        **meaning.meets.params,
    }
    turning = sql.compose(sql.load("segments", "set_due"), next_turn=meaning.next_turn)
    found = sql.row(
        sql.compose(
            sql.load("segments", "move"),
            turning=turning if meaning.next_turn else "",
            asked=asked.text,
            meets=meaning.meets.text,
        ),
        params,
    )
    assert found is not None
    return Moved(int(found[0]), int(found[1]))


@contextmanager
def refusing_bad_values() -> Iterator[None]:
    """Undo the block and refuse the filter where a contact's value does not fit its condition: it
    was stored before the property had its type."""
    try:
        with transaction.atomic():
            yield
    except DataError as error:
        text = _("A contact has a value that this filter cannot be compared with.")
        raise FilterRefused("", text) from error


#: Who could be in a segment after it is built: everybody, or those who were put in by hand once.
EVERYBODY = (
    "SELECT id AS contact_id FROM contact WHERE account_id = %(account_id)s "
    "AND archived_at IS NULL UNION SELECT contact_id FROM segment_member "
    "WHERE account_id = %(account_id)s AND segment_id = %(segment_id)s"
)
IN_ONCE = (
    "SELECT contact_id FROM segment_member "
    "WHERE account_id = %(account_id)s AND segment_id = %(segment_id)s UNION "
    "SELECT contact_id FROM segment_past_member "
    "WHERE account_id = %(account_id)s AND segment_id = %(segment_id)s"
)


def build(account_id: int, segment: SegmentView, meaning: Meaning, *, now: datetime) -> Moved:
    """Make the members of a locked segment exactly those who should be in it now.

    Raises FilterRefused for a filter that a contact's value cannot be compared with.
    """
    with refusing_bad_values():
        if segment.kind is Kind.ACTIVE and not _has_members(account_id, segment.id):
            return _fill(account_id, segment, meaning, now=now)
        could_be = EVERYBODY if segment.kind is Kind.ACTIVE else IN_ONCE
        moved = ask_again(account_id, segment, SubQuery(could_be), meaning, now=now)
        if moved.left:
            sql.execute(
                FORGET_ERASED, {"account_id": account_id, "segment_id": segment.id, "now": now}
            )
        return moved


#: Who was erased while the segment waited to be built leaves no trace in it (S14).
FORGET_ERASED = """
DELETE FROM segment_past_member AS past
 USING contact
 WHERE past.account_id = %(account_id)s AND past.segment_id = %(segment_id)s
   AND past.left_at = %(now)s AND contact.account_id = past.account_id
   AND contact.id = past.contact_id AND contact.erased_at IS NOT NULL
"""
FILL = """
WITH joined AS (
    INSERT INTO segment_member (account_id, segment_id, contact_id, since)
    SELECT %(account_id)s, %(segment_id)s, c.id, %(now)s
      FROM contact AS c
     WHERE c.account_id = %(account_id)s AND c.archived_at IS NULL AND ({{meets}})
    RETURNING 1
), counted AS (
    SELECT count(*) AS came FROM joined
), told AS (
    INSERT INTO segment_day AS known (account_id, segment_id, day, member_count, joined, "left")
    SELECT %(account_id)s, %(segment_id)s, %(sel_today)s, came, came, 0 FROM counted
    ON CONFLICT (account_id, segment_id, day) DO UPDATE
       SET member_count = excluded.member_count, joined = known.joined + excluded.joined
)
UPDATE segment SET member_count = came FROM counted
 WHERE account_id = %(account_id)s AND id = %(segment_id)s
RETURNING member_count
"""


def _fill(account_id: int, segment: SegmentView, meaning: Meaning, *, now: datetime) -> Moved:
    """Fill an empty segment: one pass over the contacts, and nothing to compare with."""
    params = {
        "account_id": account_id,
        "segment_id": segment.id,
        "now": now,
        "sel_account_id": account_id,
        "sel_today": meaning.today,
        **meaning.meets.params,
    }
    found = sql.row(sql.compose(FILL, meets=meaning.meets.text), params)
    assert found is not None
    if meaning.next_turn:
        sql.execute(
            sql.compose(
                "INSERT INTO segment_due (account_id, segment_id, contact_id, due_on) "
                "SELECT %(account_id)s, %(segment_id)s, id, due_on FROM (SELECT c.id, "
                "{{next_turn}} AS due_on FROM contact AS c WHERE c.account_id = %(account_id)s "
                "AND c.archived_at IS NULL) AS coming WHERE due_on IS NOT NULL "
                "ON CONFLICT (account_id, segment_id, contact_id) "
                "DO UPDATE SET due_on = excluded.due_on",
                next_turn=meaning.next_turn,
            ),
            params,
        )
    return Moved(int(found[0]), 0)


def _has_members(account_id: int, segment_id: int) -> bool:
    found = sql.row(
        "SELECT EXISTS (SELECT FROM segment_member WHERE account_id = %(account_id)s "
        "AND segment_id = %(segment_id)s)",
        {"account_id": account_id, "segment_id": segment_id},
    )
    return bool(found and found[0])


def put_in_by_hand(segment_id: int) -> Condition:
    """A contact that somebody put into a fixed segment and nobody took out: the ledger's last word
    on it, so that who is restored from the recycle bin is in it again."""
    return Condition(
        "(SELECT sel_told.after->>%(sel_key)s FROM contact_change AS sel_told "
        "WHERE sel_told.account_id = c.account_id AND sel_told.contact_id = c.id "
        "AND sel_told.after ? %(sel_key)s ORDER BY sel_told.change_id DESC LIMIT 1) = 'true'",
        {"sel_key": in_segment(segment_id)},
    )
