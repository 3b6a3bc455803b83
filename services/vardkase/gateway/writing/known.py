"""What was sent over HTTP before: the bytes of each event, under its identity, in a bucket of keys and values.

The bucket is the node's, so every gateway knows what another has taken in, also after a restart. What is forgotten (it
is bounded in time and in bytes) is taken in anew when it comes again, and changes nothing.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Final

import nats.errors

from vardkase.runtime.jetstream.api import PREFIX, NoAnswer
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.headers import read
from vardkase.runtime.jetstream.writer import StreamWriter

BUCKET: Final = "HTTP_KNOWN"
STREAM: Final = f"KV_{BUCKET}"
_SUBJECT: Final = f"$KV.{BUCKET}."
_AT_ONCE: Final = 1000
"""Keys that are asked for in one request; the server takes 1,024."""
_END: Final = {"204", "404"}
"""The server's status after the last value, and when there is none."""


class Known:
    """The events that were sent over HTTP lately.

    Args:
        nc: a connection to the node's account.
        timeout: seconds that one attempt to write may take.
        patience: seconds that writing may take in all.
    """

    def __init__(self, nc: Connection, *, timeout: float, patience: float) -> None:
        self._nc = nc
        self._timeout = timeout
        self._writer = StreamWriter(nc, STREAM, timeout=timeout, patience=patience, batch=1000)

    async def find(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The bytes that are known under keys.

        Raises:
            NoAnswer: the server does not tell.
            nats.errors.Error: the connection is closed for good.
        """
        found: dict[str, bytes] = {}
        for first in range(0, len(keys), _AT_ONCE):
            found |= await self._some(keys[first : first + _AT_ONCE])
        return found

    async def keep(self, events: Mapping[str, bytes]) -> None:
        """Remember events that are not known yet.

        Raises:
            WriteConflict: another gateway has just remembered one of them; it may have kept some of the rest.
            WriteRefused: the server refuses.
            WriteTimeout: not confirmed in time; stored or not.
        """
        await self._writer.write(
            [Outgoing(subject=_SUBJECT + key, data=data, expected=0) for key, data in events.items()]
        )

    async def _some(self, keys: Sequence[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def take(subject: bytes, _reply: bytes, head: bytes, data: bytes) -> None:
            del subject  # the inbox
            fields = read(head)
            status = fields.get("Status")
            if status is None:
                found[fields.get("Nats-Subject", "").removeprefix(_SUBJECT)] = data
            elif not ended.done():
                if status in _END:
                    ended.set_result(None)
                else:
                    ended.set_exception(NoAnswer(f"{BUCKET} does not tell: {status} {fields.get('Description')}"))

        inbox = self._nc.new_inbox()
        request = json.dumps({"multi_last": [_SUBJECT + key for key in keys]}).encode()
        listening = await self._nc.listen(inbox, take)
        try:
            await self._nc.publish(f"{PREFIX}.DIRECT.GET.{STREAM}", request, reply=inbox)
            async with asyncio.timeout(self._timeout):
                await ended
        except (TimeoutError, nats.errors.OutboundBufferLimitError) as error:
            raise NoAnswer(f"{BUCKET} does not answer") from error
        finally:
            if ended.done() and not ended.cancelled():
                ended.exception()
            if not self._nc.is_closed:
                await listening.unsubscribe()
        return found
