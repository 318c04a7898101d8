"""What the product does by itself: dates, abandoned work, the day's row, the proof."""

from datetime import UTC, date, datetime

import pytest
from croniter import croniter
from django.contrib.sessions.models import Session
from django.core import mail
from procrastinate import App
from procrastinate.testing import InMemoryConnector

from marketable import clock, sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.billing import queries as billing
from marketable.billing import services as billing_services
from marketable.bulk_actions import queries as bulk_queries
from marketable.bulk_actions import rules as bulk_rules
from marketable.bulk_actions import running
from marketable.bulk_actions import services as bulk_actions
from marketable.governance import services as governance
from marketable.history.sources import Source
from marketable.jobs import inspection, schedule, tasks, upkeep
from marketable.marketing_status import queries as marketing_status
from marketable.marketing_status.rules import Event, Status
from marketable.queue import Job, enqueue
from marketable.segments.selection import Selection
from tests import make
from tests.make import JAN_20

pytestmark = pytest.mark.django_db

FEB_1_IN_WARSAW = datetime(2027, 1, 31, 23, 0, tzinfo=UTC)
JUST_BEFORE = datetime(2027, 1, 31, 22, 59, 59, tzinfo=UTC)


def asked(job: Job) -> list[dict[str, int]]:
    return upkeep.under_way(job)


def test_the_update_date_is_asked_for_when_it_begins_in_the_accounts_own_zone(
    account: AccountInfo,
) -> None:
    make.contact(account, status=Status.LEAVING)
    upkeep.apply_update_dates(JUST_BEFORE)
    assert asked(Job.APPLY_UPDATE_DATE) == []
    upkeep.apply_update_dates(FEB_1_IN_WARSAW)
    assert asked(Job.APPLY_UPDATE_DATE) == [{"account_id": account.id}]


def test_it_is_asked_for_once_and_only_where_somebody_is_staged(
    account: AccountInfo, other_account: AccountInfo
) -> None:
    make.contact(account, status=Status.LEAVING)
    make.contact(other_account, status=Status.MARKETING)
    for _ in range(3):
        upkeep.apply_update_dates(FEB_1_IN_WARSAW)
    assert asked(Job.APPLY_UPDATE_DATE) == [{"account_id": account.id}]


