"""Bulk actions that meet each other, deletions and their own second press of the button."""

from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from marketable import sql
from marketable.accounts.models import User
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.bulk_actions import queries, running, services
from marketable.bulk_actions.errors import CannotUndo, PlanOutdated
from marketable.bulk_actions.queries import BulkActionView
from marketable.bulk_actions.rules import ActionState
from marketable.contacts.services.archive import archive_contacts
from marketable.governance.errors import CeilingReached
from marketable.history.sources import Source
from marketable.marketing_status import queries as status
from marketable.marketing_status.rules import Event, Status
from marketable.marketing_status.services import lock_status_batches, start_marketing
from marketable.segments.selection import Selection
from tests import make
from tests.concurrency import Later, meet, together
from tests.invariants import assert_they_hold
from tests.make import JAN_20, ids

pytestmark = pytest.mark.usefixtures("committing", "small_batches")
JAN = JAN_20.date()


@pytest.fixture
def account(committing: None) -> AccountInfo:
    return make.account()


@pytest.fixture
def anna(account: AccountInfo) -> Source:
    return make.source(User.objects.get(email="anna@example.com"))


def preview(account: AccountInfo, by: Source, event: Event, chosen: Selection) -> UUID:
    shown = services.preview(account.id, event, chosen, by=by, reach=EVERYTHING, now=JAN_20)
    return shown.id


def confirm(account: AccountInfo, by: Source, plan_id: UUID, count: int) -> BulkActionView:
    return services.confirm(account.id, plan_id, count, by=by, reach=EVERYTHING, now=JAN_20)


def confirmed(account: AccountInfo, by: Source, event: Event, contact_ids: list[int]) -> int:
    chosen = Selection(ids=tuple(contact_ids))
    return confirm(account, by, preview(account, by, event, chosen), len(contact_ids)).id


def run(account: AccountInfo, bulk_action_id: int) -> None:
    while running.run_next_batch(account.id, bulk_action_id, now=JAN_20):
        pass


def jobs() -> int:
    found = sql.row("SELECT count(*) FROM procrastinate_jobs")
    assert found is not None
    return int(found[0])


@pytest.mark.parametrize("how_many", [2, 5])  # in the request, and in the background
def test_the_same_confirm_pressed_twice_at_once_is_done_once(
    account: AccountInfo, anna: Source, how_many: int
) -> None:  # B5, J3
    make.contacts(account, how_many)
    plan_id = preview(account, anna, Event.START, Selection())
    ends = together(*[lambda: confirm(account, anna, plan_id, how_many)] * 3)
    assert [one.error for one in ends] == [None] * 3
    [bulk_action_id] = {one.answer.id for one in ends}
    assert jobs() == (how_many > 2)
    run(account, bulk_action_id)
    done = queries.bulk_action(account.id, bulk_action_id)
    assert (done.state, done.outcomes) == (ActionState.COMPLETE, {"set": how_many})
    assert_they_hold(account.id, JAN_20)


def test_two_plans_over_the_same_contacts_do_not_both_apply(
    account: AccountInfo, anna: Source
) -> None:  # B5
    chosen = Selection(ids=tuple(make.contacts(account, 2)))
    plans = [preview(account, anna, Event.START, chosen) for _ in range(2)]
    first, later = meet(
        lambda: confirm(account, anna, plans[0], 2), lambda: confirm(account, anna, plans[1], 2)
    )
    assert first.outcomes == {"set": 2}
    if later.error is None:  # planned again before the first committed: then its batch skips them
        assert later.answer.outcomes == {"skipped": 2}
    else:
        assert isinstance(later.error, PlanOutdated)
    with pytest.raises(PlanOutdated) as refusal:
        confirm(account, anna, preview_of_before(account, anna, chosen), 2)
    assert (refusal.value.facts["expected"], refusal.value.facts["actual"]) == (2, 0)
    assert status.usage(account.id, JAN).usage == 2
    assert_they_hold(account.id, JAN_20)


def preview_of_before(account: AccountInfo, by: Source, chosen: Selection) -> UUID:
    """A plan that was made when the two were not marketing yet."""
    plan_id = preview(account, by, Event.START, chosen)
    sql.execute(
        "UPDATE plan_preview SET answer = answer || '{\"changing\": 2}' WHERE id = %(id)s",
        {"id": plan_id},
    )
    return plan_id


def test_a_small_one_does_not_wait_for_the_turn_of_a_large_one(
    account: AccountInfo, anna: Source
) -> None:
    make.contacts(account, 2)
    plan_id = preview(account, anna, Event.START, Selection())
    small = Later(lambda: confirm(account, anna, plan_id, 2))
    with transaction.atomic():
        lock_status_batches(account.id)
        small.start()
        assert not small.was_made_to_wait
    small.finish()
    assert small.error is None
    assert small.answer.outcomes == {"set": 2}


def test_a_small_one_and_a_batch_of_a_large_one_end_both(
    account: AccountInfo, anna: Source
) -> None:
    contact_ids = make.contacts(account, 7)
    large = confirmed(account, anna, Event.START, contact_ids[:5])
    plan_id = preview(account, anna, Event.START, Selection(ids=tuple(contact_ids[5:])))
    _, later = meet(
        lambda: running.run_next_batch(account.id, large, now=JAN_20),
        lambda: confirm(account, anna, plan_id, 2),
    )
    assert later.error is None
    assert status.usage(account.id, JAN).usage == 4
    run(account, large)
    assert status.usage(account.id, JAN).usage == 7
    assert_they_hold(account.id, JAN_20)


