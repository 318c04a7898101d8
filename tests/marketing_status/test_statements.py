"""Every statement that moves a status, run over every status at once, against the table (S7)."""

from collections.abc import Callable
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.erase import erase_contacts
from marketable.contacts.services.merge import merge_contacts
from marketable.contacts.services.restore import restore_contact
from marketable.history.sources import Source
from marketable.marketing_status import queries
from marketable.marketing_status.rules import (
    CHANGING,
    COUNTS_TOWARD_TIER,
    STRENGTH,
    Event,
    Status,
    Verdict,
    after,
    moves,
    usage_delta,
)
from marketable.marketing_status.services import (
    apply_update_date,
    keep_marketing,
    lock_status_batches,
    start_marketing,
    stop_marketing,
)
from tests import make
from tests.make import FEB_1, FEB_2, JAN_20

pytestmark = pytest.mark.django_db

TODAY = FEB_2.date()
MAR_1 = date(2027, 3, 1)
MORNING = FEB_2 - timedelta(hours=3)


class Row(StrEnum):
    """What can be stored of a contact: its status, and one more that only looks like one."""

    NONE = "none"
    MARKETING = "marketing"
    LEAVING = "leaving"
    OVERDUE = "overdue"  # staged for a date that has come, and the job has not run (U6)


STATUS = {
    Row.NONE: Status.NON_MARKETING,
    Row.MARKETING: Status.MARKETING,
    Row.LEAVING: Status.LEAVING,
    Row.OVERDUE: Status.NON_MARKETING,  # S1
}


def contact(account: AccountInfo, row: Row) -> int:
    if row is Row.OVERDUE:
        return make.contact(account, status=Status.LEAVING, at=JAN_20)
    return make.contact(account, status=STATUS[row], at=MORNING)


@pytest.fixture
def of_each(account: AccountInfo) -> dict[Row, int]:
    """A contact of each kind, and one of each that nobody chooses."""
    for row in Row:
        contact(account, row)
    return {row: contact(account, row) for row in Row}


Action = Callable[[int, Any, Source], object]


def in_turn(service: Callable[..., object]) -> Action:
    def run(account_id: int, chosen: Any, by: Source) -> object:
        lock_status_batches(account_id)
        return service(account_id, chosen, by=by, now=FEB_2, in_turn=True)

    return run


def alone(service: Callable[..., object]) -> Action:
    return lambda account_id, chosen, by: service(account_id, chosen, by=by, now=FEB_2)


ACTIONS: list[tuple[str, Event, Action]] = [
    ("start", Event.START, alone(start_marketing)),
    ("stop", Event.STOP, alone(stop_marketing)),
    ("keep", Event.KEEP, alone(keep_marketing)),
    ("start of a large batch", Event.START, in_turn(start_marketing)),
    ("stop of a large batch", Event.STOP, in_turn(stop_marketing)),
    ("keep of a large batch", Event.KEEP, in_turn(keep_marketing)),
    ("archive", Event.ARCHIVE, alone(archive_contacts)),
    ("erase", Event.ERASE, alone(erase_contacts)),
]


def last_told(account: AccountInfo, contact_id: int, after_id: int) -> list[tuple[Any, ...]]:
    """(status before, status after, date after) of every move since a change, oldest first."""
    return sql.rows(
        "SELECT before->>'status', after->>'status', after->>'leaving_on' FROM contact_change "
        "WHERE account_id = %(account)s AND contact_id = %(contact)s AND change_id > %(after)s "
        "AND after ? 'status' ORDER BY change_id",
        {"account": account.id, "contact": contact_id, "after": after_id},
    )


def newest_change() -> int:
    found = sql.row("SELECT max(id) FROM change")
    assert found is not None
    return int(found[0])


