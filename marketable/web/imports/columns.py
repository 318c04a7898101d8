"""The columns of a file beside the properties they become: what is shown, what is read back."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketable.contacts.rules import fold
from marketable.formats import number
from marketable.properties import queries as properties
from marketable.properties.labels import in_language, label_of
from marketable.properties.rules import PropertyDef
from marketable.transfers import mapping
from marketable.transfers.queries import ImportView
from marketable.transfers.reading import DELIMITERS, OLD_ENCODINGS, Format, Sample

#: How many values of a column are shown beside it.
EXAMPLES = 3
#: Where the name of a column is left out, the reader numbers it.
NUMBERED = re.compile(r"#[0-9]+")
#: A telephone number is no number, and neither is what begins with a zero, as many codes do.
LIKELY = {
    "number/number": re.compile(r"-?(0|[1-9][0-9]{0,14})([.,][0-9]+)?"),
    "date/date": re.compile(
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}"
    ),
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", *OLD_ENCODINGS)


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class ColumnShown:
    """A column of the file. `refused` says why it cannot be taken at all (I2)."""

    key: str
    header: str
    examples: tuple[str, ...]
    property: str
    overwrite: str
    refused: str


@dataclass(frozen=True, slots=True)
class ColumnsPage:
    """Everything that the second step shows."""

    columns: tuple[ColumnShown, ...]
    groups: tuple[Group, ...]
    overwrites: tuple[Choice, ...]
    encodings: tuple[Choice, ...]
    delimiters: tuple[Choice, ...]
    has_header: bool
    date_orders: tuple[Choice, ...]
    decimal_comma: bool
    ignored: str


def build(account_id: int, view: ImportView, first: Sample) -> ColumnsPage:
    definitions = properties.definitions(account_id)
    date_order = str(view.options.get("date_order", "ymd"))
    is_text = view.format.kind == "csv"
    return ColumnsPage(
        columns=tuple(
            _column(place, header, view.mapping[place], first, definitions)
            for place, header in enumerate(view.headers)
        ),
        groups=tuple(_groups(account_id, definitions)),
        overwrites=tuple(Choice(value, label) for value, label in _overwrites().items()),
        encodings=tuple(_encodings(view.format)) if is_text else (),
        delimiters=tuple(
            Choice(one, _delimiters()[one], one == view.format.delimiter) for one in DELIMITERS
        )
        if is_text
        else (),
        has_header=view.format.has_header,
        date_orders=tuple(
            Choice(value, label, value == date_order) for value, label in _date_orders().items()
        ),
        decimal_comma=bool(view.options.get("decimal_comma")),
        ignored=ignored(view),
    )


def header_label(header: str) -> str:
    """Return a column's name, or its number in words where the file gives it none."""
    if NUMBERED.fullmatch(header):
        return _("Column %(number)s") % {"number": header[1:]}
    return header


def ignored(view: ImportView) -> str:
    """Return which columns are not taken, for the line under the table."""
    left = [header_label(view.headers[place]) for place, one in enumerate(view.mapping) if not one]
    if not left:
        return _("Every column is taken.")
    text = ngettext(
        "%(count)s of %(all)s columns will be ignored: %(names)s.",
        "%(count)s of %(all)s columns will be ignored: %(names)s.",
        len(left),
    )
    names = ", ".join(left[:5]) + ("…" if len(left) > 5 else "")
    return text % {"count": number(len(left)), "all": number(len(view.headers)), "names": names}


def _column(
    place: int,
    header: str,
    chosen: Mapping[str, Any] | None,
    first: Sample,
    definitions: Mapping[str, PropertyDef],
) -> ColumnShown:
    values = [row[place] for row in first.rows if row[place]]
    refused = ""
    if mapping.is_status(header, definitions):
        refused = _(
            "A file cannot set the marketing status, so this column is ignored. The step Options "
            "has a choice for it."
        )
    return ColumnShown(
        key=str(place),
        header=header_label(header),
        examples=tuple(values[:EXAMPLES]),
        property=str(chosen["property"]) if chosen else "",
        overwrite=str(chosen.get("overwrite", "always")) if chosen else "always",
        refused=refused,
    )


