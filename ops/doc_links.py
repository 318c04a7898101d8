"""Check that every link between our own documents leads somewhere, headings included."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:")


def anchor(heading: str) -> str:
    """Return the name under which a heading can be linked to.

    >>> anchor("The *hard* ceiling, O3")
    'the-hard-ceiling-o3'
    """
    plain = re.sub(r"[^\w\s-]", "", heading.lower())
    return re.sub(r"\s", "-", plain.strip())


def dead_links(document: Path) -> list[str]:
    text = document.read_text(encoding="utf-8")
    dead = []
    for link in LINK.findall(CODE.sub("", text)):
        if ELSEWHERE.match(link):
            continue
        name, _, heading = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists():
            dead.append(link)
        elif heading and target.suffix == ".md":
            headings = HEADING.findall(target.read_text(encoding="utf-8"))
            if heading not in {anchor(one) for one in headings}:
                dead.append(link)
    return dead


def main() -> int:
    found = False
    for document in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")):
        for link in dead_links(document):
            sys.stdout.write(f"{document.relative_to(ROOT)}: {link} leads nowhere\n")
            found = True
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
