"""Rows of a checked file that cannot be taken, as a person looks at them: line, reason, value."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketable.transfers import queries
from marketable.transfers.failures_file import rows_of_failures
from marketable.transfers.queries import ImportView
from marketable.transfers.reading import clean

LONGEST_SHOWN = 200
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that is not taken.

    line      its number in the file, as spreadsheets count
    code      the reason
    property  the property that the reason is about, empty for the row as a whole
    header    the column of that property
    value     what stands there, shortened
    who       whose row it is, as far as it says: a name or an address, shortened
    is_mendable  whether another value can be put there on the page
    """

    line: int
    code: str
    property: str
    header: str
    value: str
    who: str
    is_mendable: bool


def bad_rows(account_id: int, view: ImportView, *, after: int = 0, limit: int = 50) -> list[BadRow]:
    """Return the first rows after line `after` that cannot be taken, with their values.

    The file must still be there: it is until the import has run.
    """
    failed = queries.failures(account_id, view.id, after=after, limit=limit)
    found = []
    for (line, code, name), cells in rows_of_failures(account_id, view, iter(failed)):
        place = place_of(view, name)
        value = clean(cells[place]) if place is not None else ""
        found.append(
            BadRow(
                line,
                code,
                name,
                view.headers[place] if place is not None else "",
                value[:LONGEST_SHOWN],
                _who(view, cells),
                is_mendable=place is not None and len(value) <= LONGEST_SHOWN,
            )
        )
    return found


def place_of(view: ImportView, name: str) -> int | None:
    """Return the place of the column that is imported as a property, from 0."""
    for place, chosen in enumerate(view.mapping):
        if name and chosen and chosen["property"] == name:
            return place
    return None


def _who(view: ImportView, cells: Sequence[str]) -> str:
    named = [place_of(view, name) for name in ("firstname", "lastname")]
    parts = [clean(cells[place]) for place in named if place is not None]
    email = place_of(view, "email")
    told = " ".join(part for part in parts if part)
    return (told or (clean(cells[email]) if email is not None else ""))[:LONGEST_NAME]
