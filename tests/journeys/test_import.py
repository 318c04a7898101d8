"""An import in a real browser: a file through all five steps, watched, looked at, undone."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import Site
from tests.journeys.look import problems, watched

Start = Callable[..., Site]
SignIn = Callable[..., Page]

SLOW = 30_000
POLES = """\
Imię;Nazwisko;Adres e-mail;Telefon;Data urodzenia;Rozmiar buta
Zażółć;Gęślą;zazolc@example.pl;600 100 200;31.12.1980;42,5
Łukasz;Żółć;lukasz@example.pl;600 100 201;1.2.1985;41
Świętosława;Ćwiek;swieta@example.pl;;;38
Jan;Kowalski;jan@@example;600 100 203;;43
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "kontakty.csv"
    path.write_bytes(POLES.encode("cp1250"))
    return path


def upload(page: Page, site: Site, file: Path) -> None:
    page.goto(site.url("imports/"))
    page.get_by_role("link", name="Import contacts").click()
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Upload and go on").click()
    expect(page).to_have_url(re.compile("/mapping$"))


def check(page: Page) -> None:
    page.get_by_role("button", name="Next: check the file").click()
    expect(page.locator("[data-outcome=created]")).to_be_visible(timeout=SLOW)


def row(page: Page, name: str) -> Locator:
    """Return the row of a column of the file."""
    return page.locator(".column").filter(has=page.get_by_role("rowheader", name=name, exact=True))


def becomes(page: Page, name: str) -> str:
    """Return what a column becomes."""
    chosen = row(page, name).locator(".column__property option:checked")
    return chosen.inner_text()


def test_a_bad_cell_is_mended_by_keyboard_and_a_row_left_out(
    site: Start, signed_in: SignIn, tmp_path: Path
) -> None:
    here = site("3")
    page = signed_in(here)
    errors = watched(page)
    file = tmp_path / "people.csv"
    file.write_text("email,firstname\nanna@example.com,Anna\njan@@example,Jan\newa@,Ewa\n")
    upload(page, here, file)
    check(page)
    expect(page.get_by_role("heading", name="2 rows will not be taken")).to_be_visible()
    cell = page.get_by_label("Line 3, email")
    cell.fill("jan@example")
    page.keyboard.press("Enter")
    expect(page.locator("#line-3 [role=status]")).to_have_text("not an e-mail address")
    expect(cell).to_be_focused()
    cell.fill("jan@example.com")
    page.keyboard.press("Enter")
    expect(page.locator("#line-3")).to_contain_text("Will be taken")
    expect(page.get_by_role("heading", name="1 row will not be taken")).to_be_visible()
    expect(page.locator("[data-outcome=created]")).to_contain_text("2")
    page.get_by_role("button", name="Leave out line 4").press("Enter")
    expect(page.get_by_role("button", name="Put back line 4")).to_be_focused()
    expect(page.get_by_role("heading", name="Every row will be taken")).to_be_visible()
    assert problems(page) == []
    page.get_by_role("link", name="Next: options").click()
    page.get_by_role("button", name="Import 2 contacts").click()
    expect(page.locator("#run")).to_contain_text("2 created", timeout=SLOW)
    assert errors == []


