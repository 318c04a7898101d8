"""Which conditions of a filter read every contact of the account, and what would help."""

from collections.abc import Mapping
from dataclasses import dataclass

from marketable.contacts import queries as contacts
from marketable.contacts.queries import ORIGIN_VALUES
from marketable.properties import queries as properties
from marketable.properties.keys import can_be_indexed
from marketable.properties.rules import PropertyDef
from marketable.segments import rules
from marketable.segments.fields import ON_STATUS
from marketable.segments.rules import OPPOSITES, Condition, Filter, Group, Operator

#: An account of fewer contacts is read whole in a tenth of a second or so.
SLOW_FROM = 100_000
#: Kinds of conditions that an index of their own serves.
QUICK = frozenset({"segment"})


@dataclass(frozen=True, slots=True)
class SlowPart:
    """A condition that makes a filter read every contact.

    path      its place in the filter, such as and[0]
    property  what it asks of; empty for a condition of another kind
    helps     whether marking that property indexed would make it quick; else only another operator
              or a further condition would
    """

    path: str
    property: str
    helps: bool


def slow_parts(account_id: int, wanted: Filter) -> tuple[SlowPart, ...]:
    """Return the conditions that make the filter slow at the account's size; none for a filter
    that an index serves and for accounts of fewer than `SLOW_FROM` contacts.

    One quick part makes a group of *and* quick, so of its slow parts any one is worth helping; of
    a group of *or* every slow part is. What is asked of the status or the ledger makes a group
    neither quick nor slow, nor does what the account does not know. Costs three statements, none
    of which reads contacts.
    """
    if not wanted.parts or contacts.estimated_size(account_id) < SLOW_FROM:
        return ()
    reader = _Reader(properties.definitions(account_id), properties.indexed(account_id))
    return tuple(reader.slow(wanted, "") or ())


@dataclass(frozen=True, slots=True)
class _Reader:
    definitions: Mapping[str, PropertyDef]
    indexed: frozenset[str]

    def slow(self, node: Group | Condition, path: str) -> list[SlowPart] | None:
        """Return what is slow, nothing for what is quick, None for what is neither."""
        if isinstance(node, Condition):
            return self._condition(node, path)
        parts = [self.slow(part, inside) for inside, part in rules.parts_of(node, path)]
        found = [part for part in parts if part is not None]
        if not found:
            return None
        if node.joined_by == "and" and not all(found):
            return []
        return [one for part in found for one in part]

    def _condition(self, condition: Condition, path: str) -> list[SlowPart] | None:
        if condition.kind in QUICK:
            return []
        name = condition.written.get("property")
        definition = self.definitions.get(name) if isinstance(name, str) else None
        if definition is None or definition.name in ON_STATUS or definition.name in ORIGIN_VALUES:
            return None
        is_served = _can_be_served(definition, condition.written.get("operator"))
        if is_served and (definition.name == "email" or definition.name in self.indexed):
            return []
        helps = is_served and can_be_indexed(definition)
        return [SlowPart(path, definition.name, helps)]


def _can_be_served(definition: PropertyDef, operator: object) -> bool:
    """Tell whether an index of the property finds those who meet the operator."""
    if operator not in set(Operator):
        return False
    if definition.is_multiple:
        return operator in {Operator.IS, Operator.IS_ANY_OF, Operator.HAS_ALL_OF}
    if operator in OPPOSITES:
        return operator == Operator.IS_UNKNOWN
    return operator not in {Operator.CONTAINS, Operator.ENDS_WITH, Operator.IS_KNOWN}
