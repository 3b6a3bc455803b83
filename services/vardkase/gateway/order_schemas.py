"""How orders that were given, and pictures that were adopted, stand in the OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

_SCHEMAS: Final = "#/components/schemas/"

DIGEST: Final[dict[str, Any]] = {
    "Repr-Digest": {"description": "SHA-256 of the bytes (RFC 9530).", "schema": {"type": "string"}}
}

ORDERS_GIVEN: Final[Mapping[str, dict[str, Any]]] = {
    "OrderPage": {
        "type": "object",
        "title": "OrderPage",
        "description": "A page of orders, newest first.",
        "required": ["orders", "cursor", "complete"],
        "properties": {
            "orders": {
                "type": "array",
                "items": {"type": "object", "description": "The CloudEvent, without the picture that it adopts."},
            },
            "cursor": {"type": ["string", "null"], "description": "Where the next page begins; null on the last."},
            "complete": {
                "type": "boolean",
                "description": "False: there were more than the gateway holds; the oldest are in the archive alone.",
            },
        },
    },
    "AdoptedPictures": {
        "type": "object",
        "title": "AdoptedPictures",
        "description": "The pictures of an area that were adopted, newest first.",
        "required": ["level", "code", "reality", "adopted"],
        "properties": {
            "level": {"type": "string"},
            "code": {"type": "string"},
            "reality": {"type": "string"},
            "adopted": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["at", "by", "note", "version", "sha256", "order"],
                    "properties": {
                        "at": {"type": "string", "format": "date-time"},
                        "by": {"$ref": f"{_SCHEMAS}By"},
                        "note": {"type": ["string", "null"]},
                        "version": {"type": "string"},
                        "sha256": {"type": "string", "description": "Of the picture's bytes."},
                        "order": {"type": "string"},
                    },
                },
            },
        },
    },
}
"""Schemas of what is answered."""
