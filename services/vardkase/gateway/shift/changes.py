"""`GET /v1/changes`: what has changed in an area since a time, from the archive."""

import base64
import binascii
import re
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from vardkase.archive.changes import MOST
from vardkase.gateway.access.dependencies import may_read
from vardkase.gateway.filters import CodeQuery, CursorQuery, LevelQuery, RealityQuery, asked_area
from vardkase.gateway.history.asks import Ask
from vardkase.gateway.history.at import KNOWN, answered, archive_of, next_page
from vardkase.gateway.history.when import instant
from vardkase.gateway.house import house_of
from vardkase.gateway.problems import Problem
from vardkase.gateway.reads import Who
from vardkase_contracts.instants import DAY, iso

from .documented import CHANGES
from .since import OLDEST

router: Final = APIRouter(tags=["shift"])

LIMIT: Final = 200
"""How many a page looks at unless asked otherwise."""
_CURSOR: Final = re.compile(r"([0-9]{1,16})\.([0-9]{1,16})\.([0-9])\.([0-9]{1,16})")

Place = tuple[int, int, int]


@router.get("/v1/changes", summary="What has changed since a time", responses=CHANGES, response_class=Response)
async def changes(
    request: Request,
    who: Who,
    since: Annotated[
        str,
        Query(
            description="RFC 3339 with an offset; at most 31 days ago. What came to this node after it is told.",
            max_length=40,
            examples=["2026-11-20T06:00:00+01:00"],
        ),
    ],
    *,
    reality: RealityQuery = "act",
    level: LevelQuery = None,
    code: CodeQuery = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many changes a page looks at.")] = LIMIT,
    cursor: CursorQuery = None,
) -> Response:
    """Alerts, points, needs, activation and orders, in the order in which they came to this node.

    A page may hold fewer than `limit`, or none, and others follow: only one without a link is the last. All pages tell
    of what had come when the first was asked for (`until`).
    """
    house = house_of(request)
    area = asked_area(who, level, code)
    may_read(request, area, reality, what="read.changes")
    archive = archive_of(house)
    times = archive.times
    began, now = instant("since", since), times.now()
    if began > now:
        raise Problem(400, "in_future", f"It is {iso(now)}: that is to come", field="since")
    if began < now - OLDEST:
        raise Problem(400, "too_long_ago", f"expected a time of the last {OLDEST // DAY} days", field="since")
    by, after = (archive.settled(), None) if cursor is None else _decoded(cursor, archive.settled())
    ask = Ask(
        what="changes",
        reality=reality,
        area=area.code,
        at=by,
        basis="known",
        by=by,
        since=times.stored(began),
        after=after,
        most=limit,
    )
    told = await archive.ask(ask, who.id)
    link = next_page(request, None if told.head.after is None else _encoded(by, told.head.after), {})
    listed = told.body.split(b"\n") if told.body else []
    until = iso(times.shown(by))
    head: dict[str, Any] = {
        "level": area.level,
        "code": area.code,
        "reality": reality,
        "since": iso(began),
        "until": until,
        "numberReturned": len(listed),
    }
    if link:
        head["links"] = [{"rel": "next", "href": link["link"][1 : link["link"].index(">")]}]
    body = b'%s,"changes":[%s]}' % (orjson.dumps(head)[:-1], b",".join(listed))
    return await answered(request, body, {**link, KNOWN: until})


def _encoded(by: int, after: Place) -> str:
    return base64.urlsafe_b64encode(".".join(map(str, (by, *after))).encode()).rstrip(b"=").decode()


def _decoded(cursor: str, settled: int) -> tuple[int, Place]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        text = ""
    found = _CURSOR.fullmatch(text)
    if found is None or int(found[1]) > settled or int(found[2]) > int(found[1]):
        raise Problem(400, "cursor", "expected a cursor as the link to the next page has it", field="cursor")
    return int(found[1]), (int(found[2]), int(found[3]), int(found[4]))
