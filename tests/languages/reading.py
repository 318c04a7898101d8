"""What a person reads of a page: its text, and the attributes that are shown or read out."""

from collections.abc import Iterator
from html.parser import HTMLParser

SHOWN = {"alt", "aria-label", "label", "placeholder", "summary", "title"}
NOT_READ = {"kbd", "code", "script", "style"}
#: Elements without an end, in HTML and in our drawings.
VOID = {"input", "meta", "link", "br", "img", "hr", "rect", "circle", "line", "path"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.inside: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        is_code = tag in NOT_READ or "mono" in (given.get("class") or "").split()
        if tag not in VOID:
            self.inside.append((tag, is_code))
        for name, value in given.items():
            if name in SHOWN or name.startswith("data-text"):
                self.found.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in {one for one, _is_code in self.inside}:
            while self.inside.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not any(is_code for _tag, is_code in self.inside):
            self.found.append(data)


def read(markup: str) -> Iterator[str]:
    """Yield the texts of a page in order, without what is code: names of keys and properties."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    for text in reader.found:
        plain = " ".join(text.split())
        if plain:
            yield plain
