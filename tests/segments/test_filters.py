"""A filter means the same in SQL as in plain Python, for generated filters and contacts."""

import json
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts import queries as contacts
from marketable.contacts.services.create import create_contact
from marketable.contacts.services.edit import edit_contact
from marketable.history.sources import Source, SourceType
from marketable.marketing_status.rules import Status
from marketable.marketing_status.services import start_marketing, stop_marketing
from marketable.properties import queries as properties
from marketable.properties.rules import Option, PropertyDef, PropertyType
from marketable.properties.services import archive_property, create_property
from marketable.segments import compiling, rules, sentences
from marketable.segments.errors import FilterRefused
from marketable.segments.rules import BadFilter
from marketable.segments.schema import filter_schema
from tests import make
from tests.segments.reference import Known, Reader

pytestmark = pytest.mark.django_db

TODAY = date(2027, 3, 29)
NOW = datetime(2027, 3, 28, 22, 30, tzinfo=UTC)  # 00:30 on the 29th in Warsaw, a day after DST

OWN = (
    PropertyDef("size", "Size", PropertyType.NUMBER, "number"),
    PropertyDef("met_on", "Met on", PropertyType.DATE, "date"),
    PropertyDef("seen_at", "Seen at", PropertyType.DATETIME, "date"),
    PropertyDef("is_vip", "Is a VIP", PropertyType.BOOL, "booleancheckbox"),
    PropertyDef(
        "level",
        "Level",
        PropertyType.ENUMERATION,
        "select",
        options=(Option("a", "First"), Option("b", "Second"), Option("c", "Third")),
    ),
    PropertyDef(
        "topics",
        "Topics",
        PropertyType.ENUMERATION,
        "checkbox",
        options=(Option("x", "X rays"), Option("y", "Yoga"), Option("z", "Zebras")),
    ),
)
CITIES = ("Kraków", "KRAKÓW", "Łódź", "łódź", "Nowy Sącz", "100% _wool_", "O'Hara; --", "sącz")
NUMBERS = (-3, 0, 1, 2.5, 10, 1_000_000)
DAYS = ("2027-03-27", "2027-03-28", "2027-03-29", "2027-03-30", "2026-03-29", "0001-01-01")
MOMENTS = (
    "2027-03-27T22:59:59.999Z",
    "2027-03-27T23:00:00.000Z",  # the 28th begins in Warsaw
    "2027-03-28T21:59:59.999Z",
    "2027-03-28T22:00:00.000Z",  # the 29th begins, in summer time
    "2027-03-29T10:00:00.000Z",
    "2026-12-31T23:30:00.000Z",
)

CREATED = (NOW - timedelta(days=400), NOW - timedelta(days=2), NOW - timedelta(minutes=45))
TOOLS = (SourceType.IMPORT, SourceType.FORM, SourceType.API)


def condition(name: str, operator: str, value: Any = None) -> dict[str, Any]:
    written = {"property": name, "operator": operator}
    return written if value is None else {**written, "value": value}


def one_or_several(name: str, of: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.builds(condition, st.just(name), st.sampled_from(("is", "is_not")), of),
        st.builds(
            condition,
            st.just(name),
            st.sampled_from(("is_any_of", "is_none_of")),
            st.lists(of, min_size=1, max_size=3),
        ),
    )


