"""Bulk actions that do not move the status: what is asked, its plan, and its confirmation."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from marketable.accounts import queries as accounts
from marketable.accounts.queries import Reach
from marketable.accounts.rules import Right
from marketable.bulk_actions import queries as bulk_queries
from marketable.bulk_actions import services as bulk_actions
from marketable.bulk_actions.errors import NothingToDo, PlanOutdated, PlanUnknown, WrongCount
from marketable.bulk_actions.queries import BulkActionView
from marketable.bulk_actions.rules import ActionKind, parse_count
from marketable.bulk_actions.services import WorkPreview
from marketable.bulk_actions.works import Work
from marketable.contacts.services.edit_many import How, edit_of
from marketable.errors import Invalid, Refused
from marketable.history.sources import SourceType
from marketable.properties import queries as properties
from marketable.properties.defaults import DERIVED
from marketable.properties.labels import in_language
from marketable.properties.rules import PropertyDef
from marketable.segments import queries as segments
from marketable.segments.errors import SegmentNameTaken
from marketable.segments.rules import Kind
from marketable.segments.selection import Selection
from marketable.web.access import AccountRequest, account_page
from marketable.web.contacts import columns, done, plans, works
from marketable.web.contacts.columns import OWNER, Column
from marketable.web.contacts.table import (
    of_selection,
    plain,
    read_selection,
    selection_fields,
)
from marketable.web.middleware import http_status

#: What the *More* menu asks for, before there is a plan.
EDIT, ASSIGN, ADD, REMOVE = "edit", "assign", "add", "remove"
LIST_KINDS = {ADD: ActionKind.ADD, REMOVE: ActionKind.REMOVE}


@dataclass(frozen=True, slots=True)
class Offered:
    """A property to choose; `why` it cannot be, if so."""

    name: str
    label: str
    why: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The form that says what an action is to do, with what was given so far."""

    action: str
    title: str
    problem: str = ""
    groups: tuple[tuple[str, tuple[Offered, ...]], ...] = ()
    name: str = ""
    label: str = ""
    ways: tuple[tuple[str, str], ...] = ()
    how: str = How.SET.value
    editor: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    given: tuple[str, ...] = ()
    is_of_lists: bool = False
    lists: tuple[tuple[str, str], ...] = ()
    can_make: bool = False
    new_list: str = ""

    @property
    def given_text(self) -> str:
        return "".join(self.given[:1])

    @property
    def can_go_on(self) -> bool:
        return bool(self.name) or (self.is_of_lists and (self.can_make or bool(self.lists)))


@require_POST
@account_page(Right.CONTACTS_EDIT)
def ask(request: AccountRequest, account_id: int) -> HttpResponse:
    """Ask what an action is to do: which property and value, which owner, which list."""
    return _ask_page(request)


@require_POST
@account_page(Right.CONTACTS_EDIT)
def plan(request: AccountRequest, account_id: int) -> HttpResponse:
    """Answer what an edit, or filling a list, would do; asked again with what was wrong."""
    try:
        preview = bulk_actions.preview_work(
            account_id,
            _work(request),
            _live(request),
            by=request.by(SourceType.BULK),
            reach=request.reach_edit,
            now=request.now,
        )
    except Refused as refusal:
        return _ask_page(request, refusal)
    return _plan_page(request, preview)


@require_POST
@account_page(Right.CONTACTS_EDIT)
def confirm(request: AccountRequest, account_id: int, work_id: UUID) -> HttpResponse:
    """Do what a plan announced, if the set still holds (B5)."""
    return _confirm(request, work_id, reach=request.reach_edit)


@require_POST
@account_page(Right.CONTACTS_BULK_DELETE)
def delete(request: AccountRequest, account_id: int) -> HttpResponse:
    """Answer what a deletion would do (S10); with its plan, do it."""
    reach = accounts.reach(account_id, request.user.pk, Right.CONTACTS_DELETE)
    given = request.POST.get("plan", "")
    if given:
        try:
            plan_id = UUID(given)
        except ValueError as error:
            raise PlanUnknown from error
        return _confirm(request, plan_id, reach=reach, is_deletion=True)
    preview = bulk_actions.preview_work(
        account_id,
        Work(ActionKind.ARCHIVE),
        _live(request),
        by=request.by(SourceType.BULK),
        reach=reach,
        now=request.now,
    )
    return _plan_page(request, preview)


def _live(request: AccountRequest) -> Selection:
    return replace(read_selection(request.POST), archived=False)


# What is asked


