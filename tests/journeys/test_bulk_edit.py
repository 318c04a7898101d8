"""Bulk editing in a browser, by keyboard alone: ask, plan, confirm, undo (B, O1)."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Site

READY = "#plan-dialog[data-ready]"


SignedIn = Callable[..., Page]


def ticked(signed_in: SignedIn, site: Site, **options: object) -> Page:
    """Open the table with the first two rows ticked and the menu open, by keyboard."""
    page = signed_in(site, **options)
    page.goto(site.url("contacts/"))
    expect(page.locator("#bulk-bar")).to_be_hidden()
    for row in (0, 1):
        page.locator("input[data-tick]").nth(row).focus()
        page.keyboard.press("Space")
    expect(page.locator("#bulk-bar [data-summary]")).to_contain_text("2")
    page.locator("#bulk-bar summary").focus()
    page.keyboard.press("Enter")
    return page


def choose(page: Page, action: str) -> None:
    item = page.locator(f"#bulk-bar [data-action={action}]")
    expect(item).to_be_visible()
    item.focus()
    page.keyboard.press("Enter")
    expect(page.locator(READY)).to_be_visible()


def test_a_property_is_edited_and_undone_by_keyboard(
    signed_in: SignedIn, site: Callable[..., Site]
) -> None:
    page = ticked(signed_in, site("3"))
    choose(page, "edit")
    expect(page.locator("#ask-property")).to_be_focused()
    page.locator("#ask-property").select_option("city")
    value = page.locator(f"{READY} #ask-value")
    expect(value).to_be_visible()
    value.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#ask-problem")).to_be_visible()
    expect(value).to_be_focused()  # what was refused is gone on with
    page.keyboard.type("Gdynia")
    page.keyboard.press("Enter")
    button = page.locator(f"{READY} [data-confirm]")
    expect(button).to_have_text("Set “City” for 2 contacts")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#plan-dialog")).to_be_hidden()
    toast = page.locator(".toast").first
    expect(toast).to_contain_text("2 contacts were changed.")
    expect(page.locator("#contacts-table")).to_contain_text("Gdynia")
    expect(page.locator("#bulk-bar")).to_be_hidden()
    toast.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".toast").first).to_contain_text("2 contacts are as they were.")
    expect(page.locator("#contacts-table")).not_to_contain_text("Gdynia")


def test_a_list_is_made_on_the_way(signed_in: SignedIn, site: Callable[..., Site]) -> None:
    page = ticked(signed_in, site("3"))
    choose(page, "add")
    page.locator("#ask-new-list").focus()
    page.keyboard.type("Guests")
    page.keyboard.press("Enter")
    expect(page.locator(f"{READY} [data-confirm]")).to_have_text("Add 2 contacts to “Guests”")
    page.keyboard.press("Escape")
    expect(page.locator("#plan-dialog")).to_be_hidden()
    expect(page.locator("#bulk-bar summary")).to_be_focused()


def test_deleting_marketing_contacts_waits_for_the_number(
    signed_in: SignedIn, site: Callable[..., Site]
) -> None:  # B4, S10
    page = ticked(signed_in, site("0", "--marketing", "2"))
    choose(page, "delete")
    field = page.locator(f"{READY} #plan-count")
    expect(field).to_be_focused()
    expect(page.locator(f"{READY} [data-confirm]")).to_be_disabled()
    page.keyboard.type("2")
    expect(page.locator(f"{READY} [data-confirm]")).to_be_enabled()
    page.keyboard.press("Enter")
    expect(page.locator(".toast").first).to_contain_text(
        "2 contacts were put into the recycle bin."
    )


def test_the_dialog_fits_into_a_narrow_window(
    signed_in: SignedIn, site: Callable[..., Site]
) -> None:
    page = ticked(signed_in, site("3"), viewport={"width": 320, "height": 640})
    choose(page, "edit")
    page.locator("#ask-property").select_option("city")
    expect(page.locator(f"{READY} #ask-value")).to_be_visible()
    wide = "document.documentElement.scrollWidth <= window.innerWidth"
    assert page.evaluate(wide)
    fits = "document.getElementById('plan-dialog').scrollWidth <= window.innerWidth"
    assert page.evaluate(fits)
