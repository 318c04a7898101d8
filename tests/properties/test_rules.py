"""Typed values, their texts, definitions and the default properties, without a database."""

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketable.properties.defaults import (
    BY_NAME,
    DEFAULT_GROUPS,
    DEFAULT_PROPERTIES,
    DERIVED,
    SEARCHED,
)
from marketable.properties.rules import (
    FIELD_TYPES,
    LARGEST_NUMBER,
    LONGEST_UNIQUE,
    LONGEST_VALUE,
    MESSAGES,
    NAME,
    InvalidDefinition,
    InvalidValue,
    JsonValue,
    Option,
    PropertyDef,
    PropertyType,
    as_text,
    check_definition,
    parse,
    parser_for,
)


def of(kind: PropertyType, field_type: str = "", **more: Any) -> PropertyDef:
    return PropertyDef("own", "Own", kind, field_type or FIELD_TYPES[kind][0], **more)


TEXT = of(PropertyType.STRING)
NUMBER = of(PropertyType.NUMBER)
DATE = of(PropertyType.DATE)
MOMENT = of(PropertyType.DATETIME)
YES_NO = of(PropertyType.BOOL)
PHONE = of(PropertyType.PHONE)
SIZES = (
    Option("s", "Small", label_pl="Mały"),
    Option("m", "Medium"),
    Option("l", "Large", is_hidden=True),
    Option("Small", "Other"),
)
SIZE = of(PropertyType.ENUMERATION, "select", options=SIZES)
SIZES_CHOSEN = of(PropertyType.ENUMERATION, "checkbox", options=SIZES)
OWNER = of(PropertyType.ENUMERATION, "select", has_external_options=True)
EVERY = (TEXT, NUMBER, DATE, MOMENT, YES_NO, PHONE, SIZE, SIZES_CHOSEN, OWNER)


def code_of(definition: PropertyDef, raw: object, **how: Any) -> str:
    with pytest.raises(InvalidValue) as refusal:
        parse(definition, raw, **how)
    assert refusal.value.code in MESSAGES
    return refusal.value.code


# Every type


@pytest.mark.parametrize("definition", EVERY)
@pytest.mark.parametrize("raw", [None, "", "   ", "\t\n", "\u00a0", "\ufeff", " \u200b "])
def test_nothing_clears_a_property(definition: PropertyDef, raw: object) -> None:
    assert parse(definition, raw) is None


@pytest.mark.parametrize("raw", [None, "", "x", "true", 5])
def test_a_read_only_property_takes_no_value_not_even_its_own(raw: object) -> None:  # A1, J5
    assert code_of(of(PropertyType.STRING, is_read_only=True), raw) == "READ_ONLY_VALUE"


@pytest.mark.parametrize("definition", EVERY)
@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", "a\x1bb", "a\x07b", "a\x7fb", "a\x85b"])
def test_characters_that_cannot_be_stored_are_refused(definition: PropertyDef, text: str) -> None:
    assert code_of(definition, text) == "INVALID_TEXT"


@pytest.mark.parametrize("definition", EVERY)
@pytest.mark.parametrize("raw", [{"a": 1}, b"x", object()])
def test_what_is_no_value_is_refused(definition: PropertyDef, raw: object) -> None:
    assert code_of(definition, raw) == "INVALID_TEXT"


def test_a_list_is_for_several_options_only() -> None:
    for definition in EVERY:
        if not definition.is_multiple:
            assert code_of(definition, ["s", "m"]) == "INVALID_TEXT"


@pytest.mark.parametrize("definition", EVERY)
def test_a_value_has_at_most_65536_characters(definition: PropertyDef) -> None:  # J19
    assert code_of(definition, "x" * (LONGEST_VALUE + 1)) == "VALUE_TOO_LONG"
    assert parse(TEXT, " " + "x" * LONGEST_VALUE + " ") == "x" * LONGEST_VALUE


