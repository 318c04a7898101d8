"""`marketable serve`: the database, the pages and one worker, in one command.

The product is loaded once; web server and worker are forked from this process, which only watches
them. They die with it even when it is killed, and a keeper then stops the embedded database.
"""

import argparse
import os
import socket
from typing import Any
from urllib.parse import urlsplit

from marketable.commands import options as shared
from marketable.commands.answers import Answer, CommandRefused

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (an address to translate)
LARGEST_PORT = 65_535
BACKLOG = 1024


def add(commands: Any) -> None:
    parser = commands.add_parser("serve", help="serve the pages and work background jobs")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port",
        type=port,
        default=8000,
        help="port to listen on (%(default)s); 0 takes a free one",
    )
    parser.add_argument(
        "--processes", type=shared.positive, metavar="N", help="web processes; else by the machine"
    )
    parser.add_argument(
        "--no-worker", action="store_true", help="leave background jobs to `marketable worker`"
    )
    parser.add_argument(
        "--demo", action="store_true", help="make a demo account and print a way into it"
    )
    parser.set_defaults(run=run)


def port(text: str) -> int:
    number = shared.count(text)
    if number > LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not a port; the largest is {LARGEST_PORT}")
    return number


def run(options: argparse.Namespace) -> Answer:
    listener = listen(options.host, options.port)
    from django.conf import settings

    from marketable.commands.database import opened

    with listener, opened() as database:
        from marketable.commands.supervisor import Supervisor, ways_in

        address = shown_address(options.host, listener)
        name = urlsplit(address).netloc.rpartition(":")[0]
        settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, name]
        lines = ways_in(address) if options.demo else ()
        processes = options.processes or max(1, (os.cpu_count() or 1) // 2)
        status = Supervisor(
            database,
            listener,
            address,
            processes=processes,
            has_worker=not options.no_worker,
            lines=lines,
        ).run()
    return Answer(status=status)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the address; people are answered when the start is done.

    Raises CommandRefused when somebody else listens there.
    """
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise CommandRefused(
            "host_unknown", f"{host} is no address of this machine: {error.strerror}."
        ) from error
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if isinstance(error, PermissionError):
            code, reason = "port_forbidden", "may not be used by this user"
        else:
            code, reason = "port_taken", f"cannot be used: {error.strerror}"
        raise CommandRefused(
            code,
            f"Port {port} of {host} {reason}. Choose another with --port (0 takes a free one).",
        ) from error
    return listener


def shown_address(host: str, listener: socket.socket) -> str:
    """Return the address under which this machine's browser finds the pages."""
    name = ANYWHERE.get(host, host)
    number = listener.getsockname()[1]
    return f"http://[{name}]:{number}" if ":" in name else f"http://{name}:{number}"
