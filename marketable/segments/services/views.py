"""Saving, sharing, copying, deleting and restoring views of the contacts table."""

from collections.abc import Iterable
from datetime import datetime

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts.rules import Right
from marketable.accounts.services import take_turns
from marketable.history.kinds import Kind
from marketable.history.services import record
from marketable.history.sources import Source
from marketable.segments.models import DefaultView, SavedViewPerson, SavedViewRow
from marketable.segments.saved_views import queries
from marketable.segments.saved_views.errors import (
    BadViewName,
    BadViewState,
    SharedWithStrangers,
    TooManyViews,
    ViewChangedMeanwhile,
    ViewGone,
    ViewNameTaken,
    ViewNotYours,
    ViewUnknown,
)
from marketable.segments.saved_views.rules import (
    LONGEST_NAME,
    MOST_PEOPLE,
    MOST_VIEWS,
    Sharing,
    State,
    Viewer,
    can_be_kept,
    clean_name,
    may_change,
    numbered,
    segments_of,
)


@sql.retried
def save_as_new(
    account_id: int,
    name: str,
    state: State,
    *,
    sharing: Sharing = Sharing.PRIVATE,
    people: Iterable[int] = (),
    viewer: Viewer,
    by: Source,
    now: datetime,
) -> int:
    """Keep a state of the table under a name and return the view's number.

    Raises BadViewName, ViewNameTaken, BadViewState, SharedWithStrangers or TooManyViews.
    """
    take_turns(account_id)  # one name, or the last view, is not given to two
    taken = _room_for_one_more(account_id, viewer)
    row = SavedViewRow(account_id=account_id, owner_id=viewer.user_id, created_at=now)
    _name(row, name, taken)
    _keep(row, state)
    row.sharing = sharing.value
    row.updated_at = now
    row.save(force_insert=True)
    _share(row, people)
    _record(row, ["created"], by=by, now=now)
    return row.id


@sql.retried
def save(
    account_id: int,
    view_id: int,
    state: State,
    *,
    version: int,
    viewer: Viewer,
    by: Source,
    now: datetime,
) -> None:
    """Let a view hold another state of the table.

    version  of the view as it was opened

    Raises ViewChangedMeanwhile when somebody else was first, ViewNotYours, BadViewState.
    """
    row = _changeable(account_id, view_id, viewer, version)
    _keep(row, state)
    _changed(row, ["state"], by=by, now=now)


@sql.retried
def change(
    account_id: int,
    view_id: int,
    *,
    name: str,
    sharing: Sharing,
    people: Iterable[int] = (),
    version: int,
    viewer: Viewer,
    by: Source,
    now: datetime,
) -> None:
    """Rename a view, and say who sees it. What a segment it uses is called stays its own matter.

    Raises as `save_as_new` does, and ViewChangedMeanwhile or ViewNotYours.
    """
    take_turns(account_id)
    row = _changeable(account_id, view_id, viewer, version)
    others = [one for one in queries.names_of(account_id, row.owner_id) if one != row.name]
    before = (row.name, row.sharing, set(queries.people_of(account_id, view_id)))
    was_shared = row.sharing != Sharing.PRIVATE.value
    _name(row, name, others)
    if viewer.user_id != row.owner_id and sharing is Sharing.PRIVATE:
        raise ViewNotYours(Right.PROPERTIES_EDIT.value)
    row.sharing = sharing.value
    _share(row, people)
    after = (row.name, row.sharing, set(queries.people_of(account_id, view_id)))
    what = [
        word
        for word, old, new in zip(("name", "sharing", "people"), before, after, strict=True)
        if old != new
    ]
    if what:
        _changed(row, what, was_shared=was_shared, by=by, now=now)


@sql.retried
def copy(account_id: int, view_id: int, *, viewer: Viewer, by: Source, now: datetime) -> int:
    """Make a private view of one's own of any view that one sees, and return its number."""
    original = queries.view(account_id, view_id, viewer)
    assert original.state is not None
    take_turns(account_id)
    taken = _room_for_one_more(account_id, viewer)
    name = numbered(original.name, taken)
    return save_as_new(account_id, name, original.state, viewer=viewer, by=by, now=now)


@sql.retried
def make_default(account_id: int, view_id: int | None, *, viewer: Viewer) -> None:
    """Let the contacts page of a person open with a view; None: with all contacts."""
    DefaultView.objects.filter(account_id=account_id, user_id=viewer.user_id).delete()
    if view_id is not None:
        queries.view(account_id, view_id, viewer)
        DefaultView.objects.create(account_id=account_id, user_id=viewer.user_id, view_id=view_id)


@sql.retried
def delete(account_id: int, view_id: int, *, viewer: Viewer, by: Source, now: datetime) -> None:
    """Take a view away. It can be brought back for 30 days."""
    row = _changeable(account_id, view_id, viewer)
    row.deleted_at = now
    _changed(row, ["deleted"], by=by, now=now)


