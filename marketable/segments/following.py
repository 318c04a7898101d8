"""Keeping segments true: a reader of the ledger asks the segments that mention what changed, of
just the contacts that changed; another asks of those whose answer time alone can have changed.

Any number of processes may run either: the reader holds the lock of its cursor, the other those of
the segments. What is read and the cursor are written in one transaction, so a killed reader has
lost nothing and done nothing twice.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from graphlib import TopologicalSorter
from itertools import groupby
from operator import itemgetter

from django.db import DataError, connection, transaction

from marketable import clock, sql
from marketable.accounts import queries as accounts
from marketable.billing.rules import today_in
from marketable.errors import Refused
from marketable.history import queries as ledger
from marketable.history.kinds import Kind as ChangeKind
from marketable.history.queries import Cursor
from marketable.history.sources import SourceType, system
from marketable.queue import Job, enqueue
from marketable.segments import moving, queries
from marketable.segments.compiling import Context
from marketable.segments.errors import FilterRefused, LedgerBehind
from marketable.segments.moving import Meaning
from marketable.segments.queries import SegmentView
from marketable.segments.rules import ANY, Kind, State, in_segment, nested
from marketable.segments.services.segments import add_members, set_state
from marketable.sql import SubQuery

READER = "segments"
CHANGES_AT_ONCE = 500
DUE_AT_ONCE = 20_000
#: The calendar is at most this far ahead of UTC anywhere.
FURTHEST_ZONE = timedelta(hours=14)
LOOK_AGAIN_SECONDS = 0.02
PATIENCE_SECONDS = 60.0
LONGEST_PROBLEM = 500

#: What moves contacts whatever a filter mentions.
CONCERNS_ALL = frozenset(
    {
        ChangeKind.CONTACT_CREATED,
        ChangeKind.CONTACT_ARCHIVED,
        ChangeKind.CONTACT_RESTORED,
        ChangeKind.CONTACT_ERASED,
        ChangeKind.CONTACT_MERGED,
    }
)

TOUCHED = """
SELECT DISTINCT key
  FROM contact_change AS told,
       LATERAL (SELECT jsonb_object_keys(told.before || told.after) AS key
                UNION ALL
                SELECT jsonb_object_keys(coalesce(told.before->'properties', '{}')
                                         || coalesce(told.after->'properties', '{}'))) AS keys
 WHERE told.account_id = %(account_id)s AND told.change_id = ANY(%(changes)s)
