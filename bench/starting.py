"""`marketable serve` on a folder that is in use, from the command to the line that it is ready,
against the start of PostgreSQL on the same folder plus that of Django alone in a fresh process."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from bench.figures import Figure, measured, say, seconds_of
from marketable.postgres import join

GOAL = 1.5
ROUNDS = 9
READY = b"marketable is ready"

#: Django as it comes, with the parts of its own that the product uses.
DJANGO = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib." + name for name in
                    ("auth", "contenttypes", "sessions", "messages", "staticfiles", "humanize")],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "x"}},
)
django.setup()
from django.core.wsgi import get_wsgi_application
get_wsgi_application()
"""


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="marketable-bench-start-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # when root runs this, the server's own user must get there
        data_dir = folder / "data"
        first = _serve(data_dir)
        say(f"  first start of all, with its database made: {first:.2f} s")
        yield measured(
            "start of serve",
            1,
            product=lambda: _serve(data_dir),
            floor=lambda: _postgres(data_dir) + _django(),
            floor_is="start of PostgreSQL on the same folder, plus import and set-up of Django",
            goal=GOAL,
            rounds=ROUNDS,
        )


def _serve(data_dir: Path) -> float:
    """Start the command, wait until it is ready, and end it; return how long it took."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {
        "MARKETABLE_DATA_DIR": str(data_dir)
    }
    began = perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "marketable", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = perf_counter() - began
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert line.startswith(READY), line
    return seconds


def _postgres(data_dir: Path) -> float:
    began = perf_counter()
    cluster = join(data_dir, say=lambda line: None)
    seconds = perf_counter() - began
    assert cluster.was_started
    cluster.leave()
    return seconds


def _django() -> float:
    return seconds_of(lambda: subprocess.run([sys.executable, "-c", DJANGO], check=True))