def test_a_unique_value_is_short_enough_for_its_index() -> None:
    unique = of(PropertyType.STRING, is_unique=True)
    assert parse(unique, "x" * LONGEST_UNIQUE) == "x" * LONGEST_UNIQUE
    with pytest.raises(InvalidValue) as refusal:
        parse(unique, "x" * (LONGEST_UNIQUE + 1))
    assert (refusal.value.code, refusal.value.limit) == ("VALUE_TOO_LONG", LONGEST_UNIQUE)
    assert "255" in str(refusal.value)


any_raw = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates()
    | st.datetimes(timezones=st.sampled_from([UTC, ZoneInfo("Europe/Warsaw")]))
    | st.lists(st.text() | st.integers(), max_size=3)
    | st.sampled_from(["s", "Small", "s;m", "12.5", "1e5", "true", "2026-03-01", "42"])
)  # fmt: skip
hows = st.fixed_dictionaries(
    {
        "date_order": st.sampled_from(["ymd", "dmy", "mdy"]),
        "by_label": st.booleans(),
        "decimal_comma": st.booleans(),
        "zone": st.sampled_from([UTC, ZoneInfo("Europe/Warsaw"), ZoneInfo("Pacific/Apia")]),
    }
)


@given(st.sampled_from(EVERY), any_raw, hows)
def test_whatever_is_given_is_typed_json_or_a_named_refusal(
    definition: PropertyDef, raw: object, how: dict[str, Any]
) -> None:
    try:
        value = parse(definition, raw, **how)
    except InvalidValue as refusal:
        assert refusal.code in MESSAGES
        return
    assert json.loads(json.dumps(value)) == value
    expected = {
        PropertyType.NUMBER: (int, float),
        PropertyType.BOOL: (bool,),
    }.get(definition.type, (list,) if definition.is_multiple else (str,))
    assert value is None or type(value) in expected
    assert value not in ("", [])


@given(st.sampled_from(EVERY), any_raw, hows)
def test_what_is_written_is_read_back_the_same(
    definition: PropertyDef, raw: object, how: dict[str, Any]
) -> None:
    try:
        value = parse(definition, raw, **how)
    except InvalidValue:
        return
    again = parse(definition, as_text(value))
    assert again == value
    assert type(again) is type(value)


@given(st.sampled_from(EVERY), st.text(), hows)
def test_the_function_for_a_column_gives_what_one_value_gives(
    definition: PropertyDef, text: str, how: dict[str, Any]
) -> None:
    def outcome(ask: Any) -> object:
        try:
            return ask()
        except InvalidValue as refusal:
            return refusal.code

    column = parser_for(definition, **how)
    assert outcome(lambda: column(text)) == outcome(lambda: parse(definition, text, **how))


# Text


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("  Anna ", "Anna"),
        ("\ufeffAnna\u200b ", "Anna"),
        ("one\r\ntwo\rthree\nfour\tfive", "one\ntwo\nthree\nfour\tfive"),
        ("<b>bold</b>", "<b>bold</b>"),
        ("=1+1", "=1+1"),
        ("👩‍👩‍👧 \u202fx", "👩‍👩‍👧 \u202fx"),
        ("a\u00a0b", "a\u00a0b"),
        (5, "5"),
        (True, "true"),
        (1e-7, "0.0000001"),
        ("007", "007"),
    ],
)
def test_text_is_kept_as_given_but_for_its_edges_and_line_ends(raw: object, value: str) -> None:
    assert parse(TEXT, raw) == value  # J19
    assert parse(PHONE, raw) == value


