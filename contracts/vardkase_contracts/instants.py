"""Instants: whole microseconds since 1970-01-01T00:00:00Z, and their text on the wire.

Inside, every time is an `int` in UTC, so that comparing, adding and ordering are exact. On the wire it is RFC 3339.
There is no clock here: the time is always an argument.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

SECOND: Final = 1_000_000
"""One second, in microseconds."""
MINUTE: Final = 60 * SECOND
"""One minute, in microseconds."""
HOUR: Final = 60 * MINUTE
"""One hour, in microseconds."""
DAY: Final = 24 * HOUR
"""One day of 24 hours, in microseconds."""

RFC3339: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)
"""RFC 3339 with seconds and an offset. Finer fractions than a microsecond are cut off."""

FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""The earliest time that an event may carry."""
END: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""The first time that is too late for an event."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339: Final = re.compile(RFC3339)


def from_datetime(moment: datetime) -> int:
    """The instant of an aware datetime.

    Raises:
        ValueError: the datetime has no offset.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without an offset is no instant")
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def to_datetime(instant: int) -> datetime:
    """The instant as a datetime in UTC.

    Raises:
        OverflowError: outside the years 1..9999.
    """
    return _EPOCH + timedelta(microseconds=instant)


def iso(instant: int) -> str:
    """The instant in RFC 3339, UTC: "2026-11-20T02:40:00Z"; six digits of fraction only when it is not zero.

    Raises:
        OverflowError: outside the years 1..9999.
    """
    return to_datetime(instant).isoformat()[:-6] + "Z"


def parse(text: str) -> int:
    """The instant of an RFC 3339 time with seconds and an offset; what is finer than a microsecond is cut off.

    Raises:
        ValueError: it is not such a time.
    """
    if len(text) > 35 or not _RFC3339.fullmatch(text):
        raise ValueError("not a time in RFC 3339 with an offset")
    return from_datetime(datetime.fromisoformat(text.upper()))
