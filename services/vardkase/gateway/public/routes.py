"""The public side's routes. Nobody is asked who they are, and nothing is set in the browser."""

from typing import Annotated, Final, Literal

import orjson
from fastapi import APIRouter, Depends, Header, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from vardkase.gateway.access.dependencies import by_address, origin_of
from vardkase.gateway.filters import BboxQuery, Box, CursorQuery, area_of, next_link
from vardkase.gateway.geojson import MEDIA_TYPE
from vardkase.gateway.house import House, house_of
from vardkase.gateway.negotiate import answer, etag_of, pack_ahead
from vardkase.gateway.problems import Problem
from vardkase.gateway.sse import EventStream, packs
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import PointKind, PublicStatus, ServiceCode

from . import documented
from .dcat import MEDIA_TYPE as MEDIA_TYPE_LD
from .dcat import Publisher, catalogue
from .held import Question
from .page import Wish, assets, render
from .side import PublicSide
from .stream import told

router: Final = APIRouter(tags=["public"], dependencies=[Depends(by_address)])

MOST: Final = 5_000
"""Most points and tombstones of one answer; also what is given unless asked otherwise: a map wants all of them."""
_WORDS: Final = 32
_A_DAY: Final = 86_400
_ASKS_WHERE: Final = "camera=(), microphone=(), geolocation=(self), payment=(), usb=()"
"""Where the browser is, the page may ask it; and tells nobody."""

CodeQuery = Annotated[
    str | None, Query(description="The area: `2480`, `24`, `norra` or `SE`. The node's unless given.", max_length=16)
]
PointPath = Annotated[str, Path(description="`<kommun>-<slug>`.", max_length=45, pattern=r"^[0-9]{4}-[a-z0-9-]{1,40}$")]


@router.get(
    "/public/v1/points",
    summary="Points that anyone may see, as GeoJSON",
    responses=documented.POINTS,
    response_class=Response,
)
async def points(
    request: Request,
    *,
    code: CodeQuery = None,
    bbox: BboxQuery = None,
    kind: Annotated[list[PointKind] | None, Query(description="Any of these.", max_length=_WORDS)] = None,
    status: Annotated[list[PublicStatus] | None, Query(description="Any of these.", max_length=_WORDS)] = None,
    service: Annotated[
        list[ServiceCode] | None,
        Query(description="All of these are given now; planned, where there is no live status.", max_length=_WORDS),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="Most points and tombstones of one answer.")] = MOST,
    cursor: CursorQuery = None,
) -> Response:
    """A feature for each point, by id; which kommuner take part; which points are gone.

    Times are rounded to 15 minutes. After `valid_until` availability, services and crowding read `unknown`; eight hours
    later the status reads `unconfirmed`. `last_event_id` is where `/public/v1/stream` goes on from this answer.
    """
    side = _side(request)
    question = Question(
        kommuner=_kommuner(side, code),
        box=None if bbox is None else Box.parse(bbox),
        kinds=frozenset(kind or ()),
        statuses=frozenset(status or ()),
        services=frozenset(service or ()),
        after=cursor or "",
        limit=limit,
    )
    made = side.answer(question)
    await pack_ahead(request, made.body, made.etag)
    following = next_link(request, made.after)
    headers = _cached(side)
    if following:
        headers["link"] += f", {following['link']}"
    return answer(request, made.body, made.etag, media_type=MEDIA_TYPE, headers=headers, keep=True)


@router.get(
    "/public/v1/points/{point}",
    summary="A point that anyone may see, as GeoJSON",
    responses=documented.POINT,
    response_class=Response,
)
async def point(request: Request, point: PointPath) -> Response:
    """Its feature. `410` for a point that was shown and is so no more."""
    side = _side(request)
    body = side.point(point)
    if body is not None:
        return answer(request, body, etag_of(body), media_type=MEDIA_TYPE, headers=_cached(side))
    if side.points.is_gone(point):
        raise Problem(410, "gone", "this point is no longer shown", headers=_cached(side))
    raise Problem(404, "not_found", "no such point is shown", headers=_cached(side))


@router.get(
    "/public/v1/kommuner",
    summary="Which kommuner take part",
    responses=documented.KOMMUNER,
    response_class=Response,
)
async def kommuner(request: Request) -> Response:
    """All of the node's area, each with whether it shows points here: an empty map never means that there are none."""
    side = _side(request)
    made = side.kommuner()
    return answer(request, made.body, made.etag, headers=_cached(side))


