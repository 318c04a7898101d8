"""The refusals of filters and segments."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from django.utils.translation import gettext_noop as _

from marketable.errors import Conflict, Invalid, NotFound
from marketable.segments.rules import BadFilter


class FilterRefused(Invalid):
    """A filter that cannot be used as it is; `path` names the place in it, such as and[0]."""

    code = "filter_refused"

    def __init__(self, path: str, text: str, told: Mapping[str, Any] | None = None) -> None:
        super().__init__(text, told, path=path)

    @classmethod
    def because(cls, problem: BadFilter, path: str = "") -> Self:
        """Return the refusal for what is wrong with a filter, or with its part at `path`."""
        return cls(path or problem.path, problem.text, problem.told)


class KeptFilterGone(FilterRefused):
    """A link names a long filter that is not kept any more."""

    code = "kept_filter_gone"

    def __init__(self) -> None:
        super().__init__("", _("The filter of this link is not kept any more. Choose it again."))


class SegmentUnknown(NotFound):
    code = "segment_unknown"

    def __init__(self, segment_id: int) -> None:
        super().__init__(_("There is no such segment."), segment_id=segment_id)


class SegmentNameTaken(Conflict):
    """Another segment of the account has this name, whatever its case."""

    code = "segment_name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(
            _("There is a segment “%(name)s” already."), {"name": name}, field="name", name=name
        )


class BadSegmentName(Invalid):
    code = "bad_segment_name"

    def __init__(self) -> None:
        super().__init__(_("A name has 1 to 200 characters."), field="name")


class TooManySegments(Conflict):
    code = "too_many_segments"

    def __init__(self, most: int) -> None:
        super().__init__(
            _("An account has at most %(most)s segments. Delete one first."), {"most": most}
        )


class SegmentCycle(Conflict):
    """The filter names the segment itself, or one that depends on it."""

    code = "segment_cycle"

    def __init__(self, name: str) -> None:
        super().__init__(
            _("The segment would depend on itself, through “%(name)s”."), {"name": name}, name=name
        )


class SegmentUsed(Conflict):
    """Others depend on the segment; `facts["uses"]` holds their names."""

    code = "segment_used"

    def __init__(self, uses: Sequence[str]) -> None:
        super().__init__(
            _("The segment is used by %(uses)s. Point them elsewhere first."),
            {"uses": ", ".join(f"“{one}”" for one in uses)},
            uses=list(uses),
        )


class WrongKindOfSegment(Conflict):
    """Only fixed segments are filled by hand, and only active ones have a filter."""

    code = "wrong_kind_of_segment"

    def __init__(self, *, is_active: bool) -> None:
        super().__init__(
            _("Who is in an active segment follows from its filter.")
            if is_active
            else _("A fixed segment has no filter.")
        )


class NotRestorable(Conflict):
    """Deleted more than 30 days ago, or not deleted."""

    code = "segment_not_restorable"

    def __init__(self) -> None:
        super().__init__(_("This segment cannot be brought back any more."))


class LedgerBehind(Conflict):
    """A transaction that takes very long keeps changes from being read in their order."""

    code = "ledger_behind"

    def __init__(self) -> None:
        super().__init__(_("Changes are still being written. Try again in a moment."))
