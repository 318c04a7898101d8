"""Keeping segments true: a reader of the ledger asks the segments that mention what changed, of
just the contacts that changed; another asks of those whose answer time alone can have changed.

Any number of processes may run either: the reader holds the lock of its cursor, the other those of
the segments. What is read and the cursor are written in one transaction, so a killed reader has
lost nothing and done nothing twice.
"""

import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from graphlib import TopologicalSorter
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import DataError, connection

from marketable import clock, sql
from marketable.accounts import queries as accounts
from marketable.billing.rules import today_in
from marketable.errors import Refused
from marketable.history import queries as ledger
from marketable.history.kinds import Kind as ChangeKind
from marketable.history.queries import Cursor
from marketable.history.sources import SourceType, system
from marketable.segments import moving, queries
from marketable.segments.errors import LedgerBehind, SegmentUnknown
from marketable.segments.queries import SegmentView
from marketable.segments.rules import ANY, State, in_segment, nested
from marketable.segments.selection import Selection
from marketable.segments.services.segments import (
    add_members,
    ask_to_build,
    build_if_needed,
    prove,
    remove_members,
    set_state,
)
from marketable.sql import SubQuery

READER = "segments"
CHANGES_AT_ONCE = 500
DUE_AT_ONCE = 20_000
#: Higher than the number of every change.
LAST_NUMBER = 2**63 - 1
#: The calendar is at most this far ahead of UTC anywhere.
FURTHEST_ZONE = timedelta(hours=14)
LOOK_AGAIN_SECONDS = 0.02
PATIENCE_SECONDS = 60.0
PROOFS = 3
#: Up to here the contacts of some changes are told to every segment by number.
FEW = 10_000

