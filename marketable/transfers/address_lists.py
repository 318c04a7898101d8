"""A list of addresses, pasted or as a file: which they are, and what in it is none. A file needs no
names of columns; the column with the most addresses is read."""

import io
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from django.utils.translation import gettext_noop as _

from marketable.contacts.errors import InvalidEmail
from marketable.contacts.rules import normalise_email
from marketable.transfers import reading, workbooks
from marketable.transfers.errors import FileRefused

LARGEST_LIST = 10 * 1024 * 1024
MOST_ADDRESSES = 200_000
#: What stands around an address, as in `Anna Nowak <anna@example.com>`.
AROUND = re.compile(r"[\s,;|<>\"'()\[\]]+")
LONGEST_SHOWN = 300


@dataclass(frozen=True, slots=True)
class AddressList:
    """What a list says.

    addresses   normalised (J9), each once, in order
    unreadable  what stands where an address belongs, as it was written
    """

    addresses: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


def pasted(text: str) -> AddressList:
    """Return what a text holds: one address a line, or several with commas, semicolons or spaces
    between them.

    Raises FileRefused for a text over 10 MB, and more than 200,000 addresses.
    """
    if len(text.encode("utf-8", "replace")) > LARGEST_LIST:
        raise FileRefused(_("The list is over 10 MB. Split it."))
    return _read(map(reading.clean, io.StringIO(text)))


def from_file(file: BinaryIO) -> AddressList:
    """Return what a CSV, TXT or XLSX file holds.

    Raises FileRefused, saying what was found, for a file that is empty, over 10 MB, no list, or
    without any address (J10).
    """
    with tempfile.TemporaryDirectory(prefix="addresses-") as folder:
        path = Path(folder) / "list"
        _store(file, path)
        kind = "csv"
        if workbooks.is_workbook(path):
            kind = "xlsx"
            workbooks.to_csv(path)
        found = reading.sniff(path, kind=kind, needs_names=False)
        whole = replace(found, has_header=False)
        column = _column(row for _line, row in reading.rows_of(path, whole))
        rows = (row for _line, row in reading.rows_of(path, whole))
        return _read(_cells(rows, column), has_name=True)


def _store(file: BinaryIO, path: Path) -> None:
    size = 0
    with path.open("wb") as out:
        while block := file.read(reading.BLOCK_BYTES):
            size += len(block)
            if size > LARGEST_LIST:
                raise FileRefused(_("The list is over 10 MB. Split it."))
            out.write(block)


def _column(rows: Iterable[Sequence[str]]) -> int:
    """Return the place of the column that has the most addresses."""
    counts: Counter[int] = Counter()
    for row in rows:
        counts.update(place for place, cell in enumerate(row) if "@" in cell)
    if not counts:
        raise FileRefused(_("The file holds no e-mail address."))
    return min(counts, key=lambda place: (-counts[place], place))


def _cells(rows: Iterable[Sequence[str]], column: int) -> Iterator[str]:
    """Yield what stands in the column; where it is empty, the other cells of its row."""
    for row in rows:
        cell = reading.clean(row[column]) if column < len(row) else ""
        yield cell or ", ".join(filter(None, map(reading.clean, row)))


def _read(lines: Iterable[str], *, has_name: bool = False) -> AddressList:
    """Return what the lines say.

    has_name  a first line without an address is the column's name
    """
    found: dict[str, None] = {}
    unreadable: dict[str, None] = {}
    for line in filter(None, lines):
        words = [word for word in AROUND.split(line) if "@" in word]
        if not words and not has_name:
            unreadable[line[:LONGEST_SHOWN]] = None
        has_name = False
        for word in words:
            try:
                found[normalise_email(word)] = None
            except InvalidEmail:
                unreadable[word[:LONGEST_SHOWN]] = None
        if len(found) > MOST_ADDRESSES:
            raise FileRefused(
                _("The list has more than %(most)s addresses. Split it."),
                {"most": MOST_ADDRESSES},
            )
    return AddressList(tuple(found), tuple(unreadable))
