"""Pictures and points as they were: what the routes answer when they are asked about a time (`?at=`)."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from vardkase.gateway import geojson
from vardkase.gateway.house import House, house_of
from vardkase.gateway.negotiate import answer, pack_ahead
from vardkase.gateway.points import PointsQuery
from vardkase.gateway.principal import Principal, within
from vardkase.gateway.problems import Problem
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import iso
from vardkase_contracts.vocab import Reality

from .asks import Ask, Told, What
from .pool import Archive
from .when import When

SHA256: Final = "vardkase-sha256"
"""The header that names the bytes of an answer, whatever is done to them on the way."""
KNOWN: Final = "vardkase-known"
"""The header that says what came until when counts: with it (`known`) the question has the same answer for ever."""


async def picture(request: Request, who: Principal, area: Area, reality: Reality, when: When) -> Response:
    """An area's picture as it was.

    Raises:
        Problem: 400, 404, 429, 503.
    """
    house = house_of(request)
    asked = _Asked(house, when)
    if not within(area, house.area):
        raise Problem(404, "not_found", "there is no picture of this area at this node")
    told = await asked.archive.ask(asked.about("picture", reality, area), who.id)
    return await answered(request, told.body, asked.headers(told))


async def points(
    request: Request, who: Principal, area: Area, reality: Reality, when: When, query: PointsQuery
) -> Response:
    """A page of the points of an area as they were.

    Raises:
        Problem: 400, 404, 429, 503.
    """
    asked = _Asked(house_of(request), when)
    ask = replace(asked.about("points", reality, area), query=query)
    told = await asked.archive.ask(ask, who.id)
    link = next_page(request, told.head.cursor, asked.pinned())
    body = geojson.collection(_parts(told), matched=told.head.matched, link=link.get("link"))
    return await answered(request, body, {**link, **asked.headers(told)}, media_type=geojson.MEDIA_TYPE)


async def point(request: Request, who: Principal, point: str, reality: Reality, when: When) -> Response:
    """A point as it was.

    Raises:
        Problem: 400, 404, 429, 503.
    """
    asked = _Asked(house_of(request), when)
    ask = replace(asked.about("point", reality, Area("kommun", point[:4])), point=point)
    told = await asked.archive.ask(ask, who.id)
    return await answered(request, told.body, asked.headers(told), media_type=geojson.MEDIA_TYPE)


class _Asked:
    """What time is asked about, in both times: the node's, and that of things stored.

    Raises:
        Problem: 400, it is to come; 404, there is no archive.
    """

    def __init__(self, house: House, when: When) -> None:
        self.archive = archive_of(house)
        self._when = when
        times = self.archive.times
        now = times.now()
        for field, instant in (("at", when.at), ("known", when.known)):
            if instant is not None and instant > now:
                raise Problem(400, "in_future", f"It is {iso(now)}: that is to come", field=field)
        if when.basis == "known":
            self._by = times.stored(when.at)
        else:
            self._by = self.archive.settled() if when.known is None else times.stored(when.known)
        self._known = times.shown(self._by) if when.known is None else when.known

    def about(self, what: What, reality: Reality, area: Area) -> Ask:
        """A question about an area."""
        when = self._when
        return Ask(what=what, reality=reality, area=area.code, at=when.at, basis=when.basis, by=self._by)

    def pinned(self) -> dict[str, str]:
        """What a link to more of the answer must say, so that it is more of the same."""
        return {} if self._when.basis == "known" else {"known": iso(self._known)}

    def headers(self, told: Told) -> dict[str, str]:
        """What is told of the answer."""
        when = self._when
        return {
            "vardkase-at": iso(when.at),
            "vardkase-basis": when.basis,
            KNOWN: iso(when.at if when.basis == "known" else self._known),
            "vardkase-reports": str(told.head.reports),
        }


def archive_of(house: House) -> Archive:
    """The archive.

    Raises:
        Problem: 404; the node keeps none.
    """
    if house.archive is None:
        raise Problem(404, "no_archive", "This node keeps no history")
    return house.archive


async def answered(
    request: Request, body: bytes, headers: Mapping[str, str], *, media_type: str = "application/json"
) -> Response:
    """An answer that names its bytes: by its tag, and by a header that stays when it is compressed."""
    digest = hashlib.sha256(body).hexdigest()
    await pack_ahead(request, body, digest)
    return answer(request, body, digest, media_type=media_type, headers={**headers, SHA256: digest}, keep=True)


def next_page(request: Request, cursor: str | None, pinned: Mapping[str, str]) -> dict[str, str]:
    """The header that names the next page, if there is one."""
    if cursor is None:
        return {}
    given = [(name, value) for name, value in request.query_params.multi_items() if name not in {"cursor", *pinned}]
    return {"link": f'<{request.url.path}?{urlencode([*given, *pinned.items(), ("cursor", cursor)])}>; rel="next"'}


def _parts(told: Told) -> list[bytes]:
    return told.body.split(b"\n") if told.body else []
