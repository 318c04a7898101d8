"""Who was erased on request, by number, beside the database: a backup that is restored brings
them back, and this list tells whom to erase again (S14). Holds no personal value."""

import os
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings

FILE = "erased_contacts"
#: Account, contact, and the moment it was created: a number that a restored database gives away
#: anew is then not mistaken. A line that a crash cut short is none.
LINE = re.compile(r"(\d+) (\d+) (\S+)\n")


def path() -> Path:
    return Path(settings.DATA_DIR) / FILE


def remember(account_id: int, contacts: Iterable[tuple[int, datetime]]) -> None:
    """Add contacts, given by number and moment of creation. To be called once they are erased."""
    lines = "".join(f"{account_id} {number} {at.isoformat()}\n" for number, at in contacts)
    path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(lines)
        file.flush()
        os.fsync(descriptor)


def remembered() -> Iterator[tuple[int, int, datetime]]:
    """Yield (account, contact, moment of creation)."""
    if not path().exists():
        return
    with path().open(encoding="ascii") as file:
        for line in file:
            found = LINE.fullmatch(line)
            if found:
                yield int(found[1]), int(found[2]), datetime.fromisoformat(found[3])
