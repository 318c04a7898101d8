"""Taking a merge back (S13)."""

from datetime import date, timedelta
from typing import Any

import pytest

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts import queries
from marketable.contacts.errors import (
    MergedLater,
    MergedTooLongAgo,
    NotMerged,
    PlanStale,
    SurvivorGone,
    SurvivorMerged,
)
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.create import create_contact
from marketable.contacts.services.edit import edit_contact
from marketable.contacts.services.erase import erase_contacts
from marketable.contacts.services.merge import merge_contacts
from marketable.contacts.services.unmerge import (
    PARTED_FOR,
    Unmerged,
    plan_unmerge,
    unmerge_contact,
)
from marketable.history.sources import Source
from marketable.marketing_status import queries as status
from marketable.marketing_status.rules import COUNTS_TOWARD_TIER, Status, parted
from marketable.marketing_status.services import (
    keep_marketing,
    start_marketing,
    stop_marketing,
)
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.properties.services import create_property
from tests import make
from tests.invariants import assert_they_hold
from tests.make import FEB_1, FEB_2, JAN_20

pytestmark = pytest.mark.django_db
JAN = date(2027, 1, 20)
FEB = FEB_2.date()
LATER = JAN_20 + timedelta(hours=2)


def read(account: AccountInfo, contact_id: int, day: date = JAN) -> queries.ContactRow:
    return queries.contact(account.id, contact_id, reach=EVERYTHING, today=day)


def merge(account: AccountInfo, survivor: int, other: int, by: Source, **choices: bool) -> None:
    merge_contacts(
        account.id, survivor, other, choices=choices, reach=EVERYTHING, by=by, now=JAN_20
    )


def unmerge(account: AccountInfo, contact_id: int, by: Source, **told: Any) -> Unmerged:
    now = told.pop("now", LATER)
    return unmerge_contact(account.id, contact_id, reach=EVERYTHING, by=by, now=now, **told)


def as_it_is(account: AccountInfo, contact_id: int) -> tuple[Any, ...]:
    row = read(account, contact_id)
    place = status.status_row(account.id, contact_id, JAN)
    return (row.email, dict(row.properties), row.archived_at, row.merged_into, place)


@pytest.mark.parametrize("mine", list(Status))
@pytest.mark.parametrize("theirs", list(Status))
def test_in_the_same_period_both_are_as_before(
    account: AccountInfo, anna: Source, mine: Status, theirs: Status
) -> None:  # S13, V12
    survivor = make.contact(account, email="a@example.com", status=mine, city="Kraków")
    other = make.contact(account, email="b@example.com", status=theirs, company="Acme")
    before = [as_it_is(account, one) for one in (survivor, other)]
    usage = status.usage(account.id, JAN).usage
    merge(account, survivor, other, anna)
    merged = status.status_of(account.id, survivor, JAN)
    done = unmerge(account, other, anna)
    assert as_it_is(account, other) == before[1]
    assert done.status is theirs
    assert status.status_of(account.id, survivor, JAN) is parted(mine, merged)
    if mine in COUNTS_TOWARD_TIER or theirs not in COUNTS_TOWARD_TIER:
        assert as_it_is(account, survivor) == before[0]
        assert status.usage(account.id, JAN).usage == usage
    else:  # it may have been mailed, so it counts until the date
        assert status.status_row(account.id, survivor, JAN).leaving_on == FEB_1
        assert status.usage(account.id, JAN).usage == usage + 1
    assert_they_hold(account.id, LATER)


@pytest.mark.parametrize("before", list(Status))
@pytest.mark.parametrize("present", list(Status))
def test_nobody_who_counts_stops_counting_by_an_unmerge(before: Status, present: Status) -> None:
    after = parted(before, present)  # V1
    assert (after in COUNTS_TOWARD_TIER) == (present in COUNTS_TOWARD_TIER)
    if before in COUNTS_TOWARD_TIER and present in COUNTS_TOWARD_TIER:
        assert after is before


