"""What is needed and what there is to spare, in order of urgency; and who could help whom."""

from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from vardkase_contracts.vocab import NeedDirection, NeedKind

from .access.dependencies import may_read
from .documented import NEEDS
from .filters import LIMIT, CodeQuery, CursorQuery, LevelQuery, LimitQuery, RealityQuery, asked_area, next_link, page_of
from .house import house_of
from .matching import match as propose
from .needed import Need, needs_of
from .negotiate import answer, etag_of, pack_ahead
from .reads import Who, whole

router: Final = APIRouter(tags=["needs"])


@router.get("/v1/needs", summary="Open needs, and surplus", responses=NEEDS, response_class=Response)
async def needs(
    request: Request,
    who: Who,
    *,
    reality: RealityQuery = "act",
    level: LevelQuery = None,
    code: CodeQuery = None,
    kind: Annotated[list[NeedKind], Query(description="Any of these.")] = [],  # noqa: B006 -- read alone
    direction: Annotated[NeedDirection | None, Query(description="Needs alone, or surplus alone.")] = None,
    match: Annotated[bool, Query(description="Propose which surplus could meet which need.")] = False,
    limit: LimitQuery = LIMIT,
    cursor: CursorQuery = None,
) -> Response:
    """Needs before surplus, the most pressing first. With `match`, pairs, the best for the whole area."""
    house = house_of(request)
    area = asked_area(who, level, code)
    may_read(request, area, reality, what="read.needs")
    whole(house)
    kinds = frozenset(kind)
    now = house.clock.now()
    found = [
        need
        for need in needs_of(house.live.worlds[reality].states_of(area), now)
        if (not kinds or need.kind in kinds) and (direction is None or need.direction == direction)
    ]
    found.sort(key=_order)
    page = page_of(found, _order, limit=limit, cursor=cursor)
    pairs = await house.solver.solve("match", lambda: propose(found, now)) if match else []
    body = {
        "needs": [need.told() for need in page.items],
        **({"matches": [each.told() for each in pairs]} if match else {}),
        "numberMatched": page.matched,
        "cursor": page.cursor,
    }
    data = orjson.dumps(body)
    etag = etag_of(data)
    await pack_ahead(request, data, etag)
    return answer(request, data, etag, headers=next_link(request, page.cursor), keep=True)


def _order(need: Need) -> str:
    return need.order
