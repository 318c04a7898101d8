"""Undoing an import by the rules: created contacts go to the recycle bin, changed values come
back unless somebody touched them since, and started contacts are staged (I4)."""

import json
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

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
from marketable.queue import Job, enqueue
from marketable.sql import SubQuery
from marketable.transfers import queries
from marketable.transfers.errors import CannotUndoImport
from marketable.transfers.models import ImportRun
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import KEPT_FOR, ImportState

BATCH = 5_000


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
    params = {"account_id": account_id, "sel_import": str(import_id), "today": today}
    found = sql.row(sql.load("transfers", "plan_undo"), params)
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
    if view.state not in {ImportState.COMPLETE, ImportState.CANCELLED}:
        raise CannotUndoImport(_("Only a finished import can be undone, and once."))
    if view.change_id is None:
        raise CannotUndoImport(_("This import changed nothing."))
    if now - view.created_at > KEPT_FOR:
        raise CannotUndoImport(_("Imports can be undone for 30 days."))


@sql.retried
def ask_for_undo(account_id: int, import_id: int, *, by: Source, now: datetime) -> ImportView:
    """Let the worker undo a finished import of the last 30 days."""
    queries.import_run(account_id, import_id)  # of this account, or not there
    row = ImportRun.objects.select_for_update().get(account_id=account_id, id=import_id)
    view = queries.view(row)
    _refuse_undo(view, now=now)
    row.state = ImportState.UNDOING.value
    row.check_result = {
        **row.check_result,
        "undo": {
            "by": by.through(SourceType.UNDO, f"import:{import_id}", view.file_name).as_json(),
            "archived": 0,
            "restored": 0,
            "kept": 0,
            "staged": 0,
        },
    }
    row.save(update_fields=["state", "check_result"])
    enqueue(Job.RUN_IMPORT, account_id=account_id, import_id=import_id)
    return queries.view(row)


#: Changes of an import of one kind, and the contacts they altered that have not been dealt with:
#: what undoing did to them is itself a later change by UNDO of this import.
ALTERED = """
SELECT altered.contact_id AS id
  FROM change
  JOIN contact_change AS altered
    ON altered.account_id = change.account_id AND altered.change_id = change.id
 WHERE change.account_id = %(account_id)s AND change.source_type = 'IMPORT'
   AND change.source_id = %(sel_import)s AND change.kind = %(sel_kind)s
"""


@sql.retried
def undo_next_batch(account_id: int, import_id: int, *, now: datetime) -> bool:
    """Undo the next few thousand contacts; return whether there may be more to do."""
    row = ImportRun.objects.select_for_update().get(account_id=account_id, id=import_id)
    if row.state != ImportState.UNDOING.value:
        return False
    told = dict(row.check_result["undo"])
    by = Source.from_json(told["by"])
    marketing.lock_status_batches(account_id)
    for step in (_stage_started, _archive_created, _restore_changed):
        done = step(account_id, import_id, told, by, now)
        row.check_result = {**row.check_result, "undo": told}
        if done:
            row.save(update_fields=["check_result"])
            return True
    row.state = ImportState.UNDONE.value
    row.undone_at = now
    row.save(update_fields=["check_result", "state", "undone_at"])
    return False


def _altered(account_id: int, import_id: int, kind: Kind, still: str) -> SubQuery:
    return SubQuery(
        f"SELECT id FROM ({ALTERED}) AS altered WHERE {still} ORDER BY id LIMIT {BATCH}",
        {"sel_import": str(import_id), "sel_kind": kind.value},
    )


def _stage_started(
    account_id: int, import_id: int, told: dict[str, int], by: Source, now: datetime
) -> int:
    """Stage contacts that the import started and whose start is still the one that counts."""
    chosen = _altered(
        account_id,
        import_id,
        Kind.STATUS_STARTED,
        "EXISTS (SELECT FROM marketing_contact AS status JOIN change AS cause "
        "ON cause.account_id = status.account_id AND cause.id = status.change_id "
        "WHERE status.account_id = %(account_id)s AND status.contact_id = altered.id "
        "AND status.leaving_on IS NULL AND cause.source_type = 'IMPORT' "
        "AND cause.source_id = %(sel_import)s)",
    )
    staged = marketing.stop_marketing(account_id, chosen, by=by, now=now).staged
    told["staged"] += staged
    return staged


def _archive_created(
    account_id: int, import_id: int, told: dict[str, int], by: Source, now: datetime
) -> int:
    chosen = _altered(
        account_id,
        import_id,
        Kind.CONTACT_CREATED,
        "EXISTS (SELECT FROM contact WHERE contact.account_id = %(account_id)s "
        "AND contact.id = altered.id AND contact.archived_at IS NULL)",
    )
    archived = archive_contacts(account_id, chosen, by=by, now=now).archived
    told["archived"] += archived
    return archived


def _restore_changed(
    account_id: int, import_id: int, told: dict[str, int], by: Source, now: datetime
) -> int:
    """Bring back the values that the import changed, each only if it is still the import's."""
    found = sql.rows(
        "SELECT altered.contact_id, altered.before->'properties', altered.after->'properties', "
        "contact.properties FROM change JOIN contact_change AS altered "
        "ON altered.account_id = change.account_id AND altered.change_id = change.id "
        "JOIN contact ON contact.account_id = altered.account_id "
        "AND contact.id = altered.contact_id AND contact.archived_at IS NULL "
        "WHERE change.account_id = %(account_id)s AND change.source_type = 'IMPORT' "
        "AND change.source_id = %(import)s AND change.kind = 'contact_changed' "
        "AND altered.contact_id > %(after)s "
        "ORDER BY altered.contact_id LIMIT %(limit)s FOR UPDATE OF contact",
        {
            "account_id": account_id,
            "import": str(import_id),
            "after": told.get("after", 0),
            "limit": BATCH,
        },
    )
    if not found:
        return 0
    ids, fresh, befores, afters = [], [], [], []
    for contact_id, before_text, after_text, present_text in found:
        before, after, present = (_object(text) for text in (before_text, after_text, present_text))
        back = {name: old for name, old in before.items() if present.get(name) == after.get(name)}
        if len(back) < len(before):
            told["kept"] += 1
        if not back:
            continue
        merged = {**present, **back}
        ids.append(int(contact_id))
        fresh.append(json.dumps({n: v for n, v in merged.items() if v is not None}))
        befores.append(json.dumps({"properties": {name: present.get(name) for name in back}}))
        afters.append(json.dumps({"properties": back}))
    told["after"] = int(found[-1][0])
    if ids:
        change_id = history.open_change(account_id, Kind.CONTACT_CHANGED, by=by, at=now)
        params = {
            "account_id": account_id,
            "change_id": change_id,
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
        history.close_change(account_id, change_id, contact_count=len(ids))
        told["restored"] += len(ids)
    return len(found)


def _object(text: object) -> dict[str, object]:
    parsed: dict[str, object] = json.loads(text) if isinstance(text, str) else text or {}  # type: ignore[assignment]
    return parsed
