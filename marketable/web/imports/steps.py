"""The five steps of an import: which there are, where each lies, which can be gone to."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from marketable.transfers.queries import ImportView
from marketable.transfers.rules import ImportState

#: State → the step that an import is at.
PLACES = {
    ImportState.DRAFT: "mapping",
    ImportState.CHECKING: "check",
    ImportState.CHECKED: "check",
    ImportState.FAILED: "check",
    ImportState.RUNNING: "run",
    ImportState.COMPLETE: "run",
    ImportState.CANCELLED: "run",
    ImportState.UNDOING: "run",
    ImportState.UNDONE: "run",
}

#: State → the steps that can be gone to. Once the run has begun, there is no step back.
OPEN = {
    ImportState.DRAFT: frozenset({"file", "mapping"}),
    ImportState.CHECKING: frozenset({"check"}),
    ImportState.CHECKED: frozenset({"file", "mapping", "check", "options"}),
    ImportState.FAILED: frozenset({"file", "mapping", "check"}),
}
AFTER = frozenset({"run"})


@dataclass(frozen=True, slots=True)
class Step:
    label: str
    url: str  # empty where it cannot be gone to
    is_current: bool


def place(view: ImportView) -> str:
    """Return the name of the step that an import is at."""
    return "run" if view.started_at is not None else PLACES[view.state]


def can_open(view: ImportView, step: str) -> bool:
    if view.started_at is not None:
        return step in AFTER
    return step in OPEN.get(view.state, AFTER)


def url(account_id: int, import_id: int, step: str) -> str:
    return reverse(f"imports:{step}", args=[account_id, import_id])


def steps(account_id: int, view: ImportView | None, current: str) -> list[Step]:
    """Return the five steps in order; without an import there is only the first."""
    labels = {
        "file": _("File"),
        "mapping": _("Columns"),
        "check": _("Check"),
        "options": _("Options"),
        "run": _("Run"),
    }
    return [
        Step(
            label,
            url(account_id, view.id, name)
            if view is not None and name != current and can_open(view, name)
            else "",
            name == current,
        )
        for name, label in labels.items()
    ]
