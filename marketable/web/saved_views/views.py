"""Saving views of the contacts table, sharing them, and bringing them back."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketable.accounts.rules import Right
from marketable.errors import Refused
from marketable.history.sources import SourceType
from marketable.segments.saved_views import queries
from marketable.segments.saved_views.errors import ViewUnknown
from marketable.segments.saved_views.rules import LONGEST_NAME, Sharing, numbered
from marketable.segments.services import views as services
from marketable.web.access import AccountRequest, account_page
from marketable.web.contacts.opened import viewer_of
from marketable.web.contacts.table import Table, number_of, read
from marketable.web.middleware import http_status
from marketable.web.saved_views import shown


@require_GET
@account_page(Right.CONTACTS_VIEW)
def listing(request: AccountRequest, account_id: int) -> HttpResponse:
    """List the views that the person sees, and those that can be brought back."""
    deleted = queries.deleted_views(account_id, viewer_of(request), request.now)
    just_deleted = number_of(request.GET.get("deleted", ""))
    return render(
        request,
        "saved_views/list.html",
        {
            "lines": shown.lines(request),
            "deleted": deleted,
            "just_deleted": next((one for one in deleted if one.id == just_deleted), None),
            "contacts_url": reverse("contacts:list", args=[account_id]),
        },
    )


@require_POST
@account_page(Right.CONTACTS_VIEW)
def new(request: AccountRequest, account_id: int) -> HttpResponse:
    """Keep what the table shows under a name of its own."""
    table = _table(request)
    try:
        view_id = services.save_as_new(
            account_id,
            request.POST.get("name", ""),
            table.kept(),
            sharing=_sharing(request),
            people=_people(request),
            viewer=viewer_of(request),
            by=request.by(SourceType.ACCOUNT),
            now=request.now,
        )
    except Refused as refusal:
        return _keep(request, table, refusal)
    messages.success(request, _("The view was saved."))
    return _open(account_id, view_id)


@require_POST
@account_page(Right.CONTACTS_VIEW)
def save(request: AccountRequest, account_id: int, view_id: int) -> HttpResponse:
    """Let a view show what the table shows; refused, nothing of that is lost."""
    table = _table(request)
    try:
        services.save(
            account_id,
            view_id,
            table.kept(),
            version=number_of(request.POST.get("version", "")) or 0,
            viewer=viewer_of(request),
            by=request.by(SourceType.ACCOUNT),
            now=request.now,
        )
    except Refused as refusal:
        return _keep(request, table, refusal, view_id)
    messages.success(request, _("The view was saved."))
    return _open(account_id, view_id)


@require_http_methods(["GET", "POST"])
@account_page(Right.CONTACTS_VIEW)
def settings(request: AccountRequest, account_id: int, view_id: int) -> HttpResponse:
    """Ask for a view's name and who sees it, or change them."""
    view = queries.view(account_id, view_id, viewer_of(request))
    if request.method != "POST":
        return _settings(
            request,
            view,
            view.name,
            view.sharing.value,
            set(queries.people_of(account_id, view_id)),
        )
    try:
        services.change(
            account_id,
            view_id,
            name=request.POST.get("name", ""),
            sharing=_sharing(request),
            people=_people(request),
            version=number_of(request.POST.get("version", "")) or 0,
            viewer=viewer_of(request),
            by=request.by(SourceType.ACCOUNT),
            now=request.now,
        )
    except Refused as refusal:
        given = request.POST.get("name", "")[:LONGEST_NAME]
        return _settings(
            request, view, given, _sharing(request).value, set(_people(request)), refusal
        )
    messages.success(request, _("Saved."))
    return _open(account_id, view_id)


@require_POST
@account_page(Right.CONTACTS_VIEW)
def copy(request: AccountRequest, account_id: int, view_id: int) -> HttpResponse:
    """Make a view of one's own of a view that one sees."""
    by = request.by(SourceType.ACCOUNT)
    copied = services.copy(account_id, view_id, viewer=viewer_of(request), by=by, now=request.now)
    messages.success(request, _("This copy is yours. Only you see it."))
    return _open(account_id, copied)


