"""Collect the texts of code and templates into the catalogues: `make messages`.

The same collection serves the test that refuses texts without a translation, so both see alike.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po
from django.template.base import Lexer, Token, TokenType
from django.utils.text import smart_split
from django.utils.translation import trim_whitespace

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "marketable"
LANGUAGES = ("pl",)

KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
    "InvalidDefinition": (2,),  # rules are pure; what they say is worded by their service
}

#: No dates and no names: a run that finds nothing new changes nothing.
HEADER = """\
# Texts in another language. `make messages` keeps this file in step with the code.
msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plurals}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""

Found = tuple[int, str, str | tuple[str, ...], list[str]]


def path_of(language: str) -> Path:
    return SOURCE / "locale" / language / "LC_MESSAGES" / "django.po"


def collect() -> Catalog:
    """Return a catalogue of every text that is marked for translation."""
    catalogue = Catalog()
    kinds = ("html", "txt")
    templates = [(f"**/templates/**.{kind}", of_template) for kind in kinds]
    methods: list[tuple[str, Any]] = [("**.py", "python"), *templates]
    for _file, _line, text, notes, context in extract_from_dir(
        SOURCE, methods, keywords=KEYWORDS, comment_tags=("Translators:",)
    ):
        if text:
            catalogue.add(text, auto_comments=notes, context=context)
    return catalogue


def of_template(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterator[Found]:
    """Yield the texts of a Django template, as babel takes them from a method of its own."""
    return texts_of(file.read().decode("utf-8"))


def texts_of(source: str) -> Iterator[Found]:
    """Yield (line, function, arguments, notes) for every text marked in a template."""
    tokens = iter(Lexer(source).tokenize())
    for token in tokens:
        if token.token_type is TokenType.BLOCK:
            name, *arguments = smart_split(token.contents)
            if name in {"blocktranslate", "blocktrans"}:
                yield _block(token, arguments, tokens)
                continue
            if name in {"translate", "trans"}:
                yield _marked(token, [_plain(arguments[0])], arguments)
                continue
        if token.token_type in {TokenType.BLOCK, TokenType.VAR}:
            for quoted in re.findall(r"""_\(("[^"]*"|'[^']*')\)""", token.contents):
                yield token.lineno or 0, "gettext", _plain(quoted), []


def _block(token: Token, arguments: list[str], tokens: Iterable[Token]) -> Found:
    forms = [""]
    for inner in tokens:
        if inner.token_type is TokenType.VAR:
            forms[-1] += f"%({inner.contents})s"
        elif inner.token_type is TokenType.TEXT:
            forms[-1] += inner.contents.replace("%", "%%")
        elif inner.contents.startswith("plural"):
            forms.append("")
        elif inner.contents.startswith("end"):
            break
    if "trimmed" in arguments:
        forms = [trim_whitespace(form) for form in forms]
    return _marked(token, forms, arguments)


def _marked(token: Token, forms: list[str], arguments: list[str]) -> Found:
    line = token.lineno or 0
    function = "ngettext" if len(forms) == 2 else "gettext"
    if "context" in arguments:
        context = _plain(arguments[arguments.index("context") + 1])
        return line, function.replace("gettext", "pgettext"), (context, *forms), []
    return line, function, tuple(forms) if len(forms) == 2 else forms[0], []


def _plain(quoted: str) -> str:
    return quoted[1:-1]


def read(language: str) -> Catalog:
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


def write(catalogue: Catalog, language: str) -> None:
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(HEADER.format(language=language, plurals=catalogue.plural_forms).encode())
        write_po(file, catalogue, width=100, no_location=True, omit_header=True, sort_output=True)


def update(language: str) -> tuple[int, int]:
    """Bring a catalogue up to date; return how many texts it has, and how many lack a translation.

    What is no longer said goes. Nothing is guessed from similar texts.
    """
    catalogue = read(language) if path_of(language).exists() else Catalog(locale=language)
    catalogue.update(collect(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    write(catalogue, language)
    messages = [message for message in catalogue if message.id]
    return len(messages), sum(not is_translated(message.string) for message in messages)


def is_translated(translation: str | Sequence[str] | None) -> bool:
    forms = (translation,) if isinstance(translation, str | None) else translation
    return bool(forms) and all(forms)


def main() -> None:
    for language in LANGUAGES:
        total, missing = update(language)
        sys.stdout.write(
            f"{path_of(language).relative_to(ROOT)}: {total} texts, {missing} to translate\n"
        )


if __name__ == "__main__":
    main()
