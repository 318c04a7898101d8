"""Addresses, folding, search words, names and stages, without a database."""

import csv
import io
import re

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from marketable.contacts.errors import InvalidEmail
from marketable.contacts.rules import (
    LIFECYCLE,
    LONGEST_NAME_KEY,
    LONGEST_WORD,
    MOST_QUERY_WORDS,
    MOST_WORDS,
    PLAIN_ADDRESS,
    csv_safe,
    display_name,
    fold,
    lifecycle_allows,
    name_key,
    normalise_email,
    phone_words,
    query_words,
    search_words,
)


def words_of(
    email: str | None = None,
    firstname: str | None = None,
    lastname: str | None = None,
    phone: str | None = None,
    mobilephone: str | None = None,
    company: str | None = None,
    other: tuple[str, ...] = (),
) -> list[str]:
    return search_words(
        email=email,
        firstname=firstname,
        lastname=lastname,
        phone=phone,
        mobilephone=mobilephone,
        company=company,
        other=other,
    )


def finds(query: str, words: list[str]) -> bool:
    """As the index does: every word of the query begins one of the contact's."""
    wanted = query_words(query)
    return bool(wanted) and all(any(word.startswith(want) for word in words) for want in wanted)


# Addresses


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("  Anna@Example.COM ", "anna@example.com"),
        ("\u00a0anna@example.com\u200b", "anna@example.com"),
        ("a.n.n.a+news@example.com", "a.n.n.a+news@example.com"),
        ("ANNA+TAG@EXAMPLE.COM", "anna+tag@example.com"),
        ("anna@BÜCHER.example", "anna@xn--bcher-kva.example"),
        ("anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"),
        ("Żółć@example.com", "żółć@example.com"),
        ("o'neill@sub.domain.example.co.uk", "o'neill@sub.domain.example.co.uk"),
        ("x@example.test", "x@example.test"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
    ],
)
def test_addresses_are_matched_without_case_and_spaces(given_text: str, expected: str) -> None:
    assert normalise_email(given_text) == expected  # J9


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "anna", "anna@", "@example.com", "anna@example", "anna@@example.com",
        "anna@exam ple.com", "an na@example.com", "anna@example.com\n", "\tanna@example.com",
        "anna\r\n@example.com", "anna@example.com\r\nBcc: x@example.com", "anna\x00@example.com",
        "anna@example.com\x7f", "anna\ud800@example.com", "anna@\udfff.com",
        ".anna@example.com", "anna.@example.com", "an..na@example.com", "anna@-example.com",
        "anna@example-.com", "anna@example..com", "anna@.example.com", "anna@example.com.",
        "anna@ab--c.com", "anna@example.c0", "anna@1.2.3.4", "anna@[1.2.3.4]",
        '"anna nowak"@example.com', "Anna <anna@example.com>", "anna@firm.local",
        "anna@localhost", "anna@sub.invalid", "anna@" + "a" * 64 + ".com", "a@b@example.com",
        "a;b@example.com", "anna,jan@example.com", "anna@example.com;jan@example.com",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:  # J8
    with pytest.raises(InvalidEmail) as refusal:
        normalise_email(text)
    assert refusal.value.code == "INVALID_EMAIL"


def test_an_address_has_at_most_254_characters() -> None:  # J8
    domain = ".".join(["d" * 60] * 3) + ".example"
    fits = "l" * (253 - len(domain)) + "@" + domain
    assert len(fits) == 254
    assert normalise_email(fits) == fits
    with pytest.raises(InvalidEmail):
        normalise_email("l" + fits)


def test_the_length_is_that_of_the_address_as_it_is_sent() -> None:  # J8
    domain = ".".join(["ü" * 40] * 5) + ".example"  # much longer in IDNA
    with pytest.raises(InvalidEmail):
        normalise_email("anna@" + domain)


def by_the_library(address: str) -> str | None:
    try:
        found = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return f"{found.local_part}@{found.ascii_domain}".lower()


def by_us(address: str) -> str | None:
    try:
        return normalise_email(address)
    except InvalidEmail:
        return None


locals_ = st.text("abz019._+-'~!#$&%*/=?^`{|}\"\\ ", min_size=1, max_size=12)
labels = st.text("abz09-", min_size=1, max_size=6) | st.sampled_from(
    ["com", "test", "local", "c0", "xn--bcher-kva", "xn--a", "a" * 63, "a" * 64, ""]
)
near_addresses = st.builds(
    lambda local, domain: f"{local}@{'.'.join(domain)}",
    locals_,
    st.lists(labels, min_size=1, max_size=4),
)


@given(st.emails() | near_addresses)
@example("a@b.c1")
@example("a@b.local")
@example("a@b--c.com")
@example("a@aa--c.com")
@example("a@" + ".".join(["d" * 49] * 5) + ".com")
def test_the_quick_way_agrees_with_the_library(address: str) -> None:  # J8, J9
    address = address.strip(" ")
    assert by_us(address) == by_the_library(address.lower())