@sql.retried
def restore(account_id: int, view_id: int, *, viewer: Viewer, by: Source, now: datetime) -> str:
    """Bring a deleted view back, as it was and to whom it was, and return its name: another if
    its own was given away meanwhile.

    Raises ViewGone after 30 days, ViewUnknown or ViewNotYours.
    """
    take_turns(account_id)
    row = _locked(account_id, view_id, viewer)
    if row.deleted_at is None or row.deleted_at <= now - queries.KEPT_FOR:
        raise ViewGone
    row.name = numbered(row.name, queries.names_of(account_id, row.owner_id))
    row.deleted_at = None
    _changed(row, ["restored"], by=by, now=now)
    return row.name


@sql.retried
def remove_long_deleted(now: datetime) -> int:
    """Remove for good what can be brought back no more; return how many views that were."""
    gone = "SELECT account_id, id FROM saved_view WHERE deleted_at <= %(before)s"
    before = {"before": now - queries.KEPT_FOR}
    for table in ("saved_view_person", "default_view"):
        sql.execute(
            f"DELETE FROM {table} WHERE (account_id, view_id) IN ({gone})",
            before,
        )
    return sql.execute("DELETE FROM saved_view WHERE deleted_at <= %(before)s", before)


def _locked(account_id: int, view_id: int, viewer: Viewer) -> SavedViewRow:
    """Return a view that somebody sees and may change, locked.

    Raises ViewUnknown or ViewNotYours.
    """
    found = SavedViewRow.objects.select_for_update().filter(account_id=account_id, id=view_id)
    row = found.first()
    if row is None or not _is_seen(row, viewer):
        raise ViewUnknown
    if not may_change(viewer, row.owner_id, Sharing(row.sharing)):
        raise ViewNotYours(Right.PROPERTIES_EDIT.value)
    return row


def _changeable(
    account_id: int, view_id: int, viewer: Viewer, version: int | None = None
) -> SavedViewRow:
    row = _locked(account_id, view_id, viewer)
    if row.deleted_at is not None:
        raise ViewUnknown
    if version is not None and row.version != version:
        raise ViewChangedMeanwhile(row.name)
    return row


def _is_seen(row: SavedViewRow, viewer: Viewer) -> bool:
    if row.owner_id == viewer.user_id or row.sharing == Sharing.ACCOUNT.value:
        return True
    return row.sharing == Sharing.PEOPLE.value and viewer.user_id in queries.people_of(
        row.account_id, row.id
    )


def _room_for_one_more(account_id: int, viewer: Viewer) -> list[str]:
    taken = queries.names_of(account_id, viewer.user_id)
    if len(taken) >= MOST_VIEWS:
        raise TooManyViews
    return taken


def _name(row: SavedViewRow, name: str, taken: Iterable[str]) -> None:
    row.name = clean_name(name)
    if not 1 <= len(row.name) <= LONGEST_NAME:
        raise BadViewName
    if row.name.casefold() in {one.casefold() for one in taken}:
        raise ViewNameTaken(row.name)


def _keep(row: SavedViewRow, state: State) -> None:
    kept = {name: text for name, text in state.items() if text}
    if not can_be_kept(kept):
        raise BadViewState
    row.state = kept
    row.segment_ids = sorted(segments_of(kept))


def _share(row: SavedViewRow, people: Iterable[int]) -> None:
    """Write who sees the view, when it is for those who are named."""
    named = SavedViewPerson.objects.filter(account_id=row.account_id, view_id=row.id)
    if row.sharing != Sharing.PEOPLE.value:
        named.delete()
        return
    wanted = set(people) - {row.owner_id}
    members = {one.user_id for one in accounts.members(row.account_id)}
    if not wanted or not wanted <= members or len(wanted) > MOST_PEOPLE:
        raise SharedWithStrangers
    named.exclude(user_id__in=wanted).delete()
    SavedViewPerson.objects.bulk_create(
        [
            SavedViewPerson(account_id=row.account_id, view_id=row.id, user_id=user_id)
            for user_id in sorted(wanted)
        ],
        ignore_conflicts=True,
    )


def _changed(
    row: SavedViewRow,
    what: list[str],
    *,
    was_shared: bool = False,
    by: Source,
    now: datetime,
) -> None:
    row.version += 1
    row.updated_at = now
    row.save()
    _record(row, what, was_shared=was_shared, by=by, now=now)


def _record(
    row: SavedViewRow, what: list[str], *, was_shared: bool = False, by: Source, now: datetime
) -> None:
    """Write the ledger for what others see (L2); a private view is its owner's own matter."""
    if row.sharing != Sharing.PRIVATE.value or was_shared:
        body = {"view": row.id, "what": what, "sharing": row.sharing}
        record(row.account_id, Kind.VIEW_CHANGED, by=by, at=now, body=body)
