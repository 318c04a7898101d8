"""Making, changing, deleting and proving segments, and filling fixed ones by hand."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.billing.rules import today_in
from marketable.errors import Refused
from marketable.history import services as history
from marketable.history.kinds import Kind as ChangeKind
from marketable.history.sources import Source
from marketable.queue import Job, enqueue
from marketable.segments import moving, queries, uses
from marketable.segments.errors import (
    BadSegmentName,
    NotRestorable,
    SegmentCycle,
    SegmentNameTaken,
    SegmentUnknown,
    SegmentUsed,
    TooManySegments,
    WrongKindOfSegment,
)
from marketable.segments.queries import KEPT_FOR, SegmentView
from marketable.segments.rules import (
    LONGEST_NAME,
    MOST_SEGMENTS,
    Filter,
    Kind,
    State,
    as_json,
    in_segment,
    mentions,
    nested,
)
from marketable.sql import SubQuery


@dataclass(frozen=True, slots=True)
class MembersMoved:
    """What filling a fixed segment by hand came to. `change_id` is None when nobody moved."""

    moved: int
    change_id: int | None


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the members of a segment are those who should be in it."""

    ok: bool
    member_count: int
    expected_count: int


def create_active(
    account_id: int, name: str, wanted: Filter, *, by: Source, now: datetime, build: bool = False
) -> SegmentView:
    """Make a segment of whoever meets a filter.

    build  fill it at once; else a job does

    Raises BadSegmentName, SegmentNameTaken, TooManySegments, and FilterRefused for a filter that
    names what the account does not know.
    """
    made = _define(account_id, name, wanted, by=by, now=now)
    return _built(made, account_id, now=now) if build else made


@sql.retried
def _define(
    account_id: int, name: str, wanted: Filter, *, by: Source, now: datetime
) -> SegmentView:
    _lock_definitions(account_id)
    meaning = _meaning_of(account_id, wanted, now)
    segment_id = _insert(account_id, name, Kind.ACTIVE, wanted, by=by, now=now)
    _note_meaning(account_id, segment_id, wanted, is_timed=bool(meaning.next_turn))
    _tell(account_id, segment_id, "created", by=by, now=now)
    ask_to_build(account_id, segment_id)
    return queries.segment(account_id, segment_id)


@sql.retried
def create_fixed(account_id: int, name: str, *, by: Source, now: datetime) -> SegmentView:
    """Make an empty segment that is filled by hand.

    Raises BadSegmentName, SegmentNameTaken or TooManySegments.
    """
    _lock_definitions(account_id)
    segment_id = _insert(account_id, name, Kind.FIXED, None, by=by, now=now)
    _tell(account_id, segment_id, "created", by=by, now=now)
    return queries.segment(account_id, segment_id)


@sql.retried
def rename(
    account_id: int, segment_id: int, name: str, *, by: Source, now: datetime
) -> SegmentView:
    """Give a segment another name. Raises BadSegmentName or SegmentNameTaken."""
    _locked(account_id, segment_id)
    named = _clean(name)
    with _refusing_taken(named):
        sql.execute(
            "UPDATE segment SET name = %(name)s, updated_at = %(now)s "
            "WHERE account_id = %(account_id)s AND id = %(id)s",
            {"account_id": account_id, "id": segment_id, "name": named, "now": now},
        )
    _tell(account_id, segment_id, "renamed", by=by, now=now)
    return queries.segment(account_id, segment_id)


def change_filter(
    account_id: int,
    segment_id: int,
    wanted: Filter,
    *,
    by: Source,
    now: datetime,
    build: bool = False,
) -> SegmentView:
    """Let another filter say who is in an active segment; members are kept until it is built anew.

    Raises WrongKindOfSegment for a fixed one, SegmentCycle, and FilterRefused.
    """
    changed = _redefine(account_id, segment_id, wanted, by=by, now=now)
    return _built(changed, account_id, now=now) if build else changed


