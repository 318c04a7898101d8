"""`marketable worker`: killed in the middle, stopped in the middle, and gone on with."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.commands.shell import PATIENCE_SECONDS, Shell, eventually, kill

CONTACTS = 100_000
BATCH = 20_000

#: Many contacts, and a confirmed bulk action over all of them that waits for a worker.
PREPARED = f"""
from datetime import UTC, datetime
from django.db import connection
from marketable.accounts.queries import EVERYTHING
from marketable.bulk_actions import services
from marketable.history.kinds import Kind
from marketable.history.services import close_change, open_change
from marketable.history.sources import SourceType, system
from marketable.marketing_status.rules import Event
from marketable.segments.selection import Selection

account, now = make.account(), datetime.now(UTC)
by = system(SourceType.COMMAND)
change_id = open_change(account.id, Kind.CONTACT_CREATED, by=by, at=now)
with connection.cursor() as cursor:
    cursor.execute(
        '''
        WITH made AS (
            INSERT INTO contact (account_id, id, email, name_key, properties, version,
                                 created_at, updated_at)
            SELECT %(account)s, nextval('contact_id_seq'), 'c' || n || '@example.com', 'c' || n,
                   '{{}}', 1, %(now)s, %(now)s
              FROM generate_series(1, {CONTACTS}) AS n
            RETURNING id, email)
        INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
        SELECT %(account)s, id, %(change)s, '{{}}', '{{}}' FROM made
        ''',
        {{"account": account.id, "now": now, "change": change_id}},
    )
close_change(account.id, change_id, contact_count={CONTACTS})
plan = services.preview(
    account.id, Event.START, Selection(), by=by, reach=EVERYTHING, now=now
)
started = services.confirm(
    account.id, plan.id, {CONTACTS}, by=by, reach=EVERYTHING, now=now
)
answer = {{"account": account.id, "bulk_action": started.id}}
"""
PROGRESS = "SELECT state, done FROM bulk_action"


@pytest.fixture
def prepared(shell: Shell) -> dict[str, Any]:
    found: dict[str, Any] = shell.python(PREPARED)
    return found


@contextmanager
def stuck_in_the_middle(shell: Shell, account_id: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker that has done some batches, and is in the midst of the next one: it waits for the
    lock that lets one batch of an account run at a time."""
    assert shell.url is not None
    process = subprocess.Popen(shell.command("worker"), env=shell.environment)
    try:
        eventually(lambda: shell.rows(PROGRESS)[0][1] > 0, "a first batch is done")
        with psycopg.connect(shell.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_advisory_lock(hashtext('marketing_contact'), %s)", [account_id]
            )
            waiting = (
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            eventually(lambda: shell.rows(waiting) == [(1,)], "the next batch has begun")
            [(state, done)] = shell.rows(PROGRESS)
            assert state == "running" and 0 < done < CONTACTS
            yield process
    finally:
        kill(process.pid)
        process.wait(timeout=PATIENCE_SECONDS)


def assert_done_as_if_nothing_had_happened(shell: Shell, prepared: dict[str, Any]) -> None:
    account = prepared["account"]
    assert shell.rows(PROGRESS) == [("complete", CONTACTS)]
    assert shell.rows("SELECT outcomes FROM bulk_action") == [({"set": CONTACTS},)]
    batches = shell.rows(
        "SELECT contact_count, marketing_delta FROM change WHERE kind = 'status_started'"
    )
    assert batches == [(BATCH, BATCH)] * (CONTACTS // BATCH)
    assert shell("prove", "--account", account, "--json").json == {
        "ok": True,
        "counter": CONTACTS,
        "rows": CONTACTS,
        "ledger": CONTACTS,
        "unexplained": 0,
    }
    assert shell.rows("SELECT count(*) FROM procrastinate_jobs WHERE status <> 'failed'") == [(0,)]
    assert shell.rows("SELECT count(*) FROM reservation") == [(0,)]


def test_a_killed_worker_is_gone_on_with_at_once(shell: Shell, prepared: dict[str, Any]) -> None:
    with stuck_in_the_middle(shell, prepared["account"]) as worker:
        kill(worker.pid)
        worker.wait(timeout=PATIENCE_SECONDS)
    ended = shell("worker", "--until-idle")
    assert ended.status == 0, ended.err
    assert "begin again" in ended.err
    assert_done_as_if_nothing_had_happened(shell, prepared)


def test_a_stop_ends_between_two_batches(shell: Shell, prepared: dict[str, Any]) -> None:
    process = subprocess.Popen(shell.command("worker"), env=shell.environment)
    try:
        eventually(lambda: shell.rows(PROGRESS)[0][1] > 0, "a first batch is done")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_SECONDS) == 0
    finally:
        kill(process.pid)
        process.wait()
    # Nothing is left in its hands: the job waits for the next worker, or it is done.
    assert shell.rows("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'") == [(0,)]
    assert shell.rows("SELECT count(*) FROM procrastinate_workers") == [(0,)]
    assert shell("worker", "--until-idle").status == 0
    assert_done_as_if_nothing_had_happened(shell, prepared)


def test_two_workers_share_the_work_without_doing_it_twice(
    shell: Shell, prepared: dict[str, Any]
) -> None:
    with shell.started("worker", "--until-idle") as first:
        second = shell("worker", "--until-idle")
        assert second.status == 0, second.err
        assert first.wait(timeout=PATIENCE_SECONDS) == 0
    assert_done_as_if_nothing_had_happened(shell, prepared)


def test_a_command_that_was_killed_is_finished_by_a_worker(
    shell: Shell, prepared: dict[str, Any]
) -> None:
    # What a killed command leaves is an unfinished bulk action, perhaps without a job.
    shell.rows("DELETE FROM procrastinate_jobs RETURNING 1")
    assert shell("worker", "--until-idle").status == 0
    assert_done_as_if_nothing_had_happened(shell, prepared)


def test_an_idle_worker_ends_at_once(shell: Shell) -> None:
    ended = shell("worker", "--until-idle")
    assert (ended.status, ended.out) == (0, "")


def test_a_worker_applies_the_update_date_of_every_account(shell: Shell) -> None:
    accounts = shell.python(
        "from marketable.marketing_status.rules import Status\n"
        "answer = []\n"
        "for name in ('one', 'two'):\n"
        "    account = make.account(name, owner_email=f'{name}@example.com')\n"
        "    make.contacts(account, 3, status=Status.LEAVING, at=make.datetime(2026, 1, 5, "
        "tzinfo=make.UTC))\n"
        "    answer.append(account.id)\n"
    )
    assert shell.rows("SELECT count(*) FROM marketing_contact") == [(6,)]
    assert shell("worker", "--until-idle").status == 0
    assert shell.rows("SELECT count(*) FROM marketing_contact") == [(0,)]
    for account in accounts:
        assert shell("prove", "--account", account, "--json").json["ok"] is True
