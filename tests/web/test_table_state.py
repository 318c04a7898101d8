"""What the contacts page reads from its address and from ticked rows. Needs no database."""

import pytest
from django.http import QueryDict

from marketable.marketing_status.rules import Status
from marketable.segments.selection import Selection
from marketable.web.contacts.table import Table, read, read_selection, selection_fields


def posted(text: str) -> QueryDict:
    return QueryDict(text)


def test_the_whole_state_stands_in_the_address_and_comes_back() -> None:
    table = Table(
        search="zażółć & co",
        status=Status.LEAVING,
        bulk_action_id=7,
        import_id=8,
        sort="lastname",
        is_descending=True,
        after="key=1",
        size=100,
        columns=("email", "city"),
    )
    assert read(QueryDict(table.address().removeprefix("?"))) == table


def test_a_plain_table_has_a_plain_address() -> None:
    assert Table().address() == "?"
    assert read(QueryDict("")) == Table()


@pytest.mark.parametrize(
    "address",
    [
        "status=nobody",
        "size=1000000",
        "job=abc",
        "job=-1",
        "job=99999999999999999999999999",
        "import=1;DROP TABLE contact",
        "columns=,,",
    ],
)
def test_what_cannot_be_understood_is_left_out(address: str) -> None:
    assert read(QueryDict(address)) == Table()


def test_bytes_that_the_database_cannot_hold_are_left_out_of_a_search() -> None:
    assert read(QueryDict("q=a%00b")).search == "ab"
    assert read(QueryDict("q=" + "x" * 500)).search == "x" * 200


def test_a_header_sorts_up_then_down_then_not() -> None:
    first = Table(after="abc").sorted_by("email")
    assert (first.sort, first.is_descending, first.after) == ("email", False, "")
    second = first.sorted_by("email")
    assert (second.sort, second.is_descending) == ("email", True)
    assert second.sorted_by("email") == Table()
    assert second.sorted_by("city") == Table(sort="city")


def test_ticked_rows_and_rows_of_other_pages_are_one_set() -> None:
    chosen = read_selection(posted("chosen=3,1,2&id=2&id=9"))
    assert chosen == Selection(ids=(3, 1, 2, 9))


def test_nothing_ticked_selects_nobody() -> None:
    assert read_selection(posted("chosen=")) == Selection(ids=())


def test_what_is_no_number_is_nobodys() -> None:
    chosen = read_selection(posted("chosen=1,x,-2,1e3,99999999999999999999&id=²"))
    assert chosen == Selection(ids=(1,))


def test_everyone_means_all_that_match_but_some() -> None:  # B2
    chosen = read_selection(posted("everyone=1&q=ann&status=marketing&except=4,5&chosen=9&id=9"))
    assert chosen == Selection(search="ann", status=Status.MARKETING, except_ids=(4, 5))


def test_the_place_in_the_table_does_not_narrow_a_selection() -> None:  # B2
    first = read_selection(posted("everyone=1&q=ann"))
    assert read_selection(posted("everyone=1&q=ann&after=x&sort=-email&size=100")) == first


@pytest.mark.parametrize(
    "chosen",
    [
        Selection(ids=(1, 2)),
        Selection(ids=()),
        Selection(search="ann", status=Status.MARKETING, except_ids=(4, 5)),
        Selection(bulk_action_id=3),
        Selection(ids=(1,), archived=True),
        Selection(archived=True),
    ],
)
def test_a_form_asks_for_the_same_selection_again(chosen: Selection) -> None:
    fields = QueryDict(mutable=True)
    for name, text in selection_fields(chosen):
        fields.appendlist(name, text)
    assert read_selection(fields) == chosen
