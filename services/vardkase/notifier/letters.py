"""Dead letters: notifications that a webhook did not take. People list them, send them again, or drop them.

They stand in a bucket of the node, so whoever may write there asks for one to be sent again by a mark; the notifier
that tells sends it, with the id that it had, and takes it away when it was taken.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import orjson
from nats.aio.client import Client

from vardkase.federation.topology import DEAD_LETTERS
from vardkase.runtime.jetstream.bucket import Bucket, entry_of
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.errors import WriteConflict
from vardkase.runtime.jetstream.values import last_values

STREAM: Final = f"KV_{DEAD_LETTERS}"
"""The stream that the bucket is."""
_REASON: Final = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A notification that was given up."""

    receiver: str
    """The webhook's name."""
    id: str
    """Of the delivery."""
    what: str
    """`raised`, `changed`, `cleared`."""
    key: str
    """What it is about: `alert/act/power.lost/2480-x`."""
    reality: str
    level: str
    areas: tuple[str, ...]
    """The areas that it lies in."""
    at: str
    """When it was given up, RFC 3339."""
    attempts: int
    reason: str
    """Why, in a line."""
    body: str
    """What was to be sent."""
    resend: str | None = None
    """Who asked for it to be sent again; None: nobody."""

    @property
    def name(self) -> str:
        """Its key in the bucket, by which people name it."""
        return f"{self.receiver}.{self.id}"

    def encode(self) -> bytes:
        """As it is stored."""
        return orjson.dumps(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> "Letter":
        """What is stored.

        Raises:
            ValueError: it is none.
        """
        try:
            document: Mapping[str, Any] = orjson.loads(data)
            return cls(**{**document, "areas": tuple(document["areas"])})
        except (TypeError, LookupError) as error:
            raise ValueError(f"no dead letter: {error}") from None


class Letters:
    """The dead letters of a node.

    Args:
        nc: a connection to the node's account.
    """

    def __init__(self, nc: Client) -> None:
        self._nc = nc
        self._bucket = Bucket(nc, DEAD_LETTERS)

    async def put(self, letter: Letter) -> None:
        """Keep one; the same one once.

        Raises:
            BucketAway: not confirmed.
        """
        await self._bucket.put(letter.name, replace(letter, reason=letter.reason[:_REASON]).encode())

    async def get(self, name: str) -> Letter | None:
        """One of them; None: there is none of this name.

        Raises:
            BucketAway: it cannot be asked.
            ValueError: it cannot be read, or this is no name.
        """
        entry = await self._bucket.get(name)
        return None if entry is None or entry.data is None else Letter.decode(entry.data)

    async def all(self) -> AsyncIterator[Letter]:
        """All of them, the oldest first. What cannot be read is left out.

        Raises:
            Incomplete, ApiError: they cannot be read.
        """
        async for delivery in last_values(self._nc, STREAM, []):
            if (letter := read(delivery)) is not None:
                yield letter

    async def ask(self, name: str, by: str) -> bool:
        """Ask for one to be sent again; False: there is none of this name.

        Args:
            name: of the letter.
            by: who asks: a role or a token's id, no person.

        Raises:
            BucketAway: not confirmed.
            ValueError: it cannot be read, or this is no name.
        """
        while True:
            entry = await self._bucket.get(name)
            if entry is None or entry.data is None:
                return False
            asked = replace(Letter.decode(entry.data), resend=by)
            try:
                await self._bucket.put(name, asked.encode(), expected=entry.sequence)
            except WriteConflict:
                continue
            return True

    async def drop(self, name: str) -> bool:
        """Take one away; False: there is none of this name.

        Raises:
            BucketAway: not confirmed.
            ValueError: this is no name.
        """
        entry = await self._bucket.get(name)
        if entry is None or entry.data is None:
            return False
        await self._bucket.erase(name)
        return True


def read(delivery: Delivery) -> Letter | None:
    """The letter that a message of the bucket holds; None: it was taken away, or cannot be read."""
    entry = entry_of(DEAD_LETTERS, delivery)
    if entry.data is None:
        return None
    try:
        return Letter.decode(entry.data)
    except ValueError:
        return None
