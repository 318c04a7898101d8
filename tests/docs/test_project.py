"""What the project says of itself is true of the tree, and it says nothing of other places."""

import re
import subprocess
import sys
import tomllib

import pytest

from tests.docs.pages import ROOT, own_files, page, spans, table, tables

#: Where packages and images are fetched from is the machine's business, not the project's.
REGISTRY = re.compile(
    r"pypi\.\w+|pythonhosted|test\.pypi|(?:extra-)?index-url|npmjs|ghcr\.io|docker\.io|quay\.io"
    r"|gcr\.io|proxy\.golang|crates\.io",
    re.IGNORECASE,
)
#: Folders of one machine or one person.
OUTSIDE = re.compile(r"(?<![\w.{}$)])/(?:work|root|Users)/|\.\./" + "shared")
HERE = "tests/docs/test_project.py"


def readable_files() -> dict[str, str]:
    found = {}
    for path in own_files():
        try:
            found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            assert path.suffix in {".png", ".xlsx", ".mo"}, path
    return found


@pytest.mark.parametrize("pattern", [REGISTRY, OUTSIDE], ids=["registry", "outside"])
def test_no_file_names_a_registry_or_a_folder_outside_the_project(
    pattern: re.Pattern[str],
) -> None:
    found = {
        name: sorted(set(pattern.findall(text)))
        for name, text in readable_files().items()
        if name != HERE and pattern.search(text)
    }
    assert found == {}


def test_every_pinned_package_has_hashes_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.split(r"\n(?=[a-z0-9])", "\n" + "\n".join(
        line for line in lock.splitlines() if not line.lstrip().startswith("#")
    ))[1:]  # fmt: skip
    assert len(pins) > 30
    for pin in pins:
        assert re.match(r"[a-z0-9._-]+(?:\[[a-z,]+\])?==\S+", pin), pin
        assert "--hash=sha256:" in pin, pin
        assert "://" not in pin, pin


def test_the_table_of_groups_names_every_folder_and_module() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = {
        span.rstrip("/")
        for cell in table(text, "group", "what it knows").column("group")
        for span in spans(cell)
    }
    package = ROOT / "marketable"
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    modules = {path.name for path in package.glob("*.py") if not path.name.startswith("__")}
    assert named == folders | modules


def test_the_order_of_groups_is_the_one_that_is_enforced() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = [
        {span.removesuffix(".py").rstrip("/") for span in spans(cell)}
        for cell in table(text, "group", "what it knows").column("group")
    ]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    there = {one for row in rows for one in row}
    enforced = [{name.strip("() ") for name in layer.split("|")} & there for layer in layers]
    assert rows == [layer for layer in enforced if layer]


def test_architecture_fits_two_screens() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()) <= 100


def test_every_decision_fits_forty_lines() -> None:
    for path in (ROOT / "docs/decisions").glob("*.md"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 40, path.name


def test_every_word_of_code_in_the_glossary_exists() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for path in own_files("marketable/*.py", "marketable/*.sql")
    )
    named = {
        span
        for listed in tables(page("glossary.md"))
        for cell in listed.column("in code")
        for span in spans(cell)
    }
    assert {word for word in named if not re.search(rf"\b{re.escape(word)}\b", code)} == set()


def test_every_link_between_documents_leads_somewhere() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "ops/doc_links.py"], capture_output=True, text=True
    )
    assert done.stdout == ""
    assert done.returncode == 0


def test_every_target_of_make_that_documents_name_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for path in own_files("*.md"):
        for target in re.findall(r"(?:^|`)make ([a-z]+)", path.read_text(encoding="utf-8")):
            assert target in targets, f"{path.name}: make {target}"


def test_the_readme_names_the_version_that_is_built() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"version {settings['project']['version']}" in readme
