"""Segments while others write: nobody's change is missed between a building and the reader of the
ledger, two edits make no circle, and what several readers do is done once."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.bulk_actions import services as bulk_actions
from marketable.bulk_actions.errors import PlanOutdated
from marketable.contacts.services.edit import edit_contact
from marketable.history.sources import SourceType, system
from marketable.marketing_status.rules import Event, Status
from marketable.segments import following, moving, queries
from marketable.segments.errors import SegmentCycle, SegmentNameTaken, SegmentUsed
from marketable.segments.queries import SegmentView
from marketable.segments.rules import State, from_json
from marketable.segments.selection import Selection, compile_selection
from marketable.segments.services import segments
from tests import make
from tests.concurrency import PATIENCE_SECONDS, Later, meet, together
from tests.make import JAN_20

pytestmark = pytest.mark.usefixtures("committing")

BY = system(SourceType.COMMAND)


@pytest.fixture
def account() -> AccountInfo:
    return make.account()


def is_city(name: str) -> dict[str, object]:
    return {"property": "city", "operator": "is", "value": name}


def active(account: AccountInfo, name: str, *conditions: dict[str, object]) -> SegmentView:
    wanted = from_json({"and": list(conditions)})
    return segments.create_active(account.id, name, wanted, by=BY, now=JAN_20, build=True)


def edit(account: AccountInfo, contact_id: int, **values: str) -> None:
    edit_contact(account.id, contact_id, values, version=None, reach=EVERYTHING, by=BY, now=JAN_20)


def members(account: AccountInfo, segment_id: int) -> list[int]:
    following.catch_up(now=JAN_20)
    proof = segments.prove(account.id, segment_id, now=JAN_20)
    assert proof.ok, proof
    return queries.member_ids(account.id, segment_id)


@pytest.mark.parametrize("how", ["created", "changed", "rebuilt", "restored"])
def test_a_change_that_commits_while_a_segment_is_built_is_not_missed(
    account: AccountInfo, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    contact_id = make.contact(account, city="Radom")
    before = active(account, "Before", is_city("Łódź"))
    kraków = from_json({"and": [is_city("Kraków")]})
    if how in {"rebuilt", "restored"}:
        segments.change_filter(account.id, before.id, kraków, by=BY, now=JAN_20, build=True)
    if how == "restored":
        segments.delete(account.id, before.id, by=BY, now=JAN_20)
    following.catch_up(now=JAN_20)

    writing = transaction.atomic()
    with writing:  # begun before the building, committed in its midst
        edit(account, contact_id, city="Kraków")
        has_looked: list[bool] = []
        build = moving.build

        def build_then_let_commit(*given: Any, **named: Any) -> Any:
            done = build(*given, **named)
            has_looked.append(True)
            sql.row("SELECT pg_advisory_xact_lock_shared(7)")  # until the writer has committed
            following_later.start()  # it ends, or waits for the building
            return done

        monkeypatch.setattr(moving, "build", build_then_let_commit)
        following_later = Later(lambda: following.follow(now=JAN_20))
        sql.row("SELECT pg_advisory_xact_lock(7)")
        later = Later(lambda: _do(how, account, before.id, kraków))
        later.start()
        assert has_looked and later.was_made_to_wait
    later.finish()
    assert later.error is None, later.error
    following_later.finish()
    assert following_later.error is None, following_later.error
    assert members(account, later.answer.id) == [contact_id]


@pytest.mark.parametrize("how", ["created", "changed"])
@pytest.mark.parametrize("when", ["before it moves", "after it has moved"])
def test_a_segment_that_begins_to_name_one_in_which_somebody_moves_misses_nobody(
    account: AccountInfo, monkeypatch: pytest.MonkeyPatch, how: str, when: str
) -> None:
    contact_id = make.contact(account, city="Radom")
    inner = active(account, "Kraków", is_city("Kraków"))
    before = active(account, "Before", is_city("Łódź"))
    following.catch_up(now=JAN_20)
    edit(account, contact_id, city="Kraków")

    naming = from_json({"and": [{"segment": inner.id}]})
    later = Later(lambda: _do(how, account, before.id, naming))
    name = "locked" if when == "before it moves" else "ask_again"
    usual = getattr(moving, name)

    def beside(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(moving, name, usual)  # this once
        done = usual(*given, **named) if name == "ask_again" else None
        later.start()
        if done is None:
            later.finish()  # it is built before the reader has locked anything
            done = usual(*given, **named)
        return done

    monkeypatch.setattr(moving, name, beside)
    follow_when_readable()
    later.finish()
    assert later.error is None, later.error
    following.catch_up(account.id, now=JAN_20)
    assert members(account, inner.id) == [contact_id]
    assert members(account, later.answer.id) == [contact_id]


def follow_when_readable() -> None:
    """Read on as soon as transactions of the server's other databases let the ledger be read."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not following.follow(now=JAN_20):
        assert time.monotonic() < until
        time.sleep(0.02)


