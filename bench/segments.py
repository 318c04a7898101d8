"""Segments against bare SQL: building one, and keeping many true while contacts change.

What changes goes back and forth between two values, so that every round moves as many in as out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.db import transaction

from bench.account import BenchAccount
from bench.figures import Figure, Stopwatch, measured, say
from bench.server import Server
from marketable import sql
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.queue import Job
from marketable.segments import following
from marketable.segments.rules import State, from_json
from marketable.segments.services import segments

GOAL = 1.5
ROUNDS = 5
CHANGED = 100_000
PER_CHANGE = 20_000
SEGMENTS, MENTIONING = 200, 20
#: A third of the contacts have these.
BUILT = {"property": "num_conversion_events", "operator": "lt", "value": 3}

FILL = """
INSERT INTO segment_member (account_id, segment_id, contact_id, since)
SELECT account_id, %(segment_id)s, id, %(now)s
  FROM contact
 WHERE account_id = %(account_id)s AND archived_at IS NULL
   AND (properties->>'num_conversion_events')::numeric < 3
"""
SWITCH = """
WITH chosen AS (
    SELECT id, properties->>'city' AS before FROM contact
     WHERE account_id = %(account_id)s AND id > %(after)s ORDER BY id LIMIT %(limit)s
), moved AS (
    UPDATE contact SET properties = properties || jsonb_build_object('city', %(city)s::text),
                       updated_at = %(now)s
      FROM chosen WHERE account_id = %(account_id)s AND contact.id = chosen.id
    RETURNING chosen.id, before
)
INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
SELECT %(account_id)s, id, %(change_id)s,
       jsonb_build_object('properties', jsonb_build_object('city', before)),
       jsonb_build_object('properties', jsonb_build_object('city', %(city)s::text))
  FROM moved
"""
#: The best that can be written by hand for one segment: who left goes to the past, who came in.
ASK = """
WITH meets AS MATERIALIZED (
    SELECT contact.id
      FROM bench_changed JOIN contact ON contact.account_id = %(account_id)s
                                     AND contact.id = bench_changed.id
     WHERE archived_at IS NULL AND lower(properties->>'city') = lower(%(city)s)
       AND (properties->>'num_conversion_events')::numeric >= %(events)s
), gone AS (
    DELETE FROM segment_member AS member
     USING bench_changed
     WHERE member.account_id = %(account_id)s AND member.segment_id = %(segment_id)s
       AND member.contact_id = bench_changed.id
       AND NOT EXISTS (SELECT FROM meets WHERE meets.id = bench_changed.id)
    RETURNING contact_id, since
), past AS (
    INSERT INTO segment_past_member (account_id, segment_id, contact_id, joined_at, left_at)
    SELECT %(account_id)s, %(segment_id)s, contact_id, since, %(now)s FROM gone
), joined AS (
    INSERT INTO segment_member (account_id, segment_id, contact_id, since)
    SELECT %(account_id)s, %(segment_id)s, id, %(now)s FROM meets
    ON CONFLICT DO NOTHING
    RETURNING 1
)
UPDATE segment SET member_count = member_count + (SELECT count(*) FROM joined)
                                  - (SELECT count(*) FROM gone)
 WHERE account_id = %(account_id)s AND id = %(segment_id)s
"""
SKIP = """
UPDATE ledger_reader
   SET (xid, change_id) = (SELECT xid, id FROM change ORDER BY xid DESC, id DESC LIMIT 1)
 WHERE name = %(name)s
