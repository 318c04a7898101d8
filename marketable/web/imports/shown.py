"""An import in words: its state, how far it is, what came of it, what can be done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketable.formats import day, number
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import KEPT_FOR, ImportState
from marketable.transfers.undo import UndoPlan
from marketable.web.imports.reasons import DUPLICATE, reason
from marketable.web.imports.steps import place, url
from marketable.web.jobs.shown import OutcomeLine


@dataclass(frozen=True, slots=True)
class ImportShown:
    """An import as lists and its own pages show it.

    title     as one job among others
    is_sized  how many rows there are is known
    """

    key: str
    url: str
    title: str
    name: str
    state: str
    state_code: str
    by: str
    created_at: datetime
    percent: str
    progress: str
    is_sized: bool
    outcomes: tuple[OutcomeLine, ...]
    left_out: tuple[OutcomeLine, ...]
    is_running: bool
    is_being_cancelled: bool
    can_cancel: bool
    can_undo: bool
    has_contacts: bool
    has_failures_file: bool
    error: str


def show(account_id: int, view: ImportView, *, now: datetime, may_open: bool = True) -> ImportShown:
    return ImportShown(
        key=str(view.id),
        url=url(account_id, view.id, place(view)) if may_open else "",
        title=_("Import of %(file)s") % {"file": view.file_name},
        name=view.file_name,
        state=_state(view),
        state_code=view.state.value,
        by=view.by.actor_label,
        created_at=view.created_at,
        percent=str(view.percent),
        progress=_progress(view),
        is_sized=view.total > 0,
        outcomes=tuple(_outcomes(view)) if view.started_at is not None else (),
        left_out=tuple(left_out(view.failures)) if view.started_at is not None else (),
        is_running=view.is_running,
        is_being_cancelled=view.cancelled_at is not None and view.is_running,
        can_cancel=view.state is ImportState.RUNNING and view.cancelled_at is None,
        can_undo=not view.is_running
        and view.state is not ImportState.UNDONE
        and view.change_id is not None
        and now - view.created_at <= KEPT_FOR,
        has_contacts=view.change_id is not None
        and (view.state is not ImportState.UNDONE or view.updated > 0),
        has_failures_file=bool(view.failures_as),
        error=view.error,
    )


def _state(view: ImportView) -> str:
    if view.state is ImportState.RUNNING and view.cancelled_at is not None:
        return _("Stopping")
    if view.state is ImportState.CANCELLED and view.started_at is None:
        return _("Thrown away")
    if view.state is ImportState.FAILED and view.started_at is not None:
        return _("Stopped by a refusal; what was done stays")
    return {
        ImportState.DRAFT: _("Being prepared"),
        ImportState.CHECKING: _("Being checked"),
        ImportState.CHECKED: _("Checked, not started"),
        ImportState.RUNNING: _("Running"),
        ImportState.COMPLETE: _("Done"),
        ImportState.CANCELLED: _("Cancelled; what was done stays"),
        ImportState.FAILED: _("Could not be read"),
        ImportState.UNDOING: _("Being undone"),
        ImportState.UNDONE: _("Undone"),
    }[view.state]


def _progress(view: ImportView) -> str:
    facts = {"done": number(view.done), "total": number(view.total)}
    if view.state is ImportState.CHECKING:
        return ngettext("%(done)s row read", "%(done)s rows read", view.done) % facts
    if not view.total:
        return ""
    if view.started_at is None:
        return ngettext("%(total)s row", "%(total)s rows", view.total) % facts
    return ngettext("%(done)s of %(total)s row", "%(done)s of %(total)s rows", view.total) % facts


def _outcomes(view: ImportView) -> list[OutcomeLine]:
    """Return what the rows did; those not taken as one number."""
    lines = [
        ("created", view.created, ngettext("created", "created", view.created)),
        ("updated", view.updated, ngettext("updated", "updated", view.updated)),
        (
            "unchanged",
            view.unchanged,
            ngettext("was as in the file", "were as in the file", view.unchanged),
        ),
        (
            "marketing_started",
            view.marketing_started,
            ngettext(
                "set as a marketing contact", "set as marketing contacts", view.marketing_started
            ),
        ),
        ("failed", view.failed, ngettext("not taken", "not taken", view.failed)),
    ]
    return [OutcomeLine(code, number(count), text) for code, count, text in lines if count]


def checked(view: ImportView) -> list[OutcomeLine]:
    """Return what the check counted: every outcome, none left out, so that a zero is seen too."""
    outcomes: Mapping[str, int] = view.check.get("outcomes", {})
    failed: Mapping[str, int] = view.check.get("failures", {})
    created, updated = outcomes.get("created", 0), outcomes.get("updated", 0)
    unchanged, twice = outcomes.get("unchanged", 0), failed.get(DUPLICATE, 0)
    invalid = sum(failed.values()) - twice
    lines = [
        ("created", created, ngettext("new contact", "new contacts", created)),
        ("updated", updated, ngettext("will be updated", "will be updated", updated)),
        ("unchanged", unchanged, ngettext("unchanged", "unchanged", unchanged)),
        ("duplicate", twice, ngettext("twice in the file", "twice in the file", twice)),
        ("invalid", invalid, ngettext("cannot be taken", "cannot be taken", invalid)),
    ]
    return [OutcomeLine(code, number(count), text) for code, count, text in lines]


def left_out(failed: Mapping[str, int]) -> list[OutcomeLine]:
    """Return why rows are not taken, with how many, the most frequent first."""
    found = sorted(failed.items(), key=lambda one: (-one[1], one[0]))
    return [OutcomeLine(code, number(count), reason(code)) for code, count in found]


def undo_sentences(plan: UndoPlan, zone_name: str) -> list[str]:
    """Return what undoing will do, before it is done (I4, S10)."""
    facts = {"date": day(plan.update_date), "zone": zone_name}
    lines = []
    if plan.archived:
        text = ngettext(
            "%(count)s contact that the import created goes to the recycle bin.",
            "%(count)s contacts that the import created go to the recycle bin.",
            plan.archived,
        )
        lines.append(text % {"count": number(plan.archived)})
    if plan.held:
        text = ngettext(
            "%(count)s of them is a marketing contact. Its place counts until %(date)s (%(zone)s): "
            "deleting frees no place before the update date.",
            "%(count)s of them are marketing contacts. Their places count until %(date)s "
            "(%(zone)s): deleting frees no place before the update date.",
            plan.held,
        )
        lines.append(text % {"count": number(plan.held), **facts})
    if plan.staged:
        text = ngettext(
            "%(count)s contact that the import set as marketing is staged: it becomes "
            "non-marketing on %(date)s (%(zone)s), and counts until then.",
            "%(count)s contacts that the import set as marketing are staged: they become "
            "non-marketing on %(date)s (%(zone)s), and count until then.",
            plan.staged,
        )
        lines.append(text % {"count": number(plan.staged), **facts})
    if plan.restored:
        text = ngettext(
            "%(count)s contact that the import changed gets its earlier values back.",
            "%(count)s contacts that the import changed get their earlier values back.",
            plan.restored,
        )
        lines.append(text % {"count": number(plan.restored)})
    if plan.kept:
        text = ngettext(
            "%(count)s contact was touched since: what was touched stays as it is now.",
            "%(count)s contacts were touched since: what was touched stays as it is now.",
            plan.kept,
        )
        lines.append(text % {"count": number(plan.kept)})
    return lines or [_("Nothing of it is left to undo.")]


def undone(view: ImportView) -> list[OutcomeLine]:
    """Return what undoing has done so far."""
    told = view.check.get("undo", {})
    archived, restored = told.get("archived", 0), told.get("restored", 0)
    staged, kept = told.get("staged", 0), told.get("kept", 0)
    lines = [
        (
            "archived",
            archived,
            ngettext("put into the recycle bin", "put into the recycle bin", archived),
        ),
        (
            "restored",
            restored,
            ngettext("got its earlier values back", "got their earlier values back", restored),
        ),
        ("staged", staged, ngettext("staged as non-marketing", "staged as non-marketing", staged)),
        (
            "kept",
            kept,
            ngettext(
                "touched since the import; that stays", "touched since the import; that stays", kept
            ),
        ),
    ]
    return [OutcomeLine(code, number(count), text) for code, count, text in lines if count]
