"""What a reader has acknowledged, and how the server hears of it, though lines break and replies grow old."""

import time
from typing import Final

from nats.aio.client import Client

from vardkase.runtime.jetstream.delivery import Delivery

_ACK: Final = b"+ACK"


class Acks:
    """The acknowledgements of one reader.

    Args:
        nc: a connection.
    """

    def __init__(self, nc: Client) -> None:
        self._nc = nc
        self._repeats: dict[int, str] = {}
        self._last = ""
        self._owed = ""
        self.upto = 0
        """The sequence up to which everything is acknowledged by us."""
        self.moved = time.monotonic()
        """When something was last acknowledged, or nothing waited (monotonic seconds)."""

    def rebound(self) -> None:
        """The server takes none of the replies that are known: it sends what is not acknowledged again."""
        self._repeats.clear()
        self._last = self._owed = ""

    async def done(self, delivery: Delivery, *, current: bool) -> None:
        """This message, and all before it.

        Args:
            delivery: the message.
            current: whether it came by the line that there is now; else the reply of its repeat is used.
        """
        self.upto = max(self.upto, delivery.sequence)
        self.moved = time.monotonic()
        done = [sequence for sequence in self._repeats if sequence <= delivery.sequence]
        again = {sequence: self._repeats.pop(sequence) for sequence in done}
        if current:
            await self._send(delivery.reply)
        elif again:
            await self._send(again[max(again)])

    def repeated(self, one: Delivery, taken: int) -> None:
        """A message that was handed out before came again: it may be what an acknowledgement waits for.

        Args:
            one: the message.
            taken: the sequence up to which everything was handed out.
        """
        if one.sequence == self.upto:
            self._owed = one.reply
        elif self.upto < one.sequence <= taken:
            self._repeats[one.sequence] = one.reply

    async def owed(self) -> None:
        """Send what came to be acknowledged by a repeat."""
        if self._owed:
            reply, self._owed = self._owed, ""
            await self._send(reply)

    async def again(self) -> None:
        """Send the last one again: it was lost on the way."""
        if self._last:
            await self._send(self._last)

    async def _send(self, reply: str) -> None:
        self._last = reply
        if self._nc.is_connected:
            await self._nc.publish(reply, _ACK)
