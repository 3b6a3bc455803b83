"""What an order may be about: a point by its id, or an area by its code; and what lies in what."""

from functools import cache

from vardkase_contracts.areas import KOMMUNER, LAN, NATION, Area, areas_of


def is_point(place: str) -> bool:
    """Whether a place is a point (or a kommun itself, `2480-_`) by its id; else it is an area by its code."""
    return len(place) > 5 and place[4] == "-"


def exists(place: str) -> bool:
    """Whether there is such an area, or such a kommun as the point would lie in."""
    if is_point(place):
        return place[:4] in KOMMUNER
    try:
        Area.parse(place)
    except ValueError:
        return False
    return True


def around(place: str) -> tuple[str, ...]:
    """The places that a place lies in, innermost first: itself, and the codes of its areas.

    Raises:
        ValueError: there is no such area.
        KeyError: the point's kommun is none.
    """
    return (place, *_areas(place[:4])) if is_point(place) else _areas(place)


@cache  # of the areas of Sweden alone
def _areas(code: str) -> tuple[str, ...]:
    if code in KOMMUNER:
        return tuple(area.code for area in areas_of(code))
    area = Area.parse(code)
    match area.level:
        case "lan":
            return (code, LAN[code].civo, NATION.code)
        case "civo":
            return (code, NATION.code)
        case _:
            return (code,)


def lies_in(place: str, other: str) -> bool:
    """Whether a place lies in another, or is it. What does not exist lies nowhere."""
    if is_point(place) and place[:4] not in KOMMUNER:
        return False
    try:
        return other in around(place)
    except ValueError:
        return False
