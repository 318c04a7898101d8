"""A changed contract and a changed time zone, with contacts that are staged meanwhile."""

from datetime import UTC, date, datetime, timedelta

import pytest

from marketable.accounts import queries as accounts
from marketable.accounts.queries import AccountInfo
from marketable.billing import queries as billing
from marketable.billing.errors import BadContract, UnknownTimeZone, ZonesDisagree
from marketable.billing.rules import begins_at
from marketable.billing.services import change_contract, change_time_zone
from marketable.history.sources import SourceType, system
from marketable.marketing_status import queries
from marketable.marketing_status.rules import Status
from marketable.marketing_status.services import (
    apply_update_date,
    start_marketing,
    stop_marketing,
)
from tests import make
from tests.invariants import assert_they_hold
from tests.make import FEB_1, JAN_20, ids

pytestmark = pytest.mark.django_db
BY = system(SourceType.COMMAND)


def next_date(account: AccountInfo, today: date) -> date:
    return billing.calendar(account.id).next_update_date(today)


def test_a_changed_contract_begins_on_the_date_that_was_shown(db: None) -> None:  # U7
    account = make.account(start=date(2026, 1, 15), term="monthly")
    staged = make.contact(account, status=Status.LEAVING, at=JAN_20)
    assert queries.status_row(account.id, staged, JAN_20.date()).leaving_on == date(2027, 2, 15)
    begins = change_contract(account.id, plan="professional", term="yearly", by=BY, now=JAN_20)
    assert begins == date(2027, 2, 15)
    assert next_date(account, JAN_20.date()) == begins
    assert next_date(account, begins) == date(2027, 3, 1)
    moment = begins_at(begins, account.zone)
    assert apply_update_date(account.id, now=moment - timedelta(seconds=1)).applied == 0
    assert apply_update_date(account.id, now=moment).applied == 1
    assert_they_hold(account.id, moment)


def test_who_is_staged_before_and_after_the_change_leaves_together(db: None) -> None:  # U4, U7
    account = make.account(start=date(2026, 1, 15), term="monthly")
    one, other = make.contacts(account, 2, status=Status.MARKETING, at=JAN_20)
    stop_marketing(account.id, ids(one), by=BY, now=JAN_20)
    change_contract(account.id, plan="professional", term="yearly", by=BY, now=JAN_20)
    moved = stop_marketing(account.id, ids(other), by=BY, now=JAN_20)
    assert moved.update_date == date(2027, 2, 15)
    rows = {queries.status_row(account.id, c, JAN_20.date()).leaving_on for c in (one, other)}
    assert rows == {date(2027, 2, 15)}


def test_a_change_that_has_not_begun_is_replaced(account: AccountInfo) -> None:  # U7
    for term, years in (("yearly", 1), ("multi_year", 3)):
        begins = change_contract(
            account.id, plan="enterprise", term=term, years=years, by=BY, now=JAN_20
        )
        assert begins == FEB_1
    assert len(billing.calendar(account.id).contracts) == 2
    assert billing.plan_code_on(account.id, FEB_1 - timedelta(days=1)) == "professional"
    assert billing.plan_code_on(account.id, FEB_1) == "enterprise"


def test_another_plan_counts_by_its_own_ladder_from_its_first_day_on(db: None) -> None:  # T3, U7
    account = make.account(plan="starter")
    make.contacts(account, 3, status=Status.MARKETING, at=JAN_20)
    change_contract(account.id, plan="professional", term="monthly", by=BY, now=JAN_20)
    assert billing.subscription(account.id, FEB_1 - timedelta(days=1)).tier == 1_000
    assert billing.subscription(account.id, FEB_1).tier == 2_000
    moved = start_marketing(
        account.id, ids(make.contact(account)), by=BY, now=begins_at(FEB_1, account.zone)
    )
    assert (moved.tier_before, moved.tier_after) == (2_000, 2_000)


@pytest.mark.parametrize(
    ("plan", "term", "years"),
    [
        ("gold", "monthly", 1),
        ("free", "monthly", 1),
        ("starter", "weekly", 1),
        ("starter", "yearly", 2),
        ("starter", "multi_year", 1),
        ("starter", "multi_year", 21),
    ],
)
def test_a_contract_that_does_not_exist_changes_nothing(
    account: AccountInfo, plan: str, term: str, years: int
) -> None:  # J14
    before = billing.calendar(account.id), make.ledger(account)
    with pytest.raises(BadContract):
        change_contract(account.id, plan=plan, term=term, years=years, by=BY, now=JAN_20)
    assert (billing.calendar(account.id), make.ledger(account)) == before


EVENING = datetime(2027, 1, 31, 20, tzinfo=UTC)  # 1 February has begun in Auckland, not in Warsaw


def test_a_zone_is_not_changed_while_the_two_disagree_on_the_date(
    account: AccountInfo,
) -> None:  # U8, J13
    contact_id = make.contact(account, status=Status.LEAVING, at=JAN_20)
    with pytest.raises(ZonesDisagree) as refusal:
        change_time_zone(account.id, "Pacific/Auckland", by=BY, now=EVENING)
    possible = refusal.value.facts["possible_from"]
    assert possible == begins_at(FEB_1, account.zone)
    assert accounts.account(account.id).time_zone == "Europe/Warsaw"
    assert queries.status_of(account.id, contact_id, date(2027, 1, 31)) is Status.LEAVING
    change_time_zone(account.id, "Pacific/Auckland", by=BY, now=possible)
    assert apply_update_date(account.id, now=possible).applied == 1
    assert_they_hold(account.id, possible)


def test_a_changed_zone_decides_the_next_date_at_once(account: AccountInfo) -> None:  # U8
    contact_id = make.contact(account, status=Status.LEAVING, at=JAN_20)
    change_time_zone(account.id, "America/New_York", by=BY, now=JAN_20)
    changed = accounts.account(account.id)
    begins = begins_at(FEB_1, changed.zone)
    assert begins == datetime(2027, 2, 1, 5, tzinfo=UTC)
    assert apply_update_date(account.id, now=begins - timedelta(seconds=1)).applied == 0
    assert apply_update_date(account.id, now=begins).applied == 1
    assert queries.status_of(account.id, contact_id, FEB_1) is Status.NON_MARKETING
    assert_they_hold(account.id, begins)


def test_no_change_of_zone_ends_or_brings_back_a_place(account: AccountInfo) -> None:  # U8, V1
    """Whatever zones one moves through, usage falls with the date and not before."""
    make.contacts(account, 3, status=Status.LEAVING, at=JAN_20)
    zones = ["Pacific/Auckland", "America/Los_Angeles", "Asia/Kathmandu", "Pacific/Kiritimati"]
    counted = []
    for hours in range(-30, 31, 3):
        now = datetime(2027, 2, 1, tzinfo=UTC) + timedelta(hours=hours)
        try:
            change_time_zone(account.id, zones[hours // 3 % len(zones)], by=BY, now=now)
        except ZonesDisagree as refusal:
            assert refusal.facts["possible_from"] > now
        today = now.astimezone(accounts.account(account.id).zone).date()
        counted.append(queries.usage(account.id, today).usage)
    assert counted[0] == 3 and counted[-1] == 0
    assert counted == sorted(counted, reverse=True)


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "../../etc/passwd", "UTC\0"])
def test_a_zone_that_does_not_exist_is_refused(account: AccountInfo, zone: str) -> None:  # J13
    with pytest.raises(UnknownTimeZone):
        change_time_zone(account.id, zone, by=BY, now=JAN_20)
    assert accounts.account(account.id).time_zone == "Europe/Warsaw"
