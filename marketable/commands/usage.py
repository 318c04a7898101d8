"""`marketable usage`: what an account takes of its contact tier."""

import argparse
from typing import Any

from marketable.commands import options as shared
from marketable.commands.answers import Answer


def add(commands: Any) -> None:
    parser = commands.add_parser("usage", help="show what an account takes of its contact tier")
    shared.add_account(parser)
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Answer:
    from marketable.commands.database import opened

    with opened():
        from marketable import clock
        from marketable.accounts import queries as accounts
        from marketable.billing import queries as billing
        from marketable.billing import rules
        from marketable.contacts import queries as contacts
        from marketable.marketing_status import queries as marketing_status

        account = accounts.account(options.account)
        today = rules.today_in(account.zone, clock.now())
        usage = marketing_status.usage(account.id, today)
        calendar = billing.calendar(account.id)
        period_start = calendar.period_start(today)
        document = {
            "contact_count": contacts.live_count(account.id),
            "marketing_count": usage.usage,
            "leaving_count": usage.leaving,
            "tier": billing.subscription(account.id, today).tier,
            "update_date": calendar.next_update_date(today),
            "period_start": period_start,
            "peak": max(billing.peak_since(account.id, period_start), usage.usage),
        }
    return Answer(
        document,
        (
            f"{account.name}: {document['marketing_count']} of {document['tier']} "
            f"marketing contacts, {document['contact_count']} contacts in all.",
            f"{document['leaving_count']} become non-marketing on {document['update_date']} "
            f"({account.time_zone}). Highest since {period_start}: {document['peak']}.",
        ),
    )
