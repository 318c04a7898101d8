"""Search as the contacts page does it, against the bare look-up in the index, and the plan for all
that match, against one bare count."""

from collections.abc import Callable, Iterator

from django.db import connection

from bench.account import BenchAccount
from bench.figures import Figure, measured, seconds_of
from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts.queries import EVERYTHING
from marketable.billing.rules import today_in
from marketable.bulk_actions import services as bulk_actions
from marketable.contacts import conditions, queries
from marketable.marketing_status.rules import Event
from marketable.segments.selection import Selection, conditions_of

GOAL = 1.5
ROUNDS = 21
PLAN_ROUNDS = 7
SIZE = 50

#: What people type: two letters, a frequent word, two words, a rare one, an address, a number.
SEARCHES = ("no", "kowalczyk", "anna nowak", "brzęczysz", "jan.1", "@mazur-b", "+48 601", "42")

LOOK_UP = f"""
SELECT c.id, c.email, c.properties, c.created_at, c.updated_at, m.since, m.source_type, m.leaving_on
  FROM (SELECT contact_id FROM (
               SELECT contact_id FROM contact_search
                WHERE account_id = %(account_id)s AND words @@ %(query)s::tsquery
                LIMIT {queries.SEARCH_BOUND}) AS matching
         ORDER BY contact_id DESC LIMIT {SIZE}) AS found
  JOIN contact AS c ON c.account_id = %(account_id)s AND c.id = found.contact_id
  LEFT JOIN marketing_contact AS m ON m.account_id = c.account_id AND m.contact_id = c.id
"""


def figures(account: BenchAccount) -> Iterator[Figure]:
    for text in SEARCHES:
        product, floor = _search(account, text), _look_up(account, text)
        product(), floor()
        yield measured(
            f"search “{text}”",
            account.n,
            product=product,
            floor=floor,
            floor_is="the bare look-up in the index, with the rows of its newest 50 matches",
            goal=GOAL,
            rounds=ROUNDS,
        )


def _search(account: BenchAccount, text: str) -> Callable[[], float]:
    today = today_in(accounts.account(account.id).zone, account.now)
    where = conditions_of(account.id, Selection(), reach=EVERYTHING, today=today)

    def read() -> None:
        page = queries.page(account.id, where, today=today, search=text, limit=SIZE)
        assert page.rows, text

    return lambda: seconds_of(read)


def _look_up(account: BenchAccount, text: str) -> Callable[[], float]:
    params = {
        "account_id": account.id,
        "query": conditions.search_query(account.id, text),
    }

    def read() -> None:
        with connection.cursor() as cursor:
            cursor.execute(LOOK_UP, params)
            assert cursor.fetchall()

    return lambda: seconds_of(read)


def plans(account: BenchAccount) -> Iterator[Figure]:
    def planned() -> None:
        plan = bulk_actions.make_plan(
            account.id, Event.START, Selection(), reach=EVERYTHING, now=account.now
        )
        assert plan.selected == account.n

    def counted() -> None:
        found = sql.row(
            "SELECT count(*) FROM contact WHERE account_id = %(account_id)s "
            "AND archived_at IS NULL",
            {"account_id": account.id},
        )
        assert found == (account.n,)

    planned()
    counted()
    yield measured(
        "plan for all that match",
        account.n,
        product=lambda: seconds_of(planned),
        floor=lambda: seconds_of(counted),
        floor_is="one bare count of them",
        goal=GOAL,
        rounds=PLAN_ROUNDS,
    )
