"""Words are chosen for the reader: stored reasons, numbers, dates; files and commands have none."""

import csv
from datetime import UTC, date, datetime
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from marketable import clock
from marketable import formats as show
from marketable.accounts import services as accounts
from marketable.accounts.models import User
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.bulk_actions import running
from marketable.bulk_actions import services as bulk_actions
from marketable.contacts.errors import EmailTaken
from marketable.errors import message_of
from marketable.governance.errors import CeilingReached
from marketable.history.sources import Source
from marketable.marketing_status.rules import Event, Status
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.properties.services import create_property
from marketable.segments.selection import Selection
from marketable.transfers import queries as imports
from marketable.transfers import services as transfers
from marketable.transfers.errors import FileRefused
from marketable.transfers.models import ImportRun
from tests import make
from tests.commands.shell import Shell
from tests.make import JAN_20

NBSP = "\xa0"


@pytest.mark.parametrize(
    ("value", "english", "polish"),
    [
        (0, "0", "0"),
        (12_480, "12,480", f"12{NBSP}480"),
        (1_234_567, "1,234,567", f"1{NBSP}234{NBSP}567"),
        (1.5, "1.5", "1,5"),
    ],
)
def test_numbers_are_written_as_the_language_does(
    value: float, english: str, polish: str
) -> None:  # Y2
    with translation.override("en"):
        assert show.number(value) == english
    with translation.override("pl"):
        assert show.number(value) == polish


def test_dates_percent_and_money_are_written_as_the_language_does() -> None:  # Y2
    late = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    warsaw = ZoneInfo("Europe/Warsaw")
    with translation.override("en"):
        assert show.day(date(2026, 12, 1)) == "1 Dec 2026"
        assert show.short_day(date(2026, 12, 1)) == "1 Dec"
        assert show.moment(late, warsaw) == "1 Dec 2026, 00:30"
        assert show.percent(0.25) == "25%"
        assert show.money(147_500, "EUR") == "€1,475.00"
    with translation.override("pl"):
        assert show.day(date(2026, 12, 1)) == "1 gru 2026"
        assert show.short_day(date(2026, 5, 1)) == "1 maj"
        assert show.moment(late, warsaw) == "1 gru 2026, 00:30"
        assert show.percent(0.25) == "25%"
        assert show.money(147_500, "EUR") == f"1475,00{NBSP}€".replace("1475", f"1{NBSP}475")


def test_a_stored_refusal_speaks_the_readers_language() -> None:
    with translation.override("en"):
        kept = CeilingReached(ceiling=12_000, usage=11_990, wanted=25).stored()
    with translation.override("pl"):
        assert message_of(kept) == (
            "Dodatkowe kontakty marketingowe (25) nie zmieszczą się pod twardym limitem: "
            f"zajęte miejsca: 11{NBSP}990 z 12{NBSP}000. Niczego nie zmieniono."
        )
    assert "The ceiling is 12,000 marketing contacts and 11,990 places" in message_of(kept)


def test_numbers_that_name_something_are_not_grouped() -> None:
    refusal = EmailTaken(email="anna@example.com", contact_id=12_480)
    assert refusal.message == "anna@example.com already belongs to contact 12480."


def test_a_value_with_a_percent_sign_is_shown_as_it_is() -> None:
    assert FileRefused("100 % of the file is binary").message == "100 % of the file is binary"
    told = FileRefused("Row %(line)s is not text.", {"line": "50%s"})
    assert message_of(told.stored()) == "Row 50%s is not text."


@pytest.fixture
def polish_browser(owner: User) -> Client:
    accounts.choose_language(owner.pk, "pl")
    client = Client()
    client.force_login(owner)
    return client


def test_a_job_that_was_refused_in_english_is_read_in_polish(
    account: AccountInfo, anna: Source, polish_browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*given: object, **named: object) -> None:
        raise CeilingReached(ceiling=2, usage=2, wanted=1)

    monkeypatch.setattr(clock, "now", lambda: JAN_20)
    monkeypatch.setattr(bulk_actions, "REQUEST_LIMIT", 0)
    make.contacts(account, 1)
    plan = bulk_actions.preview(
        account.id, Event.START, Selection(), by=anna, reach=EVERYTHING, now=JAN_20
    )
    job = bulk_actions.confirm(account.id, plan.id, 1, by=anna, reach=EVERYTHING, now=JAN_20)
    monkeypatch.setattr(running, "_do_batch", refused)
    running.run_next_batch(account.id, job.id, now=JAN_20)
    page = polish_browser.get(reverse("jobs:job", args=[account.id, job.id])).content.decode()
    assert "nie zmieszczą się pod twardym limitem" in page
    assert "The ceiling is" not in page


def test_an_import_that_was_refused_in_english_is_read_in_polish(
    account: AccountInfo, anna: Source
) -> None:
    text = BytesIO(b"email\nanna@example.com\n")
    file = transfers.keep_file(account.id, text, "people.csv", by=anna, now=JAN_20)
    refusal = FileRefused(
        "Row %(line)s cannot be read: a quote is probably not closed.", {"line": "9001"}
    )
    ImportRun.objects.filter(account_id=account.id, id=file.id).update(error=refusal.stored())
    with translation.override("pl"):
        assert imports.import_run(account.id, file.id).error == (
            "Nie można odczytać wiersza 9001: prawdopodobnie nie zamknięto cudzysłowu."
        )


def test_an_export_is_the_same_file_in_every_language(
    account: AccountInfo, polish_browser: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:  # Y2
    monkeypatch.setattr(clock, "now", lambda: JAN_20)
    size = PropertyDef("size", "Size", PropertyType.NUMBER, "number")
    create_property(account.id, size, by=make.source(owner), now=JAN_20)
    make.contact(account, status=Status.MARKETING, size=1_250_000.5)
    url = reverse("contacts:export", args=[account.id])
    polish = exported(polish_browser, url)
    accounts.choose_language(owner.pk, "en")
    assert polish == exported(polish_browser, url)
    assert "1250000.5" in polish[1]
    assert any(cell.startswith("2027-01-10T12:00:00") for cell in polish[1])


def exported(client: Client, url: str) -> list[list[str]]:
    answer = client.post(url, {"everyone": "1", "columns": "email,size,createdate"})
    assert answer.status_code == 200
    lines = b"".join(answer).decode("utf-8-sig")
    return list(csv.reader(lines.splitlines()))


def test_commands_speak_english_whatever_the_account_and_the_machine_speak(
    fresh_database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shell = Shell(fresh_database, tmp_path_factory.mktemp("data"))
    polish = {"LANG": "pl_PL.UTF-8", "LC_ALL": "pl_PL.UTF-8", "LANGUAGE": "pl"}
    made = shell(
        *("account", "create", "Polska", "--owner", "ola@example.com", "--language", "pl"),
        *("--password-stdin", "--json"),
        stdin="a long enough password\n",
        **polish,
    )
    number = made.json["id"]
    wrong = shell("marketing", "start", "--account", number, "--all", "--expect", 1234, **polish)
    assert wrong.status == 1
    assert "It was 1234 contacts and is 0 now. Nothing was changed." in wrong.err
