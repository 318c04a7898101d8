"""`marketable history`: the ledger of an account or of one contact, oldest first (L1)."""

import argparse
import sys
from typing import Any

from marketable.commands import options as shared
from marketable.commands.answers import Answer, to_json


def add(commands: Any) -> None:
    parser = commands.add_parser("history", help="print the ledger, one change a line")
    shared.add_account(parser)
    parser.add_argument(
        "--contact", type=shared.positive, metavar="N", help="only what happened to this contact"
    )
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Answer:
    from marketable.commands.database import opened

    with opened():
        from marketable.accounts import queries as accounts
        from marketable.history import ledger

        account = accounts.account(options.account)
        for change in ledger.changes(account.id, contact_id=options.contact):
            sys.stdout.write((to_json(change) if options.json else _line(change)) + "\n")
    return Answer()


def _line(change: dict[str, Any]) -> str:
    delta = f" ({change['marketing_delta']:+d})" if change["marketing_delta"] else ""
    return (
        f"{change['at']:%Y-%m-%d %H:%M:%S}Z  {change['id']}  {change['kind']}  "
        f"{change['contact_count']} contacts{delta}  "
        f"{change['actor_label']} through {change['source_type']} {change['source_label']}".rstrip()
    )
