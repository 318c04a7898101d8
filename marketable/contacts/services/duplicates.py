"""Contacts that may be one person: suggested, and never merged by themselves (S18)."""

from dataclasses import dataclass
from datetime import datetime

from marketable import sql
from marketable.accounts.queries import Reach
from marketable.contacts import conditions, rules
from marketable.contacts.errors import NoSuchPair, SameContact
from marketable.contacts.queries import ContactRow
from marketable.history.sources import Source

#: What more contacts than this share tells nothing of who they are.
MOST_ALIKE = 5
#: Pairs that are kept for review, the newest contacts first.
MOST_PAIRS = 5_000
#: Contacts with some of the same words that one record is compared with.
CANDIDATES = 200


@dataclass(frozen=True, slots=True)
class Pair:
    """Two contacts that may be one person: phone, name_company, name_domain or local_part."""

    first_id: int
    second_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    contact_id: int
    reason: str


@sql.retried
def find_duplicates(account_id: int, *, now: datetime) -> int:
    """Compare all live contacts of an account, in one statement; returns how many pairs there are.

    One that runs at a time: the next waits, and then finds what is so by then.
    """
    sql.execute(
        "SELECT pg_advisory_xact_lock(hashtext('duplicate_pair'), hashint8(%(account_id)s))",
        {"account_id": account_id},
    )
    found = sql.row(
        sql.compose(
            sql.load("contacts", "find_duplicates"),
            keys=sql.compose(sql.load("contacts", "duplicate_keys"), among="TRUE"),
        ),
        {
            "account_id": account_id,
            "public_hosts": sorted(rules.PUBLIC_HOSTS),
            "most": MOST_ALIKE,
            "limit": MOST_PAIRS,
            "now": now,
        },
    )
    assert found is not None
    return int(found[0])


def suggestions(account_id: int, row: ContactRow, *, reach: Reach) -> list[Suggestion]:
    """Return who may be the same person as a live contact, within reach, at most five.

    Who has some of its words is found by the search index, bounded, and compared by the same keys
    that all contacts are.
    """
    if row.archived_at is not None:
        return []
    queries = rules.alike_queries(row.email, row.properties)
    if not queries:
        return []
    within = conditions.reach(reach)
    marked = " | ".join(
        "(" + " & ".join(_lexeme(account_id, word) for word in words) + ")" for words in queries
    )
    candidates = (
        "c.id = ANY(ARRAY(SELECT contact_id FROM contact_search "
        "WHERE account_id = %(account_id)s AND words @@ %(query)s::tsquery "
        "AND contact_id <> %(id)s LIMIT %(candidates)s) || %(id)s::bigint)"
    )
    keys = sql.compose(sql.load("contacts", "duplicate_keys"), among=candidates)
    found = sql.rows(
        f"WITH keys AS ({keys}), alike AS (SELECT reason, key FROM keys GROUP BY reason, key "
        "HAVING count(*) > 1 AND count(*) <= %(most)s) "
        "SELECT theirs.id, min(theirs.reason) FROM keys AS mine "
        "JOIN alike USING (reason, key) "
        "JOIN keys AS theirs USING (reason, key) "
        "JOIN contact AS c ON c.account_id = %(account_id)s AND c.id = theirs.id "
        f"WHERE mine.id = %(id)s AND theirs.id <> %(id)s AND {within.text} "
        "AND NOT EXISTS (SELECT FROM duplicate_pair AS pair "
        "WHERE pair.account_id = %(account_id)s AND pair.first_id = least(%(id)s, theirs.id) "
        "AND pair.second_id = greatest(%(id)s, theirs.id) AND pair.dismissed_at IS NOT NULL) "
        "GROUP BY theirs.id ORDER BY theirs.id DESC LIMIT %(most)s",
        {
            **within.params,
            "account_id": account_id,
            "id": row.id,
            "query": marked,
            "candidates": CANDIDATES,
            "public_hosts": sorted(rules.PUBLIC_HOSTS),
            "most": MOST_ALIKE,
        },
    )
    return [Suggestion(int(number), str(reason)) for number, reason in found]


