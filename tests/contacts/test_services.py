"""Creating, editing, deleting, restoring, erasing and merging, on real PostgreSQL."""

from datetime import date
from typing import Any

import pytest

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts import conditions, queries
from marketable.contacts.errors import (
    AddressBlocked,
    Archived,
    ContactUnknown,
    EmailTaken,
    NothingGiven,
    NotRestorable,
    SameContact,
    StaleEdit,
    UniqueTaken,
)
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.create import create_contact
from marketable.contacts.services.edit import edit_contact
from marketable.contacts.services.erase import erase_contacts, erase_old_archived
from marketable.contacts.services.merge import merge_contacts
from marketable.contacts.services.restore import restore_contact
from marketable.history.sources import Source
from marketable.marketing_status import queries as status
from marketable.marketing_status.rules import COUNTS_TOWARD_TIER, STRENGTH, Status
from marketable.marketing_status.services import apply_update_date, start_marketing
from marketable.properties.defaults import BY_NAME
from marketable.properties.errors import BadValues
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.properties.services import create_property
from tests import make
from tests.make import FEB_2, JAN_20

pytestmark = pytest.mark.django_db
JAN = date(2027, 1, 20)


def read(account: AccountInfo, contact_id: int) -> queries.ContactRow:
    return queries.contact(account.id, contact_id, reach=EVERYTHING, today=JAN)


def found(account: AccountInfo, text: str) -> list[int]:
    page = queries.page(account.id, [conditions.live()], today=JAN, search=text)
    return [row.id for row in page.rows]


def test_a_contact_is_created_and_found(account: AccountInfo, anna: Source) -> None:
    made = create_contact(
        account.id,
        {"email": " Łucja@Example.COM ", "firstname": "Łucja", "phone": "+48 601 234 567"},
        by=anna,
        now=JAN_20,
    )
    row = read(account, made.contact_id)
    assert (row.email, row.name, row.status) == (
        "łucja@example.com",
        "Łucja",
        Status.NON_MARKETING,
    )
    for text in ("lucj", "ŁUC", "601234", "234 567", "example.com"):
        assert found(account, text) == [made.contact_id], text
    assert found(account, "xyz") == []


def test_creating_may_set_as_marketing(account: AccountInfo, anna: Source) -> None:  # R3
    made = create_contact(
        account.id, {"email": "a@example.com"}, start_marketing=True, by=anna, now=JAN_20
    )
    assert read(account, made.contact_id).status is Status.MARKETING


def test_one_live_contact_per_address(
    account: AccountInfo, other_account: AccountInfo, anna: Source
) -> None:  # S18, J9
    first = create_contact(account.id, {"email": "a@example.com"}, by=anna, now=JAN_20)
    with pytest.raises(EmailTaken) as refusal:
        create_contact(account.id, {"email": "A@EXAMPLE.com"}, by=anna, now=JAN_20)
    assert refusal.value.contact_id == first.contact_id
    create_contact(other_account.id, {"email": "a@example.com"}, by=anna, now=JAN_20)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"email": "nobody"}, "INVALID_EMAIL"),
        ({"email": f"{'a' * 250}@example.com"}, "INVALID_EMAIL"),
        ({"email": "a@example.com", "nope": "1"}, "PROPERTY_DOESNT_EXIST"),
        ({"email": "a@example.com", "hs_marketable_status": "true"}, "READ_ONLY_VALUE"),
        ({"email": "a@example.com", "lifecyclestage": "king"}, "INVALID_OPTION"),
        ({"email": "a@example.com", "city": "x" * 65_537}, "VALUE_TOO_LONG"),
        ({"email": "a@example.com", "city": "a\x00b"}, "INVALID_TEXT"),
    ],
)
def test_bad_values_are_named_and_nothing_is_saved(
    account: AccountInfo, anna: Source, values: dict[str, object], code: str
) -> None:  # J5, J8, J19
    before = make.ledger(account)
    with pytest.raises(BadValues) as refusal:
        create_contact(account.id, values, by=anna, now=JAN_20)
    assert [found_code for found_code, _text in refusal.value.problems.values()] == [code]
    assert make.ledger(account) == before
    assert queries.live_count(account.id) == 0


def test_a_contact_needs_something_to_be_known_by(account: AccountInfo, anna: Source) -> None:
    with pytest.raises(NothingGiven):
        create_contact(account.id, {"city": "Kraków"}, by=anna, now=JAN_20)


