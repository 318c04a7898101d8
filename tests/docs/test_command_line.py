"""The page on the command line has every command and every option, and no others."""

import argparse
import re
import shlex
from collections.abc import Iterator

from marketable.commands.main import parser
from tests.docs.pages import own_files, page, spans, table

PAGE = page("guide/command-line.md")
BLOCK = re.compile(r"^```\n(.*?)^```", re.DOTALL | re.MULTILINE)
#: A call of the command in a block, after a prompt, a folder or settings if there are any.
CALL = re.compile(r"^(?:\$ |.* |\.venv/bin/)?(marketable [a-z].*)$", re.MULTILINE)


def commands(found: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield (words, parser) of every command that can be called."""
    choices = [one for one in found._actions if isinstance(one, argparse._SubParsersAction)]
    if not choices:
        yield found.prog, found
    for choice in choices:
        for below in choice.choices.values():
            yield from commands(below)


def options(found: argparse.ArgumentParser) -> set[str]:
    names = {
        one.option_strings[0] if one.option_strings else str(one.metavar or one.dest)
        for one in found._actions
    }
    return names - {"-h"}


def documented() -> dict[str, set[str]]:
    """Return command → the options in the table of its section."""
    sections = re.split(r"^#{2,3} ", PAGE, flags=re.MULTILINE)[1:]
    found = {}
    for section in sections:
        title = re.match(r"`(marketable [a-z -]+)`\n", section)
        if title:
            listed = table(section, "option", "meaning").column("option")
            found[title[1]] = {span for cell in listed for span in spans(cell)}
    return found


def test_every_command_has_a_section_with_every_option() -> None:
    assert documented() == {name: options(found) for name, found in commands(parser())}


def test_every_command_line_in_the_documents_can_be_read() -> None:
    """What stands in a block of code is parsed, not run."""
    known = [name for name, _found in commands(parser())]
    lines = []
    for path in own_files("README.md", "docs/guide/*.md"):
        for block in BLOCK.findall(path.read_text(encoding="utf-8")):
            lines += CALL.findall(block)
    assert len(lines) > 10
    for line in lines:
        assert any(line.startswith(name) for name in known), line
        parser().parse_args(shlex.split(line)[1:])
