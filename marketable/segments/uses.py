"""What uses a segment: other segments here; views, workflows and the like add theirs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that depends on a segment.

    kind   segment, view, …; doors word it and know its page
    label  its name, empty where it is somebody else's private thing
    """

    kind: str
    id: int
    label: str


#: Answers what of its kind uses a segment: (account, segment) → uses.
Finder = Callable[[int, int], Sequence[Use]]
FINDERS: dict[str, Finder] = {}
#: Where finders of this area are, imported when somebody asks.
MODULES = ("marketable.segments.saved_views.queries",)


def register_use(kind: str) -> Callable[[Finder], Finder]:
    """Add a kind of thing that can use segments."""

    def add(finder: Finder) -> Finder:
        FINDERS[kind] = finder
        return finder

    return add


def used_by(account_id: int, segment_id: int) -> list[Use]:
    """Return everything that depends on a segment."""
    for module in MODULES:
        import_module(module)
    return [use for finder in FINDERS.values() for use in finder(account_id, segment_id)]
