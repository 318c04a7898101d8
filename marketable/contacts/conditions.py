"""Conditions on a contact, as SQL on the alias `c`. What a selection means is put together from
these; every value is a parameter, with a name that begins with `sel_`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from marketable.accounts.queries import Reach
from marketable.accounts.rules import Scope
from marketable.contacts.rules import query_words
from marketable.marketing_status.rules import Status


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of a contact `c`.

    on_status  the same test on a status row `m` that is joined if it counts, and else is empty;
               the day is `sel_today`
    of_places  the same test on a status row `m` that counts, where nobody without one meets it
    """

    text: str
    params: Mapping[str, Any] = field(default_factory=dict)
    on_status: str = ""
    of_places: str = ""


#: What every live contact meets. Statements that begin with the status rows see to it themselves.
LIVE = Condition("c.archived_at IS NULL")
EVERYBODY = Condition("TRUE")


def live() -> Condition:
    return LIVE


def archived() -> Condition:
    """In the recycle bin: deleted, and not erased or merged away."""
    return Condition("c.archived_at IS NOT NULL AND c.erased_at IS NULL AND c.merged_into IS NULL")


def reach(within: Reach) -> Condition:
    """Contacts that a person may reach, by owner; unowned ones only under *all* (P1, P6)."""
    if within.scope is Scope.ALL:
        return EVERYBODY
    if within.scope is Scope.NONE:
        return Condition("FALSE")
    return Condition(
        "c.properties->>'hubspot_owner_id' = ANY(%(sel_owners)s)",
        {"sel_owners": [str(owner) for owner in within.owner_ids]},
    )


STATUS_ROW = (
    "SELECT FROM marketing_contact AS sel_status "
    "WHERE sel_status.account_id = c.account_id AND sel_status.contact_id = c.id"
)


def status(wanted: Status, today: date) -> Condition:
    """Contacts in a state on `today`, whether or not the update-date job has run (S1)."""
    params = {"sel_today": today}
    if wanted is Status.MARKETING:
        return Condition(
            f"EXISTS ({STATUS_ROW} AND sel_status.leaving_on IS NULL)",
            params,
            on_status="m.contact_id IS NOT NULL AND m.leaving_on IS NULL",
            of_places="m.leaving_on IS NULL",
        )
    if wanted is Status.LEAVING:
        return Condition(
            f"EXISTS ({STATUS_ROW} AND sel_status.leaving_on > %(sel_today)s)",
            params,
            on_status="m.leaving_on IS NOT NULL",
            of_places="m.leaving_on IS NOT NULL",
        )
    return Condition(
        f"NOT EXISTS ({STATUS_ROW} AND (sel_status.leaving_on IS NULL "
        "OR sel_status.leaving_on > %(sel_today)s))",
        params,
        on_status="m.contact_id IS NULL",
    )


def ids(wanted: Sequence[int]) -> Condition:
    return Condition("c.id = ANY(%(sel_ids)s)", {"sel_ids": list(wanted)})


def except_ids(unwanted: Sequence[int]) -> Condition:
    return Condition("c.id <> ALL(%(sel_except)s)", {"sel_except": list(unwanted)})


def addresses(wanted: Sequence[str]) -> Condition:
    """Contacts with one of these normalised addresses, primary or secondary (S18)."""
    return Condition(
        "c.id IN (SELECT contact_id FROM contact_address WHERE account_id = %(sel_account_id)s "
        "AND is_live AND address = ANY(%(sel_addresses)s))",
        {"sel_addresses": list(wanted)},
    )


def search_query(account_id: int, text: str) -> str | None:
    """Return the text-search query of what a person typed: every word is the beginning of one of
    the contact's. None when it has no word, and then nothing is found."""
    words = query_words(text)
    if not words:
        return None
    quoted = (f"{account_id}:{word}".replace("\\", "\\\\").replace("'", "''") for word in words)
    return " & ".join(f"'{word}':*" for word in quoted)


def search(account_id: int, text: str) -> Condition:
    query = search_query(account_id, text)
    if query is None:
        return Condition("FALSE")
    return Condition(
        "c.id IN (SELECT contact_id FROM contact_search WHERE account_id = %(sel_account_id)s "
        "AND words @@ %(sel_query)s::tsquery)",
        {"sel_query": query},
    )


def changed_by(change_id: int) -> Condition:
    return Condition(
        "c.id IN (SELECT contact_id FROM contact_change WHERE account_id = %(sel_account_id)s "
        "AND change_id = %(sel_change)s)",
        {"sel_change": change_id},
    )


def changed_by_bulk_action(bulk_action_id: int) -> Condition:
    return Condition(
        "c.id IN (SELECT altered.contact_id FROM change AS batch "
        "JOIN contact_change AS altered ON altered.account_id = batch.account_id "
        "AND altered.change_id = batch.id WHERE batch.account_id = %(sel_account_id)s "
        "AND batch.bulk_action_id = %(sel_bulk_action)s)",
        {"sel_bulk_action": bulk_action_id},
    )


def changed_by_import(import_id: int) -> Condition:
    """Contacts that an import created or changed, or whose status it set."""
    return Condition(
        "c.id IN (SELECT altered.contact_id FROM change AS batch "
        "JOIN contact_change AS altered ON altered.account_id = batch.account_id "
        "AND altered.change_id = batch.id WHERE batch.account_id = %(sel_account_id)s "
        "AND batch.source_type = 'IMPORT' AND batch.source_id = %(sel_import)s)",
        {"sel_import": str(import_id)},
    )
