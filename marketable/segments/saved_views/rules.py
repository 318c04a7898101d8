"""What a saved view holds, and who may see and change it. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from marketable.segments import rules
from marketable.segments.rules import ERASED, MOST_BYTES, from_json, nested, read

LONGEST_NAME = 100
MOST_VIEWS = 200
MOST_PEOPLE = 200
#: What is kept of the table, as the names of its address' parameters; the page is not.
PARTS = ("q", "status", "filter", "segment", "job", "import", "sort", "columns", "size")
#: The longest text of a part; a filter may be as long as filters may.
LONGEST_PART = 20_000

State = Mapping[str, str]


class Sharing(StrEnum):
    """Who sees a view beside the one who made it."""

    PRIVATE = "private"
    PEOPLE = "people"  # those who are named
    ACCOUNT = "account"  # everybody of the account who may see contacts


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. `is_editor`: they may change what others have shared with them (P1)."""

    user_id: int
    is_editor: bool = False


def may_change(viewer: Viewer, owner_id: int, sharing: Sharing) -> bool:
    """Tell whether somebody who sees a view may change it: whoever made it and, of a shared one,
    whoever has the right *edit properties and shared views*. Others copy it.

    >>> may_change(Viewer(2), 1, Sharing.ACCOUNT), may_change(Viewer(2, True), 1, Sharing.ACCOUNT)
    (False, True)
    """
    return viewer.user_id == owner_id or (viewer.is_editor and sharing is not Sharing.PRIVATE)


def clean_name(text: str) -> str:
    """Return a name as it is kept: without what cannot be printed, with single spaces.

    >>> clean_name("  Klienci\\t w Łodzi\\0 ")
    'Klienci w Łodzi'
    """
    printed = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(printed.split())


def numbered(name: str, taken: Iterable[str]) -> str:
    """Return a name that is not taken, whatever the case: the name itself, or with a number.

    >>> numbered("Poland", ["poland", "Poland 2"])
    'Poland 3'
    """
    known = {one.casefold() for one in taken}
    candidate, number = name, 1
    while candidate.casefold() in known:
        number += 1
        end = f" {number}"
        candidate = name[: LONGEST_NAME - len(end)].rstrip() + end
    return candidate


def can_be_kept(state: State) -> bool:
    """Tell whether this is a state of the table: parts it has, as long as they may be, and a filter
    that is one. What the filter names need not exist: it may come back.

    >>> can_be_kept({"q": "anna", "sort": "-city"}), can_be_kept({"filter": "{}"})
    (True, False)
    """
    for name, text in state.items():
        limit = MOST_BYTES if name == "filter" else LONGEST_PART
        if name not in PARTS or len(text) > limit or "\0" in text:
            return False
    if "filter" in state:
        try:
            read(state["filter"])
        except ValueError:
            return False
    return True


def segments_of(state: State) -> frozenset[int]:
    """Return the numbers of the segments that a state names.

    >>> sorted(segments_of({"segment": "7", "filter": '{"or": [{"segment": 9}]}'}))
    [7, 9]
    """
    found = set()
    if state.get("segment", "").isdecimal():
        found.add(int(state["segment"]))
    if "filter" in state:
        found |= nested(from_json(json.loads(state["filter"])))
    return frozenset(number for number in found if number < 2**63)


def without_texts(state: State, unwanted: frozenset[str]) -> dict[str, str]:
    """Return a state whose search and filter name none of some texts, whatever their case (S14).

    >>> without_texts({"q": "Anna@b.pl kraków", "sort": "city"}, frozenset({"anna@b.pl"}))
    {'q': '(erased) kraków', 'sort': 'city'}
    """
    cleared = dict(state)
    if "q" in state:
        words = state["q"].split()
        if any(one.casefold() in unwanted for one in words):
            cleared["q"] = " ".join(ERASED if one.casefold() in unwanted else one for one in words)
    if "filter" in state:
        written = json.loads(state["filter"])
        without = rules.without_texts(written, unwanted)
        if without != written:
            cleared["filter"] = json.dumps(without, ensure_ascii=False, separators=(",", ":"))
    return cleared
