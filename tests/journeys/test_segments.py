"""Segments in a browser, with a worker that keeps them true."""

import json
import re
import time
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Site
from tests.journeys.look import problems, watched
from tests.journeys.test_look import NARROW, WIDE, tab_to

Start = Callable[..., Site]
SignIn = Callable[..., Page]

#: How long a worker of a slow machine may take; a person waits for two seconds.
PATIENCE_SECONDS = 90


def filter_of(city: str) -> str:
    return json.dumps({"and": [{"property": "city", "operator": "is", "value": city}]})


def make_active(page: Page, here: Site, name: str, written: str) -> str:
    """Make a segment by its filter and return its number, once it is built."""
    page.goto(here.url(f"segments/new?{urlencode({'filter': written})}"))
    page.fill("#name", name)
    expect(page.locator("[data-filter-builder][data-ready]")).to_be_visible()
    page.get_by_role("button", name="Create segment").click()
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator("#standing")).to_contain_text("Ready", timeout=PATIENCE_SECONDS * 1000)
    return page.url.rstrip("/").rsplit("/", 1)[1]


def make_list(page: Page, here: Site, name: str, addresses: str) -> str:
    page.goto(here.url("segments/new?kind=fixed"))
    page.fill("#name", name)
    page.fill("#addresses", addresses)
    page.get_by_role("button", name="Create fixed list").click()
    page.get_by_role("link", name="See the list").click()
    expect(page.locator("h1")).to_have_text(name)
    return page.url.rstrip("/").rsplit("/", 1)[1]


def addresses_of(page: Page, here: Site) -> list[str]:
    page.goto(here.url("contacts/"))
    return page.locator("#contacts-table tbody .cell--email").all_inner_texts()


