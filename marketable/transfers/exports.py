"""Contacts as CSV. The text is made by the server's own COPY, so an export is about as quick as
reading the table, and memory does not grow with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from django.db import connection
from psycopg import sql as pg

from marketable import clock
from marketable.accounts import queries as accounts
from marketable.billing.rules import today_in
from marketable.contacts.queries import ORIGIN, ORIGIN_VALUES
from marketable.properties import queries as properties
from marketable.properties.defaults import DERIVED
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.segments.fields import REASON_CASE
from marketable.sql import SubQuery

MOMENT = "to_char({value} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

#: Columns that are no stored property; `m` is the status row if it counts.
SPECIAL = {
    "hs_object_id": "c.id",
    "email": "c.email",
    "createdate": MOMENT.format(value="c.created_at"),
    "lastmodifieddate": MOMENT.format(value="c.updated_at"),
    "hs_createdate": MOMENT.format(value="c.created_at"),
    "hs_lastmodifieddate": MOMENT.format(value="c.updated_at"),
    "hs_email_domain": "split_part(c.email, '@', 2)",
    "hs_marketable_status": "m.contact_id IS NOT NULL",
    "hs_marketable_until_renewal": "m.leaving_on IS NOT NULL",
    "hs_marketable_reason_type": REASON_CASE.format(source="m.source_type"),
    "hs_marketable_reason_id": "m.source_id",
    "marketable_since": MOMENT.format(value="m.since"),
    "marketable_leaving_on": "m.leaving_on",
    "hs_additional_emails": "(SELECT string_agg(other.address, ';' ORDER BY other.address) "
    "FROM contact_address AS other WHERE other.account_id = c.account_id "
    "AND other.contact_id = c.id AND NOT other.is_primary)",
}
#: What created a contact is looked up for each, so a whole export leaves it out unless it is named.
LOOKED_UP = {name: value.format(change="origin") for name, value in ORIGIN_VALUES.items()}
BOOLEANS = frozenset({"hs_marketable_status", "hs_marketable_until_renewal"})
#: Those that people could have written, beside stored texts.
TEXTS = frozenset(
    {
        *("email", "hs_additional_emails", "hs_marketable_reason_id"),
        *("hs_object_source_id", "hs_object_source_detail_1"),
    }
)
NOT_STORED = {**SPECIAL, **LOOKED_UP}
ORIGINS = f"LEFT JOIN LATERAL (SELECT origin.* {ORIGIN}) AS origin ON true"
#: Names that the table's columns have besides those of properties.
ALIASES = {
    "status": "hs_marketable_status",
    "source": "hs_marketable_reason_type",
    "since": "marketable_since",
    "leaving_on": "marketable_leaving_on",
}
#: J19: no spreadsheet may take a value for a formula. The first characters are = + - @, a tab and
#: a line's end; comparing their number is quicker than a pattern.
SAFE = "CASE WHEN ascii({value}) IN (61, 43, 45, 64, 9, 13) THEN '''' || {value} ELSE {value} END"
#: Types whose values are no texts, and begin like a formula only as a number below zero.
HARMLESS = frozenset(
    {PropertyType.NUMBER, PropertyType.BOOL, PropertyType.DATE, PropertyType.DATETIME}
)


@dataclass(frozen=True, slots=True)
class Exported:
    contact_count: int
    columns: tuple[str, ...]
    byte_count: int


def export_contacts(
    account_id: int,
    chosen: SubQuery,
    columns: Sequence[str],
    out: BinaryIO,
    *,
    with_bom: bool = True,
    now: datetime | None = None,
) -> Exported:
    """Write the chosen contacts as CSV in order of their numbers.

    columns   names of properties, or of the table's columns; unknown ones are left out. The first
              columns are always the record's number and the address
    with_bom  for spreadsheets that take UTF-8 for something else without it

    The status is that of the account's date now (S1); an account without the feature has none (E4).
    """
    account = accounts.account(account_id)
    definitions = properties.definitions(account_id)
    wanted = expanded(columns, with_status=account.has_marketing_contacts)
    names = [
        name
        for name in dict.fromkeys(["hs_object_id", "email", *wanted])
        if name in NOT_STORED or name in definitions
    ]
    stored = {name: f"p{place}" for place, name in enumerate(names) if name not in NOT_STORED}
    statement = pg.SQL(
        "COPY (SELECT {columns} FROM {contacts} LEFT JOIN marketing_contact AS m "
        "ON m.account_id = {account_id} AND m.contact_id = c.id "
        "AND (m.leaving_on IS NULL OR m.leaving_on > {today}) {origins} ORDER BY c.id) "
        "TO STDOUT WITH (FORMAT csv, HEADER true)"
    )
    with connection.cursor() as cursor:
        # COPY takes no parameters: the client writes the selection's values as literals.
        belongs = cursor.cursor.mogrify(chosen.belongs, {**chosen.params, "account_id": account_id})
        whole = statement.format(
            columns=pg.SQL(", ").join(
                pg.SQL("{} AS {}").format(
                    _expression(name, definitions.get(name), stored), pg.Identifier(name)
                )
                for name in names
            ),
            contacts=_contacts(definitions, stored, account_id, belongs),
            account_id=pg.Literal(account_id),
            origins=pg.SQL(ORIGINS if LOOKED_UP.keys() & names else ""),
            today=pg.Literal(today_in(account.zone, now or clock.now())),
        )
        written = 0
        if with_bom:
            written += out.write(b"\xef\xbb\xbf")
        with cursor.copy(whole) as copy:
            for block in copy:
                written += out.write(block)
        return Exported(int(cursor.rowcount), tuple(names), written)


def _contacts(
    definitions: Mapping[str, PropertyDef], stored: Mapping[str, str], account_id: int, belongs: str
) -> pg.Composable:
    """Return the chosen contacts with each value that is needed taken out of the record once."""
    values = [
        pg.SQL(", {} AS {}").format(_value(definitions[name]), pg.Identifier(column))
        for name, column in stored.items()
    ]
    return pg.SQL(
        "(SELECT c.account_id, c.id, c.email, c.created_at, c.updated_at{values} "
        "FROM contact AS c WHERE c.account_id = {account_id} AND {belongs} ORDER BY c.id) AS c"
    ).format(
        values=pg.SQL("").join(values), account_id=pg.Literal(account_id), belongs=pg.SQL(belongs)
    )


def _value(definition: PropertyDef) -> pg.Composable:
    name = pg.Literal(definition.name)
    if definition.is_multiple:
        return pg.SQL(
            "(SELECT string_agg(one, ';') FROM jsonb_array_elements_text("
            "CASE WHEN jsonb_typeof(c.properties->{name}) = 'array' "
            "THEN c.properties->{name} ELSE '[]' END) AS one)"
        ).format(name=name)
    return pg.SQL("c.properties->>{}").format(name)


def _expression(
    name: str, definition: PropertyDef | None, stored: Mapping[str, str]
) -> pg.Composable:
    if name in BOOLEANS:
        return pg.SQL("CASE WHEN " + SPECIAL[name] + " THEN 'true' ELSE 'false' END")
    if name in TEXTS:
        return pg.SQL(SAFE.format(value=f"({NOT_STORED[name]})"))
    if name in NOT_STORED:
        return pg.SQL(NOT_STORED[name])
    assert definition is not None
    if definition.type in HARMLESS:
        return pg.SQL(f"c.{stored[name]}")
    return pg.SQL(SAFE.format(value=f"c.{stored[name]}"))


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
    """Return every property of the account that is kept or that an export can tell, for a whole
    export."""
    untold = {one.name for one in DERIVED} - SPECIAL.keys()
    return [name for name in properties.definitions(account_id) if name not in untold]
