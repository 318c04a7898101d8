"""Creating contacts by the thousand, from values that are typed already."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketable import sql
from marketable.contacts import rules
from marketable.contacts.services.values import words_of
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.history.sources import Source


@dataclass(frozen=True, slots=True)
class NewContact:
    """email       normalised, or None
    properties  typed values, without the address and without unique properties"""

    email: str | None
    properties: Mapping[str, Any]


@sql.retried
def create_contacts(
    account_id: int, rows: Sequence[NewContact], *, by: Source, now: datetime
) -> list[int]:
    """Make contacts in one change; return their numbers in the order given.

    All or nothing: an address that has a live owner fails the whole with IntegrityError, so the
    caller looks first.
    """
    change_id = history.open_change(account_id, Kind.CONTACT_CREATED, by=by, at=now)
    lead = f"{account_id}:"
    found = sql.rows(
        sql.load("contacts", "create_many"),
        {
            "account_id": account_id,
            "change_id": change_id,
            "now": now,
            "emails": [row.email for row in rows],
            "name_keys": [
                rules.name_key(
                    row.properties.get("firstname"), row.properties.get("lastname"), row.email
                )
                for row in rows
            ],
            "properties": [json.dumps(dict(row.properties)) for row in rows],
            "words": [
                " ".join(lead + word for word in words_of(row.email, row.properties, []))
                for row in rows
            ],
        },
    )
    history.close_change(account_id, change_id, contact_count=len(found))
    return [int(row[0]) for row in found]
