"""One contact's page: properties, status card, timeline, and what can be done to it."""

from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketable.accounts import queries as accounts
from marketable.accounts.queries import Reach
from marketable.accounts.rules import Right, Scope
from marketable.billing import queries as billing
from marketable.contacts import queries as contacts
from marketable.contacts.errors import ContactUnknown, EmailTaken, StaleEdit, UniqueTaken
from marketable.contacts.queries import ContactRow
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.edit import edit_contact
from marketable.contacts.services.erase import erase_contacts
from marketable.contacts.services.restore import restore_contact, restore_into
from marketable.errors import Conflict, Invalid, NotAllowed, Refused
from marketable.history.sources import SourceType
from marketable.marketing_status import services as marketing
from marketable.marketing_status.rules import Event, Status
from marketable.properties import queries as properties
from marketable.properties.errors import BadValues
from marketable.properties.rules import as_text
from marketable.sql import SubQuery
from marketable.web.access import AccountRequest, account_page, require
from marketable.web.middleware import http_status
from marketable.web.records import beside, shown, timeline
from marketable.web.wording import needs_right

SERVICES = {
    Event.START: marketing.start_marketing,
    Event.STOP: marketing.stop_marketing,
    Event.KEEP: marketing.keep_marketing,
}


def _one(contact_id: int) -> SubQuery:
    return SubQuery("SELECT %(sel_id)s::bigint AS id", {"sel_id": contact_id})


def _row(request: AccountRequest, contact_id: int, reach: Reach | None = None) -> ContactRow:
    return contacts.contact(
        request.account.id,
        contact_id,
        reach=reach or request.reach_view,
        today=request.today,
    )


def _back(request: AccountRequest, contact_id: int) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("records:show", args=[request.account.id, contact_id]))


def _may_see(request: AccountRequest, contact_id: int) -> bool:
    try:
        _row(request, contact_id)
    except ContactUnknown:
        return False
    return True


@require_GET
@account_page(Right.CONTACTS_VIEW)
def show(request: AccountRequest, account_id: int, contact_id: int) -> HttpResponse:
    """Show the record; the part of the timeline asked for by `before`."""
    row = _row(request, contact_id)
    return _page(request, row)


