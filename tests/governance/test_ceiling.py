"""The hard ceiling: room, reservations, and what happens when it comes down (O3, V5)."""

import pytest

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.billing.models import Plan
from marketable.billing.services import set_limit_policy
from marketable.bulk_actions import queries as bulk_queries
from marketable.bulk_actions import running
from marketable.bulk_actions import services as bulk
from marketable.bulk_actions.rules import ActionState
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.create import create_contact
from marketable.governance import services as governance
from marketable.governance.errors import CeilingReached
from marketable.history.sources import SourceType, system
from marketable.marketing_status import queries
from marketable.marketing_status.rules import Event, Status
from marketable.marketing_status.services import (
    keep_marketing,
    plan,
    reserve,
    start_marketing,
    stop_marketing,
)
from marketable.segments.selection import Selection
from tests import make
from tests.invariants import assert_they_hold
from tests.make import JAN_20, ids

pytestmark = pytest.mark.django_db
JAN = JAN_20.date()
BY = system(SourceType.COMMAND)


@pytest.fixture
def tight(db: None) -> AccountInfo:
    return make.account(at_limit="ceiling", ceiling=5)


@pytest.fixture
def batches_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "REQUEST_LIMIT", 2)
    monkeypatch.setattr(bulk, "BATCH_SIZE", 2)


def usage(account: AccountInfo) -> tuple[int, int]:
    found = queries.usage(account.id, JAN)
    return found.usage, found.reserved


def confirm(account: AccountInfo, how_many: int) -> int:
    chosen = Selection(ids=tuple(make.contacts(account, how_many)))
    shown = bulk.preview(account.id, Event.START, chosen, by=BY, reach=EVERYTHING, now=JAN_20)
    return bulk.confirm(account.id, shown.id, how_many, by=BY, reach=EVERYTHING, now=JAN_20).id


def set_ceiling(account: AccountInfo, ceiling: int | None) -> None:
    set_limit_policy(account.id, at_limit="ceiling", ceiling=ceiling, by=BY, now=JAN_20)


def test_the_last_place_fits_and_one_more_does_not(tight: AccountInfo) -> None:
    start_marketing(tight.id, ids(*make.contacts(tight, 5)), by=BY, now=JAN_20)
    with pytest.raises(CeilingReached) as refusal:
        start_marketing(tight.id, ids(make.contact(tight)), by=BY, now=JAN_20)
    facts = refusal.value.facts
    assert (facts["ceiling"], facts["usage"], facts["wanted"]) == (5, 5, 1)
    assert usage(tight) == (5, 0)


def test_a_contact_that_would_not_fit_is_not_created(tight: AccountInfo) -> None:
    make.contacts(tight, 5, status=Status.MARKETING)
    before = make.ledger(tight)
    with pytest.raises(CeilingReached):
        create_contact(
            tight.id, {"email": "late@example.com"}, start_marketing=True, by=BY, now=JAN_20
        )
    assert make.ledger(tight) == before
    assert sql.rows("SELECT id FROM contact WHERE email = 'late@example.com'") == []


def test_without_a_number_the_ceiling_is_the_tier(db: None) -> None:  # T4
    Plan.objects.create(code="small", name="Small", included=2, step=2)
    account = make.account(plan="small", at_limit="ceiling")
    start_marketing(account.id, ids(*make.contacts(account, 2)), by=BY, now=JAN_20)
    with pytest.raises(CeilingReached):
        start_marketing(account.id, ids(make.contact(account)), by=BY, now=JAN_20)
    assert "tier_upgraded" not in [kind for kind, _, _ in make.ledger(account)]


def test_up_to_a_higher_ceiling_the_tier_follows(db: None) -> None:  # T4
    Plan.objects.create(code="small", name="Small", included=2, step=2)
    account = make.account(plan="small", at_limit="ceiling", ceiling=5)
    moved = start_marketing(account.id, ids(*make.contacts(account, 5)), by=BY, now=JAN_20)
    assert (moved.tier_before, moved.tier_after) == (2, 6)
    with pytest.raises(CeilingReached):
        start_marketing(account.id, ids(make.contact(account)), by=BY, now=JAN_20)


def test_a_ceiling_under_the_usage_blocks_starts_and_nothing_else(
    tight: AccountInfo,
) -> None:  # O3
    contact_ids = make.contacts(tight, 4, status=Status.MARKETING)
    set_ceiling(tight, 2)
    assert usage(tight) == (4, 0)
    stop_marketing(tight.id, ids(*contact_ids), by=BY, now=JAN_20)
    assert keep_marketing(tight.id, ids(contact_ids[0]), by=BY, now=JAN_20).kept == 1
    assert start_marketing(tight.id, ids(*contact_ids), by=BY, now=JAN_20).kept == 3
    shown = plan(tight.id, Event.START, ids(make.contact(tight)), now=JAN_20)
    assert shown.blocked_by == "CEILING"
    with pytest.raises(CeilingReached):
        start_marketing(tight.id, ids(make.contact(tight)), by=BY, now=JAN_20)
    assert_they_hold(tight.id, JAN_20)


