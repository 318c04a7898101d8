"""The contacts page: first and 10,000th page in several orders, against the bare statement of one
page. Twice: the reading alone, and the whole answer over HTTP without its template."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any
from unittest.mock import patch

from django.db import connection
from django.http import HttpResponse
from django.template.backends.django import Template
from django.test import Client
from django.urls import reverse

from bench.account import BenchAccount
from bench.figures import Figure, Stopwatch, measured, seconds_of
from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts.models import User
from marketable.accounts.queries import EVERYTHING
from marketable.billing.rules import today_in
from marketable.contacts import queries
from marketable.marketing_status.rules import Status
from marketable.segments.selection import Selection, conditions_of

GOAL = 1.5
ROUNDS = 41
SIZE = 50
PAGE = 10_000

ROW = """
SELECT c.id, c.email, c.properties, c.created_at, c.updated_at, m.since, m.source_type, m.leaving_on
"""
STATUS = "JOIN marketing_contact AS m ON m.account_id = c.account_id AND m.contact_id = c.id"
ANY_STATUS = f"LEFT {STATUS} {{bound}}"
LIVE = "c.account_id = %(account_id)s AND c.archived_at IS NULL"
EVERYBODY = f"FROM contact AS c {ANY_STATUS} WHERE {LIVE} {{beyond}}"


class Order:
    """An order of the table and its bare statement.

    bare  what follows SELECT, with {beyond} for the condition of a later page, and {bound} for the
          same on the status row
    key   what the edge of a page is compared by besides the number; empty for none
    number  the contact's number in the table that is walked
    """

    def __init__(
        self,
        name: str,
        sort: str,
        bare: str,
        *,
        key: str = "",
        number: str = "c.id",
        is_descending: bool = False,
        status: Status | None = None,
    ) -> None:
        self.name, self.sort, self.bare, self.key = name, sort, bare, key
        self.number, self.is_descending, self.status = number, is_descending, status

    def statement(self, *, later: bool) -> str:
        direction = "DESC" if self.is_descending else "ASC"
        sign = "<" if self.is_descending else ">"
        edge, order = f"{self.number} {sign} %(id)s", f"{self.number} {direction}"
        if self.key:
            edge = f"({self.key}, {self.number}) {sign} (%(value)s, %(id)s)"
            order = f"{self.key} {direction}, {order}"
        is_bound = later and not self.key
        bare = self.bare.format(
            beyond=f"AND {edge}" if later else "",
            bound=f"AND {edge.replace('c.id', 'm.contact_id')}" if is_bound else "",
        )
        return f"{ROW} {bare} ORDER BY {order} LIMIT {SIZE}"


ORDERS = (
    Order("newest", "", EVERYBODY, is_descending=True),
    Order(
        "by name",
        "name",
        EVERYBODY,
        key="c.name_key",
    ),
    Order(
        "by e-mail, descending",
        "email",
        "FROM contact_address AS a JOIN contact AS c ON c.account_id = a.account_id "
        f"AND c.id = a.contact_id {ANY_STATUS} WHERE {LIVE} AND a.account_id = c.account_id "
        "AND a.is_live AND a.is_primary {beyond}",
        key="a.address",
        number="a.contact_id",
        is_descending=True,
    ),
    Order(
        "by last change, descending",
        "lastmodifieddate",
        EVERYBODY,
        key="c.updated_at",
        is_descending=True,
    ),
    Order(
        "by status",
        "status",
        f"FROM contact AS c {STATUS} {{bound}} WHERE {LIVE} AND m.leaving_on IS NULL {{beyond}}",
    ),
    Order(
        "marketing ones, newest",
        "",
        f"FROM contact AS c {STATUS} {{bound}} WHERE {LIVE} AND m.leaving_on IS NULL {{beyond}}",
        is_descending=True,
        status=Status.MARKETING,
    ),
    Order(
        "non-marketing ones, newest",
        "",
        f"FROM contact AS c {ANY_STATUS} WHERE {LIVE} AND m.contact_id IS NULL {{beyond}}",
        is_descending=True,
        status=Status.NON_MARKETING,
    ),
)

#: Measured through the whole of Django as well.
OVER_HTTP = ORDERS[:2]


def figures(account: BenchAccount) -> Iterator[Figure]:
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(pk=account.owner_id))
    for order in ORDERS:
        for is_later in (False, True):
            edge = _edge(account, order) if is_later else None
            page = f"{min(PAGE, account.n // SIZE // 4):,}th" if is_later else "first"
            bare = _bare(account, order, edge)
            name = f"page, {order.name}, {page}"
            yield _measured(name, account, _page(account, order, edge), bare)
            if order in OVER_HTTP:
                yield _measured(
                    f"{name}, over HTTP",
                    account,
                    _answer(client, account, order, edge),
                    _behind_the_door(client, account, order, edge),
                    floor_is="the bare statement behind the same door: session, person, rights",
                )


Edge = tuple[Any, int]


def _measured(
    name: str,
    account: BenchAccount,
    product: Callable[[], float],
    floor: Callable[[], float],
    floor_is: str = "the bare statement of one page, its rows fetched",
) -> Figure:
    for _ in range(3):
        product()
        floor()
    return measured(
        name,
        account.n,
        product=product,
        floor=floor,
        floor_is=floor_is,
        goal=GOAL,
        rounds=ROUNDS,
    )


def _edge(account: BenchAccount, order: Order) -> Edge:
    """Return the last row of the page before the 10,000th, found by counting, which is slow."""
    bare = order.bare.format(beyond="", bound="")
    direction = "DESC" if order.is_descending else "ASC"
    key = order.key or "NULL"
    by = f"{order.number} {direction}"
    if order.key:
        by = f"{order.key} {direction}, {by}"
    found = sql.row(
        f"SELECT {key}, c.id {bare} ORDER BY {by} OFFSET %(skipped)s LIMIT 1",
        {
            "account_id": account.id,
            "skipped": (min(PAGE, account.n // SIZE // 4) - 1) * SIZE - 1,
        },
    )
    assert found is not None
    return found[0], int(found[1])


def _key(order: Order, edge: Edge | None) -> str:
    if edge is None:
        return ""
    value, contact_id = edge
    return queries.edge_key(0, None if value is None else str(value), contact_id)


def _page(account: BenchAccount, order: Order, edge: Edge | None) -> Callable[[], float]:
    today = today_in(accounts.account(account.id).zone, account.now)
    where = conditions_of(account.id, Selection(status=order.status), reach=EVERYTHING, today=today)

    def read() -> None:
        page = queries.page(
            account.id,
            where,
            today=today,
            sort=queries.SORTS[order.sort],
            is_descending=order.is_descending,
            after=_key(order, edge),
            limit=SIZE,
        )
        assert len(page.rows) == SIZE

    return lambda: seconds_of(read)


def _bare(account: BenchAccount, order: Order, edge: Edge | None) -> Callable[[], float]:
    statement = order.statement(later=edge is not None)
    params = {"account_id": account.id}
    if edge is not None:
        params.update(value=edge[0], id=edge[1])

    def read() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            assert len(cursor.fetchall()) == SIZE

    return lambda: seconds_of(read)


def _answer(
    client: Client, account: BenchAccount, order: Order, edge: Edge | None
) -> Callable[[], float]:
    """Return a request of the page, whose time is that of the server less that of the template."""
    from django.core.signing import Signer

    sort = queries.SORTS[order.sort]
    sign = "-" if order.is_descending and order.sort else ""
    query: dict[str, str] = {"sort": sign + order.sort} if order.sort else {}
    if order.status is not None:
        query["status"] = order.status.value
    if edge is not None:
        query["after"] = Signer(salt=f"{sort.key}{sort.params}").sign(_key(order, edge))
    address = reverse("contacts:list", args=[account.id])

    def asked() -> float:
        with _templates() as templates:
            began = perf_counter()
            answer = client.get(address, query)
            seconds = perf_counter() - began
        assert answer.status_code == 200, (answer.status_code, answer.headers)
        assert answer.content.count(b"<tr") > SIZE
        return seconds - templates.seconds

    return asked


def _behind_the_door(
    client: Client, account: BenchAccount, order: Order, edge: Edge | None
) -> Callable[[], float]:
    """Return a request that passes the page's door and then runs its bare statement only."""
    bare = _bare(account, order, edge)
    address = reverse("contacts:list", args=[account.id])

    def answer(request: Any, table: Any) -> HttpResponse:
        bare()
        return HttpResponse()

    def asked() -> float:
        with patch("marketable.web.contacts.views._table_answer", answer):
            return seconds_of(lambda: client.get(address))

    return asked


@contextmanager
def _templates() -> Iterator[Stopwatch]:
    """Measure what templates take while the block runs."""
    watch = Stopwatch()
    render = Template.render

    def timed(template: Template, *args: Any, **kwargs: Any) -> Any:
        began = perf_counter()
        try:
            return render(template, *args, **kwargs)
        finally:
            watch.seconds += perf_counter() - began

    with patch.object(Template, "render", timed):
        yield watch
