"""Starting, staging, keeping and the update date, on real PostgreSQL."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta

import pytest

from marketable import sql
from marketable.accounts.queries import AccountInfo
from marketable.governance.errors import CeilingReached
from marketable.history.sources import Source
from marketable.marketing_status import queries
from marketable.marketing_status.rules import Event, Status, Verdict, after, moves
from marketable.marketing_status.services import (
    apply_update_date,
    keep_marketing,
    plan,
    start_marketing,
    stop_marketing,
)
from tests import make
from tests.make import FEB_1, FEB_2, JAN_10, JAN_20

pytestmark = pytest.mark.django_db

SERVICES = {
    Event.START: start_marketing,
    Event.STOP: stop_marketing,
    Event.KEEP: keep_marketing,
}
JAN = date(2027, 1, 20)


@pytest.mark.parametrize("before", list(Status))
@pytest.mark.parametrize("event", list(SERVICES))
def test_each_statement_does_what_the_table_says(
    account: AccountInfo, anna: Source, before: Status, event: Event
) -> None:  # S7
    contact_id = make.contact(account, status=before)
    usage = queries.usage(account.id, JAN).usage
    moved = SERVICES[event](account.id, make.ids(contact_id), by=anna, now=JAN_20)
    expected = after(before, event)
    assert queries.status_of(account.id, contact_id, JAN) is expected
    assert moved.changed == (before in moves(event))
    assert moved.usage_after - usage == (before is Status.NON_MARKETING and event is Event.START)
    assert queries.prove(account.id).ok


@pytest.mark.parametrize("before", list(Status))
def test_the_update_date_does_what_the_table_says(account: AccountInfo, before: Status) -> None:
    contact_id = make.contact(account, status=before)
    apply_update_date(account.id, now=FEB_2)
    expected = after(before, Event.UPDATE_DATE)
    assert queries.status_of(account.id, contact_id, FEB_2.date()) is expected
    assert queries.prove(account.id).ok


@pytest.mark.parametrize("before", list(Status))
@pytest.mark.parametrize("event", list(SERVICES))
def test_a_plan_announces_what_the_statement_then_does(
    account: AccountInfo, anna: Source, before: Status, event: Event
) -> None:  # V9
    contact_id = make.contact(account, status=before)
    shown = plan(account.id, event, make.ids(contact_id), now=JAN_20)
    moved = SERVICES[event](account.id, make.ids(contact_id), by=anna, now=JAN_20)
    assert (shown.set, shown.kept, shown.staged) == (moved.set, moved.kept, moved.staged)
    assert (shown.usage_before, shown.usage_after) == (moved.usage_before, moved.usage_after)
    assert shown.changing + shown.already == shown.selected == 1


def test_a_stopped_contact_counts_until_the_update_date(
    account: AccountInfo, anna: Source
) -> None:  # S5
    contact_id = make.contact(account, status=Status.MARKETING)
    moved = stop_marketing(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    assert moved.update_date == FEB_1
    assert moved.usage_after == 1
    assert queries.status_of(account.id, contact_id, date(2027, 1, 31)) is Status.LEAVING
    assert queries.status_of(account.id, contact_id, FEB_1) is Status.NON_MARKETING


def test_reads_are_right_before_the_job_has_run(account: AccountInfo) -> None:  # U6, V4
    make.contacts(account, 3, status=Status.LEAVING)
    make.contacts(account, 2, status=Status.MARKETING)
    now = queries.usage(account.id, FEB_1)
    assert (now.usage, now.counter, now.overdue, now.leaving) == (2, 5, 3, 0)


def test_the_update_date_may_be_applied_late_and_twice(account: AccountInfo) -> None:  # V8
    make.contacts(account, 3, status=Status.LEAVING)
    first = apply_update_date(account.id, now=datetime(2027, 2, 9, tzinfo=UTC))
    assert (first.due_on, first.applied) == (FEB_1, 3)
    assert first.change_id is not None
    before = make.ledger(account)
    again = apply_update_date(account.id, now=datetime(2027, 2, 9, tzinfo=UTC))
    assert (again.due_on, again.applied, again.change_id) == (None, 0, None)
    assert make.ledger(account) == before
    kept = sql.rows("SELECT effective_on FROM change WHERE id = %(id)s", {"id": first.change_id})
    assert kept == [(FEB_1,)]


def test_the_update_date_does_nothing_early(account: AccountInfo) -> None:
    make.contacts(account, 3, status=Status.LEAVING)
    last_moment = datetime(2027, 1, 31, 22, 59, 59, tzinfo=UTC)  # 23:59:59 in Warsaw
    assert apply_update_date(account.id, now=last_moment).applied == 0
    assert apply_update_date(account.id, now=last_moment + timedelta(seconds=1)).applied == 3


def test_a_start_on_an_overdue_row_is_a_new_start(account: AccountInfo, anna: Source) -> None:  # U6
    contact_id = make.contact(account, status=Status.LEAVING)
    moved = start_marketing(account.id, make.ids(contact_id), by=anna, now=FEB_2)
    assert (moved.set, moved.kept) == (1, 0)
    row = queries.status_row(account.id, contact_id, FEB_2.date())
    assert (row.status, row.since) == (Status.MARKETING, FEB_2)
    assert [kind for kind, _, _ in make.ledger(account)][-2:] == ["update_date", "status_started"]
    assert queries.prove(account.id).ok


def test_keeping_after_the_update_date_began_does_nothing(
    account: AccountInfo, anna: Source
) -> None:  # J15
    contact_id = make.contact(account, status=Status.LEAVING)
    moved = keep_marketing(account.id, make.ids(contact_id), by=anna, now=FEB_2)
    assert moved.changed == 0
    assert queries.status_of(account.id, contact_id, FEB_2.date()) is Status.NON_MARKETING


def test_a_staging_keeps_since_and_source(account: AccountInfo, anna: Source) -> None:  # H1
    contact_id = make.contact(account, status=Status.MARKETING)
    before = queries.status_row(account.id, contact_id, JAN)
    stop_marketing(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    keep_marketing(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    assert queries.status_row(account.id, contact_id, JAN) == before  # V10


@pytest.mark.parametrize("how_many", [1, 500])
def test_starting_costs_the_same_statements_however_many(
    account: AccountInfo,
    anna: Source,
    how_many: int,
    count_statements: Callable[[int], AbstractContextManager[None]],
) -> None:
    chosen = make.ids(*make.contacts(account, how_many))
    with count_statements(18):
        start_marketing(account.id, chosen, by=anna, now=JAN_20)


def test_nothing_changed_leaves_no_change(account: AccountInfo, anna: Source) -> None:  # L3
    contact_id = make.contact(account, status=Status.MARKETING)
    before = make.ledger(account)
    moved = start_marketing(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    assert moved.change_id is None
    assert make.ledger(account) == before


def test_another_accounts_contacts_are_out_of_reach(
    account: AccountInfo, other_account: AccountInfo, anna: Source
) -> None:  # V16
    theirs = make.contact(other_account)
    moved = start_marketing(account.id, make.ids(theirs), by=anna, now=JAN_20)
    assert moved.changed == 0
    assert queries.status_of(other_account.id, theirs, JAN) is Status.NON_MARKETING


def test_contacts_without_address_are_left_out_of_plans(account: AccountInfo) -> None:  # S19
    chosen = make.ids(
        make.contact(account, email=None),
        make.contact(account, hs_email_hard_bounce_reason_enum="OTHER"),
        make.contact(account),
    )
    counts = queries.verdict_counts(
        account.id, Event.START, chosen, today=JAN, include_unreachable=False
    )
    assert counts == {Verdict.NO_ADDRESS: 1, Verdict.HARD_BOUNCED: 1, Verdict.SET: 1}
    everybody = queries.verdict_counts(
        account.id, Event.START, chosen, today=JAN, include_unreachable=True
    )
    assert everybody == {Verdict.SET: 3}


def test_usage_equal_to_the_limit_fits_and_one_more_upgrades(anna: Source) -> None:  # T3, T4
    small = make.account(name="Small", owner_email="s@example.com", plan="starter")
    moved = start_marketing(small.id, make.ids(*make.contacts(small, 1000)), by=anna, now=JAN_20)
    assert (moved.tier_before, moved.tier_after) == (1000, 1000)
    moved = start_marketing(small.id, make.ids(make.contact(small)), by=anna, now=JAN_20)
    assert (moved.tier_before, moved.tier_after) == (1000, 2000)
    assert "tier_upgraded" in [kind for kind, _, _ in make.ledger(small)]


def test_a_ceiling_is_all_or_nothing(anna: Source) -> None:  # O3, V5
    tight = make.account(name="Tight", owner_email="t@example.com", at_limit="ceiling", ceiling=5)
    chosen = make.ids(*make.contacts(tight, 6))
    shown = plan(tight.id, Event.START, chosen, now=JAN_20)
    assert shown.blocked_by == "CEILING"
    with pytest.raises(CeilingReached) as refusal:
        start_marketing(tight.id, chosen, by=anna, now=JAN_20)
    assert refusal.value.facts["ceiling"] == 5
    assert refusal.value.facts["wanted"] == 6
    assert queries.usage(tight.id, JAN).usage == 0
    assert queries.prove(tight.id).ok


def test_the_days_usage_and_peak_are_kept(account: AccountInfo, anna: Source) -> None:  # T1
    make.contacts(account, 4, status=Status.LEAVING, at=JAN_10)
    apply_update_date(account.id, now=FEB_2)
    start_marketing(account.id, make.ids(make.contact(account)), by=anna, now=FEB_2)
    found = sql.rows(
        "SELECT day, marketing_count, peak FROM usage_day WHERE account_id = %(id)s ORDER BY day",
        {"id": account.id},
    )
    assert found == [(date(2027, 1, 10), 4, 4), (FEB_1, 0, 0), (date(2027, 2, 2), 1, 1)]
