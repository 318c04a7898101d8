"""The system user that PostgreSQL runs as when the command runs as root, and what it can reach."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from marketable.postgres.errors import NoServerUser

NAME = "marketable"
HOME = "/var/lib/marketable"
SYSTEM_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


@dataclass(frozen=True, slots=True)
class ServerUser:
    """Who the server's processes run as.

    switch  this process is root and must become the user for them
    """

    name: str
    uid: int
    gid: int
    switch: bool

    def may_enter(self, folder: Path) -> bool:
        """Ask the system rather than compute it from mode bits, which know no access lists."""
        if not self.switch:
            return os.access(folder, os.X_OK)
        entered = subprocess.run(
            ["/bin/sh", "-c", 'cd -- "$1"', "sh", folder],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **as_user(self),
        )
        return entered.returncode == 0


class Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


class Surroundings(Identity):
    cwd: str
    env: dict[str, str]


def as_user(user: ServerUser) -> Surroundings:
    """Return what `subprocess` needs to run something as `user`, free of the caller's surroundings.

    The caller's folder may be out of the user's reach, and PG… variables would change what is run.
    """
    free: Surroundings = {
        "cwd": "/",
        "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"},
    }
    if user.switch:
        free |= {"user": user.uid, "group": user.gid, "extra_groups": []}
    return free


def server_user(*, owner: int | None = None) -> ServerUser:
    """Return who the server runs as: this user, or for root the user `marketable`, made if missing.

    owner  whom an existing database belongs to. A container made anew knows no user of that number,
           so the user gets it.
    """
    if os.geteuid() != 0:
        return _this_user()
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        entry = _create(owner)
    return ServerUser(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, switch=True)


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"with number {uid}"


def _this_user() -> ServerUser:
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        raise NoServerUser(
            f"The user number {uid} has no name on this machine, and PostgreSQL needs one."
            " Add it to /etc/passwd, or run the command as a user that has a name.",
            uid=uid,
        ) from None
    return ServerUser(name=name, uid=uid, gid=os.getegid(), switch=False)


def _create(owner: int | None) -> pwd.struct_passwd:
    number = [] if owner in (None, 0) or _is_known(owner) else ["--uid", str(owner)]
    common = ["--shell", "/usr/sbin/nologin"]
    attempts = {
        "useradd": ["--system", "--user-group", "--no-create-home", "--home-dir", HOME],
        "adduser": ["--system", "--group", "--no-create-home", "--home", HOME],
    }
    said = []
    for tool, options in attempts.items():
        found = shutil.which(tool, path=SYSTEM_PATH)
        if found is None:
            said.append(f"{tool} is not installed")
            continue
        made = subprocess.run(
            [found, *options, *common, *number, NAME], capture_output=True, text=True
        )
        try:
            return pwd.getpwnam(NAME)  # a command beside this one may have been first
        except KeyError:
            said.append(f"{tool}: {made.stderr.strip() or made.returncode}")
    raise NoServerUser(
        f"PostgreSQL refuses to run as root, and its system user {NAME} could not be made"
        f" ({'; '.join(said)}). Make it (useradd --system {NAME}), run the command as an ordinary"
        " user, or set DATABASE_URL.",
    )


def _is_known(uid: int | None) -> bool:
    try:
        pwd.getpwuid(uid or 0)
    except KeyError:
        return False
    return True
