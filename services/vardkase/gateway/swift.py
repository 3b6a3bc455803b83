"""The way of the one question that everybody asks again and again: an area's picture as it is now.

It is the route `/v1/pictures/{level}/{code}` without the framework's reading of parameters, which takes four times as
long as all the rest of it. Whatever is asked otherwise goes there.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from vardkase_contracts.areas import CIVO, KOMMUNER, LAN, NATION, Area
from vardkase_contracts.vocab import REALITIES, Reality

from .access.dependencies import may_read, principal
from .house import House
from .negotiate import answer
from .problems import Problem


class _Route(NamedTuple):
    """What the route is called, in metrics and in the audit."""

    path: str


PATH: Final = _Route("/v1/pictures/{level}/{code}")
_AREAS: Final = (
    NATION,
    *(Area("civo", code) for code in CIVO),
    *(Area("lan", code) for code in LAN),
    *(Area("kommun", code) for code in KOMMUNER),
)
_QUERIES: Final[Mapping[bytes, Reality]] = {b"": "act", **{f"reality={each}".encode(): each for each in REALITIES}}


class Swift:
    """ASGI middleware.

    Args:
        app: what answers everything else.
        house: whose pictures they are.
    """

    def __init__(self, app: ASGIApp, house: House) -> None:
        self._app = app
        self._house = house
        self._areas = {f"/v1/pictures/{area.level}/{area.code}": area for area in _AREAS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["method"] == "GET":
            area, reality = self._areas.get(scope["path"]), _QUERIES.get(scope["query_string"])
            if area is not None and reality is not None:
                held = self._house.live.worlds[reality].pictures.get(area)
                if held is not None:
                    scope["route"] = PATH
                    request = Request(scope, receive)
                    try:
                        await principal(request)
                        may_read(request, area, reality)
                        response = answer(request, held.data, held.etag, keep=True)
                    except Problem as problem:
                        response = problem.response()
                    await response(scope, receive, send)
                    return
        await self._app(scope, receive, send)
