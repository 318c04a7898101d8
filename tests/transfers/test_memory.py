"""Memory does not grow with the file: each import and export runs in a process of its own."""

import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openpyxl
import pytest

from marketable.transfers import workbooks
from tests.commands.shell import PATIENCE_SECONDS, Shell

MOST_MIB = 300
#: Runs one command in this process and says the most memory that it held, in MiB.
MEASURED = (
    "import pathlib, re, sys\n"
    "from marketable.commands.main import main\n"
    "status = main(sys.argv[1:])\n"
    "told = pathlib.Path('/proc/self/status').read_text()\n"
    "most = int(re.search(r'VmHWM:\\s+(\\d+)', told)[1]) // 1024\n"  # ru_maxrss outlives a fork
    "print(f'peak {most} status {status}', file=sys.stderr)\n"
)


def measured(shell: Shell, *words: str | int | Path) -> tuple[int, int]:
    """Return (most MiB, exit status) of a command."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, words)],
        env=shell.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE_SECONDS * 5,
    )
    found = done.stderr.splitlines()[-1].split()
    assert found[0] == "peak", done.stderr
    return int(found[1]), int(found[3])


@pytest.fixture
def account(shell: Shell) -> int:
    found: int = shell.python("answer = make.account().id")
    return found


@contextmanager
def streamed(path: Path, blocks: Iterator[bytes]) -> Iterator[None]:
    """A pipe into which the blocks are written for as long as somebody reads."""
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb") as pipe:
            try:
                for block in blocks:
                    pipe.write(block)
            except BrokenPipeError:
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        writer.join(timeout=PATIENCE_SECONDS)


def two_gigabytes() -> Iterator[bytes]:
    yield b"email,name\n"
    rows = b"".join(b"a%d@example.com,Jan\n" % number for number in range(50_000))
    for _ in range(2 * 1024**3 // len(rows)):
        yield rows


def test_a_stream_of_2_gb_is_refused_in_little_memory(
    shell: Shell, account: int, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    with streamed(pipe, two_gigabytes()):
        peak, status = measured(shell, "contacts", "import", pipe, "--account", account)
    assert status == 1 and peak < MOST_MIB
    assert list((shell.data_dir / "imports").iterdir()) == []


def test_a_sparse_file_of_2_gb_is_refused_in_little_memory(
    shell: Shell, account: int, tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    with path.open("wb") as file:
        file.write(b"email\n")
        file.truncate(2 * 1024**3)
    peak, status = measured(shell, "contacts", "import", path, "--account", account)
    assert status == 1 and peak < MOST_MIB


@pytest.mark.parametrize("shape", ["many rows", "nothing but bad rows", "one endless row", "wide"])
def test_a_large_file_is_read_in_little_memory(shell: Shell, account: int, shape: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        with path.open("w") as out:
            if shape == "many rows":
                out.write("email,name,company,phone,city\n")
                out.writelines(
                    f"a{n}@example.com,Name {n},Company {n},+48 600 {n:06},City {n}\n"
                    for n in range(150_000)
                )
            elif shape == "nothing but bad rows":
                out.write("email,name\n")
                out.writelines(f"bad {n},Name\n" for n in range(300_000))
            elif shape == "one endless row":
                out.write("email,name\n")
                out.writelines("x" * 1024 * 1024 for _ in range(100))
            else:
                names = [f"c{n}" for n in range(999)]
                out.write(",".join(["email", *names]) + "\n")
                out.writelines(
                    f"w{n}@example.com," + ",".join([f"value {n}"] * 999) + "\n"
                    for n in range(3_000)
                )
        peak, status = measured(
            shell, "contacts", "import", path, "--account", account, "--dry-run"
        )
    assert peak < MOST_MIB
    assert status == (1 if shape == "one endless row" else 0)


def test_a_workbook_of_the_largest_size_is_read_in_little_memory(
    shell: Shell, account: int, tmp_path: Path
) -> None:
    path = tmp_path / "people.xlsx"
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["email", *(f"c{n}" for n in range(50))])
    for number in range(20_000):
        sheet.append([f"a{number}@example.com", *(number * 50 + n for n in range(50))])
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        size = sum(one.file_size for one in archive.infolist() if "sheet" in one.filename)
    assert workbooks.LARGEST_SHEET * 0.4 < size < workbooks.LARGEST_SHEET
    peak, status = measured(shell, "contacts", "import", path, "--account", account, "--dry-run")
    assert status == 0 and peak < MOST_MIB


def test_an_export_is_written_in_little_memory(shell: Shell, account: int, tmp_path: Path) -> None:
    shell.rows(
        "INSERT INTO contact (account_id, email, name_key, properties, version, created_at, "
        "updated_at) "
        f"SELECT {account}, 'a' || n || '@example.com', 'a', "
        "jsonb_build_object('city', repeat('x', 5000)), 1, now(), now() "
        "FROM generate_series(1, 40000) AS n RETURNING NULL"
    )
    target = tmp_path / "out.csv"
    peak, status = measured(shell, "contacts", "export", target, "--account", account)
    assert status == 0 and peak < MOST_MIB
    assert target.stat().st_size > 200 * 1000 * 1000
