"""The server's processes: is one running, start it, stop it, clear away what a dead one left.

Who a process is, is read from its command line in /proc, which anyone may read; its working folder
would say it too, but root in a container may not look there.
"""

import contextlib
import os
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from marketable.postgres import machine
from marketable.postgres.errors import StartFailed, no_room
from marketable.postgres.folders import PORT, Home, make_socket_dir, socket_dir
from marketable.postgres.users import as_user

STEP_SECONDS = 0.002
STOP_SECONDS = 60.0
END_SECONDS = 10.0
SAY_AFTER_SECONDS = 3.0
LOG_BYTES = 5 * machine.MIB
LOG_LINES = 12
NO_SPACE = "No space left on device"

# Servers that this process started, so that an ended one is taken from the process table.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class PidFile:
    """What a server writes into its folder about itself."""

    pid: int
    socket_dir: Path
    status: str


def running_socket(home: Home, say: Callable[[str], None]) -> Path | None:
    """Return the socket's folder of the server that runs on the home, or None if none does.

    Waits while one is starting or stopping. A server in another container that shares the folder
    is found by its socket, as its process may not be visible from here.
    """
    patience = _Patience(say)
    while (noted := _read_pid_file(home)) is not None:
        if noted.status == "ready":
            for folder in dict.fromkeys((socket_dir(home), noted.socket_dir)):
                if _listener(folder) is not None:
                    return folder
        if not is_server(noted.pid, home):
            return None
        patience.step(
            f"The database (process {noted.pid}) is {noted.status}, but does not answer yet.",
            give_up=noted.status == "ready",
        )
    return None


