"""Actions that do not move the status, in words: what is asked, its plan, its end (B3, B7)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketable.bulk_actions.queries import BulkActionView
from marketable.bulk_actions.rules import OF_STATUS, REQUEST_LIMIT, ActionKind, Outcome
from marketable.bulk_actions.works import Work, WorkPlan
from marketable.contacts.services.edit_many import How
from marketable.formats import day, number
from marketable.marketing_status.rules import Event
from marketable.properties import queries as properties
from marketable.properties.labels import label_of
from marketable.segments import queries as segments
from marketable.web.contacts import plans
from marketable.web.contacts.plans import Counted


@dataclass(frozen=True, slots=True)
class Names:
    """Labels of properties and names of segments, for works to be told with."""

    properties: Mapping[str, str]
    segments: Mapping[int, str]

    def of(self, work: Work) -> str:
        if work.name:
            return self.properties.get(work.name, work.name)
        if work.segment_id is not None:
            return self.segments.get(work.segment_id, _("a deleted list"))
        return work.segment_name


def names_of(account_id: int, works: Iterable[Work | None]) -> Names:
    """Return the names that these works are told with; nothing is read for those without."""
    told = [work for work in works if work is not None]
    definitions = (
        properties.definitions(account_id, with_archived=True)
        if any(work.name for work in told)
        else {}
    )
    return Names(
        {name: label_of(one) for name, one in definitions.items()},
        segments.names(account_id) if any(work.segment_id for work in told) else {},
    )


@dataclass(frozen=True, slots=True)
class WorkShown:
    """The plan of a work, ready to be read.

    fact      what becomes of a value, in a sentence
    is_typed  the number is typed to confirm: a place is held until the update date, or it is much
    """

    plan: WorkPlan
    title: str
    fact: str
    selected: str
    outcomes: tuple[Counted, ...]
    left_out: tuple[Counted, ...]
    consequence: str
    is_typed: bool
    field_label: str
    field_problem: str
    expected_key: str
    confirm_label: str
    button: str
    can_include_unreachable: bool = False

    @property
    def can_confirm(self) -> bool:
        return self.plan.changing > 0

    @property
    def is_costly(self) -> bool:
        return self.plan.held > 0


def show(plan: WorkPlan, names: Names, *, value: str, zone_name: str) -> WorkShown:
    """Return what the dialog says about the plan of a work. `value` is the one set, in words."""
    is_deletion = plan.work.kind is ActionKind.ARCHIVE
    return WorkShown(
        plan=plan,
        title=title(plan.work, plan.changing, names),
        fact=_fact(plan.work, names, value) if plan.changing else "",
        selected=plans.selected_text(plan.selected),
        outcomes=tuple(_outcomes(plan)),
        left_out=tuple(plans.left_out(plan.cannot, plan.outside_rights, plan.not_found)),
        consequence=_consequence(plan, zone_name),
        is_typed=plan.held > 0 or (is_deletion and plan.changing > REQUEST_LIMIT),
        field_label=plans.field_label(plan.changing),
        field_problem=plans.wrong_number(plan.changing),
        expected_key=str(plan.changing),
        confirm_label=title(plan.work, plan.changing, names),
        button="danger" if is_deletion else "primary",
    )


def title(work: Work, count: int, names: Names) -> str:
    """Return what a work does, with its number of contacts."""
    facts = {"count": number(count), "label": names.of(work)}
    if count == 0:
        return _("Nothing would change")
    return _title(work, count) % facts


def _title(work: Work, count: int) -> str:
    if work.kind is ActionKind.ARCHIVE:
        return ngettext("Delete %(count)s contact", "Delete %(count)s contacts", count)
    if work.kind is ActionKind.RESTORE:
        return ngettext("Restore %(count)s contact", "Restore %(count)s contacts", count)
    if work.kind is ActionKind.ADD:
        return ngettext(
            "Add %(count)s contact to “%(label)s”", "Add %(count)s contacts to “%(label)s”", count
        )
    if work.kind is ActionKind.REMOVE:
        return ngettext(
            "Remove %(count)s contact from “%(label)s”",
            "Remove %(count)s contacts from “%(label)s”",
            count,
        )
    return {
        How.SET: ngettext(
            "Set “%(label)s” for %(count)s contact",
            "Set “%(label)s” for %(count)s contacts",
            count,
        ),
        How.CLEAR: ngettext(
            "Clear “%(label)s” for %(count)s contact",
            "Clear “%(label)s” for %(count)s contacts",
            count,
        ),
        How.ADD: ngettext(
            "Add options to “%(label)s” for %(count)s contact",
            "Add options to “%(label)s” for %(count)s contacts",
            count,
        ),
        How.REMOVE: ngettext(
            "Remove options from “%(label)s” for %(count)s contact",
            "Remove options from “%(label)s” for %(count)s contacts",
            count,
        ),
        None: ngettext(
            "Put back “%(label)s” for %(count)s contact",
            "Put back “%(label)s” for %(count)s contacts",
            count,
        ),
    }[work.how]


def _fact(work: Work, names: Names, value: str) -> str:
    facts = {"label": names.of(work), "value": value}
    if work.how is How.SET:
        return _("“%(label)s” becomes “%(value)s”.") % facts
    if work.how is How.CLEAR:
        return _("“%(label)s” is emptied.") % facts
    if work.how is How.ADD:
        return _("“%(value)s” is added to “%(label)s”, beside what is there.") % facts
    if work.how is How.REMOVE:
        return _("“%(value)s” is removed from “%(label)s”; the rest stays.") % facts
    return ""


def _outcomes(plan: WorkPlan) -> list[Counted]:
    found = [Counted("changing", number(plan.changing), _will(plan))]
    if plan.held:
        text = ngettext(
            "of which marketing: the place counts until %(date)s",
            "of which marketing: their places count until %(date)s",
            plan.held,
        ) % {"date": day(plan.update_date)}
        found.append(Counted("held", number(plan.held), text, is_part=True))
    if plan.already:
        found.append(Counted("already", number(plan.already), _is_already(plan)))
    return found


def _will(plan: WorkPlan) -> str:
    count = plan.changing
    if plan.work.kind is ActionKind.ARCHIVE:
        return ngettext("goes to the recycle bin", "go to the recycle bin", count)
    if plan.work.kind is ActionKind.ADD:
        return ngettext("is added to the list", "are added to the list", count)
    if plan.work.kind is ActionKind.REMOVE:
        return ngettext("is removed from the list", "are removed from the list", count)
    return ngettext("will be changed", "will be changed", count)


def _is_already(plan: WorkPlan) -> str:
    count = plan.already
    if plan.work.kind is ActionKind.ADD:
        return ngettext("is in the list already", "are in the list already", count)
    if plan.work.kind is ActionKind.REMOVE:
        return ngettext("is not in the list", "are not in the list", count)
    return ngettext("is so already", "are so already", count)


def _consequence(plan: WorkPlan, zone_name: str) -> str:
    undo = _("You can undo this for 30 days. Whoever is changed meanwhile keeps that.")
    if plan.work.kind is not ActionKind.ARCHIVE:
        return undo
    if not plan.held:
        return _("They can be restored for 30 days from Jobs, and for 90 days from the bin.")
    facts = {"date": day(plan.update_date), "zone": zone_name}
    return (
        _(
            "Deleting frees no place before %(date)s (%(zone)s). Restored before that day, they "
            "are what they were; restored later, they are non-marketing."
        )
        % facts
    )


def done_text(job: BulkActionView) -> str:
    """Return what a finished action did, for a toast: the count and the thing."""
    if job.work is None:
        return plans.done_text(Event(job.kind), job.outcomes, job.update_date)
    is_back = job.kind is ActionKind.EDIT and job.work.how is None
    outcome, text = {
        ActionKind.EDIT: (Outcome.CHANGED, _put_back if is_back else _changed),
        ActionKind.ADD: (Outcome.ADDED, _added),
        ActionKind.REMOVE: (Outcome.REMOVED, _removed),
        ActionKind.ARCHIVE: (Outcome.ARCHIVED, plans.deleted_text),
        ActionKind.RESTORE: (Outcome.RESTORED, _restored),
    }[job.kind]
    return text(job.outcomes.get(outcome, 0))


def _put_back(count: int) -> str:
    text = ngettext(
        "%(count)s contact is as it was.", "%(count)s contacts are as they were.", count
    )
    return text % {"count": number(count)}


def _changed(count: int) -> str:
    text = ngettext("%(count)s contact was changed.", "%(count)s contacts were changed.", count)
    return text % {"count": number(count)}


def _added(count: int) -> str:
    text = ngettext(
        "%(count)s contact was added to the list.",
        "%(count)s contacts were added to the list.",
        count,
    )
    return text % {"count": number(count)}


def _removed(count: int) -> str:
    text = ngettext(
        "%(count)s contact was removed from the list.",
        "%(count)s contacts were removed from the list.",
        count,
    )
    return text % {"count": number(count)}


def _restored(count: int) -> str:
    text = ngettext("%(count)s contact was restored.", "%(count)s contacts were restored.", count)
    return text % {"count": number(count)}


def take_back_label(kind: ActionKind, update_date: date) -> str:
    """Return the text of the button that takes an action back as the rules allow (S15, S16)."""
    return plans.take_back_label(Event(kind), update_date) if kind in OF_STATUS else _("Undo")
