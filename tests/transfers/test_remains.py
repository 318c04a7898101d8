"""What imports leave behind goes: erased people at once (S14), drafts and failures in time; and an
import that cannot go on ends."""

import os
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.core import mail

from marketable import clock, sql
from marketable.accounts.queries import AccountInfo
from marketable.contacts.services.erase import erase_contacts
from marketable.governance import services as governance
from marketable.history.sources import Source
from marketable.jobs import tasks, upkeep
from marketable.jobs.retries import WAIT_SECONDS
from marketable.marketing_status import queries as status
from marketable.queue import Job
from marketable.transfers import queries
from marketable.transfers import services as transfers
from marketable.transfers.rules import ImportState, Marketing
from marketable.transfers.undo import ask_for_undo
from tests import make
from tests.make import JAN_20
from tests.transfers.files import bring_in, checked, csv_of, draft, failures_path, finish, reasons

pytestmark = pytest.mark.django_db

TODAY = JAN_20.date()


def erase(account: AccountInfo, email: str, by: Source) -> None:
    erase_contacts(account.id, make.ids(make.contact(account, email=email)), by=by, now=JAN_20)


def files_holding(word: bytes) -> list[str]:
    return [path.name for path in queries.folder().iterdir() if word in path.read_bytes().lower()]


def test_an_erased_persons_address_is_refused(account: AccountInfo, anna: Source) -> None:
    erase(account, "gone@example.com", anna)
    content = csv_of("email,city", "GONE@example.com,Opole", "a@example.com,Opole")
    view = bring_in(account, content)
    assert reasons(view) == [(2, "GDPR_BLACKLISTED_EMAIL", "email")]
    assert view.created == 1


def test_erasing_reaches_files_and_rows_of_imports(account: AccountInfo, anna: Source) -> None:
    rows = ("Secret.Person@example.com,Opole", "other@example.com,Radom")
    kept = draft(account, csv_of("email,city", *rows))
    waiting = checked(account, csv_of("email,city", *rows))
    started = checked(account, csv_of("email,city", *rows))
    transfers.start(account.id, started.id, expected=0, by=anna, now=JAN_20)
    failing = bring_in(
        account, csv_of("email,lifecyclestage", "secret.person@example.com,nonsense")
    )
    assert len(files_holding(b"secret.person")) >= 4
    erase(account, "secret.person@example.com", anna)
    assert files_holding(b"secret.person") == []
    assert sql.rows("SELECT count(*) FROM import_row WHERE email LIKE 'secret%%'") == [(0,)]
    assert failures_path(failing).exists()
    done = finish(account, started.id)
    assert (done.created, done.failures) == (1, {"GDPR_BLACKLISTED_EMAIL": 1})
    for view in (kept, waiting):
        transfers.begin_check(account.id, view.id)
        again = transfers.check(account.id, view.id, now=JAN_20)
        assert again.check["outcomes"] == {"unchanged": 1}


def test_drafts_go_after_two_days_and_failures_after_thirty(account: AccountInfo) -> None:
    kept = draft(account, csv_of("email", "a@example.com"))
    failing = bring_in(account, csv_of("email", "bad"))
    path = failures_path(failing)
    upkeep.clear_remains(JAN_20 + timedelta(days=1))
    assert queries.import_run(account.id, kept.id).state is ImportState.DRAFT
    upkeep.clear_remains(JAN_20 + timedelta(days=3))
    assert queries.import_run(account.id, kept.id).state is ImportState.CANCELLED
    assert path.exists()
    upkeep.clear_remains(JAN_20 + timedelta(days=31))
    assert not path.exists()
    assert queries.import_run(account.id, failing.id).failures_as == ""
    assert reasons(failing) == []


