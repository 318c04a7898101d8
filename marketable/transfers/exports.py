"""Contacts as CSV. The text is made by the server's own COPY, so an export is about as quick as
reading the table, and memory does not grow with it."""

from collections.abc import Sequence
from typing import BinaryIO

from django.db import connection
from psycopg import sql as pg

from marketable import clock
from marketable.accounts import queries as accounts
from marketable.billing.rules import today_in
from marketable.properties import queries as properties
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.sql import SubQuery

MOMENT = "to_char({value} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
COUNTS = "(m.contact_id IS NOT NULL)"

#: Columns that are no stored property; `m` is the status row if it counts.
SPECIAL = {
    "hs_object_id": "c.id::text",
    "email": "c.email",
    "createdate": MOMENT.format(value="c.created_at"),
    "lastmodifieddate": MOMENT.format(value="c.updated_at"),
    "hs_marketable_status": f"CASE WHEN {COUNTS} THEN 'true' ELSE 'false' END",
    "hs_marketable_until_renewal": "CASE WHEN m.leaving_on IS NOT NULL THEN 'true' "
    "ELSE 'false' END",
    "hs_marketable_reason_type": "m.source_type",
    "hs_marketable_reason_id": "m.source_id",
    "marketable_since": MOMENT.format(value="m.since"),
    "marketable_leaving_on": "m.leaving_on::text",
    "hs_additional_emails": "(SELECT string_agg(other.address, ';' ORDER BY other.address) "
    "FROM contact_address AS other WHERE other.account_id = c.account_id "
    "AND other.contact_id = c.id AND NOT other.is_primary)",
}
#: Names that the table's columns have besides those of properties.
ALIASES = {
    "status": "hs_marketable_status",
    "source": "hs_marketable_reason_type",
    "since": "marketable_since",
    "leaving_on": "marketable_leaving_on",
}
#: J19: no spreadsheet may take a value for a formula. Telephone numbers and numbers below zero
#: begin like one and are none.
SAFE = (
    "CASE WHEN ({value}) ~ '^[=@\\t\\r]' OR (({value}) ~ '^[+-]' AND ({value}) !~ '^[+-][0-9 ().,/-]*$') "
    "THEN '''' || ({value}) ELSE ({value}) END"
)


def export_contacts(
    account_id: int,
    chosen: SubQuery,
    columns: Sequence[str],
    out: BinaryIO,
    *,
    with_bom: bool = True,
) -> int:
    """Write the chosen contacts as CSV in order of their numbers; return how many bytes.

    columns   names of properties, or of the table's columns; unknown ones are left out. The first
              columns are always the record's number and the address
    with_bom  for spreadsheets that take UTF-8 for something else without it

    The status is that of the account's date now (S1); an account without the feature has none (E4).
    """
    account = accounts.account(account_id)
    definitions = properties.definitions(account_id)
    names = list(
        dict.fromkeys(
            [
                "hs_object_id",
                "email",
                *expanded(columns, with_status=account.has_marketing_contacts),
            ]
        )
    )
    names = [name for name in names if name in SPECIAL or name in definitions]
    selected = pg.SQL(", ").join(
        pg.SQL("{} AS {}").format(_expression(name, definitions.get(name)), pg.Identifier(name))
        for name in names
    )
    today = today_in(account.zone, clock.now())
    statement = pg.SQL(
        "COPY (SELECT {columns} FROM contact AS c LEFT JOIN marketing_contact AS m "
        "ON m.account_id = c.account_id AND m.contact_id = c.id "
        "AND (m.leaving_on IS NULL OR m.leaving_on > {today}) "
        "WHERE c.account_id = {account_id} AND c.id IN ({chosen}) ORDER BY c.id) "
        "TO STDOUT WITH (FORMAT csv, HEADER true)"
    )
    with connection.cursor() as cursor:
        # COPY takes no parameters: the client writes the selection's values as literals.
        text = cursor.cursor.mogrify(chosen.text, {**chosen.params, "account_id": account_id})
        whole = statement.format(
            columns=selected,
            today=pg.Literal(today),
            account_id=pg.Literal(account_id),
            chosen=pg.SQL(text),
        )
        written = 0
        if with_bom:
            written += out.write(b"\xef\xbb\xbf")
        with cursor.copy(whole) as copy:
            for block in copy:
                written += out.write(block)
    return written


def expanded(columns: Sequence[str], *, with_status: bool) -> list[str]:
    """Return property names for the table's columns; a name is its two parts."""
    found: list[str] = []
    for column in columns:
        if column == "name":
            found += ["firstname", "lastname"]
        else:
            found.append(ALIASES.get(column, column))
    if with_status:
        return found
    return [name for name in found if not name.startswith(("hs_marketable", "marketable_"))]


def all_columns(account_id: int) -> list[str]:
    """Return every property of the account, for a whole export."""
    return list(properties.definitions(account_id))


def _expression(name: str, definition: PropertyDef | None) -> pg.Composable:
    if name in SPECIAL and name not in {"email", "hs_additional_emails", "hs_marketable_reason_id"}:
        return pg.SQL(SPECIAL[name])
    if name in SPECIAL:
        return pg.SQL(SAFE).format(value=pg.SQL(SPECIAL[name]))
    assert definition is not None
    value = pg.SQL("c.properties->>{}").format(pg.Literal(name))
    if definition.is_multiple:
        value = pg.SQL(
            "(SELECT string_agg(one, ';') FROM jsonb_array_elements_text("
            "CASE WHEN jsonb_typeof(c.properties->{name}) = 'array' "
            "THEN c.properties->{name} ELSE '[]' END) AS one)"
        ).format(name=pg.Literal(name))
    if definition.type in {PropertyType.NUMBER, PropertyType.BOOL, PropertyType.DATE}:
        return value
    return pg.SQL(SAFE).format(value=value)