@sql.retried
def _redefine(
    account_id: int, segment_id: int, wanted: Filter, *, by: Source, now: datetime
) -> SegmentView:
    _lock_definitions(account_id)
    segment = _locked(account_id, segment_id)
    if segment.kind is not Kind.ACTIVE:
        raise WrongKindOfSegment(is_active=False)
    meaning = _meaning_of(account_id, wanted, now)
    _refuse_cycle(account_id, segment_id, wanted)
    sql.execute(
        "UPDATE segment SET filter = %(filter)s, updated_at = %(now)s "
        "WHERE account_id = %(account_id)s AND id = %(id)s",
        {
            "account_id": account_id,
            "id": segment_id,
            "filter": json.dumps(as_json(wanted)),
            "now": now,
        },
    )
    sql.execute(
        "DELETE FROM segment_due WHERE account_id = %(account_id)s AND segment_id = %(id)s",
        {"account_id": account_id, "id": segment_id},
    )
    _note_meaning(account_id, segment_id, wanted, is_timed=bool(meaning.next_turn))
    _tell(account_id, segment_id, "filter_changed", by=by, now=now)
    ask_to_build(account_id, segment_id)
    return queries.segment(account_id, segment_id)


@sql.retried
def delete(account_id: int, segment_id: int, *, by: Source, now: datetime) -> None:
    """Put a segment away; it can be brought back for 30 days.

    Raises SegmentUsed while something depends on it, naming what.
    """
    _lock_definitions(account_id)
    _locked(account_id, segment_id)
    depending = uses.used_by(account_id, segment_id)
    if depending:
        raise SegmentUsed([use.label or f"{use.kind} {use.id}" for use in depending])
    sql.execute(
        "UPDATE segment SET deleted_at = %(now)s, updated_at = %(now)s "
        "WHERE account_id = %(account_id)s AND id = %(id)s",
        {"account_id": account_id, "id": segment_id, "now": now},
    )
    _tell(account_id, segment_id, "deleted", by=by, now=now)


def restore(
    account_id: int, segment_id: int, *, by: Source, now: datetime, build: bool = False
) -> SegmentView:
    """Bring a deleted segment back: an active one is built anew, a fixed one has its members, less
    those deleted meanwhile.

    Raises NotRestorable after 30 days, and SegmentNameTaken.
    """
    back = _bring_back(account_id, segment_id, by=by, now=now)
    return _built(back, account_id, now=now) if build else back


@sql.retried
def _bring_back(account_id: int, segment_id: int, *, by: Source, now: datetime) -> SegmentView:
    _lock_definitions(account_id)
    segment = queries.segment(account_id, segment_id, with_deleted=True)
    if segment.deleted_at is None or segment.deleted_at < now - KEPT_FOR:
        raise NotRestorable
    _refuse_too_many(account_id)
    with _refusing_taken(segment.name):
        sql.execute(
            "UPDATE segment SET deleted_at = NULL, updated_at = %(now)s "
            "WHERE account_id = %(account_id)s AND id = %(id)s",
            {"account_id": account_id, "id": segment_id, "now": now},
        )
    _tell(account_id, segment_id, "restored", by=by, now=now)
    ask_to_build(account_id, segment_id)
    return queries.segment(account_id, segment_id)


def _built(segment: SegmentView, account_id: int, *, now: datetime) -> SegmentView:
    """Build a segment in a transaction of its own: only a definition that is committed is seen by
    the reader of the ledger, who else would keep a change from it that the building did not see."""
    return rebuild(account_id, segment.id, now=now)


def rebuild(account_id: int, segment_id: int, *, now: datetime) -> SegmentView:
    """Make the members of a segment exactly those who should be in it now. Safe to repeat, and to
    kill: it is written in one transaction. Segments that name it are built after it, when somebody
    moved.

    A filter that names what is gone leaves the members, and says what needs attention.
    """
    while True:  # again if it is given another filter after the waiting
        named = _let_moves_end(account_id, segment_id)
        built = _rebuild(account_id, segment_id, named, now=now)
        if built is not None:
            return built