@given(st.from_regex(PLAIN_ADDRESS, fullmatch=True))
def test_what_the_quick_way_accepts_the_library_accepts_unchanged(address: str) -> None:
    found = by_us(address)
    if found is not None:
        assert found == address == by_the_library(address)


@given(st.text(max_size=30).map(lambda text: text + "@example.com") | st.emails() | st.text())
def test_a_normal_address_is_normal_already(text: str) -> None:  # J9
    found = by_us(text)
    if found is not None:
        assert by_us(found) == found
        assert len(found) <= 254


# Folding


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Łódź", "lodz"),
        ("ZAŻÓŁĆ GĘŚLĄ JAŹŃ", "zazolc gesla jazn"),
        ("Straße", "strasse"),
        ("STRASSE ẞ", "strasse ss"),
        ("Ærø Ǿ Ǽ", "aero o ae"),
        ("Đặng Ðorðe", "dang dorde"),
        ("İstanbul ılık", "istanbul ilik"),
        ("Ｆｕｌｌ４２", "full42"),
        ("٤٢", "42"),
        ("ΝΊΚΟΣ", "νικοσ"),
        ("Йод", "иод"),
        ("e\u0301", "e"),
        ("plain-ASCII_1", "plain-ascii_1"),
    ],
)
def test_folding_removes_case_and_diacritics(text: str, expected: str) -> None:
    assert fold(text) == expected


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_case_does_not_matter(text: str) -> None:
    assert fold(text.upper()) == fold(text.upper().lower())


@given(st.text(), st.text())
def test_folding_goes_letter_by_letter_so_beginnings_stay_beginnings(a: str, b: str) -> None:
    assert fold(a + b) == fold(a) + fold(b)


# Search


ANNA = words_of(
    email="anna.nowak+news@mail.firma-x.example",
    firstname="Anna Maria",
    lastname="Żółć-Nowak",
    phone="+48 601 234 567",
    mobilephone="(22) 555-01-23",
    company="Wiśnia & Spółka 2000",
    other=("second@other.example;third@other.example", "+44 20 7946 0958", ""),
)


@pytest.mark.parametrize(
    "query",
    [
        "anna", "ANN", "maria", "zolc", "ŻÓŁ", "nowak żółć", "Żółć-Nowak", "anna zolc 601",
        "anna.nowak", "anna.nowak+news@mail.firma-x.example", "anna.nowak+news@mail", "anna.now",
        "news", "@mail.firma-x.example", "@mail", "firma-x", "firma", "mail.firma-x.example",
        "+48 601 234 567", "48601234567", "601234567", "601 234 567", "601-234-567", "601",
        "601 234", "234567", "234 567", "0048601234567", "+48 601 2", "(+48) 601234567",
        "22 555 01 23", "225550123", "0225550123", "+48 22 555 01 23", "5550123", "0123",
        "wisnia", "spolka 2000", "wiśnia anna", "second@other.example", "third@", "@other.example",
        "+44 20 7946 0958", "020 7946 0958", "+44 (0)20 7946 0958", "0958", "<third@other.example>",
        "anna  \t nowak",
    ],
)  # fmt: skip
def test_a_contact_is_found_by_parts_of_name_address_and_number(query: str) -> None:
    assert finds(query, ANNA), (query_words(query), ANNA)


@pytest.mark.parametrize(
    "query",
    [
        "", " ", "!", "@", "@@", "nna", "annax", "anna kowalski", "owak", "anna@", "@example",
        "602", "601 235", "second@mail", "+48 602 234 567", "4567",
    ],
)  # fmt: skip
def test_a_contact_is_not_found_by_anything_else(query: str) -> None:
    assert not finds(query, ANNA), query_words(query)


def test_a_number_is_found_with_and_without_its_calling_code() -> None:
    for stored in ("+48 601 234 567", "0048601234567", "48601234567", "601 234 567", "601-234-567"):
        for query in ("+48 601 234 567", "+48601234567", "0048 601 234 567", "601234567"):
            assert finds(query, words_of(phone=stored)), (stored, query)
    assert finds("2025550123", words_of(phone="+1 (202) 555-0123"))
    assert finds("+1 202 555 0123", words_of(phone="(202) 555-0123"))
    assert finds("+351 912 345 678", words_of(phone="912345678"))
    assert finds("+49 601 234 567", words_of(phone="+48 601 234 567"))  # the price of it


def test_numbers_give_whole_national_and_grouped_endings() -> None:
    assert phone_words("+48601234567") == ["48601234567", "601234567"]
    assert phone_words("+351 912 345 678") == ["351912345678", "912345678", "345678", "678"]
    assert phone_words("112") == ["112"]
    assert phone_words("no number") == []
    assert phone_words("022 555 01 23") == [
        "0225550123", "225550123", "5550123", "0123", "123", "23",
    ]  # fmt: skip


