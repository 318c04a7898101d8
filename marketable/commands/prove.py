"""`marketable prove`: counter = rows = ledger (V4, V13, O12)."""

import argparse
from typing import Any

from marketable.commands import options as shared
from marketable.commands.answers import DONE, FAILED, Answer


def add(commands: Any) -> None:
    parser = commands.add_parser("prove", help="compare counter, rows and ledger of an account")
    shared.add_account(parser)
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Answer:
    from marketable.commands.database import opened

    with opened():
        from marketable.accounts import queries as accounts
        from marketable.marketing_status import queries

        account = accounts.account(options.account)
        proof = queries.prove(account.id)
    document = {
        "ok": proof.ok,
        "counter": proof.counter,
        "rows": proof.rows,
        "ledger": proof.ledger,
        "unexplained": proof.unexplained,
    }
    line = f"Counter {proof.counter}, rows {proof.rows}, ledger {proof.ledger}."
    if proof.unexplained:
        line += f" The ledger does not explain {proof.unexplained} contacts."
    return Answer(document, (line,), status=DONE if proof.ok else FAILED)
