"""What keeps the product right by itself. Every function is safe to repeat and to leave out."""

import json
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from marketable import formats, sql
from marketable.accounts import queries as accounts
from marketable.accounts.queries import AccountInfo
from marketable.billing import rules as billing_rules
from marketable.billing import services as billing
from marketable.bulk_actions import queries as bulk_actions
from marketable.bulk_actions.errors import BulkActionUnknown
from marketable.contacts.services import duplicates, erase, notes
from marketable.governance import services as governance
from marketable.jobs.owners import tell_owners
from marketable.marketing_status import queries as marketing_status
from marketable.marketing_status.queries import Proof
from marketable.properties import indexing
from marketable.queue import Job, enqueue
from marketable.segments import following
from marketable.segments import queries as segments
from marketable.segments.rules import State
from marketable.segments.services import views as saved_views
from marketable.transfers import queries as imports
from marketable.transfers import services as transfers
from marketable.transfers.errors import ImportUnknown
from marketable.transfers.rules import ImportState

logger = logging.getLogger(__name__)

#: The calendar is at most this far ahead of UTC anywhere.
FURTHEST_ZONE = timedelta(hours=14)
JOBS_KEPT_FOR = timedelta(days=30)


class ProofFailed(Exception):
    """Counter, rows and ledger of some account differ, or who is in a segment. Nothing was
    corrected (O12)."""


def apply_update_dates(now: datetime) -> None:
    """Ask for the update date of every account whose date has come, in its own zone (U5)."""
    latest = (now + FURTHEST_ZONE).date()
    asked = under_way(Job.APPLY_UPDATE_DATE)
    for account_id in marketing_status.accounts_due(latest):
        today = billing_rules.today_in(accounts.account(account_id).zone, now)
        ids = {"account_id": account_id}
        if ids not in asked and marketing_status.due_dates(account_id, today):
            enqueue(Job.APPLY_UPDATE_DATE, **ids)


def sweep(now: datetime) -> None:
    """Take up work that nobody has a job for, and free the places that abandoned work holds."""
    resume(
        Job.RUN_BULK_ACTION,
        (
            {"account_id": account_id, "bulk_action_id": bulk_action_id}
            for account_id, bulk_action_id in bulk_actions.unfinished()
        ),
    )
    resume(
        Job.RUN_IMPORT,
        (
            {"account_id": account_id, "import_id": import_id}
            for account_id, import_id in imports.unfinished()
        ),
    )
    resume(
        Job.BUILD_SEGMENT,
        (
            {"account_id": account_id, "segment_id": segment_id}
            for account_id, segment_id in segments.unbuilt()
        ),
    )
    resume(
        Job.SETTLE_PROPERTY_INDEX,
        (
            {"account_id": account_id, "property_index_id": property_index_id}
            for account_id, property_index_id in indexing.unsettled()
        ),
    )
    for account_id, holder in sql.rows(
        "SELECT account_id, holder FROM reservation ORDER BY account_id, holder"
    ):
        if is_abandoned(int(account_id), str(holder)):
            governance.release(int(account_id), str(holder))


def resume(job: Job, unfinished: Iterable[dict[str, int]]) -> None:
    asked = under_way(job)
    for ids in unfinished:
        if ids not in asked:
            logger.warning("Taking up %s %s again: it had no job.", job.value, ids)
            enqueue(job, **ids)


def under_way(job: Job) -> list[dict[str, Any]]:
    """Return the arguments of the jobs of a kind that wait or run."""
    found = sql.rows(
        "SELECT args::text FROM procrastinate_jobs "
        "WHERE task_name = %(name)s AND status IN ('todo', 'doing')",
        {"name": job.value},
    )
    return [json.loads(row[0]) for row in found]


def is_abandoned(account_id: int, holder: str) -> bool:
    """Tell whether the work that holds places has ended or is gone."""
    kind, _colon, number = holder.partition(":")
    try:
        if kind == "bulk":
            return bulk_actions.bulk_action(account_id, int(number)).is_finished
        if kind == "import":
            return imports.import_run(account_id, int(number)).state is not ImportState.RUNNING
    except (BulkActionUnknown, ImportUnknown):
        return True
    return False


def write_usage_days(now: datetime) -> None:
    """Write the row of the day for accounts where nothing moved usage today (T1)."""
    for account in accounts.all_accounts():
        today = billing_rules.today_in(account.zone, now)
        billing.remember_quiet_day(
            account.id, today, usage=marketing_status.usage(account.id, today).usage
        )


def prove_accounts(now: datetime) -> None:
    """Compare counter, rows and ledger of every account; tell its Owners of a difference (O12)."""
    failed = []
    for account in accounts.all_accounts():
        proof = marketing_status.prove(account.id)
        if not proof.ok:
            logger.error("Account %s does not add up: %s", account.id, proof)
            failed.append(account.id)
            tell_owners(account.id, partial(_worded, account, proof))
    if failed:
        raise ProofFailed(f"Accounts that do not add up: {failed}")


def _worded(account: AccountInfo, proof: Proof) -> tuple[str, str]:
    facts = {
        "counter": formats.number(proof.counter),
        "rows": formats.number(proof.rows),
        "ledger": formats.number(proof.ledger),
        "unexplained": formats.number(proof.unexplained),
    }
    text = _(
        "The nightly proof found a difference. Nothing was corrected.\n\n"
        "Counter: %(counter)s\nMarketing contacts: %(rows)s\nLedger: %(ledger)s\n"
        "Contacts whose status the ledger does not explain: %(unexplained)s\n"
    )
    return (_("The usage of %(account)s does not add up") % {"account": account.name}, text % facts)


def prove_segments(now: datetime) -> None:
    """Compare who is in each segment with who should be; tell the account's Owners of a difference.
    Nothing is corrected."""
    failed = []
    for account in accounts.all_accounts():
        wrong = [
            one.name
            for one in segments.segments(account.id)
            if one.state is State.READY and not following.is_proven(account.id, one.id, now=now)
        ]
        if wrong:
            logger.error(
                "Segments of account %s hold others than they should: %s", account.id, wrong
            )
            failed.append(account.id)
            tell_owners(account.id, partial(_worded_segments, account, wrong))
    if failed:
        raise ProofFailed(f"Accounts whose segments hold others than they should: {failed}")


def _worded_segments(account: AccountInfo, names: Sequence[str]) -> tuple[str, str]:
    text = _(
        "The nightly proof found segments that hold other contacts than they should. Nothing was "
        "corrected.\n\n%(names)s\n\nBuild such a segment again on its page.\n"
    )
    subject = _("Segments of %(account)s hold others than they should")
    return (subject % {"account": account.name}, text % {"names": "\n".join(names)})


def erase_old_archived(now: datetime) -> None:
    """Erase what has been in the recycle bin for 90 days (S14)."""
    for account in accounts.all_accounts():
        erase.erase_old_archived(account.id, now=now)


def find_duplicates(now: datetime) -> None:
    """Find anew who may be one person, in every account (S18)."""
    for account in accounts.all_accounts():
        duplicates.find_duplicates(account.id, now=now)


def clear_remains(now: datetime) -> None:
    """Delete expired sessions, jobs that ended long ago, views and notes that were deleted long
    ago, and what imports left behind."""
    transfers.clear_remains(now=now)
    notes.forget_deleted_notes(now=now)
    saved_views.remove_long_deleted(now)
    call_command("clearsessions")
    async_to_sync(app.job_manager.delete_old_jobs)(
        nb_hours=int(JOBS_KEPT_FOR / timedelta(hours=1)),
        include_failed=True,
        include_cancelled=True,
        include_aborted=True,
    )
