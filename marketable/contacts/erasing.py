"""Who else keeps what a person is known by.

Erasing a contact must reach every store (S14). Areas above this one add a function here when
they are imported; each is called in the transaction that erases, with the account, the contacts
and their addresses.
"""

from collections.abc import Callable, Sequence

Eraser = Callable[[int, Sequence[int], Sequence[str]], None]

ERASERS: list[Eraser] = []


def on_erase(eraser: Eraser) -> Eraser:
    """Add a function that removes personal data of erased contacts from its area's tables."""
    ERASERS.append(eraser)
    return eraser
