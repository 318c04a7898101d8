"""What can be done to many contacts beside their status: a property edited, a fixed segment filled
or emptied, deletion and its way back. Each says who would change, does it, and can be taken back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from marketable import sql
from marketable.bulk_actions.errors import CannotUndo
from marketable.bulk_actions.rules import ActionKind, Outcome, Reason
from marketable.contacts import conditions
from marketable.contacts import queries as contacts
from marketable.contacts.conditions import Condition
from marketable.contacts.services import edit_many as editing
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.edit_many import Edit, How
from marketable.contacts.services.restore_many import ADDRESS_TAKEN, restore_many
from marketable.history.sources import Source
from marketable.marketing_status.rules import COUNTS_TOWARD_TIER
from marketable.properties.rules import JsonValue
from marketable.segments import queries as segments
from marketable.segments.errors import SegmentUnknown, WrongKindOfSegment
from marketable.segments.rules import Kind, in_segment
from marketable.segments.services import segments as filling
from marketable.sql import SubQuery

ALTERED = "set"  # the verdict on those that will be altered, as `freeze.sql` reads it


@dataclass(frozen=True, slots=True)
class Work:
    """What is asked to be done.

    name, how, value  of an edit; `how` is None where each contact gets its own value back
    segment_id        of a segment filled or emptied
    segment_name      of one that is made on confirming
    """

    kind: ActionKind
    name: str = ""
    how: How | None = None
    value: JsonValue | None = None
    segment_id: int | None = None
    segment_name: str = ""

    def as_json(self) -> dict[str, Any]:
        parts = {
            "name": self.name,
            "how": self.how.value if self.how else None,
            "value": self.value,
            "segment_id": self.segment_id,
            "segment_name": self.segment_name,
        }
        return {name: value for name, value in parts.items() if value not in (None, "")}

    @classmethod
    def from_json(cls, kind: ActionKind, stored: Mapping[str, Any]) -> "Work":
        how = stored.get("how")
        return cls(
            kind,
            stored.get("name", ""),
            How(how) if how else None,
            stored.get("value"),
            stored.get("segment_id"),
            stored.get("segment_name", ""),
        )

    def kept_for_ever(self) -> "Work":
        """Return the work without the value, which can be personal: the ledger has it (S14)."""
        return replace(self, value=None)

    @property
    def edit(self) -> Edit:
        assert self.how is not None
        return Edit(self.name, self.how, self.value)


@dataclass(frozen=True, slots=True)
class WorkPlan:
    """What a work would do.

    changing        those that would be altered
    already         those that are so already
    cannot          the others by reason
    outside_rights  those outside the person's rights, left alone (P6)
    not_found       those named that are not live contacts here (J4)
    held            of an archive: those that count toward the tier until `update_date` (S10)
    """

    work: Work
    changing: int
    already: int
    cannot: Mapping[str, int]
    outside_rights: int
    not_found: int
    held: int
    update_date: date

    @property
    def selected(self) -> int:
        return (
            self.changing
            + self.already
            + sum(self.cannot.values())
            + self.outside_rights
            + self.not_found
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """The statement (id, verdict) on the chosen contacts, with its parameters."""

    text: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """Who does a batch, when, and for which bulk action."""

    by: Source
    now: datetime
    bulk_action_id: int
    reverts_id: int | None  # the bulk action that this one takes back
    reverted_change_id: int | None  # its first change
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """What a batch came to. `change_id` is None when nobody was altered."""

    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    change_id: int | None = None


def check(account_id: int, work: Work) -> None:
    """Raise the refusal of a work that is not possible (any more)."""
    if work.kind is ActionKind.EDIT and work.how is not None:
        editing.meaning_of(account_id, work.edit)
    elif work.segment_id is not None:
        segment = segments.segment(account_id, work.segment_id)
        if segment.kind is not Kind.FIXED:
            raise WrongKindOfSegment(is_active=True)


def made(account_id: int, work: Work, *, by: Source, now: datetime) -> Work:
    """Return a work whose segment is there: one that was only named is made.

    Raises BadSegmentName, SegmentNameTaken or TooManySegments.
    """
    if not work.segment_name:
        return work
    segment = filling.create_fixed(account_id, work.segment_name, by=by, now=now)
    return replace(work, segment_id=segment.id, segment_name="")


def judge(account_id: int, work: Work, chosen: SubQuery) -> Judged:
    """Return what a work would do to each chosen live contact."""
    check(account_id, work)
    if work.kind is ActionKind.EDIT:
        meaning = editing.meaning_of(account_id, work.edit)
        verdict = (
            f"CASE WHEN {meaning.forbidden} THEN '{Reason.STAGE_BACKWARDS}' "
            f"WHEN {meaning.differs} THEN '{ALTERED}' ELSE 'already' END"
        )
        return _judged(verdict, chosen, meaning.params)
    if work.kind in {ActionKind.ADD, ActionKind.REMOVE}:
        wanted = "FALSE" if work.kind is ActionKind.ADD else "TRUE"
        verdict = f"CASE WHEN {_IS_MEMBER} = {wanted} THEN '{ALTERED}' ELSE 'already' END"
        return _judged(verdict, chosen, {"segment_id": work.segment_id})
    return _judged(f"'{ALTERED}'", chosen, {})


_IS_MEMBER = """
EXISTS (SELECT
          FROM segment_member AS member
         WHERE member.account_id = c.account_id AND member.segment_id = %(segment_id)s
           AND member.contact_id = c.id)"""


def _judged(
    verdict: str,
    chosen: SubQuery,
    params: Mapping[str, Any],
    *,
    joined: str = "",
    state: str = "c.archived_at IS NULL",
) -> Judged:
    text = sql.compose(
        sql.load("bulk_actions", "judge_work"),
        verdict=verdict,
        joined=joined,
        state=state,
        belongs=chosen.belongs,
    )
    return Judged(text, {**chosen.params, **params})


def held_among(account_id: int, where: Sequence[Condition], today: date) -> int:
    """Return how many contacts under these conditions count toward the tier."""
    return sum(
        contacts.count_exactly(account_id, [*where, conditions.status(status, today)])
        for status in COUNTS_TOWARD_TIER
    )


def do(account_id: int, work: Work, chosen: SubQuery, context: Context) -> Done:
    """Do a work to the chosen contacts, in the caller's transaction.

    Raises the refusal of a work that is not possible any more.
    """
    return _DOERS[work.kind](account_id, work, chosen, context)


def _edit(account_id: int, work: Work, chosen: SubQuery, context: Context) -> Done:
    if work.how is None:
        assert context.reverts_id is not None
        edited = editing.put_back(
            account_id,
            chosen,
            work.name,
            context.reverts_id,
            by=context.by,
            now=context.now,
            bulk_action_id=context.bulk_action_id,
            reverts_id=context.reverted_change_id,
            body=context.body,
        )
    else:
        edited = editing.edit_many(
            account_id,
            chosen,
            work.edit,
            by=context.by,
            now=context.now,
            bulk_action_id=context.bulk_action_id,
            body=context.body,
        )
    return Done({Outcome.CHANGED: edited.changed}, edited.change_id)


def _fill(account_id: int, work: Work, chosen: SubQuery, context: Context) -> Done:
    assert work.segment_id is not None
    is_adding = work.kind is ActionKind.ADD
    moved = (filling.add_members if is_adding else filling.remove_members)(
        account_id,
        work.segment_id,
        chosen,
        by=context.by,
        now=context.now,
        bulk_action_id=context.bulk_action_id,
    )
    return Done({Outcome.ADDED if is_adding else Outcome.REMOVED: moved.moved}, moved.change_id)


def _archive(account_id: int, work: Work, chosen: SubQuery, context: Context) -> Done:
    archived = archive_contacts(
        account_id,
        chosen,
        by=context.by,
        now=context.now,
        bulk_action_id=context.bulk_action_id,
        body=context.body,
    )
    return Done({Outcome.ARCHIVED: archived.archived}, archived.change_id)


def _restore(account_id: int, work: Work, chosen: SubQuery, context: Context) -> Done:
    restored = restore_many(
        account_id,
        chosen,
        by=context.by,
        now=context.now,
        bulk_action_id=context.bulk_action_id,
        reverts_id=context.reverted_change_id,
        body=context.body,
    )
    return Done({Outcome.RESTORED: restored.restored}, restored.change_id)


_DOERS: Mapping[ActionKind, Callable[[int, Work, SubQuery, Context], Done]] = {
    ActionKind.EDIT: _edit,
    ActionKind.ADD: _fill,
    ActionKind.REMOVE: _fill,
    ActionKind.ARCHIVE: _archive,
    ActionKind.RESTORE: _restore,
}


# Taking back


def way_back(account_id: int, work: Work) -> Work:
    """Return the work that takes another back. Raises CannotUndo where there is none."""
    if work.kind is ActionKind.EDIT:
        return Work(ActionKind.EDIT, work.name)
    if work.kind in {ActionKind.ADD, ActionKind.REMOVE}:
        back = ActionKind.REMOVE if work.kind is ActionKind.ADD else ActionKind.ADD
        turned = Work(back, segment_id=work.segment_id)
        try:
            check(account_id, turned)
        except SegmentUnknown as error:
            raise CannotUndo(error.message) from error
        return turned
    if work.kind is ActionKind.ARCHIVE:
        return Work(ActionKind.RESTORE)
    return Work(ActionKind.ARCHIVE)


def judge_back(account_id: int, back: Work, bulk_action_id: int) -> Judged:
    """Return what `back`, which takes a bulk action back, would do to each contact that it
    altered: those that somebody has touched since are left alone."""
    altered = SubQuery(
        sql.load("bulk_actions", "altered_by"),
        {"account_id": account_id, "sel_bulk_action_id": bulk_action_id},
    )
    if back.kind is ActionKind.EDIT:
        verdict = (
            f"CASE WHEN c.archived_at IS NOT NULL THEN '{Reason.ARCHIVED}' "
            f"WHEN NOT ({editing.untouched()}) THEN '{Reason.CHANGED_SINCE}' ELSE '{ALTERED}' END"
        )
        params = {"name": back.name, "sel_edited_by": bulk_action_id}
        return _judged(verdict, altered, params, joined=editing.edited_by(), state="TRUE")
    if back.kind in {ActionKind.ADD, ActionKind.REMOVE}:
        assert back.segment_id is not None
        moved_since = editing.touched_since("after ? %(key)s")
        untouched = f"{_IS_MEMBER} = {'FALSE' if back.kind is ActionKind.ADD else 'TRUE'}"
        verdict = (
            f"CASE WHEN c.archived_at IS NOT NULL THEN '{Reason.ARCHIVED}' "
            f"WHEN {untouched} AND NOT {moved_since} THEN '{ALTERED}' "
            f"ELSE '{Reason.CHANGED_SINCE}' END"
        )
        params = {
            "segment_id": back.segment_id,
            "key": in_segment(back.segment_id),
            "sel_edited_by": bulk_action_id,
        }
        return _judged(verdict, altered, params, joined=editing.edited_by(), state="TRUE")
    moved_since = editing.touched_since("after ? 'archived'")
    touched = f"WHEN {moved_since} THEN '{Reason.CHANGED_SINCE}'"
    if back.kind is ActionKind.RESTORE:
        verdict = (
            "CASE WHEN c.archived_at IS NULL OR c.erased_at IS NOT NULL "
            f"OR c.merged_into IS NOT NULL THEN '{Reason.NOT_IN_BIN}' {touched} "
            f"WHEN {ADDRESS_TAKEN} THEN '{Reason.EMAIL_TAKEN}' ELSE '{ALTERED}' END"
        )
    else:
        verdict = (
            f"CASE WHEN c.archived_at IS NOT NULL THEN '{Reason.ARCHIVED}' {touched} "
            f"ELSE '{ALTERED}' END"
        )
    params = {"sel_edited_by": bulk_action_id}
    return _judged(verdict, altered, params, joined=editing.edited_by(), state="TRUE")
