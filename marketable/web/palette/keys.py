"""The keys of the pages: the one list that `?` shows and the guide is compared with."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Key:
    """`combos`: ways to press it, each a list of keys pressed together. Keys with a word on them
    are translated; Ctrl is Cmd on a Mac."""

    combos: tuple[tuple[str | Promise, ...], ...]
    does: Promise


@dataclass(frozen=True, slots=True)
class Keys:
    heading: Promise
    keys: tuple[Key, ...]


SPACE = _("Space")

EVERYWHERE = Keys(
    _("Everywhere"),
    (
        Key((("Ctrl", "K"),), _("Go to a page or a contact, or do something")),
        Key((("Esc",),), _("Close what is open")),
        Key((("?",),), _("Show this list")),
    ),
)
TABLE = Keys(
    _("In the table of contacts"),
    (
        Key((("/",),), _("Search")),
        Key((("↑",), ("↓",), ("←",), ("→",)), _("Move between cells")),
        Key((("Home",), ("End",)), _("First and last cell of the row")),
        Key((("Ctrl", "Home"), ("Ctrl", "End")), _("First and last cell of the table")),
        Key((("Page Up",), ("Page Down",)), _("A screenful up or down")),
        Key((("Enter",),), _("Edit the cell; on a name, open the contact")),
        Key((("F2",),), _("Edit the cell, or say why it cannot be edited")),
        Key((("Ctrl", "Z"),), _("Undo the last edit")),
        Key(((SPACE,),), _("Tick the contact, or take the tick away")),
        Key((("Shift", SPACE),), _("Tick the contact")),
        Key((("Shift", "↑"), ("Shift", "↓")), _("Tick a range; with the mouse Shift and a click")),
        Key((("Ctrl", "A"),), _("Tick all contacts of the page")),
        Key((("Alt", "←"), ("Alt", "→")), _("In the head: move the column")),
        Key((("Shift", "←"), ("Shift", "→")), _("In the head: make the column narrower or wider")),
        Key((("Esc",),), _("Clear the ticks")),
    ),
)
CELL = Keys(
    _("While a cell is edited"),
    (
        Key((("Enter",),), _("Save and go down")),
        Key((("Tab",), ("Shift", "Tab")), _("Save and go to the right or to the left")),
        Key((("Esc",),), _("Put back what was there")),
    ),
)

#: Beside those that work everywhere, by the page's name.
OF_PAGES: dict[str, tuple[Keys, ...]] = {"contacts:list": (TABLE, CELL)}


def keys_of(page: str) -> tuple[Keys, ...]:
    """Return the keys of a page, in the order in which they are listed."""
    return (*OF_PAGES.get(page, ()), EVERYWHERE)