@pytest.mark.parametrize("mine", list(Status))
@pytest.mark.parametrize("theirs", list(Status))
def test_in_a_later_period_the_survivor_keeps_its_status(
    account: AccountInfo, anna: Source, mine: Status, theirs: Status
) -> None:  # S13
    survivor = make.contact(account, status=mine)
    other = make.contact(account, status=theirs)
    merge(account, survivor, other, anna)
    kept = status.status_of(account.id, survivor, FEB)
    usage = status.usage(account.id, FEB).usage
    unmerge(account, other, anna, now=FEB_2)
    assert status.status_of(account.id, survivor, FEB) is kept
    assert status.status_of(account.id, other, FEB) is Status.NON_MARKETING
    assert status.usage(account.id, FEB).usage == usage
    assert_they_hold(account.id, FEB_2)


def test_without_room_it_comes_back_non_marketing_and_that_is_said_before(anna: Source) -> None:
    account = make.account(owner_email="c@example.com", at_limit="ceiling", ceiling=2)
    survivor, other = (make.contact(account, status=Status.MARKETING) for _ in range(2))
    merge(account, survivor, other, anna)
    start_marketing(account.id, make.ids(make.contact(account)), by=anna, now=JAN_20)
    plan = plan_unmerge(account.id, other, reach=EVERYTHING, now=LATER)
    assert (plan.lacks_room, plan.place, plan.usage_after) == (True, None, 2)
    done = unmerge(account, other, anna, as_seen=plan.seen)
    assert (done.status, done.lacks_room) == (Status.NON_MARKETING, True)
    assert status.usage(account.id, JAN).usage == 2  # V5
    assert_they_hold(account.id, LATER)


def test_room_that_went_meanwhile_is_told_and_nothing_is_done(anna: Source) -> None:
    account = make.account(owner_email="c@example.com", at_limit="ceiling", ceiling=2)
    survivor, other = (make.contact(account, status=Status.MARKETING) for _ in range(2))
    merge(account, survivor, other, anna)
    plan = plan_unmerge(account.id, other, reach=EVERYTHING, now=LATER)
    assert not plan.lacks_room
    start_marketing(account.id, make.ids(make.contact(account)), by=anna, now=JAN_20)
    with pytest.raises(PlanStale):
        unmerge(account, other, anna, as_seen=plan.seen)
    assert read(account, other).merged_into == survivor


def test_values_go_back_and_what_was_changed_since_stays(
    account: AccountInfo, anna: Source
) -> None:
    survivor = make.contact(account, firstname="Anna", city="Kraków")
    other = make.contact(account, firstname="Ania", city="Gdańsk", company="Acme", phone="1")
    merge(account, survivor, other, anna, firstname=True, city=True)
    edit_contact(
        account.id,
        survivor,
        {"city": "Łódź", "phone": "2"},
        version=None,
        reach=EVERYTHING,
        by=anna,
        now=LATER,
    )
    plan = plan_unmerge(account.id, other, reach=EVERYTHING, now=LATER)
    done = unmerge(account, other, anna, as_seen=plan.seen)
    assert plan.stays == done.stays == ("city", "phone")
    mine, theirs = read(account, survivor).properties, read(account, other).properties
    assert (mine["firstname"], mine["city"], mine["phone"]) == ("Anna", "Łódź", "2")
    assert "company" not in mine
    assert (theirs["firstname"], theirs["city"], theirs["company"]) == ("Ania", "Gdańsk", "Acme")


def test_a_status_changed_since_stays(account: AccountInfo, anna: Source) -> None:
    survivor, other = make.contact(account), make.contact(account, status=Status.MARKETING)
    merge(account, survivor, other, anna)
    stop_marketing(account.id, make.ids(survivor), by=anna, now=JAN_20)
    keep_marketing(account.id, make.ids(survivor), by=anna, now=JAN_20)
    assert plan_unmerge(account.id, other, reach=EVERYTHING, now=LATER).keeps_status
    unmerge(account, other, anna)
    assert status.status_of(account.id, survivor, JAN) is Status.MARKETING
    assert status.status_of(account.id, other, JAN) is Status.MARKETING
    assert_they_hold(account.id, LATER)


