"""A filter as one parameterised condition on the contact `c`. Every kind of condition is compiled
by one function; a later area adds its kinds with `register`."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from marketable.accounts import queries as accounts
from marketable.contacts import conditions as sql_conditions
from marketable.contacts.conditions import Condition as Compiled
from marketable.contacts.services.values import wording
from marketable.history.sources import SourceType
from marketable.marketing_status.rules import Status
from marketable.properties import queries as properties
from marketable.properties.keys import LONGEST_KEY, SURELY_WHOLE
from marketable.properties.rules import InvalidValue, PropertyDef, PropertyType, parse
from marketable.segments import queries, rules
from marketable.segments.errors import FilterRefused
from marketable.segments.fields import (
    CREATED,
    JOINED,
    LEDGER,
    LOOKED_FOR,
    ON_STATUS,
    Field,
    StatusRow,
    by_address,
    field_of,
)
from marketable.segments.rules import (
    LONGEST_TEXT,
    MOST_DAYS,
    MOST_VALUES,
    OPERATORS,
    OPPOSITES,
    TAKES,
    BadFilter,
    Condition,
    Days,
    Filter,
    Group,
    Operator,
    Takes,
    noop,
)


@dataclass(slots=True)
class Context:
    """What a filter is read against.

    zone, today  of the account
    indexed      names of the properties that an index serves
    status_row   how the status is looked at; `reads_status` tells that the filter does
    params       the values met so far, by name
    clocks       where the answer depends on the day: (a day of the contact as SQL, by how many
                 days after it the answer can change); filled while a filter is compiled
    """

    account_id: int
    definitions: Mapping[str, PropertyDef]
    zone: ZoneInfo
    today: date
    indexed: frozenset[str] = frozenset()
    status_row: StatusRow = LOOKED_FOR
    reads_status: bool = False
    params: dict[str, Any] = field(default_factory=dict)
    segment_names: Mapping[int, str] | None = None
    clocks: list[tuple[str, frozenset[int]]] = field(default_factory=list)

    def value(self, value: object) -> str:
        """Take a value into the parameters and return its mark."""
        name = f"sel_f{len(self.params)}"
        self.params[name] = value
        return f"%({name})s"

    def status(self) -> StatusRow:
        """Return how to look at the status row, and remember that the filter does."""
        self.reads_status = True
        return self.status_row

    @property
    def segments(self) -> Mapping[int, str]:
        """The account's segments by number, read when a filter names one."""
        if self.segment_names is None:
            self.segment_names = queries.names(self.account_id)
        return self.segment_names


Compiler = Callable[[Condition, Context], str]
COMPILERS: dict[str, Compiler] = {}


def register(kind: str) -> Callable[[Compiler], Compiler]:
    """Add a kind of condition: the function returns SQL that is true for a contact `c` that meets
    it, false or NULL for one that does not, and raises BadFilter for what it cannot read."""

    def add(compiler: Compiler) -> Compiler:
        COMPILERS[kind] = compiler
        return compiler

    return add


def context_of(account_id: int, today: date) -> Context:
    """Return what the account's filters are read against on a day of its own."""
    zone = accounts.account(account_id).zone
    return Context(
        account_id,
        properties.definitions(account_id),
        zone,
        today,
        properties.indexed(account_id),
    )


def compiled(wanted: Filter, context: Context) -> Compiled:
    """Return the filter as a condition on the contact `c`.

    Raises FilterRefused for the first thing in it that is not understood.
    """
    context.params.clear()
    context.clocks.clear()
    context.reads_status = False
    text = _node(wanted, context, "")
    on_status = _on_status(wanted, context) if context.reads_status else ""
    return Compiled(text, {"sel_today": context.today, **context.params}, on_status)


def _on_status(wanted: Filter, context: Context) -> str:
    """Return the same for a statement that has joined the status row anyway: where one asks for
    it inside an `or`, a second look would read all status rows first."""
    joined = replace(context, status_row=JOINED, clocks=[])  # its values go on in the same list
    return _node(wanted, joined, "")


def problems(wanted: Filter, context: Context) -> Iterator[FilterRefused]:
    """Yield a refusal, with its path, for everything that the account does not know or cannot
    mean: a property that is gone, an option, an operator that does not fit."""
    for path, condition in rules.conditions_of(wanted):
        try:
            _condition(condition, context)
        except BadFilter as error:
            yield FilterRefused.because(error, path)