def test_polish_contacts_come_in_through_five_steps_and_go_again(
    site: Start, signed_in: SignIn, file: Path
) -> None:
    here = site("3", "--marketing", "2")
    page = signed_in(here)
    errors = watched(page)
    upload(page, here, file)

    # Columns: named in Polish, in an old encoding, with semicolons
    assert becomes(page, "Imię") == "First name"
    assert becomes(page, "Adres e-mail") == "E-mail"
    expect(page.locator(".mapped")).to_contain_text("Zażółć")
    expect(page.locator("#ignored")).to_contain_text("Rozmiar buta")
    row(page, "Rozmiar buta").get_by_role("button", name="Create a property for it").click()
    expect(page.locator("#property-dialog")).to_be_visible()
    expect(page.get_by_label("Label")).to_have_value("Rozmiar buta")
    page.keyboard.press("Enter")
    expect(page.locator("#ignored")).to_have_text("Every column is taken.")
    page.get_by_label("Numbers have a decimal comma").check()
    page.get_by_label("Dates").select_option("dmy")
    page.wait_for_load_state("networkidle")
    page.reload()
    expect(page.get_by_label("Numbers have a decimal comma")).to_be_checked()
    expect(page.get_by_label("Dates")).to_have_value("dmy")

    # Check
    check(page)
    expect(page.locator("[data-outcome=created]")).to_contain_text("3")
    expect(page.get_by_label("Line 5, Adres e-mail")).to_have_value("jan@@example")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download them").click()
    assert "jan@@example" in Path(download.value.path()).read_text(encoding="utf-8-sig")

    # Options, with what they cost
    page.get_by_role("link", name="Next: options").click()
    expect(page.get_by_role("button", name="Import 3 contacts")).to_be_enabled()
    page.get_by_label("Set every contact of the file as a marketing contact").check()
    confirm = page.get_by_role("button", name="Confirm: import, and set 3 contacts")
    expect(confirm).to_be_disabled()
    expect(page.locator("#import-plan .compare")).to_contain_text("Marketing contacts 2 5")
    field = page.locator("input[name=count]")
    for wrong in ("2", "3.0", "-3", ""):
        field.fill(wrong)
        expect(confirm).to_be_disabled()
    field.fill("3")
    expect(confirm).to_be_enabled()
    page.get_by_role("button", name="Back").click()
    page.get_by_role("link", name="Next: options").click()  # nothing was lost on the way
    expect(page.get_by_label("Set every contact of the file")).to_be_checked()
    page.locator("input[name=count]").fill("3")
    page.keyboard.press("Enter")

    # Run
    expect(page).to_have_url(re.compile("/run$"))
    expect(page.locator(".job-state--complete")).to_be_visible(timeout=SLOW)
    expect(page.locator("#run")).to_contain_text("3 created")
    expect(page.locator("#run")).to_contain_text("3 set as marketing contacts")
    expect(page.locator("#run")).to_contain_text("1 not an e-mail address")
    expect(page.locator("#usage")).to_contain_text("5")
    page.get_by_role("link", name="See exactly these contacts").click()
    expect(page.locator("input[data-tick]")).to_have_count(3)
    expect(page.locator("#contacts-table")).to_contain_text("Świętosława Ćwiek")
    page.go_back()

    # Undo
    page.get_by_role("link", name="Undo…").click()
    expect(page.locator("main")).to_contain_text("3 contacts that the import created")
    page.get_by_role("button", name="Undo the import").click()
    expect(page.locator(".job-state--undone")).to_be_visible(timeout=SLOW)
    expect(page.locator("[data-outcome=undone-archived]")).to_contain_text("3")
    page.goto(here.url("contacts/"))
    expect(page.locator("input[data-tick]")).to_have_count(5)
    assert errors == []


def test_a_file_dropped_on_the_page_is_taken(site: Start, signed_in: SignIn, file: Path) -> None:
    here = site("0")
    page = signed_in(here)
    page.goto(here.url("imports/"))
    dropped = page.evaluate_handle(
        """text => {
            const files = new DataTransfer();
            files.items.add(new File([text], "dropped.csv", { type: "text/csv" }));
            return files;
        }""",
        "email,city\nzofia@example.pl,Łódź\n",
    )
    page.dispatch_event("main", "dragover", {"dataTransfer": dropped})
    expect(page.locator(".drop-over")).to_have_text("Drop the file to import it")
    page.dispatch_event("main", "drop", {"dataTransfer": dropped})
    expect(page).to_have_url(re.compile("/mapping$"))
    expect(page.locator("h1")).to_have_text("Import of dropped.csv")
    expect(page.locator(".mapped")).to_contain_text("Łódź")