def test_addresses_go_back_but_for_one_that_the_survivor_took_as_its_own(
    account: AccountInfo, anna: Source
) -> None:
    survivor = make.contact(account, email="a@example.com")
    other = make.contact(account, email="b@example.com")
    third = make.contact(account, email="c@example.com")
    merge(account, other, third, anna)
    merge(account, survivor, other, anna)
    edit_contact(
        account.id,
        survivor,
        {"email": "c@example.com"},
        version=None,
        reach=EVERYTHING,
        by=anna,
        now=LATER,
    )
    plan = plan_unmerge(account.id, other, reach=EVERYTHING, now=LATER)
    assert (plan.addresses, plan.addresses_kept) == (("b@example.com",), 1)
    unmerge(account, other, anna)
    assert read(account, other).email == "b@example.com"
    assert read(account, survivor).email == "c@example.com"
    assert queries.owner_of_address(account.id, "b@example.com") == other
    assert queries.owner_of_address(account.id, "c@example.com") == survivor


def test_the_address_that_a_survivor_was_given_goes_back(
    account: AccountInfo, anna: Source
) -> None:
    survivor = make.contact(account, email=None)
    other = make.contact(account, email="b@example.com")
    merge(account, survivor, other, anna)
    assert read(account, survivor).email == "b@example.com"
    unmerge(account, other, anna)
    assert read(account, survivor).email is None
    assert read(account, other).email == "b@example.com"


def test_a_unique_value_that_somebody_took_meanwhile_is_lost_and_named(
    account: AccountInfo, anna: Source
) -> None:
    badge = PropertyDef("badge", "Badge", PropertyType.STRING, "text", is_unique=True)
    create_property(account.id, badge, by=anna, now=JAN_20)
    made = [
        create_contact(account.id, {"email": email, "badge": number}, by=anna, now=JAN_20)
        for email, number in (("0@example.com", ""), ("1@example.com", "7"))
    ]
    survivor, other = (one.contact_id for one in made)
    merge(account, survivor, other, anna)
    edit_contact(
        account.id, survivor, {"badge": ""}, version=None, reach=EVERYTHING, by=anna, now=LATER
    )
    third = create_contact(
        account.id, {"email": "3@example.com", "badge": "7"}, by=anna, now=JAN_20
    )
    done = unmerge(account, other, anna)
    assert (done.stays, done.values_lost) == (("badge",), ("badge",))
    assert "badge" not in read(account, other).properties
    assert read(account, third.contact_id).properties["badge"] == "7"


def test_both_are_found_by_their_own_words_again(account: AccountInfo, anna: Source) -> None:
    survivor = make.contact(account, firstname="Anna", email="a@example.com")
    other = make.contact(account, firstname="Ania", email="b@example.com")
    merge(account, survivor, other, anna)
    unmerge(account, other, anna)
    words = dict(
        sql.rows(
            "SELECT contact_id, words::text FROM contact_search WHERE account_id = %(id)s",
            {"id": account.id},
        )
    )
    assert "ania" in words[other]
    assert "b@example.com" in words[other]
    assert "ania" not in words[survivor]
    assert "b@example.com" not in words[survivor]


def test_the_ledger_names_the_merge_that_was_taken_back(account: AccountInfo, anna: Source) -> None:
    survivor, other = make.contacts(account, 2)
    merge(account, survivor, other, anna)
    [(merged,)] = sql.rows("SELECT id FROM change WHERE kind = 'contact_merged'")
    done = unmerge(account, other, anna)
    [(reverts, count, delta)] = sql.rows(
        "SELECT reverts_id, contact_count, marketing_delta FROM change WHERE id = %(id)s",
        {"id": done.change_id},
    )
    assert (reverts, count, delta) == (merged, 2, 0)


def test_it_is_possible_for_thirty_days(account: AccountInfo, anna: Source) -> None:
    survivor, other = make.contacts(account, 2)
    merge(account, survivor, other, anna)
    with pytest.raises(MergedTooLongAgo):
        unmerge(account, other, anna, now=JAN_20 + PARTED_FOR + timedelta(seconds=1))
    unmerge(account, other, anna, now=JAN_20 + PARTED_FOR)


