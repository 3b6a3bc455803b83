"""When what next needs another look: a heap of due times, not a scan."""

from heapq import heapify, heappop, heappush

from .intervals import FOREVER


class DueTimes:
    """For each name the one instant at which it is due. Setting and taking cost the logarithm of how many there are."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []
        self._due: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._due)

    def set(self, name: str, due: int) -> None:
        """The name is due then, and no longer when it was before; `FOREVER` is never."""
        if self._due.get(name, FOREVER) == due:
            return
        if due >= FOREVER:
            self._due.pop(name, None)
            return
        self._due[name] = due
        heappush(self._heap, (due, name))
        if len(self._heap) > 64 + 2 * len(self._due):
            self._heap = [(at, each) for each, at in self._due.items()]
            heapify(self._heap)

    def next(self) -> int:
        """When the first is due; `FOREVER` when none is."""
        heap = self._heap
        while heap and self._due.get(heap[0][1]) != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else FOREVER

    def take(self, now: int, most: int) -> list[str]:
        """The names due by now, the earliest first, at most so many; they are due no more until set again."""
        taken: list[str] = []
        while len(taken) < most and self.next() <= now:
            _, name = heappop(self._heap)
            del self._due[name]
            taken.append(name)
        return taken
