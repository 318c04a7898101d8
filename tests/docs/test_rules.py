"""The pages of rules say what the code does."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po

from marketable.accounts import rules as accounts
from marketable.accounts.rules import PLAIN, SCOPED, WIDE, Right, Scope
from marketable.billing.rules import (
    FEATURES,
    SHIPPED_PLANS,
    Contract,
    Term,
    begins_at,
    is_update_date,
    next_update_date,
    tier_needed,
    today_in,
)
from marketable.bulk_actions.rules import BATCH_SIZE, REQUEST_LIMIT, Outcome, parse_count
from marketable.contacts.services.erase import KEPT_IN_BIN
from marketable.history.kinds import Kind
from marketable.history.sources import SourceType
from marketable.marketing_status.rules import (
    COUNTS_TOWARD_TIER,
    TRANSITIONS,
    Event,
    Status,
    Verdict,
    after,
    joined,
    parted,
    usage_delta,
)
from marketable.properties.defaults import BY_NAME
from marketable.properties.rules import LONGEST_VALUE, MESSAGES
from marketable.transfers.rules import KEPT_FOR, Marketing
from marketable.web import wording
from tests.docs.pages import ROOT, defined_rules, own_files, page, spans, table

CITED = re.compile(r"(?<!%)\b([SHUTEPBRWFXCINADMGLVOJY][1-9]\d?)\b")
#: Letters with a number that are no rules: weeks of dates, values in tests, and a key.
NO_RULES = {"X1", "W10", "F2"}

STATUS = page("rules/status.md")
UPDATE_DATES = page("rules/update-dates.md")
TIERS = page("rules/tiers-and-usage.md")
PERMISSIONS = page("rules/permissions.md")


# Numbers


def cited_in(path: Path) -> set[str]:
    return set(CITED.findall(path.read_text(encoding="utf-8"))) - NO_RULES


def test_every_rule_that_is_cited_is_written_down() -> None:
    defined = set(defined_rules())
    paths = own_files("marketable/*.py", "marketable/*.sql", "marketable/*.js", "tests/*.py")
    paths += own_files("marketable/*.html", "marketable/*.css", "bench/*.py", "docs/*.md", "*.md")
    missing = {
        str(path.relative_to(ROOT)): sorted(cited_in(path) - defined)
        for path in paths
        if cited_in(path) - defined
    }
    assert missing == {}


def test_a_rule_is_written_down_once() -> None:
    assert {number: where for number, where in defined_rules().items() if len(where) > 1} == {}


def test_the_list_of_pages_names_every_page() -> None:
    listed = set(re.findall(r"\]\(([a-z-]+\.md)\)", page("rules/README.md")))
    assert listed == {path.name for path in (ROOT / "docs/rules").glob("*.md")} - {"README.md"}


# Status


def test_the_states_are_those_of_the_code_and_count_as_it_says() -> None:  # S1, S2
    states = table(STATUS, "state", "what it is", "counts")
    assert [spans(cell)[0] for cell in states.column("state")] == list(Status)
    for state, counts in zip(Status, states.column("counts"), strict=True):
        assert (counts == "yes") is (state in COUNTS_TOWARD_TIER)


def test_the_table_of_transitions_is_the_one_in_the_code() -> None:  # S7
    written = {}
    for before, event, later, delta in table(STATUS, "before", "event", "after").rows:
        move = Status(spans(before)[0]), Event(spans(event)[0])
        written[move] = Status(spans(later)[0])
        assert int(delta.replace("−", "-")) == usage_delta(move[0], written[move])
    assert written == TRANSITIONS


def test_the_state_diagram_is_the_table() -> None:  # S7
    block = re.search(r"```mermaid\nstateDiagram-v2\n(.*?)```", STATUS, re.DOTALL)
    assert block is not None
    arrows = re.findall(r"(\w+) --> (\w+): (\w+)", block[1])
    drawn = {(Status(start), Event(event)): Status(end) for start, end, event in arrows}
    assert len(arrows) == len(drawn)
    assert drawn == TRANSITIONS
    assert re.findall(r"\[\*\] --> (\w+)", block[1]) == [Status.NON_MARKETING]


def test_what_is_not_in_the_table_changes_nothing() -> None:  # S7
    for status in Status:
        for event in Event:
            if (status, event) not in TRANSITIONS:
                assert after(status, event) is status


def test_the_table_of_survivors_is_the_one_in_the_code() -> None:  # S13
    written = {}
    for cells in table(STATUS, "before the merge", "until then", "afterwards").rows:
        before, present, later = (Status(spans(cell)[0]) for cell in cells)
        written[before, present] = later
    reached = {(mine, joined(mine, theirs)) for mine in Status for theirs in Status}
    assert written == {pair: parted(*pair) for pair in reached}


def test_the_reasons_of_those_who_cannot_be_set_are_named() -> None:  # S19
    rule = next(line for line in STATUS.split("\n- ") if line.startswith("**S19**"))
    assert {Verdict.NO_ADDRESS.value, Verdict.HARD_BOUNCED.value} <= set(spans(rule))


def test_the_tools_have_the_names_that_pages_show() -> None:  # H2
    tools = table(STATUS, "code", "shown as", "po polsku")
    with (ROOT / "marketable/locale/pl/LC_MESSAGES/django.po").open("rb") as texts:
        polish_of = {message.id: message.string for message in read_po(texts)}
    for code, english, polish in tools.rows:
        assert str(wording.SOURCES[SourceType(spans(code)[0])]) == english
        assert polish_of[english] == polish


def test_the_properties_of_the_status_are_read_only_and_named_as_shown() -> None:  # H3
    listed = table(STATUS, "name", "shown as", "value")

    for name, label, _value in listed.rows:
        assert BY_NAME[spans(name)[0]].label == label
        assert BY_NAME[spans(name)[0]].is_read_only


# Update dates


def contract(term: str, starts_on: str) -> Contract:
    years = re.fullmatch(r"(\d+) years", term)
    if years:
        return Contract(date.fromisoformat(starts_on), Term.MULTI_YEAR, years=int(years[1]))
    return Contract(date.fromisoformat(starts_on), Term(term))


def test_the_calendar_names_every_term() -> None:  # U1
    terms = table(UPDATE_DATES, "contract", "update dates").column("contract")
    assert [Term(spans(cell)[0]) for cell in terms] == list(Term)


@pytest.mark.parametrize(
    "row", table(UPDATE_DATES, "contract", "from", "on", "next").rows, ids=" ".join
)
def test_the_worked_examples_of_the_calendar_hold(row: tuple[str, ...]) -> None:  # U10
    term, starts_on, today, following = row
    agreed, day = contract(term, starts_on), date.fromisoformat(today)
    for text in following.split(", "):
        day = next_update_date(agreed, day)
        assert day == date.fromisoformat(text)
        assert is_update_date(agreed, day)


@pytest.mark.parametrize(
    "row", table(UPDATE_DATES, "time zone", "update date", "begins at (UTC)").rows, ids=" ".join
)
def test_update_dates_begin_when_the_page_says(row: tuple[str, ...]) -> None:  # U3
    zone, day, moment, _because = row
    begins = begins_at(date.fromisoformat(day), ZoneInfo(zone))
    assert begins == datetime.fromisoformat(moment).astimezone(UTC)


def test_who_is_staged_leaves_when_the_page_says() -> None:  # U4
    agreed, zone = contract("yearly", "2026-01-15"), ZoneInfo("Europe/Warsaw")
    for moment, leaves_on in table(UPDATE_DATES, "staged at (local time)", "leaves on").rows:
        now = datetime.fromisoformat(moment).replace(tzinfo=zone).astimezone(UTC)
        assert next_update_date(agreed, today_in(zone, now)) == date.fromisoformat(leaves_on)


# Tiers


def number(text: str) -> int:
    found = parse_count(text)
    assert found is not None, text
    return found


def test_the_plans_are_those_that_are_shipped() -> None:  # T2, T3
    listed = table(TIERS, "plan", "code", "included", "step", "limits")
    assert [spans(code)[0] for code in listed.column("code")] == list(SHIPPED_PLANS)
    for _name, code, included, step, limits in listed.rows:
        plan = SHIPPED_PLANS[spans(code)[0]]
        assert (number(included), number(step)) == (plan.included, plan.step)
        expected = [number(text) for text in limits.removesuffix(" …").split(" · ")]
        usage, found = 0, []
        for _limit in expected:
            found.append(tier_needed(plan, usage))
            usage = found[-1] + 1
        assert found == expected


def test_what_each_plan_opens_is_what_the_code_says() -> None:  # E8
    listed = table(TIERS, "feature")
    plans = [spans(cell)[0] for cell in listed.header[1:]]
    assert plans == list(FEATURES)
    for feature, *cells in listed.rows:
        for plan, cell in zip(plans, cells, strict=True):
            assert (cell == "yes") is (spans(feature)[0] in FEATURES[plan])


# Permissions


def test_the_rights_of_every_role_are_those_of_the_code() -> None:  # P1
    listed = table(PERMISSIONS, "right", "code")
    assert [role.lower().replace(" ", "_") for role in listed.header[2:]] == list(accounts.ROLES)
    for _name, code, *cells in listed.rows:
        right = Right(spans(code)[0])
        for role, cell in zip(accounts.ROLES, cells, strict=True):
            if right in SCOPED:
                assert Scope(cell) is WIDE[right].get(role, Scope.NONE), (right, role)
            else:
                assert (cell == "yes") is (role in PLAIN[right]), (right, role)


def test_every_right_that_a_page_asks_for_is_listed() -> None:  # P4
    listed = {spans(code)[0] for code in table(PERMISSIONS, "right", "code").column("code")}
    asked = {
        str(Right[name])
        for path in own_files("marketable/web/*.py", "marketable/web/templates/*.html")
        for name in re.findall(r"\bRight\.([A-Z_]+)\b", path.read_text(encoding="utf-8"))
    }
    assert listed == asked


# Bulk actions


def test_the_outcomes_are_those_of_the_code() -> None:
    listed = table(page("rules/bulk-actions.md"), "code", "meaning").column("code")
    assert {spans(code)[0] for code in listed} == set(Outcome) - {Outcome.WAITING}


def test_the_sizes_of_bulk_actions_are_those_of_the_code() -> None:  # B6
    rule = next(
        line for line in page("rules/bulk-actions.md").split("\n- ") if line.startswith("**B6**")
    )
    assert f"Up to {REQUEST_LIMIT:,} contacts" in rule
    assert f"{BATCH_SIZE:,} in a transaction" in rule


def test_the_examples_of_numbers_that_are_no_confirmation_hold() -> None:  # J1
    row = next(
        row for row in table(page("rules/limits-and-bad-input.md"), "rule").rows if "J1" in row[0]
    )
    examples = spans(row[1])
    assert len(examples) > 3
    assert [parse_count(text) for text in examples] == [None] * len(examples)


# Imports


def test_the_marketing_options_of_an_import_are_those_of_the_code() -> None:  # I1
    rule = next(
        line for line in page("rules/imports.md").split("\n- ") if line.startswith("**I1**")
    )
    assert spans(rule) == [option.value for option in Marketing]


def test_imports_and_the_recycle_bin_are_kept_as_long_as_the_pages_say() -> None:  # I4, S14
    assert f"for {KEPT_FOR.days} days" in page("rules/imports.md")
    assert f"restored for {KEPT_IN_BIN.days} days" in page("rules/erasure.md")


# Ledger


def test_the_kinds_of_change_are_those_of_the_code_and_named_as_shown() -> None:  # L2
    listed = table(page("rules/ledger.md"), "kind", "shown as")
    assert [spans(kind)[0] for kind in listed.column("kind")] == list(Kind)
    for kind, shown in listed.rows:
        assert str(wording.KINDS[Kind(spans(kind)[0])]) == shown


# Bad input


def codes_in_the_code() -> set[str]:
    """The codes of refusals, of values that a property cannot hold, and of rows of a file."""
    found = set(MESSAGES)
    for path in own_files("marketable/*.py", "marketable/*.sql"):
        text = path.read_text(encoding="utf-8")
        found.update(re.findall(r'^    code = "(\w+)"$', text, re.MULTILINE))
        if path.parts[-2:] == ("sql", "duplicates.sql"):
            found.update(re.findall(r"'([A-Z_]{5,})'", text))
    return found


def test_every_code_of_a_refusal_that_is_listed_exists() -> None:
    text = page("rules/limits-and-bad-input.md")
    listed = table(text, "rule", "what comes in").column("code")
    listed += table(text, "code", "when").column("code")
    named = {code for cell in listed for code in spans(cell)}
    assert named
    assert named - codes_in_the_code() == set()


def test_the_longest_value_is_the_one_of_the_code() -> None:  # J19
    assert f"over {LONGEST_VALUE:,} characters" in page("rules/limits-and-bad-input.md")
