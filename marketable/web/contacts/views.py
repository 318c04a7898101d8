"""The contacts page: the table, plans of status changes, new contacts, exports."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from tempfile import TemporaryFile
from uuid import UUID

from django.contrib import messages
from django.core.signing import BadSignature, Signer
from django.http import FileResponse, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketable.accounts import services as account_services
from marketable.accounts.rules import Right
from marketable.billing import queries as billing
from marketable.billing.rules import renewal_date_after
from marketable.bulk_actions import queries as bulk_queries
from marketable.bulk_actions import services as bulk_actions
from marketable.bulk_actions.errors import NothingToDo, PlanOutdated, PlanUnknown, WrongCount
from marketable.bulk_actions.rules import parse_count
from marketable.bulk_actions.services import PlanPreview
from marketable.contacts import queries as contacts
from marketable.contacts.errors import AddressBlocked
from marketable.contacts.queries import Count, Page
from marketable.contacts.services.create import create_contact
from marketable.errors import Invalid, NotAllowed, Refused
from marketable.governance.errors import CeilingReached
from marketable.history.sources import SourceType
from marketable.marketing_status import services as marketing
from marketable.marketing_status.rules import Event, Verdict
from marketable.segments.errors import FilterRefused, SegmentUnknown
from marketable.segments.selection import Selection, compile_selection, conditions_of
from marketable.web.access import AccountRequest, account_page
from marketable.web.contacts import bulk, columns, new, plans
from marketable.web.contacts import page as pages
from marketable.web.contacts.columns import Column
from marketable.web.contacts.opened import Opened, open_table
from marketable.web.contacts.table import (
    Table,
    arranged,
    of_selection,
    read_selection,
    selection_fields,
)
from marketable.web.middleware import http_status

ACTIONS = {event.value: event for event in (Event.START, Event.STOP, Event.KEEP)}


@require_POST
@account_page(Right.MARKETING_ACCESS)
def plan(request: AccountRequest, account_id: int) -> HttpResponse:
    """Answer what an action would do and cost, before it is done (B3). Saves nothing but itself."""
    _may_change_status(request)
    action = ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        raise Invalid(_("There is no such action."), field="action")
    preview = bulk_actions.preview(
        account_id,
        action,
        read_selection(request.POST),
        by=request.by(SourceType.BULK),
        reach=request.reach_edit,
        now=request.now,
        include_unreachable=request.POST.get("include_unreachable") == "1",
    )
    return _plan_page(request, preview)


@require_POST
@account_page(Right.MARKETING_ACCESS)
def confirm(request: AccountRequest, account_id: int, plan_id: UUID) -> HttpResponse:
    """Do what a plan announced, if the number typed and the set still hold (B5)."""
    _may_change_status(request)
    typed = request.POST.get("count", "")
    stored = bulk_queries.stored_plan(account_id, plan_id)
    count = parse_count(typed)
    if count is None and stored.bulk_action_id is None:
        return _ask_again(request, plan_id, typed=typed)
    try:
        job = bulk_actions.confirm(
            account_id,
            plan_id,
            count if count is not None else stored.changing,
            by=request.by(SourceType.BULK),
            reach=request.reach_edit,
            now=request.now,
        )
    except WrongCount:
        return _ask_again(request, plan_id, typed=typed)
    except PlanOutdated:
        return _ask_again(request, plan_id)
    except (NothingToDo, CeilingReached) as refusal:
        return _ask_again(request, plan_id, because=refusal.message)
    return bulk.end(request, job)


def _may_change_status(request: AccountRequest) -> None:
    """Refuse without the account's access or the person's rights (E4, P3)."""
    reason = pages.lacks_status(request)
    if reason:
        raise NotAllowed(reason, right=Right.MARKETING_ACCESS.value)


def _ask_again(
    request: AccountRequest, plan_id: UUID, *, typed: str | None = None, because: str = ""
) -> HttpResponse:
    """Answer the plan as things stand now: the number was wrong, or the set has changed."""
    stored = bulk_queries.stored_plan(request.account.id, plan_id)
    by = request.by(SourceType.BULK)
    if stored.actor_id != by.actor_id:
        raise PlanUnknown
    fresh = bulk_actions.preview(
        request.account.id,
        stored.action,
        stored.selection,
        by=by,
        reach=request.reach_edit,
        now=request.now,
        include_unreachable=stored.include_unreachable,
    )
    is_changed = fresh.plan.changing != stored.changing
    was = because
    if not because and (is_changed or typed is None):
        was = plans.was_text(stored.changing, fresh.plan.changing)
    return _plan_page(request, fresh, was=was, typed=typed, status=409 if typed is None else 400)


def _plan_page(
    request: AccountRequest,
    preview: PlanPreview,
    *,
    was: str = "",
    typed: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """Answer the plan dialog, or a page of it where no script asked.

    typed  what stood in the field when the server found it wrong (J1)
    """
    account_id = request.account.id
    contract = billing.calendar(account_id).contract_on(request.today)
    shown = plans.show(
        preview.plan,
        include_unreachable=preview.include_unreachable,
        zone_name=request.account.time_zone,
        tier_can_fall_on=renewal_date_after(contract, request.today),
    )
    page = {
        "shown": shown,
        "was": was,
        "typed": typed or "",
        "problem": typed is not None,
        "part": "contacts/_plan.html",
        "title": shown.title,
        "confirm_url": reverse("contacts:confirm", args=[account_id, preview.id]),
        "replan_url": reverse("contacts:plan", args=[account_id]),
        "replan_fields": [
            ("action", preview.plan.action.value),
            *selection_fields(preview.selection),
        ],
        "back_url": _back(request, preview.selection),
    }
    template = "contacts/_plan.html" if request.htmx else "contacts/plan.html"
    return render(request, template, page, status=status)


def _back(request: AccountRequest, chosen: Selection) -> str:
    """Return the address of the table that the selection was made in."""
    return reverse("contacts:list", args=[request.account.id]) + of_selection(chosen).address()


# The table


@require_GET
@account_page(Right.CONTACTS_VIEW)
def contact_list(request: AccountRequest, account_id: int) -> HttpResponse:
    """Answer a page of the table; by htmx only what changes with it."""
    return _table_answer(request, open_table(request, request.GET))


@require_GET
@account_page(Right.CONTACTS_VIEW)
def count(request: AccountRequest, account_id: int) -> HttpResponse:
    """Answer the exact total, which no page waits for; without a script, the page with it."""
    return _table_answer(request, open_table(request, request.GET), is_counted=True)


def _table_answer(
    request: AccountRequest, opened: Opened, *, is_counted: bool = False
) -> HttpResponse:
    account = request.account
    table = opened.table
    try:
        matching = conditions_of(
            account.id, table.selection, reach=request.reach_view, today=request.today
        )
    except (SegmentUnknown, FilterRefused) as gone:
        return _attention_answer(request, opened, gone)
    counted: Count | None = None
    if is_counted:
        counted = Count(contacts.count_exactly(account.id, matching), is_exact=True)
    elif not table.search:  # what a search finds is counted on its way
        counted = contacts.count(account.id, matching)
    is_part = bool(request.htmx) and not request.htmx.history_restore_request
    if is_counted and is_part and counted is not None:
        total = pages.TotalShown(counted.value, is_exact=True)
        return render(request, "contacts/_total.html", {"page": total})
    offered = columns.offered(account)
    if counted is not None and counted.value > columns.SORTED_UP_TO:
        offered = columns.served(offered)
    shown = columns.chosen(offered, table.columns)
    found = _rows(request, table, offered, with_origins=columns.tell_origins(shown))
    page = pages.build(request, opened, shown, found, pages.total_shown(found, counted))
    return _page_answer(request, page)


def _attention_answer(request: AccountRequest, opened: Opened, gone: Refused) -> HttpResponse:
    """Answer a table that asks for something that is gone: nobody, and what needs attention, so
    that a view still opens and can be mended."""
    shown = columns.chosen(columns.offered(request.account), opened.table.columns)
    total = pages.TotalShown(0, is_exact=True)
    page = pages.build(request, opened, shown, Page((), "", "", 0), total, attention=gone.message)
    return _page_answer(request, page)


def _page_answer(request: AccountRequest, page: pages.TablePage) -> HttpResponse:
    is_part = bool(request.htmx) and not request.htmx.history_restore_request
    template = "contacts/_answer.html" if is_part else "contacts/list.html"
    response = render(request, template, {"page": page})
    patch_vary_headers(response, ["HX-Request"])
    return response


def _rows(
    request: AccountRequest, table: Table, offered: Sequence[Column], *, with_origins: bool
) -> Page:
    """Return the rows of a table's page, with keys that only this page takes back. A place that
    is not (any more) in the table is its first page, so that an old link still opens."""
    sort, is_descending = columns.order(offered, table)
    signer = Signer(salt=f"{sort.key}{sort.params}")

    def rows(after: str = "", before: str = "") -> Page:
        return contacts.page(
            request.account.id,
            conditions_of(
                request.account.id,
                replace(table.selection, search=""),
                reach=request.reach_view,
                today=request.today,
            ),
            today=request.today,
            search=table.search,
            sort=sort,
            is_descending=is_descending,
            after=after,
            before=before,
            limit=table.size,
        )

    try:
        after, before = (signer.unsign(key) if key else "" for key in (table.after, table.before))
    except BadSignature:
        after, before = "", ""
    found = rows(after, before)
    if not found.rows and (after or before):
        found = rows()
    if with_origins:
        found = contacts.with_origins(request.account.id, found)
    return Page(
        found.rows,
        signer.sign(found.next_key) if found.next_key else "",
        signer.sign(found.previous_key) if found.previous_key else "",
        found.matches,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Right.CONTACTS_VIEW)
def choose_columns(request: AccountRequest, account_id: int) -> HttpResponse:
    """Offer the columns; chosen, go back to the table, whose address names them for whoever gets
    the link. On all contacts they are remembered for the person; a view is saved by its button."""
    if request.method != "POST":
        return _column_chooser(request)
    opened = open_table(request, request.POST)
    arrangement = columns.asked_for(request.POST, opened.table, columns.offered(request.account))
    if opened.view is None:
        remembered = arrangement.split(",") if arrangement else []
        account_services.choose_columns(request.user.pk, account_id, remembered)
    names, widths = arranged(arrangement)
    table = replace(opened.table, columns=names, widths=widths)
    return HttpResponseRedirect(reverse("contacts:list", args=[account_id]) + table.address())


def _column_chooser(request: AccountRequest) -> HttpResponse:
    table = open_table(request, request.GET).table
    offered = columns.offered(request.account)
    page = {
        "shown": columns.chosen(offered, table.columns)[1:],
        "groups": columns.hidden_by_group(request.account.id, offered, table.columns),
        "state": [(name, text) for name, text in table.parameters() if name != "columns"],
        "columns_url": reverse("contacts:columns", args=[request.account.id]),
        "back_url": reverse("contacts:list", args=[request.account.id]) + table.address(),
    }
    template = "contacts/_column_chooser.html" if request.htmx else "contacts/columns.html"
    return render(request, template, page)


# New contacts


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Right.CONTACTS_EDIT)
def create(request: AccountRequest, account_id: int) -> HttpResponse:
    """Ask for a new contact, or make it (R3)."""
    if request.method != "POST":
        return _new_page(request, {})
    is_ticked = request.POST.get("marketing") == "1"
    if is_ticked:
        _may_change_status(request)
    try:
        made = create_contact(
            account_id,
            new.read(request, request.POST),
            start_marketing=is_ticked,
            lift_block=request.POST.get("lift_block") == "1",
            by=request.by(SourceType.CREATE),
            now=request.now,
        )
    except Refused as refusal:
        given = {name: str(value) for name, value in request.POST.items()}
        return _new_page(request, given, refusal, is_ticked=is_ticked, status=http_status(refusal))
    messages.success(request, _("The contact was created."))
    return HttpResponseRedirect(reverse("records:show", args=[account_id, made.contact_id]))


def _new_page(
    request: AccountRequest,
    given: Mapping[str, str],
    refusal: Refused | None = None,
    *,
    is_ticked: bool = False,
    status: int = 200,
) -> HttpResponse:
    fields = new.fields(request, given, refusal)
    is_said = any(field.problem for field in fields)
    page: dict[str, object] = {
        "fields": fields,
        "problem": refusal.message if refusal and not is_said else "",
        "can_lift_block": isinstance(refusal, AddressBlocked),
        "is_ticked": is_ticked,
        "list_url": reverse("contacts:list", args=[request.account.id]),
    }
    if request.account.has_marketing_contacts:  # E4
        page["tick"] = pages.Action(
            "marketing", _("Set as marketing contact"), "", pages.lacks_status(request)
        )
        page["tick_note"] = plans.one_more(
            marketing.price_plan(
                request.account.id, Event.START, {Verdict.SET: 1}, today=request.today
            ),
            request.account.time_zone,
        )
    return render(request, "contacts/new.html", page, status=status)


# Exporting


@require_POST
@account_page(Right.CONTACTS_EXPORT)
def export(request: AccountRequest, account_id: int) -> FileResponse:
    """Answer a selection as CSV, with the columns that the table shows."""
    from marketable.transfers.exports import export_contacts

    chosen = compile_selection(
        account_id,
        read_selection(request.POST),
        reach=request.reach_view,
        today=request.today,
    )
    shown = columns.chosen(
        columns.offered(request.account), open_table(request, request.POST).table.columns
    )
    out = TemporaryFile()  # noqa: SIM115 - the response closes it
    export_contacts(account_id, chosen, [column.name for column in shown], out)
    out.seek(0)
    return FileResponse(
        out, as_attachment=True, filename=f"contacts-{request.today.isoformat()}.csv"
    )
