"""What an import does to the status, and that it does what its plan says (I1, I3, O3, S11, S19)."""

import pytest

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.billing import services as billing
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.create import create_contact
from marketable.governance import services as governance
from marketable.governance.errors import CeilingReached
from marketable.history.sources import Source
from marketable.marketing_status import queries as status
from marketable.marketing_status.rules import Status
from marketable.segments.selection import Selection, compile_selection
from marketable.transfers import queries
from marketable.transfers import services as transfers
from marketable.transfers.errors import ImportOutdated
from marketable.transfers.rules import ImportState, Marketing
from tests import make
from tests.make import FEB_1, JAN_20
from tests.transfers.files import bring_in, checked, contact_with, csv_of, finish

pytestmark = pytest.mark.django_db

TODAY = JAN_20.date()
FILE = csv_of(
    "email,first name,phone",
    "new@example.com,Ewa,",
    "non@example.com,Jan,",
    "marketing@example.com,Jan,",
    "leaving@example.com,Jan,",
    ",Nobody,601 234 567",
    "bad,Jan,",
)
STATES = {
    "non@example.com": Status.NON_MARKETING,
    "marketing@example.com": Status.MARKETING,
    "leaving@example.com": Status.LEAVING,
}


@pytest.fixture
def present(account: AccountInfo) -> dict[str, int]:
    """One contact of each status."""
    return {
        email: make.contact(account, email=email, status=state) for email, state in STATES.items()
    }


def state_of(account: AccountInfo, email: str) -> Status:
    return status.status_of(account.id, contact_with(account, email)["id"], TODAY)


@pytest.mark.parametrize(
    ("option", "after", "started"),
    [
        (Marketing.LEAVE, {"new@example.com": Status.NON_MARKETING, **STATES}, 0),
        (Marketing.NEW, {"new@example.com": Status.MARKETING, **STATES}, 1),
        (Marketing.ALL, dict.fromkeys(["new@example.com", *STATES], Status.MARKETING), 3),
    ],
)
def test_an_import_starts_nobody_the_created_or_everybody_of_the_file(
    account: AccountInfo,
    present: dict[str, int],
    option: Marketing,
    after: dict[str, Status],
    started: int,
) -> None:
    before = status.usage(account.id, TODAY).usage
    view = checked(account, FILE, marketing=option)
    told, plan = transfers.plan_of(account.id, view.id, now=JAN_20)
    assert told.marketing_started == started
    transfers.start(account.id, view.id, expected=started, by=view.by, now=JAN_20)
    done = finish(account, view.id)
    assert done.marketing_started == started
    assert {email: state_of(account, email) for email in after} == after
    # The one without an address would only cost (S19), and the bad row starts nobody.
    assert status.usage(account.id, TODAY).usage == plan.usage_after
    assert plan.usage_after - before == plan.set == max(started - plan.kept, 0)
    assert status.prove(account.id).ok
    assert status.usage(account.id, TODAY).reserved == 0


def test_contacts_that_cannot_be_reached_are_started_when_asked_for(account: AccountInfo) -> None:
    content = csv_of("first name", "Ewa", "Jan")
    view = checked(account, content, marketing=Marketing.NEW)
    told, plan = transfers.plan_of(account.id, view.id, now=JAN_20)
    assert (told.marketing_started, plan.cannot) == (0, {"NO_ADDRESS": 2})
    done = bring_in(account, content, marketing=Marketing.NEW, include_unreachable=True)
    assert done.marketing_started == 2


def test_a_hard_bounced_contact_is_left_out_and_told(account: AccountInfo) -> None:
    make.contact(account, email="b@example.com", hs_email_hard_bounce_reason_enum="MAILBOX_FULL")
    view = checked(account, csv_of("email", "b@example.com"), marketing=Marketing.ALL)
    _told, plan = transfers.plan_of(account.id, view.id, now=JAN_20)
    assert (plan.changing, plan.cannot) == (0, {"HARD_BOUNCED": 1})
    transfers.start(account.id, view.id, expected=0, by=view.by, now=JAN_20)
    assert finish(account, view.id).marketing_started == 0


def test_another_number_than_was_announced_begins_nothing(
    account: AccountInfo, present: dict[str, int]
) -> None:
    view = checked(account, FILE, marketing=Marketing.ALL)
    with pytest.raises(ImportOutdated) as refused:
        transfers.start(account.id, view.id, expected=2, by=view.by, now=JAN_20)
    assert refused.value.facts == {"expected": 2, "actual": 3}
    assert queries.import_run(account.id, view.id).state is ImportState.CHECKED
    assert not transfers.work_on(account.id, view.id, now=JAN_20)
    assert status.usage(account.id, TODAY).usage == 2


