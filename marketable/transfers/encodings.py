"""Which of the old encodings of one byte a letter a text is in. Pure."""

import re
from collections import Counter

#: Languages with the letters they write beside a to z, each in its encodings. Where a text fits
#: several, the earlier one is taken.
LANGUAGES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("Polish", ("cp1250", "iso8859_2"), "ąćęłńóśźż"),
    ("German", ("cp1252",), "äöüß"),
    ("French", ("cp1252", "iso8859_15"), "àâæçéèêëîïôœùûüÿ"),
    ("Spanish", ("cp1252",), "áéíóúüñ¿¡ªº"),
    ("Italian", ("cp1252",), "àèéìòù"),
    ("Portuguese", ("cp1252",), "ãõáéíóúâêôçàü"),
    ("Swedish", ("cp1252",), "åäöé"),
    ("Danish", ("cp1252",), "åæøéö"),
    ("Czech", ("cp1250", "iso8859_2"), "áčďéěíňóřšťúůýž"),
    ("Slovak", ("cp1250", "iso8859_2"), "áäčďéíĺľňóôŕšťúýž"),
    ("Hungarian", ("cp1250", "iso8859_2"), "áéíóöőúüű"),
    ("Romanian", ("cp1250", "iso8859_2"), "ăâîşţ"),
    ("Croatian", ("cp1250", "iso8859_2"), "čćđšž"),
    ("Russian", ("cp1251",), "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"),
    ("Ukrainian", ("cp1251",), "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя"),
    ("several Western ones", ("cp1252",), "àáâãäåæçèéêëìíîïñòóôõöøùúûüýßœÿ"),
    ("several Central ones", ("cp1250",), "áâäăąćčçďđéëęěíîĺľłńňóôöőŕřśšşţťúůüűýźżžß"),
)
ENCODINGS = tuple(dict.fromkeys(name for _, names, _letters in LANGUAGES for name in names))
#: Letters and signs that every language uses, in any text.
COMMON = frozenset("abcdefghijklmnopqrstuvwxyz\u00a0–—‘’“”„…•€§©®™°«»‚‹›´¨·№")


WORD = re.compile(r"[a-z\x80-\U0010ffff]+")
LATIN, CYRILLIC = re.compile("[a-z]"), re.compile("[\u0400-\u04ff]")


def guess(text: bytes) -> str:
    """Return the encoding in which most of the letters are ones that some language writes.

    >>> guess("Zażółć gęślą jaźń".encode("cp1250")), guess("Hélène à Nîmes".encode("cp1252"))
    ('cp1250', 'cp1252')
    """
    read = {name: _letters(text.decode(name, errors="replace")) for name in ENCODINGS}
    best = max(
        ((name, letters) for _, names, letters in LANGUAGES for name in names),
        key=lambda one: _share(read[one[0]], one[1]),
    )
    return best[0]


def _letters(text: str) -> Counter[str]:
    """Count what is no ASCII. Letters of two scripts in one word are none of any language."""
    found: Counter[str] = Counter()
    for word in WORD.findall(text.lower()):
        if word.isascii():
            continue
        is_mixed = CYRILLIC.search(word) and LATIN.search(word)
        found.update("\ufffd" if is_mixed else one for one in word if one not in COMMON)
    return found


def _share(found: Counter[str], letters: str) -> float:
    """Return which part of what was found a language writes."""
    return sum(found[letter] for letter in letters) / max(sum(found.values()), 1)
