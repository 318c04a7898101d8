"""Undoing an import: created contacts go, changed values come back unless somebody touched them
since, and started contacts are staged (I4, S10, S16)."""

from datetime import timedelta

import pytest

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts.services.edit import edit_contact
from marketable.contacts.services.restore import restore_contact
from marketable.history.sources import Source
from marketable.marketing_status import queries as status
from marketable.marketing_status import services as marketing
from marketable.marketing_status.rules import Status
from marketable.properties import services as properties
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.transfers import queries
from marketable.transfers import services as transfers
from marketable.transfers.errors import CannotUndoImport
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import ImportState, Marketing
from marketable.transfers.services import running
from marketable.transfers.undo import ask_for_undo, kept_by_undo, plan_undo
from tests import make
from tests.make import FEB_2, JAN_20
from tests.transfers.files import bring_in, contact_with, csv_of, finish

pytestmark = pytest.mark.django_db

TODAY = JAN_20.date()
FILE = csv_of(
    "email,city,jobtitle",
    "new@example.com,Opole,Cook",
    "touched@example.com,Opole,Cook",
    "old@example.com,Opole,Cook",
    "edited@example.com,Opole,Cook",
)


@pytest.fixture
def present(account: AccountInfo) -> None:
    for email in ("old@example.com", "edited@example.com"):
        make.contact(account, email=email, city="Radom")


def edit(account: AccountInfo, email: str, by: Source, **values: object) -> None:
    edit_contact(
        account.id,
        contact_with(account, email)["id"],
        values,
        version=None,
        reach=EVERYTHING,
        by=by,
        now=JAN_20,
    )


def undone(account: AccountInfo, view: ImportView, by: Source) -> ImportView:
    ask_for_undo(account.id, view.id, by=by, now=JAN_20)
    return finish(account, view.id)


def told(view: ImportView) -> dict[str, int]:
    undo = view.check["undo"]
    return {name: undo[name] for name in ("archived", "restored", "kept", "staged")}


def test_what_nobody_touched_is_undone_and_the_rest_is_kept_and_named(
    account: AccountInfo, anna: Source, present: None
) -> None:
    view = bring_in(account, FILE, marketing=Marketing.NEW, by=anna)
    edit(account, "touched@example.com", anna, phone="601 234 567")
    edit(account, "edited@example.com", anna, city="Gdynia")
    ids = {
        email: contact_with(account, email)["id"]
        for email in ("new@example.com", "touched@example.com", "edited@example.com")
    }
    planned = plan_undo(account.id, view.id, now=JAN_20)
    assert (planned.archived, planned.held, planned.restored, planned.kept, planned.staged) == (
        1,
        1,
        2,
        2,
        2,
    )
    done = undone(account, view, anna)
    assert done.state is ImportState.UNDONE
    assert told(done) == {"archived": 1, "restored": 2, "kept": 2, "staged": 2}
    old, edited = (
        contact_with(account, "old@example.com"),
        contact_with(account, "edited@example.com"),
    )
    assert (old["city"], old.get("jobtitle")) == ("Radom", None)
    assert (edited["city"], edited.get("jobtitle")) == ("Gdynia", None)
    assert kept_by_undo(account.id, view.id, limit=20) == sorted(
        [ids["touched@example.com"], ids["edited@example.com"]]
    )
    # Deleting frees no place before the update date (S10).
    assert status.status_of(account.id, ids["new@example.com"], TODAY) is Status.LEAVING
    assert status.status_of(account.id, ids["touched@example.com"], TODAY) is Status.LEAVING
    assert status.usage(account.id, TODAY).usage == 2
    assert status.prove(account.id).ok


def test_a_created_contact_that_is_restored_is_still_staged(
    account: AccountInfo, anna: Source
) -> None:
    view = bring_in(account, csv_of("email", "new@example.com"), marketing=Marketing.NEW, by=anna)
    contact_id = contact_with(account, "new@example.com")["id"]
    undone(account, view, anna)
    back = restore_contact(account.id, contact_id, reach=EVERYTHING, by=anna, now=JAN_20)
    assert back.status is Status.LEAVING