@sql.retried
def _let_moves_end(account_id: int, segment_id: int) -> frozenset[int]:
    """Wait for who moves in the segments that one names: that may have begun before this one was
    there to be asked. Whatever begins later asks it. Return the segments that it names."""
    segment = queries.segment(account_id, segment_id)
    named = nested(segment.filter) if segment.filter is not None else frozenset()
    if named:
        sql.rows(
            "SELECT id FROM segment WHERE account_id = %(account_id)s AND id = ANY(%(named)s) "
            "ORDER BY id FOR SHARE",
            {"account_id": account_id, "named": sorted(named)},
        )
    return named


@sql.retried
def _rebuild(
    account_id: int, segment_id: int, named: frozenset[int], *, now: datetime
) -> SegmentView | None:
    """Build a segment, unless it names others than those whose moves were waited for."""
    if not moving.lock(account_id, segment_id):
        raise SegmentUnknown(segment_id)
    segment = queries.segment(account_id, segment_id)
    if segment.filter is not None and not nested(segment.filter) <= named:
        return None
    try:
        meaning = moving.meaning_of(segment, moving.context_at(account_id, now))
        moved = moving.build(account_id, segment, meaning, now=now)
    except Refused as refusal:
        set_state(account_id, segment_id, State.NEEDS_ATTENTION, problem=refusal.stored())
        return queries.segment(account_id, segment_id)
    if segment.filter is not None:
        is_timed = bool(meaning.next_turn)
        _note_meaning(account_id, segment_id, segment.filter, is_timed=is_timed)
    set_state(account_id, segment_id, State.READY)
    if moved.joined or moved.left:
        for number, _name in queries.nested_in(account_id, [in_segment(segment_id)]):
            ask_to_build(account_id, number)
    return queries.segment(account_id, segment_id)


def ask_to_build(account_id: int, segment_id: int) -> None:
    """Let a job build a segment anew; it keeps its members until then."""
    set_state(account_id, segment_id, State.BUILDING)
    enqueue(Job.BUILD_SEGMENT, account_id=account_id, segment_id=segment_id)


def build_if_needed(account_id: int, segment_id: int, *, now: datetime) -> None:
    """Build a segment that is still there and waits to be built."""
    try:
        segment = queries.segment(account_id, segment_id)
    except SegmentUnknown:
        return  # deleted since the job was asked for
    if segment.state is State.BUILDING:
        rebuild(account_id, segment_id, now=now)


def prove(account_id: int, segment_id: int, *, now: datetime) -> Proof:
    """Compare who is in a segment with who should be. Corrects nothing.

    A fixed one is compared with what the ledger tells of it.
    """
    segment = queries.segment(account_id, segment_id)
    params: dict[str, Any] = {"account_id": account_id, "segment_id": segment_id}
    if segment.kind is Kind.ACTIVE:
        context = moving.context_at(account_id, now)
        meaning = moving.meaning_of(segment, context)
        expected = (
            "SELECT c.id AS contact_id FROM contact AS c WHERE c.account_id = %(account_id)s "
            f"AND c.archived_at IS NULL AND ({meaning.meets.text})"
        )
        params |= {
            "sel_account_id": account_id,
            "sel_today": context.today,
            **meaning.meets.params,
        }
    else:
        params["key"] = in_segment(segment_id)
        expected = (
            "SELECT contact_id FROM (SELECT DISTINCT ON (contact_id) contact_id, "
            "after->>%(key)s AS is_in FROM contact_change WHERE account_id = %(account_id)s "
            "AND after ? %(key)s ORDER BY contact_id, change_id DESC) AS told "
            "JOIN contact ON contact.account_id = %(account_id)s AND contact.id = contact_id "
            "AND contact.archived_at IS NULL WHERE is_in = 'true'"
        )
    found = sql.row(
        f"WITH expected AS MATERIALIZED ({expected}), present AS MATERIALIZED ("
        "SELECT contact_id FROM segment_member WHERE account_id = %(account_id)s "
        "AND segment_id = %(segment_id)s) "
        "SELECT (SELECT count(*) FROM present), (SELECT count(*) FROM expected), "
        "(SELECT member_count FROM segment WHERE account_id = %(account_id)s "
        "AND id = %(segment_id)s), NOT EXISTS (SELECT * FROM expected EXCEPT SELECT * FROM present)"
        " AND NOT EXISTS (SELECT * FROM present EXCEPT SELECT * FROM expected)",
        params,
    )
    assert found is not None
    present, wanted, counted, same = found
    return Proof(bool(same) and present == counted, int(present), int(wanted))