def _work(request: AccountRequest) -> Work:
    action = request.POST.get("action", "")
    if action in LIST_KINDS:
        return _of_list(request, LIST_KINDS[action])
    if action not in {EDIT, ASSIGN}:
        raise Invalid(_("There is no such action."), field="action")
    name = OWNER if action == ASSIGN else request.POST.get("property", "")
    how = request.POST.get("how", "") or How.SET.value
    if how not in set(How):
        raise Invalid(_("There is no such action."), field="how")
    given = [plain(value) for value in request.POST.getlist("value") if value]
    definition = properties.definitions(request.account.id).get(name)
    raw = given if definition is not None and definition.is_multiple else "".join(given[:1])
    if action == ASSIGN and not raw:
        how = How.CLEAR.value
    is_polish = (get_language() or "").startswith("pl")
    edit = edit_of(
        request.account.id,
        name,
        How(how),
        raw,
        zone=request.account.zone,
        date_order="dmy" if is_polish else "ymd",
        decimal_comma=is_polish and "," in raw,
    )
    return Work(ActionKind.EDIT, edit.name, edit.how, edit.value)


def _of_list(request: AccountRequest, kind: ActionKind) -> Work:
    chosen = request.POST.get("list", "")
    named = plain(request.POST.get("new_list", "")) if kind is ActionKind.ADD else ""
    if named:
        taken = {name.casefold() for name in segments.names(request.account.id).values()}
        if named.casefold() in taken:
            raise SegmentNameTaken(named)
        return Work(kind, segment_name=named)
    if not (chosen.isascii() and chosen.isdigit() and len(chosen) < 19):
        raise Invalid(_("Choose a list."), field="list")
    return Work(kind, segment_id=int(chosen))


def _ask_page(request: AccountRequest, refusal: Refused | None = None) -> HttpResponse:
    asked = _asked(request, refusal)
    page = {
        "part": "contacts/_ask.html",
        "title": asked.title,
        "asked": asked,
        "plan_url": reverse("contacts:plan_work", args=[request.account.id]),
        "ask_url": reverse("contacts:ask", args=[request.account.id]),
        "fields": selection_fields(read_selection(request.POST)),
        "back_url": _back(request, read_selection(request.POST)),
    }
    status = http_status(refusal) if refusal else 200
    return _dialog(request, page, status=status)


def _asked(request: AccountRequest, refusal: Refused | None) -> Asked:
    action = request.POST.get("action", "")
    problem = _told(refusal) if refusal else ""
    if action in LIST_KINDS:
        return _asked_list(request, action, problem)
    if action == ASSIGN:
        owners = accounts.owners_by_id(request.account.id)
        choices = [(str(user_id), name) for user_id, name in owners.items()]
        return Asked(
            action,
            _("Assign an owner"),
            problem,
            name=OWNER,
            label=_("Owner (empty: nobody)"),
            editor="select",
            choices=tuple(choices),
            given=tuple(request.POST.getlist("value")),
        )
    if action != EDIT:
        raise Invalid(_("There is no such action."), field="action")
    return _asked_edit(request, problem)


def _asked_edit(request: AccountRequest, problem: str) -> Asked:
    name = request.POST.get("property", "")
    offered = {column.name: column for column in columns.offered(request.account)}
    definition = properties.definitions(request.account.id).get(name)
    column = offered.get(name)
    asked = Asked(
        EDIT, _("Edit a property"), problem, groups=_groups(request.account.id, offered.values())
    )
    if definition is None or column is None or _why_not(definition, column):
        return asked
    how = request.POST.get("how", "")
    yes_no = (("true", _("Yes")), ("false", _("No")))
    return replace(
        asked,
        name=name,
        label=column.label,
        ways=_ways(definition),
        how=how if how in set(How) else How.SET.value,
        editor=column.editor,
        choices=yes_no if column.editor == "yes_no" else column.choices,
        given=tuple(request.POST.getlist("value")),
    )


def _ways(definition: PropertyDef) -> tuple[tuple[str, str], ...]:
    several = (
        (How.ADD.value, _("Add these options")),
        (How.REMOVE.value, _("Remove these options")),
    )
    return (
        (How.SET.value, _("Set the value")),
        *(several if definition.is_multiple else ()),
        (How.CLEAR.value, _("Clear it")),
    )


def _groups(
    account_id: int, offered: Iterable[Column]
) -> tuple[tuple[str, tuple[Offered, ...]], ...]:
    """Return the properties by group; those that cannot be edited say why."""
    definitions = properties.definitions(account_id)
    by_group: dict[str, list[Offered]] = {}
    for column in offered:
        definition = definitions.get(column.name)
        if definition is None or definition.is_read_only or definition in DERIVED:
            continue
        one = Offered(column.name, column.label, _why_not(definition, column))
        by_group.setdefault(definition.group, []).append(one)
    return tuple(
        (in_language(label, label_pl), tuple(by_group[name]))
        for name, label, label_pl in properties.groups(account_id)
        if name in by_group
    )


