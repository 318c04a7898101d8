"""Segments: the list, making one, its page, and what can be done to it."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketable.accounts.rules import Right
from marketable.errors import Refused
from marketable.formats import number
from marketable.history.sources import SourceType
from marketable.segments import listing as listings
from marketable.segments import queries, rules, uses
from marketable.segments.errors import FilterRefused, WrongKindOfSegment
from marketable.segments.members import moves
from marketable.segments.queries import SegmentView
from marketable.segments.rules import BadFilter, Filter, Kind, compact
from marketable.segments.services import segments as services
from marketable.web.access import AccountRequest, account_page, require
from marketable.web.filters.chip import in_words
from marketable.web.filters.shown import Builder, builder
from marketable.web.middleware import http_status
from marketable.web.segments import fixed, listed, shown
from marketable.web.segments.door import lacks_change, may_change

EVERYBODY = '{"and": []}'


# The list


@require_GET
@account_page(Right.CONTACTS_VIEW)
def listing(request: AccountRequest, account_id: int) -> HttpResponse:
    """Answer a page of the segments that the address asks for."""
    asked = listed.read(request.GET)
    found = listings.listing(
        account_id,
        reach=request.reach_view,
        today=request.today,
        search=asked.search,
        kind=asked.only if asked.only in set(Kind) else "",
        needs_attention=asked.only == "attention",
        deleted=asked.only == "deleted",
        sort=asked.sort,
        is_descending=asked.is_descending,
        skip=(asked.page - 1) * listed.PAGE,
        limit=listed.PAGE,
    )
    used = {line.id: len(uses.used_by(account_id, line.id)) for line in found.lines}
    page = {
        "page": listed.build(account_id, asked, found, used),
        "why_not_active": lacks_change(request, Kind.ACTIVE),
        "why_not_fixed": lacks_change(request, Kind.FIXED),
    }
    is_part = bool(request.htmx) and not request.htmx.history_restore_request
    response = render(request, "segments/_list.html" if is_part else "segments/list.html", page)
    patch_vary_headers(response, ["HX-Request"])
    return response


# Making one


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Right.CONTACTS_EDIT)
def new(request: AccountRequest, account_id: int) -> HttpResponse:
    """Ask for a new segment, show whom its filter takes, or make it."""
    given = request.POST if request.method == "POST" else request.GET
    kind = Kind.FIXED if given.get("kind") == "fixed" else Kind.ACTIVE
    may_change(request, kind)
    name = given.get("name", "").strip()
    written = given.get("filter", "") or EVERYBODY
    if request.method != "POST":
        return _new_page(request, kind, name=name, written=written)
    try:
        if kind is Kind.FIXED:
            return _make_fixed(request, name)
        wanted = _read(written)
        if given.get("go") == "look":
            return _new_page(request, kind, name=name, written=written, wanted=wanted)
        made = services.create_active(
            account_id, name, wanted, by=request.by(SourceType.RECORD), now=request.now
        )
    except Refused as refusal:
        return _new_page(request, kind, name=name, written=written, problem=refusal)
    return _to(request, made.id)


def _make_fixed(request: AccountRequest, name: str) -> HttpResponse:
    """Make a fixed list: empty, or of the addresses that were given (all or nothing)."""
    given = fixed.read_addresses(request)
    by = request.by(SourceType.RECORD)
    made = services.create_fixed(request.account.id, name, by=by, now=request.now)
    if given is None:
        return _to(request, made.id)
    return fixed.add_addresses(request, queries.segment(request.account.id, made.id), given)


def _new_page(
    request: AccountRequest,
    kind: Kind,
    *,
    name: str,
    written: str,
    wanted: Filter | None = None,
    problem: Refused | None = None,
) -> HttpResponse:
    page = {
        "is_active": kind is Kind.ACTIVE,
        "name": name,
        "builder": _builder(request, written, problem) if kind is Kind.ACTIVE else None,
        "pasted": request.POST.get("addresses", ""),
        "look": shown.look(request, wanted) if wanted is not None else None,
        "problem": problem,
        "problem_field": problem.facts.get("field", "") if problem else "",
        "why_not_active": lacks_change(request, Kind.ACTIVE),
    }
    return render(
        request, "segments/new.html", page, status=http_status(problem) if problem else 200
    )


def _builder(request: AccountRequest, written: str, problem: Refused | None) -> Builder:
    refusal = problem if isinstance(problem, FilterRefused) else None
    return builder(request, written, refusal=refusal)


def _read(written: str) -> Filter:
    try:
        return rules.read(written)
    except BadFilter as error:
        raise FilterRefused.because(error) from error


# Its page


@require_GET
@account_page(Right.CONTACTS_VIEW)
def show(request: AccountRequest, account_id: int, segment_id: int) -> HttpResponse:
    return _page(request, _segment(request, segment_id))


def _segment(request: AccountRequest, segment_id: int) -> SegmentView:
    return queries.segment(request.account.id, segment_id, with_deleted=True)


def _changeable(request: AccountRequest, segment_id: int) -> SegmentView:
    """Return a segment that is not deleted and that the person may change."""
    require(request, Right.CONTACTS_EDIT)
    segment = queries.segment(request.account.id, segment_id)
    may_change(request, segment.kind)
    return segment


def _page(
    request: AccountRequest, segment: SegmentView, *, problem: Refused | None = None
) -> HttpResponse:
    page = {
        "segment": shown.show(request, segment),
        "people": shown.people(request, segment),
        "growth": shown.growth(request, segment),
        "uses": shown.used_by(request, segment.id),
        "changes": shown.changes(request, segment.id),
        "just_moved": shown.just_moved(request, segment),
        "problem": problem,
    }
    return render(
        request, "segments/show.html", page, status=http_status(problem) if problem else 200
    )


@require_GET
@account_page(Right.CONTACTS_VIEW)
def state(request: AccountRequest, account_id: int, segment_id: int) -> HttpResponse:
    """Answer the moving part of a segment that is being built."""
    segment = _segment(request, segment_id)
    page = {"segment": shown.show(request, segment)}
    response = render(request, "segments/_standing.html", page)
    if not page["segment"].is_building:
        response["HX-Refresh"] = "true"
    return response


@require_GET
@account_page(Right.CONTACTS_VIEW)
def people(request: AccountRequest, account_id: int, segment_id: int) -> HttpResponse:
    """Answer a page of those who are in it, or were, with the days."""
    segment = _segment(request, segment_id)
    page = {"segment": shown.show(request, segment), "people": shown.people(request, segment)}
    template = "segments/_people.html" if request.htmx else "segments/people.html"
    response = render(request, template, page)
    patch_vary_headers(response, ["HX-Request"])
    return response


# Changing it


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Right.CONTACTS_EDIT)
def change_filter(request: AccountRequest, account_id: int, segment_id: int) -> HttpResponse:
    """Show the filter; show who would join and leave by another; save it."""
    segment = _changeable(request, segment_id)
    if segment.filter is None:
        raise WrongKindOfSegment(is_active=False)
    written = request.POST.get("filter", "") or compact(segment.filter)
    if request.method != "POST":
        return _filter_page(request, segment, written)
    try:
        wanted = _read(written)
        if request.POST.get("go") != "save":
            return _filter_page(request, segment, written, wanted=wanted)
        services.change_filter(
            account_id, segment_id, wanted, by=request.by(SourceType.RECORD), now=request.now
        )
    except Refused as refusal:
        return _filter_page(request, segment, written, problem=refusal)
    messages.success(request, _("The filter was saved."))
    return _to(request, segment_id)


def _filter_page(
    request: AccountRequest,
    segment: SegmentView,
    written: str,
    *,
    wanted: Filter | None = None,
    problem: Refused | None = None,
) -> HttpResponse:
    page: dict[str, object] = {
        "segment": shown.show(request, segment),
        "builder": _builder(request, written, problem),
        "problem": problem,
    }
    if wanted is not None:
        planned = moves(request.account.id, segment.id, wanted, today=request.today)
        page["moves"] = shown.moves_text(planned)
        page["sentence"] = in_words(request.account.id, wanted)
        page["uses"] = shown.used_by(request, segment.id)
    return render(
        request, "segments/filter.html", page, status=http_status(problem) if problem else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Right.CONTACTS_EDIT)
def rename(request: AccountRequest, account_id: int, segment_id: int) -> HttpResponse:
    segment = _changeable(request, segment_id)
    if request.method != "POST":
        return _rename_page(request, segment, segment.name)
    name = request.POST.get("name", "").strip()
    try:
        services.rename(
            account_id, segment_id, name, by=request.by(SourceType.RECORD), now=request.now
        )
    except Refused as refusal:
        return _rename_page(request, segment, name, refusal)
    return _to(request, segment_id)


def _rename_page(
    request: AccountRequest, segment: SegmentView, name: str, problem: Refused | None = None
) -> HttpResponse:
    page = {"segment": shown.show(request, segment), "name": name, "problem": problem}
    return render(
        request, "segments/rename.html", page, status=http_status(problem) if problem else 200
    )


@require_POST
@account_page(Right.CONTACTS_EDIT)
def copy(request: AccountRequest, account_id: int, segment_id: int) -> HttpResponse:
    """Make another segment with the same filter, or with the same members."""
    segment = _changeable(request, segment_id)
    made = fixed.copy(request, segment)
    messages.success(request, _("This is a copy. It has a name of its own."))
    return _to(request, made)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page(Right.CONTACTS_EDIT)
def delete(request: AccountRequest, account_id: int, segment_id: int) -> HttpResponse:
    """Ask before a segment is deleted; not while something uses it."""
    segment = _changeable(request, segment_id)
    if request.method == "POST":
        services.delete(account_id, segment_id, by=request.by(SourceType.RECORD), now=request.now)
        messages.success(
            request,
            _("“%(name)s” was deleted. It can be restored for 30 days.") % {"name": segment.name},
        )
        return HttpResponseRedirect(reverse("segments:list", args=[account_id]))
    page = {
        "segment": shown.show(request, segment),
        "uses": shown.used_by(request, segment_id),
    }
    return render(request, "segments/delete.html", page)


@require_POST
@account_page(Right.CONTACTS_EDIT)
def restore(request: AccountRequest, account_id: int, segment_id: int) -> HttpResponse:
    segment = _segment(request, segment_id)
    may_change(request, segment.kind)
    services.restore(account_id, segment_id, by=request.by(SourceType.RECORD), now=request.now)
    return _to(request, segment_id)


@require_POST
@account_page(Right.CONTACTS_EDIT)
def rebuild(request: AccountRequest, account_id: int, segment_id: int) -> HttpResponse:
    """Compare the members with who should be in it, say both, and build it anew if they differ."""
    _changeable(request, segment_id)
    try:
        proof = services.prove(account_id, segment_id, now=request.now)
    except FilterRefused:
        services.rebuild(account_id, segment_id, now=request.now)  # says what needs attention
        return _to(request, segment_id)
    told = {"members": number(proof.member_count), "expected": number(proof.expected_count)}
    if proof.ok:
        text = _("Checked: who is in it, %(members)s, is exactly who should be.")
        messages.success(request, text % told)
    else:
        services.ask_to_build(account_id, segment_id)
        text = _("Checked: %(members)s are in it, and %(expected)s should be. It is built anew.")
        messages.warning(request, text % told)
    return _to(request, segment_id)


def _to(request: AccountRequest, segment_id: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("segments:show", args=[request.account.id, segment_id]))
