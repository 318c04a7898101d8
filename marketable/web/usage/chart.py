"""The chart of a number by day: a line, for usage with the tier above it in steps, and ticks. Plain
SVG geometry for the template; words and colours are the page's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

#: The drawing for wide windows, and the one for narrow ones, where text keeps its size.
WIDE, NARROW = (860, 240), (330, 220)
LEFT, RIGHT, TOP, BOTTOM = 8, 62, 30, 30
#: What the label of an update date, and that of a tier, take of the width at least.
TICK_LABEL, TIER_LABEL = 62, 48


@dataclass(frozen=True, slots=True)
class Tick:
    """A day marked below the line. `is_labelled` when there is room for its name."""

    x: str
    day: date
    is_labelled: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A tier while it was in force. `is_labelled` when there is room for its number."""

    x: str
    y: str
    label_y: str
    tier: int
    is_labelled: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """Numbers as text for a drawing: no language writes them with a comma.

    tier  None where the number has none
    """

    width: str
    height: str
    line: str
    area: str
    tier_line: str
    steps: tuple[Step, ...]
    tier: int | None
    tier_label_x: str
    tier_label_y: str
    last_x: str
    last_y: str
    last: int
    label_x: str
    base_y: str
    tick_y: str
    label_y: str
    ticks: tuple[Tick, ...]


def draw(
    days: Sequence[tuple[date, int]],
    *,
    tiers: Sequence[tuple[date, int]] = (),
    ticks: Sequence[date],
    size: tuple[int, int] = WIDE,
) -> Chart:
    """Return the geometry of a year or less.

    days   a value for every day
    tiers  (since, limit), oldest first; the first is in force on the first day
    ticks  days to be marked below
    """
    width, height = size
    first, last_day = days[0][0], days[-1][0]
    top = max([*(tier for _since, tier in tiers), *(value for _day, value in days), 1])
    span = max((last_day - first).days, 1)
    base, right = height - BOTTOM, width - RIGHT

    def x(day: date) -> float:
        if first == last_day:
            return float(right)
        return round(LEFT + (right - LEFT) * max((day - first).days, 0) / span, 1)

    def y(value: int) -> float:
        return round(base - (base - TOP) * value / top, 1)

    points = [(x(day), y(value)) for day, value in days]
    line = " ".join(f"{across},{down}" for across, down in points)
    ends = [*(x(since) for since, _tier in tiers[1:]), float(right)][: len(tiers)]
    corners = [
        f"{x(since)},{y(tier)} {end},{y(tier)}"
        for (since, tier), end in zip(tiers, ends, strict=True)
    ]
    tier = tiers[-1][1] if tiers else None
    last_x, last_y = points[-1]
    return Chart(
        width=str(width),
        height=str(height),
        line=line,
        area=f"{points[0][0]},{base} {line} {last_x},{base}",
        tier_line=" ".join(corners),
        steps=tuple(
            Step(
                str(x(since)), str(y(limit)), str(y(limit) - 6), limit, end - x(since) > TIER_LABEL
            )
            for (since, limit), end in list(zip(tiers, ends, strict=True))[:-1]
        ),
        tier=tier,
        tier_label_x=str(right),
        tier_label_y=str(y(tier or 0) - 8),
        last_x=str(last_x),
        last_y=str(last_y),
        last=days[-1][1],
        label_x=str(right + 6),
        base_y=str(base),
        tick_y=str(base + 5),
        label_y=str(height - 10),
        ticks=tuple(_ticks([day for day in ticks if first <= day <= last_day], x, right)),
    )


def _ticks(days: Sequence[date], x: Callable[[date], float], right: int) -> list[Tick]:
    """Return the ticks, with labels from the latest one back as far apart as they need."""
    found: list[Tick] = []
    free_until = float(right) + TICK_LABEL / 2
    for day in reversed(days):
        is_labelled = x(day) + TICK_LABEL / 2 <= free_until and x(day) >= LEFT + TICK_LABEL / 4
        if is_labelled:
            free_until = x(day) - TICK_LABEL / 2
        found.append(Tick(str(x(day)), day, is_labelled))
    return found[::-1]
