"""Several clients do random things to the same contacts at once; then everything must add up."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketable import errors, sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.bulk_actions import queries as bulk_queries
from marketable.bulk_actions import running
from marketable.bulk_actions import services as bulk
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.create import create_contact
from marketable.contacts.services.erase import erase_contacts
from marketable.contacts.services.merge import merge_contacts
from marketable.contacts.services.restore import restore_contact
from marketable.contacts.services.unmerge import unmerge_contact
from marketable.history.sources import SourceType, system
from marketable.marketing_status import queries
from marketable.marketing_status.rules import Event, Status
from marketable.marketing_status.services import (
    apply_update_date,
    keep_marketing,
    start_marketing,
    stop_marketing,
)
from marketable.segments.selection import Selection
from tests import make
from tests.concurrency import together
from tests.invariants import assert_they_hold
from tests.make import FEB_1, JAN_20

pytestmark = pytest.mark.usefixtures("committing")
BY = system(SourceType.COMMAND)
CEILING = 4
NOON = JAN_20.replace(month=2, day=1)  # the update date has begun
EMAILS = [f"{letter}@example.com" for letter in "abcdef"]

Step = tuple[str, int, int]  # what, to whom (as bits), and in January or February
steps = st.tuples(
    st.sampled_from(
        [
            *("start", "start", "stop", "keep", "archive", "restore", "erase", "merge"),
            *("merge", "unmerge", "unmerge"),
            *("create", "update date", "bulk start", "bulk stop", "take back", "cancel"),
        ]
    ),
    st.integers(1, 2 ** len(EMAILS) - 1),
    st.integers(0, 1),
)
histories = st.lists(st.lists(steps, min_size=1, max_size=4), min_size=2, max_size=4)


class Client:
    """Does its steps one after the other; what is refused is part of the game."""

    def __init__(self, account: AccountInfo, contact_ids: list[int], history: list[Step]) -> None:
        self.account_id, self.ids, self.history = account.id, contact_ids, history

    def __call__(self) -> None:
        for what, bits, month in self.history:
            some = [one for place, one in enumerate(self.ids) if bits >> place & 1]
            now = NOON if month else JAN_20
            try:
                self.do(what, some, now)
            except errors.Refused:
                continue

    def do(self, what: str, some: list[int], now: Any) -> None:
        chosen, told = make.ids(*some), {"by": BY, "now": now}
        whole: dict[str, Callable[[], object]] = {
            "start": lambda: start_marketing(self.account_id, chosen, **told),
            "stop": lambda: stop_marketing(self.account_id, chosen, **told),
            "keep": lambda: keep_marketing(self.account_id, chosen, **told),
            "archive": lambda: archive_contacts(self.account_id, make.ids(some[0]), **told),
            "restore": lambda: restore_contact(self.account_id, some[0], reach=EVERYTHING, **told),
            "erase": lambda: erase_contacts(self.account_id, make.ids(some[-1]), **told),
            "merge": lambda: merge_contacts(
                self.account_id, some[0], some[-1], reach=EVERYTHING, **told
            ),
            "unmerge": lambda: unmerge_contact(self.account_id, some[-1], reach=EVERYTHING, **told),
            "create": lambda: create_contact(
                self.account_id, {"email": EMAILS[len(some) - 1]}, start_marketing=True, **told
            ),
            "update date": lambda: apply_update_date(self.account_id, now=now),
            "bulk start": lambda: self.bulk(Event.START, some, now),
            "bulk stop": lambda: self.bulk(Event.STOP, some, now),
            "take back": lambda: self.with_the_newest(bulk.take_back, by=BY, now=now),
            "cancel": lambda: self.with_the_newest(running.cancel, now=now),
        }
        whole[what]()

    def bulk(self, event: Event, some: list[int], now: Any) -> None:
        shown = bulk.preview(
            self.account_id, event, Selection(ids=tuple(some)), by=BY, reach=EVERYTHING, now=now
        )
        action = bulk.confirm(
            self.account_id, shown.id, shown.plan.changing, by=BY, reach=EVERYTHING, now=now
        )
        running.run_next_batch(self.account_id, action.id, now=now)  # the rest is for a worker

    def with_the_newest(self, service: Callable[..., object], **told: object) -> None:
        for action in bulk_queries.bulk_actions(self.account_id, since=JAN_20, limit=1):
            service(self.account_id, action.id, **told)


@pytest.fixture
def batches_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "REQUEST_LIMIT", 2)
    monkeypatch.setattr(bulk, "BATCH_SIZE", 2)


@pytest.mark.usefixtures("batches_of_two")
@settings(
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(history=histories, with_ceiling=st.booleans())
def test_whatever_clients_do_at_once_adds_up(history: list[list[Step]], with_ceiling: bool) -> None:
    [(number,)] = sql.rows("SELECT count(*) FROM account")
    account = make.account(
        owner_email=f"owner{number}@example.com",
        at_limit="ceiling" if with_ceiling else "automatic",
        ceiling=CEILING if with_ceiling else None,
    )
    contact_ids = [make.contact(account, email=email) for email in EMAILS]
    start_marketing(account.id, make.ids(*contact_ids[:2]), by=BY, now=JAN_20 - timedelta(days=1))
    ends = together(*(Client(account, contact_ids, steps) for steps in history))
    assert [end.error for end in ends] == [None] * len(ends)
    for action in bulk_queries.bulk_actions(account.id, since=JAN_20):
        while running.run_next_batch(account.id, action.id, now=NOON):
            pass
        ended = bulk_queries.bulk_action(account.id, action.id)
        assert ended.done == ended.changed + ended.skipped
    assert_they_hold(account.id, NOON, one_clock=False)
    assert queries.usage(account.id, NOON.date()).reserved == 0
    if with_ceiling:
        assert queries.usage(account.id, NOON.date()).usage <= CEILING
        assert queries.usage(account.id, JAN_20.date()).usage <= CEILING + overdue(account)
    apply_update_date(account.id, now=NOON)
    assert_they_hold(account.id, NOON, one_clock=False)
    for contact_id in contact_ids:  # nobody is left who could never leave
        if queries.status_of(account.id, contact_id, FEB_1) is Status.LEAVING:
            row = queries.status_row(account.id, contact_id, FEB_1)
            assert row.leaving_on == date(2027, 3, 1)


def overdue(account: AccountInfo) -> int:
    """Places that count in January and no more in February: their clocks differ."""
    return queries.usage(account.id, NOON.date()).overdue