@require_POST
@account_page(Right.CONTACTS_VIEW)
def default(request: AccountRequest, account_id: int) -> HttpResponse:
    """Let the contacts page open with a view, or with all contacts."""
    view_id = number_of(request.POST.get("view", ""))
    services.make_default(account_id, view_id, viewer=viewer_of(request))
    messages.success(request, _("The contacts page opens with this view from now on."))
    return _open(account_id, view_id)


@require_POST
@account_page(Right.CONTACTS_VIEW)
def delete(request: AccountRequest, account_id: int, view_id: int) -> HttpResponse:
    """Take a view away, and offer to bring it back."""
    by = request.by(SourceType.ACCOUNT)
    services.delete(account_id, view_id, viewer=viewer_of(request), by=by, now=request.now)
    url = reverse("saved_views:list", args=[account_id])
    return HttpResponseRedirect(f"{url}?deleted={view_id}")


@require_POST
@account_page(Right.CONTACTS_VIEW)
def restore(request: AccountRequest, account_id: int, view_id: int) -> HttpResponse:
    """Bring a deleted view back."""
    by = request.by(SourceType.ACCOUNT)
    name = services.restore(account_id, view_id, viewer=viewer_of(request), by=by, now=request.now)
    messages.success(request, _("“%(name)s” is back.") % {"name": name})
    return _open(account_id, view_id)


def _open(account_id: int, view_id: int | None) -> HttpResponse:
    url = reverse("contacts:list", args=[account_id])
    return HttpResponseRedirect(f"{url}?view={view_id or 'all'}")


def _table(request: AccountRequest) -> Table:
    """Return the table whose state a form holds."""
    return read(request.POST)


def _sharing(request: AccountRequest) -> Sharing:
    given = request.POST.get("sharing", "")
    return Sharing(given) if given in set(Sharing) else Sharing.PRIVATE


def _people(request: AccountRequest) -> list[int]:
    found = (number_of(text) for text in request.POST.getlist("person"))
    return [one for one in found if one is not None]


def _keep(
    request: AccountRequest, table: Table, refusal: Refused, view_id: int | None = None
) -> HttpResponse:
    """Answer what was refused with everything that was to be kept, and the ways on."""
    account_id = request.account.id
    page: dict[str, Any] = {
        "problem": refusal,
        "name": request.POST.get("name", "")[:LONGEST_NAME],
        "state": table.kept().items(),
        "sharings": shown.sharing_choices(_sharing(request).value),
        "people": shown.people_choices(request, request.user.pk, set(_people(request))),
        "back_url": reverse("contacts:list", args=[account_id]) + table.address(),
        "longest_name": LONGEST_NAME,
    }
    if view_id is not None:
        try:
            theirs = queries.view(account_id, view_id, viewer_of(request))
        except ViewUnknown:
            pass  # deleted, or shared no more: there is only a new one to be made
        else:
            taken = queries.names_of(account_id, request.user.pk)
            page |= {"theirs": theirs, "name": numbered(theirs.name, taken)}
    return render(request, "saved_views/keep.html", page, status=http_status(refusal))


def _settings(
    request: AccountRequest,
    view: queries.SavedView,
    name: str,
    sharing: str,
    people: set[int],
    refusal: Refused | None = None,
) -> HttpResponse:
    known = shown.names(request)
    is_mine = view.owner_id == request.user.pk
    choices = shown.sharing_choices(sharing)
    return render(
        request,
        "saved_views/settings.html",
        {
            "view": view,
            "name": name,
            "problem": refusal,
            "is_mine": is_mine,
            "owner": shown.owner_name(known, view.owner_id),
            "seen_by": shown.seen_by(view),
            "sharings": choices if is_mine else [one for one in choices if one.value != "private"],
            "people": shown.people_choices(request, view.owner_id, people),
            "contacts_url": reverse("contacts:list", args=[request.account.id]),
            "longest_name": LONGEST_NAME,
        },
        status=http_status(refusal) if refusal else 200,
    )
