"""The filter builder through its doors, and the filter in the contacts page's address."""

import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from marketable import clock, sql
from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.bulk_actions import queries as bulk_queries
from marketable.contacts.queries import Count
from marketable.history.sources import Source
from marketable.marketing_status.rules import Status
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.properties.services import archive_property, create_property
from marketable.segments import counting, offering, sentences
from marketable.segments.rules import TAKES, Operator, Takes, from_json
from marketable.segments.services import segments
from tests import make
from tests.make import JAN_20
from tests.web.guarding import Answer, signed_in
from tests.web.guarding import text_of as text

pytestmark = pytest.mark.django_db

IN_GDANSK = {"property": "city", "operator": "is", "value": "Gdańsk"}
GDANSK = json.dumps({"and": [IN_GDANSK]})


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


@pytest.fixture
def people(account: AccountInfo) -> list[int]:
    """Three in Gdańsk, one of whom is marketing, and two elsewhere."""
    return [
        make.contact(account, firstname="Anna", city="Gdańsk", status=Status.MARKETING),
        make.contact(account, firstname="Bo", city="gdańsk"),
        make.contact(account, firstname="Cai", city="Gdańsk"),
        make.contact(account, firstname="Dag", city="Oslo"),
        make.contact(account, firstname="Eve"),
    ]


def table(browser: Client, account: AccountInfo, **asked: str) -> Answer:
    return browser.get(reverse("contacts:list", args=[account.id]), asked)


def look(browser: Client, account: AccountInfo, written: Any, **also: str) -> Answer:
    text = written if isinstance(written, str) else json.dumps(written)
    url = reverse("filters:look", args=[account.id])
    return browser.post(url, {"filter": text, "editor": "one", **also})


def taken(answer: Answer) -> Any:
    assert answer.status_code == 200
    return answer.context["taken"]


def names(answer: Answer) -> list[str]:
    return [row.cells[0].text.split()[0] for row in answer.context["page"].rows]


# The filter in the address


def test_the_table_shows_those_who_meet_the_filter_of_its_address(
    browser: Client, account: AccountInfo, people: list[int]
) -> None:
    answer = table(browser, account, filter=GDANSK)
    assert names(answer) == ["Cai", "Bo", "Anna"]
    assert "City is Gdańsk" in text(answer)
    assert names(table(browser, account, filter=GDANSK, status="marketing")) == ["Anna"]
    assert names(table(browser, account, filter=GDANSK, q="bo")) == ["Bo"]


def test_the_filter_stays_in_every_link_of_the_page(
    browser: Client, account: AccountInfo, people: list[int]
) -> None:
    page = table(browser, account, filter=GDANSK, size="50").context["page"]
    addresses = [page.headings[0].sort_url, *(chip.url for chip in page.chips), page.address]
    for address in addresses:
        assert json.loads(parse_qs(urlsplit(address).query)["filter"][0]) == json.loads(GDANSK)
    assert ("filter", GDANSK.replace(": ", ":").encode().decode("unicode_escape")) not in page.state
    assert "filter" not in urlsplit(page.filter_chip.clear_url).query
    assert dict(page.filters)["filter"]
    assert dict(page.search_state)["filter"]


def test_a_plan_for_all_that_match_takes_exactly_whom_the_builder_counts(
    browser: Client, account: AccountInfo, people: list[int]
) -> None:
    written = {"and": [IN_GDANSK, {"counts": False}]}
    counted = taken(look(browser, account, written))
    form = {"everyone": "1", "filter": json.dumps(written), "action": "start"}
    planned = browser.post(reverse("contacts:plan", args=[account.id]), form)
    assert planned.status_code == 200
    plan_id = planned.context["confirm_url"].split("/")[-2]
    stored = bulk_queries.stored_plan(account.id, plan_id)
    assert counted.total == "2 contacts"
    assert stored.changing == 2
    assert stored.selection.filter == from_json(written)
    again = dict(planned.context["replan_fields"])
    assert json.loads(again["filter"]) == written
    assert "filter=" in planned.context["back_url"]


