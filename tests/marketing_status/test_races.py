"""Starts, stops and dates that meet, on connections that really commit."""

from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import OperationalError, transaction
from psycopg.errors import DeadlockDetected, DivisionByZero

from marketable import sql
from marketable.accounts.models import User
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.billing.services import set_limit_policy
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.merge import merge_contacts
from marketable.governance.errors import CeilingReached
from marketable.history.sources import Source
from marketable.marketing_status import queries
from marketable.marketing_status.rules import Status
from marketable.marketing_status.services import (
    apply_update_date,
    keep_marketing,
    lock_status,
    start_marketing,
    stop_marketing,
)
from tests import make
from tests.concurrency import PATIENCE_SECONDS, Later, meet, together
from tests.invariants import assert_they_hold
from tests.make import FEB_1, FEB_2, JAN_20, ids

pytestmark = pytest.mark.usefixtures("committing")
JAN = JAN_20.date()
FEB = FEB_2.date()


@pytest.fixture
def account(committing: None) -> AccountInfo:
    return make.account()


@pytest.fixture
def tight(committing: None) -> AccountInfo:
    """An account with a ceiling of five."""
    return make.account(at_limit="ceiling", ceiling=5)


def anna(account: AccountInfo) -> Source:
    return make.source(User.objects.get(email="anna@example.com"))


def test_the_ledger_tells_a_start_after_what_came_before_it(account: AccountInfo) -> None:
    """A start that waits for one contact is overtaken on another (V13)."""
    awaited, overtaken = make.contacts(account, 2)
    by = anna(account)
    later = Later(lambda: start_marketing(account.id, ids(awaited, overtaken), by=by, now=JAN_20))
    with transaction.atomic():
        archive_contacts(account.id, ids(awaited), by=by, now=JAN_20)
        later.start()
        assert later.was_made_to_wait

        def start_and_stop() -> None:
            start_marketing(account.id, ids(overtaken), by=by, now=JAN_20)
            stop_marketing(account.id, ids(overtaken), by=by, now=JAN_20)

        [between] = together(start_and_stop)
        assert between.error is None
    later.finish()
    assert later.error is None
    assert (later.answer.set, later.answer.kept) == (0, 1)
    assert queries.status_of(account.id, overtaken, JAN) is Status.MARKETING
    assert_they_hold(account.id, JAN_20)


def test_the_ledger_tells_a_stop_after_what_came_before_it(account: AccountInfo) -> None:
    awaited, overtaken = make.contacts(account, 2, status=Status.MARKETING)
    by = anna(account)
    later = Later(lambda: stop_marketing(account.id, ids(awaited, overtaken), by=by, now=JAN_20))
    with transaction.atomic():
        lock_status(account.id, [awaited])
        later.start()
        assert later.was_made_to_wait

        def stop_and_keep() -> None:
            stop_marketing(account.id, ids(overtaken), by=by, now=JAN_20)
            keep_marketing(account.id, ids(overtaken), by=by, now=JAN_20)

        [between] = together(stop_and_keep)
        assert between.error is None
    later.finish()
    assert later.error is None
    assert later.answer.staged == 2
    assert_they_hold(account.id, JAN_20)


def test_a_new_contact_that_is_deleted_meanwhile_takes_no_place_over(account: AccountInfo) -> None:
    """Else usage would fall within a period (V2, S11)."""
    by = anna(account)
    gone = make.contact(account, email="a@example.com", status=Status.MARKETING)
    archive_contacts(account.id, ids(gone), by=by, now=JAN_20)
    again = make.contact(account, email="a@example.com")
    _, later = meet(
        lambda: archive_contacts(account.id, ids(again), by=by, now=JAN_20),
        lambda: start_marketing(account.id, ids(again), by=by, now=JAN_20),
    )
    assert later.error is None
    assert later.answer.changed == 0
    assert queries.usage(account.id, JAN).usage == 1
    assert queries.status_of(account.id, gone, JAN) is Status.LEAVING
    assert_they_hold(account.id, JAN_20)


def test_a_merge_reads_the_status_that_a_stop_leaves(account: AccountInfo) -> None:
    by = anna(account)
    survivor = make.contact(account)
    other = make.contact(account, status=Status.MARKETING)
    _, later = meet(
        lambda: stop_marketing(account.id, ids(other), by=by, now=JAN_20),
        lambda: merge_contacts(account.id, survivor, other, reach=EVERYTHING, by=by, now=JAN_20),
    )
    assert later.error is None
    assert later.was_made_to_wait
    assert later.answer.status is Status.LEAVING
    assert queries.status_row(account.id, survivor, JAN).leaving_on == FEB_1
    assert_they_hold(account.id, JAN_20)


def test_a_stop_that_meets_a_merge_stages_the_survivor_once(account: AccountInfo) -> None:
    by = anna(account)
    survivor, other = make.contacts(account, 2, status=Status.MARKETING)
    _, later = meet(
        lambda: merge_contacts(account.id, survivor, other, reach=EVERYTHING, by=by, now=JAN_20),
        lambda: stop_marketing(account.id, ids(survivor, other), by=by, now=JAN_20),
    )
    assert later.error is None
    assert later.answer.staged == 1
    assert queries.usage(account.id, JAN).usage == 1
    assert_they_hold(account.id, JAN_20)