# Numbers


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (5, 5),
        (12.5, 12.5),
        (12.0, 12),
        ("12.50", 12.5),
        ("1234.5", 1234.5),
        ("1234.0", 1234),
        ("-5", -5),
        ("+5", 5),
        ("-0", 0),
        ("-0.0", 0),
        (".5", 0.5),
        ("5.", 5),
        ("007", 7),
        ("1e3", 1000),
        ("1.5E-3", 0.0015),
        ("0" * 5_000 + "7", 7),
        (LARGEST_NUMBER, LARGEST_NUMBER),
        (-LARGEST_NUMBER, -LARGEST_NUMBER),
        ("999999999999999", 999_999_999_999_999),
    ],
)
def test_numbers_are_whole_where_they_can_be(raw: object, value: float) -> None:
    found = parse(NUMBER, raw)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "raw",
    ["x", "1,234", "1,5", "1 234", "1_000", "0x10", "1.2.3", "1e", "--1", "12%", "€5", "nan", "inf",
     "١٢", ".", "-", True, False, math.nan, math.inf, -math.inf],
)  # fmt: skip
def test_what_is_no_plain_number_is_refused(raw: object) -> None:
    assert code_of(NUMBER, raw) == "INVALID_LONG"


@pytest.mark.parametrize("raw", [10**15 + 1, -(10**15) - 1, 1e16, "1e16", "1e999", "9" * 400])
def test_a_number_that_would_lose_digits_is_refused(raw: object) -> None:
    assert code_of(NUMBER, raw) == "NUMBER_OUT_OF_RANGE"


def test_a_decimal_comma_is_read_where_it_is_the_custom_and_then_nothing_else() -> None:
    assert parse(NUMBER, "1234,5", decimal_comma=True) == 1234.5
    assert parse(NUMBER, "-0,25", decimal_comma=True) == -0.25
    assert parse(NUMBER, "1234", decimal_comma=True) == 1234
    assert parse(NUMBER, 1234.5, decimal_comma=True) == 1234.5  # a number is no text
    for text in ("1.234", "1.234,5", "1,234,567", "1,2.3"):
        assert code_of(NUMBER, text, decimal_comma=True) == "INVALID_LONG"


def test_a_number_is_written_without_exponent() -> None:
    assert [as_text(value) for value in (0.5, 1e-7, 12, -3.25, 123456789012345.6)] == [
        "0.5", "0.0000001", "12", "-3.25", "123456789012345.6",
    ]  # fmt: skip


@given(st.floats(-LARGEST_NUMBER, LARGEST_NUMBER))
def test_a_number_survives_its_text(number: float) -> None:
    text = as_text(number)
    assert "e" not in text
    assert parse(NUMBER, text) == number


# Yes and no


def test_programs_say_true_or_false() -> None:
    for raw, value in [(True, True), (False, False), ("true", True), ("FALSE", False)]:
        assert parse(YES_NO, raw) is value
    for raw in ("yes", "1", "0", "tak", "x", 1, 0):
        assert code_of(YES_NO, raw) == "INVALID_BOOLEAN"


def test_people_and_files_may_say_it_in_words() -> None:
    for text in ("true", "Yes", "1", "TAK", "y", "t"):
        assert parse(YES_NO, text, by_label=True) is True
    for text in ("false", "No", "0", "nie", "n", "f"):
        assert parse(YES_NO, text, by_label=True) is False
    for text in ("maybe", "2", "on", "truefalse"):
        assert code_of(YES_NO, text, by_label=True) == "INVALID_BOOLEAN"
    named = of(PropertyType.BOOL, options=(Option("true", "Member"), Option("false", "Guest")))
    assert parse(named, "member", by_label=True) is True
    assert parse(named, "GUEST", by_label=True) is False


