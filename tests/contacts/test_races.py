"""Two people act on the same contacts at the same moment, on two real connections."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from marketable import sql
from marketable.accounts.models import User
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts import queries
from marketable.contacts.errors import (
    Archived,
    ChangedSince,
    EmailTaken,
    NotRestorable,
    StaleEdit,
    UniqueTaken,
)
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.create import create_contact
from marketable.contacts.services.edit import edit_contact, undo_edit
from marketable.contacts.services.erase import erase_contacts
from marketable.contacts.services.merge import merge_contacts
from marketable.contacts.services.restore import restore_contact
from marketable.history.sources import Source
from marketable.marketing_status import queries as status
from marketable.marketing_status.rules import Status
from marketable.marketing_status.services import keep_marketing, start_marketing, stop_marketing
from marketable.properties.errors import BadDefinition
from marketable.properties.rules import MOST_UNIQUE, PropertyDef, PropertyType
from marketable.properties.services import create_property
from tests import make
from tests.concurrency import meet
from tests.make import JAN_20

pytestmark = pytest.mark.usefixtures("committing")
JAN = date(2027, 1, 20)


@pytest.fixture
def account(committing: None) -> AccountInfo:
    return make.account()


@pytest.fixture
def anna(account: AccountInfo) -> Source:
    return make.source(User.objects.get(email="anna@example.com"))


def usage(account: AccountInfo) -> int:
    return status.usage(account.id, JAN).usage


Removal = Callable[[AccountInfo, int, Source], object]


def archive(account: AccountInfo, contact_id: int, by: Source) -> object:
    return archive_contacts(account.id, make.ids(contact_id), by=by, now=JAN_20)


def erase(account: AccountInfo, contact_id: int, by: Source) -> object:
    return erase_contacts(account.id, make.ids(contact_id), by=by, now=JAN_20)


def merge_away(account: AccountInfo, contact_id: int, by: Source) -> object:
    survivor = queries.owner_of_address(account.id, "survivor@example.com")
    assert survivor is not None
    return merge_contacts(account.id, survivor, contact_id, reach=EVERYTHING, by=by, now=JAN_20)


@pytest.mark.parametrize("remove", [archive, erase, merge_away])
@pytest.mark.parametrize("is_start_first", [True, False])
def test_a_start_and_a_removal_leave_no_row_that_never_goes(
    account: AccountInfo, anna: Source, remove: Removal, is_start_first: bool
) -> None:
    contact_id = make.contact(account)
    survivor = make.contact(account, email="survivor@example.com")

    def start() -> object:
        return start_marketing(account.id, make.ids(contact_id), by=anna, now=JAN_20)

    def removal() -> object:
        return remove(account, contact_id, anna)

    _, later = meet(*((start, removal) if is_start_first else (removal, start)))
    assert later.error is None
    assert later.was_made_to_wait
    assert usage(account) == (1 if is_start_first else 0)
    rows = dict(sql.rows("SELECT contact_id, leaving_on FROM marketing_contact"))
    if not is_start_first:
        assert rows == {}
    elif remove is merge_away:  # the place went to the survivor
        assert rows == {survivor: None}
    else:  # it goes on the update date
        assert rows == {contact_id: make.FEB_1}
    assert status.prove(account.id).ok


@pytest.mark.parametrize("remove", [archive, erase])
def test_a_keep_does_not_bring_back_a_place_that_is_being_deleted(
    account: AccountInfo, anna: Source, remove: Removal
) -> None:  # S10
    contact_id = make.contact(account, status=Status.LEAVING)
    _, later = meet(
        lambda: remove(account, contact_id, anna),
        lambda: keep_marketing(account.id, make.ids(contact_id), by=anna, now=JAN_20),
    )
    assert later.error is None
    assert status.status_of(account.id, contact_id, JAN) is Status.LEAVING
    assert status.prove(account.id).ok


@pytest.mark.parametrize("remove", [archive, erase])
@pytest.mark.parametrize("is_stop_first", [True, False])
def test_a_stop_and_a_removal_stage_once(
    account: AccountInfo, anna: Source, remove: Removal, is_stop_first: bool
) -> None:
    contact_id = make.contact(account, status=Status.MARKETING)

    def stop() -> object:
        return stop_marketing(account.id, make.ids(contact_id), by=anna, now=JAN_20)

    def removal() -> object:
        return remove(account, contact_id, anna)

    _, later = meet(*((stop, removal) if is_stop_first else (removal, stop)))
    assert later.error is None
    assert status.status_of(account.id, contact_id, JAN) is Status.LEAVING
    assert usage(account) == 1
    assert status.prove(account.id).ok


def test_two_people_create_the_same_address(account: AccountInfo, anna: Source) -> None:  # S18
    def create() -> Any:
        return create_contact(account.id, {"email": "a@example.com"}, by=anna, now=JAN_20)

    first, later = meet(create, create)
    assert isinstance(later.error, EmailTaken)
    assert later.error.contact_id == first.contact_id
    assert queries.live_count(account.id) == 1


def test_two_people_give_the_same_unique_value(account: AccountInfo, anna: Source) -> None:
    card = PropertyDef("card_no", "Card", PropertyType.STRING, "text", is_unique=True)
    create_property(account.id, card, by=anna, now=JAN_20)
    one, other = make.contacts(account, 2)

    def give(contact_id: int) -> Any:
        return edit_contact(
            account.id,
            contact_id,
            {"card_no": "X1"},
            version=None,
            reach=EVERYTHING,
            by=anna,
            now=JAN_20,
        )

    _, later = meet(lambda: give(one), lambda: give(other))
    assert isinstance(later.error, UniqueTaken)
    assert later.error.facts["contact_id"] == one


def test_two_people_edit_what_they_both_saw(account: AccountInfo, anna: Source) -> None:
    contact_id = make.contact(account, city="Kraków")

    def edit(city: str) -> Any:
        return edit_contact(
            account.id,
            contact_id,
            {"city": city},
            version=1,
            reach=EVERYTHING,
            by=anna,
            now=JAN_20,
        )

    _, later = meet(lambda: edit("Gdańsk"), lambda: edit("Łódź"))
    assert isinstance(later.error, StaleEdit)
    row = queries.contact(account.id, contact_id, reach=EVERYTHING, today=JAN)
    assert (row.properties["city"], row.version) == ("Gdańsk", 2)


def test_an_undo_meets_another_edit_of_the_same_value(account: AccountInfo, anna: Source) -> None:
    contact_id = make.contact(account, city="Kraków")

    def edit(city: str) -> Any:
        return edit_contact(
            account.id,
            contact_id,
            {"city": city},
            version=None,
            reach=EVERYTHING,
            by=anna,
            now=JAN_20,
        )

    def undo(change_id: int) -> Any:
        return undo_edit(account.id, contact_id, change_id, reach=EVERYTHING, by=anna, now=JAN_20)

    done = edit("Gdańsk")
    _, later = meet(lambda: edit("Łódź"), lambda: undo(done.change_id))
    assert isinstance(later.error, ChangedSince)
    done = edit("Hel")
    _, later = meet(lambda: undo(done.change_id), lambda: undo(done.change_id))
    assert isinstance(later.error, ChangedSince)
    row = queries.contact(account.id, contact_id, reach=EVERYTHING, today=JAN)
    assert row.properties["city"] == "Łódź"


def test_an_edit_meets_a_deletion(account: AccountInfo, anna: Source) -> None:  # J15
    contact_id = make.contact(account)
    _, later = meet(
        lambda: archive(account, contact_id, anna),
        lambda: edit_contact(
            account.id,
            contact_id,
            {"city": "Gdańsk"},
            version=None,
            reach=EVERYTHING,
            by=anna,
            now=JAN_20,
        ),
    )
    assert isinstance(later.error, Archived)


def test_the_address_of_a_contact_being_restored_is_created_again(
    account: AccountInfo, anna: Source
) -> None:  # S17
    contact_id = make.contact(account, email="a@example.com")
    archive(account, contact_id, anna)

    def restore() -> Any:
        return restore_contact(account.id, contact_id, reach=EVERYTHING, by=anna, now=JAN_20)

    def create() -> Any:
        return create_contact(account.id, {"email": "a@example.com"}, by=anna, now=JAN_20)

    made, later = meet(create, restore)
    assert isinstance(later.error, EmailTaken)
    assert later.error.contact_id == made.contact_id
    archive(account, made.contact_id, anna)
    _, later = meet(restore, create)
    assert isinstance(later.error, EmailTaken)
    assert later.error.contact_id == contact_id


def test_restored_twice_at_once(account: AccountInfo, anna: Source) -> None:  # V8
    contact_id = make.contact(account, status=Status.MARKETING)
    archive(account, contact_id, anna)

    def restore() -> Any:
        return restore_contact(account.id, contact_id, reach=EVERYTHING, by=anna, now=JAN_20)

    _, later = meet(restore, restore)
    assert isinstance(later.error, NotRestorable)
    assert status.status_of(account.id, contact_id, JAN) is Status.MARKETING
    assert status.prove(account.id).ok


def test_deleted_twice_at_once(account: AccountInfo, anna: Source) -> None:  # V8
    contact_id = make.contact(account, status=Status.MARKETING)
    first, later = meet(
        lambda: archive_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20),
        lambda: archive_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20),
    )
    assert later.error is None
    assert (first.archived, later.answer.archived) == (1, 0)
    assert usage(account) == 1
    assert status.prove(account.id).ok


def test_two_contacts_are_merged_into_each_other(account: AccountInfo, anna: Source) -> None:
    one = make.contact(account, status=Status.MARKETING)
    other = make.contact(account, status=Status.LEAVING)

    def merge(survivor: int, away: int) -> Any:
        return merge_contacts(account.id, survivor, away, reach=EVERYTHING, by=anna, now=JAN_20)

    merged, later = meet(lambda: merge(one, other), lambda: merge(other, one))
    assert merged.places_freed == 1
    assert isinstance(later.error, Archived)
    assert usage(account) == 1
    assert queries.live_count(account.id) == 1
    assert status.prove(account.id).ok


def test_two_starts_take_one_held_place_over_once(account: AccountInfo, anna: Source) -> None:
    """The deleted contact had two addresses, which two new contacts have now (S11)."""
    survivor = make.contact(account, email="a@example.com", status=Status.MARKETING)
    merge_contacts(
        account.id,
        survivor,
        make.contact(account, email="b@example.com"),
        reach=EVERYTHING,
        by=anna,
        now=JAN_20,
    )
    archive(account, survivor, anna)
    one, other = (
        make.contact(account, email="a@example.com"),
        make.contact(account, email="b@example.com"),
    )
    _, later = meet(
        lambda: start_marketing(account.id, make.ids(one), by=anna, now=JAN_20),
        lambda: start_marketing(account.id, make.ids(other), by=anna, now=JAN_20),
    )
    assert later.error is None
    assert usage(account) == 2
    assert status.prove(account.id).ok


def test_two_people_define_the_last_unique_property(account: AccountInfo, anna: Source) -> None:
    def define(number: int) -> Any:
        return create_property(
            account.id,
            PropertyDef(
                f"key_{number}",
                f"Key {number}",
                PropertyType.STRING,
                "text",
                "contactinformation",
                is_unique=True,
            ),
            by=anna,
            now=JAN_20,
        )

    for number in range(1, MOST_UNIQUE):
        define(number)
    _, later = meet(lambda: define(MOST_UNIQUE), lambda: define(MOST_UNIQUE + 1))
    assert isinstance(later.error, BadDefinition)