def test_an_edit_writes_only_what_differs(account: AccountInfo, anna: Source) -> None:
    contact_id = make.contact(account, email="a@example.com", city="Kraków")
    version = read(account, contact_id).version
    done = edit_contact(
        account.id,
        contact_id,
        {"city": "Gdańsk", "firstname": "Jan"},
        version=version,
        reach=EVERYTHING,
        by=anna,
        now=JAN_20,
    )
    assert done.changed == ("city",)
    written = sql.rows(
        "SELECT before::text, after::text FROM contact_change WHERE change_id = %(id)s",
        {"id": done.change_id},
    )
    assert written == [('{"properties": {"city": "Kraków"}}', '{"properties": {"city": "Gdańsk"}}')]
    again = edit_contact(
        account.id,
        contact_id,
        {"city": "Gdańsk"},
        version=done.version,
        reach=EVERYTHING,
        by=anna,
        now=JAN_20,
    )
    assert again.change_id is None


def test_a_stale_edit_saves_nothing(account: AccountInfo, anna: Source) -> None:
    contact_id = make.contact(account, city="Kraków")
    version = read(account, contact_id).version
    for city, refused in (("Gdańsk", False), ("Łódź", True)):
        if refused:
            with pytest.raises(StaleEdit, match="anna"):
                edit_contact(
                    account.id,
                    contact_id,
                    {"city": city},
                    version=version,
                    reach=EVERYTHING,
                    by=anna,
                    now=JAN_20,
                )
        else:
            edit_contact(
                account.id,
                contact_id,
                {"city": city},
                version=version,
                reach=EVERYTHING,
                by=anna,
                now=JAN_20,
            )
    assert read(account, contact_id).properties["city"] == "Gdańsk"


def test_changing_the_address_moves_it(account: AccountInfo, anna: Source) -> None:
    contact_id = make.contact(account, email="old@example.com", status=Status.MARKETING)
    edit_contact(
        account.id,
        contact_id,
        {"email": "new@example.com"},
        version=None,
        reach=EVERYTHING,
        by=anna,
        now=JAN_20,
    )
    assert found(account, "new@example.com") == [contact_id]
    assert found(account, "old@example.com") == []
    assert queries.owner_of_address(account.id, "old@example.com") is None
    assert read(account, contact_id).status is Status.MARKETING  # S7


def test_another_accounts_contact_is_not_there(
    account: AccountInfo, other_account: AccountInfo, anna: Source
) -> None:
    theirs = make.contact(other_account)
    with pytest.raises(ContactUnknown):
        edit_contact(
            account.id, theirs, {"city": "X"}, version=None, reach=EVERYTHING, by=anna, now=JAN_20
        )
    assert archive_contacts(account.id, make.ids(theirs), by=anna, now=JAN_20).archived == 0
    assert erase_contacts(account.id, make.ids(theirs), by=anna, now=JAN_20).erased == 0
    with pytest.raises(ContactUnknown):
        restore_contact(account.id, theirs, reach=EVERYTHING, by=anna, now=JAN_20)
    with pytest.raises(ContactUnknown):
        merge_contacts(
            account.id, make.contact(account), theirs, reach=EVERYTHING, by=anna, now=JAN_20
        )


@pytest.mark.parametrize("before", list(Status))
def test_deleting_holds_the_place_and_restoring_gives_it_back(
    account: AccountInfo, anna: Source, before: Status
) -> None:  # S7, S10, V12
    contact_id = make.contact(account, status=before)
    usage = status.usage(account.id, JAN).usage
    row = status.status_row(account.id, contact_id, JAN)
    archive_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    held = Status.LEAVING if before in COUNTS_TOWARD_TIER else Status.NON_MARKETING
    assert status.status_of(account.id, contact_id, JAN) is held
    assert status.usage(account.id, JAN).usage == usage  # V2
    restored = restore_contact(account.id, contact_id, reach=EVERYTHING, by=anna, now=JAN_20)
    assert restored.status is before
    assert status.status_row(account.id, contact_id, JAN) == row
    assert status.prove(account.id).ok


def test_restored_in_a_later_period_it_is_non_marketing(
    account: AccountInfo, anna: Source
) -> None:  # S7
    contact_id = make.contact(account, status=Status.MARKETING)
    archive_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    restored = restore_contact(account.id, contact_id, reach=EVERYTHING, by=anna, now=FEB_2)
    assert restored.status is Status.NON_MARKETING
    assert status.usage(account.id, FEB_2.date()).usage == 0
    assert status.prove(account.id).ok


def test_deleting_and_creating_again_neither_saves_nor_costs_a_place(
    account: AccountInfo, anna: Source
) -> None:  # S11, V3
    contact_id = make.contact(account, email="a@example.com", status=Status.MARKETING)
    for _ in range(3):
        archive_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
        old_id = contact_id
        made = create_contact(
            account.id, {"email": "a@example.com"}, start_marketing=True, by=anna, now=JAN_20
        )
        contact_id = made.contact_id
        assert status.usage(account.id, JAN).usage == 1
        assert status.status_of(account.id, old_id, JAN) is Status.NON_MARKETING
    assert status.prove(account.id).ok


