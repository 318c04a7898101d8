"""The demo account: made once, by the product's own services, and true to the last row."""

from datetime import UTC, date, datetime

import pytest

from marketable import sql
from marketable.billing import queries as billing
from marketable.contacts.rules import fold
from marketable.demo import ensure_demo
from marketable.demo.people import COUNTRIES, people
from marketable.marketing_status import queries as status
from marketable.marketing_status.queries import prove
from marketable.segments import queries as segments
from marketable.segments.rules import Kind, State
from marketable.segments.services.segments import prove as prove_segment

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
TODAY = NOW.date()
SOME = 1_500


def one(statement: str, account_id: int) -> int:
    found = sql.row(statement, {"account_id": account_id})
    assert found is not None
    return int(found[0])


def test_a_year_is_told_and_adds_up() -> None:  # V4, V13
    demo = ensure_demo(NOW, contacts=SOME)
    assert demo.is_new
    assert prove(demo.account_id).ok
    usage = status.usage(demo.account_id, TODAY)
    assert 0 < usage.leaving < usage.usage < SOME
    contacts = "SELECT count(*) FROM contact WHERE account_id = %(account_id)s"
    assert one(contacts, demo.account_id) == SOME
    kinds = {
        str(kind): int(n)
        for kind, n in sql.rows(
            "SELECT kind, count(*) FROM change WHERE account_id = %(account_id)s GROUP BY kind",
            {"account_id": demo.account_id},
        )
    }
    assert {
        "contact_created",
        "status_started",
        "status_staged",
        "status_kept",
        "update_date",
        "contact_archived",
    } <= set(kinds)
    assert kinds["update_date"] >= 10  # about every month, once somebody was staged
    newest = sql.row(
        "SELECT max(at) FROM change WHERE account_id = %(account_id)s",
        {"account_id": demo.account_id},
    )
    assert newest is not None
    assert newest[0] < NOW, "nothing lies in the future"
    assert (
        one(
            "SELECT count(DISTINCT source_type) FROM marketing_contact "
            "WHERE account_id = %(account_id)s",
            demo.account_id,
        )
        >= 4
    )


def test_it_is_made_once() -> None:
    first = ensure_demo(NOW, contacts=SOME)
    again = ensure_demo(NOW, contacts=SOME)
    assert (again.account_id, again.is_new) == (first.account_id, False)
    assert one("SELECT count(*) FROM account WHERE %(account_id)s > 0", first.account_id) == 1


def test_only_the_demo_account_has_prices(account: object) -> None:  # T2
    demo = ensure_demo(NOW, contacts=100)
    info = billing.subscription(demo.account_id, TODAY)
    assert info.price(info.tier) is not None
    assert account is not None
    other = one("SELECT min(id) FROM account WHERE id <> %(account_id)s", demo.account_id)
    assert billing.subscription(other, TODAY).price(2_000) is None


def test_people_are_the_same_at_every_run_and_no_address_twice() -> None:
    first, second = list(people(2_000)), list(people(2_000))
    assert first == second
    addresses = [email for email, _ in first if email]
    assert len(set(addresses)) == len(addresses)
    reserved = ("example.com", "example.org", "example.net")
    assert all(email.endswith(reserved) for email in addresses), "nobody real could be mailed"


def test_every_country_speaks_and_names_agree_in_gender() -> None:
    found = [values for _, values in people(3_000)]
    assert {values["country"] for values in found} == {country.name for country in COUNTRIES}
    poles = [values for values in found if values["country"] == "Poland"]
    women = [values for values in poles if values["firstname"].endswith("a")]
    assert women
    assert not [one for one in women if one["lastname"].endswith(("ski", "cki"))]
    men = [values for values in poles if not values["firstname"].endswith("a")]
    assert not [one for one in men if one["lastname"].endswith(("ska", "cka"))]
    assert any(fold(values["lastname"]) != values["lastname"].lower() for values in found)


def test_its_segments_are_of_every_kind_and_true() -> None:
    demo = ensure_demo(NOW, contacts=SOME)
    found = {one.name: one for one in segments.segments(demo.account_id)}
    assert len(found) == 9
    assert [one.name for one in found.values() if one.state is State.NEEDS_ATTENTION] == [
        "Ski boots, size 42 and larger"
    ]
    assert sum(one.kind is Kind.FIXED for one in found.values()) == 2
    customers, less = found["Customers in Poland"], found["Customers in Poland, without the VIPs"]
    assert 0 < less.member_count < customers.member_count
    for one in found.values():
        if one.state is State.READY:
            assert prove_segment(demo.account_id, one.id, now=NOW).ok, one.name
    grown = segments.days(demo.account_id, customers.id, first=date(2025, 11, 1), last=TODAY)
    assert len(grown) > 8
