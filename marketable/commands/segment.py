"""`marketable segment create | members | rebuild | prove`: segments without a browser."""

import argparse
from typing import Any

from marketable.commands import options as shared
from marketable.commands import selecting
from marketable.commands.answers import DONE, FAILED, Answer

SHOWN = 20


def add(commands: Any) -> None:
    noun = commands.add_parser("segment", help="make segments, and see who is in them")
    verbs = noun.add_subparsers(title="commands", metavar="COMMAND", required=True)
    text = "make a segment of whoever meets a filter"
    make = verbs.add_parser("create", help=text, description=text)
    shared.add_account(make)
    make.add_argument("--name", required=True, help="what it is called")
    make.add_argument(
        "--filter",
        required=True,
        metavar="FILE",
        help="JSON as `marketable schema filter` describes it; - reads it here",
    )
    shared.add_json(make)
    make.set_defaults(run=run_create)
    for verb, text, run in (
        ("members", "tell who is in a segment", run_members),
        ("rebuild", "find anew who is in a segment", run_rebuild),
        ("prove", "compare who is in a segment with who should be", run_prove),
    ):
        parser = verbs.add_parser(verb, help=text, description=text)
        shared.add_account(parser)
        parser.add_argument("--segment", required=True, type=shared.positive, metavar="ID")
        shared.add_json(parser)
        parser.set_defaults(run=run)


def run_create(options: argparse.Namespace) -> Answer:
    text = selecting.read_text(options.filter)
    from marketable.commands.database import opened

    with opened():
        from marketable import clock
        from marketable.accounts import queries as accounts
        from marketable.commands.source import operator
        from marketable.segments import following
        from marketable.segments.services import segments

        account = accounts.account(options.account)
        wanted = selecting.parsed(text)
        following.catch_up(account.id)
        made = segments.create_active(
            account.id,
            options.name,
            wanted,
            by=operator("segment create"),
            now=clock.now(),
            build=True,
        )
    document = {"id": made.id, "member_count": made.member_count}
    return Answer(document, (f"Segment {made.id} has {made.member_count} contacts.",))


def run_members(options: argparse.Namespace) -> Answer:
    from marketable.commands.database import opened

    with opened():
        from marketable.accounts import queries as accounts
        from marketable.segments import following, queries

        account = accounts.account(options.account)
        queries.segment(account.id, options.segment)
        following.catch_up(account.id)
        segment = queries.segment(account.id, options.segment)
        found = queries.member_ids(account.id, segment.id)
    document = {"member_count": len(found), "contact_ids": found}
    more = " …" if len(found) > SHOWN else ""
    shown = ", ".join(str(one) for one in found[:SHOWN])
    return Answer(document, (f"{len(found)} contacts: {shown}{more}".rstrip(": "),))


def run_rebuild(options: argparse.Namespace) -> Answer:
    from marketable.commands.database import opened

    with opened():
        from marketable import clock
        from marketable.accounts import queries as accounts
        from marketable.segments import following, queries
        from marketable.segments.rules import Kind, State
        from marketable.segments.services import segments

        account, now = accounts.account(options.account), clock.now()
        following.catch_up(account.id, now=now)
        segment = queries.segment(account.id, options.segment)
        if segment.kind is Kind.ACTIVE:
            segment = segments.rebuild(account.id, segment.id, now=now)
        if segment.state is State.NEEDS_ATTENTION:
            return _unproven(segment.member_count, segment.problem)
        proof = segments.prove(account.id, segment.id, now=now)
    return _proof(proof.ok, proof.member_count, proof.expected_count)


def run_prove(options: argparse.Namespace) -> Answer:
    from marketable.commands.database import opened

    with opened():
        from marketable import clock
        from marketable.accounts import queries as accounts
        from marketable.segments import following
        from marketable.segments.services import segments

        account, now = accounts.account(options.account), clock.now()
        following.catch_up(account.id, now=now)
        proof = segments.prove(account.id, options.segment, now=now)
    return _proof(proof.ok, proof.member_count, proof.expected_count)


def _proof(ok: bool, member_count: int, expected_count: int) -> Answer:
    document = {"ok": ok, "member_count": member_count, "expected_count": expected_count}
    line = f"{member_count} contacts are in it, {expected_count} should be."
    return Answer(document, (line,), status=DONE if ok else FAILED)


def _unproven(member_count: int, problem: str) -> Answer:
    document = {"ok": False, "member_count": member_count, "expected_count": None}
    return Answer({**document, "problem": problem}, (problem,), status=FAILED)
