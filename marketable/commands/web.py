"""The web server: granian's WSGI workers, forked from a process that has Django loaded."""

import importlib
import os
import socket
import threading
import warnings
from collections.abc import Callable
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import MPServer

from marketable.commands.supervisor import die_with_parent

KILL_AFTER_SECONDS = 10
PAGES_AFTER_SECONDS = 1.0


class PageServer(MPServer):
    """Takes connections from a socket that listens already, so that a port cannot be taken between
    the check and the start, nor be shared by accident as SO_REUSEPORT allows."""

    def __init__(self, listener: socket.socket, *, processes: int, threads: int) -> None:
        super().__init__(
            "",
            interface=Interfaces.WSGI,
            workers=processes,
            blocking_threads=threads,
            http=HTTPModes.auto,
            websockets=False,
            log_level=LogLevels.error,
            respawn_failed_workers=True,
            respawn_interval=0,
            workers_kill_timeout=KILL_AFTER_SECONDS,
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        self._sso: Any = None
        self._sfd: Any = os.dup(self._listener.fileno())
        self._shd: Any = SocketHolder(self._sfd, False, self.backlog)  # type: ignore[call-arg]


def serve_pages(listener: socket.socket, *, processes: int, threads: int) -> None:
    """Answer requests until SIGTERM; requests under way are finished."""
    server = PageServer(listener, processes=processes, threads=threads)
    server.serve(target_loader=_loader(), wrap_loader=False)


def _loader() -> Callable[[], Any]:
    parent = os.getpid()

    def load() -> Any:
        die_with_parent(parent)
        from django.core.wsgi import get_wsgi_application

        # Static files come from the packages; the folder for collected ones is seldom there.
        warnings.filterwarnings("ignore", message="No directory at")
        application = get_wsgi_application()
        answered = threading.Event()
        threading.Thread(target=_load_pages, args=(answered,), daemon=True).start()

        def answer(environ: Any, start_response: Any) -> Any:
            try:
                return application(environ, start_response)
            finally:
                answered.set()

        return answer

    return load


def _load_pages(answered: threading.Event) -> None:
    """Load the pages once a first answer has told that the server is there (or nobody asks), so
    that they neither delay the start nor the first visit."""
    answered.wait(PAGES_AFTER_SECONDS)
    importlib.import_module("marketable.config.urls")
