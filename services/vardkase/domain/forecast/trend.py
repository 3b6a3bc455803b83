"""How readings change with time: a slope that one wrong reading cannot bend, and how far it can be trusted.

Theil-Sen: the slope is the median of the slopes between all pairs of readings (Theil 1950; Sen, "Estimates of the
regression coefficient based on Kendall's tau", JASA 63, 1968), and its bounds are the order statistics of the same
slopes that Kendall's statistic gives (Sen 1968, section 3). Pairs are taken within stretches alone: a refill or a stop
begins another one, and the slopes of all stretches are pooled, as in the seasonal Kendall slope (Hirsch, Slack and
Smith, Water Resources Research 18, 1982). So fuel that came in never counts as use.
"""

from collections.abc import Sequence
from math import ceil, floor, sqrt
from statistics import median
from typing import NamedTuple

from vardkase_contracts.instants import HOUR, MINUTE

#: An instant (µs) and what was read then.
Reading = tuple[int, float]

#: Fewer readings than this make no trend (ours): between two there is one slope, and nothing to judge it by.
FEWEST = 3
#: Readings of less time than this make no trend (ours): a litre more or less would decide.
SHORTEST = 30 * MINUTE
#: Two readings are held against a reported rate when they are at least this far apart (ours).
LONG_ENOUGH = HOUR
#: Readings closer than this are not compared with each other (ours): their rounding is all that differs.
APART = 10 * MINUTE
#: The newest readings that are looked at (ours): bounds the work, some 600 slopes.
MOST = 36
#: How much of its slope a trend is taken to keep that will not go on as it does (ours; docs/foresight.md).
DAMPING = 0.5
#: Of the normal distribution: the bounds are to hold the slope in eight cases of ten.
Z = 1.2816


class Trend(NamedTuple):
    """A line through readings, and its bounds."""

    slope: float
    """Change an hour."""
    low: float
    high: float
    """Bounds of the slope; `low <= slope <= high`."""
    level: float
    """What the line says at `at`."""
    off: float
    """How far from the line a reading lies: nine of ten lie nearer, and it is never less than half a step."""
    at: int
    """The last reading (µs)."""
    since: int
    """The first reading (µs)."""
    readings: int

    def value(self, instant: int) -> float:
        """What the line says of an instant."""
        return self.level + self.slope * (instant - self.at) / HOUR

    def band(self, instant: int) -> tuple[float, float]:
        """Between what the value lies at an instant not before the last reading."""
        hours = (instant - self.at) / HOUR
        return self.level - self.off + self.low * hours, self.level + self.off + self.high * hours


def trend_of(stretches: Sequence[Sequence[Reading]], step: float) -> Trend | None:
    """The trend of readings; None: too few, or too close together, to say.

    Args:
        stretches: readings in ascending order, in stretches in which nothing was filled up, turned on or off.
        step: the step that readings are rounded to, in their unit.
    """
    kept = _newest(stretches)
    readings = sum(len(stretch) for stretch in kept)
    if readings < FEWEST:
        return None
    slopes = sorted(
        (later - earlier) / ((then - before) / HOUR)
        for stretch in kept
        for place, (before, earlier) in enumerate(stretch)
        for then, later in stretch[place + 1 :]
        if then - before >= APART
    )
    span = max(stretch[-1][0] - stretch[0][0] for stretch in kept)
    if span < SHORTEST or len(slopes) < FEWEST:
        return None
    slope = median(slopes)
    low, high = _bounds(slopes, [len(stretch) for stretch in kept])
    rounding = step / (span / HOUR)
    last = kept[-1]
    at = last[-1][0]
    level = median(value + slope * (at - then) / HOUR for then, value in last)
    off = _off(kept, slope, step)
    return Trend(
        slope, min(low, slope) - rounding, max(high, slope) + rounding, level, off, at, kept[0][0][0], readings
    )


def between(stretch: Sequence[Reading], said: float, step: float) -> Trend | None:
    """Of two readings and of what was said of the rate: the first is believed, and the bounds take in both.

    Args:
        stretch: readings of one stretch, in ascending order.
        said: the change an hour that was reported.
        step: the step that readings are rounded to.

    Returns:
        None: they are not two, or less than an hour lies between them.
    """
    if len(stretch) != FEWEST - 1 or stretch[1][0] - stretch[0][0] < LONG_ENOUGH:
        return None
    (before, earlier), (then, later) = stretch
    hours = (then - before) / HOUR
    slope, rounding = (later - earlier) / hours, step / hours
    low, high = min(slope, said) - rounding, max(slope, said) + rounding
    return Trend(slope, low, high, later, step / 2, then, before, len(stretch))


def damped(trend: Trend) -> Trend:
    """The trend of what will not go on as it does: people stop coming, a house cools ever slower.

    Half the slope, between none of it and all that its bounds allow: a damped trend (Gardner and McKenzie, "Forecasting
    trends in time series", Management Science 31, 1985), with a factor of ours that back-tests bear out.
    """
    return trend._replace(slope=DAMPING * trend.slope, low=min(trend.low, 0.0), high=max(trend.high, 0.0))


def _newest(stretches: Sequence[Sequence[Reading]]) -> list[Sequence[Reading]]:
    """The newest readings, `MOST` of them, in their stretches; stretches of one say nothing of a slope but the last."""
    kept: list[Sequence[Reading]] = []
    room = MOST
    for place, stretch in enumerate(reversed(stretches)):
        if room <= 0:
            break
        if len(stretch) > 1 or (place == 0 and stretch):
            part = stretch[-room:]
            kept.append(part)
            room -= len(part)
    return kept[::-1]


def _bounds(slopes: Sequence[float], counts: Sequence[int]) -> tuple[float, float]:
    """Of the sorted slopes those that bound the true one (Sen 1968): the variances of the stretches add up."""
    spread = Z * sqrt(sum(n * (n - 1) * (2 * n + 5) / 18 for n in counts))
    total = len(slopes)
    # The M1-th and the (M2 + 1)-th of Sen's, counted from nought; where there are so few that there is none, the ends.
    first, last = floor((total - spread) / 2) - 1, ceil((total + spread) / 2)
    return slopes[max(first, 0)], slopes[min(last, total - 1)]


def _off(stretches: Sequence[Sequence[Reading]], slope: float, step: float) -> float:
    """How far readings lie from the line of their stretch."""
    away: list[float] = []
    for stretch in stretches:
        end = stretch[-1][0]
        ends = [value + slope * (end - then) / HOUR for then, value in stretch]
        middle = median(ends)
        away += [abs(value - middle) for value in ends]
    away.sort()
    return max(step / 2, away[min(len(away) - 1, int(0.9 * len(away)))])


def stretches_of(readings: Sequence[Reading], jump: float, share: float) -> list[list[Reading]]:
    """Readings of what is used up, cut where it was filled up.

    Args:
        readings: in ascending order.
        jump: what it must rise by at least to have been filled up; less is a reading that was rounded otherwise.
        share: the same as a share of what it rose to; the greater of both counts.
    """
    found: list[list[Reading]] = []
    for then, value in readings:
        if not found or value - found[-1][-1][1] > max(jump, share * value):
            found.append([])
        found[-1].append((then, value))
    return found
