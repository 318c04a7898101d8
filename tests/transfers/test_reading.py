"""Any file that people have is read as a table, or refused with what was found (J10)."""

from pathlib import Path

import pytest

from marketable.transfers import reading, workbooks
from marketable.transfers.errors import FileRefused
from marketable.transfers.reading import Format, rows_of, sample, sniff
from tests.transfers.files import csv_of, workbook_of

ROWS = ("E-mail,Imię,Miasto", "ania@example.com,Żaneta,Łódź", "jan@example.com,Grzegorz,Kraków")
TEXT = "\r\n".join([*ROWS, *[f"p{n}@example.com,Paweł,Gdańsk śródmieście" for n in range(30)]])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def read(path: Path, content: bytes) -> tuple[Format, list[list[str]]]:
    path.write_bytes(content)
    found = sniff(path)
    return found, [row for _line, row in rows_of(path, found)]


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1250", "cp1250"),
    ],
)
def test_the_encoding_is_found(file: Path, encoding: str, named: str) -> None:
    found, rows = read(file, TEXT.encode(encoding))
    assert found.encoding == named
    assert rows[:2] == [
        ["ania@example.com", "Żaneta", "Łódź"],
        ["jan@example.com", "Grzegorz", "Kraków"],
    ]


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1252", ["Zoë Müller", "François Lefèvre", "São Paulo", "Ångström Straße"]),
        ("cp1251", ["Александр Иванов", "Екатерина Смирнова", "Новосибирск", "Красноярск"]),
    ],
)
def test_western_and_cyrillic_files_are_read(file: Path, encoding: str, words: list[str]) -> None:
    text = "email,name\n" + "".join(f"a{n}@example.com,{words[n % 4]}\n" for n in range(40))
    _found, rows = read(file, text.encode(encoding))
    assert [row[1] for row in rows[:4]] == words


def test_a_letter_of_an_old_encoding_far_down_is_found(file: Path) -> None:
    plain = "".join(f"a{n}@example.com,Jan,Radom\n" for n in range(20_000))
    assert len(plain) > reading.SAMPLE_BYTES
    more = "".join(f"b{n}@example.com,Łucja,Żywiec Świętokrzyski\n" for n in range(200))
    found, rows = read(file, f"email,imie,miasto\n{plain}{more}".encode("cp1250"))
    assert found.encoding == "cp1250"
    assert rows[-1][1:] == ["Łucja", "Żywiec Świętokrzyski"]


