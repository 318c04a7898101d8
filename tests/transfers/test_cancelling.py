"""Cancelling a running import is heard while a batch is under way (J18)."""

import pytest

from marketable.accounts.queries import AccountInfo
from marketable.contacts import queries as contacts
from marketable.transfers import queries
from marketable.transfers import services as transfers
from marketable.transfers.rules import ImportState
from marketable.transfers.services import running
from tests import make
from tests.concurrency import committing, meet
from tests.make import JAN_20
from tests.transfers.files import checked, csv_of

__all__ = ["committing"]

pytestmark = pytest.mark.usefixtures("committing")


def begun(account: AccountInfo) -> int:
    """An import of five rows that waits for its first batch."""
    view = checked(account, csv_of("email", *(f"a{n}@example.com" for n in range(5))))
    transfers.start(account.id, view.id, expected=0, by=view.by, now=JAN_20)
    return view.id


def test_nobody_waits_for_the_batch_in_progress_which_is_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "BATCH", 2)
    account = make.account()
    import_id = begun(account)
    _, later = meet(
        lambda: transfers.work_on(account.id, import_id, now=JAN_20),
        lambda: transfers.cancel(account.id, import_id, now=JAN_20),
    )
    assert not later.was_made_to_wait
    assert later.answer.state is ImportState.RUNNING
    assert later.answer.cancelled_at == JAN_20
    assert not transfers.work_on(account.id, import_id, now=JAN_20)
    ended = queries.import_run(account.id, import_id)
    assert (ended.state, ended.created) == (ImportState.CANCELLED, 2)
    assert contacts.live_count(account.id) == 2
