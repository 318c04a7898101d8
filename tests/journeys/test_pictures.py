"""The pictures of the documentation, taken from the product with its demo account.

    WRITE_PICTURES=1 make test ARGS=tests/journeys/test_pictures.py

They are written when asked for; a picture that nobody needs anew would differ by the day's dates.
"""

import os
import re
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.journeys.conftest import served

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
MOST_BYTES = 300_000

if os.environ.get("WRITE_PICTURES"):

    def test_the_contacts_page_is_pictured(
        browser: Browser, fresh_database: str, tmp_path: Path
    ) -> None:
        environment = {
            **os.environ,
            "DATABASE_URL": fresh_database,
            "MARKETABLE_DATA_DIR": str(tmp_path / "data"),
        }
        demo = served(environment, "--demo")
        with demo:
            page = browser.new_page(viewport={"width": 1280, "height": 760}, color_scheme="light")
            page.goto(demo.next_address())
            page.wait_for_url(re.compile(r"/app/"))
            expect(page.locator("#contacts-table")).to_be_visible()
            for place in (1, 2, 4):
                page.locator("input[data-tick]").nth(place).check()
            page.locator("h1").hover()
            picture = IMAGES / "contacts.png"
            picture.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=picture)
            page.close()
        assert picture.stat().st_size < MOST_BYTES
