"""Makes an account in the database of a journey, in a process of its own.

python -m tests.journeys.people CONTACTS [--marketing N] [--leaving N] [--language pl]

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
    asked = parser.parse_args()
    django.setup()
    from django.db import transaction

    from marketable import clock
    from marketable.marketing_status.rules import Status
    from tests import make

    with transaction.atomic():
        account = make.account(language=asked.language)
        now = clock.now()
        make.contacts(account, asked.contacts, at=now)
        make.contacts(account, asked.marketing, status=Status.MARKETING, at=now)
        make.contacts(account, asked.leaving, status=Status.LEAVING, at=now)
    told = {"account_id": account.id, "email": "anna@example.com", "password": make.PASSWORD}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
