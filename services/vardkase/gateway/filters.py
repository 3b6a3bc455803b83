"""What a query asks for: an area, a box, words of vocabularies; and pages of a list."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, NamedTuple, TypeVar
from urllib.parse import urlencode

from fastapi import Query
from starlette.requests import Request

from vardkase_contracts.areas import NATION_CODE, Area
from vardkase_contracts.vocab import AreaLevel, Reality

from .principal import Principal
from .problems import Problem

LIMIT: Final = 500
"""How many a page has unless asked otherwise."""
MOST: Final = 5_000
"""Most of a page."""

RealityQuery = Annotated[Reality, Query(description="`act` skarpt, `exe` övning, `tst` prov.")]
LevelQuery = Annotated[AreaLevel | None, Query(description="The kind of area; `code` alone is enough.")]
CodeQuery = Annotated[
    str | None,
    Query(description="The area: `2480`, `24`, `norra` or `SE`. One's own unless given.", max_length=16),
]
LimitQuery = Annotated[int, Query(ge=1, le=MOST, description="How many of the list are wanted.")]
CursorQuery = Annotated[
    str | None,
    Query(description="Where to go on: as `Link: rel=next` has it.", max_length=400, pattern=r"^[A-Za-z0-9_-]+$"),
]
BboxQuery = Annotated[
    str | None,
    Query(
        description="West, south, east, north in degrees (WGS 84). Over the 180th meridian, west is greater than east.",
        max_length=120,
        examples=["17.9,59.2,18.3,59.5"],
    ),
]

T = TypeVar("T")
_NUMBER: Final = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,15})?")


class Box(NamedTuple):
    """A box on the map, its edges belonging to it."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def parse(cls, text: str) -> "Box":
        """The box of `west,south,east,north`.

        Raises:
            Problem: 400; it is none.
        """
        parts = [part.strip() for part in text.split(",")]
        if len(parts) != 4 or not all(_NUMBER.fullmatch(part) for part in parts):
            raise Problem(400, "bbox", "expected four numbers: west,south,east,north in degrees", field="bbox")
        box = cls(*map(float, parts))
        if max(abs(box.west), abs(box.east)) > 180 or max(abs(box.south), abs(box.north)) > 90:
            raise Problem(400, "bbox", "expected longitudes up to 180 and latitudes up to 90 degrees", field="bbox")
        if box.south > box.north:
            raise Problem(400, "bbox", "expected the south before the north", field="bbox")
        return box

    def holds(self, position: tuple[float, float] | None) -> bool:
        """Whether a longitude and latitude lie in it. What has no position lies nowhere."""
        if position is None:
            return False
        lon, lat = position
        across = self.west <= lon <= self.east if self.west <= self.east else lon >= self.west or lon <= self.east
        return across and self.south <= lat <= self.north


class Page(NamedTuple, Generic[T]):
    """A part of a list."""

    items: Sequence[T]
    matched: int
    """How many there are in the whole list now."""
    cursor: str | None
    """Where the next part begins; None: this is the last."""


def asked_area(principal: Principal, level: AreaLevel | None, code: str | None) -> Area:
    """The area that a query names; one's own when it names none.

    Raises:
        Problem: 400; there is no such area.
    """
    if code is None:
        if level is None:
            return principal.area
        if level != "nation":
            raise Problem(400, "code_missing", "expected code together with level", field="code")
        code = NATION_CODE
    return area_of(level, code)


def area_of(level: str | None, code: str, *, status: int = 400) -> Area:
    """The area of a code, and of a level when that is given too.

    Raises:
        Problem: `status`; there is none.
    """
    try:
        area = Area.parse(code)
    except ValueError as error:
        raise Problem(status, "unknown_area", str(error), field="code") from None
    if level is not None and area.level != level:
        raise Problem(status, "unknown_area", f"there is no such {level}", field="code")
    return area


def page_of(items: Sequence[T], key: Callable[[T], str], *, limit: int, cursor: str | None) -> Page[T]:
    """A page of a list that is sorted by `key`, which is unique.

    What is added or taken away meanwhile moves nothing: the next page goes on after the last key of this one.

    Raises:
        Problem: 400; the cursor is none of ours.
    """
    begin = 0
    if cursor is not None:
        after = _decoded(cursor)
        low, high = 0, len(items)
        while low < high:
            middle = (low + high) // 2
            if key(items[middle]) <= after:
                low = middle + 1
            else:
                high = middle
        begin = low
    part = items[begin : begin + limit]
    more = begin + limit < len(items)
    return Page(part, len(items), _encoded(key(part[-1])) if more and part else None)


def next_link(request: Request, cursor: str | None) -> dict[str, str]:
    """The header that names the next page, if there is one."""
    if cursor is None:
        return {}
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return {"link": f'<{request.url.path}?{urlencode([*query, ("cursor", cursor)])}>; rel="next"'}


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _decoded(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Problem(400, "cursor", "expected a cursor as the link to the next page has it", field="cursor") from None
