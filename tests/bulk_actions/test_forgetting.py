"""Bulk actions keep nothing of a person who was erased (S14)."""

import pytest

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.bulk_actions import services
from marketable.bulk_actions.errors import PlanUnknown
from marketable.bulk_actions.queries import stored_plan
from marketable.contacts.services.erase import erase_contacts
from marketable.history.sources import Source
from marketable.marketing_status.rules import Event
from marketable.segments.selection import Selection
from tests import make
from tests.make import JAN_20

pytestmark = pytest.mark.django_db

SECRET = "secretly.named@example.com"
NAMED = [Selection(emails=(SECRET, "other@example.com")), Selection(search="secretly")]


def kept() -> str:
    """What plans, bulk actions and the ledger hold of what was asked."""
    return "\n".join(
        str(row[0])
        for statement in (
            "SELECT selection::text FROM plan_preview",
            "SELECT selection::text || answer::text FROM bulk_action",
            "SELECT body::text FROM change",
        )
        for row in sql.rows(statement)
    )


@pytest.mark.parametrize("selection", NAMED, ids=["addresses", "search"])
def test_a_confirmed_action_keeps_no_address_and_no_search(
    account: AccountInfo, anna: Source, selection: Selection
) -> None:
    make.contact(account, email=SECRET)
    shown = services.preview(
        account.id, Event.START, selection, by=anna, reach=EVERYTHING, now=JAN_20
    )
    assert "secretly" in kept()
    services.confirm(account.id, shown.id, 1, by=anna, reach=EVERYTHING, now=JAN_20)
    assert "secretly" not in kept()
    again = services.confirm(account.id, shown.id, 1, by=anna, reach=EVERYTHING, now=JAN_20)
    assert again.changed == 1  # V8


@pytest.mark.parametrize("selection", NAMED, ids=["addresses", "search"])
def test_a_plan_that_names_an_erased_person_is_gone(
    account: AccountInfo, anna: Source, selection: Selection
) -> None:
    contact_id = make.contact(account, email=SECRET)
    shown = services.preview(
        account.id, Event.START, selection, by=anna, reach=EVERYTHING, now=JAN_20
    )
    erase_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    assert "secretly" not in kept()
    with pytest.raises(PlanUnknown):
        stored_plan(account.id, shown.id)


def test_a_plan_that_names_somebody_else_stays(
    account: AccountInfo, other_account: AccountInfo, anna: Source
) -> None:  # V16
    contact_id = make.contact(account, email=SECRET)
    others = Selection(emails=("other@example.com",))
    mine = services.preview(account.id, Event.START, others, by=anna, reach=EVERYTHING, now=JAN_20)
    theirs = services.preview(
        other_account.id, Event.START, NAMED[0], by=anna, reach=EVERYTHING, now=JAN_20
    )
    erase_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    assert stored_plan(account.id, mine.id).selection == others
    assert stored_plan(other_account.id, theirs.id).selection == NAMED[0]
