"""Files as rows of text: encodings, delimiters, headers; CSV as a stream, XLSX by sheet. Knows
nothing of contacts."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from charset_normalizer import from_bytes
from django.utils.translation import gettext_noop as _
from python_calamine import CalamineError, load_workbook

from marketable.transfers.errors import FileRefused

LARGEST_FILE = 512 * 1024 * 1024  # J10
LARGEST_SHEET = 60 * 1024 * 1024
LARGEST_CELL = 4 * 1024 * 1024
MOST_COLUMNS = 1_000
SAMPLE_BYTES = 256 * 1024
SAMPLE_ROWS = 20
DELIMITERS = (",", ";", "\t", "|")
#: What a file is that is not a table, by its first bytes.
MAGIC = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"\x1f\x8b", "gzip"),
    (b"\xd0\xcf\x11\xe0", "XLS"),
    (b"\x7fELF", "ELF"),
    (b"SQLite", "SQLite"),
)
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
OLD_ENCODINGS = ["cp1250", "cp1252", "iso8859_2", "iso8859_15", "cp1251"]

csv.field_size_limit(LARGEST_CELL)


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is read. Every part can be set by the person who knows better."""

    kind: str  # csv, xlsx
    encoding: str = "utf-8"
    delimiter: str = ","
    has_header: bool = True

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "has_header": self.has_header,
        }


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows, without the header; every row has as many cells as the header."""

    format: Format
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sniff(path: Path) -> Format:
    """Return how the file is to be read.

    Raises FileRefused for what is empty, too large, or no table (J10).
    """
    size = path.stat().st_size
    if size == 0:
        raise FileRefused(_("The file is empty."))
    if size > LARGEST_FILE:
        raise FileRefused(_("The file is over 512 MB. Split it."))
    with path.open("rb") as file:
        head = file.read(SAMPLE_BYTES)
    if head.startswith(b"PK\x03\x04"):
        return _sniff_sheet(path, size)
    for start, name in MAGIC:
        if head.startswith(start):
            raise FileRefused(
                _("This is a %(kind)s file. Save the table as CSV or XLSX."), {"kind": name}
            )
    found = Format("csv", encoding=_encoding(head, is_whole=size <= SAMPLE_BYTES))
    text = head.decode(found.encoding, errors="replace")
    if not text.strip():
        raise FileRefused(_("The file is empty."))
    found = replace(found, delimiter=_delimiter(text))
    return replace(found, has_header=_has_header(_first_rows(path, found)))


def _encoding(head: bytes, *, is_whole: bool) -> str:
    for bom, name in BOMS:
        if head.startswith(bom):
            return name
    zeros = head.count(0)
    if zeros > len(head) // 5:
        odd = head[1::2].count(0)
        return "utf-16-le" if odd > zeros // 2 else "utf-16-be"
    control = sum(head.count(bytes([one])) for one in range(1, 9))
    if control > len(head) // 50 + 1 or zeros > 100:
        raise FileRefused(_("The file is binary, not a table. Save the table as CSV or XLSX."))
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(head, final=is_whole)
    except UnicodeDecodeError:
        best = from_bytes(head[:65_536], cp_isolation=OLD_ENCODINGS).best()
        return best.encoding if best is not None else "cp1250"
    return "utf-8"


def _delimiter(text: str) -> str:
    lines = "\n".join(text.splitlines()[:SAMPLE_ROWS])

    def score(delimiter: str) -> tuple[int, int]:
        try:
            widths = [len(row) for row in csv.reader(io.StringIO(lines), delimiter=delimiter)]
        except csv.Error:
            return 0, 0
        widths = [width for width in widths if width]
        if not widths or widths[0] < 2:
            return 0, 0
        return sum(width == widths[0] for width in widths) * 1000 // len(widths), widths[0]

    best = max(DELIMITERS, key=score)
    return best if score(best) > (0, 0) else ","


def _has_header(rows: list[list[str]]) -> bool:
    """A first row with an address or a number in it is data, not names."""
    if not rows:
        return True
    return not any("@" in cell or cell.replace(" ", "").isdecimal() for cell in rows[0] if cell)


def _sniff_sheet(path: Path, size: int) -> Format:
    if size > LARGEST_SHEET:
        raise FileRefused(_("The workbook is over 60 MB. Save the sheet as CSV."))
    try:
        rows = list(_sheet_rows(path, most=3))
    except (CalamineError, ValueError, IndexError) as error:
        raise FileRefused(_("This is an archive, and no workbook with a sheet.")) from error
    if not rows:
        raise FileRefused(_("The first sheet is empty."))
    return Format("xlsx", has_header=_has_header([row for _line, row in rows]))


def _sheet_rows(path: Path, most: int | None = None) -> Iterator[tuple[int, list[str]]]:
    sheet = load_workbook(str(path)).get_sheet_by_index(0)
    for line, row in enumerate(sheet.iter_rows(), start=1):
        if most is not None and line > most:
            return
        yield line, [_cell(value) for value in row]


def _cell(value: object) -> str:
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


def _first_rows(path: Path, found: Format, most: int = SAMPLE_ROWS) -> list[list[str]]:
    rows = []
    for _line, row in rows_of(path, replace(found, has_header=False)):
        rows.append(row)
        if len(rows) > most:
            break
    return rows


def rows_of(path: Path, found: Format) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, cells) of every row but the header and empty ones, in little memory.

    line  the row's number in the file, 1 for the header; a row of several lines is one

    Bytes that are not of the encoding come as lone surrogates, so that the cell is refused and not
    the file.

    Raises FileRefused where the file stops being a table.
    """
    if found.kind == "xlsx":
        rows = _sheet_rows(path)
    else:
        rows = _csv_rows(path, found)
    for line, row in rows:
        if found.has_header and line == 1:
            continue
        if any(row):
            yield line, row


