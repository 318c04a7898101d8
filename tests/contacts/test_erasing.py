"""Erasing for good reaches everything the product knows of a person (S14)."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import pytest

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts import erasing, queries
from marketable.contacts.errors import AddressBlocked, Archived, NotRestorable
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.create import create_contact
from marketable.contacts.services.edit import edit_contact
from marketable.contacts.services.erase import KEPT_IN_BIN, erase_contacts, erase_old_archived
from marketable.contacts.services.merge import merge_contacts
from marketable.contacts.services.restore import restore_contact
from marketable.history.sources import Source
from marketable.marketing_status import queries as status
from marketable.marketing_status.rules import COUNTS_TOWARD_TIER, Event, Status, after
from marketable.marketing_status.services import apply_update_date, start_marketing
from tests import make
from tests.make import FEB_2, JAN_20

pytestmark = pytest.mark.django_db
JAN = date(2027, 1, 20)


def everything_stored() -> str:
    """The text of every row of every table, in small letters."""
    tables = sql.rows(
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    return "\n".join(
        str(row[0])
        for (table,) in tables
        for row in sql.rows(f'SELECT t::text FROM "{table}" AS t')
    ).lower()


@pytest.mark.parametrize("is_archived", [False, True])
@pytest.mark.parametrize("before", list(Status))
def test_erasing_does_what_the_table_says(
    account: AccountInfo, anna: Source, before: Status, is_archived: bool
) -> None:  # S7
    contact_id = make.contact(account, status=before)
    usage = status.usage(account.id, JAN).usage
    if is_archived:
        archive_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    done = erase_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    assert status.status_of(account.id, contact_id, JAN) is after(before, Event.ERASE)
    assert done.held == (before is Status.MARKETING and not is_archived)
    assert status.usage(account.id, JAN).usage == usage == (before in COUNTS_TOWARD_TIER)  # V2
    row = queries.contact(account.id, contact_id, reach=EVERYTHING, today=JAN)
    assert (row.email, dict(row.properties)) == (None, {})
    assert row.archived_at is not None
    assert row.erased_at is not None
    assert status.prove(account.id).ok
    apply_update_date(account.id, now=FEB_2)
    assert status.usage(account.id, FEB_2.date()).usage == 0
    assert status.prove(account.id).ok


def test_erasing_again_changes_nothing(account: AccountInfo, anna: Source) -> None:  # V8
    contact_id = make.contact(account, status=Status.MARKETING)
    erase_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    before = make.ledger(account)
    assert erase_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20).erased == 0
    assert make.ledger(account) == before


def test_a_person_who_was_merged_is_erased_from_both_records(
    account: AccountInfo, anna: Source
) -> None:
    names = (("First", "one.secretone@example.com"), ("Second", "two.secrettwo@example.com"))
    ids = [
        create_contact(
            account.id,
            {"email": email, "firstname": f"{name}hidden", "city": f"Hiddentown{name}"},
            by=anna,
            now=JAN_20,
        ).contact_id
        for name, email in names
    ]
    third = create_contact(
        account.id, {"email": "three.secretthree@example.com"}, by=anna, now=JAN_20
    ).contact_id
    survivor, other = ids
    for kept, gone in ((survivor, other), (third, survivor)):
        merge_contacts(account.id, kept, gone, reach=EVERYTHING, by=anna, now=JAN_20)
    secrets = ("secretone", "secrettwo", "secretthree", "hidden")
    assert all(secret in everything_stored() for secret in secrets)
    erase_contacts(account.id, make.ids(third), by=anna, now=JAN_20)
    stored = everything_stored()
    assert [secret for secret in secrets if secret in stored] == []
    for email in ("one.secretone@example.com", "two.secrettwo@example.com"):
        with pytest.raises(AddressBlocked):
            create_contact(account.id, {"email": email}, by=anna, now=JAN_20)


def test_a_contact_merged_away_is_erased_with_its_survivor_only(
    account: AccountInfo, anna: Source
) -> None:
    """Alone it would leave the person's values on the survivor, and seem to be done."""
    survivor, other = make.contacts(account, 2)
    merge_contacts(account.id, survivor, other, reach=EVERYTHING, by=anna, now=JAN_20)
    assert erase_contacts(account.id, make.ids(other), by=anna, now=JAN_20).erased == 0
    done = erase_contacts(account.id, make.ids(survivor), by=anna, now=JAN_20)
    assert done.erased == 2