some_day = st.one_of(
    st.sampled_from(DAYS),
    st.builds(lambda days: {"days_from_today": days}, st.integers(-3, 3)),
)
day_conditions = st.one_of(
    st.builds(
        condition,
        st.sampled_from(("met_on", "seen_at", "createdate")),
        st.sampled_from(("is", "is_not", "lt", "lte", "gt", "gte")),
        some_day,
    ),
    st.builds(
        condition,
        st.sampled_from(("met_on", "seen_at", "createdate")),
        st.sampled_from(
            ("in_last_days", "in_next_days", "more_than_days_ago", "more_than_days_ahead")
        ),
        st.integers(0, 400),
    ),
    st.builds(
        condition,
        st.sampled_from(("met_on", "seen_at", "createdate")),
        st.just("between"),
        st.lists(st.sampled_from(DAYS), min_size=2, max_size=2).map(sorted),
    ),
)
conditions = st.one_of(
    one_or_several("city", st.sampled_from(CITIES)),
    st.builds(
        condition,
        st.just("city"),
        st.sampled_from(("contains", "does_not_contain", "starts_with", "ends_with")),
        st.sampled_from(("kr", "ÓDŹ", "%", "_", "sącz", "'", "Nowy ")),
    ),
    one_or_several("size", st.sampled_from(NUMBERS)),
    st.builds(
        condition,
        st.just("size"),
        st.sampled_from(("lt", "lte", "gt", "gte")),
        st.sampled_from(NUMBERS),
    ),
    st.builds(
        condition,
        st.just("size"),
        st.just("between"),
        st.lists(st.sampled_from(NUMBERS), min_size=2, max_size=2).map(sorted),
    ),
    day_conditions,
    st.builds(condition, st.just("is_vip"), st.sampled_from(("is", "is_not")), st.booleans()),
    one_or_several("level", st.sampled_from(("a", "b", "c"))),
    one_or_several("topics", st.sampled_from(("x", "y", "z"))),
    one_or_several("hs_object_source", st.sampled_from(("IMPORT", "FORM", "API", "UNKNOWN"))),
    one_or_several("hs_marketable_status", st.sampled_from(("true", "false"))),
    one_or_several("hs_marketable_until_renewal", st.sampled_from(("true", "false"))),
    one_or_several("hs_marketable_reason_type", st.sampled_from(("IMPORT", "FORM", "API"))),
    st.builds(
        condition,
        st.just("topics"),
        st.just("has_all_of"),
        st.lists(st.sampled_from(("x", "y", "z")), min_size=1, max_size=3, unique=True),
    ),
    st.builds(
        condition,
        st.sampled_from(
            (
                *("city", "size", "met_on", "seen_at", "is_vip", "level", "topics"),
                *("hs_object_source", "hs_marketable_reason_type"),
            )
        ),
        st.sampled_from(("is_known", "is_unknown")),
    ),
    st.builds(
        lambda status: {"marketing_status": status},
        st.sampled_from([status.value for status in Status]),
    ),
    st.builds(lambda counts: {"counts": counts}, st.booleans()),
    st.builds(lambda tool: {"source": tool}, st.sampled_from([tool.value for tool in TOOLS])),
    st.builds(lambda tool: {"created_by": tool}, st.sampled_from([tool.value for tool in TOOLS])),
    st.builds(
        lambda name, days: {"changed": name, "in_last_days": days},
        st.sampled_from(("city", "size", "status")),
        st.integers(0, 3),
    ),
    st.builds(
        lambda value: {"was_ever": "city", "value": value},
        st.one_of(st.sampled_from(CITIES), st.lists(st.sampled_from(CITIES), min_size=1)),
    ),
    st.builds(
        lambda value: {"was_ever": "topics", "value": value}, st.sampled_from(("x", "y", "z"))
    ),
)
filters = st.recursive(
    conditions,
    lambda parts: st.builds(
        lambda joined_by, some: {joined_by: some},
        st.sampled_from(("and", "or")),
        st.lists(parts, max_size=3),
    ),
    max_leaves=6,
)


def found(account: AccountInfo, written: object) -> set[int]:
    """Return the contacts that the compiled filter finds."""
    context = compiling.context_of(account.id, TODAY)
    plain, by_index = (
        _found(account, written, replace(context, indexed=indexed))
        for indexed in (frozenset[str](), frozenset(context.definitions))
    )
    assert plain == by_index
    return plain


def _found(account: AccountInfo, written: object, context: compiling.Context) -> set[int]:
    where = compiling.compiled(rules.from_json(written), context)
    rows = sql.rows(
        f"SELECT c.id FROM contact AS c WHERE c.account_id = %(sel_account_id)s AND {where.text}",
        {"sel_account_id": account.id, **where.params},
    )
    # How a statement sees it that has joined the status row.
    assert contacts.count_exactly(account.id, [where]) == len(rows)
    return {int(row[0]) for row in rows}


