"""The box around an area: west, south, east, north in degrees, of the simplified outlines (`data/README.md`)."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple


class Box(NamedTuple):
    """A box on the map, in degrees (WGS 84)."""

    west: float
    south: float
    east: float
    north: float

    @property
    def wkt(self) -> str:
        """As well-known text, longitude first."""
        west, south, east, north = self
        corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
        return f"POLYGON(({', '.join(f'{lon:g} {lat:g}' for lon, lat in corners)}))"


@cache
def box_of(kommuner: tuple[str, ...]) -> Box:
    """The box around some kommuner.

    Args:
        kommuner: their codes; at least one that there is.
    """
    text = (files("vardkase.registry") / "data" / "kommuner.geojson").read_text(encoding="utf-8")
    wanted = set(kommuner)
    places = [
        place
        for feature in json.loads(text)["features"]
        if feature["properties"]["code"] in wanted
        for place in _places(feature["geometry"]["coordinates"])
    ]
    lons, lats = [lon for lon, _ in places], [lat for _, lat in places]
    return Box(*(round(each, 3) for each in (min(lons), min(lats), max(lons), max(lats))))


def _places(coordinates: Sequence[Any]) -> Iterator[tuple[float, float]]:
    """The places of a geometry, however deep they lie."""
    if isinstance(coordinates[0], int | float):
        yield float(coordinates[0]), float(coordinates[1])
        return
    for part in coordinates:
        yield from _places(part)
