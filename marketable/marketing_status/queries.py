"""Reading the status of contacts and the usage of an account."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from marketable import sql
from marketable.billing import queries as billing
from marketable.marketing_status.rules import Event, Status, Verdict
from marketable.sql import SubQuery

#: Days by which a moment may be off the account's own date, in any zone.
ZONES_APART = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class UsageNow:
    """Usage of an account on a day.

    usage    places taken: the counter less rows whose date has come (V4)
    leaving  those among them that are staged for the next update date
    counter  rows of `marketing_contact`, overdue ones included
    """

    usage: int
    leaving: int
    counter: int
    overdue: int
    reserved: int


@dataclass(frozen=True, slots=True)
class StatusRow:
    """The status of one contact on a day. All but `status` are empty when it is non-marketing."""

    status: Status
    since: datetime | None = None
    source_type: str = ""
    source_id: str = ""
    change_id: int | None = None
    leaving_on: date | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an action would do to a contact `c` with status row `m` (or none).

    tests  the first that is true decides; `other` when none is
    """

    tests: tuple[tuple[str, Verdict], ...]
    other: Verdict

    def as_case(self) -> str:
        whens = "".join(f" WHEN {test} THEN '{verdict}'" for test, verdict in self.tests)
        return f"CASE{whens} ELSE '{self.other}' END"

    def as_flags(self) -> list[str]:
        """Return for each test the expression that it is the one that decides."""
        texts = [test for test, _ in self.tests]
        return [
            " AND ".join([*(f"({before}) IS NOT TRUE" for before in texts[:place]), f"({test})"])
            for place, test in enumerate(texts)
        ]


# S19: plans leave out those who would only cost, unless they are to be included.
NO_ADDRESS = "NOT %(include_unreachable)s AND c.email IS NULL"
BOUNCED = "NOT %(include_unreachable)s AND c.properties ? 'hs_email_hard_bounce_reason_enum'"

JUDGEMENTS: dict[Event, Judgement] = {
    Event.START: Judgement(
        (
            ("m.leaving_on IS NOT NULL", Verdict.KEPT),
            ("m.contact_id IS NOT NULL", Verdict.ALREADY),
            (NO_ADDRESS, Verdict.NO_ADDRESS),
            (BOUNCED, Verdict.HARD_BOUNCED),
        ),
        other=Verdict.SET,
    ),
    Event.STOP: Judgement(
        (("m.contact_id IS NOT NULL AND m.leaving_on IS NULL", Verdict.STAGED),),
        other=Verdict.ALREADY,
    ),
    Event.KEEP: Judgement((("m.leaving_on IS NOT NULL", Verdict.KEPT),), other=Verdict.ALREADY),
}


def usage(account_id: int, today: date) -> UsageNow:
    """Return the account's usage, from the counter and an index; never a count of all rows."""
    found = sql.row(
        """
        SELECT usage.counter, usage.reserved,
               (SELECT count(*) FROM marketing_contact
                 WHERE account_id = usage.account_id AND leaving_on <= %(today)s),
               (SELECT count(*) FROM marketing_contact
                 WHERE account_id = usage.account_id AND leaving_on > %(today)s)
          FROM account_usage AS usage
         WHERE usage.account_id = %(account_id)s
        """,
        {"account_id": account_id, "today": today},
    )
    if found is None:
        return UsageNow(0, 0, 0, 0, 0)
    counter, reserved, overdue, leaving = (int(value) for value in found)
    return UsageNow(counter - overdue, leaving, counter, overdue, reserved)


def overdue_count(account_id: int, today: date) -> int:
    """Return how many rows have a date that has come while the job has not run (V4)."""
    found = sql.row(
        "SELECT count(*) FROM marketing_contact "
        "WHERE account_id = %(account_id)s AND leaving_on <= %(today)s",
        {"account_id": account_id, "today": today},
    )
    assert found is not None
    return int(found[0])


def places_taken(account_id: int, today: date) -> int:
    """Return the account's usage alone, which costs the same however many are staged."""
    found = sql.row(
        "SELECT counter FROM account_usage WHERE account_id = %(account_id)s",
        {"account_id": account_id},
    )
    return int(found[0]) - overdue_count(account_id, today) if found else 0


def tell_planner() -> None:
    """Let the planner know what a large move did to the dates of the staged: it expects a few
    where there are half a million, until statistics are gathered in a minute or so."""
    sql.execute("ANALYZE (SKIP_LOCKED) marketing_contact (leaving_on)")


