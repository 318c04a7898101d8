"""Editing, listing and deleting many through the page: ask, plan, confirm, undo (B, P4, P6)."""

import re
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from marketable import clock, sql
from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.history.sources import Source
from marketable.marketing_status.rules import Status
from marketable.properties.rules import Option, PropertyDef, PropertyType
from marketable.properties.services import create_property
from marketable.segments import queries as segment_queries
from marketable.segments.services import segments
from tests import make
from tests.make import JAN_20
from tests.web.guarding import Answer, signed_in
from tests.web.guarding import text_of as text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


def post(browser: Client, account: AccountInfo, name: str, **form: object) -> Answer:
    chosen = {"everyone": "1", **form}
    return browser.post(
        reverse(f"contacts:{name}", args=[account.id]), chosen, HTTP_HX_REQUEST="true"
    )


def confirm(browser: Client, shown: Answer, count: str = "") -> Answer:
    """Press the button of a plan, with the number that stands in it or the typed one."""
    page = shown.content.decode()
    found = re.search(r'hx-post="([^"]+)"', page)
    assert found, page
    form = dict(re.findall(r'<input type="hidden" name="(plan|count)" value="([^"]*)"', page))
    return browser.post(
        found[1], form | ({"count": count} if count else {}), HTTP_HX_REQUEST="true"
    )


def values(account: AccountInfo, name: str) -> list[object]:
    found = sql.rows(
        "SELECT properties->>%(name)s FROM contact WHERE account_id = %(account_id)s ORDER BY id",
        {"account_id": account.id, "name": name},
    )
    return [row[0] for row in found]


def test_a_property_is_chosen_then_its_value(browser: Client, account: AccountInfo) -> None:
    make.contacts(account, 2)
    asked = post(browser, account, "ask", action="edit")
    assert "Choose a property" in text(asked)
    assert "data-go-on" not in asked.content.decode()
    chosen = post(browser, account, "ask", action="edit", property="lifecyclestage")
    assert "Set the value" in text(chosen)
    assert "Customer" in text(chosen)
    shown = post(browser, account, "plan_work", action="edit", property="city", value="Łódź")
    assert "Set “City” for 2 contacts" in text(shown)
    assert "“City” becomes “Łódź”." in text(shown)
    assert values(account, "city") == [None, None]
    done = confirm(browser, shown)
    assert "2 contacts were changed." in text(done)
    assert "Undo" in text(done)
    assert values(account, "city") == ["Łódź", "Łódź"]


def test_undo_in_the_toast_puts_everybody_back(browser: Client, account: AccountInfo) -> None:
    make.contact(account, city="Gdynia")
    shown = post(browser, account, "plan_work", action="edit", property="city", value="Łódź")
    done = confirm(browser, shown).content.decode()
    address = re.search(r'hx-post="([^"]+take-back)"', done)
    assert address
    back = browser.post(address[1], {}, HTTP_HX_REQUEST="true")
    assert "1 contact is as it was." in text(back)
    assert values(account, "city") == ["Gdynia"]
    again = browser.post(address[1], {}, HTTP_HX_REQUEST="true")
    assert again.status_code == 409


def test_a_wrong_value_is_said_in_the_form(
    browser: Client, account: AccountInfo, anna: Source
) -> None:
    seats = PropertyDef("seats", "Seats", PropertyType.NUMBER, "number")
    create_property(account.id, seats, by=anna, now=JAN_20)
    make.contact(account)
    again = post(browser, account, "plan_work", action="edit", property="seats", value="many")
    assert again.status_code == 400
    assert "“Seats”: this is not a number." in text(again)
    assert 'value="many"' in again.content.decode()
    for name in ("email", "hs_marketable_status", "no_such"):
        refused = post(browser, account, "plan_work", action="edit", property=name, value="x")
        assert refused.status_code in {400, 404}, name


def test_options_of_several_are_added(browser: Client, account: AccountInfo, anna: Source) -> None:
    hobbies = PropertyDef(
        "hobbies",
        "Hobbies",
        PropertyType.ENUMERATION,
        "checkbox",
        options=(Option("chess", "Chess"), Option("golf", "Golf")),
    )
    create_property(account.id, hobbies, by=anna, now=JAN_20)
    make.contact(account, hobbies=["golf"])
    asked = post(browser, account, "ask", action="edit", property="hobbies")
    assert "Add these options" in text(asked)
    shown = post(
        browser, account, "plan_work", action="edit", property="hobbies", how="add", value=["chess"]
    )
    assert "“Chess” is added to “Hobbies”" in text(shown)
    confirm(browser, shown)
    assert values(account, "hobbies") == ['["chess", "golf"]']


def test_an_owner_is_assigned(browser: Client, account: AccountInfo) -> None:
    seller = make.user(account, "sales")
    make.contact(account)
    asked = post(browser, account, "ask", action="assign")
    assert seller.email in text(asked) or seller.name in text(asked)
    confirm(browser, post(browser, account, "plan_work", action="assign", value=str(seller.pk)))
    assert values(account, "hubspot_owner_id") == [str(seller.pk)]
    confirm(browser, post(browser, account, "plan_work", action="assign", value=""))
    assert values(account, "hubspot_owner_id") == [None]
    foreign = make.user(
        make.account("Other", owner_email="o@other.example"), "sales", "x@o.example"
    )
    refused = post(browser, account, "plan_work", action="assign", value=str(foreign.pk))
    assert refused.status_code == 400


