"""What access answers, as the published document says it."""

from collections.abc import Mapping
from typing import Any, Final

from vardkase.gateway.principal import ROLES
from vardkase.gateway.problems import MEDIA_TYPE
from vardkase_contracts.vocab import ORDER_KINDS, REALITIES

from .tokens import LABEL

JSON: Final = "application/json"

_INSTANT: Final = {"type": ["string", "null"], "format": "date-time"}
_REALITIES: Final = {"type": "array", "items": {"enum": list(REALITIES)}, "uniqueItems": True, "minItems": 1}

TOKEN: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A token, without its secret.",
    "required": ["id", "status", "role", "area", "realities", "created", "created_by", "expires", "revoked"],
    "properties": {
        "id": {"type": "string"},
        "status": {"enum": ["live", "expired", "revoked"]},
        "role": {"enum": list(ROLES)},
        "area": {"type": "string", "description": "Its code."},
        "realities": _REALITIES,
        "point": {"type": ["string", "null"], "description": "The one point that it is bound to."},
        "label": {"type": "string"},
        "created": {"type": "string", "format": "date-time"},
        "created_by": {"type": "string", "description": "The id of the token by which it was made, or `node`."},
        "expires": _INSTANT,
        "revoked": _INSTANT,
        "revoked_by": {"type": ["string", "null"]},
    },
}
MADE: Final[dict[str, Any]] = {
    **TOKEN,
    "description": "A new token.",
    "required": [*TOKEN["required"], "token"],
    "properties": {
        **TOKEN["properties"],
        "token": {"type": "string", "description": "What shows it. It is told here, and never again."},
    },
}
TOKENS: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["tokens", "numberMatched"],
    "properties": {"tokens": {"type": "array", "items": TOKEN}, "numberMatched": {"type": "integer"}},
}
WANTED: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["role", "area"],
    "properties": {
        "role": {"enum": list(ROLES)},
        "area": {"type": "string", "description": "`2480`, `24`, `norra` or `SE`."},
        "realities": {**_REALITIES, "description": "All that your own token opens, unless given."},
        "point": {"type": ["string", "null"], "description": "For a reporter: the one point."},
        "label": {
            "type": "string",
            "maxLength": LABEL,
            "description": "What it is for. Never a person's name.",
            "default": "",
        },
        "expires": {**_INSTANT, "description": "90 days from now, unless given; `null`: never."},
    },
}
ME: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Who asks, and what that opens.",
    "required": ["id", "role", "area", "realities", "point", "expires", "session", "may"],
    "properties": {
        "id": {"type": "string", "description": "As the audit has it."},
        "role": {"enum": list(ROLES)},
        "area": {
            "type": "object",
            "required": ["level", "code", "name"],
            "properties": {"level": {"type": "string"}, "code": {"type": "string"}, "name": {"type": "string"}},
        },
        "realities": _REALITIES,
        "point": {"type": ["string", "null"]},
        "expires": _INSTANT,
        "session": {"type": "boolean", "description": "Whether a session's cookie was shown, and not a token."},
        "may": {
            "type": "object",
            "required": ["read", "report", "orders", "tokens"],
            "properties": {
                "read": {"type": "boolean", "description": "Pictures, points and alerts of the area."},
                "report": {"type": "boolean"},
                "orders": {"type": "array", "items": {"enum": list(ORDER_KINDS)}},
                "tokens": {"type": "boolean", "description": "Make and revoke at least some tokens."},
            },
        },
    },
}
LOGIN: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["token"],
    "properties": {
        "token": {"type": "string", "description": "A token, or a JWT of the issuer."},
        "next": {"type": "string", "description": "Where to go on: a path of ours.", "default": "/"},
    },
}

_PROBLEMS: Final[Mapping[int, str]] = {
    400: "The request cannot be read.",
    401: "Nobody known asks, or what was sent opens nothing.",
    403: "This is not theirs to do; or another site's page sent it.",
    404: "There is no such token among those that you manage.",
    408: "The body came too slowly.",
    413: "The body is too long.",
    415: "The body is of another media type.",
    422: "The body is not as it must be: `field` says where.",
    429: "Too much is asked by the same. Try again after `Retry-After`.",
    503: "It cannot be found out, or stored, now. Try again after `Retry-After`.",
}


def responses(status: int, schema: Mapping[str, Any] | None, *problems: int) -> dict[int | str, dict[str, Any]]:
    """The answers of a route.

    Args:
        status: when it went well.
        schema: of what is answered then; None: nothing is.
        problems: besides 401, 429 and 503.
    """
    told: dict[int | str, dict[str, Any]] = {status: {"description": "Done."}}
    if schema is not None:
        told[status]["content"] = {JSON: {"schema": dict(schema)}}
    again = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    for each in sorted({*problems, 401, 429, 503}):
        told[each] = {
            "description": _PROBLEMS[each],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        if each in {429, 503}:
            told[each]["headers"] = again
    return told


def body(schema: Mapping[str, Any], *, form: bool = False) -> dict[str, Any]:
    """The body that a route takes."""
    content = {JSON: {"schema": dict(schema)}}
    if form:
        content["application/x-www-form-urlencoded"] = {"schema": dict(schema)}
    return {"requestBody": {"required": True, "content": content}}
