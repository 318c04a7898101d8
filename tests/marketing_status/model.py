"""The rules S1 to S18 in plain Python, to compare the product with. Knows no database.

Written from the rules, one contact after the other, where the product works on sets.
"""

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from marketable.marketing_status.rules import Status


class Refusal(StrEnum):
    CEILING = "CeilingReached"
    EMAIL_TAKEN = "EmailTaken"
    BLOCKED = "AddressBlocked"
    NOT_RESTORABLE = "NotRestorable"
    ARCHIVED = "Archived"
    NOT_MERGED = "NotMerged"
    SURVIVOR_MERGED = "SurvivorMerged"
    SURVIVOR_GONE = "SurvivorGone"
    MERGED_TOO_LONG_AGO = "MergedTooLongAgo"
    MERGED_LATER = "MergedLater"
    NOTHING_TO_DO = "NothingToDo"
    CANNOT_UNDO = "CannotUndo"


class Refused(Exception):
    def __init__(self, why: Refusal) -> None:
        super().__init__(why)
        self.why = why


class Life(StrEnum):
    LIVE = "live"
    DELETED = "deleted"
    ERASED = "erased"
    MERGED = "merged"


@dataclass
class Place:
    since: datetime
    leaving_on: date | None = None

    def status(self, today: date) -> Status:  # S1
        if self.leaving_on is None:
            return Status.MARKETING
        return Status.LEAVING if self.leaving_on > today else Status.NON_MARKETING


@dataclass
class Merge:
    """What was so of both before a merge; moves of the survivor after it, and how many merges
    there were before this one."""

    at: datetime
    on: date
    survivor_id: int
    mine: Place | None
    theirs: Place | None
    addresses: set[str]
    moves: int
    number: int


@dataclass
class Contact:
    """moves  how often its status moved: what takes back an action looks for the same number"""

    id: int
    addresses: set[str]
    life: Life = Life.LIVE
    place: Place | None = None
    was_marketing: bool = False  # when it was deleted last
    moves: int = 0
    merge: Merge | None = None

    def status(self, today: date) -> Status:
        return self.place.status(today) if self.place else Status.NON_MARKETING

    @property
    def is_live(self) -> bool:
        return self.life is Life.LIVE


@dataclass
class Done:
    set: int = 0
    kept: int = 0
    staged: int = 0
    taken_over: int = 0
    moved: dict[int, str] = field(default_factory=dict)  # contact → set, kept or staged

    @property
    def changed(self) -> int:
        return self.set + self.kept + self.staged


@dataclass
class Action:
    """A bulk action: what is left to do, what it did, and the number of moves after that."""

    kind: str
    begun_at: datetime
    update_date: date
    batches: list[list[int]]
    reserved: int = 0
    state: str = "pending"
    did: dict[int, tuple[str, int]] = field(default_factory=dict)
    reverts: int | None = None
    is_taken_back: bool = False

    @property
    def is_finished(self) -> bool:
        return self.state not in {"pending", "running"}


