"""Files as people have them, and imports from the first step to the last."""

import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl

from marketable import sql
from marketable.accounts.queries import AccountInfo
from marketable.history.sources import Source, SourceType, system
from marketable.transfers import queries
from marketable.transfers import services as transfers
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import Marketing, Mode
from tests.make import JAN_20

BY = system(SourceType.COMMAND)


def csv_of(*rows: str) -> bytes:
    return ("\n".join(rows) + "\n").encode()


def workbook_of(*rows: Sequence[Any]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def draft(account: AccountInfo, content: bytes, *, by: Source = BY) -> ImportView:
    return transfers.keep_file(account.id, io.BytesIO(content), "people.csv", by=by, now=JAN_20)


def checked(
    account: AccountInfo,
    content: bytes,
    *,
    columns: Mapping[str, Any] | None = None,
    marketing: Marketing = Marketing.LEAVE,
    mode: Mode = Mode.UPSERT,
    include_unreachable: bool = False,
    date_order: str = "ymd",
    decimal_comma: bool = False,
    by: Source = BY,
    now: datetime = JAN_20,
) -> ImportView:
    """An import after its check; `columns` maps headers, or the suggestion is taken."""
    view = draft(account, content, by=by)
    chosen = [columns.get(one) for one in view.headers] if columns is not None else view.mapping
    transfers.set_mapping(
        account.id,
        view.id,
        [{"property": one} if isinstance(one, str) else one for one in chosen],
        date_order=date_order,
        decimal_comma=decimal_comma,
    )
    transfers.set_options(
        account.id,
        view.id,
        mode=mode,
        marketing_option=marketing,
        include_unreachable=include_unreachable,
    )
    transfers.begin_check(account.id, view.id)
    return transfers.check(account.id, view.id, now=now)


def bring_in(
    account: AccountInfo, content: bytes, *, now: datetime = JAN_20, **options: Any
) -> ImportView:
    """An import from the file to the last row, that expects what its plan says."""
    view = checked(account, content, now=now, **options)
    planned, _plan = transfers.plan_of(account.id, view.id, now=now)
    by = options.get("by", BY)
    transfers.start(account.id, view.id, expected=planned.marketing_started, by=by, now=now)
    return finish(account, view.id, now=now)


def finish(account: AccountInfo, import_id: int, *, now: datetime = JAN_20) -> ImportView:
    while transfers.work_on(account.id, import_id, now=now):
        pass
    return queries.import_run(account.id, import_id)


def contact_with(account: AccountInfo, email: str) -> dict[str, Any]:
    """What is stored of the live contact with an address."""
    [(contact_id, properties)] = sql.rows(
        "SELECT contact.id, contact.properties::text FROM contact JOIN contact_address AS owner "
        "ON owner.account_id = contact.account_id AND owner.contact_id = contact.id "
        "AND owner.is_live WHERE contact.account_id = %(account_id)s AND owner.address = %(email)s",
        {"account_id": account.id, "email": email},
    )
    return {"id": contact_id, **json.loads(properties)}


def reasons(view: ImportView) -> list[tuple[int, str, str]]:
    """(line, code, property) of the rows of an import that were not taken."""
    [account_id] = sql.rows("SELECT account_id FROM import_run WHERE id = %(id)s", {"id": view.id})[
        0
    ]
    return queries.failures(account_id, view.id)


def failures_path(view: ImportView) -> Path:
    return queries.folder() / view.failures_as
