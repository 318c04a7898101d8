"""Compile the translations into what is built; all else is in pyproject.toml."""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithTexts(build_py):
    """A wheel speaks every language, also when it is built without make."""

    def run(self) -> None:
        for source in Path("marketable/locale").glob("*/LC_MESSAGES/*.po"):
            with source.open("rb") as texts, source.with_suffix(".mo").open("wb") as compiled:
                write_mo(compiled, read_po(texts))
        super().run()


setup(cmdclass={"build_py": BuildWithTexts})
