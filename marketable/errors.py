"""The kinds of refusal. Areas subclass these with domain words; each door maps kinds to answers."""

from typing import Any, ClassVar


class Refused(Exception):
    """What was asked is not done, for a reason that the person who asked can act on.

    The text of the exception is for that person. `facts` carries the numbers and names in it, for
    doors that answer programs.
    """

    code: ClassVar[str] = "refused"

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts: dict[str, Any] = facts

    @property
    def message(self) -> str:
        return str(self.args[0])


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
