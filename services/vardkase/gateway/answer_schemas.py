"""The schemas of what the routes that read answer, beside those of the contract."""

from collections.abc import Mapping
from typing import Any, Final

from .escalation_schemas import ESCALATION, RUNG, STEP
from .order_schemas import ORDERS_GIVEN

_SCHEMAS: Final = "#/components/schemas/"
_ID: Final = {"type": "string"}
_MATCHED: Final = {"type": "integer", "minimum": 0, "description": "How many there are on all pages."}
_CURSOR: Final = {"type": ["string", "null"], "description": "Where the next page begins; null on the last."}
_NEAREST: Final[dict[str, Any]] = {
    "type": ["object", "null"],
    "description": "The nearest point that is open, was heard of lately, has room, and power for over 12 h.",
    "required": ["id", "name", "kommun", "km", "room", "power", "runs_out_at", "condition"],
    "properties": {
        "id": _ID,
        "name": {"type": ["string", "null"]},
        "kommun": {"type": "string"},
        "km": {"type": "number", "description": "As the crow flies."},
        "room": {"type": "integer", "description": "How many more it takes in."},
        "power": {"type": ["string", "null"]},
        "runs_out_at": {"type": ["string", "null"], "format": "date-time"},
        "condition": {"type": "string"},
    },
}
_LINK: Final[dict[str, Any]] = {
    "type": "object",
    "title": "NodeLink",
    "description": "The link to one node. That it is down changes nothing of what was reported: that ages.",
    "required": ["node", "level", "code", "name", "up", "since", "last_seen", "lag_messages", "lag_s", "stalled"],
    "properties": {
        "node": {"type": "string"},
        "level": {"type": "string"},
        "code": {"type": "string"},
        "name": {"type": "string"},
        "up": {"type": ["boolean", "null"], "description": "Whether the node at the other end answers; null: unknown."},
        "since": {"type": "string", "format": "date-time", "description": "Since when it is up, or down."},
        "last_seen": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When it last answered; null: never in the last week.",
        },
        "lag_messages": {
            "type": ["integer", "null"],
            "minimum": 0,
            "description": "Reports and orders there that are not here yet; null: not known.",
        },
        "lag_s": {
            "type": ["number", "null"],
            "minimum": 0,
            "description": "How much older the last one here is than the last one there, in seconds; null: not known.",
        },
        "stalled": {"type": "boolean", "description": "It answers, has more, and nothing comes. The node mends it."},
        "foreign": {
            "type": "integer",
            "minimum": 0,
            "description": "Messages that were not its to send, since the node started: they count nowhere.",
        },
        "detail": {"type": "string", "description": "For people."},
    },
}
_NEED_PLACE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"point": _ID, "need_id": _ID, "report": _ID},
}

