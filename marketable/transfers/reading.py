"""Files as rows of text: encodings, delimiters, quotes, headers; always as a stream. Knows nothing
of contacts."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from django.utils.translation import gettext_noop as _

from marketable.transfers import encodings
from marketable.transfers.errors import FileRefused

LARGEST_FILE = 512 * 1024 * 1024  # J10
TOO_LARGE = _("The file is over 512 MB. Split it.")
LARGEST_CELL = 4 * 1024 * 1024
LARGEST_ROW = 16 * 1024 * 1024
MOST_COLUMNS = 1_000
SAMPLE_BYTES = 256 * 1024
SAMPLE_ROWS = 20
BLOCK_BYTES = 1024 * 1024
LONGEST_SHOWN = 200
DELIMITERS = (",", ";", "\t", "|")
#: What a file is that is not a table, by its first bytes.
MAGIC = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"\x1f\x8b", "gzip"),
    (b"\xd0\xcf\x11\xe0", "XLS"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x7fELF", "ELF"),
    (b"SQLite", "SQLite"),
)
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
OLD_ENCODINGS = encodings.ENCODINGS
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
ODD_BYTE = re.compile(rb"[\x80-\xff]")
NUMBER = re.compile(r"[\d\s.,:/+-]*\d[\d\s.,:/+-]*")

csv.field_size_limit(LARGEST_CELL)


def _mark(error: UnicodeError) -> tuple[str | bytes, int]:
    """Let a byte that is no text of the encoding stand as a lone surrogate, so that its cell is
    refused and not the file; and write it as it was."""
    if isinstance(error, UnicodeDecodeError):
        wrong = error.object[error.start : error.end]
        return "".join(chr(0xDC00 + byte) for byte in wrong), error.end
    if isinstance(error, UnicodeEncodeError):
        marks = [ord(one) - 0xDC00 for one in error.object[error.start : error.end]]
        if all(0 <= mark < 256 for mark in marks):
            return bytes(marks), error.end
    raise error


MARKED = "marketable.marked"
codecs.register_error(MARKED, _mark)


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is read. Every part can be set by the person who knows better. A workbook is
    kept as the CSV of its first sheet."""

    kind: str  # csv, xlsx
    encoding: str = "utf-8"
    delimiter: str = ","
    has_header: bool = True
    quote: str = '"'

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows, without the header; every row has as many cells as the header."""

    format: Format
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sniff(path: Path, *, kind: str = "csv", needs_names: bool = True) -> Format:
    """Return how the file is to be read.

    needs_names  its first row must be names of columns

    Raises FileRefused, saying what was found, for what is empty, too large, without names of
    columns, or no table (J10).
    """
    size = path.stat().st_size
    if size == 0:
        raise FileRefused(_("The file is empty."))
    if size > LARGEST_FILE:
        raise FileRefused(TOO_LARGE)
    with path.open("rb") as file:
        head = file.read(SAMPLE_BYTES)
    for start, name in MAGIC:
        if head.startswith(start):
            raise FileRefused(
                _("This is a %(kind)s file. Save the table as CSV or XLSX."), {"kind": name}
            )
    encoding = _encoding(path, head)
    text = head.decode(encoding, errors=MARKED)
    if not text.strip():
        raise FileRefused(_("The file is empty."))
    quote = _quote(text)
    found = Format(kind, encoding, _delimiter(text, quote), quote=quote)
    if needs_names:
        _refuse_without_names(next(iter(_first_rows(path, found, most=1)), []))
    return found


def _encoding(path: Path, head: bytes) -> str:
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
    odd_bytes = _first_that_is_not_utf8(path)
    return "utf-8" if odd_bytes is None else encodings.guess(odd_bytes)


def _first_that_is_not_utf8(path: Path) -> bytes | None:
    """Return a stretch of the file that tells its encoding, or None when it is UTF-8.

    A file with letters of UTF-8 before its first wrong byte, or more of them than wrong bytes
    after it, is UTF-8 with wrong cells, and one that ends within a letter was cut off.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    has_letters = False
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            try:
                text = decoder.decode(block)
            except UnicodeDecodeError as error:
                if has_letters or not error.object[: error.start].isascii():
                    return None
                stretch = _odd_words(file, bytes(error.object[error.start :]))
                return None if _is_mostly_utf8(stretch) else stretch
            has_letters = has_letters or not text.isascii()
        left, _flag = decoder.getstate()
        if left and not has_letters:  # one letter, at the very end
            return block or left
    return None


def _odd_words(file: BinaryIO, block: bytes) -> bytes:
    """Return the surroundings of bytes beyond ASCII, from `block` on, until they are enough."""
    found: list[bytes] = []
    while block and len(found) < 1_000:
        place = 0
        while (odd := ODD_BYTE.search(block, place)) and len(found) < 1_000:
            place = odd.start() + 64
            found.append(block[max(odd.start() - 16, 0) : place])
        block = file.read(BLOCK_BYTES)
    return b" ".join(found)


def _is_mostly_utf8(stretch: bytes) -> bool:
    read = [one for one in stretch.decode("utf-8", errors=MARKED) if one > "\x7f"]
    wrong = sum("\udc00" <= one <= "\udcff" for one in read)
    return wrong * 2 <= len(read)


