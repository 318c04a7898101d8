"""Filters that are too long for an address: kept once per account, and named there by a key that
follows from their text. See docs/decisions/0010."""

import hashlib
from urllib.parse import quote_plus

from marketable import sql
from marketable.segments.errors import KeptFilterGone

#: The longest filter, as an address writes it, that stands there itself. Proxies and web servers
#: take 8 kB or so for the whole of it.
LONGEST_IN_ADDRESS = 6_000
SIGN = "~"
#: An account keeps those that were used last.
MOST_KEPT = 1_000


def in_address(text: str) -> str:
    """Return what stands for a filter in an address: its text, or the key of a long one.

    >>> in_address('{"or":[]}'), in_address("x" * 6001)
    ('{"or":[]}', '~e12d2a8f900180c390cade9bf88cb571')
    """
    if len(text) <= LONGEST_IN_ADDRESS and len(quote_plus(text)) <= LONGEST_IN_ADDRESS:
        return text
    return SIGN + hashlib.sha256(text.encode()).hexdigest()[:32]


def is_key(text: str) -> bool:
    return text.startswith(SIGN)


def keep(account_id: int, text: str) -> None:
    """Keep a filter, if it is too long for an address: it can be linked to from now on."""
    key = in_address(text)
    if not is_key(key):
        return
    sql.execute(
        "INSERT INTO kept_filter (account_id, key, written, used) "
        "VALUES (%(account_id)s, %(key)s, %(written)s, nextval('kept_filter_used_seq')) "
        "ON CONFLICT (account_id, key) DO UPDATE "
        "SET used = excluded.used, written = excluded.written",
        {"account_id": account_id, "key": key, "written": text},
    )
    sql.execute(
        "DELETE FROM kept_filter WHERE account_id = %(account_id)s AND used <= "
        "(SELECT used FROM kept_filter WHERE account_id = %(account_id)s "
        "ORDER BY used DESC OFFSET %(most)s LIMIT 1)",
        {"account_id": account_id, "most": MOST_KEPT},
    )


def kept(account_id: int, key: str) -> str:
    """Return the filter that a key of an address stands for.

    Raises KeptFilterGone.
    """
    found = sql.row(
        "SELECT written FROM kept_filter WHERE account_id = %(account_id)s AND key = %(key)s",
        {"account_id": account_id, "key": key},
    )
    if found is None:
        raise KeptFilterGone
    return str(found[0])