def draw_values(chance: random.Random) -> dict[str, Any]:
    """Return values for one contact; each property is unknown for every third."""
    drawn = {
        "city": chance.choice(CITIES),
        "size": chance.choice(NUMBERS),
        "met_on": chance.choice(DAYS),
        "seen_at": chance.choice(MOMENTS),
        "is_vip": chance.random() < 0.5,
        "level": chance.choice("abc"),
        "topics": sorted(chance.sample("xyz", chance.randint(1, 3))),
    }
    return {name: value for name, value in drawn.items() if chance.random() < 0.67}


def make_people(account: AccountInfo, by: Source, how_many: int, seed: int) -> dict[int, Known]:
    """Write contacts with a past, through the services, and return what is known of each."""
    chance = random.Random(seed)
    made: dict[int, Known] = {}
    for _number in range(how_many):
        first, created_at, tool = draw_values(chance), chance.choice(CREATED), chance.choice(TOOLS)
        status = chance.choice(list(Status))
        source = by.through(tool)
        contact_id = create_contact(
            account.id, {"lastname": "X", **first}, by=source, now=created_at
        ).contact_id
        known = Known(first, created_at, created_by=tool.value)
        known.past = [(created_at, name, None, value) for name, value in first.items()]
        if chance.random() < 0.4:
            city, at = chance.choice(CITIES), NOW - timedelta(hours=26)
            edit_contact(
                account.id,
                contact_id,
                {"city": city},
                version=None,
                reach=EVERYTHING,
                by=by,
                now=max(at, created_at),
            )
            if first.get("city") != city:
                known.past.append((max(at, created_at), "city", first.get("city"), city))
            known.values = {**first, "city": city}
        if status is not Status.NON_MARKETING:
            start_marketing(account.id, make.ids(contact_id), by=source, now=created_at)
            known.source = tool.value
            known.status_moved_at.append(created_at)
        if status is Status.LEAVING:
            at = NOW - timedelta(minutes=5)
            stop_marketing(account.id, make.ids(contact_id), by=by, now=at)
            known.status_moved_at.append(at)
        known.status = status
        made[contact_id] = known
    return made


@pytest.fixture
def own(account: AccountInfo, anna: Source) -> None:
    """The account has a property of every type."""
    for definition in OWN:
        create_property(account.id, definition, by=anna, now=NOW - timedelta(days=500))


@pytest.fixture
def known(account: AccountInfo, anna: Source, own: None) -> dict[int, Known]:
    return make_people(account, anna, 60, seed=11)


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(written=filters)
def test_sql_and_plain_python_agree(
    account: AccountInfo, known: dict[int, Known], written: object
) -> None:
    reader = Reader(properties.definitions(account.id), account.zone, NOW)
    wanted = rules.from_json(written)
    slowly = {contact_id for contact_id, one in known.items() if reader.holds(wanted, one)}
    assert found(account, written) == slowly


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(written=filters)
def test_a_filter_is_kept_as_it_was_written_and_said_in_words(
    account: AccountInfo, own: None, written: Any
) -> None:
    wanted = rules.from_json(written)
    kept = rules.as_json(wanted)
    assert kept == (written if written.keys() & {"and", "or"} else {"and": [written]})
    assert rules.read(json.dumps(kept)) == wanted
    for language in ("en", "pl"):
        with translation.override(language):
            assert sentences.sentence(wanted, properties.definitions(account.id))


def test_a_segment_is_named_in_the_quotation_marks_of_the_language() -> None:
    known = sentences.Known({}, {7: "VIP customers"})
    wanted = rules.from_json({"segment": 7})
    assert "“VIP customers”" in sentences.sentence(wanted, known)
    with translation.override("pl"):
        assert "„VIP customers”" in sentences.sentence(wanted, known)


def nested(written: Any) -> Any:
    return {"version": 1, "and": [{"or": [written]}]}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(written=filters)
