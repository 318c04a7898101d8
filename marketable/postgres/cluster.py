"""Join the embedded server, or start it; the last one to leave stops it."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from marketable.postgres import binaries, creation, locks, processes
from marketable.postgres.errors import FolderTaken, StartFailed
from marketable.postgres.folders import (
    PORT,
    Home,
    find_home,
    plain_refusals,
    remove_short_socket_dir,
)


def to_stderr(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


#: Between two looks at whether others have ended.
STEP_SECONDS = 0.01


class Cluster:
    """This command's part in the embedded server of a data folder.

    data_dir     where the database lies; not the folder asked for if the server cannot reach that
    socket_dir   folder of the server's socket
    bin_dir      folder of the PostgreSQL programs for this process, such as pg_dump
    was_started  this command started the server; False if it joined a running one
    url          address of the product's database, with the password
    admin_url    address of the database `postgres`, for CREATE DATABASE
    """

    def __init__(self, home: Home, *, fsync: bool, say: Callable[[str], None]) -> None:
        self._home, self._fsync, self._say = home, fsync, say
        self._joined_in: int | None = os.getpid()
        self.data_dir = home.path
        self.bin_dir = binaries.installed()
        self.was_started = False
        self.socket_dir: Path
        self._password: str
        self._start_lock, self._users_lock = _open_locks(home)
        try:
            with locks.held(self._start_lock, say):
                try:
                    self._join()
                    self._password = creation.password(home)
                except BaseException:
                    self._give_up_part()
                    raise
        except BaseException:
            self._joined_in = None
            self._close()
            raise

    @property
    def url(self) -> str:
        return self._url(creation.DATABASE)

    @property
    def admin_url(self) -> str:
        return self._url("postgres")

    def ensure_running(self) -> bool:
        """Start the server again if it died. Return whether that was so.

        For a command that lives long: addresses stay as they are.
        """
        with locks.held(self._start_lock, self._say):
            if processes.running_socket(self._home, self._say) is not None:
                return False
            self.socket_dir = self._start()
            return True

    def leave(self, *, patience_seconds: float = 0) -> None:
        """Leave the server; stop it if nobody else uses it. Leaving again does nothing.

        patience_seconds  how long to wait for others that are about to end

        A process forked from the one that joined has no part of its own to give up.
        """
        joined_in, self._joined_in = self._joined_in, None
        if joined_in is None:
            return
        try:
            if joined_in == os.getpid():
                until = time.monotonic() + patience_seconds
                while True:
                    with locks.held(self._start_lock, self._say):
                        was_last = self._give_up_part()
                    if was_last or time.monotonic() >= until:
                        return
                    time.sleep(STEP_SECONDS)
        finally:
            self._close()

    def _join(self) -> None:
        is_alone = locks.try_alone(self._users_lock)
        locks.take_part(self._users_lock)
        found = processes.running_socket(self._home, self._say)
        if found is not None and not self._home.password.exists():
            if not is_alone:
                raise StartFailed(
                    f"The password file {self._home.password} is gone. End the commands that use"
                    " the database; the next one then makes a new password.",
                    log=[],
                )
            processes.stop(self._home, self._say)
            found = None
        if found is None:
            if not is_alone:
                self._refuse_elsewhere()
            found = self._start()
            self.was_started = True
        self.socket_dir = found

    def _start(self) -> Path:
        home = self._home
        with plain_refusals(home.path):
            bin_dir = binaries.for_server(home.user, self._say)
            if not home.cluster.exists():
                creation.create(home, bin_dir, self._start_lock, fsync=self._fsync)
            elif not home.password.exists():
                processes.clear_remains(home)
                creation.renew_password(home, bin_dir, self._start_lock)
            os.ftruncate(self._start_lock, 0)
            os.pwrite(self._start_lock, _here().encode(), 0)
            return processes.start(home, bin_dir, fsync=self._fsync, say=self._say)

    def _refuse_elsewhere(self) -> None:
        """Keep off a folder that is in use where this process cannot see the server: two servers
        on one folder would destroy it."""
        started_in = os.pread(self._start_lock, 200, 0).decode()
        if started_in != _here():
            raise FolderTaken(
                f"The database in {self.data_dir} is used by a command in another container or on"
                " another machine. Stop it there first.",
                folder=str(self.data_dir),
            )

    def _give_up_part(self) -> bool:
        """Stop the server if no other command has a part in it; tell whether that was so. Needs the
        start lock."""
        if not locks.try_alone(self._users_lock):
            return False
        processes.stop(self._home, self._say)
        remove_short_socket_dir(self._home)
        locks.give_up(self._users_lock)
        return True

    def _close(self) -> None:
        os.close(self._users_lock)
        os.close(self._start_lock)

    def _url(self, database: str) -> str:
        role, host = creation.ROLE, quote(str(self.socket_dir), safe="/")
        return f"postgresql://{role}:{self._password}@/{database}?host={host}&port={PORT}"


def join(data_dir: Path, *, fsync: bool = True, say: Callable[[str], None] = to_stderr) -> Cluster:
    """Start the server of the data folder, or join the one that runs; make what is missing.

    fsync  False for data that may be lost in a crash of the machine, as in tests; counts only for
           the command that starts the server
    say    takes what a person should know while this takes its time

    The caller calls `leave()` in the end. Raises PostgresRefused.
    """
    return Cluster(find_home(data_dir, say), fsync=fsync, say=say)


@contextmanager
def running(
    data_dir: Path, *, fsync: bool = True, say: Callable[[str], None] = to_stderr
) -> Iterator[Cluster]:
    """Like `join`, for the length of a block."""
    cluster = join(data_dir, fsync=fsync, say=say)
    try:
        yield cluster
    finally:
        cluster.leave()


def _open_locks(home: Home) -> tuple[int, int]:
    """Open the locks of a home. Only its owner (and root) can: others are told whose it is."""
    with plain_refusals(home.path):
        start_lock = locks.opened(home.start_lock)
        try:
            users_lock = locks.opened(home.users_lock)
            home.hand_over(start_lock)
            home.hand_over(users_lock)
        except BaseException:
            os.close(start_lock)
            raise
    return start_lock, users_lock


def _here() -> str:
    """Name this machine since it was switched on, and this container on it."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
