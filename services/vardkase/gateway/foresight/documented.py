"""How forecasts stand in the OpenAPI document."""

from typing import Any, Final

from vardkase.gateway.documented import CACHED, PAGED, answers

_INSTANT: Final = {"type": ["string", "null"], "format": "date-time"}
_NUMBER: Final = {"type": ["number", "null"]}
_COUNT: Final = {"type": "integer", "minimum": 0}
_SAID: Final = {
    "type": "object",
    "required": ["sv", "en"],
    "properties": {"sv": {"type": "string"}, "en": {"type": "string"}},
}
_FORECAST: Final[dict[str, Any]] = {
    "what": {"enum": ["power", "water", "heat", "capacity"]},
    "status": {
        "enum": ["foreseen", "passed", "not_foreseen", "too_few", "not_known"],
        "description": "`passed`: it has come to it. `too_few`, `not_known`: nobody can say, not that it lasts.",
    },
    "basis": {
        "enum": ["trend", "reported", "persons", None],
        "description": "The trend of readings; what was reported alone; litres for those who are there.",
    },
    "at": {**_INSTANT, "description": "When it runs out, fills up or falls below `limit`; null: nobody can say."},
    "earliest": {**_INSTANT, "description": "With `latest`, between what it is to lie in eight cases of ten."},
    "latest": {**_INSTANT, "description": "Null with an `earliest`: perhaps not within 30 days."},
    "reported_at": {**_INSTANT, "description": "When by what was reported; of power, what the alerts go by."},
    "limit": _NUMBER,
    "unit": {"type": ["string", "null"], "description": "`l`, `h`, `C`, `persons`."},
    "level": {**_NUMBER, "description": "What it was at `read_at`."},
    "read_at": {**_INSTANT, "description": "The last reading that it rests on."},
    "since": {**_INSTANT, "description": "The first."},
    "readings": _COUNT,
    "rate": {**_NUMBER, "description": "Change an hour, in `unit`; `rate_low` and `rate_high` are its bounds."},
    "rate_low": _NUMBER,
    "rate_high": _NUMBER,
    "statement": {**_SAID, "description": "What it rests on, for people."},
}
_WITHIN: Final = {
    "type": "object",
    "required": ["expected", "at_least", "at_most", "reported"],
    "properties": dict.fromkeys(("expected", "at_least", "at_most", "reported"), _COUNT),
}
_COUNTS: Final = {
    "type": "object",
    "required": ["passed", "not_foreseen", "too_few", "not_known", "within"],
    "properties": {
        **dict.fromkeys(("passed", "not_foreseen", "too_few", "not_known"), _COUNT),
        "within": {"type": "object", "properties": dict.fromkeys(("6h", "12h", "24h"), _WITHIN)},
    },
}
_OF_AREA: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Forecasts",
    "description": "What is foreseen in an area: counts of all of it, and a page by when.",
    "required": ["level", "code", "reality", "as_of", "points", "counts", "forecasts", "numberMatched", "cursor"],
    "properties": {
        "level": {"type": "string"},
        "code": {"type": "string"},
        "reality": {"type": "string"},
        "as_of": {"type": "string", "format": "date-time"},
        "points": {**_COUNT, "description": "Points in use."},
        "counts": {
            "type": "object",
            "properties": dict.fromkeys(("power", "water", "heat", "capacity"), _COUNTS),
        },
        "forecasts": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["point", "name", "kommun", "lan", "position", "condition", "freshness", *_FORECAST],
                "properties": {
                    "point": {"type": "string"},
                    "name": {"type": ["string", "null"]},
                    "kommun": {"type": "string"},
                    "lan": {"type": "string"},
                    "position": {"type": ["object", "null"]},
                    "condition": {"type": "string"},
                    "freshness": {"type": ["string", "null"]},
                    **_FORECAST,
                },
            },
        },
        "numberMatched": _COUNT,
        "cursor": {"type": ["string", "null"]},
    },
}
_OF_POINT: Final[dict[str, Any]] = {
    "type": "object",
    "title": "PointForecast",
    "description": "What is foreseen of a point.",
    "required": ["point", "reality", "as_of", "forecasts"],
    "properties": {
        "point": {"type": "string"},
        "reality": {"type": "string"},
        "as_of": {"type": "string", "format": "date-time"},
        "forecasts": {
            "type": "array",
            "items": {"type": "object", "required": list(_FORECAST), "properties": _FORECAST},
        },
    },
}

AREA: Final = answers(_OF_AREA, 304, 400, 401, 403, 429, 503, headers=PAGED)
POINT: Final = answers(_OF_POINT, 304, 400, 401, 403, 404, 429, 503, headers=CACHED)
