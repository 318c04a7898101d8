"""Work over more contacts than two batches hold, and the middle of it, where it is killed."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

import psycopg

from tests.commands.shell import PATIENCE_SECONDS, Shell, descendants, eventually, kill

BATCHES = [20_000, 20_000, 5_000]
MANY = sum(BATCHES)

#: An account with many contacts. `{options}` and `{then}` say what else.
ACCOUNT = """
from datetime import UTC, datetime, timedelta
from django.db import connection
from marketable.accounts.queries import EVERYTHING
from marketable.bulk_actions import services as bulk_actions
from marketable.history.kinds import Kind
from marketable.history.services import close_change, open_change
from marketable.history.sources import SourceType, system
from marketable.marketing_status.rules import Event
from marketable.marketing_status.services import start_marketing, stop_marketing
from marketable.segments.selection import Selection
from marketable.sql import SubQuery

now = datetime.now(UTC)
account = make.account(start=(now - timedelta(days=400)).date(), {options})
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
              FROM generate_series(1, %(many)s) AS n
            RETURNING id)
        INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
        SELECT %(account)s, id, %(change)s, '{{}}', '{{}}' FROM made
        ''',
        {{"account": account.id, "now": now, "change": change_id, "many": {many}}},
    )
close_change(account.id, change_id, contact_count={many})
everybody = SubQuery("SELECT id FROM contact WHERE account_id = %(account_id)s")
answer = {{"account": account.id}}
{then}
"""

#: A bulk action that is confirmed and waits for a worker.
CONFIRMED = f"""
plan = bulk_actions.preview(
    account.id, Event.START, Selection(), by=by, reach=EVERYTHING, now=now
)
bulk_actions.confirm(account.id, plan.id, {MANY}, by=by, reach=EVERYTHING, now=now)
"""

#: Everybody was staged for a date that has come since.
OVERDUE = """
before = now - timedelta(days=40)
start_marketing(account.id, everybody, by=by, now=before)
stop_marketing(account.id, everybody, by=by, now=before)
"""

TURN = "hashtext('marketing_contact'), %s"
#: Large batches that stand in line; deletions may stand there, too.
WAITING = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
    "AND mode = 'ExclusiveLock' "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def account_with_many(shell: Shell, *, options: str = "", then: str = "") -> int:
    made = shell.python(ACCOUNT.format(options=options, then=then, many=MANY))
    return int(made["account"])


@contextmanager
def after_one_batch(
    shell: Shell, account_id: int, begin: Callable[[], "subprocess.Popen[Any]"]
) -> Iterator["subprocess.Popen[Any]"]:
    """Begin some work, let it do exactly one batch, and hold it in the midst of the second one.

    It stands in line for the account's turn, which large batches take one after the other. The
    line is served in order, so whoever joins it behind the first batch has the turn after that.
    """
    assert shell.url is not None
    first, second = (psycopg.connect(shell.url, autocommit=True) for _ in range(2))
    process = None
    try:
        first.execute(f"SELECT pg_advisory_lock({TURN})", [account_id])
        process = begin()
        eventually(lambda: shell.rows(WAITING) == [(1,)], "the first batch has begun")
        in_line = Thread(
            target=second.execute, args=[f"SELECT pg_advisory_lock({TURN})", [account_id]]
        )
        in_line.start()
        eventually(lambda: shell.rows(WAITING) == [(2,)], "we stand behind it")
        first.execute("SELECT pg_advisory_unlock_all()")
        in_line.join(PATIENCE_SECONDS)
        eventually(lambda: shell.rows(WAITING) == [(1,)], "the second batch has begun")
        yield process
    finally:
        for connection in (first, second):
            with suppress(psycopg.Error):  # the server may have been killed
                connection.close()
        if process is not None:
            for one in (process.pid, *descendants(process.pid)):
                kill(one)
            process.wait(timeout=PATIENCE_SECONDS)


def running(shell: Shell, *words: str | int) -> Callable[[], "subprocess.Popen[str]"]:
    """A command that can be begun, and whose ends can be read."""

    def begin() -> "subprocess.Popen[str]":
        return subprocess.Popen(
            shell.command(*words),
            env=shell.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


def story(shell: Shell) -> list[tuple[str, int, int]]:
    """(kind, contacts, delta) of every change that moved a status, in order."""
    return [
        (str(kind), int(n), int(delta))
        for kind, n, delta in shell.rows(
            "SELECT kind, contact_count, marketing_delta FROM change "
            "WHERE kind IN ('status_started', 'update_date') ORDER BY id"
        )
    ]


def assert_started_as_if_nothing_had_happened(shell: Shell, account_id: int) -> None:
    assert shell.rows("SELECT state, done, total, outcomes FROM bulk_action") == [
        ("complete", MANY, MANY, {"set": MANY})
    ]
    assert story(shell) == [("status_started", n, n) for n in BATCHES]
    twice = (
        "SELECT count(*) FROM (SELECT contact_id FROM contact_change WHERE after ? 'status' "
        "GROUP BY contact_id HAVING count(*) <> 1) AS told"
    )
    assert shell.rows(twice) == [(0,)]
    assert shell.rows("SELECT count(*) FROM reservation") == [(0,)]
    assert_proven(shell, account_id, MANY)


def assert_left_as_if_nothing_had_happened(shell: Shell, account_id: int) -> None:
    started, *left = story(shell)
    assert started == ("status_started", MANY, MANY)
    assert left == [("update_date", n, -n) for n in BATCHES]
    dates = shell.rows(
        "SELECT DISTINCT effective_on = (SELECT max((after->>'leaving_on')::date) "
        "FROM contact_change) FROM change WHERE kind = 'update_date'"
    )
    assert dates == [(True,)]
    days = shell.rows("SELECT marketing_count, peak FROM usage_day ORDER BY day")
    assert days[0] == (MANY, MANY)
    assert {day[0] for day in days[1:]} == {0}
    assert_proven(shell, account_id, 0)


def assert_proven(shell: Shell, account_id: int, usage: int) -> None:
    proof = shell("prove", "--account", account_id, "--json")
    assert proof.json == {
        "ok": True,
        "counter": usage,
        "rows": usage,
        "ledger": usage,
        "unexplained": 0,
    }
    assert shell.rows("SELECT counter, reserved FROM account_usage") == [(usage, 0)]
