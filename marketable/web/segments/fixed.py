"""Fixed lists: contacts put in by their addresses and taken out, each with a way back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from marketable.accounts.rules import Right
from marketable.contacts import queries as contacts
from marketable.contacts.rules import csv_safe
from marketable.errors import Invalid, Refused
from marketable.formats import number
from marketable.history import queries as history
from marketable.history.sources import SourceType
from marketable.segments import queries
from marketable.segments.errors import WrongKindOfSegment
from marketable.segments.members import moved_by
from marketable.segments.queries import SegmentView
from marketable.segments.rules import LONGEST_NAME, Kind
from marketable.segments.selection import Selection, compile_selection, conditions_of
from marketable.segments.services import segments as services
from marketable.segments.services.segments import MembersMoved
from marketable.transfers import address_lists
from marketable.transfers.address_lists import AddressList
from marketable.web.access import AccountRequest, account_page, require
from marketable.web.contacts.table import numbers
from marketable.web.middleware import http_status
from marketable.web.segments import shown
from marketable.web.segments.door import may_change

#: How many of those that were not found a page names; the file has them all.
NAMED = 20


@dataclass(frozen=True, slots=True)
class Added:
    """What came of a list of addresses, in words.

    not_found  addresses that no contact has whom the person may see (P5), and what was none
    change_id  of the ledger; None when nobody was added
    """

    lines: tuple[tuple[str, str, str], ...]  # code, count, text
    not_found: tuple[str, ...]
    named: tuple[str, ...]
    change_id: int | None


def a_list(request: AccountRequest, segment_id: int) -> SegmentView:
    """Return a segment that is filled by hand, for a person who may do that.

    Raises WrongKindOfSegment for an active one.
    """
    require(request, Right.CONTACTS_EDIT)
    segment = queries.segment(request.account.id, segment_id)
    may_change(request, Kind.FIXED)
    if segment.kind is Kind.ACTIVE:
        raise WrongKindOfSegment(is_active=True)
    return segment


# Putting in


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Right.CONTACTS_EDIT)
def add(request: AccountRequest, account_id: int, segment_id: int) -> HttpResponse:
    """Ask for addresses, pasted or as a file; put their contacts in and say what came of it."""
    segment = a_list(request, segment_id)
    if request.method != "POST":
        return _add_page(request, segment)
    try:
        given = read_addresses(request)
        if given is None:
            raise Invalid(_("Paste addresses or choose a file first."), field="addresses")
    except Refused as refusal:
        return _add_page(request, segment, refusal)
    return add_addresses(request, segment, given)


def _add_page(
    request: AccountRequest, segment: SegmentView, problem: Refused | None = None
) -> HttpResponse:
    page = {
        "segment": shown.show(request, segment),
        "pasted": request.POST.get("addresses", ""),
        "problem": problem,
    }
    return render(
        request, "segments/add.html", page, status=http_status(problem) if problem else 200
    )


def read_addresses(request: AccountRequest) -> AddressList | None:
    """Return the addresses of a form, pasted or in a file; None where neither was given.

    Raises FileRefused for what is no list.
    """
    file = request.FILES.get("file")
    if file is not None and file.name:
        return address_lists.from_file(cast(BinaryIO, file.file))
    text = request.POST.get("addresses", "")
    return address_lists.pasted(text) if text.strip() else None


def add_addresses(
    request: AccountRequest, segment: SegmentView, given: AddressList
) -> HttpResponse:
    """Put the contacts that have the addresses into a list; answer what came of it.

    Only contacts that the person may edit are put in (P6).
    """
    account_id = request.account.id
    wanted = Selection(emails=given.addresses)
    seen, possible = (
        contacts.count_exactly(
            account_id, conditions_of(account_id, wanted, reach=reach, today=request.today)
        )
        for reach in (request.reach_view, request.reach_edit)
    )
    moved = services.add_members(
        account_id,
        segment.id,
        compile_selection(account_id, wanted, reach=request.reach_edit, today=request.today),
        by=request.by(SourceType.BULK),
        now=request.now,
    )
    unknown = contacts.unknown_addresses(account_id, given.addresses, reach=request.reach_view)
    page = {
        "segment": shown.show(request, queries.segment(account_id, segment.id)),
        "added": _added(moved, possible, seen - possible, unknown, given.unreadable),
    }
    return render(request, "segments/added.html", page)


def _added(
    moved: MembersMoved,
    possible: int,
    outside: int,
    unknown: Sequence[str],
    unreadable: Sequence[str],
) -> Added:
    already = possible - moved.moved
    lines = [
        (
            "added",
            moved.moved,
            ngettext("contact was added", "contacts were added", moved.moved),
        ),
        ("already", already, ngettext("was in the list", "were in the list", already)),
        (
            "outside",
            outside,
            ngettext("outside your rights: left alone", "outside your rights: left alone", outside),
        ),
        (
            "not_found",
            len(unknown),
            ngettext("address has no contact", "addresses have no contact", len(unknown)),
        ),
        (
            "unreadable",
            len(unreadable),
            ngettext("is no e-mail address", "are no e-mail addresses", len(unreadable)),
        ),
    ]
    left = (*unknown, *unreadable)
    return Added(
        tuple(
            (code, number(count), text) for code, count, text in lines if count or code == "added"
        ),
        left,
        left[:NAMED],
        moved.change_id,
    )


@require_POST
@account_page(Right.CONTACTS_EDIT)
def not_found(request: AccountRequest, account_id: int) -> StreamingHttpResponse:
    """Answer as a file what the form holds: nothing of it is kept here, so that erasing a person
    needs not look for it."""
    lines = (csv_safe(line) for line in request.POST.get("lines", "").splitlines())

    def rows() -> Iterator[str]:
        yield "email\r\n"
        for line in lines:
            yield '"' + line.replace('"', '""') + '"\r\n'

    return StreamingHttpResponse(
        rows(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="not-found.csv"'},
    )


# Taking out


@require_POST
@account_page(Right.CONTACTS_EDIT)
def remove(request: AccountRequest, account_id: int, segment_id: int) -> HttpResponse:
    """Take the ticked contacts out of a list, those among them that the person may edit (P6)."""
    segment = a_list(request, segment_id)
    chosen = Selection(ids=numbers(request.POST.getlist("id")))
    moved = services.remove_members(
        account_id,
        segment.id,
        compile_selection(account_id, chosen, reach=request.reach_edit, today=request.today),
        by=request.by(SourceType.BULK),
        now=request.now,
    )
    return _moved(request, segment, moved, removed_text(moved.moved))


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Right.CONTACTS_EDIT)
def clear(request: AccountRequest, account_id: int, segment_id: int) -> HttpResponse:
    """Ask before a list is emptied; empty it."""
    segment = a_list(request, segment_id)
    if request.method != "POST":
        return render(request, "segments/clear.html", {"segment": shown.show(request, segment)})
    everybody = Selection(segment_id=segment.id)
    moved = services.remove_members(
        account_id,
        segment.id,
        compile_selection(account_id, everybody, reach=request.reach_edit, today=request.today),
        by=request.by(SourceType.BULK),
        now=request.now,
    )
    return _moved(request, segment, moved, removed_text(moved.moved))


@require_POST
@account_page(Right.CONTACTS_EDIT)
def undo(request: AccountRequest, account_id: int, segment_id: int, change_id: int) -> HttpResponse:
    """Put back whom a change took out, take out whom it put in; whoever was moved since stays."""
    segment = a_list(request, segment_id)
    was_added = history.change(account_id, change_id).body.get("action") == "add"
    editable = compile_selection(
        account_id, Selection(), reach=request.reach_edit, today=request.today
    )
    chosen = moved_by(account_id, segment.id, change_id, into=was_added, within=editable)
    service = services.remove_members if was_added else services.add_members
    moved = service(account_id, segment.id, chosen, by=request.by(SourceType.UNDO), now=request.now)
    text = removed_text(moved.moved) if was_added else added_text(moved.moved)
    return _moved(
        request, segment, moved, text if moved.moved else _("Nothing of it is left to undo.")
    )


def added_text(count: int) -> str:
    text = ngettext("%(count)s contact was added.", "%(count)s contacts were added.", count)
    return text % {"count": number(count)}


def removed_text(count: int) -> str:
    text = ngettext(
        "%(count)s contact was taken out of the list.",
        "%(count)s contacts were taken out of the list.",
        count,
    )
    return text % {"count": number(count)}


def _moved(
    request: AccountRequest, segment: SegmentView, moved: MembersMoved, text: str
) -> HttpResponse:
    """Answer what moved, with the way back: a toast over the page, or the page that says it."""
    account_id = request.account.id
    if not request.htmx:
        url = reverse("segments:show", args=[account_id, segment.id])
        asked = urlencode({"moved": moved.change_id}) if moved.change_id else ""
        return HttpResponseRedirect(f"{url}?{asked}" if asked else url)
    fresh = queries.segment(account_id, segment.id)
    page = {
        "segment": shown.show(request, fresh),
        "people": shown.people(request, fresh),
        "toast": {"text": text, "change_id": moved.change_id},
        "is_answer": True,
    }
    return render(request, "segments/_moved.html", page)


# Copying


def copy(request: AccountRequest, segment: SegmentView) -> int:
    """Make another segment like this one, and return its number: with the same filter, or with
    those members whom the person may edit."""
    account_id = request.account.id
    by = request.by(SourceType.RECORD)
    name = _name_of_copy(account_id, segment.name)
    if segment.filter is not None:
        return services.create_active(account_id, name, segment.filter, by=by, now=request.now).id
    made = services.create_fixed(account_id, name, by=by, now=request.now)
    services.add_members(
        account_id,
        made.id,
        compile_selection(
            account_id,
            Selection(segment_id=segment.id),
            reach=request.reach_edit,
            today=request.today,
        ),
        by=request.by(SourceType.BULK),
        now=request.now,
    )
    return made.id


def _name_of_copy(account_id: int, name: str) -> str:
    """Return a name that no segment has yet."""
    taken = {one.casefold() for one in queries.names(account_id).values()}
    copied = _("Copy of %(name)s") % {"name": name}
    count, fresh = 1, copied[:LONGEST_NAME]
    while fresh.casefold() in taken:
        count += 1
        end = f" {count}"
        fresh = copied[: LONGEST_NAME - len(end)] + end
    return fresh