def _why_not(definition: PropertyDef, column: Column) -> str:
    if definition.is_unique or definition.name == "email":
        return pgettext("property", "unique")
    return column.why


def _asked_list(request: AccountRequest, action: str, problem: str) -> Asked:
    lists = [
        (str(one.id), one.name)
        for one in segments.segments(request.account.id)
        if one.kind is Kind.FIXED
    ]
    return Asked(
        action,
        _("Add to a list") if action == ADD else _("Remove from a list"),
        problem,
        is_of_lists=True,
        lists=tuple(lists),
        can_make=action == ADD,
        given=tuple(request.POST.getlist("list")),
        new_list=plain(request.POST.get("new_list", ""))[:200],
    )


def _told(refusal: Refused) -> str:
    problems = getattr(refusal, "problems", None)
    if problems:
        return " ".join(text for _code, text in problems.values())
    return refusal.message


# The plan


def _confirm(
    request: AccountRequest, plan_id: UUID, *, reach: Reach, is_deletion: bool = False
) -> HttpResponse:
    account_id = request.account.id
    stored = bulk_queries.stored_plan(account_id, plan_id)
    if stored.work is None:
        raise PlanUnknown
    if (stored.kind is ActionKind.ARCHIVE) != is_deletion:
        raise PlanUnknown  # each is confirmed where its right was tested
    typed = request.POST.get("count", "")
    count = parse_count(typed)
    if count is None and stored.bulk_action_id is None:
        return _ask_again(request, plan_id, reach, typed=typed)
    try:
        job = bulk_actions.confirm(
            account_id,
            plan_id,
            count if count is not None else stored.changing,
            by=request.by(SourceType.BULK),
            reach=reach,
            now=request.now,
        )
    except WrongCount:
        return _ask_again(request, plan_id, reach, typed=typed)
    except PlanOutdated:
        return _ask_again(request, plan_id, reach)
    except NothingToDo as refusal:
        return _ask_again(request, plan_id, reach, because=refusal.message)
    return end(request, job)


def _ask_again(
    request: AccountRequest,
    plan_id: UUID,
    reach: Reach,
    *,
    typed: str | None = None,
    because: str = "",
) -> HttpResponse:
    """Answer the plan as things stand now: the number was wrong, or the set has changed."""
    stored = bulk_queries.stored_plan(request.account.id, plan_id)
    fresh = bulk_actions.preview_again(
        request.account.id, plan_id, by=request.by(SourceType.BULK), reach=reach, now=request.now
    )
    assert isinstance(fresh, WorkPreview)
    was = because
    if not because and (fresh.plan.changing != stored.changing or typed is None):
        was = plans.was_text(stored.changing, fresh.plan.changing)
    status = 409 if typed is None else 400
    return _plan_page(request, fresh, was=was, typed=typed, status=status)


def _plan_page(
    request: AccountRequest,
    preview: WorkPreview,
    *,
    was: str = "",
    typed: str | None = None,
    status: int = 200,
) -> HttpResponse:
    work = preview.plan.work
    account_id = request.account.id
    shown = works.show(
        preview.plan,
        works.names_of(account_id, [work]),
        value=_value_in_words(request, work),
        zone_name=request.account.time_zone,
    )
    is_deletion = work.kind is ActionKind.ARCHIVE
    page = {
        "part": "contacts/_work_plan.html",
        "title": shown.title,
        "shown": shown,
        "was": was,
        "typed": typed or "",
        "problem": typed is not None,
        "confirm_url": reverse("contacts:delete", args=[account_id])
        if is_deletion
        else reverse("contacts:confirm_work", args=[account_id, preview.id]),
        "confirm_fields": [("plan", str(preview.id))] if is_deletion else [],
        "back_url": _back(request, preview.selection),
    }
    return _dialog(request, page, status=status)


def _value_in_words(request: AccountRequest, work: Work) -> str:
    if not work.name or work.value is None:
        return ""
    column = next((one for one in columns.offered(request.account) if one.name == work.name), None)
    return columns.told(work.value, column, request.account.zone) if column else ""


def _dialog(request: AccountRequest, page: dict[str, object], *, status: int = 200) -> HttpResponse:
    """Answer the content of the plan dialog, or a page of it where no script asked."""
    template = str(page["part"]) if request.htmx else "contacts/plan.html"
    return render(request, template, page, status=status)


def _back(request: AccountRequest, chosen: Selection) -> str:
    """Return the address of the table that the selection was made in."""
    return reverse("contacts:list", args=[request.account.id]) + of_selection(chosen).address()


def end(request: AccountRequest, job: BulkActionView) -> HttpResponse:
    """Answer a confirmed plan: a toast over the table, or the job's page without a script."""
    if request.htmx:
        return done.answer(request, job)
    return HttpResponseRedirect(reverse("jobs:job", args=[request.account.id, job.id]))
