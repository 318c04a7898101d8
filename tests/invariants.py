"""What must be true of an account whatever happened to it (V), read from its tables alone."""

from datetime import date, datetime
from itertools import groupby
from operator import itemgetter

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.billing import queries as billing
from marketable.billing.rules import today_in
from marketable.history.kinds import Kind
from marketable.marketing_status import queries
from marketable.marketing_status.rules import Status

#: What may end counting (S7, S11, S12): the date, and places that go over to somebody else.
ENDS_COUNTING = {Kind.UPDATE_DATE, Kind.PLACE_MOVED, Kind.CONTACT_MERGED}
#: What brings a staging along, or back, with the date that it was for (S12, S13).
KEEPS_DATES = {Kind.CONTACT_MERGED, Kind.CONTACT_UNMERGED}

STORY = """
SELECT altered.contact_id, change.id, change.kind, change.at, change.effective_on,
       altered.before->>'status', altered.before->>'leaving_on',
       altered.after->>'status', altered.after->>'leaving_on'
  FROM contact_change AS altered
  JOIN change ON change.account_id = altered.account_id AND change.id = altered.change_id
 WHERE altered.account_id = %(account_id)s AND altered.after ? 'status'
 ORDER BY altered.contact_id, change.id
"""


def assert_they_hold(account_id: int, now: datetime, *, one_clock: bool = True) -> None:
    """Raise AssertionError for an invariant that does not hold at `now`.

    one_clock  nobody acted by another clock at the same moment: then the ledger also knows the date
               that a staging had which was withdrawn while its row was waited for
    """
    today = today_in(accounts.account(account_id).zone, now)
    proof = queries.prove(account_id)
    assert proof.ok, proof  # V4, V13
    usage = queries.usage(account_id, today)
    assert usage.usage == one(
        "SELECT count(*) FROM marketing_contact WHERE account_id = %(id)s "
        "AND (leaving_on IS NULL OR leaving_on > %(today)s)",
        account_id,
        today=today,
    )  # V4
    held = one(
        "SELECT coalesce(sum(places_left), 0) FROM reservation WHERE account_id = %(id)s",
        account_id,
    )
    assert usage.reserved == held
    assert_every_contact_tells_its_story(account_id, one_clock=one_clock)
    assert_the_deleted_leave(account_id)


def one(statement: str, account_id: int, **params: object) -> int:
    found = sql.row(statement, {"id": account_id, **params})
    assert found is not None
    return int(found[0])


def assert_the_deleted_leave(account_id: int) -> None:
    """Deleted and erased contacts hold a place until a date, merged ones hold none (S10, S12)."""
    assert (
        one(
            "SELECT count(*) FROM marketing_contact AS held JOIN contact "
            "ON contact.account_id = held.account_id AND contact.id = held.contact_id "
            "WHERE held.account_id = %(id)s AND contact.archived_at IS NOT NULL "
            "AND (held.leaving_on IS NULL OR contact.merged_into IS NOT NULL)",
            account_id,
        )
        == 0
    )


def assert_every_contact_tells_its_story(account_id: int, *, one_clock: bool = True) -> None:
    """Each entry begins where the one before it ended (V13), counting ends by a date or by giving
    the place away (V1), and a staging is for the date that was next (V6)."""
    zone, calendar = accounts.account(account_id).zone, billing.calendar(account_id)
    for _contact_id, entries in groupby(sql.rows(STORY, {"account_id": account_id}), itemgetter(0)):
        status, leaving_on = Status.NON_MARKETING.value, None
        for entry in entries:
            _, _, kind, at, effective_on, before, left_on, after, leaves_on = entry
            assert before == status, entry
            assert left_on == leaving_on or not one_clock, entry
            if after == Status.NON_MARKETING:
                assert kind in ENDS_COUNTING, entry
            if kind == Kind.UPDATE_DATE:
                assert effective_on.isoformat() == left_on, entry
                assert effective_on <= today_in(zone, at), entry
            elif after == Status.LEAVING and kind not in KEEPS_DATES:
                expected = calendar.next_update_date(today_in(zone, at))
                assert date.fromisoformat(leaves_on) == expected, entry
            status, leaving_on = after, leaves_on
