"""From the coordinates of a file to WGS 84: which system they are in, and which of the two is north.

Sweden helps: within it north and east never have the same range, neither in degrees nor in metres, so two numbers
tell by themselves which is which. They also tell degrees from SWEREF 99 TM. What they cannot tell is in which of
twelve local zones a kommun has measured; then it must be said (`--crs`).

SWEREF 99 and WGS 84 are taken to be one: they differ by less than a metre.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import pyproj

from vardkase.registry.problems import BadFile

WGS84: Final = 4326
SWEREF99TM: Final = 3006

Pair = tuple[float, float]
"""Two coordinates: north and east as the file says, which may be wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """A coordinate system, and what Sweden's coordinates are in it."""

    epsg: int
    name: str
    north: tuple[float, float]
    """Least and greatest of Sweden."""
    east: tuple[float, float]


_METRES_NORTH: Final = (6_100_000.0, 7_700_000.0)
_ZONES: Final = {
    3007: "12 00",
    3008: "13 30",
    3009: "15 00",
    3010: "16 30",
    3011: "18 00",
    3012: "14 15",
    3013: "15 45",
    3014: "17 15",
    3015: "18 45",
    3016: "20 15",
    3017: "21 45",
    3018: "23 15",
}
SYSTEMS: Final[Mapping[int, System]] = {
    WGS84: System(epsg=WGS84, name="WGS 84", north=(54.9, 69.2), east=(10.0, 24.3)),
    SWEREF99TM: System(epsg=SWEREF99TM, name="SWEREF 99 TM", north=_METRES_NORTH, east=(250_000.0, 930_000.0)),
    **{
        epsg: System(epsg=epsg, name=f"SWEREF 99 {zone}", north=_METRES_NORTH, east=(20_000.0, 280_000.0))
        for epsg, zone in _ZONES.items()
    },
    3021: System(epsg=3021, name="RT 90 2,5 gon V", north=_METRES_NORTH, east=(1_200_000.0, 1_900_000.0)),
}
"""What `--crs` may say, by EPSG code."""
_GUESSED: Final = (SYSTEMS[WGS84], SYSTEMS[SWEREF99TM])
"""What is seen by the numbers alone."""
_NAMES: Final = {"wgs84": WGS84, "crs84": WGS84, "sweref99tm": SWEREF99TM, "sweref99": SWEREF99TM, "rt90": 3021}
_EPSG: Final = re.compile(r"epsg[:/ ]*(?:[0-9.]*[:/])?([0-9]{4,5})$", re.IGNORECASE)
_WKT: Final = re.compile(r"^(?:SRID=\d+;)?\s*POINT(?:\s+Z)?\s*\(\s*(\S+)\s+(\S+)(?:\s+\S+)?\s*\)$", re.IGNORECASE)
_MOST_TOLD: Final = 3


def named(text: str, *, by: str) -> System:
    """The system of a name: `EPSG:3006`, `3006`, `wgs84`, `urn:ogc:def:crs:EPSG::3006`.

    Raises:
        BadFile: there is none of that name.
    """
    word = re.sub(r"[^a-z0-9]", "", text.casefold())
    if "ogc" in word and word.endswith("crs84"):
        return SYSTEMS[WGS84]
    found = _EPSG.search(text.strip())
    epsg = int(found[1]) if found else _NAMES.get(word, int(word) if word.isdigit() and len(word) < 6 else 0)
    if epsg in {4619, 4258}:  # degrees of SWEREF 99, and of Europe's frame: within a metre of WGS 84
        epsg = WGS84
    if epsg not in SYSTEMS:
        known = ", ".join(f"EPSG:{each.epsg} ({each.name})" for each in SYSTEMS.values())
        raise BadFile(f"{by}: okänt koordinatsystem {text!r}; det kan vara {known}")
    return SYSTEMS[epsg]


