"""What can be known of a contact: types of properties, and how texts become typed values. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import StrEnum

JsonValue = str | int | float | bool | list[str]

LONGEST_VALUE = 65_536
LONGEST_UNIQUE = 255  # an index holds it, in lower case
LONGEST_LABEL = 200
LARGEST_NUMBER = 10**15  # below it, every whole number is exact in JSON
MOST_UNIQUE = 10
MOST_OPTIONS = 5_000
MOST_INDEXED = 10  # each is written with every change of a contact of the account
MOST_INDEXED_HERE = 100  # every statement on contacts looks at the list of all (decision 0008)
NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
RESERVED = ("hs_", "marketable_", "hubspot_")


class PropertyType(StrEnum):
    STRING = "string"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    ENUMERATION = "enumeration"
    BOOL = "bool"
    PHONE = "phone_number"


#: Field types that make sense for each type.
FIELD_TYPES: Mapping[PropertyType, tuple[str, ...]] = {
    PropertyType.STRING: ("text", "textarea", "phonenumber", "html", "file"),
    PropertyType.NUMBER: ("number",),
    PropertyType.DATE: ("date",),
    PropertyType.DATETIME: ("date",),
    PropertyType.ENUMERATION: ("select", "radio", "checkbox", "booleancheckbox"),
    PropertyType.BOOL: ("booleancheckbox",),
    PropertyType.PHONE: ("phonenumber",),
}


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    is_hidden: bool = False
    label_pl: str = ""


@dataclass(frozen=True, slots=True)
class PropertyDef:
    """A property's definition. Labels of default ones have a Polish form; users' have not (Y3).

    is_searched           its words find the contact
    has_external_options  the options are kept elsewhere, as the account's people are for owners:
                          values are numbers, and a service tests whether they exist
    """

    name: str
    label: str
    type: PropertyType
    field_type: str
    group: str = "contactinformation"
    description: str = ""
    options: tuple[Option, ...] = ()
    is_unique: bool = False
    is_system: bool = False
    is_read_only: bool = False
    is_searched: bool = False
    has_external_options: bool = False
    is_archived: bool = False
    label_pl: str = ""

    @property
    def is_multiple(self) -> bool:
        return self.type is PropertyType.ENUMERATION and self.field_type == "checkbox"

    @property
    def is_number(self) -> bool:
        return self.type is PropertyType.NUMBER


class IndexState(StrEnum):
    """How far the index of a property is. No row: not indexed."""

    WAITING = "waiting"
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"
    REMOVING = "removing"


#: A job has something to do.
UNSETTLED = frozenset({IndexState.WAITING, IndexState.BUILDING, IndexState.REMOVING})


def index_name(account_id: int, index_id: int) -> str:
    """Return the name in the database of a property's index."""
    return f"contact_a{account_id}_p{index_id}"


#: The parts of a concurrent build that take time: the part of the whole before each, and its own.
BUILD_PHASES = (
    ("building index: scanning table", 0, 50),
    ("building index: sorting live tuples", 50, 5),
    ("building index: loading tuples in tree", 55, 5),
    ("waiting for writers before validation", 60, 0),
    ("index validation: scanning index", 60, 5),
    ("index validation: sorting tuples", 65, 0),
    ("index validation: scanning table", 65, 34),
    ("waiting for old snapshots", 99, 0),
)


def build_percent(phase: str, done: int, total: int) -> int:
    """Return how much of an index is built, from what PostgreSQL says of the build.

    >>> build_percent("building index: scanning table", 500, 1000)
    25
    >>> build_percent("initializing", 0, 0)
    0
    """
    for name, before, own in BUILD_PHASES:
        if name == phase:
            return before + (own * min(done, total) // total if total else 0)
    return 0


class InvalidValue(ValueError):
    """A value that a property cannot hold. `code` is one of the API's; the text is for people.

    limit  the most characters the property holds
    """

    def __init__(self, code: str, name: str, given: str, limit: int = LONGEST_VALUE) -> None:
        self.code, self.name, self.given, self.limit = code, name, given[:100], limit
        super().__init__(f"{name}: {MESSAGES[code] % {'limit': limit}}")


MESSAGES = {
    "READ_ONLY_VALUE": "is read only; its value cannot be set",
    "INVALID_OPTION": "is not one of the options",
    "INVALID_OWNER_ID": "is not the number of a person",
    "INVALID_LONG": "is not a number",
    "NUMBER_OUT_OF_RANGE": "is too large a number",
    "INVALID_DATE": "is not a date",
    "INVALID_BOOLEAN": "is neither yes nor no",
    "VALUE_TOO_LONG": "is over %(limit)d characters",
    "INVALID_TEXT": "has characters that cannot be stored",
}

#: Control characters but tab and line ends, and lone surrogates: PostgreSQL takes no NUL and no
#: surrogate, and the others are never meant.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
#: Invisible marks at the edges of copied texts and of files.
INVISIBLE = "\ufeff\u200b"

TRUE_WORDS = frozenset({"true", "yes", "1", "tak", "t", "y"})
FALSE_WORDS = frozenset({"false", "no", "0", "nie", "n", "f"})

_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MS = 86_400_000
_EPOCH = re.compile(r"-?[0-9]{1,15}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_YEAR, _MONTH, _DAY = r"(?P<year>[0-9]{4})", r"(?P<month>[0-9]{1,2})", r"(?P<day>[0-9]{1,2})"
_TIME = (
    r"(?:[T ](?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"(?: ?(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2}))?)?"
)
_YEAR_FIRST = re.compile(rf"{_YEAR}(?P<between>[-/.]){_MONTH}(?P=between){_DAY}{_TIME}")
#: Beside dates that begin with the year, which are always understood.
_WRITTEN = {
    "ymd": None,
    "dmy": re.compile(rf"{_DAY}(?P<between>[-/.]){_MONTH}(?P=between){_YEAR}{_TIME}"),
    "mdy": re.compile(rf"{_MONTH}(?P<between>[-/.]){_DAY}(?P=between){_YEAR}{_TIME}"),
}

