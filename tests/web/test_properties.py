"""Property definitions through their pages: made, changed, taken out of use and back."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from marketable import clock, sql
from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.properties import queries
from marketable.properties.rules import MOST_UNIQUE, PropertyType
from tests import make
from tests.make import JAN_20
from tests.web.guarding import everything_stored, signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


def url(account: AccountInfo, name: str, *rest: str) -> str:
    return reverse(f"properties:{name}", args=[account.id, *rest])


def new(browser: Client, account: AccountInfo, **form: str) -> Any:
    usual = {"name": "size", "label": "Size", "type": "string/text"}
    return browser.post(url(account, "new"), {**usual, **form})


def told(account: AccountInfo) -> int:
    found = sql.row(
        "SELECT count(*) FROM change WHERE account_id = %(id)s AND kind = 'property_changed'",
        {"id": account.id},
    )
    assert found is not None
    return int(found[0])


def test_a_property_of_every_type_is_made_and_filled(browser: Client, account: AccountInfo) -> None:
    page = browser.get(url(account, "new"))
    types = [value for value, _label in page.context["types"]]
    given = {
        "number": "12.5",
        "date": "2027-01-20",
        "datetime": "2027-01-20T10:00:00Z",
        "enumeration": "b",
        "bool": "true",
        "phone_number": "+48 601 234 567",
    }
    contact_id = make.contact(account)
    for position, kind in enumerate(types, start=1):
        name = f"own_{position}"
        options = "a\nb = Bee" if kind.startswith("enumeration") else ""
        made = new(browser, account, name=name, label=f"Own {position}", type=kind, options=options)
        assert made.status_code == 302, kind
        record = reverse("records:edit", args=[account.id, contact_id])
        value = given.get(kind.split("/")[0], "some text")
        form = {"version": str(position), name: value}
        assert browser.post(record, form).status_code == 302, kind
    assert told(account) == len(types)
    assert len(queries.definitions(account.id)) > len(types)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "Size"}, "name"),
        ({"name": "hs_size"}, "name"),
        ({"name": ""}, "name"),
        ({"label": ""}, "label"),
        ({"label": "x" * 201}, "label"),
        ({"label": "nul\0"}, "label"),
        ({"description": "nul\0"}, "description"),
        ({"group": "no_such_group"}, "group"),
        ({"options": "a\nb"}, "options"),
        ({"type": "enumeration/select"}, "options"),
        ({"type": "enumeration/select", "options": "a\na"}, "options"),
        ({"type": "enumeration/select", "options": "a;b"}, "options"),
        ({"type": "enumeration/select", "options": "\n".join(map(str, range(5_001)))}, "options"),
        ({"type": "bool/booleancheckbox", "is_unique": "1"}, "is_unique"),
    ],
)
def test_what_cannot_be_defined_is_said_and_what_was_typed_is_kept(
    browser: Client, account: AccountInfo, wrong: dict[str, str], field: str
) -> None:
    before = everything_stored()
    answer = new(browser, account, **wrong)
    assert answer.status_code == 400
    assert answer.context["problem_field"] == field
    assert everything_stored() == before
    if "name" not in wrong:
        assert 'value="size"' in answer.content.decode()


@pytest.mark.parametrize("kind", ["", "nonsense", "string", "string/select", "number/text", "/"])
def test_a_type_that_there_is_not_is_refused(
    browser: Client, account: AccountInfo, kind: str
) -> None:
    before = everything_stored()
    assert new(browser, account, type=kind).status_code == 400
    assert everything_stored() == before


def test_a_name_is_given_once_also_to_what_is_out_of_use(
    browser: Client, account: AccountInfo
) -> None:
    new(browser, account)
    browser.post(url(account, "archive", "size"))
    for taken in ("size", "email", "firstname"):
        answer = new(browser, account, name=taken)
        assert answer.status_code == 409
        assert answer.context["problem_field"] == "name"


def test_out_of_use_and_back_keeps_the_values(browser: Client, account: AccountInfo) -> None:
    new(browser, account)
    contact_id = make.contact(account, size="large")
    record = reverse("records:edit", args=[account.id, contact_id])
    assert 'name="size" value="large"' in browser.get(record).content.decode()
    for _ in range(2):  # V8
        browser.post(url(account, "archive", "size"))
    assert 'name="size"' not in browser.get(record).content.decode()
    assert "out of use" in text_of(browser.get(url(account, "list")))
    for _ in range(2):
        browser.post(url(account, "archive", "size"), {"restore": "1"})
    assert 'name="size" value="large"' in browser.get(record).content.decode()
    assert told(account) == 3


def test_there_are_only_so_many_unique_ones_also_by_way_of_the_bin(
    browser: Client, account: AccountInfo
) -> None:
    for number in range(MOST_UNIQUE):
        assert new(browser, account, name=f"key_{number}", is_unique="1").status_code == 302
    assert new(browser, account, name="one_more", is_unique="1").status_code == 400
    browser.post(url(account, "archive", "key_0"))
    assert new(browser, account, name="one_more", is_unique="1").status_code == 302
    back = browser.post(url(account, "archive", "key_0"), {"restore": "1"})
    assert back.status_code == 400
    assert queries.definitions(account.id, with_archived=True)["key_0"].is_archived


def test_a_label_changes_and_name_and_type_do_not(browser: Client, account: AccountInfo) -> None:
    new(browser, account)
    form = {"label": "Width", "name": "width", "type": "number/number", "is_unique": "1"}
    assert browser.post(url(account, "edit", "size"), form).status_code == 302
    kept = queries.definitions(account.id)["size"]
    assert (kept.label, kept.type, kept.is_unique) == ("Width", PropertyType.STRING, False)


def test_an_option_that_contacts_have_is_hidden_and_not_taken_away(
    browser: Client, account: AccountInfo
) -> None:
    new(browser, account, type="enumeration/select", options="s = Small\nl = Large")
    make.contact(account, size="s")
    before = everything_stored()
    gone = browser.post(url(account, "edit", "size"), {"label": "Size", "options": "l = Large"})
    assert gone.status_code == 400
    assert "hide it instead" in text_of(gone)
    assert everything_stored() == before
    hidden = {"label": "Size", "options": "-s = Small\nl = Large"}
    assert browser.post(url(account, "edit", "size"), hidden).status_code == 302
    assert "-s = Small" in browser.get(url(account, "edit", "size")).content.decode()


@pytest.mark.parametrize("name", ["email", "hs_marketable_status", "no_such", "own_%(x)s"])
def test_default_properties_and_unknown_ones_are_not_changed(
    browser: Client, account: AccountInfo, name: str
) -> None:
    before = everything_stored()
    assert browser.post(url(account, "edit", name), {"label": "Mine"}).status_code == 404
    assert browser.post(url(account, "archive", name)).status_code == 404
    assert everything_stored() == before


def test_whoever_may_not_change_them_sees_why(account: AccountInfo, browser: Client) -> None:  # P4
    new(browser, account)
    page = signed_in(make.user(account, "analyst")).get(url(account, "list"))
    assert "“Edit properties”" in page.content.decode()
    assert page.content.decode().count('aria-disabled="true"') >= 2
    assert f'href="{url(account, "new")}"' not in page.content.decode()
