"""The command palette through its door, and the one list of keys."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from marketable import clock
from marketable.accounts.models import Membership, User
from marketable.accounts.queries import AccountInfo
from marketable.accounts.rules import Right
from marketable.accounts.wording import right_name
from marketable.contacts.services.archive import archive_contacts
from marketable.history.sources import Source
from marketable.segments.saved_views.rules import Sharing, Viewer
from marketable.segments.services import segments, views
from marketable.web.palette.items import MOST_CONTACTS, Item
from marketable.web.palette.keys import EVERYWHERE, OF_PAGES, Keys, keys_of
from tests import make
from tests.make import JAN_20
from tests.web.guarding import Answer, signed_in

pytestmark = pytest.mark.django_db

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "contacts-page.md"


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


def offered(browser: Client, account: AccountInfo, recent: str = "") -> list[Item]:
    return items(browser.get(reverse("palette:offered", args=[account.id]), {"recent": recent}))


def searched(browser: Client, account: AccountInfo, typed: str) -> list[str]:
    answer = browser.get(reverse("palette:search", args=[account.id]), {"q": typed})
    return [item.label for item in items(answer)]


def items(answer: Answer) -> list[Item]:
    assert answer.status_code == 200
    return list(answer.context["items"])


def test_every_page_of_the_navigation_is_there(browser: Client, account: AccountInfo) -> None:
    page = browser.get(reverse("usage:show", args=[account.id]))
    navigation = re.search(r"<nav class=\"nav\".*?</nav>", page.content.decode(), re.S)
    assert navigation is not None
    links = set(re.findall(r'<li><a href="([^"]+)"', navigation[0])) - {
        reverse("contacts:list", args=[other.id]) for other in [account]
    }
    urls = {item.url for item in offered(browser, account)}
    assert links <= urls
    assert reverse("contacts:list", args=[account.id]) in urls


def test_every_bulk_action_is_there_and_names_the_missing_right(
    browser: Client, account: AccountInfo
) -> None:
    page = browser.get(reverse("contacts:list", args=[account.id])).context["page"]
    actions = {item.action: item for item in offered(browser, account) if item.action}
    assert set(actions) == {action.code for action in page.actions}
    assert all(item.reason == "" for item in actions.values())
    analyst = make.user(account, "analyst", email="ana@example.com")
    for item in offered(signed_in(analyst), account):
        if item.action == "start":
            assert right_name(Right.MARKETING_ACCESS.value) in item.reason
        if item.label == "Create contact":
            assert right_name(Right.CONTACTS_EDIT.value) in item.reason


def test_other_accounts_of_the_person_are_there_and_no_others(
    browser: Client, account: AccountInfo, owner: User
) -> None:
    second = make.account(name="Second", owner_email="else@example.com")
    make.account(name="Third", owner_email="third@example.com")
    Membership.objects.create(account_id=second.id, user=owner, role="analyst", joined_at=JAN_20)
    labels = [item.label for item in offered(browser, account)]
    assert "Second" in labels
    assert "Third" not in labels
    assert account.name not in labels


def test_segments_and_the_views_that_the_person_sees_are_there(
    browser: Client, account: AccountInfo, owner: User, anna: Source
) -> None:
    jan = make.user(account, "marketer", email="jan@example.com")
    for name, person, sharing in (
        ("Mine alone", owner, Sharing.PRIVATE),
        ("His alone", jan, Sharing.PRIVATE),
        ("His for all", jan, Sharing.ACCOUNT),
    ):
        views.save_as_new(
            account.id, name, {}, sharing=sharing, viewer=Viewer(person.pk), by=anna, now=JAN_20
        )
    kept = segments.create_fixed(account.id, "VIP", by=anna, now=JAN_20)
    gone = segments.create_fixed(account.id, "Gone", by=anna, now=JAN_20)
    segments.delete(account.id, gone.id, by=anna, now=JAN_20)
    urls = {item.label: item.url for item in offered(browser, account)}
    assert urls["VIP"] == reverse("segments:show", args=[account.id, kept.id])
    assert "?view=" in urls["Mine alone"]
    assert "His for all" in urls
    assert not {"His alone", "Gone"} & set(urls)


def test_contacts_are_found_as_on_their_page(browser: Client, account: AccountInfo) -> None:
    make.contact(account, firstname="Łukasz", lastname="Żółć", email="lz@example.com")
    make.contact(account, firstname="Jan", lastname="Nowak", phone="+48 600 100 200")
    assert searched(browser, account, "zolc luk") == ["Łukasz Żółć"]
    assert searched(browser, account, "600100200") == ["Jan Nowak"]
    assert searched(browser, account, "  ") == []
    assert searched(browser, account, "nobody") == []


def test_only_so_many_contacts_are_offered(browser: Client, account: AccountInfo) -> None:
    for _number in range(MOST_CONTACTS + 2):
        make.contact(account, firstname="Same")
    assert len(searched(browser, account, "same")) == MOST_CONTACTS


def test_contacts_opened_lately_are_named_in_their_order_while_they_are_there(
    browser: Client, account: AccountInfo, anna: Source
) -> None:
    first, second, gone = (
        make.contact(account, firstname=name, lastname="Berg") for name in ("One", "Two", "Gone")
    )
    archive_contacts(account.id, make.ids(gone), by=anna, now=JAN_20)
    elsewhere = make.contact(make.account(owner_email="else@example.com"), firstname="Else")
    recent = f"{second},{gone},x,{elsewhere},{first}"
    lately = [item.label for item in offered(browser, account, recent) if item.hint][:2]
    assert lately == ["Two Berg", "One Berg"]
    labels = [item.label for item in offered(browser, account, recent)]
    assert not {"Gone Berg", "Else Kowalski"} & set(labels)


def test_who_sees_their_own_contacts_only_finds_no_others(account: AccountInfo) -> None:  # P6
    sales = make.user(account, "sales")
    Membership.objects.filter(user=sales).update(granted=["contacts.view:own"])
    make.contact(account, firstname="Same", lastname="Mine", hubspot_owner_id=str(sales.pk))
    other = make.contact(account, firstname="Same", lastname="Other")
    browser = signed_in(sales)
    assert searched(browser, account, "same") == ["Same Mine"]
    assert "Same Other" not in {item.label for item in offered(browser, account, str(other))}


def test_without_the_right_to_see_contacts_there_are_none(account: AccountInfo) -> None:
    contact_id = make.contact(account, firstname="Zoe")
    person = make.user(account, "billing")
    Membership.objects.filter(user=person).update(withdrawn=[Right.CONTACTS_VIEW.value])
    browser = signed_in(person)
    assert searched(browser, account, "zoe") == []
    there = offered(browser, account, str(contact_id))
    assert not any(item.action or item.label.startswith("Zoe") for item in there)


# Keys


def pressed(part: Keys) -> list[tuple[str, str]]:
    """Return each key and what it does, as the guide writes them."""
    return [
        (
            ", ".join(" ".join(map(str, combo)) for combo in key.combos),
            str(key.does),
        )
        for key in part.keys
    ]


def test_the_guide_lists_the_keys_of_the_contacts_page_as_the_page_does() -> None:
    table = re.findall(r"^\| `(.+?)` \| (.+?) \|$", GUIDE.read_text(), re.M)
    assert table == [one for part in keys_of("contacts:list") for one in pressed(part)]


def test_every_page_lists_its_keys_and_those_of_everywhere(
    browser: Client, account: AccountInfo
) -> None:
    usage = browser.get(reverse("usage:show", args=[account.id])).content.decode()
    contacts = browser.get(reverse("contacts:list", args=[account.id])).content.decode()
    for key in EVERYWHERE.keys:
        assert f"<td>{key.does}</td>" in usage
        assert f"<td>{key.does}</td>" in contacts
    for part in OF_PAGES["contacts:list"]:
        assert str(part.heading) in contacts
        assert str(part.heading) not in usage