@sql.retried
def add_members(
    account_id: int,
    segment_id: int,
    contacts: SubQuery,
    *,
    by: Source,
    now: datetime,
    bulk_action_id: int | None = None,
    with_deleted: bool = False,
) -> MembersMoved:
    """Put live contacts into a fixed segment. Those in it already stay as they are.

    with_deleted  into one that is deleted, too; it may be brought back
    """
    return _move_by_hand(
        account_id,
        segment_id,
        contacts,
        "add",
        by=by,
        now=now,
        bulk_action_id=bulk_action_id,
        with_deleted=with_deleted,
    )


@sql.retried
def remove_members(
    account_id: int,
    segment_id: int,
    contacts: SubQuery,
    *,
    by: Source,
    now: datetime,
    bulk_action_id: int | None = None,
    with_deleted: bool = False,
) -> MembersMoved:
    """Take contacts out of a fixed segment. Those not in it stay as they are.

    with_deleted  out of one that is deleted, too
    """
    return _move_by_hand(
        account_id,
        segment_id,
        contacts,
        "remove",
        by=by,
        now=now,
        bulk_action_id=bulk_action_id,
        with_deleted=with_deleted,
    )


def set_state(account_id: int, segment_id: int, state: State, *, problem: str = "") -> None:
    sql.execute(
        "UPDATE segment SET state = %(state)s, problem = %(problem)s "
        "WHERE account_id = %(account_id)s AND id = %(id)s",
        {
            "account_id": account_id,
            "id": segment_id,
            "state": state.value,
            "problem": problem,
        },
    )


def _move_by_hand(
    account_id: int,
    segment_id: int,
    contacts: SubQuery,
    what: str,
    *,
    by: Source,
    now: datetime,
    bulk_action_id: int | None,
    with_deleted: bool = False,
) -> MembersMoved:
    segment = _locked(account_id, segment_id, with_deleted=with_deleted)
    if segment.kind is not Kind.FIXED:
        raise WrongKindOfSegment(is_active=True)
    change_id = history.open_change(
        account_id,
        ChangeKind.SEGMENT_CHANGED,
        by=by,
        at=now,
        body={"segment_id": segment_id, "action": what},
        bulk_action_id=bulk_action_id,
    )
    found = sql.row(
        sql.compose(sql.load("segments", f"{what}_members"), chosen=contacts.text),
        {
            **contacts.params,
            "account_id": account_id,
            "segment_id": segment_id,
            "change_id": change_id,
            "key": in_segment(segment_id),
            "now": now,
            "today": today_in(accounts.account(account_id).zone, now),
        },
    )
    assert found is not None
    moved = int(found[0])
    if not moved:
        history.drop_change(account_id, change_id)
        return MembersMoved(0, None)
    history.close_change(account_id, change_id, contact_count=moved)
    return MembersMoved(moved, change_id)