SCHEMAS: Final[Mapping[str, dict[str, Any]]] = {
    "Problem": {
        "type": "object",
        "title": "Problem",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "description": "`urn:tp:problem:<code>`: stands for ever."},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "One line for a person."},
            "field": {"type": "string", "description": "The parameter, header or path in the body that is wrong."},
            "reason": {"type": "string", "description": "Of a report or order that would be refused: why."},
            "index": {"type": "integer", "description": "Of a batch: which one."},
        },
    },
    "Geometry": {
        "type": ["object", "null"],
        "title": "Geometry",
        "description": "Where it is; null: not known.",
        "required": ["type", "coordinates"],
        "properties": {
            "type": {"const": "Point"},
            "coordinates": {
                "type": "array",
                "items": {"type": "number"},
                "minItems": 2,
                "maxItems": 2,
                "description": "Longitude, latitude (WGS 84).",
            },
        },
    },
    "PointFeature": {
        "type": "object",
        "title": "PointFeature",
        "description": "A point's state as a feature of GeoJSON (RFC 7946).",
        "required": ["type", "id", "geometry", "properties"],
        "properties": {
            "type": {"const": "Feature"},
            "id": _ID,
            "geometry": {"$ref": f"{_SCHEMAS}Geometry"},
            "properties": {"$ref": f"{_SCHEMAS}PointProperties"},
        },
    },
    "PointCollection": {
        "type": "object",
        "title": "PointCollection",
        "description": "A page of points as GeoJSON.",
        "required": ["type", "features", "numberMatched", "numberReturned"],
        "properties": {
            "type": {"const": "FeatureCollection"},
            "features": {"type": "array", "items": {"$ref": f"{_SCHEMAS}PointFeature"}},
            "numberMatched": _MATCHED,
            "numberReturned": {"type": "integer", "minimum": 0},
            "links": {
                "type": "array",
                "items": {"type": "object", "properties": {"rel": {"const": "next"}, "href": {"type": "string"}}},
            },
        },
    },
    "AlertPage": {
        "type": "object",
        "title": "AlertPage",
        "description": "A page of alerts, the gravest first.",
        "required": ["alerts", "numberMatched", "cursor"],
        "properties": {
            "alerts": {
                "type": "array",
                "items": {
                    "allOf": [
                        {"$ref": f"{_SCHEMAS}Alert"},
                        {
                            "type": "object",
                            "properties": {
                                "escalation": {
                                    "type": "array",
                                    "description": "Who is told unless somebody acknowledges it; left out: nobody.",
                                    "items": STEP,
                                }
                            },
                        },
                    ]
                },
            },
            "numberMatched": _MATCHED,
            "cursor": _CURSOR,
        },
    },
    "AlertWithNearest": {
        "title": "AlertWithNearest",
        "description": "An alert, where else one could go, and who is told if nobody acknowledges it.",
        "allOf": [
            {"$ref": f"{_SCHEMAS}Alert"},
            {
                "type": "object",
                "required": ["nearest", "escalation"],
                "properties": {"nearest": _NEAREST, "escalation": {"type": "array", "items": RUNG}},
            },
        ],
    },
    "NeedPage": {
        "type": "object",
        "title": "NeedPage",
        "description": "A page of open needs and surplus, the most pressing first.",
        "required": ["needs", "numberMatched", "cursor"],
        "properties": {
            "needs": {"type": "array", "items": {"$ref": f"{_SCHEMAS}OpenNeed"}},
            "matches": {
                "type": "array",
                "description": "Which surplus could meet which need: proposals, of the whole area.",
                "items": {
                    "type": "object",
                    "required": ["kind", "need", "surplus", "km", "quantity", "unit"],
                    "properties": {
                        "kind": {"type": "string"},
                        "need": _NEED_PLACE,
                        "surplus": _NEED_PLACE,
                        "km": {"type": "number"},
                        "quantity": {"type": ["number", "null"]},
                        "unit": {"type": ["string", "null"]},
                        "arrives_at": {"type": ["string", "null"], "format": "date-time"},
                        "late": {"type": "boolean", "description": "Whether it comes later than it is needed."},
                        "accepted": {
                            "type": "array",
                            "description": "The sides that have agreed: it waits for the other.",
                            "items": {"enum": ["need", "surplus"]},
                        },
                    },
                },
            },
            "numberMatched": _MATCHED,
            "cursor": _CURSOR,
        },
    },
    "OpenNeed": {
        "title": "OpenNeed",
        "description": "A need or a surplus that is open, and whose it is now.",
        "allOf": [
            {"$ref": f"{_SCHEMAS}NeedData"},
            {
                "type": "object",
                "required": ["point", "name", "kommun", "lan", "position", "asked_by", "overdue", "observed_at"],
                "properties": {
                    "point": {**_ID, "description": "Whose it is now."},
                    "name": {"type": ["string", "null"]},
                    "kommun": {"type": "string"},
                    "lan": {"type": "string"},
                    "position": {"type": ["object", "null"]},
                    "lifecycle": {"type": ["string", "null"]},
                    "freshness": {"type": ["string", "null"]},
                    "asked_by": {**_ID, "description": "Who said it: a point that was retired since, perhaps."},
                    "overdue": {"type": "boolean"},
                    "observed_at": {"type": "string", "format": "date-time"},
                    "quality": {"type": "string"},
                    "report": {"type": "string"},
                    "source": {"type": "string"},
                },
            },
        ],
    },
    "RunningShort": {
        "type": "object",
        "title": "RunningShort",
        "description": "What runs short of power in an area: dark first, then unknown endurance, then by when.",
        "required": ["level", "code", "reality", "as_of", "dark", "endurance_unknown", "timed", "points"],
        "properties": {
            "level": {"type": "string"},
            "code": {"type": "string"},
            "reality": {"type": "string"},
            "as_of": {"type": "string", "format": "date-time"},
            "dark": {"type": "integer", "minimum": 0, "description": "Points without power, also beyond `limit`."},
            "endurance_unknown": {"type": "integer", "minimum": 0},
            "timed": {"type": "integer", "minimum": 0, "description": "Points whose power runs out at a known time."},
            "points": {
                "type": "array",
                "items": {
                    "allOf": [
                        {"$ref": f"{_SCHEMAS}NextOut"},
                        {
                            "type": "object",
                            "required": ["lan", "position", "lifecycle", "endurance_known", "refill"],
                            "properties": {
                                "lan": {"type": "string"},
                                "position": {"type": ["object", "null"]},
                                "lifecycle": {"type": ["string", "null"]},
                                "endurance_known": {"type": "boolean"},
                                "refill": {"type": ["object", "null"]},
                            },
                        },
                    ]
                },
            },
        },
    },
    "NodeLinks": {
        "type": "object",
        "title": "NodeLinks",
        "description": "How the links of the node that answers are, as far as they concern an area.",
        "required": ["level", "code", "node", "as_of", "children", "parent"],
        "properties": {
            "level": {"type": "string"},
            "code": {"type": "string"},
            "node": {"type": "string", "description": "The node that answers."},
            "as_of": {
                "type": ["string", "null"],
                "format": "date-time",
                "description": "When they were looked at, in real time; null: the node is in no federation.",
            },
            "children": {
                "type": "array",
                "description": "Nodes that dial this one, and have the area, a part of it, or what it lies in.",
                "items": {"$ref": f"{_SCHEMAS}NodeLink"},
            },
            "parent": {
                "description": "The node that this one dials, for who may read all of this one's area; null: none.",
                "oneOf": [{"$ref": f"{_SCHEMAS}NodeLink"}, {"type": "null"}],
            },
        },
    },
    "NodeLink": _LINK,
    **ESCALATION,
    **ORDERS_GIVEN,
    "Readiness": {
        "type": "object",
        "title": "Readiness",
        "description": "What must hold for the node to do its work.",
        "required": ["ready", "service", "checks"],
        "properties": {
            "ready": {"type": "boolean"},
            "service": {"type": "string"},
            "checks": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "ok", "detail"],
                    "properties": {
                        "name": {"type": "string"},
                        "ok": {"type": "boolean"},
                        "detail": {"type": "string"},
                        "needed": {"type": "boolean", "description": "False: the node can do without."},
                    },
                },
            },
        },
    },
}
"""Schemas beside those of the contract."""
NEAREST: Final = _NEAREST


def ref(name: str) -> dict[str, Any]:
    """A schema by its name: one of the contract's, or of `SCHEMAS`."""
    return {"$ref": f"{_SCHEMAS}{name}"}
