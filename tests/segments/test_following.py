"""Contacts join and leave segments as they change: the reader of the ledger, against a plain
reading of everybody."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.billing.services import change_time_zone
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.edit import edit_contact
from marketable.contacts.services.erase import erase_contacts
from marketable.contacts.services.merge import merge_contacts
from marketable.contacts.services.restore import restore_contact
from marketable.contacts.services.unmerge import unmerge_contact
from marketable.history.sources import SourceType, system
from marketable.jobs import upkeep
from marketable.marketing_status.services import start_marketing, stop_marketing
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.properties.services import archive_property, create_property, restore_property
from marketable.segments import following, queries
from marketable.segments.errors import SegmentCycle, SegmentUsed
from marketable.segments.rules import State, from_json
from marketable.segments.services import segments
from tests import make
from tests.make import JAN_10, JAN_20

pytestmark = pytest.mark.usefixtures("committing")

BY = system(SourceType.COMMAND)


@pytest.fixture
def account() -> AccountInfo:
    return make.account()


def is_city(name: str) -> dict[str, object]:
    return {"property": "city", "operator": "is", "value": name}


def active(account: AccountInfo, name: str, *conditions: dict[str, object]) -> int:
    wanted = from_json({"and": list(conditions)})
    return segments.create_active(account.id, name, wanted, by=BY, now=JAN_20, build=True).id


def members(account: AccountInfo, segment_id: int, now: datetime = JAN_20) -> list[int]:
    following.catch_up(now=now)
    proof = segments.prove(account.id, segment_id, now=now)
    assert proof.ok, proof
    return queries.member_ids(account.id, segment_id)


def edit(account: AccountInfo, contact_id: int, **values: str) -> None:
    edit_contact(account.id, contact_id, values, version=None, reach=EVERYTHING, by=BY, now=JAN_20)


def test_a_segment_is_built_of_what_is_there(account: AccountInfo) -> None:
    inside = make.contact(account, city="Kraków")
    make.contact(account, city="Radom")
    segment_id = active(account, "Kraków", is_city("Kraków"))
    assert members(account, segment_id) == [inside]
    view = queries.segment(account.id, segment_id)
    assert (view.state, view.member_count, view.mentions) == (State.READY, 1, ("city",))


def test_a_contact_moves_in_and_out_with_its_changes(account: AccountInfo) -> None:
    contact_id = make.contact(account, city="Radom")
    segment_id = active(account, "Kraków", is_city("Kraków"))
    edit(account, contact_id, city="Kraków")
    assert members(account, segment_id) == [contact_id]
    edit(account, contact_id, city="Łódź")
    assert members(account, segment_id) == []
    [stay] = queries.memberships(account.id, contact_id)
    assert (stay.name, stay.joined_at, stay.left_at) == ("Kraków", JAN_20, JAN_20)


def test_one_who_is_created_or_deleted_comes_and_goes(account: AccountInfo) -> None:
    segment_id = active(account, "Kraków", is_city("Kraków"))
    contact_id = make.contact(account, city="Kraków")
    assert members(account, segment_id) == [contact_id]
    archive_contacts(account.id, make.ids(contact_id), by=BY, now=JAN_20)
    assert members(account, segment_id) == []


def test_the_status_moves_contacts_and_so_does_the_update_date(account: AccountInfo) -> None:
    contact_id = make.contact(account)
    segment_id = active(account, "Counting", {"counts": True})
    start_marketing(account.id, make.ids(contact_id), by=BY, now=JAN_20)
    assert members(account, segment_id) == [contact_id]
    stop_marketing(account.id, make.ids(contact_id), by=BY, now=JAN_20)
    assert members(account, segment_id) == [contact_id]
    before = datetime(2027, 1, 31, 22, 59, tzinfo=UTC)
    assert members(account, segment_id, before) == [contact_id]
    assert members(account, segment_id, before + timedelta(minutes=1)) == []  # S1, without its job


def test_days_that_pass_move_contacts(account: AccountInfo) -> None:
    day = PropertyDef("renewal", "Renewal", PropertyType.DATE, "date")
    create_property(account.id, day, by=BY, now=JAN_10)
    contact_id = make.contact(account, renewal="2027-01-25")
    soon = {"property": "renewal", "operator": "in_next_days", "value": 3}
    segment_id = active(account, "Soon", soon)
    seen = [
        members(account, segment_id, JAN_20 + timedelta(days=day)) == [contact_id]
        for day in range(8)
    ]
    assert seen == [False, False, True, True, True, True, False, False]


def test_segments_in_segments_are_right_at_once(account: AccountInfo) -> None:
    contact_id = make.contact(account, city="Radom", country="Poland")
    inner = active(account, "Kraków", is_city("Kraków"))
    outer = active(account, "Not there", {"not_in_segment": inner})
    outermost = active(account, "There", {"segment": inner}, {"not_in_segment": outer})
    assert members(account, outer) == [contact_id]
    edit(account, contact_id, city="Kraków")
    assert (members(account, outer), members(account, outermost)) == ([], [contact_id])


def test_a_segment_may_not_depend_on_itself(account: AccountInfo) -> None:
    inner = active(account, "Inner", is_city("Kraków"))
    middle = active(account, "Middle", {"segment": inner})
    outer = active(account, "Outer", {"segment": middle})
    for named in (inner, middle, outer):
        with pytest.raises(SegmentCycle):
            wanted = from_json({"and": [{"not_in_segment": named}]})
            segments.change_filter(account.id, inner, wanted, by=BY, now=JAN_20)


def test_one_that_is_used_cannot_be_deleted(account: AccountInfo) -> None:
    inner = active(account, "Inner", is_city("Kraków"))
    outer = active(account, "Outer", {"segment": inner})
    with pytest.raises(SegmentUsed, match="Outer"):
        segments.delete(account.id, inner, by=BY, now=JAN_20)
    segments.delete(account.id, outer, by=BY, now=JAN_20)
    segments.delete(account.id, inner, by=BY, now=JAN_20)
    back = segments.restore(account.id, inner, by=BY, now=JAN_20 + timedelta(days=29), build=True)
    assert back.state is State.READY


def test_a_fixed_segment_is_filled_by_hand(account: AccountInfo) -> None:
    first, second = make.contact(account), make.contact(account)
    segment_id = segments.create_fixed(account.id, "Fair", by=BY, now=JAN_20).id
    chosen = make.ids(first, second)
    assert segments.add_members(account.id, segment_id, chosen, by=BY, now=JAN_20).moved == 2
    assert segments.add_members(account.id, segment_id, chosen, by=BY, now=JAN_20).moved == 0
    outer = active(account, "At the fair", {"segment": segment_id})
    only = make.ids(first)
    assert segments.remove_members(account.id, segment_id, only, by=BY, now=JAN_20).moved == 1
    assert (members(account, segment_id), members(account, outer)) == ([second], [second])
    archive_contacts(account.id, make.ids(second), by=BY, now=JAN_20)
    assert (members(account, segment_id), members(account, outer)) == ([], [])


def test_a_change_asks_only_segments_that_mention_it(
    account: AccountInfo,
) -> None:
    contact_id = make.contact(account, city="Radom")
    active(account, "Kraków", is_city("Kraków"))
    following.catch_up(now=JAN_20)

    def statements(city: str) -> int:  # of one change, which cannot be read in two parts
        edit(account, contact_id, city=city)
        with CaptureQueriesContext(connection) as captured:
            following.catch_up(now=JAN_20)
        # Without those that ask whether the ledger can be read on: another database's transaction
        # may keep it waiting.
        texts = [one["sql"] for one in captured.captured_queries]
        return sum("segment" in text and "ledger_reader" not in text for text in texts)

    before = statements("Kraków")
    for number in range(20):
        active(account, f"Other {number}", {"property": "zip", "operator": "is_known"})
    following.catch_up(now=JAN_20)
    assert statements("Radom") == before


def test_the_days_are_counted(account: AccountInfo) -> None:
    contact_id = make.contact(account, city="Kraków")
    segment_id = active(account, "Kraków", is_city("Kraków"))
    edit(account, contact_id, city="Radom")
    members(account, segment_id)
    [day] = queries.days(account.id, segment_id, first=JAN_10.date(), last=JAN_20.date())
    assert (day.day, day.member_count, day.joined, day.left) == (JAN_20.date(), 0, 1, 1)
    assert sql.rows("SELECT count(*) FROM segment_past_member") == [(1,)]


def test_an_erased_person_is_named_by_no_filter_and_in_no_history(  # S14
    account: AccountInfo,
) -> None:
    contact_id = make.contact(account, email="secret@example.com", city="Kraków")
    named = {
        "property": "email",
        "operator": "is_any_of",
        "value": ["Secret@Example.com", "b@example.com"],
    }
    segment_id = active(account, "Named", {"or": [named, is_city("Kraków")]})
    edit(account, contact_id, city="Radom", email="other@example.com")
    members(account, segment_id)
    edit(account, contact_id, email="secret@example.com")
    assert members(account, segment_id) == [contact_id]
    erase_contacts(account.id, make.ids(contact_id), by=BY, now=JAN_20)
    assert members(account, segment_id) == []
    [[stored]] = sql.rows("SELECT filter::text FROM segment")
    assert "secret" not in stored.lower() and "b@example.com" in stored
    assert queries.memberships(account.id, contact_id) == []


@pytest.mark.parametrize("kind", ["property", "was_ever"])
def test_who_had_an_erased_address_as_another_value_is_asked_anew(  # S14
    account: AccountInfo, kind: str
) -> None:
    erased = make.contact(account, email="boss@example.com")
    other = make.contact(account, email="a@example.com", city="boss@example.com")
    named: dict[str, object] = {kind: "city", "value": "boss@example.com"}
    if kind == "property":
        named["operator"] = "is"
    segment_id = active(account, "Boss's town", named)
    assert members(account, segment_id) == [other]
    erase_contacts(account.id, make.ids(erased), by=BY, now=JAN_20)
    following.catch_up(account.id, now=JAN_20)
    assert members(account, segment_id) == []


def test_a_property_that_goes_leaves_the_members_and_says_what_is_wrong(
    account: AccountInfo,
) -> None:  # J7
    size = PropertyDef("size", "Size", PropertyType.STRING, "text")
    create_property(account.id, size, by=BY, now=JAN_10)
    contact_id = make.contact(account, size="L")
    segment_id = active(account, "Large", {"property": "size", "operator": "is", "value": "L"})
    archive_property(account.id, "size", by=BY, now=JAN_20)
    following.catch_up(now=JAN_20)
    view = queries.segment(account.id, segment_id)
    assert view.state is State.NEEDS_ATTENTION and "size" in view.problem
    assert queries.member_ids(account.id, segment_id) == [contact_id]
    restore_property(account.id, "size", by=BY, now=JAN_20)
    following.catch_up(account.id, now=JAN_20)
    assert queries.segment(account.id, segment_id).state is State.READY
    assert members(account, segment_id) == [contact_id]


def test_members_by_hand_go_to_the_survivor_of_a_merge(account: AccountInfo) -> None:
    survivor, other = make.contact(account), make.contact(account)
    segment_id = segments.create_fixed(account.id, "Fair", by=BY, now=JAN_20).id
    segments.add_members(account.id, segment_id, make.ids(other), by=BY, now=JAN_20)
    merge_contacts(account.id, survivor, other, reach=EVERYTHING, by=BY, now=JAN_20)
    assert members(account, segment_id) == [survivor]


def test_the_end_of_the_ledger_is_the_latest_transaction_whatever_its_digits(
    account: AccountInfo,
) -> None:
    contact_id = make.contact(account, city="Kraków")
    segment_id = active(account, "Kraków", is_city("Kraków"))
    following.catch_up(now=JAN_20)
    sql.execute("UPDATE change SET xid = '9' WHERE id = (SELECT min(id) FROM change)")
    edit(account, contact_id, city="Radom")
    assert members(account, segment_id) == []


@pytest.mark.parametrize("read_between", [True, False])
@pytest.mark.parametrize("was_in_before", [True, False])
def test_members_by_hand_come_back_when_a_merge_is_taken_back(
    account: AccountInfo, read_between: bool, was_in_before: bool
) -> None:  # S13
    survivor, other, inner = (make.contact(account) for _ in range(3))
    segment_id = segments.create_fixed(account.id, "Fair", by=BY, now=JAN_20).id
    also = [survivor] if was_in_before else []
    segments.add_members(account.id, segment_id, make.ids(inner, *also), by=BY, now=JAN_20)
    for into, away in ((other, inner), (survivor, other)):
        merge_contacts(account.id, into, away, reach=EVERYTHING, by=BY, now=JAN_20)
    if read_between:
        assert members(account, segment_id) == [survivor]
    unmerge_contact(account.id, other, reach=EVERYTHING, by=BY, now=JAN_20)
    assert members(account, segment_id) == sorted([*also, other])
    unmerge_contact(account.id, inner, reach=EVERYTHING, by=BY, now=JAN_20)
    assert members(account, segment_id) == sorted([*also, inner])
    assert segments.prove(account.id, segment_id, now=JAN_20).ok


def test_the_survivor_of_several_merges_is_in_whatever_the_others_were_in(
    account: AccountInfo,
) -> None:
    first, second, third = (make.contact(account) for _ in range(3))
    segment_id = segments.create_fixed(account.id, "Fair", by=BY, now=JAN_20).id
    segments.add_members(account.id, segment_id, make.ids(first), by=BY, now=JAN_20)
    for survivor, other in ((second, first), (third, second)):
        merge_contacts(account.id, survivor, other, reach=EVERYTHING, by=BY, now=JAN_20)
    assert members(account, segment_id) == [third]


def test_a_fixed_segment_brought_back_lost_who_was_deleted_and_has_the_survivor(
    account: AccountInfo,
) -> None:
    stays, goes, merged, survivor = (make.contact(account) for _ in range(4))
    segment_id = segments.create_fixed(account.id, "Fair", by=BY, now=JAN_20).id
    chosen = make.ids(stays, goes, merged)
    segments.add_members(account.id, segment_id, chosen, by=BY, now=JAN_20)
    segments.delete(account.id, segment_id, by=BY, now=JAN_20)
    archive_contacts(account.id, make.ids(goes), by=BY, now=JAN_20)
    merge_contacts(account.id, survivor, merged, reach=EVERYTHING, by=BY, now=JAN_20)
    following.catch_up(now=JAN_20)
    segments.restore(account.id, segment_id, by=BY, now=JAN_20, build=True)
    assert members(account, segment_id) == [stays, survivor]


def test_one_taken_from_the_recycle_bin_is_in_its_segments_again(account: AccountInfo) -> None:
    contact_id = make.contact(account, city="Kraków")
    kraków = active(account, "Kraków", is_city("Kraków"))
    fair = segments.create_fixed(account.id, "Fair", by=BY, now=JAN_20).id
    segments.add_members(account.id, fair, make.ids(contact_id), by=BY, now=JAN_20)
    archive_contacts(account.id, make.ids(contact_id), by=BY, now=JAN_20)
    assert (members(account, kraków), members(account, fair)) == ([], [])
    restore_contact(account.id, contact_id, reach=EVERYTHING, by=BY, now=JAN_20)
    assert (members(account, kraków), members(account, fair)) == ([contact_id], [contact_id])


def test_another_filter_moves_those_who_depend_on_the_segment(account: AccountInfo) -> None:
    contact_id = make.contact(account, city="Kraków")
    inner = active(account, "Inner", is_city("Kraków"))
    middle = active(account, "Middle", {"segment": inner})
    outer = active(account, "Outer", {"not_in_segment": middle})
    wanted = from_json(is_city("Radom"))
    segments.change_filter(account.id, inner, wanted, by=BY, now=JAN_20)
    following.catch_up(account.id, now=JAN_20)
    assert [members(account, one) for one in (inner, middle, outer)] == [[], [], [contact_id]]


def test_a_filter_that_a_value_does_not_fit_needs_attention_and_holds_nobody_up(
    account: AccountInfo,
) -> None:
    size = PropertyDef("size", "Size", PropertyType.NUMBER, "number")
    create_property(account.id, size, by=BY, now=JAN_10)
    contact_id = make.contact(account, city="Radom")
    large = active(account, "Large", {"property": "size", "operator": "gt", "value": 3})
    kraków = active(account, "Kraków", is_city("Kraków"))
    sql.execute('UPDATE contact SET properties = properties || \'{"size": "secret"}\'')
    edit(account, contact_id, city="Kraków")
    touch = 'UPDATE contact_change SET after = after || \'{"properties": {"size": 1, "city": 1}}\''
    sql.execute(touch)
    assert members(account, kraków) == [contact_id]
    following.catch_up(account.id, now=JAN_20)  # read in two parts, it waits to be built again
    view = queries.segment(account.id, large)
    assert view.state is State.NEEDS_ATTENTION
    assert "value" in view.problem and "secret" not in view.problem
    assert segments.rebuild(account.id, large, now=JAN_20).state is State.NEEDS_ATTENTION


def test_a_ledger_restored_on_a_server_that_counts_anew_is_read_on(account: AccountInfo) -> None:
    read, unread, since = (make.contact(account, city="Radom") for _ in range(3))
    segment_id = active(account, "Kraków", is_city("Kraków"))
    edit(account, read, city="Kraków")
    following.catch_up(now=JAN_20)
    edit(account, unread, city="Kraków")
    ahead = "(xid::text::bigint + 1000000000)::text::xid8"  # as it was on the other server
    sql.execute(f"UPDATE change SET xid = {ahead}")
    sql.execute(f"UPDATE ledger_reader SET xid = {ahead}")
    edit(account, since, city="Kraków")  # before anybody has looked
    assert members(account, segment_id) == [read, unread, since]
    edit(account, read, city="Radom")
    assert members(account, segment_id) == [unread, since]
    assert not following.is_behind(now=JAN_20)
    assert not following.renumber_if_moved()


def test_one_statement_asks_one_segment(account: AccountInfo) -> None:
    contact_id = make.contact(account, city="Radom")
    for number in range(5):
        active(account, f"Kraków {number}", is_city("Kraków"))
    active(account, "Counting", {"counts": True})
    following.catch_up(now=JAN_20)
    edit(account, contact_id, city="Kraków")
    with CaptureQueriesContext(connection) as captured:
        following.catch_up(now=JAN_20)
    asking = [one["sql"] for one in captured.captured_queries if "segment_member" in one["sql"]]
    assert len(asking) == 5


def test_every_night_a_difference_is_told_to_the_owners_and_not_corrected(
    account: AccountInfo,
) -> None:  # O12
    contact_id = make.contact(account, city="Kraków")
    segment_id = active(account, "Kraków", is_city("Kraków"))
    edit(account, contact_id, city="Radom")  # not read yet, which is no difference
    upkeep.prove_segments(JAN_20)
    assert mail.outbox == []
    sql.execute(
        "INSERT INTO segment_member (account_id, segment_id, contact_id, since) "
        "SELECT account_id, id, %(contact_id)s, created_at FROM segment",
        {"contact_id": contact_id},
    )
    with pytest.raises(upkeep.ProofFailed):
        upkeep.prove_segments(JAN_20)
    [message] = mail.outbox
    assert message.to == ["anna@example.com"] and "Kraków" in message.body
    assert queries.member_ids(account.id, segment_id) == [contact_id]


def test_another_time_zone_lets_days_begin_at_other_moments(account: AccountInfo) -> None:
    contact_id = make.contact(account, at=datetime(2027, 1, 10, 23, 30, tzinfo=UTC))
    created: dict[str, object] = {
        "property": "createdate",
        "operator": "is",
        "value": "2027-01-11",
    }
    segment_id = active(account, "Created then", created)
    assert members(account, segment_id) == [contact_id]
    change_time_zone(account.id, "UTC", by=BY, now=JAN_20)
    following.catch_up(account.id, now=JAN_20)
    assert members(account, segment_id) == []
