"""Readers of the ledger: whatever commits when, each change is given once, and none is skipped."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from marketable import sql
from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.contacts.services.archive import archive_contacts
from marketable.history.kinds import Kind
from marketable.history.queries import Cursor, changes_since
from marketable.history.services import drop_change, open_change, record
from marketable.history.sources import SourceType, system
from marketable.marketing_status.services import start_marketing
from tests import make
from tests.concurrency import Later, together
from tests.make import JAN_20, ids

pytestmark = pytest.mark.usefixtures("committing")
#: Longer than any other test's transaction takes on a busy machine.
PATIENCE_SECONDS = 600
BY = system(SourceType.COMMAND)


@pytest.fixture
def account(committing: None) -> AccountInfo:
    return make.account()


class Reader:
    """Reads on from where it was, as a job that runs again and again."""

    def __init__(self) -> None:
        self.cursor, self.seen = Cursor(), list[int]()
        let_others_end()
        self.read_on()
        self.seen.clear()

    def read_on(self, limit: int = 1_000) -> list[int]:
        found, self.cursor = changes_since(self.cursor, limit=limit)
        fresh = [change_id for _account_id, change_id in found]
        self.seen += fresh
        return fresh


def change(account: AccountInfo) -> int:
    return record(account.id, Kind.SETTING_CHANGED, by=BY, at=JAN_20, body={})


def let_others_end() -> None:
    """Wait until what was running when this is called has ended. Other databases of the server
    hold readers back as well, and other tests run in them."""
    found = sql.row("SELECT pg_current_xact_id()::text")
    assert found is not None
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        oldest = sql.row("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        assert oldest is not None
        if int(oldest[0]) > int(found[0]):
            return
        assert time.monotonic() < until
        time.sleep(0.02)


@contextmanager
def another_writer(account: AccountInfo) -> Iterator[tuple[Any, int]]:
    """A transaction on another connection that has written a change and not committed."""
    params = connection.get_connection_params()
    wanted = {
        name: params[name]
        for name in ("dbname", "host", "port", "user", "password")
        if params.get(name)
    }
    wanted["dbname"] = settings.DATABASES["default"]["NAME"]
    with psycopg.connect(**wanted) as other:
        found = other.execute(
            "INSERT INTO change (account_id, at, kind, actor_type, actor_id, actor_label, "
            "source_type, source_id, source_label, body, contact_count, marketing_delta, reason) "
            "VALUES (%s, now(), 'setting_changed', '', '', '', 'SYSTEM', '', '', '{}', 0, 0, '') "
            "RETURNING id",
            [account.id],
        ).fetchone()
        assert found is not None
        yield other, int(found[0])


def test_a_change_that_commits_late_is_not_skipped(account: AccountInfo) -> None:
    reader = Reader()
    with another_writer(account) as (late, late_id):
        early_id = change(account)
        assert early_id > late_id  # the number of the late one is lower
        assert reader.read_on() == []  # so nothing is given before it is known
        late.commit()
    let_others_end()
    assert sorted(reader.read_on()) == [late_id, early_id]
    assert reader.read_on() == []


def test_a_change_that_is_given_up_holds_nobody_back_for_ever(account: AccountInfo) -> None:
    reader = Reader()
    with another_writer(account) as (late, _late_id):
        early_id = change(account)
        assert reader.read_on() == []
        late.rollback()
    let_others_end()
    assert reader.read_on() == [early_id]


def test_a_writer_that_only_begins_later_does_not_hold_back_what_was(account: AccountInfo) -> None:
    reader = Reader()
    early_id = change(account)
    let_others_end()
    with another_writer(account) as (late, late_id):
        assert reader.read_on() == [early_id]
        late.commit()
    let_others_end()
    assert reader.read_on() == [late_id]


def test_small_steps_give_each_change_once_and_in_order(account: AccountInfo) -> None:
    reader = Reader()
    made = [change(account) for _ in range(7)]
    let_others_end()
    while reader.read_on(limit=2):
        pass
    assert reader.seen == made


def test_a_dropped_change_leaves_no_trace(account: AccountInfo) -> None:  # L3
    reader = Reader()

    @sql.retried
    def open_and_drop() -> int:
        change_id = open_change(account.id, Kind.STATUS_STARTED, by=BY, at=JAN_20)
        drop_change(account.id, change_id)
        return change_id

    dropped = open_and_drop()
    kept = change(account)
    let_others_end()
    assert reader.read_on() == [kept]
    assert sql.rows("SELECT id FROM change WHERE id = %(id)s", {"id": dropped}) == []


def test_a_reader_beside_busy_writers_sees_everything_once(account: AccountInfo) -> None:
    by = make.source(User.objects.get(email="anna@example.com"))
    contact_ids = make.contacts(account, 24)
    reader = Reader()

    def work(mine: list[int]) -> Any:
        def run() -> None:
            for contact_id in mine:
                start_marketing(account.id, ids(contact_id), by=by, now=JAN_20)
                archive_contacts(account.id, ids(contact_id), by=by, now=JAN_20)

        return run

    reading = Later(lambda: [reader.read_on(limit=3) for _ in range(150)])
    reading.begin()
    ends = together(*(work(contact_ids[part::3]) for part in range(3)))
    reading.finish()
    assert [end.error for end in (*ends, reading)] == [None] * 4
    let_others_end()
    while reader.read_on():
        pass
    newest = sql.rows(
        "SELECT id FROM change WHERE kind IN ('status_started', 'contact_archived') ORDER BY id"
    )
    assert sorted(reader.seen) == [row[0] for row in newest]
    assert len(reader.seen) == 2 * len(contact_ids)


def test_transactions_are_read_in_the_order_of_their_numbers_not_of_their_digits(
    account: AccountInfo,
) -> None:
    sql.execute("DELETE FROM change")
    numbers = {}
    for xid in (10, 9, 100):
        numbers[xid] = change(account)
        sql.execute(
            "UPDATE change SET xid = %(xid)s::text::xid8 WHERE id = %(id)s",
            {"xid": str(xid), "id": numbers[xid]},
        )
    cursor, seen = Cursor(), []
    for _ in numbers:
        found, cursor = changes_since(cursor, limit=1)
        seen += [(cursor.xid, change_id) for _account_id, change_id in found]
    assert seen == [(xid, numbers[xid]) for xid in (9, 10, 100)]
