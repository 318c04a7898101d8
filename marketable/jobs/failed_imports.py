"""An import that an error stops for good: it ends, and its account's Owners are told."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext as _
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import JobContext

from marketable import clock
from marketable.accounts import queries as accounts
from marketable.jobs.owners import tell_owners
from marketable.jobs.retries import is_last_try
from marketable.transfers import queries
from marketable.transfers import services as transfers


@contextmanager
def telling_of_the_last_error(
    context: JobContext, account_id: int, import_id: int
) -> Iterator[None]:
    """Let the block be tried again after an error; after the last one give the import up."""
    try:
        yield
    except JobAborted:
        raise
    except Exception:
        if is_last_try(context) and transfers.give_up(account_id, import_id, now=clock.now()):
            tell_owners(account_id, lambda: _worded(account_id, import_id))
        raise


def _worded(account_id: int, import_id: int) -> tuple[str, str]:
    view = queries.import_run(account_id, import_id)
    facts = {
        "reason": view.error,
        "account": accounts.account(account_id).name,
        "person": view.by.actor_label,
    }
    return (
        _("The import of %(file)s stopped") % {"file": view.file_name},
        _("%(reason)s\n\nAccount: %(account)s\nStarted by: %(person)s\n") % facts,
    )
