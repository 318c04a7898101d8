"""From a file's text to typed rows in the database, as a stream: memory does not grow with the
file, and the parser works while the server stores."""

import json
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from marketable import sql
from marketable.contacts import rules
from marketable.contacts.errors import InvalidEmail
from marketable.contacts.services.values import address_hash
from marketable.properties.rules import InvalidValue, Parser, PropertyDef, PropertyType, parser_for
from marketable.transfers.reading import Format, rows_of

NAMING = ("firstname", "lastname", "phone", "mobilephone", "company")

#: What the API and the failures file call a value that cannot be (api: error types of imports).
REASONS = {
    "INVALID_OPTION": "INVALID_ENUMERATION_OPTION",
    "INVALID_DATE": "COULD_NOT_PARSE_DATE",
    "INVALID_LONG": "COULD_NOT_PARSE_NUMBER",
    "NUMBER_OUT_OF_RANGE": "COULD_NOT_PARSE_NUMBER",
    "INVALID_OWNER_ID": "COULD_NOT_FIND_OWNER",
}

Parsed = tuple[str | None, dict[str, Any], dict[str, Any], dict[str, Any]]


class RowRefused(Exception):
    """One row cannot be taken: the reason's code and the column it is about."""

    def __init__(self, code: str, field: str) -> None:
        self.code, self.field = code, field
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class ColumnTaken:
    """A column that is imported: its place in the file, its property, and what it may overwrite."""

    place: int
    name: str
    overwrite: str
    parse: Parser


def columns_taken(
    mapping: Sequence[Mapping[str, Any] | None],
    definitions: Mapping[str, PropertyDef],
    *,
    date_order: str,
    decimal_comma: bool,
    zone: ZoneInfo,
) -> list[ColumnTaken]:
    """Return the columns that are mapped to a property, with their parsers made once."""
    taken = []
    for place, chosen in enumerate(mapping):
        if not chosen or not chosen.get("property"):
            continue
        definition = definitions[chosen["property"]]
        # A file's choices and numbers may be written as people write them.
        parse = parser_for(
            definition,
            date_order=date_order,
            by_label=True,
            decimal_comma=decimal_comma and definition.type is PropertyType.NUMBER,
            zone=zone,
        )
        taken.append(ColumnTaken(place, definition.name, chosen.get("overwrite", "always"), parse))
    return taken


def row_parser(
    columns: Sequence[ColumnTaken], width: int, blocked: Callable[[str], bool]
) -> Callable[[list[str]], Parsed]:
    """Return a function from a row's cells to (address, always, if empty, only new).

    It raises RowRefused for the first thing that is wrong with the row.
    """
    email_place = next((one.place for one in columns if one.name == "email"), None)
    others = [
        (one.place, one.name, one.parse, ("always", "empty", "never").index(one.overwrite))
        for one in columns
        if one.name != "email"
    ]

    def parse(row: list[str]) -> Parsed:
        if len(row) > width:
            raise RowRefused("INCORRECT_NUMBER_OF_COLUMNS", "")
        given = len(row)
        email: str | None = None
        if email_place is not None and email_place < given and row[email_place].strip():
            try:
                email = rules.normalise_email(row[email_place])
            except InvalidEmail:
                raise RowRefused("INVALID_EMAIL", "email") from None
            if blocked(email):
                raise RowRefused("GDPR_BLACKLISTED_EMAIL", "email")
        parts: tuple[dict[str, Any], dict[str, Any], dict[str, Any]] = ({}, {}, {})
        for place, name, read, part in others:
            if place < given and row[place]:
                try:
                    value = read(row[place])
                except InvalidValue as error:
                    raise RowRefused(REASONS.get(error.code, error.code), name) from None
                if value is not None:
                    parts[part][name] = value
        if email is None and not any(name in part for part in parts for name in NAMING):
            raise RowRefused("MISSING_REQUIRED_PROPERTY", "email")
        return email, *parts

    return parse


