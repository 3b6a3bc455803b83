"""What each webhook was last told of each key, in a bucket of the node: its position, which outlives every process."""

import asyncio
import hashlib
import logging
import time
from typing import Final

import orjson
from nats.aio.client import Client

from vardkase.federation.topology import NOTIFIED
from vardkase.runtime.jetstream.bucket import Bucket, BucketAway, entry_of, prefix
from vardkase.runtime.jetstream.values import last_values

from .owed import Told

log: Final = logging.getLogger(__name__)

_STREAM: Final = f"KV_{NOTIFIED}"
_ENDED: Final = 7 * 86_400.0
"""Seconds that it is known what a webhook was told of something that has ended."""
_AGAIN: Final = 0.5
_PATIENCE: Final = 20.0


class Memory:
    """Of one webhook.

    Args:
        nc: a connection to the node's account.
        receiver: its name.
    """

    def __init__(self, nc: Client, receiver: str) -> None:
        self._nc = nc
        self._receiver = receiver
        self._bucket = Bucket(nc, NOTIFIED)
        self._told: dict[str, Told] = {}

    def __len__(self) -> int:
        """How many notices stand there, as far as it was told."""
        return sum(told.stands for told in self._told.values())

    async def load(self) -> None:
        """Read it anew: another process may have told meanwhile.

        Raises:
            Incomplete, ApiError: it cannot be read.
        """
        self._told.clear()
        async for delivery in last_values(self._nc, _STREAM, [f"{prefix(NOTIFIED)}told.{self._receiver}.>"]):
            entry = entry_of(NOTIFIED, delivery)
            if entry.data is not None:
                key, event, stands, level, times = orjson.loads(entry.data)
                self._told[key] = Told(event, stands, level, times)

    def standing(self) -> list[tuple[str, str]]:
        """The keys that stand there, as far as it was told, and their levels."""
        return [(key, told.level) for key, told in self._told.items() if told.stands]

    def get(self, key: str) -> Told | None:
        """What it was last told of a key."""
        return self._told.get(key)

    async def put(self, key: str, told: Told) -> None:
        """It was told: known here at once; returns when it is durable, or after 20 s in vain, which are told of.

        What is not durable is told again by the next notifier, with the same id.
        """
        self._told[key] = told
        data = orjson.dumps([key, told.event, told.stands, told.level, told.times])
        name = f"told.{self._receiver}.{hashlib.sha256(key.encode()).hexdigest()[:32]}"
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                await self._bucket.put(name, data, lives=None if told.stands else _ENDED)
            except BucketAway as error:
                if time.monotonic() > until:
                    log.error(  # noqa: TRY400 -- one line says it
                        "what a receiver was told is not stored",
                        extra={"receiver": self._receiver, "error": str(error)},
                    )
                    return
                await asyncio.sleep(_AGAIN)
            else:
                return

    def sweep(self, most: int) -> None:
        """Forget what has ended, when there is much of it; the bucket knows it still, for as long as it keeps it."""
        if len(self._told) > most:
            self._told = {key: told for key, told in self._told.items() if told.stands}
