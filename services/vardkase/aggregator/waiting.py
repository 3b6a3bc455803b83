"""The points of a world that wait to be judged: now, at leisure, or when their kommun's backlog is merged."""

from collections.abc import Set as AbstractSet
from itertools import islice
from typing import TypeVar

_T = TypeVar("_T")


class Waiting:
    """Which points are to be judged.

    While a kommun is held its points are merged and not judged: half of a backlog is no situation that ever was.
    """

    def __init__(self) -> None:
        """None waits, and no kommun is held."""
        #: Points of which something is new: `True` when what is merged has changed, too.
        self._touched: dict[str, bool] = {}
        #: Points of which nothing is new since a predecessor published them: judged when there is time for it.
        self._recalled: dict[str, None] = {}
        #: The same of kommuner that are held.
        self._touched_held: dict[str, bool] = {}
        self._recalled_held: dict[str, None] = {}
        self.held: AbstractSet[str] = frozenset()
        """The kommuner that are held."""

    def __len__(self) -> int:
        """How many may be judged now."""
        return len(self._touched) + len(self._recalled)

    @property
    def fresh(self) -> int:
        """How many of them wait for something that is new."""
        return len(self._touched)

    def hold(self, kommuner: AbstractSet[str]) -> None:
        """Hold these kommuner, and no others."""
        if kommuner == self.held:
            return
        released, begun = self.held - kommuner, kommuner - self.held
        self.held = kommuner
        if begun:
            _move(self._touched, self._touched_held, begun)
            _move(self._recalled, self._recalled_held, begun)
        if released:
            _move(self._touched_held, self._touched, released)
            _move(self._recalled_held, self._recalled, released)

    def touch(self, point: str, *, changed: bool = False) -> None:
        """Something is new of a point.

        Args:
            point: its id.
            changed: whether what is merged has changed.
        """
        held = point[:4] in self.held
        (self._recalled_held if held else self._recalled).pop(point, None)
        touched = self._touched_held if held else self._touched
        touched[point] = changed or touched.get(point, False)

    def recall(self, point: str) -> None:
        """Nothing is new of a point, whatever was said before."""
        held = point[:4] in self.held
        (self._touched_held if held else self._touched).pop(point, None)
        (self._recalled_held if held else self._recalled)[point] = None

    def take_merged(self) -> list[str]:
        """The points of which what is merged has changed, those that are held included; they go on waiting."""
        changed: list[str] = []
        for touched in (self._touched, self._touched_held):
            mine = [point for point, is_changed in touched.items() if is_changed]
            touched.update(dict.fromkeys(mine, False))
            changed += mine
        return changed

    def take_fresh(self, most: int) -> list[tuple[str, bool]]:
        """Points of which something is new, at most so many, and whether what is merged has changed."""
        points = list(islice(self._touched, most))
        return [(point, self._touched.pop(point)) for point in points]

    def take_recalled(self, most: int) -> list[str]:
        """Points of which nothing is new, at most so many."""
        points = list(islice(self._recalled, max(0, most)))
        for point in points:
            del self._recalled[point]
        return points


def _move(source: dict[str, _T], target: dict[str, _T], kommuner: AbstractSet[str]) -> None:
    for point in [each for each in source if each[:4] in kommuner]:
        target[point] = source.pop(point)
