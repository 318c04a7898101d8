"""Makes an account in the database of a journey, in a process of its own.

python -m tests.journeys.people CONTACTS [--marketing N] [--leaving N] [--language pl] [--own]

--own gives the account properties of the kinds that the default ones lack.

Prints one JSON line: {"account_id", "email", "password"}.
"""

import argparse
import json
import sys

import django


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("contacts", type=int)
    parser.add_argument("--marketing", type=int, default=0)
    parser.add_argument("--leaving", type=int, default=0)
    parser.add_argument("--language", default="en")
    parser.add_argument("--own", action="store_true")
    asked = parser.parse_args()
    django.setup()
    from django.db import transaction

    from marketable import clock
    from marketable.history.sources import system
    from marketable.marketing_status.rules import Status
    from marketable.properties.rules import PropertyDef, PropertyType
    from marketable.properties.services import create_property
    from tests import make

    with transaction.atomic():
        account = make.account(language=asked.language)
        now = clock.now()
        for kind, field in (("number", "number"), ("date", "date"), ("bool", "booleancheckbox")):
            if asked.own:
                own = PropertyDef(f"own_{kind}", f"Own {kind}", PropertyType(kind), field)
                create_property(account.id, own, by=system(), now=now)
        make.contacts(account, asked.contacts, at=now)
        make.contacts(account, asked.marketing, status=Status.MARKETING, at=now)
        make.contacts(account, asked.leaving, status=Status.LEAVING, at=now)
    told = {"account_id": account.id, "email": "anna@example.com", "password": make.PASSWORD}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
