"""A figure beside its floor: measured in turns, shown as a table, written as JSON."""

import json
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

#: Does the work once and returns how many seconds it took, its preparation not included.
Timed = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the result; its fields are the keys of `build/bench.json`.

    n      how many contacts (or rows) the work is about
    floor  what the floor does; empty without one
    goal   the ratio to reach
    """

    name: str
    n: int
    seconds: float
    floor: str
    floor_seconds: float | None
    ratio: float | None
    goal: float | None
    better: str = "lower"
    peak_mib: float | None = None

    @property
    def is_reached(self) -> bool:
        return self.ratio is None or self.goal is None or self.ratio <= self.goal


class Stopwatch:
    """Holds the seconds of the last measured block."""

    seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        began = perf_counter()
        yield
        self.seconds = perf_counter() - began


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long the work took."""
    began = perf_counter()
    work()
    return perf_counter() - began


def measured(
    name: str,
    n: int,
    *,
    product: Timed,
    floor: Timed,
    floor_is: str,
    goal: float,
    rounds: int,
    peak_mib: Callable[[], float] | None = None,
) -> Figure:
    """Measure product and floor in turns, the other one first every second round, and compare
    the medians."""
    products: list[float] = []
    floors: list[float] = []
    for turn in range(rounds):
        pair = [(product, products), (floor, floors)]
        for timed, seconds in pair if turn % 2 else reversed(pair):
            seconds.append(timed())
    return compared(
        name,
        n,
        products,
        floors,
        floor_is=floor_is,
        goal=goal,
        peak_mib=peak_mib() if peak_mib else None,
    )


def compared(
    name: str,
    n: int,
    products: Sequence[float],
    floors: Sequence[float],
    *,
    floor_is: str,
    goal: float,
    peak_mib: float | None = None,
) -> Figure:
    """Return the figure of the medians."""
    seconds, floor_seconds = statistics.median(products), statistics.median(floors)
    return Figure(
        name=name,
        n=n,
        seconds=round(seconds, 6),
        floor=floor_is,
        floor_seconds=round(floor_seconds, 6),
        ratio=round(seconds / floor_seconds, 3),
        goal=goal,
        peak_mib=None if peak_mib is None else round(peak_mib, 1),
    )


def peak_mib() -> float:
    """Return the most memory that this process has held, its own start included."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the kernel tells no VmHWM")


HEADINGS = ("figure", "n", "time", "floor", "ratio", "goal", "peak", "")


def line(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        f"{figure.n:,}",
        _time(figure.seconds),
        "" if figure.floor_seconds is None else _time(figure.floor_seconds),
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        "" if figure.goal is None else f"{figure.goal:g}",
        "" if figure.peak_mib is None else f"{figure.peak_mib:.0f} MiB",
        "" if figure.is_reached else "missed",
    )


def show(figures: Sequence[Figure]) -> None:
    """Print all figures as one table on standard output."""
    rows = [HEADINGS, *map(line, figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADINGS))]
    for row in rows:
        cells = [
            cell.ljust(width) if place in {0, len(HEADINGS) - 1} else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    sys.stdout.flush()


def write(figures: Sequence[Figure], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")


def say(text: str) -> None:
    """Tell how far the run is, on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.1 else f"{seconds * 1000:.2f} ms"