# Dates


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("2026-03-01", "2026-03-01"),
        ("2026/3/1", "2026-03-01"),
        ("2026.03.01", "2026-03-01"),
        ("0001-01-01", "0001-01-01"),
        ("9999-12-31", "9999-12-31"),
        ("2028-02-29", "2028-02-29"),
        ("2026-03-01T00:00:00Z", "2026-03-01"),
        ("2026-03-01 00:00:00", "2026-03-01"),
        ("2026-03-01T00:00:00.000+00:00", "2026-03-01"),
        (date(2026, 3, 1), "2026-03-01"),
        (1_772_323_200_000, "2026-03-01"),
        ("1772323200000", "2026-03-01"),
        (0, "1970-01-01"),
        (-86_400_000, "1969-12-31"),
    ],
)
def test_a_date_is_given_as_iso_or_as_midnight_in_milliseconds(raw: object, value: str) -> None:
    assert parse(DATE, raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        "2026-02-29", "2026-13-01", "2026-00-10", "0000-01-01", "10000-01-01", "26-03-01", "x",
        "2026-03", "2026", "20260301", "2026-W10-7", "2026-060", "2026-03-01T10:00:00Z",
        "2026-03-01T00:00:00+02:00", "2026-03-01Tx", "2026-03-01x", "2026-03/01", "01/03/2026",
        "3/4/26", "٢٠٢٦-٠٣-٠١", 1_772_323_200_001, 10**15, "1772323200", 1.5, True,
        datetime(2026, 3, 1, 10, tzinfo=UTC),
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(raw: object) -> None:
    assert code_of(DATE, raw) == "INVALID_DATE"


def test_the_order_of_day_and_month_is_told_and_never_guessed() -> None:
    for text in ("3/4/2026", "03.04.2026", "3-4-2026"):
        assert parse(DATE, text, date_order="dmy") == "2026-04-03"
        assert parse(DATE, text, date_order="mdy") == "2026-03-04"
        assert code_of(DATE, text, date_order="ymd") == "INVALID_DATE"
    assert code_of(DATE, "12/31/2026", date_order="dmy") == "INVALID_DATE"
    assert code_of(DATE, "31/12/2026", date_order="mdy") == "INVALID_DATE"
    for order in ("ymd", "dmy", "mdy"):
        assert parse(DATE, "2026-04-03", date_order=order) == "2026-04-03"


@given(st.dates())
def test_every_date_is_read_in_every_order(day: date) -> None:
    assert parse(DATE, day.isoformat()) == day.isoformat()
    dmy, mdy = f"{day.day}.{day.month}.{day.year:04}", f"{day.month}/{day.day}/{day.year:04}"
    assert parse(DATE, dmy, date_order="dmy") == day.isoformat()
    assert parse(DATE, mdy, date_order="mdy") == day.isoformat()
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    epoch = (midnight - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert parse(DATE, epoch) == day.isoformat()


def test_a_short_number_in_a_file_is_no_moment() -> None:
    for text in ("0", "86400000"):
        assert code_of(DATE, text, by_label=True) == "INVALID_DATE"
    for text in ("0", "2026", "20260301"):
        assert code_of(MOMENT, text, by_label=True) == "INVALID_DATE"
    assert parse(DATE, "1772323200000", by_label=True) == "2026-03-01"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("2026-03-01T09:15:00.123Z", "2026-03-01T09:15:00.123Z"),
        ("2026-03-01T09:15:00.1239Z", "2026-03-01T09:15:00.123Z"),
        ("2026-03-01T09:15:00,5Z", "2026-03-01T09:15:00.500Z"),
        ("2026-03-01T09:15Z", "2026-03-01T09:15:00.000Z"),
        ("2026-03-01 09:15:00", "2026-03-01T09:15:00.000Z"),
        ("2026-03-01T09:15:00+01:00", "2026-03-01T08:15:00.000Z"),
        ("2026-03-01T09:15:00-0530", "2026-03-01T14:45:00.000Z"),
        ("2026-03-01 09:15:00 +01:00", "2026-03-01T08:15:00.000Z"),
        ("2026-03-01", "2026-03-01T00:00:00.000Z"),
        ("0001-01-01", "0001-01-01T00:00:00.000Z"),
        (1_772_356_500_123, "2026-03-01T09:15:00.123Z"),
        ("1772356500123", "2026-03-01T09:15:00.123Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (
            datetime(2026, 3, 1, 9, 15, tzinfo=timezone(timedelta(hours=1))),
            "2026-03-01T08:15:00.000Z",
        ),
    ],
)
def test_a_moment_is_kept_in_utc_to_the_millisecond(raw: object, value: str) -> None:
    assert parse(MOMENT, raw) == value


