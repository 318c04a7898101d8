"""The filter language: which conditions there are, how they nest, and how they are read from JSON
and written back. Pure: what they mean in SQL is in `compiling.py`, in words in `sentences.py`.

A filter is `{"and": [...]}` or `{"or": [...]}` of further groups and conditions; its JSON form is
kept as it came, so what a later release or another installation knows is not lost on the way.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from marketable.properties.rules import PropertyType

VERSION = 1
MOST_BYTES = 1024 * 1024
DEEPEST = 20
MOST_CONDITIONS = 500
MOST_VALUES = 10_000
LONGEST_TEXT = 3_000
MOST_DAYS = 36_500


LONGEST_NAME = 200
MOST_SEGMENTS = 1_000


class Kind(StrEnum):
    ACTIVE = "active"  # who meets its filter
    FIXED = "fixed"  # whom somebody put in


class State(StrEnum):
    BUILDING = "building"
    READY = "ready"
    NEEDS_ATTENTION = "needs_attention"


class Operator(StrEnum):
    IS = "is"
    IS_NOT = "is_not"
    IS_ANY_OF = "is_any_of"
    IS_NONE_OF = "is_none_of"
    HAS_ALL_OF = "has_all_of"
    CONTAINS = "contains"
    DOES_NOT_CONTAIN = "does_not_contain"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    IS_KNOWN = "is_known"
    IS_UNKNOWN = "is_unknown"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    BETWEEN = "between"
    IN_LAST_DAYS = "in_last_days"
    IN_NEXT_DAYS = "in_next_days"
    MORE_THAN_DAYS_AGO = "more_than_days_ago"
    MORE_THAN_DAYS_AHEAD = "more_than_days_ahead"


class Takes(StrEnum):
    """What an operator wants to be given."""

    NOTHING = "nothing"
    ONE = "one"
    SEVERAL = "several"
    TWO = "two"
    DAYS = "days"


O = Operator  # noqa: E741 - the tables below are read, not written
TAKES: Mapping[Operator, Takes] = {
    **dict.fromkeys((O.IS_KNOWN, O.IS_UNKNOWN), Takes.NOTHING),
    **dict.fromkeys((O.IS_ANY_OF, O.IS_NONE_OF, O.HAS_ALL_OF), Takes.SEVERAL),
    O.BETWEEN: Takes.TWO,
    **dict.fromkeys(
        (O.IN_LAST_DAYS, O.IN_NEXT_DAYS, O.MORE_THAN_DAYS_AGO, O.MORE_THAN_DAYS_AHEAD),
        Takes.DAYS,
    ),
    **dict.fromkeys(
        (O.IS, O.IS_NOT, O.CONTAINS, O.DOES_NOT_CONTAIN, O.STARTS_WITH, O.ENDS_WITH),
        Takes.ONE,
    ),
    **dict.fromkeys((O.LT, O.LTE, O.GT, O.GTE), Takes.ONE),
}

KNOWN = (O.IS_KNOWN, O.IS_UNKNOWN)
SAME = (O.IS, O.IS_NOT, O.IS_ANY_OF, O.IS_NONE_OF)
ORDER = (O.LT, O.LTE, O.GT, O.GTE, O.BETWEEN)
TEXT = (*SAME, O.CONTAINS, O.DOES_NOT_CONTAIN, O.STARTS_WITH, O.ENDS_WITH, *KNOWN)
TIME = (
    O.IS,
    O.IS_NOT,
    *ORDER,
    O.IN_LAST_DAYS,
    O.IN_NEXT_DAYS,
    O.MORE_THAN_DAYS_AGO,
    O.MORE_THAN_DAYS_AHEAD,
    *KNOWN,
)
#: The operators of each type. What has several options at once has HAS_ALL_OF besides.
OPERATORS: Mapping[PropertyType, tuple[Operator, ...]] = {
    PropertyType.STRING: TEXT,
    PropertyType.PHONE: TEXT,
    PropertyType.NUMBER: (*SAME, *ORDER, *KNOWN),
    PropertyType.DATE: TIME,
    PropertyType.DATETIME: TIME,
    PropertyType.ENUMERATION: (*SAME, *KNOWN),
    PropertyType.BOOL: (O.IS, O.IS_NOT, *KNOWN),
}
#: These hold exactly where the other of the pair does not: for unknown values too.
OPPOSITES: Mapping[Operator, Operator] = {
    O.IS_NOT: O.IS,
    O.IS_NONE_OF: O.IS_ANY_OF,
    O.DOES_NOT_CONTAIN: O.CONTAINS,
    O.IS_UNKNOWN: O.IS_KNOWN,
}


def noop(text: str) -> str:
    """Mark a text that is worded later, in the language of whoever reads it."""
    return text


class BadFilter(ValueError):
    """JSON that is no filter.

    path  the place in it, such as and[0].or[2]
    text  what is wrong, in English, with places for the values in `told`
    """

    def __init__(self, path: str, text: str, told: Mapping[str, Any] | None = None) -> None:
        self.path, self.text, self.told = path, text, told
        super().__init__(f"{path}: {self.message}" if path else self.message)

    @property
    def message(self) -> str:
        return self.text % self.told if self.told is not None else self.text


def too_deep(path: str) -> BadFilter:
    return BadFilter(path, noop("Groups nest at most %(most)s deep."), {"most": DEEPEST})


def too_large() -> BadFilter:
    return BadFilter("", noop("A filter has at most 1 MiB."))


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition as it was written. Its kind is the key that tells it from the others."""

    kind: str
    written: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Group:
    """All of its parts (`and`), or any of them (`or`). An empty `and` is everybody, an empty `or`
    nobody."""

    joined_by: str
    parts: "tuple[Group | Condition, ...]"