def test_the_first_rows_follow_the_choices_at_once(
    site: Start, signed_in: SignIn, file: Path
) -> None:
    here = site("0")
    page = signed_in(here)
    upload(page, here, file)
    page.get_by_label("Encoding").select_option("cp1251")
    expect(page.locator(".mapped")).not_to_contain_text("Zażółć")
    page.get_by_label("Encoding").select_option("cp1250")
    expect(page.locator(".mapped")).to_contain_text("Zażółć")
    page.get_by_label("The first row has the names").uncheck()
    expect(page.locator(".column").first).to_contain_text("Column 1")
    expect(page.locator(".column").first).to_contain_text("Imię")


def test_an_import_works_without_a_script(site: Start, signed_in: SignIn, file: Path) -> None:
    here = site("1")
    page = signed_in(here, java_script_enabled=False)
    upload(page, here, file)
    page.get_by_label("Dates").select_option("dmy")
    row(page, "Rozmiar buta").get_by_role("button", name="Create a property for it").click()
    page.get_by_label("Type").select_option("string/text")
    page.get_by_role("button", name="Create property").click()
    assert becomes(page, "Rozmiar buta") == "Rozmiar buta"
    expect(page.get_by_label("Dates")).to_have_value("dmy")
    page.get_by_role("button", name="Next: check the file").click()
    look_again(page, "[data-outcome=created]")
    page.get_by_role("link", name="Next: options").click()
    page.get_by_label("Set the new contacts as marketing contacts").check()
    page.get_by_role("button", name="Import 3 contacts").click()
    expect(page.locator("main")).to_contain_text("The options are not those of this preview.")
    page.locator("input[name=count]").fill("2")
    page.get_by_role("button", name="Confirm: import, and set 3 contacts").click()
    expect(page.locator("main")).to_contain_text("Type the number 3")
    page.locator("input[name=count]").fill("3")
    page.get_by_role("button", name="Confirm: import, and set 3 contacts").click()
    look_again(page, ".job-state--complete")
    expect(page.locator("#run")).to_contain_text("3 set as marketing contacts")


@pytest.mark.parametrize(
    "screen",
    [
        {"viewport": {"width": 320, "height": 700}, "color_scheme": "light"},
        {"viewport": {"width": 768, "height": 900}, "color_scheme": "dark"},
    ],
    ids=["narrow", "dark"],
)
def test_every_step_looks_right(
    site: Start, signed_in: SignIn, file: Path, screen: dict[str, object]
) -> None:
    here = site("2", "--language", "pl")
    page = signed_in(here, **screen)
    for step in ("imports/", "imports/new"):
        page.goto(here.url(step))
        assert problems(page) == [], step
    page.set_input_files("#file", file)
    page.locator("[data-busy]").click()
    expect(page.locator(".mapped")).to_be_visible()
    assert problems(page) == [], "columns"
    page.locator(".column__ignored button:visible").first.click()
    expect(page.locator("#property-dialog")).to_be_visible()
    assert problems(page) == [], "property"
    page.keyboard.press("Escape")
    page.locator(".wizard-buttons .button--primary").click()
    expect(page.locator("[data-outcome=created]")).to_be_visible(timeout=SLOW)
    assert problems(page) == [], "check"
    page.goto(page.url.replace("/check", "/file"))
    assert problems(page) == [], "file"
    page.goto(page.url.replace("/file", "/options"))
    page.locator("input[value=all]").check()
    page.locator("input[name=count]").fill("3")
    assert problems(page) == [], "options"
    page.locator("[data-confirm]").click()
    expect(page.locator(".job-state--complete")).to_be_visible(timeout=SLOW)
    assert problems(page) == [], "run"
    page.goto(page.url.replace("/run", "/undo"))
    assert problems(page) == [], "undo"
    page.locator(".button--danger").click()
    expect(page.locator(".job-state--undone")).to_be_visible(timeout=SLOW)
    assert problems(page) == [], "undone"


def look_again(page: Page, wanted: str) -> None:
    """Press the page's own link until what is waited for has come."""
    for _ in range(100):
        if page.locator(wanted).count():
            return
        page.wait_for_timeout(200)
        page.get_by_role("link", name="Look again").click()
    raise AssertionError(f"{wanted} did not come")