def _do(how: str, account: AccountInfo, segment_id: int, wanted: Any) -> SegmentView:
    if how == "created":
        return segments.create_active(account.id, "New", wanted, by=BY, now=JAN_20, build=True)
    if how == "changed":
        return segments.change_filter(account.id, segment_id, wanted, by=BY, now=JAN_20, build=True)
    if how == "restored":
        return segments.restore(account.id, segment_id, by=BY, now=JAN_20, build=True)
    return segments.rebuild(account.id, segment_id, now=JAN_20)


def test_two_edits_that_are_right_each_for_itself_make_no_circle(account: AccountInfo) -> None:
    one, two = (active(account, name, is_city(name)).id for name in ("Radom", "Łódź"))

    def point(segment_id: int, at: int) -> Callable[[], object]:
        wanted = from_json({"and": [{"segment": at}]})
        return lambda: segments.change_filter(account.id, segment_id, wanted, by=BY, now=JAN_20)

    _answer, later = meet(point(one, two), point(two, one))
    assert later.was_made_to_wait
    assert isinstance(later.error, SegmentCycle)


def test_a_segment_is_not_deleted_while_another_begins_to_name_it(account: AccountInfo) -> None:
    inner = active(account, "Inner", is_city("Radom")).id
    outer = active(account, "Outer", is_city("Łódź")).id
    wanted = from_json({"and": [{"segment": inner}]})
    _answer, later = meet(
        lambda: segments.change_filter(account.id, outer, wanted, by=BY, now=JAN_20),
        lambda: segments.delete(account.id, inner, by=BY, now=JAN_20),
    )
    assert isinstance(later.error, SegmentUsed)


def test_one_name_is_given_once(account: AccountInfo) -> None:
    done = together(
        *[lambda: active(account, "Kraków", is_city("Kraków")) for _ in range(3)],
    )
    assert sorted(one.error is None for one in done) == [False, False, True]
    assert all(isinstance(one.error, SegmentNameTaken) for one in done if one.error is not None)


def test_several_readers_do_it_once(account: AccountInfo) -> None:
    contacts = [make.contact(account, city="Radom") for _ in range(30)]
    made = active(account, "Kraków", is_city("Kraków"))
    following.catch_up(now=JAN_20)
    for contact_id in contacts:
        edit(account, contact_id, city="Kraków")
    done = together(*[lambda: following.catch_up(now=JAN_20) for _ in range(4)])
    assert [one.error for one in done] == [None] * 4
    assert members(account, made.id) == sorted(contacts)
    [day] = queries.days(account.id, made.id, first=JAN_20.date(), last=JAN_20.date())
    assert (day.member_count, day.joined, day.left) == (30, 30, 0)


def test_edits_beside_readers_and_rebuilds_leave_it_true(account: AccountInfo) -> None:
    contacts = [make.contact(account, city="Radom") for _ in range(4)]
    inner = active(account, "Kraków", is_city("Kraków"))
    outer = active(account, "Elsewhere", {"not_in_segment": inner.id})

    def to_and_fro(contact_id: int) -> None:
        for number in range(15):
            edit(account, contact_id, city=("Kraków", "Radom")[number % 2])

    def read_and_build() -> None:
        for _ in range(10):
            following.follow(now=JAN_20)
            segments.rebuild(account.id, inner.id, now=JAN_20)
            segments.rebuild(account.id, outer.id, now=JAN_20)

    works = [lambda one=one: to_and_fro(one) for one in contacts]
    done = together(*works, read_and_build, read_and_build)
    assert [one.error for one in done] == [None] * len(done)
    for made in (inner, outer):
        segments.build_if_needed(account.id, made.id, now=JAN_20)
        assert queries.segment(account.id, made.id).state is State.READY
    assert members(account, inner.id) == sorted(contacts)
    assert members(account, outer.id) == []


def test_a_plan_is_confirmed_for_exactly_those_who_are_in_its_segment_by_then(
    account: AccountInfo,
) -> None:
    first, second = (make.contact(account, city=city) for city in ("Kraków", "Radom"))
    made = active(account, "Kraków", is_city("Kraków"))
    selection = Selection(segment_id=made.id)
    plan = bulk_actions.preview(
        account.id, Event.START, selection, by=BY, reach=EVERYTHING, now=JAN_20
    )
    edit(account, second, city="Kraków")  # and no worker has read it
    with pytest.raises(PlanOutdated) as refused:
        bulk_actions.confirm(account.id, plan.id, 1, by=BY, reach=EVERYTHING, now=JAN_20)
    assert (refused.value.facts["expected"], refused.value.facts["actual"]) == (1, 2)
    fresh = refused.value.fresh_plan_id
    assert fresh is not None
    bulk_actions.confirm(account.id, fresh, 2, by=BY, reach=EVERYTHING, now=JAN_20)
    status = Selection(status=Status.MARKETING)
    started = compile_selection(account.id, status, reach=EVERYTHING, today=JAN_20.date())
    assert sorted(sql.rows(started.text, started.params)) == [(first,), (second,)]
