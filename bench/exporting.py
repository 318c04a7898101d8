"""A whole account as CSV, against the server's own COPY of the same columns."""

from collections.abc import Iterator
from io import RawIOBase

from django.db import connection

from bench.account import BenchAccount
from bench.figures import Figure, measured, peak_mib, seconds_of
from marketable.accounts import queries as accounts
from marketable.accounts.queries import EVERYTHING
from marketable.billing.rules import today_in
from marketable.segments.selection import Selection, compile_selection
from marketable.transfers.exports import export_contacts

GOAL = 2.5
ROUNDS = 3
COLUMNS = (
    "name",
    "status",
    "source",
    "phone",
    "company",
    "city",
    "country",
    "jobtitle",
    "lifecyclestage",
    "createdate",
)
COPY = """
COPY (SELECT c.id, c.email, c.properties->>'firstname', c.properties->>'lastname',
             m.contact_id IS NOT NULL, m.source_type, c.properties->>'phone',
             c.properties->>'company', c.properties->>'city', c.properties->>'country',
             c.properties->>'jobtitle', c.properties->>'lifecyclestage', c.created_at
        FROM contact AS c
        LEFT JOIN marketing_contact AS m ON m.account_id = c.account_id AND m.contact_id = c.id
       WHERE c.account_id = {account_id} AND c.archived_at IS NULL
       ORDER BY c.id)
TO STDOUT WITH (FORMAT csv, HEADER true)
"""


class Nowhere(RawIOBase):
    """Takes a file's bytes and counts them, so that the disk is no part of the figure."""

    size = 0

    def writable(self) -> bool:
        return True

    def write(self, block: bytes) -> int:  # type: ignore[override]
        self.size += len(block)
        return len(block)


def figures(account: BenchAccount) -> Iterator[Figure]:
    today = today_in(accounts.account(account.id).zone, account.now)
    chosen = compile_selection(account.id, Selection(), reach=EVERYTHING, today=today)

    def product() -> float:
        out = Nowhere()
        seconds = seconds_of(lambda: export_contacts(account.id, chosen, COLUMNS, out))  # type: ignore[arg-type]
        assert out.size > account.n * 50
        return seconds

    def floor() -> float:
        out = Nowhere()

        def copied() -> None:
            with (
                connection.cursor() as cursor,
                cursor.copy(COPY.format(account_id=account.id)) as copy,
            ):
                for block in copy:
                    out.write(block)

        seconds = seconds_of(copied)
        assert out.size > account.n * 50
        return seconds

    product()
    yield measured(
        "export",
        account.n,
        product=product,
        floor=floor,
        floor_is="COPY TO of the same columns",
        goal=GOAL,
        rounds=ROUNDS,
        peak_mib=peak_mib,
    )
