"""What is counted of the public side, and how many streams of events it has."""

from collections import Counter as Counts

from prometheus_client import CollectorRegistry, Counter, Gauge

from vardkase.runtime.setting_groups import PublicSettings


class PublicMetrics:
    """The public side's metrics.

    Args:
        registry: where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.points = Gauge("vardkase_public_points", "Points that anyone may see", registry=registry)
        self.unreadable = Counter(
            "vardkase_public_unreadable", "Public documents that could not be read", registry=registry
        )
        self.streams = Gauge("vardkase_public_streams", "Public streams of events that are open", registry=registry)


class Streams:
    """The public streams of events that are open.

    Args:
        settings: how many there may be, and how many of one address.
        metrics: where to tell.
    """

    def __init__(self, settings: PublicSettings, metrics: PublicMetrics) -> None:
        self.closed = False
        """Set when no more may begin."""
        self._settings = settings
        self._metrics = metrics
        self._by_address: Counts[str] = Counts()

    def __len__(self) -> int:
        """How many are open."""
        return self._by_address.total()

    def full(self, address: str) -> bool:
        """Whether none may begin from an address: one that asks for all of them leaves none to others."""
        of_one = self._by_address[address] >= self._settings.clients_address
        return self.closed or of_one or len(self) >= self._settings.clients

    def begin(self, address: str) -> None:
        """One began."""
        self._by_address[address] += 1
        self._metrics.streams.set(len(self))

    def end(self, address: str) -> None:
        """One ended."""
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        self._metrics.streams.set(len(self))