def test_the_published_schema_takes_every_filter(written: Any) -> None:
    validator = Draft202012Validator(filter_schema())
    validator.validate(written)
    validator.validate(nested(written))


@pytest.mark.parametrize(
    "written",
    [
        {"property": "city", "operator": "resembles", "value": "x"},
        {"property": "city", "operator": "is_known", "value": "x"},
        {"property": "city", "operator": "is_any_of", "value": []},
        {"property": "met_on", "operator": "in_last_days", "value": -1},
        {"property": "city", "operator": "is", "vlaue": "x"},
        {"marketing_status": "gone"},
        {"counts": 1},
        {"source": "PIGEON"},
        {"weather": "fine"},
    ],
)
def test_the_published_schema_refuses_what_the_reader_refuses(
    account: AccountInfo, own: None, written: Any
) -> None:
    Draft202012Validator.check_schema(filter_schema())
    assert not Draft202012Validator(filter_schema()).is_valid(nested(written))
    with pytest.raises(FilterRefused):
        found(account, nested(written))


def test_everybody_and_nobody(account: AccountInfo, known: dict[int, Known]) -> None:
    assert found(account, {"and": []}) == set(known)
    assert found(account, {"or": []}) == set()
    assert found(account, {"or": [{"and": []}]}) == set(known)


def test_another_account_is_never_found(
    account: AccountInfo, other_account: AccountInfo, known: dict[int, Known]
) -> None:
    make.contact(other_account, city="Kraków")
    assert found(account, {"and": [condition("city", "is", "Kraków")]}) <= set(known)


def test_default_properties_are_read_where_they_are_kept(account: AccountInfo) -> None:
    earlier = NOW - timedelta(days=18)
    one = make.contact(account, email="ala@example.com", status=Status.LEAVING, at=earlier)
    two = make.contact(account, email=None, at=NOW)
    gone = make.contact(account, email="ola@example.org", status=Status.LEAVING)  # left on 1 Feb
    for written, expected in (
        (condition("email", "is", "ALA@example.com"), {one}),
        (condition("email", "is_any_of", ["x@example.com", "Ala@example.com"]), {one}),
        (condition("email", "starts_with", "ALA@"), {one}),
        (condition("email", "contains", "ALA@EX"), {one}),
        (condition("email", "ends_with", "%"), set()),
        (condition("email", "is_not", "ala@example.com"), {two, gone}),
        (condition("email", "is_unknown"), {two}),
        (condition("hs_email_domain", "is", "example.com"), {one}),
        (condition("hs_object_id", "is", one), {one}),
        (condition("hs_object_id", "gt", one), {two, gone}),
        (condition("hs_marketable_until_renewal", "is", "true"), {one}),
        (condition("hs_marketable_status", "is", "false"), {two, gone}),
        (condition("createdate", "lt", "2027-03-01"), {gone}),
        (condition("marketable_leaving_on", "is", "2027-04-01"), {one}),
        (condition("marketable_since", "is_known"), {one}),
        (condition("hs_marketable_reason_type", "is", "COMMAND"), {one}),
        (condition("hs_marketable_reason_type", "is_unknown"), {two, gone}),
        (condition("hs_is_contact", "is", True), {one, two, gone}),
        (condition("hs_additional_emails", "is_unknown"), {one, two, gone}),
    ):
        assert found(account, written) == expected, written


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (condition("nothing", "is_known"), "no property"),
        (condition("'; DROP TABLE contact; --", "is", "x"), "no property"),
        (condition("city", "lt", 3), "no operator"),
        (condition("city", "is"), "compared with one value"),
        (condition("city", "is", "x" * 3001), "3,000 characters"),
        (condition("city", "is", "a\0b"), "cannot be stored"),
        (condition("city", "is", "\ud800"), "cannot be stored"),
        (condition("city", "is_any_of", []), "takes 1 to"),
        (condition("city", "is_any_of", ["x"] * 10_001), "takes 1 to"),
        (condition("city", "is_known", "x"), "takes no value"),
        ({**condition("city", "is", "x"), "vlaue": 1}, "has no “vlaue”"),
        (condition("size", "is", "many"), "not a number"),
        (condition("size", "is", True), "not a number"),
        (condition("size", "between", [3, 1]), "lower value first"),
        (condition("size", "between", [3]), "two values"),
        (condition("met_on", "is", "0000-01-01"), "A day is written"),
        (condition("met_on", "is", "10000-01-01"), "A day is written"),
        (condition("met_on", "in_last_days", -1), "whole number"),
        (condition("met_on", "in_last_days", 1.5), "whole number"),
        (condition("met_on", "lt", {"days_from_today": 10**9}), "A day is written"),
        (condition("level", "is", "d"), "no option"),
        ({"was_ever": "createdate", "value": "2027-01-01"}, "condition of its own"),
        ({"marketing_status": "gone"}, "The status is"),
        ({"counts": "yes"}, "true or false"),
        ({"source": "PIGEON"}, "A source is one of"),
        ({"weather": "fine"}, "no condition “weather”"),
    ],
)
def test_what_is_not_understood_is_named(
    account: AccountInfo, own: None, written: Any, says: str
) -> None:
    with pytest.raises(FilterRefused) as refused:
        found(account, {"or": [{"and": []}, {"and": [written]}]})
    assert says in refused.value.message
    assert refused.value.facts["path"] == "or[1].and[0]"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense", "no JSON"),
        ('{"and": [NaN]}', "no JSON"),
        ("[]", "object with keys"),
        ("{}", "object with keys"),
        ('{"and": {}}', "holds a list"),
        ('{"and": [], "or": []}', "no other key"),
        ('{"version": 2, "and": []}', "version"),
        ('{"and": [' * 1000 + "]}" * 1000, "nest at most"),
        ('{"and": [' * 100_000 + "]}" * 100_000, "at most 1 MiB"),
        (json.dumps({"and": [{"counts": True}] * 501}), "at most 500"),
        ('{"and": [], "x": "' + "x" * 1024 * 1024 + '"}', "at most 1 MiB"),
    ],
)
def test_what_is_no_filter_is_refused(text: str, says: str) -> None:
    with pytest.raises(BadFilter) as refused:
        rules.read(text)
    assert says in str(refused.value)


