"""The main job in a real browser: tick, see the cost, type the number, confirm, see usage move."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Site
from tests.journeys.look import watched

Start = Callable[..., Site]
SignIn = Callable[..., Page]


def contacts(page: Page, site: Site, address: str = "") -> None:
    page.goto(site.url(f"contacts/{address}"))
    expect(page.locator("#contacts-table")).to_be_visible()


def open_plan(page: Page, action: str = "Set as marketing contacts") -> None:
    page.locator(".menu--more summary").click()
    page.get_by_role("button", name=action, exact=True).click()
    expect(page.locator("#plan-dialog")).to_be_visible()


def test_twenty_five_ticked_contacts_become_marketing(site: Start, signed_in: SignIn) -> None:
    here = site("60")
    page = signed_in(here)
    errors = watched(page)
    contacts(page, here)
    boxes = page.locator("input[data-tick]")
    first_row = page.locator("#contacts-table tbody tr").first.bounding_box()
    boxes.first.check()
    expect(page.locator("[data-summary]")).to_have_text("1 selected")
    assert page.locator("#contacts-table tbody tr").first.bounding_box() == first_row
    for place in range(1, 25):
        boxes.nth(place).check()
    expect(page.locator("[data-summary]")).to_have_text("25 selected")
    open_plan(page)
    dialog = page.locator("#plan-dialog")
    expect(dialog).to_contain_text("Set 25 contacts as marketing contacts")
    confirm = dialog.get_by_role("button", name="Confirm: set 25 contacts")
    expect(confirm).to_be_disabled()
    field = dialog.locator("input[name=count]")
    expect(field).to_be_focused()
    for wrong in ("24", "2 5", "25.0", "-25", "1e3", ""):
        field.fill(wrong)
        expect(confirm).to_be_disabled()
    field.fill("25")
    expect(confirm).to_be_enabled()
    confirm.click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#toasts")).to_contain_text("25 contacts are marketing contacts now.")
    expect(page.locator(".status--marketing:visible", has_text="Marketing")).to_have_count(25)
    expect(page.locator("#bulk-bar")).to_be_hidden()
    expect(page.locator("#usage")).to_contain_text("25")
    page.get_by_role("link", name="See them").click()
    expect(page.locator("input[data-tick]")).to_have_count(25)
    assert errors == []


def test_all_that_match_but_one_survive_paging(site: Start, signed_in: SignIn) -> None:  # B2
    here = site("120")
    page = signed_in(here)
    contacts(page, here)
    page.locator("input[data-tick-page]").check()
    expect(page.locator("[data-summary]")).to_have_text("All 50 on this page are selected.")
    page.get_by_role("button", name="Select all 120 that match").click()
    expect(page.locator("[data-summary]")).to_have_text("All that match are selected: 120.")
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page.get_by_role("link", name="Previous", exact=True)).to_be_visible()
    expect(page.locator("input[data-tick]:checked")).to_have_count(50)
    page.locator("input[data-tick]").nth(3).uncheck()
    expect(page.locator("[data-summary]")).to_have_text("All but 1 are selected: 119.")
    page.get_by_role("link", name="Previous", exact=True).click()
    expect(page.get_by_role("link", name="Previous", exact=True)).to_have_count(0)
    expect(page.locator("input[data-tick]:checked")).to_have_count(50)
    open_plan(page)
    expect(page.locator("#plan-dialog")).to_contain_text("Set 119 contacts as marketing contacts")
    page.keyboard.press("Escape")
    expect(page.locator("#plan-dialog")).to_be_hidden()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#tool-row")).to_be_visible()


def test_ticks_end_when_the_filter_changes(site: Start, signed_in: SignIn) -> None:  # B2
    here = site("5", "--marketing", "3")
    page = signed_in(here)
    contacts(page, here)
    page.locator("input[data-tick]").first.check()
    contacts(page, here, "?sort=email")
    expect(page.locator("#bulk-bar")).to_be_visible()
    contacts(page, here, "?status=marketing")
    expect(page.locator("input[data-tick]")).to_have_count(3)
    expect(page.locator("#bulk-bar")).to_be_hidden()
    contacts(page, here)
    expect(page.locator("#bulk-bar")).to_be_hidden()


def test_a_set_that_changed_is_asked_for_again(site: Start, signed_in: SignIn) -> None:  # B5
    here = site("4")
    page = signed_in(here)
    contacts(page, here)
    page.locator("input[data-tick-page]").check()
    open_plan(page)
    other = signed_in(here)
    contacts(other, here)
    other.locator("input[data-tick]").first.check()
    open_plan(other)
    other.locator("#plan-dialog input[name=count]").fill("1")
    other.get_by_role("button", name="Confirm: set 1 contact").click()
    expect(other.locator("#toasts")).to_contain_text("1 contact is a marketing contact now.")
    page.locator("#plan-dialog input[name=count]").fill("4")
    page.get_by_role("button", name="Confirm: set 4 contacts").click()
    expect(page.locator("#plan-dialog")).to_contain_text("It was 4, is now 3.")
    expect(page.get_by_role("button", name="Confirm: set 3 contacts")).to_be_disabled()


def test_a_large_one_runs_in_jobs_with_progress(site: Start, signed_in: SignIn) -> None:  # B6
    here = site("2050")
    page = signed_in(here)
    contacts(page, here)
    page.locator("input[data-tick-page]").check()
    page.get_by_role("button", name="Select all 2,050 that match").click()
    open_plan(page)
    page.locator("#plan-dialog input[name=count]").fill("2,050")
    page.get_by_role("button", name="Confirm: set 2,050 contacts").click()
    page.locator("#toasts").get_by_role("link", name="See the progress").click()
    expect(page.locator("#job")).to_contain_text("2,050 of 2,050", timeout=30_000)
    expect(page.locator("#job")).to_contain_text("2,050 set as marketing contacts")
    expect(page.locator("#job")).to_contain_text("Done")
    page.get_by_role("button", name=re.compile("Take back on")).click()
    expect(page.locator("#job")).to_contain_text("2,050 staged as non-marketing", timeout=30_000)


def test_the_table_is_walked_by_the_keyboard(site: Start, signed_in: SignIn) -> None:
    here = site("8")
    page = signed_in(here)
    contacts(page, here)
    page.locator("#contacts-table tbody a[data-open]").first.focus()
    focused = (
        "document.activeElement.closest('td, th').cellIndex + ',' + "
        "document.activeElement.closest('tr').rowIndex"
    )
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == "1,2"
    page.keyboard.press("End")
    assert page.evaluate(focused) == "9,2"
    page.keyboard.press("Home")
    assert page.evaluate(focused) == "0,2"
    page.keyboard.press(" ")
    expect(page.locator("[data-summary]")).to_have_text("1 selected")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator("[data-summary]")).to_have_text("3 selected")
    page.keyboard.press("Shift+ArrowUp")
    expect(page.locator("[data-summary]")).to_have_text("2 selected")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator("[data-summary]")).to_have_text("4 selected")
    page.keyboard.press("ControlOrMeta+a")
    expect(page.locator("[data-summary]")).to_have_text("All 8 on this page are selected.")
    page.keyboard.press("Escape")
    expect(page.locator("#bulk-bar")).to_be_hidden()
    page.keyboard.press("ControlOrMeta+End")
    assert page.evaluate(focused) == "9,8"
    page.keyboard.press("ControlOrMeta+Home")
    assert page.evaluate(focused) == "0,1"
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()


def test_shift_and_a_click_tick_a_range(site: Start, signed_in: SignIn) -> None:
    here = site("8")
    page = signed_in(here)
    contacts(page, here)
    boxes = page.locator("input[data-tick]")
    boxes.nth(1).click()
    boxes.nth(5).click(modifiers=["Shift"])
    expect(page.locator("[data-summary]")).to_have_text("5 selected")


def test_search_answers_while_typing_and_keeps_the_focus(site: Start, signed_in: SignIn) -> None:
    here = site("30")
    page = signed_in(here)
    contacts(page, here)
    search = page.locator("#search")
    search.click()
    search.press_sequentially("nowak 17", delay=20)
    expect(page.locator("input[data-tick]")).to_have_count(1)
    expect(search).to_be_focused()
    expect(search).to_have_value("nowak 17")
    expect(page).to_have_url(re.compile(r"q=nowak"))
    page.reload()
    expect(page.locator("input[data-tick]")).to_have_count(1)
    search.fill("nobody")
    expect(page.locator("#results")).to_contain_text("No contact matches.")
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator("input[data-tick]")).to_have_count(30)
    page.go_back()
    expect(page.locator("#results")).to_contain_text("No contact matches.")


def test_everything_works_without_a_script(site: Start, signed_in: SignIn) -> None:
    here = site("60")
    page = signed_in(here, java_script_enabled=False)
    contacts(page, here, "?sort=email")
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page.locator("input[data-tick]")).to_have_count(10)
    page.locator("input[data-tick]").nth(0).check()
    page.locator("input[data-tick]").nth(1).check()
    page.locator(".menu--more summary").click()
    page.get_by_role("button", name="Set as marketing contacts", exact=True).click()
    expect(page.locator("main")).to_contain_text("Set 2 contacts as marketing contacts")
    page.locator("input[name=count]").fill("3")
    page.get_by_role("button", name="Confirm: set 2 contacts").click()
    expect(page.locator("main")).to_contain_text("Type the number 2")
    page.locator("input[name=count]").fill("2")
    page.get_by_role("button", name="Confirm: set 2 contacts").click()
    expect(page.locator("main")).to_contain_text("2 set as marketing contacts")
    page.get_by_role("link", name="See exactly these contacts").click()
    expect(page.locator("input[data-tick]")).to_have_count(2)
