"""A whole import in one process, as a command does it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop as _

from marketable.errors import Refused
from marketable.history.sources import Source
from marketable.properties import queries as properties
from marketable.transfers import mapping, queries
from marketable.transfers.errors import BadMapping, FileRefused, ImportOutdated, WrongState
from marketable.transfers.models import ImportRun
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import ImportState, Marketing, Mode
from marketable.transfers.services.checking import ImportPlan, begin_check, check, plan_of
from marketable.transfers.services.drafts import keep_file, set_mapping, set_options
from marketable.transfers.services.running import cancel, run_next_batch, start


@dataclass(frozen=True, slots=True)
class Imported:
    """The import at its end, and what it was to do.

    plan     of a dry run; otherwise the view's outcomes tell
    ignored  headers of columns that were left out because they are read only (I2, J5)
    """

    view: ImportView
    plan: ImportPlan | None
    ignored: tuple[str, ...]


def import_file(
    account_id: int,
    path: Path,
    *,
    columns: Mapping[str, Any] | None,
    marketing_option: Marketing,
    expect: int | None,
    dry_run: bool,
    include_unreachable: bool = False,
    by: Source,
    now: datetime,
) -> Imported:
    """Import a file in this process, from reading to the last row.

    columns  header → property name, or {"property", "overwrite"}; None to take the suggestion
    expect   how many contacts will become marketing; with None, none may

    A process that dies in the middle leaves an import that any worker finishes, unless it was
    still storing the file. A dry run leaves nothing.

    Raises FileRefused, BadMapping, ImportOutdated, CeilingReached or ContactLimit, and nothing is
    imported then.
    """
    try:
        with path.open("rb") as file:
            view = keep_file(account_id, file, path.name, by=by, now=now)
    except OSError as error:
        raise FileRefused(
            _("%(file)s cannot be read: %(reason)s."),
            {"file": path.name, "reason": error.strerror or str(error)},
        ) from error
    try:
        chosen, ignored = _chosen(account_id, view, columns)
        set_mapping(account_id, view.id, chosen)
        set_options(
            account_id,
            view.id,
            mode=Mode.UPSERT,
            marketing_option=marketing_option,
            include_unreachable=include_unreachable,
        )
        if not dry_run:
            _ask_to_start(account_id, view.id, expect)
        begin_check(account_id, view.id)
        _checked(account_id, view.id, now=now)
        if dry_run:
            plan = _planned(account_id, view.id, expect, now=now)
            return Imported(cancel(account_id, view.id, now=now), plan, ignored)
        _start(account_id, view.id, expect, by=by, now=now)
    except Refused:
        cancel(account_id, view.id, now=now)
        raise
    while run_next_batch(account_id, view.id, now=now):
        pass
    return Imported(queries.import_run(account_id, view.id), None, ignored)


def _checked(account_id: int, import_id: int, *, now: datetime) -> None:
    try:
        check(account_id, import_id, now=now)
    except WrongState:  # a worker has done it, and may have gone on
        if queries.import_run(account_id, import_id).state is ImportState.CANCELLED:
            raise


def _start(
    account_id: int, import_id: int, expect: int | None, *, by: Source, now: datetime
) -> None:
    try:
        start(account_id, import_id, expected=expect, by=by, now=now)
    except WrongState:  # a worker has begun it, or could not
        return


def _planned(account_id: int, import_id: int, expect: int | None, *, now: datetime) -> ImportPlan:
    told, _plan = plan_of(account_id, import_id, now=now)
    if expect is not None and expect != told.marketing_started:
        raise ImportOutdated(expected=expect, actual=told.marketing_started)
    return told


def _ask_to_start(account_id: int, import_id: int, expect: int | None) -> None:
    """Let whoever finishes the check begin the run."""
    row = ImportRun.objects.get(account_id=account_id, id=import_id)
    row.options = {**row.options, "expected": expect}
    row.save(update_fields=["options"])


def _chosen(
    account_id: int, view: ImportView, columns: Mapping[str, Any] | None
) -> tuple[list[Mapping[str, Any] | None], tuple[str, ...]]:
    """Return the mapping, and the headers of read-only columns, which are left out (J5)."""
    definitions = properties.definitions(account_id)
    if columns is None:
        chosen = list(view.mapping)
    else:
        unknown = sorted(set(columns) - set(view.headers))
        if unknown:
            raise BadMapping(
                _("The file has no column %(names)s."), {"names": ", ".join(unknown)[:300]}
            )
        chosen = [_column(columns.get(header)) for header in view.headers]
    ignored = []
    for place, header in enumerate(view.headers):
        named = str((chosen[place] or {}).get("property", ""))
        is_read_only = named in definitions and definitions[named].is_read_only
        if is_read_only or (not named and mapping.is_read_only(header, definitions)):
            chosen[place] = None
            ignored.append(header)
    return chosen, tuple(ignored)


def _column(chosen: object) -> Mapping[str, Any] | None:
    if chosen is None or chosen == "":
        return None
    if isinstance(chosen, str):
        return {"property": chosen, "overwrite": "always"}
    if isinstance(chosen, Mapping):
        return chosen
    raise BadMapping(_("A column is mapped to the name of a property, or to nothing."))
