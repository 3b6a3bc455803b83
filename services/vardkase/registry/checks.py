"""What is odd in a register though every row can be sent: places, twins, numbers. For somebody to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vardkase.registry import nearby, outlines
from vardkase.registry.candidates import Candidate
from vardkase.registry.coordinates import to_metres
from vardkase.registry.fields import KOMMUN, POSITION
from vardkase.registry.problems import Problem
from vardkase_contracts.areas import KOMMUNER

MOST_POINTS: Final = 500
"""Points of one kommun beyond which it is told of (CONTRACT §10); the largest kommuner have some 30."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """A point with its place."""

    point: str
    name: str
    line: int | None
    """In the file; None: only the node knows it."""
    position: tuple[float, float]
    """Longitude and latitude."""


def foreign(candidates: Sequence[Candidate]) -> list[Problem]:
    """Rows of kommuner that the node takes no reports of."""
    return [
        Problem(
            severity="error",
            code="not_here",
            text=f"kommun: den här noden tar inte emot rapporter för {KOMMUNER[each.kommun].name} ({each.kommun})",
            line=each.line,
            field=KOMMUN,
        )
        for each in candidates
    ]


def assumed(kind: str, count: int) -> Problem:
    """New points of which the file does not say what they are."""
    text = f"slag: filen säger inte vad {count} nya punkter är; {kind} antas (annat ges med --set kind=…)"
    return Problem(severity="warning", code="kind_assumed", text=text, field="kind")


def outside(points: Sequence[Placed]) -> list[Problem]:
    """Points that lie outside their kommun. Outlines are simplified, so close to a border it is only a maybe."""
    found: list[Problem] = []
    places = to_metres([each.position for each in points])
    seen = outlines.outside([(each.point[:4], place) for each, place in zip(points, places, strict=True)])
    for point, out in zip(points, seen, strict=True):
        if out is None:
            continue
        own = KOMMUNER[point.point[:4]].name
        if out.near:
            code = "near_border"
            text = f"läge: kanske utanför {own}: {_far(out.metres)} från en förenklad kommungräns"
        else:
            code = "outside_kommun"
            there = KOMMUNER[out.nearest].name
            text = f"läge: {_far(out.metres)} utanför {own}, i eller närmast {there}; är koordinaterna rätt?"
        found.append(
            Problem(severity="warning", code=code, text=text, line=point.line, field=POSITION, point=point.point)
        )
    return found


def near(points: Sequence[Placed], registered: Sequence[Placed]) -> list[Problem]:
    """Points within 100 m of another: of the file, or registered and not in the file."""
    everything = [*points, *registered]
    found: list[Problem] = []
    for pair in nearby.twins(to_metres([each.position for each in everything]), new=len(points)):
        other, point = everything[pair.one], everything[pair.other]
        if point.line is None:
            other, point = point, other
        where = "redan registrerad" if other.line is None else f"rad {other.line}"
        text = f"läge: {pair.metres:.0f} m från {other.point} ({other.name}, {where}); är det samma plats?"
        found.append(
            Problem(severity="warning", code="near_twin", text=text, line=point.line, field=POSITION, point=point.point)
        )
    return found


def too_many(counts: Mapping[str, int]) -> list[Problem]:
    """Kommuner with more points than can be meant."""
    return [
        Problem(
            severity="warning",
            code="many_points",
            text=f"{KOMMUNER[kommun].name} får {count} punkter; fler än {MOST_POINTS} i en kommun är troligen ett fel",
            field=KOMMUN,
        )
        for kommun, count in sorted(counts.items())
        if count > MOST_POINTS
    ]


def _far(metres: float) -> str:
    if metres < 1_000:
        return f"{metres:.0f} m"
    return f"{metres / 1_000:.1f} km".replace(".", ",")
