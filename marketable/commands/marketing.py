"""`marketable marketing start | stop | keep`: the main job without a browser."""

import argparse
from typing import TYPE_CHECKING, Any

from marketable.commands import options as shared
from marketable.commands import selecting
from marketable.commands.answers import Answer, CommandRefused

if TYPE_CHECKING:
    from marketable.accounts.queries import AccountInfo
    from marketable.segments.selection import Selection

VERBS = {
    "start": "set contacts as marketing, at once",
    "stop": "set contacts as non-marketing, from the next update date on",
    "keep": "keep contacts as marketing that are staged as non-marketing",
}
DONE_AS = {"start": "set as marketing", "stop": "staged as non-marketing", "keep": "kept"}


def add(commands: Any) -> None:
    noun = commands.add_parser("marketing", help="change which contacts count")
    verbs = noun.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for verb, text in VERBS.items():
        parser = verbs.add_parser(verb, help=text, description=text)
        shared.add_account(parser)
        selecting.add_to(parser)
        parser.add_argument(
            "--expect",
            type=shared.count,
            metavar="N",
            help="the number of contacts that will change; with another nothing is changed",
        )
        parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
        parser.add_argument(
            "--include-unreachable",
            action="store_true",
            help="also contacts without an address and hard-bounced ones (S19)",
        )
        shared.add_json(parser)
        parser.set_defaults(run=run, verb=verb, refuse=parser.error)


def run(options: argparse.Namespace) -> Answer:
    if options.expect is None and not options.dry_run:
        options.refuse("--expect N is needed, the number that will change (or --dry-run)")
    wanted = selecting.read(options)
    from marketable.commands.database import opened

    with opened():
        from marketable.accounts import queries as accounts

        account = accounts.account(options.account)
        chosen = wanted()
        done = None if options.dry_run else _done(options, account, chosen)
        document = done or _planned(options, account, chosen)
    return Answer(document, _lines(options, document))


def _planned(
    options: argparse.Namespace, account: "AccountInfo", chosen: "Selection"
) -> dict[str, Any]:
    """Return what would be done; with `--expect`, refuse another number."""
    from marketable import clock
    from marketable.accounts import queries as accounts
    from marketable.bulk_actions import services as bulk_actions
    from marketable.bulk_actions.errors import PlanOutdated
    from marketable.marketing_status.rules import Event

    plan = bulk_actions.make_plan(
        account.id,
        Event(options.verb),
        chosen,
        reach=accounts.EVERYTHING,
        now=clock.now(),
        include_unreachable=options.include_unreachable,
    )
    if options.expect is not None and options.expect != plan.changing:
        raise PlanOutdated(expected=options.expect, actual=plan.changing)
    return {
        "selected": plan.selected,
        "changed": plan.changing,
        "already": plan.already,
        "refused": plan.cannot_total + plan.outside_rights + plan.not_found,
        "usage_before": plan.usage_before,
        "usage_after": plan.usage_after,
        "tier_before": plan.tier_before,
        "tier_after": plan.tier_after,
        "update_date": plan.update_date,
        "change_id": None,
    }


def _done(
    options: argparse.Namespace, account: "AccountInfo", chosen: "Selection"
) -> dict[str, Any] | None:
    """Do it in this process and return what was done; None if nothing was to be done."""
    from marketable import clock
    from marketable.accounts import queries as accounts
    from marketable.billing import queries as billing
    from marketable.billing import rules
    from marketable.bulk_actions import services as bulk_actions
    from marketable.bulk_actions.rules import ActionState
    from marketable.commands.source import operator
    from marketable.marketing_status import queries as marketing_status
    from marketable.marketing_status.rules import Event

    now = clock.now()
    today = rules.today_in(account.zone, now)
    usage_before = marketing_status.usage(account.id, today).usage
    tier_before = billing.subscription(account.id, today).tier
    done = bulk_actions.run_now(
        account.id,
        Event(options.verb),
        chosen,
        expected=options.expect,
        by=operator(f"marketing {options.verb}"),
        reach=accounts.EVERYTHING,
        now=now,
        include_unreachable=options.include_unreachable,
    )
    if done is None:
        return None
    if done.state is not ActionState.COMPLETE:
        raise CommandRefused(
            f"bulk_action_{done.state.value}",
            done.error or f"The bulk action is {done.state.value}.",
            expected=done.total,
            actual=done.changed,
        )
    return {
        "selected": done.total + done.already + done.refused,
        "changed": done.changed,
        # Those that somebody else changed between the plan and their batch are as wanted.
        "already": done.already + done.skipped,
        "refused": done.refused,
        "usage_before": usage_before,
        "usage_after": marketing_status.usage(account.id, today).usage,
        "tier_before": tier_before,
        "tier_after": billing.subscription(account.id, today).tier,
        "update_date": done.update_date,
        "change_id": done.change_id,
    }


def _lines(options: argparse.Namespace, done: dict[str, Any]) -> tuple[str, ...]:
    would = "would be " if options.dry_run else ""
    return (
        f"{done['changed']} contacts {would}{DONE_AS[options.verb]}; "
        f"{done['already']} already are, {done['refused']} cannot be.",
        f"Usage {done['usage_before']} → {done['usage_after']}, "
        f"contact tier {done['tier_before']} → {done['tier_after']}. "
        f"Next update date: {done['update_date']}.",
    )