#: What moves contacts whatever a filter mentions.
CONCERNS_ALL = frozenset(
    {
        ChangeKind.CONTACT_CREATED,
        ChangeKind.CONTACT_ARCHIVED,
        ChangeKind.CONTACT_RESTORED,
        ChangeKind.CONTACT_ERASED,
        ChangeKind.CONTACT_MERGED,
        ChangeKind.CONTACT_UNMERGED,
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
ERASED = (
    "SELECT contact_id FROM contact_change WHERE account_id = %(account_id)s "
    "AND change_id = ANY(%(changes)s) AND after ? 'erased'"
)
THESE = "SELECT unnest(%(asked)s::bigint[]) AS contact_id"
#: Who was merged into whom, followed to the one that is left, and the fixed segments that they were
#: in by the ledger's last word.
MERGED_OUT_OF = """
WITH RECURSIVE merged AS (
    SELECT contact_id AS merged_id, max(change_id) AS change_id FROM contact_change
     WHERE account_id = %(account_id)s AND change_id = ANY(%(changes)s) AND after ? 'merged_into'
     GROUP BY contact_id
), way AS (
    SELECT merged_id, change_id, merged_id AS id FROM merged
    UNION
    SELECT way.merged_id, way.change_id, contact.merged_into
      FROM way JOIN contact ON contact.account_id = %(account_id)s AND contact.id = way.id
     WHERE contact.merged_into IS NOT NULL
)
SELECT way.change_id, way.id, segment.id
  FROM way
  JOIN contact ON contact.account_id = %(account_id)s AND contact.id = way.id
              AND contact.merged_into IS NULL AND way.id <> way.merged_id
  JOIN segment ON segment.account_id = %(account_id)s AND segment.kind = 'fixed'
 WHERE (SELECT told.after->>('segment:' || segment.id) FROM contact_change AS told
         WHERE told.account_id = %(account_id)s AND told.contact_id = way.merged_id
           AND told.after ? ('segment:' || segment.id)
         ORDER BY told.change_id DESC LIMIT 1) = 'true'
 ORDER BY way.change_id, segment.id
"""
#: The contacts that were parted from a survivor, unless they are merged with it again, each with
#: all that had been merged into it before.
PARTED = """
WITH RECURSIVE parted AS (
    SELECT told.change_id, told.contact_id AS survivor, away.id AS root, away.id
      FROM contact_change AS told
      JOIN contact AS away ON away.account_id = told.account_id
                          AND away.id = (told.after->>'unmerged')::bigint
                          AND away.merged_into IS DISTINCT FROM told.contact_id
     WHERE told.account_id = %(account_id)s AND told.change_id = ANY(%(changes)s)
       AND told.after ? 'unmerged'
    UNION
    SELECT parted.change_id, parted.survivor, parted.root, away.id
      FROM parted JOIN contact AS away ON away.account_id = %(account_id)s
                                      AND away.merged_into = parted.id
)
"""
LAST_WORD = """
LATERAL (SELECT told.change_id, told.after->>('segment:' || segment.id) AS is_in
           FROM contact_change AS told
          WHERE told.account_id = %(account_id)s AND told.contact_id = {contact}
            AND told.after ? ('segment:' || segment.id)
          ORDER BY told.change_id DESC LIMIT 1) AS {name}
"""
#: The fixed segments that survivors are in only because of those parted from them.
ONLY_BY_MERGE = f"""
{PARTED}
SELECT DISTINCT parted.change_id, parted.survivor, segment.id
  FROM parted
  JOIN segment ON segment.account_id = %(account_id)s AND segment.kind = 'fixed'
 CROSS JOIN {LAST_WORD.format(contact="parted.survivor", name="last_word")}
  JOIN change AS added ON added.account_id = %(account_id)s AND added.id = last_word.change_id
                      AND added.source_type = 'MERGE' AND added.actor_type = 'system'
 WHERE last_word.is_in = 'true'
   AND EXISTS (SELECT FROM contact_change AS cause
                WHERE cause.account_id = %(account_id)s AND cause.contact_id = parted.id
                  AND cause.change_id::text = added.source_id AND cause.after ? 'merged_into')
 ORDER BY parted.change_id, segment.id
"""
#: The fixed segments of what had been merged into those parted, if nobody has put these in or
#: taken them out: both merges were read at once then, and the last survivor was put in alone.
PARTED_OUT_OF = f"""
{PARTED}
SELECT DISTINCT (SELECT max(cause.change_id) FROM contact_change AS cause
                  WHERE cause.account_id = %(account_id)s AND cause.contact_id = parted.id
                    AND cause.after ? 'merged_into'), parted.root, segment.id
  FROM parted
  JOIN segment ON segment.account_id = %(account_id)s AND segment.kind = 'fixed'
 CROSS JOIN {LAST_WORD.format(contact="parted.id", name="last_word")}
  LEFT JOIN {LAST_WORD.format(contact="parted.root", name="own_word")} ON TRUE
 WHERE parted.id <> parted.root AND last_word.is_in = 'true' AND own_word.change_id IS NULL
 ORDER BY 1, segment.id
"""


@dataclass(frozen=True, slots=True)
class Touched:
    """What a batch of changes touched: names of properties, `status`, `segment:7`; `all` when
    contacts came or went."""

    keys: frozenset[str]
    all: bool = False


def follow(*, now: datetime) -> bool:
    """Read some changes of the ledger, and let the contacts they altered join and leave segments.

    Returns whether there may be more. Does nothing while another process reads.
    """
    try:
        return _follow(now=now)
    except DataError:  # a filter met a value that it cannot be compared with: find out which
        return _follow(now=now, is_careful=True)


@sql.retried
def _follow(*, now: datetime, is_careful: bool = False) -> bool:
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
        numbers = [number for _account, number in of_account]
        _take_in(account_id, numbers, now=now, is_careful=is_careful)
    sql.execute(
        "UPDATE ledger_reader SET xid = %(xid)s::text::xid8, change_id = %(id)s "
        "WHERE name = %(name)s",
        {"name": READER, "xid": str(cursor.xid), "id": cursor.id},
    )
    return True


def _take_in(
    account_id: int, change_ids: Sequence[int], *, now: datetime, is_careful: bool
) -> None:
    """Let the contacts that some changes of an account altered join and leave its segments."""
    params = {"account_id": account_id, "changes": list(change_ids)}
    told = sql.rows(
        "SELECT DISTINCT kind, body->>'setting' FROM change WHERE account_id = %(account_id)s "
        "AND id = ANY(%(changes)s)",
        params,
    )
    kinds = {str(kind) for kind, _setting in told}
    if ChangeKind.CONTACT_MERGED in kinds:
        _follow_merged(account_id, params, now=now)
    if ChangeKind.CONTACT_UNMERGED in kinds:
        _follow_unmerged(account_id, params, now=now)
    segments = queries.segments(account_id)
    if not segments:
        return
    if ChangeKind.PROPERTY_CHANGED in kinds or ChangeKind.SEGMENT_CHANGED in kinds:
        _look_for_problems(account_id, segments, now=now)
    if any(setting == "time_zone" for _kind, setting in told):  # days begin at other moments
        for number in sorted(one.id for one in segments if one.filter is not None):
            ask_to_build(account_id, number)
    keys = frozenset(str(row[0]) for row in sql.rows(TOUCHED, params))
    if keys:
        touched = Touched(keys, all=bool(CONCERNS_ALL & kinds))
        asked = _asked(params)
        _ask(account_id, segments, touched, asked, now=now, is_careful=is_careful)
    if ChangeKind.CONTACT_ERASED in kinds:  # nor is it kept when they were in the last ones (S14)
        sql.execute(
            f"DELETE FROM segment_past_member WHERE account_id = %(account_id)s "
            f"AND contact_id IN ({ERASED})",
            params,
        )


def _asked(params: Mapping[str, Any]) -> SubQuery:
    """Return the contacts that some changes altered: by number where they are few, so that they are
    looked for in the ledger once and not for every segment."""
    few = sql.rows(f"{ALTERED} LIMIT {FEW + 1}", params)
    if len(few) > FEW:
        return SubQuery(ALTERED, params)
    return SubQuery(THESE, {"asked": sorted(int(row[0]) for row in few)})


def follow_time(*, now: datetime) -> bool:
    """Ask again of some contacts whose day has come. Returns whether there may be more."""
    try:
        return _follow_time(now=now)
    except DataError:
        return _follow_time(now=now, is_careful=True)


@sql.retried
def _follow_time(*, now: datetime, is_careful: bool = False) -> bool:
    for account_id, today in _accounts_due(now):
        due = sql.rows(
            "SELECT segment_id, contact_id FROM segment_due WHERE account_id = %(account_id)s "
            "AND due_on <= %(today)s ORDER BY due_on LIMIT %(limit)s",
            {"account_id": account_id, "today": today, "limit": DUE_AT_ONCE},
        )
        asked = SubQuery(THESE, {"asked": sorted({int(row[1]) for row in due})})
        turned = frozenset(int(row[0]) for row in due)
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
        untouched = Touched(frozenset())
        _ask(account_id, live, untouched, asked, now=now, turned=turned, is_careful=is_careful)
        return True
    return False


def catch_up(
    account_id: int | None = None,
    *,
    now: datetime | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Read the ledger as far as it is written at this moment, and what time has turned, so that
    segments hold exactly whom they should. Must not run inside a transaction.

    account_id  build what waits to be built of this account, too

    Raises LedgerBehind when another process keeps a change from being read for too long.
    """
    assert not connection.in_atomic_block
    renumber_if_moved()
    until = time.monotonic() + patience_seconds
    while follow_time(now=now or clock.now()):
        pass
    target = _end_of_ledger()
    while _cursor() < target:
        if not follow(now=now or clock.now()):
            if time.monotonic() > until:
                raise LedgerBehind
            time.sleep(LOOK_AGAIN_SECONDS)
    if account_id is not None:
        # After one those that name it wait to be built, and so on; there are no circles.
        while waiting := [number for owner, number in queries.unbuilt() if owner == account_id]:
            for number in waiting:
                build_if_needed(account_id, number, now=now or clock.now())


@sql.retried
def renumber_if_moved() -> bool:
    """Let the ledger of a database that was restored on another server be read on where it was.
    The numbers of transactions, which the reader goes by, begin anew there: what is written would
    come before what was read long ago, and never be read. Returns whether that was so."""
    if _latest_of_elsewhere() is None:
        return False
    found = sql.row(
        "SELECT xid::text, change_id FROM ledger_reader WHERE name = %(name)s FOR UPDATE",
        {"name": READER},
    )
    latest = _latest_of_elsewhere()
    if found is None or latest is None:
        return False  # another process has done it meanwhile
    params = {"name": READER, "xid": str(found[0]), "id": int(found[1]), "last": LAST_NUMBER}
    sql.execute(
        "UPDATE change SET xid = (CASE WHEN (xid, id) > (%(xid)s::text::xid8, %(id)s) "
        "OR id > %(latest)s THEN '2' ELSE '1' END)::text::xid8",
        {**params, "latest": latest},
    )
    sql.execute(
        "UPDATE ledger_reader SET xid = '1'::text::xid8, change_id = %(last)s "
        "WHERE name = %(name)s",
        params,
    )
    return True


def _latest_of_elsewhere() -> int | None:
    """Return the highest number of a change whose transaction has not been here yet."""
    found = sql.row(
        "SELECT max(id) FROM change WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())"
    )
    return None if found is None or found[0] is None else int(found[0])


def catch_up_for(account_id: int, selection: Selection, *, patience_seconds: float) -> None:
    """Let the segments that a selection names hold exactly whom they should, before it is used.
    Inside a transaction they are taken as they are."""
    names_some = selection.segment_id is not None or (
        selection.filter is not None and bool(nested(selection.filter))
    )
    if names_some and not connection.in_atomic_block:
        catch_up(account_id, patience_seconds=patience_seconds)


def is_proven(account_id: int, segment_id: int, *, now: datetime) -> bool:
    """Tell whether a segment holds exactly whom it should. What changed between the reading and the
    proof is no difference, so one that seems to be there is looked at again."""
    for _attempt in range(PROOFS):
        catch_up(now=now)
        try:
            segment = queries.segment(account_id, segment_id)
        except SegmentUnknown:
            return True  # deleted meanwhile
        if segment.state is not State.READY or prove(account_id, segment_id, now=now).ok:
            return True
    return False


def is_behind(*, now: datetime) -> bool:
    """Tell whether there are changes that were not read for segments yet, or contacts whose day
    has come."""
    return _cursor() < _end_of_ledger() or bool(_accounts_due(now))


def behind_since(*, now: datetime) -> datetime | None:
    """Return when the first change was made that is not read for segments yet; None if all are."""
    xid, change_id = _cursor()
    found = sql.row(
        "SELECT at FROM change WHERE (xid, id) > (%(xid)s::text::xid8, %(id)s) "
        "AND EXISTS (SELECT FROM segment WHERE deleted_at IS NULL) "
        "ORDER BY change.xid, id LIMIT 1",
        {"xid": str(xid), "id": change_id},
    )
    return None if found is None else min(found[0], now)


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
    is_careful: bool,
    turned: frozenset[int] = frozenset(),
) -> None:
    """Ask the segments that mention what was touched of the contacts, those before others that
    name them: who moves in one is what the others mention.

    is_careful  find the segment whose filter cannot be compared with a contact's value
    """
    could = _that_could_move(segments, touched, turned)
    if not could:
        return
    context = moving.context_at(account_id, now)
    under_lock = moving.locked(account_id, [one.id for one in could])
    keys, moved_some = set(touched.keys), []
    for number in (one.id for one in could):
        segment = under_lock.get(number)
        if segment is None or segment.state is not State.READY:
            continue  # it is gone, or built later of what is there
        if not _is_meant(segment, touched, keys, turned):
            continue
        try:
            meaning = moving.meaning_of(segment, context)
            with moving.refusing_bad_values() if is_careful else nullcontext():
                moved = moving.ask_again(account_id, segment, asked, meaning, now=now)
        except Refused as refusal:
            set_state(account_id, number, State.NEEDS_ATTENTION, problem=refusal.stored())
            continue
        if moved.joined or moved.left:
            keys.add(in_segment(number))
            moved_some.append(in_segment(number))
    in_their_turn = {one.id for one in could if _is_as_read(one, under_lock)}
    _build_overtaken(account_id, moved_some, but=in_their_turn)


def _is_as_read(segment: SegmentView, under_lock: Mapping[int, SegmentView]) -> bool:
    locked = under_lock.get(segment.id)
    return locked is not None and locked.filter == segment.filter


def _build_overtaken(account_id: int, moved_some: Sequence[str], *, but: AbstractSet[int]) -> None:
    """Let segments be built anew that began to name one which moved somebody after the segments
    were read, and were built before that: they were asked too early, or not at all."""
    for number, _name in queries.nested_in(account_id, moved_some) if moved_some else ():
        if number not in but:
            ask_to_build(account_id, number)


def _is_meant(
    segment: SegmentView, touched: Touched, keys: AbstractSet[str], turned: frozenset[int]
) -> bool:
    """Tell whether what was touched can move contacts in or out. The members of a fixed segment are
    moved with the change itself, unless the contacts came or went."""
    if touched.all or segment.id in turned:
        return True
    return ANY in segment.mentions or not keys.isdisjoint(segment.mentions)


def _that_could_move(
    segments: Sequence[SegmentView], touched: Touched, turned: frozenset[int]
) -> list[SegmentView]:
    """Return in order the segments that are meant, if every one before them moves somebody."""
    keys, could = set(touched.keys), []
    for one in in_order(segments):
        if _is_meant(one, touched, keys, turned):
            could.append(one)
            keys.add(in_segment(one.id))
    return could


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
        try:
            moving.meaning_of(one, context)
        except Refused as refusal:
            if moving.lock(account_id, one.id):
                problem = refusal.stored()
                set_state(account_id, one.id, State.NEEDS_ATTENTION, problem=problem)
            continue
        if one.state is State.NEEDS_ATTENTION and moving.lock(account_id, one.id):
            ask_to_build(account_id, one.id)


def _follow_merged(account_id: int, params: Mapping[str, Any], *, now: datetime) -> None:
    """Put the survivors of merges into the fixed segments of those merged away."""
    for change_id, survivor, segment_id in sql.rows(MERGED_OUT_OF, params):
        chosen = SubQuery("SELECT %(survivor)s::bigint AS id", {"survivor": survivor})
        by = system(SourceType.MERGE, str(change_id))
        add_members(account_id, segment_id, chosen, by=by, now=now, with_deleted=True)


def _follow_unmerged(account_id: int, params: Mapping[str, Any], *, now: datetime) -> None:
    """Take the survivors of merges that were taken back out of the fixed segments that only these
    merges put them into. Those parted from them are in theirs again, by the ledger's last word."""
    for change_id, survivor, segment_id in sql.rows(ONLY_BY_MERGE, params):
        chosen = SubQuery("SELECT %(survivor)s::bigint AS id", {"survivor": survivor})
        by = system(SourceType.MERGE, str(change_id))
        remove_members(account_id, segment_id, chosen, by=by, now=now, with_deleted=True)
    for change_id, parted, segment_id in sql.rows(PARTED_OUT_OF, params):
        chosen = SubQuery("SELECT %(parted)s::bigint AS id", {"parted": parted})
        by = system(SourceType.MERGE, str(change_id))
        add_members(account_id, segment_id, chosen, by=by, now=now, with_deleted=True)
