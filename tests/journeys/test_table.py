"""The contacts table by keyboard alone: cells edited and undone, ranges, the command palette."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.journeys.conftest import Site
from tests.journeys.look import problems, watched

Start = Callable[..., Site]
SignIn = Callable[..., Page]

ALL_KINDS = (
    "contacts/?columns=city,phone,own_number,own_date,own_bool,hs_language,hs_legal_basis,"
    "hubspot_owner_id,status"
)


def contacts(page: Page, site: Site, address: str = "contacts/") -> None:
    page.goto(site.url(address))
    expect(page.locator("#contacts-table")).to_have_attribute("role", "grid")


def cell(page: Page, row: int, column: str) -> Locator:
    return page.locator(f"#contacts-table tbody tr:nth-child({row}) .cell--{column}")


def walk_to(page: Page, row: int, column: str) -> None:
    """Go to a cell with the keys of the grid, from wherever the focus is."""
    page.locator("#contacts-table [tabindex='0']").focus()
    page.keyboard.press("ControlOrMeta+Home")
    for _row in range(1, row):
        page.keyboard.press("ArrowDown")
    for _column in range(20):
        if page.evaluate("(one) => document.activeElement.matches(one)", f".cell--{column}"):
            return
        page.keyboard.press("ArrowRight")
    raise AssertionError(f"{column} cannot be reached")


def edit(page: Page, row: int, column: str, key: str = "F2") -> None:
    walk_to(page, row, column)
    page.keyboard.press(key)
    expect(page.locator(".cell-editor:focus, .cell-editor :focus")).to_have_count(1)


def retype(page: Page, text: str, key: str = "Enter") -> None:
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)
    page.keyboard.press(key)


# Editing


def test_every_kind_of_cell_is_edited_by_keyboard_alone(site: Start, signed_in: SignIn) -> None:
    here = site("3", "--own")
    page = signed_in(here, viewport={"width": 2560, "height": 900}, locale="en-US")
    errors = watched(page)
    contacts(page, here, ALL_KINDS)
    height = page.locator("#contacts-table").bounding_box()
    for column, typed, shown in (
        ("city", "Łódź", "Łódź"),
        ("phone", "600 100 200", "600 100 200"),
        ("own_number", "12480.5", "12,480.5"),
        ("own_date", "02012027", "1 Feb 2027"),
        ("own_bool", "Yes", "Yes"),
        ("hs_language", "Polish", "Polish"),
        ("hubspot_owner_id", "anna", "anna@example.com"),
    ):
        edit(page, 1, column, "Enter")
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        expect(cell(page, 1, column)).to_have_text(shown)
        expect(cell(page, 1, column)).not_to_have_class(re.compile("is-saving"))
        expect(cell(page, 2, column)).to_be_focused()
    edit(page, 1, "hs_legal_basis")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(cell(page, 1, "hs_legal_basis")).to_contain_text(",")
    expect(page.locator(".is-saving")).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text("is now")
    assert page.locator("#contacts-table").bounding_box() == height
    page.reload()
    for column, shown in (("own_number", "12,480.5"), ("own_bool", "Yes"), ("city", "Łódź")):
        expect(cell(page, 1, column)).to_have_text(shown)
    expect(cell(page, 1, "hs_legal_basis")).to_contain_text(",")
    edit(page, 1, "own_number")
    expect(page.locator(".cell-editor")).to_have_value("12480.5")
    page.keyboard.press("Escape")
    expect(cell(page, 1, "own_number")).to_be_focused()
    expect(cell(page, 1, "own_number")).to_have_text("12,480.5")
    assert errors == []


def test_enter_goes_down_tab_to_the_right_and_esc_restores(site: Start, signed_in: SignIn) -> None:
    here = site("3")
    page = signed_in(here)
    contacts(page, here, "contacts/?columns=city,company,status")
    edit(page, 1, "city")
    retype(page, "Gdynia", "Tab")
    expect(cell(page, 1, "company")).to_be_focused()
    page.keyboard.press("Enter")
    retype(page, "Sea Ltd", "Shift+Tab")
    expect(cell(page, 1, "city")).to_be_focused()
    page.keyboard.press("Enter")
    retype(page, "Sopot", "Enter")
    expect(cell(page, 2, "city")).to_be_focused()
    expect(cell(page, 1, "city")).to_have_text("Sopot")
    expect(cell(page, 1, "company")).to_have_text("Sea Ltd")
    edit(page, 1, "city")
    page.keyboard.type("never mind")
    page.keyboard.press("Escape")
    expect(cell(page, 1, "city")).to_have_text("Sopot")
    expect(cell(page, 1, "city")).to_be_focused()
    expect(page.locator(".is-saving")).to_have_count(0)
    page.reload()
    expect(cell(page, 1, "city")).to_have_text("Sopot")
    expect(cell(page, 1, "company")).to_have_text("Sea Ltd")


def test_undo_by_its_key_and_from_the_toast(site: Start, signed_in: SignIn) -> None:
    here = site("3")
    page = signed_in(here)
    contacts(page, here, "contacts/?columns=city,company")
    for column, text in (("city", "Gdynia"), ("city", "Sopot"), ("company", "Sea Ltd")):
        edit(page, 1, column)
        retype(page, text)
        expect(page.locator("#toasts")).to_contain_text(f"is now “{text}”")
    page.keyboard.press("ControlOrMeta+z")
    expect(cell(page, 1, "company")).to_have_text("")
    page.keyboard.press("ControlOrMeta+z")
    expect(cell(page, 1, "city")).to_have_text("Gdynia")
    expect(page.locator("#toasts")).to_contain_text("is “Gdynia” again")
    edit(page, 2, "city")
    retype(page, "Hel")
    undo = page.get_by_role("button", name="Undo")
    undo.focus()
    page.keyboard.press("Enter")
    expect(cell(page, 2, "city")).to_have_text("")
    expect(page.locator("#contacts-table *:focus")).to_have_count(1)


def test_undo_leaves_what_somebody_changed_since(site: Start, signed_in: SignIn) -> None:
    here = site("2")
    page = signed_in(here)
    contacts(page, here, "contacts/?columns=city")
    edit(page, 1, "city")
    retype(page, "Gdynia")
    expect(page.locator("#toasts")).to_contain_text("Gdynia")
    other = signed_in(here)
    contacts(other, here, "contacts/?columns=city")
    edit(other, 1, "city")
    retype(other, "Sopot")
    expect(other.locator("#toasts")).to_contain_text("Sopot")
    page.keyboard.press("ControlOrMeta+z")
    expect(page.locator("#toasts")).to_contain_text("changed again since")
    expect(cell(page, 1, "city")).to_have_text("Sopot")


def test_what_is_refused_stays_in_its_cell_until_it_is_mended(
    site: Start, signed_in: SignIn
) -> None:
    here = site("3")
    page = signed_in(here)
    contacts(page, here, "contacts/?columns=email,city&sort=email")
    was = cell(page, 1, "email").inner_text()
    edit(page, 1, "email")
    retype(page, "not@@mail", "Tab")
    note = page.locator("#cell-note")
    expect(note).to_contain_text("“not@@mail” is not an e-mail address.")
    expect(cell(page, 1, "city")).to_be_focused()  # the person went on, and still is there
    expect(cell(page, 1, "email")).to_have_text("not@@mail")
    expect(cell(page, 1, "email")).to_have_attribute("aria-invalid", "true")
    page.locator("#sort-email").focus()
    page.keyboard.press("Enter")  # other rows, and back: it is kept
    expect(page).to_have_url(re.compile("sort=-email"))
    expect(cell(page, 3, "email")).to_have_text("not@@mail")
    edit(page, 3, "email", "Enter")
    expect(page.locator(".cell-editor")).to_have_value("not@@mail")
    expect(note).to_be_visible()
    retype(page, "mended@example.com")
    expect(page.locator("#toasts")).to_contain_text("mended@example.com")
    expect(cell(page, 3, "email")).not_to_have_attribute("aria-invalid", "true")
    expect(note).to_be_hidden()
    edit(page, 3, "email")
    retype(page, "@")
    expect(note).to_be_visible()
    walk_to(page, 3, "email")
    page.keyboard.press("Escape")
    expect(cell(page, 3, "email")).to_have_text("mended@example.com")
    expect(note).to_be_hidden()
    assert was != "mended@example.com"


def test_two_people_at_one_cell_are_told_of_each_other(site: Start, signed_in: SignIn) -> None:
    here = site("2")
    page, other = signed_in(here), signed_in(here)
    for one in (page, other):
        contacts(one, here, "contacts/?columns=city,company")
    edit(other, 1, "city")
    retype(other, "Sopot")
    expect(other.locator("#toasts")).to_contain_text("Sopot")
    edit(page, 1, "company")
    retype(page, "Sea Ltd")  # another value: no obstacle, and the first change is shown
    expect(cell(page, 1, "city")).to_have_text("Sopot")
    expect(page.locator("#toasts")).to_contain_text("changed other values of this contact")
    edit(other, 1, "company")
    retype(other, "Lake Ltd")
    expect(other.locator("#cell-note")).to_contain_text("changed this to “Sea Ltd” meanwhile")
    expect(cell(other, 1, "company")).to_have_text("Lake Ltd")
    edit(other, 1, "company", "Enter")
    other.keyboard.press("Enter")
    expect(other.locator("#toasts")).to_contain_text("“Lake Ltd”")
    other.reload()
    expect(cell(other, 1, "company")).to_have_text("Lake Ltd")


def test_rows_that_arrive_while_somebody_types_wait(site: Start, signed_in: SignIn) -> None:
    here = site("3")
    page = signed_in(here)
    contacts(page, here, "contacts/?columns=city")
    edit(page, 1, "city")
    page.keyboard.type("Gdy")
    with page.expect_response(re.compile(r"/contacts/\?columns=city")):
        page.evaluate("htmx.trigger(document.body, 'contacts-changed')")
    page.keyboard.type("nia")
    expect(page.locator(".cell-editor")).to_have_value("Gdynia")
    with page.expect_response(re.compile(r"/contacts/\?columns=city")):
        page.keyboard.press("Enter")
    expect(cell(page, 1, "city")).to_have_text("Gdynia")
    expect(cell(page, 2, "city")).to_be_focused()


def test_nothing_typed_is_lost_without_a_server(site: Start, signed_in: SignIn) -> None:
    here = site("3")
    page = signed_in(here)
    contacts(page, here, "contacts/?columns=city")

    def cut(route: Route) -> None:
        route.abort()

    page.route("**/cells/*", cut)
    edit(page, 1, "city")
    retype(page, "Gdynia")
    expect(page.locator("#cell-note")).to_contain_text("The server cannot be reached.")
    expect(cell(page, 1, "city")).to_have_text("Gdynia")
    page.unroute("**/cells/*", cut)
    edit(page, 1, "city", "Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("“Gdynia”")


def test_cells_that_are_not_edited_say_why(site: Start, signed_in: SignIn) -> None:
    here = site("3")
    page = signed_in(here)
    contacts(page, here)
    note = page.locator("#cell-note")
    walk_to(page, 1, "status")
    expect(cell(page, 1, "status")).to_have_attribute("aria-readonly", "true")
    page.keyboard.press("Enter")
    expect(note).to_contain_text("The actions for ticked contacts set the status")
    page.keyboard.press("Escape")
    expect(note).to_be_hidden()
    page.keyboard.press("F2")
    expect(note).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(note).to_be_hidden()
    cell(page, 1, "createdate").dblclick()
    expect(note).to_contain_text("This value is kept by the system.")
    expect(page.locator(".cell-editor")).to_have_count(0)


def test_a_double_click_edits_and_a_click_elsewhere_saves(site: Start, signed_in: SignIn) -> None:
    here = site("3")
    page = signed_in(here)
    contacts(page, here, "contacts/?columns=city,hs_legal_basis")
    cell(page, 1, "city").dblclick()
    page.locator(".cell-editor").fill("Gdynia")
    page.locator("h1").click()
    expect(page.locator("#toasts")).to_contain_text("“Gdynia”")
    cell(page, 2, "hs_legal_basis").dblclick()
    page.locator(".cell-editor label").first.click()
    page.locator("h1").click()
    expect(page.locator("#toasts")).to_contain_text("Legal basis")
    expect(page.locator(".cell-editor")).to_have_count(0)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_an_edited_a_refused_and_a_saving_cell_keep_the_look(
    site: Start, signed_in: SignIn, colours: str
) -> None:
    here = site("3", "--language", "pl")
    page = signed_in(here, viewport={"width": 320, "height": 640}, color_scheme=colours)
    contacts(page, here)
    row = page.locator("#contacts-table tbody tr").first
    place = row.bounding_box()
    cell(page, 1, "email").dblclick()
    expect(page.locator(".cell-editor")).to_be_focused()
    assert row.bounding_box() == place
    retype(page, "not@@mail")
    expect(page.locator("#cell-note")).to_be_visible()
    assert row.bounding_box() == place
    assert problems(page) == []
    page.keyboard.press("ControlOrMeta+k")
    expect(page.locator("#palette [role=option]").first).to_be_visible()
    assert problems(page) == []


# Ranges, and all but these


def test_all_but_these_by_the_keys(site: Start, signed_in: SignIn) -> None:  # B2
    here = site("60")
    page = signed_in(here)
    contacts(page, here)
    summary = page.locator("[data-summary]")
    walk_to(page, 1, "email")
    page.keyboard.press("ControlOrMeta+a")
    expect(summary).to_have_text("All 50 on this page are selected.")
    page.get_by_role("button", name="Select all 60 that match").focus()
    page.keyboard.press("Enter")
    expect(summary).to_have_text("All that match are selected: 60.")
    walk_to(page, 2, "email")
    page.keyboard.press(" ")
    expect(summary).to_have_text("All but 1 are selected: 59.")
    page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    expect(summary).to_have_text("All but 2 are selected: 58.")
    page.keyboard.press("Shift+ ")  # selects the row, whatever it was
    page.keyboard.press("Shift+ ")
    expect(summary).to_have_text("All but 1 are selected: 59.")


def test_pages_of_rows_are_walked(site: Start, signed_in: SignIn) -> None:
    here = site("60")
    page = signed_in(here, viewport={"width": 1440, "height": 700})
    contacts(page, here)
    walk_to(page, 1, "email")
    at = "document.activeElement.closest('tr').rowIndex"
    page.keyboard.press("PageDown")
    down = page.evaluate(at)
    assert 5 < down < 20
    page.keyboard.press("PageDown")
    assert page.evaluate(at) == 2 * down - 1
    page.keyboard.press("PageUp")
    page.keyboard.press("PageUp")
    page.keyboard.press("PageUp")
    assert page.evaluate(at) == 1
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator("[data-summary]")).to_have_text("3 selected")


def test_a_thousand_rows_cost_what_fifty_do(site: Start, signed_in: SignIn) -> None:
    here = site("1000")
    page = signed_in(here)
    contacts(page, here, "contacts/?size=1000&columns=city,email")
    page.evaluate(
        "document.addEventListener('set-ticks', () => { window.told = (window.told ?? 0) + 1; })"
    )
    walk_to(page, 1, "city")
    page.keyboard.press("ControlOrMeta+a")
    expect(page.locator("[data-summary]")).to_have_text("All 1,000 on this page are selected.")
    assert page.evaluate("window.told") == 1
    page.keyboard.press("ControlOrMeta+End")
    expect(cell(page, 1000, "email")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    retype(page, "Gdynia", "Tab")
    expect(page.locator("#toasts")).to_contain_text("“Gdynia”")
    expect(cell(page, 1000, "email")).to_be_focused()
    expect(page.locator("td[tabindex]")).to_have_count(3)  # only where the focus has been


# The command palette


def opened(page: Page) -> Locator:
    page.keyboard.press("ControlOrMeta+k")
    expect(page.locator("#palette-input")).to_be_focused()
    expect(page.locator("#palette [role=option]").first).to_be_visible()
    return page.locator("#palette [role=option][aria-selected=true]")


def ready(page: Page) -> None:
    expect(page.locator("html")).to_have_attribute("data-palette", "ready")


def test_the_palette_goes_to_any_page_from_any_page(site: Start, signed_in: SignIn) -> None:
    here = site("3")
    page = signed_in(here)
    errors = watched(page)
    for start, typed, heading in (
        ("contacts/", "usage", "Usage & limits"),
        ("usage/", "hist", "History"),
        ("history/", "crt cont", "Create contact"),
        ("contacts/new", "prop", "Properties"),
    ):
        page.goto(here.url(start))
        ready(page)
        active = opened(page)
        page.keyboard.type(typed)
        expect(active).to_contain_text(heading)
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text(heading)
    assert errors == []


def test_the_palette_is_a_combobox(site: Start, signed_in: SignIn) -> None:
    here = site("3")
    page = signed_in(here)
    page.goto(here.url("usage/"))
    ready(page)
    page.locator("main").focus()
    active = opened(page)
    field = page.get_by_role("combobox")
    options = page.locator("#palette [role=option]")
    expect(active).to_have_attribute("id", field.get_attribute("aria-activedescendant") or "")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")  # round the end
    expect(active).to_have_count(1)
    page.keyboard.type("zzzz")
    expect(page.locator("#palette")).to_contain_text("Nothing has these words.")
    expect(page.locator("#palette [role=status]")).to_have_text("0 found")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    expect(page.locator("main")).to_be_focused()


def test_the_palette_does_the_actions_of_the_bulk_bar(site: Start, signed_in: SignIn) -> None:
    here = site("3")
    page = signed_in(here)
    contacts(page, here)
    ready(page)
    active = opened(page)
    page.keyboard.type("set marketing")
    expect(active).to_contain_text("Set as marketing contacts")
    expect(active).to_have_attribute("aria-disabled", "true")
    expect(active).to_contain_text("Tick contacts in the table first.")
    page.keyboard.press("Enter")
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.press("Escape")
    walk_to(page, 1, "email")
    page.keyboard.press(" ")
    expect(page.locator("[data-summary]")).to_have_text("1 selected")
    active = opened(page)
    page.keyboard.type("set marketing")
    expect(active).to_contain_text("Set as marketing contacts")
    expect(active).not_to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Enter")
    expect(page.locator("#plan-count")).to_be_focused()
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("1 contact is a marketing contact now.")


def test_the_palette_finds_contacts_and_those_opened_lately(site: Start, signed_in: SignIn) -> None:
    here = site("12")
    page = signed_in(here)
    page.goto(here.url("jobs/"))
    ready(page)
    active = opened(page)
    page.keyboard.type("nowak 7")
    expect(active).to_contain_text("Jan Nowak 7")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Jan Nowak 7")
    page.goto(here.url("usage/"))
    ready(page)
    active = opened(page)
    expect(active).to_contain_text("Jan Nowak 7")
    expect(active).to_contain_text("Opened lately")
    assert "Nowak" not in page.evaluate("JSON.stringify(localStorage)")


def test_the_keys_are_listed_on_every_page(site: Start, signed_in: SignIn) -> None:
    here = site("3")
    page = signed_in(here)
    keys = page.locator("#shortcuts")
    for start, has_table in (("usage/", False), ("contacts/", True)):
        page.goto(here.url(start))
        ready(page)
        page.keyboard.press("?")
        expect(keys).to_be_visible()
        expect(keys).to_contain_text("Show this list")
        expect(keys.get_by_text("In the table of contacts")).to_have_count(int(has_table))
        page.keyboard.press("Escape")
        expect(keys).to_be_hidden()
