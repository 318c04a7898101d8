"""Reading plans and bulk actions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from marketable import sql
from marketable.bulk_actions.errors import BulkActionUnknown, PlanUnknown
from marketable.bulk_actions.models import BulkAction, Cancelling, PlanRow
from marketable.bulk_actions.rules import ALTERING, OF_STATUS, ActionKind, ActionState
from marketable.bulk_actions.works import Work
from marketable.errors import message_of
from marketable.history.sources import Source
from marketable.marketing_status.rules import Event
from marketable.segments.selection import Selection


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan as it was shown. `work` is what is asked, unless the status is moved."""

    id: UUID
    created_at: datetime
    actor_id: str
    kind: ActionKind
    work: Work | None
    selection: Selection
    include_unreachable: bool
    changing: int
    bulk_action_id: int | None

    @property
    def action(self) -> Event:
        return Event(self.kind)


@dataclass(frozen=True, slots=True)
class BulkActionView:
    """A bulk action with its progress; `changed + skipped = done` at every moment."""

    id: int
    kind: ActionKind
    work: Work | None
    state: ActionState
    by: Source
    selection: Selection
    total: int
    done: int
    outcomes: dict[str, int]
    cannot: dict[str, int]
    already: int
    outside_rights: int
    not_found: int
    left_alone: int  # of one that takes another back: those somebody changed since (S15)
    update_date: date
    change_id: int | None
    reverts_id: int | None
    error: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancelled_at: datetime | None

    @property
    def changed(self) -> int:
        return sum(self.outcomes.get(name, 0) for name in ALTERING)

    @property
    def skipped(self) -> int:
        return self.done - self.changed

    @property
    def refused(self) -> int:
        return sum(self.cannot.values()) + self.outside_rights + self.not_found

    @property
    def is_finished(self) -> bool:
        return self.state not in {ActionState.PENDING, ActionState.RUNNING}


def stored_plan(account_id: int, plan_id: UUID) -> StoredPlan:
    row = PlanRow.objects.filter(account_id=account_id, id=plan_id).first()
    if row is None:
        raise PlanUnknown
    return StoredPlan(
        id=row.id,
        created_at=row.created_at,
        actor_id=row.actor_id,
        kind=ActionKind(row.action),
        work=_work(row.action, row.work),
        selection=Selection.from_json(row.selection),
        include_unreachable=bool(row.answer.get("include_unreachable")),
        changing=int(row.answer["changing"]),
        bulk_action_id=row.bulk_action_id,
    )


def bulk_action(account_id: int, bulk_action_id: int) -> BulkActionView:
    row = BulkAction.objects.filter(account_id=account_id, id=bulk_action_id).first()
    if row is None:
        raise BulkActionUnknown
    return _views(account_id, [row])[0]


def bulk_actions(
    account_id: int, *, since: datetime, limit: int = 100, before_id: int | None = None
) -> list[BulkActionView]:
    """Return the account's bulk actions since a moment, newest first."""
    found = BulkAction.objects.filter(account_id=account_id, created_at__gte=since)
    if before_id is not None:
        found = found.filter(id__lt=before_id)
    return _views(account_id, list(found.order_by("-id")[:limit]))


def cancelled_at(account_id: int, bulk_action_ids: Sequence[int]) -> dict[int, datetime]:
    """Return since when those among them are to stop that somebody has stopped."""
    found = Cancelling.objects.filter(account_id=account_id, bulk_action_id__in=bulk_action_ids)
    return dict(found.values_list("bulk_action_id", "at"))


def _views(account_id: int, rows: Sequence[BulkAction]) -> list[BulkActionView]:
    stopped = cancelled_at(account_id, [row.id for row in rows])
    return [view(row, stopped.get(row.id)) for row in rows]


def taken_back(account_id: int, bulk_action_ids: Sequence[int]) -> frozenset[int]:
    """Return those among them that another bulk action has taken back, or is taking back. One that
    was stopped half-way, or failed, leaves the rest to be taken back by another."""
    found = BulkAction.objects.filter(account_id=account_id, reverts_id__in=bulk_action_ids)
    found = found.exclude(state__in=[ActionState.CANCELLED, ActionState.FAILED])
    return frozenset(row.reverts_id for row in found if row.reverts_id is not None)


def unfinished() -> list[tuple[int, int]]:
    """Return (account, bulk action) of those that should be running, of all accounts."""
    found = BulkAction.objects.filter(state__in=[ActionState.PENDING, ActionState.RUNNING])
    return list(found.order_by("created_at").values_list("account_id", "id"))


def refused_contacts(account_id: int, bulk_action_id: int) -> Iterator[tuple[int, str, str]]:
    """Yield (contact, its e-mail or empty, reason) of those that could not be done."""
    bulk_action(account_id, bulk_action_id)
    batches = sql.rows(
        "SELECT number FROM bulk_action_batch WHERE account_id = %(account_id)s "
        "AND bulk_action_id = %(bulk_action_id)s AND outcome <> '' ORDER BY number",
        {"account_id": account_id, "bulk_action_id": bulk_action_id},
    )
    for (number,) in batches:
        for row in sql.rows(
            "SELECT contact.id, coalesce(contact.email, ''), batch.outcome "
            "FROM bulk_action_batch AS batch "
            "JOIN contact ON contact.account_id = batch.account_id "
            "AND contact.id = ANY(batch.contact_ids) "
            "WHERE batch.account_id = %(account_id)s AND batch.bulk_action_id = %(id)s "
            "AND batch.number = %(number)s ORDER BY contact.id",
            {"account_id": account_id, "id": bulk_action_id, "number": number},
        ):
            yield int(row[0]), str(row[1]), str(row[2])


def _work(kind: str, stored: dict[str, Any]) -> Work | None:
    return None if kind in OF_STATUS else Work.from_json(ActionKind(kind), stored)


def view(row: BulkAction, cancelled_at: datetime | None) -> BulkActionView:
    answer: dict[str, Any] = row.answer
    return BulkActionView(
        id=row.id,
        kind=ActionKind(row.kind),
        work=_work(row.kind, row.work),
        state=ActionState(row.state),
        by=Source.from_json(row.source),
        selection=Selection.from_json(row.selection),
        total=row.total,
        done=row.done,
        outcomes={str(name): int(n) for name, n in row.outcomes.items()},
        cannot={str(name): int(n) for name, n in answer["cannot"].items()},
        already=int(answer["already"]),
        outside_rights=int(answer["outside_rights"]),
        not_found=int(answer["not_found"]),
        left_alone=int(answer.get("left_alone", 0)),
        update_date=date.fromisoformat(answer["update_date"]),
        change_id=row.change_id,
        reverts_id=row.reverts_id,
        error=message_of(row.error),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        cancelled_at=row.cancelled_at or cancelled_at,
    )
