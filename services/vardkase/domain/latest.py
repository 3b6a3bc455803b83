"""Which of many names are kept: those of the greatest ranks. A function of what was put, whatever the order."""

from heapq import heapify, heappop, heappush

#: An order's time, µs, and its id.
Rank = tuple[int, str]


class Latest:
    """At most so many names, each by the greatest rank it was put with. Putting costs the logarithm of how many."""

    def __init__(self, most: int) -> None:
        """Keep so many."""
        self._most = most
        self._ranks: dict[str, Rank] = {}
        self._heap: list[tuple[Rank, str]] = []

    def __len__(self) -> int:
        return len(self._ranks)

    def put(self, name: str, rank: Rank) -> str | None:
        """Put a name; the one that has to go for it, which may be itself."""
        if self._ranks.get(name, rank) > rank:
            return None
        self._ranks[name] = rank
        heappush(self._heap, (rank, name))
        if len(self._heap) > 64 + 2 * len(self._ranks):
            self._heap = [(of, each) for each, of in self._ranks.items()]
            heapify(self._heap)
        if len(self._ranks) <= self._most:
            return None
        while self._ranks.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        _, gone = heappop(self._heap)
        del self._ranks[gone]
        return gone

    def drop(self, name: str) -> None:
        """Keep a name no more."""
        self._ranks.pop(name, None)
