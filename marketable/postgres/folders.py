"""Where a database lies, who may enter, and whether what is there already is ours."""

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from marketable.postgres.errors import (
    FolderTaken,
    FolderUnreachable,
    OtherVersion,
    PostgresRefused,
    cannot_write,
    no_room,
)
from marketable.postgres.users import HOME, ServerUser, name_of, server_user

MAJOR = "18"
PORT = 5432  # only a part of the socket's name: nothing listens on the network
SOCKET_PATH_BYTES = 107  # what the kernel takes, without the closing zero
ROOT_DIR = Path(HOME)  # what lies elsewhere when root's server user cannot reach the chosen folder

CLUSTER = "cluster"
HALF_MADE = ".cluster."
# Beside the database the data folder holds what other parts keep there before the first start, and
# what a volume or a repository brings along.
NOT_STRANGE = re.compile(
    r"\.?secret_key(\..+)?|lost\+found|\.gitignore|\.gitkeep|\.keep|clusters|postgresql\.own\.conf"
    r"|erased_contacts"
)


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one database: its cluster, and around it what only the commands use."""

    path: Path
    user: ServerUser

    @property
    def cluster(self) -> Path:
        return self.path / CLUSTER

    @property
    def start_lock(self) -> Path:
        return self.path / "start.lock"

    @property
    def users_lock(self) -> Path:
        return self.path / "users.lock"

    @property
    def password(self) -> Path:
        return self.path / "postgres.password"

    @property
    def log(self) -> Path:
        return self.path / "postgres.log"

    @property
    def settings(self) -> Path:
        return self.path / "postgresql.conf"

    @property
    def access(self) -> Path:
        return self.path / "pg_hba.conf"

    @property
    def key(self) -> str:
        """Names this database among all on the machine, in process titles and short paths."""
        return _key(self.path)

    def write(self, file: Path, text: str, *, for_server: bool = False) -> None:
        """Replace a file of the home whole, readable by this user, and `for_server` by the server.

        Root gives a file to the server user only where the whole folder is that user's already.
        """
        fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as writing:
                self.hand_over(handle)
                if for_server and self.user.switch and os.fstat(handle).st_uid != self.user.uid:
                    os.fchown(handle, -1, self.user.gid)
                    os.fchmod(handle, 0o640)
                writing.write(text)
                writing.flush()
                os.fsync(handle)
            fresh.replace(file)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise

    def hand_over(self, handle: int) -> None:
        """Give a new file to the server user if the folder is theirs, else keep it.

        So the user can run commands too after root ran one.
        """
        if self.user.switch and self.path.stat().st_uid == self.user.uid:
            os.fchown(handle, self.user.uid, self.user.gid)

    def make_cluster_folder(self) -> Path:
        """Make the folder that becomes the cluster when it is complete."""
        fresh = self.path / f"{HALF_MADE}{secrets.token_hex(4)}"
        fresh.mkdir(mode=0o700)
        if self.user.switch:
            os.chown(fresh, self.user.uid, self.user.gid)
        return fresh

    def remove_half_made(self) -> None:
        for left in self.path.glob(f"{HALF_MADE}*"):
            shutil.rmtree(left)


def default_data_dir() -> Path:
    """Return the data folder: the one MARKETABLE_DATA_DIR names, else this user's usual one."""
    named = os.environ.get("MARKETABLE_DATA_DIR")
    if named:
        return Path(named).expanduser().resolve()
    if os.geteuid() == 0:
        return ROOT_DIR
    return Path.home() / ".local/share/marketable"


@contextmanager
def plain_refusals(folder: Path) -> Iterator[None]:
    """Turn what the system says about a folder into a refusal."""
    try:
        yield
    except OSError as error:
        owner = _owner(folder)
        if error.errno == errno.EACCES and owner not in {None, os.geteuid()}:
            raise FolderTaken(
                f"{folder} belongs to the user {name_of(owner or 0)}. Run the command as that user,"
                " or choose another folder with MARKETABLE_DATA_DIR.",
                folder=str(folder),
            ) from error
        if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
            raise cannot_write(folder, error) from error
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise no_room(folder) from error
        if error.errno in {errno.ENOTDIR, errno.EEXIST, errno.ELOOP}:
            raise FolderTaken(
                f"{folder} cannot be the data folder: {error.strerror}. Choose another with"
                " MARKETABLE_DATA_DIR.",
                folder=str(folder),
            ) from error
        raise


