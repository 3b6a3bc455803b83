"""What a point's timelines say of one instant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from oracle.merge import Point, Said, endurance, known
from oracle.table import AHEAD

Counted = Sequence[tuple[int, Said]]


def counted(said: Sequence[Said], now: int) -> list[tuple[int, Said]]:
    """The stamps that count at `now`, each with the instant from which it does, in order."""
    return [(min(one.at, now), one) for one in said if one.at <= now + AHEAD]


def last(stamps: Counted, t: int, wanted: Callable[[Said], bool] = lambda _: True) -> Said | None:
    """The greatest stamp at or before t that is wanted."""
    for at, one in reversed(stamps):
        if at <= t and wanted(one):
            return one
    return None


@dataclass(frozen=True, kw_only=True)
class Lines:
    """A point's timelines as they count at `now`."""

    point: Point
    now: int
    stamps: dict[str, list[tuple[int, Said]]]
    asked: dict[tuple[str, int], Said | None] = field(default_factory=dict)
    """What was asked before: fifteen rules ask the same of each instant."""

    @classmethod
    def of(cls, point: Point, now: int) -> "Lines":
        """The point's timelines at `now`."""
        return cls(point=point, now=now, stamps={a: counted(said, now) for a, said in point.kept.items()})

    def value(self, aspect: str, t: int) -> Any:
        """The value of the greatest stamp at or before t; None when unknown or never said."""
        one = last(self.stamps.get(aspect, ()), t)
        return None if one is None else one.value

    def known(self, aspect: str, t: int) -> Said | None:
        """The greatest stamp at or before t whose value is known."""
        if (aspect, t) not in self.asked:
            self.asked[aspect, t] = last(self.stamps.get(aspect, ()), t, lambda one: known(aspect, one.value))
        return self.asked[aspect, t]

    def known_value(self, aspect: str, t: int) -> Any:
        """Its value; None when there is none."""
        one = self.known(aspect, t)
        return None if one is None else one.value

    def lifecycle(self, t: int) -> str | None:
        """The known lifecycle."""
        return self.known_value("lifecycle", t)

    def open(self, t: int) -> bool:
        """Whether the point is open, and not gone from the register."""
        return not self.point.retired and self.lifecycle(t) == "open"

    def open_since(self, t: int) -> int:
        """When the unbroken stretch of known `open` around t began."""
        since = t
        for at, one in reversed(self.stamps["lifecycle"]):
            if at <= t and known("lifecycle", one.value):
                if one.value != "open":
                    break
                since = at
        return since

    def source(self, t: int) -> str | None:
        """The known source of power."""
        power = self.known_value("power", t)
        return None if power is None else power["source"]

    def mode(self, t: int) -> str | None:
        """How the point is powered: mains, none, battery, running, dead, not_connected; None when never known."""
        power = self.known_value("power", t)
        if power is None or power["source"] != "backup":
            return None if power is None else power["source"]
        state = power.get("backup_state")
        return {None: "running", "running": "running", "not_connected": "not_connected"}.get(state, "dead")

    def anchor(self, t: int) -> Said | None:
        """The reading that the endurance of the source in use is reckoned from."""
        if ("anchor", t) not in self.asked:
            self.asked["anchor", t] = self._anchor(t)
        return self.asked["anchor", t]

    def _anchor(self, t: int) -> Said | None:
        source = self.source(t)
        for at, one in reversed(self.stamps.get("power", ())):
            if at > t or not known("power", one.value):
                continue
            if one.value["source"] != source:
                return None
            if endurance(one.value) is not None:
                return one
        return None

    def runs_out_at(self, t: int) -> int | None:
        """When the source in use runs out; None when that is not known."""
        anchor = self.anchor(t)
        if anchor is None:
            return None
        left = endurance(anchor.value)
        return None if left is None else anchor.at + nearest(left)


def nearest(duration: Fraction) -> int:
    """A duration in whole microseconds."""
    return round(duration)