def test_an_export_of_all_that_match_holds_those_who_meet_the_filter(
    browser: Client, account: AccountInfo, people: list[int]
) -> None:
    url = reverse("contacts:export", args=[account.id])
    answer: Answer = browser.post(url, {"everyone": "1", "filter": GDANSK, "columns": "city"})
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 1 + 3


def test_a_filter_too_long_for_an_address_is_linked_by_a_key(
    browser: Client, account: AccountInfo, people: list[int]
) -> None:
    cities = ["Gdańsk", *(f"City number {number}" for number in range(1_000))]
    written = {"and": [{"property": "city", "operator": "is_any_of", "value": cities}]}
    url = reverse("filters:apply", args=[account.id])
    answer = browser.post(url, {"filter": json.dumps(written), "sort": "email"})
    assert answer.status_code == 302
    assert len(answer["Location"]) < 300
    assert "sort=email" in answer["Location"]
    shown = browser.get(answer["Location"])
    assert len(names(shown)) == 3
    page = shown.context["page"]
    assert all(len(chip.url) < 300 for chip in page.chips)
    assert json.loads(dict(page.filters)["filter"]) == written
    unknown = table(browser, account, filter="~" + "0" * 32)
    assert names(unknown) == []
    assert "not kept any more" in text(unknown)


def test_what_the_account_does_not_know_is_kept_and_named_and_nobody_is_shown(
    browser: Client, account: AccountInfo, people: list[int], anna: Source
) -> None:  # J7
    size = PropertyDef("size", "Size", PropertyType.NUMBER, "number")
    create_property(account.id, size, by=anna, now=JAN_20)
    archive_property(account.id, "size", by=anna, now=JAN_20)
    written = json.dumps({"and": [{"property": "size", "operator": "gt", "value": 3}]})
    answer = table(browser, account, filter=written)
    assert answer.status_code == 200
    assert names(answer) == []
    assert "There is no property “size”." in text(answer)
    assert answer.context["page"].filter_chip.is_bad
    form = {"everyone": "1", "filter": written, "action": "start"}
    assert browser.post(reverse("contacts:plan", args=[account.id]), form).status_code == 400


@pytest.mark.parametrize("door", ["contacts:plan", "contacts:export", "contacts:delete"])
def test_what_is_no_filter_never_means_everybody(
    browser: Client, account: AccountInfo, people: list[int], door: str
) -> None:
    form = {"everyone": "1", "filter": '{"and": [', "action": "start"}
    answer = browser.post(reverse(door, args=[account.id]), form)
    assert answer.status_code == 400
    assert "This is no JSON" in text(answer)


def test_a_colleague_who_lacks_rights_sees_the_same_within_their_reach(
    account: AccountInfo, people: list[int]
) -> None:
    viewer = make.user(account, "sales", email="bo@example.com")
    make.contact(account, firstname="Fay", city="Gdańsk", hubspot_owner_id=str(viewer.pk))
    browser = signed_in(viewer)
    seen = set(names(table(browser, account, filter=GDANSK)))
    counted = taken(look(browser, account, GDANSK))
    assert "Fay" in seen
    assert counted.total.split()[0] == str(len(seen))
    assert {person.name.split()[0] for person in counted.people} == seen
    assert len(seen) < 4


# The builder


def test_the_builder_opens_with_the_filter_and_what_else_narrows_the_table(
    browser: Client, account: AccountInfo, people: list[int]
) -> None:
    url = reverse("filters:edit", args=[account.id])
    asked = {"filter": GDANSK, "status": "marketing", "sort": "email"}
    whole = browser.get(url, asked)
    part = browser.get(url, asked, headers={"HX-Request": "true"})
    for answer in (whole, part):
        assert '"value": "Gdańsk"' in text(answer)
        assert dict(answer.context["builder"].state) == {"status": "marketing", "sort": "email"}
    assert "<html" in whole.content.decode()
    assert "<html" not in part.content.decode()


