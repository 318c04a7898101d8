"""A property is marked indexed on its page, and a worker builds the index while one looks on."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Site
from tests.journeys.look import problems, watched


def test_an_index_is_built_and_taken_away_by_keyboard(
    site: Callable[..., Site], signed_in: Callable[..., Page]
) -> None:
    here = site("2")
    page = signed_in(here)
    errors = watched(page)
    page.goto(here.url("properties/"))
    page.get_by_role("searchbox", name="Search properties").fill("cit")
    expect(page.get_by_role("link", name="First name")).to_have_count(0)
    page.get_by_role("link", name="City").press("Enter")
    card = page.locator("#property-index")
    expect(card).to_contain_text("Not indexed")
    card.get_by_role("button", name="Mark as indexed").press("Enter")
    remove = card.get_by_role("button", name="Remove the index")
    expect(remove).to_be_visible(timeout=60_000)
    expect(card).to_contain_text("1 of 10 indexed")
    remove.press("Enter")
    expect(card.get_by_role("button", name="Mark as indexed")).to_be_visible(timeout=60_000)
    expect(card).to_contain_text("Not indexed")
    assert errors == [] and problems(page) == []