def find_home(data_dir: Path, say: Callable[[str], None]) -> Home:
    """Return where the database of `data_dir` lies; make the folder if it is missing.

    That is the folder itself, or for root one under /var/lib/marketable/clusters when the server's
    user cannot reach the folder. Raises what speaks against using it.
    """
    data_dir = Path(os.path.realpath(data_dir.expanduser()))
    with plain_refusals(data_dir):
        user = server_user(owner=_owner(data_dir / CLUSTER))
        path = _place(data_dir, user, say) if user.switch else data_dir
        if not path.exists():
            make_for_server(path, user)
        home = Home(path=path, user=user)
        _refuse_strangers(home)
        return home


def socket_dir(home: Home) -> Path:
    """Return the private folder of the server's socket: in the home, or if a socket cannot have
    that path a short one that is named after the home."""
    inside = home.path / "socket"
    if _fits(inside):
        return inside
    # /run is not cleaned up at times, and a service with a private /tmp shares it with the shell.
    # The user's own folder under /run is no choice: it vanishes when the user signs out.
    base = Path("/run") if home.user.switch and os.access("/run", os.W_OK) else Path("/tmp")  # noqa: S108 (made 0700, and refused if it is somebody else's)
    return base / f"marketable-{home.user.uid}-{home.key}"


def make_socket_dir(home: Home) -> Path:
    """Make the socket's folder, or make sure that the one there is ours and nobody else's."""
    folder = socket_dir(home)
    uid = home.user.uid
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        if home.user.switch:
            os.chown(folder, uid, home.user.gid, follow_symlinks=False)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid:
        raise FolderTaken(
            f"The database's socket belongs into {folder}, which belongs to the user"
            f" {name_of(found.st_uid)}. Remove it if it is a leftover.",
            folder=str(folder),
        )
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)
    return folder


def remove_short_socket_dir(home: Home) -> None:
    """Leave nothing in a folder that belongs to everyone, unless a server is still stopping."""
    folder = socket_dir(home)
    if folder.parent == home.path or _owner(folder) != home.user.uid or folder.is_symlink():
        return
    if not any(folder.iterdir()):
        folder.rmdir()


def _fits(folder: Path) -> bool:
    """Tell whether the path can be a socket's, and in an address: there a comma parts two hosts."""
    return (
        "," not in str(folder)
        and len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES
    )


