"""A command that uses the embedded server until its input ends: a real process for the tests.

python -m tests.postgres.command FOLDER [--user NAME] [--keep-child]

Prints one JSON line: what it joined, or the refusal.
"""

import argparse
import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import psycopg  # noqa: F401  (loaded while the libraries can still be reached)

from marketable.postgres import PostgresRefused, running


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--user")
    parser.add_argument("--keep-child", action="store_true")
    asked = parser.parse_args()
    if asked.user:
        entry = pwd.getpwnam(asked.user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    try:
        with running(asked.folder, fsync=False) as cluster:
            child = None
            if asked.keep_child:
                quiet = subprocess.DEVNULL
                child = subprocess.Popen(["sleep", "60"], stdin=quiet, stdout=quiet, stderr=quiet)
            tell(
                url=cluster.url,
                was_started=cluster.was_started,
                data_dir=str(cluster.data_dir),
                child_pid=child.pid if child else None,
            )
            sys.stdin.read()
    except PostgresRefused as refusal:
        tell(code=refusal.code, message=refusal.message)


def tell(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
