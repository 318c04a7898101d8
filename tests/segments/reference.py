"""The filter language once more, slowly and in plain Python: one contact at a time, without SQL."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from marketable.history.sources import ORIGINS, REASON_TYPES, SourceType
from marketable.marketing_status.rules import COUNTS_TOWARD_TIER, Status
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.segments.rules import Condition, Group


@dataclass(repr=False)
class Known:
    """All that a filter can ask of one contact."""

    values: Mapping[str, Any]
    created_at: datetime
    status: Status = Status.NON_MARKETING
    source: str = ""
    created_by: str = "COMMAND"
    #: (moment, property, value before, value after), oldest first
    past: list[tuple[datetime, str, Any, Any]] = field(default_factory=list)
    status_moved_at: list[datetime] = field(default_factory=list)
    #: The fixed segments that somebody put it into.
    put_into: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Reader:
    definitions: Mapping[str, PropertyDef]
    zone: ZoneInfo
    now: datetime
    #: What the active segments ask.
    filters: Mapping[int, Group] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def holds(self, node: Group | Condition, contact: Known) -> bool:
        if isinstance(node, Group):
            parts = (self.holds(part, contact) for part in node.parts)
            return all(parts) if node.joined_by == "and" else any(parts)
        written = node.written
        if node.kind == "marketing_status":
            return bool(contact.status.value == written["marketing_status"])
        if node.kind == "counts":
            return bool((contact.status in COUNTS_TOWARD_TIER) == written["counts"])
        if node.kind == "source":
            return contact.status in COUNTS_TOWARD_TIER and contact.source in as_list(
                written["source"]
            )
        if node.kind == "created_by":
            return contact.created_by in as_list(written["created_by"])
        if node.kind == "segment":
            return self.is_in(written["segment"], contact)
        if node.kind == "not_in_segment":
            return not self.is_in(written["not_in_segment"], contact)
        if node.kind == "changed":
            return self._changed(written, contact)
        if node.kind == "was_ever":
            return self._was_ever(written, contact)
        return self._property(written, contact)

    def is_in(self, segment_id: int, contact: Known) -> bool:
        if segment_id in self.filters:
            return self.holds(self.filters[segment_id], contact)
        return segment_id in contact.put_into

    def _changed(self, written: Mapping[str, Any], contact: Known) -> bool:
        first = self._begin(self.today - timedelta(days=written["in_last_days"]))
        if written["changed"] == "status":
            return any(at >= first for at in contact.status_moved_at)
        return any(
            at >= first and name == written["changed"] for at, name, _old, _new in contact.past
        )

    def _was_ever(self, written: Mapping[str, Any], contact: Known) -> bool:
        name = written["was_ever"]
        had = [self._value(name, contact)]
        for _at, changed, old, new in contact.past:
            if changed == name:
                had += [old, new]
        wanted = {plain(one) for one in as_list(written["value"])}
        return any(plain(part) in wanted for one in had for part in as_list(one) if one is not None)

    def _value(self, name: str, contact: Known) -> Any:
        if name == "createdate":
            return contact.created_at
        if name == "hs_object_source":
            return ORIGINS.get(SourceType(contact.created_by), contact.created_by)
        if name == "hs_marketable_status":
            return str(contact.status in COUNTS_TOWARD_TIER).lower()
        if name == "hs_marketable_until_renewal":
            return str(contact.status is Status.LEAVING).lower()
        if name == "hs_marketable_reason_type":
            counts = contact.status in COUNTS_TOWARD_TIER
            return REASON_TYPES.get(SourceType(contact.source), contact.source) if counts else None
        return contact.values.get(name)

    def _property(self, written: Mapping[str, Any], contact: Known) -> bool:
        definition = self.definitions[written["property"]]
        value = self._value(definition.name, contact)
        operator = written["operator"]
        opposite = {
            "is_not": "is",
            "is_none_of": "is_any_of",
            "does_not_contain": "contains",
            "is_unknown": "is_known",
        }.get(operator)
        if opposite:
            return not self._property({**written, "operator": opposite}, contact)
        if value is None:
            return False
        if operator == "is_known":
            return True
        return self._test(definition, value, operator, written.get("value"))

    def _test(self, definition: PropertyDef, value: Any, operator: str, given: Any) -> bool:
        if definition.type in {PropertyType.DATE, PropertyType.DATETIME}:
            return self._test_day(self._day_of(value), operator, given)
        if definition.is_multiple:
            wanted = set(as_list(given))
            return wanted <= set(value) if operator == "has_all_of" else bool(wanted & set(value))
        if definition.type is PropertyType.NUMBER:
            return number_holds(value, operator, given)
        if definition.type is PropertyType.ENUMERATION:
            return value in as_list(given)
        if definition.type is PropertyType.BOOL:
            return bool(value == given)
        text = str(value).lower()
        if operator in {"is", "is_any_of"}:
            return text in [str(one).strip().lower() for one in as_list(given)]
        part = str(given).strip().lower()
        return {
            "contains": part in text,
            "starts_with": text.startswith(part),
            "ends_with": text.endswith(part),
        }[operator]

    def _test_day(self, day: date, operator: str, given: Any) -> bool:
        today = self.today
        if operator == "in_last_days":
            return today - timedelta(days=given) <= day <= today
        if operator == "in_next_days":
            return today <= day <= today + timedelta(days=given)
        if operator == "more_than_days_ago":
            return day < today - timedelta(days=given)
        if operator == "more_than_days_ahead":
            return day > today + timedelta(days=given)
        if operator == "between":
            return self._given_day(given[0]) <= day <= self._given_day(given[1])
        wanted = self._given_day(given)
        return {
            "is": day == wanted,
            "lt": day < wanted,
            "lte": day <= wanted,
            "gt": day > wanted,
            "gte": day >= wanted,
        }[operator]

    def _given_day(self, given: Any) -> date:
        if isinstance(given, Mapping):
            return self.today + timedelta(days=given["days_from_today"])
        return date.fromisoformat(given)

    def _day_of(self, value: Any) -> date:
        if isinstance(value, datetime):
            return value.astimezone(self.zone).date()
        if "T" in value:
            moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
            return moment.astimezone(self.zone).date()
        return date.fromisoformat(value)

    def _begin(self, day: date) -> datetime:
        return datetime.combine(day, time(0), self.zone)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def plain(value: Any) -> str:
    return str(value).lower()


def number_holds(value: float, operator: str, given: Any) -> bool:
    if operator == "between":
        return bool(given[0] <= value <= given[1])
    if operator in {"is", "is_any_of"}:
        return value in as_list(given)
    return bool(
        {
            "lt": value < given,
            "lte": value <= given,
            "gt": value > given,
            "gte": value >= given,
        }[operator]
    )