def test_a_deletion_waits_for_a_batch_under_way(account: AccountInfo, anna: Source) -> None:
    """A batch locks no contacts, so what it starts is deleted after it, and leaves in time."""
    contact_ids = make.contacts(account, 5)
    large = confirmed(account, anna, Event.START, contact_ids)
    _, later = meet(
        lambda: running.run_next_batch(account.id, large, now=JAN_20),
        lambda: archive_contacts(account.id, ids(*contact_ids), by=anna, now=JAN_20),
    )
    assert later.was_made_to_wait
    assert (later.answer.archived, later.answer.held) == (5, 2)
    run(account, large)
    assert queries.bulk_action(account.id, large).outcomes == {"set": 2, "skipped": 3}
    assert_they_hold(account.id, JAN_20)


def test_two_workers_do_every_batch_once(account: AccountInfo, anna: Source) -> None:  # V8
    bulk_action_id = confirmed(account, anna, Event.START, make.contacts(account, 9))
    ends = together(*[lambda: run(account, bulk_action_id)] * 3)
    assert [one.error for one in ends] == [None] * 3
    done = queries.bulk_action(account.id, bulk_action_id)
    assert (done.state, done.done, done.outcomes) == (ActionState.COMPLETE, 9, {"set": 9})
    changes = sql.rows(
        "SELECT contact_count FROM change WHERE bulk_action_id = %(id)s ORDER BY id",
        {"id": bulk_action_id},
    )
    assert changes == [(2,), (2,), (2,), (2,), (1,)]
    assert_they_hold(account.id, JAN_20)


def test_overlapping_actions_move_every_contact_one_after_the_other(
    account: AccountInfo, anna: Source
) -> None:
    contact_ids = make.contacts(account, 12, status=Status.MARKETING)
    staged = confirmed(account, anna, Event.STOP, contact_ids)
    start_marketing(account.id, ids(*contact_ids[:6]), by=anna, now=JAN_20)
    again = confirmed(account, anna, Event.STOP, contact_ids[4:])
    ends = together(
        lambda: run(account, staged),
        lambda: run(account, again),
        lambda: services.run_now(
            account.id,
            Event.STOP,
            Selection(ids=tuple(contact_ids[:6])),
            expected=6,
            by=anna,
            reach=EVERYTHING,
            now=JAN_20,
        ),
    )
    assert [end.error for end in ends if not isinstance(end.error, PlanOutdated)] in (
        [None, None],
        [None, None, None],
    )
    found = queries.bulk_actions(account.id, since=JAN_20)
    assert sum(one.outcomes.get("staged", 0) for one in found) == 12
    for one in found:
        assert one.state is ActionState.COMPLETE
        assert one.done == one.total == one.changed + one.skipped
    assert_they_hold(account.id, JAN_20)


def test_actions_that_race_for_the_room_under_a_ceiling_get_it_whole_or_not(
    committing: None,
) -> None:  # O3, V5
    tight = make.account(at_limit="ceiling", ceiling=7)
    by = make.source(User.objects.get(email="anna@example.com"))
    plans = [
        preview(tight, by, Event.START, Selection(ids=tuple(make.contacts(tight, n))))
        for n in (4, 4, 2, 2)
    ]

    def start(plan_id: UUID, count: int) -> Any:
        return lambda: run(tight, confirm(tight, by, plan_id, count).id)

    ends = together(*(start(plan, n) for plan, n in zip(plans, (4, 4, 2, 2), strict=True)))
    assert {type(end.error) for end in ends} <= {type(None), CeilingReached}
    assert any(end.error for end in ends)
    done = queries.bulk_actions(tight.id, since=JAN_20)
    assert {one.state for one in done} == {ActionState.COMPLETE}
    usage = status.usage(tight.id, JAN)
    assert usage.usage == sum(one.changed for one in done) <= 7
    assert usage.reserved == 0
    assert_they_hold(tight.id, JAN_20)


def test_taken_back_twice_at_once_is_taken_back_once(
    account: AccountInfo, anna: Source
) -> None:  # V8
    bulk_action_id = confirmed(account, anna, Event.START, make.contacts(account, 2))
    _, later = meet(
        lambda: services.take_back(account.id, bulk_action_id, by=anna, now=JAN_20),
        lambda: services.take_back(account.id, bulk_action_id, by=anna, now=JAN_20),
    )
    assert later.was_made_to_wait
    assert isinstance(later.error, CannotUndo)
    assert len(queries.bulk_actions(account.id, since=JAN_20)) == 2
    assert_they_hold(account.id, JAN_20)


def test_cancelling_does_not_wait_for_the_batch_in_progress_which_is_the_last(
    account: AccountInfo, anna: Source
) -> None:  # B6
    bulk_action_id = confirmed(account, anna, Event.START, make.contacts(account, 5))
    _, later = meet(
        lambda: running.run_next_batch(account.id, bulk_action_id, now=JAN_20),
        lambda: running.cancel(account.id, bulk_action_id, now=JAN_20),
    )
    assert not later.was_made_to_wait
    assert not later.answer.is_finished
    assert later.answer.cancelled_at == JAN_20
    assert not running.run_next_batch(account.id, bulk_action_id, now=JAN_20)
    ended = queries.bulk_action(account.id, bulk_action_id)
    assert (ended.state, ended.done) == (ActionState.CANCELLED, 2)
    assert status.usage(account.id, JAN).usage == 2
    assert_they_hold(account.id, JAN_20)


def test_cancelled_after_the_last_batch_it_is_complete(account: AccountInfo, anna: Source) -> None:
    bulk_action_id = confirmed(account, anna, Event.START, make.contacts(account, 4))
    for _ in range(2):
        assert running.run_next_batch(account.id, bulk_action_id, now=JAN_20)
    cancelled = running.cancel(account.id, bulk_action_id, now=JAN_20)
    assert (cancelled.state, cancelled.done) == (ActionState.COMPLETE, 4)
