"""What can be known of a contact: types of properties, and how a text becomes a typed value. Pure."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

JsonValue = str | int | float | bool | list[str]

LONGEST_VALUE = 65_536
LARGEST_NUMBER = 1e15
MOST_UNIQUE = 10
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
    PropertyType.ENUMERATION: ("select", "radio", "checkbox"),
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
    """A property's definition. Labels of default ones have a Polish form; users' have not (Y3)."""

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
    is_archived: bool = False
    label_pl: str = ""

    @property
    def is_multiple(self) -> bool:
        return self.type is PropertyType.ENUMERATION and self.field_type == "checkbox"

    @property
    def is_number(self) -> bool:
        return self.type is PropertyType.NUMBER


class InvalidValue(ValueError):
    """A value that a property cannot hold. `code` is one of the API's; the text is for people."""

    def __init__(self, code: str, name: str, given: str) -> None:
        self.code, self.name, self.given = code, name, given
        super().__init__(f"{name}: {MESSAGES[code]}")


MESSAGES = {
    "READ_ONLY_VALUE": "is read only; its value cannot be set",
    "INVALID_OPTION": "is not one of the options",
    "INVALID_LONG": "is not a number",
    "NUMBER_OUT_OF_RANGE": "is too large a number",
    "INVALID_DATE": "is not a date",
    "INVALID_BOOLEAN": "is neither yes nor no",
    "VALUE_TOO_LONG": f"is over {LONGEST_VALUE:,} characters",
    "INVALID_TEXT": "has characters that cannot be stored",
}

#: NUL, the other C0 controls but tab and line ends, and lone surrogates.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")

TRUE_WORDS = frozenset({"true", "yes", "1", "tak", "t", "y"})
FALSE_WORDS = frozenset({"false", "no", "0", "nie", "n", "f"})
ORDERS = {"ymd": (0, 1, 2), "dmy": (2, 1, 0), "mdy": (2, 0, 1)}
ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
PARTED_DAY = re.compile(r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})")
EPOCH = re.compile(r"-?\d{11,14}")
PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+")

Parser = Callable[[str], JsonValue | None]


def parser_for(
    definition: PropertyDef, *, date_order: str = "ymd", by_label: bool = False
) -> Parser:
    """Return a function from a text to the typed value of `definition`.

    date_order  how parted dates such as 3/4/2026 are read: ymd, dmy or mdy; ISO dates always work
    by_label    options may be given by their label as well, as people and files do

    The function trims spaces, returns None for an empty text, and raises InvalidValue. It is
    called once for every cell of an import, so it does no look-up by type.
    """
    name = definition.name
    inner = _inner(definition, date_order, by_label)

    def parse_text(text: str) -> JsonValue | None:
        text = text.strip()
        if not text:
            return None
        if len(text) > LONGEST_VALUE:
            raise InvalidValue("VALUE_TOO_LONG", name, text[:100])
        if FORBIDDEN.search(text):
            raise InvalidValue("INVALID_TEXT", name, "")
        return inner(text)

    return parse_text


def _inner(
    definition: PropertyDef, date_order: str, by_label: bool
) -> Callable[[str], JsonValue | None]:
    name, kind = definition.name, definition.type
    if kind is PropertyType.NUMBER:
        return lambda text: _number(name, text)
    if kind is PropertyType.BOOL:
        return lambda text: _bool(name, text)
    if kind is PropertyType.DATE:
        return lambda text: _day(name, text, date_order)
    if kind is PropertyType.DATETIME:
        return lambda text: _moment(name, text, date_order)
    if kind is PropertyType.ENUMERATION and definition.options:
        known = {option.value: option.value for option in definition.options}
        if by_label:
            for option in definition.options:
                for label in (option.label, option.label_pl, option.value):
                    if label:
                        known.setdefault(label.casefold(), option.value)
        if definition.is_multiple:
            order = {option.value: place for place, option in enumerate(definition.options)}
            return lambda text: _several(name, text, known, order, by_label)
        return lambda text: _option(name, text, known, by_label)
    return lambda text: text


