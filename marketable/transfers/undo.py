"""Undoing an import by the rules: created contacts go to the recycle bin, changed values come
back unless somebody touched them since, and started contacts are staged (I4)."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext_noop as _

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.billing import queries as billing
from marketable.billing.rules import today_in
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.upsert import rewrite_words
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.history.sources import Source, SourceType
from marketable.marketing_status import services as marketing
from marketable.properties import queries as properties
from marketable.properties.rules import JsonValue, as_text
from marketable.queue import Job, enqueue
from marketable.sql import SubQuery
from marketable.transfers import queries
from marketable.transfers.errors import CannotUndoImport
from marketable.transfers.models import ImportRun
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import KEPT_FOR, ImportState

#: What of an import is undone, in this order. A contact it created and started is staged before it
#: is deleted, so that it does not count again when it is restored.
STEPS = (Kind.STATUS_STARTED, Kind.CONTACT_CREATED, Kind.CONTACT_CHANGED)


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What undoing an import would do now (I4).

    archived  contacts it created, which go to the recycle bin
    held      of those, the ones whose place counts until the update date (S10)
    restored  contacts it changed that get earlier values back
    kept      contacts it changed of which something was touched since and stays
    staged    contacts it started that become non-marketing on the update date
    """

    archived: int
    held: int
    restored: int
    kept: int
    staged: int
    update_date: date

    @property
    def is_nothing(self) -> bool:
        return not (self.archived or self.restored or self.staged)


def plan_undo(account_id: int, import_id: int, *, now: datetime) -> UndoPlan:
    """Return what undoing a finished import would do, before it is done.

    Raises CannotUndoImport as `ask_for_undo` does.
    """
    view = queries.import_run(account_id, import_id)
    _refuse_undo(view, now=now)
    today = today_in(accounts.account(account_id).zone, now)
    found = sql.row(
        sql.compose(
            sql.load("transfers", "plan_undo"),
            touched_since=sql.load("transfers", "touched_since"),
            still_started=sql.load("transfers", "still_started"),
        ),
        {"account_id": account_id, "sel_import": str(import_id), "sel_today": today},
    )
    assert found is not None
    archived, held, restored, kept, staged = map(int, found)
    update_date = billing.calendar(account_id).next_update_date(today)
    return UndoPlan(archived, held, restored, kept, staged, update_date)


def kept_by_undo(account_id: int, import_id: int, *, limit: int) -> list[int]:
    """Return contacts of which something that the import had changed was kept when it was
    undone, because it had been touched since."""
    found = sql.rows(
        sql.load("transfers", "kept_by_undo"),
        {"account_id": account_id, "sel_import": str(import_id), "limit": limit},
    )
    return [int(contact_id) for (contact_id,) in found]


def _refuse_undo(view: ImportView, *, now: datetime) -> None:
    is_ended = view.state in {ImportState.COMPLETE, ImportState.CANCELLED, ImportState.FAILED}
    if not is_ended or view.started_at is None:
        raise CannotUndoImport(_("Only a finished import can be undone, and once."))
    if view.change_id is None:
        raise CannotUndoImport(_("This import changed nothing."))
    if now - view.created_at > KEPT_FOR:
        raise CannotUndoImport(_("Imports can be undone for 30 days."))


@sql.retried
def ask_for_undo(account_id: int, import_id: int, *, by: Source, now: datetime) -> ImportView:
    """Let the worker undo a finished import of the last 30 days. One that an error stopped goes
    on where it was.

    Raises CannotUndoImport.
    """
    queries.import_run(account_id, import_id)  # of this account, or not there
    row = ImportRun.objects.select_for_update().get(account_id=account_id, id=import_id)
    view = queries.view(row)
    _refuse_undo(view, now=now)
    begun = row.check_result.get("undo", {})
    row.state, row.error = ImportState.UNDOING.value, ""
    row.check_result = {
        **row.check_result,
        "undo": {
            **dict.fromkeys(("archived", "restored", "kept", "staged", "step", "change_id"), 0),
            **begun,
            "by": by.through(SourceType.UNDO, f"import:{import_id}", view.file_name).as_json(),
        },
    }
    row.save(update_fields=["state", "error", "check_result"])
    enqueue(Job.RUN_IMPORT, account_id=account_id, import_id=import_id)
    return queries.view(row)


@sql.retried
def undo_next_batch(account_id: int, import_id: int, *, now: datetime) -> bool:
    """Undo the next of the import's changes; return whether there may be more to do.

    Any number of workers may call it at once: they take turns, and no change is undone twice.
    """
    row = ImportRun.objects.select_for_update().get(account_id=account_id, id=import_id)
    if row.state != ImportState.UNDOING.value:
        return False
    told = dict(row.check_result["undo"])
    change_id = _next_change(account_id, import_id, told)
    if change_id is None:
        row.state, row.undone_at = ImportState.UNDONE.value, now
        row.save(update_fields=["state", "undone_at"])
        return False
    marketing.lock_status_batches(account_id)
    undo = (_stage_started, _archive_created, _restore_changed)[told["step"]]
    by = Source.from_json(told["by"])
    for name, count in undo(account_id, import_id, change_id, by=by, now=now).items():
        told[name] += count
    row.check_result = {**row.check_result, "undo": told}
    row.save(update_fields=["check_result"])
    return True


def _next_change(account_id: int, import_id: int, told: dict[str, Any]) -> int | None:
    """Return the next change to be undone, and keep which it is in `told`."""
    while told["step"] < len(STEPS):
        found = sql.row(
            "SELECT min(id) FROM change WHERE account_id = %(account_id)s "
            "AND source_type = 'IMPORT' AND source_id = %(import)s AND kind = %(kind)s "
            "AND id > %(after)s",
            {
                "account_id": account_id,
                "import": str(import_id),
                "kind": STEPS[told["step"]].value,
                "after": told["change_id"],
            },
        )
        if found is not None and found[0] is not None:
            told["change_id"] = int(found[0])
            return int(found[0])
        told["step"], told["change_id"] = told["step"] + 1, 0
    return None


