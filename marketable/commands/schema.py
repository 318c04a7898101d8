"""`marketable schema filter`: the published form of filters, for programs that write them."""

import argparse
import json
from typing import Any

from marketable.commands import options as shared
from marketable.commands.answers import Answer


def add(commands: Any) -> None:
    noun = commands.add_parser("schema", help="print the JSON Schema of what files hold")
    verbs = noun.add_subparsers(title="commands", metavar="COMMAND", required=True)
    text = "print the JSON Schema of filters"
    verb = verbs.add_parser("filter", help=text, description=text)
    shared.add_json(verb)
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> Answer:
    from marketable.segments.schema import filter_schema

    schema = filter_schema()
    return Answer(schema, (json.dumps(schema, indent=2),))
