"""docs/settings.md names exactly what the reader of the environment knows."""

import re

from marketable.config import env
from tests.commands.shell import ROOT


def test_every_setting_is_documented_with_its_purpose() -> None:
    text = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| [^|]* \| ([^|]*) \|$", text, re.MULTILINE))
    assert set(documented) == {*env.KNOWN, "LOG_LEVEL"}
    for name, purpose in env.KNOWN.items():
        assert documented[name].startswith(
            purpose.split(",")[0].split(";")[0].split(":")[0].rstrip(".")
        )


def test_the_unit_for_systemd_names_settings_that_exist() -> None:
    unit = (ROOT / "ops/marketable.service").read_text(encoding="utf-8")
    for name in re.findall(r"^Environment=([A-Z_]+)=", unit, re.MULTILINE):
        assert name in env.KNOWN
