"""How old what we know is: silence is normal, and is neither "closed" nor "good" (CONTRACT §5)."""

from typing import NamedTuple

from vardkase_contracts.instants import DAY, HOUR, MINUTE
from vardkase_contracts.vocab import Freshness, Link

from .intervals import FOREVER
from .state import PointState

FRESH, AGEING, STALE = 2 * HOUR, 4 * HOUR, 12 * HOUR
#: Points that are not open are asked for a sign of life once a month.
DORMANT = 35 * DAY
#: A heartbeat, or any content, this recent means that the link is up (ours).
LINK_UP = 30 * MINUTE

_LIMITS: tuple[tuple[Freshness, int], ...] = (("fresh", FRESH), ("ageing", AGEING), ("stale", STALE))


class Age(NamedTuple):
    """A freshness or link, and when it changes by the clock alone, µs."""

    freshness: Freshness
    link: Link
    due: int


def age(state: PointState, now: int, *, is_open: bool) -> Age:
    """Freshness and link of a point at an instant, by the bounds of open points or of others."""
    content = state.content
    freshness: Freshness
    if content is None:
        freshness, due = "silent" if is_open else "stale", FOREVER
    elif is_open:
        freshness, due = "silent", FOREVER
        for name, limit in _LIMITS:
            if now - content <= limit:
                freshness, due = name, content + limit + 1
                break
    elif now - content <= DORMANT:
        freshness, due = "fresh", content + DORMANT + 1
    else:
        freshness, due = "stale", FOREVER
    link: Link = "unknown"
    if state.heartbeat is not None:
        alive = max(state.heartbeat, content or 0)
        if now - alive <= LINK_UP:
            link, due = "up", min(due, alive + LINK_UP + 1)
        else:
            link = "down"
    return Age(freshness, link, due)
