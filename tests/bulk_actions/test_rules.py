"""The number that is typed to confirm, and batches, without a database."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketable.bulk_actions.rules import ActionState, Outcome, batches, parse_count


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("7", 7),
        ("42", 42),
        ("1248", 1_248),
        ("1,248", 1_248),
        ("1.248", 1_248),
        ("1 248", 1_248),
        ("1\u00a0248", 1_248),
        ("1\u202f248", 1_248),
        ("1\u2009248", 1_248),
        ("1'248", 1_248),
        ("1’248", 1_248),
        ("999,999", 999_999),
        ("1.234.567", 1_234_567),
        ("12 345 678", 12_345_678),
        ("  1248\n", 1_248),
        ("１２４８", 1_248),
        ("１，２４８", 1_248),
        ("4²", 42),
    ],
)
def test_a_count_is_read_with_or_without_groups_of_three(text: str, number: int) -> None:  # B4
    assert parse_count(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "12,48", "1e3", "-5", "+5", "42.0", "1.2", "1,2,3", "1,2345", "1234,567",
        "1,234.567", "1 234,567", "1,234 567", "01", "007", "00", "0,000", "01,234", ",123",
        "1,", "1,234,", "1  234", "1_248", "0x10", "1/2", "1248 contacts", "#1248", "½", "x", "١٢",
        "١’٢٣٤", "12\n480", "NaN", "1" * 5_000, "1-248", "1;248", "1·248", "−5",
    ],
)  # fmt: skip
def test_nothing_else_is_a_count(text: str) -> None:  # B4, J1
    assert parse_count(text) is None


@given(st.integers(0, 10**15), st.sampled_from(["", " ", "\u00a0", "\u202f", ",", ".", "'", "’"]))
def test_every_grouped_number_is_read(number: int, separator: str) -> None:  # B4
    assert parse_count(f"{number:,}".replace(",", separator)) == number


@given(st.text() | st.from_regex(r"[0-9 ,.'’-]{1,12}", fullmatch=True))
def test_what_is_read_is_made_of_digits_and_one_separator(text: str) -> None:  # B4
    number = parse_count(text)
    if number is not None:
        plain = unicodedata.normalize("NFKC", text).strip()
        assert re.sub(r"[^0-9]", "", plain) == str(number)
        separators = set(re.findall(r"[^0-9]", plain))
        assert len(separators) <= 1
        assert not separators or plain == f"{number:,}".replace(",", separators.pop())


@given(st.integers(0, 500), st.integers(1, 60))
def test_batches_cover_everything_once_and_in_order(total: int, size: int) -> None:  # B6
    found = list(batches(total, size))
    assert [place for batch in found for place in batch] == list(range(total))
    assert all(len(batch) == size for batch in found[:-1])
    assert all(len(batch) > 0 for batch in found)


def test_the_words_of_outcomes_and_states_stay_as_stored() -> None:
    assert {Outcome.SET, Outcome.KEPT, Outcome.STAGED} == {"set", "kept", "staged"}
    assert [state.value for state in ActionState] == [
        "pending", "running", "complete", "cancelled", "failed", "undone",
    ]  # fmt: skip
