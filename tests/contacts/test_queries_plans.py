"""A page of the table reads its own rows and few besides where an index can serve, at a size at
which reading everybody would be the planner's choice if it could not."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts import queries
from marketable.contacts.queries import Count, Page, Sort
from marketable.history.kinds import Kind
from marketable.history.services import open_change
from marketable.history.sources import SourceType, system
from marketable.properties import indexing
from marketable.properties import queries as properties
from marketable.properties.models import PropertyIndex
from marketable.properties.rules import IndexState, Option, PropertyDef, PropertyType, index_name
from marketable.properties.services import create_property
from marketable.segments.rules import from_json
from marketable.segments.selection import Selection, compile_selection, conditions_of
from tests.make import JAN_10, JAN_20

pytestmark = pytest.mark.django_db

JAN = JAN_20.date()
MANY = 30_000
SIZE = 50
#: Rows that may be read beyond the page: the one that tells of a next page, and a few deleted ones.
BEYOND = 10

OWN = (
    PropertyDef("score", "Score", PropertyType.NUMBER, "number"),
    PropertyDef("met_on", "Met on", PropertyType.DATE, "date"),
    PropertyDef("seen_at", "Seen at", PropertyType.DATETIME, "date"),
    PropertyDef("is_vip", "Is a VIP", PropertyType.BOOL, "booleancheckbox"),
    PropertyDef(
        "topics",
        "Topics",
        PropertyType.ENUMERATION,
        "checkbox",
        options=tuple(Option(f"t{number}", f"Topic {number}") for number in range(300)),
    ),
)
INDEXED = ("city", "company", "score", "met_on", "seen_at", "topics", "lifecyclestage")

CONTACTS = """
INSERT INTO contact (account_id, id, email, name_key, properties, version, created_at, updated_at)
SELECT %(account_id)s, nextval('contact_id_seq'), 'person' || n || '@example.com',
       'name ' || n * 7919 %% %(many)s,
       jsonb_strip_nulls(jsonb_build_object(
           'city', CASE WHEN n %% 10 > 0 THEN 'City ' || n * 31 %% 100 END,
           'company', 'Company ' || n * 17 %% 1000,
           'zip', lpad((n * 7 %% 5000)::text, 5, '0'),
           'score', CASE WHEN n %% 4 > 0 THEN n * 13 %% 1000 END,
           'met_on', ('2026-01-01'::date + n * 11 %% 1000)::text,
           'seen_at', to_char('2026-01-01'::timestamp + (n * 11 %% 1000) * '1 day'::interval,
                              'YYYY-MM-DD"T"HH24:MI:SS.000"Z"'),
           'is_vip', n %% 300 = 0,
           'topics', jsonb_build_array('t' || n * 3 %% 300),
           'lifecyclestage', (ARRAY['lead', 'customer', 'other'])[n %% 3 + 1],
           'message', repeat('a longer text, as contacts have ', 10))),
       1, %(at)s, %(at)s
  FROM generate_series(1, %(many)s) AS n
"""
ADDRESSES = """
INSERT INTO contact_address (account_id, address, contact_id, is_primary, is_live)
SELECT account_id, email, id, true, true FROM contact WHERE account_id = %(account_id)s
"""
STATUS = """
INSERT INTO marketing_contact (account_id, contact_id, since, source_type, source_id, change_id)
SELECT account_id, id, created_at, 'IMPORT', '1', %(change_id)s FROM contact
 WHERE account_id = %(account_id)s AND id %% 3 = 0
"""


@pytest.fixture
def large(account: AccountInfo) -> AccountInfo:
    """An account of many contacts with indexed properties, made inside the test's transaction."""
    by = system(SourceType.IMPORT)
    for definition in OWN:
        create_property(account.id, definition, by=by, now=JAN_10)
    change_id = open_change(account.id, Kind.STATUS_STARTED, by=by, at=JAN_10)
    params = {"account_id": account.id, "many": MANY, "at": JAN_10, "change_id": change_id}
    for statement in (CONTACTS, ADDRESSES, STATUS):
        sql.execute(statement, params)
    definitions = properties.definitions(account.id)
    for name in INDEXED:
        indexing.index_property(account.id, name, by=by, now=JAN_10)
        number = index_of(account, name)
        statements = [
            indexing.create_statement(account.id, number, definitions[name], how=""),
            *(
                []
                if name == "topics"
                else [indexing.statistics_statement(account.id, number, definitions[name])]
            ),
        ]
        for made in statements:
            sql.execute(made.as_string())
    PropertyIndex.objects.update(state=IndexState.READY)
    for table in ("contact", "contact_address", "marketing_contact"):
        sql.execute(f"ANALYZE {table}")
    return account


