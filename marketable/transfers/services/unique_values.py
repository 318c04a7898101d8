"""Values of unique properties in a file: one contact each."""

from collections.abc import Mapping
from typing import Any

from marketable import sql
from marketable.contacts import rules as contact_rules
from marketable.contacts.services.upsert import Upserted
from marketable.properties import queries as properties


def _unique_names(account_id: int, mapping: Mapping[str, Any]) -> list[str]:
    """Return the unique properties among those of the file's columns."""
    definitions = properties.definitions(account_id)
    names = (chosen["property"] for chosen in mapping["columns"] if chosen)
    return [name for name in names if name in definitions and definitions[name].is_unique]


def refuse_taken_values(
    account_id: int, mapping: Mapping[str, Any], batch: Mapping[str, Any]
) -> int:
    """Set aside rows whose value of a unique property another contact or an earlier row has."""
    refused = 0
    statement = sql.compose(
        sql.load("transfers", "taken_values"), matched_rows=sql.load("contacts", "matched_rows")
    )
    for name in _unique_names(account_id, mapping):
        found = sql.row(statement, {**batch, "name": name, "stages": list(contact_rules.LIFECYCLE)})
        assert found is not None
        refused += int(found[0])
    return refused


def remember_values(
    account_id: int, import_id: int, mapping: Mapping[str, Any], taken: Upserted
) -> None:
    """Make the contacts of a batch the holders of their values of unique properties, and of no
    older ones. Its rows must still be staged.

    Raises Overtaken when somebody takes a value meanwhile: begun again, the row is refused.
    """
    by_line = {**taken.created, **taken.present}
    for name in _unique_names(account_id, mapping):
        params = {
            "account_id": account_id,
            "import_id": import_id,
            "name": name,
            "lines": list(by_line),
            "ids": list(by_line.values()),
        }
        valued = (
            "FROM unnest(%(lines)s::int[], %(ids)s::bigint[]) AS given (line, contact_id) "
            "JOIN import_row AS row ON row.account_id = %(account_id)s "
            "AND row.import_id = %(import_id)s AND row.line = given.line AND row.keys ? %(name)s "
            "JOIN contact ON contact.account_id = row.account_id AND contact.id = given.contact_id "
            "AND contact.properties->%(name)s = coalesce(row.always->%(name)s, "
            "row.if_empty->%(name)s, row.only_new->%(name)s)"
        )
        sql.execute(
            f"DELETE FROM unique_value AS old USING (SELECT contact_id, keys->>%(name)s AS value "
            f"{valued}) AS fresh WHERE old.account_id = %(account_id)s AND old.name = %(name)s "
            "AND old.contact_id = fresh.contact_id AND old.value <> fresh.value",
            params,
        )
        sql.execute(
            "INSERT INTO unique_value (account_id, name, value, contact_id) "
            f"SELECT %(account_id)s, %(name)s, keys->>%(name)s, contact_id {valued} "
            "ON CONFLICT DO NOTHING",
            params,
        )
        lacking = sql.row(
            f"SELECT EXISTS (SELECT {valued} LEFT JOIN unique_value AS held "
            "ON held.account_id = %(account_id)s AND held.name = %(name)s "
            "AND held.value = keys->>%(name)s AND held.contact_id = given.contact_id "
            "WHERE held.value IS NULL)",
            params,
        )
        if lacking is not None and lacking[0]:
            raise sql.Overtaken