@pytest.mark.parametrize(
    "raw",
    ["x", "2026-03-01T24:00", "2026-03-01T09:60", "2026-03-01T09:15:60", "2026-03-01T9", "09:15",
     "2026-03-01T09:15+25:00", "0001-01-01T00:00+01:00", "9999-12-31T23:00-02:00", 10**15,
     "01/03/2026 09:15", "2026-03-01T09:15 Europe/Warsaw", "2026-02-30T10:00", True],
)  # fmt: skip
def test_what_is_no_moment_is_refused(raw: object) -> None:
    assert code_of(MOMENT, raw) == "INVALID_DATE"


def test_a_time_without_a_zone_is_in_the_zone_told() -> None:
    warsaw = ZoneInfo("Europe/Warsaw")
    assert parse(MOMENT, "2026-07-01 09:15", zone=warsaw) == "2026-07-01T07:15:00.000Z"
    assert parse(MOMENT, "2026-07-01T09:15Z", zone=warsaw) == "2026-07-01T09:15:00.000Z"
    assert (
        parse(MOMENT, "1.7.2026 9:15", zone=warsaw, date_order="dmy") == "2026-07-01T07:15:00.000Z"
    )


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.timezones()))
def test_every_moment_survives_its_text(moment: datetime) -> None:
    value = parse(MOMENT, moment.astimezone(UTC).isoformat())
    assert isinstance(value, str)
    assert timedelta() <= moment - datetime.fromisoformat(value) < timedelta(milliseconds=1)
    assert parse(MOMENT, value) == value


# Options


def test_programs_give_an_options_value_exactly() -> None:
    assert parse(SIZE, "s") == "s"
    assert parse(SIZE, " l ") == "l"  # hidden ones are not offered, and may be set
    for raw in ("S", "Medium", "xl", "s;m", True, 5):
        assert code_of(SIZE, raw) == "INVALID_OPTION"


def test_people_and_files_may_give_an_options_label() -> None:
    assert parse(SIZE, "medium", by_label=True) == "m"
    assert parse(SIZE, "MAŁY", by_label=True) == "s"
    assert parse(SIZE, "M", by_label=True) == "m"
    assert parse(SIZE, "Small", by_label=True) == "Small"  # an exact value before any label
    assert parse(SIZE, "SMALL", by_label=True) == "s"  # a label before a value in other case
    assert code_of(SIZE, "xl", by_label=True) == "INVALID_OPTION"


def test_several_options_are_kept_once_in_the_definitions_order() -> None:
    assert parse(SIZES_CHOSEN, "l; s;;l ") == ["s", "l"]
    assert parse(SIZES_CHOSEN, ["l", "s"]) == ["s", "l"]
    assert parse(SIZES_CHOSEN, "Large;mały", by_label=True) == ["s", "l"]
    assert parse(SIZES_CHOSEN, []) is None
    for raw in ("s;xl", ["s", None], [["s"]], ";", " ; "):
        assert code_of(SIZES_CHOSEN, raw) in {"INVALID_OPTION", "INVALID_TEXT"}
    assert as_text(["s", "l"]) == "s;l"


@given(st.lists(st.sampled_from(["s", "m", "l", "Small"]), min_size=1))
def test_the_order_in_which_options_come_does_not_matter(chosen: list[str]) -> None:
    assert parse(SIZES_CHOSEN, chosen) == parse(SIZES_CHOSEN, ";".join(sorted(chosen)))


def test_a_choice_without_options_takes_none() -> None:
    assert code_of(of(PropertyType.ENUMERATION, "select"), "x") == "INVALID_OPTION"


def test_an_owner_is_the_number_of_a_person() -> None:
    assert parse(OWNER, 17) == "17"
    assert parse(OWNER, "17", by_label=True) == "17"
    for raw in ("anna@example.com", "-1", "1.5", "٣", "9" * 19):
        assert code_of(OWNER, raw) == "INVALID_OWNER_ID"


# Definitions


GOOD = PropertyDef("shoe_size", "Shoe size", PropertyType.NUMBER, "number")


def field_of(definition: PropertyDef) -> str:
    with pytest.raises(InvalidDefinition) as refusal:
        check_definition(definition)
    assert str(refusal.value)
    return refusal.value.field


