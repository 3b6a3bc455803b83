"""What has entered the log: learnt from the log itself at the start, so that nothing enters it twice.

A predecessor may have been killed after it had stored a batch and before it acknowledged it. What the log holds since
the oldest message that waits came in tells how far it had got, however long ago that was.
"""

import logging
import time
from typing import Final

from nats.aio.client import Client

from vardkase.runtime.jetstream.api import CONSUMER_NOT_FOUND, MESSAGE_NOT_FOUND, ApiError, call
from vardkase.runtime.jetstream.batches import MESSAGE_ID
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import MINUTE, SECOND, parse
from vardkase_contracts.vocab import Reality

from .carried import fingerprint, signature_of
from .recent import Recent

log = logging.getLogger(__name__)

ORIGIN: Final = "Tp-Origin"
"""Header in the log: `<node>/<sequence in INTAKE>`."""
RECEIVED: Final = "Tp-Received"
"""Header in the log: when INTAKE stored the message."""
_WINDOW: Final = 2 * MINUTE + 10 * SECOND
"""The log's duplicate window, and a little more, in µs."""


class Memory:
    """What one reality's lane knows of the log.

    Args:
        nc: a connection.
        reality: the lane's.
        area: the node's.
        node: the node's name.
        durable: the name of the lane's consumer of INTAKE.
    """

    def __init__(self, nc: Client, *, reality: Reality, area: Area, node: str, durable: str) -> None:
        self._nc = nc
        self._waiting = subjects.family_filters("report", reality, area)
        self._accepted = subjects.family_filters("accepted", reality, area)
        self._node = node
        self._durable = durable
        self._recent = Recent()
        self._log: str | None = None
        self._log_last = 0
        self.stored = 0
        """The sequence in INTAKE up to which everything is in REPORTS or REJECTED."""
        self._stored_at = 0

    async def recall(self) -> None:
        """Learn what entered the log since the oldest waiting message came, and in the log's own window."""
        info = await call(self._nc, f"STREAM.INFO.{streams.REPORTS}")
        self._log, self._log_last = info["created"], info["state"]["last_seq"]
        self._recent, self.stored, self._stored_at = Recent(), 0, 0
        since = time.time_ns() // 1000 - _WINDOW
        waiting = await self._oldest_waiting()
        if waiting is not None:
            since = min(since, waiting)
        prefix = f"{self._node}/"
        async for entry in scan(self._nc, streams.REPORTS, self._accepted, since=since):
            message_id = entry.headers.get(MESSAGE_ID)
            if message_id is not None:
                self._recent.add(message_id, fingerprint(entry.data, signature_of(entry.head)))
            origin = entry.headers.get(ORIGIN, "")
            if origin.startswith(prefix) and origin[len(prefix) :].isdigit():
                self.handled(int(origin[len(prefix) :]), parse(entry.headers[RECEIVED]))

    async def look_again(self) -> None:
        """After the connection or the server was away: learn anew if the log is another one, or an older copy."""
        info = await call(self._nc, f"STREAM.INFO.{streams.REPORTS}")
        if info["created"] != self._log or info["state"]["last_seq"] < self._log_last:
            log.warning("the log was made anew or put back; learning anew what it holds")
            await self.recall()

    def handled(self, sequence: int, stored_at: int) -> None:
        """Everything in INTAKE up to this message is in REPORTS or REJECTED."""
        self._stored_at, self.stored = max((self._stored_at, self.stored), (stored_at, sequence))

    def knows(self, delivery: Delivery) -> bool:
        """Whether it was dealt with. A message that came later is new whatever its sequence: INTAKE was made anew."""
        return delivery.sequence <= self.stored and delivery.stored_at <= self._stored_at

    def anew(self, delivery: Delivery) -> None:
        """Start over when this message shows that INTAKE was made anew."""
        if delivery.sequence <= self.stored and delivery.stored_at > self._stored_at:
            self.stored, self._stored_at = 0, 0

    def message_id(self, identity: str, digest: bytes) -> str | None:
        """See `Recent.message_id`."""
        return self._recent.message_id(identity, digest)

    def entering(self, message_id: str, digest: bytes) -> None:
        """It is on its way into the log."""
        self._recent.add(message_id, digest)

    def reached(self, sequence: int) -> None:
        """The log was seen to go up to this sequence."""
        self._log_last = max(self._log_last, sequence)

    async def _oldest_waiting(self) -> int | None:
        """When the oldest message that is not acknowledged came, µs; `None` when there is none."""
        try:
            info = await call(self._nc, f"CONSUMER.INFO.{streams.INTAKE}.{self._durable}")
            after = info["ack_floor"]["stream_seq"] + 1
        except ApiError as error:
            if error.err_code != CONSUMER_NOT_FOUND:
                raise
            after = 1
        found = [await self._next_in_intake(after, pattern) for pattern in self._waiting]
        return min((at for at in found if at is not None), default=None)

    async def _next_in_intake(self, after: int, pattern: str) -> int | None:
        """When the next message from a sequence on came, µs; `None` when there is none."""
        request = {"seq": after, "next_by_subj": pattern}
        try:
            found = await call(self._nc, f"STREAM.MSG.GET.{streams.INTAKE}", request)
        except ApiError as error:
            if error.err_code != MESSAGE_NOT_FOUND:
                raise
            return None
        return parse(found["message"]["time"])
