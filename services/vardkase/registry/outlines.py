"""Where the kommuner lie: is a point inside the one it says, and if not how far outside, and in which.

The outlines are simplified (`data/README.md`): near a border nothing can be said for certain.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
import shapely

from vardkase.registry.coordinates import to_metres

TOLERANCE_M: Final = 2_000.0
"""Metres outside the outline within which a point may just as well be inside."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """A point that is not inside its kommun's outline."""

    metres: float
    """How far outside."""
    nearest: str
    """The code of the kommun that it lies in, or nearest to."""

    @property
    def near(self) -> bool:
        """Whether that is too little to be certain."""
        return self.metres <= TOLERANCE_M


def outside(points: Sequence[tuple[str, tuple[float, float]]]) -> list[Outside | None]:
    """Of each point whether it is outside its kommun; None for one that is inside.

    Args:
        points: kommun codes, and east and north in SWEREF 99 TM (metres).

    Raises:
        KeyError: there is no such kommun.
    """
    if not points:
        return []
    codes, outlines = _outlines()
    index = {code: at for at, code in enumerate(codes)}
    places = shapely.points([place for _, place in points])
    own = outlines[[index[code] for code, _ in points]]
    metres = shapely.distance(own, places)
    away = np.flatnonzero(metres > 0)
    found: list[Outside | None] = [None] * len(points)
    if len(away):
        tree = shapely.STRtree(outlines)
        nearest = tree.nearest(places[away])
        for at, other in zip(away, nearest, strict=True):
            found[int(at)] = Outside(metres=float(metres[at]), nearest=codes[int(other)])
    return found


@cache
def _outlines() -> tuple[tuple[str, ...], Any]:
    """Codes, and their outlines in SWEREF 99 TM."""
    text = (files("vardkase.registry") / "data" / "kommuner.geojson").read_text(encoding="utf-8")
    features = json.loads(text)["features"]
    shapes = np.array([shapely.from_geojson(json.dumps(each["geometry"])) for each in features])
    in_metres = shapely.transform(shapes, lambda xy: np.array(to_metres([(x, y) for x, y in xy])))
    return tuple(each["properties"]["code"] for each in features), shapely.make_valid(in_metres)
