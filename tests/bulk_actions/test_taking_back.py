"""Taking a bulk action back: exactly those that nobody touched since, and no place for nothing."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.bulk_actions import queries, running, services
from marketable.bulk_actions.errors import CannotUndo
from marketable.bulk_actions.rules import ActionState
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.edit import edit_contact
from marketable.contacts.services.erase import erase_contacts
from marketable.contacts.services.merge import merge_contacts
from marketable.contacts.services.restore import restore_contact
from marketable.history.sources import Source, SourceType
from marketable.marketing_status import queries as status
from marketable.marketing_status.rules import Event, Status
from marketable.marketing_status.services import (
    apply_update_date,
    keep_marketing,
    start_marketing,
    stop_marketing,
)
from marketable.segments.selection import Selection
from tests import make
from tests.invariants import assert_they_hold
from tests.make import FEB_1, FEB_2, JAN_20, ids

pytestmark = pytest.mark.django_db
JAN, FEB = JAN_20.date(), FEB_2.date()
MAR_1 = date(2027, 3, 1)
LATER = JAN_20 + timedelta(hours=1)


def done(account: AccountInfo, by: Source, event: Event, *contact_ids: int) -> int:
    """The number of a bulk action over these contacts that is done."""
    chosen = Selection(ids=contact_ids)
    shown = services.preview(account.id, event, chosen, by=by, reach=EVERYTHING, now=JAN_20)
    answer = services.confirm(
        account.id, shown.id, shown.plan.changing, by=by, reach=EVERYTHING, now=JAN_20
    )
    while running.run_next_batch(account.id, answer.id, now=JAN_20):
        pass
    return answer.id


Touch = Callable[[AccountInfo, int, Source], object]


def stop_and_keep(account: AccountInfo, contact_id: int, by: Source) -> None:
    stop_marketing(account.id, ids(contact_id), by=by, now=LATER)
    keep_marketing(account.id, ids(contact_id), by=by, now=LATER)


def delete_and_restore(account: AccountInfo, contact_id: int, by: Source) -> None:
    archive_contacts(account.id, ids(contact_id), by=by, now=LATER)
    restore_contact(account.id, contact_id, reach=EVERYTHING, by=by, now=LATER)


def delete(account: AccountInfo, contact_id: int, by: Source) -> None:
    archive_contacts(account.id, ids(contact_id), by=by, now=LATER)


def erase(account: AccountInfo, contact_id: int, by: Source) -> None:
    erase_contacts(account.id, ids(contact_id), by=by, now=LATER)


def merge_away(account: AccountInfo, contact_id: int, by: Source) -> None:
    merge_contacts(
        account.id, make.contact(account), contact_id, reach=EVERYTHING, by=by, now=LATER
    )


@pytest.mark.parametrize("touch", [stop_and_keep, delete_and_restore, delete, erase, merge_away])
def test_whom_somebody_touched_since_is_left_alone(
    account: AccountInfo, anna: Source, touch: Touch
) -> None:  # S15
    left, touched = make.contacts(account, 2)
    bulk_action_id = done(account, anna, Event.START, left, touched)
    touch(account, touched, anna)
    rows = sql.rows("SELECT * FROM marketing_contact WHERE contact_id <> %(id)s", {"id": left})
    undone = services.take_back(account.id, bulk_action_id, by=anna, now=LATER)
    assert (undone.outcomes, undone.total, undone.left_alone) == ({"staged": 1}, 1, 1)
    assert status.status_of(account.id, left, JAN) is Status.LEAVING
    after = sql.rows("SELECT * FROM marketing_contact WHERE contact_id <> %(id)s", {"id": left})
    assert after == rows
    assert_they_hold(account.id, LATER)


def test_an_edit_of_other_values_is_no_touch(account: AccountInfo, anna: Source) -> None:  # R4
    contact_id = make.contact(account)
    bulk_action_id = done(account, anna, Event.START, contact_id)
    edit_contact(
        account.id,
        contact_id,
        {"city": "Gdańsk"},
        version=None,
        reach=EVERYTHING,
        by=anna,
        now=LATER,
    )
    undone = services.take_back(account.id, bulk_action_id, by=anna, now=LATER)
    assert (undone.outcomes, undone.left_alone) == ({"staged": 1}, 0)


def test_whom_the_action_did_not_change_is_not_taken_back(
    account: AccountInfo, anna: Source
) -> None:  # S15
    before, fresh = make.contact(account, status=Status.MARKETING), make.contact(account)
    bulk_action_id = done(account, anna, Event.START, before, fresh)
    services.take_back(account.id, bulk_action_id, by=anna, now=LATER)
    assert status.status_of(account.id, before, JAN) is Status.MARKETING
    assert status.status_of(account.id, fresh, JAN) is Status.LEAVING


def test_a_start_that_withdrew_a_staging_stages_again_before_the_same_date(
    account: AccountInfo, anna: Source
) -> None:  # S16
    staged = make.contact(account, status=Status.LEAVING)
    fresh = make.contact(account)
    bulk_action_id = done(account, anna, Event.START, staged, fresh)
    undone = services.take_back(account.id, bulk_action_id, by=anna, now=LATER)
    assert undone.outcomes == {"staged": 2}
    for contact_id in (staged, fresh):
        assert status.status_row(account.id, contact_id, JAN).leaving_on == FEB_1
    assert_they_hold(account.id, LATER)


def test_after_that_date_only_what_the_start_set_is_staged_for_the_next(
    account: AccountInfo, anna: Source
) -> None:  # S15, S16
    staged = make.contact(account, status=Status.LEAVING)
    fresh = make.contact(account)
    bulk_action_id = done(account, anna, Event.START, staged, fresh)
    undone = services.take_back(account.id, bulk_action_id, by=anna, now=FEB_2)
    assert (undone.outcomes, undone.left_alone) == ({"staged": 1}, 1)
    assert status.status_of(account.id, staged, FEB) is Status.MARKETING
    assert status.status_row(account.id, fresh, FEB).leaving_on == MAR_1
    assert status.usage(account.id, FEB).usage == 2
    assert_they_hold(account.id, FEB_2)


@pytest.mark.parametrize("event", [Event.STOP, Event.KEEP])
@pytest.mark.parametrize("has_job_run", [True, False])
def test_after_the_update_date_a_stop_or_keep_is_not_taken_back_and_the_way_on_is_said(
    account: AccountInfo, anna: Source, event: Event, has_job_run: bool
) -> None:  # S16
    before = Status.MARKETING if event is Event.STOP else Status.LEAVING
    contact_id = make.contact(account, status=before)
    bulk_action_id = done(account, anna, event, contact_id)
    if has_job_run:
        apply_update_date(account.id, now=FEB_2)
    ledger, now = make.ledger(account), status.status_of(account.id, contact_id, FEB)
    with pytest.raises(CannotUndo, match="Start or stage the contacts again"):
        services.take_back(account.id, bulk_action_id, by=anna, now=FEB_2)
    assert make.ledger(account) == ledger
    assert status.status_of(account.id, contact_id, FEB) is now


def test_a_stop_is_taken_back_by_a_keep_and_a_keep_by_a_stop(
    account: AccountInfo, anna: Source
) -> None:  # S16
    contact_id = make.contact(account, status=Status.MARKETING)
    before = status.status_row(account.id, contact_id, JAN)
    stopped = done(account, anna, Event.STOP, contact_id)
    kept = services.take_back(account.id, stopped, by=anna, now=LATER)
    assert kept.outcomes == {"kept": 1}
    assert status.status_row(account.id, contact_id, JAN) == before  # V10
    again = services.take_back(account.id, kept.id, by=anna, now=LATER)
    assert again.outcomes == {"staged": 1}
    assert status.status_row(account.id, contact_id, JAN).leaving_on == FEB_1
    assert_they_hold(account.id, LATER)


def test_the_ledger_names_what_was_taken_back_and_the_row_keeps_its_source(
    account: AccountInfo, anna: Source
) -> None:  # H1, H2, L1
    contact_id = make.contact(account)
    by = anna.through(SourceType.BULK)
    bulk_action_id = done(account, by, Event.START, contact_id)
    row = status.status_row(account.id, contact_id, JAN)
    undone = services.take_back(account.id, bulk_action_id, by=anna, now=LATER)
    told = sql.rows(
        "SELECT source_type, source_id, reverts_id FROM change WHERE id = %(id)s",
        {"id": undone.change_id},
    )
    assert told == [("UNDO", str(bulk_action_id), row.change_id)]
    after = status.status_row(account.id, contact_id, JAN)
    assert (after.since, after.source_type, after.change_id) == (
        row.since,
        row.source_type,
        row.change_id,
    )


@pytest.mark.usefixtures("small_batches")
def test_a_large_one_is_taken_back_in_batches_with_true_progress(
    account: AccountInfo, anna: Source
) -> None:
    contact_ids = make.contacts(account, 5)
    bulk_action_id = done(account, anna, Event.START, *contact_ids)
    stop_and_keep(account, contact_ids[1], anna)
    undone = services.take_back(account.id, bulk_action_id, by=anna, now=LATER)
    assert (undone.state, undone.total, undone.left_alone) == (ActionState.PENDING, 4, 1)
    stop_marketing(account.id, ids(contact_ids[0]), by=anna, now=LATER)  # between the batches
    while running.run_next_batch(account.id, undone.id, now=LATER):
        shown = queries.bulk_action(account.id, undone.id)
        assert shown.done == shown.changed + shown.skipped
    shown = queries.bulk_action(account.id, undone.id)
    assert (shown.state, shown.outcomes) == (ActionState.COMPLETE, {"staged": 3, "skipped": 1})
    assert_they_hold(account.id, LATER)


@pytest.mark.usefixtures("small_batches")
def test_what_a_cancelled_action_did_can_be_taken_back(account: AccountInfo, anna: Source) -> None:
    make.contacts(account, 5)
    shown = services.preview(
        account.id, Event.START, Selection(), by=anna, reach=EVERYTHING, now=JAN_20
    )
    begun = services.confirm(account.id, shown.id, 5, by=anna, reach=EVERYTHING, now=JAN_20)
    running.run_next_batch(account.id, begun.id, now=JAN_20)
    with pytest.raises(CannotUndo, match="still running"):
        services.take_back(account.id, begun.id, by=anna, now=JAN_20)
    running.cancel(account.id, begun.id, now=JAN_20)
    undone = services.take_back(account.id, begun.id, by=anna, now=JAN_20)
    assert undone.outcomes == {"staged": 2}
    assert_they_hold(account.id, JAN_20)


def test_nothing_is_left_to_take_back_when_all_were_touched(
    account: AccountInfo, anna: Source
) -> None:
    contact_id = make.contact(account)
    bulk_action_id = done(account, anna, Event.START, contact_id)
    stop_and_keep(account, contact_id, anna)
    before = queries.bulk_actions(account.id, since=JAN_20)
    with pytest.raises(CannotUndo, match="nothing left"):
        services.take_back(account.id, bulk_action_id, by=anna, now=LATER)
    assert queries.bulk_actions(account.id, since=JAN_20) == before


def test_jobs_are_taken_back_for_thirty_days(account: AccountInfo, anna: Source) -> None:  # B7
    bulk_action_id = done(account, anna, Event.START, make.contact(account))
    with pytest.raises(CannotUndo, match="30 days"):
        services.take_back(
            account.id, bulk_action_id, by=anna, now=JAN_20 + timedelta(days=30, seconds=1)
        )
    undone = services.take_back(
        account.id, bulk_action_id, by=anna, now=JAN_20 + timedelta(days=30)
    )
    assert undone.outcomes == {"staged": 1}


def test_deleting_creating_and_taking_back_saves_no_place(
    account: AccountInfo, anna: Source
) -> None:  # V3
    gone = make.contact(account, email="a@example.com")
    first = done(account, anna, Event.START, gone)
    delete(account, gone, anna)
    again = make.contact(account, email="a@example.com")
    second = done(account, anna, Event.START, again)
    assert status.usage(account.id, JAN).usage == 1
    with pytest.raises(CannotUndo):
        services.take_back(account.id, first, by=anna, now=LATER)
    services.take_back(account.id, second, by=anna, now=LATER)
    start_marketing(account.id, ids(again), by=anna, now=LATER)
    assert status.usage(account.id, JAN).usage == 1
    assert_they_hold(account.id, LATER)