def blocked_test(account_id: int) -> Callable[[str], bool]:
    """Return a test of addresses against the account's block list, which is nearly always empty."""
    hashes = {
        row[0]
        for row in sql.rows(
            "SELECT address_hash FROM blocked_address WHERE account_id = %(account_id)s",
            {"account_id": account_id},
        )
    }
    if not hashes:
        return lambda address: False
    return lambda address: address_hash(account_id, address) in hashes


ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _copied(value: str | None) -> str:
    return "\\N" if value is None else value.translate(ESCAPES)


def _json(values: dict[str, Any]) -> str | None:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")) if values else None


def stage(
    account_id: int,
    import_id: int,
    path: Path,
    found: Format,
    columns: Sequence[ColumnTaken],
    width: int,
) -> tuple[int, int]:
    """Fill `import_row` and `import_failure` from the file; return (rows, failures).

    Must run in a transaction: what an earlier try left is removed first.
    """
    params = {"account_id": account_id, "import_id": import_id}
    for table in ("import_row", "import_failure"):
        sql.execute(
            f"DELETE FROM {table} WHERE account_id = %(account_id)s AND import_id = %(import_id)s",
            params,
        )
    parse = row_parser(columns, width, blocked_test(account_id))
    # Kept until the rows are through, for the connection is busy with them: an array of a few
    # bytes each, so that a file of nothing but bad rows does not grow memory either.
    failures = Failures()
    lead = f"{account_id}\t{import_id}\t"
    word_lead = f"{account_id}:"
    rows = failed = 0

    def lines() -> Iterator[str]:
        nonlocal rows, failed
        for line, cells in rows_of(path, found):
            rows += 1
            try:
                email, always, if_empty, only_new = parse(cells)
            except RowRefused as refusal:
                failed += 1
                failures.add(line, refusal.code, refusal.field)
                continue
            if if_empty or only_new:
                every = {**only_new, **if_empty, **always}
            else:
                every = always
            get = every.get
            words = rules.search_words(
                email=email,
                firstname=get("firstname"),
                lastname=get("lastname"),
                phone=get("phone"),
                mobilephone=get("mobilephone"),
                company=get("company"),
            )
            yield (
                f"{lead}{line}\t{_copied(email)}\t"
                f"{_copied(rules.name_key(get('firstname'), get('lastname'), email))}\t"
                f"{_copied(_json(always))}\t{_copied(_json(if_empty))}\t"
                f"{_copied(_json(only_new))}\t"
                f"{word_lead}{(' ' + word_lead).join(words)}\n"
            )

    with connection.cursor() as cursor:
        with cursor.copy(
            "COPY import_row (account_id, import_id, line, email, name_key, always, if_empty, "
            "only_new, words) FROM STDIN"
        ) as copy:
            block: list[str] = []
            for text in lines():
                block.append(text)
                if len(block) >= 500:
                    copy.write("".join(block))
                    block.clear()
            copy.write("".join(block))
        _write_failures(cursor, failures, params)
    return rows, failed


class Failures:
    """Lines with their reasons, packed: the reasons are few, the lines may be millions."""

    def __init__(self) -> None:
        self._lines = array("q")
        self._kinds = array("i")
        self._known: dict[tuple[str, str], int] = {}

    def add(self, line: int, code: str, field: str) -> None:
        self._lines.append(line)
        self._kinds.append(self._known.setdefault((code, field), len(self._known)))

    def __iter__(self) -> Iterator[tuple[int, str, str]]:
        reasons = list(self._known)
        for line, kind in zip(self._lines, self._kinds, strict=True):
            yield line, *reasons[kind]


def _write_failures(cursor: Any, failures: Failures, params: Mapping[str, int]) -> None:
    with cursor.copy(
        "COPY import_failure (account_id, import_id, line, code, field) FROM STDIN"
    ) as copy:
        for line, code, field in failures:
            copy.write_row((params["account_id"], params["import_id"], line, code, field))