def test_a_place_taken_over_does_not_come_back(account: AccountInfo, anna: Source) -> None:
    old_id = make.contact(account, email="a@example.com", status=Status.MARKETING)
    archive_contacts(account.id, make.ids(old_id), by=anna, now=JAN_20)
    made = create_contact(
        account.id, {"email": "a@example.com"}, start_marketing=True, by=anna, now=JAN_20
    )
    archive_contacts(account.id, make.ids(made.contact_id), by=anna, now=JAN_20)
    restored = restore_contact(account.id, old_id, reach=EVERYTHING, by=anna, now=JAN_20)
    assert restored.status is Status.NON_MARKETING  # S11
    assert status.usage(account.id, JAN).usage == 1


def test_taking_a_place_over_needs_no_room_under_the_ceiling(anna: Source) -> None:  # S11
    tight = make.account(name="T", owner_email="t@example.com", at_limit="ceiling", ceiling=1)
    old_id = make.contact(tight, email="a@example.com", status=Status.MARKETING)
    archive_contacts(tight.id, make.ids(old_id), by=anna, now=JAN_20)
    made = create_contact(
        tight.id, {"email": "a@example.com"}, start_marketing=True, by=anna, now=JAN_20
    )
    assert status.status_of(tight.id, made.contact_id, JAN) is Status.MARKETING


def test_restoring_is_refused_while_the_address_is_taken(
    account: AccountInfo, anna: Source
) -> None:  # S17
    contact_id = make.contact(account, email="a@example.com")
    archive_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    other = make.contact(account, email="a@example.com")
    with pytest.raises(EmailTaken) as refusal:
        restore_contact(account.id, contact_id, reach=EVERYTHING, by=anna, now=JAN_20)
    assert refusal.value.contact_id == other