Parser = Callable[[str], JsonValue | None]


def parser_for(
    definition: PropertyDef,
    *,
    date_order: str = "ymd",
    by_label: bool = False,
    decimal_comma: bool = False,
    zone: tzinfo = UTC,
) -> Parser:
    """Return a function from a text to the typed value of `definition`.

    date_order     how dates such as 3/4/2026 are read: dmy, mdy, or ymd for not at all; dates
                   that begin with a year of four digits always work
    by_label       the text comes from a person or a file: options may be given by their label in
                   any case, yes and no in words, and a short number is not taken for a moment
    decimal_comma  1234,5 instead of 1234.5. One of them is understood, never both, and no
                   grouping: 1,234 would be a thousandfold mistake
    zone           of times that name none

    The function trims spaces, writes line ends as \\n, returns None for an empty text, and raises
    InvalidValue. It does not test `is_read_only`: such a column is refused as a whole (J5). Made
    once and called for every cell of an import, so it does no look-up by type.

    >>> parser_for(PropertyDef("d", "D", PropertyType.DATE, "date"), date_order="dmy")("3/4/2026")
    '2026-04-03'
    """
    name = definition.name
    limit = LONGEST_UNIQUE if definition.is_unique else LONGEST_VALUE
    typed = _typed(definition, date_order, by_label, decimal_comma, zone)

    def parse_text(text: str) -> JsonValue | None:
        text = text.strip()
        if not text.isprintable():
            text = _cleaned(name, text)
        if len(text) > limit:
            raise InvalidValue("VALUE_TOO_LONG", name, text, limit)
        if not text:
            return None
        return text if typed is None else typed(text)

    return parse_text


def _cleaned(name: str, text: str) -> str:
    if FORBIDDEN.search(text):
        raise InvalidValue("INVALID_TEXT", name, "")
    if text.startswith(tuple(INVISIBLE)) or text.endswith(tuple(INVISIBLE)):
        text = text.strip(INVISIBLE).strip()
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _typed(
    definition: PropertyDef, date_order: str, by_label: bool, decimal_comma: bool, zone: tzinfo
) -> Callable[[str], JsonValue] | None:
    """Return what makes a value of a clean text that is not empty; None where it is the text."""
    name, kind = definition.name, definition.type
    if kind is PropertyType.NUMBER:
        return lambda text: _number(name, text, decimal_comma)
    if kind is PropertyType.BOOL:
        return _yes_or_no(definition, by_label)
    if kind in {PropertyType.DATE, PropertyType.DATETIME}:
        written = _WRITTEN[date_order]
        shortest = 9 if by_label else 1
        if kind is PropertyType.DATE:
            return lambda text: _day(name, text, written, shortest)
        return lambda text: _moment(name, text, written, shortest, zone)
    if kind is not PropertyType.ENUMERATION:
        return None
    if definition.has_external_options:
        return lambda text: _owner(name, text)
    known = {option.value: option.value for option in definition.options}
    folded = _by_label(definition.options) if by_label else {}
    if definition.is_multiple:
        order = {option.value: place for place, option in enumerate(definition.options)}
        return lambda text: _several(name, text, known, folded, order)
    return lambda text: _option(name, text, known, folded)


