"""The update date: when it begins, late, twice, in parts, and read before its job has run."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.billing import queries as billing
from marketable.billing.models import Plan
from marketable.billing.rules import begins_at, today_in
from marketable.contacts import queries as contacts
from marketable.governance.errors import CeilingReached
from marketable.history.sources import Source
from marketable.marketing_status import queries, services
from marketable.marketing_status.rules import Event, Status, Verdict
from marketable.marketing_status.services import (
    apply_update_date,
    keep_marketing,
    plan,
    start_marketing,
    stop_marketing,
)
from marketable.segments import selection as segments
from marketable.segments.selection import Selection
from tests import make
from tests.invariants import assert_they_hold
from tests.make import FEB_1, FEB_2, JAN_20, ids

pytestmark = pytest.mark.django_db
MAR_1 = date(2027, 3, 1)
MAR_3 = datetime(2027, 3, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("term", "years", "start", "zone", "staged", "expected", "begins"),
    [  # U10; `staged` is the account's own time
        ("monthly", 1, (2026, 4, 15), "Europe/Warsaw", (2026, 4, 20), (2026, 5, 15), None),
        ("monthly", 1, (2026, 4, 15), "Europe/Warsaw", (2026, 5, 15), (2026, 6, 15), None),
        ("monthly", 1, (2026, 1, 31), "Europe/Warsaw", (2026, 2, 1), (2026, 2, 28), None),
        ("monthly", 1, (2026, 1, 31), "Europe/Warsaw", (2026, 2, 28), (2026, 3, 31), None),
        ("monthly", 1, (2026, 1, 31), "Europe/Warsaw", (2026, 4, 1), (2026, 4, 30), None),
        ("monthly", 1, (2028, 1, 30), "Europe/Warsaw", (2028, 2, 1), (2028, 2, 29), None),
        ("monthly", 1, (2028, 2, 29), "Europe/Warsaw", (2029, 2, 1), (2029, 2, 28), None),
        ("yearly", 1, (2026, 10, 19), "Europe/Warsaw", (2026, 10, 19), (2026, 11, 1), None),
        ("yearly", 1, (2026, 10, 19), "Europe/Warsaw", (2027, 10, 5), (2027, 10, 19), None),
        ("yearly", 1, (2026, 10, 19), "Europe/Warsaw", (2027, 10, 19), (2027, 11, 1), None),
        ("multi_year", 3, (2026, 6, 10), "Europe/Warsaw", (2027, 6, 2), (2027, 7, 1), None),
        ("multi_year", 3, (2026, 6, 10), "Europe/Warsaw", (2029, 6, 2), (2029, 6, 10), None),
        (
            *("yearly", 1, (2026, 10, 19), "Europe/Warsaw", (2026, 11, 30, 23, 59, 59)),
            *((2026, 12, 1), datetime(2026, 11, 30, 23, tzinfo=UTC)),
        ),
        ("yearly", 1, (2026, 10, 19), "Europe/Warsaw", (2026, 12, 1), (2027, 1, 1), None),
        (
            *("yearly", 1, (2025, 10, 19), "Europe/Warsaw", (2026, 3, 31, 12)),
            *((2026, 4, 1), datetime(2026, 3, 31, 22, tzinfo=UTC)),
        ),
        (  # there is no 00:00 that day
            *("monthly", 1, (2026, 3, 24), "Africa/Cairo", (2026, 4, 23, 23, 59, 59)),
            *((2026, 4, 24), datetime(2026, 4, 23, 22, tzinfo=UTC)),
        ),
        (  # 00:00 occurs twice, and the first one counts
            *("monthly", 1, (2026, 10, 1), "America/Havana", (2026, 10, 31, 23, 59, 59)),
            *((2026, 11, 1), datetime(2026, 11, 1, 4, tzinfo=UTC)),
        ),
        (  # an hour is doubled later on the day
            *("monthly", 1, (2026, 9, 25), "Europe/Warsaw", (2026, 10, 24, 23)),
            *((2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC)),
        ),
    ],
)
def test_staged_contacts_leave_with_the_first_instant_of_their_date(
    term: str,
    years: int,
    start: tuple[int, int, int],
    zone: str,
    staged: tuple[int, ...],
    expected: tuple[int, int, int],
    begins: datetime | None,
) -> None:
    account = make.account(term=term, years=years, start=date(*start), time_zone=zone)
    by = make.source(make.user(account))
    year, month, day, hour, minute, second = (*staged, 0, 0, 0)[:6]
    local = datetime(year, month, day, hour, minute, second, tzinfo=ZoneInfo(zone))
    at = local.astimezone(UTC)
    begins = begins or begins_at(date(*expected), ZoneInfo(zone))
    left, kept = make.contacts(account, 2, status=Status.MARKETING, at=at)
    moved = stop_marketing(account.id, ids(left, kept), by=by, now=at)
    assert moved.update_date == date(*expected)
    last_moment = begins - timedelta(seconds=1)
    assert keep_marketing(account.id, ids(kept), by=by, now=last_moment).kept == 1  # S6
    assert apply_update_date(account.id, now=last_moment).applied == 0
    assert status(account, left, last_moment) is Status.LEAVING
    assert status(account, left, begins) is Status.NON_MARKETING  # without the job
    assert keep_marketing(account.id, ids(left), by=by, now=begins).kept == 0  # J15
    apply_update_date(account.id, now=begins)
    assert status(account, left, begins) is Status.NON_MARKETING
    assert status(account, kept, begins) is Status.MARKETING  # S8
    assert_they_hold(account.id, begins)


def status(account: AccountInfo, contact_id: int, now: datetime) -> Status:
    return queries.status_of(account.id, contact_id, today_in(account.zone, now))


@pytest.mark.parametrize(
    ("zone", "first", "again"),
    [
        # 00:30 occurs twice, on the date; 02:30 occurs twice, later on the date
        ("America/Havana", datetime(2026, 11, 1, 4, 30, tzinfo=UTC), 1),
        ("Europe/Warsaw", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), 25),
    ],
)
def test_a_doubled_hour_is_of_one_period(zone: str, first: datetime, again: int) -> None:  # U3
    """What is staged in it leaves a month later, and nobody leaves twice."""
    account = make.account(start=date(2026, 9, again), time_zone=zone)
    by = make.source(make.user(account))
    one, other = make.contacts(account, 2, status=Status.MARKETING, at=first)
    later = first + timedelta(hours=1)
    assert first.astimezone(account.zone).time() == later.astimezone(account.zone).time()
    dates = [
        stop_marketing(account.id, ids(contact_id), by=by, now=now).update_date
        for contact_id, now in ((one, first), (other, later))
    ]
    assert dates[0] == dates[1] > first.date() + timedelta(days=20)
    assert [apply_update_date(account.id, now=now).applied for now in (first, later)] == [0, 0]
    assert_they_hold(account.id, later)


def test_set_and_staged_an_hour_before_the_date_counts_that_hour(
    account: AccountInfo, anna: Source
) -> None:  # S9
    hour_before = begins_at(FEB_1, account.zone) - timedelta(hours=1)
    contact_id = make.contact(account)
    start_marketing(account.id, ids(contact_id), by=anna, now=hour_before)
    stop_marketing(account.id, ids(contact_id), by=anna, now=hour_before)
    assert queries.usage(account.id, date(2027, 1, 31)).usage == 1
    assert queries.usage(account.id, FEB_1).usage == 0
    [day] = billing.days(account.id, date(2027, 1, 1), FEB_1)
    assert (day.day, day.peak) == (date(2027, 1, 31), 1)


@pytest.fixture
def two_dates_missed(account: AccountInfo) -> Iterator[AccountInfo]:
    """5 staged for 1 February, 3 for 1 March, 2 not staged; the job has not run since January."""
    make.contacts(account, 5, status=Status.LEAVING, at=JAN_20)
    make.contacts(account, 2, status=Status.MARKETING, at=JAN_20)
    make.contacts(account, 3, status=Status.LEAVING, at=FEB_2)
    yield account
    assert_they_hold(account.id, MAR_3)


def days(account: AccountInfo) -> dict[date, tuple[int, int]]:
    """Usage at the last change of each day, and its peak."""
    found = billing.days(account.id, date(2027, 1, 1), date(2027, 12, 31))
    return {one.day: (one.marketing_count, one.peak) for one in found}


def dates_applied(account: AccountInfo) -> list[tuple[date, int]]:
    return [
        (day, int(n))
        for day, n in sql.rows(
            "SELECT effective_on, contact_count FROM change WHERE account_id = %(id)s "
            "AND kind = 'update_date' ORDER BY id",
            {"id": account.id},
        )
    ]


USAGE_OF_THE_DAYS = {
    JAN_20.date(): (7, 7),
    FEB_1: (2, 2),  # written when the job runs, long after
    FEB_2.date(): (5, 5),
    MAR_1: (2, 2),
    MAR_3.date(): (2, 2),
}


def test_several_missed_dates_are_applied_one_by_one_in_order(
    two_dates_missed: AccountInfo,
) -> None:  # U6
    result = apply_update_date(two_dates_missed.id, now=MAR_3)
    assert (result.due_on, result.applied) == (MAR_1, 8)
    assert dates_applied(two_dates_missed) == [(FEB_1, 5), (MAR_1, 3)]
    assert days(two_dates_missed) == USAGE_OF_THE_DAYS


@pytest.mark.parametrize("batches_before", [1, 2, 3, 4])
def test_ended_between_two_batches_it_is_gone_on_with(
    two_dates_missed: AccountInfo, batches_before: int, monkeypatch: pytest.MonkeyPatch
) -> None:  # V8
    monkeypatch.setattr(services, "UPDATE_BATCH", 2)
    whole = services._leave_batch
    done: list[int] = []

    def until_killed(*args: object, **kwargs: object) -> object:
        if len(done) == batches_before:
            raise KeyboardInterrupt
        done.append(1)
        return whole(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(services, "_leave_batch", until_killed)
    with pytest.raises(KeyboardInterrupt):
        apply_update_date(two_dates_missed.id, now=MAR_3)
    assert queries.usage(two_dates_missed.id, MAR_3.date()).usage == 2
    assert queries.prove(two_dates_missed.id).ok
    monkeypatch.setattr(services, "_leave_batch", whole)
    apply_update_date(two_dates_missed.id, now=MAR_3)
    left = dates_applied(two_dates_missed)
    assert left == [(FEB_1, 2), (FEB_1, 2), (FEB_1, 1), (MAR_1, 2), (MAR_1, 1)]
    assert days(two_dates_missed) == USAGE_OF_THE_DAYS


def test_what_a_start_applied_in_passing_is_not_missing_in_the_days(
    two_dates_missed: AccountInfo, anna: Source
) -> None:  # U6, T1
    early = sql.rows(
        "SELECT contact_id FROM marketing_contact WHERE leaving_on = %(day)s ORDER BY 1 LIMIT 3",
        {"day": FEB_1},
    )
    again = ids(*(int(row[0]) for row in early))
    moved = start_marketing(two_dates_missed.id, again, by=anna, now=MAR_3)
    assert (moved.set, moved.usage_before, moved.usage_after) == (3, 2, 5)
    apply_update_date(two_dates_missed.id, now=MAR_3)
    assert days(two_dates_missed) == {**USAGE_OF_THE_DAYS, MAR_3.date(): (5, 5)}
    assert dates_applied(two_dates_missed) == [(FEB_1, 3), (FEB_1, 2), (MAR_1, 3)]


def test_a_late_job_does_not_raise_the_peak_of_its_day(two_dates_missed: AccountInfo) -> None:
    apply_update_date(two_dates_missed.id, now=MAR_3)
    assert billing.peak_since(two_dates_missed.id, MAR_1) == 2
    assert billing.peak_since(two_dates_missed.id, FEB_1) == 5


def test_an_hour_after_a_missed_date_everything_reads_as_if_the_job_had_run(
    two_dates_missed: AccountInfo,
) -> None:  # S1, V4
    account, today = two_dates_missed, MAR_3.date()
    everybody = segments.compile_selection(account.id, Selection(), reach=EVERYTHING, today=today)

    def seen() -> object:
        usage = queries.usage(account.id, today)
        return (
            (usage.usage, usage.leaving),
            [
                queries.verdict_counts(
                    account.id, event, everybody, today=today, include_unreachable=False
                )
                for event in (Event.START, Event.STOP, Event.KEEP)
            ],
            [plan(account.id, event, everybody, now=MAR_3) for event in (Event.START, Event.STOP)],
            queries.by_source(account.id, today),
            [
                contacts.count_exactly(
                    account.id,
                    segments.conditions_of(
                        account.id, Selection(status=one), reach=EVERYTHING, today=today
                    ),
                )
                for one in Status
            ],
            [
                contacts.contact(account.id, int(row[0]), reach=EVERYTHING, today=today).status
                for row in sql.rows("SELECT id FROM contact ORDER BY id")
            ],
        )

    before = seen()
    apply_update_date(account.id, now=MAR_3)
    assert seen() == before
    assert queries.usage(account.id, today).overdue == 0


def test_overdue_contacts_leave_room_under_the_ceiling(db: None) -> None:  # V4, V5
    tight = make.account(at_limit="ceiling", ceiling=5)
    by = make.source(make.user(tight))
    make.contacts(tight, 5, status=Status.LEAVING, at=JAN_20)
    fresh = make.contacts(tight, 6)
    with pytest.raises(CeilingReached):
        start_marketing(tight.id, ids(fresh[0]), by=by, now=JAN_20)
    shown = plan(tight.id, Event.START, ids(*fresh[:5]), now=FEB_2)
    assert (shown.usage_before, shown.usage_after, shown.blocked_by) == (0, 5, "")
    moved = start_marketing(tight.id, ids(*fresh[:5]), by=by, now=FEB_2)
    assert (moved.usage_before, moved.usage_after) == (0, 5)
    with pytest.raises(CeilingReached):
        start_marketing(tight.id, ids(fresh[5]), by=by, now=FEB_2)
    apply_update_date(tight.id, now=FEB_2)
    assert queries.usage(tight.id, FEB_2.date()).counter == 5
    assert_they_hold(tight.id, FEB_2)


@pytest.fixture
def small(db: None) -> AccountInfo:
    """An account with tiers of 2, 4, 6 … contacts and a yearly contract."""
    Plan.objects.create(code="small", name="Small", included=2, step=2)
    return make.account(plan="small", term="yearly")


def test_overdue_contacts_need_no_tier(small: AccountInfo) -> None:  # V4, T3
    by = make.source(make.user(small))
    make.contacts(small, 2, status=Status.LEAVING, at=JAN_20)
    moved = start_marketing(small.id, ids(*make.contacts(small, 2)), by=by, now=FEB_2)
    assert (moved.tier_before, moved.tier_after) == (2, 2)
    assert "tier_upgraded" not in [kind for kind, _, _ in make.ledger(small)]


def test_the_tier_stays_when_contacts_leave(small: AccountInfo) -> None:  # T6
    make.contacts(small, 3, status=Status.LEAVING, at=JAN_20)
    apply_update_date(small.id, now=FEB_2)
    assert queries.usage(small.id, FEB_2.date()).usage == 0
    assert billing.subscription(small.id, FEB_2.date()).tier == 4


def test_an_upgrade_names_its_cause(small: AccountInfo) -> None:  # T5
    by = make.source(make.user(small))
    moved = start_marketing(small.id, ids(*make.contacts(small, 5)), by=by, now=JAN_20)
    [upgrade] = billing.tier_moves(small.id)
    assert (upgrade.from_tier, upgrade.to_tier, upgrade.usage) == (2, 6, 5)
    assert upgrade.cause_id == moved.change_id
    told = sql.rows("SELECT body->>'cause' FROM change WHERE kind = 'tier_upgraded'")
    assert told == [(str(moved.change_id),)]


def test_a_verdict_of_an_overdue_contact_is_that_of_a_non_marketing_one(
    account: AccountInfo,
) -> None:
    contact_id = make.contact(account, status=Status.LEAVING, at=JAN_20)
    found = [
        queries.verdict_counts(
            account.id, event, ids(contact_id), today=FEB_1, include_unreachable=False
        )
        for event in (Event.START, Event.STOP, Event.KEEP)
    ]
    assert found == [{Verdict.SET: 1}, {Verdict.ALREADY: 1}, {Verdict.ALREADY: 1}]


def test_one_accounts_date_is_nothing_to_another(
    account: AccountInfo, other_account: AccountInfo
) -> None:  # V16
    for one in (account, other_account):
        make.contacts(one, 2, status=Status.LEAVING, at=JAN_20)
    rows = "SELECT contact_id FROM marketing_contact WHERE account_id = %(id)s ORDER BY 1"
    theirs = sql.rows(rows, {"id": other_account.id})
    apply_update_date(account.id, now=FEB_2)
    assert sql.rows(rows, {"id": other_account.id}) == theirs
    assert accounts.account(other_account.id) == other_account
    assert queries.usage(other_account.id, FEB_1).counter == 2


BROKEN = {
    "the counter": "UPDATE account_usage SET counter = counter + 1",
    "a row too few": "DELETE FROM marketing_contact WHERE contact_id = {one}",
    "a row too many": "INSERT INTO marketing_contact SELECT account_id, {other}, since, "
    "source_type, source_id, change_id FROM marketing_contact WHERE contact_id = {one}",
    "a row in place of another": "UPDATE marketing_contact SET contact_id = {other} "
    "WHERE contact_id = {one}",
    "a status the ledger does not tell": "UPDATE marketing_contact SET leaving_on = '2027-02-01' "
    "WHERE contact_id = {one}",
    "another date than the ledger tells": "UPDATE marketing_contact SET leaving_on = '2027-03-01' "
    "WHERE contact_id = {staged}",
    "a delta of the ledger": "UPDATE change SET marketing_delta = marketing_delta + 1 "
    "WHERE kind = 'status_started'",
    "a status the ledger does not know": "DELETE FROM contact_change "
    "WHERE contact_id = {one} AND after ? 'status'",
}


@pytest.mark.parametrize("what", BROKEN)
def test_the_proof_finds_what_does_not_add_up_and_corrects_nothing(
    account: AccountInfo, what: str
) -> None:  # O12, V13
    one = make.contact(account, status=Status.MARKETING)
    staged, other = make.contact(account, status=Status.LEAVING), make.contact(account)
    assert queries.prove(account.id).ok
    sql.execute(BROKEN[what].format(one=one, other=other, staged=staged))
    found = queries.prove(account.id)
    assert not found.ok
    assert queries.prove(account.id) == found
