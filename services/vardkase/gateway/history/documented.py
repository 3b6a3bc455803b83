"""How a history stands in the OpenAPI document."""

from typing import Any, Final

from vardkase.gateway.documented import PAGED, answers

_INSTANT: Final = {"type": "string", "format": "date-time"}
_VERSION: Final = {"type": ["string", "null"], "description": "Of the merged state; null: nothing was known."}
_SHA256: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}

HISTORY: Final[dict[str, Any]] = {
    "type": "object",
    "title": "History",
    "description": "A page of a point's history.",
    "required": ["point", "reality", "basis", "known", "numberMatched", "numberReturned", "reports"],
    "properties": {
        "point": {"type": "string"},
        "reality": {"type": "string"},
        "basis": {"enum": ["known", "observed"]},
        "known": {**_INSTANT, "description": "What came after this time does not count."},
        "numberMatched": {"type": "integer", "minimum": 1, "description": "How many there are on all pages."},
        "numberReturned": {"type": "integer", "minimum": 0},
        "links": {
            "type": "array",
            "items": {"type": "object", "properties": {"rel": {"const": "next"}, "href": {"type": "string"}}},
        },
        "reports": {
            "type": "array",
            "items": {
                "type": "object",
                "required": [
                    "report",
                    "sha256",
                    "observed_at",
                    "received_at",
                    "stored_at",
                    "counts",
                    "changes",
                    "version",
                ],
                "properties": {
                    "report": {
                        "type": "object",
                        "description": "As it was sent; its envelope alone, when it is about something else, or must "
                        "not be shown any more (`redacted`).",
                    },
                    "sha256": {**_SHA256, "description": "Of its bytes."},
                    "observed_at": {**_INSTANT, "description": "The time by which it is ordered."},
                    "received_at": {**_INSTANT, "description": "When it first came to any node."},
                    "stored_at": {**_INSTANT, "description": "When it came to this node."},
                    "origin": {"type": ["string", "null"], "description": "Where it first came in."},
                    "clock_adjusted": {"const": True},
                    "redacted": {"const": True},
                    "counts": {"type": "boolean", "description": "Whether it counts now."},
                    "why_not": {"enum": ["withdrawn", "other_copy", None]},
                    "changes": {
                        "type": "array",
                        "description": "What it changed in the state, by name.",
                        "items": {
                            "type": "object",
                            "required": ["what", "before", "after"],
                            "properties": {"what": {"type": "string"}, "before": {}, "after": {}},
                        },
                    },
                    "version": {
                        "type": "object",
                        "required": ["before", "after"],
                        "properties": {"before": _VERSION, "after": _VERSION},
                    },
                },
            },
        },
    },
}

ANSWERS: Final = answers(
    HISTORY,
    *(304, 400, 401, 403, 404, 429, 503),
    headers={**PAGED, "Vardkase-Sha256": {"description": "SHA-256 of the body, uncompressed.", "schema": _SHA256}},
)
