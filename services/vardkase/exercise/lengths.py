"""Lengths of time as people write them in a scenario: `90s`, `15m`, `1h30m`."""

import re
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from vardkase_contracts import instants
from vardkase_contracts.instants import DAY, HOUR, MINUTE, SECOND

_UNITS: Final = {"s": SECOND, "min": MINUTE, "m": MINUTE, "h": HOUR, "d": DAY}
_PART: Final = r"[0-9]{1,6}(?:s|min|m|h|d)"
_WHOLE: Final = re.compile(rf"(?:{_PART})+")
_PARTS: Final = re.compile(r"([0-9]{1,6})(s|min|m|h|d)")
_LATER: Final = re.compile(rf"\+(?:{_PART})+")
_LONGEST: Final = 30 * DAY
_DEEPEST: Final = 8


def length_of(text: object) -> int:
    """A length in µs.

    Raises:
        ValueError: it is none, or longer than 30 days.
    """
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        raise ValueError("expected a length of time such as 90s, 15m, 1h30m or 1d")
    length = sum(int(number) * _UNITS[unit] for number, unit in _PARTS.findall(text))
    if length > _LONGEST:
        raise ValueError("expected at most 30d")
    return length


Length = Annotated[int, BeforeValidator(length_of)]
"""A length of time in µs, written as `15m`."""


def later(value: Any, at: int, *, depth: int = 0) -> Any:
    """A value with each text such as `+2h` made into the time so long after an instant, however deep it stands.

    Args:
        value: as YAML gives it.
        at: the instant, µs.
        depth: how deep it stands in another.

    Raises:
        ValueError: it is nested deeper than any report is.
    """
    if depth > _DEEPEST:
        raise ValueError("nested too deep")
    if isinstance(value, dict):
        return {key: later(each, at, depth=depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [later(each, at, depth=depth + 1) for each in value]
    if isinstance(value, str) and _LATER.fullmatch(value):
        return instants.iso(at + length_of(value[1:]))
    if isinstance(value, datetime):  # YAML reads a bare time as one
        raise ValueError(f"write a time as a text or as a length from the inject on, such as '+2h'; got {value}")  # noqa: TRY004 -- pydantic takes a ValueError for a value that is wrong
    return value
