"""What a column may hold, made of what a message may hold: anything. What does not fit is null; the bytes stay."""

import json
import re
from datetime import UTC, datetime
from typing import Any, Final

import orjson

LONGEST: Final = 512
"""Longest text of a column, in characters. What is longer stands in the bytes alone."""
_HEX: Final = re.compile(r"[0-9a-f]{64}")


def document(data: bytes) -> dict[str, Any]:
    """A message as JSON; empty when it is no JSON object."""
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            found = json.loads(data)  # a number that no double holds is JSON all the same
        except (ValueError, RecursionError):
            return {}
    return found if type(found) is dict else {}


def part(of: dict[str, Any], name: str) -> dict[str, Any]:
    """An object in an object; empty when there is none."""
    found = of.get(name)
    return found if type(found) is dict else {}


def text(value: Any) -> str | None:
    """A text that PostgreSQL takes; null for all else."""
    if type(value) is not str or len(value) > LONGEST:
        return None
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            return None
    return None if "\0" in value else value


def moment(value: Any) -> datetime | None:
    """A time with an offset; null for all else."""
    if type(value) is not str or len(value) > 40:
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def digest(value: Any) -> bytes | None:
    """A SHA-256 in hexadecimal; null for all else."""
    return bytes.fromhex(value) if type(value) is str and _HEX.fullmatch(value) else None


def truth(value: Any) -> bool | None:
    """True or false; null for all else."""
    return value if type(value) is bool else None
