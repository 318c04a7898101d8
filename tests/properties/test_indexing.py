"""A property is marked indexed, and a job builds its index while everybody goes on writing."""

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from marketable import sql
from marketable.accounts.queries import AccountInfo
from marketable.history.sources import Source, SourceType, system
from marketable.properties import indexing, keys, queries, rules
from marketable.properties.errors import CannotBeIndexed, PropertyUnknown, TooManyIndexed
from marketable.properties.rules import IndexState, Option, PropertyDef, PropertyType
from marketable.properties.services import archive_property, create_property
from marketable.queue import Job
from tests import make
from tests.commands.shell import eventually
from tests.concurrency import Later, committing
from tests.make import JAN_10, JAN_20

__all__ = ["committing"]

BY = system(SourceType.ACCOUNT)


@pytest.fixture
def account(committing: None) -> AccountInfo:
    return make.account()


def mark(account: AccountInfo, name: str = "city", by: Source = BY) -> int:
    indexing.index_property(account.id, name, by=by, now=JAN_10)
    return number_of(account, name)


def number_of(account: AccountInfo, name: str = "city") -> int:
    found = sql.row(
        "SELECT id FROM property_index WHERE account_id = %(id)s AND name = %(name)s",
        {"id": account.id, "name": name},
    )
    assert found is not None
    return int(found[0])


def settle(account: AccountInfo, number: int, between: Callable[[], None] = lambda: None) -> None:
    indexing.settle(account.id, number, now=lambda: JAN_20, between=between)


def state(account: AccountInfo, name: str = "city") -> IndexState | None:
    view = queries.indexes(account.id).get(name)
    return view.state if view else None


def indexes() -> dict[str, bool]:
    """Every index of a property that the database has, and whether it is valid."""
    return {
        str(name): bool(is_valid)
        for name, is_valid in sql.rows(
            "SELECT indexrelid::regclass::text, indisvalid FROM pg_index "
            "WHERE indrelid = 'contact'::regclass AND indexrelid::regclass::text ~ '_p[0-9]+$'"
        )
    }


def statistics() -> int:
    found = sql.row("SELECT count(*) FROM pg_statistic_ext")
    assert found is not None
    return int(found[0])


def told(account: AccountInfo) -> list[Any]:
    found = sql.rows(
        "SELECT body FROM change WHERE account_id = %(id)s AND kind = 'property_changed' "
        "ORDER BY id",
        {"id": account.id},
    )
    return [json.loads(row[0]) for row in found]


def jobs() -> list[dict[str, int]]:
    found = sql.rows(
        "SELECT args FROM procrastinate_jobs WHERE task_name = %(name)s ORDER BY id",
        {"name": Job.SETTLE_PROPERTY_INDEX.value},
    )
    return [json.loads(row[0]) for row in found]


class Stop(Exception):
    """What a worker says that is told to end."""


def test_marking_waits_for_a_job_that_builds_a_valid_index(account: AccountInfo) -> None:
    make.contact(account, city="Kraków")
    number = mark(account)
    assert state(account) is IndexState.WAITING
    assert indexes() == {} and queries.indexed(account.id) == frozenset()
    assert jobs() == [{"account_id": account.id, "property_index_id": number}]
    settle(account, number)
    assert state(account) is IndexState.READY
    assert indexes() == {rules.index_name(account.id, number): True}
    assert queries.indexed(account.id) == {"city"}
    assert indexing.unsettled() == []


def test_no_index_is_built_inside_a_transaction(account: AccountInfo) -> None:
    number = mark(account)
    with pytest.raises(RuntimeError), transaction.atomic():
        settle(account, number)
    assert indexes() == {} and state(account) is IndexState.WAITING


def test_marking_and_taking_back_are_told_once(account: AccountInfo) -> None:  # V8
    for _ in range(2):
        number = mark(account)
    settle(account, number)
    settle(account, number)
    for _ in range(2):
        indexing.stop_indexing(account.id, "city", by=BY, now=JAN_20)
    assert state(account) is IndexState.REMOVING
    assert queries.indexed(account.id) == frozenset()  # nobody relies on it from now on
    assert statistics() == 1
    settle(account, number)
    settle(account, number)
    assert state(account) is None and indexes() == {} and statistics() == 0
    assert told(account) == [
        {"property": "city", "indexed": True},
        {"property": "city", "indexed": False},
    ]


