"""Writing to the buckets of access: what cannot be stored now is one kind of error, and none becomes quite full."""

from typing import Final

from nats.aio.client import Client
from nats.errors import Error as NatsError

from vardkase.runtime.jetstream.bucket import Bucket, BucketAway, Entry

from .away import AccessAway

_FULL: Final = 0.9
"""From what share of its room on a bucket takes no new token or session: what is left is for ending those there are."""


class Stored:
    """A bucket of access.

    Args:
        name: of the bucket.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._bucket: Bucket | None = None

    def start(self, nc: Client) -> None:
        """Use this connection from now on."""
        self._bucket = Bucket(nc, self._name)

    async def get(self, key: str) -> Entry | None:
        """The value of a key, as it is stored now; None: it never had one, or was erased.

        Raises:
            AccessAway: it cannot be asked.
        """
        try:
            entry = await self._there.get(key)
        except (BucketAway, NatsError) as error:
            raise AccessAway(str(error)) from error
        return None if entry is None or entry.data is None else entry

    async def create(self, key: str, data: bytes, *, lives: float | None) -> int | None:
        """Give a key its first value; its sequence, or None when it has one. Not when the bucket is nearly full.

        Raises:
            AccessAway: it is nearly full, or that was not confirmed.
        """
        try:
            ratio = await self._there.fill_ratio()
            if ratio <= _FULL:
                return await self._there.create(key, data, lives=lives)
        except (BucketAway, NatsError) as error:
            raise AccessAway(str(error)) from error
        raise AccessAway(f"{self._name} is {ratio:.0%} full: revoke what is not used, or give it room")

    async def put(self, key: str, data: bytes, *, expected: int, lives: float | None = None) -> int:
        """Give a key another value; its sequence.

        Raises:
            WriteConflict: somebody else did.
            AccessAway: that was not confirmed.
        """
        try:
            return await self._there.put(key, data, expected=expected, lives=lives)
        except (BucketAway, NatsError) as error:
            raise AccessAway(str(error)) from error

    async def erase(self, key: str, *, lives: float) -> int:
        """Take a key's value away; the sequence of the mark.

        Raises:
            AccessAway: that was not confirmed.
        """
        try:
            return await self._there.erase(key, lives=lives)
        except (BucketAway, NatsError) as error:
            raise AccessAway(str(error)) from error

    @property
    def _there(self) -> Bucket:
        if self._bucket is None:
            raise AccessAway("not started")
        return self._bucket
