"""Incremental sums: a change of a point takes its old contribution away and adds its new one, in each of its areas.

The cost of a change does not depend on how many points there are. `RollUp.recomputed` makes the same sums from scratch;
the two are always equal.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from typing import Any

from vardkase_contracts.areas import Area, areas_of

from .area import NEVER, Heard
from .contribution import NOTHING, Contribution, Shortage
from .offers import Offers, concerns

#: How many points the forecast lists.
LISTED = 20


@dataclass(slots=True)
class Kommun:
    """What is kept of a kommun beside its sums: its points in order, when each was last heard, what they offer."""

    shortages: list[Shortage] = field(default_factory=list[Shortage])
    contents: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    heard: dict[str, int] = field(default_factory=dict[str, int])
    heartbeats: dict[str, int] = field(default_factory=dict[str, int])
    failed: dict[str, int] = field(default_factory=dict[str, int])
    last: Heard = NEVER
    offers: Offers = field(default_factory=Offers)


class RollUp:
    """The sums of every area in an area, and who is behind them."""

    def __init__(self, area: Area) -> None:
        """Begin empty, for an area and all below it."""
        self.area = area
        kommuner = area.kommuner()
        self.sums: dict[Area, dict[str, int]] = {}
        self.kommuner: dict[str, Kommun] = {code: Kommun() for code in kommuner}
        inside = frozenset(kommuner)
        for each in {each for code in kommuner for each in areas_of(code)}:
            if inside.issuperset(each.kommuner()):
                self.sums[each] = {}
        self._areas = {code: tuple(each for each in areas_of(code) if each in self.sums) for code in kommuner}
        self._contributions: dict[str, Contribution] = {}
        self._own: dict[Area, dict[str, int]] = {}
        #: How often an area changed: what is made of it may be kept for as long as this stays.
        self.revisions: dict[Area, int] = dict.fromkeys(self.sums, 0)

    def areas(self, kommun: str) -> tuple[Area, ...]:
        """The areas with a picture here that a kommun lies in, the smallest first; none for a kommun of elsewhere."""
        return self._areas.get(kommun, ())

    def contribution(self, point: str) -> Contribution:
        """What the point adds now."""
        return self._contributions.get(point, NOTHING)

    def replace(self, point: str, new: Contribution) -> None:
        """Put a point's new contribution in the place of its old one. A point of elsewhere is not counted."""
        kommun = point[:4]
        if kommun not in self.kommuner:
            return
        old = self._contributions.get(point, NOTHING)
        self._contributions[point] = new
        difference = {} if old.counts is new.counts else _difference(old.counts, new.counts)
        touched = bool(difference) or old.shortage != new.shortage or old.content != new.content
        if concerns(difference):
            difference = self.kommuner[kommun].offers.pass_on(difference)
        for area in self.areas(kommun):
            if difference:
                _apply(self.sums[area], difference)
            if touched or old.listed != new.listed:
                self.revisions[area] += 1
        self._move(self.kommuner[kommun], point, old, new)

    @staticmethod
    def _move(kommun: Kommun, point: str, old: Contribution, new: Contribution) -> None:
        if old.shortage != new.shortage:
            if old.shortage is not None:
                del kommun.shortages[bisect_left(kommun.shortages, old.shortage)]
            if new.shortage is not None:
                insort(kommun.shortages, new.shortage)
        if old.content != new.content:
            if old.content is not None:
                del kommun.contents[bisect_left(kommun.contents, (old.content, point))]
            if new.content is not None:
                insort(kommun.contents, (new.content, point))
        if old.heard != new.heard or old.heartbeat != new.heartbeat or old.failed != new.failed:
            anything = _latest(kommun.heard, point, kommun.last.anything, old.heard, new.heard)
            heartbeat = _latest(kommun.heartbeats, point, kommun.last.heartbeat, old.heartbeat, new.heartbeat)
            failed = _latest(kommun.failed, point, kommun.last.failed, old.failed, new.failed)
            kommun.last = Heard(anything, heartbeat, failed)

    def put_own(self, area: Area, counts: dict[str, int]) -> None:
        """Put what an area adds itself, beside its points: its own alerts. They count in the areas around it, too."""
        difference = _difference(self._own.get(area, {}), counts)
        if not difference:
            return
        self._own[area] = counts
        inside = set(area.kommuner())
        for each in self.areas(area.kommuner()[0]):
            if not inside.issubset(each.kommuner()):
                continue
            _apply(self.sums[each], difference)
            self.revisions[each] += 1

    def touch(self, kommun: str) -> None:
        """Something else that pictures show of a kommun has changed."""
        for area in self.areas(kommun):
            self.revisions[area] += 1

    def touch_area(self, area: Area) -> None:
        """Something else that the picture of one area shows has changed."""
        self.revisions[area] += 1

    def count(self, area: Area, name: str) -> int:
        """One sum of an area."""
        return self.sums[area].get(name, 0)

    def shortages(self, area: Area) -> list[Mapping[str, Any]]:
        """The points of an area that lose their power next, the worst first, at most `LISTED`."""
        each = (islice(self.kommuner[code].shortages, LISTED) for code in area.kommuner())
        found: list[Mapping[str, Any]] = []
        for shortage in islice(merge(*each), LISTED):
            listed = self._contributions[shortage.point].listed
            if listed is not None:
                found.append(listed)
        return found

    def oldest(self, area: Area) -> int | None:
        """The oldest last content of an open, registered point, µs."""
        return min(
            (contents[0][0] for code in area.kommuner() if (contents := self.kommuner[code].contents)), default=None
        )

    def recomputed(self) -> "RollUp":
        """The same sums from scratch, to compare with."""
        fresh = RollUp(self.area)
        for point, contribution in self._contributions.items():
            fresh.replace(point, contribution)
        for area, counts in self._own.items():
            fresh.put_own(area, counts)
        return fresh

    def differs(self, other: "RollUp") -> list[str]:
        """Where two roll-ups of the same area disagree; empty when they are equal."""
        found = [f"{area.level} {area.code}" for area, sums in self.sums.items() if sums != other.sums[area]]
        found += [f"kommun {code}" for code, kommun in self.kommuner.items() if kommun != other.kommuner[code]]
        return found


def _difference(old: dict[str, int], new: dict[str, int]) -> dict[str, int]:
    changed = {name: amount - old.get(name, 0) for name, amount in new.items() if old.get(name, 0) != amount}
    for name, amount in old.items():
        if name not in new and amount:
            changed[name] = -amount
    return changed


def _apply(sums: dict[str, int], difference: dict[str, int]) -> None:
    for name, amount in difference.items():
        total = sums.get(name, 0) + amount
        if total:
            sums[name] = total
        else:
            sums.pop(name, None)


def _latest(held: dict[str, int], point: str, last: int | None, old: int | None, new: int | None) -> int | None:
    """The latest of a kommun after a point's changed: looked up among all its points only when the latest went back."""
    if new is None:
        held.pop(point, None)
    else:
        held[point] = new
    if new is not None and (last is None or new >= last):
        return new
    return max(held.values(), default=None) if old is not None and old == last else last
