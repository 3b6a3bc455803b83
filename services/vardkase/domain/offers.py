"""What a kommun's points have to spare, by unit: so many units of each kind are passed on to the sums, no more.

A unit is whatever its sender writes. Without a bound the sums of every area, up to the nation's, would hold each unit
that anybody offers in, and each picture would be made by looking at all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import nsmallest

#: Of one kind of surplus so many units count by name, in a kommun as in a picture: those of the most offers (ours).
UNITS = 16
_HEAD = "surplus/"


@dataclass(slots=True)
class Offers:
    """The offers of one kommun: all of them, and what is passed on. A function of what its points contribute."""

    #: By kind and unit: how many offers, and how much (in `contribution.SCALE`).
    units: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict[str, dict[str, tuple[int, int]]])
    #: By kind: the units that are passed on, with what was.
    passed: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict[str, dict[str, tuple[int, int]]])

    def pass_on(self, difference: Mapping[str, int]) -> dict[str, int]:
        """What a change of a point's contribution changes in the sums of its areas."""
        passed: dict[str, int] = {}
        touched: dict[str, set[str]] = {}
        for name, amount in difference.items():
            kind, what, unit = _parts(name)
            if what not in {"offers", "unit"}:
                passed[name] = amount
                continue
            units = self.units.setdefault(kind, {})
            offers, quantity = units.get(unit, (0, 0))
            units[unit] = (offers + amount, quantity) if what == "offers" else (offers, quantity + amount)
            touched.setdefault(kind, set()).add(unit)
        for kind, names in touched.items():
            units = self.units[kind]
            for unit in names:
                if units[unit] == (0, 0):
                    del units[unit]
            passed |= self._anew(kind, names)
            if not units:
                del self.units[kind], self.passed[kind]
        return passed

    def _anew(self, kind: str, touched: set[str]) -> dict[str, int]:
        """Choose the units of a kind that are passed on; how that changes the sums."""
        units, old = self.units[kind], self.passed.get(kind, {})

        def rank(unit: str) -> tuple[int, str]:
            return -units[unit][0], unit

        if len(old) == UNITS and old.keys().isdisjoint(touched):
            last = max(map(rank, old))
            if all(unit not in units or rank(unit) > last for unit in touched):
                return {}  # most of what a flood of units brings
        chosen = units if len(units) <= UNITS else nsmallest(UNITS, units, key=rank)
        new = self.passed[kind] = {unit: units[unit] for unit in chosen}
        changed: dict[str, int] = {}
        for unit in old.keys() | new.keys():
            before, after = old.get(unit, (0, 0)), new.get(unit, (0, 0))
            for place, what in enumerate(("offers", "unit")):
                if before[place] != after[place]:
                    changed[f"{_HEAD}{kind}/{what}/{unit}"] = after[place] - before[place]
        return changed


def concerns(difference: Mapping[str, int]) -> bool:
    """Whether a change is about offers at all."""
    return any(name.startswith(_HEAD) for name in difference)


def _parts(name: str) -> tuple[str, str, str]:
    """Of a sum's name: the kind of surplus, what is summed, and the unit; empty when it is about something else."""
    if not name.startswith(_HEAD):
        return "", "", ""
    kind, _, rest = name[len(_HEAD) :].partition("/")
    what, _, unit = rest.partition("/")
    return kind, what, unit
