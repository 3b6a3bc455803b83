"""Near twins: two points so close together that they may be one that was entered twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import shapely

NEAR_M: Final = 100.0
"""Metres within which two points are told of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Twins:
    """Two places that are near each other, by their places in what was asked about."""

    one: int
    other: int
    metres: float


def twins(places: Sequence[tuple[float, float]], *, new: int) -> list[Twins]:
    """Of each place that has another within 100 m, the nearest; each pair but once.

    By an index in space: the time grows with the number of places, not with its square, also when all are in one spot.

    Args:
        places: east and north in metres.
        new: how many of them, from the first, are looked at; the others are only found beside them.
    """
    first: dict[tuple[float, float], int] = {}
    pairs: dict[tuple[int, int], float] = {}
    for at, (east, north) in enumerate(places):
        spot = (round(east, 1), round(north, 1))
        before = first.setdefault(spot, at)
        if before != at and before < new:
            pairs[before, at] = 0.0
    # Each spot once: an index slows down to a search of everything where thousands of places are the same.
    spots, firsts = list(first), list(first.values())
    asked = sum(at < new for at in firsts)  # these come first: the first of a spot is its earliest
    if asked and len(spots) > 1:
        points: Any = shapely.points(spots)
        (these, found), metres = shapely.STRtree(points).query_nearest(
            points[:asked], max_distance=NEAR_M, return_distance=True, exclusive=True, all_matches=False
        )
        for this, other, distance in zip(these.tolist(), found.tolist(), metres.tolist(), strict=True):
            one, two = sorted((firsts[this], firsts[other]))
            pairs.setdefault((one, two), distance)
    return [Twins(one=one, other=other, metres=metres) for (one, other), metres in sorted(pairs.items())]
