"""How the routes that write stand in the OpenAPI document: what is sent, and every answer."""

from collections.abc import Mapping
from typing import Any, Final

from vardkase_contracts.schemas import CLOUDEVENT, DOCUMENTS

from .batch import MOST

BATCH: Final = "application/cloudevents-batch+json"
"""The media type of a batch of CloudEvents."""
JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
_SCHEMAS: Final = "#/components/schemas/"

_STORED: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["id", "stored", "duplicate"],
    "properties": {
        "id": {"type": "string", "description": "The event's."},
        "stored": {"const": True, "description": "It is on disk, synced."},
        "duplicate": {"type": "boolean", "description": "It was known: nothing changes."},
    },
}


def _one_of(kind: str) -> dict[str, Any]:
    models = [document.model.__name__ for document in DOCUMENTS if document.name.startswith(f"{kind}.")]
    return {"oneOf": [{"$ref": f"{_SCHEMAS}{name}"} for name in models]}


ONE_REPORT: Final = _one_of("report")
ONE_ORDER: Final = _one_of("order")

REPORT_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            CLOUDEVENT: {"schema": ONE_REPORT},
            JSON: {"schema": ONE_REPORT},
            BATCH: {"schema": {"type": "array", "maxItems": MOST, "items": ONE_REPORT}},
        },
    }
}

REPORT_STORED: Final[dict[str, Any]] = {
    "oneOf": [
        _STORED,
        {
            "type": "array",
            "description": "Of a batch: each event, in order.",
            "items": {
                **_STORED,
                "required": [*_STORED["required"], "status"],
                "properties": {**_STORED["properties"], "status": {"enum": [200, 202]}},
            },
        },
    ]
}
LINE_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/plain": {
                "schema": {"type": "string", "description": "One-line reports, UTF-8, each on a line of its own."},
                "example": "TP SKARPT 0310 2480 17 O B42/80 P2 E11 S3/4 V1 N:FUEL",
            }
        },
    }
}
LINES_STORED: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["stored", "lines"],
    "properties": {
        "stored": {
            "type": "boolean",
            "description": "It is on disk, synced; false of a `dry_run`.",
        },
        "lines": {
            "type": "array",
            "description": "Each line, in order.",
            "items": {
                "type": "object",
                "required": ["line", "text", "point", "reality", "reports"],
                "properties": {
                    "line": {"type": "string", "description": "In its normal form, to be read back."},
                    "text": {"type": "string", "description": "What was understood, in Swedish."},
                    "point": {"type": "string", "description": "The point that has the number."},
                    "reality": {"type": "string"},
                    "reports": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["id", "kind"],
                            "properties": {
                                "id": {"type": "string"},
                                "kind": {"type": "string"},
                                "duplicate": {"type": "boolean", "description": "It was known: nothing changes."},
                            },
                        },
                    },
                },
            },
        },
    },
}
ORDER_STORED: Final[dict[str, Any]] = {
    **_STORED,
    "required": [*_STORED["required"], "kind", "area", "reality"],
    "properties": {
        **_STORED["properties"],
        "kind": {"type": "string"},
        "area": {"type": "string", "description": "The code of the area that it is about."},
        "reality": {"type": "string"},
    },
}

_PROBLEMS: Final[Mapping[int, str]] = {
    400: "The request cannot be read.",
    401: "Nobody known asks.",
    403: "This is not theirs to send. Nothing is stored.",
    408: "The body came too slowly. Nothing is stored.",
    409: "A report of an exercise that was aborted there. Nothing is stored.",
    413: "Too long: an event of 64 KiB, a batch of 1,000 events and 1 MiB. Nothing is stored.",
    415: "Another media type, or a compressed body.",
    422: "It would be refused: `reason` and `field` say why, of a batch `index` which. Nothing is stored.",
    429: "Too much is asked by the same. Try again after `Retry-After`.",
    503: "It cannot be made durable now. Send the same again, unchanged, after `Retry-After` seconds.",
}


STALE: Final[dict[int | str, dict[str, Any]]] = {
    409: {
        "description": "This version of the picture is not known here any more; `current` is the one that is.",
        "content": {PROBLEM: {"schema": {"$ref": f"{_SCHEMAS}Problem"}}},
    }
}
"""The answer to who adopts what has moved on too long ago."""


def responses(stored: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Every answer of a route that writes.

    Args:
        stored: the schema of what is answered when it is stored.
    """
    content = {JSON: {"schema": dict(stored)}}
    told: dict[int | str, dict[str, Any]] = {
        202: {"description": "Stored: on disk, synced.", "content": content},
        200: {"description": "Known: what was sent is stored already, and nothing changes.", "content": content},
    }
    problem = {PROBLEM: {"schema": {"$ref": f"{_SCHEMAS}Problem"}}}
    again = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    for status, text in _PROBLEMS.items():
        if status == 409 and stored is ORDER_STORED:
            continue
        told[status] = {"description": text, "content": problem}
        if status in {429, 503}:
            told[status]["headers"] = again
    return told
