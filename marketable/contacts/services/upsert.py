"""Creating and changing contacts from a batch of staged rows, as one statement."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from marketable import sql
from marketable.contacts import rules
from marketable.contacts.services.values import words_of
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.history.sources import Source
from marketable.properties.defaults import SEARCHED


@dataclass(frozen=True, slots=True)
class Upserted:
    """What became of a batch.

    outcomes   created, updated, unchanged, or a failure's code → rows
    failed     (line, code) of rows that were not taken
    created, present  contacts made, and contacts that were there, changed or not, by line
    """

    outcomes: Counter[str]
    failed: list[tuple[int, str]]
    created: dict[int, int]
    present: dict[int, int]
    change_id: int | None


#: What a contact is found by, besides its addresses, as one value that can be compared.
FOUND_BY = ", ".join(f"{{}}->'{name}'" for name in sorted(SEARCHED - {"email"}))


@sql.retried
def upsert_staged(
    account_id: int,
    import_id: int,
    *,
    after: int,
    upto: int,
    may_create: bool,
    may_update: bool,
    by: Source,
    now: datetime,
) -> Upserted:
    """Take the staged rows of lines after `after` up to `upto`, no contact twice. Writes only what
    differs.

    Raises Overtaken when somebody takes an address meanwhile: begun again, the row is about that
    contact.
    """
    params = {
        "account_id": account_id,
        "import_id": import_id,
        "after": after,
        "upto": upto,
        "stages": list(rules.LIFECYCLE),
        "may_create": may_create,
        "may_update": may_update,
        "now": now,
    }
    # Contacts ascending, before anything is read that the statement below decides by.
    sql.execute(
        "SELECT contact.id FROM import_row AS row JOIN contact_address AS owner "
        "ON owner.account_id = row.account_id AND owner.address = row.email AND owner.is_live "
        "JOIN contact ON contact.account_id = owner.account_id AND contact.id = owner.contact_id "
        "WHERE row.account_id = %(account_id)s AND row.import_id = %(import_id)s "
        "AND row.line > %(after)s AND row.line <= %(upto)s "
        "ORDER BY contact.id FOR NO KEY UPDATE OF contact",
        params,
    )
    created_id = history.open_change(account_id, Kind.CONTACT_CREATED, by=by, at=now)
    changed_id = history.open_change(account_id, Kind.CONTACT_CHANGED, by=by, at=now)
    statement = sql.compose(
        sql.load("contacts", "upsert"),
        matched_rows=sql.load("contacts", "matched_rows"),
        **{
            f"searched_{name}": f"jsonb_build_array({FOUND_BY.replace('{}', name)})"
            for name in ("old", "wanted", "fresh")
        },
    )
    found = sql.rows(
        statement, {**params, "created_change_id": created_id, "changed_change_id": changed_id}
    )
    outcomes: Counter[str] = Counter()
    failed: list[tuple[int, str]] = []
    created: dict[int, int] = {}
    present: dict[int, int] = {}
    for outcome, count, lines, contact_ids, without_words in found:
        outcomes[outcome] = count
        if outcome == "OVERTAKEN":
            raise sql.Overtaken
        if outcome == "created":
            created = dict(zip(lines, contact_ids, strict=True))
        elif outcome in {"updated", "unchanged"}:
            present.update(zip(lines, contact_ids, strict=True))
            rewrite_words(account_id, without_words)
        else:
            failed += [(line, outcome) for line in lines]
    change_id = None
    for one, count in ((created_id, outcomes["created"]), (changed_id, outcomes["updated"])):
        if count:
            history.close_change(account_id, one, contact_count=count)
            change_id = change_id or one
        else:
            history.drop_change(account_id, one)
    return Upserted(outcomes, failed, created, present, change_id)


def rewrite_words(account_id: int, contact_ids: Sequence[int]) -> None:
    """Make search words and sort keys of changed contacts anew, from what is stored."""
    if not contact_ids:
        return
    found = sql.rows(
        "SELECT contact.id, contact.email, contact.properties::text, "
        "ARRAY(SELECT address FROM contact_address AS other "
        "WHERE other.account_id = contact.account_id AND other.contact_id = contact.id "
        "AND NOT other.is_primary) "
        "FROM contact WHERE account_id = %(account_id)s AND id = ANY(%(ids)s)",
        {"account_id": account_id, "ids": list(contact_ids)},
    )
    ids, keys, words = [], [], []
    for contact_id, email, stored, others in found:
        properties = json.loads(stored)
        ids.append(int(contact_id))
        keys.append(rules.name_key(properties.get("firstname"), properties.get("lastname"), email))
        words.append(
            " ".join(f"{account_id}:{word}" for word in words_of(email, properties, others))
        )
    params = {"account_id": account_id, "ids": ids, "keys": keys, "words": words}
    sql.execute(
        "UPDATE contact SET name_key = given.key "
        "FROM unnest(%(ids)s::bigint[], %(keys)s::text[]) AS given (id, key) "
        "WHERE contact.account_id = %(account_id)s AND contact.id = given.id "
        "AND contact.name_key <> given.key",
        params,
    )
    sql.execute(
        "INSERT INTO contact_search (account_id, contact_id, words) "
        "SELECT %(account_id)s, id, array_to_tsvector(string_to_array(words, ' ')) "
        "FROM unnest(%(ids)s::bigint[], %(words)s::text[]) AS given (id, words) "
        "ON CONFLICT (account_id, contact_id) DO UPDATE SET words = excluded.words",
        params,
    )
