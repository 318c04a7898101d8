"""Whatever is done in whatever order, segments hold exactly whom a plain reading finds.

The product moves contacts by what the ledger tells and by the days that pass. The reference reads
the rows of every contact anew and asks each, one at a time, in plain Python.
"""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from marketable import sql
from marketable.accounts.queries import EVERYTHING
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.create import create_contact
from marketable.contacts.services.edit import edit_contact
from marketable.contacts.services.erase import erase_contacts
from marketable.contacts.services.merge import merge_contacts
from marketable.contacts.services.restore import restore_contact
from marketable.contacts.services.unmerge import unmerge_contact
from marketable.errors import Refused
from marketable.history.sources import SourceType, system
from marketable.marketing_status.rules import Status
from marketable.marketing_status.services import (
    apply_update_date,
    keep_marketing,
    start_marketing,
    stop_marketing,
)
from marketable.properties import queries as properties
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.properties.services import archive_property, create_property, restore_property
from marketable.segments import following, queries
from marketable.segments.rules import Kind, State, from_json, nested
from marketable.segments.services import segments
from tests import make
from tests.segments.reference import Known, Reader

BEGINNING = datetime(2027, 1, 25, 12, tzinfo=UTC)
BY = system(SourceType.COMMAND)
TOOLS = (SourceType.COMMAND, SourceType.IMPORT, SourceType.FORM)
OWN = (
    PropertyDef("size", "Size", PropertyType.NUMBER, "number"),
    PropertyDef("met_on", "Met on", PropertyType.DATE, "date"),
    PropertyDef("seen_at", "Seen at", PropertyType.DATETIME, "date"),
)
CITIES = ("Kraków", "Łódź", "Radom")
accounts_made = count(1)

