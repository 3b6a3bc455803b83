"""Times of day as they are said in Sweden, and which instant is meant. Also in the two nights when the clock is set."""

import re
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from vardkase_contracts.instants import MINUTE, from_datetime, to_datetime

STOCKHOLM: Final = ZoneInfo("Europe/Stockholm")
"""The time that is in force in Sweden."""
AHEAD: Final = 2 * MINUTE
"""A watch may be so much fast: intake takes a report's time so far ahead as it is (CONTRACT §3)."""
OLDEST_DAYS: Final = 27
"""Days back, at most: within them no day of the month comes twice."""

_SAID: Final = re.compile(r"([0-9]{2})?([01][0-9]|2[0-3])([0-5][0-9])([AB])?")
_EXPECTED: Final = "väntade klockslaget då läget sågs, fyra siffror som 0310, eller med dagen först: 200310"


class Unclear(NamedTuple):
    """Why a word says no time."""

    expected: str


def observed(word: str, received: int) -> int | Unclear:
    """The latest instant that `HHMM` or `DDHHMM` can mean, not in the future.

    In the night when the clock is set back an hour comes twice: `A` after it means the first (summer time), `B` the
    second; with neither it is the later that has been. What the clock never showed is refused: which hour was meant is
    not known.

    Args:
        word: what was said.
        received: when it was heard, µs.
    """
    found = _SAID.fullmatch(word)
    if found is None:
        return Unclear(_EXPECTED)
    day, hour, minute, which = found.groups()
    at = time(int(hour), int(minute))
    limit = received + AHEAD
    latest = local(limit).date()
    for back in range(OLDEST_DAYS + 1 if day else 2):
        on = latest - timedelta(days=back)
        if day and on.day != int(day):
            continue
        shown = _shown(on, at)
        if not shown and (day or _unfolded(on, at) <= limit):
            return Unclear(
                f"klockan visade aldrig {at:%H.%M} den {on.day}/{on.month}, den ställdes fram: "
                "säg tiden en timme senare, eller dagen om en annan dag menas"
            )
        if which and len(shown) == 1 and shown[0] <= limit:
            return Unclear("A och B används bara den natt då klockan ställs tillbaka")
        if which and len(shown) > 1:
            shown = [shown["AB".index(which)]]
        past = [each for each in shown if each <= limit]
        if past:
            return past[-1]
    if day:
        return Unclear(f"väntade en dag som har varit, högst {OLDEST_DAYS} dygn tillbaka")
    return Unclear(_EXPECTED)


def following(at: time, after: int) -> int | None:
    """The first instant after another at which the clock shows so; None: it is set forward past it then."""
    first = local(after).date()
    for ahead in range(3):
        on = first + timedelta(days=ahead)
        shown = _shown(on, at)
        if not shown and _unfolded(on, at) > after:
            return None
        later = [each for each in shown if each > after]
        if later:
            return later[0]
    return None


def said(instant: int) -> str:
    """An instant as `DDHHMM`, with A or B where the clock showed so twice: `observed` gives it back."""
    then = local(instant)
    twice = len(_shown(then.date(), then.time().replace(fold=0))) > 1
    return f"{then:%d%H%M}" + ("AB"[then.fold] if twice else "")


def of_day(instant: int) -> str:
    """An instant's time of day as `HHMM`."""
    return f"{local(instant):%H%M}"


def is_night(instant: int) -> bool:
    """Whether it is from 22 to 07, when the night's capacity counts."""
    hour = local(instant).hour
    return hour >= 22 or hour < 7


def local(instant: int) -> datetime:
    """An instant in Swedish time."""
    return to_datetime(instant).astimezone(STOCKHOLM)


def _unfolded(on: date, at: time) -> int:
    """An instant for a time that the clock may never have shown."""
    return from_datetime(datetime.combine(on, at, STOCKHOLM))


def _shown(on: date, at: time) -> list[int]:
    """The instants at which the clock showed so on a day: one; two or none when it was set."""
    wall = datetime.combine(on, at)
    found = {from_datetime(datetime.combine(on, at.replace(fold=fold), STOCKHOLM)) for fold in (0, 1)}
    return sorted(each for each in found if local(each).replace(tzinfo=None, fold=0) == wall)
