"""Shells, for tests with real processes."""

from pathlib import Path

import pytest

from tests.commands.shell import Shell


@pytest.fixture
def shell(fresh_database: str, tmp_path: Path) -> Shell:
    """Commands on a migrated, empty database."""
    return Shell(fresh_database, tmp_path)