def test_a_property_out_of_use_is_kept_and_named(account: AccountInfo, anna: Source) -> None:  # J7
    create_property(account.id, OWN[0], by=anna, now=NOW)
    written = {"and": [condition("size", "gt", 3), {"counts": True}]}
    archive_property(account.id, "size", by=anna, now=NOW)
    wanted = rules.from_json(written)
    found = compiling.problems(wanted, compiling.context_of(account.id, TODAY))
    assert [(one.facts["path"], one.message) for one in found] == [
        ("and[0]", "There is no property “size”.")
    ]
    assert rules.as_json(wanted) == written
    assert "size" in sentences.sentence(wanted, properties.definitions(account.id))


def test_a_filter_reads_as_a_sentence(account: AccountInfo, own: None) -> None:
    written = {
        "and": [
            condition("country", "is_any_of", ["Poland", "Czechia"]),
            {
                "or": [
                    condition("level", "is", "a"),
                    condition("met_on", "in_last_days", 1),
                    condition("size", "between", [1000, 2500]),
                ]
            },
            {"counts": False},
        ]
    }
    definitions = properties.definitions(account.id)
    assert sentences.sentence(rules.from_json(written), definitions) == (
        "Country is any of Poland, Czechia and (Level is First or Met on is in the last 1 day or "
        "Size is between 1,000 and 2,500) and does not count toward the contact tier"
    )


def test_what_a_change_must_touch_is_known() -> None:
    written = {
        "or": [
            condition("city", "is_known"),
            {"and": [{"marketing_status": "leaving"}, {"changed": "size", "in_last_days": 3}]},
        ]
    }
    assert rules.mentions(rules.from_json(written)) == {"city", "size", "status"}
