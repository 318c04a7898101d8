"""Reading contacts: one, a page of them in any order, and how many there are."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

import orjson
from django.utils.translation import gettext as _

from marketable import sql
from marketable.accounts.queries import Reach
from marketable.contacts import conditions
from marketable.contacts.conditions import Condition
from marketable.contacts.errors import ContactUnknown
from marketable.contacts.rules import display_name
from marketable.errors import Invalid
from marketable.history.sources import ORIGINS
from marketable.marketing_status.rules import Status
from marketable.properties.keys import sort_key
from marketable.properties.rules import PropertyDef

#: A page's search looks at no more matches than this before it sorts them, so that two letters
#: that half the account matches cost what two hundred matches cost.
SEARCH_BOUND = 10_001
#: Up to here a table's total is counted, above it is estimated. An estimate this many times
#: above the bound is believed without counting.
COUNT_BOUND = 10_001
SURELY = 5
#: Nor is a total counted on the way of a page that costs more than this by the planner's measure:
#: reading some 150,000 contacts from first to last, or 20,000 by an index.
COUNT_COST = 20_000


class ContactRow(NamedTuple):
    """A contact with its status on the day asked for (S1). A tuple, because every page makes fifty
    and a frozen dataclass takes eight times as long to make.

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
    """Rows of a table in its order; the keys lead to the neighbours, empty where there is none.

    matches  of a search: how many contacts have its words, at most SEARCH_BOUND, deleted ones and
             those that the conditions leave out among them
    """

    rows: tuple[ContactRow, ...]
    next_key: str
    previous_key: str
    matches: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    value: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of an order that can be walked by itself, from `c` and what is joined.

    key     what it is sorted by before the contact's number; empty: by the number alone
    where   who belongs to it
    led_by  what is the same for all of them and comes before the number in the index to be walked
    joined  the status row `m` if it counts, and what else the stretch is read from; {bound} stands
            for a limit of its numbers
    number  the contact's number in the table that the stretch is walked in
    """

    joined: str
    key: str = ""
    cast: str = ""
    where: str = ""
    number: str = "c.id"
    led_by: str = ""


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of contacts: its parts one after the other, in each of them ties by number.

    turns      the descending order has the parts in reverse; else they stay, as unknown values
               come last in either direction
    is_served  indexes serve every part, so that any page costs the same in any account; otherwise
               all that match are sorted for every page
    """

    key: str
    parts: tuple[Part, ...]
    turns: bool = False
    is_served: bool = True
    params: tuple[tuple[str, str], ...] = ()

    def walked(self, *, is_descending: bool) -> list[int]:
        """Return the places of the parts in the order in which a table shows them."""
        places = list(range(len(self.parts)))
        return places[::-1] if self.turns and is_descending else places


COUNTS = "(m.leaving_on IS NULL OR m.leaving_on > %(today)s)"
BY_CONTACT = "m.account_id = c.account_id AND m.contact_id = c.id"
ANY_STATUS = f"LEFT JOIN marketing_contact AS m ON {BY_CONTACT} AND {COUNTS}{{bound}}"
WITH_STATUS = f"JOIN marketing_contact AS m ON {BY_CONTACT}{{bound}}"
#: The primary address has a row of its own, in an index by address.
BY_ADDRESS = (
    "JOIN contact_address AS a ON a.account_id = c.account_id AND a.contact_id = c.id "
    f"AND a.is_primary {ANY_STATUS}"
)

NEWEST = Sort("id", (Part(ANY_STATUS),))
SORTS: dict[str, Sort] = {
    "": NEWEST,
    "createdate": NEWEST,
    "name": Sort("name", (Part(ANY_STATUS, "c.name_key", "text"),)),
    "email": Sort(
        "email",
        (
            Part(BY_ADDRESS, "a.address", "text", number="a.contact_id"),
            Part(ANY_STATUS, where="c.email IS NULL"),
        ),
    ),
    "status": Sort(
        "status",
        (
            Part(WITH_STATUS, where="m.leaving_on IS NULL"),
            Part(WITH_STATUS, where="m.leaving_on > %(today)s"),
            Part(ANY_STATUS, where="m.contact_id IS NULL"),
        ),
        turns=True,
    ),
    "lastmodifieddate": Sort("updated", (Part(ANY_STATUS, "c.updated_at", "timestamptz"),)),
}