def test_the_form_works_without_a_script(
    browser: Client, account: AccountInfo, people: list[int]
) -> None:
    form = {"filter": GDANSK, "status": "marketing", "q": "anna"}
    answer = browser.post(reverse("filters:apply", args=[account.id]), form, follow=True)
    assert names(answer) == ["Anna"]
    everybody = browser.post(reverse("filters:apply", args=[account.id]), {"filter": '{"and": []}'})
    assert "filter" not in everybody["Location"]


def test_what_cannot_be_used_is_not_applied_and_comes_back_with_its_place(
    browser: Client, account: AccountInfo
) -> None:
    written = json.dumps({"or": [IN_GDANSK, {"property": "shoe", "operator": "is", "value": "x"}]})
    url = reverse("filters:apply", args=[account.id])
    answer = browser.post(url, {"filter": written}, headers={"HX-Request": "true"})
    assert answer.status_code == 400
    assert "There is no property “shoe”. (or[1])" in text(answer)
    assert '"value": "x"' in text(answer)
    assert answer["HX-Retarget"] == "#filter-panel"
    assert answer["HX-Push-Url"] == "false"


def test_a_look_tells_how_many_who_and_the_sentence(
    browser: Client, account: AccountInfo, people: list[int]
) -> None:
    found = taken(look(browser, account, GDANSK))
    assert found.total == "3 contacts"
    assert found.sentence == "City is Gdańsk"
    assert [person.name.split()[0] for person in found.people] == ["Cai", "Bo", "Anna"]
    assert "filter=" in found.link
    assert taken(look(browser, account, GDANSK, status="marketing")).total == "1 contact"
    assert taken(look(browser, account, "")).total == "5 contacts"
    nobody = taken(look(browser, account, {"or": []}))
    assert (nobody.total, nobody.people) == ("0 contacts", ())


def test_a_look_shows_five_at_most(browser: Client, account: AccountInfo) -> None:
    make.contacts(account, 12)
    found = taken(look(browser, account, {"and": []}))
    assert found.total == "12 contacts"
    assert len(found.people) == counting.SAMPLE