"""


@dataclass(frozen=True, slots=True)
class Mentioning:
    """A segment of those in a city with at least so many conversions."""

    id: int
    city: str
    events: int


def figures(server: Server, account: BenchAccount, template: str) -> Iterator[Figure]:
    with server.copy_of(template):
        yield _building(account)
    with server.copy_of(template):
        say(f"making {SEGMENTS} segments, {MENTIONING} of which mention the city")
        mentioning = _many(account)
        yield _one_contact(account)
        yield _many_contacts(account, mentioning)


def _building(account: BenchAccount) -> Figure:
    wanted = from_json({"and": [BUILT]})
    names = (f"Built {number}" for number in count())
    made: list[int] = []

    def begin() -> None:
        """Empty the table, and make a segment that waits to be built."""
        sql.execute("TRUNCATE segment_member")
        view = segments.create_active(
            account.id, next(names), wanted, by=account.by, now=account.now
        )
        made.append(view.id)

    def product() -> float:
        begin()
        watch = Stopwatch()
        with watch.running():
            view = segments.rebuild(account.id, made[-1], now=account.now)
        sizes.append(view.member_count)
        return watch.seconds

    def floor() -> float:
        begin()
        watch = Stopwatch()
        params = {"account_id": account.id, "segment_id": made[-1], "now": account.now}
        with watch.running(), transaction.atomic():
            written = sql.execute(FILL, params)
        sizes.append(written)
        return watch.seconds

    sizes: list[int] = []
    product()
    floor()
    figure = measured(
        "build an active segment",
        sizes[0],
        product=product,
        floor=floor,
        floor_is="bare INSERT … SELECT of its members",
        goal=GOAL,
        rounds=ROUNDS,
    )
    assert len(set(sizes)) == 1, sizes
    return figure


def _many(account: BenchAccount) -> list[Mentioning]:
    """Make the segments of an account that has many; return those that mention the city."""
    mentioning = []
    for number in range(SEGMENTS):
        if number < MENTIONING:
            city, events = ("Here", "There")[number % 2], number % 5
            wanted: list[dict[str, Any]] = [
                {"property": "city", "operator": "is", "value": city},
                {"property": "num_conversion_events", "operator": "gte", "value": events},
            ]
        else:
            company = f"Nobody's {number}"
            wanted = [{"property": "company", "operator": "is", "value": company}]
        view = segments.create_active(
            account.id,
            f"Segment {number}",
            from_json({"and": wanted}),
            by=account.by,
            now=account.now,
        )
        # Nobody is in it yet: it is ready without looking.
        segments.set_state(account.id, view.id, State.READY)
        if number < MENTIONING:
            mentioning.append(Mentioning(view.id, city, events))
    sql.execute(
        "DELETE FROM procrastinate_jobs WHERE task_name = %(name)s",
        {"name": Job.BUILD_SEGMENT.value},
    )
    _skip()
    return mentioning


def _switch(account: BenchAccount, city: str, how_many: int) -> None:
    """Let contacts move to a city, as a bulk edit does: batch after batch, each with its change."""
    for after in range(0, how_many, PER_CHANGE):
        limit = min(PER_CHANGE, how_many - after)
        with transaction.atomic():
            change_id = history.open_change(
                account.id, Kind.CONTACT_CHANGED, by=account.by, at=account.now
            )
            params = {
                "account_id": account.id,
                "now": account.now,
                "after": after,
                "limit": limit,
                "city": city,
                "change_id": change_id,
            }
            sql.execute(SWITCH, params)
            history.close_change(account.id, change_id, contact_count=limit)


def _skip() -> None:
    """Let the reader believe that it has read everything."""
    sql.execute(SKIP, {"name": following.READER})


def _cities() -> Callable[[], str]:
    numbers = count()
    return lambda: ("Here", "There")[next(numbers) % 2]


def _one_contact(account: BenchAccount) -> Figure:
    """How long it takes from the change of a contact until it is seen in its segments, less the
    moment until the worker looks again."""
    city = _cities()
    seconds = []
    for _ in range(ROUNDS * 4):
        _switch(account, city(), 1)
        watch = Stopwatch()
        with watch.running():
            following.catch_up(now=account.now)
        seconds.append(watch.seconds)
    return Figure(
        name=f"one contact changes, {SEGMENTS} segments",
        n=1,
        seconds=round(sorted(seconds)[len(seconds) // 2], 6),
        floor="",
        floor_seconds=None,
        ratio=None,
        goal=None,
    )


def _many_contacts(account: BenchAccount, mentioning: Sequence[Mentioning]) -> Figure:
    how_many = min(CHANGED, account.n)
    city = _cities()
    sql.execute("CREATE UNLOGGED TABLE bench_changed (id bigint PRIMARY KEY)")
    sql.execute(
        "INSERT INTO bench_changed SELECT id FROM contact WHERE account_id = %(account_id)s "
        "ORDER BY id LIMIT %(limit)s",
        {"account_id": account.id, "limit": how_many},
    )
    sql.execute("ANALYZE bench_changed")

    def begin() -> None:
        _switch(account, city(), how_many)
        sql.execute("VACUUM (ANALYZE) contact, segment_member, segment, contact_change")

    def product() -> float:
        begin()
        watch = Stopwatch()
        with watch.running():
            following.catch_up(now=account.now)
        return watch.seconds

    def floor() -> float:
        begin()
        watch = Stopwatch()
        with watch.running(), transaction.atomic():
            for one in mentioning:
                params = {
                    "account_id": account.id,
                    "segment_id": one.id,
                    "city": one.city,
                    "events": one.events,
                    "now": account.now,
                }
                sql.execute(ASK, params)
        _skip()
        return watch.seconds

    product()
    floor()
    figure = measured(
        f"{SEGMENTS} segments follow a change, {MENTIONING} mention it",
        how_many,
        product=product,
        floor=floor,
        floor_is=f"{MENTIONING} bare set-based re-evaluations over these contacts",
        goal=GOAL,
        rounds=ROUNDS,
    )
    for one in mentioning:
        assert segments.prove(account.id, one.id, now=account.now).ok, one
    return figure
