"""What a bucket holds, in memory and kept live: what is changed anywhere is known here a moment later."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from nats.aio.client import Client

from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.bucket import Bucket, BucketAway, Entry, ends_of, entry_of, prefix
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.follow import Follower
from vardkase.runtime.jetstream.values import Incomplete, scan
from vardkase.runtime.settings import Settings

log: Final = logging.getLogger(__name__)

T = TypeVar("T")

_COMPARE: Final = 30.0
"""Seconds between two looks at whether the bucket has lost keys without a word (a purge of the stream)."""


class Mirror(Generic[T]):
    """A bucket's values by their keys.

    Args:
        name: of the bucket.
        settings: how to read.
        decode: makes a value of its bytes; what it raises as ValueError is told, and the key has no value.
        changed: called with a key, what it had and what it has; `None` is no value.
        now: the time (µs).
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        decode: Callable[[bytes], T],
        changed: Callable[[str, T | None, T | None], None],
        now: Callable[[], int],
    ) -> None:
        self._name = name
        self._decode = decode
        self._changed = changed
        self._now = now
        self._values: dict[str, T] = {}
        self._stored: dict[str, tuple[int, int | None]] = {}  # sequence, and when the server ends it; marks too
        self._bucket: Bucket | None = None
        self._follower = Follower(
            f"KV_{name}", [f"{prefix(name)}>"], settings, take=self._on_deliveries, reset=self._on_reset
        )
        self._sure = time.monotonic()

    def __len__(self) -> int:
        """How many keys have a value."""
        return len(self._values)

    def get(self, key: str) -> T | None:
        """A key's value."""
        return self._values.get(key)

    def values(self) -> Sequence[T]:
        """All values."""
        return list(self._values.values())

    @property
    def whole(self) -> asyncio.Event:
        """Set while everything that was stored is here."""
        return self._follower.whole

    @property
    def unsure_s(self) -> float:
        """Seconds since it was last known that nothing was changed without its being known here."""
        if self._follower.ok:
            self._sure = time.monotonic()
        return time.monotonic() - self._sure

    def check(self) -> Check:
        """Whether it is whole and being read."""
        return self._follower.check()

    async def run(self, nc: Client) -> None:
        """Follow the bucket until cancelled."""
        await self._follower.run(nc)

    async def compare(self, nc: Client) -> None:
        """See to it, now and then until cancelled, that what has gone from the bucket goes here too."""
        while True:
            await asyncio.sleep(_COMPARE)
            with contextlib.suppress(BucketAway, ApiError, NoAnswer, Incomplete):
                await self.compare_once(nc)

    async def compare_once(self, nc: Client) -> None:
        """Drop what the bucket does not hold any more.

        Raises:
            BucketAway, ApiError, NoAnswer, Incomplete: it cannot be read now.
        """
        if not self.whole.is_set():
            return
        now = self._now()
        for key in [key for key, (_, ends) in self._stored.items() if ends is not None and ends < now]:
            self._forget(key)
        bucket, known = Bucket(nc, self._name), dict(self._stored)
        if await bucket.messages() >= len(known):
            return
        there = {
            entry_of(self._name, each).key async for each in scan(nc, bucket.stream, bucket.filters, headers_only=True)
        }
        for key, stored in known.items():
            if key not in there and self._stored.get(key) == stored:
                self._forget(key)

    def seen(self, key: str, value: T | None, sequence: int, ends: int | None = None) -> None:
        """What was just stored by ourselves counts at once; when it comes, it is known."""
        self._set(key, value, sequence, ends)

    def _forget(self, key: str) -> None:
        self._stored.pop(key, None)
        had = self._values.pop(key, None)
        if had is not None:
            self._changed(key, had, None)

    def _set(self, key: str, value: T | None, sequence: int, ends: int | None) -> None:
        if sequence <= self._stored.get(key, (0, None))[0]:
            return
        self._stored[key] = (sequence, ends)
        had = self._values.pop(key, None)
        if value is not None:
            self._values[key] = value
        if had is not None or value is not None:
            self._changed(key, had, value)

    def _on_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        for each in deliveries:
            entry = entry_of(self._name, each)
            self._set(entry.key, self._value(entry), each.sequence, ends_of(each))

    def _value(self, entry: Entry) -> T | None:
        if entry.data is None:
            return None
        try:
            return self._decode(entry.data)
        except ValueError:
            log.exception("a value of %s cannot be read, and opens nothing", self._name, extra={"key": entry.key})
            return None

    def _on_reset(self) -> None:
        for key in list(self._stored):
            self._forget(key)
