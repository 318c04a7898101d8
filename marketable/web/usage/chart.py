"""The chart of usage by day: a line, the tier above it, the update dates as ticks. Plain SVG
geometry for the template; words and colours are the page's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WIDTH, HEIGHT = 860, 220
LEFT, RIGHT, TOP, BOTTOM = 8, 70, 16, 26


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    day: date


@dataclass(frozen=True, slots=True)
class Chart:
    width: int
    height: int
    line: str
    area: str
    tier_y: float
    tier: int
    last_x: float
    last_y: float
    last: int
    base_y: int
    right: int
    ticks: tuple[Tick, ...]
    months: tuple[Tick, ...]


def draw(days: Sequence[tuple[date, int]], *, tier: int, update_dates: Sequence[date]) -> Chart:
    """Return the geometry of a year or less of days, one value each."""
    top = max([tier, *(value for _day, value in days), 1])
    span = max(len(days) - 1, 1)
    first = days[0][0]

    def x(day: date) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / span, 1)

    def y(value: int) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top, 1)

    points = [(x(day), y(value)) for day, value in days]
    line = " ".join(f"{across},{down}" for across, down in points)
    base = HEIGHT - BOTTOM
    area = f"{points[0][0]},{base} {line} {points[-1][0]},{base}"
    last_day = days[-1][0]
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        line=line,
        area=area,
        tier_y=y(tier),
        tier=tier,
        last_x=points[-1][0],
        last_y=points[-1][1],
        last=days[-1][1],
        base_y=base,
        right=WIDTH - RIGHT,
        ticks=tuple(Tick(x(day), day) for day in update_dates if first <= day <= last_day),
        months=tuple(
            Tick(x(day), day)
            for day in (first + timedelta(days=n) for n in range(len(days)))
            if day.day == 1 and day.month % 2 == 1
        ),
    )
