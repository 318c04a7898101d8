"""Filters that are too long for an address, and the keys that stand for them."""

import pytest

from marketable.accounts.queries import AccountInfo
from marketable.contacts.services.erase import erase_contacts
from marketable.history.sources import Source
from marketable.segments import kept_filters
from marketable.segments.errors import KeptFilterGone
from marketable.segments.kept_filters import in_address, keep, kept
from marketable.segments.rules import compact, from_json
from tests import make
from tests.make import JAN_20

pytestmark = pytest.mark.django_db


def long_filter(address: str = "a@example.com") -> str:
    values = [f"{number}@example.com" for number in range(1_000)]
    written = {"property": "email", "operator": "is_any_of", "value": [address, *values]}
    return compact(from_json({"and": [written]}))


def test_a_long_filter_is_named_by_a_key_and_found_again(account: AccountInfo) -> None:
    text = long_filter()
    for _again in range(2):
        keep(account.id, text)
    key = in_address(text)
    assert len(key) < 40
    assert kept(account.id, key) == text


def test_a_short_filter_stands_in_the_address_itself(account: AccountInfo) -> None:
    text = '{"or":[]}'
    keep(account.id, text)
    assert in_address(text) == text
    with pytest.raises(KeptFilterGone):
        kept(account.id, text)


def test_a_key_means_nothing_in_another_account(account: AccountInfo) -> None:
    other = make.account(name="Other", owner_email="olga@example.com")
    text = long_filter()
    keep(account.id, text)
    with pytest.raises(KeptFilterGone):
        kept(other.id, in_address(text))


def test_the_filters_used_last_are_kept(
    account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_filters, "MOST_KEPT", 2)
    first, second, third = (long_filter(f"{one}@example.org") for one in "abc")
    for text in (first, second, first, third):
        keep(account.id, text)
    assert kept(account.id, in_address(first)) == first
    assert kept(account.id, in_address(third)) == third
    with pytest.raises(KeptFilterGone):
        kept(account.id, in_address(second))


def test_a_kept_filter_that_names_somebody_who_is_erased_is_forgotten(  # S14
    account: AccountInfo, anna: Source
) -> None:
    contact_id = make.contact(account, email="zoe@example.net")
    naming, other = long_filter("Zoe@example.net"), long_filter()
    for text in (naming, other):
        keep(account.id, text)
    erase_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    assert kept(account.id, in_address(other)) == other
    with pytest.raises(KeptFilterGone):
        kept(account.id, in_address(naming))
