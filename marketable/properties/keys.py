"""What an indexed property is compared and sorted by. The index holds this expression, and whoever
wants to be served by the index says exactly the same one. Pure."""

from marketable.properties.defaults import DERIVED
from marketable.properties.rules import PropertyDef, PropertyType

#: A key is cut here: an index takes no entry over 2,704 bytes, and a value may have 65,536
#: characters. What is longer is compared once more, as a whole.
LONGEST_KEY = 200
#: Texts up to here are whole in the key even where small letters take three characters for one.
SURELY_WHOLE = LONGEST_KEY // 3

#: The address has a table and an index of its own; derived ones are not stored.
UNREACHED = frozenset({"email", *(one.name for one in DERIVED)})
FOLDED_TYPES = frozenset({PropertyType.STRING, PropertyType.PHONE})


def is_folded(definition: PropertyDef) -> bool:
    """Tell whether values are compared and sorted without regard to case."""
    return definition.type in FOLDED_TYPES


def sort_key(definition: PropertyDef, properties: str, name: str) -> str:
    """Return the SQL expression that values are sorted by, NULL where there is none.

    properties  the column with the contact's values
    name        the property's name: a mark of a parameter, or a literal

    A value of another type than the property's, which nothing should have written, counts as none
    where it would stop the statement.
    """
    if definition.is_number:
        value = f"{properties}->{name}"
        return f"(CASE WHEN jsonb_typeof({value}) = 'number' THEN ({value})::numeric END)"
    text = f"{properties}->>{name}"
    if is_folded(definition):
        text = f"lower({text})"
    return f'(left({text}, {LONGEST_KEY}) COLLATE "C")'


def index_columns(definition: PropertyDef, properties: str, name: str) -> str:
    """Return what follows the table in CREATE INDEX: keys and numbers of contacts in order, so
    that the index also serves sorting by the property and, under one value, sorting by number.
    Several options at once are found by each of them, and cannot be sorted."""
    if definition.is_multiple:
        return f"USING gin (({properties}->{name}))"
    return f"({sort_key(definition, properties, name)}, id)"


def can_be_indexed(definition: PropertyDef) -> bool:
    """Tell whether its values are among the contact's own, where an index can reach them."""
    return definition.name not in UNREACHED and not definition.is_archived
