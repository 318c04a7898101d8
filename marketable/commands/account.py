"""`marketable account create | set`."""

import argparse
import contextlib
import sys
from typing import Any

from marketable.commands import options as shared
from marketable.commands.answers import Answer, CommandRefused, say

TERMS = ("monthly", "yearly")
LONGEST_YEARS = 20


def add(commands: Any) -> None:
    noun = commands.add_parser("account", help="make an account, or set its limit")
    verbs = noun.add_subparsers(title="commands", metavar="COMMAND", required=True)
    create = verbs.add_parser("create", help="make an account with its Owner and its contract")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--owner", required=True, metavar="EMAIL", help="address of the Owner")
    create.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the Owner's password from standard input; else an invitation link is printed",
    )
    create.add_argument("--time-zone", default="UTC", metavar="ZONE", help="such as Europe/Warsaw")
    create.add_argument("--language", default="en", metavar="CODE", help="en or pl")
    create.add_argument(
        "--plan", default="professional", help="starter, professional or enterprise"
    )
    create.add_argument(
        "--term", type=term, default="monthly", help="monthly, yearly or a number of years"
    )
    create.add_argument(
        "--start", type=shared.day, metavar="DATE", help="first day of the contract; else today"
    )
    shared.add_json(create)
    create.set_defaults(run=run_create)
    change = verbs.add_parser("set", help="choose what happens at the contact tier's limit")
    shared.add_account(change)
    change.add_argument("--at-limit", choices=("automatic", "ceiling"))
    change.add_argument("--ceiling", type=shared.count, metavar="N")
    shared.add_json(change)
    change.set_defaults(run=run_set, refuse=change.error)


def term(text: str) -> str:
    """Read monthly, yearly, or a number of years.

    >>> term("3")
    '3'
    """
    if text in TERMS or (text.isascii() and text.isdigit() and 1 <= int(text) <= LONGEST_YEARS):
        return text
    raise argparse.ArgumentTypeError(
        f"{text!r} is neither monthly, nor yearly, nor a number of years up to {LONGEST_YEARS}"
    )


def run_create(options: argparse.Namespace) -> Answer:
    password = read_password() if options.password_stdin else None
    from marketable.commands.database import opened

    with opened():
        from django.db import transaction

        from marketable import clock
        from marketable.accounts import queries as accounts
        from marketable.accounts import services as people
        from marketable.accounts.errors import AlreadyMember
        from marketable.accounts.rules import OWNER
        from marketable.billing import services as billing
        from marketable.commands.addresses import invitation_link
        from marketable.commands.source import operator

        by, now = operator("account create"), clock.now()
        link = None
        with transaction.atomic():  # a password that is refused leaves no account behind
            made = billing.open_account(
                options.name,
                owner_email=options.owner,
                plan=options.plan,
                **contract_term(options.term),
                start=options.start,
                time_zone=options.time_zone,
                language=options.language,
                by=by,
                now=now,
            )
            account = accounts.account(made.account_id)
            owner = accounts.members(account.id)[0]
            if password is not None:
                people.set_password(made.user_id, password)
            else:
                with contextlib.suppress(AlreadyMember):  # has a password from before
                    invited = people.invite(account.id, owner.email, OWNER, by=by, now=now)
                    link = invitation_link(invited.token)
        if link is not None:
            say(f"{owner.email} chooses a password here: {link}")
    document = {"id": account.id, "name": account.name, "owner_email": owner.email}
    return Answer(document, (f"Account {account.id}, {account.name}, owned by {owner.email}.",))


def run_set(options: argparse.Namespace) -> Answer:
    if options.at_limit is None and options.ceiling is None:
        options.refuse("say --at-limit, --ceiling or both")
    from marketable.commands.database import opened

    with opened():
        from marketable import clock
        from marketable.accounts import queries as accounts
        from marketable.billing import queries as billing
        from marketable.billing import rules, services
        from marketable.commands.source import operator

        now = clock.now()
        account = accounts.account(options.account)
        today = rules.today_in(account.zone, now)
        present = billing.subscription(account.id, today)
        services.set_limit_policy(
            account.id,
            at_limit=options.at_limit
            or ("ceiling" if options.ceiling is not None else "automatic"),
            ceiling=options.ceiling if options.ceiling is not None else present.own_ceiling,
            by=operator("account set"),
            now=now,
        )
        chosen = billing.subscription(account.id, today)
    document = {
        "id": account.id,
        "name": account.name,
        "at_limit": chosen.at_limit,
        "ceiling": chosen.ceiling,
        "tier": chosen.tier,
    }
    ceiling = "none" if chosen.ceiling is None else str(chosen.ceiling)
    return Answer(document, (f"At the limit: {chosen.at_limit}. Ceiling: {ceiling}.",))


def contract_term(text: str) -> dict[str, Any]:
    """Return the term as billing names it."""
    if text in TERMS:
        return {"term": text}
    years = int(text)
    return {"term": "yearly"} if years == 1 else {"term": "multi_year", "years": years}


def read_password() -> str:
    """Return the first line of standard input."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise CommandRefused("no_password", "There is no password on standard input.")
    return password
