"""Mending a checked file on the page: another value for a bad cell, or leaving a row out.

The file itself stays as it came. What is mended lies beside it, as whole rows by line, and every
later reading of the file takes those instead: another check, and the file of rows not taken.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.properties import queries as properties
from marketable.transfers import queries, staging
from marketable.transfers.bad_rows import place_of
from marketable.transfers.errors import RowNotBad, TooLargeToMend, TooManyMended
from marketable.transfers.failures_file import cells_of
from marketable.transfers.models import ImportRun
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import MOST_MENDED, MOST_ROWS_TO_MEND, ImportState
from marketable.transfers.services.checking import settle
from marketable.transfers.services.steps import locked


@sql.retried
def mend_row(account_id: int, import_id: int, line: int, text: str, *, now: datetime) -> ImportView:
    """Put another text into the cell for which a row is not taken, and look at the row again.

    It may be refused once more, for this cell or the next bad one.

    Raises RowNotBad for a row that is taken, or is not refused for one of its cells; TooLargeToMend
    and TooManyMended beyond the limits of what a page can do.
    """
    row = _mendable(account_id, import_id)
    view = queries.import_run(account_id, import_id)
    failed = queries.failures(account_id, import_id, after=line - 1, limit=1)
    if not failed or failed[0][0] != line:
        raise RowNotBad
    place = place_of(view, failed[0][2])
    if place is None:
        raise RowNotBad
    cells = cells_of(account_id, view, line)
    cells[place] = text
    _refuse_too_many(account_id, import_id, line)
    _keep(account_id, import_id, line, cells)
    _take_again(row, view, line, cells)
    return _settled(row, now=now)


@sql.retried
def leave_row_out(account_id: int, import_id: int, line: int, *, now: datetime) -> ImportView:
    """Import the file without a row that is not taken: it is no failure any more."""
    row = _mendable(account_id, import_id)
    if not _forget_failure(account_id, import_id, line):
        raise RowNotBad
    _refuse_too_many(account_id, import_id, line)
    _keep(account_id, import_id, line, ())
    row.total -= 1
    return _settled(row, now=now)


@sql.retried
def put_row_back(account_id: int, import_id: int, line: int, *, now: datetime) -> ImportView:
    """Take back that a row was left out: it is looked at again as it stands in the file."""
    row = _mendable(account_id, import_id)
    if queries.mended(account_id, import_id).get(line) != []:
        raise RowNotBad
    sql.execute(
        "DELETE FROM import_mend WHERE account_id = %(account_id)s "
        "AND import_id = %(import_id)s AND line = %(line)s",
        {"account_id": account_id, "import_id": import_id, "line": line},
    )
    view = queries.import_run(account_id, import_id)
    _take_again(row, view, line, cells_of(account_id, view, line))
    row.total += 1
    return _settled(row, now=now)


def _mendable(account_id: int, import_id: int) -> ImportRun:
    row = locked(account_id, import_id, ImportState.CHECKED)
    if row.total > MOST_ROWS_TO_MEND:
        raise TooLargeToMend
    return row


def _refuse_too_many(account_id: int, import_id: int, line: int) -> None:
    mended = queries.mended(account_id, import_id)
    if line not in mended and len(mended) >= MOST_MENDED:
        raise TooManyMended


def _keep(account_id: int, import_id: int, line: int, cells: Sequence[str]) -> None:
    sql.execute(
        "INSERT INTO import_mend (account_id, import_id, line, cells) "
        "VALUES (%(account_id)s, %(import_id)s, %(line)s, %(cells)s) "
        "ON CONFLICT (account_id, import_id, line) DO UPDATE SET cells = excluded.cells",
        {
            "account_id": account_id,
            "import_id": import_id,
            "line": line,
            "cells": queries.cells_as_text(cells),
        },
    )


def _forget_failure(account_id: int, import_id: int, line: int) -> bool:
    found = sql.row(
        "WITH gone AS (DELETE FROM import_failure WHERE account_id = %(account_id)s "
        "AND import_id = %(import_id)s AND line = %(line)s RETURNING line) "
        "SELECT count(*) FROM gone",
        {"account_id": account_id, "import_id": import_id, "line": line},
    )
    return bool(found and found[0])


def _take_again(row: ImportRun, view: ImportView, line: int, cells: list[str]) -> None:
    """Stage the row, or write why it is not taken."""
    account_id = row.account_id
    columns = staging.columns_taken(
        account_id,
        view.mapping,
        properties.definitions(account_id),
        date_order=str(view.options.get("date_order", "ymd")),
        decimal_comma=bool(view.options.get("decimal_comma")),
        zone=accounts.account(account_id).zone,
    )
    make = staging.row_maker(columns, len(view.headers), account_id)
    block = staging.Block(last=line)
    block.take(line, cells, make, with_address=staging.has_blocked(account_id))
    staging.refuse_blocked(account_id, block)
    _forget_failure(account_id, row.id, line)
    staging.store(account_id, row.id, block)


def _settled(row: ImportRun, *, now: datetime) -> ImportView:
    """Count anew what the file would do."""
    with transaction.atomic():
        settle(row, now=now)
        row.save(update_fields=["check_result", "staged_rows", "total"])
    return queries.view(row)