@pytest.mark.parametrize(
    ("kind", "field_type", "values"),
    [
        (PropertyType.STRING, "text", ["a" * 65_536, "ł" * 65_536, "", 5, True, None]),
        (PropertyType.NUMBER, "number", [-1, 2.5, 10**15, "no number", "NaN", [1], None]),
        (PropertyType.DATE, "date", ["2027-01-01", "x" * 65_536, 7, None]),
        (PropertyType.DATETIME, "date", ["2027-01-01T00:00:00.000Z", {"a": 1}]),
        (PropertyType.BOOL, "booleancheckbox", [True, False, "true"]),
        (PropertyType.ENUMERATION, "select", ["a", "b", "🦊" * 60_000]),
        (PropertyType.ENUMERATION, "checkbox", [["a"], ["a", "b"], "a", 1, {}]),
        (PropertyType.PHONE, "phonenumber", ["+48 601 234 567"]),
    ],
)
def test_no_value_stops_a_build_or_is_stopped_by_an_index(
    account: AccountInfo, kind: PropertyType, field_type: str, values: list[Any]
) -> None:
    options = (Option("a", "A"), Option("b", "B")) if kind is PropertyType.ENUMERATION else ()
    definition = PropertyDef("own", "Own", kind, field_type, options=options)
    create_property(account.id, definition, by=BY, now=JAN_10)
    for value in values:
        make.contact(account, own=value)
    settle(account, mark(account, "own"))
    assert state(account, "own") is IndexState.READY
    for value in values:
        make.contact(account, own=value)


def test_what_is_not_kept_with_the_contact_cannot_be_indexed(account: AccountInfo) -> None:
    for name in ("email", "createdate", "hs_marketable_status", "hs_object_id"):
        with pytest.raises(CannotBeIndexed):
            mark(account, name)
    with pytest.raises(PropertyUnknown):
        mark(account, "no_such")
    assert jobs() == [] and told(account) == []


def test_an_account_and_an_installation_have_only_so_many(
    account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "MOST_INDEXED", 2)
    monkeypatch.setattr(indexing, "MOST_INDEXED_HERE", 3)
    other = make.account(owner_email="other@example.com")
    mark(account, "city")
    mark(account, "zip")
    with pytest.raises(TooManyIndexed) as refused:
        mark(account, "country")
    assert refused.value.facts == {"most": 2, "is_installation": False}
    mark(other, "city")
    with pytest.raises(TooManyIndexed) as refused:
        mark(other, "zip")
    assert refused.value.facts == {"most": 3, "is_installation": True}
    mark(account, "city")  # is there already


def test_one_account_s_index_holds_no_contact_of_another(account: AccountInfo) -> None:  # V16
    other = make.account(owner_email="other@example.com")
    make.contact(account, city="Kraków")
    make.contacts(other, 300)
    number = mark(account)
    settle(account, number)
    held = sql.row(
        "SELECT reltuples FROM pg_class WHERE oid = to_regclass(%(name)s)",
        {"name": rules.index_name(account.id, number)},
    )
    assert held == (1.0,)
    assert queries.indexed(other.id) == frozenset()


def test_taking_a_property_out_of_use_takes_its_index_away(account: AccountInfo) -> None:
    definition = PropertyDef("own", "Own", PropertyType.STRING, "text")
    create_property(account.id, definition, by=BY, now=JAN_10)
    number = mark(account, "own")
    settle(account, number)
    archive_property(account.id, "own", by=BY, now=JAN_20)
    settle(account, number)
    assert indexes() == {} and state(account, "own") is None


@pytest.fixture
def held_back(account: AccountInfo) -> Any:
    """A transaction of somebody else that a build has to wait for."""
    make.contact(account, city="Kraków")
    with psycopg.connect(**_parameters()) as other:
        other.execute("UPDATE contact SET version = version")
        yield other


def _parameters() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    return {
        name: value
        for name, value in parameters.items()
        if name not in {"context", "cursor_factory", "pool"}
    }


def test_a_build_under_way_is_shown_and_cancelled(
    account: AccountInfo, held_back: psycopg.Connection[Any]
) -> None:
    number = mark(account)
    later = Later(lambda: settle(account, number))
    later.begin()
    eventually(lambda: is_doing(number, "CREATE"), "it is being built")
    assert state(account) is IndexState.BUILDING
    assert indexes() == {rules.index_name(account.id, number): False}
    indexing.stop_indexing(account.id, "city", by=BY, now=JAN_20)
    eventually(lambda: is_doing(number, "DROP"), "the build was cancelled")
    held_back.rollback()
    later.finish()
    assert later.error is None
    assert state(account) is None and indexes() == {}