@pytest.mark.parametrize(
    ("event", "act"), [one[1:] for one in ACTIONS], ids=[a[0] for a in ACTIONS]
)
def test_a_statement_moves_each_status_as_the_table_says(
    account: AccountInfo, anna: Source, of_each: dict[Row, int], event: Event, act: Action
) -> None:
    usage, newest = queries.usage(account.id, TODAY).usage, newest_change()
    act(account.id, make.ids(*of_each.values()), anna)
    for row, contact_id in of_each.items():
        before = STATUS[row]
        found = queries.status_row(account.id, contact_id, TODAY)
        assert found.status is after(before, event), row
        assert found.leaving_on == (MAR_1 if found.status is Status.LEAVING else None), row
        told = last_told(account, contact_id, newest)
        if row is Row.OVERDUE:  # first the date that has come is applied
            assert told.pop(0) == ("leaving", "non_marketing", None)
        if before in moves(event):
            later = after(before, event)
            day = MAR_1.isoformat() if later is Status.LEAVING else None
            assert told == [(before.value, later.value, day)], row
        else:
            assert told == [], row
    expected = sum(usage_delta(STATUS[row], after(STATUS[row], event)) for row in Row)
    assert queries.usage(account.id, TODAY).usage == usage + expected
    assert queries.prove(account.id).ok


def test_the_update_date_moves_each_status_as_the_table_says(
    account: AccountInfo, of_each: dict[Row, int]
) -> None:
    usage = queries.usage(account.id, TODAY).usage
    apply_update_date(account.id, now=FEB_2)
    assert queries.usage(account.id, TODAY).usage == usage  # reads were right before
    for row, contact_id in of_each.items():
        assert queries.status_of(account.id, contact_id, TODAY) is STATUS[row]
    apply_update_date(account.id, now=FEB_2.replace(month=3))
    for row, contact_id in of_each.items():
        expected = after(STATUS[row], Event.UPDATE_DATE)
        assert queries.status_of(account.id, contact_id, MAR_1) is expected
    assert queries.prove(account.id).ok


@pytest.mark.parametrize("event", [Event.START, Event.STOP, Event.KEEP])
def test_a_verdict_says_what_the_table_does(
    account: AccountInfo, of_each: dict[Row, int], event: Event
) -> None:
    for row, contact_id in of_each.items():
        counts = queries.verdict_counts(
            account.id, event, make.ids(contact_id), today=TODAY, include_unreachable=False
        )
        [verdict] = counts
        assert (verdict in CHANGING) == (STATUS[row] in moves(event)), row
        if event is Event.START and verdict in CHANGING:
            places = usage_delta(STATUS[row], after(STATUS[row], event))
            assert verdict is (Verdict.SET if places else Verdict.KEPT)


@pytest.mark.parametrize("event", [Event.START, Event.STOP, Event.KEEP])
def test_a_deleted_contact_is_judged_and_moved_by_nothing(
    account: AccountInfo, anna: Source, of_each: dict[Row, int], event: Event
) -> None:  # J15, S10
    chosen = make.ids(*of_each.values())
    archive_contacts(account.id, chosen, by=anna, now=FEB_2)
    rows = sql.rows("SELECT * FROM marketing_contact ORDER BY contact_id")
    counts = queries.verdict_counts(
        account.id, event, chosen, today=TODAY, include_unreachable=True
    )
    assert counts == {}
    act = {name: act for name, _, act in ACTIONS}[event.value]
    moved: Any = act(account.id, chosen, anna)
    assert (moved.changed, moved.change_id) == (0, None)
    assert sql.rows("SELECT * FROM marketing_contact ORDER BY contact_id") == rows


@pytest.mark.parametrize("row", list(Row))
def test_restored_in_the_same_period_a_contact_has_its_status_again(
    account: AccountInfo, anna: Source, row: Row
) -> None:  # V12
    contact_id = contact(account, row)
    before = queries.status_row(account.id, contact_id, TODAY)
    archive_contacts(account.id, make.ids(contact_id), by=anna, now=FEB_2)
    restored = restore_contact(account.id, contact_id, reach=EVERYTHING, by=anna, now=FEB_2)
    assert restored.status is STATUS[row]
    assert queries.status_row(account.id, contact_id, TODAY) == before
    assert queries.prove(account.id).ok


@pytest.mark.parametrize("row", list(Row))
def test_restored_in_a_later_period_a_contact_is_non_marketing(
    account: AccountInfo, anna: Source, row: Row
) -> None:
    contact_id = contact(account, row)
    archive_contacts(account.id, make.ids(contact_id), by=anna, now=FEB_2)
    march = FEB_2.replace(month=3)
    restored = restore_contact(account.id, contact_id, reach=EVERYTHING, by=anna, now=march)
    assert restored.status is Status.NON_MARKETING
    assert queries.usage(account.id, MAR_1).usage == 0
    assert queries.prove(account.id).ok


