"""Which reads and refusals are told of in the audit: the same once in a window, and nothing left out silently. Pure."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import AuditRole, Reality

Outcome = Literal["done", "refused", "failed"]
"""What came of what was asked."""

DIFFERENT: Final = 60
"""So many different things of one kind that one has read in a window are told one by one; more, by their area."""
_MOST: Final = 50_000
"""Most that are remembered to have been told."""


class Told(NamedTuple):
    """Something to be told of."""

    who: str
    role: AuditRole | None
    what: str
    on: str
    area: Area
    """The area that it concerns."""
    reality: Reality
    outcome: Outcome
    at: int
    """When it happened (µs)."""


class Telling:
    """What was told of lately.

    Args:
        window: seconds in which the same is told of once.
        clock: monotonic seconds.
    """

    def __init__(self, window: float, *, clock: Callable[[], float]) -> None:
        self._window = window
        self._clock = clock
        self._last: OrderedDict[tuple[object, ...], float] = OrderedDict()
        self._different: dict[tuple[object, ...], int] = {}
        self._different_since = clock()

    def to_tell(self, told: Told) -> Told | None:
        """What is to be told of it: itself, or its area, when one has read many different things.

        Returns:
            None: nothing, since the same was told of a moment ago.
        """
        now = self._clock()
        if self._fresh(told, now):
            return None
        if now - self._different_since >= self._window:
            self._different.clear()
            self._different_since = now
        kind = (told.who, told.what, told.reality, told.outcome)
        count = self._different.get(kind, 0)
        if count >= DIFFERENT and told.on != told.area.code:
            told = told._replace(on=told.area.code)
            if self._fresh(told, now):
                return None
        if len(self._different) < _MOST:
            self._different[kind] = count + 1
        self._last[_key(told)] = now
        while len(self._last) > _MOST:
            self._last.popitem(last=False)
        return told

    def _fresh(self, told: Told, now: float) -> bool:
        key = _key(told)
        last = self._last.get(key)
        if last is None:
            return False
        if now - last < self._window:
            return True
        del self._last[key]  # so that the order stays that of telling
        return False


def _key(told: Told) -> tuple[object, ...]:
    return (told.who, told.what, told.on, told.area, told.reality, told.outcome)