days = st.integers(-4, 4).map(lambda day: (BEGINNING + timedelta(days=day)).date().isoformat())
moments = st.integers(-90, 90).map(
    lambda hours: (BEGINNING + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
)
values = st.fixed_dictionaries(
    {},
    optional={
        "city": st.sampled_from(CITIES) | st.just(""),
        "size": st.integers(0, 4) | st.just(""),
        "met_on": days,
        "seen_at": moments,
    },
)
plain_conditions = st.one_of(
    st.builds(
        lambda operator, city: {"property": "city", "operator": operator, "value": city},
        st.sampled_from(("is", "is_not", "starts_with")),
        st.sampled_from(CITIES),
    ),
    st.builds(
        lambda operator, size: {"property": "size", "operator": operator, "value": size},
        st.sampled_from(("lt", "gte")),
        st.integers(0, 4),
    ),
    st.builds(
        lambda name, operator, how_many: {
            "property": name,
            "operator": operator,
            "value": how_many,
        },
        st.sampled_from(("met_on", "seen_at", "createdate")),
        st.sampled_from(
            ("in_last_days", "in_next_days", "more_than_days_ago", "more_than_days_ahead")
        ),
        st.integers(0, 3),
    ),
    st.builds(
        lambda name, operator, moved: {
            "property": name,
            "operator": operator,
            "value": {"days_from_today": moved},
        },
        st.sampled_from(("met_on", "seen_at")),
        st.sampled_from(("is", "lt", "lte", "gt", "gte", "is_not")),
        st.integers(-3, 3),
    ),
    st.builds(
        lambda name, how_many: {"changed": name, "in_last_days": how_many},
        st.sampled_from(("city", "size", "status")),
        st.integers(0, 3),
    ),
    st.builds(lambda city: {"was_ever": "city", "value": city}, st.sampled_from(CITIES)),
    st.builds(
        lambda status: {"marketing_status": status},
        st.sampled_from([status.value for status in Status]),
    ),
    st.builds(lambda counts: {"counts": counts}, st.booleans()),
    st.builds(lambda tool: {"source": tool.value}, st.sampled_from(TOOLS)),
    st.builds(lambda tool: {"created_by": tool.value}, st.sampled_from(TOOLS)),
)
#: Which of the segments there are is said by a place in their list.
in_others = st.builds(
    lambda kind, place: {kind: place},
    st.sampled_from(("segment", "not_in_segment")),
    st.integers(0, 5),
)
filters = st.builds(
    lambda joined_by, parts: {joined_by: parts},
    st.sampled_from(("and", "or")),
    st.lists(plain_conditions | in_others, min_size=1, max_size=3),
)
which = st.integers(0, 7)
tools = st.sampled_from(TOOLS)


class SegmentHistory(RuleBasedStateMachine):
    """An account of a handful of contacts and segments."""

    @initialize()
    def begin(self) -> None:
        number = next(accounts_made)
        self.now = BEGINNING
        self.account = make.account(f"Account {number}", owner_email=f"owner{number}@example.com")
        self.made: list[int] = []
        self.names = count(1)
        self.contacts: list[int] = []
        for definition in OWN:
            create_property(self.account.id, definition, by=BY, now=BEGINNING)
        for city in CITIES:
            self.create({"city": city, "size": 1}, SourceType.COMMAND)

    # What is done.

    def try_to(self, service: Any, *given: Any, **named: Any) -> Any:
        """Do something that the rules may refuse, which changes nothing then."""
        try:
            return service(self.account.id, *given, by=named.pop("by", BY), now=self.now, **named)
        except Refused:
            return None

    def one(self, place: int) -> int:
        return self.contacts[place % len(self.contacts)]

    @rule(given=values, tool=tools)
    def create(self, given: dict[str, Any], tool: SourceType) -> None:
        number = next(self.names)
        kept = {name: value for name, value in given.items() if value != ""}
        made = self.try_to(
            create_contact,
            {"email": f"c{number}@example.com", "lastname": "X", **kept},
            by=BY.through(tool),
        )
        self.contacts.append(made.contact_id)

    @rule(place=which, given=values)
    def edit(self, place: int, given: dict[str, Any]) -> None:
        self.try_to(edit_contact, self.one(place), given, version=None, reach=EVERYTHING)

    @rule(places=st.lists(which, min_size=1, max_size=4), tool=tools)
    def start(self, places: list[int], tool: SourceType) -> None:
        self.try_to(start_marketing, self.chosen(places), by=BY.through(tool))

    @rule(places=st.lists(which, min_size=1, max_size=4))
    def stop(self, places: list[int]) -> None:
        self.try_to(stop_marketing, self.chosen(places))

    @rule(place=which)
    def keep(self, place: int) -> None:
        self.try_to(keep_marketing, self.chosen([place]))

    def chosen(self, places: list[int]) -> Any:
        return make.ids(*{self.one(place) for place in places})

    @rule(place=which)
    def archive(self, place: int) -> None:
        self.try_to(archive_contacts, self.chosen([place]))

    @rule(place=which)
    def restore(self, place: int) -> None:
        self.try_to(restore_contact, self.one(place), reach=EVERYTHING)

    @rule(place=which)
    def erase(self, place: int) -> None:
        self.try_to(erase_contacts, self.chosen([place]))

    @rule(place=which, other=which)
    def merge(self, place: int, other: int) -> None:
        self.try_to(merge_contacts, self.one(place), self.one(other), reach=EVERYTHING)

    @rule(place=which)
    def unmerge(self, place: int) -> None:
        self.try_to(unmerge_contact, self.one(place), reach=EVERYTHING)

    @rule(hours=st.integers(1, 80))
    def let_time_pass(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def apply_the_update_date(self) -> None:
        apply_update_date(self.account.id, now=self.now)

    @rule(written=filters, build=st.booleans())
    def make_a_segment(self, written: dict[str, Any], build: bool) -> None:
        made = self.try_to(
            segments.create_active, f"S{next(self.names)}", self.meant(written), build=build
        )
        if made is not None:
            self.made.append(made.id)

    @rule()
    def make_a_list(self) -> None:
        made = self.try_to(segments.create_fixed, f"S{next(self.names)}")
        self.made.append(made.id)

    @precondition(lambda self: self.made)
    @rule(place=which, written=filters, build=st.booleans())
    def change_a_filter(self, place: int, written: dict[str, Any], build: bool) -> None:
        wanted = self.meant(written)
        self.try_to(segments.change_filter, self.segment(place), wanted, build=build)

    @precondition(lambda self: self.made)
    @rule(place=which, places=st.lists(which, min_size=1, max_size=4), add=st.booleans())
    def fill_by_hand(self, place: int, places: list[int], add: bool) -> None:
        service = segments.add_members if add else segments.remove_members
        self.try_to(service, self.segment(place), self.chosen(places))

    @precondition(lambda self: self.made)
    @rule(place=which)
    def delete_a_segment(self, place: int) -> None:
        self.try_to(segments.delete, self.segment(place))

    @precondition(lambda self: self.made)
    @rule(place=which)
    def bring_a_segment_back(self, place: int) -> None:
        self.try_to(segments.restore, self.segment(place))

    @rule(is_gone=st.booleans())
    def let_a_property_go_or_come(self, is_gone: bool) -> None:
        self.try_to(archive_property if is_gone else restore_property, "size")

    @rule()
    def read_the_ledger(self) -> None:
        following.follow(now=self.now)

    def segment(self, place: int) -> int:
        return self.made[place % len(self.made)]

    def meant(self, written: dict[str, Any]) -> Any:
        """Let conditions name segments that there are, once there are some."""
        [(joined_by, parts)] = written.items()
        kept = []
        for part in parts:
            [kind] = [name for name in ("segment", "not_in_segment") if name in part] or [""]
            if not kind:
                kept.append(part)
            elif self.made:
                kept.append({kind: self.segment(part[kind])})
        return from_json({joined_by: kept})

    # What must be so.

    @rule()
    def everybody_is_where_they_should_be(self) -> None:
        following.catch_up(self.account.id, now=self.now)
        there = {one.id: one for one in queries.segments(self.account.id)}
        filters = {number: one.filter for number, one in there.items() if one.filter is not None}
        reader = Reader(
            properties.definitions(self.account.id), self.account.zone, self.now, filters
        )
        everybody = everybody_as_known(self.account.id, reader)
        frozen = {number for number, one in there.items() if one.state is not State.READY}
        for number, one in there.items():
            members = set(queries.member_ids(self.account.id, number))
            assert len(members) == one.member_count
            depends_on = reached_from(number, filters)
            if depends_on & frozen:
                continue  # it is kept as it was when what it asks went away
            expected = {
                contact_id for contact_id, known in everybody.items() if reader.is_in(number, known)
            }
            assert members == expected, (one.kind, one.filter)
            assert segments.prove(self.account.id, number, now=self.now).ok
            if one.kind is Kind.ACTIVE:
                days = queries.days(
                    self.account.id,
                    number,
                    first=BEGINNING.date() - timedelta(days=1),
                    last=self.now.date() + timedelta(days=1),
                )
                came = sum(day.joined - day.left for day in days)
                assert came == one.member_count == (days[-1].member_count if days else 0)

    def teardown(self) -> None:
        if hasattr(self, "account"):
            self.everybody_is_where_they_should_be()


def reached_from(number: int, filters: Any) -> set[int]:
    """Return a segment with all those that its filter depends on."""
    found, waiting = set(), [number]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(nested(filters[one]) if one in filters else ())
    return found


def everybody_as_known(account_id: int, reader: Reader) -> dict[int, Known]:
    """Read what is known of each live contact from the rows alone."""
    params = {"account_id": account_id}
    everybody = {}
    for number, email, stored, created_at, leaving_on, source in sql.rows(
        "SELECT c.id, c.email, c.properties::text, c.created_at, m.leaving_on, m.source_type "
        "FROM contact AS c LEFT JOIN marketing_contact AS m ON m.account_id = c.account_id "
        "AND m.contact_id = c.id "
        "WHERE c.account_id = %(account_id)s AND c.archived_at IS NULL",
        params,
    ):
        kept = json.loads(stored) | ({"email": email} if email else {})
        known = everybody[int(number)] = Known(kept, created_at)
        if source is not None and (leaving_on is None or leaving_on > reader.today):
            known.status = Status.MARKETING if leaving_on is None else Status.LEAVING
            known.source = source
    for number, at, kind, tool, before, after in sql.rows(
        "SELECT told.contact_id, change.at, change.kind, change.source_type, told.before::text, "
        "told.after::text FROM contact_change AS told JOIN change "
        "ON change.account_id = told.account_id AND change.id = told.change_id "
        "WHERE told.account_id = %(account_id)s ORDER BY told.change_id",
        params,
    ):
        if number in everybody:
            tell(everybody[number], at, kind, tool, json.loads(before), json.loads(after))
    return everybody


def tell(known: Known, at: datetime, kind: str, tool: str, before: Any, after: Any) -> None:
    if kind == "contact_created":
        known.created_by = tool
    if "status" in after:
        known.status_moved_at.append(at)
    old, new = before.get("properties") or {}, after.get("properties") or {}
    for name in {*old, *new}:
        known.past.append((at, name, old.get(name), new.get(name)))
    for key, is_in in after.items():
        if key.startswith("segment:"):
            number = frozenset({int(key.removeprefix("segment:"))})
            known.put_into = known.put_into | number if is_in else known.put_into - number


@pytest.mark.usefixtures("committing")
def test_segments_hold_whom_they_should_whatever_is_done() -> None:
    run_state_machine_as_test(
        SegmentHistory,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            derandomize=True,  # the same histories in every run
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
