"""Filters: the live count of five conditions against the best SQL that a person would write for the
same question, and the first page of the table under ten filters and sorts against its bare
statement. The properties that most of them ask of are indexed."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection

from bench.account import BenchAccount
from bench.figures import Figure, measured, seconds_of
from bench.pages import ANY_STATUS, LIVE, ROW, SIZE, STATUS
from marketable import clock, sql
from marketable.accounts import queries as accounts
from marketable.accounts.queries import EVERYTHING
from marketable.billing.rules import today_in
from marketable.contacts import queries
from marketable.contacts.conditions import Condition
from marketable.properties import indexing
from marketable.properties import queries as properties
from marketable.properties.models import PropertyIndex
from marketable.segments.rules import read
from marketable.segments.selection import Selection, conditions_of

COUNT_GOAL, PAGE_GOAL = 1.2, 1.5
COUNT_ROUNDS, PAGE_ROUNDS = 9, 41
INDEXED = ("city", "company", "score", "contract_ends", "lifecyclestage")

FIVE = {
    "and": [
        {"property": "country", "operator": "is_any_of", "value": ["Poland", "Germany"]},
        {"property": "level", "operator": "is_any_of", "value": ["a", "b"]},
        {"property": "score", "operator": "gte", "value": 50},
        {"property": "first_conversion_date", "operator": "gt", "value": "2025-03-31"},
        {"counts": False},
    ]
}
FIVE_BY_HAND = f"""
SELECT count(*) FROM contact AS c LEFT {STATUS}
 WHERE {LIVE} AND m.contact_id IS NULL
   AND lower(c.properties->>'country') IN ('poland', 'germany')
   AND c.properties->>'level' IN ('a', 'b')
   AND (c.properties->>'score')::numeric >= 50
   AND (c.properties->>'first_conversion_date') COLLATE "C" >= '2025-03-31T22:00:00.000Z'
"""

CITY = "(left(lower(c.properties->>'city'), 200) COLLATE \"C\")"
COMPANY = "(left(lower(c.properties->>'company'), 200) COLLATE \"C\")"
STAGE = "(left(c.properties->>'lifecyclestage', 200) COLLATE \"C\")"
ENDS = "(left(c.properties->>'contract_ends', 200) COLLATE \"C\")"
SCORE = (
    "(CASE WHEN jsonb_typeof(c.properties->'score') = 'number' "
    "THEN (c.properties->'score')::numeric END)"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A filter and a sort, and the same by hand: what follows the contact and its status row in
    WHERE, and the order. `{today}` and `{soon}` stand for days."""

    name: str
    filter: dict[str, Any] | None
    where: str
    sort: str = ""
    order: str = "c.id DESC"


def _is(name: str, value: object, operator: str = "is") -> dict[str, Any]:
    return {"property": name, "operator": operator, "value": value}


ASKED = (
    Asked("city is", _is("city", "Kraków"), f"{CITY} = 'kraków'"),
    Asked(
        "city is any of",
        _is("city", ["London", "Berlin"], "is_any_of"),
        f"{CITY} IN ('london', 'berlin')",
    ),
    Asked(
        "company starts, by company",
        _is("company", "ma", "starts_with"),
        f"{COMPANY} >= 'ma' AND {COMPANY} < 'mb'",
        "company",
        f"{COMPANY}, c.id",
    ),
    Asked(
        "score at least 95, by score",
        _is("score", 95, "gte"),
        f"{SCORE} >= 95",
        "-score",
        f"{SCORE} DESC, c.id DESC",
    ),
    Asked(
        "contract ends in 30 days, by its end",
        _is("contract_ends", 30, "in_next_days"),
        f"{ENDS} BETWEEN '{{today}}' AND '{{soon}}'",
        "contract_ends",
        f"{ENDS}, c.id",
    ),
    Asked("by city", None, f"{CITY} IS NOT NULL", "city", f"{CITY}, c.id"),
    Asked("non-marketing", {"counts": False}, "m.contact_id IS NULL"),
    Asked(
        "marketing customers",
        {"and": [_is("lifecyclestage", "customer"), {"marketing_status": "marketing"}]},
        f"{STAGE} = 'customer' AND m.contact_id IS NOT NULL AND m.leaving_on IS NULL",
    ),
    Asked(
        "non-marketing of a city, by name",
        {"and": [_is("city", "Kraków"), {"counts": False}]},
        f"{CITY} = 'kraków' AND m.contact_id IS NULL",
        "name",
        "c.name_key, c.id",
    ),
    Asked(
        "city or non-marketing customers",
        {
            "or": [
                _is("city", "Kraków"),
                {"and": [_is("lifecyclestage", "customer"), {"counts": False}]},
            ]
        },
        f"({CITY} = 'kraków' OR ({STAGE} = 'customer' AND m.contact_id IS NULL))",
    ),
    Asked(
        "not indexed: level and VIP",
        {"and": [_is("level", "a"), _is("is_vip", value=True)]},
        "c.properties->>'level' = 'a' AND c.properties->>'is_vip' = 'true'",
    ),
)


