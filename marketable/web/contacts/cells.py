"""One cell of the contacts table: saving its value, refusing it at its place, and undoing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from marketable.accounts.rules import Right
from marketable.contacts import queries as contacts
from marketable.contacts.errors import ContactUnknown, StaleEdit
from marketable.contacts.queries import ContactRow
from marketable.contacts.services.edit import ContactEdited, edit_contact, undo_edit
from marketable.errors import Invalid, Refused
from marketable.history.sources import SourceType
from marketable.properties.errors import BadValues, PropertyUnknown
from marketable.web.access import AccountRequest, account_page
from marketable.web.contacts import columns
from marketable.web.contacts import page as pages
from marketable.web.contacts.columns import Column
from marketable.web.middleware import http_status

#: A cell's text in a toast is cut here; the cell itself has all of it.
LONGEST_TOLD = 60


@dataclass(frozen=True, slots=True)
class CellToast:
    """What was saved, with the way back; or what was not, and why."""

    text: str
    undo_url: str = ""


@require_POST
@account_page(Right.CONTACTS_EDIT)
def save(request: AccountRequest, account_id: int, contact_id: int, name: str) -> HttpResponse:
    """Save one value of a contact and answer its row; refused, its row as it is, and why."""
    column = _column(request, name)
    version = request.POST.get("version", "")
    if not version.isdecimal() or len(version) > 9:
        raise Invalid(_("This page is broken. Load it again."), field="version")
    typed = _typed(request, column)
    try:
        done, meanwhile = _edit(request, contact_id, column, typed, int(version))
    except Refused as refusal:
        return _refused(request, contact_id, column, refusal)
    return _saved(request, contact_id, column, done, meanwhile)


@require_POST
@account_page(Right.CONTACTS_EDIT)
def undo(request: AccountRequest, account_id: int, contact_id: int, edit_id: int) -> HttpResponse:
    """Put the value back that an edit of one's own changed, unless it was changed since."""
    try:
        done = undo_edit(
            account_id,
            contact_id,
            edit_id,
            reach=request.reach_edit,
            by=request.by(SourceType.RECORD),
            now=request.now,
        )
    except Refused as refusal:
        return _refused(request, contact_id, None, refusal)
    offered = {column.name: column for column in columns.offered(request.account)}
    changed = next((offered[name] for name in done.changed if name in offered), None)
    return _saved(request, contact_id, changed, done, "", is_undo=True)


def _column(request: AccountRequest, name: str) -> Column:
    """Return an editable column.

    Raises PropertyUnknown, or Invalid for one that is not edited, as a page of ours never asks.
    """
    for column in columns.offered(request.account):
        if column.name == name:
            if column.why:
                raise Invalid(column.why, field="value")
            return column
    raise PropertyUnknown(name)


def _typed(request: AccountRequest, column: Column) -> str:
    values = [value for value in request.POST.getlist("value") if value]
    typed = ";".join(values) if column.editor == "several" else "".join(values[:1])
    if column.editor == "moment" and typed:
        # The browser gives the account's own time, without a zone.
        try:
            moment = datetime.fromisoformat(typed)
            return moment.replace(tzinfo=moment.tzinfo or request.account.zone).isoformat()
        except ValueError:
            return typed  # refused with its reason, as any other text
    return typed


def _edit(
    request: AccountRequest, contact_id: int, column: Column, typed: str, version: int
) -> tuple[ContactEdited, str]:
    """Save a value, and return also what somebody else changed meanwhile beside it, if that was
    another value: only who changed the same one is in the way."""

    def edit(seen: int) -> ContactEdited:
        return edit_contact(
            request.account.id,
            contact_id,
            {column.name: typed},
            version=seen,
            reach=request.reach_edit,
            by=request.by(SourceType.RECORD),
            now=request.now,
        )

    try:
        return edit(version), ""
    except StaleEdit as stale:
        row = _row(request, contact_id)
        if column.name in stale.changed or row.version < version:
            raise
        return edit(row.version), str(stale.facts["who"])


def _row(request: AccountRequest, contact_id: int) -> ContactRow:
    return contacts.contact(
        request.account.id, contact_id, reach=request.reach_view, today=request.today
    )


def _saved(
    request: AccountRequest,
    contact_id: int,
    column: Column | None,
    done: ContactEdited,
    meanwhile: str,
    *,
    is_undo: bool = False,
) -> HttpResponse:
    try:
        row = _row(request, contact_id)
    except ContactUnknown:  # given to somebody whose contacts this person does not see
        toast = CellToast(_("Saved. The contact is no longer among those you see."))
        return _answer(request, None, toast)
    if done.change_id is None:
        return _answer(request, row, None)
    undo_url = reverse("contacts:cell_undo", args=[request.account.id, row.id, done.change_id])
    told = _told(request, row, column, is_again=is_undo)
    if meanwhile:
        told += " " + _("%(who)s changed other values of this contact meanwhile.") % {
            "who": meanwhile
        }
    return _answer(request, row, CellToast(told, "" if is_undo else undo_url))


def _told(
    request: AccountRequest, row: ContactRow, column: Column | None, *, is_again: bool
) -> str:
    if column is None:  # a property that has been archived since
        return _("%(name)s: put back.") % {"name": row.name}
    text = columns.value(row, column, request.account.zone)
    words = {"name": row.name, "label": column.label, "value": _cut(text)}
    if not text:
        return _("%(name)s: “%(label)s” is empty now.") % words
    if is_again:
        return _("%(name)s: “%(label)s” is “%(value)s” again.") % words
    return _("%(name)s: “%(label)s” is now “%(value)s”.") % words


def _overtaken(request: AccountRequest, contact_id: int, column: Column, stale: StaleEdit) -> str:
    """Return who changed the same value meanwhile, and to what."""
    theirs = columns.value(_row(request, contact_id), column, request.account.zone)
    words = {"who": stale.facts["who"], "value": _cut(theirs)}
    if not theirs:
        return _("%(who)s cleared this meanwhile. Save again to put yours in its place.") % words
    return (
        _("%(who)s changed this to “%(value)s” meanwhile. Save again to put yours in its place.")
        % words
    )


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TOLD else text[:LONGEST_TOLD].rstrip() + "…"


def _refused(
    request: AccountRequest, contact_id: int, column: Column | None, refusal: Refused
) -> HttpResponse:
    """Answer why nothing was saved, with the row as it is now where the person may see it."""
    text = refusal.message
    if isinstance(refusal, StaleEdit) and column is not None:
        text = _overtaken(request, contact_id, column, refusal)
    elif isinstance(refusal, BadValues) and column is not None and column.name in refusal.problems:
        text = refusal.problems[column.name][1]
    try:
        row = _row(request, contact_id)
    except ContactUnknown:
        row = None
    return _answer(request, row, None, problem=text, status=http_status(refusal))


def _answer(
    request: AccountRequest,
    row: ContactRow | None,
    toast: CellToast | None,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    shown = _shown(request.POST, columns.offered(request.account))
    return render(
        request,
        "contacts/_cell_answer.html",
        {
            "row": pages.one_row(request, row, shown) if row is not None else None,
            "toast": toast,
            "problem": problem,
        },
        status=status,
    )


def _shown(posted: QueryDict, offered: Sequence[Column]) -> list[Column]:
    """Return the columns of the table that asked, in its order, the name first."""
    return columns.chosen(offered, posted.get("columns", "").split(","))
