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
from marketable.segments.rules import IN_SEGMENT, Kind, State, from_json, nested
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
possible = {
    "city": st.sampled_from((*CITIES, "")),
    "size": st.sampled_from((0, 1, 2, 3, 4, "")),
    "met_on": days,
    "seen_at": moments,
}
values = st.fixed_dictionaries(possible)
some_values = st.sampled_from(sorted(possible)).flatmap(
    lambda name: st.fixed_dictionaries({name: possible[name]})
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
LIVES = ("archive", "restore", "merge", "merge", "unmerge", "erase")
tools = st.sampled_from(TOOLS)


class SegmentHistory(RuleBasedStateMachine):
    """An account of a handful of contacts and segments."""

    @initialize(
        people=st.lists(values, min_size=4, max_size=6),
        written=st.lists(filters, min_size=4, max_size=6),
    )
    def begin(self, people: list[dict[str, Any]], written: list[dict[str, Any]]) -> None:
        number = next(accounts_made)
        self.now = BEGINNING
        self.account = make.account(f"Account {number}", owner_email=f"owner{number}@example.com")
        self.made: list[int] = []
        self.names = count(1)
        self.contacts: list[int] = []
        for definition in OWN:
            create_property(self.account.id, definition, by=BY, now=BEGINNING)
        for given in people:
            self.create(given, SourceType.COMMAND)
        fixed = self.try_to(segments.create_fixed, "By hand")
        self.made.append(fixed.id)
        for one in written:
            self.make_a_segment(one, build=True)

    # What is done.

    def try_to(self, service: Any, *given: Any, **named: Any) -> Any:
        """Do something that the rules may refuse, which changes nothing then."""
        try:
            return service(self.account.id, *given, by=named.pop("by", BY), now=self.now, **named)
        except Refused:
            return None

    def one(self, place: int) -> int:
        return self.contacts[place % len(self.contacts)]

    def chosen(self, places: list[int]) -> Any:
        return make.ids(*{self.one(place) for place in places})

    def segment(self, place: int) -> int:
        return self.made[place % len(self.made)]

    def meant(self, written: dict[str, Any]) -> Any:
        """Let conditions name segments that there are."""
        [(joined_by, parts)] = written.items()
        named = [
            {
                kind: self.segment(place) if kind in IN_SEGMENT else place
                for kind, place in part.items()
            }
            for part in parts
        ]
        return from_json({joined_by: named})

    @rule(given=values, tool=tools)
    def create(self, given: dict[str, Any], tool: SourceType) -> None:
        kept = {name: value for name, value in given.items() if value != ""}
        address = f"c{next(self.names)}@example.com"
        made = self.try_to(
            create_contact, {"email": address, "lastname": "X", **kept}, by=BY.through(tool)
        )
        self.contacts.append(made.contact_id)

    @rule(edits=st.lists(st.tuples(which, some_values), min_size=1, max_size=4))
    def edit(self, edits: list[tuple[int, dict[str, Any]]]) -> None:
        for place, given in edits:
            self.try_to(edit_contact, self.one(place), given, version=None, reach=EVERYTHING)

    @rule(
        service=st.sampled_from((start_marketing, start_marketing, stop_marketing, keep_marketing)),
        places=st.lists(which, min_size=1, max_size=4),
        tool=tools,
    )
    def move_the_status(self, service: Any, places: list[int], tool: SourceType) -> None:
        self.try_to(service, self.chosen(places), by=BY.through(tool))

    @rule(what=st.sampled_from(LIVES), place=which, other=which)
    def change_its_life(self, what: str, place: int, other: int) -> None:
        one, reach = self.one(place), EVERYTHING
        if what == "archive":
            self.try_to(archive_contacts, self.chosen([place]))
        elif what == "restore":
            for gone in self.contacts:
                self.try_to(restore_contact, gone, reach=reach)
        elif what == "merge":
            self.try_to(merge_contacts, one, self.one(other), reach=reach)
        elif what == "unmerge":
            for gone in self.contacts:
                self.try_to(unmerge_contact, gone, reach=reach)
        else:
            self.try_to(erase_contacts, self.chosen([place]))

    @rule(hours=st.integers(1, 40), is_the_job_run=st.booleans())
    def let_time_pass(self, hours: int, is_the_job_run: bool) -> None:
        self.now += timedelta(hours=hours)
        if is_the_job_run:
            apply_update_date(self.account.id, now=self.now)

    @rule(written=filters, build=st.booleans())
    def make_a_segment(self, written: dict[str, Any], build: bool) -> None:
        made = self.try_to(
            segments.create_active, f"S{next(self.names)}", self.meant(written), build=build
        )
        if made is not None:
            self.made.append(made.id)

    @rule(place=which, written=filters, build=st.booleans())
    def change_a_filter(self, place: int, written: dict[str, Any], build: bool) -> None:
        wanted = self.meant(written)
        self.try_to(segments.change_filter, self.segment(place), wanted, build=build)

    @rule(places=st.lists(which, min_size=1, max_size=4), add=st.sampled_from((True, True, False)))
    def fill_by_hand(self, places: list[int], add: bool) -> None:
        service = segments.add_members if add else segments.remove_members
        self.try_to(service, self.made[0], self.chosen(places))

    @rule(place=which, back=st.booleans())
    def delete_a_segment_or_bring_it_back(self, place: int, back: bool) -> None:
        self.try_to(segments.restore if back else segments.delete, self.segment(place))

    @rule()
    def let_a_property_go_and_come(self) -> None:
        self.try_to(archive_property, "size")
        following.follow(now=self.now)
        self.try_to(restore_property, "size")

    @rule()
    def read_the_ledger(self) -> None:
        following.follow(now=self.now)

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
            max_examples=15,
            stateful_step_count=25,
            derandomize=True,  # the same histories in every run
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
