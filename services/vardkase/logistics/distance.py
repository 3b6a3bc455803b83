"""How far it is, and how long it takes: as the crow flies, times what roads are longer."""

import math
from typing import Final

from vardkase_contracts.instants import HOUR

Position = tuple[float, float]
"""Longitude and latitude (WGS 84)."""

ROAD_FACTOR: Final = 1.3
"""How much longer a road is than the way of the crow (ours). Around lakes and fjords it is more."""
_EARTH_KM: Final = 6371.0


def kilometres(one: Position, other: Position) -> float:
    """As the crow flies, on a sphere."""
    (lon1, lat1), (lon2, lat2) = ((math.radians(lon), math.radians(lat)) for lon, lat in (one, other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_KM * math.asin(min(1.0, math.sqrt(half)))


def drive(km: float, km_h: float) -> int:
    """How long it takes to drive so far (µs)."""
    return round(km / km_h * HOUR)