@contextmanager
def _refusing_taken(name: str) -> Iterator[None]:
    """Turn the database's refusal of a name that another segment has into ours."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise SegmentNameTaken(name) from error


def _clean(name: str) -> str:
    named = " ".join(name.replace("\0", "").split())
    if not 1 <= len(named) <= LONGEST_NAME or any("\ud800" <= one <= "\udfff" for one in named):
        raise BadSegmentName
    return named


def _lock_definitions(account_id: int) -> None:
    """Let one change of the account's definitions happen at a time: two that are right each for
    itself could make a circle together, or use what is being deleted."""
    sql.execute(
        "SELECT pg_advisory_xact_lock(hashtext('segments'), hashint8(%(account_id)s))",
        {"account_id": account_id},
    )


def _locked(account_id: int, segment_id: int, *, with_deleted: bool = False) -> SegmentView:
    if not moving.lock(account_id, segment_id, with_deleted=with_deleted):
        raise SegmentUnknown(segment_id)
    return queries.segment(account_id, segment_id, with_deleted=with_deleted)


def _refuse_too_many(account_id: int) -> None:
    found = sql.row(
        "SELECT count(*) FROM segment WHERE account_id = %(account_id)s AND deleted_at IS NULL",
        {"account_id": account_id},
    )
    if found is not None and found[0] >= MOST_SEGMENTS:
        raise TooManySegments(MOST_SEGMENTS)


def _insert(
    account_id: int, name: str, kind: Kind, wanted: Filter | None, *, by: Source, now: datetime
) -> int:
    named = _clean(name)
    _refuse_too_many(account_id)
    with _refusing_taken(named):
        found = sql.row(
            "INSERT INTO segment (account_id, name, kind, filter, mentions, is_timed, state, "
            "problem, member_count, created_by, created_at, updated_at) "
            "VALUES (%(account_id)s, %(name)s, %(kind)s, %(filter)s, '{}', FALSE, %(state)s, "
            "'', 0, %(by)s, %(now)s, %(now)s) RETURNING id",
            {
                "account_id": account_id,
                "name": named,
                "kind": kind.value,
                "filter": None if wanted is None else json.dumps(as_json(wanted)),
                "state": (State.READY if wanted is None else State.BUILDING).value,
                "by": by.actor_label,
                "now": now,
            },
        )
    assert found is not None
    return int(found[0])


def _meaning_of(account_id: int, wanted: Filter, now: datetime) -> moving.Meaning:
    return moving.meaning_of_filter(wanted, moving.context_at(account_id, now))


def _note_meaning(account_id: int, segment_id: int, wanted: Filter, *, is_timed: bool) -> None:
    """Keep with the segment what its filter depends on."""
    sql.execute(
        "UPDATE segment SET mentions = %(mentions)s, is_timed = %(is_timed)s "
        "WHERE account_id = %(account_id)s AND id = %(id)s",
        {
            "account_id": account_id,
            "id": segment_id,
            "mentions": sorted(mentions(wanted)),
            "is_timed": is_timed,
        },
    )


def _refuse_cycle(account_id: int, segment_id: int, wanted: Filter) -> None:
    """Follow the segments that a filter names, and those that these name, back to itself."""
    known = {one.id: one for one in queries.segments(account_id)}
    seen: set[int] = set()
    for first in nested(wanted):
        waiting = [first]
        while waiting:
            number = waiting.pop()
            if number == segment_id:
                raise SegmentCycle(known[first].name)
            inner = known.get(number)
            if number not in seen and inner is not None and inner.filter is not None:
                seen.add(number)
                waiting.extend(nested(inner.filter))


def _tell(account_id: int, segment_id: int, what: str, *, by: Source, now: datetime) -> None:
    history.record(
        account_id,
        ChangeKind.SEGMENT_CHANGED,
        by=by,
        at=now,
        body={"segment_id": segment_id, "action": what},
    )


@uses.register_use("segment")
def _segments_using(account_id: int, segment_id: int) -> list[uses.Use]:
    found = queries.nested_in(account_id, [in_segment(segment_id)])
    return [uses.Use("segment", number, name) for number, name in found]
