"""Deleting a selection: what it would do, and doing exactly that or nothing (S10)."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext_noop as _

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts.queries import Reach
from marketable.billing import queries as billing
from marketable.billing import rules as billing_rules
from marketable.bulk_actions.errors import NothingToDo, PlanOutdated
from marketable.bulk_actions.rules import BATCH_SIZE
from marketable.contacts import conditions
from marketable.contacts import queries as contacts
from marketable.contacts.services.archive import Archived, archive_contacts
from marketable.errors import Conflict
from marketable.history.sources import Source
from marketable.marketing_status.rules import COUNTS_TOWARD_TIER
from marketable.segments import selection as segments
from marketable.segments.selection import Selection


class TooManyToDelete(Conflict):
    """More contacts than one transaction should put into the recycle bin."""

    code = "too_many_to_delete"

    def __init__(self, wanted: int) -> None:
        super().__init__(
            _("At most %(limit)s contacts can be deleted at once, and %(wanted)s are selected."),
            {"limit": BATCH_SIZE, "wanted": wanted},
            limit=BATCH_SIZE,
            wanted=wanted,
        )


@dataclass(frozen=True, slots=True)
class Deletion:
    """What deleting a selection would do.

    held     those among them that are marketing contacts: their places count until `update_date`
    outside  those outside the person's rights, left alone (P6)
    """

    count: int
    held: int
    outside: int
    update_date: date


def preview_deletion(
    account_id: int, selection: Selection, *, reach: Reach, now: datetime
) -> Deletion:
    """Return what deleting the selection inside `reach` would do. Saves nothing."""
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    where = segments.conditions_of(account_id, selection, reach=reach, today=today)
    held = sum(
        contacts.count_exactly(account_id, [*where, conditions.status(status, today)])
        for status in COUNTS_TOWARD_TIER
    )
    return Deletion(
        count=contacts.count_exactly(account_id, where),
        held=held,
        outside=segments.outside_count(account_id, selection, reach=reach, today=today),
        update_date=billing.calendar(account_id).next_update_date(today),
    )


@sql.retried
def delete_selection(
    account_id: int,
    selection: Selection,
    *,
    expected: int,
    by: Source,
    reach: Reach,
    now: datetime,
) -> Archived:
    """Put the selection's contacts inside `reach` into the recycle bin, if it is `expected` many.

    Raises PlanOutdated with both numbers, NothingToDo or TooManyToDelete; nothing is done then.
    """
    if expected == 0:
        raise NothingToDo
    if expected > BATCH_SIZE:
        raise TooManyToDelete(expected)
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    chosen = segments.compile_selection(account_id, selection, reach=reach, today=today)
    done = archive_contacts(account_id, chosen, by=by, now=now)
    if done.archived != expected:
        raise PlanOutdated(expected=expected, actual=done.archived)
    return done
