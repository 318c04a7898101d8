"""One cell of the contacts table through its door: saved, refused at its place, and undone."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from marketable import clock, sql
from marketable.accounts.models import Membership, User
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts import queries as contacts
from marketable.contacts.queries import ContactRow
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.edit import edit_contact
from marketable.history.sources import Source
from marketable.properties.rules import Option, PropertyDef, PropertyType
from marketable.properties.services import create_property
from tests import make
from tests.make import JAN_20
from tests.web.guarding import Answer, signed_in
from tests.web.guarding import text_of as text

pytestmark = pytest.mark.django_db

COLUMNS = "email,city,lifecyclestage,hubspot_owner_id"


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


def save(
    browser: Client,
    account: AccountInfo,
    contact_id: int,
    name: str,
    value: str | list[str],
    version: int = 1,
) -> Answer:
    url = reverse("contacts:cell", args=[account.id, contact_id, name])
    form = {"value": value, "version": str(version), "columns": COLUMNS}
    return browser.post(url, form, headers={"HX-Request": "true"})


def row(account: AccountInfo, contact_id: int) -> ContactRow:
    return contacts.contact(account.id, contact_id, reach=EVERYTHING, today=JAN_20.date())


def cells(answer: Answer) -> Mapping[str, str]:
    shown = answer.context["row"]
    return {cell.name: cell.text for cell in shown.cells}


def undo_url(answer: Answer) -> str:
    return str(answer.context["toast"].undo_url)


def edited_by(
    who: Source, account: AccountInfo, contact_id: int, version: int = 1, **values: Any
) -> None:
    edit_contact(
        account.id, contact_id, values, version=version, reach=EVERYTHING, by=who, now=JAN_20
    )


# Saving


def test_a_saved_cell_answers_its_row_with_the_next_version(
    browser: Client, account: AccountInfo
) -> None:
    contact_id = make.contact(account, firstname="Zoe", city="Gdańsk")
    answer = save(browser, account, contact_id, "city", "  Kraków ")
    assert answer.status_code == 200
    assert cells(answer)["city"] == "Kraków"
    assert answer.context["row"].version == 2
    assert [cell.name for cell in answer.context["row"].cells][1:] == COLUMNS.split(",")
    assert answer.context["toast"].text == "Zoe Kowalski: “City” is now “Kraków”."
    assert row(account, contact_id).properties["city"] == "Kraków"


def test_an_empty_cell_clears_the_value(browser: Client, account: AccountInfo) -> None:
    contact_id = make.contact(account, firstname="Zoe", city="Gdańsk")
    answer = save(browser, account, contact_id, "city", "")
    assert answer.context["toast"].text == "Zoe Kowalski: “City” is empty now."
    assert "city" not in row(account, contact_id).properties


def test_what_does_not_differ_writes_nothing(browser: Client, account: AccountInfo) -> None:
    contact_id = make.contact(account, city="Gdańsk")
    before = make.ledger(account)
    answer = save(browser, account, contact_id, "city", "Gdańsk ")
    assert answer.context["toast"] is None
    assert make.ledger(account) == before


@pytest.mark.parametrize(
    ("kind", "field_type", "options", "typed", "kept", "shown", "begins_with"),
    [
        ("number", "number", (), "12480", 12480, "12,480", "12480"),
        ("date", "date", (), "2027-02-01", "2027-02-01", "1 Feb 2027", "2027-02-01"),
        ("bool", "booleancheckbox", (), "true", True, "Yes", "true"),
        (
            "datetime",
            "date",
            (),
            "2027-02-01T00:30:00",
            "2027-01-31T23:30:00.000Z",
            "1 Feb 2027",
            "2027-02-01T00:30:00",
        ),
        ("enumeration", "select", ("a", "b"), "b", "b", "Option b", "b"),
        (
            "enumeration",
            "checkbox",
            ("a", "b", "c"),
            ["c", "a"],
            ["a", "c"],
            "Option a, Option c",
            "a;c",
        ),
        ("phone_number", "phonenumber", (), "600 100 200", "600 100 200", "600 100 200", None),
        ("string", "textarea", (), "one\ntwo", "one\ntwo", "one\ntwo", None),
    ],
)
def test_every_type_is_saved_and_its_editor_begins_with_what_was_saved(
    browser: Client,
    account: AccountInfo,
    anna: Source,
    kind: str,
    field_type: str,
    options: tuple[str, ...],
    typed: str | list[str],
    kept: object,
    shown: str,
    begins_with: str | None,
) -> None:
    definition = PropertyDef(
        "own",
        "Own",
        PropertyType(kind),
        field_type,
        options=tuple(Option(one, f"Option {one}") for one in options),
    )
    create_property(account.id, definition, by=anna, now=JAN_20)
    contact_id = make.contact(account)
    assert save(browser, account, contact_id, "own", typed).status_code == 200
    assert row(account, contact_id).properties["own"] == kept
    page = browser.get(reverse("contacts:list", args=[account.id]) + "?columns=own")
    cell = page.context["page"].rows[0].cells[1]
    assert cell.text == shown
    assert (cell.stored if cell.is_shown_otherwise else None) == begins_with


def test_the_owner_is_chosen_among_the_accounts_people(
    browser: Client, account: AccountInfo, owner: User
) -> None:
    contact_id = make.contact(account)
    stranger = make.user(make.account(owner_email="else@example.com"), "sales")
    answer = save(browser, account, contact_id, "hubspot_owner_id", str(owner.pk))
    assert cells(answer)["hubspot_owner_id"] == (owner.name or owner.email)
    refused = save(browser, account, contact_id, "hubspot_owner_id", str(stranger.pk), version=2)
    assert refused.status_code == 400
    assert refused.context["problem"] == "This person is not in the account."


# Refused


def test_a_value_that_cannot_be_is_refused_and_the_row_is_shown_as_it_is(
    browser: Client, account: AccountInfo
) -> None:
    make.contact(account, email="taken@example.com")
    contact_id = make.contact(account, email="zoe@example.com")
    bad = save(browser, account, contact_id, "email", "zoe@@example")
    assert bad.status_code == 400
    assert bad.context["problem"] == "“zoe@@example” is not an e-mail address."
    assert cells(bad)["email"] == "zoe@example.com"
    taken = save(browser, account, contact_id, "email", "taken@example.com")
    assert taken.status_code == 409
    assert "already belongs to contact" in taken.context["problem"]
    assert row(account, contact_id).version == 1


def test_whoever_changes_the_same_value_second_is_told_who_was_first_and_to_what(
    browser: Client, account: AccountInfo, anna: Source
) -> None:
    contact_id = make.contact(account, city="Gdańsk")
    jan = make.user(account, "marketer", email="jan@example.com")
    edited_by(make.source(jan), account, contact_id, city="Sopot")
    answer = save(browser, account, contact_id, "city", "Gdynia")
    assert answer.status_code == 409
    assert answer.context["problem"] == (
        f"{jan} changed this to “Sopot” meanwhile. Save again to put yours in its place."
    )
    assert cells(answer)["city"] == "Sopot"
    version = answer.context["row"].version
    again = save(browser, account, contact_id, "city", "Gdynia", version=version)
    assert again.status_code == 200
    assert row(account, contact_id).properties["city"] == "Gdynia"


def test_another_value_changed_meanwhile_is_no_obstacle_and_is_told(
    browser: Client, account: AccountInfo
) -> None:
    contact_id = make.contact(account, firstname="Zoe", city="Gdańsk")
    jan = make.user(account, "marketer", email="jan@example.com")
    edited_by(make.source(jan), account, contact_id, lifecyclestage="customer")
    answer = save(browser, account, contact_id, "city", "Gdynia")
    assert answer.status_code == 200
    assert answer.context["toast"].text == (
        "Zoe Kowalski: “City” is now “Gdynia”. "
        f"{jan} changed other values of this contact meanwhile."
    )
    assert cells(answer)["lifecyclestage"] == "Customer"
    assert row(account, contact_id).properties["lifecyclestage"] == "customer"


@pytest.mark.parametrize("name", ["name", "status", "source", "createdate", "lastmodifieddate"])
def test_what_the_system_keeps_is_not_saved_and_its_column_says_why(
    browser: Client, account: AccountInfo, name: str
) -> None:
    contact_id = make.contact(account)
    answer = save(browser, account, contact_id, name, "x")
    assert answer.status_code == 400
    page = browser.get(reverse("contacts:list", args=[account.id]))
    why = {head.name: head.why for head in page.context["page"].headings}
    assert why.get(name, "no such column shown") != ""
    assert why["email"] == ""
    assert row(account, contact_id).version == 1


def test_a_contact_in_the_recycle_bin_is_not_edited(
    browser: Client, account: AccountInfo, anna: Source
) -> None:
    contact_id = make.contact(account, city="Gdańsk")
    archive_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    assert save(browser, account, contact_id, "city", "Sopot").status_code == 409
    page = browser.get(reverse("contacts:list", args=[account.id]) + "?status=archived")
    whys = {head.why for head in page.context["page"].headings if head.name == "email"}
    assert whys == {"Contacts in the recycle bin cannot be changed."}


def test_who_edits_only_their_own_sees_which_rows_are_locked(account: AccountInfo) -> None:  # P1
    sales = make.user(account, "sales")
    Membership.objects.filter(user=sales).update(granted=["contacts.view:all", "contacts.edit:own"])
    mine = make.contact(account, firstname="Mine", hubspot_owner_id=str(sales.pk))
    other = make.contact(account, firstname="Other")
    browser = signed_in(sales)
    page = browser.get(reverse("contacts:list", args=[account.id])).context["page"]
    locked = {shown.cells[0].text: shown.is_locked for shown in page.rows}
    assert locked == {"Mine Kowalski": False, "Other Kowalski": True}
    assert save(browser, account, mine, "city", "Sopot").status_code == 200
    assert save(browser, account, other, "city", "Sopot").status_code == 404
    assert "city" not in row(account, other).properties


def test_a_contact_given_away_is_said_to_be_gone(account: AccountInfo) -> None:
    sales = make.user(account, "sales")
    Membership.objects.filter(user=sales).update(granted=["contacts.view:own", "contacts.edit:own"])
    boss = make.user(account, "owner", email="boss@example.com")
    mine = make.contact(account, hubspot_owner_id=str(sales.pk))
    answer = save(signed_in(sales), account, mine, "hubspot_owner_id", str(boss.pk))
    assert answer.status_code == 200
    assert answer.context["row"] is None
    assert "no longer among those you see" in text(answer)


# Undo


def test_undo_puts_the_value_back_and_the_ledger_says_what_it_reverts(
    browser: Client, account: AccountInfo
) -> None:
    contact_id = make.contact(account, firstname="Zoe", lifecyclestage="lead")
    saved = save(browser, account, contact_id, "lifecyclestage", "customer")
    undone = browser.post(undo_url(saved), {"columns": COLUMNS})
    assert undone.status_code == 200
    assert cells(undone)["lifecyclestage"] == "Lead"  # backwards, which only undo may
    assert undone.context["toast"].text == "Zoe Kowalski: “Lifecycle stage” is “Lead” again."
    assert undone.context["toast"].undo_url == ""
    last = sql.row(
        "SELECT kind, source_type, reverts_id = lag FROM (SELECT *, lag(id) OVER (ORDER BY id) "
        "FROM change WHERE account_id = %(id)s) AS told ORDER BY id DESC LIMIT 1",
        {"id": account.id},
    )
    assert last == ("contact_changed", "UNDO", True)
    assert row(account, contact_id).version == 3


def test_undo_leaves_what_was_changed_since(browser: Client, account: AccountInfo) -> None:
    contact_id = make.contact(account, city="Gdańsk", company="Old")
    saved = save(browser, account, contact_id, "city", "Gdynia")
    jan = make.source(make.user(account, "marketer", email="jan@example.com"))
    edited_by(jan, account, contact_id, 2, city="Sopot")
    edited_by(jan, account, contact_id, 3, city="Gdynia")  # back again, but by somebody else
    refused = browser.post(undo_url(saved), {"columns": COLUMNS})
    assert refused.status_code == 409
    assert "changed again since" in refused.context["problem"]
    assert row(account, contact_id).properties["city"] == "Gdynia"


def test_undo_does_not_mind_other_values_changed_since(
    browser: Client, account: AccountInfo
) -> None:
    contact_id = make.contact(account, email="old@example.com", city="Gdańsk")
    saved = save(browser, account, contact_id, "email", "new@example.com")
    assert save(browser, account, contact_id, "city", "Sopot", version=2).status_code == 200
    assert browser.post(undo_url(saved), {"columns": COLUMNS}).status_code == 200
    assert row(account, contact_id).email == "old@example.com"
    assert row(account, contact_id).properties["city"] == "Sopot"
    assert contacts.owner_of_address(account.id, "new@example.com") is None


def test_only_ones_own_edit_is_undone_and_only_once(browser: Client, account: AccountInfo) -> None:
    contact_id = make.contact(account, city="Gdańsk")
    saved = save(browser, account, contact_id, "city", "Sopot")
    jan = signed_in(make.user(account, "marketer", email="jan@example.com"))
    assert jan.post(undo_url(saved), {}).status_code == 404
    assert browser.post(undo_url(saved), {}).status_code == 200
    assert browser.post(undo_url(saved), {}).status_code == 409
    assert row(account, contact_id).properties["city"] == "Gdańsk"
