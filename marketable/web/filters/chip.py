"""A filter in a few words: the chip of the contacts table, and what is wrong with it."""

from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils.translation import gettext as _

from marketable.properties import queries as properties
from marketable.segments import compiling, queries, sentences
from marketable.segments.errors import FilterRefused
from marketable.segments.rules import Filter
from marketable.segments.sentences import Known
from marketable.web.access import AccountRequest
from marketable.web.contacts.table import Table, filter_of


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a filter, and where."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class FilterChip:
    """A filter that applies, as the table's tool row shows it. Without a filter only `edit_url`."""

    sentence: str
    is_bad: bool
    edit_url: str
    clear_url: str


def readable(text: str) -> Filter | None:
    """Return the filter of a text, None for no text and for what is none."""
    try:
        return filter_of(text)
    except FilterRefused:
        return None


def in_words(account_id: int, wanted: Filter) -> str:
    known = Known(properties.definitions(account_id), queries.names(account_id))
    return sentences.sentence(wanted, known)


def problems_of(request: AccountRequest, text: str) -> tuple[Problem, ...]:
    """Return what is wrong with a filter's text: its shape, or what the account does not know."""
    try:
        wanted = filter_of(text)
    except FilterRefused as refusal:
        return (Problem(str(refusal.facts["path"]), refusal.message),)
    if wanted is None:
        return ()
    context = compiling.context_of(request.account.id, request.today)
    return tuple(
        Problem(str(one.facts["path"]), one.message) for one in compiling.problems(wanted, context)
    )


def chip(request: AccountRequest, table: Table) -> FilterChip:
    """Return the chip of the table's filter."""
    account_id = request.account.id
    list_url = reverse("contacts:list", args=[account_id])
    here = table.first_page()
    wanted = readable(table.filter)
    sentence = in_words(account_id, wanted) if wanted is not None else ""
    is_bad = bool(table.filter) and bool(problems_of(request, table.filter))
    return FilterChip(
        sentence=sentence or (_("This is no filter.") if table.filter else ""),
        is_bad=is_bad,
        edit_url=reverse("filters:edit", args=[account_id]) + here.address(),
        clear_url=list_url + replace(here, filter="").address(),
    )
