"""From a file's text to typed rows in the database, block by block: memory does not grow with the
file, and the parser works while the server stores.

What a cell becomes is found once for each text of a column: files repeat themselves.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.contacts import rules
from marketable.contacts.errors import InvalidEmail
from marketable.contacts.rules import FORMULA_STARTS
from marketable.contacts.services.values import address_hash, words_of
from marketable.properties.defaults import SEARCHED
from marketable.properties.rules import (
    InvalidValue,
    JsonValue,
    Parser,
    PropertyDef,
    PropertyType,
    as_text,
    parser_for,
)
from marketable.transfers.reading import Format, rows_of

NAMING = ("firstname", "lastname", "phone", "mobilephone", "company")
OVERWRITES = ("always", "empty", "never")

#: What the API and the failures file call a value that cannot be (api: error types of imports).
REASONS = {
    "INVALID_OPTION": "INVALID_ENUMERATION_OPTION",
    "INVALID_DATE": "COULD_NOT_PARSE_DATE",
    "INVALID_LONG": "COULD_NOT_PARSE_NUMBER",
    "NUMBER_OUT_OF_RANGE": "COULD_NOT_PARSE_NUMBER",
    "INVALID_OWNER_ID": "COULD_NOT_FIND_OWNER",
}

#: A block is one transaction of the check.
BLOCK_ROWS = 10_000
BLOCK_CHARACTERS = 8 * 1024 * 1024
#: Cells that are remembered, all columns together, and how long one may be.
MOST_REMEMBERED = 100_000
LONGEST_REMEMBERED = 100

COLUMNS = "account_id, import_id, line, email, name_key, always, if_empty, only_new, words, keys"


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
    is_unique: bool = False


def columns_taken(
    account_id: int,
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
        if not chosen or chosen.get("property") not in definitions:
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
        if definition.has_external_options:
            parse = _owner_parser(account_id, definition.name)
        taken.append(
            ColumnTaken(
                place,
                definition.name,
                chosen.get("overwrite", "always"),
                parse,
                definition.is_unique,
            )
        )
    return taken


def _owner_parser(account_id: int, name: str) -> Parser:
    """Return a function from a person's number or address to the number."""
    known: dict[str, str] = {}
    for person in accounts.members(account_id):
        known[str(person.user_id)] = known[person.email.casefold()] = str(person.user_id)

    def parse(text: str) -> JsonValue | None:
        given = text.strip().casefold()
        if not given:
            return None
        if given not in known:
            raise InvalidValue("INVALID_OWNER_ID", name, text)
        return known[given]

    return parse


ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True, slots=True)
class Cell:
    """What a text of a column becomes.

    piece   `"name":value` as JSON inside COPY's text, empty for no value
    words   the words it is found by, each led by the account's number
    folded  a name as it is sorted by
    key     `"name":"value"` of a unique property, as it is compared
    """

    piece: str
    words: tuple[str, ...] = ()
    folded: str = ""
    key: str = ""


NOTHING = Cell("")


class Column:
    """Makes the cells of one column, each text once as long as it is remembered."""

    def __init__(self, taken: ColumnTaken, lead: str, remembered: int) -> None:
        self.place, self.name = taken.place, taken.name
        self.part = OVERWRITES.index(taken.overwrite)
        self._taken, self._lead, self._most = taken, lead, remembered
        self._label = f"{_quoted(taken.name)}:"
        self.known: dict[str, Cell] = {}

    def make(self, text: str) -> Cell:
        """Return the cell of a text. Raises RowRefused."""
        try:
            value = self._taken.parse(without_apostrophe(text))
        except InvalidValue as error:
            raise RowRefused(REASONS.get(error.code, error.code), self.name) from None
        cell = NOTHING if value is None else self._cell(value)
        if len(text) <= LONGEST_REMEMBERED:
            if len(self.known) >= self._most:
                self.known.clear()
            self.known[text] = cell
        return cell

    def _cell(self, value: JsonValue) -> Cell:
        key = _quoted(as_text(value).casefold()) if self._taken.is_unique else ""
        piece = self._label + _quoted(value)
        if self.name not in SEARCHED:
            return Cell(piece, key=self._label + key if key else "")
        words = words_of(None, {self.name: value}, [])
        return Cell(
            piece,
            tuple(self._lead + word for word in words),
            " ".join(rules.fold(str(value)).split()),
            self._label + key if key else "",
        )


def _quoted(value: object) -> str:
    """Return a value as JSON inside COPY's text."""
    return json.dumps(value, ensure_ascii=False).replace("\\", "\\\\")


def without_apostrophe(text: str) -> str:
    """Return what a cell holds that was made safe for spreadsheets, as our own exports are (J19).

    >>> without_apostrophe("'+48 601 234 567"), without_apostrophe("'t Hooft")
    ('+48 601 234 567', "'t Hooft")
    """
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA_STARTS else text


