"""Writing to a stream: what is written is stored once, or there is an error, in a bounded time.

Several messages are one atomic batch: with every write synced to disk that is some thirty times faster than one by one.
"""

from collections.abc import Callable, Sequence
from uuid import uuid4

from nats.aio.client import Client

from vardkase.runtime.jetstream.attempts import Attempts, Target
from vardkase.runtime.jetstream.batches import MOST, Marked, Outgoing, cut


class StreamWriter:
    """Writes to one stream.

    Args:
        nc: a connection.
        stream: the stream's name. It must allow atomic batches.
        timeout: seconds that one attempt may take.
        patience: seconds that one batch may take in all, attempts and searches together; `math.inf` when there is no
            end to it. After its end nobody knows what was stored, and nobody finds out: who tries the same again may
            store it twice.
        batch: the most messages of an atomic batch, at most 1000.
        batch_bytes: the most bytes of one, roughly.
        tell: called with the reason whenever an attempt failed and another follows.
    """

    def __init__(
        self,
        nc: Client,
        stream: str,
        *,
        timeout: float = 5.0,
        patience: float = 30.0,
        batch: int = 500,
        batch_bytes: int = 4 << 20,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._target = Target(nc, stream, timeout, patience, tell=tell)
        self._batch = min(batch, MOST)
        self._batch_bytes = batch_bytes
        self._id = uuid4().hex[:16]
        self._number = 0

    @property
    def retried(self) -> int:
        """How often something was sent again, or searched for, since no answer came. A counter."""
        return self._target.retried

    @property
    def trouble(self) -> str:
        """Why nothing can be written now; empty when the last attempt did not fail."""
        return self._target.trouble

    async def write(self, messages: Sequence[Outgoing]) -> list[int]:
        """Store the messages, in order. More than one batch of them is not one atomic whole.

        Returns:
            The sequence of each.

        Raises:
            WriteConflict: an `expected` does not hold. Batches before it are stored.
            WriteRefused: the server refuses, such as for a full stream. Batches before it are stored.
            WriteTimeout: not confirmed in time; stored or not.
        """
        stored: dict[int, int | None] = {}
        for batch in self._cut(messages):
            stored |= await Attempts(self._target, batch).run()
        return [sequence for _, sequence in sorted(stored.items()) if sequence is not None]

    async def write_once(self, messages: Sequence[Outgoing]) -> list[int | None]:
        """Store those of the messages, each with a `message_id`, that the stream does not know yet, in order.

        Returns:
            The sequence of each; None for a repeat.

        Raises:
            WriteConflict: an `expected` does not hold. What came before it may be stored.
            WriteRefused: the server refuses. What came before it may be stored.
            WriteTimeout: not confirmed in time; stored or not.
        """
        stored: dict[int, int | None] = {}
        first: set[str] = set()
        places = []
        for place, message in enumerate(messages):
            if message.message_id is None:
                raise ValueError("write_once needs a message_id for every message")
            if message.message_id in first:
                stored[place] = None
            else:
                first.add(message.message_id)
                places.append(place)
        for batch in self._cut([messages[place] for place in places]):
            for place, sequence in (await Attempts(self._target, batch, once=True).run()).items():
                stored[places[place]] = sequence
        return [stored[place] for place in range(len(messages))]

    def _cut(self, messages: Sequence[Outgoing]) -> list[list[Marked]]:
        marked = [
            Marked(place, message, message.message_id or f"{self._id}/{self._number + place}")
            for place, message in enumerate(messages)
        ]
        self._number += len(messages)
        return list(cut(marked, most=self._batch, most_bytes=self._batch_bytes))
