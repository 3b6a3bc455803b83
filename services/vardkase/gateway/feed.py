"""`GET /v1/alerts.atom`: the alerts of an area as a feed, whose entries lead to CAP documents."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from vardkase_contracts.instants import parse

from .access.dependencies import may_read
from .atom import MEDIA_TYPE, Feed, atom
from .capped import told_of
from .documented import FEED
from .documents import AlertHeld
from .filters import CodeQuery, CursorQuery, LevelQuery, RealityQuery, asked_area, next_link, page_of
from .house import house_of
from .negotiate import answer, etag_of, pack_ahead
from .reads import Who, whole

router: Final = APIRouter(tags=["alerts"])

LIMIT: Final = 100
"""How many entries a page has unless asked otherwise."""
MOST: Final = 500
"""Most of a page: each is made anew."""
_END: Final = 10**17
"""Later than any instant, µs."""


@router.get(
    "/v1/alerts.atom", summary="Alerts of an area as an Atom feed of CAP", responses=FEED, response_class=Response
)
async def alerts_feed(
    request: Request,
    who: Who,
    *,
    reality: RealityQuery = "act",
    level: LevelQuery = None,
    code: CodeQuery = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many entries are wanted.")] = LIMIT,
    cursor: CursorQuery = None,
) -> Response:
    """The newest message of each alert that stands, or was cleared in the last 24 h; what changed last comes first."""
    house = house_of(request)
    area = asked_area(who, level, code)
    may_read(request, area, reality, what="read.alerts")
    whole(house)
    found = sorted(house.live.worlds[reality].alerts_of(area), key=_last_first)
    page = page_of(found, _last_first, limit=limit, cursor=cursor)
    link = next_link(request, page.cursor)
    later = link["link"].partition(">")[0].removeprefix("<") if link else None
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    body = atom(Feed(house.area, area, reality, here, later), map(told_of, page.items))
    etag = etag_of(body)
    await pack_ahead(request, body, etag)
    return answer(request, body, etag, media_type=MEDIA_TYPE, headers=link, keep=True)


def _last_first(alert: AlertHeld) -> str:
    return f"{_END - parse(alert.changed_at):018d} {alert.key}"
