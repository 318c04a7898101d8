"""A bulk action in words: what it does, how far it is, what came of it, what can be done (B7)."""

from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketable.bulk_actions.queries import BulkActionView
from marketable.bulk_actions.rules import ActionKind, ActionState
from marketable.bulk_actions.services import KEPT_FOR
from marketable.formats import number
from marketable.web.contacts import works
from marketable.web.contacts.plans import cannot_text
from marketable.web.contacts.works import Names, take_back_label


@dataclass(frozen=True, slots=True)
class OutcomeLine:
    code: str
    count: str
    text: str


@dataclass(frozen=True, slots=True)
class JobShown:
    """A job as the list and its own page show it.

    take_back  the button's text, empty when it cannot be taken back (any more)
    """

    key: str
    url: str
    title: str
    state: str
    state_code: str
    by: str
    created_at: datetime
    total: str
    done: str
    percent: str
    progress: str
    outcomes: tuple[OutcomeLine, ...]
    refused_count: int
    reverts_key: str
    is_running: bool
    is_being_cancelled: bool
    has_contacts: bool
    take_back: str
    error: str


def show(
    account_id: int,
    job: BulkActionView,
    names: Names,
    *,
    now: datetime,
    today: date,
    next_update_date: date,
    is_taken_back: bool,
) -> JobShown:
    return JobShown(
        key=str(job.id),
        url=reverse("jobs:job", args=[account_id, job.id]),
        title=title(job, names),
        state=_state(job),
        state_code=job.state.value,
        by=job.by.actor_label,
        created_at=job.created_at,
        total=number(job.total),
        done=number(job.done),
        percent=str(job.done * 100 // job.total if job.total else 100),
        progress=_("%(done)s of %(total)s")
        % {"done": number(job.done), "total": number(job.total)},
        outcomes=tuple(_outcomes(job)),
        refused_count=job.refused,
        reverts_key=str(job.reverts_id or ""),
        is_running=not job.is_finished,
        is_being_cancelled=job.cancelled_at is not None and not job.is_finished,
        has_contacts=job.changed > 0,
        take_back=_take_back(
            job,
            now=now,
            today=today,
            next_update_date=next_update_date,
            is_taken_back=is_taken_back,
        ),
        error=job.error,
    )


def title(job: BulkActionView, names: Names) -> str:
    """Return what the job does, with its number of contacts."""
    if job.work is not None:
        return works.title(job.work, job.total, names)
    return _status_title(job) % {"count": number(job.total)}


def _status_title(job: BulkActionView) -> str:
    if job.kind is ActionKind.START:
        return ngettext(
            "Set %(count)s contact as a marketing contact",
            "Set %(count)s contacts as marketing contacts",
            job.total,
        )
    if job.kind is ActionKind.STOP:
        return ngettext(
            "Stage %(count)s contact as non-marketing",
            "Stage %(count)s contacts as non-marketing",
            job.total,
        )
    return ngettext(
        "Keep %(count)s contact as a marketing contact",
        "Keep %(count)s contacts as marketing contacts",
        job.total,
    )


def _state(job: BulkActionView) -> str:
    if job.cancelled_at is not None and not job.is_finished:
        return _("Stopping")
    return {
        ActionState.PENDING: _("Waiting to start"),
        ActionState.RUNNING: _("Running"),
        ActionState.COMPLETE: _("Done"),
        ActionState.CANCELLED: _("Cancelled; what was done stays"),
        ActionState.FAILED: _("Stopped by a refusal; what was done stays"),
    }[job.state]


def _outcomes(job: BulkActionView) -> list[OutcomeLine]:
    """Return every outcome that has a count, in the same words as the plan (§7)."""
    found = []
    texts = {
        "set": ngettext(
            "set as a marketing contact", "set as marketing contacts", job.outcomes.get("set", 0)
        ),
        "kept": ngettext(
            "kept: a staging was withdrawn",
            "kept: their staging was withdrawn",
            job.outcomes.get("kept", 0),
        ),
        "staged": ngettext(
            "staged as non-marketing", "staged as non-marketing", job.outcomes.get("staged", 0)
        ),
        "changed": ngettext("changed", "changed", job.outcomes.get("changed", 0)),
        "added": ngettext("added to the list", "added to the list", job.outcomes.get("added", 0)),
        "removed": ngettext(
            "removed from the list", "removed from the list", job.outcomes.get("removed", 0)
        ),
        "archived": ngettext(
            "put into the recycle bin",
            "put into the recycle bin",
            job.outcomes.get("archived", 0),
        ),
        "restored": ngettext("restored", "restored", job.outcomes.get("restored", 0)),
        "skipped": ngettext(
            "skipped: it changed after the confirmation",
            "skipped: they changed after the confirmation",
            job.outcomes.get("skipped", 0),
        ),
    }
    for code, text in texts.items():
        if job.outcomes.get(code):
            found.append(OutcomeLine(code, number(job.outcomes[code]), text))
    left = job.total - job.done
    if job.is_finished and left:
        found.append(OutcomeLine("left", number(left), ngettext("not done", "not done", left)))
    if job.already:
        already = ngettext("was so already", "were so already", job.already)
        found.append(OutcomeLine("already", number(job.already), already))
    if job.left_alone:
        text = ngettext(
            "left alone: somebody changed it since",
            "left alone: somebody changed them since",
            job.left_alone,
        )
        found.append(OutcomeLine("left_alone", number(job.left_alone), text))
    for code, count in sorted(job.cannot.items()):
        found.append(OutcomeLine(code, number(count), cannot_text(code, count)))
    if job.outside_rights:
        text = ngettext(
            "outside your rights: left alone",
            "outside your rights: left alone",
            job.outside_rights,
        )
        found.append(OutcomeLine("outside_rights", number(job.outside_rights), text))
    if job.not_found:
        text = ngettext(
            "failed: deleted, or not a contact of this account",
            "failed: deleted, or not contacts of this account",
            job.not_found,
        )
        found.append(OutcomeLine("not_found", number(job.not_found), text))
    return found


def _take_back(
    job: BulkActionView, *, now: datetime, today: date, next_update_date: date, is_taken_back: bool
) -> str:
    is_too_late = job.kind in {ActionKind.STOP, ActionKind.KEEP} and today >= job.update_date
    if (
        not job.is_finished
        or not job.changed
        or is_taken_back
        or is_too_late
        or now - job.created_at > KEPT_FOR
    ):
        return ""
    return take_back_label(job.kind, next_update_date)