def _altered(import_id: int, change_id: int, condition: str, today: date) -> SubQuery:
    """Return the contacts of a change for which a condition on their ledger row holds."""
    return SubQuery(
        "SELECT altered.contact_id AS id FROM contact_change AS altered "
        "WHERE altered.account_id = %(account_id)s AND altered.change_id = %(sel_change)s "
        f"AND {condition}",
        {"sel_import": str(import_id), "sel_change": change_id, "sel_today": today},
    )


def _stage_started(
    account_id: int, import_id: int, change_id: int, *, by: Source, now: datetime
) -> dict[str, int]:
    """Stage contacts that the import started and whose start is still the one that counts."""
    today = today_in(accounts.account(account_id).zone, now)
    started = _altered(import_id, change_id, sql.load("transfers", "still_started"), today)
    moved = marketing.stop_marketing(
        account_id, started, by=by, now=now, reverts_id=change_id, in_turn=True
    )
    return {"staged": moved.staged}


def _archive_created(
    account_id: int, import_id: int, change_id: int, *, by: Source, now: datetime
) -> dict[str, int]:
    """Put contacts into the recycle bin that nobody has touched since the import made them."""
    today = today_in(accounts.account(account_id).zone, now)
    touched = sql.load("transfers", "touched_since")
    kept = sql.row(
        f"SELECT count(*) FROM ({_altered(import_id, change_id, touched, today).text}) AS altered "
        "JOIN contact ON contact.account_id = %(account_id)s AND contact.id = altered.id "
        "AND contact.archived_at IS NULL",
        {
            "account_id": account_id,
            "sel_import": str(import_id),
            "sel_change": change_id,
            "sel_today": today,
        },
    )
    assert kept is not None
    untouched = _altered(import_id, change_id, f"NOT {touched}", today)
    done = archive_contacts(account_id, untouched, by=by, now=now)
    return {"archived": done.archived, "kept": int(kept[0])}


def _restore_changed(
    account_id: int, import_id: int, change_id: int, *, by: Source, now: datetime
) -> dict[str, int]:
    """Bring back the values that the import changed, each only if it is still the import's."""
    found = sql.rows(
        "SELECT altered.contact_id, (altered.before->'properties')::text, "
        "(altered.after->'properties')::text, contact.properties::text "
        "FROM contact_change AS altered JOIN contact ON contact.account_id = altered.account_id "
        "AND contact.id = altered.contact_id AND contact.archived_at IS NULL "
        "WHERE altered.account_id = %(account_id)s AND altered.change_id = %(change_id)s "
        "ORDER BY contact.id FOR NO KEY UPDATE OF contact",
        {"account_id": account_id, "change_id": change_id},
    )
    unique = [one.name for one in properties.definitions(account_id).values() if one.is_unique]
    ids, fresh, befores, afters = [], [], [], []
    kept = 0
    for contact_id, *texts in found:
        before, after, present = (json.loads(text or "{}") for text in texts)
        back = {name: old for name, old in before.items() if present.get(name) == after.get(name)}
        for name in unique:
            if name in back and not _take_value(account_id, contact_id, name, back[name]):
                del back[name]
        kept += len(back) < len(before)
        if not back:
            continue
        merged = {**present, **back}
        ids.append(int(contact_id))
        fresh.append(json.dumps({n: v for n, v in merged.items() if v is not None}))
        befores.append(json.dumps({"properties": {name: present.get(name) for name in back}}))
        afters.append(json.dumps({"properties": back}))
    if ids:
        new_id = history.open_change(
            account_id, Kind.CONTACT_CHANGED, by=by, at=now, reverts_id=change_id
        )
        params = {
            "account_id": account_id,
            "change_id": new_id,
            "now": now,
            "ids": ids,
            "fresh": fresh,
            "befores": befores,
            "afters": afters,
        }
        sql.execute(
            "UPDATE contact SET properties = given.fresh::jsonb, version = version + 1, "
            "updated_at = %(now)s FROM unnest(%(ids)s::bigint[], %(fresh)s::text[]) "
            "AS given (id, fresh) WHERE contact.account_id = %(account_id)s "
            "AND contact.id = given.id",
            params,
        )
        sql.execute(
            "INSERT INTO contact_change (account_id, contact_id, change_id, before, after) "
            "SELECT %(account_id)s, id, %(change_id)s, before::jsonb, after::jsonb "
            "FROM unnest(%(ids)s::bigint[], %(befores)s::text[], %(afters)s::text[]) "
            "AS given (id, before, after)",
            params,
        )
        rewrite_words(account_id, ids)
        history.close_change(account_id, new_id, contact_count=len(ids))
    return {"restored": len(ids), "kept": kept}


def _take_value(account_id: int, contact_id: int, name: str, value: JsonValue | None) -> bool:
    """Give a contact an earlier value of a unique property back, if nobody has it by now."""
    params = {
        "account_id": account_id,
        "contact_id": contact_id,
        "name": name,
        "value": as_text(value).casefold(),
    }
    if value is not None and not sql.execute(
        "INSERT INTO unique_value (account_id, name, value, contact_id) "
        "VALUES (%(account_id)s, %(name)s, %(value)s, %(contact_id)s) ON CONFLICT DO NOTHING",
        params,
    ):
        return False
    sql.execute(
        "DELETE FROM unique_value WHERE account_id = %(account_id)s AND name = %(name)s "
        "AND contact_id = %(contact_id)s AND value <> %(value)s",
        params,
    )
    return True