"""
ALTERED = (
    "SELECT DISTINCT contact_id FROM contact_change WHERE account_id = %(account_id)s "
    "AND change_id = ANY(%(changes)s)"
)


@dataclass(frozen=True, slots=True)
class Touched:
    """What a batch of changes touched: names of properties, `status`, `segment:7`; `all` when
    contacts came or went."""

    keys: frozenset[str]
    all: bool = False


@sql.retried
def follow(*, now: datetime) -> bool:
    """Read some changes of the ledger, and let the contacts they altered join and leave segments.

    Returns whether there may be more. Does nothing while another process reads.
    """
    found = sql.row(
        "SELECT xid::text, change_id FROM ledger_reader WHERE name = %(name)s "
        "FOR UPDATE SKIP LOCKED",
        {"name": READER},
    )
    if found is None:
        return False
    changes, cursor = ledger.changes_since(
        Cursor(int(found[0]), int(found[1])), limit=CHANGES_AT_ONCE
    )
    if not changes:
        return False
    for account_id, of_account in groupby(sorted(changes), key=itemgetter(0)):
        take_in(account_id, [number for _account, number in of_account], now=now)
    sql.execute(
        "UPDATE ledger_reader SET xid = %(xid)s::text::xid8, change_id = %(id)s "
        "WHERE name = %(name)s",
        {"name": READER, "xid": str(cursor.xid), "id": cursor.id},
    )
    return True


def take_in(account_id: int, change_ids: Sequence[int], *, now: datetime) -> None:
    """Let the contacts that some changes of an account altered join and leave its segments."""
    params = {"account_id": account_id, "changes": list(change_ids)}
    kinds = {
        str(row[0])
        for row in sql.rows(
            "SELECT DISTINCT kind FROM change WHERE account_id = %(account_id)s "
            "AND id = ANY(%(changes)s)",
            params,
        )
    }
    segments = queries.segments(account_id)
    if not segments:
        return
    if ChangeKind.PROPERTY_CHANGED in kinds or ChangeKind.SEGMENT_CHANGED in kinds:
        _look_for_problems(account_id, segments, now=now)
    if ChangeKind.SETTING_CHANGED in kinds:  # the time zone, perhaps: days begin at other moments
        for one in segments:
            if one.is_timed:
                enqueue(Job.BUILD_SEGMENT, account_id=account_id, segment_id=one.id)
    if ChangeKind.CONTACT_MERGED in kinds:
        _follow_merged(account_id, change_ids, segments, now=now)
    keys = frozenset(str(row[0]) for row in sql.rows(TOUCHED, params))
    if keys:
        touched = Touched(keys, all=bool(CONCERNS_ALL & kinds))
        _ask(account_id, segments, touched, SubQuery(ALTERED, params), now=now)


@sql.retried
def follow_time(*, now: datetime) -> bool:
    """Ask again of some contacts whose day has come. Returns whether there may be more."""
    for account_id, today in _accounts_due(now):
        due = sql.rows(
            "SELECT segment_id, contact_id FROM segment_due WHERE account_id = %(account_id)s "
            "AND due_on <= %(today)s ORDER BY due_on LIMIT %(limit)s",
            {"account_id": account_id, "today": today, "limit": DUE_AT_ONCE},
        )
        asked = SubQuery(
            "SELECT unnest(%(asked)s::bigint[]) AS contact_id",
            {"asked": sorted({int(row[1]) for row in due})},
        )
        turned = {int(row[0]) for row in due}
        live = queries.segments(account_id)
        # A segment that is gone, or cannot be asked, waits for no day; building it finds them anew.
        sql.execute(
            "DELETE FROM segment_due WHERE account_id = %(account_id)s AND due_on <= %(today)s "
            "AND segment_id <> ALL(%(live)s)",
            {
                "account_id": account_id,
                "today": today,
                "live": [one.id for one in live if one.state is State.READY],
            },
        )
        _ask(account_id, live, Touched(frozenset()), asked, now=now, turned=turned)
        return True
    return False


def catch_up(*, now: datetime | None = None, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Read the ledger as far as it is written at this moment, and what time has turned, so that
    segments hold exactly whom they should. Must not run inside a transaction.

    Raises LedgerBehind when another process keeps a change from being read for too long.
    """
    assert not connection.in_atomic_block
    until = time.monotonic() + patience_seconds
    while follow_time(now=now or clock.now()):
        pass
    target = _end_of_ledger()
    while _cursor() < target:
        if not follow(now=now or clock.now()):
            if time.monotonic() > until:
                raise LedgerBehind
            time.sleep(LOOK_AGAIN_SECONDS)


def is_behind(*, now: datetime) -> bool:
    """Tell whether there are changes that were not read for segments yet, or contacts whose day
    has come."""
    return _cursor() < _end_of_ledger() or bool(_accounts_due(now))


def _accounts_due(now: datetime) -> list[tuple[int, date]]:
    """Return the accounts in which time has turned something, with their day."""
    latest = (now + FURTHEST_ZONE).date()
    found = []
    for account_id, first in sql.rows(
        "SELECT id, due.due_on FROM account, LATERAL (SELECT due_on FROM segment_due "
        "WHERE account_id = account.id AND due_on <= %(latest)s ORDER BY due_on LIMIT 1) AS due",
        {"latest": latest},
    ):
        today = today_in(accounts.account(account_id).zone, now)
        if first <= today:
            found.append((int(account_id), today))
    return found


def _cursor() -> tuple[int, int]:
    found = sql.row(
        "SELECT xid::text, change_id FROM ledger_reader WHERE name = %(name)s", {"name": READER}
    )
    assert found is not None
    return int(found[0]), int(found[1])


def _end_of_ledger() -> tuple[int, int]:
    found = sql.row("SELECT xid::text, id FROM change ORDER BY change.xid DESC, id DESC LIMIT 1")
    return (int(found[0]), int(found[1])) if found else (0, 0)