@pytest.mark.parametrize("name", ["a", "shoe_size", "x9", "a" * 100, "hsx", "marketables"])
def test_a_name_has_small_letters_digits_and_underscores(name: str) -> None:
    check_definition(PropertyDef(name, "Label", PropertyType.STRING, "text"))


@pytest.mark.parametrize(
    "name",
    ["", "9a", "_a", "Shoe", "shoe-size", "shoe size", "ż", "a" * 101, "hs_x", "marketable_x",
     "hubspot_x", "a\n"],
)  # fmt: skip
def test_other_names_and_reserved_ones_are_refused(name: str) -> None:
    assert field_of(PropertyDef(name, "Label", PropertyType.STRING, "text")) == "name"


@pytest.mark.parametrize("label", ["", "  ", "x" * 201])
def test_a_property_needs_a_label(label: str) -> None:
    assert field_of(PropertyDef("a", label, PropertyType.STRING, "text")) == "label"


def test_a_field_fits_its_type() -> None:
    options = (Option("a", "A"),)
    for kind in PropertyType:
        given_options = options if kind is PropertyType.ENUMERATION else ()
        for field_type in {name for names in FIELD_TYPES.values() for name in names} | {"x"}:
            definition = PropertyDef("a", "A", kind, field_type, options=given_options)
            if field_type in FIELD_TYPES[kind]:
                check_definition(definition)
            else:
                assert field_of(definition) == "field_type"


@pytest.mark.parametrize(
    "options",
    [
        (),
        (Option("a", "A"), Option("a", "B")),
        (Option("a", "A"), Option("b", "a ")),
        (Option("", "A"),),
        (Option("a;b", "A"),),
        (Option(" a", "A"),),
        (Option("a\x00", "A"),),
        (Option("a" * 201, "A"),),
        (Option("a", ""),),
        (Option("a", "A" * 201),),
        tuple(Option(f"v{n}", f"L{n}") for n in range(5_001)),
    ],
)
def test_options_are_told_apart_by_value_and_by_label(options: tuple[Option, ...]) -> None:
    assert field_of(of(PropertyType.ENUMERATION, "select", options=options)) == "options"


def test_yes_or_no_has_its_own_two_options_or_none() -> None:
    check_definition(of(PropertyType.BOOL))
    check_definition(of(PropertyType.BOOL, options=(Option("true", "On"), Option("false", "Off"))))
    assert field_of(of(PropertyType.BOOL, options=(Option("true", "On"),))) == "options"
    assert field_of(of(PropertyType.STRING, options=(Option("a", "A"),))) == "options"


def test_only_text_and_numbers_can_be_unique() -> None:
    for kind in (PropertyType.STRING, PropertyType.NUMBER, PropertyType.PHONE):
        check_definition(of(kind, is_unique=True))
    for kind in (PropertyType.DATE, PropertyType.DATETIME, PropertyType.BOOL):
        assert field_of(of(kind, is_unique=True)) == "is_unique"


# The default properties


EXPECTED_BY_PROGRAMS = [
    "email", "hs_additional_emails", "firstname", "lastname", "salutation", "jobtitle",
    "company", "website", "address", "city", "state", "zip", "country", "fax", "industry",
    "twitterhandle", "message", "numemployees", "annualrevenue", "phone", "mobilephone",
    "date_of_birth", "hs_language", "hs_timezone", "lifecyclestage", "hs_lead_status",
    "hubspot_owner_id", "hubspot_owner_assigneddate", "hs_object_id", "createdate",
    "lastmodifieddate", "hs_createdate", "hs_lastmodifieddate", "hs_email_optout",
    "hs_email_bounce", "hs_email_delivered", "hs_email_open", "hs_email_click",
    "hs_email_hard_bounce_reason_enum", "hs_email_quarantined", "hs_email_last_send_date",
    "hs_email_domain", "hs_all_contact_vids", "hs_merged_object_ids", "hs_is_contact",
    "hs_object_source", "hs_object_source_id", "hs_object_source_label",
    "hs_object_source_detail_1", "hs_object_source_user_id", "hs_legal_basis",
    "num_conversion_events", "first_conversion_date", "first_conversion_event_name",
    "recent_conversion_date", "recent_conversion_event_name",
]  # fmt: skip

