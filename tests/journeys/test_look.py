"""Every page in narrow and wide windows, in light and dark, and by keyboard alone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Site
from tests.journeys.look import problems, watched

Start = Callable[..., Site]
SignIn = Callable[..., Page]

PAGES = (
    "contacts/",
    "contacts/?status=leaving&sort=-email",
    "contacts/?q=nobody+at+all",
    "contacts/new",
    "usage/",
    "jobs/",
    "history/",
    "segments/",
    "segments/?q=nobody+at+all",
    "segments/new",
    "segments/new?kind=fixed",
    "imports/",
    "imports/new",
    "properties/",
    "properties/?q=nothing+at+all",
    "properties/city/",
    "properties/new",
    "people/",
    "settings/account",
    "settings/profile",
)
OF_ONE_CONTACT = ("", "edit", "merge?q=nowak", "archive", "erase", "status?action=keep")

NARROW = {"width": 320, "height": 640}
WIDE = {"width": 1440, "height": 900}


@pytest.mark.parametrize(
    ("window", "colours"), [(NARROW, "light"), (WIDE, "dark"), (NARROW, "dark"), (WIDE, "light")]
)
def test_every_page_keeps_its_look(
    site: Start, signed_in: SignIn, window: dict[str, int], colours: str
) -> None:
    here = site("60", "--marketing", "5", "--leaving", "3")
    page = signed_in(here, viewport=window, color_scheme=colours)
    errors = watched(page)
    wrong: dict[str, list[str]] = {}

    def look(address: str) -> None:
        page.goto(here.url(address))
        if found := problems(page):
            wrong[address] = found

    for address in PAGES:
        look(address)
    page.goto(here.url("contacts/?status=leaving"))
    record = page.locator("a[data-open]").first.get_attribute("href")
    assert record is not None
    number = record.rstrip("/").rsplit("/", 1)[1]
    for part in OF_ONE_CONTACT:
        look(f"contacts/{number}/{part}")
    assert errors == []
    page.goto(here.url("contacts/999999999/"))
    if found := problems(page):
        wrong["not found"] = found
    assert wrong == {}


def test_the_main_job_in_a_narrow_window(site: Start, signed_in: SignIn) -> None:
    here = site("12")
    page = signed_in(here, viewport=NARROW)
    page.goto(here.url("contacts/"))
    first = page.locator("#contacts-table tbody tr").first
    place = first.bounding_box()
    expect(first.locator(".cell--name")).to_be_visible()
    expect(first.locator(".cell--email")).to_be_visible()
    expect(first.locator(".cell--status")).to_contain_text("Non-marketing")
    page.locator("input[data-tick-page]").check()
    expect(page.locator("[data-summary]")).to_have_text("All 12 on this page are selected.")
    assert first.bounding_box() == place
    page.locator(".menu--more summary").click()
    page.get_by_role("button", name="Set as marketing contacts", exact=True).click()
    confirm = page.get_by_role("button", name="Confirm: set 12 contacts")
    expect(confirm).to_be_in_viewport()
    page.locator("#plan-count").fill("12")
    confirm.click()
    expect(page.locator("#toasts")).to_contain_text("12 contacts are marketing contacts now.")
    expect(page.locator("#usage")).to_contain_text("12")
    page.locator(".nav-button").click()
    page.get_by_role("link", name="Usage & limits").click()
    expect(page.locator(".usage-chart--narrow")).to_be_visible()
    expect(page.locator(".nav")).not_to_be_in_viewport()


def test_the_main_job_by_keyboard_alone(site: Start, signed_in: SignIn) -> None:
    here = site("8")
    page = signed_in(here)
    keys = page.keyboard
    page.goto(here.url("contacts/"))
    keys.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("main")).to_be_focused()
    keys.press("/")
    expect(page.locator("#search")).to_be_focused()
    keys.type("nowak")
    expect(page).to_have_url(re.compile("q=nowak"))
    tab_to(page, "#contacts-table [tabindex='0']")
    keys.press("Home")
    keys.press(" ")
    keys.press("Shift+ArrowDown")
    keys.press("Shift+ArrowDown")
    expect(page.locator("[data-summary]")).to_have_text("3 selected")
    tab_to(page, ".menu--more summary", back=True)
    keys.press("Enter")
    keys.press("Tab")
    keys.press("Enter")
    expect(page.locator("#plan-count")).to_be_focused()
    keys.press("Escape")
    expect(page.locator("#plan-dialog")).to_be_hidden()
    expect(page.locator(".menu--more summary")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    keys.press("Enter")
    expect(page.locator("#plan-count")).to_be_focused()
    keys.type("3")
    keys.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("3 contacts are marketing contacts now.")
    expect(page.locator("#contacts-table *:focus")).to_have_count(1)
    expect(page.locator("#bulk-bar")).to_be_hidden()
    expect(page.locator("#contacts-table .status--marketing")).to_have_count(3)
    tab_to(page, "#toasts a")
    expect(page.locator("#toasts a")).to_be_focused()
    keys.press("Enter")
    expect(page).to_have_url(re.compile(r"job=\d+"))
    expect(page.locator("input[data-tick]")).to_have_count(3)


def test_what_arrives_late_leaves_the_focus_where_the_person_is(
    site: Start, signed_in: SignIn
) -> None:
    here = site("8")
    page = signed_in(here)
    page.goto(here.url("contacts/"))
    page.locator("input[data-tick]").first.check()
    page.locator(".menu--more summary").click()
    page.get_by_role("button", name="Set as marketing contacts", exact=True).click()
    expect(page.locator("#plan-count")).to_be_focused()
    held: list[Callable[[], None]] = []
    page.route("**/contacts/?*", lambda route: held.append(route.continue_))
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.locator("#contacts-table *:focus")).to_have_count(1)
    expect(page.locator("#results")).to_have_class(re.compile("htmx-request"))
    see_them = page.locator("#toasts a")
    see_them.focus()
    held[0]()
    expect(page.locator("#contacts-table .status--marketing")).to_have_count(1)
    expect(see_them).to_be_focused()
    page.locator("[data-close-toast]").press("Enter")
    expect(page.locator("#toasts [data-toast]")).to_have_count(0)
    expect(page.locator("#contacts-table *:focus")).to_have_count(1)


def test_a_toast_stays_while_it_is_held(site: Start, signed_in: SignIn) -> None:
    here = site("3")
    page = signed_in(here)
    page.clock.install()
    page.goto(here.url("contacts/"))
    page.locator("input[data-tick]").first.check()
    page.locator(".menu--more summary").click()
    page.get_by_role("button", name="Set as marketing contacts", exact=True).click()
    page.locator("#plan-count").fill("1")
    page.get_by_role("button", name="Confirm: set 1 contact").click()
    toast = page.locator("#toasts [data-toast]")
    toast.locator("a").focus()
    page.clock.run_for(60_000)
    expect(toast).to_be_visible()
    expect(toast.locator("a")).to_be_focused()
    page.locator("#search").focus()
    toast.hover()
    page.clock.run_for(60_000)
    expect(toast).to_be_visible()
    page.mouse.move(0, 0)
    page.clock.run_for(60_000)
    expect(toast).to_have_count(0)


def tab_to(page: Page, selector: str, *, back: bool = False) -> None:
    """Press Tab until the element has the focus, as a person without a mouse does."""
    for _press in range(60):
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"{selector} cannot be reached by Tab")


def test_sorting_keeps_the_focus_and_the_place(site: Start, signed_in: SignIn) -> None:
    here = site("60")
    page = signed_in(here, viewport={"width": 900, "height": 700})
    page.goto(here.url("contacts/"))
    frame = page.locator(".table-frame")
    page.locator("#sort-createdate").scroll_into_view_if_needed()
    page.locator("#sort-createdate").focus()
    left = frame.evaluate("(one) => one.scrollLeft")
    assert left > 0
    width = page.locator("th.cell--email").bounding_box()
    page.keyboard.press("Enter")
    expect(page.locator("th.cell--createdate")).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("#sort-createdate")).to_be_focused()
    assert frame.evaluate("(one) => one.scrollLeft") == left
    assert page.locator("th.cell--email").bounding_box() == width
    name = page.locator("tbody .cell--name").first.bounding_box()
    inner = frame.bounding_box()
    assert name is not None
    assert inner is not None
    assert name["x"] - inner["x"] < 60  # the name stays in sight


def test_old_rows_stay_dimmed_until_the_new_ones_are_there(site: Start, signed_in: SignIn) -> None:
    here = site("60")
    page = signed_in(here)
    page.goto(here.url("contacts/"))
    held: list[Callable[[], None]] = []
    page.route("**/contacts/?*", lambda route: held.append(route.continue_))
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page.locator("#results")).to_have_class(re.compile("htmx-request"))
    expect(page.locator("#progress-bar")).to_be_visible()
    expect(page.locator("input[data-tick]")).to_have_count(50)
    held[0]()
    expect(page.locator("input[data-tick]")).to_have_count(10)
    expect(page.locator("#progress-bar")).to_be_hidden()


def test_columns_are_put_in_order_and_handed_on_by_link(site: Start, signed_in: SignIn) -> None:
    here = site("3")
    page = signed_in(here)
    page.goto(here.url("contacts/"))
    page.locator("#columns summary").click()
    for label in ("Phone", "Company", "City", "Lifecycle stage", "Created", "Status source"):
        page.locator("#columns label", has_text=re.compile(f"^ *{label}$")).click()
    page.get_by_role("button", name="Move E-mail to the right").click()
    page.get_by_role("button", name="Show these columns").click()
    expect(page).to_have_url(re.compile("columns=status%2Cemail"))
    headings = page.locator("#contacts-table thead th a")
    expect(headings).to_have_text(["Name", "Marketing status", "E-mail"])
    page.goto(here.url("contacts/"))
    expect(headings).to_have_text(["Name", "Marketing status", "E-mail"])


def test_colours_row_height_and_folded_navigation_are_remembered(
    site: Start, signed_in: SignIn
) -> None:
    here = site("3")
    page = signed_in(here)
    page.goto(here.url("settings/profile"))
    page.locator("#theme").select_option("dark")
    page.locator("#density").select_option("compact")
    page.get_by_role("button", name="Save profile").click()
    page.locator("[data-fold-nav]").click()
    page.goto(here.url("contacts/"))
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    expect(root).to_have_css("color-scheme", "dark")
    expect(root).to_have_attribute("data-nav", "icons")
    expect(page.locator(".nav")).to_have_css("width", "56px")
    expect(page.locator("tbody .cell--name").first).to_have_css("height", "28px")
    page.get_by_role("link", name="History").click()
    expect(page.locator("h1")).to_have_text("History")


#: It is shown for two seconds, in which a busy machine may not look.
REMEMBER_WHAT_USAGE_WAS = """
() => new MutationObserver(() => {
  window.usageWas = document.querySelector("#usage s")?.textContent ?? window.usageWas;
}).observe(document.body, { childList: true, subtree: true })
"""


def test_a_change_of_usage_is_seen(site: Start, signed_in: SignIn) -> None:
    here = site("4", "--marketing", "6")
    page = signed_in(here)
    page.goto(here.url("contacts/?status=non_marketing"))
    expect(page.locator("#usage")).to_contain_text("6 of")
    page.locator("input[data-tick]").first.check()
    page.locator(".menu--more summary").click()
    page.get_by_role("button", name="Set as marketing contacts", exact=True).click()
    page.locator("#plan-count").fill("1")
    page.evaluate(REMEMBER_WHAT_USAGE_WAS)
    page.get_by_role("button", name="Confirm: set 1 contact").click()
    expect(page.locator("#usage strong")).to_have_text("7")
    assert page.evaluate("window.usageWas") == "6"
    expect(page.locator("#usage s")).to_have_count(0)


def test_printing_cuts_nothing_off(site: Start, signed_in: SignIn) -> None:
    here = site("60")
    page = signed_in(here)
    page.goto(here.url("contacts/"))
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator("html")).to_have_css("color-scheme", "light")
    frame = page.locator(".table-frame")
    assert frame.evaluate("(one) => one.scrollHeight - one.clientHeight") == 0
    assert frame.evaluate("(one) => one.scrollWidth - one.clientWidth") <= 0
    for left_out in (".nav", ".tool-place", ".pager"):
        expect(page.locator(left_out)).to_be_hidden()
    expect(page.locator("#usage")).to_be_visible()


def test_a_contact_opens_beside_the_table(site: Start, signed_in: SignIn) -> None:
    here = site("6", "--leaving", "1")
    page = signed_in(here, viewport=WIDE)
    errors = watched(page)
    page.goto(here.url("contacts/?status=leaving"))
    link = page.locator("a[data-open]").first
    name = link.inner_text()
    link.focus()
    page.keyboard.press("Enter")
    panel = page.locator("#side-panel")
    expect(panel.locator("h2").first).to_have_text(name)
    expect(panel.locator("h2").first).to_be_focused()
    expect(panel).to_contain_text("Marketing contact until")
    expect(panel).to_contain_text("Timeline")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(link).to_be_focused()
    link.click()
    panel.get_by_role("link", name="Open", exact=True).click()
    expect(page.locator("h1")).to_have_text(name)
    page.goto(here.url("contacts/"))
    with page.context.expect_page() as another:
        page.locator("a[data-open]").first.click(modifiers=["ControlOrMeta"])
    expect(another.value.locator("h1")).to_be_visible()
    expect(panel).to_be_hidden()
    page.set_viewport_size({"width": 320, "height": 640})
    page.locator("a[data-open]").first.click()
    expect(page.locator("h1")).not_to_have_text("Contacts")
    assert errors == []
