"""Everybody of an account is judged without a look at each; the answer is that of the look."""

from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

import pytest

from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts.services.archive import archive_contacts
from marketable.history.sources import Source
from marketable.marketing_status import queries
from marketable.marketing_status.rules import Event, Status
from marketable.segments.selection import Selection, compile_selection
from tests import make
from tests.make import FEB_2, JAN_20

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(account: AccountInfo, anna: Source) -> None:
    """Every status with and without an address, refused or not, live and deleted, some of each."""
    deleted = []
    for place, (status, email, bounced, is_deleted) in enumerate(
        product(Status, ["", None], [False, True], [False, True])
    ):
        values: dict[str, Any] = {"hs_email_hard_bounce_reason_enum": "SPAM"} if bounced else {}
        for _ in range(1 + place % 3):
            contact_id = make.contact(account, email=email, status=status, **values)
            deleted += [contact_id] if is_deleted else []
    archive_contacts(account.id, make.ids(*deleted), by=anna, now=JAN_20)


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("event", [Event.START, Event.STOP, Event.KEEP])
@pytest.mark.parametrize("include_unreachable", [False, True])
@pytest.mark.parametrize("today", [JAN_20.date(), FEB_2.date()])
def test_everybody_is_judged_as_one_by_one(
    account: AccountInfo, event: Event, include_unreachable: bool, today: date
) -> None:
    make.contact(make.account("Other"))  # whom nobody asked about
    everybody = compile_selection(account.id, Selection(), reach=EVERYTHING, today=JAN_20.date())
    assert everybody.is_everybody
    each = replace(everybody, is_everybody=False)
    counts = [
        queries.verdict_counts(
            account.id,
            event,
            chosen,
            today=today,
            include_unreachable=include_unreachable,
        )
        for chosen in (everybody, each)
    ]
    assert counts[0] == counts[1]
    assert len(counts[0]) >= 2 or today == FEB_2.date()
