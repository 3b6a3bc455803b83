"""The order of reports: who wins an aspect, whatever the order of arrival."""

from typing import Any, NamedTuple

from vardkase_contracts.instants import MINUTE, parse

#: How far ahead of `Tp-Received` an observed time may be before it is taken to be a fast clock (CONTRACT §3).
SKEW = 2 * MINUTE


class Stamp(NamedTuple):
    """Where a value comes from, and its place in the order of all values of its aspect.

    Stamps compare by effective time, then seq, then the report's id; an id is one report in its kommun, so the rest
    never decides.
    """

    time: int
    """Effective time, µs since the epoch, UTC: the observed time, or the time received when that is > 2 min earlier."""
    seq: int
    """The reporter's own counter, 0 when it has none."""
    report: str
    """The report's id."""
    source: str
    """The report's `source` (a URN)."""
    quality: str
    """How the value was come by: `observed`, `estimated`, `provisional`, `relayed`."""
    adjusted: bool
    """Whether the observed time was ahead of its time of arrival, and was replaced by it."""

    @classmethod
    def of_row(cls, row: list[Any]) -> "Stamp":
        """Read a row of a state's table of reports."""
        time, seq, report, source, quality, adjusted = row
        return cls(parse(time), seq, report, source, quality, adjusted)


#: A value and where it comes from.
Entry = tuple[Stamp, Any]


def effective_time(observed: int, received: int) -> int:
    """The time by which a report is ordered: never more than `SKEW` ahead of its arrival (CONTRACT §3)."""
    return received if observed > received + SKEW else observed
