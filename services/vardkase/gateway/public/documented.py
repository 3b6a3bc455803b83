"""How the public side's routes stand in the OpenAPI document."""

from typing import Any, Final

from vardkase.gateway.answer_schemas import ref
from vardkase.gateway.documented import EVENTS, PAGED, answers
from vardkase.gateway.geojson import MEDIA_TYPE as GEOJSON
from vardkase.gateway.problems import MEDIA_TYPE as PROBLEM

_LICENCE: Final = {"type": "string", "format": "uri", "description": "What it is given under."}
_LIVE: Final = {"type": "boolean", "description": "Whether the gateway hears its source now."}
_CODE: Final = {"type": "string", "pattern": "^[0-9]{4}$"}
_COUNT: Final = {"type": "integer", "minimum": 0}
FEATURE: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A point that anyone may see, as a feature of GeoJSON (RFC 7946).",
    "required": ["type", "id", "geometry", "properties"],
    "properties": {
        "type": {"const": "Feature"},
        "id": {"type": "string"},
        "geometry": ref("Geometry"),
        "properties": {
            "type": "object",
            "description": "As `PublicPoint` of the contract without `position`, and its kommun. What is not there is "
            "not told: a point that is only listed has nothing from `status` on.",
            "required": ["id", "kommun", "name", "kind"],
            "properties": {"id": {"type": "string"}, "kommun": _CODE, "name": {"type": "string"}},
        },
    },
}
_COLLECTION: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A page of public points as GeoJSON, by their ids.",
    "required": [
        *("type", "features", "license", "live", "kommuner", "gone"),
        *("numberMatched", "numberReturned", "last_event_id"),
    ],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "features": {"type": "array", "items": FEATURE},
        "license": _LICENCE,
        "live": _LIVE,
        "kommuner": {"type": "array", "items": _CODE, "description": "Those of the area that take part."},
        "gone": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Points between the first and the last id of this page that are no longer shown.",
        },
        "numberMatched": {**_COUNT, "description": "How many there are on all pages."},
        "numberReturned": _COUNT,
        "last_event_id": {"type": "string", "description": "Where `/public/v1/stream` goes on from this answer."},
    },
}
_KOMMUNER: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["license", "live", "of", "taking_part", "kommuner"],
    "properties": {
        "license": _LICENCE,
        "live": _LIVE,
        "of": {**_COUNT, "description": "How many kommuner the area has."},
        "taking_part": _COUNT,
        "kommuner": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["kommun", "name", "takes_part"],
                "properties": {"kommun": _CODE, "name": {"type": "string"}, "takes_part": {"type": "boolean"}},
            },
        },
    },
}
_GONE: Final[dict[int | str, dict[str, Any]]] = {
    410: {
        "description": "It was shown, and is so no more.",
        "content": {PROBLEM: {"schema": ref("Problem")}},
    }
}
POINTS: Final = answers(_COLLECTION, 304, 400, 404, 429, 503, media=GEOJSON, headers=PAGED, text="Points.")
POINT: Final = answers(FEATURE, 304, 400, 404, 429, 503, media=GEOJSON, text="The point.") | _GONE
KOMMUNER: Final = answers(_KOMMUNER, 304, 429, 503, text="All kommuner of the area.")
STREAM: Final = answers(
    None,
    *(400, 404, 429, 503),
    media=EVENTS,
    text="Events `point`, `gone` and `kommun`, each with an `id`; `current` once all that was there has come; `live`: "
    "whether the gateway hears its source, and the node's time, also as a sign of life; `reset`: drop all, to be told "
    "it anew.",
)
DCAT: Final = answers(
    {"type": "object", "description": "A `dcat:Catalog` of DCAT-AP-SE 3.0.1 as JSON-LD."},
    *(304, 404, 429),
    media="application/ld+json",
    text="The catalogue.",
)
PAGE: Final = answers(None, 304, 400, 404, 429, 503, media="text/html", text="The page.")
ASSET: Final[dict[int | str, dict[str, Any]]] = {
    **answers(None, 304, 400, 404, 429, text="The file."),
    200: {
        "description": "The file.",
        "content": {kind: {} for kind in ("text/css", "text/javascript", "application/json")},
    },
}