def test_reserved_places_are_nobody_elses(tight: AccountInfo) -> None:  # B6
    reserve(tight.id, "bulk:1", 4, today=JAN)
    with pytest.raises(CeilingReached):
        start_marketing(tight.id, ids(*make.contacts(tight, 2)), by=BY, now=JAN_20)
    with pytest.raises(CeilingReached):
        reserve(tight.id, "bulk:2", 2, today=JAN)
    start_marketing(tight.id, ids(make.contact(tight)), by=BY, now=JAN_20)
    assert usage(tight) == (1, 4)


def test_work_takes_its_own_reserved_places_first(tight: AccountInfo) -> None:
    reserve(tight.id, "bulk:1", 3, today=JAN)
    for left, how_many in ((1, 2), (0, 3)):
        start_marketing(
            tight.id, ids(*make.contacts(tight, how_many)), by=BY, now=JAN_20, holder="bulk:1"
        )
        assert usage(tight)[1] == left
    assert usage(tight) == (5, 0)


def test_places_are_given_back_once(tight: AccountInfo) -> None:  # V8
    reserve(tight.id, "bulk:1", 3, today=JAN)
    reserve(tight.id, "bulk:2", 2, today=JAN)
    for _ in range(2):
        governance.release(tight.id, "bulk:1")
        assert usage(tight) == (0, 2)


@pytest.mark.usefixtures("batches_of_two")
def test_a_bulk_action_whose_members_went_elsewhere_gives_their_places_back(
    tight: AccountInfo,
) -> None:
    bulk_action_id = confirm(tight, 5)
    assert usage(tight) == (0, 5)
    running.run_next_batch(tight.id, bulk_action_id, now=JAN_20)
    assert usage(tight) == (2, 3)
    [rest] = sql.rows(
        "SELECT array_agg(id ORDER BY id) FROM contact WHERE NOT EXISTS "
        "(SELECT FROM marketing_contact WHERE contact_id = contact.id)"
    )
    set_ceiling(tight, None)  # the tier, which is far away
    start_marketing(tight.id, ids(*rest[0]), by=BY, now=JAN_20)
    set_ceiling(tight, 5)
    while running.run_next_batch(tight.id, bulk_action_id, now=JAN_20):
        pass
    done = bulk_queries.bulk_action(tight.id, bulk_action_id)
    assert (done.state, done.outcomes) == (ActionState.COMPLETE, {"set": 2, "skipped": 3})
    assert usage(tight) == (5, 0)
    assert_they_hold(tight.id, JAN_20)


@pytest.mark.usefixtures("batches_of_two")
def test_a_ceiling_that_comes_down_ends_a_bulk_action_with_its_reason(tight: AccountInfo) -> None:
    bulk_action_id = confirm(tight, 5)
    running.run_next_batch(tight.id, bulk_action_id, now=JAN_20)
    set_ceiling(tight, 3)
    assert not running.run_next_batch(tight.id, bulk_action_id, now=JAN_20)
    done = bulk_queries.bulk_action(tight.id, bulk_action_id)
    assert (done.state, done.outcomes) == (ActionState.FAILED, {"set": 2})
    assert "ceiling" in done.error
    assert usage(tight) == (2, 0)
    assert_they_hold(tight.id, JAN_20)


def test_a_small_action_that_does_not_fit_leaves_nothing_behind(tight: AccountInfo) -> None:  # B6
    """It is done in the request, all or nothing, and reserves nothing on its way."""
    make.contacts(tight, 4, status=Status.MARKETING)
    ledger = make.ledger(tight)
    with pytest.raises(CeilingReached):
        confirm(tight, 2)
    assert usage(tight) == (4, 0)
    assert bulk_queries.bulk_actions(tight.id, since=JAN_20) == []
    assert [one for one in make.ledger(tight) if one not in ledger] == [("contact_created", 2, 0)]


def test_those_who_cannot_be_set_take_no_held_place_over_in_a_plan(tight: AccountInfo) -> None:
    """A new contact with the address of a deleted one, but hard-bounced, is left out (S11, S19)."""
    gone = make.contact(tight, email="a@example.com", status=Status.MARKETING)
    archive_contacts(tight.id, ids(gone), by=BY, now=JAN_20)
    make.contacts(tight, 2, status=Status.MARKETING)
    bounced = make.contact(tight, email="a@example.com", hs_email_hard_bounce_reason_enum="OTHER")
    chosen = ids(bounced, *make.contacts(tight, 3))
    shown = plan(tight.id, Event.START, chosen, now=JAN_20)
    assert (shown.set, shown.cannot_total, shown.usage_after) == (3, 1, 6)
    assert shown.blocked_by == "CEILING"
    anyway = plan(tight.id, Event.START, chosen, now=JAN_20, include_unreachable=True)
    assert (anyway.set, anyway.usage_after) == (4, 6)