def _csv_rows(path: Path, found: Format) -> Iterator[tuple[int, list[str]]]:
    errors = "surrogateescape" if found.encoding.startswith("utf-8") else "replace"
    with path.open(encoding=found.encoding, errors=errors, newline="") as file:
        reader = csv.reader(file, delimiter=found.delimiter)
        line = 0
        while True:
            line += 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise FileRefused(
                    _("Row %(line)s cannot be read: a quote is probably not closed."),
                    {"line": str(line)},
                ) from error
            except UnicodeError as error:
                raise FileRefused(
                    _("Row %(line)s is not text of the encoding %(encoding)s."),
                    {"line": str(line), "encoding": found.encoding},
                ) from error
            yield line, row


def sample(path: Path, found: Format) -> Sample:
    """Return the header and the first rows as `found` reads them.

    Raises FileRefused for more than 1,000 columns, or a header without a name.
    """
    rows = _first_rows(path, found)
    if not rows:
        raise FileRefused(_("The file has no rows."))
    first = rows[0]
    if len(first) > MOST_COLUMNS:
        raise FileRefused(
            _("The file has %(count)s columns; at most 1,000 can be taken."), {"count": len(first)}
        )
    if found.has_header:
        headers = tuple(clean(cell) or f"#{place}" for place, cell in enumerate(first, start=1))
        rows = rows[1:]
    else:
        headers = tuple(f"#{place}" for place in range(1, len(first) + 1))
    width = len(headers)
    shown = [
        tuple([*(clean(cell)[:200] for cell in row), *[""] * width][:width])
        for row in rows[:SAMPLE_ROWS]
        if any(row)
    ]
    return Sample(found, headers, tuple(shown))


def clean(text: str) -> str:
    """Return a text that can be stored and shown: without NUL and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode().strip()


def same_width(row: Sequence[str], width: int) -> list[str]:
    """Return the row with missing cells at its end as empty ones."""
    return [*row, *[""] * (width - len(row))]