def _by_label(options: Sequence[Option]) -> dict[str, str]:
    """Return {label without case: value}; labels come before values, and earlier options first."""
    folded: dict[str, str] = {}
    for part in ("label", "label_pl", "value"):
        for option in options:
            folded.setdefault(getattr(option, part).strip().casefold(), option.value)
    folded.pop("", None)
    return folded


def _number(name: str, text: str, decimal_comma: bool) -> int | float:
    if decimal_comma:
        if "." in text:
            raise InvalidValue("INVALID_LONG", name, text)
        text = text.replace(",", ".")
    if not _NUMBER.fullmatch(text):
        raise InvalidValue("INVALID_LONG", name, text)
    value = float(text)
    if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        raise InvalidValue("NUMBER_OUT_OF_RANGE", name, text)
    return int(value) if value.is_integer() else value


def _yes_or_no(definition: PropertyDef, by_label: bool) -> Callable[[str], bool]:
    known = {"true": True, "false": False}
    if by_label:
        labels = _by_label(definition.options)
        known |= {label: value == "true" for label, value in labels.items()}
        known |= dict.fromkeys(TRUE_WORDS, True) | dict.fromkeys(FALSE_WORDS, False)

    def parse_bool(text: str) -> bool:
        found = known.get(text.casefold())
        if found is None:
            raise InvalidValue("INVALID_BOOLEAN", definition.name, text)
        return found

    return parse_bool


def _day(name: str, text: str, written: re.Pattern[str] | None, shortest: int) -> str:
    try:
        if len(text) == 10 and text[4] == text[7] == "-" and text.isascii():
            return date.fromisoformat(text).isoformat()  # nearly all, at a fifth of the time
        if _EPOCH.fullmatch(text):
            moment = int(text)
            if len(text.lstrip("-")) >= shortest and moment % _DAY_MS == 0:
                return (_EPOCH_START + timedelta(milliseconds=moment)).date().isoformat()
        elif (found := _date_match(text, written)) and _is_midnight(found):
            return date(int(found["year"]), int(found["month"]), int(found["day"])).isoformat()
    except (ValueError, OverflowError) as error:
        raise InvalidValue("INVALID_DATE", name, text) from error
    raise InvalidValue("INVALID_DATE", name, text)


def _date_match(text: str, written: re.Pattern[str] | None) -> re.Match[str] | None:
    found = _YEAR_FIRST.fullmatch(text)
    return written.fullmatch(text) if found is None and written else found


def _is_midnight(found: re.Match[str]) -> bool:
    """Tell whether nothing is lost when only the date is kept: files often hold midnights."""
    times = (found["hour"], found["minute"], found["second"], found["fraction"])
    return not any(int(time or 0) for time in times) and not int(_offset(found["zone"] or "Z")[1])


def _offset(zone: str) -> tuple[str, str]:
    """Return the sign and the digits of an offset from UTC."""
    return ("+", "0000") if zone == "Z" else (zone[0], zone[1:].replace(":", ""))


def _moment(
    name: str, text: str, written: re.Pattern[str] | None, shortest: int, zone: tzinfo
) -> str:
    try:
        if _EPOCH.fullmatch(text):
            if len(text.lstrip("-")) >= shortest:
                return _written_moment(_EPOCH_START + timedelta(milliseconds=int(text)))
        elif found := _date_match(text, written):
            if found["zone"]:
                sign, digits = _offset(found["zone"])
                offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
                zone = timezone(-offset if sign == "-" else offset)
            moment = datetime(
                int(found["year"]),
                int(found["month"]),
                int(found["day"]),
                int(found["hour"] or 0),
                int(found["minute"] or 0),
                int(found["second"] or 0),
                int((found["fraction"] or "0").ljust(6, "0")[:6]),
                tzinfo=zone,
            )
            return _written_moment(moment)
    except (ValueError, OverflowError) as error:
        raise InvalidValue("INVALID_DATE", name, text) from error
    raise InvalidValue("INVALID_DATE", name, text)


def _written_moment(moment: datetime) -> str:
    """Return a moment to the millisecond, which is cut and not rounded."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _owner(name: str, text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidValue("INVALID_OWNER_ID", name, text)
    return text


def _option(name: str, text: str, known: Mapping[str, str], folded: Mapping[str, str]) -> str:
    found = known.get(text) or folded.get(text.casefold())
    if found is None:
        raise InvalidValue("INVALID_OPTION", name, text)
    return found


def _several(
    name: str,
    text: str,
    known: Mapping[str, str],
    folded: Mapping[str, str],
    order: Mapping[str, int],
) -> list[str]:
    """Return the options of a text joined with ; once each, in the definition's order."""
    parts = (part.strip() for part in text.split(";"))
    chosen = {_option(name, part, known, folded) for part in parts if part}
    if not chosen:
        raise InvalidValue("INVALID_OPTION", name, text)
    return sorted(chosen, key=order.__getitem__)


