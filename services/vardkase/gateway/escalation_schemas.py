"""Escalation in the OpenAPI document: digests, and the steps of one alert."""

from collections.abc import Mapping
from typing import Any, Final

_PLACE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["level", "code", "name"],
    "properties": {"level": {"type": "string"}, "code": {"type": "string"}, "name": {"type": "string"}},
}
_TEXT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["sv", "en"],
    "properties": {"sv": {"type": "string"}, "en": {"type": "string"}},
}
_DIGEST: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Escalation",
    "description": "A digest: one of each step and area, which says more or less as alerts come and go.",
    "required": ["key", "reality", "step", "level", "area", "since", "counts", "text", "alerts", "left_out", "here"],
    "properties": {
        "key": {"type": "string", "description": "`escalation.<step>/<area>`."},
        "reality": {"type": "string"},
        "step": {"type": "string", "description": "`sideways`: the area's deputies and own officers; `up`: above it."},
        "level": {"type": "string", "description": "The gravest of its alerts."},
        "area": {**_PLACE, "description": "Whose receivers are told."},
        "since": {"type": "string", "format": "date-time"},
        "counts": {
            "type": "object",
            "required": ["critical", "red"],
            "properties": {each: {"type": "integer", "minimum": 0} for each in ("critical", "red")},
        },
        "text": _TEXT,
        "alerts": {
            "type": "array",
            "description": "The gravest first, at most 50.",
            "items": {
                "type": "object",
                "required": ["key", "level", "area", "text", "escalated_at"],
                "properties": {
                    "key": {"type": "string"},
                    "level": {"type": "string"},
                    "area": _PLACE,
                    "text": _TEXT,
                    "escalated_at": {"type": "string", "format": "date-time"},
                },
            },
        },
        "left_out": {"type": "integer", "minimum": 0, "description": "How many more there are."},
        "here": {"type": "boolean", "description": "Whether this node tells them; else the area's own does."},
    },
}
_STEP: Final[Mapping[str, dict[str, Any]]] = {
    **{each: {"type": "string"} for each in ("step", "level", "code", "name")},
    "at": {"type": "string", "format": "date-time"},
}
STEP: Final[dict[str, Any]] = {
    "type": "object",
    "description": "An area whose receivers are told of the alert at a time; if that is not ahead, they have been.",
    "required": list(_STEP),
    "properties": dict(_STEP),
}
"""A step of an alert in a list."""
RUNG: Final[dict[str, Any]] = {
    "type": "object",
    "description": "An area whose receivers are told of the alert unless somebody takes it in.",
    "required": ["step", "level", "code", "name", "at", "reached"],
    "properties": {
        **_STEP,
        "reached": {"type": "boolean", "description": "Whether it has come to that."},
    },
}
"""A step of an alert as it is served."""

ESCALATION: Final[Mapping[str, dict[str, Any]]] = {
    "Escalations": {
        "type": "object",
        "title": "Escalations",
        "description": "What nobody has acknowledged for so long that others are told of it.",
        "required": ["level", "code", "digests", "next_at"],
        "properties": {
            "level": {"type": "string"},
            "code": {"type": "string"},
            "digests": {"type": "array", "items": {"$ref": "#/components/schemas/Escalation"}},
            "next_at": {
                "type": ["string", "null"],
                "format": "date-time",
                "description": "When the next alert comes to a step, unless somebody acknowledges it; null: none does.",
            },
        },
    },
    "Escalation": _DIGEST,
}
"""By the schema's name."""