def _ask(
    account_id: int,
    segments: Sequence[SegmentView],
    touched: Touched,
    asked: SubQuery,
    *,
    now: datetime,
    turned: frozenset[int] | set[int] = frozenset(),
) -> None:
    """Ask the segments that mention what was touched of the contacts, those before others that
    name them: who moves in one is what the others mention."""
    context = moving.context_at(account_id, now)
    keys = set(touched.keys)
    for one in in_order(segments):
        is_meant = touched.all or one.id in turned or ANY in one.mentions
        if not is_meant and keys.isdisjoint(one.mentions):
            continue
        if one.kind is Kind.FIXED and in_segment(one.id) in keys and not touched.all:
            continue  # its members were moved with the change itself
        if not moving.lock(account_id, one.id):
            continue
        segment = queries.segment(account_id, one.id)  # as it is under the lock
        if segment.state is not State.READY:
            continue  # it is built of what is there, later
        try:
            meaning = _meaning(segment, context)
        except Refused as refusal:
            set_state(account_id, one.id, State.NEEDS_ATTENTION, problem=refusal.stored())
            continue
        try:
            with transaction.atomic():
                moved = moving.ask_again(account_id, segment, asked, meaning, now=now)
        except DataError as error:  # a value that its filter cannot be asked of
            problem = FilterRefused("", str(error.__cause__ or error)[:LONGEST_PROBLEM])
            set_state(account_id, one.id, State.NEEDS_ATTENTION, problem=problem.stored())
            continue
        if moved.joined or moved.left:
            keys.add(in_segment(one.id))


def _meaning(segment: SegmentView, context: Context) -> Meaning:
    if segment.kind is Kind.ACTIVE:
        return moving.meaning_of(segment, context)
    return Meaning(moving.put_in_by_hand(segment.id), "", context.today)


def in_order(segments: Sequence[SegmentView]) -> list[SegmentView]:
    """Return segments so that each comes after those that its filter names.

    There are no circles: none can be saved.
    """
    known: Mapping[int, SegmentView] = {one.id: one for one in segments}
    graph = {
        one.id: (nested(one.filter) & known.keys()) if one.filter is not None else set()
        for one in segments
    }
    return [known[number] for number in TopologicalSorter(graph).static_order()]


def _look_for_problems(account_id: int, segments: Sequence[SegmentView], *, now: datetime) -> None:
    """Find the segments whose filters name what is gone, and those that can be understood again."""
    context = moving.context_at(account_id, now)
    for one in segments:
        if one.kind is Kind.FIXED:
            continue
        try:
            moving.meaning_of(one, context)
        except Refused as refusal:
            if moving.lock(account_id, one.id):
                set_state(account_id, one.id, State.NEEDS_ATTENTION, problem=refusal.stored())
            continue
        if one.state is State.NEEDS_ATTENTION and moving.lock(account_id, one.id):
            set_state(account_id, one.id, State.BUILDING)
            enqueue(Job.BUILD_SEGMENT, account_id=account_id, segment_id=one.id)


def _follow_merged(
    account_id: int,
    change_ids: Sequence[int],
    segments: Sequence[SegmentView],
    *,
    now: datetime,
) -> None:
    """Put the survivors of merges into the fixed segments of those merged away."""
    fixed = [one.id for one in segments if one.kind is Kind.FIXED]
    for change_id, survivor, segment_id in sql.rows(
        "SELECT told.change_id, (told.after->>'merged_into')::bigint, member.segment_id "
        "FROM contact_change AS told JOIN segment_member AS member "
        "ON member.account_id = told.account_id AND member.contact_id = told.contact_id "
        "AND member.segment_id = ANY(%(fixed)s) "
        "WHERE told.account_id = %(account_id)s AND told.change_id = ANY(%(changes)s) "
        "AND told.after ? 'merged_into'",
        {"account_id": account_id, "changes": list(change_ids), "fixed": fixed},
    ):
        chosen = SubQuery("SELECT %(survivor)s::bigint AS id", {"survivor": survivor})
        by = system(SourceType.MERGE, str(change_id))
        add_members(account_id, segment_id, chosen, by=by, now=now)
