"""Lists of points and single ones as answers: filtered, in pages, as GeoJSON. Of now, and of any other time."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from vardkase_contracts.vocab import Condition, Freshness, Lifecycle, PointKind

from . import geojson
from .documents import Point, feature
from .filters import LIMIT, BboxQuery, Box, CursorQuery, LimitQuery, next_link, page_of
from .negotiate import answer, etag_of, pack_ahead


@dataclass(frozen=True, kw_only=True, slots=True)
class PointsQuery:
    """Which points of an area, and which part of them."""

    box: Box | None
    lifecycle: frozenset[str]
    """Empty: any. So are the others."""
    condition: frozenset[str]
    freshness: frozenset[str]
    kind: frozenset[str]
    dark: bool | None
    retired: bool
    limit: int
    cursor: str | None

    def wants(self, point: Point) -> bool:
        """Whether a point is one of those."""
        return (
            (self.retired or not point.retired)
            and (not self.lifecycle or point.lifecycle in self.lifecycle)
            and (not self.condition or point.condition in self.condition)
            and (not self.freshness or point.freshness in self.freshness)
            and (not self.kind or point.kind in self.kind)
            and (self.dark is None or point.dark == self.dark)
            and (self.box is None or self.box.holds(point.position))
        )


async def points_query(
    *,
    bbox: BboxQuery = None,
    lifecycle: Annotated[list[Lifecycle], Query(description="Any of these.")] = [],  # noqa: B006 -- read alone
    condition: Annotated[list[Condition], Query(description="Any of these.")] = [],  # noqa: B006
    freshness: Annotated[list[Freshness], Query(description="Any of these.")] = [],  # noqa: B006
    kind: Annotated[list[PointKind], Query(description="Any of these.")] = [],  # noqa: B006
    dark: Annotated[bool | None, Query(description="Only those without power, or only those with.")] = None,
    retired: Annotated[bool, Query(description="Those that are gone, too.")] = False,
    limit: LimitQuery = LIMIT,
    cursor: CursorQuery = None,
) -> PointsQuery:
    """The query of a list of points: a dependency."""
    return PointsQuery(
        box=None if bbox is None else Box.parse(bbox),
        lifecycle=frozenset(lifecycle),
        condition=frozenset(condition),
        freshness=frozenset(freshness),
        kind=frozenset(kind),
        dark=dark,
        retired=retired,
        limit=limit,
        cursor=cursor,
    )


async def answer_points(
    request: Request, points: Iterable[Point], query: PointsQuery, *, headers: dict[str, str] | None = None
) -> Response:
    """A page of points as a collection of features, by their ids.

    Args:
        request: what was asked.
        points: all that whoever asks may see of the area.
        query: which of them.
        headers: more of them.

    Raises:
        Problem: 400; the cursor is none of ours.
    """
    found = sorted((point for point in points if query.wants(point)), key=lambda point: point.id)
    page = page_of(found, lambda point: point.id, limit=query.limit, cursor=query.cursor)
    link = next_link(request, page.cursor)
    body = geojson.collection([point.feature for point in page.items], matched=page.matched, link=link.get("link"))
    etag = etag_of(body)
    await pack_ahead(request, body, etag)
    return answer(request, body, etag, media_type=geojson.MEDIA_TYPE, headers={**link, **(headers or {})}, keep=True)


def answer_point(
    request: Request, point: Point, more: dict[str, Any] | None = None, *, headers: dict[str, str] | None = None
) -> Response:
    """A point as a feature.

    Args:
        request: what was asked.
        point: the point.
        more: more properties, that stand in no stream.
        headers: more of them.
    """
    properties = point.held.data if not more else b"%s,%s" % (point.held.data[:-1], orjson.dumps(more)[1:])
    body = feature(point.id, point.position, properties)
    etag = point.held.etag if not more and point.held.etag else etag_of(body)
    return answer(request, body, etag, media_type=geojson.MEDIA_TYPE, headers=headers)
