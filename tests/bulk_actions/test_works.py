"""Editing, listing, deleting many contacts: plan, confirm, run, and take back (B, S10, S17)."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from marketable import sql
from marketable.accounts.queries import AccountInfo, Reach
from marketable.accounts.rules import Scope
from marketable.bulk_actions import queries, running, services
from marketable.bulk_actions.errors import CannotUndo, PlanOutdated
from marketable.bulk_actions.queries import BulkActionView
from marketable.bulk_actions.rules import ActionKind, ActionState
from marketable.bulk_actions.services import WorkPreview
from marketable.bulk_actions.works import Work
from marketable.contacts import queries as contacts
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.create import create_contact
from marketable.contacts.services.edit import edit_contact, undo_edit
from marketable.contacts.services.edit_many import CannotEditMany, How, edit_of
from marketable.contacts.services.restore import restore_contact
from marketable.history.sources import Source
from marketable.marketing_status import queries as status_queries
from marketable.marketing_status.rules import Event, Status
from marketable.properties.errors import BadValues, PropertyUnknown
from marketable.properties.rules import Option, PropertyDef, PropertyType
from marketable.properties.services import create_property
from marketable.segments.selection import Selection
from marketable.segments.services import segments
from tests import make
from tests.make import FEB_2, JAN_20

pytestmark = pytest.mark.django_db

EVERYTHING = Reach(Scope.ALL, ())
TODAY = JAN_20.date()
WARSAW = ZoneInfo("Europe/Warsaw")
HOBBIES = PropertyDef(
    "hobbies",
    "Hobbies",
    PropertyType.ENUMERATION,
    "checkbox",
    options=(Option("chess", "Chess"), Option("golf", "Golf"), Option("yoga", "Yoga")),
)


def plan(
    account: AccountInfo, by: Source, work: Work, selection: Selection | None = None
) -> WorkPreview:
    return services.preview_work(
        account.id, work, selection or Selection(), by=by, reach=EVERYTHING, now=JAN_20
    )


def do(
    account: AccountInfo, by: Source, work: Work, selection: Selection | None = None
) -> BulkActionView:
    shown = plan(account, by, work, selection)
    started = services.confirm(
        account.id, shown.id, shown.plan.changing, by=by, reach=EVERYTHING, now=JAN_20
    )
    return run(account, started.id)


def run(account: AccountInfo, bulk_action_id: int) -> BulkActionView:
    while running.run_next_batch(account.id, bulk_action_id, now=JAN_20):
        pass
    return queries.bulk_action(account.id, bulk_action_id)


def take_back(account: AccountInfo, by: Source, was: BulkActionView) -> BulkActionView:
    return run(account, services.take_back(account.id, was.id, by=by, now=JAN_20).id)


def edit(
    account: AccountInfo, name: str, raw: object = "", how: How = How.SET, order: str = "dmy"
) -> Work:
    meant = edit_of(account.id, name, how, raw, date_order=order, zone=WARSAW)
    return Work(ActionKind.EDIT, meant.name, meant.how, meant.value)


def values(account: AccountInfo, name: str) -> list[object]:
    found = sql.rows(
        "SELECT properties->>%(name)s FROM contact WHERE account_id = %(account_id)s ORDER BY id",
        {"account_id": account.id, "name": name},
    )
    return [row[0] for row in found]


def alter(account: AccountInfo, by: Source, contact_id: int, **given: object) -> None:
    edit_contact(account.id, contact_id, given, version=None, reach=EVERYTHING, by=by, now=JAN_20)


def versions(account: AccountInfo) -> list[int]:
    found = sql.rows(
        "SELECT version FROM contact WHERE account_id = %(id)s ORDER BY id", {"id": account.id}
    )
    return [int(row[0]) for row in found]


# Editing


def test_a_value_is_set_for_those_who_have_another(account: AccountInfo, anna: Source) -> None:
    make.contact(account, city="Gdynia")
    make.contact(account, city="Kraków")
    make.contact(account)
    shown = plan(account, anna, edit(account, "city", " Kraków "))
    assert (shown.plan.changing, shown.plan.already, shown.plan.selected) == (2, 1, 3)
    assert values(account, "city") == ["Gdynia", "Kraków", None]
    done = do(account, anna, edit(account, "city", "Kraków"))
    assert (done.state, done.outcomes) == (ActionState.COMPLETE, {"changed": 2})
    assert values(account, "city") == ["Kraków"] * 3
    assert versions(account) == [2, 1, 2]
    assert make.ledger(account)[-1] == ("contact_changed", 2, 0)


def test_the_value_is_kept_in_the_ledger_alone_when_the_action_has_ended(
    account: AccountInfo, anna: Source
) -> None:  # S14
    make.contact(account)
    shown = plan(account, anna, edit(account, "city", "Zakopane"))
    services.confirm(account.id, shown.id, 1, by=anna, reach=EVERYTHING, now=JAN_20)
    for table in ("bulk_action", "plan_preview"):
        found = sql.rows(f"SELECT FROM {table} AS one WHERE one::text LIKE '%%Zakopane%%'")
        assert not found, table


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("seats", "1250.50", "1250.5"),
        ("name_day", "3/4/2026", "2026-04-03"),
        ("phone", " +48 600 100 200 ", "+48 600 100 200"),
        ("lifecyclestage", "Customer", "customer"),
    ],
)
def test_values_are_read_as_their_type_is(
    account: AccountInfo, anna: Source, name: str, raw: str, expected: str
) -> None:
    make.contact(account)
    for definition in (
        PropertyDef("seats", "Seats", PropertyType.NUMBER, "number"),
        PropertyDef("name_day", "Name day", PropertyType.DATE, "date"),
    ):
        create_property(account.id, definition, by=anna, now=JAN_20)
    do(account, anna, edit(account, name, raw))
    assert values(account, name) == [expected]


def test_a_property_is_cleared(account: AccountInfo, anna: Source) -> None:
    make.contact(account, city="Gdynia")
    make.contact(account)
    done = do(account, anna, edit(account, "city", how=How.CLEAR))
    assert (done.changed, done.already) == (1, 1)
    assert values(account, "city") == [None, None]


def test_options_are_added_and_removed_beside_the_others(
    account: AccountInfo, anna: Source
) -> None:
    create_property(account.id, HOBBIES, by=anna, now=JAN_20)
    make.contact(account, hobbies=["golf"])
    make.contact(account)
    make.contact(account, hobbies=["chess", "yoga"])
    added = do(account, anna, edit(account, "hobbies", ["chess"], How.ADD))
    assert (added.changed, added.already) == (2, 1)
    assert values(account, "hobbies") == ['["chess", "golf"]', '["chess"]', '["chess", "yoga"]']
    removed = do(account, anna, edit(account, "hobbies", ["chess", "yoga"], How.REMOVE))
    assert removed.changed == 3
    assert values(account, "hobbies") == ['["golf"]', None, None]
    take_back(account, anna, removed)
    assert values(account, "hobbies") == ['["chess", "golf"]', '["chess"]', '["chess", "yoga"]']
    take_back(account, anna, added)
    assert values(account, "hobbies") == ['["golf"]', None, '["chess", "yoga"]']


def test_a_stage_is_not_set_backwards(account: AccountInfo, anna: Source) -> None:
    for stage in ("customer", "lead"):
        make.contact(account, lifecyclestage=stage)
    make.contact(account)
    done = do(account, anna, edit(account, "lifecyclestage", "lead"))
    assert (done.changed, done.already, done.cannot) == (1, 1, {"STAGE_BACKWARDS": 1})
    assert values(account, "lifecyclestage") == ["customer", "lead", "lead"]
    refused = list(queries.refused_contacts(account.id, done.id))
    assert [reason for _, _, reason in refused] == ["STAGE_BACKWARDS"]


def test_read_only_and_unique_properties_are_refused_by_name(
    account: AccountInfo, anna: Source
) -> None:
    number = PropertyDef("member_number", "Member", PropertyType.STRING, "text", is_unique=True)
    create_property(account.id, number, by=anna, now=JAN_20)
    for name, said in [
        ("hs_marketable_status", "Marketing contact status"),
        ("member_number", "Member"),
        ("email", "E-mail"),
    ]:
        with pytest.raises(CannotEditMany, match=said):
            edit(account, name, "x")
    with pytest.raises(PropertyUnknown):
        edit(account, "no_such", "x")
    with pytest.raises(BadValues):
        edit(account, "lifecyclestage", "no such stage")
    with pytest.raises(BadValues):
        edit(account, "hubspot_owner_id", "999999")  # V16
    with pytest.raises(CannotEditMany, match="one value"):
        edit(account, "city", "Gdynia", How.ADD)


def test_a_contact_is_found_by_its_new_value(account: AccountInfo, anna: Source) -> None:
    make.contact(account)
    do(account, anna, edit(account, "company", "Zielony Młyn"))
    assert (
        plan(account, anna, Work(ActionKind.ARCHIVE), Selection(search="mlyn")).plan.changing == 1
    )


def test_an_owner_is_assigned_and_taken_away(account: AccountInfo, anna: Source) -> None:
    seller = make.user(account, "sales")
    make.contacts(account, 2)
    do(account, anna, edit(account, "hubspot_owner_id", str(seller.pk)))
    assert values(account, "hubspot_owner_id") == [str(seller.pk)] * 2
    do(account, anna, edit(account, "hubspot_owner_id", how=How.CLEAR))
    assert values(account, "hubspot_owner_id") == [None, None]


def test_contacts_outside_the_persons_rights_are_left_alone(
    account: AccountInfo, anna: Source
) -> None:  # P6
    seller = make.user(account, "sales")
    own = make.contact(account, hubspot_owner_id=str(seller.pk))
    make.contact(account)
    reach = Reach(Scope.OWN, (seller.pk,))
    by = make.source(seller)
    shown = services.preview_work(
        account.id, edit(account, "city", "Łódź"), Selection(), by=by, reach=reach, now=JAN_20
    )
    assert (shown.plan.changing, shown.plan.outside_rights) == (1, 1)
    services.confirm(account.id, shown.id, 1, by=by, reach=reach, now=JAN_20)
    assert values(account, "city") == ["Łódź", None]
    assert own


def test_a_set_that_changed_is_asked_about_again(account: AccountInfo, anna: Source) -> None:  # B5
    make.contacts(account, 2)
    shown = plan(account, anna, edit(account, "city", "Łódź"))
    make.contact(account)
    with pytest.raises(PlanOutdated) as refusal:
        services.confirm(account.id, shown.id, 2, by=anna, reach=EVERYTHING, now=JAN_20)
    assert (refusal.value.facts["expected"], refusal.value.facts["actual"]) == (2, 3)
    assert values(account, "city") == [None] * 3
    fresh = refusal.value.fresh_plan_id
    assert fresh is not None
    done = services.confirm(account.id, fresh, 3, by=anna, reach=EVERYTHING, now=JAN_20)
    again = services.confirm(account.id, fresh, 3, by=anna, reach=EVERYTHING, now=JAN_20)
    assert (done.id, done.changed) == (again.id, 3)
    assert versions(account) == [2, 2, 2]


@pytest.mark.usefixtures("small_batches")
def test_a_large_one_goes_batch_by_batch_and_stops_when_cancelled(
    account: AccountInfo, anna: Source
) -> None:  # B6
    make.contacts(account, 5)
    shown = plan(account, anna, edit(account, "city", "Łódź"))
    begun = services.confirm(account.id, shown.id, 5, by=anna, reach=EVERYTHING, now=JAN_20)
    assert running.run_next_batch(account.id, begun.id, now=JAN_20)
    ended = running.cancel(account.id, begun.id, now=JAN_20)
    assert (ended.state, ended.done, ended.changed) == (ActionState.CANCELLED, 2, 2)
    assert values(account, "city").count("Łódź") == 2
    back = take_back(account, anna, ended)
    assert back.changed == 2
    assert values(account, "city") == [None] * 5


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("what", ["edit", "list", "delete", "status"])
def test_what_an_undo_that_was_stopped_left_over_can_be_taken_back(
    account: AccountInfo, anna: Source, what: str
) -> None:
    make.contacts(account, 5)
    if what == "status":
        shown = services.preview(
            account.id, Event.START, Selection(), by=anna, reach=EVERYTHING, now=JAN_20
        )
        begun = services.confirm(account.id, shown.id, 5, by=anna, reach=EVERYTHING, now=JAN_20)
        done = run(account, begun.id)
    elif what == "list":
        done = do(account, anna, Work(ActionKind.ADD, segment_name="Guests"))
    else:
        work = edit(account, "city", "Łódź") if what == "edit" else Work(ActionKind.ARCHIVE)
        done = do(account, anna, work)
    assert done.changed == 5
    back = services.take_back(account.id, done.id, by=anna, now=JAN_20)
    with pytest.raises(CannotUndo):  # it is being taken back
        services.take_back(account.id, done.id, by=anna, now=JAN_20)
    assert running.run_next_batch(account.id, back.id, now=JAN_20)
    assert running.cancel(account.id, back.id, now=JAN_20).changed == 2
    assert queries.taken_back(account.id, [done.id]) == frozenset()
    rest = take_back(account, anna, done)
    assert (rest.state, rest.changed) == (ActionState.COMPLETE, 3)
    with pytest.raises(CannotUndo):
        services.take_back(account.id, done.id, by=anna, now=JAN_20)


@pytest.mark.usefixtures("small_batches")
def test_one_that_was_deleted_before_its_batch_is_skipped(
    account: AccountInfo, anna: Source
) -> None:  # B6, J17
    ids = make.contacts(account, 4)
    shown = plan(account, anna, edit(account, "city", "Łódź"))
    begun = services.confirm(account.id, shown.id, 4, by=anna, reach=EVERYTHING, now=JAN_20)
    do(account, anna, Work(ActionKind.ARCHIVE), Selection(ids=(ids[0],)))
    assert run(account, begun.id).outcomes == {"changed": 3, "skipped": 1}


# Taking an edit back


def test_each_gets_its_own_value_back_but_who_was_touched_since(
    account: AccountInfo, anna: Source
) -> None:
    first = make.contact(account, city="Gdynia")
    second = make.contact(account, city="Sopot")
    third = make.contact(account)
    gone = make.contact(account)
    done = do(account, anna, edit(account, "city", "Łódź"))
    alter(account, anna, second, city="Hel")
    alter(account, anna, third, company="Acme")  # another property is no matter
    do(account, anna, Work(ActionKind.ARCHIVE), Selection(ids=(gone,)))
    back = take_back(account, anna, done)
    assert back.outcomes == {"changed": 2}
    assert back.cannot == {"CHANGED_SINCE": 1, "ARCHIVED": 1}
    assert values(account, "city") == ["Gdynia", "Hel", None, "Łódź"]
    kept = {contact: why for contact, _, why in queries.refused_contacts(account.id, back.id)}
    assert kept == {second: "CHANGED_SINCE", gone: "ARCHIVED"}
    assert back.reverts_id == done.id
    assert first
    with pytest.raises(CannotUndo):
        services.take_back(account.id, done.id, by=anna, now=JAN_20)


def test_a_value_set_away_and_back_again_was_touched(account: AccountInfo, anna: Source) -> None:
    contact_id = make.contact(account, city="Gdynia")
    done = do(account, anna, edit(account, "city", "Łódź"))
    alter(account, anna, contact_id, city="Hel")
    alter(account, anna, contact_id, city="Łódź")
    with pytest.raises(CannotUndo):
        services.take_back(account.id, done.id, by=anna, now=JAN_20)
    assert values(account, "city") == ["Łódź"]


def test_what_was_taken_back_can_be_taken_back(account: AccountInfo, anna: Source) -> None:
    make.contact(account, city="Gdynia")
    back = take_back(account, anna, do(account, anna, edit(account, "city", "Łódź")))
    assert values(account, "city") == ["Gdynia"]
    take_back(account, anna, back)
    assert values(account, "city") == ["Łódź"]


def test_what_came_after_and_was_taken_back_is_as_if_it_had_not_been(
    account: AccountInfo, anna: Source
) -> None:
    first, second = make.contact(account, city="Gdynia"), make.contact(account, city="Sopot")
    done = do(account, anna, edit(account, "city", "Łódź"))
    later = do(account, anna, edit(account, "city", "Hel"))
    take_back(account, anna, later)
    changed = edit_contact(
        account.id, first, {"city": "Puck"}, version=None, reach=EVERYTHING, by=anna, now=JAN_20
    )
    assert changed.change_id is not None
    undo_edit(account.id, first, changed.change_id, reach=EVERYTHING, by=anna, now=JAN_20)
    alter(account, anna, second, city="Puck")
    alter(account, anna, second, city="Łódź")  # chosen, not taken back
    back = take_back(account, anna, done)
    assert (back.outcomes, back.cannot) == ({"changed": 1}, {"CHANGED_SINCE": 1})
    assert values(account, "city") == ["Gdynia", "Łódź"]


def test_after_thirty_days_it_stays(account: AccountInfo, anna: Source) -> None:
    make.contact(account)
    done = do(account, anna, edit(account, "city", "Łódź"))
    later = JAN_20 + timedelta(days=30, seconds=1)
    with pytest.raises(CannotUndo):
        services.take_back(account.id, done.id, by=anna, now=later)


# Lists


def members(account: AccountInfo, segment_id: int) -> list[int]:
    found = sql.rows(
        "SELECT contact_id FROM segment_member WHERE account_id = %(account_id)s "
        "AND segment_id = %(segment_id)s ORDER BY 1",
        {"account_id": account.id, "segment_id": segment_id},
    )
    return [int(row[0]) for row in found]


def test_a_list_is_filled_and_emptied_and_both_are_taken_back(
    account: AccountInfo, anna: Source
) -> None:
    first, second, third = make.contacts(account, 3)
    guests = segments.create_fixed(account.id, "Guests", by=anna, now=JAN_20).id
    adding = Work(ActionKind.ADD, segment_id=guests)
    do(account, anna, adding, Selection(ids=(first,)))
    added = do(account, anna, adding)
    assert (added.changed, added.already) == (2, 1)
    assert members(account, guests) == [first, second, third]
    removed = do(
        account, anna, Work(ActionKind.REMOVE, segment_id=guests), Selection(ids=(second,))
    )
    assert members(account, guests) == [first, third]
    back = take_back(account, anna, added)
    assert (back.outcomes, back.cannot) == ({"removed": 1}, {"CHANGED_SINCE": 1})
    assert members(account, guests) == [first]
    assert take_back(account, anna, removed).outcomes == {"added": 1}
    assert members(account, guests) == [first, second]
    assert segments.prove(account.id, guests, now=JAN_20).ok


def test_a_list_that_is_gone_takes_nobody_back(account: AccountInfo, anna: Source) -> None:
    make.contact(account)
    guests = segments.create_fixed(account.id, "Guests", by=anna, now=JAN_20).id
    added = do(account, anna, Work(ActionKind.ADD, segment_id=guests))
    segments.delete(account.id, guests, by=anna, now=JAN_20)
    with pytest.raises(CannotUndo):
        services.take_back(account.id, added.id, by=anna, now=JAN_20)


# Deleting


def test_the_deleted_hold_their_places_and_come_back_as_they_were(
    account: AccountInfo, anna: Source
) -> None:  # S7, S10, V12
    for status in Status:
        make.contact(account, status=status)
    shown = plan(account, anna, Work(ActionKind.ARCHIVE))
    assert (shown.plan.changing, shown.plan.held) == (3, 2)
    before = states(account)
    done = do(account, anna, Work(ActionKind.ARCHIVE))
    assert done.outcomes == {"archived": 3}
    assert status_queries.usage(account.id, TODAY).usage == 2
    back = take_back(account, anna, done)
    assert back.outcomes == {"restored": 3}
    assert states(account) == before
    assert status_queries.usage(account.id, TODAY).usage == 2
    assert status_queries.prove(account.id).ok


def states(account: AccountInfo) -> list[tuple[object, ...]]:
    return sql.rows(
        "SELECT c.id, c.archived_at IS NULL, m.since, m.leaving_on, a.is_live FROM contact AS c "
        "LEFT JOIN marketing_contact AS m ON m.account_id = c.account_id AND m.contact_id = c.id "
        "LEFT JOIN contact_address AS a ON a.account_id = c.account_id AND a.contact_id = c.id "
        "WHERE c.account_id = %(id)s ORDER BY c.id",
        {"id": account.id},
    )


def test_who_was_restored_since_stays_as_somebody_left_them(
    account: AccountInfo, anna: Source
) -> None:
    deleted_again, other = make.contacts(account, 2)
    first = do(account, anna, Work(ActionKind.ARCHIVE))
    restore_contact(account.id, deleted_again, reach=EVERYTHING, by=anna, now=JAN_20)
    do(account, anna, Work(ActionKind.ARCHIVE))  # by somebody who meant it
    back = take_back(account, anna, first)
    assert (back.outcomes, back.cannot) == ({"restored": 1}, {"CHANGED_SINCE": 1})
    archive_contacts(account.id, make.ids(other), by=anna, now=JAN_20)
    restore_contact(account.id, other, reach=EVERYTHING, by=anna, now=JAN_20)
    with pytest.raises(CannotUndo):  # nor is one deleted whom somebody wished to have
        services.take_back(account.id, back.id, by=anna, now=JAN_20)


def test_in_a_later_period_they_come_back_non_marketing(
    account: AccountInfo, anna: Source
) -> None:  # S7
    contact_id = make.contact(account, status=Status.MARKETING)
    done = do(account, anna, Work(ActionKind.ARCHIVE))
    services.take_back(account.id, done.id, by=anna, now=FEB_2)
    row = contacts.contact(account.id, contact_id, reach=EVERYTHING, today=FEB_2.date())
    assert row.archived_at is None
    assert status_queries.status_of(account.id, contact_id, FEB_2.date()) is Status.NON_MARKETING
    assert status_queries.prove(account.id).ok


def test_whose_address_is_taken_stays_in_the_bin(account: AccountInfo, anna: Source) -> None:  # S17
    taken = make.contact(account, email="bo@example.com")
    make.contact(account)
    done = do(account, anna, Work(ActionKind.ARCHIVE))
    create_contact(account.id, {"email": "bo@example.com"}, by=anna, now=JAN_20)
    back = take_back(account, anna, done)
    assert (back.outcomes, back.cannot) == ({"restored": 1}, {"EMAIL_TAKEN": 1})
    refused = [(contact, why) for contact, _, why in queries.refused_contacts(account.id, back.id)]
    assert refused == [(taken, "EMAIL_TAKEN")]


def test_whose_unique_value_is_taken_stays_in_the_bin(account: AccountInfo, anna: Source) -> None:
    number = PropertyDef("member_number", "Member", PropertyType.STRING, "text", is_unique=True)
    create_property(account.id, number, by=anna, now=JAN_20)
    first, second = make.contacts(account, 2)
    alter(account, anna, first, member_number="K-1")
    alter(account, anna, second, member_number="K-2")
    done = do(account, anna, Work(ActionKind.ARCHIVE))
    other = make.contact(account)
    alter(account, anna, other, member_number="k-1")
    back = take_back(account, anna, done)
    assert back.outcomes == {"restored": 1, "skipped": 1}
    with pytest.raises(Exception, match="member_number"):
        alter(account, anna, other, member_number="K-2")


def test_status_actions_are_as_they_were(account: AccountInfo, anna: Source) -> None:
    make.contacts(account, 2)
    shown = services.preview(
        account.id, Event.START, Selection(), by=anna, reach=EVERYTHING, now=JAN_20
    )
    done = services.confirm(account.id, shown.id, 2, by=anna, reach=EVERYTHING, now=JAN_20)
    assert (done.kind, done.work, done.changed) == (ActionKind.START, None, 2)
