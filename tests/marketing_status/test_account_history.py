"""Whatever is done to an account in whatever order, the product agrees with the rules (S, U, V).

Every step is done twice: by the product, and by the plain model of the rules beside this file.
"""

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from marketable import errors, sql
from marketable.accounts.queries import EVERYTHING
from marketable.billing import queries as billing
from marketable.billing.models import Plan
from marketable.billing.rules import tier_needed, today_in
from marketable.billing.services import change_contract, set_limit_policy
from marketable.bulk_actions import queries as bulk_queries
from marketable.bulk_actions import running
from marketable.bulk_actions import services as bulk
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.create import create_contact
from marketable.contacts.services.erase import erase_contacts
from marketable.contacts.services.merge import merge_contacts
from marketable.contacts.services.restore import restore_contact
from marketable.contacts.services.unmerge import unmerge_contact
from marketable.history.sources import SourceType, system
from marketable.marketing_status import queries
from marketable.marketing_status.rules import Event, Status
from marketable.marketing_status.services import (
    apply_overdue,
    apply_update_date,
    keep_marketing,
    plan,
    start_marketing,
    stop_marketing,
)
from marketable.segments.selection import Selection
from tests import make
from tests.invariants import assert_they_hold
from tests.marketing_status import model
from tests.marketing_status.model import Life, Refused

BEGINNING = datetime(2027, 1, 28, 12, tzinfo=UTC)
BATCH, AT_ONCE = 2, 2
BY = system(SourceType.COMMAND)
SERVICES = {
    Event.START: start_marketing,
    Event.STOP: stop_marketing,
    Event.KEEP: keep_marketing,
}

some = st.integers(1, 2**7 - 1)  # which of the contacts, as bits
one_of_them = st.integers(0, 6)
actions = st.sampled_from([Event.START, Event.STOP, Event.KEEP])
addresses = st.sampled_from(["a@example.com", "b@example.com", "c@example.com", None])