def _lexeme(account_id: int, word: str) -> str:
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{account_id}:{quoted}'" + (":*" if word.endswith("@") else "")


REACHED = (
    "EXISTS (SELECT FROM contact AS c WHERE c.account_id = pair.account_id AND c.id = pair.{side} "
    "AND c.archived_at IS NULL AND {within})"
)


def pairs(
    account_id: int,
    *,
    reach: Reach,
    dismissed: bool = False,
    after: tuple[int, int] | None = None,
    limit: int = 50,
) -> list[Pair]:
    """Return the pairs to look at whose both contacts a person may edit, the newest first.

    dismissed  those that were found to be two persons, instead
    after      go on below this pair (second, first)
    """
    within = conditions.reach(reach)
    both = " AND ".join(
        REACHED.format(side=side, within=within.text) for side in ("first_id", "second_id")
    )
    found = sql.rows(
        "SELECT pair.first_id, pair.second_id, pair.reason FROM duplicate_pair AS pair "
        "WHERE pair.account_id = %(account_id)s "
        "AND (pair.dismissed_at IS NOT NULL) = %(dismissed)s "
        "AND (%(second)s::bigint IS NULL "
        "OR (pair.second_id, pair.first_id) < (%(second)s, %(first)s::bigint)) "
        f"AND {both} ORDER BY pair.second_id DESC, pair.first_id DESC LIMIT %(limit)s",
        {
            **within.params,
            "account_id": account_id,
            "dismissed": dismissed,
            "second": after[0] if after else None,
            "first": after[1] if after else None,
            "limit": limit,
        },
    )
    return [Pair(int(first), int(second), str(reason)) for first, second, reason in found]


@sql.retried
def dismiss(
    account_id: int, one_id: int, two_id: int, *, reach: Reach, by: Source, now: datetime
) -> None:
    """Remember that two contacts are two persons. Safe to repeat.

    Raises SameContact, or NoSuchPair unless both are live and within reach.
    """
    _both_within(account_id, one_id, two_id, reach)
    sql.execute(
        "INSERT INTO duplicate_pair (account_id, first_id, second_id, reason, found_at, "
        "dismissed_at, dismissed_by) VALUES (%(account_id)s, least(%(one)s, %(two)s), "
        "greatest(%(one)s, %(two)s), '', %(now)s, %(now)s, %(by)s) "
        "ON CONFLICT (account_id, first_id, second_id) DO UPDATE "
        "SET dismissed_at = excluded.dismissed_at, dismissed_by = excluded.dismissed_by",
        {
            "account_id": account_id,
            "one": one_id,
            "two": two_id,
            "now": now,
            "by": by.actor_label,
        },
    )


@sql.retried
def suggest_again(account_id: int, one_id: int, two_id: int, *, reach: Reach) -> None:
    """Forget that two contacts were found to be two persons. Safe to repeat."""
    _both_within(account_id, one_id, two_id, reach)
    sql.execute(
        "UPDATE duplicate_pair SET dismissed_at = NULL, dismissed_by = '' "
        "WHERE account_id = %(account_id)s AND first_id = least(%(one)s, %(two)s) "
        "AND second_id = greatest(%(one)s, %(two)s)",
        {"account_id": account_id, "one": one_id, "two": two_id},
    )


def _both_within(account_id: int, one_id: int, two_id: int, reach: Reach) -> None:
    if one_id == two_id:
        raise SameContact
    within = conditions.reach(reach)
    found = sql.row(
        "SELECT count(*) FROM contact AS c WHERE c.account_id = %(account_id)s "
        f"AND c.id = ANY(%(ids)s) AND c.archived_at IS NULL AND {within.text}",
        {**within.params, "account_id": account_id, "ids": [one_id, two_id]},
    )
    if found is None or found[0] != 2:
        raise NoSuchPair