def counts(account: BenchAccount) -> Iterator[Figure]:
    today = today_in(accounts.account(account.id).zone, account.now)
    text = json.dumps(FIVE)

    def product() -> int:
        return queries.count_exactly(account.id, _conditions(account, text))

    def by_hand() -> int:
        found = sql.row(FIVE_BY_HAND, {"account_id": account.id, "today": today})
        assert found is not None
        return int(found[0])

    assert product() == by_hand() > 0
    yield measured(
        "live count of five conditions",
        account.n,
        product=lambda: seconds_of(product),
        floor=lambda: seconds_of(by_hand),
        floor_is="the best SQL by hand for the same question",
        goal=COUNT_GOAL,
        rounds=COUNT_ROUNDS,
    )


def pages(account: BenchAccount) -> Iterator[Figure]:
    for name in INDEXED:
        yield _indexed(account, name)
    for asked in ASKED:
        product, floor = _page(account, asked), _bare(account, asked)
        assert product() == floor(), asked.name
        yield measured(
            f"page, {asked.name}",
            account.n,
            product=lambda work=product: seconds_of(work),  # type: ignore[misc]
            floor=lambda work=floor: seconds_of(work),  # type: ignore[misc]
            floor_is="the bare statement of one page, its rows fetched",
            goal=PAGE_GOAL,
            rounds=PAGE_ROUNDS if asked.name != ASKED[-1].name else COUNT_ROUNDS,
        )


def _indexed(account: BenchAccount, name: str) -> Figure:
    """Mark a property indexed and build its index, against the bare statement that builds it."""
    indexing.index_property(account.id, name, by=account.by, now=account.now)
    row = PropertyIndex.objects.get(account_id=account.id, name=name)
    product = seconds_of(
        lambda: indexing.settle(account.id, row.id, now=clock.now, between=lambda: None)
    )
    return Figure(
        name=f"index of {name}, built beside writers",
        n=account.n,
        seconds=round(product, 6),
        floor="",
        floor_seconds=None,
        ratio=None,
        goal=None,
    )


def _conditions(account: BenchAccount, text: str) -> list[Condition]:
    return conditions_of(
        account.id,
        Selection(filter=read(text)),
        reach=EVERYTHING,
        today=today_in(accounts.account(account.id).zone, account.now),
    )


def _page(account: BenchAccount, asked: Asked) -> Callable[[], list[int]]:
    today = today_in(accounts.account(account.id).zone, account.now)
    definitions, indexed = properties.definitions(account.id), properties.indexed(account.id)
    where = _conditions(account, json.dumps(asked.filter or {"and": []}))
    name = asked.sort.removeprefix("-")
    sort = queries.SORTS.get(name) or queries.property_sort(
        definitions[name], is_indexed=name in indexed
    )

    def read_page() -> list[int]:
        page = queries.page(
            account.id,
            where,
            today=today,
            sort=sort,
            is_descending=not asked.sort or asked.sort.startswith("-"),
            limit=SIZE,
        )
        return [row.id for row in page.rows]

    return read_page


def _bare(account: BenchAccount, asked: Asked) -> Callable[[], list[int]]:
    today = today_in(accounts.account(account.id).zone, account.now)
    where = asked.where.format(today=today, soon=today + timedelta(days=30))
    statement = (
        f"{ROW} FROM contact AS c {ANY_STATUS.format(bound='')} WHERE {LIVE} AND {where} "
        f"ORDER BY {asked.order} LIMIT {SIZE}"
    )

    def read_bare() -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(statement, {"account_id": account.id})
            return [row[0] for row in cursor.fetchall()]

    return read_bare