def test_files_of_killed_processes_go_and_those_in_use_stay(account: AccountInfo) -> None:
    used = draft(account, csv_of("email", "a@example.com"))
    left = queries.folder() / "half-uploaded"
    left.write_bytes(b"x")
    for path in (left, queries.folder() / used.stored_as):
        os.utime(path, (JAN_20.timestamp(), JAN_20.timestamp()))
    transfers.clear_remains(now=JAN_20 + timedelta(hours=1))
    assert left.exists()
    transfers.clear_remains(now=JAN_20 + timedelta(days=1, hours=1))
    assert not left.exists()
    assert (queries.folder() / used.stored_as).exists()


def test_an_import_without_a_job_is_taken_up_again(account: AccountInfo, anna: Source) -> None:
    view = checked(account, csv_of("email", "a@example.com"))
    transfers.start(account.id, view.id, expected=0, by=anna, now=JAN_20)
    sql.execute("DELETE FROM procrastinate_jobs")
    upkeep.sweep(JAN_20)
    upkeep.sweep(JAN_20)
    ids = {"account_id": account.id, "import_id": view.id}
    assert upkeep.under_way(Job.RUN_IMPORT) == [ids]
    tasks.run_import.func(_context(0), **ids)
    assert queries.import_run(account.id, view.id).state is ImportState.COMPLETE
    upkeep.sweep(JAN_20)
    assert queries.unfinished() == []


def test_places_of_ended_and_vanished_imports_are_given_back(
    account: AccountInfo, anna: Source
) -> None:
    view = checked(account, csv_of("email", "a@example.com"), marketing=Marketing.NEW)
    transfers.start(account.id, view.id, expected=1, by=anna, now=JAN_20)
    governance.reserve(account.id, "import:999999", 5, overdue=0, today=TODAY)
    upkeep.sweep(JAN_20)
    assert status.usage(account.id, TODAY).reserved == 1
    finish(account, view.id)
    governance.reserve(account.id, transfers.holder(view.id), 7, overdue=0, today=TODAY)
    upkeep.sweep(JAN_20)
    assert status.usage(account.id, TODAY).reserved == 0


class Bug(Exception):
    """Something in the program."""


@pytest.mark.parametrize("step", ["check", "run", "undo"])
def test_an_error_that_stays_ends_the_import_and_its_owners_are_told(
    account: AccountInfo, anna: Source, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)
    content = csv_of("email", "a@example.com")
    if step == "check":
        view = draft(account, content, by=anna)
        transfers.ask_for_check(account.id, view.id)
    elif step == "run":
        view = checked(account, content, by=anna, marketing=Marketing.NEW)
        transfers.start(account.id, view.id, expected=1, by=anna, now=JAN_20)
    else:
        view = bring_in(account, content, by=anna)
        ask_for_undo(account.id, view.id, by=anna, now=JAN_20)

    def broken(*_args: object, **_more: object) -> None:
        raise Bug

    for place in ("staging.row_maker", "services.running.upsert_staged", "undo.archive_contacts"):
        monkeypatch.setattr(f"marketable.transfers.{place}", broken)
    ids = {"account_id": account.id, "import_id": view.id}
    for attempts in range(len(WAIT_SECONDS) + 1):
        assert queries.import_run(account.id, view.id).is_running
        with pytest.raises(Bug):
            tasks.run_import.func(_context(attempts), **ids)
    failed = queries.import_run(account.id, view.id)
    assert failed.state is ImportState.FAILED and "error in the program" in failed.error
    [message] = mail.outbox
    assert message.to == ["anna@example.com"] and "people.csv" in message.subject
    assert status.usage(account.id, TODAY).reserved == 0
    assert queries.unfinished() == []  # nothing takes it up again
    monkeypatch.undo()
    if step == "undo":  # and once the program is mended, the undo goes on
        ask_for_undo(account.id, view.id, by=anna, now=JAN_20)
        assert finish(account, view.id).check["undo"]["archived"] == 1
    if step == "check":
        transfers.begin_check(account.id, view.id)
        assert transfers.check(account.id, view.id, now=JAN_20).check["outcomes"] == {"created": 1}


def _context(attempts: int) -> Any:
    """What a job is told of itself."""
    job = SimpleNamespace(attempts=attempts)
    return cast(Any, SimpleNamespace(job=job, should_abort=lambda: False))
