"""What stands beside a contact's values: notes, memberships, and who may be the same person."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from marketable.accounts.rules import Right
from marketable.contacts import queries as contacts
from marketable.contacts.errors import BadNote, NoteUnknown
from marketable.contacts.queries import ContactRow, Note
from marketable.contacts.services import duplicates, notes
from marketable.errors import Invalid
from marketable.history.sources import SourceType
from marketable.segments import queries as segments
from marketable.segments.rules import Kind
from marketable.segments.services.segments import add_members, remove_members
from marketable.sql import SubQuery
from marketable.web.access import AccountRequest, account_page
from marketable.web.records.timeline import number_in

NOTES = 10
MEMBERSHIPS = 200

REASONS = {
    "phone": gettext_lazy("same telephone number"),
    "name_company": gettext_lazy("same name and company"),
    "name_domain": gettext_lazy("same name, addresses at the same company"),
    "local_part": gettext_lazy("same surname and beginning of the address"),
}


@dataclass(frozen=True, slots=True)
class Alike:
    """Somebody who may be the same person, and why."""

    row: ContactRow
    reason: str


def reason_in_words(code: str) -> str:
    return str(REASONS.get(code, ""))


def context(request: AccountRequest, row: ContactRow, *, may_edit: bool) -> dict[str, Any]:
    """Return what the templates of these parts need."""
    account_id = request.account.id
    older_notes = number_in(request.GET.get("notes_before", ""))
    found_notes = contacts.notes(account_id, row.id, before_id=older_notes, limit=NOTES + 1)
    stays = segments.memberships(account_id, row.id, limit=MEMBERSHIPS)
    present = [one for one in stays if one.left_at is None]
    inside = {one.segment_id for one in present}
    is_live = row.archived_at is None
    return {
        "notes": [(note, _may_alter(request, note, may_edit)) for note in found_notes[:NOTES]],
        "older_notes": found_notes[NOTES - 1].id if len(found_notes) > NOTES else None,
        "deleted_note": number_in(request.GET.get("deleted_note", "")) if may_edit else None,
        "memberships": present,
        "past_memberships": [one for one in stays if one.left_at is not None],
        "fixed_lists": [
            one
            for one in segments.segments(account_id)
            if one.kind is Kind.FIXED and one.id not in inside
        ]
        if is_live and may_edit
        else [],
        "alike": _alike(request, row) if is_live else [],
        "longest_note": notes.LONGEST_NOTE,
    }


def _may_alter(request: AccountRequest, note: Note, may_edit: bool) -> bool:
    return may_edit and (
        note.author_id == str(request.user.pk) or request.rights.may(Right.CONTACTS_ERASE)
    )


def _alike(request: AccountRequest, row: ContactRow) -> list[Alike]:
    found = duplicates.suggestions(request.account.id, row, reach=request.reach_view)
    rows = contacts.rows_of(
        request.account.id,
        [one.contact_id for one in found],
        reach=request.reach_view,
        today=request.today,
    )
    return [
        Alike(rows[one.contact_id], reason_in_words(one.reason))
        for one in found
        if one.contact_id in rows
    ]


def _to(request: AccountRequest, contact_id: int, part: str, query: str = "") -> HttpResponse:
    address = reverse("records:show", args=[request.account.id, contact_id])
    return HttpResponseRedirect(f"{address}{query}#{part}")


def _told(request: AccountRequest) -> dict[str, Any]:
    return {
        "reach": request.reach_edit,
        "by": request.by(SourceType.RECORD),
        "now": request.now,
    }


@require_POST
@account_page(Right.CONTACTS_EDIT)
def write_note(request: AccountRequest, account_id: int, contact_id: int) -> HttpResponse:
    """Write a note on the contact."""
    text = request.POST.get("text", "")
    try:
        notes.write_note(account_id, contact_id, text, **_told(request))
    except BadNote as refusal:
        row = contacts.contact(
            account_id, contact_id, reach=request.reach_edit, today=request.today
        )
        return _note_page(request, row, text, problem=refusal.message, status=400)
    return _to(request, contact_id, "notes")


@require_http_methods(["GET", "POST"])
@account_page(Right.CONTACTS_EDIT)
def change_note(
    request: AccountRequest, account_id: int, contact_id: int, note_id: int
) -> HttpResponse:
    """Show a note to be changed, then write it anew."""
    row = contacts.contact(account_id, contact_id, reach=request.reach_edit, today=request.today)
    if request.method == "GET":
        known = contacts.note(account_id, contact_id, note_id)
        if known is None:
            raise NoteUnknown
        return _note_page(request, row, known.text)
    text = request.POST.get("text", "")
    try:
        notes.change_note(
            account_id,
            contact_id,
            note_id,
            text,
            may_any=request.rights.may(Right.CONTACTS_ERASE),
            **_told(request),
        )
    except BadNote as refusal:
        return _note_page(request, row, text, problem=refusal.message, status=400)
    return _to(request, contact_id, "notes")


def _note_page(
    request: AccountRequest, row: ContactRow, text: str, *, problem: str = "", status: int = 200
) -> HttpResponse:
    return render(
        request,
        "records/note.html",
        {"row": row, "text": text, "problem": problem, "longest_note": notes.LONGEST_NOTE},
        status=status,
    )


@require_POST
@account_page(Right.CONTACTS_EDIT)
def delete_note(
    request: AccountRequest, account_id: int, contact_id: int, note_id: int
) -> HttpResponse:
    """Delete a note, and offer to bring it back."""
    notes.delete_note(
        account_id,
        contact_id,
        note_id,
        may_any=request.rights.may(Right.CONTACTS_ERASE),
        **_told(request),
    )
    return _to(request, contact_id, "notes", f"?deleted_note={note_id}")


@require_POST
@account_page(Right.CONTACTS_EDIT)
def restore_note(
    request: AccountRequest, account_id: int, contact_id: int, note_id: int
) -> HttpResponse:
    """Bring a deleted note back."""
    notes.restore_note(
        account_id,
        contact_id,
        note_id,
        may_any=request.rights.may(Right.CONTACTS_ERASE),
        **_told(request),
    )
    return _to(request, contact_id, "notes")


@require_POST
@account_page(Right.CONTACTS_EDIT)
def move_in_list(request: AccountRequest, account_id: int, contact_id: int) -> HttpResponse:
    """Put the contact into a fixed segment, or take it out."""
    contacts.contact(account_id, contact_id, reach=request.reach_edit, today=request.today)
    segment_id = number_in(request.POST.get("segment", ""))
    services = {"add": add_members, "remove": remove_members}
    service = services.get(request.POST.get("go", ""))
    if segment_id is None or service is None:
        raise Invalid(_("Choose a segment."), field="segment")
    segment = segments.segment(account_id, segment_id)
    chosen = SubQuery("SELECT %(sel_id)s::bigint AS id", {"sel_id": contact_id})
    moved = service(
        account_id, segment_id, chosen, by=request.by(SourceType.RECORD), now=request.now
    )
    if not moved.moved:
        messages.info(request, _("It was so already; nothing was changed."))
    elif service is add_members:
        messages.success(request, _("Added to “%(name)s”.") % {"name": segment.name})
    else:
        messages.success(request, _("Removed from “%(name)s”.") % {"name": segment.name})
    return _to(request, contact_id, "memberships")