def test_a_staging_that_the_import_withdrew_is_staged_again(
    account: AccountInfo, anna: Source
) -> None:
    leaving = make.contact(account, email="leaving@example.com", status=Status.LEAVING)
    kept = make.contact(account, email="kept@example.com", status=Status.LEAVING)
    content = csv_of("email", "leaving@example.com", "kept@example.com")
    view = bring_in(account, content, marketing=Marketing.ALL, by=anna)
    marketing.stop_marketing(account.id, make.ids(kept), by=anna, now=JAN_20)
    marketing.keep_marketing(account.id, make.ids(kept), by=anna, now=JAN_20)
    assert told(undone(account, view, anna))["staged"] == 1
    assert status.status_of(account.id, leaving, TODAY) is Status.LEAVING
    assert status.status_of(account.id, kept, TODAY) is Status.MARKETING


def test_after_the_update_date_a_withdrawn_staging_is_not_repeated(
    account: AccountInfo, anna: Source
) -> None:
    leaving = make.contact(account, email="leaving@example.com", status=Status.LEAVING)
    view = bring_in(
        account, csv_of("email", "leaving@example.com"), marketing=Marketing.ALL, by=anna
    )
    ask_for_undo(account.id, view.id, by=anna, now=FEB_2)
    finish(account, view.id, now=FEB_2)
    assert status.status_of(account.id, leaving, FEB_2.date()) is Status.MARKETING


def test_unique_values_come_back_unless_somebody_has_them(
    account: AccountInfo, anna: Source
) -> None:
    properties.create_property(
        account.id,
        PropertyDef("code", "Code", PropertyType.STRING, "text", is_unique=True),
        by=anna,
        now=JAN_20,
    )
    bring_in(account, csv_of("email,code", "a@example.com,A", "b@example.com,B"))
    view = bring_in(account, csv_of("email,code", "a@example.com,X", "b@example.com,Y"))
    bring_in(account, csv_of("email,code", "c@example.com,a"))
    assert told(undone(account, view, anna)) == {
        "archived": 0,
        "restored": 1,
        "kept": 1,
        "staged": 0,
    }
    assert contact_with(account, "a@example.com")["code"] == "X"
    assert contact_with(account, "b@example.com")["code"] == "B"
    assert sql.rows("SELECT value FROM unique_value ORDER BY value") == [("a",), ("b",), ("x",)]


def test_words_and_names_follow(account: AccountInfo, anna: Source) -> None:
    make.contact(account, email="a@example.com", firstname="Jan", lastname="Nowak")
    view = bring_in(account, csv_of("email,last name", "a@example.com,Abacki"))
    undone(account, view, anna)
    [(key, words)] = sql.rows(
        "SELECT name_key, words FROM contact JOIN contact_search ON contact_id = id"
    )
    assert key == "nowak jan" and "abacki" not in words and "nowak" in words


def test_an_undo_goes_on_where_it_was(
    account: AccountInfo, anna: Source, present: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH", 1)
    view = bring_in(account, FILE, marketing=Marketing.NEW, by=anna)
    ask_for_undo(account.id, view.id, by=anna, now=JAN_20)
    steps = 0
    while transfers.work_on(account.id, view.id, now=JAN_20):
        steps += 1
    assert steps == 6  # two started, two created, two changed
    assert told(queries.import_run(account.id, view.id)) == {
        "archived": 2,
        "restored": 2,
        "kept": 0,
        "staged": 2,
    }
    assert not transfers.work_on(account.id, view.id, now=JAN_20)


def test_an_import_is_undone_once_and_for_30_days(account: AccountInfo, anna: Source) -> None:
    view = bring_in(account, csv_of("email", "a@example.com"))
    with pytest.raises(CannotUndoImport, match="30 days"):
        ask_for_undo(account.id, view.id, by=anna, now=JAN_20 + timedelta(days=31))
    undone(account, view, anna)
    with pytest.raises(CannotUndoImport, match="once"):
        ask_for_undo(account.id, view.id, by=anna, now=JAN_20)


def test_an_import_that_changed_nothing_has_nothing_to_undo(
    account: AccountInfo, anna: Source
) -> None:
    make.contact(account, email="a@example.com", city="Opole")
    view = bring_in(account, csv_of("email,city", "a@example.com,Opole"))
    with pytest.raises(CannotUndoImport, match="nothing"):
        ask_for_undo(account.id, view.id, by=anna, now=JAN_20)
