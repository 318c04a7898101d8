"""Every text has a good translation, and no text of a page is written past the catalogues (Y1)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from django.template.base import Lexer, TokenType
from django.utils import translation
from django.utils.translation import ngettext

from marketable.accounts.wording import RIGHTS
from marketable.history.sources import SourceType
from marketable.history.wording import source_name
from marketable.web.wording import KINDS, ROLES
from ops import texts
from tests.languages.reading import read

TEMPLATES = sorted(texts.SOURCE.glob("**/templates/**/*.html"))
PYTHON = sorted(
    [*(texts.SOURCE / "web").rglob("*.py"), *texts.SOURCE.glob("*/errors.py")],
)
PLACES = re.compile(r"%\(\w+\)[sd]|\{\w+\}")

#: Names that are the same in every language.
NAMES = {"marketable", "English", "Polski", "CSV", "API"}

every_language = pytest.mark.parametrize("language", texts.LANGUAGES)


def forms(value: object) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (str(value),)


def messages(language: str) -> list[Message]:
    return [message for message in texts.read(language) if message.id]


@pytest.fixture(scope="module")
def collected() -> Catalog:
    return texts.collect()


@every_language
def test_the_catalogue_holds_what_code_and_templates_say(language: str, collected: Catalog) -> None:
    wanted = {(one.context, forms(one.id)) for one in collected if one.id}
    held = {(one.context, forms(one.id)) for one in messages(language)}
    assert sorted(wanted - held, key=str) == [], "Run `make messages` and translate these."
    assert sorted(held - wanted, key=str) == [], "Run `make messages`: these are no longer said."
    assert not texts.read(language).obsolete


@every_language
def test_every_text_is_translated_for_certain(language: str) -> None:
    assert [one.id for one in messages(language) if not texts.is_translated(one.string)] == []
    assert [one.id for one in messages(language) if one.fuzzy] == []


@every_language
def test_a_translation_has_the_places_of_its_text(language: str) -> None:
    for message in messages(language):
        wanted = set(PLACES.findall(forms(message.id)[-1]))
        for form in forms(message.string):
            assert set(PLACES.findall(form)) == wanted, message.id


@every_language
def test_a_translation_begins_and_ends_as_its_text(language: str) -> None:
    """Spaces, line ends, full stops and colons stay where they were."""
    for message in messages(language):
        text = forms(message.id)[-1]
        for form in forms(message.string):
            assert len(form) - len(form.lstrip()) == len(text) - len(text.lstrip()), text
            for sign in (".", ":", "\n"):
                assert form.endswith(sign) == text.endswith(sign), text
            assert "!" not in form and "..." not in form, text


@every_language
def test_counted_texts_have_every_form(language: str) -> None:
    catalogue = texts.read(language)
    for message in messages(language):
        if isinstance(message.id, tuple | list):
            assert len(forms(message.string)) == catalogue.num_plurals, message.id
        else:
            assert isinstance(message.string, str), message.id


@pytest.mark.parametrize(
    ("count", "form"), [(1, 0), (2, 1), (4, 1), (5, 2), (12, 2), (14, 2), (22, 1), (25, 2), (0, 2)]
)
def test_polish_counts_in_three_forms(count: int, form: int) -> None:  # Y2
    said = ["1 kontakt", "%s kontakty", "%s kontaktów"][form].replace("%s", str(count))
    with translation.override("pl"):
        text = ngettext(
            "Confirm: set %(count)s contact", "Confirm: set %(count)s contacts", count
        ) % {"count": count}
    assert text == f"Potwierdź: ustaw {said}"


def bare(source: str) -> Iterator[str]:
    """Yield the words of a template that no tag translates."""
    markup, is_translated = "", False
    for token in Lexer(source).tokenize():
        if token.token_type is TokenType.TEXT and not is_translated:
            markup += token.contents
        elif token.token_type is TokenType.BLOCK:
            if token.contents.startswith(("blocktranslate", "blocktrans")):
                is_translated = True
            elif token.contents.startswith(("endblocktranslate", "endblocktrans")):
                is_translated = False
        if token.token_type is not TokenType.TEXT and markup.rfind("<") <= markup.rfind(">"):
            markup += " "  # between tags; within one, what stands there is no text
    for text in read(markup):
        for word in re.findall(r"[^\W\d_]{2,}", text):
            if word not in NAMES:
                yield word


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_says_a_word_past_the_catalogues(path: Path) -> None:
    assert list(bare(path.read_text(encoding="utf-8"))) == []


def test_a_bare_word_is_found() -> None:
    assert list(bare("<p>{% translate 'Saved' %} {{ name }} bare</p>")) == ["bare"]
    assert list(bare('<img alt="Picture">')) == ["Picture"]
    assert not list(bare("<p>{% blocktranslate %}Saved{% endblocktranslate %} <kbd>Esc</kbd></p>"))


SENTENCE = re.compile(r"^[A-Z“][\w’'-]*,? [a-z]")
MARKS = {
    *("_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"),
    *("pgettext", "pgettext_lazy", "npgettext"),
}


def unmarked(source: str) -> Iterator[str]:
    """Yield what looks like a sentence for people and is not marked for translation."""
    tree = ast.parse(source)
    fine: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            fine.add(id(node.value))  # a docstring
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MARKS:
            fine.update(id(inner) for inner in ast.walk(node))
        if isinstance(node, ast.Raise) and "AssertionError" in ast.dump(node):
            fine.update(id(inner) for inner in ast.walk(node))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("logger."):
            fine.update(id(inner) for inner in ast.walk(node))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in fine:
            continue
        if isinstance(node.value, str) and SENTENCE.match(node.value):
            yield node.value


@pytest.mark.parametrize("path", [path for path in PYTHON if "postgres" not in path.parts], ids=str)
def test_no_page_and_no_refusal_says_a_sentence_past_the_catalogues(path: Path) -> None:
    assert list(unmarked(path.read_text(encoding="utf-8"))) == []


#: Said of one contact in the glossary, of many or by another form of the verb on pages.
INFLECTED = {
    *("set as marketing", "set as non-marketing at the next update"),
    *("keep as marketing", "change"),
}


def terms() -> Iterator[tuple[str, str]]:
    """Yield the terms of the glossary: English, Polish."""
    rows = (texts.ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if row.startswith("|") and cells[0] not in {"English", "---"}:
            yield from zip(cells[0].split("; "), cells[1].split("; "), strict=False)


def test_a_term_is_translated_as_the_glossary_says() -> None:  # Y3
    polish = {
        str(one.id).casefold(): str(one.string).casefold()
        for one in messages("pl")
        if one.context is None
    }
    wanted = {
        english: term for english, term in terms() if english in polish and english not in INFLECTED
    }
    said = {english: polish[english] for english in wanted}
    assert said == wanted
    assert {"contact tier", "next update date", "marketing contact", "source"} <= set(said)


#: The tools of H2, as a contact's status names them.
TOOLS = {
    SourceType.BULK: "Zmiana masowa",
    SourceType.RECORD: "Rekord kontaktu",
    SourceType.CREATE: "Utworzono ręcznie",
    SourceType.WIZARD: "Kreator zarządzania",
    SourceType.WORKFLOW: "Przepływ pracy",
    SourceType.FORM: "Formularz",
    SourceType.EXTERNAL_FORM: "Formularz zewnętrzny",
    SourceType.CHATFLOW: "Przepływ czatu",
    SourceType.IMPORT: "Import",
    SourceType.INTEGRATION: "Integracja",
    SourceType.API: "API",
    SourceType.POLICY: "Zasada porządkowa",
    SourceType.MERGE: "Scalenie",
    SourceType.RESTORE: "Przywrócenie",
    SourceType.UNDO: "Cofnięcie",
    SourceType.COMMAND: "Wiersz poleceń",
    SourceType.SYSTEM: "System",
    SourceType.UPDATE_DATE: "Data aktualizacji",
    SourceType.ACCOUNT: "Konto",
}


def test_the_tools_have_their_polish_names() -> None:  # H2
    with translation.override("pl"):
        assert {tool: source_name(tool.value) for tool in SourceType} == TOOLS


@every_language
def test_roles_rights_and_kinds_of_change_have_names(language: str) -> None:
    with translation.override("en"):
        english = {str(name) for name in (*ROLES.values(), *KINDS.values(), *RIGHTS.values())}
    with translation.override(language):
        names = {str(name) for name in (*ROLES.values(), *KINDS.values(), *RIGHTS.values())}
    assert names & english <= {"Import"}


@pytest.mark.parametrize(
    "path", sorted(texts.SOURCE.glob("**/static/web/js/*.js")), ids=lambda path: path.name
)
def test_no_script_says_a_sentence_of_its_own(path: Path) -> None:
    """Scripts take their texts from the page, where they are translated."""
    written = re.findall(r"\"([^\"\n]*)\"|'([^'\n]*)'|`([^`]*)`", path.read_text(encoding="utf-8"))
    assert [one for parts in written for one in parts if SENTENCE.match(one)] == []
