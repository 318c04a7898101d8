"""Views above the contacts table: opened, changed, saved, shared and brought back."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from marketable import clock
from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.marketing_status.rules import Status
from marketable.properties import services as properties
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.segments.saved_views import queries
from marketable.segments.saved_views.rules import Sharing, State, Viewer
from marketable.segments.services import segments, views
from marketable.web.contacts.view_bar import ViewBar
from tests import make
from tests.make import JAN_20
from tests.web.guarding import Answer, signed_in, text_of

pytestmark = pytest.mark.django_db

STATE = {"status": "marketing", "sort": "-city", "columns": "email:300,city"}


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def account(db: None) -> AccountInfo:
    return make.account()


@pytest.fixture
def anna(account: AccountInfo) -> User:
    return User.objects.get(email="anna@example.com")


@pytest.fixture
def jan(account: AccountInfo) -> User:
    return make.user(account, "marketer", "jan@example.com")


@pytest.fixture
def browser(anna: User) -> Client:
    return signed_in(anna)


def saved(
    account: AccountInfo,
    user: User,
    name: str = "Poland",
    state: State = STATE,
    sharing: Sharing = Sharing.PRIVATE,
) -> int:
    return views.save_as_new(
        account.id,
        name,
        state,
        sharing=sharing,
        viewer=Viewer(user.pk),
        by=make.source(user),
        now=JAN_20,
    )


def page(browser: Client, account: AccountInfo, query: str = "") -> Answer:
    return browser.get(reverse("contacts:list", args=[account.id]) + query)


def bar(answer: Answer) -> ViewBar:
    found: ViewBar = answer.context["page"].bar
    return found


def asked(url: str) -> dict[str, str]:
    found = parse_qs(urlsplit(url).query, keep_blank_values=True)
    return {name: texts[0] for name, texts in found.items()}


def state_of(account: AccountInfo, user: User, view_id: int) -> State | None:
    return queries.view(account.id, view_id, Viewer(user.pk)).state


def test_without_views_there_are_all_contacts(browser: Client, account: AccountInfo) -> None:
    shown = bar(page(browser, account))
    assert [one.label for one in shown.tabs] == ["All contacts"]
    assert (shown.is_changed, shown.settings_url, shown.is_default) == (False, "", True)


def test_a_view_is_opened_by_its_number_alone(
    browser: Client, account: AccountInfo, anna: User
) -> None:
    make.contact(account, status=Status.MARKETING)
    make.contact(account)
    view_id = saved(account, anna)
    answer = page(browser, account, f"?view={view_id}")
    shown = answer.context["page"]
    assert len(shown.rows) == 1
    assert [one.name for one in shown.headings] == ["name", "email", "city"]
    assert shown.headings[2].aria_sort == "descending"
    assert dict(shown.widths)["email"] == 300
    assert (shown.bar.current.label, shown.bar.is_changed) == ("Poland", False)
    assert asked(shown.address) == {"view": str(view_id)}


def test_the_address_holds_only_what_differs_from_the_view(
    browser: Client, account: AccountInfo, anna: User
) -> None:
    view_id = saved(account, anna)
    answer = page(browser, account, f"?view={view_id}&status=&q=jan")
    shown = answer.context["page"]
    assert asked(shown.address) == {"view": str(view_id), "q": "jan", "status": ""}
    assert shown.bar.is_changed
    assert asked(shown.bar.reset_url) == {"view": str(view_id)}
    chips = {chip.label: chip.url for chip in shown.chips}
    assert asked(chips["Marketing"]) == {"view": str(view_id), "q": "jan"}


def test_a_view_is_saved_as_new_and_opens(
    browser: Client, account: AccountInfo, anna: User
) -> None:
    shown = bar(page(browser, account, "?status=leaving&sort=city"))
    assert shown.is_changed and not shown.save_url
    answer = browser.post(
        shown.new_url, {**dict(shown.state), "name": "Leaving", "sharing": "account"}
    )
    opened = bar(browser.get(answer["Location"]))
    assert (opened.current.label, opened.is_changed) == ("Leaving", False)
    assert state_of(account, anna, int(opened.current.key)) == {"status": "leaving", "sort": "city"}


def test_a_changed_view_is_saved(browser: Client, account: AccountInfo, anna: User) -> None:
    view_id = saved(account, anna)
    shown = bar(page(browser, account, f"?view={view_id}&sort=email&size=100"))
    browser.post(shown.save_url, {**dict(shown.state), "version": shown.version})
    assert state_of(account, anna, view_id) == {**STATE, "sort": "email", "size": "100"}


def test_who_saves_second_keeps_what_they_had(
    browser: Client, account: AccountInfo, anna: User
) -> None:
    view_id = saved(account, anna, sharing=Sharing.ACCOUNT)
    manager = make.user(account, "marketing_manager")
    mine = bar(page(signed_in(manager), account, f"?view={view_id}&sort=email"))
    theirs = bar(page(browser, account, f"?view={view_id}&sort=city"))
    browser.post(theirs.save_url, {**dict(theirs.state), "version": theirs.version})
    second = signed_in(manager)
    answer = second.post(mine.save_url, {**dict(mine.state), "version": mine.version})
    assert answer.status_code == 409
    assert "“Poland” was changed meanwhile. Nothing was overwritten." in text_of(answer)
    kept = dict(answer.context["state"])
    assert (kept["sort"], answer.context["name"]) == ("email", "Poland")
    assert state_of(account, anna, view_id) == {**STATE, "sort": "city"}
    now = str(answer.context["theirs"].version)
    assert second.post(mine.save_url, {**kept, "version": now}).status_code == 302
    assert state_of(account, anna, view_id) == {**STATE, "sort": "email"}


def test_somebody_elses_view_offers_to_be_saved_as_new(
    account: AccountInfo, anna: User, jan: User
) -> None:
    view_id = saved(account, anna, sharing=Sharing.ACCOUNT)
    visitor = signed_in(jan)
    shown = bar(page(visitor, account, f"?view={view_id}&sort=email"))
    assert (shown.is_changed, shown.save_url, shown.suggested) == (True, "", "Poland")
    url = reverse("saved_views:save", args=[account.id, view_id])
    answer = visitor.post(url, {**dict(shown.state), "version": "1"})
    assert answer.status_code == 403
    assert dict(answer.context["state"])["sort"] == "email"
    answer = visitor.post(reverse("saved_views:copy", args=[account.id, view_id]))
    copied = bar(visitor.get(answer["Location"]))
    assert copied.current.label == "Poland" and copied.is_mine
    assert state_of(account, anna, view_id) == STATE


def test_a_name_that_is_taken_is_said_beside_what_was_to_be_kept(
    browser: Client, account: AccountInfo, anna: User
) -> None:
    saved(account, anna)
    url = reverse("saved_views:new", args=[account.id])
    answer = browser.post(url, {"name": "poland", "q": "jan"})
    assert answer.status_code == 409
    assert "There is a view “poland” already." in text_of(answer)
    assert dict(answer.context["state"]) == {"q": "jan"}


def test_a_link_to_a_private_view_shows_what_else_it_says(
    account: AccountInfo, anna: User, jan: User
) -> None:
    view_id = saved(account, anna, "Secret")
    answer = page(signed_in(jan), account, f"?view={view_id}&sort=email")
    assert answer.status_code == 200
    shown = answer.context["page"]
    assert "not shared with you" in shown.bar.notice
    assert "Secret" not in text_of(answer)
    assert {one.name: one.aria_sort for one in shown.headings}["email"] == "ascending"
    nowhere = page(signed_in(jan), account, "?view=999999&sort=email")
    assert bar(nowhere).notice == shown.bar.notice


@pytest.mark.parametrize("sharing", list(Sharing)[::2])
def test_the_link_to_copy_shows_the_same_to_a_colleague(
    browser: Client, account: AccountInfo, anna: User, jan: User, sharing: Sharing
) -> None:
    view_id = saved(account, anna, sharing=sharing)
    mine = page(browser, account, f"?view={view_id}&sort=email").context["page"]
    theirs = signed_in(jan).get(mine.bar.link_url).context["page"]
    assert not theirs.bar.notice
    assert dict(theirs.bar.state) == dict(mine.bar.state)


def test_the_link_of_all_contacts_holds_ones_own_columns(
    browser: Client, account: AccountInfo, jan: User
) -> None:
    browser.post(reverse("contacts:columns", args=[account.id]), {"column": ["city", "phone"]})
    mine = page(browser, account).context["page"]
    assert not mine.bar.is_changed
    theirs = signed_in(jan).get(mine.bar.link_url).context["page"]
    assert [one.name for one in theirs.headings] == ["name", "city", "phone"]
    assert theirs.bar.is_changed


def test_a_default_view_opens_where_the_address_asks_for_nothing(
    browser: Client, account: AccountInfo, anna: User
) -> None:
    view_id = saved(account, anna)
    browser.post(reverse("saved_views:default", args=[account.id]), {"view": str(view_id)})
    shown = page(browser, account).context["page"]
    assert (shown.bar.current.label, shown.bar.is_default) == ("Poland", True)
    assert asked(shown.address) == {"view": str(view_id)}
    everybody = page(browser, account, "?view=all").context["page"]
    assert (everybody.bar.current.key, asked(everybody.address)) == ("all", {"view": "all"})
    assert bar(page(browser, account, "?q=jan")).current.key == "all"
    browser.post(reverse("saved_views:default", args=[account.id]), {"view": "all"})
    assert bar(page(browser, account)).current.key == "all"


def test_columns_of_a_view_are_changed_in_the_address_and_saved_by_its_button(
    browser: Client, account: AccountInfo, anna: User
) -> None:
    view_id = saved(account, anna)
    answer = browser.post(
        reverse("contacts:columns", args=[account.id]),
        {"view": str(view_id), "arrangement": "name:240,city,email:300,no_such"},
    )
    assert asked(answer["Location"]) == {
        "view": str(view_id),
        "columns": "name:240,city,email:300",
    }
    assert state_of(account, anna, view_id) == STATE
    assert not User.objects.get(pk=anna.pk).table_columns
    assert bar(browser.get(answer["Location"])).is_changed


def test_a_view_of_a_property_that_is_gone_still_opens(
    browser: Client, account: AccountInfo, anna: User
) -> None:
    make.contact(account)
    definition = PropertyDef("shoe_size", "Shoe size", PropertyType.STRING, "text")
    properties.create_property(account.id, definition, by=make.source(anna), now=JAN_20)
    state = {"sort": "shoe_size", "columns": "email,shoe_size"}
    view_id = saved(account, anna, state=state)
    properties.archive_property(account.id, "shoe_size", by=make.source(anna), now=JAN_20)
    shown = page(browser, account, f"?view={view_id}").context["page"]
    assert [one.name for one in shown.headings] == ["name", "email"]
    assert len(shown.rows) == 1


def test_a_view_whose_segment_is_gone_needs_attention_and_still_opens(
    browser: Client, account: AccountInfo, anna: User
) -> None:
    make.contact(account)
    by = make.source(anna)
    segment_id = segments.create_fixed(account.id, "Fair", by=by, now=JAN_20).id
    view_id = saved(account, anna, state={"segment": str(segment_id)})
    views.delete(account.id, view_id, viewer=Viewer(anna.pk), by=by, now=JAN_20)
    segments.delete(account.id, segment_id, by=by, now=JAN_20)
    views.restore(account.id, view_id, viewer=Viewer(anna.pk), by=by, now=JAN_20)
    answer = page(browser, account, f"?view={view_id}")
    assert answer.status_code == 200
    assert "Needs attention" in text_of(answer)
    assert answer.context["page"].rows == ()
    listed = browser.get(reverse("saved_views:list", args=[account.id]))
    assert "The segment it shows is gone." in text_of(listed)


def test_a_view_whose_filter_names_a_property_that_is_gone_needs_attention_and_still_opens(
    browser: Client, account: AccountInfo, anna: User
) -> None:
    make.contact(account)
    definition = PropertyDef("shoe_size", "Shoe size", PropertyType.STRING, "text")
    properties.create_property(account.id, definition, by=make.source(anna), now=JAN_20)
    wanted = '{"and":[{"property":"shoe_size","operator":"is_unknown"}]}'
    view_id = saved(account, anna, state={"filter": wanted})
    assert len(page(browser, account, f"?view={view_id}").context["page"].rows) == 1
    properties.archive_property(account.id, "shoe_size", by=make.source(anna), now=JAN_20)
    answer = page(browser, account, f"?view={view_id}")
    assert answer.status_code == 200
    assert "Needs attention" in text_of(answer)
    assert (answer.context["page"].rows, bar(answer).is_changed) == ((), False)
    listed = browser.get(reverse("saved_views:list", args=[account.id]))
    assert "Needs attention" in text_of(listed)
    assert state_of(account, anna, view_id) == {"filter": wanted}


@pytest.mark.parametrize("how_many", [1, 400])
def test_a_view_keeps_a_filter_however_long_it_is(
    browser: Client, account: AccountInfo, anna: User, how_many: int
) -> None:
    make.contact(account, city="Łódź 0")
    make.contact(account, city="Gdynia")
    conditions = [
        {"property": "city", "operator": "is", "value": f"Łódź {number}"}
        for number in range(how_many)
    ]
    wanted = json.dumps({"or": conditions}, ensure_ascii=False)
    answer = browser.post(
        reverse("saved_views:new", args=[account.id]), {"name": "Łódź", "filter": wanted}
    )
    opened = browser.get(answer["Location"]).context["page"]
    assert (len(opened.rows), opened.bar.is_changed) == (1, False)
    assert json.loads(dict(opened.bar.state)["filter"]) == {"or": conditions}
    assert set(asked(opened.address)) == {"view"}
    sorted_by = browser.get(opened.headings[1].sort_url).context["page"]
    assert (len(sorted_by.rows), set(asked(sorted_by.address))) == (1, {"view", "sort"})
    everybody = browser.get(opened.clear_url).context["page"]
    assert (len(everybody.rows), asked(everybody.address)["filter"]) == (2, "")
    for shown in (opened, sorted_by):
        theirs = browser.get(shown.bar.link_url).context["page"]
        assert dict(theirs.bar.state) == dict(shown.bar.state)


def test_a_deleted_view_is_brought_back_by_undo(
    browser: Client, account: AccountInfo, anna: User
) -> None:
    view_id = saved(account, anna, "Zażółć")
    answer = browser.post(reverse("saved_views:delete", args=[account.id, view_id]), follow=True)
    assert "“Zażółć” was deleted." in text_of(answer)
    answer = browser.post(reverse("saved_views:restore", args=[account.id, view_id]), follow=True)
    assert bar(answer).current.label == "Zażółć"


def test_the_settings_of_a_view_name_it_and_say_who_sees_it(
    browser: Client, account: AccountInfo, anna: User, jan: User
) -> None:
    view_id = saved(account, anna)
    url = reverse("saved_views:settings", args=[account.id, view_id])
    form = {"name": "Polska", "sharing": "people", "person": str(jan.pk), "version": "1"}
    assert browser.post(url, form).status_code == 302
    assert bar(page(signed_in(jan), account, f"?view={view_id}")).current.label == "Polska"
    assert browser.post(url, form).status_code == 409
    assert "Polska" in text_of(signed_in(jan).get(url))


def test_the_export_has_the_columns_that_the_table_shows(
    browser: Client, account: AccountInfo, anna: User
) -> None:
    make.contact(account, city="Łódź")
    view_id = saved(account, anna)
    shown = page(browser, account, f"?view={view_id}").context["page"]
    answer: Any = browser.post(
        reverse("contacts:export", args=[account.id]),
        {"everyone": "1", "columns": shown.columns},
    )
    header = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()[0]
    assert "city" in header.casefold() and "phone" not in header.casefold()


def test_the_chooser_offers_every_column_by_group(browser: Client, account: AccountInfo) -> None:
    url = reverse("contacts:columns", args=[account.id])
    for headers in ({}, {"HX-Request": "true"}):
        answer = browser.get(url + "?columns=city,email", headers=headers)
        assert [one.name for one in answer.context["shown"]] == ["city", "email"]
        offered = [one.name for _label, group in answer.context["groups"] for one in group]
        assert {"phone", "status"} <= set(offered) and not {"city", "name"} & set(offered)


def test_a_page_asks_the_database_as_often_whatever_views_there_are(
    browser: Client, account: AccountInfo, anna: User, jan: User
) -> None:
    make.contacts(account, 3)

    def statements(query: str) -> int:
        page(browser, account, query)
        with CaptureQueriesContext(
            connection,
        ) as asked_for:
            page(browser, account, query)
        return len(asked_for)

    before = statements("?sort=email")
    first = saved(account, anna, "First", {"sort": "email"})
    for number in range(20):
        saved(account, jan, f"View {number}", sharing=Sharing.ACCOUNT)
    assert statements("?sort=email") == statements(f"?view={first}") == before


def values(answer: Any) -> list[str]:
    return [one.label for one in bar(answer).tabs]


def test_ones_own_views_come_first_then_those_of_others_by_name(
    browser: Client, account: AccountInfo, anna: User, jan: User
) -> None:
    saved(account, jan, "Alfa", sharing=Sharing.ACCOUNT)
    saved(account, anna, "Żabka")
    saved(account, anna, "Beta")
    assert values(page(browser, account)) == ["All contacts", "Beta", "Żabka", "Alfa"]