def test_what_changed_since_the_check_is_counted_anew(
    account: AccountInfo, present: dict[str, int], anna: Source
) -> None:
    view = checked(account, FILE, marketing=Marketing.ALL)
    create_contact(
        account.id, {"email": "new@example.com"}, start_marketing=True, by=anna, now=JAN_20
    )
    with pytest.raises(ImportOutdated):
        transfers.start(account.id, view.id, expected=3, by=view.by, now=JAN_20)
    transfers.start(account.id, view.id, expected=2, by=view.by, now=JAN_20)
    assert finish(account, view.id).marketing_started == 2


def test_a_ceiling_refuses_the_whole_import(account: AccountInfo, anna: Source) -> None:
    content = csv_of("email", *(f"a{n}@example.com" for n in range(5)))
    billing.set_limit_policy(account.id, at_limit="ceiling", ceiling=4, by=anna, now=JAN_20)
    view = checked(account, content, marketing=Marketing.NEW)
    told, _plan = transfers.plan_of(account.id, view.id, now=JAN_20)
    assert told.blocked_by == "CEILING"
    with pytest.raises(CeilingReached) as refused:
        transfers.start(account.id, view.id, expected=5, by=view.by, now=JAN_20)
    assert (refused.value.facts["ceiling"], refused.value.facts["wanted"]) == (4, 5)
    assert sql.rows("SELECT count(*) FROM contact") == [(0,)]
    billing.set_limit_policy(account.id, at_limit="ceiling", ceiling=5, by=anna, now=JAN_20)
    transfers.start(account.id, view.id, expected=5, by=view.by, now=JAN_20)
    assert status.usage(account.id, TODAY).reserved == 5
    assert finish(account, view.id).marketing_started == 5
    assert status.usage(account.id, TODAY).reserved == 0


def test_places_that_vanish_in_the_middle_end_the_import_with_the_reason(
    account: AccountInfo, anna: Source
) -> None:
    view = checked(account, csv_of("email", "a@example.com"), marketing=Marketing.NEW)
    transfers.start(account.id, view.id, expected=1, by=view.by, now=JAN_20)
    governance.release(account.id, transfers.holder(view.id))
    billing.set_limit_policy(account.id, at_limit="ceiling", ceiling=0, by=anna, now=JAN_20)
    done = finish(account, view.id)
    assert done.state is ImportState.FAILED and "0" in done.error
    assert sql.rows("SELECT count(*) FROM contact") == [(0,)]  # the batch is all or nothing
    assert queries.unfinished() == []


@pytest.mark.parametrize("option", [Marketing.NEW, Marketing.ALL])
def test_held_places_are_taken_over_as_the_plan_says(
    account: AccountInfo, anna: Source, option: Marketing
) -> None:
    gone = make.contact(account, email="back@example.com", status=Status.MARKETING)
    archive_contacts(account.id, make.ids(gone), by=anna, now=JAN_20)
    billing.set_limit_policy(account.id, at_limit="ceiling", ceiling=2, by=anna, now=JAN_20)
    content = csv_of("email", "back@example.com", "other@example.com")
    view = checked(account, content, marketing=option)
    told, plan = transfers.plan_of(account.id, view.id, now=JAN_20)
    assert (told.marketing_started, plan.usage_before, plan.usage_after) == (2, 1, 2)
    transfers.start(account.id, view.id, expected=2, by=view.by, now=JAN_20)
    assert finish(account, view.id).marketing_started == 2
    assert status.usage(account.id, TODAY).usage == 2
    assert status.prove(account.id).ok


def test_the_reason_of_the_status_is_the_import(account: AccountInfo, anna: Source) -> None:
    view = bring_in(account, csv_of("email", "a@example.com"), marketing=Marketing.NEW, by=anna)
    row = status.status_row(account.id, contact_with(account, "a@example.com")["id"], TODAY)
    assert (row.source_type, row.source_id) == ("IMPORT", str(view.id))


def test_the_contacts_of_an_import_can_be_selected(account: AccountInfo) -> None:
    make.contact(account, email="same@example.com")
    view = bring_in(account, csv_of("email,city", "a@example.com,Opole", "same@example.com,"))
    chosen = compile_selection(
        account.id, Selection(import_id=view.id), reach=EVERYTHING, today=TODAY
    )
    found = sql.rows(chosen.text, {**chosen.params, "account_id": account.id})
    assert found == [(contact_with(account, "a@example.com")["id"],)]


def test_a_row_whose_date_has_come_is_started_anew(account: AccountInfo) -> None:
    make.contact(account, email="late@example.com", status=Status.LEAVING)
    later = make.FEB_2
    view = checked(account, csv_of("email", "late@example.com"), marketing=Marketing.ALL, now=later)
    told, plan = transfers.plan_of(account.id, view.id, now=later)
    assert (told.marketing_started, plan.set, plan.usage_before) == (1, 1, 0)
    transfers.start(account.id, view.id, expected=1, by=view.by, now=later)
    assert finish(account, view.id, now=later).marketing_started == 1
    assert make.ledger(account)[-2:] == [("update_date", 1, -1), ("status_started", 1, 1)]
    assert status.usage(account.id, FEB_1).usage == 1
