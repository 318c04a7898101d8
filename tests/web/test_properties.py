"""Property definitions through their pages: made, changed, taken out of use and back."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from marketable import clock, sql
from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.properties import queries
from marketable.properties.models import PropertyRow
from marketable.properties.rules import MOST_UNIQUE, PropertyType
from marketable.web.contacts import columns
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


def index(browser: Client, account: AccountInfo, name: str, **form: str) -> Any:
    return browser.post(url(account, "index", name), form, headers={"HX-Request": "true"})


def test_a_property_is_marked_indexed_on_its_page_and_taken_back(
    browser: Client, account: AccountInfo
) -> None:
    assert "Not indexed" in text_of(browser.get(url(account, "edit", "city")))
    marked = index(browser, account, "city")
    assert "Waits for its turn" in text_of(marked)
    assert 'hx-trigger="every 1s"' in marked.content.decode()
    assert "Cancel the build" in text_of(browser.get(url(account, "edit", "city")))
    assert "Waits for its turn" in text_of(browser.get(url(account, "list")))
    assert "Being removed" in text_of(index(browser, account, "city", remove="1"))
    assert told(account) == 2


def test_the_page_says_how_far_an_index_is(browser: Client, account: AccountInfo) -> None:
    index(browser, account, "city")
    states = {
        "building": "Being built, 0 %",
        "ready": "Remove the index",
        "failed": "Not built: the disk of the database is full.",
    }
    for state, text in states.items():
        sql.execute(
            "UPDATE property_index SET state = %(state)s, problem = %(problem)s",
            {"state": state, "problem": "53100" if state == "failed" else ""},
        )
        page = browser.get(url(account, "index", "city"), headers={"HX-Request": "true"})
        assert text in text_of(page)
        assert ("every 1s" in page.content.decode()) is (state == "building")
    sql.execute("UPDATE property_index SET problem = '42P17'")
    assert "answered with error 42P17" in text_of(browser.get(url(account, "edit", "city")))
    assert "Try again" in text_of(browser.get(url(account, "edit", "city")))


def test_an_index_that_cannot_be_is_refused_by_name(browser: Client, account: AccountInfo) -> None:
    before = everything_stored()
    refused = index(browser, account, "email")
    assert refused.status_code == 400
    assert "cannot be marked indexed" in text_of(refused)
    assert index(browser, account, "no_such").status_code == 404
    assert browser.post(url(account, "index", "email")).status_code == 302  # without a script
    assert everything_stored() == before


def test_properties_are_found_by_label_or_name_without_diacritics(
    browser: Client, account: AccountInfo
) -> None:
    new(browser, account, name="zrodlo_1", label="Źródło ruchu")
    for search in ("zrodlo", "RUCHU źród", "zrodlo_1"):
        page = browser.get(url(account, "list"), {"q": search}, headers={"HX-Request": "true"})
        assert "Źródło ruchu" in text_of(page)
        assert "Job title" not in text_of(page)
    nothing = text_of(browser.get(url(account, "list"), {"q": "no such thing"}))
    assert "No property of your own matches." in nothing
    assert "No default property matches." in nothing


def test_pages_cost_the_same_statements_with_500_properties(
    browser: Client, account: AccountInfo
) -> None:
    contact_id = make.contact(account)
    pages = [
        url(account, "list"),
        url(account, "edit", "own_0"),
        reverse("contacts:list", args=[account.id]),
        reverse("contacts:create", args=[account.id]),
        reverse("records:show", args=[account.id, contact_id]),
        reverse("records:edit", args=[account.id, contact_id]),
    ]

    def counted() -> dict[str, int]:
        found = {}
        for page in pages:
            with CaptureQueriesContext(connection) as statements:
                assert browser.get(page).status_code == 200
            found[page] = len(statements)
        return found

    own(account, range(1))
    with_one = counted()
    own(account, range(1, 500))
    assert counted() == with_one


def own(account: AccountInfo, numbers: range) -> None:
    PropertyRow.objects.bulk_create(
        PropertyRow(
            account_id=account.id,
            name=f"own_{number}",
            label=f"Own {number}",
            type="string",
            field_type="text",
            group_name="contactinformation",
            created_at=JAN_20,
            updated_at=JAN_20,
        )
        for number in numbers
    )


def test_a_large_table_is_sorted_by_what_is_indexed(
    browser: Client, account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "SORTED_UP_TO", 1)
    for city in ("Łódź", "gdańsk", "Kraków"):
        make.contact(account, city=city, firstname=city)
    table = reverse("contacts:list", args=[account.id])
    page = browser.get(table)
    assert "sort=city" not in page.content.decode()
    assert "mark the property as indexed" in page.content.decode()
    index(browser, account, "city")
    sql.execute("UPDATE property_index SET state = 'ready'")
    page = browser.get(table)
    assert "sort=city" in page.content.decode() and "sort=zip" not in page.content.decode()
    shown = text_of(browser.get(table, {"sort": "city", "columns": "city"}))
    assert shown.index("gdańsk") < shown.index("Kraków Kowalski") < shown.index("Łódź Kowalski")
