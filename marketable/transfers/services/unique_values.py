"""Values of unique properties in a file: one contact each."""

from collections.abc import Mapping
from typing import Any

from marketable import sql
from marketable.contacts.services.upsert import Upserted
from marketable.properties import queries as properties


def _unique_names(account_id: int) -> list[str]:
    return [one.name for one in properties.definitions(account_id).values() if one.is_unique]


def refuse_taken_values(account_id: int, import_id: int, batch: Mapping[str, Any]) -> int:
    """Set aside rows whose value of a unique property another contact or an earlier row has."""
    refused = 0
    for name in _unique_names(account_id):
        found = sql.row(
            "WITH valued AS (SELECT row.line, owner.contact_id, "
            "lower((coalesce(row.only_new, '{}') || coalesce(row.if_empty, '{}') "
            "|| coalesce(row.always, '{}'))->>%(name)s) AS value "
            "FROM import_row AS row LEFT JOIN contact_address AS owner "
            "ON owner.account_id = row.account_id AND owner.address = row.email AND owner.is_live "
            "WHERE row.account_id = %(account_id)s AND row.import_id = %(import_id)s "
            "AND row.line <= %(upto)s), taken AS (SELECT line FROM (SELECT valued.*, "
            "row_number() OVER (PARTITION BY value ORDER BY line) AS place FROM valued "
            "WHERE value IS NOT NULL) AS valued WHERE place > 1 OR EXISTS (SELECT FROM "
            "unique_value WHERE unique_value.account_id = %(account_id)s "
            "AND unique_value.name = %(name)s AND unique_value.value = valued.value "
            "AND unique_value.contact_id IS DISTINCT FROM valued.contact_id)), "
            "gone AS (DELETE FROM import_row WHERE account_id = %(account_id)s "
            "AND import_id = %(import_id)s AND line IN (SELECT line FROM taken) RETURNING line), "
            "told AS (INSERT INTO import_failure (account_id, import_id, line, code, field) "
            "SELECT %(account_id)s, %(import_id)s, line, 'DUPLICATE_UNIQUE_PROPERTY_VALUE', "
            "%(name)s FROM gone) SELECT count(*) FROM gone",
            {**batch, "name": name},
        )
        assert found is not None
        refused += int(found[0])
    return refused


def remember_values(account_id: int, taken: Upserted) -> None:
    """Make the contacts of a batch the holders of their values of unique properties."""
    for name in _unique_names(account_id):
        params = {
            "account_id": account_id,
            "name": name,
            "ids": [*taken.created, *taken.present],
        }
        sql.execute(
            "DELETE FROM unique_value USING contact WHERE unique_value.account_id = "
            "%(account_id)s AND unique_value.name = %(name)s "
            "AND unique_value.contact_id = ANY(%(ids)s) "
            "AND contact.account_id = unique_value.account_id "
            "AND contact.id = unique_value.contact_id "
            "AND lower(contact.properties->>%(name)s) IS DISTINCT FROM unique_value.value",
            params,
        )
        sql.execute(
            "INSERT INTO unique_value (account_id, name, value, contact_id) "
            "SELECT account_id, %(name)s, lower(properties->>%(name)s), id FROM contact "
            "WHERE account_id = %(account_id)s AND id = ANY(%(ids)s) "
            "AND properties ? %(name)s ON CONFLICT DO NOTHING",
            params,
        )