def _unserved(name: str, key: str, cast: str) -> Sort:
    known = Part(ANY_STATUS, key, cast, f"{key} IS NOT NULL")
    unknown = Part(ANY_STATUS, where=f"{key} IS NULL")
    return Sort(name, (known, unknown), is_served=False)


SORTS["source"] = _unserved("source", '(m.source_type COLLATE "C")', "text")
SORTS["since"] = _unserved("since", "m.since", "timestamptz")

COLUMNS = """
SELECT c.id, c.email, c.properties, c.version, c.created_at, c.updated_at, c.archived_at,
       c.erased_at, c.merged_into, m.since, coalesce(m.source_type, ''),
       coalesce(m.source_id, ''), m.change_id, m.leaving_on, m.contact_id IS NOT NULL AS counts
"""


def property_sort(definition: PropertyDef, *, is_indexed: bool = False) -> Sort:
    """Return the order by a property's value: numbers as numbers, texts without regard to case
    and without the locale.

    is_indexed  the property's index is ready, and serves the order at any size
    """
    key = sort_key(definition, "c.properties", "%(sort_property)s")
    known = Part(
        ANY_STATUS, key, "numeric" if definition.is_number else "text", f"{key} IS NOT NULL"
    )
    unknown = Part(ANY_STATUS, where=f"{key} IS NULL", led_by=key)
    return Sort(
        "property",
        (known, unknown),
        is_served=is_indexed and not definition.is_multiple,
        params=(("sort_property", definition.name),),
    )


_ORIGIN = " ".join(f"WHEN '{ours}' THEN '{named}'" for ours, named in ORIGINS.items())
#: What the change that created a contact says of its source, by the property that shows it.
ORIGIN_VALUES: Mapping[str, str] = {
    "hs_object_source": (f"CASE {{change}}.source_type {_ORIGIN} ELSE {{change}}.source_type END"),
    "hs_object_source_id": "nullif({change}.source_id, '')",
    "hs_object_source_label": "{change}.source_type",
    "hs_object_source_detail_1": "nullif({change}.source_label, '')",
    "hs_object_source_user_id": (
        "CASE WHEN {change}.actor_type = 'user' THEN {change}.actor_id END"
    ),
}
#: A contact's first line in the ledger is the one that created it. They are read one by one for
#: the contacts that are shown, so that no contact has to be rewritten to hold them.
ORIGIN = (
    "FROM contact_change AS made JOIN change AS origin ON origin.account_id = made.account_id "
    "AND origin.id = made.change_id AND origin.kind = 'contact_created' "
    "WHERE made.account_id = c.account_id AND made.contact_id = c.id "
    "ORDER BY made.change_id LIMIT 1"
)


def with_origins(account_id: int, page: Page) -> Page:
    """Return the page with what created its contacts among their properties."""
    values = ", ".join(
        f"'{name}', {value.format(change='origin')}" for name, value in ORIGIN_VALUES.items()
    )
    found = sql.rows(
        f"SELECT c.id, (SELECT jsonb_strip_nulls(jsonb_build_object({values})) {ORIGIN}) "
        "FROM contact AS c WHERE c.account_id = %(account_id)s AND c.id = ANY(%(ids)s)",
        {"account_id": account_id, "ids": [row.id for row in page.rows]},
    )
    origins = {row[0]: orjson.loads(row[1]) if row[1] else {} for row in found}
    rows = tuple(
        row._replace(properties={**row.properties, **origins.get(row.id, {})}) for row in page.rows
    )
    return replace(page, rows=rows)


