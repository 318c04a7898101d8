"""Imports: the list, and the wizard's five steps: file, columns, check, options, run.

Each step is an address of its own; one that the import has left, or not come to, leads on to where
it is, so that reload and *back* always work.
"""

import csv
from collections.abc import Iterator
from typing import BinaryIO, cast

from django.contrib import messages
from django.http import (
    FileResponse,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import (
    HttpResponseClientRedirect,
    HttpResponseClientRefresh,
    trigger_client_event,
)

from marketable.accounts.rules import Right
from marketable.bulk_actions.rules import parse_count
from marketable.contacts import queries as contacts
from marketable.contacts.errors import ContactLimit
from marketable.errors import Invalid, NotAllowed, NotFound, Refused
from marketable.governance.errors import CeilingReached
from marketable.history.sources import SourceType
from marketable.properties import queries as properties
from marketable.properties import services as property_services
from marketable.properties.rules import FIELD_TYPES, PropertyDef, PropertyType
from marketable.segments.selection import Selection, conditions_of
from marketable.transfers import failures_file
from marketable.transfers import queries as imports
from marketable.transfers import services as transfers
from marketable.transfers.errors import BadMapping, FileRefused, ImportOutdated, WrongState
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import KEPT_FOR, ImportState, Marketing, Mode
from marketable.transfers.undo import ask_for_undo, kept_by_undo, plan_undo
from marketable.web.access import AccountRequest, account_page
from marketable.web.contacts import plans
from marketable.web.contacts.page import lacks, lacks_status
from marketable.web.imports import bad_rows, columns, plan, shown
from marketable.web.imports.door import import_page, lacks_import, lacks_undo
from marketable.web.imports.steps import can_open, place, steps, url
from marketable.web.middleware import http_status
from marketable.web.properties.shown import type_labels
from marketable.web.properties.views import read_options

#: How many imports and kept contacts a page shows at once.
LISTED = 100
NAMED = 20


@require_GET
@account_page(Right.CONTACTS_VIEW)
def listing(request: AccountRequest, account_id: int) -> HttpResponse:
    """Answer the imports of the last 30 days, and a way to begin one."""
    not_allowed = lacks_import(request)
    found = imports.import_runs(account_id, since=request.now - KEPT_FOR, limit=LISTED)
    listed = [
        shown.show(account_id, view, now=request.now, may_open=not not_allowed) for view in found
    ]
    page = {
        "imports": listed,
        "is_any_running": any(one.is_running for one in listed),
        "not_allowed": not_allowed,
    }
    return render(request, "imports/_list.html" if request.htmx else "imports/list.html", page)


@require_GET
@import_page
def go_on(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    """Lead to the step that an import is at."""
    return _to(request, imports.import_run(account_id, import_id))


# 1 File


@require_http_methods(["GET", "HEAD", "POST"])
@import_page
def new(request: AccountRequest, account_id: int) -> HttpResponse:
    """Ask for a file, or take one and go on to its columns."""
    if request.method != "POST":
        return _file_page(request)
    given = request.FILES.get("file")
    if given is None or not given.name:
        return _file_page(request, problem=_("Choose a file first."), status=400)
    replaced = _replaced(request)
    try:
        view = transfers.keep_file(
            account_id,
            cast(BinaryIO, given.file),
            given.name,
            by=request.by(SourceType.IMPORT),
            now=request.now,
        )
    except FileRefused as refusal:
        return _file_page(request, problem=refusal.message, status=http_status(refusal))
    if replaced is not None and replaced.started_at is None:
        transfers.cancel(account_id, replaced.id, now=request.now)
    return HttpResponseRedirect(url(account_id, view.id, "mapping"))


def _replaced(request: AccountRequest) -> ImportView | None:
    """Return the import that the new file stands for, if it is another file for one."""
    number = request.POST.get("instead_of", "")
    if not (number.isascii() and number.isdigit()) or len(number) > 18:
        return None
    return imports.import_run(request.account.id, int(number))


@require_GET
@import_page
def file(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    view = imports.import_run(account_id, import_id)
    if not can_open(view, "file"):
        return _to(request, view)
    return _file_page(request, view)


def _file_page(
    request: AccountRequest,
    view: ImportView | None = None,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    page: dict[str, object] = {
        "steps": steps(request.account.id, view, "file"),
        "view": view,
        "problem": problem,
    }
    if view is not None:
        first = transfers.sample_of(view)
        page["headers"] = [columns.header_label(header) for header in first.headers]
        page["rows"] = first.rows[:5]
    return render(request, "imports/file.html", page, status=status)


# 2 Columns


@require_http_methods(["GET", "HEAD", "POST"])
@import_page
def mapping(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    """Show which column becomes which property; take a choice, and go on or back."""
    view = imports.import_run(account_id, import_id)
    if not can_open(view, "mapping"):
        return _to(request, view)
    if request.method != "POST":
        return _mapping_page(request, view)
    going = request.POST.get("go", "")
    try:
        view = _keep_columns(request, view)
        if request.htmx:
            return render(request, "imports/_ignored.html", {"ignored": columns.ignored(view)})
        if going == "back":
            return HttpResponseRedirect(url(account_id, import_id, "file"))
        if view.state is not ImportState.CHECKED:  # a check of this very mapping still holds
            transfers.ask_for_check(account_id, import_id)
    except BadMapping as refusal:
        return _mapping_page(request, view, refusal)
    return HttpResponseRedirect(url(account_id, import_id, "check"))


@require_http_methods(["GET", "HEAD", "POST"])
@import_page
def read_as(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    """Read the file another way. Choices stay where the columns are the same."""
    view = imports.import_run(account_id, import_id)
    if request.method != "POST" or not can_open(view, "mapping"):
        return _to(request, view, "mapping")
    wanted = columns.read_format(request.POST, view.format)
    try:
        read = view if wanted == view.format else transfers.set_format(account_id, view.id, wanted)
        if read.headers == view.headers:
            read = _keep_columns(request, read)
    except (FileRefused, BadMapping) as refusal:
        return _mapping_page(request, view, refusal)
    if request.htmx:
        return _mapping_page(request, read)
    return HttpResponseRedirect(url(account_id, import_id, "mapping"))


def _keep_columns(request: AccountRequest, view: ImportView) -> ImportView:
    """Keep the columns that a form holds, whole or not: nothing chosen is lost on the way."""
    definitions = properties.definitions(request.account.id)
    return transfers.set_mapping(
        request.account.id,
        view.id,
        columns.read_columns(request.POST, view, definitions),
        date_order=request.POST.get("date_order", "ymd"),
        decimal_comma=request.POST.get("decimal_comma") == "1",
        is_whole=False,
    )


def _mapping_page(
    request: AccountRequest, view: ImportView, refusal: Refused | None = None
) -> HttpResponse:
    page = {
        "steps": steps(request.account.id, view, "mapping"),
        "view": view,
        "page": columns.build(request.account.id, view, transfers.sample_of(view)),
        "problem": refusal.message if refusal else "",
        "no_properties": lacks(request, Right.PROPERTIES_EDIT),
    }
    template = "imports/_mapping.html" if request.htmx else "imports/mapping.html"
    return render(request, template, page, status=http_status(refusal) if refusal else 200)


# 2b A property that is missing


@require_http_methods(["GET", "HEAD", "POST"])
@import_page
def property_form(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    """Ask for a property for one column. Coming from the columns, keep their choices first."""
    _may_edit_properties(request)
    view = imports.import_run(account_id, import_id)
    if request.method != "POST":
        return _property_page(request, view, _column_of(view, request.GET.get("column", "")))
    column = _column_of(view, request.POST.get("column", ""))
    view = _keep_columns(request, view)
    if request.htmx:
        return _property_page(request, view, column)
    address = url(account_id, import_id, "property")
    return HttpResponseRedirect(f"{address}?column={column}")


@require_http_methods(["GET", "HEAD", "POST"])
@import_page
def create_property(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    """Define a property and map the column to it."""
    _may_edit_properties(request)
    view = imports.import_run(account_id, import_id)
    if request.method != "POST":
        return _to(request, view, "mapping")
    column = _column_of(view, request.POST.get("column", ""))
    given = request.POST.dict()
    kind, _slash, field_type = given.get("type", "").partition("/")
    try:
        if kind not in set(PropertyType) or field_type not in FIELD_TYPES[PropertyType(kind)]:
            raise Invalid(_("Choose one of the types."), field="type")
        label = given.get("label", "").strip()
        made = property_services.create_property(
            account_id,
            PropertyDef(
                name=columns.property_name(
                    label, properties.definitions(account_id, with_archived=True)
                ),
                label=label,
                type=PropertyType(kind),
                field_type=field_type,
                options=tuple(read_options(given.get("options", "")))
                if PropertyType(kind) is PropertyType.ENUMERATION
                else (),
            ),
            by=request.by(SourceType.IMPORT, str(import_id), view.file_name),
            now=request.now,
        )
    except Refused as refusal:
        return _property_page(request, view, column, given, refusal)
    chosen = [dict(one) if one else None for one in view.mapping]
    chosen[column] = {"property": made.name, "overwrite": "always"}
    transfers.set_mapping(
        account_id,
        import_id,
        chosen,
        date_order=str(view.options.get("date_order", "ymd")),
        decimal_comma=bool(view.options.get("decimal_comma")),
        is_whole=False,
    )
    if request.htmx:
        return HttpResponseClientRefresh()
    return HttpResponseRedirect(url(account_id, import_id, "mapping") + f"#column-{column}")


def _may_edit_properties(request: AccountRequest) -> None:
    reason = lacks(request, Right.PROPERTIES_EDIT)
    if reason:
        raise NotAllowed(reason, right=Right.PROPERTIES_EDIT.value)


def _column_of(view: ImportView, text: str) -> int:
    if not can_open(view, "mapping"):
        raise WrongState
    if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text) < len(view.headers)):
        raise NotFound(_("The file has no such column."))
    return int(text)


def _property_page(
    request: AccountRequest,
    view: ImportView,
    column: int,
    given: dict[str, str] | None = None,
    refusal: Refused | None = None,
) -> HttpResponse:
    first = transfers.sample_of(view)
    values = list(dict.fromkeys(row[column] for row in first.rows if row[column]))
    page = {
        "view": view,
        "column": column,
        "steps": steps(request.account.id, view, "mapping"),
        "given": given
        or {
            "label": columns.header_label(view.headers[column]),
            "type": columns.likely_type(values),
            "options": "\n".join(values),
        },
        "types": type_labels(),
        "problem": refusal.message if refusal else "",
        "problem_field": refusal.facts.get("field", "") if refusal else "",
    }
    template = "imports/_property.html" if request.htmx else "imports/property.html"
    return render(request, template, page, status=http_status(refusal) if refusal else 200)


# 3 Check


@require_GET
@import_page
def check(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    """Answer how far the check is, and what it found; the page asks again while it runs."""
    view = imports.import_run(account_id, import_id)
    if not can_open(view, "check"):
        leading = _to(request, view)
        return HttpResponseClientRedirect(leading.url) if request.htmx else leading
    page: dict[str, object] = {
        "steps": steps(account_id, view, "check"),
        "view": view,
        "shown": shown.show(account_id, view, now=request.now),
    }
    if view.state is ImportState.CHECKED:
        page.update(bad_rows.found(view))
        if page["failed"] and not page["is_large"]:
            page.update(bad_rows.listed(request, view))
    template = "imports/_check.html" if request.htmx else "imports/check.html"
    return render(request, template, page)


@require_GET
@import_page
def failures(request: AccountRequest, account_id: int, import_id: int) -> HttpResponseBase:
    """Answer the rows that cannot be taken, or were not, with the reason: ready to be mended and
    dropped back in."""
    view = imports.import_run(account_id, import_id)
    name = f"import-{import_id}-not-taken.csv"
    if view.failures_as:
        path = imports.folder() / view.failures_as
        return FileResponse(path.open("rb"), as_attachment=True, filename=name)
    if view.state is not ImportState.CHECKED:
        raise WrongState
    return StreamingHttpResponse(
        _csv(failures_file.lines(account_id, view)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


class _Line:
    """A file of one line, for the writer of `csv` to write into."""

    def write(self, text: str) -> str:
        return text


def _csv(lines: Iterator[list[str]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff"  # spreadsheets take UTF-8 for something else without it
    for line in lines:
        yield writer.writerow(line)


# 4 Options


@require_http_methods(["GET", "HEAD", "POST"])
@import_page
def options(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    """Show the options with their plan; take a choice, and show the plan anew."""
    view = imports.import_run(account_id, import_id)
    if not can_open(view, "options"):
        return _to(request, view)
    if request.method != "POST":
        return _options_page(request, view)
    view = _keep_options(request, view)
    if request.POST.get("go") == "back":
        return HttpResponseRedirect(url(account_id, import_id, "check"))
    if request.htmx:
        return _options_page(request, view)
    return HttpResponseRedirect(url(account_id, import_id, "options"))


def _keep_options(request: AccountRequest, view: ImportView) -> ImportView:
    """Keep the options that a form holds.

    Raises NotAllowed for a marketing choice of somebody who lacks the right, or in an account
    without marketing contacts (P3, E4).
    """
    mode, option = request.POST.get("mode", ""), request.POST.get("marketing", Marketing.LEAVE)
    if mode not in set(Mode) or option not in set(Marketing):
        raise Invalid(_("There is no such option."), field="mode")
    _may_start(request, Marketing(option))
    return transfers.set_options(
        request.account.id,
        view.id,
        mode=Mode(mode),
        marketing_option=Marketing(option),
        include_unreachable=request.POST.get("include_unreachable") == "1",
    )


def _may_start(request: AccountRequest, option: Marketing) -> None:
    reason = lacks_status(request) if option is not Marketing.LEAVE else ""
    if reason:
        raise NotAllowed(reason, right=Right.MARKETING_ACCESS.value)


def _options_page(
    request: AccountRequest,
    view: ImportView,
    *,
    was: str = "",
    typed: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """Answer the options with their plan.

    typed  what stood in the field when the server found it wrong (J1)
    """
    page = {
        "steps": steps(request.account.id, view, "options"),
        "view": view,
        "page": plan.build(request, view),
        "was": was,
        "typed": typed or "",
        "problem": typed is not None,
    }
    template = "imports/_plan.html" if request.htmx else "imports/options.html"
    return render(request, template, page, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@import_page
def start(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    """Begin the run, if the options, the number typed and the set are those of the plan that was
    shown (B4, B5). A second press is answered with what the first began."""
    view = imports.import_run(account_id, import_id)
    if request.method != "POST" or not can_open(view, "options"):
        return _to(request, view, "options")
    kept = _keep_options(request, view)
    if kept.options != view.options:
        return _options_page(
            request,
            kept,
            was=_("The options are not those of this preview. Here is what they would do."),
            status=409,
        )
    told, _plan = transfers.plan_of(account_id, import_id, now=request.now)
    before = plan.announced(request.POST.get("planned", ""), import_id, now=request.now)
    if before != told.marketing_started:
        was = plans.was_text(
            told.marketing_started if before is None else before, told.marketing_started
        )
        return _options_page(request, kept, was=was, status=409)
    typed = request.POST.get("count", "")
    if told.marketing_started and parse_count(typed) != told.marketing_started:
        return _options_page(request, kept, typed=typed, status=400)
    try:
        transfers.start(
            account_id,
            import_id,
            expected=told.marketing_started,
            by=request.by(SourceType.IMPORT),
            now=request.now,
        )
    except ImportOutdated as refusal:
        was = plans.was_text(told.marketing_started, int(refusal.facts["actual"]))
        return _options_page(request, kept, was=was, status=409)
    except (CeilingReached, ContactLimit) as refusal:
        return _options_page(request, kept, was=refusal.message, status=http_status(refusal))
    except WrongState:  # the other press was quicker
        return _to(request, imports.import_run(account_id, import_id))
    return HttpResponseRedirect(url(account_id, import_id, "run"))


# 5 Run


@require_GET
@import_page
def run(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    """Answer how far an import is and what came of it; the page asks again while it runs."""
    view = imports.import_run(account_id, import_id)
    if not can_open(view, "run"):
        return _to(request, view)
    page: dict[str, object] = {
        "steps": steps(account_id, view, "run"),
        "view": view,
        "shown": shown.show(account_id, view, now=request.now),
        "undone": shown.undone(view),
        "no_undo": lacks_undo(request, view),
    }
    if view.state is ImportState.UNDONE:
        page["kept"] = _kept(request, view)
    template = "imports/_run.html" if request.htmx else "imports/run.html"
    response = render(request, template, page)
    return trigger_client_event(response, "usage-changed", {}) if request.htmx else response


def _kept(request: AccountRequest, view: ImportView) -> list[tuple[str, str]]:
    """Return (name, address of the record) of contacts that the undo left as they were, inside
    the person's reach."""
    ids = kept_by_undo(request.account.id, view.id, limit=NAMED)
    within = conditions_of(
        request.account.id,
        Selection(ids=tuple(ids)),
        reach=request.reach_view,
        today=request.today,
    )
    found = contacts.page(request.account.id, within, today=request.today, limit=NAMED)
    return [
        (row.name, reverse("records:show", args=[request.account.id, row.id])) for row in found.rows
    ]


@require_POST
@import_page
def cancel(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    """Stop what is left of a run, or throw away what has not begun."""
    view = transfers.cancel(account_id, import_id, now=request.now)
    if view.started_at is not None:
        return HttpResponseRedirect(url(account_id, import_id, "run"))
    messages.success(request, _("The file was thrown away. Nothing was imported."))
    return HttpResponseRedirect(reverse("imports:list", args=[account_id]))


@require_http_methods(["GET", "HEAD", "POST"])
@import_page
def undo(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    """Say what undoing would do, or let it be done (I4)."""
    view = imports.import_run(account_id, import_id)
    not_allowed = lacks_undo(request, view)
    if not_allowed:
        raise NotAllowed(not_allowed, right=Right.MARKETING_ACCESS.value)
    if request.method != "POST":
        planned = plan_undo(account_id, import_id, now=request.now)
        page = {
            "view": view,
            "sentences": shown.undo_sentences(planned, request.account.time_zone),
            "can_confirm": not planned.is_nothing,
        }
        return render(request, "imports/undo.html", page)
    if view.state not in {ImportState.UNDOING, ImportState.UNDONE}:
        ask_for_undo(account_id, import_id, by=request.by(SourceType.UNDO), now=request.now)
    return HttpResponseRedirect(url(account_id, import_id, "run"))


def _to(request: AccountRequest, view: ImportView, step: str = "") -> HttpResponseRedirect:
    """Lead to a step if it can be gone to, else to where the import is.

    The addresses that forms are sent to lead there, too, when a page that they answered is
    reloaded.
    """
    there = step if step and can_open(view, step) else place(view)
    return HttpResponseRedirect(url(request.account.id, view.id, there))
