"""A contact's record by keyboard alone: a note and its undo, a merge taken back, a search."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Site
from tests.journeys.look import problems, watched

Start = Callable[..., Site]
SignIn = Callable[..., Page]


def records(page: Page, site: Site) -> list[str]:
    """Return the addresses of the contacts' records, as the table links them."""
    page.goto(site.url("contacts/"))
    expect(page.locator("#contacts-table")).to_have_attribute("role", "grid")
    links = page.locator("#contacts-table a[data-open]").all()
    return [f"{site.address}{link.get_attribute('href')}" for link in links]


def press(page: Page, selector: str, key: str = "Enter") -> None:
    """Give something the focus and press a key on it."""
    one = page.locator(selector)
    one.focus()
    expect(one).to_be_focused()
    page.keyboard.press(key)


def test_a_note_is_written_deleted_and_brought_back(site: Start, signed_in: SignIn) -> None:
    here = site("1")
    page = signed_in(here, viewport={"width": 1440, "height": 900}, locale="en-US")
    [record] = records(page, here)
    page.goto(record)
    page.locator("#note-text").focus()
    page.keyboard.type("Call after Easter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".notes .note__text")).to_have_text("Call after Easter")
    press(page, ".note__buttons button")
    expect(page.locator(".notes .note__text")).to_have_count(0)
    press(page, "form[action*='/restore'] button:text('Undo')")
    expect(page.locator(".notes .note__text")).to_have_text("Call after Easter")


def test_a_note_written_beside_the_table_leaves_the_table_there(
    site: Start, signed_in: SignIn
) -> None:
    here = site("2")
    page = signed_in(here, viewport={"width": 1440, "height": 900}, locale="en-US")
    records(page, here)
    address = page.url
    page.locator("#contacts-table a[data-open]").first.click()
    panel = page.locator("#side-panel")
    panel.locator("#note-text").fill("Call after Easter")
    press(page, "#side-panel .note-form button")
    expect(panel.locator(".notes .note__text")).to_have_text("Call after Easter")
    expect(panel.locator("#note-text")).to_be_focused()
    press(page, "#side-panel .note__buttons button")
    expect(panel.locator(".notes .note__text")).to_have_count(0)
    press(page, "#side-panel form[action*='/restore'] button")
    expect(panel.locator(".notes .note__text")).to_have_text("Call after Easter")
    assert page.url == address
    page.keyboard.press("Escape")
    expect(page.locator("#contacts-table a[data-open]").first).to_be_focused()


def test_records_are_compared_merged_and_parted_again(site: Start, signed_in: SignIn) -> None:
    here = site("1", "--marketing", "1")
    page = signed_in(here, viewport={"width": 1440, "height": 900}, locale="en-US")
    marketing, other = records(page, here)
    number = re.search(r"/(\d+)/$", marketing)
    assert number is not None
    page.goto(f"{other}merge?other={number[1]}")
    expect(page.locator(".merge__outcome")).to_contain_text("usage stays the same")
    press(page, "form.merge .button--primary")
    expect(page.locator("#status-card")).to_contain_text("Marketing contact")
    page.goto(marketing)
    press(page, ".notice a:text('Take the merge back')")
    expect(page.locator("main")).to_contain_text("gets its place back")
    press(page, ".plan-page .button--money")
    expect(page.locator("#status-card")).to_contain_text("Marketing contact")
    page.goto(other)
    expect(page.locator("#status-card")).to_contain_text("Marketing contact until")


def test_one_of_many_properties_is_found_by_its_name_or_value(
    site: Start, signed_in: SignIn
) -> None:
    here = site("1")
    page = signed_in(here, viewport={"width": 1440, "height": 900}, locale="en-US")
    [record] = records(page, here)
    page.goto(f"{record}edit")
    names = ("city", "phone", "company", "jobtitle", "website", "zip", "address", "state")
    for name in names:
        page.fill(f"#f-{name}", f"Łódź {name}" if name == "city" else f"1 {name}")
    press(page, ".form--record .button--primary")
    search = page.locator(".property-search[data-ready] input")
    search.focus()
    page.keyboard.type("lodz")
    expect(page.locator(".facts__history:visible")).to_have_count(1)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("nothing like it")
    expect(page.locator("[data-none-found]")).to_be_visible()


@pytest.mark.parametrize("width", [320, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_record_and_its_pages_look_as_pages_must(
    site: Start, signed_in: SignIn, width: int, scheme: str
) -> None:
    here = site("2", "--marketing", "1", "--language", "pl")
    page = signed_in(
        here, viewport={"width": width, "height": 900}, color_scheme=scheme, locale="pl"
    )
    complaints = watched(page)
    page.goto(here.url("contacts/"))
    first, second, _third = (
        one.get_attribute("href") for one in page.locator("#contacts-table a[data-open]").all()
    )
    assert first and second
    number = second.rstrip("/").rpartition("/")[2]
    for address in (first, f"{first}merge?other={number}", f"{first}properties/lastname"):
        page.goto(f"{here.address}{address}")
        assert problems(page) == []
    page.goto(f"{here.address}{first}merge?other={number}")
    page.locator("form.merge .button--primary").click()
    page.goto(f"{here.address}{second}unmerge")
    assert problems(page) == []
    page.goto(here.url("duplicates/"))
    assert problems(page) == []
    assert complaints == []