def _page(
    request: AccountRequest,
    row: ContactRow,
    *,
    editing: bool = False,
    given: Mapping[str, str] | None = None,
    problem: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    account_id = request.account.id
    problems = {}
    if isinstance(problem, BadValues):
        problems = {name: text for name, (_code, text) in problem.problems.items()}
    elif isinstance(problem, StaleEdit):
        problems = {
            name: _("Changed meanwhile.") for name in problem.changed if name in (given or {})
        }
    elif problem is not None and "field" in problem.facts:
        problems = {str(problem.facts["field"]): problem.message}
    may_edit = shown.may_edit(request, row.id)
    other_id = problem.facts.get("contact_id") if problem else None
    return render(
        request,
        "records/show.html",
        {
            "row": row,
            "groups": shown.groups(request, row, given=given, problems=problems),
            "addresses": contacts.addresses(account_id, row.id),
            **timeline.context(request, row.id),
            **beside.context(request, row, may_edit=may_edit),
            "is_editing": editing and may_edit,
            "problem": problem,
            "other_id": other_id if other_id and _may_see(request, other_id) else None,
            "may_restore_into": request.rights.may(Right.CONTACTS_MERGE)
            and isinstance(problem, EmailTaken)
            and row.archived_at is not None,
            "meanwhile": shown.differences(request, problem.changed)
            if isinstance(problem, StaleEdit)
            else (),
            "next_update": billing.calendar(account_id).next_update_date(request.today),
            "may_edit": may_edit,
            "may_status": may_edit and request.rights.may(Right.MARKETING_ACCESS),
            "may_delete": _may_delete(request, row.id),
            "may_erase": request.rights.may(Right.CONTACTS_ERASE),
            "may_merge": request.rights.may(Right.CONTACTS_MERGE) and may_edit,
            "needs_status": needs_right(Right.MARKETING_ACCESS.value),
            "needs_edit": needs_right(Right.CONTACTS_EDIT.value),
        },
        status=status,
    )


@require_http_methods(["GET", "POST"])
@account_page(Right.CONTACTS_EDIT)
def edit(request: AccountRequest, account_id: int, contact_id: int) -> HttpResponse:
    """Change properties; the status is not among them (R4)."""
    row = _row(request, contact_id, request.reach_edit)
    if request.method == "GET":
        return _page(request, row, editing=True)
    definitions = properties.definitions(account_id)
    given = {}
    for name, definition in definitions.items():
        if definition.is_read_only or name not in request.POST:
            continue
        values = request.POST.getlist(name)
        given[name] = ";".join(one for one in values if one) if len(values) > 1 else values[0]
    version = request.POST.get("version", "")
    if not version.isdecimal() or len(version) > 9:
        raise Invalid(_("This form is broken. Open the contact again."), field="version")
    try:
        done = edit_contact(
            account_id,
            contact_id,
            given,
            version=int(version),
            reach=request.reach_edit,
            by=request.by(SourceType.RECORD),
            now=request.now,
        )
    except StaleEdit as refusal:
        row = _row(request, contact_id, request.reach_edit)
        untouched = {
            name
            for name, (seen, _now) in refusal.changed.items()
            if given.get(name) == as_text(seen)
        }
        own = {name: text for name, text in given.items() if name not in untouched}
        return _page(request, row, editing=True, given=own, problem=refusal, status=409)
    except (BadValues, EmailTaken, UniqueTaken, Conflict) as refusal:
        return _page(
            request,
            _row(request, contact_id, request.reach_edit),
            editing=True,
            given=given,
            problem=refusal,
            status=409 if isinstance(refusal, Conflict) else 400,
        )
    if done.change_id is None:
        messages.info(request, _("Nothing was different, so nothing was saved."))
    else:
        messages.success(request, _("Saved."))
    return _back(request, contact_id)


@require_http_methods(["GET", "POST"])
@account_page(Right.MARKETING_ACCESS, Right.CONTACTS_EDIT)
def status(request: AccountRequest, account_id: int, contact_id: int) -> HttpResponse:
    """Show what setting, staging or keeping one contact would do, then do it (R2)."""
    if not request.account.has_marketing_contacts:  # E4
        raise NotAllowed(
            _("This account does not have marketing contacts."), right=Right.MARKETING_ACCESS.value
        )
    row = _row(request, contact_id, request.reach_edit)
    asked = request.POST.get("action") or request.GET.get("action", "")
    event = {one.value: one for one in SERVICES}.get(asked)
    if event is None:
        raise Invalid(_("There is no such action."), field="action")
    if row.archived_at is not None:
        raise Conflict(_("This contact is in the recycle bin. Restore it first."))
    if request.method == "POST":
        moved = SERVICES[event](
            account_id,
            _one(contact_id),
            by=request.by(SourceType.RECORD),
            now=request.now,
        )
        if moved.changed:
            messages.success(request, _("Done."))
        else:
            messages.info(request, _("It was so already; nothing was changed."))
        return _back(request, contact_id)
    plan = marketing.plan(
        account_id, event, _one(contact_id), now=request.now, include_unreachable=True
    )
    return render(
        request,
        "records/status.html",
        {
            "row": row,
            "plan": plan,
            "action": event.value,
            "subscription": billing.subscription(account_id, request.today),
            "is_unreachable": row.email is None
            or bool(row.properties.get("hs_email_hard_bounce_reason_enum")),
        },
    )


def _delete_reach(request: AccountRequest) -> Reach:
    return accounts.reach(request.account.id, request.user.pk, Right.CONTACTS_DELETE)


def _may_delete(request: AccountRequest, contact_id: int) -> bool:
    if request.rights.scope(Right.CONTACTS_DELETE) is Scope.NONE:
        return False
    try:
        _row(request, contact_id, _delete_reach(request))
    except ContactUnknown:
        return False
    return True


@require_http_methods(["GET", "POST"])
@account_page(Right.CONTACTS_DELETE)
def archive(request: AccountRequest, account_id: int, contact_id: int) -> HttpResponse:
    """Say what deleting does to the place, then delete (S10)."""
    row = _row(request, contact_id, _delete_reach(request))
    if request.method == "POST":
        archive_contacts(
            account_id, _one(contact_id), by=request.by(SourceType.RECORD), now=request.now
        )
        messages.success(request, _("The contact is in the recycle bin."))
        return _back(request, contact_id)
    return _ask(request, row, "archive")


@require_POST
@account_page(Right.CONTACTS_DELETE)
def restore(request: AccountRequest, account_id: int, contact_id: int) -> HttpResponse:
    """Take the contact out of the recycle bin (S7, S17)."""
    by = request.by(SourceType.RESTORE)
    into = request.POST.get("into", "")
    if into:
        return _restore_into(request, contact_id, _number(into))
    try:
        restored = restore_contact(
            account_id, contact_id, reach=_delete_reach(request), by=by, now=request.now
        )
    except (EmailTaken, UniqueTaken) as refusal:
        row = _row(request, contact_id)
        return _page(request, row, problem=refusal, status=http_status(refusal))
    if restored.status is Status.NON_MARKETING:
        messages.success(request, _("Restored, as a non-marketing contact."))
    else:
        messages.success(request, _("Restored with the status it had."))
    return _back(request, contact_id)


def _restore_into(request: AccountRequest, contact_id: int, survivor_id: int) -> HttpResponse:
    """Restore the contact by merging it into the one that has its address now (S17)."""
    require(request, Right.CONTACTS_MERGE)
    _row(request, contact_id, _delete_reach(request))
    restore_into(
        request.account.id,
        contact_id,
        survivor_id,
        reach=request.reach_edit,
        by=request.by(SourceType.RESTORE),
        now=request.now,
    )
    messages.success(request, _("Restored and merged into this contact."))
    return _back(request, survivor_id)


def _number(text: str) -> int:
    """Return a contact's number as a form gives it; what cannot be one is no contact's."""
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise ContactUnknown
    return int(text)


@require_http_methods(["GET", "POST"])
@account_page(Right.CONTACTS_ERASE)
def erase(request: AccountRequest, account_id: int, contact_id: int) -> HttpResponse:
    """Ask for the contact's number, then remove its personal data for good (S14)."""
    row = _row(request, contact_id)
    if row.merged_into is not None:  # the person's values are there, and go together
        return HttpResponseRedirect(reverse("records:erase", args=[account_id, row.merged_into]))
    if row.erased_at is not None:
        raise Conflict(_("This person's data was erased for good already."))
    if request.method == "POST":
        if request.POST.get("number", "").strip() != str(contact_id):
            return _ask(
                request,
                row,
                "erase",
                problem=_("Type the number %(number)s.") % {"number": contact_id},
            )
        erase_contacts(
            account_id, _one(contact_id), by=request.by(SourceType.RECORD), now=request.now
        )
        messages.success(
            request,
            _("The personal data of contact %(number)s is gone for good.") % {"number": contact_id},
        )
        return HttpResponseRedirect(reverse("contacts:list", args=[account_id]))
    return _ask(request, row, "erase")


def _ask(request: AccountRequest, row: ContactRow, what: str, problem: str = "") -> HttpResponse:
    return render(
        request,
        "records/ask.html",
        {
            "row": row,
            "what": what,
            "problem": problem,
            "counts": row.status is not Status.NON_MARKETING,
            "next_update": billing.calendar(request.account.id).next_update_date(request.today),
        },
        status=400 if problem else 200,
    )