def test_one_that_is_asked_for_again_while_its_build_is_cancelled_is_built(
    account: AccountInfo, held_back: psycopg.Connection[Any]
) -> None:
    number = mark(account)
    later = Later(lambda: settle(account, number))
    later.begin()
    eventually(lambda: is_doing(number, "CREATE"), "it is being built")
    indexing.stop_indexing(account.id, "city", by=BY, now=JAN_20)
    eventually(lambda: is_doing(number, "DROP"), "the build was cancelled")
    assert mark(account) == number
    held_back.rollback()
    later.finish()
    assert later.error is None
    assert state(account) is IndexState.READY
    assert indexes() == {rules.index_name(account.id, number): True}


def is_doing(number: int, verb: str) -> bool:
    """Whether the index is at the statement that waits for the one who holds it back."""
    found = sql.row(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = %(name)s "
        "AND query LIKE %(verb)s AND wait_event_type = 'Lock'",
        {"name": queries.application_name(number), "verb": f"{verb}%"},
    )
    return found == (1,)


def test_a_worker_that_ends_gives_the_build_back(
    account: AccountInfo, held_back: psycopg.Connection[Any]
) -> None:
    number = mark(account)

    def between() -> None:
        if is_doing(number, "CREATE"):
            raise Stop

    with pytest.raises(Stop):
        settle(account, number, between)  # it would wait for the other one for ever
    assert indexing.unsettled() == [(account.id, number)]  # the next one begins again
    held_back.rollback()
    settle(account, number)
    assert indexes() == {rules.index_name(account.id, number): True}
    assert state(account) is IndexState.READY


def test_what_a_dead_database_left_is_built_again(
    account: AccountInfo, held_back: psycopg.Connection[Any]
) -> None:
    number = mark(account)
    later = Later(lambda: settle(account, number))
    later.begin()
    eventually(lambda: is_doing(number, "CREATE"), "it is being built")
    sql.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %(name)s",
        {"name": queries.application_name(number)},
    )
    later.finish()
    assert isinstance(later.error, psycopg.OperationalError)  # the job is tried again
    assert indexes() == {rules.index_name(account.id, number): False}
    held_back.rollback()
    settle(account, number)
    assert indexes() == {rules.index_name(account.id, number): True}
    assert state(account) is IndexState.READY


def test_several_take_turns(account: AccountInfo, held_back: psycopg.Connection[Any]) -> None:
    first, second = mark(account, "city"), mark(account, "zip")
    one = Later(lambda: settle(account, first))
    one.begin()
    eventually(lambda: is_doing(first, "CREATE"), "the first is being built")
    waits = []

    def between() -> None:
        waits.append(state(account, "zip"))
        if len(waits) == 2:
            held_back.rollback()

    two = Later(lambda: settle(account, second, between))
    two.begin()
    two.finish()
    one.finish()
    assert one.error is None and two.error is None
    assert waits[:2] == [IndexState.WAITING] * 2
    assert len(indexes()) == 2 and all(indexes().values())


def test_a_failed_build_says_why_leaves_nothing_and_can_be_tried_again(
    account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.contact(account, city="Kraków")
    number = mark(account)
    sql.execute(
        "CREATE FUNCTION breaks(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE disk_full; END $$"
    )
    with monkeypatch.context() as broken:
        broken.setattr(keys, "index_columns", lambda *_: "(breaks(properties->>'city'), id)")
        settle(account, number)
    view = queries.indexes(account.id)["city"]
    assert (view.state, view.problem) == (IndexState.FAILED, "53100")
    assert indexes() == {} and indexing.unsettled() == []
    mark(account)
    settle(account, number)
    assert state(account) is IndexState.READY


def test_the_index_of_an_account_that_is_gone_is_cleared_away(account: AccountInfo) -> None:
    number = mark(account)
    settle(account, number)
    sql.execute("DELETE FROM property_index")
    assert indexing.unsettled() == [(account.id, number)]
    settle(account, number)
    assert indexes() == {} and indexing.unsettled() == []


@pytest.mark.parametrize(
    ("phase", "done", "total", "percent"),
    [
        ("initializing", 0, 0, 0),
        ("building index: scanning table", 50, 100, 25),
        ("building index: scanning table", 101, 100, 50),
        ("waiting for writers before validation", 0, 0, 60),
        ("index validation: scanning table", 1, 2, 82),
        ("waiting for old snapshots", 0, 0, 99),
        ("a phase of a later version", 1, 2, 0),
    ],
)
def test_progress_goes_from_0_to_99(phase: str, done: int, total: int, percent: int) -> None:
    assert rules.build_percent(phase, done, total) == percent
