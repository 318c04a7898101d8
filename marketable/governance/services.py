"""The guards between a start and the counter. In this release: the hard ceiling (O3).

Usage is kept by one statement at the end of a transaction, so that a long batch never makes a
small one wait for the counter's row.
"""

from dataclasses import dataclass
from datetime import date, datetime

from marketable import sql
from marketable.billing import queries as billing
from marketable.billing import services as billing_services
from marketable.governance.errors import CeilingReached
from marketable.history.sources import Source


@dataclass(frozen=True, slots=True)
class Settled:
    """Usage and tier before and after a transaction's moves."""

    usage_before: int
    usage_after: int
    tier_before: int
    tier_after: int


def lock_usage(account_id: int) -> None:
    """Lock the account's counter until the transaction ends. What is counted and read afterwards
    is of the same moment as the counter: nobody commits a move, a date or a ceiling in between."""
    sql.row(
        "SELECT counter FROM account_usage WHERE account_id = %(account_id)s FOR NO KEY UPDATE",
        {"account_id": account_id},
    )


# The work's own reservation makes room for it: what its batch takes it gives back first.
TAKE_PLACES = """
WITH given_back AS (
    UPDATE reservation
       SET places_left = greatest(places_left - greatest(%(places)s, 0), 0)
      FROM (SELECT places_left AS had FROM reservation
             WHERE account_id = %(account_id)s AND holder = %(holder)s
               FOR UPDATE) AS mine
     WHERE account_id = %(account_id)s AND holder = %(holder)s
    RETURNING mine.had - places_left AS places
)
UPDATE account_usage
   SET counter = counter + %(delta)s,
       reserved = reserved - coalesce((SELECT places FROM given_back), 0)
 WHERE account_id = %(account_id)s
   AND (%(places)s <= 0 OR %(ceiling)s::bigint IS NULL
        OR counter - %(overdue)s + reserved
           - coalesce((SELECT places FROM given_back), 0) + %(delta)s <= %(ceiling)s::bigint)
RETURNING counter
"""


def settle(
    account_id: int,
    delta: int,
    *,
    overdue: int,
    cause_id: int,
    by: Source,
    now: datetime,
    today: date,
    holder: str | None = None,
    usage_delta: int | None = None,
) -> Settled:
    """Move the counter by `delta`, test the ceiling, raise the tier and remember the day.

    delta    rows added less rows removed by this transaction
    overdue  rows whose date has come and whose job has not run (V4); they are no usage. Counted
             after `lock_usage`
    usage_delta  what the transaction did to usage, where that is not `delta`: removing overdue
             rows moves the counter only

    Raises CeilingReached when more usage does not fit; the caller's transaction must then end
    without a trace.
    """
    info = billing.subscription(account_id, today)
    places = delta if usage_delta is None else usage_delta
    found = sql.row(
        TAKE_PLACES,
        {
            "account_id": account_id,
            "delta": delta,
            "places": places,
            "overdue": overdue,
            "ceiling": info.ceiling,
            "holder": holder,
        },
    )
    if found is None:
        raise ceiling_reached(account_id, wanted=places, overdue=overdue, ceiling=info.ceiling or 0)
    usage = int(found[0]) - overdue
    tier = billing_services.raise_tier(
        account_id, info, usage=usage, cause_id=cause_id, by=by, now=now
    )
    before = usage - places
    billing_services.remember_day(account_id, day=today, usage_before=before, usage_after=usage)
    return Settled(before, usage, tier.before, tier.after)


def take_off(account_id: int, count: int) -> None:
    """Take removed rows whose date had come off the counter. Usage did not count them any more,
    so neither tier nor ceiling nor day is touched (V4)."""
    sql.execute(
        "UPDATE account_usage SET counter = counter - %(count)s WHERE account_id = %(account_id)s",
        {"account_id": account_id, "count": count},
    )


def ceiling_reached(account_id: int, *, wanted: int, overdue: int, ceiling: int) -> CeilingReached:
    found = sql.row(
        "SELECT counter + reserved FROM account_usage WHERE account_id = %(account_id)s",
        {"account_id": account_id},
    )
    assert found is not None
    return CeilingReached(ceiling=ceiling, usage=int(found[0]) - overdue, wanted=wanted)


RESERVE = """
WITH room AS (
    UPDATE account_usage
       SET reserved = reserved + %(places)s
     WHERE account_id = %(account_id)s
       AND (%(ceiling)s::bigint IS NULL
            OR counter - %(overdue)s + reserved + %(places)s <= %(ceiling)s::bigint)
    RETURNING account_id
)
INSERT INTO reservation (account_id, holder, places_left)
SELECT account_id, %(holder)s, %(places)s FROM room
RETURNING places_left
"""


def reserve(account_id: int, holder: str, places: int, *, overdue: int, today: date) -> None:
    """Hold `places` against the ceiling for work that will take them batch by batch. `overdue` is
    counted after `lock_usage`.

    Raises CeilingReached when they do not fit now.
    """
    info = billing.subscription(account_id, today)
    found = sql.row(
        RESERVE,
        {
            "account_id": account_id,
            "holder": holder,
            "places": places,
            "overdue": overdue,
            "ceiling": info.ceiling,
        },
    )
    if found is None:
        raise ceiling_reached(account_id, wanted=places, overdue=overdue, ceiling=info.ceiling or 0)


RELEASE = """
WITH gone AS (
    DELETE FROM reservation
     WHERE account_id = %(account_id)s AND holder = %(holder)s
    RETURNING places_left
)
UPDATE account_usage
   SET reserved = reserved - (SELECT places_left FROM gone)
 WHERE account_id = %(account_id)s AND EXISTS (SELECT FROM gone)
"""


def release(account_id: int, holder: str) -> None:
    """Give back the places that the work did not take. Safe to repeat."""
    sql.execute(RELEASE, {"account_id": account_id, "holder": holder})
