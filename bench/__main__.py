"""`python -m bench [--n N] [--only bulk,import,…]`: measure, print a table, write JSON."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from bench.figures import Figure, line, say, show, write
from bench.server import Server, started

GROUPS = (
    "bulk",
    "import",
    "segments",
    "export",
    "page",
    "search",
    "plan",
    "count",
    "filter",
    "start",
)
RESULT = Path("build/bench.json")
#: The contacts page and its filters are measured on this many times the contacts of the rest.
PAGE_TIMES = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--n", type=int, default=1_000_000, help="contacts (%(default)s)")
    parser.add_argument(
        "--page-n", type=int, help=f"contacts for the contacts page ({PAGE_TIMES} times --n)"
    )
    parser.add_argument(
        "--only", type=groups, default=GROUPS, metavar=",".join(GROUPS), help="these and no others"
    )
    options = parser.parse_args()
    began = perf_counter()
    found: list[Figure] = []
    try:
        with started() as server:
            for figure in figures(
                server, options.n, options.page_n or PAGE_TIMES * options.n, options.only
            ):
                say("  " + "  ".join(cell for cell in line(figure) if cell))
                found.append(figure)
    finally:  # what was measured before an interruption stands
        show(found)
        write(found, RESULT)
    say(f"{len(found)} figures in {perf_counter() - began:.0f} s, written to {RESULT}")


def groups(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    unknown = set(chosen) - set(GROUPS)
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no {', '.join(sorted(unknown))}")
    return chosen


def figures(server: Server, n: int, page_n: int, only: tuple[str, ...]) -> Iterator[Figure]:
    """Yield the figures of the chosen groups, in the order of GROUPS."""
    # Imported here: tables can be imported only when Django is set up.
    from bench import account as accounts
    from bench import bulk, exporting, filters, importing, pages, searching, segments, starting

    def filled(name: str, contacts: int, *, only_table: bool = False) -> accounts.BenchAccount:
        say(f"filling an account with {contacts:,} contacts")
        server.let_go()
        server.create(name, template="empty")
        server.use(name)
        return accounts.make(contacts, only_table=only_table)

    if set(only) - {"page", "filter", "start"}:
        account = filled("bench", n)
        on_copies: dict[str, Callable[..., Iterator[Figure]]] = {
            "bulk": bulk.figures,
            "import": importing.figures,
            "segments": segments.figures,
        }
        as_it_is: dict[str, Callable[..., Iterator[Figure]]] = {
            "export": exporting.figures,
            "search": searching.figures,
            "plan": searching.plans,
            "count": filters.counts,
        }
        for group in only:
            if group in on_copies | as_it_is:
                say(group)
                server.use("bench")
                if group in on_copies:
                    yield from on_copies[group](server, account, "bench")
                else:
                    yield from as_it_is[group](account)
    if {"page", "filter"} & set(only):
        account = filled("pages", page_n, only_table=True)
        if "page" in only:
            yield from pages.figures(account)
        if "filter" in only:
            yield from filters.pages(account)
    if "start" in only:
        say("start")
        yield from starting.figures()


if __name__ == "__main__":
    main()