def test_a_look_that_takes_too_long_says_about_how_many(
    browser: Client, account: AccountInfo, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(account_id: int, where: Any) -> Count:
        sql.row("SELECT pg_sleep(60)")
        raise AssertionError("not ended")

    monkeypatch.setattr(counting, "COUNT_MS", 50)
    monkeypatch.setattr("marketable.contacts.queries.count_exactly", slow)
    answer = look(browser, account, GDANSK)
    assert taken(answer).total.startswith("about ")
    assert "count exactly" in text(answer)
    before = sql.row("SHOW statement_timeout")
    look(browser, account, GDANSK)
    assert sql.row("SHOW statement_timeout") == before


def test_every_problem_of_a_filter_is_told_with_its_place(
    browser: Client, account: AccountInfo, owner: User
) -> None:
    written = {"and": [{"property": "shoe", "operator": "is", "value": "x"}, {"weather": "fine"}]}
    found = taken(look(browser, account, written))
    assert [problem.path for problem in found.problems] == ["and[0]", "and[1]"]
    assert found.problems[0].text == "There is no property “shoe”."
    User.objects.filter(pk=owner.pk).update(language="pl")
    polish = taken(look(browser, account, written))
    assert polish.problems[0].text == "Nie ma właściwości „shoe”."


# What is offered


def test_everything_offered_compiles_and_reads_as_a_sentence(
    browser: Client, account: AccountInfo, anna: Source
) -> None:
    made = segments.create_fixed(account.id, "Friends", by=anna, now=JAN_20)
    examples: dict[str, Any] = {
        "text": "x",
        "number": 3,
        "day": "2026-03-01",
        "moving_day": {"days_from_today": -3},
        "yes_no": True,
        "": None,
    }
    for field in offering.offered(account.id):
        chosen = dict(examples)
        if field.choices is not None:
            values = [value for value, _label in field.choices()]
            if not values:
                continue
            chosen["choice"] = made.id if field.name == ".segment" else values[0]
        for way in field.ways:
            one = chosen[way.values]
            value = {
                Takes.NOTHING: None,
                Takes.ONE: one,
                Takes.SEVERAL: [one],
                Takes.TWO: [one, one],
                Takes.DAYS: 7,
            }[way.takes]
            names = {offering.FIELD: field.name, offering.VALUE: value}
            condition = {
                key: names.get(wanted, wanted) if isinstance(wanted, str) else wanted
                for key, wanted in way.template.items()
            }
            found = taken(look(browser, account, {"and": [condition]}))
            assert found.problems == (), condition
            assert way.label.split("…")[0].strip() in found.sentence, condition


def test_every_operator_of_a_type_is_offered_in_words(account: AccountInfo) -> None:
    city = next(one for one in offering.offered(account.id) if one.name == "city")
    labels = {way.code: way.label for way in city.ways}
    assert labels["is_any_of"] == "is any of"
    assert labels["was_ever"] == "is or was"
    created = next(one for one in offering.offered(account.id) if one.name == "createdate")
    labels = {way.code: way.label for way in created.ways}
    assert labels["lt"] == "is before"
    assert labels["between"] == "is between … and"
    assert labels["more_than_days_ago"] == "is more than … ago"
    assert sentences.without_values(sentences.CHANGED) == "was changed in the last"
    assert set(TAKES) == set(Operator)


def test_the_script_gets_fields_ways_and_texts(browser: Client, account: AccountInfo) -> None:
    found = browser.get(reverse("filters:fields", args=[account.id])).json()
    names = [field["name"] for field in found["fields"]]
    assert {".status", ".segment", ".created_by", "city", "createdate"} <= set(names)
    assert len(names) == len(set(names))
    assert all(field["ways"] < len(found["ways"]) for field in found["fields"])


def test_an_area_adds_a_condition_with_how_it_is_offered(
    browser: Client, account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = offering.Way("is", "is", Takes.ONE, "text", {"weather": offering.VALUE})
    monkeypatch.setattr(
        offering, "OFFERS", [lambda account_id: [offering.Offered(".w", "Weather", "Sky", (way,))]]
    )
    found = browser.get(reverse("filters:fields", args=[account.id])).json()
    assert found["fields"] == [
        {"name": ".w", "label": "Weather", "group": 0, "ways": 0, "chooses": False}
    ]
    assert found["groups"] == ["Sky"]


def test_choices_are_the_accounts_own(
    browser: Client, account: AccountInfo, owner: User, anna: Source
) -> None:
    made = segments.create_fixed(account.id, "Friends", by=anna, now=JAN_20)
    url = reverse("filters:choices", args=[account.id])
    assert browser.get(url, {"field": ".segment"}).json() == {"choices": [[made.id, "Friends"]]}
    owners = browser.get(url, {"field": "hubspot_owner_id"}).json()["choices"]
    assert [str(owner.pk), owner.email] in owners
    stages = dict(browser.get(url, {"field": "lifecyclestage"}).json()["choices"])
    assert stages["customer"] == "Customer"
    for unknown in ("city", "shoe", ""):
        assert browser.get(url, {"field": unknown}).json() == {"choices": []}


# Bad input


@pytest.mark.parametrize(
    "written",
    [
        '{"and": [' * 1_000 + "]}" * 1_000,
        '{"and": [' * 100_000 + "]}" * 100_000,
        '{"and": [' + '{"counts": true},' * 1_000 + '{"counts": true}]}',
        '{"and": [], "x": "' + "x" * 9 * 1024 * 1024 + '"}',
        "nonsense",
        "[]",
        '{"and": [NaN]}',
        '{"and": [{"property": "city", "operator": "is", "value": "\\u0000"}]}',
        '{"and": [{"property": "city", "operator": "is", "value": "\\ud800"}]}',
        '{"and": [{"property": "createdate", "operator": "is", "value": "0000-01-01"}]}',
        '{"and": [{"property": "createdate", "operator": "is", "value": 5}]}',
        '{"and": [{"property": "createdate", "operator": "in_last_days", "value": 1e300}]}',
        '{"and": [{"property": "lifecyclestage", "operator": "lt", "value": "x"}]}',
        '{"and": [{"property": "city", "operator": "is", "value": {"days_from_today": 1}}]}',
        '{"and": [{"property": ["city"], "operator": "is", "value": "x"}]}',
        '{"and": [{"segment": 99999999999999999999}]}',
        '{"and": [{"segment": true}]}',
        '{"and": [{"counts": true, "' + "x" * 5_000 + '": 1}]}',
        "9" * 5_000,
    ],
)
@pytest.mark.parametrize("door", ["look", "apply", "list", "edit"])
def test_what_cannot_be_a_filter_is_told_at_every_door(
    browser: Client, account: AccountInfo, written: str, door: str
) -> None:
    if door == "look":
        assert taken(look(browser, account, written)).problems
    elif door == "apply":
        answer = browser.post(reverse("filters:apply", args=[account.id]), {"filter": written})
        assert answer.status_code == 400
    elif door == "list":
        answer = table(browser, account, filter=written)
        assert answer.status_code == 200
        assert names(answer) == []
    else:
        answer = browser.get(reverse("filters:edit", args=[account.id]), {"filter": written})
        assert answer.status_code == 200
        assert answer.context["builder"].problems


def test_a_body_of_more_than_ten_megabytes_is_refused_before_it_is_read(
    browser: Client, account: AccountInfo
) -> None:
    answer = look(browser, account, '{"and": [], "x": "' + "x" * 11 * 1024 * 1024 + '"}')
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "condition",
    [
        {"property": "city", "operator": "contains", "value": "%" * 3_000},
        {"property": "city", "operator": "contains", "value": "%_" * 1_000 + "\\"},
        {"property": "city", "operator": "starts_with", "value": "(a+)+$"},
        {"property": "createdate", "operator": "is", "value": "9999-12-31"},
        {"property": "createdate", "operator": "lt", "value": "0001-01-01"},
        {"property": "createdate", "operator": "between", "value": ["0001-01-01", "9999-12-31"]},
        {"property": "createdate", "operator": "in_last_days", "value": 36_500},
        {"property": "hs_object_id", "operator": "is_any_of", "value": list(range(1, 10_001))},
        {
            "property": "email",
            "operator": "is_any_of",
            "value": [f"{n}@x.pl" for n in range(9_999)],
        },
    ],
)
def test_the_extremes_of_a_filter_are_answered(
    browser: Client, account: AccountInfo, people: list[int], condition: Any
) -> None:
    found = taken(look(browser, account, {"and": [condition]}))
    assert found.problems == ()
    assert found.total.endswith(("contact", "contacts"))
    asked = browser.post(
        reverse("filters:apply", args=[account.id]), {"filter": json.dumps({"and": [condition]})}
    )
    assert len(asked["Location"]) < 8_000
    assert browser.get(asked["Location"]).status_code == 200


def test_an_address_with_a_filter_survives_being_written_again(
    browser: Client, account: AccountInfo, people: list[int]
) -> None:
    value = 'Łódź & "x" + 50% #1?'
    written = {"and": [{"property": "city", "operator": "is", "value": value}]}
    page = table(browser, account, filter=json.dumps(written)).context["page"]
    query = urlsplit(page.address).query
    assert json.loads(parse_qs(query)["filter"][0]) == written
    assert urlencode({"q": "x"}) not in query
