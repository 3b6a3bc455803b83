"""Times for people: how long, how old, at what o'clock; and times as people write them on a command line."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from vardkase.runtime.errors import Refused
from vardkase_contracts import instants

STOCKHOLM: Final = ZoneInfo("Europe/Stockholm")
"""What o'clock means in a terminal of a Swedish crisis staff."""

_DURATION: Final = re.compile(r"([0-9]{1,6})(s|min|m|h|d)")
_SECONDS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_MONTHS: Final = ("jan", "feb", "mar", "apr", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "dec")
_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3])[:.]([0-5][0-9])")


def span(seconds: float) -> str:
    """A length of time in at most two units: "45 s", "41 min", "3 h 20 min", "2 d 4 h"."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def between(earlier: datetime, later: datetime) -> str:
    """How long it is from one to the other."""
    return span((later - earlier).total_seconds())


def clock(moment: datetime, *, seconds: bool = False) -> str:
    """What o'clock it is in Sweden."""
    return moment.astimezone(STOCKHOLM).strftime("%H:%M:%S" if seconds else "%H:%M")


def day_and_clock(moment: datetime) -> str:
    """The date and what o'clock it is in Sweden: "20 nov 03:40"."""
    local = moment.astimezone(STOCKHOLM)
    return f"{local.day} {_MONTHS[local.month - 1]} {local:%H:%M}"


def wire(moment: datetime) -> str:
    """A time as it goes over the wire: RFC 3339, UTC."""
    return instants.iso(instants.from_datetime(moment))


def parse_past(text: str, *, option: str, now: datetime) -> datetime:
    """A time that has been: RFC 3339, a time of day (the last such), or how long ago ("20m", "2h").

    Raises:
        Refused: it is none of these; the line names the option.
    """
    if (length := _length(text)) is not None:
        return now - length
    if (moment := _of_day(text, now)) is not None:
        return moment if moment <= now else _shifted(moment, -1)
    return _rfc3339(text, option)


def parse_coming(text: str, *, option: str, now: datetime) -> datetime:
    """A time to come: RFC 3339, a time of day (the next such), or for how long ("20m", "2h").

    Raises:
        Refused: it is none of these; the line names the option.
    """
    if (length := _length(text)) is not None:
        return now + length
    if (moment := _of_day(text, now)) is not None:
        return moment if moment > now else _shifted(moment, 1)
    return _rfc3339(text, option)


def parse_length(text: str, *, option: str) -> int:
    """A length of time, as "90s", "20m", "6h" or "2d", in µs; more than 0.

    Raises:
        Refused: it is none; the line names the option.
    """
    found = _DURATION.fullmatch(text.strip())
    length = 0 if found is None else int(found[1]) * _SECONDS[found[2]] * instants.SECOND
    if length <= 0:
        raise Refused(f"{option}: expected a length of time such as 90s, 20m, 6h or 2d; got {text!r}")
    return length


def _length(text: str) -> timedelta | None:
    found = _DURATION.fullmatch(text.strip().removeprefix("-"))
    return None if found is None else timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def _of_day(text: str, now: datetime) -> datetime | None:
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    local = now.astimezone(STOCKHOLM)
    return local.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0).astimezone(UTC)


def _shifted(moment: datetime, days: int) -> datetime:
    """The same o'clock so many days away: a day of Sweden's may be 23 or 25 hours long."""
    return (moment.astimezone(STOCKHOLM) + timedelta(days=days)).astimezone(UTC)


def _rfc3339(text: str, option: str) -> datetime:
    try:
        return instants.to_datetime(instants.parse(text.strip()))
    except ValueError:
        raise Refused(
            f"{option}: expected a time such as 2026-11-20T03:40:00+01:00, 03:40 or 20m; got {text!r}"
        ) from None
