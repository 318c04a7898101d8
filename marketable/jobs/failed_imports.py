"""An import that an error stops for good: it ends, and its account's Owners are told."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.mail import send_mail
from django.utils import translation
from django.utils.translation import gettext as _
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import JobContext

from marketable import clock
from marketable.accounts import queries as accounts
from marketable.accounts.rules import OWNER
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
            tell_owners(account_id, import_id)
        raise


def tell_owners(account_id: int, import_id: int) -> None:
    account = accounts.account(account_id)
    owners = [one.email for one in accounts.members(account_id) if one.rights.role == OWNER]
    with translation.override(account.language):
        view = queries.import_run(account_id, import_id)
        send_mail(
            _("The import of %(file)s stopped") % {"file": view.file_name},
            _("%(reason)s\n\nAccount: %(account)s\nStarted by: %(person)s\n")
            % {"reason": view.error, "account": account.name, "person": view.by.actor_label},
            None,
            owners,
        )