def _key(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _owner(folder: Path) -> int | None:
    try:
        return folder.stat().st_uid
    except OSError:
        return None


def _place(data_dir: Path, user: ServerUser, say: Callable[[str], None]) -> Path:
    """Return the folder itself where the server user can reach it, else the one apart."""
    apart = ROOT_DIR / "clusters" / _key(data_dir)
    if (apart / CLUSTER).exists():
        return apart  # even if the folder can be reached by now: the data stays where it is
    _let_through_own_folder(user)
    existing = next(folder for folder in (data_dir, *data_dir.parents) if folder.exists())
    if user.may_enter(existing):
        return data_dir
    if (data_dir / CLUSTER).exists():
        _refuse_cluster(Home(path=data_dir, user=user))
    if (data_dir / CLUSTER).exists() or data_dir in (apart, *apart.parents):
        raise FolderUnreachable(
            f"The user {user.name}, as which the database runs, cannot enter {data_dir}."
            f" Let its group through: chgrp {user.name} FOLDER && chmod g+x FOLDER, for each folder"
            " on the way that is closed to it.",
            folder=str(data_dir),
        )
    if existing == data_dir:
        _refuse_strangers(Home(path=data_dir, user=user))
    if not user.may_enter(next(folder for folder in apart.parents if folder.exists())):
        raise FolderUnreachable(
            f"The user {user.name}, as which the database runs, can enter neither {data_dir} nor"
            f" {ROOT_DIR}. Let its group through: chgrp {user.name} {ROOT_DIR}"
            f" && chmod g+x {ROOT_DIR}",
            folder=str(data_dir),
        )
    say(f"The user {user.name} cannot enter {data_dir}, so the database lies in {apart}.")
    return apart


def _let_through_own_folder(user: ServerUser) -> None:
    """Let the server user through /var/lib/marketable where another part of the product made it
    first, for the secret key, closed to all but root. No other folder is ever opened."""
    if not ROOT_DIR.exists():
        return
    found = ROOT_DIR.stat()
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid != 0 or found.st_gid not in {0, user.gid} or mode not in {0o700, 0o710}:
        return
    if found.st_gid == user.gid and mode == 0o710:
        return
    _refuse_strangers(Home(path=ROOT_DIR, user=user))
    os.chown(ROOT_DIR, -1, user.gid)
    ROOT_DIR.chmod(0o710)


def make_for_server(path: Path, user: ServerUser) -> None:
    """Make a home and the folders above it.

    An ordinary user's are 0700. Root's stay root's, so that the server's user cannot exchange the
    locks and the password; that user's group is let through (0710), and nobody else.
    """
    if not user.switch:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        ours = folder in (path, ROOT_DIR) or ROOT_DIR in folder.parents
        # A command beside this one must not find the folder still closed and go elsewhere.
        fresh = folder.with_name(f".{secrets.token_hex(8)}")
        fresh.mkdir(mode=0o700)
        if ours:
            os.chown(fresh, -1, user.gid)
        fresh.chmod(0o710 if ours else 0o755)
        try:
            fresh.rename(folder)
        except FileExistsError:
            fresh.rmdir()
        except OSError as error:
            fresh.rmdir()
            if error.errno != errno.ENOTEMPTY:
                raise


def _refuse_strangers(home: Home) -> None:
    names = sorted(entry.name for entry in home.path.iterdir())
    known = (home.start_lock.name in names) or (CLUSTER in names)
    strange = [
        name for name in names if not NOT_STRANGE.fullmatch(name) and not name.startswith(HALF_MADE)
    ]
    if strange and not known:
        raise FolderTaken(
            f"{home.path} holds something else: {', '.join(strange[:3])}"
            f"{' …' if len(strange) > 3 else ''}. Choose an empty or a new folder with"
            " MARKETABLE_DATA_DIR.",
            folder=str(home.path),
        )
    if CLUSTER in names:
        _refuse_cluster(home)


def _refuse_cluster(home: Home) -> None:
    """Raise what speaks against the cluster that is there."""
    owner = home.cluster.lstat().st_uid
    if owner != home.user.uid:
        maker = name_of(home.path.stat().st_uid)  # root, where the cluster is its server user's
        raise _not_ours(
            home,
            f"belongs to the user {name_of(owner)}",
            f"Run the command as {maker}, or choose another folder with MARKETABLE_DATA_DIR."
            if maker != name_of(os.geteuid())
            else f"If it is yours: chown -R {home.user.name}: {home.cluster}",
        )
    try:
        version = (home.cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise _not_ours(
            home, "is no database", "Choose another folder with MARKETABLE_DATA_DIR."
        ) from None
    if version != MAJOR:
        raise OtherVersion(
            f"The database in {home.cluster} was made by PostgreSQL {version}, and this release"
            f" brings PostgreSQL {MAJOR}. Back it up with the release that made it (marketable"
            " backup FILE), then restore that into a new folder (marketable restore FILE).",
            found=version,
            needed=MAJOR,
        )


def _not_ours(home: Home, what: str, remedy: str) -> PostgresRefused:
    return FolderTaken(f"{home.cluster} {what}. {remedy}", folder=str(home.path))
