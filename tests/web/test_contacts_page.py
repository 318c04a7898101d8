"""The contacts page through its door: table, filters, paging, rights, deletion and export."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from marketable import clock
from marketable.accounts.models import Account, User
from marketable.accounts.queries import AccountInfo
from marketable.marketing_status import queries as status_queries
from marketable.marketing_status.rules import Status
from marketable.web.contacts import columns
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


def table(browser: Client, account: AccountInfo, address: str = "", **headers: str) -> Answer:
    return browser.get(reverse("contacts:list", args=[account.id]) + address, headers=headers)


def names(answer: Answer) -> list[str]:
    page = answer.context["page"]
    return [row.cells[0].text for row in page.rows]


def page_of(answer: Answer) -> Any:
    return answer.context["page"]


def people(account: AccountInfo, *full_names: str) -> list[int]:
    return [
        make.contact(account, firstname=name.split()[0], lastname=name.split()[1])
        for name in full_names
    ]


# The table


def test_the_newest_contact_is_first(browser: Client, account: AccountInfo) -> None:
    people(account, "Anna Nowak", "Bo Berg", "Cai Chen")
    answer = table(browser, account)
    assert names(answer) == ["Cai Chen", "Bo Berg", "Anna Nowak"]
    assert page_of(answer).total_text == "3"


def test_the_status_is_said_in_words_with_the_date(
    browser: Client, account: AccountInfo
) -> None:  # S1
    for status in Status:
        make.contact(account, status=status)
    said = text(table(browser, account))
    assert "Until 1 Feb 2027" in said
    assert table(browser, account).content.decode().count("status__shape") >= 3


@pytest.mark.parametrize(
    ("asked", "found"),
    [("marketing", ["Mia M"]), ("non_marketing", ["Nil N"]), ("leaving", ["Lea L"])],
)
def test_the_status_filter_shows_that_status_only(
    browser: Client, account: AccountInfo, asked: str, found: list[str]
) -> None:
    make.contact(account, firstname="Mia", lastname="M", status=Status.MARKETING)
    make.contact(account, firstname="Nil", lastname="N")
    make.contact(account, firstname="Lea", lastname="L", status=Status.LEAVING)
    assert names(table(browser, account, f"?status={asked}")) == found


def test_a_header_sorts_reverses_and_clears(browser: Client, account: AccountInfo) -> None:
    people(account, "Bo Berg", "Cai Adler", "Anna Chen")
    plain = table(browser, account)
    first = page_of(plain).headings[0]
    assert (first.name, first.aria_sort) == ("name", "")
    up = browser.get(first.sort_url)
    assert names(up) == ["Cai Adler", "Bo Berg", "Anna Chen"]
    assert 'aria-sort="ascending"' in up.content.decode()
    down = browser.get(page_of(up).headings[0].sort_url)
    assert names(down) == ["Anna Chen", "Bo Berg", "Cai Adler"]
    assert 'aria-sort="descending"' in down.content.decode()
    cleared = browser.get(page_of(down).headings[0].sort_url)
    assert "aria-sort" not in cleared.content.decode()
    assert names(cleared) == names(plain)


def test_every_column_that_offers_to_sort_can(browser: Client, account: AccountInfo) -> None:
    make.contacts(account, 3)
    every = ",".join(choice.name for choice in columns.offered(account)[1:])
    headings = page_of(table(browser, account, f"?columns={every}")).headings
    assert len([one for one in headings if one.sort_url]) > 5
    for heading in headings:
        if heading.sort_url:
            up = browser.get(heading.sort_url)
            assert (up.status_code, len(names(up))) == (200, 3), heading.name
            down = browser.get(up.context["page"].headings[headings.index(heading)].sort_url)
            assert (down.status_code, len(names(down))) == (200, 3), heading.name


def test_a_large_table_is_sorted_by_what_an_index_serves_only(
    browser: Client, account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(account, "Bo Berg", "Cai Adler", "Anna Chen")
    monkeypatch.setattr(columns, "SORTED_UP_TO", 2)
    page = page_of(table(browser, account, "?columns=email,status,source,city,createdate"))
    can = {heading.name: bool(heading.sort_url) for heading in page.headings}
    assert can == {
        "name": True,
        "email": True,
        "status": True,
        "source": False,
        "city": False,
        "createdate": True,
    }
    assert names(table(browser, account, "?sort=city")) == ["Anna Chen", "Cai Adler", "Bo Berg"]
    found = page_of(table(browser, account, "?q=an&columns=city"))
    assert all(heading.sort_url for heading in found.headings)


def test_an_unknown_sort_or_column_is_left_out(browser: Client, account: AccountInfo) -> None:
    make.contacts(account, 2)
    for address in ("?sort=no_such", "?sort=-';--", "?columns=no_such,<b>", "?sort=archived_at"):
        answer = table(browser, account, address)
        assert answer.status_code == 200
        assert len(names(answer)) == 2


def test_pages_follow_each_other_without_a_gap(browser: Client, account: AccountInfo) -> None:
    made = make.contacts(account, 120)
    seen: list[int] = []
    address = reverse("contacts:list", args=[account.id]) + "?sort=email"
    pages = 0
    while address:
        answer = browser.get(address)
        page = answer.context["page"]
        seen += [int(row.key) for row in page.rows]
        last, address = page, page.next_url
        pages += 1
    assert pages == 3
    assert sorted(seen) == sorted(made)
    assert len(set(seen)) == 120
    back = browser.get(last.previous_url).context["page"]
    assert [int(row.key) for row in back.rows] == seen[50:100]
    assert "sort=email" in last.previous_url


def test_a_hundred_rows_on_demand(browser: Client, account: AccountInfo) -> None:
    make.contacts(account, 60)
    assert len(names(table(browser, account))) == 50
    assert len(names(table(browser, account, "?size=100"))) == 60
    assert len(names(table(browser, account, "?size=100000"))) == 50


def test_a_forged_place_in_the_table_is_the_first_page(
    browser: Client, account: AccountInfo
) -> None:
    make.contacts(account, 60)
    genuine = parse_qs(urlsplit(page_of(table(browser, account, "?sort=email")).next_url).query)
    for forged in ("x", "bnVsbA", "WyJ4IiwxXQ", genuine["after"][0][:-2] + "zz"):
        for sort in ("", "email", "status", "lastmodifieddate"):
            answer = table(browser, account, f"?after={forged}&sort={sort}")
            assert answer.status_code == 200
            assert len(names(answer)) == 50
    other_sort = table(browser, account, f"?sort=status&after={genuine['after'][0]}")
    assert (other_sort.status_code, len(names(other_sort))) == (200, 50)


def test_a_page_that_ran_empty_is_the_first_page(browser: Client, account: AccountInfo) -> None:
    make.contacts(account, 51)
    address = page_of(table(browser, account)).next_url
    last = browser.get(address).context["page"].rows[0].key
    from marketable import sql

    sql.execute("UPDATE contact SET archived_at = now() WHERE id = %(id)s", {"id": int(last)})
    assert len(browser.get(address).context["page"].rows) == 50


# Search


def test_search_finds_by_name_address_and_phone(browser: Client, account: AccountInfo) -> None:
    make.contact(
        account, firstname="Łucja", lastname="Żak", email="lucja@firma.pl", phone="+48 601 234 567"
    )
    make.contact(account, firstname="Bo", lastname="Berg")
    for asked in ("zak", "ŁUCJA", "lucja@fir", "601234"):
        assert names(table(browser, account, f"?q={asked}")) == ["Łucja Żak"], asked


def test_a_search_keeps_the_rest_of_the_state(browser: Client, account: AccountInfo) -> None:
    make.contacts(account, 3)
    page = page_of(table(browser, account, "?q=now&sort=-email&status=non_marketing&size=100"))
    assert dict(page.search_state) == {
        "sort": "-email",
        "status": "non_marketing",
        "size": "100",
    }
    assert all("q=now" in chip.url for chip in page.chips)


def test_a_search_is_shown_as_text(browser: Client, account: AccountInfo) -> None:  # J19
    answer = table(browser, account, "?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in answer.content.decode()
    make.contact(account, firstname="<b>Bold</b>", lastname="=1+1")
    assert "<b>Bold</b>" not in table(browser, account).content.decode()


def test_htmx_gets_the_part_and_a_browser_the_page(browser: Client, account: AccountInfo) -> None:
    make.contacts(account, 2)
    part = table(browser, account, **{"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    assert 'id="results"' in part.content.decode()
    assert "HX-Request" in part.headers["Vary"]
    back = table(browser, account, **{"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in back.content.decode()


# Empty


def test_no_data_offers_a_beginning(browser: Client, account: AccountInfo) -> None:
    answer = table(browser, account)
    assert "There are no contacts yet." in text(answer)
    assert reverse("imports:list", args=[account.id]) in answer.content.decode()


def test_no_match_offers_to_clear_the_filters(browser: Client, account: AccountInfo) -> None:
    make.contacts(account, 1)
    answer = table(browser, account, "?q=nobody&sort=email")
    assert "No contact matches." in text(answer)
    cleared = browser.get(page_of(answer).clear_url)
    assert len(names(cleared)) == 1
    assert "sort=email" in page_of(answer).clear_url


# Counting


def test_the_total_of_many_is_about_and_exact_on_demand(
    browser: Client, account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from marketable.contacts import queries

    monkeypatch.setattr(queries, "COUNT_BOUND", 3)
    make.contacts(account, 55)
    page = page_of(table(browser, account))
    assert page.total_text.startswith("about ")
    assert page.total_key == ""
    exact = browser.get(page.count_url, headers={"HX-Request": "true"})
    assert text(exact).strip() == "55"
    plain = browser.get(page.count_url)
    assert page_of(plain).total_text == "55"
    assert len(names(plain)) == 50


def test_the_total_of_what_one_page_shows_is_exact(
    browser: Client, account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from marketable.contacts import queries

    monkeypatch.setattr(queries, "COUNT_BOUND", 3)
    make.contacts(account, 5)
    assert page_of(table(browser, account)).total_text == "5"
    assert page_of(table(browser, account, "?q=nowak")).total_text == "5"


def test_the_total_of_a_search_is_about_what_it_found(
    browser: Client, account: AccountInfo
) -> None:
    make.contacts(account, 55)
    page = page_of(table(browser, account, "?q=nowak"))
    assert (page.total_text, page.total_key) == ("about 55", "")
    assert text(browser.get(page.count_url, headers={"HX-Request": "true"})).strip() == "55"


# Columns


def test_columns_are_chosen_per_person(browser: Client, account: AccountInfo) -> None:
    make.contact(account, city="Gdynia")
    answer = browser.post(
        reverse("contacts:columns", args=[account.id]),
        {"column": ["city", "email"], "q": "nowak", "columns": "phone"},
    )
    assert answer.status_code == 302
    state = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert (state["q"], state["columns"]) == (["nowak"], ["city,email"])  # a link to hand on
    shown = [heading.name for heading in page_of(table(browser, account)).headings]
    assert shown == ["name", "city", "email"]
    colleague = signed_in(make.user(account))
    assert len(page_of(table(colleague, account)).headings) > 5
    browser.post(reverse("contacts:columns", args=[account.id]), {"reset": "1"})
    assert len(page_of(table(browser, account)).headings) > 5


@pytest.mark.parametrize(
    ("move", "order"),
    [
        ("left:email", ["email", "city", "phone"]),
        ("right:email", ["city", "phone", "email"]),
        ("left:city", ["city", "email", "phone"]),
        ("right:phone", ["city", "email", "phone"]),
        ("left:no_such", ["city", "email", "phone"]),
    ],
)
def test_a_column_moves_without_a_script(
    browser: Client, account: AccountInfo, move: str, order: list[str]
) -> None:
    browser.post(
        reverse("contacts:columns", args=[account.id]),
        {"column": ["city", "email", "phone"], "move": move},
    )
    make.contact(account)
    page = page_of(table(browser, account))
    assert [heading.name for heading in page.headings] == ["name", *order]
    chooser = browser.get(reverse("contacts:columns", args=[account.id]))
    assert [column.name for column in chooser.context["shown"]] == order


def test_columns_in_the_address_are_for_that_link_only(
    browser: Client, account: AccountInfo
) -> None:
    make.contacts(account, 1)
    answer = table(browser, account, "?columns=city,phone")
    assert [one.name for one in page_of(answer).headings] == ["name", "city", "phone"]
    assert len(page_of(table(browser, account)).headings) > 5


def test_only_columns_that_exist_are_remembered(browser: Client, account: AccountInfo) -> None:
    browser.post(
        reverse("contacts:columns", args=[account.id]), {"column": ["city", "no_such", "<b>"]}
    )
    user = User.objects.get(email="anna@example.com")
    assert user.table_columns[str(account.id)] == ["city"]


# Rights


def test_another_account_is_not_there(
    browser: Client, account: AccountInfo, other_account: AccountInfo
) -> None:
    make.contacts(other_account, 1)
    for name in ("list", "create", "count"):
        answer = browser.get(reverse(f"contacts:{name}", args=[other_account.id]))
        assert answer.status_code == 404, name
    for name in ("columns", "create", "export", "plan", "delete"):
        answer = browser.post(reverse(f"contacts:{name}", args=[other_account.id]), {})
        assert answer.status_code == 404, name


def test_a_table_never_shows_another_accounts_contacts(
    browser: Client, account: AccountInfo, other_account: AccountInfo
) -> None:
    make.contact(other_account, firstname="Theirs", lastname="Only")
    make.contact(account, firstname="Mine", lastname="Own")
    for address in ("", "?q=only", "?status=non_marketing", "?status=archived"):
        assert "Theirs" not in text(table(browser, account, address))


def test_a_seller_sees_the_teams_contacts_only(account: AccountInfo) -> None:  # P1
    seller = make.user(account, "sales")
    make.contact(account, firstname="My", lastname="Lead", hubspot_owner_id=str(seller.pk))
    make.contact(account, firstname="Somebody", lastname="Else")
    answer = table(signed_in(seller), account)
    assert names(answer) == ["My Lead"]
    assert page_of(answer).total_text == "1"


def test_billing_people_see_no_contacts(account: AccountInfo) -> None:  # P1
    assert table(signed_in(make.user(account, "billing")), account).status_code == 403


def test_an_expired_session_is_asked_to_sign_in(account: AccountInfo) -> None:
    answer = table(Client(), account)
    assert answer.status_code == 302
    assert reverse("account_login") in answer.headers["Location"]


def test_what_one_may_not_do_stays_visible_with_the_reason(account: AccountInfo) -> None:  # P4
    make.contacts(account, 1)
    analyst = table(signed_in(make.user(account, "analyst")), account)
    actions = {action.code: action for action in page_of(analyst).actions}
    assert not actions["start"].is_enabled
    assert "Marketing contacts access" in actions["start"].reason
    assert "anna@example.com" in actions["start"].reason
    assert actions["export"].is_enabled
    assert "Set as marketing contacts" in text(analyst)


def test_without_access_there_is_no_status_but_the_action_says_why(
    browser: Client, account: AccountInfo
) -> None:  # E4
    make.contacts(account, 1)
    Account.objects.filter(id=account.id).update(has_marketing_contacts=False)
    page = page_of(table(browser, account))
    assert "status" not in [heading.name for heading in page.headings]
    assert "source" not in [heading.name for heading in page.headings]
    assert not {"marketing", "leaving", "non_marketing"} & {chip.status for chip in page.chips}
    start = next(action for action in page.actions if action.code == "start")
    assert "does not have marketing contacts" in start.reason
    assert names(table(browser, account, "?status=marketing")) == names(table(browser, account))


# Creating


def test_a_new_contact_is_non_marketing_unless_ticked(
    browser: Client, account: AccountInfo
) -> None:  # R3
    address = reverse("contacts:create", args=[account.id])
    assert "checked" not in browser.get(address).content.decode()
    browser.post(address, {"email": "New@Example.com", "firstname": "New", "lastname": "Person"})
    assert names(table(browser, account)) == ["New Person"]
    assert status_queries.usage(account.id, JAN_20.date()).usage == 0
    browser.post(address, {"email": "second@example.com", "firstname": "Second", "marketing": "1"})
    assert status_queries.usage(account.id, JAN_20.date()).usage == 1


def test_the_tick_needs_the_right(account: AccountInfo) -> None:  # R3, P3
    seller = make.user(account, "sales")
    browser = signed_in(seller)
    address = reverse("contacts:create", args=[account.id])
    assert "Marketing contacts access" in browser.get(address).content.decode()
    refused = browser.post(address, {"email": "x@example.com", "marketing": "1"})
    assert refused.status_code == 403
    assert names(table(signed_in(User.objects.get(email="anna@example.com")), account)) == []


def test_an_address_that_is_taken_names_the_other_contact(
    browser: Client, account: AccountInfo
) -> None:  # S18
    there = make.contact(account, email="taken@example.com")
    answer = browser.post(
        reverse("contacts:create", args=[account.id]),
        {"email": " Taken@example.com", "firstname": "Kept"},
    )
    assert answer.status_code == 409
    body = answer.content.decode()
    assert reverse("records:show", args=[account.id, there]) in body
    assert 'value="Kept"' in body
    assert len(names(table(browser, account))) == 1


@pytest.mark.parametrize("given", ["no-at-sign", "a@b\nc.com", "x" * 250 + "@example.com"])
def test_a_bad_address_is_said_beside_the_field(
    browser: Client, account: AccountInfo, given: str
) -> None:  # J8
    answer = browser.post(reverse("contacts:create", args=[account.id]), {"email": given})
    assert answer.status_code == 400
    assert "aria-invalid" in answer.content.decode()
    assert names(table(browser, account)) == []


def test_creating_needs_the_right(account: AccountInfo) -> None:
    browser = signed_in(make.user(account, "analyst"))
    address = reverse("contacts:create", args=[account.id])
    assert browser.get(address).status_code == 403
    assert browser.post(address, {"email": "x@example.com"}).status_code == 403


def test_a_full_ceiling_creates_nobody_as_marketing(db: None) -> None:  # O3
    account = make.account(at_limit="ceiling", ceiling=0)
    browser = signed_in(User.objects.get(email="anna@example.com"))
    answer = browser.post(
        reverse("contacts:create", args=[account.id]),
        {"email": "x@example.com", "firstname": "Kept", "marketing": "1"},
    )
    assert answer.status_code == 409
    assert "do not fit" in text(answer)
    assert names(table(browser, account)) == []


# Deleting


def plan_in(asked: Answer) -> str:
    """Return the number of the plan that a page shows."""
    return str(dict(asked.context["confirm_fields"])["plan"])


def test_deleting_asks_first_and_says_that_places_stay(
    browser: Client, account: AccountInfo
) -> None:  # S10
    chosen = make.contacts(account, 2, status=Status.MARKETING)
    make.contact(account, firstname="Stays", lastname="Here")
    address = reverse("contacts:delete", args=[account.id])
    asked = browser.post(address, {"id": chosen})
    assert "Delete 2 contacts" in text(asked)
    assert "1 Feb 2027" in text(asked)
    assert len(names(table(browser, account))) == 3
    browser.post(address, {"plan": plan_in(asked), "count": "2"})
    assert names(table(browser, account)) == ["Stays Here"]
    assert len(names(table(browser, account, "?status=archived"))) == 2
    assert status_queries.usage(account.id, JAN_20.date()).usage == 2


def test_deleting_a_set_that_changed_asks_again(browser: Client, account: AccountInfo) -> None:
    make.contacts(account, 2)
    address = reverse("contacts:delete", args=[account.id])
    asked = browser.post(address, {"everyone": "1"})
    make.contact(account)
    again = browser.post(address, {"plan": plan_in(asked), "count": "2"})
    assert again.status_code == 409
    assert "It was 2, is now 3." in text(again)
    assert len(names(table(browser, account))) == 3


def test_deleting_many_needs_the_right(account: AccountInfo) -> None:
    contact_id = make.contact(account)
    browser = signed_in(make.user(account, "marketer"))
    answer = browser.post(reverse("contacts:delete", args=[account.id]), {"id": [contact_id]})
    assert answer.status_code == 403
    assert len(names(table(browser, account))) == 1


def test_contacts_of_another_account_cannot_be_deleted(
    browser: Client, account: AccountInfo, other_account: AccountInfo
) -> None:
    theirs = make.contact(other_account, firstname="Still", lastname="There")
    address = reverse("contacts:delete", args=[account.id])
    asked = browser.post(address, {"id": [theirs]})
    assert "Nothing would change" in text(asked)
    owner = User.objects.get(email="owner@other.example")
    planned = signed_in(owner).post(
        reverse("contacts:delete", args=[other_account.id]), {"id": [theirs]}
    )
    answer = browser.post(address, {"plan": plan_in(planned), "count": "1"})
    assert answer.status_code == 404
    assert names(table(signed_in(owner), other_account)) == ["Still There"]


# Exporting


def exported(answer: Answer) -> list[str]:
    body = b"".join(answer.streaming_content).decode()
    return body.lstrip("\ufeff").splitlines()


def test_a_selection_is_exported_and_nothing_else(browser: Client, account: AccountInfo) -> None:
    first, _second = people(account, "Anna Nowak", "Bo Berg")
    address = reverse("contacts:export", args=[account.id])
    lines = exported(browser.post(address, {"id": [first]}))
    assert len(lines) == 2
    assert "Nowak" in lines[1]
    assert len(exported(browser.post(address, {"everyone": "1"}))) == 3


def test_an_export_is_safe_to_open(browser: Client, account: AccountInfo) -> None:  # J19
    make.contact(account, firstname="=HYPERLINK(1)", lastname="+1")
    body = "\n".join(
        exported(browser.post(reverse("contacts:export", args=[account.id]), {"everyone": "1"}))
    )
    assert "'=HYPERLINK(1)" in body
    assert ",=HYPERLINK" not in body


def test_exporting_needs_the_right(account: AccountInfo) -> None:
    browser = signed_in(make.user(account, "marketer"))
    answer = browser.post(reverse("contacts:export", args=[account.id]), {"everyone": "1"})
    assert answer.status_code == 403


def test_an_export_holds_no_contact_of_another_account(
    browser: Client, account: AccountInfo, other_account: AccountInfo
) -> None:
    theirs = make.contact(other_account, firstname="Theirs", lastname="Only")
    answer = browser.post(reverse("contacts:export", args=[account.id]), {"id": [theirs]})
    assert len(exported(answer)) == 1


def test_what_created_contacts_is_a_column(browser: Client, account: AccountInfo) -> None:
    make.contacts(account, 3)
    url = reverse("contacts:list", args=[account.id])
    page = browser.get(url, {"columns": "hs_object_source,hs_object_source_label"})
    assert page.content.decode().count(">COMMAND<") == 3
    assert page.content.decode().count(">Unknown<") == 3
    assert "sort=hs_object_source" not in page.content.decode()