Filter = Group


def read(text: str | bytes) -> Filter:
    """Return the filter that a JSON text holds.

    Raises BadFilter, also for what is too large to be meant.
    """
    if len(text) > MOST_BYTES:
        raise too_large()
    try:
        loaded = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        text = noop("This is no JSON from line %(line)s, column %(column)s on.")
        raise BadFilter("", text, {"line": error.lineno, "column": error.colno}) from error
    except BadFilter:
        raise
    except ValueError as error:  # bytes that are no text, a number of thousands of digits
        raise BadFilter("", noop("This is no JSON.")) from error
    except RecursionError as error:
        raise too_deep("") from error
    _refuse_halves(loaded)
    return from_json(loaded)


def _refuse_halves(loaded: object) -> None:
    """Refuse halves of letters, which JSON can write and no text can hold."""
    try:
        json.dumps(loaded, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise BadFilter("", noop("A text has characters that cannot be stored.")) from error


def _refuse_constant(name: str) -> None:
    raise BadFilter("", noop("“%(name)s” is no JSON value."), {"name": name})


def from_json(loaded: object) -> Filter:
    """Return the filter of parsed JSON. Unknown kinds of conditions are kept; whether they are
    understood is for `compiling.problems` to tell.

    Raises BadFilter for another shape, more than 20 levels or more than 500 conditions.

    >>> from_json({"and": [{"counts": True}]}).parts[0].kind
    'counts'
    """
    if isinstance(loaded, Mapping) and "version" in loaded:
        if loaded["version"] != VERSION:
            raise BadFilter("version", noop("This version of filters is not known."))
        loaded = {name: value for name, value in loaded.items() if name != "version"}
    budget = [MOST_CONDITIONS]
    found = _node(loaded, "", 0, budget)
    if isinstance(found, Condition):
        return Group("and", (found,))
    return found


def _node(loaded: object, path: str, depth: int, budget: list[int]) -> Group | Condition:
    if depth > DEEPEST:
        raise too_deep(path)
    if not isinstance(loaded, Mapping) or not loaded:
        raise BadFilter(path, noop("A group or a condition is an object with keys."))
    for joined_by in ("and", "or"):
        if joined_by in loaded:
            if len(loaded) != 1:
                text = noop("Beside “%(joint)s” a group has no other key.")
                raise BadFilter(path, text, {"joint": joined_by})
            parts = loaded[joined_by]
            if not isinstance(parts, list | tuple):
                raise BadFilter(path, noop("“%(joint)s” holds a list."), {"joint": joined_by})
            inside = f"{path}.{joined_by}" if path else joined_by
            return Group(
                joined_by,
                tuple(
                    _node(part, f"{inside}[{place}]", depth + 1, budget)
                    for place, part in enumerate(parts)
                ),
            )
    budget[0] -= 1
    if budget[0] < 0:
        text = noop("A filter has at most %(most)s conditions.")
        raise BadFilter(path, text, {"most": MOST_CONDITIONS})
    if not all(isinstance(name, str) for name in loaded):
        raise BadFilter(path, noop("Keys are texts."))
    return Condition(_kind(loaded), dict(loaded))


#: The keys that tell conditions apart, in the order in which they are looked for.
KINDS = (
    "property",
    "changed",
    "was_ever",
    "marketing_status",
    "counts",
    "source",
    "created_by",
    "segment",
    "not_in_segment",
)


def _kind(loaded: Mapping[str, Any]) -> str:
    for kind in KINDS:
        if kind in loaded:
            return kind
    return next(iter(loaded))


#: The conditions that name a segment.
IN_SEGMENT = ("segment", "not_in_segment")


def as_json(node: Group | Condition) -> dict[str, Any]:
    """Return the JSON form, as it came.

    >>> as_json(from_json({"or": []}))
    {'or': []}
    """
    if isinstance(node, Condition):
        return dict(node.written)
    return {node.joined_by: [as_json(part) for part in node.parts]}


def compact(node: Group | Condition) -> str:
    """Return the JSON text, as short as it can be.

    >>> compact(from_json({"and": [{"property": "city", "operator": "is", "value": "Łódź"}]}))
    '{"and":[{"property":"city","operator":"is","value":"Łódź"}]}'
    """
    return json.dumps(as_json(node), ensure_ascii=False, separators=(",", ":"))


def conditions_of(node: Group | Condition, path: str = "") -> Iterator[tuple[str, Condition]]:
    """Yield (path, condition) of every condition, in the order they are written."""
    if isinstance(node, Condition):
        yield path, node
        return
    for inside, part in parts_of(node, path):
        yield from conditions_of(part, inside)


def parts_of(group: Group, path: str) -> Iterator[tuple[str, Group | Condition]]:
    """Yield (path, part) of what a group at `path` holds."""
    inside = f"{path}.{group.joined_by}" if path else group.joined_by
    for place, part in enumerate(group.parts):
        yield f"{inside}[{place}]", part


#: Properties that are read from elsewhere, and what a change touches to alter them. ANY is every
#: change; what is not here, and not kept with the contact, stays as it was when it was created.
ANY = "*"
READ_FROM: Mapping[str, str] = {
    "hs_email_domain": "email",
    "hs_additional_emails": "email",
    "hs_marketable_status": "status",
    "hs_marketable_until_renewal": "status",
    "hs_marketable_reason_type": "status",
    "hs_marketable_reason_id": "status",
    "marketable_since": "status",
    "marketable_leaving_on": "status",
    "lastmodifieddate": ANY,
    "hs_lastmodifieddate": ANY,
}


def in_segment(segment_id: object) -> str:
    """Return how a change says that it touches who is in a segment."""
    return f"segment:{segment_id}"


def mentions(node: Group | Condition) -> frozenset[str]:
    """Return the names of what a change must touch to move a contact in or out: properties,
    `status` for the marketing status, `segment:7` for who is in a segment.

    >>> sorted(mentions(from_json({"and": [{"property": "city", "operator": "is_known"},
    ...                                    {"counts": True}]})))
    ['city', 'status']
    """
    found = set()
    for _path, condition in conditions_of(node):
        if condition.kind in {"property", "changed", "was_ever"}:
            name = str(condition.written[condition.kind])
            found.add(READ_FROM.get(name, name))
        elif condition.kind in IN_SEGMENT:
            found.add(in_segment(condition.written[condition.kind]))
        elif condition.kind in {"marketing_status", "counts", "source"}:
            found.add("status")
    return frozenset(found)


def nested(node: Group | Condition) -> frozenset[int]:
    """Return the numbers of the segments that a filter names.

    >>> sorted(nested(from_json({"or": [{"segment": 7}, {"not_in_segment": 9}]})))
    [7, 9]
    """
    return frozenset(
        number
        for _path, condition in conditions_of(node)
        if condition.kind in IN_SEGMENT
        and isinstance(number := condition.written[condition.kind], int)
    )


#: What stands in a filter for the address of somebody who was erased: nobody has it.
ERASED = "(erased)"


def without_texts(written: Any, unwanted: frozenset[str]) -> Any:
    """Return a filter's JSON with every value that is one of some texts, whatever its case,
    replaced (S14).

    >>> without_texts({"property": "email", "value": ["A@b.pl", "c@d.pl"]}, frozenset({"a@b.pl"}))
    {'property': 'email', 'value': ['(erased)', 'c@d.pl']}
    """
    if isinstance(written, Mapping):
        return {name: without_texts(value, unwanted) for name, value in written.items()}
    if isinstance(written, list):
        return [without_texts(value, unwanted) for value in written]
    if isinstance(written, str) and written.strip().casefold() in unwanted:
        return ERASED
    return written


@dataclass(frozen=True, slots=True)
class Days:
    """A stretch of days in the account's zone, both ends within; None is open."""

    first: date | None
    last: date | None


#: No day is in it.
NOBODY = Days(date.max, date.min)


def days_of(operator: Operator, operand: object, today: date) -> Days:
    """Return the days that a condition on a date allows.

    operand  a day, two of them for `between`, or a number of days; days outside the calendar
             leave that end open

    >>> days_of(Operator.LT, date.min, date(2026, 3, 10)) == NOBODY
    True
    >>> days_of(Operator.IN_LAST_DAYS, 7, date(2026, 3, 10))
    Days(first=datetime.date(2026, 3, 3), last=datetime.date(2026, 3, 10))
    """
    if operator is O.BETWEEN:
        assert isinstance(operand, tuple)
        return Days(operand[0], operand[1])
    if TAKES[operator] is Takes.DAYS:
        assert isinstance(operand, int)
        back, ahead = _moved(today, -operand), _moved(today, operand)
        return {
            O.IN_LAST_DAYS: Days(back, today),
            O.IN_NEXT_DAYS: Days(today, ahead),
            O.MORE_THAN_DAYS_AGO: Days(None, _moved(today, -operand - 1)),
            O.MORE_THAN_DAYS_AHEAD: Days(_moved(today, operand + 1), None),
        }[operator]
    assert isinstance(operand, date)
    if (operator, operand) in {(O.LT, date.min), (O.GT, date.max)}:
        return NOBODY
    return {
        O.IS: Days(operand, operand),
        O.LT: Days(None, _moved(operand, -1)),
        O.LTE: Days(None, operand),
        O.GT: Days(_moved(operand, 1), None),
        O.GTE: Days(operand, None),
    }[operator]


def turning_days(operator: Operator, written: object) -> frozenset[int]:
    """Return after how many days from a value the answer of a condition on it can change, with
    those on which it may stay as it is; empty where the day does not matter.

    written  the operand as it stands in the filter

    >>> sorted(turning_days(Operator.IN_LAST_DAYS, 30))
    [0, 1, 30, 31]
    >>> sorted(turning_days(Operator.LT, {"days_from_today": -3}))
    [3, 4]
    >>> turning_days(Operator.LT, "2026-03-01")
    frozenset()
    """
    shifts: set[int] = set()
    if TAKES[operator] is Takes.DAYS:
        assert isinstance(written, int)
        shifts = {
            O.IN_LAST_DAYS: {-written, 0},
            O.IN_NEXT_DAYS: {0, written},
            O.MORE_THAN_DAYS_AGO: {-written - 1},
            O.MORE_THAN_DAYS_AHEAD: {written + 1},
        }[operator]
    else:
        for one in written if isinstance(written, list) else [written]:
            if isinstance(one, Mapping) and "days_from_today" in one:
                shifts.add(int(one["days_from_today"]))
    return frozenset(day for shift in shifts for day in (-shift, -shift + 1))


def _moved(day: date, days: int) -> date:
    """Move a day, but never out of the calendar.

    >>> _moved(date(1, 1, 2), -10), _moved(date(2026, 1, 1), 1)
    (datetime.date(1, 1, 1), datetime.date(2026, 1, 2))
    """
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.min if days < 0 else date.max