def due_dates(account_id: int, today: date) -> list[date]:
    """Return the dates that have come with contacts still staged for them, in order (U6)."""
    # From date to date through the index; DISTINCT would read every contact that is due.
    found = sql.rows(
        """
        WITH RECURSIVE due AS (
            SELECT min(leaving_on) AS day
              FROM marketing_contact
             WHERE account_id = %(account_id)s AND leaving_on <= %(today)s
             UNION ALL
            SELECT (SELECT min(leaving_on)
                      FROM marketing_contact
                     WHERE account_id = %(account_id)s
                       AND leaving_on > due.day AND leaving_on <= %(today)s)
              FROM due
             WHERE day IS NOT NULL
        )
        SELECT day FROM due WHERE day IS NOT NULL ORDER BY day
        """,
        {"account_id": account_id, "today": today},
    )
    return [row[0] for row in found]


def accounts_due(latest: date) -> list[int]:
    """Return accounts with a staged row dated `latest` or before; the caller checks their zone."""
    found = sql.rows(
        "SELECT account.id FROM account WHERE EXISTS (SELECT FROM marketing_contact AS status "
        "WHERE status.account_id = account.id AND status.leaving_on <= %(latest)s) ORDER BY id",
        {"latest": latest},
    )
    return [int(row[0]) for row in found]


def status_row(account_id: int, contact_id: int, today: date) -> StatusRow:
    """Return one contact's status by S1, whether or not the job has run."""
    found = sql.row(
        "SELECT since, source_type, source_id, change_id, leaving_on FROM marketing_contact "
        "WHERE account_id = %(account_id)s AND contact_id = %(contact_id)s "
        "AND (leaving_on IS NULL OR leaving_on > %(today)s)",
        {"account_id": account_id, "contact_id": contact_id, "today": today},
    )
    if found is None:
        return StatusRow(Status.NON_MARKETING)
    return StatusRow(Status.LEAVING if found[4] else Status.MARKETING, *found)


def status_of(account_id: int, contact_id: int, today: date) -> Status:
    return status_row(account_id, contact_id, today).status


def by_source(account_id: int, today: date) -> list[tuple[str, int]]:
    """Return (source type, places) for every source that holds places, largest first."""
    found = sql.rows(
        "SELECT source_type, count(*) FROM marketing_contact "
        "WHERE account_id = %(account_id)s AND (leaving_on IS NULL OR leaving_on > %(today)s) "
        "GROUP BY source_type ORDER BY count(*) DESC, source_type",
        {"account_id": account_id, "today": today},
    )
    return [(str(row[0]), int(row[1])) for row in found]


def judge(event: Event, chosen: SubQuery) -> str:
    """Return the statement (id, verdict) of an action; see `sql/judge.sql` for its parameters."""
    if chosen.of_places and event is not Event.START:  # a start looks at addresses (S19)
        return sql.compose(
            sql.load("marketing_status", "judge_places"),
            answer=f"m.contact_id AS id, {JUDGEMENTS[event].as_case()} AS verdict",
            belongs=chosen.of_places,
        )
    return _judged(f"c.id, {JUDGEMENTS[event].as_case()} AS verdict", chosen)


def _judged(answer: str, chosen: SubQuery) -> str:
    return sql.compose(
        sql.load("marketing_status", "judge"),
        answer=answer,
        belongs=chosen.judged or chosen.belongs,
    )


def verdict_counts(
    account_id: int, event: Event, chosen: SubQuery, *, today: date, include_unreachable: bool
) -> dict[Verdict, int]:
    """Return what `event` would do to the chosen contacts, counted."""
    params = {
        **chosen.params,
        "account_id": account_id,
        "today": today,
        "include_unreachable": include_unreachable,
    }
    if chosen.is_everybody:
        counts = _everybodys_verdicts(event, params)
    else:
        counts = _verdicts(event, chosen, params)
    return {verdict: n for verdict, n in counts.items() if n}


def _verdicts(event: Event, chosen: SubQuery, params: Mapping[str, Any]) -> dict[Verdict, int]:
    # Filtered counts, not groups: the planner would expect as many groups as contacts, and then
    # not share the work among processes.
    judgement = JUDGEMENTS[event]
    filtered = [f"count(*) FILTER (WHERE {flag})" for flag in judgement.as_flags()]
    found = sql.row(_judged(", ".join(["count(*)", *filtered]), chosen), params)
    assert found is not None
    total, *decided = (int(count) for count in found)
    verdicts = [verdict for _, verdict in judgement.tests]
    return {**dict(zip(verdicts, decided, strict=True)), judgement.other: total - sum(decided)}