def row_maker(
    columns: Sequence[ColumnTaken], width: int, account_id: int
) -> Callable[[list[str]], tuple[str | None, str]]:
    """Return a function from a row's cells to its address and what COPY is told of it after the
    line number.

    It raises RowRefused for the first thing that is wrong with the row.
    """
    email_place = next((one.place for one in columns if one.name == "email"), None)
    lead = f"{account_id}:"
    remembered = MOST_REMEMBERED // max(len(columns), 1)
    others = [Column(one, lead, remembered) for one in columns if one.name != "email"]
    plain = [(one, one.place, one.known.get, one.part) for one in others]
    is_naming = {one.place for one in others if one.name in NAMING}
    first = next((one.place for one in others if one.name == "firstname"), None)
    last = next((one.place for one in others if one.name == "lastname"), None)
    is_unique = any(one.is_unique for one in columns)

    def make(row: list[str]) -> tuple[str | None, str]:
        given = len(row)
        if given > width and any(row[width:]):
            raise RowRefused("INCORRECT_NUMBER_OF_COLUMNS", "")
        email: str | None = None
        if email_place is not None and email_place < given and row[email_place].strip():
            try:
                email = rules.normalise_email(without_apostrophe(row[email_place]))
            except InvalidEmail:
                raise RowRefused("INVALID_EMAIL", "email") from None
        parts: tuple[list[str], list[str], list[str]] = ([], [], [])
        words: list[str] = []
        keys: list[str] = []
        firstname = lastname = ""
        is_named = email is not None
        for column, place, known, part in plain:
            if place < given and row[place]:
                text = row[place]
                cell = known(text) or column.make(text)
                if cell.piece:
                    parts[part].append(cell.piece)
                    words += cell.words
                    if place in is_naming:
                        is_named = True
                        if place == first:
                            firstname = cell.folded
                        elif place == last:
                            lastname = cell.folded
                    if is_unique and cell.key:
                        keys.append(cell.key)
        if not is_named:
            raise RowRefused("MISSING_REQUIRED_PROPERTY", "email")
        address = "\\N"
        if email is not None:
            address = email.translate(ESCAPES)
            words[:0] = [lead + word for word in words_of(email, {}, [])]
        name = f"{lastname} {firstname}".strip() or rules.fold(email or "")
        always, if_empty, only_new = ("{" + ",".join(one) + "}" if one else "\\N" for one in parts)
        key = name[: rules.LONGEST_NAME_KEY].translate(ESCAPES)
        found_by = " ".join(words[: rules.MOST_WORDS]).translate(ESCAPES)
        unique = "{" + ",".join(keys) + "}" if keys else "\\N"
        return email, (
            f"\t{address}\t{key}\t{always}\t{if_empty}\t{only_new}\t{found_by}\t{unique}\n"
        )

    return make


@dataclass(slots=True)
class Block:
    """Rows as COPY takes them, by line, and those refused with (line, code, property).

    addresses  of the rows, where they are looked up in the block list
    last       the last line
    """

    rows: dict[int, str] = field(default_factory=dict)
    addresses: dict[int, str] = field(default_factory=dict)
    failures: list[tuple[int, str, str]] = field(default_factory=list)
    size: int = 0
    last: int = 0

    def take(
        self,
        line: int,
        cells: list[str],
        make: Callable[[list[str]], tuple[str | None, str]],
        *,
        with_address: bool,
    ) -> None:
        """Add a row, or the reason why it is not taken."""
        try:
            email, text = make(cells)
        except RowRefused as refusal:
            self.failures.append((line, refusal.code, refusal.field))
            return
        self.rows[line] = text
        self.size += len(text)
        if with_address and email is not None:
            self.addresses[line] = email


def blocks(
    path: Path,
    found: Format,
    make: Callable[[list[str]], tuple[str | None, str]],
    *,
    mended: Mapping[int, list[str]],
    after: int,
    with_addresses: bool,
) -> Iterator[Block]:
    """Yield the rows of the file after a line, made by `row_maker`.

    mended  rows that take the place of the file's; an empty one is left out
    """
    block = Block()
    for line, read in rows_of(path, found, after=after):
        cells = mended.get(line, read)
        if cells:
            block.take(line, cells, make, with_address=with_addresses)
        block.last = line
        if len(block.rows) + len(block.failures) >= BLOCK_ROWS or block.size >= BLOCK_CHARACTERS:
            yield block
            block = Block()
    if block.last:
        yield block


def ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """Yield the blocks, each made while the one before it is stored."""
    with ThreadPoolExecutor(max_workers=1) as parser:
        coming = parser.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = parser.submit(next, blocks, None)
            yield block


def has_blocked(account_id: int) -> bool:
    """Tell whether anybody is on the account's block list; usually nobody is."""
    found = sql.row(
        "SELECT EXISTS (SELECT FROM blocked_address WHERE account_id = %(account_id)s)",
        {"account_id": account_id},
    )
    return bool(found and found[0])


def refuse_blocked(account_id: int, block: Block) -> None:
    """Refuse the rows with an erased person's address (S14)."""
    hashes: dict[str, list[int]] = {}
    for line, email in block.addresses.items():
        hashes.setdefault(address_hash(account_id, email), []).append(line)
    for (hashed,) in sql.rows(
        "SELECT address_hash FROM blocked_address WHERE account_id = %(account_id)s "
        "AND address_hash = ANY(%(hashes)s)",
        {"account_id": account_id, "hashes": list(hashes)},
    ):
        for line in hashes[hashed]:
            del block.rows[line]
            block.failures.append((line, "GDPR_BLACKLISTED_EMAIL", "email"))


def store(account_id: int, import_id: int, block: Block) -> None:
    """Write a block into `import_row` and `import_failure`."""
    lead = f"{account_id}\t{import_id}\t"
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY import_row ({COLUMNS}) FROM STDIN") as copy:
            copy.write("".join(f"{lead}{line}{text}" for line, text in block.rows.items()))
        if block.failures:
            with cursor.copy(
                "COPY import_failure (account_id, import_id, line, code, field) FROM STDIN"
            ) as copy:
                for line, code, name in block.failures:
                    copy.write_row((account_id, import_id, line, code, name))


def remove(account_id: int, import_id: int) -> None:
    """Take away what an earlier check left."""
    for table in ("import_row", "import_failure"):
        sql.execute(
            f"DELETE FROM {table} WHERE account_id = %(account_id)s AND import_id = %(import_id)s",
            {"account_id": account_id, "import_id": import_id},
        )
