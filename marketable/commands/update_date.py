"""`marketable update-date`: apply what is due today; safe to repeat (U5, U6)."""

import argparse
from typing import Any

from marketable.commands import options as shared
from marketable.commands.answers import Answer


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "update-date", help="let contacts whose update date has come stop counting"
    )
    shared.add_account(parser)
    parser.add_argument("--dry-run", action="store_true", help="only tell what is due")
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Answer:
    from marketable.commands.database import opened

    with opened():
        from marketable import clock
        from marketable.accounts import queries as accounts
        from marketable.billing import rules
        from marketable.marketing_status import queries, services

        now = clock.now()
        account = accounts.account(options.account)
        if options.dry_run:
            today = rules.today_in(account.zone, now)
            dates = queries.due_dates(account.id, today)
            document = {
                "today": today,
                "due_on": dates[-1] if dates else None,
                "applied": queries.overdue_count(account.id, today),
                "change_id": None,
            }
        else:
            result = services.apply_update_date(account.id, now=now)
            document = {
                "today": result.today,
                "due_on": result.due_on,
                "applied": result.applied,
                "change_id": result.change_id,
            }
    verb = "would become" if options.dry_run else "became"
    line = (
        f"{document['applied']} contacts {verb} non-marketing, up to {document['due_on']}."
        if document["due_on"]
        else f"Nothing is due on {document['today']}."
    )
    return Answer(document, (line,))