def _everybodys_verdicts(event: Event, params: Mapping[str, Any]) -> dict[Verdict, int]:
    statement = sql.compose(
        sql.load("marketing_status", "judge_everybody"),
        no_address=NO_ADDRESS if event is Event.START else "FALSE",
        bounced=BOUNCED if event is Event.START else "FALSE",
    )
    found = sql.row(statement, params)
    assert found is not None
    live, marketing, leaving, no_address, bounced = (int(count) for count in found)
    if event is Event.STOP:
        return {Verdict.STAGED: marketing, Verdict.ALREADY: live - marketing}
    if event is Event.KEEP:
        return {Verdict.KEPT: leaving, Verdict.ALREADY: live - leaving}
    return {
        Verdict.KEPT: leaving,
        Verdict.ALREADY: marketing,
        Verdict.NO_ADDRESS: no_address,
        Verdict.HARD_BOUNCED: bounced,
        Verdict.SET: live - leaving - marketing - no_address - bounced,
    }


def staged_for(account_id: int, day: date) -> int:
    """Return how many rows are staged for `day`."""
    found = sql.row(
        "SELECT count(*) FROM marketing_contact "
        "WHERE account_id = %(account_id)s AND leaving_on = %(day)s",
        {"account_id": account_id, "day": day},
    )
    assert found is not None
    return int(found[0])


def somebody_holds_a_place(account_id: int, today: date) -> bool:
    """Tell whether any archived contact still holds a place (S10); usually none does.

    Only those archived in the present period can. The first one has no update date at its
    beginning, and may have begun before the contract.
    """
    calendar = billing.calendar(account_id)
    since: date | None = calendar.period_start(today)
    if since is None or since <= calendar.contracts[0].starts_on:
        since = None
    found = sql.row(
        "SELECT EXISTS (SELECT FROM contact AS gone JOIN marketing_contact AS held "
        "ON held.account_id = gone.account_id AND held.contact_id = gone.id "
        "WHERE gone.account_id = %(account_id)s AND gone.archived_at > %(since)s "
        "AND held.leaving_on > %(today)s)",
        {
            "account_id": account_id,
            "since": since - ZONES_APART if since else date.min,
            "today": today,
        },
    )
    assert found is not None
    return bool(found[0])


def is_overtaken(account_id: int, change_id: int) -> bool:
    """Tell whether a change with a higher number has moved a contact that this one moved, too.

    Nearly always there is no higher number yet, and then the contacts are not looked at.
    """
    params = {"account_id": account_id, "change_id": change_id}
    newer = sql.row(
        "SELECT id FROM change WHERE account_id = %(account_id)s AND id > %(change_id)s LIMIT 1",
        params,
    )
    if newer is None:
        return False
    found = sql.row(
        """
        SELECT EXISTS (
            SELECT
              FROM contact_change AS mine
              JOIN contact_change AS later
                ON later.account_id = mine.account_id
               AND later.contact_id = mine.contact_id
               AND later.change_id > mine.change_id
               AND later.after ? 'status'
             WHERE mine.account_id = %(account_id)s AND mine.change_id = %(change_id)s)
        """,
        params,
    )
    assert found is not None
    return bool(found[0])


def take_over_pairs(chosen: str) -> str:
    """Return the query (old_id, new_id) of places that a start of the chosen would take over
    (S11). `chosen` is a query of one column `id`."""
    return sql.compose(sql.load("marketing_status", "take_over_pairs"), chosen=chosen)


def take_over_count(
    account_id: int, chosen: SubQuery, *, today: date, include_unreachable: bool
) -> int:
    """Return how many held places a start of the chosen would take over; those whom it would not
    set take none."""
    if not somebody_holds_a_place(account_id, today):
        return 0
    started = (
        f"SELECT id FROM ({judge(Event.START, chosen)}) AS judged WHERE verdict = '{Verdict.SET}'"
    )
    found = sql.row(
        f"SELECT count(DISTINCT old_id) FROM ({take_over_pairs(started)}) AS pairs",
        {
            **chosen.params,
            "account_id": account_id,
            "today": today,
            "include_unreachable": include_unreachable,
        },
    )
    assert found is not None
    return int(found[0])


@dataclass(frozen=True, slots=True)
class Proof:
    """Three ways to the same number (V4)."""

    counter: int
    rows: int
    ledger: int
    unexplained: int  # rows whose change does not exist, or whose last ledger state differs (V13)

    @property
    def ok(self) -> bool:
        return self.counter == self.rows == self.ledger and self.unexplained == 0


def prove(account_id: int) -> Proof:
    """Compare the counter, the rows and the fold of the ledger; correct nothing (O12)."""
    found = sql.row(sql.load("marketing_status", "prove"), {"account_id": account_id})
    assert found is not None
    return Proof(*(int(value) for value in found))
