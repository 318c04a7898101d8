"""The one typed reader of environment variables. An unknown MARKETABLE_… name stops the start."""

import contextlib
import difflib
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

CONNECT_SECONDS = 10
KNOWN = {
    "MARKETABLE_DATA_DIR": "Folder of the embedded database, the secret key and uploaded files.",
    "MARKETABLE_SECRET_KEY": "Key that signs sessions; made once into the data folder if not set.",
    "MARKETABLE_BASE_URL": "Address under which people reach the server, behind a proxy.",
    "MARKETABLE_CONTACT_LIMIT": "Live contacts an account may store; 15,000,000 by default.",
    "DATABASE_URL": "A PostgreSQL server of your own, 15 to 18, instead of the embedded one.",
    "EMAIL_URL": "How mail leaves: console:, file:///folder, smtp://user:password@host:port.",
}


class UnknownSetting(Exception):
    """The environment names a MARKETABLE_… variable that does not exist."""


@dataclass(frozen=True, slots=True)
class Environment:
    data_dir: Path
    secret_key: str | None
    base_url: str | None
    contact_limit: int
    database_url: str | None
    email_url: str


def read(environ: Mapping[str, str] = os.environ) -> Environment:
    """Return the settings of this process.

    Raises UnknownSetting with the nearest known name, so that a misspelt variable is not ignored.
    """
    for name in environ:
        if name.startswith("MARKETABLE_") and name not in KNOWN:
            near = difflib.get_close_matches(name, KNOWN, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UnknownSetting(f"There is no setting {name}.{hint}")
    return Environment(
        data_dir=data_dir(environ),
        secret_key=environ.get("MARKETABLE_SECRET_KEY") or None,
        base_url=environ.get("MARKETABLE_BASE_URL") or None,
        contact_limit=int(environ.get("MARKETABLE_CONTACT_LIMIT") or 15_000_000),
        database_url=environ.get("DATABASE_URL") or None,
        email_url=environ.get("EMAIL_URL") or "console:",
    )


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the data folder: the one named, else the usual one of this user."""
    named = environ.get("MARKETABLE_DATA_DIR")
    if named:
        return Path(named).expanduser().resolve()
    if os.geteuid() == 0:
        return Path("/var/lib/marketable")
    return Path.home() / ".local/share/marketable"


def host_names(environment: Environment) -> list[str]:
    """Return the names under which the server may be asked for: those of the base address, else
    of this machine. A page under another name could lead people's links and sign-ins away."""
    loopback = ["127.0.0.1", "localhost", "[::1]"]
    if environment.base_url:
        return [urlsplit(environment.base_url).hostname or "localhost", *loopback]
    name = socket.gethostname().lower()
    return [*loopback, ".localhost", name, f"{name.partition('.')[0]}.local", *_own_addresses()]


def _own_addresses() -> list[str]:
    """Return this machine's addresses as other machines see them. Nothing is sent."""
    found = []
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, 9))
            address = probe.getsockname()[0]
            found.append(f"[{address}]" if family is socket.AF_INET6 else address)
    return found


def secret_key(environment: Environment) -> str:
    """Return the signing key; make it once, into a file that only this user can read."""
    if environment.secret_key:
        return environment.secret_key
    path = environment.data_dir / "secret_key"
    if not path.exists():
        environment.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f".secret_key.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(fresh, path)  # atomic, and the first of two processes wins
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()


def database(url: str) -> dict[str, object]:
    """Return Django's DATABASES entry for a PostgreSQL address."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    host = unquote(parts.hostname or "") or query.pop("host", "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or query.pop("port", "") or ""),
        "OPTIONS": {
            # One attempt that hangs must not use up the pool's patience.
            "connect_timeout": CONNECT_SECONDS,
            **query,
            "pool": {"min_size": 1, "max_size": 16, "timeout": 30},
        },
        "CONN_MAX_AGE": 0,
        # A connection of the pool may have died with a server that was restarted meanwhile.
        "CONN_HEALTH_CHECKS": True,
    }


def email(url: str) -> dict[str, object]:
    """Return Django's e-mail settings for an EMAIL_URL."""
    parts = urlsplit(url)
    backend = "django.core.mail.backends."
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": backend + "console.EmailBackend"}
    if parts.scheme == "file":
        return {"EMAIL_BACKEND": backend + "filebased.EmailBackend", "EMAIL_FILE_PATH": parts.path}
    if parts.scheme in {"smtp", "smtps", "smtp+tls"}:
        return {
            "EMAIL_BACKEND": backend + "smtp.EmailBackend",
            "EMAIL_HOST": parts.hostname or "localhost",
            "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
            "EMAIL_HOST_USER": unquote(parts.username or ""),
            "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
            "EMAIL_USE_SSL": parts.scheme == "smtps",
            "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
            "EMAIL_TIMEOUT": 20,
        }
    raise UnknownSetting(f"EMAIL_URL cannot start with {parts.scheme}:")