def detect(pairs: Sequence[tuple[int, Pair]]) -> System:
    """The system that the coordinates of a file are in.

    Args:
        pairs: the coordinates with their lines.

    Raises:
        BadFile: they fit none that can be told by the numbers, or two: it must be said.
    """
    fits: Counter[int] = Counter()
    first: dict[int, tuple[int, Pair]] = {}
    for line, pair in pairs:
        for system in _GUESSED:
            if place(pair, system) is not None:
                fits[system.epsg] += 1
                first.setdefault(system.epsg, (line, pair))
    if len(fits) == 1:
        return SYSTEMS[next(iter(fits))]
    if fits:
        told = "; ".join(f"rad {line}: {_told(pair)} är {SYSTEMS[e].name}" for e, (line, pair) in first.items())
        raise BadFile(f"koordinaterna är i olika system ({told}); dela filen, eller säg vilket med --crs")
    if not pairs:
        raise BadFile("filen har inga koordinater")
    seen = "; ".join(f"rad {line}: {_told(pair)}" for line, pair in pairs[:_MOST_TOLD])
    raise BadFile(
        f"koordinaterna ligger inte i Sverige, varken i SWEREF 99 TM eller WGS 84 ({seen}){_hint(pairs[0][1])}; "
        "säg vilket system de är i med --crs, till exempel --crs EPSG:3011"
    )


def place(pair: Pair, system: System) -> Pair | None:
    """North and east, in whichever order they stood; None when no order is in Sweden."""
    for north, east in (pair, pair[::-1]):
        if system.north[0] <= north <= system.north[1] and system.east[0] <= east <= system.east[1]:
            return north, east
    return None


def to_wgs84(places: Sequence[Pair], system: System) -> list[tuple[float, float]]:
    """Longitude and latitude in degrees, to a decimetre, of north and east."""
    if system.epsg == WGS84:
        return [(round(east, 6), round(north, 6)) for north, east in places]
    if not places:
        return []
    lons, lats = _transformer(system.epsg, WGS84).transform(
        [east for _, east in places], [north for north, _ in places]
    )
    return [(round(lon, 6), round(lat, 6)) for lon, lat in zip(lons, lats, strict=True)]


def to_metres(positions: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """East and north in SWEREF 99 TM, metres, of longitude and latitude: to measure in."""
    if not positions:
        return []
    easts, norths = _transformer(WGS84, SWEREF99TM).transform([p[0] for p in positions], [p[1] for p in positions])
    return list(zip(easts, norths, strict=True))


def of_text(text: str) -> Pair:
    """North and east from one cell: `63.84, 20.16`, `63,84 20,16`, `7086880 758000`, `POINT(20.16 63.84)`.

    Raises:
        ValueError: they are not two numbers; the text is Swedish.
    """
    wkt = _WKT.match(text.strip())
    parts = list(wkt.groups()) if wkt else re.split(r"\s*;\s*|\s*,\s+|\s+", text.strip().strip("[]()").strip())
    if len(parts) == 1 and parts[0].count(",") == 1:
        parts = parts[0].split(",")
    if len(parts) != 2:
        raise ValueError("två koordinater väntades, som 63.84, 20.16")
    first, second = number(parts[0]), number(parts[1])
    return (second, first) if wkt else (first, second)


def number(text: str) -> float:
    """A number with a point or a comma for its decimals, and blanks between thousands.

    Raises:
        ValueError: it is none; the text is Swedish.
    """
    bare = re.sub(r"[\s\u00a0\u202f'°]", "", text)
    if "." not in bare:
        bare = bare.replace(",", ".", 1)
    if not re.fullmatch(r"[+\-\u2212]?[0-9]{1,15}(?:\.[0-9]{0,15})?", bare):
        raise ValueError(f"ett tal väntades, inte {text[:40]!r}")
    return float(bare.replace("\u2212", "-"))


@cache
def _transformer(source: int, target: int) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def _told(pair: Pair) -> str:
    return f"{pair[0]:.10g}, {pair[1]:.10g}"


def _hint(pair: Pair) -> str:
    """What numbers like these most often are."""
    for north, east in (pair, pair[::-1]):
        if _METRES_NORTH[0] <= north <= _METRES_NORTH[1]:
            if east < 250_000:
                return "; de ser ut som en lokal zon av SWEREF 99 (EPSG:3007 till 3018)"
            if 1_200_000 <= east <= 1_900_000:
                return "; de ser ut som RT 90 (EPSG:3021)"
    return ""
