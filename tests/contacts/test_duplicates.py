"""Suggesting contacts that may be one person (S18)."""

from datetime import date

import pytest

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo, Reach
from marketable.accounts.rules import Scope
from marketable.contacts import queries
from marketable.contacts.errors import NoSuchPair, SameContact
from marketable.contacts.services.create import create_contact
from marketable.contacts.services.duplicates import (
    MOST_ALIKE,
    Pair,
    dismiss,
    find_duplicates,
    pairs,
    suggest_again,
    suggestions,
)
from marketable.contacts.services.erase import erase_contacts
from marketable.contacts.services.merge import merge_contacts
from marketable.contacts.services.unmerge import unmerge_contact
from marketable.history.sources import Source
from tests import make
from tests.make import JAN_20

pytestmark = pytest.mark.django_db
JAN = date(2027, 1, 20)
ANNA = {"firstname": "Anna", "lastname": "Nowak"}

ALIKE = [
    ("phone", {"phone": "+48 601 234 567"}, {"phone": "601-234-567", "lastname": "Other"}),
    ("phone", {"mobilephone": "601234567"}, {"phone": "0048601234567", "lastname": "Other"}),
    ("name_company", {**ANNA, "company": "Acme"}, {**ANNA, "company": "ACME"}),
    ("name_domain", {**ANNA, "email": "anna@acme.pl"}, {**ANNA, "email": "a.nowak@acme.pl"}),
    (
        "local_part",
        {**ANNA, "email": "anna.nowak@acme.pl"},
        {"firstname": "A.", "lastname": "nowak", "email": "anna.nowak@gmail.com"},
    ),
]
DIFFERENT = [
    ({"phone": "12345"}, {"phone": "12345"}),  # an extension
    ({**ANNA, "email": "a@gmail.com"}, {**ANNA, "email": "b@gmail.com"}),
    ({**ANNA, "company": "Acme"}, {**ANNA, "company": "Other"}),
    (ANNA, ANNA),
    (
        {**ANNA, "email": "office@acme.pl"},
        {"firstname": "Jan", "lastname": "Kowalski", "email": "office@other.pl"},
    ),
]


def made(account: AccountInfo, by: Source, *values: dict[str, str]) -> list[int]:
    return [
        create_contact(account.id, {"lastname": f"L{n}", **one}, by=by, now=JAN_20).contact_id
        for n, one in enumerate(values)
    ]


def suggested(account: AccountInfo, contact_id: int) -> dict[int, str]:
    row = queries.contact(account.id, contact_id, reach=EVERYTHING, today=JAN)
    return {one.contact_id: one.reason for one in suggestions(account.id, row, reach=EVERYTHING)}


@pytest.mark.parametrize(("reason", "one", "two"), ALIKE)
def test_two_that_share_a_sign_are_suggested(
    account: AccountInfo, anna: Source, reason: str, one: dict[str, str], two: dict[str, str]
) -> None:
    first, second = made(account, anna, one, two)
    assert find_duplicates(account.id, now=JAN_20) == 1
    assert pairs(account.id, reach=EVERYTHING) == [Pair(first, second, reason)]
    assert suggested(account, first) == {second: reason}
    assert suggested(account, second) == {first: reason}


@pytest.mark.parametrize(("one", "two"), DIFFERENT)
def test_others_are_not(
    account: AccountInfo, anna: Source, one: dict[str, str], two: dict[str, str]
) -> None:
    first, _ = made(account, anna, one, two)
    assert find_duplicates(account.id, now=JAN_20) == 0
    assert suggested(account, first) == {}


def test_a_number_that_many_share_tells_nothing(account: AccountInfo, anna: Source) -> None:
    ids = made(account, anna, *[{"phone": "601234567"}] * (MOST_ALIKE + 1))
    assert find_duplicates(account.id, now=JAN_20) == 0
    assert suggested(account, ids[0]) == {}


def test_what_was_dismissed_is_not_suggested_again_until_asked(
    account: AccountInfo, anna: Source
) -> None:
    first, second = made(account, anna, {"phone": "601234567"}, {"phone": "601234567"})
    find_duplicates(account.id, now=JAN_20)
    for _ in range(2):  # V8
        dismiss(account.id, second, first, reach=EVERYTHING, by=anna, now=JAN_20)
    find_duplicates(account.id, now=JAN_20)
    assert pairs(account.id, reach=EVERYTHING) == []
    assert len(pairs(account.id, reach=EVERYTHING, dismissed=True)) == 1
    assert suggested(account, first) == {}
    suggest_again(account.id, first, second, reach=EVERYTHING)
    assert suggested(account, first) == {second: "phone"}
    assert len(pairs(account.id, reach=EVERYTHING)) == 1


def test_a_pair_that_no_longer_is_goes(account: AccountInfo, anna: Source) -> None:
    first, second = made(account, anna, {"phone": "601234567"}, {"phone": "601234567"})
    find_duplicates(account.id, now=JAN_20)
    merge_contacts(account.id, first, second, reach=EVERYTHING, by=anna, now=JAN_20)
    assert pairs(account.id, reach=EVERYTHING) == []
    unmerge_contact(account.id, second, reach=EVERYTHING, by=anna, now=JAN_20)
    assert len(pairs(account.id, reach=EVERYTHING)) == 1
    erase_contacts(account.id, make.ids(second), by=anna, now=JAN_20)
    assert sql.rows("SELECT count(*) FROM duplicate_pair") == [(0,)]


def test_pairs_come_in_pages(account: AccountInfo, anna: Source) -> None:
    numbers = [f"60123456{n}" for n in range(4)]
    made(account, anna, *[{"phone": one} for one in [*numbers, *numbers]])
    find_duplicates(account.id, now=JAN_20)
    whole = pairs(account.id, reach=EVERYTHING)
    edge = whole[1]
    rest = pairs(account.id, reach=EVERYTHING, after=(edge.second_id, edge.first_id))
    assert (len(whole), rest) == (4, whole[2:])


def test_a_person_is_shown_pairs_within_reach_only(account: AccountInfo, anna: Source) -> None:
    first, second = made(account, anna, {"phone": "601234567"}, {"phone": "601234567"})
    find_duplicates(account.id, now=JAN_20)
    nobodys = Reach(Scope.OWN, (7,))
    row = queries.contact(account.id, first, reach=EVERYTHING, today=JAN)
    assert pairs(account.id, reach=nobodys) == []
    assert suggestions(account.id, row, reach=nobodys) == []
    with pytest.raises(NoSuchPair):
        dismiss(account.id, first, second, reach=nobodys, by=anna, now=JAN_20)


def test_accounts_do_not_meet(account: AccountInfo, anna: Source) -> None:  # V16
    other = make.account(owner_email="z@example.com")
    [mine] = made(account, anna, {"phone": "601234567"})
    [theirs] = made(other, anna, {"phone": "601234567"})
    assert find_duplicates(account.id, now=JAN_20) == 0
    assert suggested(account, mine) == {}
    with pytest.raises(NoSuchPair):
        dismiss(account.id, mine, theirs, reach=EVERYTHING, by=anna, now=JAN_20)
    with pytest.raises(SameContact):
        dismiss(account.id, mine, mine, reach=EVERYTHING, by=anna, now=JAN_20)
