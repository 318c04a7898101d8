"""Who uses the server: locks on files, which the system takes back from a killed command."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

WAIT_SECONDS = 0.005
SAY_AFTER_SECONDS = 3.0


def opened(path: Path) -> int:
    """Open a lock file, made for this user only. Python opens it close-on-exec, so a child that is
    another program never holds the lock."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


@contextmanager
def held(lock: int, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock alone: one command at a time starts, joins or leaves."""
    said_at = time.monotonic() + SAY_AFTER_SECONDS
    while not try_alone(lock):
        if time.monotonic() > said_at:
            say("Waiting for another command that is starting or stopping the database.")
            said_at = float("inf")
        time.sleep(WAIT_SECONDS)
    try:
        yield
    finally:
        give_up(lock)


def try_alone(lock: int) -> bool:
    """Take the lock if nobody else has a part in it. Gives up the part held before if not."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def take_part(lock: int) -> None:
    """Count as one of those who use the server, until the lock is closed."""
    fcntl.flock(lock, fcntl.LOCK_SH)


def give_up(lock: int) -> None:
    fcntl.flock(lock, fcntl.LOCK_UN)
