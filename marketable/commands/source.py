"""Who acts on the command line: the system's user, with full reach (H2)."""

import os
import pwd

from marketable.history.sources import Source, SourceType


def operator(command: str) -> Source:
    """Return the source of a command, such as `marketing start`."""
    name = system_user()
    return Source("command", name, name, SourceType.COMMAND, command, command)


def system_user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container the number may have no name
        return str(os.getuid())
