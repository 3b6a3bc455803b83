"""Sets of instants as sorted, disjoint, half-open intervals: what `for` and `keep` are computed with."""

from collections.abc import Iterable

#: The end of what has no end: later than any instant in a report.
FOREVER = 2**62

#: `[from, to)`, µs.
Interval = tuple[int, int]
Intervals = list[Interval]


def normal(intervals: Iterable[Interval]) -> Intervals:
    """Sorted, without empty ones, touching ones joined."""
    result: Intervals = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if result and start <= result[-1][1]:
            if end > result[-1][1]:
                result[-1] = (result[-1][0], end)
        else:
            result.append((start, end))
    return result


def union(*sets: Intervals) -> Intervals:
    """Instants in any of the sets."""
    filled = [each for each in sets if each]
    if len(filled) == 1:
        return filled[0]
    return normal(interval for each in filled for interval in each)


def intersection(one: Intervals, other: Intervals) -> Intervals:
    """Instants in both."""
    result: Intervals = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            result.append((start, end))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return result


def difference(one: Intervals, other: Intervals) -> Intervals:
    """Instants in the one and not in the other."""
    return intersection(one, complement(other)) if one and other else one


def complement(intervals: Intervals) -> Intervals:
    """All other instants."""
    result: Intervals = []
    at = -FOREVER
    for start, end in intervals:
        if at < start:
            result.append((at, start))
        at = end
    if at < FOREVER:
        result.append((at, FOREVER))
    return result


def held_for(intervals: Intervals, duration: int) -> Intervals:
    """Instants at which the set had been held, without a break, for `duration` µs: Prometheus' `for`."""
    if not duration:
        return intervals
    return [(start + duration, end) for start, end in intervals if start + duration < end]


def kept(intervals: Intervals, duration: int, scope: Intervals) -> Intervals:
    """The set, going on for `duration` µs after each end, but not past the end of its part of the scope.

    Prometheus' `keep_firing_for`. The set lies within the scope.
    """
    if not duration or not intervals:
        return intervals
    result: Intervals = []
    at = 0
    for start, end in intervals:
        while scope[at][1] <= start:
            at += 1
        result.append((start, min(end + duration, scope[at][1])))
    return normal(result)


def containing(intervals: Intervals, instant: int) -> Interval | None:
    """The interval that holds the instant, if any."""
    for interval in intervals:
        if interval[0] <= instant < interval[1]:
            return interval
    return None


def next_change(intervals: Intervals, instant: int) -> int:
    """The first boundary after the instant; `FOREVER` when there is none."""
    for start, end in intervals:
        if start > instant:
            return start
        if end > instant:
            return end
    return FOREVER
