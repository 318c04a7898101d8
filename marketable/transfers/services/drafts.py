"""Drafts: a kept file, how it is read, which column is which property, and the options."""

import os
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.utils.translation import gettext_noop as _

from marketable import sql
from marketable.history.sources import Source, SourceType
from marketable.properties import queries as properties
from marketable.properties.labels import label_of
from marketable.properties.rules import PropertyDef
from marketable.transfers import mapping, queries, reading, staging, workbooks
from marketable.transfers.errors import BadMapping, FileRefused
from marketable.transfers.models import ImportRun
from marketable.transfers.queries import ImportView
from marketable.transfers.reading import Format, Sample
from marketable.transfers.rules import ImportState, Marketing, Mode
from marketable.transfers.services.steps import locked, mendable

DATE_ORDERS = ("ymd", "dmy", "mdy")


def keep_file(
    account_id: int, file: BinaryIO, file_name: str, *, by: Source, now: datetime
) -> ImportView:
    """Store an uploaded file and find out how it is to be read; the import is a draft. Of a
    workbook the first sheet is kept, as CSV.

    Raises FileRefused for what is no table, and keeps nothing then (J10).
    """
    stored_as = uuid.uuid4().hex
    path = queries.folder() / stored_as
    try:
        _store(file, path)
        kind = "xlsx" if workbooks.is_workbook(path) else "csv"
        if kind == "xlsx":
            workbooks.to_csv(path)
        first = reading.sample(path, reading.sniff(path, kind=kind))
        return _make_draft(account_id, path, stored_as, file_name, first, by=by, now=now)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _store(file: BinaryIO, path: Path) -> None:
    """Write a stream to the disk. It is not known how long it is until it ends."""
    size = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as out:  # noqa: PTH123
        while block := file.read(reading.BLOCK_BYTES):
            size += len(block)
            if size > reading.LARGEST_FILE:
                raise FileRefused(reading.TOO_LARGE)
            out.write(block)


@sql.retried
def _make_draft(
    account_id: int,
    path: Path,
    stored_as: str,
    file_name: str,
    first: Sample,
    *,
    by: Source,
    now: datetime,
) -> ImportView:
    found = sql.row("SELECT nextval('import_run_id_seq')")
    assert found is not None
    import_id = int(found[0])
    name = reading.clean(Path(file_name).name)[:200] or "file"
    row = ImportRun.objects.create(
        account_id=account_id,
        id=import_id,
        state=ImportState.DRAFT.value,
        source=by.through(SourceType.IMPORT, str(import_id), name).as_json(),
        file_name=name,
        stored_as=stored_as,
        byte_size=path.stat().st_size,
        format=first.format.as_json(),
        headers=list(first.headers),
        mapping={"columns": suggested(account_id, first)},
        options={
            "marketing": Marketing.LEAVE.value,
            "mode": Mode.UPSERT.value,
            "include_unreachable": False,
        },
        created_at=now,
    )
    return queries.view(row)


def suggested(account_id: int, first: Sample) -> list[Mapping[str, Any] | None]:
    """Return the mapping that the same headers had last time, else one by names and content."""
    definitions = properties.definitions(account_id)
    last = queries.last_mapping(account_id, first.headers)
    if last is not None and all(one is None or one.get("property") in definitions for one in last):
        return last
    names = mapping.suggest(first.headers, first.rows, definitions)
    return [{"property": name, "overwrite": "always"} if name else None for name in names]


def sample_of(view: ImportView) -> Sample:
    """Return the first rows of a draft as its format reads them."""
    return reading.sample(queries.folder() / view.stored_as, view.format)


@sql.retried
def set_format(account_id: int, import_id: int, found: Format) -> ImportView:
    """Read the file another way; the mapping is suggested anew.

    Raises FileRefused when the file cannot be read so, and changes nothing.
    """
    row = mendable(account_id, import_id)
    first = reading.sample(queries.folder() / row.stored_as, found)
    queries.forget_mended(account_id, import_id)  # lines and cells may be others now
    row.format = found.as_json()
    row.headers = list(first.headers)
    row.mapping = {"columns": suggested(account_id, first)}
    row.state, row.error, row.finished_at = ImportState.DRAFT.value, "", None
    row.save(update_fields=["format", "headers", "mapping", "state", "error", "finished_at"])
    return queries.view(row)


@sql.retried
def set_mapping(
    account_id: int,
    import_id: int,
    columns: Sequence[Mapping[str, Any] | None],
    *,
    date_order: str = "ymd",
    decimal_comma: bool = False,
    is_whole: bool = True,
) -> ImportView:
    """Choose a property for each column, and what it may overwrite. A check that was made for
    another mapping is void; for the same one it stays.

    is_whole  False keeps what is chosen so far, though two columns have one property or none has
              what a contact needs; `ask_for_check` does not take it then

    Raises BadMapping for a property that is unknown, read-only (I2, J5) or chosen twice.
    """
    row = mendable(account_id, import_id)
    definitions = properties.definitions(account_id)
    if len(columns) != len(row.headers):
        raise BadMapping(_("The file has %(count)s columns."), {"count": len(row.headers)})
    stored: list[dict[str, str] | None] = []
    for chosen in columns:
        name = (chosen or {}).get("property")
        if not name:
            stored.append(None)
            continue
        definition = definitions.get(str(name))
        if definition is None:
            raise BadMapping(_("There is no property “%(name)s”."), {"name": str(name)[:100]})
        if definition.is_read_only:
            raise BadMapping(
                _(
                    "“%(label)s” is read only. To set contacts as marketing, choose it in the "
                    "options."
                ),
                {"label": label_of(definition)},
            )
        overwrite = str((chosen or {}).get("overwrite", "always"))
        if overwrite not in mapping.OVERWRITES:
            raise BadMapping(_("A column overwrites always, only if empty, or never."))
        stored.append({"property": definition.name, "overwrite": overwrite})
    if is_whole:
        refuse_half_mapped(stored, definitions)
    if date_order not in DATE_ORDERS:
        raise BadMapping(_("Dates are read as year-month-day, day-month-year or month-day-year."))
    options = {**row.options, "date_order": date_order, "decimal_comma": decimal_comma}
    if (row.mapping, row.options) != ({"columns": stored}, options):
        row.mapping, row.options = {"columns": stored}, options
        row.state, row.error, row.finished_at = ImportState.DRAFT.value, "", None
        row.save(update_fields=["mapping", "options", "state", "error", "finished_at"])
    return queries.view(row)


def refuse_half_mapped(
    columns: Sequence[Mapping[str, Any] | None], definitions: Mapping[str, PropertyDef]
) -> None:
    names = [str(chosen["property"]) for chosen in columns if chosen]
    for name, count in Counter(names).items():
        if count > 1:
            raise BadMapping(
                _("Two columns are mapped to “%(label)s”."), {"label": label_of(definitions[name])}
            )
    if not {"email", *staging.NAMING} & set(names):
        raise BadMapping(_("Map a column to the e-mail address, a name or a telephone number."))


@sql.retried
def set_options(
    account_id: int,
    import_id: int,
    *,
    mode: Mode,
    marketing_option: Marketing,
    include_unreachable: bool = False,
) -> ImportView:
    """Choose whether to create, update or both, and what to do to the status (I1)."""
    row = locked(account_id, import_id, ImportState.DRAFT, ImportState.CHECKED)
    row.options = {
        **row.options,
        "mode": mode.value,
        "marketing": marketing_option.value,
        "include_unreachable": include_unreachable,
    }
    row.save(update_fields=["options"])
    return queries.view(row)