def _node(node: Group | Condition, context: Context, path: str) -> str:
    if isinstance(node, Condition):
        try:
            return f"({_condition(node, context)})"
        except BadFilter as error:
            raise FilterRefused.because(error, path) from error
    if not node.parts:
        return "TRUE" if node.joined_by == "and" else "FALSE"
    joint = f" {node.joined_by.upper()} "
    parts = rules.parts_of(node, path)
    return f"({joint.join(_node(part, context, inside) for inside, part in parts)})"


def _condition(condition: Condition, context: Context) -> str:
    compiler = COMPILERS.get(condition.kind)
    if compiler is None:
        text = noop("There is no condition “%(name)s”.")
        raise BadFilter("", text, {"name": condition.kind[:100]})
    return compiler(condition, context)


def only(condition: Condition, *names: str) -> None:
    """Refuse keys that a condition does not have: a mistyped one must not be dropped silently."""
    for name in condition.written:
        if name not in names:
            text = noop("A condition on “%(kind)s” has no “%(name)s”.")
            raise BadFilter("", text, {"kind": condition.kind, "name": name[:100]})


#: The day on which a staged contact's place ends.
LEAVING_ON = (
    "(SELECT sel_l.leaving_on FROM marketing_contact AS sel_l "
    "WHERE sel_l.account_id = c.account_id AND sel_l.contact_id = c.id)"
)


def moves_when_leaving(context: Context) -> None:
    """Note that the update date moves staged contacts, whether or not its job runs (S1)."""
    context.clocks.append((LEAVING_ON, frozenset({0})))


@register("marketing_status")
def _marketing_status(condition: Condition, context: Context) -> str:
    only(condition, "marketing_status")
    moves_when_leaving(context)
    wanted = condition.written["marketing_status"]
    if wanted not in {status.value for status in Status}:
        raise BadFilter("", noop("The status is marketing, leaving or non_marketing."))
    compiled = sql_conditions.status(Status(wanted), context.today)
    return compiled.on_status if context.status().is_joined else compiled.text


@register("counts")
def _counts(condition: Condition, context: Context) -> str:
    only(condition, "counts")
    moves_when_leaving(context)
    wanted = condition.written["counts"]
    if not isinstance(wanted, bool):
        raise BadFilter("", noop("Whether a contact counts is true or false."))
    return f"{'' if wanted else 'NOT '}{context.status().exists()}"


def _tools(condition: Condition) -> list[str]:
    wanted = condition.written[condition.kind]
    given = wanted if isinstance(wanted, list) else [wanted]
    known = {tool.value for tool in SourceType}
    if not given or any(not isinstance(one, str) or one not in known for one in given):
        text = noop("A source is one of %(names)s, or a list of them.")
        raise BadFilter("", text, {"names": ", ".join(sorted(known))})
    return given


@register("source")
def _source(condition: Condition, context: Context) -> str:
    only(condition, "source", "source_id")
    moves_when_leaving(context)
    text = f"{{row}}.source_type = ANY({context.value(_tools(condition))})"
    if "source_id" in condition.written:
        text += f" AND {{row}}.source_id = {context.value(_text(condition.written['source_id']))}"
    return context.status().exists(text)


@register("created_by")
def _created_by(condition: Condition, context: Context) -> str:
    only(condition, "created_by", "source_id")
    text = f"{CREATED}sel_change.source_type = ANY({context.value(_tools(condition))})"
    if "source_id" in condition.written:
        text += (
            f" AND sel_change.source_id = {context.value(_text(condition.written['source_id']))}"
        )
    return f"{text})"


