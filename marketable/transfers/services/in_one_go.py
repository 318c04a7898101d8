"""A whole import in one process, as a command does it."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from marketable.errors import Refused
from marketable.history.sources import Source
from marketable.transfers import queries
from marketable.transfers.errors import BadMapping, ImportOutdated
from marketable.transfers.models import ImportRun
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import ImportState, Marketing, Mode
from marketable.transfers.services.checking import ImportPlan, check, plan_of
from marketable.transfers.services.drafts import keep_file, set_mapping, set_options
from marketable.transfers.services.running import cancel, run_next_batch, start


def import_file(
    account_id: int,
    path: Path,
    *,
    columns: Mapping[str, Any] | None,
    marketing_option: Marketing,
    expect: int | None,
    dry_run: bool,
    by: Source,
    now: datetime,
) -> tuple[ImportView, ImportPlan]:
    """Import a file in this process, from reading to the last row.

    columns  header → property name, or {"property", "overwrite"}; None to take the suggestion
    expect   how many contacts will become marketing; with None, none may

    A process that dies in the middle leaves an import that any worker finishes. A dry run leaves
    nothing.
    """
    with path.open("rb") as file:
        view = keep_file(account_id, file, path.name, by=by, now=now)
    try:
        chosen = [
            _column(columns.get(header)) if columns is not None else view.mapping[place]
            for place, header in enumerate(view.headers)
        ]
        if columns is not None and set(columns) - set(view.headers):
            unknown = ", ".join(sorted(set(columns) - set(view.headers)))
            raise BadMapping(_("The file has no column %(names)s.") % {"names": unknown})
        set_mapping(account_id, view.id, chosen)
        set_options(account_id, view.id, mode=Mode.UPSERT, marketing_option=marketing_option)
        ImportRun.objects.filter(account_id=account_id, id=view.id).update(
            state=ImportState.CHECKING.value
        )
        check(account_id, view.id, now=now)
        told, _plan = plan_of(account_id, view.id, now=now)
        if expect is not None and expect != told.marketing_started:
            raise ImportOutdated(expected=expect, actual=told.marketing_started)
        if not dry_run:
            start(account_id, view.id, expected=told.marketing_started, by=by, now=now)
    except Refused:
        cancel(account_id, view.id, now=now)
        raise
    if dry_run:
        cancel(account_id, view.id, now=now)
        return queries.import_run(account_id, view.id), told
    while run_next_batch(account_id, view.id, now=now):
        pass
    return queries.import_run(account_id, view.id), told


def _column(chosen: object) -> Mapping[str, Any] | None:
    if isinstance(chosen, str):
        return {"property": chosen, "overwrite": "always"}
    return chosen if isinstance(chosen, Mapping) else None