def index_of(account: AccountInfo, name: str) -> int:
    return PropertyIndex.objects.get(account_id=account.id, name=name).id


def sort_by(account: AccountInfo, name: str) -> Sort:
    if name in queries.SORTS:
        return queries.SORTS[name]
    return queries.property_sort(properties.definitions(account.id)[name], is_indexed=True)


def page_of(
    account: AccountInfo, written: dict[str, Any] | None, sort: str, after: str = ""
) -> Page:
    selection = Selection(filter=from_json(written) if written else None)
    return queries.page(
        account.id,
        conditions_of(account.id, selection, reach=EVERYTHING, today=JAN),
        today=JAN,
        sort=sort_by(account, sort.removeprefix("-")),
        is_descending=not sort or sort.startswith("-"),
        after=after,
        limit=SIZE,
    )


def plans_of(work: Callable[[], Any]) -> list[dict[str, Any]]:
    """How each statement of some work is carried out, with what it reads."""
    plans = []

    def explained(execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:
        if statement.lstrip().startswith(("SELECT", "WITH")) and "FROM contact AS c" in statement:
            execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", params, many, context)
            told = context["cursor"].fetchone()[0]
            [plan] = json.loads(told) if isinstance(told, str) else told
            plans.append(plan["Plan"])
        return execute(statement, params, many, context)

    with connection.execute_wrapper(explained):
        work()
    return plans


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def rows_read(plans: list[dict[str, Any]]) -> int:
    """How many contacts were looked at, those that were not wanted among them."""
    return sum(
        (
            node["Actual Rows"]
            + node.get("Rows Removed by Filter", 0)
            + node.get("Rows Removed by Index Recheck", 0)
        )
        * node["Actual Loops"]
        for plan in plans
        for node in nodes(plan)
        if node.get("Relation Name") == "contact"
    )


def indexes_used(plans: list[dict[str, Any]]) -> set[str]:
    return {
        str(node["Index Name"]) for plan in plans for node in nodes(plan) if "Index Name" in node
    }


def _is(name: str, value: Any, operator: str = "is") -> dict[str, Any]:
    return {"property": name, "operator": operator, "value": value}


#: (filter, sort, the property whose index serves, the rows read for each that is shown at most).
#: Without a property: by an index that every account has.
SERVED: list[tuple[dict[str, Any] | None, str, str | None, int]] = [
    (None, "city", "city", 1),
    (None, "-city", "city", 1),
    (None, "score", "score", 1),
    (None, "-seen_at", "seen_at", 1),
    (_is("city", "CITY 31"), "", "city", 1),
    (_is("score", 500, "gte"), "-score", "score", 1),
    (_is("score", [100, 200], "between"), "score", "score", 1),
    (_is("company", "company 99", "starts_with"), "company", "company", 1),
    (_is("met_on", ["2026-06-01", "2026-09-01"], "between"), "met_on", "met_on", 1),
    (_is("seen_at", 300, "in_last_days"), "seen_at", "seen_at", 1),
    (_is("seen_at", 30, "in_next_days"), "-seen_at", "seen_at", 1),
    (_is("email", "person77@example.com"), "", None, 1),
    # Every third contact counts.
    ({"and": [_is("city", "City 31"), {"counts": True}]}, "", "city", 4),
    ({"counts": False}, "name", None, 4),
    ({"or": [{"counts": False}, _is("city", "City 31")]}, "name", None, 4),
]


def test_the_first_page_and_a_later_one_read_little_besides_their_rows(large: AccountInfo) -> None:
    for written, sort, by, times in SERVED:
        first = page_of(large, written, sort)
        assert first.rows, written
        for key in filter(None, ("first", first.next_key)):
            after = "" if key == "first" else key
            plans = plans_of(lambda w=written, s=sort, a=after: page_of(large, w, s, a))  # type: ignore[misc]
            assert rows_read(plans) <= times * (SIZE + BEYOND), (written, sort, plans)
            if by is not None:
                assert index_name(large.id, index_of(large, by)) in indexes_used(plans)


def test_the_10_000th_contact_s_page_costs_what_the_first_costs(large: AccountInfo) -> None:
    for sort, unknown in (("city", MANY // 10), ("-score", MANY // 4)):
        name = sort.removeprefix("-")
        values = sql.row(
            f"SELECT {queries.property_sort(properties.definitions(large.id)[name]).parts[0].key}"
            "::text, c.id FROM contact AS c WHERE c.account_id = %(account_id)s "
            "AND c.properties ? %(sort_property)s ORDER BY c.id OFFSET 10000 LIMIT 1",
            {"account_id": large.id, "sort_property": name},
        )
        assert values is not None
        known = queries.edge_key(0, values[0], values[1])
        plans = plans_of(lambda sort=sort, key=known: page_of(large, None, sort, key))  # type: ignore[misc]
        assert rows_read(plans) <= SIZE + BEYOND
        # Those without a value come last, in either direction.
        middle = sql.row(
            "SELECT id FROM contact WHERE account_id = %(account_id)s "
            "AND NOT properties ? %(name)s ORDER BY id OFFSET %(half)s LIMIT 1",
            {"account_id": large.id, "name": name, "half": unknown // 2},
        )
        assert middle is not None
        last = queries.edge_key(1, None, middle[0])
        plans = plans_of(lambda sort=sort, key=last: page_of(large, None, sort, key))  # type: ignore[misc]
        assert rows_read(plans) <= SIZE + BEYOND


FOUND: list[tuple[dict[str, Any], str]] = [
    (_is("company", ["company 5", "Company 6", "nowhere"], "is_any_of"), "company"),
    (_is("company", [f"company {n}" for n in range(1000, 1200)], "is_any_of"), "company"),
    (_is("company", "company 5" + "x" * 300), "company"),
    (_is("score", [7, 8], "is_any_of"), "score"),
    (_is("score", 995, "gt"), "score"),
    (_is("met_on", "2026-02-03"), "met_on"),
    (_is("topics", ["t3", "t6"], "is_any_of"), "topics"),
    (_is("topics", ["t3", "t6"], "has_all_of"), "topics"),
    ({"or": [_is("score", 8), _is("company", "company 5")]}, "company"),
    ({"or": [_is("score", 8), _is("company", "company 5")]}, "score"),
]


def test_a_filter_on_an_indexed_property_reads_those_it_finds(large: AccountInfo) -> None:
    for written, by in FOUND:
        selection = Selection(filter=from_json(written))
        chosen = compile_selection(large.id, selection, reach=EVERYTHING, today=JAN)
        plans = plans_of(lambda c=chosen: sql.rows(c.text, c.params))  # type: ignore[misc]
        assert index_name(large.id, index_of(large, by)) in indexes_used(plans), written
        assert rows_read(plans) <= len(sql.rows(chosen.text, chosen.params)) + BEYOND


def counted(account: AccountInfo, written: dict[str, Any]) -> tuple[Count, int]:
    """The total of a page, and how many contacts were read for it."""
    where = conditions_of(
        account.id, Selection(filter=from_json(written)), reach=EVERYTHING, today=JAN
    )
    found: list[Count] = []
    plans = plans_of(lambda: found.append(queries.count(account.id, where)))
    return found[0], rows_read(plans)


def test_no_total_is_counted_by_reading_everybody_on_the_way_of_a_page(
    large: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_all = sql.row(
        "EXPLAIN (FORMAT JSON) SELECT FROM contact WHERE account_id = %(id)s", {"id": large.id}
    )
    assert of_all is not None
    [told] = json.loads(of_all[0]) if isinstance(of_all[0], str) else of_all[0]
    # As if there were far more of them.
    monkeypatch.setattr(queries, "COUNT_COST", told["Plan"]["Total Cost"] / 2)
    for written in (_is("zip", "00007"), _is("zip", "07", "contains"), _is("is_vip", value=True)):
        estimate, read = counted(large, written)
        assert not estimate.is_exact and read == 0
    exact, read = counted(large, _is("company", "Company 17"))
    assert exact == Count(MANY // 1000, is_exact=True) and read <= exact.value + BEYOND
    monkeypatch.undo()
    assert counted(large, _is("zip", "00007"))[0] == Count(MANY // 5000, is_exact=True)


def test_a_total_is_exact_up_to_a_bound_and_estimated_above(large: AccountInfo) -> None:
    many, read = counted(large, {"counts": False})
    assert not many.is_exact
    assert abs(many.value - MANY * 2 // 3) < MANY // 20
    assert read <= 2 * queries.COUNT_BOUND


def test_what_was_found_by_an_index_is_what_is_found_without(large: AccountInfo) -> None:
    for written in (
        _is("company", ["company 5", "COMPANY 6"], "is_any_of"),
        _is("company", "company 1", "starts_with"),
        _is("score", 995, "gt"),
        _is("met_on", 300, "more_than_days_ahead"),
        _is("seen_at", 300, "in_last_days"),
        _is("topics", ["t3", "t6"], "is_any_of"),
        {"property": "city", "operator": "is_unknown"},
    ):
        selection = Selection(filter=from_json(written))

        def found(selection: Selection = selection) -> int:
            where = conditions_of(large.id, selection, reach=EVERYTHING, today=JAN_20.date())
            return queries.count_exactly(large.id, where)

        served = found()
        PropertyIndex.objects.update(state=IndexState.REMOVING)
        assert found() == served > 0
        PropertyIndex.objects.update(state=IndexState.READY)
