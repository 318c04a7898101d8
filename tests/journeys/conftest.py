"""A real `marketable serve` on a database of its own, and a browser that is signed in to it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]
READY = re.compile(r"(http://\S+)")
STOP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Site:
    """A running product with one account in it."""

    address: str
    account_id: int
    email: str
    password: str

    def url(self, path: str) -> str:
        """Return the address of a page of the account."""
        return f"{self.address}/app/{self.account_id}/{path}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=BROWSER_OPTIONS)
        yield started
        started.close()


@pytest.fixture
def site(fresh_database: str, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Call it with the options of `tests.journeys.people` to get a running product."""
    environment = {
        **os.environ,
        "DATABASE_URL": fresh_database,
        "MARKETABLE_DATA_DIR": str(tmp_path / "data"),
        "DJANGO_SETTINGS_MODULE": "marketable.config.settings",
    }
    with ExitStack() as stack:

        def start(*options: str) -> Site:
            made = subprocess.run(
                [sys.executable, "-m", "tests.journeys.people", *options],
                env=environment,
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            return Site(stack.enter_context(served(environment)), **json.loads(made.stdout))

        yield start


class served:  # noqa: N801 (reads as a statement: with served(...))
    """Runs `marketable serve` on a free port until it is left; gives its address."""

    def __init__(self, environment: dict[str, str], *options: str) -> None:
        self._environment = environment
        self._options = options

    def __enter__(self) -> str:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "marketable", "serve"),
                *("--port", "0", "--processes", "1"),
                *self._options,
            ],
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self.next_address()

    def next_address(self) -> str:
        """Wait for the next line with an address, as the one that signs into the demo account."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            found = READY.search(line)
            if found:
                return found[1].rstrip("/.")
        raise AssertionError(f"serve ended with {self._process.wait()} before it was ready")

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise


@pytest.fixture
def signed_in(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Call it with a site to get a page whose person is signed in, as people do it."""
    with ExitStack() as stack:

        def sign_in(site: Site, **options: object) -> Page:
            context = browser.new_context(**options)  # type: ignore[arg-type]
            stack.callback(context.close)
            page = context.new_page()
            page.goto(f"{site.address}/accounts/login/")
            page.fill("input[name=login]", site.email)
            page.fill("input[name=password]", site.password)
            page.press("input[name=password]", "Enter")
            page.wait_for_url(re.compile(r"/app/|/$"))
            return page

        yield sign_in