def _groups(account_id: int, definitions: Mapping[str, PropertyDef]) -> Iterator[Group]:
    """Yield the properties that a column can become, by group."""
    for name, label, label_pl in properties.groups(account_id):
        choices = tuple(
            Choice(one.name, label_of(one))
            for one in definitions.values()
            if one.group == name and not one.is_read_only
        )
        if choices:
            yield Group(in_language(label, label_pl), choices)


def _overwrites() -> dict[str, str]:
    return {
        "always": _("Always overwrite"),
        "empty": _("Only if empty"),
        "never": _("Never, only for new contacts"),
    }


def _date_orders() -> dict[str, str]:
    return {
        "ymd": _("2026-12-31 (year, month, day)"),
        "dmy": _("31.12.2026 (day, month, year)"),
        "mdy": _("12/31/2026 (month, day, year)"),
    }


def _delimiters() -> dict[str, str]:
    return {",": _("Comma"), ";": _("Semicolon"), "\t": _("Tab"), "|": _("Bar |")}


def _encodings(found: Format) -> Iterator[Choice]:
    labels = {
        "utf-8": "UTF-8",
        "utf-16": "UTF-16",
        "cp1250": _("Windows-1250, Central European"),
        "cp1252": _("Windows-1252, Western European"),
        "iso8859_2": _("ISO 8859-2, Central European"),
        "iso8859_15": _("ISO 8859-15, Western European"),
        "cp1251": _("Windows-1251, Cyrillic"),
    }
    present = {"utf-8-sig": "utf-8", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}.get(
        found.encoding, found.encoding
    )
    for value, label in labels.items():
        # The found form of an encoding, with its mark or byte order, is the one that reads it.
        is_found = value == present
        yield Choice(found.encoding if is_found else value, label, is_found)


def read_columns(
    posted: QueryDict, view: ImportView, definitions: Mapping[str, PropertyDef]
) -> list[dict[str, str] | None]:
    """Return the mapping that a form holds; a column that it does not name is ignored.

    A column of the status is ignored whatever is sent for it (I2).
    """
    found: list[dict[str, str] | None] = []
    for place, header in enumerate(view.headers):
        name = posted.get(f"property-{place}", "")
        if not name or mapping.is_status(header, definitions):
            found.append(None)
        else:
            overwrite = posted.get(f"overwrite-{place}", "always")
            found.append({"property": name, "overwrite": overwrite})
    return found


def read_format(posted: QueryDict, found: Format) -> Format:
    """Return how a form wants the file to be read; what is unknown stays as it was."""
    encoding, delimiter = posted.get("encoding", ""), posted.get("delimiter", "")
    return replace(
        found,
        encoding=encoding if encoding in ENCODINGS else found.encoding,
        delimiter=delimiter if delimiter in DELIMITERS else found.delimiter,
        has_header=posted.get("has_header") == "1",
    )


def property_name(label: str, taken: Mapping[str, PropertyDef]) -> str:
    """Return a name for a property with this label that none has yet.

    >>> property_name("Rozmiar buta (EU)", {})
    'rozmiar_buta_eu'
    >>> property_name("2nd choice", {})
    'p_2nd_choice'
    """
    plain = re.sub(r"[^a-z0-9]+", "_", fold(label).lower()).strip("_")[:90] or "property"
    if not plain[0].isalpha():
        plain = f"p_{plain}"
    name, number_of_it = plain, 1
    while name in taken:
        number_of_it += 1
        name = f"{plain}_{number_of_it}"
    return name


def likely_type(values: Sequence[str]) -> str:
    """Return the type of property that the first values of a column look like.

    >>> likely_type(["12", "7.5"]), likely_type(["2026-12-31", "1.2.2026"]), likely_type(["a1"])
    ('number/number', 'date/date', 'string/text')
    """
    for kind, pattern in LIKELY.items():
        if values and all(pattern.fullmatch(value.strip()) for value in values):
            return kind
    return "string/text"
