"""Edits of many, edits by hand and undoing in any order: each contact is what a slow model says.

The model keeps for each contact what was done to it. Undoing an edit gives a contact its value back
if everything done to it since was itself undone.
"""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.bulk_actions import services
from marketable.bulk_actions.errors import CannotUndo
from marketable.bulk_actions.rules import ActionKind
from marketable.bulk_actions.works import Work
from marketable.contacts.services.edit import edit_contact
from marketable.contacts.services.edit_many import How
from marketable.history.sources import Source
from marketable.segments.selection import Selection
from tests import make
from tests.make import JAN_20

pytestmark = pytest.mark.django_db

HOW_MANY = 3
TOWNS = ("Gdynia", "Hel", "Sopot")


@dataclass
class Deed:
    """Something done to a contact. `job` is 0 where it was done by hand."""

    job: int
    before: str | None
    after: str | None
    is_undone: bool = False


@dataclass
class Told:
    """A contact of the model."""

    city: str | None = None
    deeds: list[Deed] = field(default_factory=list)

    def do(self, job: int, city: str | None) -> None:
        if city != self.city:
            self.deeds.append(Deed(job, self.city, city))
            self.city = city

    def undo(self, job: int) -> bool:
        for place, deed in enumerate(self.deeds):
            is_last = all(later.is_undone for later in self.deeds[place + 1 :])
            if deed.job == job and not deed.is_undone and is_last:
                deed.is_undone = True
                self.city = deed.before
                return True
        return False


subsets = st.sets(st.integers(0, HOW_MANY - 1), min_size=1)
towns = st.sampled_from([*TOWNS, None])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("many"), subsets, towns),
        st.tuples(st.just("hand"), st.integers(0, HOW_MANY - 1), towns),
        st.tuples(st.just("undo"), st.integers(0, 5), st.none()),
    ),
    min_size=2,
    max_size=9,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps)
def test_undoing_restores_exactly_what_nobody_touched_since(
    account: AccountInfo, anna: Source, done: list[tuple[str, object, str | None]]
) -> None:
    ids = make.contacts(account, HOW_MANY)
    told = [Told() for _ in ids]
    jobs: list[int] = []
    for what, whom, city in done:
        if what == "many":
            assert isinstance(whom, set)
            job = edit_many(account, anna, [ids[one] for one in sorted(whom)], city)
            if job:
                jobs.append(job)
                for one in whom:
                    told[one].do(job, city)
        elif what == "hand":
            assert isinstance(whom, int)
            edit_contact(
                account.id,
                ids[whom],
                {"city": city},
                version=None,
                reach=EVERYTHING,
                by=anna,
                now=JAN_20,
            )
            told[whom].do(0, city)
        elif jobs:
            assert isinstance(whom, int)
            undo(account, anna, jobs[whom % len(jobs)], told)
        assert cities(account, ids) == [one.city for one in told]


def edit_many(account: AccountInfo, by: Source, ids: list[int], city: str | None) -> int:
    """Give contacts a city; return the job, 0 if all have it already."""
    how = How.CLEAR if city is None else How.SET
    shown = services.preview_work(
        account.id,
        Work(ActionKind.EDIT, "city", how, city),
        Selection(ids=tuple(ids)),
        by=by,
        reach=EVERYTHING,
        now=JAN_20,
    )
    count = shown.plan.changing
    if not count:
        return 0
    return services.confirm(account.id, shown.id, count, by=by, reach=EVERYTHING, now=JAN_20).id


def undo(account: AccountInfo, by: Source, job: int, told: list[Told]) -> None:
    """Take a job back, in the product and in the model, and compare how many it concerned."""
    try:
        changed = services.take_back(account.id, job, by=by, now=JAN_20).changed
    except CannotUndo:
        changed = 0
    assert changed == sum(one.undo(job) for one in told)


def cities(account: AccountInfo, ids: list[int]) -> list[str | None]:
    found = sql.rows(
        "SELECT properties->>'city' FROM contact WHERE account_id = %(account_id)s "
        "AND id = ANY(%(ids)s) ORDER BY id",
        {"account_id": account.id, "ids": ids},
    )
    return [row[0] for row in found]
