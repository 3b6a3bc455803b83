"""Since when: a time in the words of a page's address. Pure."""

import re
from datetime import datetime
from typing import Final

from vardkase.gateway.reporting.times import STOCKHOLM, latest_at, parse_clock
from vardkase_contracts.instants import DAY, HOUR, from_datetime, parse

OLDEST: Final = 31 * DAY
"""How far back a shift's tools look, µs."""
_HOURS: Final = re.compile(r"([0-9]{1,3}) ?(?:h|tim)")
_LOCAL: Final = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?")


def since(text: str, now: int) -> int | None:
    """The instant (µs) that somebody means: 06:00 (the last one), 12h, 2026-11-20T06:00, or RFC 3339 with an offset.

    A time without an offset is Sweden's.

    Args:
        text: what was given.
        now: the node's time, µs.

    Returns:
        The instant; None: it is none of these, it is to come, or further back than `OLDEST`.
    """
    found = _instant(text.strip(), now)
    return found if found is not None and now - OLDEST <= found <= now else None


def _instant(text: str, now: int) -> int | None:
    if (hours := _HOURS.fullmatch(text)) is not None:
        return now - int(hours[1]) * HOUR
    if (clock := parse_clock(text)) is not None:
        return latest_at(clock, 0, now)
    try:
        if _LOCAL.fullmatch(text) is not None:
            return from_datetime(datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM))
        return parse(text.replace(" ", "+"))
    except ValueError:
        return None
