"""How the tools of a shift stand in the OpenAPI document."""

from typing import Any, Final

from vardkase.gateway.documented import PAGED, answers

_INSTANT: Final = {"type": "string", "format": "date-time"}
_TEXT: Final = {"type": ["string", "null"]}
_COUNT: Final = {"type": "integer", "minimum": 0}
_SECONDS: Final = {"type": ["number", "null"], "description": "Seconds."}
_SHA256: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_NAMED: Final = {"Vardkase-Sha256": {"description": "SHA-256 of the body, uncompressed.", "schema": _SHA256}}

_CHANGE: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Change",
    "description": "Something that has changed. What more it holds depends on `what`; take one that you do not know as "
    "something else that changed.",
    "required": ["what", "at", "stored_at", "area", "point"],
    "properties": {
        "what": {
            "type": "string",
            "description": "`alert.raised` `alert.level` `alert.acked` `alert.cleared`; `point.opened` `point.closed` "
            "`point.lifecycle` `point.registered` `point.retired`; `need.<state>` `surplus.<state>`; "
            "`kommun.activation`; `order.<kind>`.",
        },
        "at": {**_INSTANT, "description": "When it came about: judged, observed or ordered."},
        "stored_at": {**_INSTANT, "description": "When it came to this node."},
        "area": {"type": "string", "description": "The code of the area that it is about."},
        "point": {**_TEXT, "description": "Null: it is about the area."},
        "name": _TEXT,
        "alert": {"type": "object", "description": "As the alert was published, without its evidence."},
        "lifecycle": {"type": "object", "properties": {"before": _TEXT, "after": _TEXT}},
        "need": {"type": "object", "description": "As it was reported, without its note."},
        "activation": {"type": "string"},
        "report": {"type": "string", "description": "The id of the report that said it."},
        "redacted": {"const": True},
        "by": {"type": "object", "description": "In what role, for which area an order was given."},
        "note": _TEXT,
        "order": {"type": "object", "description": "What the order says."},
    },
}
_PAGE: Final[dict[str, Any]] = {
    "type": "object",
    "title": "ChangePage",
    "required": ["level", "code", "reality", "since", "until", "numberReturned", "changes"],
    "properties": {
        "level": {"type": "string"},
        "code": {"type": "string"},
        "reality": {"type": "string"},
        "since": _INSTANT,
        "until": {**_INSTANT, "description": "What came later is not told, on any page."},
        "numberReturned": _COUNT,
        "links": {
            "type": "array",
            "items": {"type": "object", "properties": {"rel": {"const": "next"}, "href": {"type": "string"}}},
        },
        "changes": {"type": "array", "items": _CHANGE},
    },
}
_CARD: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Scorecard",
    "description": "How a kommun's reports came. Nothing in it repeats what a report held.",
    "required": [
        *("kommun", "name", "reality", "since", "until", "reports", "lateness", "rejected", "gaps", "copies"),
        *("unregistered", "advice"),
    ],
    "properties": {
        "kommun": {"type": "string"},
        "name": {"type": "string"},
        "reality": {"type": "string"},
        "since": _INSTANT,
        "until": _INSTANT,
        "reports": {
            "type": "object",
            "properties": {
                "total": _COUNT,
                "kinds": {"type": "object", "additionalProperties": _COUNT},
                "points": {**_COUNT, "description": "Points that reported."},
            },
        },
        "lateness": {
            "type": "object",
            "description": "From observed to received, of all reports but signs of life.",
            "properties": {
                "reports": _COUNT,
                "ahead": {**_COUNT, "description": "Observed more than 2 min after they were received: a fast clock."},
                "bands": {
                    "type": "object",
                    "description": "Reports by lateness: up to 1m, 5m, 15m, 1h, 4h, and more.",
                    "additionalProperties": _COUNT,
                },
                **dict.fromkeys(("p50_s", "p90_s", "p99_s", "max_s"), _SECONDS),
            },
        },
        "rejected": {
            "type": "object",
            "properties": {
                "total": _COUNT,
                "reasons": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "reason": _TEXT,
                            "field": _TEXT,
                            "count": _COUNT,
                            "detail": {**_TEXT, "description": "In a line; never what the report held."},
                            "last": _INSTANT,
                            "point": _TEXT,
                        },
                    },
                },
            },
        },
        "gaps": {
            "type": "array",
            "description": "The longest silences, from 2 h, of points that were open.",
            "items": {
                "type": "object",
                "properties": {
                    "point": {"type": "string"},
                    "since": _INSTANT,
                    "until": {"type": ["string", "null"], "format": "date-time", "description": "Null: it lasts."},
                    "seconds": _COUNT,
                },
            },
        },
        "copies": {"type": "object", "description": "Reports under one id that differ: one of them counts."},
        "unregistered": {"type": "array", "items": {"type": "string"}},
        "advice": {
            "type": "array",
            "description": "In Swedish, what could be done.",
            "items": {"type": "object", "properties": {"what": {"type": "string"}, "do": {"type": "string"}}},
        },
    },
}

CHANGES: Final = answers(_PAGE, 304, 400, 401, 403, 404, 429, 503, headers={**PAGED, **_NAMED})
SCORECARD: Final = answers(_CARD, 304, 400, 401, 403, 404, 429, 503, headers={"ETag": PAGED["ETag"], **_NAMED})