def test_a_list_is_made_in_place_and_filled(browser: Client, account: AccountInfo) -> None:
    make.contacts(account, 2)
    shown = post(browser, account, "plan_work", action="add", new_list="Guests")
    assert "Add 2 contacts to “Guests”" in text(shown)
    assert not segment_queries.segments(account.id)
    assert "2 contacts were added to the list." in text(confirm(browser, shown))
    [guests] = segment_queries.segments(account.id)
    assert (guests.name, guests.member_count) == ("Guests", 2)
    taken = post(browser, account, "plan_work", action="add", new_list="guests")
    assert (taken.status_code, "already" in text(taken)) == (409, True)
    gone = post(browser, account, "plan_work", action="remove", list=str(guests.id))
    confirm(browser, gone)
    assert segment_queries.segment(account.id, guests.id).member_count == 0


def test_a_list_of_another_account_is_not_there(browser: Client, account: AccountInfo) -> None:
    other = make.account("Other", owner_email="o@other.example")
    by = make.source(User.objects.get(email="o@other.example"))
    theirs = segments.create_fixed(other.id, "Theirs", by=by, now=JAN_20)
    make.contact(account)
    answer = post(browser, account, "plan_work", action="add", list=str(theirs.id))
    assert answer.status_code == 404
    assert "Theirs" not in text(answer)


def test_deleting_marketing_contacts_wants_the_number(
    browser: Client, account: AccountInfo
) -> None:  # B4, S10
    make.contacts(account, 2, status=Status.MARKETING)
    shown = post(browser, account, "delete")
    assert "To confirm, type 2" in text(shown)
    assert "1 Feb 2027" in text(shown)
    wrong = confirm(browser, shown, "3")
    assert (wrong.status_code, "Type the number 2" in text(wrong)) == (400, True)
    done = confirm(browser, wrong, "2")
    assert "2 contacts were put into the recycle bin." in text(done)
    assert "Undo" in text(done)


def test_the_same_confirmation_twice_is_done_once(browser: Client, account: AccountInfo) -> None:
    make.contacts(account, 2)
    shown = post(browser, account, "delete")
    assert "To confirm, type" not in text(shown)
    first, again = confirm(browser, shown), confirm(browser, shown)
    assert text(first) == text(again)
    assert len(sql.rows("SELECT FROM bulk_action")) == 1


def test_a_set_that_changed_is_asked_about_again(browser: Client, account: AccountInfo) -> None:
    make.contacts(account, 2)
    shown = post(browser, account, "plan_work", action="edit", property="city", value="Łódź")
    make.contact(account)
    again = confirm(browser, shown)
    assert again.status_code == 409
    assert "It was 2, is now 3." in text(again)
    assert values(account, "city") == [None] * 3
    assert "3 contacts were changed." in text(confirm(browser, again))


def test_without_a_script_each_step_is_a_page(browser: Client, account: AccountInfo) -> None:
    make.contact(account)
    form = {"everyone": "1", "action": "edit", "property": "city", "value": "Łódź"}
    for name in ("ask", "plan_work"):
        answer = browser.post(reverse(f"contacts:{name}", args=[account.id]), form)
        assert "<!doctype html>" in answer.content.decode()
    found = re.search(r"/works/([0-9a-f-]{36})/confirm", answer.content.decode())
    assert found
    address = reverse("contacts:confirm_work", args=[account.id, UUID(found[1])])
    done = browser.post(address, {"count": "1"}, follow=True)
    assert "Set “City” for 1 contact" in text(done)
    assert "Undo" in text(done)


def test_the_missing_right_is_named_and_refused(account: AccountInfo) -> None:  # P4
    make.contact(account)
    analyst = signed_in(make.user(account, "analyst"))
    listed = analyst.get(reverse("contacts:list", args=[account.id])).content.decode()
    for code in ("edit", "assign", "add", "remove", "delete"):
        button = re.search(rf'<button data-action="{code}"[^>]*>', listed)
        assert button, code
        assert 'aria-disabled="true"' in button[0], code
    for name, action in (("ask", "edit"), ("plan_work", "edit"), ("delete", "delete")):
        assert post(analyst, account, name, action=action).status_code == 403


def test_who_may_edit_but_not_spend_takes_an_edit_back_but_no_start(
    browser: Client, account: AccountInfo
) -> None:  # P3
    make.contact(account)
    done = confirm(
        browser, post(browser, account, "plan_work", action="edit", property="city", value="Łódź")
    )
    [[edited]] = sql.rows("SELECT id FROM bulk_action")
    assert done.status_code == 200
    seller = make.user(account, "sales")
    answer = signed_in(seller).post(reverse("jobs:take_back", args=[account.id, edited]))
    assert answer.status_code == 403  # somebody else's, and outside their rights
    analyst = signed_in(make.user(account, "analyst", "analyst@example.com"))
    assert analyst.post(reverse("jobs:take_back", args=[account.id, edited])).status_code == 403
    assert values(account, "city") == ["Łódź"]
