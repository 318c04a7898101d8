"""`marketable contacts import | export | count`: files in and out without a browser."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from marketable.commands import options as shared
from marketable.commands import selecting
from marketable.commands.answers import Answer, CommandRefused, say

if TYPE_CHECKING:
    from marketable.transfers.services import Imported

STATUS = {
    "leave": "nobody's status changes",
    "new": "set the contacts as marketing that the import creates",
    "all": "set every contact of the file as marketing",
}


def add(commands: Any) -> None:
    noun = commands.add_parser("contacts", help="import, export and count contacts")
    verbs = noun.add_subparsers(title="commands", metavar="COMMAND", required=True)
    text = "create and update contacts from a CSV or XLSX file"
    bring = verbs.add_parser("import", help=text, description=text)
    bring.add_argument("file", type=Path, metavar="FILE")
    shared.add_account(bring)
    bring.add_argument(
        "--map",
        type=Path,
        metavar="FILE",
        help="JSON: header → name of a property, or "
        '{"property": name, "overwrite": "always" | "empty" | "never"}; other columns are ignored',
    )
    bring.add_argument(
        "--marketing",
        choices=tuple(STATUS),
        default="leave",
        help="; ".join(f"{name}: {what}" for name, what in STATUS.items()),
    )
    bring.add_argument(
        "--expect",
        type=shared.count,
        metavar="N",
        help="how many contacts will become marketing; with another number nothing is imported",
    )
    bring.add_argument(
        "--include-unreachable",
        action="store_true",
        help="also set contacts as marketing that have no address or are hard-bounced (S19)",
    )
    bring.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    shared.add_json(bring)
    bring.set_defaults(run=run_import)

    text = "write contacts as CSV, every one of the account unless some are chosen"
    send = verbs.add_parser("export", help=text, description=text)
    send.add_argument("file", metavar="FILE", help="where to; - is standard output")
    shared.add_account(send)
    selecting.add_to(send, is_required=False)
    shared.add_json(send)
    send.set_defaults(run=run_export, refuse=send.error)
    text = "tell how many contacts are meant"
    tell = verbs.add_parser("count", help=text, description=text)
    shared.add_account(tell)
    selecting.add_to(tell)
    shared.add_json(tell)
    tell.set_defaults(run=run_count)


def run_import(options: argparse.Namespace) -> Answer:
    columns = read_map(options.map) if options.map else None
    from marketable.commands.database import opened

    with opened():
        from marketable import clock
        from marketable.accounts import queries as accounts
        from marketable.commands.source import operator
        from marketable.transfers import services as transfers
        from marketable.transfers.rules import Marketing

        done = transfers.import_file(
            accounts.account(options.account).id,
            options.file,
            columns=columns,
            marketing_option=Marketing(options.marketing),
            expect=options.expect,
            dry_run=options.dry_run,
            include_unreachable=options.include_unreachable,
            by=operator("contacts import"),
            now=clock.now(),
        )
        document = _document(done)
    if done.ignored:
        names = ", ".join(done.ignored)
        say(f"Ignored, because they are read only: {names}. The status is set with --marketing.")
    return Answer(document, _lines(document, is_dry=options.dry_run))


def read_map(path: Path) -> Mapping[str, Any]:
    """Return the mapping of columns that a JSON file holds."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CommandRefused(
            "file_unreadable", f"{path} cannot be read: {error.strerror}."
        ) from error
    except ValueError as error:  # no JSON, or no UTF-8
        raise CommandRefused("bad_mapping", f"{path} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise CommandRefused("bad_mapping", f"{path} does not map headers to properties.")
    return found


def _document(done: "Imported") -> dict[str, Any]:
    from marketable.transfers import queries
    from marketable.transfers.rules import ImportState

    view = done.view
    if done.plan is not None:
        return {
            "created": done.plan.created,
            "updated": done.plan.updated,
            "unchanged": done.plan.unchanged,
            "failed": done.plan.failed,
            "marketing_started": done.plan.marketing_started,
            "failures_file": None,
            "change_id": None,
            "ignored_columns": list(done.ignored),
        }
    if view.state is not ImportState.COMPLETE:
        raise CommandRefused(
            f"import_{view.state.value}", view.error or f"The import is {view.state.value}."
        )
    failures = str(queries.folder().resolve() / view.failures_as) if view.failures_as else None
    return {
        "created": view.created,
        "updated": view.updated,
        "unchanged": view.unchanged,
        "failed": view.failed,
        "marketing_started": view.marketing_started,
        "failures_file": failures,
        "change_id": view.change_id,
        "import_id": view.id,
        "ignored_columns": list(done.ignored),
    }


def _lines(done: Mapping[str, Any], *, is_dry: bool) -> tuple[str, ...]:
    would = "would be " if is_dry else ""
    lines = [
        f"{done['created']} contacts {would}created, {done['updated']} updated; "
        f"{done['unchanged']} are as in the file, {done['failed']} rows cannot be taken.",
        f"{done['marketing_started']} contacts {would}set as marketing.",
    ]
    if done["failures_file"]:
        lines.append(f"The rows that were not taken, with the reasons: {done['failures_file']}")
    return tuple(lines)


def run_export(options: argparse.Namespace) -> Answer:
    is_piped = options.file == "-"
    if is_piped and options.json:
        options.refuse("--json and - both want standard output")
    wanted = selecting.read(options)
    from marketable.commands.database import opened

    with opened(), _written(options.file) as out:
        from marketable import clock
        from marketable.accounts import queries as accounts
        from marketable.accounts.queries import EVERYTHING
        from marketable.billing.rules import today_in
        from marketable.segments.selection import compile_selection
        from marketable.transfers.exports import all_columns, export_contacts

        account, now = accounts.account(options.account), clock.now()
        chosen = compile_selection(
            account.id, wanted(), reach=EVERYTHING, today=today_in(account.zone, now)
        )
        done = export_contacts(
            account.id, chosen, all_columns(account.id), out, with_bom=not is_piped, now=now
        )
    document = {
        "contacts": done.contact_count,
        "columns": list(done.columns),
        "bytes": done.byte_count,
        "file": options.file,
    }
    lines = () if is_piped else (f"{done.contact_count} contacts written to {options.file}.",)
    return Answer(document, lines)


def run_count(options: argparse.Namespace) -> Answer:
    wanted = selecting.read(options)
    from marketable.commands.database import opened

    with opened():
        from marketable import clock
        from marketable.accounts import queries as accounts
        from marketable.accounts.queries import EVERYTHING
        from marketable.billing.rules import today_in
        from marketable.contacts import queries
        from marketable.segments.selection import conditions_of

        account = accounts.account(options.account)
        today = today_in(account.zone, clock.now())
        meant = conditions_of(account.id, wanted(), reach=EVERYTHING, today=today)
        count = queries.count_exactly(account.id, meant)
    return Answer({"count": count}, (f"{count} contacts.",))


@contextmanager
def _written(name: str) -> Iterator[BinaryIO]:
    """Give the block a file to write to, which appears under its name only when it is whole."""
    if name == "-":
        yield sys.stdout.buffer
        return
    path = Path(name)
    try:
        if path.exists() and not path.is_file():  # a pipe or a device takes what it is given
            with path.open("wb") as out:
                yield out
            return
        descriptor, started = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise CommandRefused(
            "file_unwritable", f"{name} cannot be written: {error.strerror}."
        ) from error
    try:
        with os.fdopen(descriptor, "wb") as out:
            yield out
        Path(started).replace(path)  # for its owner alone, as contacts are
    except BaseException:
        Path(started).unlink(missing_ok=True)
        raise
