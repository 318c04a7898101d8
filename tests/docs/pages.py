"""Reading the project's own pages: tables, code spans, and rules with their numbers."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "docs" / "rules"

#: A rule is defined by its number in bold, at the beginning of a list item or of a table's row.
DEFINED = re.compile(r"^(?:- |\| )\*\*([A-Z]\d+)\*\*", re.MULTILINE)
SPAN = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a page; cells as they are written, without blanks around them."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> list[str]:
        place = self.header.index(name)
        return [row[place] for row in self.rows]


def page(name: str) -> str:
    """Return the text of a page of `docs/`."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def tables(text: str) -> Iterator[Table]:
    lines: list[tuple[str, ...]] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            lines.append(tuple(cell.strip() for cell in line.strip("|").split("|")))
        elif lines:
            yield Table(lines[0], tuple(lines[2:]))
            lines = []


def table(text: str, *header: str) -> Table:
    """Return the table whose header begins with these names."""
    found = [one for one in tables(text) if one.header[: len(header)] == header]
    assert len(found) == 1, f"{len(found)} tables begin with {header}"
    return found[0]


def spans(text: str) -> list[str]:
    """Return what stands between backticks."""
    return SPAN.findall(text)


def defined_rules() -> dict[str, list[str]]:
    """Return rule number → the pages that define it."""
    found: dict[str, list[str]] = {}
    for path in sorted(RULES.glob("*.md")):
        for number in DEFINED.findall(path.read_text(encoding="utf-8")):
            found.setdefault(number, []).append(path.name)
    return found


#: What a checkout makes for itself, where there is no git to ask.
MADE = {".venv", ".data", ".git", ".hypothesis", "build", "__pycache__", ".mo"}


def own_files(*patterns: str) -> list[Path]:
    """Return the files of the checkout that git knows or would take, and that are there; all but
    what was made there, where git is not installed."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        names = [
            path.relative_to(ROOT).as_posix()
            for path in ROOT.rglob("*")
            if path.is_file() and not MADE & {*path.relative_to(ROOT).parts, path.suffix}
        ]
        return sorted(
            ROOT / name
            for name in names
            if not patterns or any(fnmatch(name, pattern) for pattern in patterns)
        )
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return sorted({path for path in paths if path.is_file()})
