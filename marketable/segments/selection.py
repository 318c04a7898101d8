"""What an action, a table or an export is about, compiled to one sub-query on `contact`: chosen
contacts, or all that match a filter, a status and a search, with exceptions."""

from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from marketable import sql
from marketable.accounts.queries import Reach
from marketable.accounts.rules import Scope
from marketable.contacts import conditions
from marketable.contacts.conditions import Condition
from marketable.marketing_status.rules import Status
from marketable.segments import compiling
from marketable.segments import queries as segments
from marketable.segments.rules import Filter, Group, as_json, from_json
from marketable.sql import SubQuery


@dataclass(frozen=True, slots=True)
class Selection:
    """A set of contacts, as asked for; every given part narrows it.

    ids             these contacts and no others
    emails          those with these normalised addresses, secondary ones included (S18)
    status, search  those that the table shows under this status filter and search
    filter          those that meet it
    except_ids      but not these (B2)
    change_id, bulk_action_id, import_id  those that it altered (B7)
    segment_id      those in this segment
    archived        those in the recycle bin instead of the live ones
    """

    ids: tuple[int, ...] | None = None
    emails: tuple[str, ...] | None = None
    status: Status | None = None
    search: str = ""
    filter: Filter | None = None
    except_ids: tuple[int, ...] = ()
    change_id: int | None = None
    bulk_action_id: int | None = None
    import_id: int | None = None
    segment_id: int | None = None
    archived: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the parts that say something, as plain JSON values."""
        stored: dict[str, Any] = {}
        for part in fields(self):
            value = getattr(self, part.name)
            if value in (None, "", False) or (value == () and part.name == "except_ids"):
                continue
            if isinstance(value, Group):
                value = as_json(value)
            stored[part.name] = list(value) if isinstance(value, tuple) else value
        return stored

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Selection":
        values: dict[str, Any] = dict(stored)
        for name in ("ids", "emails", "except_ids"):
            if values.get(name) is not None:
                values[name] = tuple(values[name])
        if values.get("status"):
            values["status"] = Status(values["status"])
        if values.get("filter") is not None:
            values["filter"] = from_json(values["filter"])
        return cls(**values)


def compile_selection(
    account_id: int, selection: Selection, *, reach: Reach, today: date
) -> SubQuery:
    """Return the sub-query (id) of the selection's contacts inside `reach`."""
    chosen = _sub_query(account_id, conditions_of(account_id, selection, reach=reach, today=today))
    is_everybody = selection == Selection() and reach.scope is Scope.ALL
    return replace(chosen, is_everybody=is_everybody)


def conditions_of(
    account_id: int, selection: Selection, *, reach: Reach, today: date
) -> list[Condition]:
    """Return what a contact must meet to be of the selection and inside `reach`."""
    return [*_parts(account_id, selection, today), conditions.reach(reach)]


def _parts(account_id: int, selection: Selection, today: date) -> list[Condition]:
    parts = [conditions.archived() if selection.archived else conditions.live()]
    if selection.ids is not None:
        parts.append(conditions.ids(selection.ids))
    if selection.emails is not None:
        parts.append(conditions.addresses(selection.emails))
    if selection.status is not None:
        parts.append(conditions.status(selection.status, today))
    if selection.search:
        parts.append(conditions.search(account_id, selection.search))
    if selection.filter is not None:
        context = compiling.context_of(account_id, today)
        parts.append(compiling.compiled(selection.filter, context))
    if selection.except_ids:
        parts.append(conditions.except_ids(selection.except_ids))
    if selection.change_id is not None:
        parts.append(conditions.changed_by(selection.change_id))
    if selection.bulk_action_id is not None:
        parts.append(conditions.changed_by_bulk_action(selection.bulk_action_id))
    if selection.import_id is not None:
        parts.append(conditions.changed_by_import(selection.import_id))
    if selection.segment_id is not None:
        segments.segment(account_id, selection.segment_id)
        parts.append(_in_segment(selection.segment_id))
    return parts


def _in_segment(segment_id: int) -> Condition:
    return Condition(
        "c.id IN (SELECT contact_id FROM segment_member WHERE account_id = %(sel_account_id)s "
        "AND segment_id = %(sel_segment)s)",
        {"sel_segment": segment_id},
    )


def _sub_query(account_id: int, parts: list[Condition]) -> SubQuery:
    params: dict[str, Any] = {"sel_account_id": account_id}
    for part in parts:
        params.update(part.params)
    own = "c.account_id = %(sel_account_id)s"
    test = " AND ".join([own, *(part.text for part in parts)])
    judged = " AND ".join([own, *(part.on_status or part.text for part in parts)])
    return SubQuery(
        f"SELECT c.id FROM contact AS c WHERE {test}",
        params,
        test=test,
        judged=judged,
        of_places=_of_places(parts),
    )


def _of_places(parts: list[Condition]) -> str:
    """Return the conditions as one on a status row that counts; empty where some need more."""
    telling = [part for part in parts if part not in (conditions.LIVE, conditions.EVERYBODY)]
    if not telling or not all(part.of_places for part in telling):
        return ""
    return " AND ".join(part.of_places for part in telling)


def outside_count(account_id: int, selection: Selection, *, reach: Reach, today: date) -> int:
    """Return how many of the selection lie outside `reach` (P6)."""
    if reach.scope is Scope.ALL:
        return 0
    return _count(_sub_query(account_id, _parts(account_id, selection, today))) - _count(
        compile_selection(account_id, selection, reach=reach, today=today)
    )


def not_found_count(account_id: int, selection: Selection, *, today: date) -> int:
    """Return how many of the named contacts or addresses are not live contacts here (J4)."""
    named = selection.ids if selection.ids is not None else selection.emails
    if named is None:
        return 0
    only = replace(Selection(), ids=selection.ids, emails=selection.emails)
    return len(set(named)) - _count(_sub_query(account_id, _parts(account_id, only, today)))


def _count(chosen: SubQuery) -> int:
    found = sql.row(f"SELECT count(*) FROM ({chosen.text}) AS chosen", chosen.params)
    assert found is not None
    return int(found[0])
