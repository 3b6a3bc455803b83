"""`GET /v1/points/{id}/history`: every report about a point, and what each of them changed."""

import base64
import binascii
import re
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from vardkase.archive.store import Basis
from vardkase.gateway.access.dependencies import may_read_point, principal
from vardkase.gateway.filters import CursorQuery, RealityQuery
from vardkase.gateway.house import house_of
from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import iso

from .asks import Ask
from .at import KNOWN, answered, archive_of, next_page
from .documented import ANSWERS
from .when import instant

router: Final = APIRouter()

LIMIT: Final = 100
"""How many a page has unless asked otherwise."""
MOST: Final = 1_000
"""Most of a page."""
_CURSOR: Final = re.compile(r"([0-9]{1,16})\.([0-9]{1,9})")

PointPath = Annotated[
    str,
    Path(description="`<kommun>-<slug>`; `<kommun>-_`: the kommun itself.", pattern=r"^[0-9]{4}-(_|[a-z0-9-]{1,40})$"),
]


@router.get(
    "/v1/points/{point}/history",
    tags=["points"],
    summary="A point's history: every report, with before and after",
    response_class=Response,
    responses=ANSWERS,
)
async def point_history(
    request: Request,
    who: Annotated[Principal, Depends(principal)],
    point: PointPath,
    *,
    reality: RealityQuery = "act",
    basis: Annotated[
        Basis,
        Query(
            description="`known`: in the order in which the reports came, and what was known here before and after. "
            "`observed`: in the order in which they were observed, and how it was before and after, as is now known."
        ),
    ] = "known",
    known: Annotated[
        str | None,
        Query(description="What came after this time does not count. It is told in every answer.", max_length=40),
    ] = None,
    order: Annotated[Literal["oldest", "newest"], Query(description="Which is told first.")] = "oldest",
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many are wanted.")] = LIMIT,
    cursor: CursorQuery = None,
) -> Response:
    """Every report that came about a point, also those that do not count, each with what it changed in the state.

    Withdraws that name one of them are among them. The same question with the same `known` has the same bytes, but for
    what must not be shown any more.
    """
    may_read_point(request, point, reality, what="read.history")
    archive = archive_of(house_of(request))
    if point[:4] not in KOMMUNER:
        raise Problem(404, "not_found", "There is no such kommun", field="point")
    times = archive.times
    asked = None if known is None else instant("known", known)
    if asked is not None and asked > times.now():
        raise Problem(400, "in_future", f"It is {iso(times.now())}: that is to come", field="known")
    by, first = archive.settled() if asked is None else times.stored(asked), 0
    if cursor is not None:
        pinned, first = _decoded(cursor)
        if asked is not None and pinned != by:
            raise Problem(400, "cursor", "the cursor is of another question", field="cursor")
        if pinned > by:
            raise Problem(400, "cursor", "expected a cursor as the link to the next page has it", field="cursor")
        by = pinned
    shown = iso(times.shown(by) if asked is None else asked)
    ask = Ask(
        what="history",
        reality=reality,
        area=point[:4],
        point=point,
        at=by,
        basis=basis,
        by=by,
        first=first,
        most=limit,
        newest_first=order == "newest",
    )
    told = await archive.ask(ask, who.id)
    if not told.head.matched:
        raise Problem(404, "not_found", "Nothing was ever reported of this point in this reality")
    link = next_page(request, _encoded(by, first + limit) if first + limit < told.head.matched else None, {})
    body = _document(point, reality, basis, shown, told.head.matched, told.body, link.get("link"))
    return await answered(request, body, {**link, KNOWN: shown, "vardkase-basis": basis})


def _document(
    point: str, reality: str, basis: Basis, known: str, matched: int, entries: bytes, link: str | None
) -> bytes:
    listed = entries.split(b"\n") if entries else []
    head: dict[str, Any] = {
        "point": point,
        "reality": reality,
        "basis": basis,
        "known": known,
        "numberMatched": matched,
        "numberReturned": len(listed),
    }
    if link is not None:
        head["links"] = [{"rel": "next", "href": link[1 : link.index(">")]}]
    return b'%s,"reports":[%s]}' % (orjson.dumps(head)[:-1], b",".join(listed))


def _encoded(by: int, first: int) -> str:
    return base64.urlsafe_b64encode(f"{by}.{first}".encode()).rstrip(b"=").decode()


def _decoded(cursor: str) -> tuple[int, int]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        text = ""
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise Problem(400, "cursor", "expected a cursor as the link to the next page has it", field="cursor")
    return int(found[1]), int(found[2])
