"""The parts that a reality's log is read in: one for each child in the federation, and one for all the rest. Pure.

A part is the kommuner of an area, whoever wrote their reports into the log. The parts share nothing and leave nothing
out, so a backlog in one of them keeps nothing from the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from vardkase.federation.plan import Plan
from vardkase_contracts import subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import Reality

OWN: Final = ""
"""The name of the part that is no child's."""


class Part(NamedTuple):
    """A part of the log."""

    name: str
    """The code of the child's area; `OWN` for all the rest."""
    kommuner: frozenset[str]
    """The kommuner whose reports are in it."""
    areas: tuple[Area, ...]
    """The same as the fewest areas."""

    def filters(self, reality: Reality) -> tuple[str, ...]:
        """The subjects of its reports in the log."""
        return tuple(each for area in self.areas for each in subjects.family_filters("accepted", reality, area))


def durable(reality: Reality, part: str) -> str:
    """The name of the consumer on REPORTS that a part is read by."""
    return f"aggregator-{reality}-{part}" if part else f"aggregator-{reality}"


def children(plan: Plan | None, area: Area) -> tuple[str, ...]:
    """The codes of the areas of a node's children, the smallest first; none when it is alone."""
    node = None if plan is None else plan.of_area(area)
    if plan is None or node is None:
        return ()
    areas = sorted((len(child.where.kommuner()), child.area) for child in plan.children(node).values())
    return tuple(code for _, code in areas)


def parts_of(plan: Plan | None, area: Area) -> dict[str, Part]:
    """The parts of a node's log, by name."""
    return parts(area, children(plan, area))


def parts(area: Area, codes: Iterable[str]) -> dict[str, Part]:
    """The parts of an area's log, by name.

    Args:
        area: the node's.
        codes: of its children's areas. Where two overlap, the first of them in order has what both claim.
    """
    left = set(area.kommuner())
    found: dict[str, Part] = {}
    for code in codes:
        child = Area.parse(code)
        mine = left & set(child.kommuner())
        if mine:
            whole = len(mine) == len(child.kommuner())
            found[code] = Part(code, frozenset(mine), (child,) if whole else _fewest(mine))
            left -= mine
    if left:
        whole = len(left) == len(area.kommuner())
        found[OWN] = Part(OWN, frozenset(left), (area,) if whole else _fewest(left))
    return found


def positions(before: Mapping[str, Part], known: Mapping[str, int], after: Mapping[str, Part]) -> dict[str, int]:
    """How far each part has been read, when the log is divided otherwise than before.

    Nothing may be left out, and what is read twice changes nothing: so a part begins where the least far of those that
    it is made of had come.

    Args:
        before: the parts that there were.
        known: the sequence in REPORTS that each of them had been read to.
        after: the parts that there are to be.
    """
    return {
        name: min((known.get(old.name, 0) for old in before.values() if old.kommuner & part.kommuner), default=0)
        for name, part in after.items()
    }


def _fewest(kommuner: set[str]) -> tuple[Area, ...]:
    """Kommuner as areas: whole län where all of one are there."""
    areas: list[Area] = []
    for code in sorted({each[:2] for each in kommuner}):
        whole: Sequence[str] = Area("lan", code).kommuner()
        mine = sorted(each for each in kommuner if each[:2] == code)
        areas += [Area("lan", code)] if len(mine) == len(whole) else [Area("kommun", each) for each in mine]
    return tuple(areas)