def test_wrong_bytes_in_a_utf8_file_spoil_their_cell_only(file: Path) -> None:
    found, rows = read(file, TEXT.encode().replace(b"Grzegorz", b"Grze\xffgorz"))
    assert found.encoding == "utf-8"
    assert rows[0][1] == "Żaneta"
    assert rows[1] == ["jan@example.com", "Grze\udcffgorz", "Kraków"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_cut_off_within_a_letter_spoils_its_last_cell_only(
    file: Path, encoding: str
) -> None:
    whole = "\n".join([*ROWS, "ewa@example.com,Ewa,Łomżż"])
    found, rows = read(file, whole.encode(encoding)[:-1])
    assert found.encoding == encoding
    assert rows[0] == ["ania@example.com", "Żaneta", "Łódź"]
    assert rows[-1][2].startswith("Łomż") and "\udc00" <= rows[-1][2][-1] <= "\udcff"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(file: Path, delimiter: str) -> None:
    found, rows = read(file, TEXT.replace(",", delimiter).encode())
    assert found.delimiter == delimiter
    assert rows[0] == ["ania@example.com", "Żaneta", "Łódź"]


def test_quoted_cells_hold_delimiters_quotes_and_lines(file: Path) -> None:
    content = csv_of("email,note", 'a@example.com,"one; two, ""three""\nfour"', "b@example.com,5")
    file.write_bytes(content)
    rows = list(rows_of(file, sniff(file)))
    assert rows == [(2, ["a@example.com", 'one; two, "three"\nfour']), (3, ["b@example.com", "5"])]


def test_single_quotes_are_found(file: Path) -> None:
    content = csv_of("'email','firm'", *[f"'a{n}@example.com','Cog, Ltd'" for n in range(5)])
    found, rows = read(file, content)
    assert found.quote == "'"
    assert rows[0] == ["a0@example.com", "Cog, Ltd"]


def test_apostrophes_within_names_are_no_quotes(file: Path) -> None:
    content = csv_of("email,name", *[f"a{n}@example.com,O'Neill" for n in range(20)])
    assert read(file, content)[0].quote == '"'


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_end_as_on_any_system(file: Path, end: str) -> None:
    _found, rows = read(
        file, end.join(["email,name", "a@example.com,A", "b@example.com,B"]).encode()
    )
    assert rows == [["a@example.com", "A"], ["b@example.com", "B"]]


def test_empty_rows_are_left_out_and_counted(file: Path) -> None:
    file.write_bytes(csv_of("", "email,name", "", ",", "a@example.com,A"))
    assert list(rows_of(file, sniff(file))) == [(5, ["a@example.com", "A"])]


def test_a_table_of_1_000_columns_is_read_and_one_of_more_is_refused(file: Path) -> None:
    for count in (1_000, 1_001):
        names = [f"c{n}" for n in range(count)]
        file.write_bytes(csv_of(",".join(names), ",".join("x" * count)))
        found = sniff(file)
        if count == 1_000:
            assert len(sample(file, found).headers) == count
            continue
        with pytest.raises(FileRefused) as refused:
            sample(file, found)
        assert "1,001 columns" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "empty"),
        (b"\n \n\t\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b",,,\n", "no rows"),
        (b"%PDF-1.7 and more", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"PK\x03\x04 no workbook", "ZIP"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "XLS"),
        (bytes(range(256)) * 40, "binary"),
        (b"jan@example.com,Jan\new@example.com,Ewa\n", "jan@example.com"),
        (b"1,2026-01-02,3.5\n4,2026-01-03,6\n", "names of columns"),
    ],
)
def test_what_is_no_table_is_refused_with_what_was_found(
    file: Path, content: bytes, found: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(FileRefused, match=found):
        sample(file, sniff(file))


def test_a_file_over_512_mb_is_refused(file: Path) -> None:
    with file.open("wb") as out:
        out.write(b"email\n")
        out.truncate(reading.LARGEST_FILE + 1)  # a sparse file: nothing is written
    with pytest.raises(FileRefused, match="512 MB"):
        sniff(file)


def test_an_unclosed_quote_is_named_by_its_row(file: Path) -> None:
    file.write_bytes(csv_of("email,name", "a@example.com,A", 'b@example.com,"B') + b"x" * 5_000_000)
    with pytest.raises(FileRefused, match="Row 3"):
        list(rows_of(file, Format("csv")))


def test_a_row_without_an_end_is_refused_before_it_fills_memory(file: Path) -> None:
    file.write_bytes(b"email,name\n" + b"a," * (reading.LARGEST_ROW // 2))
    with pytest.raises(FileRefused, match="Row 2"):
        list(rows_of(file, Format("csv")))


def test_a_workbook_is_kept_as_the_csv_of_its_first_sheet(file: Path) -> None:
    from datetime import date, datetime

    file.write_bytes(
        workbook_of(
            ["E-mail", "When", "Amount", "Since", "Yes"],
            ["a@example.com", date(2026, 4, 3), 12.5, datetime(2026, 1, 2, 3, 4, 5), True],
            ["b@example.com", None, 48, None, False],
        )
    )
    assert workbooks.is_workbook(file)
    workbooks.to_csv(file)
    found = sniff(file, kind="xlsx")
    assert (found.kind, [row for _line, row in rows_of(file, found)]) == (
        "xlsx",
        [
            ["a@example.com", "2026-04-03", "12.5", "2026-01-02T03:04:05", "true"],
            ["b@example.com", "", "48", "", "false"],
        ],
    )


def test_an_empty_workbook_and_one_too_large_unpacked_are_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_bytes(workbook_of())
    with pytest.raises(FileRefused, match="empty"):
        workbooks.to_csv(file)
    file.write_bytes(workbook_of(["email"], *([f"a{n}@example.com"] for n in range(1000))))
    monkeypatch.setattr(workbooks, "LARGEST_SHEET", 10_000)
    with pytest.raises(FileRefused, match="too large"):
        workbooks.to_csv(file)


def test_emptied_rows_leave_all_others_their_numbers_and_bytes(file: Path) -> None:
    content = (
        "email,city\nann@example.com,Łódź\n\nbob@example.com,Ra\udcffdom\neve@example.com,Opole"
    )
    file.write_bytes(content.encode(errors="surrogateescape"))
    before = list(rows_of(file, Format("csv")))
    assert reading.rewrite_without(file, Format("csv"), ["ANN@example.com"])
    assert list(rows_of(file, Format("csv"))) == before[1:]
    assert b"Ra\xffdom" in file.read_bytes() and b"ann@" not in file.read_bytes()
    assert not reading.rewrite_without(file, Format("csv"), ["ann@example.com"])