@dataclass
class Account:
    """next_date  the update date after a day, by the contracts of the account
    tier_needed  the smallest limit of the day's plan that fits"""

    today: date
    now: datetime
    next_date: Callable[[date], date]
    tier_needed: Callable[[date, int], int]
    tier: int
    at_limit: str = "automatic"
    own_ceiling: int | None = None
    contacts: dict[int, Contact] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)
    actions: dict[int, Action] = field(default_factory=dict)
    merges: int = 0

    # What can be read.

    @property
    def usage(self) -> int:  # T1
        return sum(
            one.status(self.today) is not Status.NON_MARKETING for one in self.contacts.values()
        )

    @property
    def reserved(self) -> int:
        return sum(one.reserved for one in self.actions.values())

    @property
    def tier_now(self) -> int:
        return self.tier_needed(self.today, self.tier)

    @property
    def ceiling(self) -> int | None:  # T4
        if self.at_limit != "ceiling":
            return None
        return self.own_ceiling if self.own_ceiling is not None else self.tier_now

    def live(self, ids: Iterable[int]) -> list[Contact]:
        return [self.contacts[one] for one in sorted(ids) if self.contacts[one].is_live]

    # What happens.

    def update_date_begins(self, ids: Iterable[int] | None = None) -> int:  # U5, U6
        left = 0
        for one in self.contacts.values() if ids is None else map(self.contacts.__getitem__, ids):
            if one.place is not None and one.status(self.today) is Status.NON_MARKETING:
                one.place = None
                one.moves += 1
                left += 1
        return left

    def start(self, ids: Iterable[int], holder: Action | None = None) -> Done:
        chosen = set(ids)
        self.update_date_begins(chosen)
        before, done = self.usage, Done()
        for one in self.live(chosen):
            status = one.status(self.today)
            if status is Status.NON_MARKETING:
                held = self.held_for(one)
                if held is not None:  # S11
                    held.place = None
                    held.moves += 1
                    done.taken_over += 1
                one.place = Place(self.now)
                done.moved[one.id] = "set"
                done.set += 1
            elif status is Status.LEAVING:  # S6
                assert one.place is not None
                one.place.leaving_on = None
                done.moved[one.id] = "kept"
                done.kept += 1
            else:
                continue
            one.moves += 1
        self._fits(self.usage - before, holder)
        return done

    def held_for(self, fresh: Contact) -> Contact | None:
        """The deleted contact of the same address that holds a place (S11)."""
        for one in sorted(self.contacts.values(), key=lambda one: one.id):
            if (
                one.life is Life.DELETED
                and one.addresses & fresh.addresses
                and one.status(self.today) is Status.LEAVING
            ):
                return one
        return None

    def _fits(self, places: int, holder: Action | None) -> None:
        if holder is not None:
            holder.reserved -= min(holder.reserved, max(places, 0))
        if places > 0 and self.ceiling is not None and self.usage + self.reserved > self.ceiling:
            raise Refused(Refusal.CEILING)  # O3
        if self.usage > self.tier_now:  # T3, T4
            self.tier = max(self.tier, self.tier_needed(self.today, self.usage))

    def _stage(self, one: Contact) -> bool:
        if one.status(self.today) is not Status.MARKETING:
            return False
        assert one.place is not None
        one.place.leaving_on = self.next_date(self.today)
        if one.place.since.astimezone(UTC).date() > one.place.leaving_on:
            one.place.since = self.now  # the clock has gone back behind the start
        one.moves += 1
        return True

    def stop(self, ids: Iterable[int]) -> Done:  # S5
        chosen = set(ids)
        self.update_date_begins(chosen)
        done = Done()
        for one in self.live(chosen):
            if self._stage(one):
                done.moved[one.id] = "staged"
                done.staged += 1
        return done

    def keep(self, ids: Iterable[int]) -> Done:  # S6
        chosen = set(ids)
        self.update_date_begins(chosen)
        done = Done()
        for one in self.live(chosen):
            if one.status(self.today) is Status.LEAVING:
                assert one.place is not None
                one.place.leaving_on = None
                one.moves += 1
                done.moved[one.id] = "kept"
                done.kept += 1
        return done

    def create(self, contact_id: int, address: str | None, *, start: bool, lift: bool) -> None:
        if address in self.blocked and not lift:
            raise Refused(Refusal.BLOCKED)
        self.blocked.discard(address or "")
        addresses = {address} if address else set[str]()
        self._free(addresses)
        self.contacts[contact_id] = Contact(contact_id, addresses)
        if start:
            self.start([contact_id])

    def _free(self, addresses: set[str]) -> None:
        if any(one.is_live and one.addresses & addresses for one in self.contacts.values()):
            raise Refused(Refusal.EMAIL_TAKEN)  # S17, S18

    def archive(self, ids: Iterable[int]) -> int:  # S10
        chosen = self.live(ids)
        self.update_date_begins(one.id for one in chosen)
        for one in chosen:
            one.was_marketing = self._stage(one)
            one.life = Life.DELETED
        return len(chosen)

    def restore(self, contact_id: int) -> None:
        one = self.contacts[contact_id]
        if one.life is not Life.DELETED:
            raise Refused(Refusal.NOT_RESTORABLE)
        self._free(one.addresses)
        self.update_date_begins([contact_id])
        one.life = Life.LIVE
        if one.status(self.today) is Status.LEAVING and one.was_marketing:
            assert one.place is not None
            one.place.leaving_on = None
            one.moves += 1

    def erase(self, ids: Iterable[int]) -> int:  # S14
        chosen = [
            self.contacts[one]
            for one in ids
            if self.contacts[one].life in {Life.LIVE, Life.DELETED}
        ]
        self.update_date_begins(one.id for one in chosen)
        for one in chosen:
            self._stage(one)
            self.blocked |= one.addresses
            one.addresses = set()
            one.life = Life.ERASED
        return len(chosen)

    def merge(self, survivor_id: int, other_id: int) -> None:  # S12
        mine, other = self.contacts[survivor_id], self.contacts[other_id]
        if not (mine.is_live and other.is_live):
            raise Refused(Refusal.ARCHIVED)
        self.update_date_begins([survivor_id, other_id])
        self.merges += 1
        merge = Merge(
            self.now,
            self.today,
            survivor_id,
            copy(mine.place),
            copy(other.place),
            set(other.addresses),
            0,
            self.merges,
        )
        was = mine.status(self.today)
        if mine.place is None:
            mine.place, other.place = other.place, None
        elif other.place is not None:
            if other.place.leaving_on is None:
                mine.place.leaving_on = None
            mine.place.since = min(mine.place.since, other.place.since)
        mine.moves += mine.status(self.today) is not was
        other.moves += other.place is not None
        other.place = None
        mine.addresses |= other.addresses
        other.addresses = set()
        other.life = Life.MERGED
        other.merge = merge
        merge.moves = mine.moves

    def unmerge(self, contact_id: int) -> bool:  # S13
        """Return whether the place that was held found no room."""
        other = self.contacts[contact_id]
        merge = other.merge
        if merge is None or self.contacts[merge.survivor_id].life is Life.ERASED:
            raise Refused(Refusal.NOT_MERGED)
        mine = self.contacts[merge.survivor_id]
        if mine.life is Life.MERGED:
            top = mine
            while top.merge is not None:
                top = self.contacts[top.merge.survivor_id]
            erased = top.life is Life.ERASED
            raise Refused(Refusal.NOT_MERGED if erased else Refusal.SURVIVOR_MERGED)
        if mine.life is Life.DELETED:
            raise Refused(Refusal.SURVIVOR_GONE)
        if self.now - merge.at > timedelta(days=30):
            raise Refused(Refusal.MERGED_TOO_LONG_AGO)
        for one in self.contacts.values():
            if one.merge and one.merge.survivor_id == mine.id and one.merge.number > merge.number:
                raise Refused(Refusal.MERGED_LATER)
        self.update_date_begins([mine.id, other.id])
        lacks_room = False
        if self.next_date(merge.on) == self.next_date(self.today):
            lacks_room = self._part_places(mine, other, merge)
        mine.addresses -= merge.addresses
        other.addresses = {
            address
            for address in merge.addresses
            if not any(one.is_live and address in one.addresses for one in self.contacts.values())
        }
        other.life, other.merge = Life.LIVE, None
        return lacks_room

    def _part_places(self, mine: Contact, other: Contact, merge: Merge) -> bool:
        fits = self.ceiling is None or self.usage + self.reserved + 1 <= self.ceiling
        was = mine.status(self.today)
        if mine.moves == merge.moves and mine.place is not None:
            before = merge.mine
            if before is not None and before.status(self.today) is not Status.NON_MARKETING:
                mine.place = copy(before)
            elif was is Status.MARKETING:
                assert self._stage(mine)
                mine.moves -= 1  # counted below
            if mine.status(self.today) is not was:
                mine.moves += 1
        held = merge.theirs
        if held is None or held.status(self.today) is Status.NON_MARKETING:
            return False
        if not fits:
            return True
        other.place = copy(held)
        other.moves += 1
        self._fits(1, None)
        return False

    # Bulk actions (B6): `size` contacts a batch, up to `at_once` in the request.

    def judge(self, kind: str, ids: Iterable[int]) -> list[int]:
        """Those that a bulk action would change; the unreachable are left out (S19)."""
        changing = []
        for one in self.live(ids):
            status = one.status(self.today)
            if kind == "start":
                changes = status is Status.LEAVING or (
                    status is Status.NON_MARKETING and bool(one.addresses)
                )
            elif kind == "stop":
                changes = status is Status.MARKETING
            else:
                changes = status is Status.LEAVING
            if changes:
                changing.append(one.id)
        return changing

    def begin(
        self, action_id: int, kind: str, changing: list[int], *, size: int, at_once: int
    ) -> Action:
        batches = [changing[at : at + size] for at in range(0, len(changing), size)]
        action = Action(kind, self.now, self.next_date(self.today), batches)
        self.actions[action_id] = action
        if len(changing) <= at_once:
            while action.batches:
                self._do_batch(action)
            action.state = "complete"
        elif kind == "start":
            fresh = [
                one for one in self.live(changing) if one.status(self.today) is Status.NON_MARKETING
            ]
            places = len(fresh) - sum(self.held_for(one) is not None for one in fresh)
            if places > 0:
                if self.ceiling is not None and (
                    self.usage + self.reserved + places > self.ceiling
                ):
                    raise Refused(Refusal.CEILING)
                action.reserved = places
        return action

    def _do_batch(self, action: Action) -> None:
        ids = action.batches[0]
        if action.kind == "start":
            done = self.start(ids, action)
        else:
            done = self.stop(ids) if action.kind == "stop" else self.keep(ids)
        action.batches.pop(0)
        action.state = "running"
        for contact_id, outcome in done.moved.items():
            action.did[contact_id] = (outcome, self.contacts[contact_id].moves)

    def next_batch(self, action_id: int) -> None:
        """Do the next batch. Raises Refused, after which the action has failed."""
        action = self.actions[action_id]
        if action.is_finished:
            return
        if not action.batches:
            action.state, action.reserved = "complete", 0
            return
        self._do_batch(action)

    def fail(self, action_id: int) -> None:
        action = self.actions[action_id]
        action.state, action.reserved = "failed", 0

    def cancel(self, action_id: int) -> None:
        action = self.actions[action_id]
        if action.is_finished:
            return
        action.state = "cancelled" if action.batches else "complete"
        action.reserved = 0

    def untouched(self, action_id: int) -> list[int]:
        """Those that taking the action back would move (S15, S16); raises Refused."""
        action = self.actions[action_id]
        is_before = self.today < action.update_date
        if not action.is_finished or action.is_taken_back:
            raise Refused(Refusal.CANNOT_UNDO)
        if self.now - action.begun_at > timedelta(days=30):  # B7
            raise Refused(Refusal.CANNOT_UNDO)
        if action.kind != "start" and not is_before:
            raise Refused(Refusal.CANNOT_UNDO)
        wanted = Status.LEAVING if action.kind == "stop" else Status.MARKETING
        chosen = [
            contact_id
            for contact_id, (outcome, moves) in sorted(action.did.items())
            if self.contacts[contact_id].moves == moves
            and self.contacts[contact_id].is_live
            and self.contacts[contact_id].status(self.today) is wanted
            and (outcome != "kept" or is_before)
        ]
        if not chosen:
            raise Refused(Refusal.CANNOT_UNDO)
        return chosen
