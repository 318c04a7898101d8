"""Which release this is: from the installed package, or from the checkout's own file."""

import tomllib
from importlib import metadata
from pathlib import Path


def version() -> str:
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if project.is_file():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    return metadata.version("marketable")