def test_short_numbers_and_codes_keep_their_zeros() -> None:
    agent = words_of(company="Agent 007")
    assert query_words("007") == ["007"]
    assert finds("007", agent)
    assert finds("agent 007", agent)
    assert query_words("3.14") == ["3", "14"]
    assert query_words("000000") == ["000000"]


def test_an_international_domain_is_found_as_people_write_it() -> None:
    words = words_of(email=normalise_email("anna@bücher.example"))
    for query in ("bücher", "bucher", "anna@bücher.example", "@bücher", "anna@xn--bcher-kva"):
        assert finds(query, words), query


def test_a_broken_punycode_label_is_left_as_it_is() -> None:
    assert "anna@xn--\u00fc.example" not in words_of(email="anna@xn--99999999.example")
    assert finds("anna@xn--99999999", words_of(email="anna@xn--99999999.example"))


def test_words_are_distinct_short_and_few() -> None:
    words = words_of(
        firstname="a" * 100, lastname="b b B", company=" ".join(f"w{n}" for n in range(200))
    )
    assert words[:2] == ["a" * LONGEST_WORD, "b"]
    assert len(words) == len(set(words)) == MOST_WORDS


def test_a_long_company_does_not_crowd_out_name_address_and_number() -> None:
    words = words_of(
        email="anna@example.com", lastname="Nowak", phone="601234567", company="x " * 10 + "y z"
    )
    assert words[:3] == ["nowak", "anna@example.com", "@example.com"]
    assert words.index("601234567") < words.index("x")


def test_a_query_has_at_most_eight_words() -> None:
    assert query_words(" ".join("abcdefghij")) == list("abcdefgh")[:MOST_QUERY_WORDS]


def test_a_long_word_is_found_by_all_of_it() -> None:
    long = "n" * 300
    assert finds(long, words_of(lastname=long))


names = st.text(min_size=1, max_size=40)


@given(names, names)
def test_whoever_has_a_name_with_letters_is_found_by_it(first: str, last: str) -> None:
    query = f"{first} {last}"
    words = words_of(firstname=first, lastname=last)
    if re.search(r"[@0-9]", fold(query)):
        return  # taken for an address or a number, which a name is not
    assert not query_words(query) or finds(query, words)


@given(st.emails())
def test_whoever_has_an_address_is_found_by_all_of_it(address: str) -> None:
    normal = by_us(address)
    if normal is not None and not set(normal) & set("'\"<>()[],;:"):
        assert finds(normal, words_of(email=normal))


@given(st.from_regex(r"\+?[0-9]{1,4}([ -]?[0-9]{2,4}){1,4}", fullmatch=True))
def test_whoever_has_a_number_is_found_by_all_of_it(number: str) -> None:
    assert finds(number, words_of(phone=number))


@given(st.text(max_size=200))
def test_any_text_gives_words_that_the_index_can_hold(text: str) -> None:
    for word in [*words_of(company=text, phone=text, other=(text,)), *query_words(text)]:
        assert 0 < len(word) <= LONGEST_WORD
        assert not re.search(r"\s", word)


# Names


def test_contacts_sort_by_surname_then_name_or_else_by_address() -> None:
    assert name_key("Łukasz", "Żak", "l@example.com") == "zak lukasz"
    assert name_key(None, "Żak", None) == "zak"
    assert name_key("Łukasz", None, None) == "lukasz"
    assert name_key("", " ", "l@example.com") == "l@example.com"
    assert name_key(None, None, None) == ""
    assert len(name_key("a" * 300, "b", None)) == LONGEST_NAME_KEY


def test_a_contact_is_shown_by_name_address_or_number() -> None:
    assert display_name("Anna", "Nowak", "a@example.com", 7) == "Anna Nowak"
    assert display_name(None, "Nowak", "a@example.com", 7) == "Nowak"
    assert display_name("", "", "a@example.com", 7) == "a@example.com"
    assert display_name(None, None, None, 7) == "#7"


# Exports


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_an_export_disarms_formulas(start: str) -> None:  # J19
    assert csv_safe(f"{start}1+1") == f"'{start}1+1"


@given(st.text())
def test_no_cell_of_an_export_begins_a_formula(text: str) -> None:  # J19
    safe = csv_safe(text)
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert safe in {text, "'" + text}
    written = io.StringIO()
    csv.writer(written).writerow([csv_safe("=1"), csv_safe("-5"), csv_safe("plain")])
    assert written.getvalue() == "'=1,'-5,plain\r\n"


# Lifecycle


def test_a_stage_is_never_set_backwards() -> None:
    for position, before in enumerate(LIFECYCLE):
        for later, after in enumerate(LIFECYCLE):
            assert lifecycle_allows(before, after) is (later >= position)


def test_a_stage_may_be_cleared_and_then_be_any() -> None:
    for stage in LIFECYCLE:
        assert lifecycle_allows(stage, None)
        assert lifecycle_allows(None, stage)


def test_an_own_stage_has_no_place_in_the_order() -> None:
    assert lifecycle_allows("customer", "partner")
    assert lifecycle_allows("partner", "lead")
