"""Workbooks: the first sheet of an XLSX file, written as CSV."""

import csv
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

from django.utils.translation import gettext_noop as _
from python_calamine import CalamineError, load_workbook

from marketable.transfers.errors import FileRefused
from marketable.transfers.reading import LARGEST_FILE, TOO_LARGE

MAGIC = b"PK\x03\x04"
#: What a sheet and its texts may be, unpacked: reading one takes about twice that in memory.
LARGEST_SHEET = 80 * 1024 * 1024
BLOCK_BYTES = 1024 * 1024


def is_workbook(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return False
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError):
        return False


def to_csv(path: Path) -> None:
    """Put the CSV of the first sheet in the place of a workbook.

    Raises FileRefused for what cannot be read, and what is too large to be read at once.
    """
    _refuse_large(path)
    fresh = path.with_suffix(".csv")
    size = 0
    try:
        sheet = load_workbook(str(path)).get_sheet_by_index(0)
        if sheet.start is None:
            raise FileRefused(_("The first sheet is empty."))
        with fresh.open("w", encoding="utf-8", newline="") as out:
            fresh.chmod(0o600)
            writer = csv.writer(out)
            for row in _rows(sheet):
                size += writer.writerow(row)
                if size > LARGEST_FILE:
                    raise FileRefused(TOO_LARGE)
        fresh.replace(path)
    except (CalamineError, ValueError, IndexError, OSError) as error:
        raise FileRefused(_("The workbook cannot be read. Save the sheet as CSV.")) from error
    finally:
        fresh.unlink(missing_ok=True)


def _refuse_large(path: Path) -> None:
    """Raise FileRefused if sheets and texts are too large. They are unpacked to be measured: what
    an archive says of itself need not be true."""
    size = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if not name.startswith(("xl/worksheets/", "xl/sharedStrings")):
                    continue
                with archive.open(name) as part:
                    while block := part.read(BLOCK_BYTES):
                        size += len(block)
                        if size > LARGEST_SHEET:
                            raise FileRefused(
                                _("The workbook is too large to be read. Save the sheet as CSV.")
                            )
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise FileRefused(_("The workbook cannot be read. Save the sheet as CSV.")) from error


def _rows(sheet: object) -> Iterator[list[str]]:
    for row in sheet.iter_rows():  # type: ignore[attr-defined]
        yield [_cell(value) for value in row]


def _cell(value: object) -> str:
    """Return what a cell holds, dates by year, month and day, and numbers without grouping."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    return str(value)