@register("changed")
def _changed(condition: Condition, context: Context) -> str:
    """A property, or with `status` the marketing status, was changed in the last N days."""
    only(condition, "changed", "in_last_days")
    first_day = rules.days_of(
        Operator.IN_LAST_DAYS, _days(condition.written.get("in_last_days")), context.today
    ).first
    assert first_day is not None
    since = context.value(_begin(first_day, context))
    name = condition.written["changed"]
    if name == "status":
        touches = "sel_told.after ? 'status'"
    else:
        mark = context.value(_definition(name, context).name)
        touches = (
            f"(sel_told.after->'properties' ? {mark} OR sel_told.before->'properties' ? {mark})"
        )
    latest = (
        f"(SELECT (max(sel_change.at) AT TIME ZONE {context.value(context.zone.key)})::date "
        "FROM contact_change AS sel_told JOIN change AS sel_change "
        "ON sel_change.account_id = sel_told.account_id AND sel_change.id = sel_told.change_id "
        f"WHERE sel_told.account_id = c.account_id AND sel_told.contact_id = c.id AND {touches})"
    )
    turning = rules.turning_days(Operator.IN_LAST_DAYS, condition.written["in_last_days"])
    context.clocks.append((latest, turning))
    return f"{LEDGER}sel_change.at >= {since} AND {touches})"


@register("was_ever")
def _was_ever(condition: Condition, context: Context) -> str:
    """A property has, or ever had, one of the values."""
    only(condition, "was_ever", "value")
    definition = _definition(condition.written["was_ever"], context)
    wanted = condition.written.get("value")
    given = wanted if isinstance(wanted, list) else [wanted]
    if not given:
        raise BadFilter("", noop("Name at least one value."))
    values = []
    for one in given:
        typed = _typed(definition, one)
        values.append(str(typed).lower() if isinstance(typed, bool) else str(typed))
    mark, texts = context.value(definition.name), context.value(values)
    now = _field(definition, mark, context)
    if now.moment:
        text = noop("“%(name)s” has a condition of its own.")
        raise BadFilter("", text, {"name": definition.name})

    def test(place: str) -> str:
        if definition.is_multiple:
            return f"{place}->{mark} ?| {texts}::text[]"
        return f"lower({place}->>{mark}) = ANY(SELECT lower(unnest({texts}::text[])))"

    present = (
        test("c.properties")
        if now.is_stored
        else now.placed(_test_text(now, Operator.IS_ANY_OF, values, context))
    )
    sides = ("sel_told.before->'properties'", "sel_told.after->'properties'")
    return f"{present} OR {LEDGER}({' OR '.join(map(test, sides))}))"


@register("property")
def _property(condition: Condition, context: Context) -> str:
    only(condition, "property", "operator", "value")
    definition = _definition(condition.written["property"], context)
    operator = _operator(condition, definition)
    mark = context.value(definition.name)
    positive = OPPOSITES.get(operator, operator)
    # What is true for nearly everybody is found by reading everybody, for which the value itself
    # is quicker than the index's expression.
    is_served = positive is operator or operator is Operator.IS_UNKNOWN
    is_indexed = is_served and definition.name in context.indexed
    read_as = _field(definition, mark, context, is_indexed=is_indexed)
    unknown = read_as.test_of_unknown
    if operator is Operator.IS_KNOWN:
        return read_as.test_of_known
    if operator is Operator.IS_UNKNOWN:
        return unknown
    if definition.name == "email" and positive in BY_INDEX:
        read_as = by_address(definition)
    operand = _operand(positive, definition, condition.written.get("value"), context)
    _note_clock(definition, read_as, positive, condition.written.get("value"), context)
    test = TESTS[_test_of(definition)](read_as, positive, operand, context)
    text = read_as.placed(test)
    return f"{unknown} OR NOT ({text})" if positive is not operator else text


def _note_clock(
    definition: PropertyDef, read_as: Field, operator: Operator, written: object, context: Context
) -> None:
    if rules.READ_FROM.get(definition.name) == "status":
        moves_when_leaving(context)
    if definition.type not in {PropertyType.DATE, PropertyType.DATETIME}:
        return
    turning = rules.turning_days(operator, written)
    if turning and definition.type is PropertyType.DATE:
        context.clocks.append((f"({read_as.text})::date", turning))
    elif turning:
        moment = read_as.moment or f"({read_as.text})::timestamptz"
        zone = context.value(context.zone.key)
        context.clocks.append((f"({moment} AT TIME ZONE {zone})::date", turning))


@register("segment")
def _segment(condition: Condition, context: Context) -> str:
    only(condition, "segment")
    return f"EXISTS ({_member_of(condition.written['segment'], context)})"


@register("not_in_segment")
def _not_in_segment(condition: Condition, context: Context) -> str:
    only(condition, "not_in_segment")
    return f"NOT EXISTS ({_member_of(condition.written['not_in_segment'], context)})"