def reload_until(page: Page, selector: str, text: str) -> None:
    """Look again and again, as a person would, until a place says it."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while page.locator(selector).inner_text() != text and time.monotonic() < ends_at:
        page.reload()
    expect(page.locator(selector)).to_have_text(text)


def test_a_contact_joins_and_leaves_as_it_is_edited(site: Start, signed_in: SignIn) -> None:
    here = site("3")
    page = signed_in(here, viewport=WIDE)
    errors = watched(page)
    number = make_active(page, here, "Kraków", filter_of("Kraków"))
    expect(page.locator("#sentence")).to_have_text("City is Kraków")
    expect(page.locator("[data-members]")).to_have_text("0")
    page.goto(here.url("contacts/"))
    record = page.locator("a[data-open]").first.get_attribute("href")
    assert record is not None

    def move_to(city: str) -> None:
        page.goto(f"{here.address}{record}edit")
        page.fill("[name=city]", city)
        page.get_by_role("button", name="Save contact").click()
        expect(page).to_have_url(re.compile(r"/contacts/\d+/$"))

    move_to("Kraków")
    page.goto(here.url(f"segments/{number}/"))
    reload_until(page, "[data-members]", "1")
    expect(page.locator("#people tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Open in contacts").click()
    expect(page.locator("input[data-tick]")).to_have_count(1)
    expect(page.locator("#filters")).to_contain_text("In segment “Kraków”")
    move_to("Gdańsk")
    page.goto(here.url(f"segments/{number}/"))
    reload_until(page, "[data-members]", "0")
    page.locator("#people-left").click()
    expect(page.locator("#people tbody tr")).to_have_count(1)
    expect(page.locator("#people time")).to_have_count(2)
    assert errors == []


def test_a_list_is_filled_and_emptied_by_keyboard_alone(site: Start, signed_in: SignIn) -> None:
    here = site("4")
    page = signed_in(here, viewport=WIDE)
    errors = watched(page)
    first, second, *_others = addresses_of(page, here)
    keys = page.keyboard
    page.goto(here.url("segments/new?kind=fixed"))
    expect(page.locator("#name")).to_be_focused()
    keys.type("Guests")
    tab_to(page, "#addresses")
    keys.insert_text(f"{first}\n{second}\nnobody@example.com")
    tab_to(page, "form.form button")
    keys.press("Enter")
    expect(page.locator("[data-outcome=added]")).to_have_text("2 contacts were added")
    expect(page.locator("[data-outcome=not_found]")).to_have_text("1 address has no contact")
    expect(page.locator(".left-out")).to_have_text("nobody@example.com")
    with page.expect_download() as file:
        page.get_by_role("button", name="Download those left out").press("Enter")
    assert file.value.path().read_text() == 'email\n"nobody@example.com"\n'
    page.get_by_role("link", name="See the list").press("Enter")
    expect(page.locator("[data-members]")).to_have_text("2")
    expect(page.locator("form[data-people][data-ready]")).to_be_visible()
    expect(page.locator("[data-remove]")).to_be_disabled()
    tab_to(page, "[data-tick-people]")
    keys.press(" ")
    expect(page.locator("[data-remove]")).to_be_enabled()
    tab_to(page, "[data-remove]")
    keys.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("2 contacts were taken out of the list.")
    expect(page.locator("[data-members]")).to_have_text("0")
    expect(page.locator("#people-title")).to_be_focused()
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator("[data-members]")).to_have_text("2")
    expect(page.locator("#people tbody tr")).to_have_count(2)
    expect(page.locator("#toasts")).to_contain_text("2 contacts were added.")
    assert errors == []


def test_a_segment_in_use_is_not_deleted_and_a_deleted_one_comes_back(
    site: Start, signed_in: SignIn
) -> None:
    here = site("3")
    page = signed_in(here, viewport=WIDE)
    everybody = addresses_of(page, here)
    inner = make_list(page, here, "Guests", "\n".join(everybody))
    outer = make_active(page, here, "Guests again", json.dumps({"and": [{"segment": int(inner)}]}))
    expect(page.locator("[data-members]")).to_have_text("3")
    page.goto(here.url(f"segments/{inner}/delete"))
    expect(page.locator("[role=alert]")).to_contain_text("cannot be deleted")
    expect(page.locator(".uses")).to_contain_text("Guests again")
    expect(page.get_by_role("button", name="Delete segment")).to_have_count(0)
    for number in (outer, inner):
        page.goto(here.url(f"segments/{number}/"))
        page.locator("details.menu summary").click()
        page.get_by_role("link", name="Delete segment").click()
        page.get_by_role("button", name="Delete segment").click()
        expect(page.locator("h1")).to_have_text("Segments")
    page.get_by_role("link", name="Deleted", exact=True).click()
    expect(page.locator("#segments tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Restore Guests", exact=True).click()
    expect(page.locator("[data-members]")).to_have_text("3")
    page.goto(here.url("segments/"))
    expect(page.locator("#segments tbody th")).to_have_text(["Guests"])


def test_another_filter_says_who_moves_before_it_is_saved(site: Start, signed_in: SignIn) -> None:
    here = site("5")
    page = signed_in(here, viewport=WIDE)
    number = make_active(page, here, "A city", filter_of("Kraków"))
    page.get_by_role("link", name="Change filter").click()
    page.locator(".builder__operator").select_option("is_unknown")
    page.get_by_role("button", name="See who joins and leaves").click()
    expect(page.locator("#moves-title")).to_have_text("5 contacts join.")
    page.get_by_role("button", name="Save filter").click()
    expect(page).to_have_url(re.compile(rf"/segments/{number}/$"))
    reload_until(page, "[data-members]", "5")


@pytest.mark.parametrize(
    ("window", "colours", "language"),
    [(NARROW, "light", "pl"), (WIDE, "dark", "en"), (NARROW, "dark", "en"), (WIDE, "light", "pl")],
)
def test_the_pages_of_a_segment_keep_their_look(
    site: Start, signed_in: SignIn, window: dict[str, int], colours: str, language: str
) -> None:
    here = site("30", "--language", language)
    page = signed_in(here, viewport=window, color_scheme=colours)
    errors = watched(page)
    everybody = addresses_of(page, here)
    page.goto(here.url("segments/new?kind=fixed"))
    page.fill("#name", "Ż" * 200)
    page.fill("#addresses", "\n".join([*everybody, f"{'x' * 60}@example.com", "no address"]))
    page.locator("form.form button").click()
    expect(page.locator("[data-outcome=added]")).to_be_visible()
    wrong = {"added": found} if (found := problems(page)) else {}
    page.locator("main a.button--primary").click()
    number = page.url.rstrip("/").rsplit("/", 1)[1]
    for part in ("", "people", "people?who=left", "add", "rename", "delete", "clear"):
        page.goto(here.url(f"segments/{number}/{part}"))
        if found := problems(page):
            wrong[part] = found
    for address in ("segments/", "segments/?only=deleted", "segments/?q=nothing", "segments/new"):
        page.goto(here.url(address))
        if found := problems(page):
            wrong[address] = found
    assert wrong == {}
    assert errors == []
