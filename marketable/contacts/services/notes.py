"""Notes on a contact: written, changed and deleted by people. The ledger tells that and never what
they say: a text can be erased, a line of the ledger stays (S14, L4)."""

from datetime import datetime, timedelta
from typing import Any

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts.queries import Reach
from marketable.billing import rules as billing_rules
from marketable.contacts import queries
from marketable.contacts.errors import Archived, BadNote, NoteUnknown, NotYourNote
from marketable.contacts.services import values as kept
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.history.sources import Source

LONGEST_NOTE = 10_000
#: How long a deleted note can be brought back.
KEPT_FOR = timedelta(days=30)


@sql.retried
def write_note(
    account_id: int, contact_id: int, text: str, *, reach: Reach, by: Source, now: datetime
) -> int:
    """Write a note on a live contact; returns its number.

    Raises ContactUnknown, Archived or BadNote.
    """
    _hold(account_id, contact_id, reach=reach, now=now)
    found = sql.row(
        "INSERT INTO contact_note (account_id, contact_id, text, author_id, author_label, "
        "written_at) VALUES (%(account_id)s, %(contact_id)s, %(text)s, %(author_id)s, "
        "%(author_label)s, %(now)s) RETURNING id",
        {
            "account_id": account_id,
            "contact_id": contact_id,
            "text": _clean(text),
            "author_id": by.actor_id,
            "author_label": by.actor_label,
            "now": now,
        },
    )
    assert found is not None
    note_id = int(found[0])
    _tell(account_id, contact_id, note_id, "written", by=by, now=now)
    return note_id


def change_note(
    account_id: int,
    contact_id: int,
    note_id: int,
    text: str,
    *,
    may_any: bool,
    reach: Reach,
    by: Source,
    now: datetime,
) -> None:
    """Write a note anew. `may_any`: also one of somebody else's.

    Raises ContactUnknown, Archived, BadNote, NoteUnknown or NotYourNote.
    """
    _alter(
        account_id,
        contact_id,
        note_id,
        "changed",
        "text = %(text)s, changed_at = %(now)s",
        {"text": _clean(text)},
        may_any=may_any,
        reach=reach,
        by=by,
        now=now,
    )


def delete_note(
    account_id: int,
    contact_id: int,
    note_id: int,
    *,
    may_any: bool,
    reach: Reach,
    by: Source,
    now: datetime,
) -> None:
    """Delete a note; it can be brought back for 30 days.

    Raises ContactUnknown, Archived, NoteUnknown or NotYourNote.
    """
    _alter(
        account_id,
        contact_id,
        note_id,
        "deleted",
        "deleted_at = %(now)s",
        {},
        may_any=may_any,
        reach=reach,
        by=by,
        now=now,
    )


def restore_note(
    account_id: int,
    contact_id: int,
    note_id: int,
    *,
    may_any: bool,
    reach: Reach,
    by: Source,
    now: datetime,
) -> None:
    """Bring a deleted note back. One that is there stays as it is.

    Raises ContactUnknown, Archived, NoteUnknown (also after 30 days) or NotYourNote.
    """
    _alter(
        account_id,
        contact_id,
        note_id,
        "restored",
        "deleted_at = NULL",
        {},
        is_deleted=True,
        may_any=may_any,
        reach=reach,
        by=by,
        now=now,
    )


def forget_deleted_notes(*, now: datetime) -> int:
    """Remove for good the notes that were deleted 30 days ago; returns how many."""
    return sql.execute(
        "DELETE FROM contact_note WHERE deleted_at <= %(before)s", {"before": now - KEPT_FOR}
    )


@sql.retried
def _alter(
    account_id: int,
    contact_id: int,
    note_id: int,
    what: str,
    assignment: str,
    values: dict[str, Any],
    *,
    is_deleted: bool = False,
    may_any: bool,
    reach: Reach,
    by: Source,
    now: datetime,
) -> None:
    _hold(account_id, contact_id, reach=reach, now=now)
    params = {"account_id": account_id, "id": note_id, "contact_id": contact_id, "now": now}
    found = sql.row(
        f"{queries.PERSON} SELECT author_id, deleted_at FROM contact_note "
        "WHERE account_id = %(account_id)s AND id = %(id)s "
        "AND contact_id IN (SELECT id FROM person) "
        "AND (deleted_at IS NULL OR (%(is_deleted)s AND deleted_at > %(before)s)) FOR UPDATE",
        {**params, "is_deleted": is_deleted, "before": now - KEPT_FOR},
    )
    if found is None:
        raise NoteUnknown
    if found[0] != by.actor_id and not may_any:
        raise NotYourNote
    if is_deleted and found[1] is None:
        return
    sql.execute(
        f"UPDATE contact_note SET {assignment} WHERE account_id = %(account_id)s AND id = %(id)s",
        {**params, **values},
    )
    _tell(account_id, contact_id, note_id, what, by=by, now=now)


def _hold(account_id: int, contact_id: int, *, reach: Reach, now: datetime) -> None:
    """Let nobody delete, merge or erase a live contact until the transaction ends."""
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    sql.rows(
        "SELECT id FROM contact WHERE account_id = %(account_id)s AND id = %(id)s FOR KEY SHARE",
        {"account_id": account_id, "id": contact_id},
    )
    row = queries.contact(account_id, contact_id, reach=reach, today=today)
    if row.archived_at is not None:
        raise Archived


def _clean(text: str) -> str:
    cleaned = text.replace("\r\n", "\n").strip()
    is_storable = not any(one == "\0" or "\ud800" <= one <= "\udfff" for one in cleaned)
    if not 1 <= len(cleaned) <= LONGEST_NOTE or not is_storable:
        raise BadNote(LONGEST_NOTE)
    return cleaned


def _tell(
    account_id: int, contact_id: int, note_id: int, what: str, *, by: Source, now: datetime
) -> None:
    change_id = history.open_change(
        account_id,
        Kind.CONTACT_NOTED,
        by=by,
        at=now,
        body={"note": note_id, "action": what},
    )
    kept.write_ledger_row(
        account_id, contact_id, change_id, {}, {"note": note_id, "note_action": what}
    )
    history.close_change(account_id, change_id, contact_count=1)
