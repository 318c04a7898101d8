"""What lies in `ops/` names commands, settings and files that exist."""

import json
import re
from pathlib import Path

import pytest

from marketable.commands.main import parser
from marketable.config import env
from tests.docs.pages import ROOT

OPS = ROOT / "ops"
UNITS = sorted(OPS.glob("*.service"))
INSTALLED = "/opt/marketable/"


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_names_settings_and_commands_that_exist(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    for name in re.findall(r"^Environment=([A-Z_]+)=", text, re.MULTILINE):
        assert name in env.KNOWN
    started = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert started is not None
    program, *words = started[1].split()
    if program.endswith("/marketable"):
        parser().parse_args(words)
    else:
        assert (program, words[0].removeprefix(INSTALLED)) == ("/bin/sh", "ops/backup.sh")


def test_the_timer_starts_a_unit_that_exists() -> None:
    for timer in OPS.glob("*.timer"):
        assert timer.with_suffix(".service") in UNITS


def test_files_that_name_each_other_exist() -> None:
    for path in (*UNITS, *OPS.glob("*.timer"), OPS / "Containerfile"):
        for name in re.findall(r"\bops/([\w.-]*[\w*])", path.read_text(encoding="utf-8")):
            assert list(OPS.glob(name)), f"{path.name} names {name}"


def test_the_container_file_takes_what_is_there_and_runs_what_exists() -> None:
    text = (OPS / "Containerfile").read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE):
        *sources, _target = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
    for name in re.findall(r"^ENV ([A-Z_]+)=", text, re.MULTILINE):
        assert name in env.KNOWN
    command = re.search(r"^CMD (\[.*\])$", text, re.MULTILINE)
    assert command is not None
    options = parser().parse_args(json.loads(command[1]))
    port = re.search(r"^EXPOSE (\d+)$", text, re.MULTILINE)
    assert port is not None
    assert options.port == int(port[1])
    assert f":{port[1]}/healthz" in text