def _number(name: str, text: str) -> int | float:
    if COMMA_NUMBER.fullmatch(text):
        text = text.replace(",", ".")
    elif not PLAIN_NUMBER.fullmatch(text):
        raise InvalidValue("INVALID_LONG", name, text[:100])
    value = float(text)
    if not math.isfinite(value) or abs(value) > LARGEST_NUMBER:
        raise InvalidValue("NUMBER_OUT_OF_RANGE", name, text[:100])
    return int(value) if value.is_integer() else value


def _bool(name: str, text: str) -> bool:
    word = text.casefold()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise InvalidValue("INVALID_BOOLEAN", name, text[:100])


def _day(name: str, text: str, date_order: str) -> str:
    try:
        found = ISO_DAY.match(text)
        if found and (len(text) == 10 or text[10] in "T "):
            return date(int(found[1]), int(found[2]), int(found[3])).isoformat()
        if EPOCH.fullmatch(text):
            return datetime.fromtimestamp(int(text) / 1000, UTC).date().isoformat()
        parted = PARTED_DAY.fullmatch(text)
        if parted:
            parts = [int(part) for part in parted.groups()]
            order = ORDERS["ymd" if len(parted[1]) == 4 else date_order]
            year, month, day = (parts[place] for place in order)
            return date(year, month, day).isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidValue("INVALID_DATE", name, text[:100]) from error
    raise InvalidValue("INVALID_DATE", name, text[:100])


def _moment(name: str, text: str, date_order: str) -> str:
    try:
        if EPOCH.fullmatch(text):
            moment = datetime.fromtimestamp(int(text) / 1000, UTC)
        else:
            moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        moment = datetime.fromisoformat(_day(name, text, date_order))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise InvalidValue("INVALID_DATE", name, text[:100]) from error
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _option(name: str, text: str, known: Mapping[str, str], by_label: bool) -> str:
    found = known.get(text) or (known.get(text.casefold()) if by_label else None)
    if found is None:
        raise InvalidValue("INVALID_OPTION", name, text[:100])
    return found


def _several(
    name: str, text: str, known: Mapping[str, str], order: Mapping[str, int], by_label: bool
) -> list[str]:
    chosen = {
        _option(name, part.strip(), known, by_label) for part in text.split(";") if part.strip()
    }
    return sorted(chosen, key=order.__getitem__)


def parse(
    definition: PropertyDef, raw: object, *, date_order: str = "ymd", by_label: bool = False
) -> JsonValue | None:
    """Return the typed value of anything a door may be given; None when it clears the property.

    Raises InvalidValue, also for a read-only property.
    """
    if definition.is_read_only:
        raise InvalidValue("READ_ONLY_VALUE", definition.name, "")
    if raw is None:
        return None
    if isinstance(raw, bool):
        text = "true" if raw else "false"
    elif isinstance(raw, list | tuple):
        text = ";".join(str(part) for part in raw)
    else:
        text = str(raw)
    return parser_for(definition, date_order=date_order, by_label=by_label)(text)


def as_text(value: JsonValue | None) -> str:
    """Return a value as exports and the API write it.

    >>> as_text(True), as_text(["a", "b"]), as_text(12.5), as_text(None)
    ('true', 'a;b', '12.5', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(value)
    return str(value)


class InvalidDefinition(ValueError):
    """A definition that cannot be made; `field` names what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


def check_definition(definition: PropertyDef) -> None:
    """Raise InvalidDefinition unless a property can be defined so.

    Names are the pattern [a-z][a-z0-9_]*; everything else people read is free text.
    """
    if not NAME.fullmatch(definition.name) or definition.name.startswith(RESERVED):
        raise InvalidDefinition(
            "name",
            "A name has small letters, digits and _, begins with a letter, and not with hs_.",
        )
    if not definition.label.strip() or len(definition.label) > 200:
        raise InvalidDefinition("label", "Give a label of at most 200 characters.")
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
    if kind is not PropertyType.ENUMERATION:
        return
    if not options:
        raise InvalidDefinition("options", "A choice needs at least one option.")
    values = [option.value for option in options]
    if len(set(values)) != len(values):
        raise InvalidDefinition("options", "Two options have the same value.")
    if any(not value or ";" in value or len(value) > 200 for value in values):
        raise InvalidDefinition(
            "options", "An option's value is not empty, has no ; and at most 200 characters."
        )
