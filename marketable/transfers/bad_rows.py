"""Rows of a checked file that cannot be taken, as a person looks at them: line, reason, value."""

from dataclasses import dataclass

from marketable.transfers import queries
from marketable.transfers.failures_file import rows_of_failures
from marketable.transfers.queries import ImportView
from marketable.transfers.reading import clean

LONGEST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that is not taken.

    line      its number in the file, as spreadsheets count
    code      the reason
    property  the property that the reason is about, empty for the row as a whole
    header    the column of that property
    value     what stands there, shortened
    """

    line: int
    code: str
    property: str
    header: str
    value: str


def bad_rows(account_id: int, view: ImportView, *, after: int = 0, limit: int = 50) -> list[BadRow]:
    """Return the first rows after line `after` that cannot be taken, with their values.

    The file must still be there: it is until the import has run.
    """
    failed = queries.failures(account_id, view.id, after=after, limit=limit)
    places = {str(chosen["property"]): place for place, chosen in enumerate(view.mapping) if chosen}
    found = []
    for (line, code, name), cells in rows_of_failures(view, iter(failed)):
        place = places.get(name)
        value = clean(cells[place])[:LONGEST_SHOWN] if place is not None else ""
        header = view.headers[place] if place is not None else ""
        found.append(BadRow(line, code, name, header, value))
    return found
