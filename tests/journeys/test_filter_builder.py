"""The filter builder in a browser: by keyboard alone, by pointer, undone, and without scripts."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import Site
from tests.journeys.look import problems, watched

Start = Callable[..., Site]
SignIn = Callable[..., Page]

CITY = {"property": "city", "operator": "is", "value": "Gdańsk"}
PHONE = {"property": "phone", "operator": "is_known"}
COUNTS = {"counts": True}


def opened(page: Page, site: Site, written: object = None) -> Locator:
    """Open the table, then its builder, by keyboard."""
    query = f"?filter={quote(json.dumps(written))}" if written else ""
    page.goto(site.url(f"contacts/{query}"))
    expect(page.locator("#filter-panel[data-ready]")).to_have_count(1)
    page.locator("#filter-edit").focus()
    page.keyboard.press("Enter")
    return settled(page)


def settled(page: Page) -> Locator:
    """Wait until the answer to the last edit is there."""
    builder = page.locator("[data-filter-builder][data-ready]:not([data-waiting])")
    expect(builder).to_be_visible()
    return builder


def written(page: Page) -> object:
    return json.loads(page.locator("textarea[name=filter]").input_value())


def focused(page: Page, selector: str) -> None:
    expect(page.locator(f"{selector}:focus")).to_have_count(1)


def choose(page: Page, typed: str, label: str) -> None:
    """Choose in the list box that has the focus."""
    focused(page, "[role=combobox]")
    page.keyboard.type(typed)
    option = page.locator("[role=option][aria-selected=true]")
    expect(option).to_contain_text(label)
    page.keyboard.press("Enter")


def in_address(page: Page) -> object:
    return json.loads(parse_qs(urlsplit(page.url).query)["filter"][0])


def row(page: Page, number: int) -> Locator:
    return page.get_by_role("group", name=f"Condition {number}", exact=True)


def test_a_filter_is_made_applied_changed_and_cleared_by_keyboard_alone(
    site: Start, signed_in: SignIn
) -> None:
    here = site("12", "--marketing", "3")
    page = signed_in(here, viewport={"width": 1440, "height": 900}, locale="en-US")
    errors = watched(page)
    opened(page, here)
    choose(page, "counts toward", "Marketing status")
    focused(page, ".builder__operator")
    expect(page.locator("[data-taken-total]")).to_have_text("3 contacts")
    settled(page)
    assert written(page) == {"and": [{"marketing_status": "marketing"}]}
    page.locator('[data-key="add"]').focus()
    page.keyboard.press("Enter")
    choose(page, "email", "E-mail")
    focused(page, ".builder__operator")
    page.locator(".builder__operator:focus").select_option("is_known")
    settled(page)
    page.locator("[data-apply-filter]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#filter-panel:empty")).to_have_count(1)
    expect(page.locator("#contacts-table tbody tr")).to_have_count(3)
    focused(page, "#filter-edit")
    expect(page.locator("#filter-edit")).to_contain_text(
        "is a marketing contact and E-mail is known"
    )
    known = {"property": "email", "operator": "is_known"}
    assert in_address(page) == {"and": [{"marketing_status": "marketing"}, known]}
    page.reload()
    expect(page.locator("#contacts-table tbody tr")).to_have_count(3)
    page.locator("#filter-clear").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#contacts-table tbody tr")).to_have_count(15)
    page.go_back()
    expect(page.locator("#contacts-table tbody tr")).to_have_count(3)
    assert problems(page) == []
    assert errors == []


def test_rows_move_by_keyboard_are_duplicated_wrapped_removed_and_undone(
    site: Start, signed_in: SignIn
) -> None:
    here = site("2")
    page = signed_in(here, viewport={"width": 1440, "height": 900}, locale="en-US")
    opened(page, here, {"and": [CITY, PHONE, COUNTS]})
    handle = page.locator(".builder__handle")
    expect(page.locator(".builder__joint--word")).to_have_text(["and", "and"])
    handle.nth(2).focus()
    page.keyboard.press("ArrowUp")
    settled(page)
    assert written(page) == {"and": [CITY, COUNTS, PHONE]}
    focused(page, ".builder__handle")
    row(page, 1).locator(".builder__field input").focus()
    page.keyboard.press("Alt+ArrowDown")
    settled(page)
    assert written(page) == {"and": [COUNTS, CITY, PHONE]}
    menu(page, 2, "Put into a group")
    assert written(page) == {"and": [COUNTS, {"or": [CITY]}, PHONE]}
    menu(page, 2, "Make a copy")
    assert written(page) == {"and": [COUNTS, {"or": [CITY, CITY]}, PHONE]}
    expect(page.locator(".builder__joint--word")).to_have_text(["and", "or", "and"])
    page.locator(".builder__joint--word").nth(1).focus()
    page.keyboard.press("Enter")
    settled(page)
    assert written(page) == {"and": [COUNTS, {"and": [CITY, CITY]}, PHONE]}
    menu(page, 1, "Remove")
    assert written(page) == {"and": [{"and": [CITY, CITY]}, PHONE]}
    page.locator('[data-key="undo"]').focus()
    for before in (
        {"and": [COUNTS, {"and": [CITY, CITY]}, PHONE]},
        {"and": [COUNTS, {"or": [CITY, CITY]}, PHONE]},
    ):
        page.keyboard.press("Enter")
        settled(page)
        assert written(page) == before
    page.keyboard.press("ControlOrMeta+Shift+Z")
    settled(page)
    assert written(page) == {"and": [COUNTS, {"and": [CITY, CITY]}, PHONE]}
    page.locator('[data-key="add_group"]').focus()
    page.keyboard.press("Enter")
    choose(page, "city", "City")
    settled(page)
    focused(page, ".builder__operator")
    page.locator(".builder__operator:focus").select_option("is_unknown")
    settled(page)
    unknown = {"property": "city", "operator": "is_unknown"}
    whole = [{"and": [COUNTS, {"and": [CITY, CITY]}, PHONE]}, {"and": [unknown]}]
    assert written(page) == {"or": whole}
    page.locator(".builder__handle").last.focus()
    page.keyboard.press("Escape")
    expect(page.locator("#filter-panel:empty")).to_have_count(1)
    focused(page, "#filter-edit")


def menu(page: Page, number: int, text: str) -> None:
    row(page, number).locator("summary").focus()
    page.keyboard.press("Enter")
    item = row(page, number).get_by_role("button", name=text, exact=True)
    expect(item).to_be_visible()
    item.focus()
    page.keyboard.press("Enter")
    settled(page)


def test_a_row_is_dragged_into_a_group(site: Start, signed_in: SignIn) -> None:
    here = site("2")
    page = signed_in(here, viewport={"width": 1440, "height": 1000}, locale="en-US")
    opened(page, here, {"and": [COUNTS, {"or": [CITY, PHONE]}]})
    row(page, 1).locator(".builder__handle").hover()
    page.mouse.down()
    box = row(page, 3).bounding_box()
    assert box
    page.mouse.move(box["x"] + 60, box["y"] + 2, steps=5)
    expect(page.locator(".is-before")).to_have_count(1)
    page.mouse.up()
    settled(page)
    assert written(page) == {"and": [{"or": [CITY, COUNTS, PHONE]}]}


def test_every_kind_of_value_is_given_by_keyboard(site: Start, signed_in: SignIn) -> None:
    here = site("2", "--own")
    page = signed_in(here, viewport={"width": 1440, "height": 1000}, locale="en-US")
    conditions: list[dict[str, Any]] = [
        {"property": "lifecyclestage", "operator": "is_any_of", "value": ["lead"]},
        {"property": "own_number", "operator": "between", "value": [1, 5]},
        {"property": "own_date", "operator": "lt", "value": {"days_from_today": -7}},
        {"property": "own_bool", "operator": "is", "value": True},
        {"property": "city", "operator": "is_any_of", "value": ["Oslo"]},
        {"changed": "city", "in_last_days": 30},
    ]
    opened(page, here, {"and": conditions})
    row(page, 1).get_by_role("combobox", name="Add a value").focus()
    choose(page, "custom", "Customer")
    settled(page)
    conditions[0]["value"] = ["lead", "customer"]
    row(page, 2).get_by_role("spinbutton", name="To").fill("7.5")
    settled(page)
    conditions[1]["value"] = [1, 7.5]
    row(page, 3).get_by_role("combobox", name="How the day is given").select_option("after")
    settled(page)
    conditions[2]["value"] = {"days_from_today": 7}
    row(page, 3).get_by_role("combobox", name="How the day is given").select_option("day")
    expect(row(page, 3).locator("input[type=date]")).to_be_visible()
    row(page, 3).locator("input[type=date]").fill("2026-03-01")
    settled(page)
    conditions[2]["value"] = "2026-03-01"
    row(page, 4).get_by_role("combobox", name="Value").select_option("0")
    settled(page)
    conditions[3]["value"] = False
    row(page, 5).get_by_role("textbox", name="Add a value").focus()
    page.keyboard.type("Łódź, Poland")
    page.keyboard.press("Enter")
    settled(page)
    conditions[4]["value"] = ["Oslo", "Łódź, Poland"]
    row(page, 6).get_by_role("spinbutton", name="days").fill("7")
    settled(page)
    conditions[5]["in_last_days"] = 7
    assert written(page) == {"and": conditions}
    row(page, 1).get_by_role("button", name="Remove Lead").focus()
    page.keyboard.press("Enter")
    settled(page)
    conditions[0]["value"] = ["customer"]
    assert written(page) == {"and": conditions}


def test_what_is_gone_is_red_and_kept_and_what_is_unfinished_is_not_applied(
    site: Start, signed_in: SignIn
) -> None:
    here = site("2")
    page = signed_in(here, viewport={"width": 1440, "height": 1000}, locale="en-US")
    gone = {"property": "shoe", "operator": "is", "value": "x"}
    opened(page, here, {"and": [CITY, gone]})
    expect(page.locator("#filter-edit")).to_contain_text("Needs attention")
    expect(row(page, 2)).to_contain_text("needs attention: There is no property “shoe”.")
    assert written(page) == {"and": [CITY, gone]}
    menu(page, 2, "Remove")
    page.locator('[data-key="add"]').focus()
    page.keyboard.press("Enter")
    settled(page)
    assert written(page) == {"and": [CITY]}
    page.locator("[data-apply-filter]").focus()
    page.keyboard.press("Enter")
    expect(row(page, 2)).to_contain_text("Choose a value, or remove the condition.")
    focused(page, "[role=combobox]")


def test_the_builder_fits_a_narrow_window_and_shows_its_json(
    site: Start, signed_in: SignIn
) -> None:
    here = site("2")
    page = signed_in(here, viewport={"width": 320, "height": 800}, locale="en-US")
    opened(page, here, {"or": [{"and": [CITY, PHONE]}, COUNTS]})
    assert problems(page) == []
    page.locator('[data-key="json"]').focus()
    page.keyboard.press("Enter")
    focused(page, "textarea[name=filter]")
    page.locator("textarea[name=filter]").fill('{"and": [{"counts": false}]}')
    settled(page)
    page.get_by_role("button", name="Show as rows").focus()
    page.keyboard.press("Enter")
    settled(page)
    expect(page.locator(".builder__operator")).to_have_value("counts_false")


def test_without_scripts_the_filter_is_edited_as_json(site: Start, signed_in: SignIn) -> None:
    here = site("3", "--marketing", "2")
    page = signed_in(here, java_script_enabled=False, locale="en-US")
    page.goto(here.url(f"contacts/?filter={quote(json.dumps({'and': [COUNTS]}))}"))
    expect(page.locator("#contacts-table tbody tr")).to_have_count(2)
    page.locator("#filter-edit").click()
    page.locator("textarea[name=filter]").fill(json.dumps({"and": [{"counts": False}]}))
    page.get_by_role("button", name="Apply filter").click()
    expect(page.locator("#contacts-table tbody tr")).to_have_count(3)
    expect(page.locator("#filter-edit")).to_contain_text("does not count toward the contact tier")
    page.locator("#filter-clear").click()
    expect(page.locator("#contacts-table tbody tr")).to_have_count(5)