@router.get(
    "/public/v1/stream",
    summary="Server-sent events of what anyone may see",
    responses=documented.STREAM,
    response_class=Response,
)
async def stream(
    request: Request,
    *,
    code: CodeQuery = None,
    last_event_id: Annotated[
        str | None, Query(description="As the header: a browser can set none at first.", max_length=100)
    ] = None,
    resumed: Annotated[str | None, Header(alias="last-event-id", max_length=100)] = None,
) -> Response:
    """First what is, then what changes; with `Last-Event-ID` what has changed since, each point once.

    Events: `point` (a feature), `gone` (its id), `kommun` (whether it takes part), `current` (all that was there has
    been told), `live` (whether the gateway hears its source), `reset` (forget what you have: all of it is told anew).
    """
    side = _side(request)
    question = Question(kommuner=_kommuner(side, code))
    address = origin_of(request).address
    if side.streams.full(address):
        raise Problem(503, "full", "as many streams are open as are foreseen", headers={"retry-after": "15"})
    web, packed, last = house_of(request).settings.web, packs(request), resumed or last_event_id
    parts = told(side, question, last, address=address, heartbeat=web.heartbeat, packed=packed)
    return EventStream(request, parts, stalled=web.stalled, headers={"vary": "accept-encoding"})


@router.get(
    "/public/v1/dcat",
    summary="What is public, described for data portals (DCAT-AP-SE 3.0.1)",
    responses=documented.DCAT,
    response_class=Response,
)
async def dcat(request: Request) -> Response:
    """A catalogue of one dataset, as JSON-LD. There once the settings say who answers for it."""
    house = house_of(request)
    settings = house.settings.public
    if settings.publisher is None or settings.email is None:
        detail = "nobody is named who answers for it (VARDKASE_PUBLIC_PUBLISHER and VARDKASE_PUBLIC_EMAIL)"
        raise Problem(404, "no_catalogue", detail)
    origin = origin_of(request)
    who = Publisher(settings.publisher, settings.publisher_uri, settings.contact or settings.publisher, settings.email)
    body = orjson.dumps(catalogue(f"{origin.scheme}://{origin.host}", house.area, settings.licence, who))
    cached = {"cache-control": f"public, max-age={round(settings.max_age)}", "vary": "accept-encoding, host"}
    return answer(request, body, etag_of(body), media_type=MEDIA_TYPE_LD, headers=cached)


@router.get("/publik", summary="The public page", responses=documented.PAGE, response_class=Response)
async def publik(
    request: Request,
    *,
    kommun: Annotated[str | None, Query(max_length=4, pattern=r"^([0-9]{4})?$")] = None,
    tjanst: Annotated[ServiceCode | Literal[""] | None, Query(description="Only points with this service.")] = None,
    alla: Annotated[bool, Query(description="Points that are not open, too.")] = False,
) -> Response:
    """In Swedish: the open points of a kommun, or those nearest to the browser; services, and how old the word is."""
    side = _side(request)
    chosen = kommun or None
    if chosen is not None and chosen not in side.area.kommuner():
        raise Problem(404, "unknown_area", "there is no such kommun here", field="kommun")
    now = house_of(request).clock.now()
    side.points.age(now)
    body = render(side, Wish(kommun=chosen, service=tjanst or None, every=alla), now)
    headers = {**_page(side), "permissions-policy": _ASKS_WHERE}
    return answer(request, body, etag_of(body), media_type="text/html; charset=utf-8", headers=headers)


@router.get("/publik/{name}", summary="A file of the public page", responses=documented.ASSET, response_class=Response)
async def asset(request: Request, name: Annotated[str, Path(max_length=40)]) -> Response:
    """One of a few files; there are no others, whatever path is asked for."""
    found = assets().get(name)
    if found is None:
        raise Problem(404, "not_found", "there is nothing under this path")
    # Its address changes with its content.
    cached = f"public, max-age={_A_DAY}, immutable" if "v" in request.query_params else "public, no-cache"
    headers = {"cache-control": cached, "vary": "accept-encoding"}
    return answer(request, found.body, found.etag, media_type=found.media_type, headers=headers, keep=True)


def _side(request: Request) -> PublicSide:
    """What is public.

    Raises:
        Problem: 503; nothing is made public here, or it was not read yet.
    """
    house: House = house_of(request)
    if house.public is None:
        detail = "this node has no public account to read"
        raise Problem(503, "not_published", detail, headers={"retry-after": "3600"})
    if not house.public.whole:
        detail = "what is public has not been read yet"
        raise Problem(503, "starting", detail, headers={"retry-after": "2"})
    return house.public


def _kommuner(side: PublicSide, code: str | None) -> frozenset[str] | None:
    """The kommuner of an area; None: all of the node's.

    Raises:
        Problem: 400; there is no such area. 404; it is not this node's.
    """
    area: Area = side.area if code is None else area_of(None, code)
    if area == side.area:
        return None
    inside = frozenset(area.kommuner())
    if not inside <= frozenset(side.area.kommuner()):
        raise Problem(404, "other_area", "this node shows the points of another area", field="code")
    return inside


def _cached(side: PublicSide) -> dict[str, str]:
    return {**_page(side), "link": f'<{side.settings.licence}>; rel="license"'}


def _page(side: PublicSide) -> dict[str, str]:
    return {"cache-control": f"public, max-age={round(side.settings.max_age)}", "vary": "accept-encoding"}