def test_a_start_beside_the_update_date_knows_the_usage_it_adds_to(tight: AccountInfo) -> None:
    """What is overdue is counted when nobody can apply it any more (V5)."""
    noon = FEB_2 - timedelta(days=1)
    make.contacts(tight, 1, status=Status.LEAVING)
    make.contacts(tight, 4, status=Status.MARKETING)
    by, fresh = anna(tight), make.contacts(tight, 2)
    _, later = meet(
        lambda: apply_update_date(tight.id, now=noon),
        lambda: start_marketing(tight.id, ids(*fresh), by=by, now=noon),
    )
    assert later.was_made_to_wait
    assert isinstance(later.error, CeilingReached)
    assert (later.error.facts["usage"], later.error.facts["wanted"]) == (4, 2)
    assert queries.usage(tight.id, FEB_1).usage == 4
    assert_they_hold(tight.id, noon)


def test_a_ceiling_that_is_set_binds_the_starts_under_way(account: AccountInfo) -> None:  # V5
    by, fresh = anna(account), make.contacts(account, 2)
    _, later = meet(
        lambda: set_limit_policy(account.id, at_limit="ceiling", ceiling=1, by=by, now=JAN_20),
        lambda: start_marketing(account.id, ids(*fresh), by=by, now=JAN_20),
    )
    assert isinstance(later.error, CeilingReached)
    assert queries.usage(account.id, JAN).usage == 0


def test_a_ceiling_waits_for_the_starts_that_came_first(account: AccountInfo) -> None:  # O3
    by, fresh = anna(account), make.contacts(account, 2)
    _, later = meet(
        lambda: start_marketing(account.id, ids(*fresh), by=by, now=JAN_20),
        lambda: set_limit_policy(account.id, at_limit="ceiling", ceiling=1, by=by, now=JAN_20),
    )
    assert later.error is None
    assert queries.usage(account.id, JAN).usage == 2
    with pytest.raises(CeilingReached):
        start_marketing(account.id, ids(make.contact(account)), by=by, now=JAN_20)
    assert_they_hold(account.id, JAN_20)


def test_clients_that_race_for_the_last_places_get_no_more(tight: AccountInfo) -> None:  # V5
    by, fresh = anna(tight), make.contacts(tight, 8)

    def start(contact_id: int) -> Any:
        return lambda: start_marketing(tight.id, ids(contact_id), by=by, now=JAN_20)

    ends = together(*(start(contact_id) for contact_id in fresh))
    refused = [one.error for one in ends if one.error is not None]
    assert [type(error) for error in refused] == [CeilingReached] * 3
    assert queries.usage(tight.id, JAN).usage == 5
    assert_they_hold(tight.id, JAN_20)


def test_two_update_dates_at_once_let_everybody_leave_once(account: AccountInfo) -> None:  # V8
    make.contacts(account, 6, status=Status.LEAVING)
    ends = together(*[lambda: apply_update_date(account.id, now=FEB_2)] * 3)
    assert [one.error for one in ends] == [None] * 3
    assert sum(one.answer.applied for one in ends) == 6
    assert queries.usage(account.id, FEB).counter == 0
    assert_they_hold(account.id, FEB_2)


def test_a_keep_and_the_update_date_do_not_both_win(account: AccountInfo) -> None:  # S6
    """The two read different clocks, one just before and one just after the date began."""
    by, contact_id = anna(account), make.contact(account, status=Status.LEAVING)
    before = FEB_2 - timedelta(days=2)
    _, later = meet(
        lambda: keep_marketing(account.id, ids(contact_id), by=by, now=before),
        lambda: apply_update_date(account.id, now=FEB_2),
    )
    assert later.error is None
    assert queries.status_of(account.id, contact_id, FEB) is Status.MARKETING
    assert_they_hold(account.id, FEB_2)


def test_a_deadlock_is_tried_again(account: AccountInfo) -> None:
    one, other = make.contacts(account, 2)
    gate, attempts = Barrier(2, timeout=PATIENCE_SECONDS), []

    def lock(contact_id: int) -> None:
        sql.row(
            "SELECT id FROM contact WHERE account_id = %(account)s AND id = %(id)s FOR UPDATE",
            {"account": account.id, "id": contact_id},
        )

    def both(first: int, second: int) -> Any:
        @sql.retried
        def work() -> str:
            attempts.append(first)
            lock(first)
            if attempts.count(first) == 1:
                gate.wait()
            lock(second)
            return "done"

        return work

    ends = together(both(one, other), both(other, one))
    assert [end.answer for end in ends] == ["done", "done"]
    assert len(attempts) > 2


def test_what_keeps_meeting_a_deadlock_is_given_up(committing: None) -> None:
    attempts = []

    @sql.retried
    def hopeless() -> None:
        attempts.append(1)
        sql.execute("DO $$ BEGIN RAISE EXCEPTION SQLSTATE '40P01'; END $$")

    with pytest.raises(OperationalError) as met:
        hopeless()
    assert isinstance(met.value.__cause__, DeadlockDetected)
    assert len(attempts) == sql.ATTEMPTS


def test_another_error_is_not_tried_again(committing: None) -> None:
    attempts = []

    @sql.retried
    def wrong() -> None:
        attempts.append(1)
        sql.row("SELECT 1 / 0")

    with pytest.raises(Exception) as met:
        wrong()
    assert isinstance(met.value.__cause__, DivisionByZero)
    assert len(attempts) == 1
