"""The page on erasure knows every column that could hold something of a person (S14)."""

import re
import subprocess
import sys

import pytest

from marketable import sql
from tests.docs.pages import ROOT, own_files, page, spans, table

COULD_HOLD_A_VALUE = """
SELECT columns.table_name || '.' || columns.column_name
  FROM information_schema.columns
  JOIN information_schema.tables USING (table_schema, table_name)
 WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
   AND data_type NOT IN ('bigint', 'integer', 'smallint', 'boolean', 'date', 'uuid', 'interval',
                         'timestamp with time zone', 'double precision')
   AND udt_name <> 'xid8'
"""


def emptied() -> set[str]:
    """The columns that the page says are emptied or whose rows are deleted."""
    where = table(page("rules/erasure.md"), "where", "what it holds", "erasing").column("where")
    return {span for cell in where for span in spans(cell) if re.fullmatch(r"\w+\.\w+", span)}


def free_of_personal_values() -> set[str]:
    """The columns of the other two tables; a row may name several tables that share names."""
    text = page("rules/erasure.md")
    first, second = text.split("## What holds no personal data of contacts")[1].split("People who")
    found = set()
    for part in (first, second):
        listed = table(part, "table", "columns", "what they hold")
        for names, columns, _purpose in listed.rows:
            found |= {f"{name}.{column}" for name in spans(names) for column in spans(columns)}
    return found


@pytest.mark.django_db
def test_every_column_that_could_hold_a_value_is_on_the_page() -> None:
    stored = {str(row[0]) for row in sql.rows(COULD_HOLD_A_VALUE)}
    assert stored - emptied() - free_of_personal_values() == set()


@pytest.mark.django_db
def test_the_page_names_no_column_that_is_gone() -> None:
    stored = {str(row[0]) for row in sql.rows(COULD_HOLD_A_VALUE)}
    assert emptied() - stored == set()
    tables_there = {name.partition(".")[0] for name in stored}
    named = {name.partition(".")[0] for name in free_of_personal_values()}
    assert named - tables_there == set()


def test_no_column_is_both_emptied_and_free_of_personal_values() -> None:
    assert emptied() & free_of_personal_values() == set()


def test_every_process_knows_who_else_must_forget() -> None:
    """Areas name their modules when the product starts, whatever it is started for."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import django; django.setup()\n"
            "from marketable.contacts.erasing import erasers\n"
            "print(*(one.__module__ for one in erasers()))",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    expected = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in own_files("marketable/*.py")
        if re.search(r"^@on_erase$", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert expected
    assert sorted(done.stdout.split()) == expected
