"""Who else keeps what a person is known by.

Erasing a contact must reach every store (S14). Areas above this one name the module that holds
their part when the product starts, and add a function there; each is called in the transaction
that erases, with the account, the contacts and their addresses.
"""

from collections.abc import Callable, Sequence
from importlib import import_module

Eraser = Callable[[int, Sequence[int], Sequence[str]], None]

ERASERS: list[Eraser] = []
MODULES: list[str] = []


def forgets_in(module: str) -> None:
    """Name a module with an `on_erase` function. It is imported when somebody is erased: whatever
    process that is, and at no cost for the start of all others."""
    MODULES.append(module)


def on_erase(eraser: Eraser) -> Eraser:
    """Add a function that removes personal data of erased contacts from its area's tables."""
    ERASERS.append(eraser)
    return eraser


def erasers() -> list[Eraser]:
    """Return the functions of all areas."""
    for module in MODULES:
        import_module(module)
    return ERASERS
