"""Who is to be told of a request for reports (begäran om lägesrapport), and how urgent it is for them.

A function of a request as an area's picture shows it, of the area, and of the time. Those who are **asked** are told
until they have answered: `yellow`, and `red` from the reminder on. The one who **asks** is told until all have:
`yellow`, and `red` from the deadline on, of all who have not answered together. So nothing is told because an hour
struck, but because of what is so; whoever begins to tell in the middle of it tells the same.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from vardkase_contracts.areas import Area
from vardkase_contracts.instants import parse
from vardkase_contracts.vocab import AlertLevel

from .intervals import FOREVER

Side = Literal["asked", "asker"]
"""Whom it is told to: those who are to answer, or the one who wants to know."""
Over = Literal["answered", "withdrawn"]
"""Why nobody waits for an answer any more."""

#: The rule that a side is told by.
RULE_OF: Final[Mapping[Side, str]] = {"asked": "request.asked", "asker": "request.given"}


class Call(NamedTuple):
    """What the people of an area are told of one request, at an instant."""

    side: Side
    area: Area
    #: Whose request it is, and its id: `24.q`.
    request: str
    level: AlertLevel
    #: Since when it has been as urgent as it is, µs.
    since: int
    #: None: it waits for an answer.
    over: Over | None
    #: Whether the deadline has passed.
    late: bool
    #: When the clock alone changes any of this, µs.
    due: int

    @property
    def rule(self) -> str:
        """Routes it."""
        return RULE_OF[self.side]

    @property
    def key(self) -> str:
        """Names it for ever, among all that an area is told."""
        return f"{self.rule}/{self.area.code}/{self.request}"


def call_of(request: Mapping[str, Any], area: Area, now: int) -> Call | None:
    """What the people of an area are told of a request; None: it is none of theirs.

    The one who asks is not told that it is asked. A wider area is asked when the request names it; its kommuner are
    asked besides.

    Args:
        request: as the picture of the area shows it.
        area: whose people.
        now: the instant, µs.

    Raises:
        ValueError, LookupError, TypeError: it is no request.
    """
    by = request["by"]
    side: Side
    if (by["level"], by["code"]) == (area.level, area.code):
        side = "asker"
    elif area.level == "kommun" or area.code in request["areas"]:
        side = "asked"
    else:
        return None
    given, remind_at, deadline = (parse(request[name]) for name in ("at", "remind_at", "deadline"))
    urgent_at = min(remind_at, deadline) if side == "asked" else deadline
    urgent = now >= urgent_at
    over: Over | None = None
    if request["state"] == "withdrawn":
        over = "withdrawn"
    elif not request["missing"]:
        over = "answered"
    return Call(
        side=side,
        area=area,
        request=f"{by['code']}.{request['id']}",
        level="red" if urgent else "yellow",
        since=max(given, urgent_at) if urgent else given,
        over=over,
        late=now >= deadline,
        due=FOREVER if over else min((at for at in (urgent_at, deadline) if at > now), default=FOREVER),
    )


def named(key: str) -> tuple[str, Area, str]:
    """A call's rule, area and request, by its key.

    Raises:
        ValueError: it is no such key.
    """
    rule, code, request = key.split("/", 2)
    return rule, Area.parse(code), request
