"""Which children wait while the log here is nearly full: those that fill it, one after another.

A full log takes nothing from anybody. So whoever brings most is read no more before it is: what it has stays on its own
disk, and nothing is lost by waiting. The others, and this node's own intake, go on in what is left.
"""

from collections.abc import Mapping
from typing import Final

HELD_FROM: Final = 0.90
"""Share of the log's room from which a child is held; another one with each look, as long as it fills on."""
FREE_BELOW: Final = 0.85
"""Share below which all are read again: somebody has made room."""


class Holding:
    """Decides which children are held."""

    def __init__(self) -> None:
        self._last = 0.0
        self._brought: dict[str, int] = {}
        self.held: frozenset[str] = frozenset()
        """The nodes that wait."""

    def look(self, share: float, brought: Mapping[str, int]) -> None:
        """Look once.

        Args:
            share: of the log's room that is taken.
            brought: how many messages each child has brought since this program started.
        """
        if share < FREE_BELOW:
            self.held = frozenset()
            self._brought = dict(brought)
        elif share >= HELD_FROM and (not self.held or share > self._last):
            fresh = {
                node: count - self._brought.get(node, 0) for node, count in brought.items() if node not in self.held
            }
            if fresh and max(fresh.values()) > 0:
                self.held |= {max(fresh, key=lambda node: fresh[node])}
        self._last = share
