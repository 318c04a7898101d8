"""A list of addresses is read however people have it, and what in it is none is told."""

import io

import pytest

from marketable.transfers import address_lists
from marketable.transfers.address_lists import AddressList, from_file, pasted
from marketable.transfers.errors import FileRefused
from tests.transfers.files import csv_of, workbook_of

BOTH = ("ania@example.com", "jan@example.com")


@pytest.mark.parametrize(
    "text",
    [
        "ania@example.com\njan@example.com\n",
        "ania@example.com, jan@example.com",
        "ania@example.com;jan@example.com;",
        "\r\n Ania Żak <Ania@Example.com>\r\n\r\n'Jan' (jan@example.com) \r\nania@example.com",
    ],
)
def test_addresses_are_pasted_as_people_have_them(text: str) -> None:  # J9
    assert pasted(text) == AddressList(BOTH)


def test_what_is_no_address_is_told_and_the_others_are_taken() -> None:  # J8
    found = pasted("Łukasz Żak\nania@example.com\njan@\n@example.com\njan@example.com")
    assert found == AddressList(BOTH, ("Łukasz Żak", "jan@", "@example.com"))


def test_an_address_in_another_script_is_matched_by_its_domain() -> None:
    assert pasted("anna@bücher.example").addresses == ("anna@xn--bcher-kva.example",)


@pytest.mark.parametrize(
    "content",
    [
        b"ania@example.com\njan@example.com\n",
        b"E-mail\r\nania@example.com\r\njan@example.com\r\n",
        csv_of("Name;E-mail;City", "Ania;ania@example.com;Kraków", "Jan;jan@example.com;Łódź"),
        "Imię,Adres\nŻaneta,ania@example.com\nŁukasz,jan@example.com\n".encode("cp1250"),
        "\ufeffania@example.com\njan@example.com".encode("utf-16"),
        workbook_of(("Imię", "E-mail"), ("Żaneta", "ania@example.com"), ("Jan", BOTH[1])),
    ],
)
def test_a_list_is_read_from_any_file(content: bytes) -> None:
    assert from_file(io.BytesIO(content)) == AddressList(BOTH)


def test_the_column_with_the_most_addresses_is_read() -> None:
    content = csv_of("a,b", "x@example.com,ania@example.com", ",jan@example.com", "Ewa Żak,")
    assert from_file(io.BytesIO(content)) == AddressList(BOTH, ("Ewa Żak",))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "The file is empty."),
        (b"%PDF-1.7 ...", "This is a PDF file."),
        (bytes(range(32)) * 100, "The file is binary"),
        (b"first,last\nJan,Kowalski\n", "The file holds no e-mail address."),
        (b"PK\x03\x04" + b"x" * 200, "This is a ZIP file."),
    ],
)
def test_what_is_no_list_is_refused_by_what_it_is(content: bytes, told: str) -> None:  # J10
    with pytest.raises(FileRefused, match=told):
        from_file(io.BytesIO(content))


def test_a_list_has_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_lists, "LARGEST_LIST", 100)
    with pytest.raises(FileRefused, match="over 10 MB"):
        pasted("x" * 101)
    with pytest.raises(FileRefused, match="over 10 MB"):
        from_file(io.BytesIO(b"x" * 101))
    monkeypatch.setattr(address_lists, "MOST_ADDRESSES", 1)
    with pytest.raises(FileRefused, match="more than 1 addresses"):
        pasted("ania@example.com jan@example.com")


def test_a_long_line_without_an_address_is_read_in_one_pass() -> None:
    assert pasted("x" * 1_000_000 + "\n" + BOTH[0]).addresses == BOTH[:1]