def _member_of(given: object, context: Context) -> str:
    if isinstance(given, bool) or not isinstance(given, int) or given not in context.segments:
        text = noop("There is no segment %(number)s.")
        raise BadFilter("", text, {"number": str(given)[:100]})
    return (
        "SELECT FROM segment_member AS sel_s WHERE sel_s.account_id = c.account_id "
        f"AND sel_s.segment_id = {context.value(given)} AND sel_s.contact_id = c.id"
    )


def next_turn(context: Context) -> str:
    """Return the next day on which time alone could change the answer of the filter compiled last,
    as SQL on the contact `c`; empty where none can."""
    days = []
    for day, turning in context.clocks:
        offsets = ", ".join(str(one) for one in sorted(turning))
        days.append(
            f"(SELECT min(sel_day.day + sel_turn) FROM (SELECT {day} AS day) AS sel_day, "
            f"unnest(ARRAY[{offsets}]) AS sel_turn WHERE sel_day.day + sel_turn > %(sel_today)s)"
        )
    return f"least({', '.join(days)})" if days else ""


def _field(
    definition: PropertyDef, mark: str, context: Context, *, is_indexed: bool = False
) -> Field:
    if definition.name in ON_STATUS:
        return field_of(definition, mark, status_row=context.status())
    return field_of(definition, mark, is_indexed=is_indexed)


def _definition(name: object, context: Context) -> PropertyDef:
    found = context.definitions.get(name) if isinstance(name, str) else None
    if found is None:
        text = noop("There is no property “%(name)s”.")
        raise BadFilter("", text, {"name": str(name)[:100]})
    return found


def _operator(condition: Condition, definition: PropertyDef) -> Operator:
    given = condition.written.get("operator")
    allowed = OPERATORS[definition.type]
    if definition.is_multiple:
        allowed = (*allowed, Operator.HAS_ALL_OF)
    if given not in {one.value for one in allowed}:
        text = noop("“%(name)s” has no operator “%(given)s”; it has %(names)s.")
        names = ", ".join(one.value for one in allowed)
        told = {"name": definition.name, "given": str(given)[:100], "names": names}
        raise BadFilter("", text, told)
    operator = Operator(given)
    if TAKES[operator] is Takes.NOTHING and "value" in condition.written:
        raise BadFilter("", noop("“%(name)s” takes no value."), {"name": operator.value})
    return operator


def _operand(
    operator: Operator, definition: PropertyDef, given: object, context: Context
) -> object:
    """Return the typed operand of an operator: one value, a list of them, two in a tuple, or a
    number of days."""
    takes = TAKES[operator]
    one = _one_of(definition, operator, context)
    if takes is Takes.DAYS:
        return _days(given)
    if takes is Takes.ONE:
        return one(given)
    if not isinstance(given, list):
        raise BadFilter("", noop("“%(name)s” takes a list of values."), {"name": operator.value})
    if takes is Takes.TWO:
        if len(given) != 2:
            raise BadFilter("", noop("“between” takes two values, the lower one first."))
        low, high = one(given[0]), one(given[1])
        if low > high:
            raise BadFilter("", noop("“between” takes the lower value first."))
        return low, high
    if not 1 <= len(given) <= MOST_VALUES:
        text = noop("“%(name)s” takes 1 to %(most)s values.")
        raise BadFilter("", text, {"name": operator.value, "most": MOST_VALUES})
    return [one(value) for value in given]


def _one_of(
    definition: PropertyDef, operator: Operator, context: Context
) -> Callable[[object], Any]:
    if definition.type in {PropertyType.DATE, PropertyType.DATETIME}:
        return lambda given: _day(given, context)
    if operator in {Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH}:
        return _text
    return lambda given: _typed(definition, given)


def _typed(definition: PropertyDef, given: object) -> Any:
    if isinstance(given, list | dict) or given is None:
        text = noop("“%(name)s” is compared with one value.")
        raise BadFilter("", text, {"name": definition.name})
    if definition.type in {PropertyType.STRING, PropertyType.PHONE}:
        return _text(given)
    if definition.type is PropertyType.ENUMERATION:
        text = _text(given)
        known = {option.value for option in definition.options}
        if not definition.has_external_options and text not in known:
            problem = noop("“%(name)s” has no option “%(given)s”.")
            raise BadFilter("", problem, {"name": definition.name, "given": text[:100]})
        return text
    try:
        typed = parse(_writable(definition), given)
    except InvalidValue as error:
        raise BadFilter("", *wording(definition, error)) from error
    if typed is None:
        problem = noop("“%(name)s” is compared with a value.")
        raise BadFilter("", problem, {"name": definition.name})
    return typed


