"""Streams: their names and which subjects each one holds. How they are configured is the node's affair."""

from typing import Final, Literal, NamedTuple

from vardkase_contracts.subjects import Family

INTAKE: Final = "INTAKE"
"""What was published, raw."""
REPORTS: Final = "REPORTS"
"""The log: reports that were checked, once, where they first arrived."""
REJECTED: Final = "REJECTED"
"""Refused reports and why."""
STATE: Final = "STATE"
"""Each point's merged state; the last value is kept."""
PICTURES: Final = "PICTURES"
"""Each area's picture; the last value is kept."""
ALERTS: Final = "ALERTS"
"""Every change of every alert."""
PUBLIC: Final = "PUBLIC"
"""What the public may see; the last value is kept. In the public account."""
ORDERS_UP: Final = "ORDERS_UP"
"""Orders given here and at the nodes below."""
ORDERS_DOWN: Final = "ORDERS_DOWN"
"""Orders given here and at the nodes above."""
AUDIT: Final = "AUDIT"
"""Who read, who acted, what was refused."""


class Stream(NamedTuple):
    """A stream that an app can read."""

    name: str
    """Its name."""
    family: Family
    """The subjects that it holds: `subjects.family_filter(family, None, area)` for the node's area."""
    keeps: Literal["all", "last"]
    """Every message, or the last of each subject (a new reader gets the whole current picture at once)."""
    account: Literal["restricted", "public"]
    """The NATS account that it is in."""
    about: str
    """What it holds, in one line."""


STREAMS: Final[tuple[Stream, ...]] = (
    Stream(INTAKE, "report", "all", "restricted", "What was published, raw. Kept 7 days."),
    Stream(REPORTS, "accepted", "all", "restricted", "The log: reports checked once, where they first arrived."),
    Stream(REJECTED, "rejected", "all", "restricted", "Refused reports: their bytes, the reason and the field."),
    Stream(STATE, "state", "last", "restricted", "Each point's merged state."),
    Stream(PICTURES, "picture", "last", "restricted", "Each area's picture."),
    Stream(ALERTS, "alert", "all", "restricted", "Every change of every alert."),
    Stream(PUBLIC, "public", "last", "public", "What the public may see of each published point."),
    Stream(ORDERS_UP, "order", "all", "restricted", "Orders given here and at the nodes below."),
    Stream(ORDERS_DOWN, "order", "all", "restricted", "Orders given here and at the nodes above."),
    Stream(AUDIT, "audit", "all", "restricted", "Who read restricted aggregates, who acted, what was refused."),
)
"""Every stream of a node."""
