"""Joining two records of one person (S12), and what must be known to part them again (S13)."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo, Reach
from marketable.accounts.rules import Scope
from marketable.contacts import queries
from marketable.contacts.errors import ContactUnknown, EmailTaken, NotRestorable
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.create import create_contact
from marketable.contacts.services.edit import edit_contact
from marketable.contacts.services.merge import Merged, merge_contacts
from marketable.contacts.services.restore import restore_contact
from marketable.history.sources import Source, SourceType
from marketable.marketing_status import queries as status
from marketable.marketing_status.rules import Status
from marketable.marketing_status.services import start_marketing
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.properties.services import archive_property, create_property, restore_property
from tests import make
from tests.make import JAN_10, JAN_20

pytestmark = pytest.mark.django_db
JAN = date(2027, 1, 20)


def merge(account: AccountInfo, survivor: int, other: int, by: Source) -> Merged:
    return merge_contacts(account.id, survivor, other, reach=EVERYTHING, by=by, now=JAN_20)


def read(account: AccountInfo, contact_id: int) -> queries.ContactRow:
    return queries.contact(account.id, contact_id, reach=EVERYTHING, today=JAN)


def told(contact_id: int, change_id: int) -> tuple[dict[str, Any], dict[str, Any]]:
    found = sql.rows(
        "SELECT before::text, after::text FROM contact_change "
        "WHERE contact_id = %(contact_id)s AND change_id = %(change_id)s",
        {"contact_id": contact_id, "change_id": change_id},
    )
    return json.loads(found[0][0]), json.loads(found[0][1])


@pytest.mark.parametrize("is_survivor_earlier", [True, False])
def test_since_and_source_come_from_the_earlier_start(
    account: AccountInfo, anna: Source, is_survivor_earlier: bool
) -> None:  # S12
    survivor, other = make.contacts(account, 2)
    early, late = (survivor, other) if is_survivor_earlier else (other, survivor)
    form = anna.through(SourceType.FORM, "7")
    start_marketing(account.id, make.ids(early), by=form, now=JAN_10)
    start_marketing(account.id, make.ids(late), by=anna, now=JAN_10 + timedelta(hours=1))
    expected = status.status_row(account.id, early, JAN)
    merge(account, survivor, other, anna)
    assert status.status_row(account.id, survivor, JAN) == expected
    assert (expected.source_type, expected.source_id) == ("FORM", "7")
    assert status.prove(account.id).ok


@pytest.mark.parametrize("mine", list(Status))
@pytest.mark.parametrize("theirs", list(Status))
def test_the_ledger_knows_all_of_both_before(
    account: AccountInfo, anna: Source, mine: Status, theirs: Status
) -> None:  # S13
    ids = (
        make.contact(account, email="a@example.com", status=mine, city="Kraków"),
        make.contact(account, email="b@example.com", status=theirs, company="Acme"),
    )
    before = {one: read(account, one) for one in ids}
    places = {one: status.status_row(account.id, one, JAN) for one in ids}
    merged = merge(account, *ids, anna)
    for one in ids:
        kept, _ = told(one, merged.change_id)
        row, place = before[one], places[one]
        assert kept["properties"] == {**row.properties, "email": row.email}
        assert kept["addresses"] == []
        if place.status is Status.NON_MARKETING:
            assert "place" not in kept
        else:
            assert place.since is not None
            assert kept["place"] == {
                "since": place.since.isoformat(),
                "source_type": place.source_type,
                "source_id": place.source_id,
                "change_id": place.change_id,
                "leaving_on": place.leaving_on.isoformat() if place.leaving_on else None,
            }


def test_values_of_the_survivor_win_and_gaps_are_filled(account: AccountInfo, anna: Source) -> None:
    survivor = make.contact(account, firstname="Anna", city="Kraków")
    other = make.contact(account, firstname="Ania", company="Acme", score=7)
    merge(account, survivor, other, anna)
    kept = read(account, survivor).properties
    assert (kept["firstname"], kept["city"], kept["company"], kept["score"]) == (
        "Anna",
        "Kraków",
        "Acme",
        7,
    )


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        (None, True, True),
        (False, True, True),
        (True, False, True),
        (True, None, True),
        (None, None, None),
        (False, None, False),
        (None, False, False),
    ],
)
def test_the_stricter_consent_wins(
    account: AccountInfo,
    anna: Source,
    mine: bool | None,
    theirs: bool | None,
    expected: bool | None,
) -> None:  # S12
    known: list[dict[str, Any]] = [
        {} if value is None else {"hs_email_optout": value} for value in (mine, theirs)
    ]
    survivor, other = (make.contact(account, **values) for values in known)
    merge(account, survivor, other, anna)
    assert read(account, survivor).properties.get("hs_email_optout") is expected


def test_a_bounce_belongs_to_its_address(account: AccountInfo, anna: Source) -> None:
    bounced: dict[str, Any] = {
        "hs_email_hard_bounce_reason_enum": "UNKNOWN_USER",
        "hs_email_quarantined": True,
    }
    survivor = make.contact(account, email="good@example.com")
    merge(account, survivor, make.contact(account, email="bad@example.com", **bounced), anna)
    assert not bounced.keys() & read(account, survivor).properties.keys()
    without = make.contact(account, email=None)
    merge(account, without, make.contact(account, email="bad2@example.com", **bounced), anna)
    assert bounced.keys() <= read(account, without).properties.keys()


def test_a_survivor_without_an_address_gets_the_others_as_its_own(
    account: AccountInfo, anna: Source
) -> None:
    survivor = make.contact(account, email=None)
    merge(account, survivor, make.contact(account, email="b@example.com"), anna)
    assert read(account, survivor).email == "b@example.com"
    assert queries.addresses(account.id, survivor) == []
    assert queries.owner_of_address(account.id, "b@example.com") == survivor


def test_secondary_addresses_are_the_persons_too(account: AccountInfo, anna: Source) -> None:
    """S18: every door matches both; a chain of merges keeps them all."""
    ids = [make.contact(account, email=f"{name}@example.com") for name in "abc"]
    merge(account, ids[1], ids[0], anna)
    merge(account, ids[2], ids[1], anna)
    assert queries.addresses(account.id, ids[2]) == ["a@example.com", "b@example.com"]
    with pytest.raises(EmailTaken) as refusal:
        create_contact(account.id, {"email": "A@example.com"}, by=anna, now=JAN_20)
    assert refusal.value.contact_id == ids[2]
    archive_contacts(account.id, make.ids(ids[2]), by=anna, now=JAN_20)
    create_contact(account.id, {"email": "a@example.com"}, by=anna, now=JAN_20)
    with pytest.raises(EmailTaken):  # S17, by a secondary address
        restore_contact(account.id, ids[2], reach=EVERYTHING, by=anna, now=JAN_20)


def test_a_secondary_address_becomes_the_primary_one(account: AccountInfo, anna: Source) -> None:
    survivor = make.contact(account, email="a@example.com")
    merge(account, survivor, make.contact(account, email="b@example.com"), anna)
    edit_contact(
        account.id,
        survivor,
        {"email": "b@example.com"},
        version=None,
        reach=EVERYTHING,
        by=anna,
        now=JAN_20,
    )
    assert read(account, survivor).email == "b@example.com"
    primary = sql.rows("SELECT address FROM contact_address WHERE is_primary AND is_live")
    assert primary == [("b@example.com",)]


def test_a_contact_merged_away_is_gone_for_good(account: AccountInfo, anna: Source) -> None:
    survivor, other = make.contacts(account, 2, status=Status.MARKETING)
    merge(account, survivor, other, anna)
    with pytest.raises(NotRestorable):
        restore_contact(account.id, other, reach=EVERYTHING, by=anna, now=JAN_20)
    assert start_marketing(account.id, make.ids(other), by=anna, now=JAN_20).changed == 0
    assert read(account, other).merged_into == survivor


def test_a_merge_needs_both_in_reach(account: AccountInfo, anna: Source) -> None:  # P5, P6
    own = make.contact(account, hubspot_owner_id="5")
    foreign = make.contact(account, hubspot_owner_id="6")
    mine = Reach(Scope.OWN, (5,))
    for survivor, other in ((own, foreign), (foreign, own)):
        with pytest.raises(ContactUnknown):
            merge_contacts(account.id, survivor, other, reach=mine, by=anna, now=JAN_20)


def test_unique_values_move_with_the_merge_also_of_properties_out_of_use(
    account: AccountInfo, anna: Source
) -> None:
    card = PropertyDef("card_no", "Card", PropertyType.STRING, "text", is_unique=True)
    create_property(account.id, card, by=anna, now=JAN_20)
    survivor = make.contact(account)
    other = create_contact(
        account.id, {"email": "b@example.com", "card_no": "X1"}, by=anna, now=JAN_20
    ).contact_id
    archive_property(account.id, "card_no", by=anna, now=JAN_20)
    merge(account, survivor, other, anna)
    restore_property(account.id, "card_no", by=anna, now=JAN_20)
    holders = sql.rows("SELECT contact_id FROM unique_value WHERE name = 'card_no'")
    assert holders == [(survivor,)]
