"""Orders as they were given, newest first; and the pictures that were adopted, each the same bytes for ever."""

import base64
from itertools import islice
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from vardkase.domain.snapshots import BadSnapshot, unpack
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase_contracts.orders import AdoptOrder
from vardkase_contracts.vocab import AreaLevel, OrderKind

from .access.dependencies import may_read
from .documented import ADOPTED, ADOPTED_PICTURE, ORDERS
from .filters import CodeQuery, LevelQuery, RealityQuery, area_of, asked_area, next_link
from .given import Adopted, GivenOrders
from .house import House, house_of
from .negotiate import answer, etag_of
from .problems import Problem
from .reads import CodePath, Who, starting

router: Final = APIRouter()

_MOST: Final = 200
LimitQuery = Annotated[int, Query(ge=1, le=_MOST, description="How many are wanted.")]
CursorQuery = Annotated[
    str | None,
    Query(description="Where to go on: as `Link: rel=next` has it.", pattern=r"^[0-9]{1,18}$"),
]
VersionPath = Annotated[str, Path(description="Of the picture that was adopted.", pattern=r"^[0-9a-f]{64}$")]


@router.get("/v1/orders", tags=["orders"], summary="Orders that were given", responses=ORDERS, response_class=Response)
async def orders(
    request: Request,
    who: Who,
    *,
    reality: RealityQuery = "act",
    level: LevelQuery = None,
    code: CodeQuery = None,
    kind: Annotated[list[OrderKind], Query(description="Any of these.")] = [],  # noqa: B006 -- read alone
    by: Annotated[str | None, Query(description="The code of the area that gave it.", max_length=16)] = None,
    asked: Annotated[
        str | None,
        Query(alias="request", description="A request for a report by its id: it, and what answers it.", max_length=64),
    ] = None,
    limit: LimitQuery = 50,
    cursor: CursorQuery = None,
) -> Response:
    """Orders about an area and what lies in it, newest first, as they were given; without the pictures they adopt."""
    house = house_of(request)
    area = asked_area(who, level, code)
    may_read(request, area, reality, what="read.orders")
    given = _whole(house)
    kinds = frozenset(kind)
    before = None if cursor is None else int(cursor)
    found = (
        each
        for each in given.about(area, reality, before=before)
        if (not kinds or each.kind in kinds) and by in {None, each.by} and asked in {None, each.request}
    )
    page = list(islice(found, limit + 1))
    onward = str(page[limit - 1].sequence) if len(page) > limit else None
    items = b",".join(each.data for each in page[:limit])
    body = b'{"orders":[%s],"cursor":%s,"complete":%s}' % (
        items,
        orjson.dumps(onward),
        orjson.dumps(given.complete),
    )
    return answer(request, body, etag_of(body), headers=next_link(request, onward))


@router.get(
    "/v1/pictures/{level}/{code}/adopted",
    tags=["pictures"],
    summary="The pictures of an area that were adopted",
    responses=ADOPTED,
    response_class=Response,
)
async def adopted(
    request: Request,
    who: Who,
    level: AreaLevel,
    code: CodePath,
    *,
    reality: RealityQuery = "act",
    limit: LimitQuery = 50,
) -> Response:
    """Newest first: when, by whom, of which version, and the SHA-256 of its bytes."""
    del who
    house = house_of(request)
    area = area_of(level, code, status=404)
    may_read(request, area, reality)
    found = _whole(house).adopted(area, reality)[:limit]
    body = orjson.dumps({"level": area.level, "code": area.code, "reality": reality, "adopted": [*map(_told, found)]})
    return answer(request, body, etag_of(body))


@router.get(
    "/v1/pictures/{level}/{code}/adopted/{version}",
    tags=["pictures"],
    summary="A picture as it was adopted",
    responses=ADOPTED_PICTURE,
    response_class=Response,
)
async def adopted_picture(
    request: Request, who: Who, level: AreaLevel, code: CodePath, version: VersionPath, reality: RealityQuery = "act"
) -> Response:
    """The bytes that were adopted, the same for ever: `Repr-Digest` (RFC 9530) has their SHA-256.

    Of a version that was adopted more than once, those of the first time.
    """
    del who
    house = house_of(request)
    area = area_of(level, code, status=404)
    may_read(request, area, reality)
    given = _whole(house)
    found = [each for each in given.adopted(area, reality) if each.version == version]
    if not found:
        raise Problem(404, "not_found", "This version of the picture was not adopted, as far as this node knows")
    first = found[-1]
    picture = await _picture(given, first)
    if picture is None:
        raise Problem(404, "not_kept", "The order that adopted it is in the archive alone: this node keeps it no more")
    digest = base64.b64encode(bytes.fromhex(first.sha256)).decode()
    headers = {"repr-digest": f"sha-256=:{digest}:", "cache-control": "private, max-age=31536000, immutable"}
    return answer(request, picture, first.sha256, headers=headers)


async def _picture(given: GivenOrders, adopted: Adopted) -> bytes | None:
    try:
        order = await given.order_of(adopted.given)
        return unpack(order.data) if isinstance(order, AdoptOrder) else None
    except (ApiError, NoAnswer) as error:
        raise Problem(503, "bus_away", "The node does not answer", headers={"retry-after": "2"}) from error
    except (BadSnapshot, ValueError) as error:
        raise Problem(404, "not_kept", "What is kept is not what was adopted") from error


def _told(adopted: Adopted) -> dict[str, Any]:
    data = orjson.loads(adopted.given.data)["data"]
    return {
        "at": adopted.at,
        "by": data["by"],
        "note": data.get("note"),
        "version": adopted.version,
        "sha256": adopted.sha256,
        "order": adopted.order,
    }


def _whole(house: House) -> GivenOrders:
    """All orders, or none: not what has been read so far.

    Raises:
        Problem: 503.
    """
    if not house.given.whole:
        raise starting()
    return house.given
