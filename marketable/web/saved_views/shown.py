"""Saved views as pages show them."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketable.accounts import queries as accounts
from marketable.segments import compiling
from marketable.segments import queries as segments
from marketable.segments import rules as filters
from marketable.segments.compiling import Context
from marketable.segments.saved_views import queries
from marketable.segments.saved_views.queries import SavedView
from marketable.segments.saved_views.rules import Sharing, State
from marketable.web.access import AccountRequest
from marketable.web.contacts.opened import viewer_of

SHARING = {
    Sharing.PRIVATE: gettext_lazy("Only me"),
    Sharing.PEOPLE: gettext_lazy("People I choose"),
    Sharing.ACCOUNT: gettext_lazy("Everybody in the account"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A view in the list. `problem` is what needs attention."""

    view: SavedView
    owner: str
    seen_by: str
    problem: str
    url: str


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    is_chosen: bool


def lines(request: AccountRequest) -> list[Line]:
    account_id = request.account.id
    viewer = viewer_of(request)
    states = queries.all_states(account_id, viewer)
    known = names(request)
    context = compiling.context_of(account_id, request.today)
    contacts = reverse("contacts:list", args=[account_id])
    return [
        Line(
            view,
            _("you") if view.owner_id == viewer.user_id else owner_name(known, view.owner_id),
            seen_by(view),
            problem(states.get(view.id, {}), context),
            f"{contacts}?view={view.id}",
        )
        for view in queries.views(account_id, viewer).seen
    ]


def names(request: AccountRequest) -> dict[int, str]:
    return {one.user_id: one.name or one.email for one in accounts.members(request.account.id)}


def owner_name(known: Mapping[int, str], owner_id: int) -> str:
    return known.get(owner_id) or _("somebody who has left")


def seen_by(view: SavedView) -> str:
    return {
        Sharing.PRIVATE: _("its owner"),
        Sharing.PEOPLE: _("people chosen by name"),
        Sharing.ACCOUNT: _("everybody in the account"),
    }[view.sharing]


def problem(state: State, context: Context) -> str:
    """Return what a view names and the account does not know any more, or nothing."""
    if state.get("segment") and int(state["segment"]) not in segments.names(context.account_id):
        return _("The segment it shows is gone.")
    if "filter" in state:
        for gone in compiling.problems(filters.read(state["filter"]), context):
            return gone.message
    return ""


def sharing_choices(chosen: str) -> list[Choice]:
    return [Choice(one.value, str(label), one.value == chosen) for one, label in SHARING.items()]


def people_choices(request: AccountRequest, owner_id: int, chosen: set[int]) -> list[Choice]:
    return [
        Choice(str(user_id), name, user_id in chosen)
        for user_id, name in names(request).items()
        if user_id != owner_id
    ]