@pytest.mark.parametrize("survivor_row", list(Row))
@pytest.mark.parametrize("other_row", list(Row))
def test_a_merge_keeps_the_stronger_status_and_one_place(
    account: AccountInfo, anna: Source, survivor_row: Row, other_row: Row
) -> None:  # S12
    survivor, other = contact(account, survivor_row), contact(account, other_row)
    both = (STATUS[survivor_row], STATUS[other_row])
    merged = merge_contacts(account.id, survivor, other, reach=EVERYTHING, by=anna, now=FEB_2)
    stronger = max(both, key=STRENGTH.__getitem__)
    assert merged.status is stronger
    assert queries.status_of(account.id, survivor, TODAY) is stronger
    assert queries.status_of(account.id, other, TODAY) is Status.NON_MARKETING
    assert queries.usage(account.id, TODAY).usage == (stronger in COUNTS_TOWARD_TIER)
    assert queries.prove(account.id).ok


def test_what_was_kept_was_staged_for_its_own_date(account: AccountInfo, anna: Source) -> None:
    """The clock goes back over an update date: the next one is not the one it is staged for."""
    kept, started = make.contacts(account, 2, status=Status.LEAVING, at=FEB_2)
    newest = newest_change()
    keep_marketing(account.id, make.ids(kept), by=anna, now=JAN_20)
    start_marketing(account.id, make.ids(started), by=anna, now=JAN_20)
    told = sql.rows(
        "SELECT contact_id, before->>'leaving_on' FROM contact_change "
        "WHERE change_id > %(newest)s ORDER BY contact_id",
        {"newest": newest},
    )
    assert told == [(kept, MAR_1.isoformat()), (started, MAR_1.isoformat())]


@pytest.mark.parametrize("act", ["stop", "archive", "erase"])
def test_a_clock_that_went_back_behind_a_start_does_not_stand_in_the_way(
    account: AccountInfo, anna: Source, act: str
) -> None:  # U9
    contact_id = make.contact(account, status=Status.MARKETING, at=FEB_2)
    services: dict[str, Callable[..., object]] = {
        "stop": stop_marketing,
        "archive": archive_contacts,
        "erase": erase_contacts,
    }
    services[act](account.id, make.ids(contact_id), by=anna, now=JAN_20)
    found = queries.status_row(account.id, contact_id, JAN_20.date())
    assert (found.status, found.leaving_on, found.since) == (Status.LEAVING, FEB_1, JAN_20)
    assert queries.prove(account.id).ok


@pytest.mark.parametrize(
    ("event", "act"), [one[1:] for one in ACTIONS], ids=[a[0] for a in ACTIONS]
)
@pytest.mark.parametrize("row", list(Row))
def test_a_statement_costs_the_same_for_one_and_for_many(
    account: AccountInfo, anna: Source, event: Event, act: Action, row: Row
) -> None:
    counts = []
    for how_many in (1, 1, 150):  # the first one also writes the day of the missed date
        at = JAN_20 if row is Row.OVERDUE else MORNING
        status = Status.LEAVING if row is Row.OVERDUE else STATUS[row]
        chosen = make.ids(*make.contacts(account, how_many, status=status, at=at))
        with CaptureQueriesContext(connection) as captured:
            act(account.id, chosen, anna)
        counts.append(len(captured))
    assert counts[1] == counts[2]


def test_taking_places_over_costs_the_same_for_one_and_for_many(
    account: AccountInfo, anna: Source
) -> None:  # S11
    counts = []
    for how_many in (1, 150):
        gone = make.contacts(account, how_many, status=Status.MARKETING, at=MORNING)
        addresses = [
            str(row[0])
            for row in sql.rows("SELECT email FROM contact WHERE id = ANY(%(ids)s)", {"ids": gone})
        ]
        archive_contacts(account.id, make.ids(*gone), by=anna, now=FEB_2)
        again = make.ids(*(make.contact(account, email=address) for address in addresses))
        usage = queries.usage(account.id, TODAY).usage
        with CaptureQueriesContext(connection) as captured:
            moved = start_marketing(account.id, again, by=anna, now=FEB_2)
        assert (moved.set, moved.usage_after) == (how_many, usage)
        counts.append(len(captured))
    assert counts[0] == counts[1]
