"""Plan, confirm, run, cancel and take back, on real PostgreSQL."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from marketable import sql
from marketable.accounts.queries import AccountInfo, Reach
from marketable.accounts.rules import Scope
from marketable.bulk_actions import queries, running, services
from marketable.bulk_actions.errors import (
    CannotUndo,
    NothingToDo,
    PlanOutdated,
    PlanUnknown,
    WrongCount,
)
from marketable.bulk_actions.rules import ActionState
from marketable.governance.errors import CeilingReached
from marketable.history.sources import Source
from marketable.marketing_status import queries as status_queries
from marketable.marketing_status.rules import Event, Status
from marketable.marketing_status.services import (
    apply_update_date,
    start_marketing,
    stop_marketing,
)
from marketable.segments.selection import Selection
from tests import make
from tests.make import FEB_2, JAN_20

pytestmark = pytest.mark.django_db

EVERYTHING = Reach(Scope.ALL, ())
JAN = date(2027, 1, 20)


def confirm(account: AccountInfo, by: Source, event: Event, selection: Selection) -> int:
    shown = services.preview(account.id, event, selection, by=by, reach=EVERYTHING, now=JAN_20)
    return services.confirm(
        account.id, shown.id, shown.plan.changing, by=by, reach=EVERYTHING, now=JAN_20
    ).id


def run(account: AccountInfo, bulk_action_id: int) -> queries.BulkActionView:
    while running.run_next_batch(account.id, bulk_action_id, now=JAN_20):
        pass
    return queries.bulk_action(account.id, bulk_action_id)


def test_a_small_one_is_done_in_the_request(account: AccountInfo, anna: Source) -> None:  # B6
    chosen = make.contacts(account, 3)
    make.contact(account)
    done = queries.bulk_action(
        account.id, confirm(account, anna, Event.START, Selection(ids=tuple(chosen)))
    )
    assert (done.state, done.done, done.outcomes) == (ActionState.COMPLETE, 3, {"set": 3})
    assert status_queries.usage(account.id, JAN).usage == 3
    assert status_queries.prove(account.id).ok


def test_a_preview_saves_nothing_but_itself(account: AccountInfo, anna: Source) -> None:  # O1
    make.contacts(account, 3)
    before = make.ledger(account)
    shown = services.preview(
        account.id, Event.START, Selection(), by=anna, reach=EVERYTHING, now=JAN_20
    )
    assert shown.plan.changing == 3
    assert make.ledger(account) == before
    assert status_queries.usage(account.id, JAN).usage == 0


def test_the_set_changed_meanwhile(account: AccountInfo, anna: Source) -> None:  # B5, J3
    make.contacts(account, 3)
    shown = services.preview(
        account.id, Event.START, Selection(), by=anna, reach=EVERYTHING, now=JAN_20
    )
    make.contact(account)
    with pytest.raises(PlanOutdated) as refusal:
        services.confirm(account.id, shown.id, 3, by=anna, reach=EVERYTHING, now=JAN_20)
    assert (refusal.value.facts["expected"], refusal.value.facts["actual"]) == (3, 4)
    assert status_queries.usage(account.id, JAN).usage == 0
    assert refusal.value.fresh_plan_id is not None
    again = services.confirm(
        account.id, refusal.value.fresh_plan_id, 4, by=anna, reach=EVERYTHING, now=JAN_20
    )
    assert again.changed == 4


def test_the_same_number_of_others_is_enough(account: AccountInfo, anna: Source) -> None:  # B5
    first = make.contact(account)
    shown = services.preview(
        account.id, Event.START, Selection(), by=anna, reach=EVERYTHING, now=JAN_20
    )
    start_marketing(account.id, make.ids(first), by=anna, now=JAN_20)
    make.contact(account)
    done = services.confirm(account.id, shown.id, 1, by=anna, reach=EVERYTHING, now=JAN_20)
    assert done.changed == 1


def test_the_wrong_number_changes_nothing(account: AccountInfo, anna: Source) -> None:  # J1
    make.contacts(account, 3)
    shown = services.preview(
        account.id, Event.START, Selection(), by=anna, reach=EVERYTHING, now=JAN_20
    )
    with pytest.raises(WrongCount):
        services.confirm(account.id, shown.id, 2, by=anna, reach=EVERYTHING, now=JAN_20)
    assert status_queries.usage(account.id, JAN).usage == 0


def test_a_plan_lives_one_hour(account: AccountInfo, anna: Source) -> None:  # J3
    make.contacts(account, 3)
    shown = services.preview(
        account.id, Event.START, Selection(), by=anna, reach=EVERYTHING, now=JAN_20
    )
    with pytest.raises(PlanOutdated):
        services.confirm(
            account.id,
            shown.id,
            3,
            by=anna,
            reach=EVERYTHING,
            now=JAN_20 + timedelta(minutes=61),
        )


def test_confirming_twice_answers_the_first_result(account: AccountInfo, anna: Source) -> None:
    make.contacts(account, 3)
    shown = services.preview(
        account.id, Event.START, Selection(), by=anna, reach=EVERYTHING, now=JAN_20
    )
    answers = [
        services.confirm(account.id, shown.id, 3, by=anna, reach=EVERYTHING, now=JAN_20)
        for _ in range(2)
    ]
    assert answers[0].id == answers[1].id
    assert status_queries.usage(account.id, JAN).usage == 3


def test_nobody_confirms_somebody_elses_or_an_unknown_plan(
    account: AccountInfo, other_account: AccountInfo, anna: Source
) -> None:
    make.contacts(account, 1)
    shown = services.preview(
        account.id, Event.START, Selection(), by=anna, reach=EVERYTHING, now=JAN_20
    )
    stranger = make.source(make.user(account))
    for account_id, plan_id, by in (
        (account.id, shown.id, stranger),
        (other_account.id, shown.id, anna),
        (account.id, uuid4(), anna),
    ):
        with pytest.raises(PlanUnknown):
            services.confirm(account_id, plan_id, 1, by=by, reach=EVERYTHING, now=JAN_20)


def test_nothing_to_do_cannot_be_confirmed(account: AccountInfo, anna: Source) -> None:  # J2
    make.contacts(account, 2, status=Status.MARKETING)
    shown = services.preview(
        account.id, Event.START, Selection(), by=anna, reach=EVERYTHING, now=JAN_20
    )
    assert shown.plan.changing == 0
    with pytest.raises(NothingToDo):
        services.confirm(account.id, shown.id, 0, by=anna, reach=EVERYTHING, now=JAN_20)


@pytest.mark.usefixtures("small_batches")
def test_a_large_one_runs_in_batches_with_a_change_each(
    account: AccountInfo, anna: Source
) -> None:  # B6
    make.contacts(account, 5)
    bulk_action_id = confirm(account, anna, Event.START, Selection())
    assert queries.bulk_action(account.id, bulk_action_id).state is ActionState.PENDING
    assert running.run_next_batch(account.id, bulk_action_id, now=JAN_20)
    halfway = queries.bulk_action(account.id, bulk_action_id)
    assert (halfway.state, halfway.done, halfway.changed) == (ActionState.RUNNING, 2, 2)
    done = run(account, bulk_action_id)
    assert (done.state, done.done, done.changed) == (ActionState.COMPLETE, 5, 5)
    changes = sql.rows(
        "SELECT contact_count, marketing_delta FROM change WHERE bulk_action_id = %(id)s "
        "ORDER BY id",
        {"id": bulk_action_id},
    )
    assert changes == [(2, 2), (2, 2), (1, 1)]
    assert status_queries.prove(account.id).ok


@pytest.mark.usefixtures("small_batches")
def test_a_member_that_changed_before_its_batch_is_skipped(
    account: AccountInfo, anna: Source
) -> None:  # B6
    chosen = make.contacts(account, 3)
    bulk_action_id = confirm(account, anna, Event.START, Selection())
    start_marketing(account.id, make.ids(chosen[0]), by=anna, now=JAN_20)
    done = run(account, bulk_action_id)
    assert done.outcomes == {"set": 2, "skipped": 1}
    assert (done.changed, done.skipped, done.done) == (2, 1, 3)


@pytest.mark.usefixtures("small_batches")
def test_cancelling_keeps_what_is_done(account: AccountInfo, anna: Source) -> None:  # B6
    make.contacts(account, 5)
    bulk_action_id = confirm(account, anna, Event.START, Selection())
    running.run_next_batch(account.id, bulk_action_id, now=JAN_20)
    running.cancel(account.id, bulk_action_id, now=JAN_20)
    done = run(account, bulk_action_id)
    assert (done.state, done.changed) == (ActionState.CANCELLED, 2)
    assert status_queries.usage(account.id, JAN).usage == 2
    assert sql.rows(
        "SELECT reserved FROM account_usage WHERE account_id = %(a)s", {"a": account.id}
    ) == [(0,)]


@pytest.mark.usefixtures("small_batches")
def test_places_are_reserved_against_the_ceiling(anna: Source) -> None:  # B6, V5
    tight = make.account(name="T", owner_email="t@example.com", at_limit="ceiling", ceiling=5)
    make.contacts(tight, 5)
    bulk_action_id = confirm(tight, anna, Event.START, Selection())
    late = make.contact(tight)
    with pytest.raises(CeilingReached):
        start_marketing(tight.id, make.ids(late), by=anna, now=JAN_20)
    done = run(tight, bulk_action_id)
    assert done.changed == 5
    assert sql.rows(
        "SELECT counter, reserved FROM account_usage WHERE account_id = %(a)s", {"a": tight.id}
    ) == [(5, 0)]


def test_over_the_ceiling_nothing_is_done(anna: Source) -> None:  # O3
    tight = make.account(name="T", owner_email="t@example.com", at_limit="ceiling", ceiling=2)
    make.contacts(tight, 3)
    with pytest.raises(CeilingReached):
        confirm(tight, anna, Event.START, Selection())
    assert status_queries.usage(tight.id, JAN).usage == 0
    assert queries.bulk_actions(tight.id, since=JAN_20 - timedelta(days=1)) == []


def test_taking_a_start_back_stages(account: AccountInfo, anna: Source) -> None:  # S15
    chosen = make.contacts(account, 3)
    bulk_action_id = confirm(account, anna, Event.START, Selection())
    undone = services.take_back(account.id, bulk_action_id, by=anna, now=JAN_20)
    assert undone.outcomes == {"staged": 3}
    assert status_queries.usage(account.id, JAN).usage == 3
    assert status_queries.status_of(account.id, chosen[0], JAN) is Status.LEAVING
    with pytest.raises(CannotUndo):
        services.take_back(account.id, bulk_action_id, by=anna, now=JAN_20)


def test_taking_back_leaves_alone_what_was_touched_since(
    account: AccountInfo, anna: Source
) -> None:  # S15
    chosen = make.contacts(account, 2)
    bulk_action_id = confirm(account, anna, Event.START, Selection())
    stop_marketing(account.id, make.ids(chosen[0]), by=anna, now=JAN_20)
    start_marketing(account.id, make.ids(chosen[0]), by=anna, now=JAN_20)
    undone = services.take_back(account.id, bulk_action_id, by=anna, now=JAN_20)
    assert undone.changed == 1
    assert status_queries.status_of(account.id, chosen[0], JAN) is Status.MARKETING


def test_taking_back_a_start_that_withdrew_a_staging_stages_again(
    account: AccountInfo, anna: Source
) -> None:  # S16
    contact_id = make.contact(account, status=Status.LEAVING)
    bulk_action_id = confirm(account, anna, Event.START, Selection())
    assert status_queries.status_of(account.id, contact_id, JAN) is Status.MARKETING
    services.take_back(account.id, bulk_action_id, by=anna, now=JAN_20)
    assert status_queries.status_of(account.id, contact_id, JAN) is Status.LEAVING


def test_taking_a_stop_back_keeps_until_the_update_date(
    account: AccountInfo, anna: Source
) -> None:  # S16
    contact_id = make.contact(account, status=Status.MARKETING)
    bulk_action_id = confirm(account, anna, Event.STOP, Selection())
    apply_update_date(account.id, now=FEB_2)
    with pytest.raises(CannotUndo):
        services.take_back(account.id, bulk_action_id, by=anna, now=FEB_2)
    assert status_queries.status_of(account.id, contact_id, FEB_2.date()) is Status.NON_MARKETING


def test_those_who_cannot_are_named_with_the_reason(account: AccountInfo, anna: Source) -> None:
    make.contacts(account, 2)
    silent = make.contact(account, email=None)
    bulk_action_id = confirm(account, anna, Event.START, Selection())
    refused = list(queries.refused_contacts(account.id, bulk_action_id))
    assert refused == [(silent, "", "NO_ADDRESS")]
    assert queries.bulk_action(account.id, bulk_action_id).refused == 1


def test_a_command_does_any_size_and_answers_when_finished(
    account: AccountInfo, anna: Source
) -> None:
    make.contacts(account, 4)
    with pytest.raises(PlanOutdated):
        services.run_now(
            account.id, Event.START, Selection(), expected=3, by=anna, reach=EVERYTHING, now=JAN_20
        )
    done = services.run_now(
        account.id, Event.START, Selection(), expected=4, by=anna, reach=EVERYTHING, now=JAN_20
    )
    assert done is not None
    assert done.changed == 4
    again = services.run_now(
        account.id, Event.START, Selection(), expected=0, by=anna, reach=EVERYTHING, now=JAN_20
    )
    assert again is None
