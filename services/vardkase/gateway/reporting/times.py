"""Times as people in Sweden say and write them: "kl 21:10", "32 min sedan"; and what such a time means.

A time of day is Europe/Stockholm's, whatever the telephone is set to: it is what stands on the wall.
"""

import re
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from vardkase_contracts.instants import DAY, HOUR, MINUTE, from_datetime, to_datetime

STOCKHOLM: Final = ZoneInfo("Europe/Stockholm")
"""The time that is in force in Sweden."""
CLOCK: Final = r"^([01]?[0-9]|2[0-3])[:.]?([0-5][0-9])$"
"""A time of day as people write it: 21:10, 21.10, 2110, 9:05."""

_CLOCK: Final = re.compile(CLOCK)
_MONTHS: Final = ("jan", "feb", "mars", "april", "maj", "juni", "juli", "aug", "sep", "okt", "nov", "dec")


def local(instant: int) -> datetime:
    """An instant (µs) in Swedish time."""
    return to_datetime(instant).astimezone(STOCKHOLM)


def clock(instant: int, now: int) -> str:
    """When something is or was, seen from `now`: "kl 21:10", "i går kl 21:10", "18 nov kl 21:10"."""
    then, today = local(instant), local(now)
    days = (then.date() - today.date()).days
    at = f"kl {then:%H:%M}"
    if days == 0:
        return at
    if days in _NEAR:
        return f"{_NEAR[days]} {at}"
    year = "" if then.year == today.year else f" {then.year}"
    return f"{then.day} {_MONTHS[then.month - 1]}{year} {at}"


_NEAR: Final = {-1: "i går", 1: "i morgon"}


def day(instant: int) -> str:
    """A date: "20 nov 2026"."""
    then = local(instant)
    return f"{then.day} {_MONTHS[then.month - 1]} {then.year}"


def lasting(microseconds: int) -> str:
    """How long something lasts, or how old it is: "12 s", "32 min", "3 tim 10 min", "2 dygn"."""
    length = max(0, microseconds)
    if length < MINUTE:
        return "under 1 min"
    if length < HOUR:
        return f"{length // MINUTE} min"
    if length < 10 * HOUR:
        minutes = length % HOUR // MINUTE
        return f"{length // HOUR} tim" + (f" {minutes} min" if minutes else "")
    if length < 2 * DAY:
        return f"{length // HOUR} tim"
    return f"{length // DAY} dygn"


def ago(instant: int, now: int) -> str:
    """How long ago something was: "nyss", "32 min sedan"."""
    return "nyss" if now - instant < MINUTE else f"{lasting(now - instant)} sedan"


def parse_clock(text: str) -> time | None:
    """A time of day; None of what is none."""
    found = _CLOCK.match(text.strip())
    return None if found is None else time(int(found[1]), int(found[2]))


def next_at(at: time, days: int, after: int) -> int:
    """The first time after an instant at which the clock shows so, and so many days on. In µs.

    Args:
        at: the time of day.
        days: 0 of the nearest.
        after: an instant, µs.
    """
    start = local(after)
    found = start.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    if found <= start:
        found += timedelta(days=1)
    return from_datetime(found + timedelta(days=days))


def latest_at(at: time, days: int, before: int) -> int:
    """The last time at or before an instant at which the clock showed so, and so many days back. In µs.

    Args:
        at: the time of day.
        days: 0 of the nearest.
        before: an instant, µs.
    """
    end = local(before)
    found = end.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    if found > end:
        found -= timedelta(days=1)
    return from_datetime(found - timedelta(days=days))
