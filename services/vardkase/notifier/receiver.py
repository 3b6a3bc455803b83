"""What every receiver has: a place where it is told, and whether it takes what it is told.

This is the seam: whoever has something to tell offers notices to a `Desk`, and does not know who is there. A receiver
does not know where a notice comes from.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from vardkase.runtime.health import Check
from vardkase_contracts.instants import SECOND

from .notice import Notice


class Receiver(Protocol):
    """Somebody outside who is told. Each has its own queue, its own attempts, its own position."""

    @property
    def name(self) -> str:
        """Its name, in settings, logs and metrics."""
        ...

    def offer(self, notice: Notice) -> None:
        """A notice as it is now. Must not wait. What came before `lead` is in the desk still."""
        ...

    def sweep(self) -> None:
        """Forget what is not needed any more; called now and then."""
        ...

    async def lead(self) -> None:
        """Tell, until cancelled: this process is the one that does. Begins with all that the desk holds."""
        ...

    def check(self) -> Check:
        """Whether it takes what it is told."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


class Desk:
    """Where notices come in, and are kept as they are now; each receiver is told of each.

    Args:
        keep_ended: how long a notice that has ended is kept, seconds.
        most_ended: the most of those.
    """

    def __init__(self, *, keep_ended: float, most_ended: int) -> None:
        self._keep = round(keep_ended * SECOND)
        self._most = most_ended
        self._notices: dict[str, Notice] = {}
        self._receivers: list[Receiver] = []
        self.ends: dict[str, Callable[[str, str], Notice]] = {}
        """By kind, who makes the end of a notice of which only its key and its last level are known."""

    def __len__(self) -> int:
        return len(self._notices)

    def __iter__(self) -> Iterator[Notice]:
        return iter(list(self._notices.values()))

    @property
    def receivers(self) -> Sequence[Receiver]:
        """Who is told."""
        return tuple(self._receivers)

    def add(self, receiver: Receiver) -> None:
        """Somebody more who is told."""
        self._receivers.append(receiver)

    def get(self, key: str) -> Notice | None:
        """The notice of a key, as it is now."""
        return self._notices.get(key)

    def gone(self, key: str, level: str) -> Notice | None:
        """The end of what somebody was told of, if nobody offers it any more; None: it is offered, or not known of.

        Args:
            key: the notice's.
            level: how grave it was told as.
        """
        end = self.ends.get(key.partition("/")[0])
        return None if key in self._notices or end is None else end(key, level)

    def offer(self, notice: Notice) -> None:
        """A notice as it is now: kept, and handed to each receiver."""
        self._notices[notice.key] = notice
        for receiver in self._receivers:
            receiver.offer(notice)

    def forget(self) -> None:
        """What was offered is not known any more: it is offered anew."""
        self._notices.clear()

    def sweep(self, now: int) -> None:
        """Let go of what ended long ago (`now`: the node's clock, µs)."""
        ended = [each for each in self._notices.values() if each.ends_at is not None]
        ended.sort(key=lambda each: each.ends_at or 0)
        too_many = len(ended) - self._most
        for place, each in enumerate(ended):
            if place < too_many or (each.ends_at or 0) < now - self._keep:
                del self._notices[each.key]
        for receiver in self._receivers:
            receiver.sweep()