def test_the_job_lets_the_staged_leave(
    account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.contact(account, status=Status.LEAVING)
    monkeypatch.setattr(clock, "now", lambda: FEB_1_IN_WARSAW)
    tasks.apply_update_date.func(account_id=account.id)
    assert marketing_status.prove(account.id).rows == 0
    tasks.apply_update_date.func(account_id=account.id)  # twice is once
    assert marketing_status.prove(account.id).ok


def running_bulk_action(account: AccountInfo, anna: Source, monkeypatch: pytest.MonkeyPatch) -> int:
    """A bulk action that a worker should be working on; three contacts are enough."""
    monkeypatch.setattr(bulk_actions, "REQUEST_LIMIT", 2)
    monkeypatch.setattr(bulk_rules, "REQUEST_LIMIT", 2)
    make.contacts(account, 3)
    plan = bulk_actions.preview(
        account.id, Event.START, Selection(), by=anna, reach=EVERYTHING, now=JAN_20
    )
    return bulk_actions.confirm(account.id, plan.id, 3, by=anna, reach=EVERYTHING, now=JAN_20).id


def test_work_with_a_job_is_left_alone_and_without_one_is_taken_up(
    account: AccountInfo, anna: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = running_bulk_action(account, anna, monkeypatch)
    ids = {"account_id": account.id, "bulk_action_id": number}
    upkeep.sweep(JAN_20)
    assert asked(Job.RUN_BULK_ACTION) == [ids]
    sql.execute("DELETE FROM procrastinate_jobs")
    upkeep.sweep(JAN_20)
    upkeep.sweep(JAN_20)
    assert asked(Job.RUN_BULK_ACTION) == [ids]


def test_places_of_ended_and_vanished_work_are_given_back_and_others_kept(
    account: AccountInfo, anna: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    billing_services.set_limit_policy(
        account.id, at_limit="ceiling", ceiling=100, by=anna, now=JAN_20
    )
    number = running_bulk_action(account, anna, monkeypatch)
    governance.reserve(account.id, "bulk:999999", 5, overdue=0, today=date(2027, 1, 20))
    upkeep.sweep(JAN_20)
    assert _reserved(account) == 3  # what the running one still needs
    while running.run_next_batch(account.id, number, now=JAN_20):
        pass
    governance.reserve(account.id, f"bulk:{number}", 7, overdue=0, today=date(2027, 1, 20))
    assert bulk_queries.bulk_action(account.id, number).is_finished
    upkeep.sweep(JAN_20)
    assert _reserved(account) == 0


def test_every_account_gets_a_row_for_its_own_day_and_a_moved_day_is_kept(
    account: AccountInfo, other_account: AccountInfo
) -> None:
    make.contacts(account, 2, status=Status.MARKETING, at=JAN_20)
    upkeep.write_usage_days(JAN_20)
    upkeep.write_usage_days(FEB_1_IN_WARSAW)
    days = billing.days(account.id, date(2027, 1, 1), date(2027, 2, 28))
    assert [(one.day, one.marketing_count, one.peak) for one in days] == [
        (date(2027, 1, 20), 2, 2),
        (date(2027, 2, 1), 2, 2),
    ]
    empty = billing.days(other_account.id, date(2027, 1, 1), date(2027, 2, 28))
    assert [one.marketing_count for one in empty] == [0, 0]


def test_a_proof_that_holds_tells_nobody(account: AccountInfo) -> None:
    make.contacts(account, 2, status=Status.MARKETING)
    upkeep.prove_accounts(JAN_20)
    assert mail.outbox == []


def test_a_difference_is_told_to_the_owners_with_both_values_and_not_corrected(
    account: AccountInfo, other_account: AccountInfo
) -> None:
    make.contacts(account, 2, status=Status.MARKETING)
    sql.execute(
        "UPDATE account_usage SET counter = 5 WHERE account_id = %(id)s", {"id": account.id}
    )
    with pytest.raises(upkeep.ProofFailed, match=str(account.id)):
        upkeep.prove_accounts(JAN_20)
    [message] = mail.outbox
    assert message.to == ["anna@example.com"]
    assert "Counter: 5" in message.body and "Marketing contacts: 2" in message.body
    assert marketing_status.prove(account.id).counter == 5


def test_expired_sessions_and_old_failed_jobs_go() -> None:
    Session.objects.create(
        session_key="old", session_data="", expire_date=datetime(2020, 1, 1, tzinfo=UTC)
    )
    Session.objects.create(
        session_key="new", session_data="", expire_date=datetime(2999, 1, 1, tzinfo=UTC)
    )
    for days in (31, 29):
        enqueue(Job.APPLY_UPDATE_DATE, account_id=days)
        sql.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE status = 'todo'")
        sql.execute(
            "UPDATE procrastinate_events SET at = now() - make_interval(days => %(days)s) "
            "WHERE job_id = (SELECT max(id) FROM procrastinate_jobs)",
            {"days": days},
        )
    upkeep.clear_remains(JAN_20)
    assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]
    assert sql.rows("SELECT args->>'account_id' FROM procrastinate_jobs") == [("29",)]


def test_the_doctor_can_ask_the_queue() -> None:
    assert (inspection.due_count(), inspection.seconds_since_heartbeat()) == (0, None)
    enqueue(Job.APPLY_UPDATE_DATE, account_id=1)
    assert inspection.due_count() == 1
    sql.execute("UPDATE procrastinate_jobs SET status = 'failed'")
    assert [one.split()[0] for one in inspection.failed()] == ["apply_update_date"]


def test_the_table_can_be_scheduled_and_names_nothing_twice() -> None:
    app = App(connector=InMemoryConnector())
    schedule.add_to(app)
    assert len(app.periodic_registry.periodic_tasks) == len(schedule.TABLE)
    for one in schedule.TABLE:
        assert croniter.is_valid(one.cron)
    assert set(schedule.AT_START) <= {one.work for one in schedule.TABLE}


def test_scheduled_work_gets_the_present_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[datetime] = []
    monkeypatch.setattr(clock, "now", lambda: JAN_20)
    run = schedule._task(schedule.Periodic("x", "* * * * *", "upkeep", seen.append))
    run(0)
    assert seen == [JAN_20]


def _reserved(account: AccountInfo) -> int:
    return marketing_status.usage(account.id, date(2027, 1, 20)).reserved
