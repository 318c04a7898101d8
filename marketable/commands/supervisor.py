"""What `serve` does once everything is loaded: fork the parts, watch them, and end them."""

import contextlib
import ctypes
import gc
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from marketable.commands.answers import DONE, FAILED, say
from marketable.commands.database import Database, close_connections

BLOCKING_THREADS = 8
READY_WITHIN_SECONDS = 120.0
ASK_AGAIN_SECONDS = 0.2
LOOK_EVERY_SECONDS = 1.0
STOP_SECONDS = 20.0
#: A part that ends this often within this time is not started again.
FAILURES, FAILURES_WITHIN_SECONDS = 5, 30.0
PR_SET_PDEATHSIG = 1
LEAVE_NOW = b"."
STOPPING = {signal.SIGTERM, signal.SIGINT}


@dataclass(slots=True)
class Part:
    """One forked process, its purpose, and the moments at which it ended by itself."""

    name: str
    work: Callable[[], None]
    pid: int = 0
    ended_at: list[float] = field(default_factory=list)


class Supervisor:
    """Runs the web server and the worker until SIGTERM or SIGINT."""

    def __init__(
        self,
        database: Database,
        listener: socket.socket,
        address: str,
        *,
        processes: int,
        has_worker: bool,
        lines: tuple[str, ...] = (),
    ) -> None:
        self._database, self._listener, self._address = database, listener, address
        self._processes, self._lines = processes, lines
        self._parts = [Part("web server", self._web)]
        if has_worker:
            self._parts.append(Part("worker", self._worker))
        self._keeper: tuple[int, int] | None = None

    def run(self) -> int:
        """Return the exit status: 0 after a stop that was asked for."""
        close_connections()  # a fork must not share them
        gc.freeze()  # what is loaded stays shared between the processes
        signal.pthread_sigmask(signal.SIG_BLOCK, {*STOPPING, signal.SIGCHLD})
        try:
            return self._run()
        finally:
            self._stop()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {*STOPPING, signal.SIGCHLD})

    def _run(self) -> int:
        web, *others = self._parts
        self._start(web)
        if self._database.cluster is not None:
            self._keeper = self._start_keeper()
        ready = self._wait_until_ready(web)
        if ready is not None:
            return ready
        for part in others:
            self._start(part)
        for line in (f"marketable is ready at {self._address}", *self._lines):
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        while True:
            caught = signal.sigtimedwait({*STOPPING, signal.SIGCHLD}, LOOK_EVERY_SECONDS)
            if caught is not None and caught.si_signo in STOPPING:
                return DONE
            if self._database.cluster is not None and self._database.cluster.ensure_running():
                say("The database had ended and was started again.")
            for part in self._ended():
                if not self._start_again(part):
                    return FAILED

    def _wait_until_ready(self, web: Part) -> int | None:
        """Return None once a page is answered, else the exit status to end with.

        Another answer is asked for again: the database of a slow machine may need a moment.
        """
        until = time.monotonic() + READY_WITHIN_SECONDS
        while True:
            with self._ask() as asked:
                answer = self._answer(asked, web, until)
            if isinstance(answer, int):
                return answer
            if b" 200 " in answer:
                return None
            say(f"The {web.name} answers {answer!r}; asking again.")
            time.sleep(ASK_AGAIN_SECONDS)

    def _answer(self, asked: socket.socket, web: Part, until: float) -> bytes | int:
        """Return what the web server answers, or the exit status to end with instead."""
        while True:
            caught = signal.sigtimedwait(STOPPING, 0)
            if caught is not None:
                return DONE
            if self._ended():
                say(f"The {web.name} ended before it was ready.")
                return FAILED
            if time.monotonic() > until:
                say(f"The {web.name} was not ready within {READY_WITHIN_SECONDS:.0f} seconds.")
                return FAILED
            with contextlib.suppress(TimeoutError):
                return asked.recv(64)

    def _ask(self) -> socket.socket:
        """Ask for /healthz; the question waits in the socket's backlog until it is answered."""
        host, port = self._listener.getsockname()[:2]
        local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        asked = socket.create_connection((local, port), timeout=5)
        asked.settimeout(0.05)
        asked.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return asked

    def _start(self, part: Part) -> None:
        part.pid = _fork(lambda: self._in_child(part.work))

    def _in_child(self, work: Callable[[], None]) -> None:
        if self._keeper is not None:
            os.close(self._keeper[1])  # else the keeper would not notice our end
        if self._database.cluster is not None:
            self._database.cluster.leave()  # only closes the locks inherited by the fork
        work()

    def _start_again(self, part: Part) -> bool:
        now = time.monotonic()
        part.ended_at = [at for at in part.ended_at if now - at < FAILURES_WITHIN_SECONDS]
        part.ended_at.append(now)
        if len(part.ended_at) >= FAILURES:
            say(f"The {part.name} ended {FAILURES} times in a row; giving up.")
            return False
        say(f"The {part.name} had ended and is started again.")
        self._start(part)
        return True

    def _ended(self) -> list[Part]:
        """Return the parts that are running no longer."""
        ended = []
        for part in self._parts:
            if part.pid and os.waitpid(part.pid, os.WNOHANG)[0]:
                part.pid = 0
                ended.append(part)
        return ended

    def _stop(self) -> None:
        """End the parts, then the keeper; what does not end by itself is killed, which is safe."""
        for part in self._parts:
            if part.pid:
                os.kill(part.pid, signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        while any(part.pid for part in self._parts) and time.monotonic() < until:
            self._ended()
            time.sleep(0.005)
        for part in self._parts:
            if part.pid:
                say(f"The {part.name} did not end within {STOP_SECONDS:.0f} seconds; killed.")
                os.kill(part.pid, signal.SIGKILL)
                os.waitpid(part.pid, 0)
                part.pid = 0
        if self._keeper is not None:
            pid, pipe = self._keeper
            self._keeper = None
            os.write(pipe, LEAVE_NOW)
            os.close(pipe)
            os.waitpid(pid, 0)

    def _start_keeper(self) -> tuple[int, int]:
        """Fork a process that leaves the embedded server after us, however we end.

        Without it a killed `serve` would leave the database running until the next command.
        Returns its process and the pipe that ends it: with a byte, or by closing when we die.
        """
        reading, writing = os.pipe()

        def keep() -> None:
            os.close(writing)
            os.setsid()
            for number in STOPPING:
                signal.signal(number, signal.SIG_IGN)
            cluster = self._database.cluster
            assert cluster is not None
            cluster.leave()  # only closes the locks inherited by the fork
            from marketable.postgres import join

            own = join(self._database.data_dir, say=say)
            was_killed = True
            try:
                was_killed = os.read(reading, 1) != LEAVE_NOW
            finally:
                # The locks of a killed one, and of what it had just forked, may be open a moment
                # longer than the pipe was; while they are, the server seems to be in use.
                own.leave(patience_seconds=STOP_SECONDS if was_killed else 0)

        self._listener.set_inheritable(False)
        pid = _fork(keep, dies_with_parent=False)
        os.close(reading)
        return pid, writing

    def _web(self) -> None:
        from marketable.commands.web import serve_pages

        serve_pages(self._listener, processes=self._processes, threads=BLOCKING_THREADS)

    def _worker(self) -> None:
        self._listener.close()
        from marketable.commands.worker import work

        work()


def ways_in(address: str) -> tuple[str, ...]:
    """Make the demo account if it is missing; return a line with a one-time link into it."""
    from marketable import clock
    from marketable.accounts import services as accounts
    from marketable.commands.addresses import sign_in_link
    from marketable.demo import ensure_demo

    now = clock.now()
    demo = ensure_demo(now)
    token = accounts.make_sign_in_link(demo.owner_user_id, now=now)
    link = sign_in_link(token, base_url=address)
    return (f"Demo account, one-time sign-in from this machine: {link}",)


def die_with_parent(parent: int) -> None:
    """Let the kernel kill this process when the one that forked it ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it had ended already
        os._exit(FAILED)


def _fork(work: Callable[[], None], *, dies_with_parent: bool = True) -> int:
    """Run `work` in a new process with ordinary signals; return its number."""
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = FAILED
    try:
        if dies_with_parent:
            die_with_parent(parent)
        for number in STOPPING:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*STOPPING, signal.SIGCHLD})
        work()
        status = DONE
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
