"""What a filter that is being written still asks of the database when the next edit comes."""

from collections.abc import Sequence

import pytest
from django.db import transaction

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts.conditions import Condition
from marketable.contacts.queries import Count
from marketable.segments import counting
from marketable.segments.rules import from_json
from marketable.segments.selection import Selection
from tests import make
from tests.concurrency import PATIENCE_SECONDS, Later
from tests.make import JAN_20

pytestmark = pytest.mark.usefixtures("committing")


@pytest.fixture
def account(committing: None) -> AccountInfo:
    return make.account()


def look(account: AccountInfo, editor: str) -> counting.Look:
    return counting.look(
        account.id, Selection(), reach=EVERYTHING, today=JAN_20.date(), editor=editor
    )


def test_a_new_question_of_an_editor_ends_the_one_before_and_no_other(
    account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.contacts(account, 3)
    whole = counting.contacts.count_exactly  # type: ignore[attr-defined]

    def waiting(account_id: int, where: Sequence[Condition]) -> int:
        sql.row("SELECT pg_advisory_xact_lock(4711)")
        return int(whole(account_id, where))

    monkeypatch.setattr(counting, "COUNT_MS", PATIENCE_SECONDS * 1_000)
    monkeypatch.setattr("marketable.contacts.queries.count_exactly", waiting)
    first, other = Later(lambda: look(account, "7 a")), Later(lambda: look(account, "7 b"))
    with transaction.atomic():
        sql.row("SELECT pg_advisory_xact_lock(4711)")
        for one in (first, other):
            one.start()
            assert one.was_made_to_wait
        counting.end_question("7 a")
        first.finish()
        assert first.error is None
        assert not first.answer.count.is_exact
    other.finish()
    assert other.answer.count == Count(3, is_exact=True)
    held = sql.row(  # of the server's databases, in this one
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    assert held == (0,)


def test_the_limit_of_a_look_is_its_own(account: AccountInfo) -> None:
    before = sql.row("SHOW statement_timeout")
    assert look(account, "7 a").count == Count(0, is_exact=True)
    assert sql.row("SHOW statement_timeout") == before


def test_a_count_that_takes_too_long_is_judged_by_a_sample(
    account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        make.contact(account, city="Oslo" if number < 5 else "Graz")
    sql.execute("ANALYZE contact")

    def slow(account_id: int, where: Sequence[Condition]) -> int:
        sql.row("SELECT pg_sleep(60)")
        raise AssertionError("not ended")

    monkeypatch.setattr(counting, "COUNT_MS", 50)
    monkeypatch.setattr(counting, "SAMPLE_MS", PATIENCE_SECONDS * 1_000)
    monkeypatch.setattr("marketable.contacts.queries.count_exactly", slow)
    wanted = from_json({"property": "city", "operator": "is", "value": "oslo"})
    found = counting.look(
        account.id,
        Selection(filter=wanted),
        reach=EVERYTHING,
        today=JAN_20.date(),
        editor="7 a",
    )
    assert found.count == Count(5, is_exact=False)
    assert found.rows is not None
