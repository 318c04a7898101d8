"""The file of rows that were not taken: the original columns and the reason, ready to be mended
and dropped back in."""

import csv
import os
import uuid
from collections.abc import Iterator

from marketable import sql
from marketable.contacts.rules import csv_safe
from marketable.transfers import mapping, queries
from marketable.transfers.errors import RowNotBad
from marketable.transfers.queries import ImportView
from marketable.transfers.reading import Format, clean, rows_of, same_width

FORMAT = Format("csv", encoding="utf-8-sig")


def write(account_id: int, view: ImportView) -> str:
    """Write the failures of an import by reading its file once more; return the stored name."""
    stored_as = f"import-{view.id}-not-taken-{uuid.uuid4().hex[:8]}.csv"
    path = queries.folder() / stored_as
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding=FORMAT.encoding, newline="") as out:  # noqa: PTH123
        csv.writer(out).writerows(lines(account_id, view))
    return stored_as


def lines(account_id: int, view: ImportView) -> Iterator[list[str]]:
    """Yield the header and the failed rows of an import whose file is still there.

    The failed lines come from the database in order, beside the file's rows in order, so neither
    is ever held as a whole.
    """
    places = list(range(len(view.headers)))
    if mapping.is_reason(view.headers, places[-1]) and not view.mapping[-1]:
        places.pop()  # a failures file that was dropped back in
    yield [*(csv_safe(view.headers[place]) for place in places), mapping.REASON]
    for failed, cells in rows_of_failures(account_id, view, _failed_lines(account_id, view.id)):
        shown = [csv_safe(clean(cells[place])) for place in places]
        shown += [csv_safe(clean(cell)) for cell in cells[len(view.headers) :]]
        _line, code, field = failed
        yield [*shown, f"{code}: {field}" if field else code]


Failure = tuple[int, str, str]


def rows_of_failures(
    account_id: int, view: ImportView, failed: Iterator[Failure]
) -> Iterator[tuple[Failure, list[str]]]:
    """Yield each failure (line, code, property) with the cells of its row, lines ascending; of
    rows that were mended on the page, with what they are now."""
    mended = queries.mended(account_id, view.id)
    wanted = next(failed, None)
    for line, row in rows_of(queries.folder() / view.stored_as, view.format):
        while wanted is not None and wanted[0] < line:
            wanted = next(failed, None)
        if wanted is None:
            return
        if wanted[0] == line:
            yield wanted, same_width(mended.get(line, row), len(view.headers))


def cells_of(account_id: int, view: ImportView, line: int) -> list[str]:
    """Return the cells of one row as they are now. The file must still be there.

    Raises RowNotBad when there is no such row.
    """
    mended = queries.mended(account_id, view.id).get(line)
    if mended:
        return mended
    rows = rows_of(queries.folder() / view.stored_as, view.format, after=line - 1)
    found, row = next(rows, (0, []))
    if found != line:  # emptied, since the person was erased
        raise RowNotBad
    return same_width(row, len(view.headers))


def _failed_lines(account_id: int, import_id: int) -> Iterator[Failure]:
    after = 0
    while True:
        found = sql.rows(
            "SELECT line, code, field FROM import_failure WHERE account_id = %(account_id)s "
            "AND import_id = %(import_id)s AND line > %(after)s ORDER BY line LIMIT 10000",
            {"account_id": account_id, "import_id": import_id, "after": after},
        )
        if not found:
            return
        for line, code, field in found:
            yield int(line), str(code), str(field)
        after = int(found[-1][0])