def start(home: Home, bin_dir: Path, *, fsync: bool, say: Callable[[str], None]) -> Path:
    """Start a server on the home and wait until it takes connections. Return the socket's folder.

    The server is no part of the terminal's job: it outlives the command for those who joined.
    """
    clear_remains(home)
    folder = make_socket_dir(home)
    for left in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
        (folder / left).unlink(missing_ok=True)
    home.write(home.access, "local all all scram-sha-256\n", for_server=True)
    home.write(home.settings, _settings(home, folder, fsync=fsync), for_server=True)
    with _open_log(home) as log:
        log_start = log.tell()
        server = subprocess.Popen(
            [bin_dir / "postgres", *_mark(home), "-c", f"config_file={home.settings}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **as_user(home.user),
        )
    _children[server.pid] = server
    patience = _Patience(say)
    while True:
        noted = _read_pid_file(home)
        if noted is not None and noted.pid == server.pid and noted.status == "ready":
            return folder
        if server.poll() is not None:
            del _children[server.pid]
            raise _start_failed(home, log_start)
        patience.step("The database is recovering from an unclean end; this can take a while.")


def stop(home: Home, say: Callable[[str], None]) -> None:
    """Stop the server that runs on the home: open transactions are rolled back."""
    noted = _read_pid_file(home)
    if noted is not None and is_server(noted.pid, home):
        servers = [noted.pid]
    else:  # its file may have been deleted under it
        servers = [pid for pid in _all_pids() if is_server(pid, home)]
    for pid in servers:
        _signal(pid, signal.SIGINT)
    if not _wait_for_end(servers, home, STOP_SECONDS):
        say(f"The database (process {servers}) is still writing to disk and stops after that.")
    if noted is not None and not servers and _listener(noted.socket_dir) is not None:
        say("The database runs in another container, and is left running.")


def clear_remains(home: Home) -> None:
    """Clear away what a killed server left, so that neither it nor its like keeps a new one away.

    What it left running (a query that was computing) is ended: its work is rolled back anyway. Its
    pid file is removed, as PostgreSQL would believe any process that has the number by now.
    """
    left = [pid for pid in _all_pids() if is_server(pid, home) or _is_backend(pid, home)]
    for how in (signal.SIGQUIT, signal.SIGKILL):
        for pid in left:
            _signal(pid, how)
        if _wait_for_end(left, home, END_SECONDS):
            break
    else:
        raise StartFailed(
            f"Processes of an earlier database do not end: {', '.join(map(str, left))}.", log=[]
        )
    (home.cluster / "postmaster.pid").unlink(missing_ok=True)


def is_server(pid: int, home: Home) -> bool:
    """Tell whether the process is the main one of a server that runs on the home."""
    mark = [os.fsencode(word) for word in _mark(home)]
    words = _command_line(pid, home).split(b"\0")
    return words[1:3] == mark and Path(os.fsdecode(words[0])).name == "postgres"


def log_lines(home: Home, *, since: int = 0) -> list[str]:
    """Return the last lines of the server's log, none from before the byte `since`."""
    with home.log.open(encoding="utf-8", errors="replace") as log:
        log.seek(since)
        return log.read().splitlines()[-LOG_LINES:]


def _settings(home: Home, sockets: Path, *, fsync: bool) -> str:
    """Return the server's settings. They are written anew at each start, so they follow the machine
    when it grows; an operator's own go into a file beside them."""
    safety = {"fsync": "on"}
    if not fsync:
        # Commits still reach the system, so that a killed server loses none.
        safety = {"fsync": "off", "full_page_writes": "off"}
    chosen = {
        "data_directory": str(home.cluster),
        "hba_file": str(home.access),
        "listen_addresses": "",
        "unix_socket_directories": '"' + str(sockets).replace('"', '""') + '"',
        "unix_socket_permissions": "0700",
        "port": str(PORT),
        "password_encryption": "scram-sha-256",
        "cluster_name": _title(home),
        "max_connections": "200",
        **machine.settings(machine.measure(home.path)),
        **safety,
        # Bulk statements write much at once: fewer full pages in the log, fewer checkpoints.
        "wal_compression": "on",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "autovacuum_vacuum_cost_limit": "2000",
        "random_page_cost": "1.1",
        "jit": "off",  # compiling costs more than our statements save by it
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        "log_checkpoints": "off",
        # The values in a refused statement are people's addresses; they stay out of the log.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }
    own = home.path / "postgresql.own.conf"
    lines = [
        f"# Written by marketable at each start. Your own settings belong into {own.name}.",
        *(f"{name} = '{_quoted(value)}'" for name, value in chosen.items()),
        *([f"include '{_quoted(str(own))}'"] if own.exists() else []),
    ]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


def _mark(home: Home) -> list[str]:
    """The words of the command line by which a server's main process is known."""
    return ["-D", str(home.cluster)]


def _title(home: Home) -> str:
    """The name in the process titles by which a server's other processes are known."""
    return f"marketable-{home.key}"


def _is_backend(pid: int, home: Home) -> bool:
    return _command_line(pid, home).startswith(f"postgres: {_title(home)}: ".encode())


def _command_line(pid: int, home: Home) -> bytes:
    """Return the command line of a process of the server's user; empty for one that is gone, dead
    and not yet reaped, or somebody else's, who may call it what they like."""
    try:
        owner = Path(f"/proc/{pid}").stat().st_uid
    except FileNotFoundError:
        return b""
    return _raw_command_line(pid) if owner == home.user.uid else b""


def _raw_command_line(pid: int) -> bytes:
    if pid in _children and _children[pid].poll() is not None:
        del _children[pid]
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _all_pids() -> Iterator[int]:
    return (int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit())


def _read_pid_file(home: Home) -> PidFile | None:
    """Return what the server noted, or None without a file. A server writes it line by line, and a
    crash of the machine can leave it empty."""
    try:
        lines = (home.cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if not lines or not lines[0].lstrip("-").isdigit():
        return PidFile(pid=0, socket_dir=socket_dir(home), status="starting")
    return PidFile(
        pid=abs(int(lines[0])),
        socket_dir=Path(lines[4]) if len(lines) > 4 and lines[4] else socket_dir(home),
        status=lines[7].strip() if len(lines) > 7 else "starting",
    )


def _listener(folder: Path) -> int | None:
    """Return the process that accepts connections on the socket in the folder, or None.

    0 stands for one that cannot be seen from here. A killed one may have given up its memory, and
    with that its command line, but not its socket yet: that is none.
    """
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(folder / f".s.PGSQL.{PORT}"))
        except OSError:
            return None
        peer = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", peer)[0]
    return pid if pid == 0 or _raw_command_line(pid) else None


def _open_log(home: Home) -> BinaryIO:
    """Open the log for appending. One that has grown takes the place of the one before."""
    if home.log.exists() and home.log.stat().st_size > LOG_BYTES:
        home.log.replace(home.log.with_suffix(".log.1"))
    handle = os.open(home.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    home.hand_over(handle)
    log = os.fdopen(handle, "ab")
    log.seek(0, os.SEEK_END)
    return log


class _Patience:
    """Waits in small steps, and says what for when it takes long."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._began_at = time.monotonic()
        self._has_said = False

    def step(self, waiting_for: str, *, give_up: bool = False) -> None:
        waited_seconds = time.monotonic() - self._began_at
        if give_up and waited_seconds > END_SECONDS:
            raise StartFailed(f"Gave up. {waiting_for}", log=[])
        if waited_seconds > SAY_AFTER_SECONDS and not self._has_said:
            self._say(waiting_for)
            self._has_said = True
        time.sleep(STEP_SECONDS)


def _signal(pid: int, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)


def _wait_for_end(pids: list[int], home: Home, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while any(is_server(pid, home) or _is_backend(pid, home) for pid in pids):
        if time.monotonic() > until:
            return False
        time.sleep(STEP_SECONDS)
    return True


def _start_failed(home: Home, log_start: int) -> Exception:
    lines = log_lines(home, since=log_start)
    if any(NO_SPACE in line for line in lines):
        return no_room(home.path)
    return StartFailed(
        f"PostgreSQL did not start. The end of its log, {home.log}:\n" + "\n".join(lines),
        log=lines,
    )