def test_an_archived_contact_cannot_be_started_or_edited(
    account: AccountInfo, anna: Source
) -> None:  # J15
    contact_id = make.contact(account)
    archive_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    moved = start_marketing(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    assert moved.changed == 0
    with pytest.raises(Archived):
        edit_contact(
            account.id,
            contact_id,
            {"city": "X"},
            version=None,
            reach=EVERYTHING,
            by=anna,
            now=JAN_20,
        )


def everything_stored() -> str:
    """The text of every row of every table."""
    tables = [
        name
        for (name,) in sql.rows(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
    ]
    return "\n".join(
        str(row[0]) for table in tables for row in sql.rows(f'SELECT t::text FROM "{table}" AS t')
    )


def test_erasing_leaves_nothing_personal(account: AccountInfo, anna: Source) -> None:  # S14
    values = {
        "email": "zofia.secretname@example.com",
        "firstname": "Zofia",
        "lastname": "Secretname",
        "phone": "+48 600 111 222",
        "city": "Verysecretcity",
    }
    made = create_contact(account.id, values, start_marketing=True, by=anna, now=JAN_20)
    edit_contact(
        account.id,
        made.contact_id,
        {"city": "Secondsecretcity"},
        version=None,
        reach=EVERYTHING,
        by=anna,
        now=JAN_20,
    )
    assert "secretname" in everything_stored().lower()
    erase_contacts(account.id, make.ids(made.contact_id), by=anna, now=JAN_20)
    stored = everything_stored().lower()
    for secret in ("secretname", "verysecretcity", "secondsecretcity", "600111222", "600 111"):
        assert secret not in stored
    assert status.usage(account.id, JAN).usage == 1  # the tombstone holds its place
    assert status.status_of(account.id, made.contact_id, JAN) is Status.LEAVING
    apply_update_date(account.id, now=FEB_2)
    assert status.usage(account.id, FEB_2.date()).usage == 0
    assert status.prove(account.id).ok
    with pytest.raises(NotRestorable):
        restore_contact(account.id, made.contact_id, reach=EVERYTHING, by=anna, now=FEB_2)


def test_an_erased_address_is_blocked_until_a_person_lifts_it(
    account: AccountInfo, anna: Source
) -> None:  # S14
    made = create_contact(account.id, {"email": "a@example.com"}, by=anna, now=JAN_20)
    erase_contacts(account.id, make.ids(made.contact_id), by=anna, now=JAN_20)
    with pytest.raises(AddressBlocked):
        create_contact(account.id, {"email": "a@example.com"}, by=anna, now=JAN_20)
    again = create_contact(
        account.id, {"email": "a@example.com"}, lift_block=True, by=anna, now=JAN_20
    )
    assert again.contact_id != made.contact_id


def test_the_recycle_bin_is_emptied_after_ninety_days(account: AccountInfo, anna: Source) -> None:
    contact_id = make.contact(account)
    archive_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    assert erase_old_archived(account.id, now=FEB_2) == 0
    assert erase_old_archived(account.id, now=JAN_20.replace(month=5)) == 1


@pytest.mark.parametrize("mine", list(Status))
@pytest.mark.parametrize("theirs", list(Status))
def test_merging_keeps_the_stronger_status_and_one_place(
    account: AccountInfo, anna: Source, mine: Status, theirs: Status
) -> None:  # S12
    survivor = make.contact(account, email="a@example.com", status=mine, city="Kraków")
    other = make.contact(
        account, email="b@example.com", status=theirs, city="Gdańsk", company="Acme"
    )
    usage = status.usage(account.id, JAN).usage
    merged = merge_contacts(account.id, survivor, other, reach=EVERYTHING, by=anna, now=JAN_20)
    strongest = max(mine, theirs, key=STRENGTH.__getitem__)
    assert status.status_of(account.id, survivor, JAN) is strongest is merged.status
    assert status.status_of(account.id, other, JAN) is Status.NON_MARKETING
    both = mine in COUNTS_TOWARD_TIER and theirs in COUNTS_TOWARD_TIER
    assert usage - status.usage(account.id, JAN).usage == both
    row = read(account, survivor)
    assert (row.properties["city"], row.properties["company"]) == ("Kraków", "Acme")
    assert queries.addresses(account.id, survivor) == ["b@example.com"]
    assert found(account, "b@example.com") == [survivor]
    assert status.prove(account.id).ok


def test_a_contact_is_not_merged_with_itself_or_with_a_deleted_one(
    account: AccountInfo, anna: Source
) -> None:  # J15
    survivor, gone = make.contacts(account, 2)
    with pytest.raises(SameContact):
        merge_contacts(account.id, survivor, survivor, reach=EVERYTHING, by=anna, now=JAN_20)
    archive_contacts(account.id, make.ids(gone), by=anna, now=JAN_20)
    with pytest.raises(Archived):
        merge_contacts(account.id, survivor, gone, reach=EVERYTHING, by=anna, now=JAN_20)


def test_unique_values_have_one_holder(account: AccountInfo, anna: Source) -> None:
    create_property(
        account.id,
        PropertyDef("card_no", "Card", PropertyType.STRING, "text", is_unique=True),
        by=anna,
        now=JAN_20,
    )
    first = create_contact(
        account.id, {"email": "a@example.com", "card_no": "X1"}, by=anna, now=JAN_20
    )
    with pytest.raises(UniqueTaken):
        create_contact(account.id, {"email": "b@example.com", "card_no": "x1"}, by=anna, now=JAN_20)
    archive_contacts(account.id, make.ids(first.contact_id), by=anna, now=JAN_20)
    create_contact(account.id, {"email": "b@example.com", "card_no": "x1"}, by=anna, now=JAN_20)


SORTED_BY = {
    "city": BY_NAME["city"],
    "score": PropertyDef("score", "Score", PropertyType.NUMBER, "number"),
}
SORTED = ["", "name", "email", "status", "source", "since", "lastmodifieddate", *SORTED_BY]


@pytest.mark.parametrize("column", SORTED)
@pytest.mark.parametrize("is_descending", [False, True])
def test_pages_walk_every_contact_once_in_any_order(
    account: AccountInfo, anna: Source, column: str, is_descending: bool
) -> None:
    make.contacts(account, 3, status=Status.MARKETING)
    for city, score in (("Kraków", 3), ("Kraków", 12), ("", None), ("Łódź", 5)):
        values: dict[str, Any] = {"city": city} if city else {}
        if score:
            values["score"] = score
        make.contact(account, email=None if score == 5 else "", **values)
    sort = queries.SORTS.get(column) or queries.property_sort(SORTED_BY[column])
    walked: list[int] = []
    key, pages = "", []
    while True:
        page = queries.page(
            account.id,
            [conditions.live()],
            today=JAN,
            sort=sort,
            is_descending=is_descending,
            after=key,
            limit=2,
        )
        pages.append(page)
        walked += [row.id for row in page.rows]
        key = page.next_key
        if not key:
            break
    assert len(walked) == len(set(walked)) == 7
    back: list[int] = []
    key = pages[-1].previous_key
    while key:
        page = queries.page(
            account.id,
            [conditions.live()],
            today=JAN,
            sort=sort,
            is_descending=is_descending,
            before=key,
            limit=2,
        )
        back = [row.id for row in page.rows] + back
        key = page.previous_key
    assert back == walked[: len(back)]
    assert len(back) == 7 - len(pages[-1].rows)