def contact(account_id: int, contact_id: int, *, reach: Reach, today: date) -> ContactRow:
    """Return one contact, archived ones as well.

    Raises ContactUnknown when it is another account's, outside `reach`, or not there (P5).
    """
    within = conditions.reach(reach)
    found = sql.rows(
        f"{COLUMNS} FROM contact AS c {ANY_STATUS.format(bound='')} "
        f"WHERE c.account_id = %(sel_account_id)s AND c.id = %(contact_id)s AND {within.text}",
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


def value_of(row: ContactRow, name: str) -> Any:
    """Return a value of a contact by its property's name, the address among them."""
    return row.email if name == "email" else row.properties.get(name)


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
    tests = ["c.account_id = %(sel_account_id)s"]
    params: dict[str, Any] = {"sel_account_id": account_id, "today": today, **dict(sort.params)}
    for condition in where:
        tests.append(condition.on_status or condition.text)
        params.update(condition.params)
    if search:
        query = conditions.search_query(account_id, search)
        if query is None:
            return Page((), "", "", 0)
        params["sel_query"] = query
        tests.append("c.id = ANY((SELECT ids FROM found)::bigint[])")
    walk = sort.walked(is_descending=is_descending)
    backwards = bool(before)
    if backwards:
        walk.reverse()
    edge = before or after
    beyond = bound = ""
    if edge:
        place, params["edge"], params["edge_id"] = _read_key(edge, sort)
        walk = walk[walk.index(place) :]
        beyond = _beyond(sort.parts[place], descending=is_descending is not backwards)
        if not sort.parts[place].key:
            bound = f" AND {beyond.replace('c.id', 'm.contact_id')}"
    found: list[tuple[Any, ...]] = []
    matches = 0
    for place in walk:
        statement = _part_statement(
            sort.parts[place],
            place,
            [*tests, beyond],
            bound=bound,
            has_search=bool(search),
            descending=is_descending is not backwards,
        )
        found += sql.rows(statement, {**params, "limit": limit + 1 - len(found)})
        beyond = bound = ""
        if len(found) > limit:
            break
    if search and found:
        matches = int(found[0][17])
    more = len(found) > limit
    found = found[:limit]
    if backwards:
        found.reverse()
    rows = tuple(_row(row) for row in found)
    if not rows:
        return Page((), "", "", matches)
    has_next = backwards or more
    has_previous = more if backwards else bool(after)
    return Page(
        rows,
        _key(found[-1]) if has_next else "",
        _key(found[0]) if has_previous else "",
        matches,
    )


#: Matches first, as one array, sorted afterwards: the planner must not walk an index in the
#: table's order and test every contact on its way.
FOUND = (
    "WITH found AS MATERIALIZED (SELECT array_agg(contact_id) AS ids FROM ("
    "SELECT contact_id FROM contact_search WHERE account_id = %(sel_account_id)s "
    f"AND words @@ %(sel_query)s::tsquery LIMIT {SEARCH_BOUND}) AS matching) "
)


def _part_statement(
    part: Part, place: int, tests: Sequence[str], *, bound: str, has_search: bool, descending: bool
) -> str:
    """Return the statement of a part's rows.

    bound  the edge once more, for the status rows: a join in the order of numbers would begin
           with the first of them, whatever page it is for
    """
    direction = "DESC" if descending else "ASC"
    order = f"{part.number} {direction}"
    if part.key or part.led_by:
        order = f"{part.key or part.led_by} {direction}, {order}"
    where = " AND ".join(test for test in (*tests, part.where) if test)
    return (
        f"{FOUND if has_search else ''}{COLUMNS}, {place}, "
        f"{f'{part.key}::text' if part.key else 'NULL'}"
        f"{', (SELECT cardinality(ids) FROM found)' if has_search else ''} "
        f"FROM contact AS c {part.joined.format(bound=bound)} WHERE {where} "
        f"ORDER BY {order} LIMIT %(limit)s"
    )


def _beyond(part: Part, *, descending: bool) -> str:
    sign = "<" if descending else ">"
    if not part.key:
        return f"{part.number} {sign} %(edge_id)s"
    return f"({part.key}, {part.number}) {sign} (%(edge)s::{part.cast}, %(edge_id)s)"


def _key(row: tuple[Any, ...]) -> str:
    return edge_key(row[15], row[16], row[0])


def edge_key(place: int, value: str | None, contact_id: int) -> str:
    """Return the key of a row at the edge of a page.

    place  the part of the sort that the row belongs to
    value  what that part sorts it by, as text; None where it has no such value
    """
    packed = json.dumps([place, value, contact_id], ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _read_key(text: str, sort: Sort) -> tuple[int, str | None, int]:
    try:
        place, value, contact_id = json.loads(
            base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        )
        if not isinstance(place, int) or not 0 <= place < len(sort.parts):
            raise ValueError(place)
        if sort.parts[place].key and (not isinstance(value, str) or "\0" in value):
            raise ValueError(value)
        return place, value, int(contact_id)
    except (ValueError, TypeError, binascii.Error) as error:
        raise Invalid(_("This page of the table does not exist."), field="after") from error


def _row(row: tuple[Any, ...]) -> ContactRow:
    counts, leaving_on = row[14], row[13]
    status = Status.NON_MARKETING
    if counts:
        status = Status.LEAVING if leaving_on else Status.MARKETING
    properties = row[2]
    if isinstance(properties, str):
        properties = orjson.loads(properties)
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
    """Return FROM and WHERE of the contacts that meet every condition. The status row is joined
    where one asks for it: a look from inside an `or` would read all of them."""
    params: dict[str, Any] = {"sel_account_id": account_id}
    for condition in where:
        params.update(condition.params)
    tests = [
        "c.account_id = %(sel_account_id)s",
        *(condition.on_status or condition.text for condition in where),
    ]
    joined = ""
    if any(condition.on_status for condition in where):
        joined = ANY_STATUS.format(bound="").replace("%(today)s", "%(sel_today)s")
    return f"FROM contact AS c {joined} WHERE {' AND '.join(tests)}", params


def count(account_id: int, where: Sequence[Condition]) -> Count:
    """Return how many contacts meet every condition: the planner's estimate where it expects
    many, or would read many to find a few; else counted up to a bound. So no page waits for a
    full count."""
    text, params = _where(account_id, where)
    bounded = f"SELECT 1 {text} LIMIT {COUNT_BOUND}"
    plan = _plan(bounded, params)
    expected = int(plan["Plans"][0]["Plan Rows"]) if "Plans" in plan else int(plan["Plan Rows"])
    if expected > SURELY * COUNT_BOUND or plan["Total Cost"] > COUNT_COST:
        return Count(expected, is_exact=False)
    found = sql.row(f"SELECT count(*) FROM ({bounded}) AS bounded", params)
    assert found is not None
    if int(found[0]) < COUNT_BOUND:
        return Count(int(found[0]), is_exact=True)
    return Count(max(expected, COUNT_BOUND), is_exact=False)


def count_exactly(account_id: int, where: Sequence[Condition]) -> int:
    """Return how many contacts meet every condition, however long it takes."""
    text, params = _where(account_id, where)
    found = sql.row(f"SELECT count(*) {text}", params)
    assert found is not None
    return int(found[0])


def estimated(account_id: int, where: Sequence[Condition]) -> Count:
    """Return about how many contacts meet every condition, without reading any: by the planner,
    who knows little of values inside JSON."""
    text, params = _where(account_id, where)
    return Count(int(_plan(f"SELECT 1 {text}", params)["Plan Rows"]), is_exact=False)


#: So many contacts, of all accounts, are read to judge how many meet a condition.
SAMPLED = 20_000


def estimated_by_sample(account_id: int, where: Sequence[Condition]) -> Count:
    """Return about how many contacts meet every condition, judged by blocks of the table, the same
    ones for every question. A sample that holds none stands for one that it just missed."""
    text, params = _where(account_id, where)
    found = sql.row("SELECT reltuples::bigint FROM pg_class WHERE oid = 'contact'::regclass")
    assert found is not None
    percent = min(100.0, 100.0 * SAMPLED / max(int(found[0]), 1))
    sampled = text.replace(
        "FROM contact AS c ",
        "FROM contact AS c TABLESAMPLE SYSTEM (%(sel_percent)s) REPEATABLE (1) ",
        1,
    )
    met = sql.row(f"SELECT count(*) {sampled}", {**params, "sel_percent": percent})
    assert met is not None
    return Count(round(max(int(met[0]), 1) * 100 / percent), is_exact=False)


def estimated_size(account_id: int) -> int:
    """Return about how many contacts the account has, without reading any."""
    text = "SELECT 1 FROM contact AS c WHERE c.account_id = %(id)s"
    return int(_plan(text, {"id": account_id})["Plan Rows"])


def _plan(statement: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return how the planner would answer a statement, and what it expects of it."""
    planned = sql.row(f"EXPLAIN (FORMAT JSON) {statement}", params)
    assert planned is not None
    plan = json.loads(planned[0]) if isinstance(planned[0], str) else planned[0]
    found: Mapping[str, Any] = plan[0]["Plan"]
    return found


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


def unknown_addresses(account_id: int, addresses: Sequence[str], *, reach: Reach) -> list[str]:
    """Return those that no live contact inside `reach` has, primary or secondary, in order."""
    within = conditions.reach(reach)
    found = sql.rows(
        "SELECT given.address FROM unnest(%(addresses)s::text[]) WITH ORDINALITY "
        "AS given (address, place) WHERE NOT EXISTS (SELECT FROM contact_address AS a "
        "JOIN contact AS c ON c.account_id = a.account_id AND c.id = a.contact_id "
        "WHERE a.account_id = %(account_id)s AND a.address = given.address AND a.is_live "
        f"AND {within.text}) ORDER BY given.place",
        {**within.params, "account_id": account_id, "addresses": list(addresses)},
    )
    return [str(row[0]) for row in found]


def addresses(account_id: int, contact_id: int) -> list[str]:
    """Return a contact's secondary addresses, in order."""
    found = sql.rows(
        "SELECT address FROM contact_address WHERE account_id = %(account_id)s "
        "AND contact_id = %(contact_id)s AND NOT is_primary ORDER BY address",
        {"account_id": account_id, "contact_id": contact_id},
    )
    return [str(row[0]) for row in found]


#: A contact and all that was merged into it, and into these: one person.
PERSON = (
    "WITH RECURSIVE person AS (SELECT %(contact_id)s::bigint AS id UNION "
    "SELECT away.id FROM person JOIN contact AS away "
    "ON away.account_id = %(account_id)s AND away.merged_into = person.id)"
)


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote about a contact, or about one that was merged into it."""

    id: int
    contact_id: int
    text: str
    author_id: str
    author_label: str
    written_at: datetime
    changed_at: datetime | None


def notes(
    account_id: int, contact_id: int, *, before_id: int | None = None, limit: int = 20
) -> list[Note]:
    """Return a contact's notes, newest first, those of contacts merged into it among them.

    before_id  go on below this note
    """
    found = sql.rows(
        f"{PERSON} SELECT id, contact_id, text, author_id, author_label, written_at, changed_at "
        "FROM contact_note WHERE account_id = %(account_id)s "
        "AND contact_id IN (SELECT id FROM person) AND deleted_at IS NULL "
        "AND (%(before_id)s::bigint IS NULL OR id < %(before_id)s) "
        "ORDER BY id DESC LIMIT %(limit)s",
        {
            "account_id": account_id,
            "contact_id": contact_id,
            "before_id": before_id,
            "limit": limit,
        },
    )
    return [Note(*row) for row in found]


def note(account_id: int, contact_id: int, note_id: int) -> Note | None:
    """Return one of a contact's notes, unless it is deleted."""
    found = notes(account_id, contact_id, before_id=min(note_id, 2**63 - 2) + 1, limit=1)
    return found[0] if found and found[0].id == note_id else None


def note_texts(account_id: int, note_ids: Sequence[int]) -> dict[int, str]:
    """Return {number: text} of notes that are not deleted."""
    found = sql.rows(
        "SELECT id, text FROM contact_note WHERE account_id = %(account_id)s "
        "AND id = ANY(%(ids)s) AND deleted_at IS NULL",
        {"account_id": account_id, "ids": list(note_ids)},
    )
    return {int(number): str(text) for number, text in found}


def rows_of(
    account_id: int, contact_ids: Sequence[int], *, reach: Reach, today: date
) -> dict[int, ContactRow]:
    """Return {number: contact} of those that are within reach."""
    within = conditions.reach(reach)
    found = sql.rows(
        f"{COLUMNS} FROM contact AS c {ANY_STATUS.format(bound='')} "
        f"WHERE c.account_id = %(sel_account_id)s AND c.id = ANY(%(ids)s) AND {within.text}",
        {
            **within.params,
            "sel_account_id": account_id,
            "ids": list(contact_ids),
            "today": today,
        },
    )
    return {row[0]: _row(row) for row in found}