def parse(
    definition: PropertyDef,
    raw: object,
    *,
    date_order: str = "ymd",
    by_label: bool = False,
    decimal_comma: bool = False,
    zone: tzinfo = UTC,
) -> JsonValue | None:
    """Return the typed value of anything a door may be given; None when it clears the property.

    Takes texts, numbers, booleans, dates and moments; a list only where a property holds several
    options. The rest as in `parser_for`.

    Raises InvalidValue, also for a read-only property whatever the value (A1).
    """
    if definition.is_read_only:
        raise InvalidValue("READ_ONLY_VALUE", definition.name, "")
    if raw is None:
        return None
    if isinstance(raw, list | tuple) and definition.is_multiple:
        text = ";".join(_text_of(definition.name, part) for part in raw)
    else:
        text = _text_of(definition.name, raw)
    parse_text = parser_for(
        definition,
        date_order=date_order,
        by_label=by_label,
        decimal_comma=decimal_comma and isinstance(raw, str),
        zone=zone,
    )
    return parse_text(text)


def _text_of(name: str, raw: object) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool | int | float):
        return as_text(raw)
    if isinstance(raw, date):  # a moment is one as well
        return raw.isoformat()
    raise InvalidValue("INVALID_TEXT", name, "")


def as_text(value: JsonValue | None) -> str:
    """Return a value as exports and the API write it: no grouping, no exponent.

    >>> as_text(True), as_text(["a", "b"]), as_text(12.5), as_text(1e-7), as_text(None)
    ('true', 'a;b', '12.5', '0.0000001', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(value)
    text = str(value)
    if isinstance(value, float) and "e" in text:
        return format(Decimal(text), "f")
    return text


class InvalidDefinition(ValueError):
    """A definition that cannot be made; `field` names what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


def check_definition(definition: PropertyDef) -> None:
    """Raise InvalidDefinition unless a property can be defined so.

    Names follow a pattern and are not HubSpot's or ours; everything else people read is free
    text. Whether the name is taken, the group exists and there is room for another unique one is
    tested where that is known.
    """
    if not NAME.fullmatch(definition.name) or definition.name.startswith(RESERVED):
        raise InvalidDefinition(
            "name",
            "A name has small letters, digits and _, begins with a letter, and not with hs_.",
        )
    if not definition.label.strip() or len(definition.label) > LONGEST_LABEL:
        raise InvalidDefinition("label", "Give a label of at most 200 characters.")
    if not definition.label.strip().isprintable():
        raise InvalidDefinition("label", "Some characters cannot be stored.")
    if FORBIDDEN.search(definition.description):
        raise InvalidDefinition("description", "Some characters cannot be stored.")
    if definition.field_type not in FIELD_TYPES[definition.type]:
        raise InvalidDefinition("field_type", "This kind of field does not fit the type.")
    _check_options(definition.type, definition.options)
    if definition.is_unique and definition.type not in {
        PropertyType.STRING,
        PropertyType.NUMBER,
        PropertyType.PHONE,
    }:
        raise InvalidDefinition("is_unique", "Only text and numbers can be unique.")


def _check_options(kind: PropertyType, options: Sequence[Option]) -> None:
    values = [option.value for option in options]
    if kind is PropertyType.BOOL:
        if values and sorted(values) != ["false", "true"]:
            raise InvalidDefinition("options", "The options of yes or no are true and false.")
    elif kind is not PropertyType.ENUMERATION:
        if options:
            raise InvalidDefinition("options", "Only a choice has options.")
        return
    elif not options:
        raise InvalidDefinition("options", "A choice needs at least one option.")
    if len(options) > MOST_OPTIONS:
        raise InvalidDefinition("options", "A choice has at most 5,000 options.")
    if len(set(values)) != len(values):
        raise InvalidDefinition("options", "Two options have the same value.")
    if any(not _is_option_value(value) for value in values):
        raise InvalidDefinition(
            "options", "An option's value is not empty, has no ; and at most 200 characters."
        )
    labels = [option.label.strip().casefold() for option in options]
    if not all(labels) or any(len(label) > LONGEST_LABEL for label in labels):
        raise InvalidDefinition("options", "Give each option a label of at most 200 characters.")
    if not all(label.isprintable() for label in labels):
        raise InvalidDefinition("options", "Some characters cannot be stored.")
    if len(set(labels)) != len(labels):
        raise InvalidDefinition("options", "Two options have the same label.")


def _is_option_value(value: str) -> bool:
    """A value is found again as it is written: trimmed, and not cut apart where several join."""
    if not value or value != value.strip() or ";" in value or len(value) > LONGEST_LABEL:
        return False
    return value.isprintable() or not FORBIDDEN.search(value)
