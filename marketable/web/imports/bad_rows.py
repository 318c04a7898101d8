"""Rows of a checked file that cannot be taken: looked at, mended in place, left out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import reswap, retarget

from marketable.errors import Refused
from marketable.transfers import queries as imports
from marketable.transfers import services as transfers
from marketable.transfers.bad_rows import BadRow
from marketable.transfers.bad_rows import bad_rows as read_bad_rows
from marketable.transfers.errors import WrongState
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import MOST_ROWS_TO_MEND, ImportState
from marketable.web.access import AccountRequest
from marketable.web.imports import columns, shown
from marketable.web.imports.door import import_page
from marketable.web.imports.reasons import reason
from marketable.web.imports.steps import steps, url
from marketable.web.middleware import http_status

LISTED = 50

Change = Callable[[int, int, int, datetime], ImportView]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    reason  why it is not taken; what became of it, once it was mended or left out
    state   bad, taken or left_out
    """

    line: int
    who: str
    header: str
    value: str
    reason: str
    state: str = "bad"
    is_mendable: bool = False


def found(view: ImportView) -> dict[str, object]:
    """Return what the check came to, as its page shows it."""
    failed: dict[str, int] = view.check.get("failures", {})
    return {
        "counts": shown.checked(view),
        "failed": sum(failed.values()),
        "can_go_on": bool(view.check.get("outcomes")),
        "is_large": _is_large(view),
    }


def listed(request: AccountRequest, view: ImportView) -> dict[str, object]:
    """Return some of the rows, from the line after the one that the address names."""
    after = _line(request.GET.get("after", ""))
    rows = read_bad_rows(request.account.id, view, after=after, limit=LISTED)
    return {
        "left_out": shown.left_out(view.check.get("failures", {})),
        "rows": [_row(row, view) for row in rows],
        "is_large": _is_large(view),
        "after": after,
        "next_after": rows[-1].line if len(rows) == LISTED else 0,
    }


def _line(asked: str) -> int:
    """Return the number of a line, 0 for what is none."""
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0


def _is_large(view: ImportView) -> bool:
    """Tell whether looking rows up takes a moment that the page does not wait for."""
    return view.total > MOST_ROWS_TO_MEND


def _row(row: BadRow, view: ImportView) -> Row:
    return Row(
        row.line,
        row.who,
        columns.header_label(row.header),
        row.value,
        reason(row.code),
        is_mendable=row.is_mendable and not _is_large(view),
    )


@require_GET
@import_page
def bad_rows(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    """Answer rows that cannot be taken, from the line after the one that the address names."""
    view = imports.import_run(account_id, import_id)
    if view.state is not ImportState.CHECKED:
        raise WrongState
    page = {"steps": steps(account_id, view, "check"), "view": view, **listed(request, view)}
    template = "imports/_bad_rows.html" if request.htmx else "imports/bad_rows.html"
    return render(request, template, page)


@require_POST
@import_page
def mend(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    """Put another value into the bad cell of a row."""
    text = request.POST.get("value", "")

    def change(account_id: int, import_id: int, line: int, now: datetime) -> ImportView:
        return transfers.mend_row(account_id, import_id, line, text, now=now)

    return _changed(request, import_id, change, done=_("Will be taken"))


@require_POST
@import_page
def leave_out(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    """Import the file without a row."""

    def change(account_id: int, import_id: int, line: int, now: datetime) -> ImportView:
        return transfers.leave_row_out(account_id, import_id, line, now=now)

    return _changed(request, import_id, change, done=_("Left out, as you chose"), state="left_out")


@require_POST
@import_page
def put_back(request: AccountRequest, account_id: int, import_id: int) -> HttpResponse:
    """Take back that a row was left out."""

    def change(account_id: int, import_id: int, line: int, now: datetime) -> ImportView:
        return transfers.put_row_back(account_id, import_id, line, now=now)

    return _changed(request, import_id, change, done=_("Will be taken"))


def _changed(
    request: AccountRequest,
    import_id: int,
    change: Change,
    *,
    done: str,
    state: str = "taken",
) -> HttpResponse:
    """Change a row; answer how it stands now, and the new counts of the check."""
    account_id = request.account.id
    line = _line(request.POST.get("line", ""))
    try:
        view = change(account_id, import_id, line, request.now)
    except Refused as refusal:
        if not request.htmx:
            raise
        told = HttpResponse(escape(refusal.message), status=http_status(refusal))
        return reswap(retarget(told, f"#why-{line}"), "innerHTML")
    if not request.htmx:
        return HttpResponseRedirect(url(account_id, import_id, "check") + f"#line-{line}")
    bad = read_bad_rows(account_id, view, after=line - 1, limit=1)
    row = Row(line, "", "", "", done, state)
    if bad and bad[0].line == line:
        row = _row(bad[0], view)
    page = {"view": view, "row": row, "is_answer": True, **found(view)}
    return render(request, "imports/_bad_row.html", page)
