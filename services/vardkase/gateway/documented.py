"""How the routes that read stand in the OpenAPI document: what is answered, and every problem."""

from collections.abc import Mapping
from typing import Any, Final

from .answer_schemas import ref
from .geojson import MEDIA_TYPE as GEOJSON
from .order_schemas import DIGEST
from .problems import MEDIA_TYPE as PROBLEM

JSON: Final = "application/json"
TEXT: Final = "text/plain"
EVENTS: Final = "text/event-stream"

PROBLEMS: Final[Mapping[int, str]] = {
    304: "What was asked for has not changed since: `If-None-Match` names it.",
    400: "The query or the path is not as it must be; `field` names the parameter.",
    401: "Nobody known asks.",
    403: "This is outside of what the token opens.",
    404: "There is no such thing here.",
    405: "This path does not take this method.",
    408: "The request came too slowly.",
    413: "The body is too long.",
    429: "Too much is asked by the same. Try again after `Retry-After`.",
    431: "The request line and the headers are too long.",
    503: "It cannot be answered now. Try again after `Retry-After`.",
}
RETRY: Final[dict[str, Any]] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
CACHED: Final[dict[str, Any]] = {"ETag": {"description": "Names what is answered.", "schema": {"type": "string"}}}
PAGED: Final[dict[str, Any]] = {
    **CACHED,
    "Link": {"description": 'The next page, `rel="next"`; not there on the last.', "schema": {"type": "string"}},
}


def inlined(schema: Any, parts: Mapping[str, Any] | None = None) -> Any:
    """A model's JSON schema without references of its own: in the document they would lead elsewhere."""
    if isinstance(schema, list):
        return [inlined(each, parts) for each in schema]
    if not isinstance(schema, dict):
        return schema
    parts = schema.get("$defs", parts) or {}
    if (name := str(schema.get("$ref", "")).removeprefix("#/$defs/")) in parts:
        return inlined(parts[name], parts)
    return {key: inlined(value, parts) for key, value in schema.items() if key != "$defs"}


def answers(
    schema: Mapping[str, Any] | None,
    *problems: int,
    media: str = JSON,
    text: str = "Done.",
    headers: Mapping[str, Any] | None = None,
) -> dict[int | str, dict[str, Any]]:
    """The answers of a route.

    Args:
        schema: of what is answered when it goes well; None: no JSON.
        problems: what else may be answered, besides what every route may (`COMMON` of `openapi`).
        media: the media type of the answer.
        text: what it is.
        headers: of the answer.
    """
    told: dict[int | str, dict[str, Any]] = {
        200: {
            "description": text,
            "content": {media: {"schema": dict(schema) if schema is not None else {"type": "string"}}},
            **({"headers": dict(headers)} if headers else {}),
        }
    }
    return told | {status: problem(status) for status in problems}


def problem(status: int) -> dict[str, Any]:
    """A problem, as it is documented."""
    told: dict[str, Any] = {"description": PROBLEMS[status]}
    if status != 304:
        told["content"] = {PROBLEM: {"schema": ref("Problem")}}
    if status in {429, 503}:
        told["headers"] = RETRY
    return told


PICTURE: Final = answers(ref("Picture"), 304, 400, 401, 403, 404, 429, 503, headers=CACHED)
ADOPTED: Final = answers(ref("AdoptedPictures"), 304, 400, 401, 403, 404, 429, 503, headers=CACHED)
ADOPTED_PICTURE: Final = answers(ref("Picture"), 304, 400, 401, 403, 404, 429, 503, headers=CACHED | DIGEST)
ORDERS: Final = answers(ref("OrderPage"), 304, 400, 401, 403, 429, 503, headers=PAGED)
POINTS: Final = answers(ref("PointCollection"), 304, 400, 401, 403, 404, 429, 503, media=GEOJSON, headers=PAGED)
POINT: Final = answers(ref("PointFeature"), 304, 400, 401, 403, 404, 429, 503, media=GEOJSON, headers=CACHED)
ALERTS: Final = answers(ref("AlertPage"), 304, 400, 401, 403, 429, 503, headers=PAGED)
ALERT: Final = answers(ref("AlertWithNearest"), 304, 400, 401, 403, 404, 429, 503, headers=CACHED)
ALERT[200]["content"]["application/cap+xml"] = {
    "schema": {"type": "string", "description": "A message of CAP 1.2: the change, and which ones came before it."}
}
FEED: Final = answers(
    None, 304, 400, 401, 403, 429, 503, media="application/atom+xml", text="Atom (RFC 4287).", headers=PAGED
)
LINKS: Final = answers(ref("NodeLinks"), 304, 400, 401, 403, 429, 503, headers=CACHED)
ESCALATIONS: Final = answers(ref("Escalations"), 304, 400, 401, 403, 429, 503, headers=CACHED)
SHORT: Final = answers(ref("RunningShort"), 304, 400, 401, 403, 429, 503, headers=CACHED)
NEEDS: Final = answers(ref("NeedPage"), 304, 400, 401, 403, 429, 503, headers=PAGED)
STREAM: Final = answers(
    None,
    400,
    401,
    403,
    429,
    503,
    media=EVENTS,
    text="Events `picture`, `alert` and `state`, each with an `id`; `live` once all that was there has come; `reset`: "
    "drop all, since what was missed cannot be told. An `alert` is as in `/v1/alerts`, with `escalation`.",
)
