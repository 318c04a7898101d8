"""Choosing, when two records are joined, which value the survivor has (S12)."""

from datetime import date

import pytest

from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts import queries
from marketable.contacts.errors import NotChoosable, PlanStale
from marketable.contacts.services.edit import edit_contact
from marketable.contacts.services.merge import merge_contacts, plan_merge
from marketable.history.sources import Source
from marketable.marketing_status import queries as status
from marketable.marketing_status.rules import Status, joined
from marketable.marketing_status.services import start_marketing
from tests import make
from tests.make import FEB_1, JAN_20

pytestmark = pytest.mark.django_db
JAN = date(2027, 1, 20)


def test_the_person_chooses_per_field(account: AccountInfo, anna: Source) -> None:
    survivor = make.contact(account, firstname="Anna", city="Kraków")
    other = make.contact(account, firstname="Ania", city="Gdańsk", company="Acme")
    merge_contacts(
        account.id,
        survivor,
        other,
        choices={"firstname": True, "city": False, "company": False},
        reach=EVERYTHING,
        by=anna,
        now=JAN_20,
    )
    kept = queries.contact(account.id, survivor, reach=EVERYTHING, today=JAN).properties
    assert (kept["firstname"], kept["city"], kept.get("company")) == ("Ania", "Kraków", None)


@pytest.mark.parametrize(
    "name", ["hs_email_optout", "hs_email_quarantined", "lifecyclestage", "city", "lastname", "x"]
)
def test_what_is_no_choice_cannot_be_chosen(account: AccountInfo, anna: Source, name: str) -> None:
    """A refusal, what is known of an address, a stage backwards, a value lost for none, the same
    on both sides, and what nobody has."""
    survivor = make.contact(account, city="Kraków", hs_email_optout=True, lifecyclestage="customer")
    other = make.contact(
        account, hs_email_optout=False, hs_email_quarantined=True, lifecyclestage="lead"
    )
    with pytest.raises(NotChoosable):
        merge_contacts(
            account.id,
            survivor,
            other,
            choices={name: True},
            reach=EVERYTHING,
            by=anna,
            now=JAN_20,
        )
    assert queries.contact(account.id, other, reach=EVERYTHING, today=JAN).merged_into is None


@pytest.mark.parametrize("mine", list(Status))
@pytest.mark.parametrize("theirs", list(Status))
def test_the_plan_announces_what_the_merge_does(
    account: AccountInfo, anna: Source, mine: Status, theirs: Status
) -> None:  # V9
    survivor = make.contact(account, status=mine, city="Kraków")
    other = make.contact(account, status=theirs, city="Gdańsk", company="Acme")
    plan = plan_merge(account.id, survivor, other, reach=EVERYTHING, now=JAN_20)
    usage = status.usage(account.id, JAN).usage
    done = merge_contacts(
        account.id,
        survivor,
        other,
        as_seen=plan.seen,
        reach=EVERYTHING,
        by=anna,
        now=JAN_20,
    )
    assert plan.status is done.status is joined(mine, theirs)
    assert plan.places_freed == done.places_freed
    assert status.usage(account.id, JAN).usage == usage - plan.places_freed
    assert status.status_row(account.id, survivor, JAN).leaving_on == plan.leaving_on
    assert plan.leaving_on == (FEB_1 if plan.status is Status.LEAVING else None)
    kept = queries.contact(account.id, survivor, reach=EVERYTHING, today=JAN).properties
    for one in plan.differences:
        assert kept.get(one.name) == (one.theirs if one.takes_theirs else one.mine)


@pytest.mark.parametrize("what", ["value", "status"])
def test_what_was_seen_must_still_be_so(account: AccountInfo, anna: Source, what: str) -> None:
    survivor, other = make.contacts(account, 2)
    plan = plan_merge(account.id, survivor, other, reach=EVERYTHING, now=JAN_20)
    if what == "value":
        edit_contact(
            account.id, other, {"city": "X"}, version=1, reach=EVERYTHING, by=anna, now=JAN_20
        )
    else:
        start_marketing(account.id, make.ids(other), by=anna, now=JAN_20)
    with pytest.raises(PlanStale):
        merge_contacts(
            account.id,
            survivor,
            other,
            as_seen=plan.seen,
            reach=EVERYTHING,
            by=anna,
            now=JAN_20,
        )
    assert queries.contact(account.id, other, reach=EVERYTHING, today=JAN).archived_at is None
