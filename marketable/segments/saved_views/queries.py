"""Reading saved views: those somebody sees, and the one that is open."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from marketable import sql
from marketable.segments.saved_views.errors import ViewUnknown
from marketable.segments.saved_views.rules import Sharing, State, Viewer, may_change
from marketable.segments.uses import Use, register_use

#: How long a deleted view can be brought back.
KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view as somebody sees it.

    version     counts what changed it, so that two people do not overwrite each other
    may_change  that person may change it; others copy it
    is_default  the contacts page of that person opens with it
    state       only of the one that is open
    """

    id: int
    name: str
    owner_id: int
    sharing: Sharing
    version: int
    updated_at: datetime
    deleted_at: datetime | None
    is_default: bool
    may_change: bool
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Views:
    """Those somebody sees, their own first, then by name; `opened` is the one asked for."""

    seen: tuple[SavedView, ...]
    opened: SavedView | None

    @property
    def default(self) -> SavedView | None:
        return next((one for one in self.seen if one.is_default), None)


#: A view `v` that a person sees: their own, or one that is shared with them.
SEEN = """
(v.owner_id = %(user_id)s OR v.sharing = 'account' OR (v.sharing = 'people' AND EXISTS (
    SELECT FROM saved_view_person AS named WHERE named.account_id = v.account_id
    AND named.view_id = v.id AND named.user_id = %(user_id)s)))
"""
SELECT = f"""
SELECT v.id, v.name, v.owner_id, v.sharing, v.version, v.updated_at, v.deleted_at,
       coalesce(v.id = chosen.view_id, false),
       CASE WHEN v.id = coalesce(%(opened)s, CASE WHEN %(by_default)s THEN chosen.view_id END)
            THEN v.state::text END
  FROM saved_view AS v
  LEFT JOIN default_view AS chosen
         ON chosen.account_id = v.account_id AND chosen.user_id = %(user_id)s
 WHERE v.account_id = %(account_id)s AND {SEEN} AND {{{{which}}}}
 ORDER BY v.owner_id <> %(user_id)s, lower(v.name), v.id
"""


def views(
    account_id: int, viewer: Viewer, *, opened: int | None = None, by_default: bool = False
) -> Views:
    """Return the views somebody sees, with the state of one: the one asked for, or by default the
    person's own choice. One statement, however many they are."""
    seen = _views(account_id, viewer, "v.deleted_at IS NULL", opened, by_default=by_default)
    return Views(tuple(seen), next((one for one in seen if one.state is not None), None))


def view(account_id: int, view_id: int, viewer: Viewer) -> SavedView:
    """Return one view with its state.

    Raises ViewUnknown, also for one that is deleted or not shared with the viewer.
    """
    found = _views(account_id, viewer, "v.deleted_at IS NULL AND v.id = %(opened)s", view_id)
    if not found:
        raise ViewUnknown
    return found[0]


def all_states(account_id: int, viewer: Viewer) -> dict[int, State]:
    """Return {number: state} of the views somebody sees, for a page that looks at all of them."""
    found = sql.rows(
        f"SELECT v.id, v.state::text FROM saved_view AS v WHERE v.account_id = %(account_id)s "
        f"AND v.deleted_at IS NULL AND {SEEN}",
        {"account_id": account_id, "user_id": viewer.user_id},
    )
    return {int(number): _state(state) for number, state in found}


def deleted_views(account_id: int, viewer: Viewer, now: datetime) -> list[SavedView]:
    """Return the deleted views that somebody may bring back, the latest first."""
    found = _views(account_id, viewer, "v.deleted_at > %(since)s", None, since=now - KEPT_FOR)
    mine = [one for one in found if one.may_change]
    return sorted(mine, key=lambda one: (one.deleted_at, one.id), reverse=True)


def people_of(account_id: int, view_id: int) -> list[int]:
    """Return the people who are named as those that see a view."""
    found = sql.rows(
        "SELECT user_id FROM saved_view_person WHERE account_id = %(account_id)s "
        "AND view_id = %(view_id)s ORDER BY user_id",
        {"account_id": account_id, "view_id": view_id},
    )
    return [int(row[0]) for row in found]


def names_of(account_id: int, owner_id: int) -> list[str]:
    """Return the names that a person's views have."""
    found = sql.rows(
        "SELECT name FROM saved_view WHERE account_id = %(account_id)s "
        "AND owner_id = %(owner_id)s AND deleted_at IS NULL",
        {"account_id": account_id, "owner_id": owner_id},
    )
    return [str(row[0]) for row in found]


@register_use("view")
def using(account_id: int, segment_id: int) -> Sequence[Use]:
    """Return the views that show a segment or filter by it, named only if everybody sees them."""
    found = sql.rows(
        "SELECT id, CASE WHEN sharing = 'account' THEN name ELSE '' END FROM saved_view "
        "WHERE account_id = %(account_id)s AND deleted_at IS NULL "
        "AND segment_ids @> ARRAY[%(segment_id)s]::bigint[] ORDER BY id",
        {"account_id": account_id, "segment_id": segment_id},
    )
    return [Use("view", int(number), str(name)) for number, name in found]


def _views(
    account_id: int,
    viewer: Viewer,
    which: str,
    opened: int | None,
    *,
    by_default: bool = False,
    **more: Any,
) -> list[SavedView]:
    found = sql.rows(
        sql.compose(SELECT, which=which),
        {
            "account_id": account_id,
            "user_id": viewer.user_id,
            "opened": opened,
            "by_default": by_default,
            **more,
        },
    )
    return [
        SavedView(
            id=int(row[0]),
            name=str(row[1]),
            owner_id=int(row[2]),
            sharing=Sharing(row[3]),
            version=int(row[4]),
            updated_at=row[5],
            deleted_at=row[6],
            is_default=bool(row[7]),
            may_change=may_change(viewer, int(row[2]), Sharing(row[3])),
            state=None if row[8] is None else _state(row[8]),
        )
        for row in found
    ]


def _state(stored: str) -> State:
    return dict(json.loads(stored))