class AccountHistory(RuleBasedStateMachine):
    """An account of a handful of contacts, with small tiers and batches of two."""

    @initialize(term=st.sampled_from(["monthly", "yearly"]), ceiling=st.none() | st.integers(2, 4))
    def open_account(self, term: str, ceiling: int | None) -> None:
        self.undo = transaction.atomic()
        self.undo.__enter__()
        for code, included, step in (("tiny", 2, 2), ("small", 3, 3)):
            Plan.objects.create(code=code, name=code, included=included, step=step)
        at_limit = "automatic" if ceiling is None else "ceiling"
        self.account = make.account(plan="tiny", term=term, at_limit=at_limit, ceiling=ceiling)
        self.has_gone_back = False
        self.erased = 0
        self.model = model.Account(
            today=today_in(self.account.zone, BEGINNING),
            now=BEGINNING,
            next_date=lambda day: billing.calendar(self.account.id).next_update_date(day),
            tier_needed=lambda day, usage: tier_needed(
                billing.subscription(self.account.id, day).plan, usage
            ),
            tier=2,
            at_limit=at_limit,
            own_ceiling=ceiling,
        )
        for address in ("a@example.com", "b@example.com", None, "d@example.com", "e@example.com"):
            self._create(address, start=False, lift=False)

    def teardown(self) -> None:
        if hasattr(self, "undo"):
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)

    # Asking both.

    @property
    def now(self) -> datetime:
        return self.model.now

    def chosen(self, bits: int, *lives: model.Life) -> list[int]:
        """Some contacts of the given lives, or of any: live ones first."""
        found = [one for one in self.model.contacts.values() if not lives or one.life in lives]
        found.sort(key=lambda one: (list(model.Life).index(one.life), one.id))
        return [one.id for place, one in enumerate(found[:7]) if bits >> place & 1]

    def one(self, which: int, *lives: model.Life) -> list[int]:
        found = [one.id for one in self.model.contacts.values() if one.life in lives]
        return [found[which % len(found)]] if found else []

    def both(self, product: Callable[[], Any], rules: Callable[[], Any]) -> tuple[Any, Any]:
        """Do it both ways: both answer, or both refuse for the same reason and change nothing."""
        before = copy.deepcopy(self.model, {id(self.model.next_date): self.model.next_date})
        refused, answer = None, None
        try:
            answer = rules()
        except Refused as refusal:
            self.model, refused = before, refusal.why
        try:
            with transaction.atomic():
                found = product()
        except errors.Refused as refusal:
            assert type(refusal).__name__ == refused, (refusal, refused)
            return None, None
        assert refused is None, refused
        return found, answer

    # Steps.

    def _create(self, address: str | None, *, start: bool, lift: bool) -> None:
        found = sql.row("SELECT last_value FROM contact_id_seq")
        assert found is not None

        def product() -> Any:
            return create_contact(
                self.account.id,
                {"email": address, "firstname": "Jan"},
                start_marketing=start,
                lift_block=lift,
                by=BY,
                now=self.now,
            )

        # The number is the product's to give: the model is asked with the next one.
        before = copy.copy(self.model.contacts)
        made, _ = self.both(product, lambda: self.model.create(-1, address, start=start, lift=lift))
        if made is not None:
            one = self.model.contacts.pop(-1)
            one.id = made.contact_id
            self.model.contacts = {**before, one.id: one}

    @rule(address=addresses, start=st.booleans(), lift=st.booleans())
    def create(self, address: str | None, start: bool, lift: bool) -> None:
        if len(self.one(0, Life.LIVE)) == 0 or len(self.model.contacts) < 16:
            self._create(address, start=start, lift=lift)

    @rule(bits=some)
    def start(self, bits: int) -> None:
        self._move(Event.START, self.chosen(bits))

    @rule(bits=some)
    def stop(self, bits: int) -> None:
        self._move(Event.STOP, self.chosen(bits))

    @rule(bits=some)
    def keep(self, bits: int) -> None:
        self._move(Event.KEEP, self.chosen(bits))

    @rule(event=actions)
    def move_all(self, event: Event) -> None:
        self._move(event, list(self.model.contacts))

    def _move(self, event: Event, ids: list[int]) -> None:
        if event is Event.START and self.one_place_is_wanted_twice(ids):
            return
        chosen = make.ids(*ids)
        shown = plan(self.account.id, event, chosen, now=self.now, include_unreachable=True)
        usage = self.model.usage
        rules = {
            Event.START: self.model.start,
            Event.STOP: self.model.stop,
            Event.KEEP: self.model.keep,
        }[event]
        moved, done = self.both(
            lambda: SERVICES[event](self.account.id, chosen, by=BY, now=self.now),
            lambda: rules(ids),
        )
        if moved is None:
            assert shown.blocked_by == "CEILING"
            return
        assert (moved.set, moved.kept, moved.staged) == (done.set, done.kept, done.staged)
        assert (moved.usage_before, moved.usage_after) == (usage, self.model.usage)
        assert (shown.set, shown.kept, shown.staged) == (moved.set, moved.kept, moved.staged)  # V9
        assert (shown.usage_before, shown.usage_after) == (usage, moved.usage_after)
        assert (shown.tier_before, shown.tier_after) == (moved.tier_before, moved.tier_after)
        assert not shown.blocked_by

    def one_place_is_wanted_twice(self, ids: list[int]) -> bool:
        """After a merge, two new contacts may share the addresses of a deleted one. Who takes its
        place over is then no matter of the rules."""
        fresh = [
            one
            for one in self.model.live(ids)
            if one.status(self.model.today) is Status.NON_MARKETING
        ]
        held = [found.id for one in fresh if (found := self.model.held_for(one)) is not None]
        return len(held) != len(set(held))

    @rule(which=one_of_them, also=one_of_them)
    def archive(self, which: int, also: int) -> None:
        ids = [*self.one(which, Life.LIVE), *self.one(also, Life.DELETED)]
        done, expected = self.both(
            lambda: archive_contacts(self.account.id, make.ids(*ids), by=BY, now=self.now),
            lambda: self.model.archive(ids),
        )
        assert done.archived == expected

    def _archive(self, contact_id: int) -> None:
        self.both(
            lambda: archive_contacts(self.account.id, make.ids(contact_id), by=BY, now=self.now),
            lambda: self.model.archive([contact_id]),
        )

    @rule(which=one_of_them)
    def restore(self, which: int) -> None:
        lives = list(Life)[1:] if which % 3 else list(Life)
        for contact_id in self.one(which, *lives):
            self._restore(contact_id)

    def _restore(self, contact_id: int) -> None:
        self.both(
            lambda: restore_contact(
                self.account.id, contact_id, reach=EVERYTHING, by=BY, now=self.now
            ),
            lambda: self.model.restore(contact_id),
        )

    @rule(bits=some)
    def delete_create_and_start_again(self, bits: int) -> None:  # V3
        """It neither saves nor costs a place."""
        for contact_id in self.chosen(bits, Life.LIVE):
            one = self.model.contacts[contact_id]
            counts = one.status(self.model.today) is not Status.NON_MARKETING
            if counts and len(one.addresses) == 1:
                usage, [address] = self.model.usage, list(one.addresses)
                self._archive(contact_id)
                self._create(address, start=True, lift=False)
                assert self.model.usage == usage
                return

    @precondition(lambda self: self.erased < 2)
    @rule(which=one_of_them)
    def erase(self, which: int) -> None:
        ids = self.one(which, Life.LIVE, Life.DELETED)
        done, expected = self.both(
            lambda: erase_contacts(self.account.id, make.ids(*ids), by=BY, now=self.now),
            lambda: self.model.erase(ids),
        )
        assert done.erased >= expected  # with those merged into it
        self.erased += 1

    @rule(survivor=one_of_them, other=one_of_them)
    def merge(self, survivor: int, other: int) -> None:
        both = [*self.one(survivor, Life.LIVE), *self.one(other, Life.LIVE, Life.DELETED)]
        if len(set(both)) == 2:
            self.both(
                lambda: merge_contacts(
                    self.account.id, *both, reach=EVERYTHING, by=BY, now=self.now
                ),
                lambda: self.model.merge(*both),
            )

    @rule(which=one_of_them)
    def unmerge(self, which: int) -> None:  # S13
        for contact_id in self.one(which, Life.MERGED):
            self._unmerge(contact_id)

    def _unmerge(self, contact_id: int) -> bool:
        done, lacks_room = self.both(
            lambda: unmerge_contact(
                self.account.id, contact_id, reach=EVERYTHING, by=BY, now=self.now
            ),
            lambda: self.model.unmerge(contact_id),
        )
        assert done is None or done.lacks_room == lacks_room
        return bool(lacks_room)

    @rule(survivor=one_of_them, other=one_of_them)
    def merge_and_unmerge(self, survivor: int, other: int) -> None:  # V12
        """In one period and with room, it gives both states before, but LEAVING for a survivor
        that was non-marketing."""
        both = [*self.one(survivor, Life.LIVE), *self.one(other, Life.LIVE)]
        if len(set(both)) < 2:
            return
        today = self.model.today
        self.model.update_date_begins(both)
        mine, theirs = (copy.deepcopy(self.model.contacts[one]) for one in both)
        for one in both:
            apply_overdue(self.account.id, make.ids(one), now=self.now)
        usage, room = self.model.usage, self.model.ceiling
        merge_contacts(self.account.id, *both, reach=EVERYTHING, by=BY, now=self.now)
        self.model.merge(*both)
        lacks_room = self._unmerge(both[1])
        after = [self.model.contacts[one] for one in both]
        if mine.place is None and theirs.place is not None:
            assert after[0].status(today) is Status.LEAVING
            assert after[1].place == theirs.place or lacks_room
        elif room is None or self.model.reserved + usage <= room:
            assert [one.place for one in after] == [mine.place, theirs.place]
            assert self.model.usage == usage

    @rule(event=actions, bits=st.just(2**7 - 1) | some)
    def begin_bulk_action(self, event: Event, bits: int) -> None:
        ids = self.chosen(bits)
        if event is Event.START and self.one_place_is_wanted_twice(ids):
            return
        changing = self.model.judge(event.value, ids)
        shown = bulk.preview(
            self.account.id,
            event,
            Selection(ids=tuple(ids)),
            by=BY,
            reach=EVERYTHING,
            now=self.now,
        )
        assert shown.plan.changing == len(changing)
        if not changing:
            return
        usage = self.model.usage
        made, _ = self.both(
            lambda: bulk.confirm(
                self.account.id, shown.id, len(changing), by=BY, reach=EVERYTHING, now=self.now
            ),
            lambda: self.model.begin(-1, event.value, changing, size=BATCH, at_once=AT_ONCE),
        )
        assert (made is None) == (shown.plan.blocked_by == "CEILING")
        if made is not None:
            self.model.actions[made.id] = self.model.actions.pop(-1)
            if len(changing) <= AT_ONCE:  # V9
                assert shown.plan.usage_after == self.model.usage
                assert shown.plan.usage_before == usage

    @precondition(lambda self: self.model.actions)
    @rule(which=one_of_them, how_many=st.integers(1, 5))
    def work(self, which: int, how_many: int) -> None:
        """Some batches; the rest is for another worker."""
        action_id = self.action(which)
        for _ in range(how_many):
            before = copy.deepcopy(self.model, {id(self.model.next_date): self.model.next_date})
            try:
                self.model.next_batch(action_id)
            except Refused:
                self.model = before
                self.model.fail(action_id)
            running.run_next_batch(self.account.id, action_id, now=self.now)

    def action(self, which: int) -> int:
        ids = sorted(self.model.actions)[-7:]
        return ids[which % len(ids)]

    @precondition(lambda self: self.model.actions)
    @rule(which=one_of_them)
    def cancel(self, which: int) -> None:
        action_id = self.action(which)
        self.model.cancel(action_id)
        running.cancel(self.account.id, action_id, now=self.now)

    @precondition(lambda self: self.model.actions)
    @rule(which=one_of_them)
    def take_back(self, which: int) -> None:  # S15, S16
        action_id = self.action(which)
        was = self.model.actions[action_id]
        opposite = {"start": "stop", "stop": "keep", "keep": "stop"}[was.kind]

        def rules() -> list[int]:
            chosen = self.model.untouched(action_id)
            self.model.begin(-1, opposite, chosen, size=BATCH, at_once=AT_ONCE)
            self.model.actions[action_id].is_taken_back = True
            return chosen

        made, chosen = self.both(
            lambda: bulk.take_back(self.account.id, action_id, by=BY, now=self.now), rules
        )
        if made is not None:
            self.model.actions[made.id] = self.model.actions.pop(-1)
            assert (made.total, made.left_alone) == (len(chosen), len(was.did) - len(chosen))

    @rule()
    def run_the_job(self) -> None:  # U5
        usage = self.model.usage
        left = self.model.update_date_begins()
        assert apply_update_date(self.account.id, now=self.now).applied == left
        assert self.model.usage == usage
        again = apply_update_date(self.account.id, now=self.now)  # V8
        assert (again.applied, again.due_on, again.change_id) == (0, None, None)

    @rule(
        by=st.sampled_from(
            [timedelta(hours=5), timedelta(days=3), timedelta(days=20), timedelta(days=40)]
        )
    )
    def time_passes(self, by: timedelta) -> None:
        self._set_clock(self.now + by)

    @rule(by=st.sampled_from([timedelta(hours=5), timedelta(days=3)]))
    def the_clock_goes_back(self, by: timedelta) -> None:  # U9
        self._set_clock(max(BEGINNING, self.now - by))
        self.has_gone_back = True

    def _set_clock(self, now: datetime) -> None:
        self.model.now, self.model.today = now, today_in(self.account.zone, now)

    @rule(at_limit=st.sampled_from(["automatic", "ceiling"]), ceiling=st.none() | st.integers(0, 6))
    def change_policy(self, at_limit: str, ceiling: int | None) -> None:  # T4
        set_limit_policy(self.account.id, at_limit=at_limit, ceiling=ceiling, by=BY, now=self.now)
        self.model.at_limit, self.model.own_ceiling = at_limit, ceiling

    @rule(code=st.sampled_from(["tiny", "small"]), term=st.sampled_from(["monthly", "yearly"]))
    def change_plan(self, code: str, term: str) -> None:  # U7
        expected = self.model.next_date(self.model.today)
        begins = change_contract(self.account.id, plan=code, term=term, by=BY, now=self.now)
        assert begins == expected == self.model.next_date(self.model.today)

    # What must hold after each.

    @invariant()
    def the_product_agrees_with_the_rules(self) -> None:
        if not hasattr(self, "model"):
            return
        today = self.model.today
        for one in self.model.contacts.values():
            found = queries.status_row(self.account.id, one.id, today)
            assert found.status is one.status(today), one
            if found.status is not Status.NON_MARKETING:
                assert one.place is not None
                assert (found.since, found.leaving_on) == (one.place.since, one.place.leaving_on)
        usage = queries.usage(self.account.id, today)
        assert (usage.usage, usage.reserved) == (self.model.usage, self.model.reserved)
        assert usage.counter == sum(one.place is not None for one in self.model.contacts.values())
        assert billing.subscription(self.account.id, today).tier == self.model.tier_now
        for action_id, action in self.model.actions.items():
            shown = bulk_queries.bulk_action(self.account.id, action_id)
            assert shown.state.value == action.state
            assert shown.changed == len(action.did)
            assert shown.done == shown.changed + shown.skipped <= shown.total

    @invariant()
    def the_invariants_hold(self) -> None:
        if not hasattr(self, "model"):
            return
        assert_they_hold(self.account.id, self.now)
        if not self.has_gone_back:  # else places that had ended may count again
            assert self.model.tier_now >= self.model.usage  # V14


@pytest.mark.django_db
def test_an_account_keeps_the_rules_whatever_is_done_to_it() -> None:
    with (
        patch.object(bulk, "BATCH_SIZE", BATCH),
        patch.object(bulk, "REQUEST_LIMIT", AT_ONCE),
    ):
        run_state_machine_as_test(
            AccountHistory,
            settings=settings(
                max_examples=15,
                stateful_step_count=30,
                derandomize=True,  # the same histories in every run
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
