"""Where in Sweden an American shelter stands: always the same place for the same shelter, state and city.

A state goes to a län, a city of it to one of that län's kommuner, so what was hit together is hit together. The table
keeps the map roughly as it is: north in the north, coasts on coasts, neighbours near each other.
Nothing else of it is meant; where exactly a point lies is by chance (its id's), near its kommun's own point.
"""

import hashlib
import math
from typing import Final

from vardkase.simulator.sites import near, room_km
from vardkase_contracts.areas import KOMMUNER, LAN, Area, Kommun

_STATES: Final = {
    "25": "AK ND MT",
    "24": "WY SD MN WI",
    "23": "WA ID",
    "22": "ME NH VT",
    "21": "MI NE IA",
    "20": "OR UT",
    "17": "NV CO",
    "14": "CA",
    "13": "AZ NM PR VI",
    "18": "IL IN KS",
    "19": "OH WV",
    "03": "PA",
    "01": "NY NJ CT RI MA",
    "04": "DC MD DE",
    "05": "VA NC",
    "06": "TN KY MO",
    "07": "AR OK TX",
    "08": "AL MS LA",
    "10": "SC GA",
    "12": "FL",
    "09": "HI GU MP AS",
}
_LAN_OF: Final = {state: lan for lan, states in _STATES.items() for state in states.split()}
_FARTHEST_KM: Final = 10.0
"""No point lies farther from its kommun's own."""
_ROOM_KM: Final = room_km()


def kommun_of(shelter: int, state: str | None, city: str | None) -> Kommun:
    """The kommun of a shelter: by its state and city; where one of them is not known, by its id.

    A state that is not in the table goes to a län of its own choice, the same for all in it.
    """
    where = (state or f"#{shelter}").strip().upper()
    lan = _LAN_OF.get(where) or list(LAN)[_number(f"state:{where}") % len(LAN)]
    kommuner = Area("lan", lan).kommuner()
    town = " ".join((city or f"#{shelter}").upper().split())
    return KOMMUNER[kommuner[_number(f"city:{where}:{town}") % len(kommuner)]]


def position_of(shelter: int, kommun: Kommun) -> tuple[float, float]:
    """Where in its kommun a shelter stands: longitude, latitude, spread evenly round the kommun's own point."""
    number = _number(f"position:{shelter}")
    far, turn = (number >> 32) / 2**32, (number & 0xFFFF_FFFF) / 2**32
    return near(kommun, min(_FARTHEST_KM, _ROOM_KM[kommun.code]) * math.sqrt(far), 2 * math.pi * turn)


def _number(text: str) -> int:
    """A number below 2^64 that follows from a text, on any machine."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")