STATUS_PROPERTIES = (
    "hs_marketable_status",
    "hs_marketable_until_renewal",
    "hs_marketable_reason_type",
    "hs_marketable_reason_id",
    "marketable_since",
    "marketable_leaving_on",
)


def test_the_status_properties_are_read_only_with_their_labels() -> None:  # H3, R4
    assert {name: (BY_NAME[name].label, BY_NAME[name].label_pl) for name in STATUS_PROPERTIES} == {
        "hs_marketable_status": ("Marketing contact status", "Status kontaktu marketingowego"),
        "hs_marketable_until_renewal": (
            "Marketing contact until next update",
            "Kontakt marketingowy do następnej aktualizacji",
        ),
        "hs_marketable_reason_type": (
            "Marketing contact status source type",
            "Typ źródła statusu",
        ),
        "hs_marketable_reason_id": (
            "Marketing contact status source name",
            "Nazwa źródła statusu",
        ),
        "marketable_since": ("Marketing since", "Marketingowy od"),
        "marketable_leaving_on": ("Becomes non-marketing on", "Stanie się niemarketingowy"),
    }
    for name in STATUS_PROPERTIES:
        assert code_of(BY_NAME[name], "true") == "READ_ONLY_VALUE"
    assert [(option.value, option.label) for option in BY_NAME["hs_marketable_status"].options] == [
        ("true", "Marketing contact"),
        ("false", "Non-marketing contact"),
    ]


@pytest.mark.parametrize(
    "name",
    EXPECTED_BY_PROGRAMS,
)
def test_every_property_that_programs_expect_is_there(name: str) -> None:
    assert BY_NAME[name].is_system


def test_default_properties_are_well_formed() -> None:
    assert len(BY_NAME) == len(DEFAULT_PROPERTIES)
    groups = {name for name, _label, _label_pl in DEFAULT_GROUPS}
    field_types = {name for names in FIELD_TYPES.values() for name in names}
    for one in DEFAULT_PROPERTIES:
        assert NAME.fullmatch(one.name)
        assert one.label, one.name
        assert one.label_pl, one.name
        assert one.group in groups, one.name
        assert one.field_type in field_types, one.name
        assert all(option.label and option.label_pl for option in one.options), one.name
        values = [option.value for option in one.options]
        assert len(set(values)) == len(values), one.name
        if one.type is PropertyType.ENUMERATION:
            assert bool(values) is not one.has_external_options, one.name
    assert {one.group for one in DEFAULT_PROPERTIES} == groups


def test_everybody_finds_contacts_by_the_values_programs_search() -> None:
    assert sorted(SEARCHED) == [
        "company", "email", "fax", "firstname", "lastname", "mobilephone", "phone",
    ]  # fmt: skip


def test_derived_properties_are_never_written() -> None:
    assert all(one.is_read_only for one in DERIVED)


def test_stages_are_those_of_the_lifecycle_in_its_order() -> None:
    from marketable.contacts.rules import LIFECYCLE

    stage = BY_NAME["lifecyclestage"]
    assert tuple(option.value for option in stage.options) == LIFECYCLE
    assert parse(stage, "Marketing qualified lead", by_label=True) == "marketingqualifiedlead"


def test_a_value_of_each_default_property_is_typed() -> None:
    values: dict[str, tuple[object, JsonValue]] = {
        "firstname": (" Anna ", "Anna"),
        "phone": ("+48 601 234 567", "+48 601 234 567"),
        "hs_legal_basis": ("Not applicable;Performance of a contract", [
            "Performance of a contract", "Not applicable",
        ]),
        "hubspot_owner_id": (7, "7"),
        "hs_language": ("pl", "pl"),
    }  # fmt: skip
    for name, (raw, value) in values.items():
        assert parse(BY_NAME[name], raw) == value