def _quote(text: str) -> str:
    """Return which of the quotes stands around cells more often."""

    def around(quote: str) -> int:
        return len(re.findall(rf"(?:^|[,;\t|]){quote}|{quote}(?:[,;\t|]|\r?$)", text, re.MULTILINE))

    return "'" if around("'") > 2 * around('"') + 4 else '"'


def _delimiter(text: str, quote: str) -> str:
    lines = "\n".join(text.splitlines()[:SAMPLE_ROWS])

    def score(delimiter: str) -> tuple[int, int]:
        reader = csv.reader(io.StringIO(lines), delimiter=delimiter, quotechar=quote)
        try:
            widths = [len(row) for row in reader]
        except csv.Error:
            return 0, 0
        widths = [width for width in widths if width]
        if not widths or widths[0] < 2:
            return 0, 0
        return sum(width == widths[0] for width in widths) * 1000 // len(widths), widths[0]

    best = max(DELIMITERS, key=score)
    return best if score(best) > (0, 0) else ","


def _refuse_without_names(first: Sequence[str]) -> None:
    cells = [cell for cell in (clean(one[:LONGEST_SHOWN]) for one in first) if cell]
    if not cells:
        raise FileRefused(_("The file has no rows."))
    address = next((cell for cell in cells if ADDRESS.fullmatch(cell)), None)
    if address is not None or all(NUMBER.fullmatch(cell) for cell in cells):
        raise FileRefused(
            _(
                "The first row has “%(value)s” where names of columns belong. Add a row with the "
                "names."
            ),
            {"value": (address or cells[0])[:60]},
        )


def _first_rows(path: Path, found: Format, most: int) -> list[list[str]]:
    """Return the first rows that are not empty, the header among them."""
    rows = []
    for _line, row in rows_of(path, replace(found, has_header=False)):
        rows.append(row)
        if len(rows) == most:
            break
    return rows


def rows_of(path: Path, found: Format, *, after: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, cells) of every row but the header and empty ones, in little memory.

    line   the row's number in the file, 1 for the first; a row of several lines is one
    after  leave out the rows up to this line

    Bytes that are not of the encoding come as lone surrogates, so that the cell is refused and not
    the file.

    Raises FileRefused where the file stops being a table.
    """
    with path.open(encoding=found.encoding, errors=MARKED, newline="") as file:
        yield from rows_from(file, found, after=after)


def rows_from(file: TextIO, found: Format, *, after: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of an open file; see `rows_of`."""
    size = 0  # characters of the row being read
    line = 0

    def lines() -> Iterator[str]:
        nonlocal size
        readline = file.readline
        while text := readline(LARGEST_ROW):
            size += len(text)
            if size >= LARGEST_ROW:
                raise csv.Error("row larger than limit")
            yield text

    reader = csv.reader(lines(), delimiter=found.delimiter, quotechar=found.quote)
    waits_for_header = found.has_header
    try:
        for row in reader:
            line += 1
            size = 0
            if not any(row):
                continue
            if waits_for_header:
                waits_for_header = False
            elif line > after:
                yield line, row
    except csv.Error as error:
        raise FileRefused(
            _("Row %(line)s cannot be read: a quote is probably not closed."),
            {"line": str(line + 1)},
        ) from error
    except UnicodeError as error:
        raise FileRefused(
            _("Row %(line)s is not text of the encoding %(encoding)s."),
            {"line": str(line + 1), "encoding": found.encoding},
        ) from error


def sample(path: Path, found: Format) -> Sample:
    """Return the header and the first rows as `found` reads them.

    Raises FileRefused for more than 1,000 columns, or a file without rows.
    """
    rows = _first_rows(path, found, SAMPLE_ROWS + 1)
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
        tuple(same_width([clean(cell)[:LONGEST_SHOWN] for cell in row], width)[:width])
        for row in rows[:SAMPLE_ROWS]
    ]
    return Sample(found, headers, tuple(shown))


def clean(text: str) -> str:
    """Return a text that can be stored and shown: without NUL and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode().strip()


def same_width(row: Sequence[str], width: int) -> list[str]:
    """Return the row with missing cells at its end as empty ones."""
    return [*row, *[""] * (width - len(row))]


def rewrite_without(path: Path, found: Format, words: Sequence[str]) -> bool:
    """Empty the rows that hold one of the words, whatever their case, so that every other row
    keeps its number. Returns whether there were any."""
    sought = [word.casefold() for word in words]

    def is_named(row: list[str]) -> bool:
        text = "\n".join(row).casefold()
        return any(word in text for word in sought)

    whole = replace(found, has_header=False)
    if not path.exists() or not any(is_named(row) for _line, row in rows_of(path, whole)):
        return False
    fresh = path.with_suffix(".new")
    with (
        path.open(encoding=found.encoding, errors=MARKED, newline="") as file,
        fresh.open("w", encoding=found.encoding, errors=MARKED, newline="") as out,
    ):
        fresh.chmod(0o600)
        writer = csv.writer(out, delimiter=found.delimiter, quotechar=found.quote)
        last = 0
        for line, row in rows_from(file, whole):
            writer.writerows([[""]] * (line - last - 1))  # empty rows count, too
            writer.writerow([""] if is_named(row) else row)
            last = line
    fresh.replace(path)
    return True
