"""The builder of a filter, ready to be shown: what it offers, and whom the filter takes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketable.properties import queries as properties
from marketable.properties.labels import label_of
from marketable.segments import kept_filters
from marketable.segments.counting import Look
from marketable.segments.errors import FilterRefused
from marketable.segments.offering import Way, offered
from marketable.segments.rules import MOST_CONDITIONS, Filter, as_json
from marketable.segments.slow import slow_parts
from marketable.web.access import AccountRequest
from marketable.web.contacts.page import StatusMark, TotalShown, status_mark
from marketable.web.contacts.table import Table
from marketable.web.filters.chip import Problem, in_words, problems_of, readable


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    url: str
    status: StatusMark | None


@dataclass(frozen=True, slots=True)
class Taken:
    """Whom a filter takes, in words; what is wrong with it; and what would make it slow.

    people    None where they were not found in time
    exact_url where the exact number can be asked for; empty where it is shown
    link      an address that shows the same to a colleague; empty for a filter too long for one
              that was never applied
    """

    total: str
    sentence: str
    people: tuple[Person, ...] | None
    problems: tuple[Problem, ...]
    slow: tuple[str, ...]
    slow_url: str
    is_exact: bool
    link: str


@dataclass(frozen=True, slots=True)
class Builder:
    """Everything that `filters/_builder.html` reads.

    written   the filter as JSON text, indented where it can be read
    state     what narrows the contacts besides the filter, as fields
    taken     whom the filter takes; None until the script has asked
    """

    written: str
    state: tuple[tuple[str, str], ...]
    editor: str
    fields_url: str
    choices_url: str
    look_url: str
    problems: tuple[Problem, ...]
    sentence: str


def builder(
    request: AccountRequest,
    text: str,
    *,
    state: Sequence[tuple[str, str]] = (),
    refusal: FilterRefused | None = None,
) -> Builder:
    """Return the builder of a filter, for a page that includes `filters/_builder.html` in a form
    of its own; the form then sends `filter`, as JSON.

    text     the filter as JSON, nothing for a new one
    state    what else narrows the contacts that are counted, as the table's address writes it
    refusal  why the filter was not taken
    """
    account_id = request.account.id
    wanted = readable(text)
    problems = problems_of(request, text)
    if refusal is not None and not problems:
        problems = (Problem(str(refusal.facts.get("path", "")), refusal.message),)
    return Builder(
        written=indented(wanted) if wanted is not None else text,
        state=tuple(state),
        editor=get_random_string(16),
        fields_url=reverse("filters:fields", args=[account_id]),
        choices_url=reverse("filters:choices", args=[account_id]),
        look_url=reverse("filters:look", args=[account_id]),
        problems=problems,
        sentence=in_words(account_id, wanted) if wanted is not None else "",
    )


def indented(wanted: Filter) -> str:
    return json.dumps(as_json(wanted), ensure_ascii=False, indent=2)


def taken(request: AccountRequest, table: Table, found: Look | None) -> Taken:
    """Return whom the filter of a table takes; `found` is None for one that has problems."""
    account_id = request.account.id
    problems = problems_of(request, table.filter)
    wanted = readable(table.filter)
    if wanted is None and not problems:
        sentence = _("every contact")
    else:
        sentence = in_words(account_id, wanted) if wanted is not None else ""
    slow = _slow(account_id, wanted) if wanted is not None and not problems else ()
    return Taken(
        total=_total(found) if found else "",
        sentence=sentence,
        people=_people(request, found),
        problems=problems,
        slow=slow,
        slow_url=reverse("properties:list", args=[account_id]),
        is_exact=found is None or found.count.is_exact,
        link=_link(request, table),
    )


def _total(found: Look) -> str:
    count = found.count
    text = TotalShown(count.value, count.is_exact).total_text
    return ngettext("%(count)s contact", "%(count)s contacts", count.value) % {"count": text}


def _people(request: AccountRequest, found: Look | None) -> tuple[Person, ...] | None:
    if found is None:
        return ()
    if found.rows is None:
        return None
    records = reverse("records:show", args=[request.account.id, 0]).removesuffix("0/")
    has_status = request.account.has_marketing_contacts
    return tuple(
        Person(
            row.name,
            row.email or "",
            f"{records}{row.id}/",
            status_mark(row) if has_status else None,
        )
        for row in found.rows
    )


def _slow(account_id: int, wanted: Filter) -> tuple[str, ...]:
    """Return the labels of the properties whose index would make the filter quick."""
    known = properties.definitions(account_id)
    names = dict.fromkeys(one.property for one in slow_parts(account_id, wanted) if one.helps)
    return tuple(label_of(known[name]) for name in names if name in known)


def _link(request: AccountRequest, table: Table) -> str:
    if kept_filters.is_key(kept_filters.in_address(table.filter)):
        return ""
    here = replace(table.without_view(), columns=(), widths=())
    path = reverse("contacts:list", args=[request.account.id]) + "?" + urlencode(here.parameters())
    return request.build_absolute_uri(path)


def catalogue(account_id: int) -> dict[str, Any]:
    """Return what the builder's script offers: the fields by group, the ways to ask of them, and
    the texts that it shows."""
    ways: dict[int, tuple[Way, ...]] = {}  # by identity: fields of a type share theirs
    groups: dict[str, int] = {}
    fields = []
    for field in offered(account_id):
        ways[id(field.ways)] = field.ways
        fields.append(
            {
                "name": field.name,
                "label": field.label,
                "group": groups.setdefault(field.group, len(groups)),
                "ways": list(ways).index(id(field.ways)),
                "chooses": field.choices is not None,
            }
        )
    return {
        "groups": list(groups),
        "ways": [[_way(way) for way in one] for one in ways.values()],
        "fields": fields,
        "most": MOST_CONDITIONS,
        "texts": texts(),
    }


def _way(way: Way) -> dict[str, Any]:
    return {
        "code": way.code,
        "label": way.label,
        "takes": way.takes.value,
        "values": way.values,
        "template": dict(way.template),
    }


def texts() -> dict[str, str]:
    """Return the words of the builder's script, in the reader's language."""
    return {
        "and": _("and"),
        "or": _("or"),
        "joint_hint": _("Change to “{joint}”, in this group"),
        "field": _("Field"),
        "choose_field": _("Choose a field"),
        "operator": _("What is asked"),
        "value": _("Value"),
        "low": _("From"),
        "high": _("To"),
        "days": _("days"),
        "add_value": _("Add a value"),
        "remove_value": _("Remove {value}"),
        "more_values": _("{count} more"),
        "nothing_found": _("Nothing matches."),
        "results": _("{count} to choose from"),
        "more_results": _("{count} more: type on to narrow"),
        "yes": _("yes"),
        "no": _("no"),
        "on_day": _("the day"),
        "today": _("today"),
        "before_today": _("days before today"),
        "after_today": _("days after today"),
        "day": _("Day"),
        "how_day": _("How the day is given"),
        "drag": _("Move: drag, or use the arrow keys"),
        "more": _("More"),
        "up": _("Move up"),
        "down": _("Move down"),
        "duplicate": _("Make a copy"),
        "wrap": _("Put into a group"),
        "unwrap": _("Take out of the group"),
        "remove": _("Remove"),
        "remove_group": _("Remove the group"),
        "add_condition": _("Add condition"),
        "add_inside": _("Add condition to this group"),
        "add_group": _("Add group"),
        "undo": _("Undo"),
        "redo": _("Redo"),
        "group": _("Group"),
        "condition": _("Condition {number}"),
        "as_written": _("As it is written, JSON"),
        "bad_json": _("This is no JSON."),
        "unfinished": _("Choose a value, or remove the condition."),
        "left_out": _("Unfinished conditions are left out of the count."),
        "needs_attention": _("needs attention"),
        "moved": _("Moved to place {place} of {count}"),
        "added": _("Condition added"),
        "removed": _("Removed. Undo brings it back."),
        "undone": _("Undone"),
        "copied": _("Copied"),
        "most": _("A filter has at most {count} conditions."),
        "everyone": _("No condition yet: this is every contact."),
        "show_json": _("Show as JSON"),
        "show_rows": _("Show as rows"),
    }