def _writable(definition: PropertyDef) -> PropertyDef:
    """What is read only for contacts may be compared with all the same."""
    return PropertyDef(definition.name, definition.label, definition.type, definition.field_type)


def _text(given: object) -> str:
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise BadFilter("", noop("A text is wanted."))
    text = str(given).strip()
    if not text or len(text) > LONGEST_TEXT:
        problem = noop("A text has 1 to %(most)s characters.")
        raise BadFilter("", problem, {"most": LONGEST_TEXT})
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise BadFilter("", noop("A text has characters that cannot be stored."))
    return text


def _days(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MOST_DAYS:
        text = noop("A number of days is a whole number from 0 to %(most)s.")
        raise BadFilter("", text, {"most": MOST_DAYS})
    return given


def _day(given: object, context: Context) -> date:
    """Return a day written as 2026-03-01, or as {"days_from_today": -3}."""
    if isinstance(given, Mapping) and set(given) == {"days_from_today"}:
        moved = given["days_from_today"]
        if isinstance(moved, int) and not isinstance(moved, bool) and abs(moved) <= MOST_DAYS:
            return context.today + timedelta(days=moved)
    elif isinstance(given, str):
        try:
            return date.fromisoformat(given)
        except ValueError:
            pass
    text = noop('A day is written like 2026-03-01, or {"days_from_today": -3}.')
    raise BadFilter("", text)


def _begin(day: date, context: Context) -> datetime:
    """Return the first instant of a day in the account's zone."""
    return datetime.combine(day, time(0), context.zone).astimezone(UTC)


Test = Callable[[Field, Operator, Any, Context], str]


def _test_of(definition: PropertyDef) -> str:
    if definition.is_multiple:
        return "several"
    return definition.type.value


def _test_text(read_as: Field, operator: Operator, operand: Any, context: Context) -> str:
    """Texts are compared without regard to case."""
    if read_as.key and operator in BY_INDEX:
        return _test_folded_key(read_as, operator, operand, context)
    if operator is Operator.IS_ANY_OF and len(operand) <= SHORT_LIST:
        values = ", ".join(f"lower({context.value(one)})" for one in operand)
        return f"lower({read_as.text}) = ANY(ARRAY[{values}])"
    mark = context.value(operand)
    if operator is Operator.IS:
        return f"lower({read_as.text}) = lower({mark})"
    if operator is Operator.IS_ANY_OF:
        return f"lower({read_as.text}) = ANY(SELECT lower(unnest({mark}::text[])))"
    if operator is Operator.STARTS_WITH:
        return f"starts_with(lower({read_as.text}), lower({mark}))"
    # LIKE, for of it the planner knows that a long text is in fewer values than a short one.
    pattern = context.value(_pattern(operator, operand))
    return f"lower({read_as.text}) LIKE lower({pattern})"


def _pattern(operator: Operator, text: str) -> str:
    literally = re.sub(r"([\\%_])", r"\\\1", text)
    return f"%{literally}%" if operator is Operator.CONTAINS else f"%{literally}"


#: Lists up to here are written out, so that the planner sees the values.
SHORT_LIST = 1_000
#: What an index of texts serves.
BY_INDEX = frozenset({Operator.IS, Operator.IS_ANY_OF, Operator.STARTS_WITH})


def _test_folded_key(read_as: Field, operator: Operator, operand: Any, context: Context) -> str:
    """Compare the beginnings, which the index holds, and the whole where it may be longer."""
    given: Sequence[str] = operand if isinstance(operand, list) else [operand]

    def cut(value: str) -> str:
        folded = f"lower({context.value(value)})"
        is_whole = read_as.is_key_whole or len(value) <= SURELY_WHOLE
        return folded if is_whole else f"left({folded}, {LONGEST_KEY})"

    if operator is Operator.STARTS_WITH:
        test = f"starts_with({read_as.key}, {cut(operand)})"
    elif operator is Operator.IS:
        test = f"{read_as.key} = {cut(operand)}"
    elif len(given) <= SHORT_LIST:
        test = f"{read_as.key} = ANY(ARRAY[{', '.join(map(cut, given))}])"
    else:
        values = f"lower(unnest({context.value(given)}::text[]))"
        if not read_as.is_key_whole:
            values = f"left({values}, {LONGEST_KEY})"
        test = f"{read_as.key} = ANY(SELECT {values})"
    if read_as.is_key_whole or all(len(value) <= SURELY_WHOLE for value in given):
        return test
    return f"{test} AND {_test_text(replace(read_as, key=''), operator, operand, context)}"


SIGNS = {Operator.LT: "<", Operator.LTE: "<=", Operator.GT: ">", Operator.GTE: ">="}


def _test_number(read_as: Field, operator: Operator, operand: Any, context: Context) -> str:
    number = read_as.key or read_as.number
    if operator is Operator.BETWEEN:
        low, high = (context.value(Decimal(str(one))) for one in operand)
        return f"{number} BETWEEN {low} AND {high}"
    if operator is Operator.IS_ANY_OF:
        values = context.value([Decimal(str(one)) for one in operand])
        return f"{number} = ANY({values}::numeric[])"
    return f"{number} {SIGNS.get(operator, '=')} {context.value(Decimal(str(operand)))}"


def _test_exact(read_as: Field, operator: Operator, operand: Any, context: Context) -> str:
    text = read_as.key or read_as.text
    if operator is Operator.IS_ANY_OF:
        return f"{text} = ANY({context.value(operand)}::text[])"
    wanted = str(operand).lower() if isinstance(operand, bool) else operand
    return f"{text} = {context.value(wanted)}"


def _test_several(read_as: Field, operator: Operator, operand: Any, context: Context) -> str:
    wanted: Sequence[str] = operand if isinstance(operand, list) else [operand]
    sign = "?&" if operator is Operator.HAS_ALL_OF else "?|"
    return f"{read_as.several} {sign} {context.value(list(wanted))}::text[]"


def _test_day(read_as: Field, operator: Operator, operand: Any, context: Context) -> str:
    days = rules.days_of(operator, operand, context.today)
    return _within(
        read_as.key or f'{read_as.text} COLLATE "C"',
        ">=" if days.first else "",
        days.first and days.first.isoformat(),
        "<=" if days.last else "",
        days.last and days.last.isoformat(),
        context,
    )


def _test_moment(read_as: Field, operator: Operator, operand: Any, context: Context) -> str:
    """A moment lies on a day of the account's zone: from its first instant up to the next day's."""
    days = rules.days_of(operator, operand, context.today)
    first, beyond = _instants(days, context)
    if read_as.moment:
        return _within(read_as.moment, ">=", first, "<", beyond, context)
    text = read_as.key or f'{read_as.text} COLLATE "C"'
    return _within(text, ">=", _iso(first), "<", _iso(beyond), context)


def _instants(days: Days, context: Context) -> tuple[datetime | None, datetime | None]:
    first = _begin(days.first, context) if days.first not in {None, date.min} else None
    beyond = None
    if days.last is not None and days.last < date.max:
        beyond = _begin(days.last + timedelta(days=1), context)
    if days == rules.NOBODY:
        first = _begin(date(9999, 12, 30), context)
        beyond = _begin(date(1, 1, 2), context)
    return first, beyond


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _within(
    text: str, low_sign: str, low: object, high_sign: str, high: object, context: Context
) -> str:
    tests = []
    if low is not None:
        tests.append(f"{text} {low_sign} {context.value(low)}")
    if high is not None:
        tests.append(f"{text} {high_sign} {context.value(high)}")
    return " AND ".join(tests) or f"{text} IS NOT NULL"


TESTS: Mapping[str, Test] = {
    PropertyType.STRING.value: _test_text,
    PropertyType.PHONE.value: _test_text,
    PropertyType.NUMBER.value: _test_number,
    PropertyType.ENUMERATION.value: _test_exact,
    PropertyType.BOOL.value: _test_exact,
    PropertyType.DATE.value: _test_day,
    PropertyType.DATETIME.value: _test_moment,
    "several": _test_several,
}
