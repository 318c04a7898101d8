"""The kinds of refusal. Areas subclass these with domain words; each door maps kinds to answers."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.utils.translation import gettext

from marketable import formats


class Refused(Exception):
    """What was asked is not done, for a reason that the person who asked can act on.

    text   the sentence for that person, in English, with places for the values in it
    told   those values: numbers are counts, moments are in the zone they are told in; ids are text
    facts  the numbers and names, for doors that answer programs

    It is worded when it is read, so that one that was stored speaks the reader's language (Y1).
    """

    code: ClassVar[str] = "refused"

    def __init__(self, text: str, told: Mapping[str, Any] | None = None, /, **facts: Any) -> None:
        super().__init__(text)
        self.text = text
        self.told = told
        self.facts: dict[str, Any] = facts

    def __str__(self) -> str:
        return self.message

    @property
    def message(self) -> str:
        return self.worded(formats.number)

    def worded(self, count: Callable[[int], str]) -> str:
        """Return the sentence in the language of the moment, its numbers written by `count`."""
        text = gettext(self.text)
        if self.told is None:
            return text
        values = dict(self.told)
        for name, value in values.items():
            if isinstance(value, int):
                values[name] = count(value)
            elif isinstance(value, datetime):
                values[name] = formats.moment(value)
        return text % values

    def stored(self) -> str:
        """Return what `message_of` words again, for somebody else and another day."""
        return json.dumps({"code": self.code, "text": self.text, "told": self.told}, default=str)


def message_of(stored: str) -> str:
    """Return the sentence of a stored refusal in the reader's language; nothing for none."""
    if not stored:
        return ""
    kept = json.loads(stored)
    return Refused(kept["text"], kept["told"]).message


class NotFound(Refused):
    """There is no such thing, or the one who asks may not know of it."""

    code = "not_found"


class Invalid(Refused):
    """What was given cannot be understood or is out of range. `facts["field"]` names where."""

    code = "invalid"


class Conflict(Refused):
    """It was possible once, or will be, but not in the present state."""

    code = "conflict"


class NotAllowed(Refused):
    """The one who asks lacks a right. `facts["right"]` names it."""

    code = "not_allowed"