def test_merges_into_one_contact_are_taken_back_from_the_last(
    account: AccountInfo, anna: Source
) -> None:
    survivor, first, second = make.contacts(account, 3)
    merge(account, survivor, first, anna)
    merge(account, survivor, second, anna)
    with pytest.raises(MergedLater) as refused:
        unmerge(account, first, anna)
    assert refused.value.facts["contact_id"] == second
    unmerge(account, second, anna)
    unmerge(account, first, anna)
    assert [read(account, one).merged_into for one in (first, second)] == [None, None]


def test_a_merge_that_was_taken_back_touched_nothing(account: AccountInfo, anna: Source) -> None:
    survivor = make.contact(account, email="a@example.com", city="Kraków")
    first = make.contact(account, email="b@example.com", city="Gdańsk")
    second = make.contact(account, email="c@example.com", city="Łódź")
    before = [as_it_is(account, one) for one in (survivor, first, second)]
    merge(account, survivor, first, anna, city=True)
    merge(account, survivor, second, anna, city=True)
    unmerge(account, second, anna)
    assert unmerge(account, first, anna).stays == ()
    assert [as_it_is(account, one) for one in (survivor, first, second)] == before
    assert_they_hold(account.id, LATER)


def test_a_chain_is_taken_back_from_its_end(account: AccountInfo, anna: Source) -> None:
    first, second, third = (make.contact(account, status=Status.MARKETING) for _ in range(3))
    merge(account, second, first, anna)
    merge(account, third, second, anna)
    with pytest.raises(SurvivorMerged) as refused:
        unmerge(account, first, anna)
    assert refused.value.facts["contact_id"] == second
    unmerge(account, second, anna)
    unmerge(account, first, anna)
    assert status.usage(account.id, JAN).usage == 3
    assert {read(account, one).status for one in (first, second, third)} == {Status.MARKETING}
    assert_they_hold(account.id, LATER)


def test_who_was_not_merged_or_is_gone_cannot_be_parted(account: AccountInfo, anna: Source) -> None:
    survivor, other, third = make.contacts(account, 3)
    with pytest.raises(NotMerged):
        unmerge(account, other, anna)
    merge(account, survivor, other, anna)
    archive_contacts(account.id, make.ids(survivor), by=anna, now=JAN_20)
    with pytest.raises(SurvivorGone):
        unmerge(account, other, anna)
    erase_contacts(account.id, make.ids(survivor), by=anna, now=JAN_20)
    with pytest.raises(NotMerged):
        unmerge(account, other, anna)
    with pytest.raises(NotMerged):
        unmerge(account, third, anna)


def test_what_was_seen_must_still_be_so(account: AccountInfo, anna: Source) -> None:
    survivor, other = make.contacts(account, 2)
    merge(account, survivor, other, anna)
    seen = plan_unmerge(account.id, other, reach=EVERYTHING, now=LATER).seen
    edit_contact(
        account.id, survivor, {"city": "X"}, version=None, reach=EVERYTHING, by=anna, now=LATER
    )
    with pytest.raises(PlanStale):
        unmerge(account, other, anna, as_seen=seen)
    assert read(account, other).merged_into == survivor


def test_merged_unmerged_and_merged_again(account: AccountInfo, anna: Source) -> None:
    survivor, other = (make.contact(account, status=Status.MARKETING) for _ in range(2))
    for _ in range(2):
        merge(account, survivor, other, anna)
        unmerge(account, other, anna)
    assert status.usage(account.id, JAN).usage == 2
    assert_they_hold(account.id, LATER)


def test_usage_of_the_past_is_the_sum_of_what_was_done(account: AccountInfo, anna: Source) -> None:
    survivor, other = make.contact(account), make.contact(account, status=Status.MARKETING)
    merge(account, survivor, other, anna)
    unmerge(account, other, anna)
    deltas = [row[0] for row in sql.rows("SELECT marketing_delta FROM change ORDER BY id")]
    assert sum(deltas) == status.usage(account.id, JAN).usage == 2  # L5
