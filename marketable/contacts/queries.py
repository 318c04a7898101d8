"""Reading contacts: one, a page of them in any order, and how many there are."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from marketable import sql
from marketable.accounts.queries import Reach
from marketable.contacts import conditions
from marketable.contacts.conditions import Condition
from marketable.contacts.errors import ContactUnknown
from marketable.contacts.rules import display_name
from marketable.errors import Invalid
from marketable.marketing_status.rules import Status

#: A page's search looks at no more matches than this before it sorts them, so that two letters
#: that half the account matches cost what two hundred matches cost.
SEARCH_BOUND = 10_001
#: Up to here a table's total is counted, above it is estimated.
COUNT_BOUND = 10_001


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A contact with its status on the day asked for (S1).

    properties  every value but the address, as typed JSON
    holds_place an archived or erased contact that still takes a place (S10)
    """

    id: int
    email: str | None
    properties: Mapping[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None
    erased_at: datetime | None
    merged_into: int | None
    status: Status
    since: datetime | None
    source_type: str
    source_id: str
    change_id: int | None
    leaving_on: date | None

    @property
    def name(self) -> str:
        first, last = self.properties.get("firstname"), self.properties.get("lastname")
        return display_name(first, last, self.email, self.id)

    @property
    def holds_place(self) -> bool:
        return self.archived_at is not None and self.status is not Status.NON_MARKETING


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a table in its order; the keys lead to the neighbours, empty where there is none."""

    rows: tuple[ContactRow, ...]
    next_key: str
    previous_key: str


@dataclass(frozen=True, slots=True)
class Count:
    value: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of contacts: an expression on `c` and `m`, unknown values last, ties by number.

    never_null  the expression has a value for every contact, so an index can serve the order
    """

    key: str
    cast: str
    never_null: bool = False
    params: tuple[tuple[str, str], ...] = ()


NEWEST = Sort("c.id", "bigint", never_null=True)
SORTS: dict[str, Sort] = {
    "": NEWEST,
    "createdate": NEWEST,
    "name": Sort("c.name_key", "text", never_null=True),
    "email": Sort('c.email COLLATE "C"', "text"),
    "status": Sort(
        "CASE WHEN m.contact_id IS NULL THEN 2 WHEN m.leaving_on IS NULL THEN 0 ELSE 1 END",
        "int",
        never_null=True,
    ),
    "source": Sort('m.source_type COLLATE "C"', "text"),
    "since": Sort("m.since", "timestamptz"),
    "lastmodifieddate": Sort("c.updated_at", "timestamptz", never_null=True),
}

COLUMNS = """
SELECT c.id, c.email, c.properties, c.version, c.created_at, c.updated_at, c.archived_at,
       c.erased_at, c.merged_into, m.since, coalesce(m.source_type, ''),
       coalesce(m.source_id, ''), m.change_id, m.leaving_on, m.contact_id IS NOT NULL AS counts
"""
JOINED = """
  FROM contact AS c
  LEFT JOIN marketing_contact AS m
    ON m.account_id = c.account_id AND m.contact_id = c.id
   AND (m.leaving_on IS NULL OR m.leaving_on > %(today)s)
"""


def property_sort(name: str, *, is_number: bool) -> Sort:
    """Return the order by a property's value, numbers as numbers, text without the locale."""
    params = (("sort_property", name),)
    if is_number:
        return Sort("(c.properties->%(sort_property)s)::numeric", "numeric", params=params)
    return Sort('(c.properties->>%(sort_property)s) COLLATE "C"', "text", params=params)


def contact(account_id: int, contact_id: int, *, reach: Reach, today: date) -> ContactRow:
    """Return one contact, archived ones as well.

    Raises ContactUnknown when it is another account's, outside `reach`, or not there (P5).
    """
    within = conditions.reach(reach)
    found = sql.rows(
        f"{COLUMNS}{JOINED} WHERE c.account_id = %(sel_account_id)s AND c.id = %(contact_id)s "
        f"AND {within.text}",
        {
            **within.params,
            "sel_account_id": account_id,
            "contact_id": contact_id,
            "today": today,
        },
    )
    if not found:
        raise ContactUnknown
    return _row(found[0])


def page(
    account_id: int,
    where: Sequence[Condition],
    *,
    today: date,
    search: str = "",
    sort: Sort = NEWEST,
    is_descending: bool = True,
    after: str = "",
    before: str = "",
    limit: int = 50,
) -> Page:
    """Return a page of the contacts that meet every condition and the search.

    after, before  a key of an earlier page, to go on from or back from; both empty: the first

    Pages are found by comparing with the key of the page's edge, never by counting rows before
    it, so the 10,000th costs what the first costs. Unknown values come last in either direction.

    Raises Invalid for a key that is none.
    """
    statement, params = page_statement(
        account_id,
        where,
        today=today,
        search=search,
        sort=sort,
        is_descending=is_descending,
        after=after,
        before=before,
        limit=limit,
    )
    found = sql.rows(statement, params)
    more = len(found) > limit
    found = found[:limit]
    if before:
        found.reverse()
    rows = tuple(_row(row) for row in found)
    if not rows:
        return Page((), "", "")
    has_next = bool(before) or more
    has_previous = more if before else bool(after)
    return Page(
        rows,
        _key(found[-1]) if has_next else "",
        _key(found[0]) if has_previous else "",
    )


def page_statement(
    account_id: int,
    where: Sequence[Condition],
    *,
    today: date,
    search: str,
    sort: Sort,
    is_descending: bool,
    after: str,
    before: str,
    limit: int,
) -> tuple[str, dict[str, Any]]:
    """Return the one statement of a page, with its parameters."""
    params: dict[str, Any] = {
        "sel_account_id": account_id,
        "today": today,
        "limit": limit + 1,
        **dict(sort.params),
    }
    tests = ["c.account_id = %(sel_account_id)s"]
    for condition in where:
        tests.append(condition.text)
        params.update(condition.params)
    first = ""
    if search:
        query = conditions.search_query(account_id, search)
        if query is None:
            tests.append("FALSE")
        else:
            # Matches first, sorted afterwards: the planner must not walk an index in the table's
            # order and test every contact on its way.
            first = (
                "WITH found AS MATERIALIZED (SELECT contact_id FROM contact_search "
                "WHERE account_id = %(sel_account_id)s AND words @@ %(sel_query)s::tsquery "
                f"LIMIT {SEARCH_BOUND}) "
            )
            tests.append("c.id IN (SELECT contact_id FROM found)")
            params["sel_query"] = query
    backwards = bool(before)
    descending = is_descending is not backwards
    edge = before or after
    if edge:
        tests.append(_beyond(sort, descending=descending, backwards=backwards))
        value, contact_id = _read_key(edge)
        params.update(edge=value, edge_id=contact_id, edge_unknown=value is None)
    direction = "DESC" if descending else "ASC"
    order = f"{sort.key} {direction}, c.id {direction}"
    if sort.key == "c.id":
        order = f"c.id {direction}"
    elif not sort.never_null:
        order = f"({sort.key}) IS NULL {'DESC' if backwards else 'ASC'}, {order}"
    statement = (
        f"{first}{COLUMNS}, ({sort.key})::text AS sort_key{JOINED}"
        f" WHERE {' AND '.join(tests)} ORDER BY {order} LIMIT %(limit)s"
    )
    return statement, params


def _beyond(sort: Sort, *, descending: bool, backwards: bool) -> str:
    sign = "<" if descending else ">"
    if sort.key == "c.id":
        return f"c.id {sign} %(edge_id)s"
    row = f"({sort.key}, c.id) {sign} (%(edge)s::{sort.cast}, %(edge_id)s)"
    if sort.never_null:
        return row
    known = f"({sort.key}) IS NOT NULL"
    if backwards:  # unknown values are the last ones, so from there all known ones lie before
        of_unknown = f"{known} OR c.id {sign} %(edge_id)s"
        of_known = f"{known} AND {row}"
    else:
        of_unknown = f"NOT ({known}) AND c.id {sign} %(edge_id)s"
        of_known = f"NOT ({known}) OR {row}"
    return f"(CASE WHEN %(edge_unknown)s THEN {of_unknown} ELSE {of_known} END)"


def _key(row: tuple[Any, ...]) -> str:
    packed = json.dumps([row[15], row[0]], ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _read_key(text: str) -> tuple[str | None, int]:
    try:
        value, contact_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if value is not None and (not isinstance(value, str) or "\0" in value):
            raise ValueError(value)
        return value, int(contact_id)
    except (ValueError, TypeError, binascii.Error) as error:
        raise Invalid(_("This page of the table does not exist."), field="after") from error


def _row(row: tuple[Any, ...]) -> ContactRow:
    counts, leaving_on = row[14], row[13]
    status = Status.NON_MARKETING
    if counts:
        status = Status.LEAVING if leaving_on else Status.MARKETING
    properties = row[2]
    if isinstance(properties, str):
        properties = json.loads(properties)
    return ContactRow(
        id=row[0],
        email=row[1],
        properties=properties,
        version=row[3],
        created_at=row[4],
        updated_at=row[5],
        archived_at=row[6],
        erased_at=row[7],
        merged_into=row[8],
        status=status,
        since=row[9],
        source_type=row[10],
        source_id=row[11],
        change_id=row[12],
        leaving_on=leaving_on,
    )


def _where(account_id: int, where: Sequence[Condition]) -> tuple[str, dict[str, Any]]:
    params: dict[str, Any] = {"sel_account_id": account_id}
    for condition in where:
        params.update(condition.params)
    tests = ["c.account_id = %(sel_account_id)s", *(condition.text for condition in where)]
    return f"FROM contact AS c WHERE {' AND '.join(tests)}", params


def count(account_id: int, where: Sequence[Condition]) -> Count:
    """Return how many contacts meet every condition: exact when cheap, else the planner's
    estimate, so that no page waits for a full count."""
    text, params = _where(account_id, where)
    found = sql.row(
        f"SELECT count(*) FROM (SELECT 1 {text} LIMIT {COUNT_BOUND}) AS bounded", params
    )
    assert found is not None
    if int(found[0]) < COUNT_BOUND:
        return Count(int(found[0]), is_exact=True)
    planned = sql.row(f"EXPLAIN (FORMAT JSON) SELECT 1 {text}", params)
    assert planned is not None
    plan = json.loads(planned[0]) if isinstance(planned[0], str) else planned[0]
    return Count(max(int(plan[0]["Plan"]["Plan Rows"]), COUNT_BOUND), is_exact=False)


def count_exactly(account_id: int, where: Sequence[Condition]) -> int:
    """Return how many contacts meet every condition, however long it takes."""
    text, params = _where(account_id, where)
    found = sql.row(f"SELECT count(*) {text}", params)
    assert found is not None
    return int(found[0])


def live_count(account_id: int) -> int:
    """Return how many live contacts the account stores (T11)."""
    return count_exactly(account_id, [conditions.live()])


def owner_of_address(account_id: int, address: str) -> int | None:
    """Return the live contact that has a normalised address, primary or secondary (S18)."""
    found = sql.row(
        "SELECT contact_id FROM contact_address WHERE account_id = %(account_id)s "
        "AND address = %(address)s AND is_live",
        {"account_id": account_id, "address": address},
    )
    return int(found[0]) if found else None


def addresses(account_id: int, contact_id: int) -> list[str]:
    """Return a contact's secondary addresses, in order."""
    found = sql.rows(
        "SELECT address FROM contact_address WHERE account_id = %(account_id)s "
        "AND contact_id = %(contact_id)s AND NOT is_primary ORDER BY address",
        {"account_id": account_id, "contact_id": contact_id},
    )
    return [str(row[0]) for row in found]