def test_values_that_were_changed_long_ago_are_blanked_in_the_ledger(
    account: AccountInfo, anna: Source
) -> None:  # L4
    contact_id = make.contact(account, email="old.secret@example.com", status=Status.MARKETING)
    for city, email in (("Firstsecret", "new.secret@example.com"), ("Secondsecret", "")):
        values = {"city": city, **({"email": email} if email else {})}
        edit_contact(
            account.id, contact_id, values, version=None, reach=EVERYTHING, by=anna, now=JAN_20
        )
    kinds = "SELECT change_id FROM contact_change ORDER BY change_id"
    before, states = sql.rows(kinds), make.ledger(account)
    erase_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    assert "secret" not in everything_stored()
    assert sql.rows(kinds)[: len(before)] == before  # ids stay
    assert make.ledger(account)[: len(states)] == states  # kinds, counts and deltas stay
    kept = sql.rows(
        "SELECT after->>'status' FROM contact_change WHERE after ? 'status' ORDER BY change_id"
    )
    assert kept == [("marketing",), ("leaving",)]  # states stay


def test_a_tombstone_is_not_matched_by_its_address(account: AccountInfo, anna: Source) -> None:
    gone = make.contact(account, email="a@example.com", status=Status.MARKETING)
    erase_contacts(account.id, make.ids(gone), by=anna, now=JAN_20)
    again = create_contact(
        account.id,
        {"email": "a@example.com"},
        start_marketing=True,
        lift_block=True,
        by=anna,
        now=JAN_20,
    )
    assert again.contact_id != gone
    assert status.usage(account.id, JAN).usage == 2  # a new place beside the tombstone's
    with pytest.raises(NotRestorable):
        restore_contact(account.id, gone, reach=EVERYTHING, by=anna, now=JAN_20)
    with pytest.raises(Archived):
        edit_contact(
            account.id, gone, {"city": "X"}, version=None, reach=EVERYTHING, by=anna, now=JAN_20
        )
    assert start_marketing(account.id, make.ids(gone), by=anna, now=JAN_20).changed == 0


def test_the_block_list_is_the_accounts_own_and_holds_no_address(
    account: AccountInfo, other_account: AccountInfo, anna: Source
) -> None:  # V16
    contact_id = make.contact(account, email="a@example.com")
    erase_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    create_contact(other_account.id, {"email": "a@example.com"}, by=anna, now=JAN_20)
    (digest,) = sql.rows("SELECT address_hash FROM blocked_address")[0]
    assert len(digest) == 64
    assert set(digest) <= set("0123456789abcdef")


def test_an_address_that_was_erased_is_not_edited_in(account: AccountInfo, anna: Source) -> None:
    gone, other = make.contact(account, email="a@example.com"), make.contact(account)
    erase_contacts(account.id, make.ids(gone), by=anna, now=JAN_20)
    with pytest.raises(AddressBlocked):
        edit_contact(
            account.id,
            other,
            {"email": "A@example.com"},
            version=None,
            reach=EVERYTHING,
            by=anna,
            now=JAN_20,
        )


def test_the_bin_is_emptied_on_the_ninetieth_day_and_blocks_nobody(
    account: AccountInfo, anna: Source
) -> None:
    contact_id = make.contact(account, email="a@example.com", status=Status.MARKETING)
    archive_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    almost = JAN_20 + KEPT_IN_BIN - timedelta(seconds=1)
    assert erase_old_archived(account.id, now=almost) == 0
    assert erase_old_archived(account.id, now=JAN_20 + KEPT_IN_BIN) == 1
    assert erase_old_archived(account.id, now=JAN_20 + KEPT_IN_BIN) == 0
    create_contact(account.id, {"email": "a@example.com"}, by=anna, now=JAN_20 + KEPT_IN_BIN)
    assert status.prove(account.id).ok


@pytest.fixture
def told() -> Iterator[list[tuple[int, list[int], list[str]]]]:
    """What a higher area hears of, when it keeps personal data too."""
    heard: list[tuple[int, list[int], list[str]]] = []

    @erasing.on_erase
    def listen(account_id: int, contact_ids: Sequence[int], addresses: Sequence[str]) -> None:
        heard.append((account_id, list(contact_ids), sorted(addresses)))

    yield heard
    erasing.ERASERS.remove(listen)


def test_higher_areas_are_told_with_the_addresses_that_are_about_to_go(
    account: AccountInfo, anna: Source, told: list[tuple[int, list[int], list[str]]]
) -> None:
    survivor = make.contact(account, email="a@example.com")
    other = make.contact(account, email="b@example.com")
    merge_contacts(account.id, survivor, other, reach=EVERYTHING, by=anna, now=JAN_20)
    erase_contacts(account.id, make.ids(survivor), by=anna, now=JAN_20)
    assert told == [(account.id, [survivor, other], ["a@example.com", "b@example.com"])]
