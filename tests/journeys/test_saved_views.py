"""Views and columns of the contacts table in a browser: saved, kept while others are looked at,
moved and made wider, by pointer and by keyboard alone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Site
from tests.journeys.look import problems, watched

Start = Callable[..., Site]
SignIn = Callable[..., Page]

SAVE_MANY = """
async ({ url, names }) => {
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  for (const name of names) {
    const form = new URLSearchParams({ name, sort: "city" });
    await fetch(url, { method: "POST", body: form, headers: { "X-CSRFToken": token } });
  }
}
"""


def contacts(page: Page, site: Site, query: str = "") -> None:
    page.goto(site.url(f"contacts/{query}"))
    ready(page)


def ready(page: Page) -> None:
    expect(page.locator("#views[data-ready]")).to_be_visible()
    expect(page.locator("#contacts-table thead tr[data-ready]")).to_have_count(1)


def save_as_new(page: Page, name: str) -> None:
    page.locator("#save-as-new summary").click()
    page.locator("#view-name").fill(name)
    page.get_by_role("button", name="Save view").click()
    expect(page.locator(".view-tabs [aria-current]")).to_have_text(name)
    ready(page)


def heads(page: Page) -> list[str]:
    found = page.locator("#contacts-table thead th[data-column]")
    return [str(name) for name in found.evaluate_all("all => all.map(one => one.dataset.column)")]


def lefts(page: Page) -> dict[str, list[float]]:
    """Return {column: [left edge, width]}."""
    measured: dict[str, list[float]] = page.locator(
        "#contacts-table thead th[data-column]"
    ).evaluate_all(
        "all => Object.fromEntries(all.map(one => { const box = one.getBoundingClientRect();"
        " return [one.dataset.column, [box.left, box.width]]; }))"
    )
    return measured


def test_what_is_not_saved_stays_with_its_tab(site: Start, signed_in: SignIn) -> None:
    here = site("5", "--marketing", "3")
    page = signed_in(here)
    errors = watched(page)
    contacts(page, here)
    expect(page.locator("#save-as-new")).to_have_count(0)
    page.locator("#chip-marketing").click()
    save_as_new(page, "Marketing, zażółć")
    expect(page.locator("#save-view")).to_have_count(0)
    page.locator("#sort-email").click()
    expect(page.locator("#save-view")).to_be_visible()
    expect(page.locator("#reset-view")).to_be_visible()
    expect(page).to_have_url(re.compile(r"view=\d+&sort=email$"))
    expect(page.locator(".view-tabs .view-tabs__unsaved")).to_have_count(1)
    page.locator("#view-all").click()
    expect(page).to_have_url(re.compile(r"view=all$"))
    ready(page)
    expect(page.locator("input[data-tick]")).to_have_count(8)
    page.locator(".view-tabs a", has_text="Marketing").click()
    expect(page).to_have_url(re.compile(r"view=\d+&sort=email$"))
    ready(page)
    page.locator("#save-view").click()
    expect(page).to_have_url(re.compile(r"view=\d+$"))
    ready(page)
    expect(page.locator("th.cell--email")).to_have_attribute("aria-sort", "ascending")
    page.locator("#sort-city").click()
    expect(page.locator("#reset-view")).to_be_visible()
    page.locator("#reset-view").click()
    expect(page).to_have_url(re.compile(r"view=\d+$"))
    ready(page)
    expect(page.locator(".view-tabs__unsaved")).to_have_count(0)
    assert errors == []


def test_a_view_is_made_its_own_default_and_deleted_by_keyboard_alone(
    site: Start, signed_in: SignIn
) -> None:
    here = site("3")
    page = signed_in(here)
    contacts(page, here, "?sort=email")
    page.locator("#save-as-new summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#view-name")).to_be_focused()
    page.keyboard.type("By address")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"view=\d+$"))
    ready(page)
    page.locator("#view-more summary").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Open with this view from now on").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("opens with this view from now on")).to_be_visible()
    contacts(page, here)
    expect(page.locator(".view-tabs [aria-current]")).to_have_text("By address")
    expect(page).to_have_url(re.compile(r"view=\d+$"))
    page.goto(here.url("views/"))
    page.get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".view-tabs [aria-current]")).to_have_text("By address")


def test_a_column_is_made_wider_and_no_other_changes_its_width(
    site: Start, signed_in: SignIn
) -> None:
    here = site("5")
    page = signed_in(here, viewport={"width": 1440, "height": 900})
    errors = watched(page)
    contacts(page, here, "?columns=email,city,phone")
    before = lefts(page)
    edge = page.locator("th.cell--email [data-resize]").bounding_box()
    assert edge is not None
    x, y = edge["x"] + edge["width"] / 2, edge["y"] + edge["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y, steps=3)
    page.mouse.up()
    expect(page).to_have_url(re.compile("columns=name%3A"))
    ready(page)
    after = lefts(page)
    assert after["email"][1] == pytest.approx(before["email"][1] - 60, abs=2)
    for column in ("name", "city", "phone"):
        assert after[column][1] == pytest.approx(before[column][1], abs=2)
    page.locator("#sort-city").focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    wider = round(after["city"][1]) + 32
    expect(page).to_have_url(re.compile(f"city%3A{wider}"))
    expect(page.locator("#sort-city")).to_be_focused()
    page.reload()
    ready(page)
    assert lefts(page)["city"][1] == pytest.approx(wider, abs=1)
    contacts(page, here)
    assert lefts(page)["city"][1] == pytest.approx(wider, abs=1)
    assert errors == []


def test_a_column_moves_by_keys_and_by_pulling_its_head(site: Start, signed_in: SignIn) -> None:
    here = site("5")
    page = signed_in(here, viewport={"width": 1440, "height": 900})
    contacts(page, here, "?columns=email,city,phone")
    page.locator("#sort-city").focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(page).to_have_url(re.compile("columns=email%2Cphone%2Ccity"))
    ready(page)
    assert heads(page) == ["name", "email", "phone", "city"]
    expect(page.locator("#sort-city")).to_be_focused()
    expect(page.locator("#said")).to_have_text("City: place 3 of 3")
    city = page.locator("th.cell--city").bounding_box()
    email = page.locator("th.cell--email").bounding_box()
    assert city is not None and email is not None
    y = city["y"] + city["height"] / 2
    page.mouse.move(city["x"] + 20, y)
    page.mouse.down()
    page.mouse.move(email["x"] + 10, y, steps=5)
    expect(page.locator("th.cell--email.is-before")).to_have_count(1)
    page.mouse.up()
    expect(page).to_have_url(re.compile("columns=city%2Cemail%2Cphone"))
    ready(page)
    assert heads(page) == ["name", "city", "email", "phone"]
    expect(page.locator("[aria-sort]")).to_have_count(0)


def test_columns_are_found_by_name_and_pulled_into_order(site: Start, signed_in: SignIn) -> None:
    here = site("2", "--own")
    page = signed_in(here, viewport={"width": 1440, "height": 900})
    contacts(page, here, "?columns=email,city,phone")
    page.locator("#columns summary").click()
    find = page.get_by_role("searchbox", name="Find a column")
    expect(find).to_be_focused()
    find.fill("no such column")
    expect(page.get_by_text("No column has this name.")).to_be_visible()
    find.fill("COMPAN")
    expect(page.locator(".columns-form li:visible")).to_have_text([re.compile("Company")])
    page.locator(".columns-form li:visible input").check()
    find.fill("")
    shown = page.locator("[data-shown] li")
    last, first = shown.nth(2).locator("[data-grip]").bounding_box(), shown.nth(0).bounding_box()
    assert last is not None and first is not None
    page.mouse.move(last["x"] + 4, last["y"] + 8)
    page.mouse.down()
    page.mouse.move(first["x"] + 40, first["y"] + 4, steps=6)
    page.mouse.up()
    page.get_by_role("button", name="Show these columns").click()
    expect(page).to_have_url(re.compile("columns=phone%2Cemail%2Ccity%2Ccompany"))
    ready(page)
    assert heads(page) == ["name", "phone", "email", "city", "company"]


def test_the_name_stays_in_sight_when_the_table_is_scrolled(site: Start, signed_in: SignIn) -> None:
    here = site("3")
    page = signed_in(here, viewport={"width": 900, "height": 700})
    contacts(page, here, "?columns=name:300,email:500,city:400,phone:400,company:400")
    before = lefts(page)
    page.locator(".table-frame").evaluate("one => { one.scrollLeft = 600; }")
    after = lefts(page)
    assert after["name"] == pytest.approx(before["name"])
    assert after["email"][0] < before["email"][0]


@pytest.mark.parametrize("width", [320, 768, 1440, 2560])
def test_many_views_fit_into_every_window(site: Start, signed_in: SignIn, width: int) -> None:
    here = site("3")
    colours = "dark" if width in {768, 2560} else "light"
    page = signed_in(here, viewport={"width": width, "height": 900}, color_scheme=colours)
    errors = watched(page)
    contacts(page, here)
    names = [f"Kontakty z województwa łódzkiego, część {number:02}" for number in range(1, 41)]
    page.evaluate(SAVE_MANY, {"url": here.url("views/new"), "names": names})
    contacts(page, here, "?view=all&size=100")
    assert problems(page) == []
    tabs = page.locator(".view-tabs a:visible")
    assert (tabs.count() == 0) if width < 900 else (1 < tabs.count() < 41)
    page.locator("#view-menu summary").click()
    last = page.locator("#view-menu .menu__item", has_text="część 40")
    last.scroll_into_view_if_needed()
    last.click()
    expect(page).to_have_url(re.compile(r"view=\d+$"))
    ready(page)
    current = page.locator(".view-tabs [aria-current], .view-menu__current")
    expect(current.filter(has_text="część 40", visible=True)).to_have_count(1)
    assert problems(page) == []
    for address in ("views/", page.locator("#view-more a").last.get_attribute("href") or ""):
        page.goto(here.url(address) if address == "views/" else here.address + address)
        assert problems(page) == [], address
    assert errors == []


def test_views_and_columns_work_without_scripts(site: Start, signed_in: SignIn) -> None:
    here = site("3")
    page = signed_in(here, java_script_enabled=False)
    page.goto(here.url("contacts/?sort=email"))
    page.locator("#save-as-new summary").click()
    page.locator("#view-name").fill("By address")
    page.get_by_role("button", name="Save view").click()
    expect(page.locator(".view-tabs [aria-current]")).to_have_text("By address")
    page.locator("#columns summary").click()
    page.get_by_role("link", name="Choose columns").click()
    page.get_by_role("checkbox", name="Phone", exact=True).uncheck()
    page.get_by_role("button", name="Show these columns").click()
    expect(page.locator("th.cell--phone")).to_have_count(0)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("th.cell--phone")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"view=\d+$"))
