"""The last changes of alerts, in memory: what a client missed that was away for a moment."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from .live import Change


class RecentAlerts:
    """A bounded memory of the stream of alerts that knows from where on it is complete.

    Args:
        most: how many changes it holds.
    """

    def __init__(self, most: int) -> None:
        self._held: Final[deque[Change]] = deque(maxlen=most)
        self._after: int | None = None

    @property
    def begun(self) -> bool:
        """Whether changes are added."""
        return self._after is not None

    @property
    def after(self) -> int:
        """The sequence after which it is complete; 0 before it has begun."""
        return self._after or 0

    def begin(self, after: int) -> None:
        """From now every change is added, beginning with the one after this sequence."""
        self._held.clear()
        self._after = after

    def forget(self) -> None:
        """The stream was made anew: nothing is known."""
        self._held.clear()
        self._after = None

    def add(self, change: Change) -> None:
        """Take a change in; the oldest goes when there are too many."""
        if len(self._held) == self._held.maxlen:
            self._after = self._held[0].held.sequence
        self._held.append(change)

    def recall(self, changes: Sequence[Change], after: int) -> None:
        """Take in what was before the first change that is held, as far as there is room.

        Args:
            changes: all of them from `after` to where this began, in order.
            after: the sequence before the first of them.
        """
        if self._after is None:
            return
        older = [change for change in changes if change.held.sequence <= self._after]
        room = (self._held.maxlen or 0) - len(self._held)
        kept = older[max(0, len(older) - room) :]
        self._after = after if len(kept) == len(older) else older[-len(kept) - 1].held.sequence
        self._held.extendleft(reversed(kept))

    def since(self, sequence: int) -> list[Change] | None:
        """All changes after a sequence, in order; None: they reach back further than this does."""
        if self._after is None or sequence < self._after:
            return None
        found: list[Change] = []
        for change in reversed(self._held):
            if change.held.sequence <= sequence:
                break
            found.append(change)
        return found[::-1]
