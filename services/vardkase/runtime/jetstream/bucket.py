"""A bucket of keys and values in NATS: read, and written so that what is answered is on disk.

The same buckets as NATS' own clients know (`nats kv ls TOKENS`). Each key has one value, the last; what is erased
leaves a mark. Who wants all of it, kept live, follows the stream (`follow`).
"""

import base64
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from nats.aio.client import Client

from vardkase.runtime.jetstream.api import MESSAGE_NOT_FOUND, ApiError, NoAnswer, call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.errors import WriteConflict, WriteFailed
from vardkase.runtime.jetstream.headers import read
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts.instants import SECOND

_KEY: Final = re.compile(r"[A-Za-z0-9_=-]+(?:\.[A-Za-z0-9_=-]+)*")
_TTL: Final = re.compile(r"([0-9]{1,12})s?")
_LONGEST_KEY: Final = 256
_ERASED: Final = frozenset({"DEL", "PURGE"})


class BucketAway(Exception):  # noqa: N818 -- what happened
    """The bucket cannot be read or written now: the server is away, or it is full. What was written may be stored."""


class Entry(NamedTuple):
    """A key's value."""

    key: str
    data: bytes | None
    """None: it was erased, or has ended."""
    sequence: int
    """For compare-and-set."""


def prefix(name: str) -> str:
    """What the subjects of a bucket's keys begin with."""
    return f"$KV.{name}."


def entry_of(name: str, delivery: Delivery) -> Entry:
    """What a message of a bucket's stream says of a key."""
    data = None if _is_mark(delivery.head) else delivery.data
    return Entry(delivery.subject.removeprefix(prefix(name)), data, delivery.sequence)


def ends_of(delivery: Delivery) -> int | None:
    """When the server takes a message away by itself (µs); None: never."""
    lives = delivery.headers.get("Nats-TTL", "")
    match = _TTL.fullmatch(lives)
    return None if match is None else delivery.stored_at + int(match[1]) * SECOND


class Bucket:
    """One bucket.

    Args:
        nc: a connection.
        name: of the bucket, such as `TOKENS`.
        timeout: seconds that one attempt to write, or one reading, may take.
        patience: seconds that writing may take in all.
    """

    def __init__(self, nc: Client, name: str, *, timeout: float = 2.0, patience: float = 5.0) -> None:
        self.stream = f"KV_{name}"
        """The stream that it is."""
        self._nc = nc
        self._prefix = prefix(name)
        self._timeout = timeout
        self._writer = StreamWriter(nc, self.stream, timeout=timeout, patience=patience)

    @property
    def filters(self) -> tuple[str, ...]:
        """The subjects of all keys."""
        return (f"{self._prefix}>",)

    async def get(self, key: str) -> Entry | None:
        """The value of a key, as it is stored now; None when there never was one.

        Raises:
            BucketAway: it cannot be asked.
        """
        try:
            answer = await call(
                self._nc,
                f"STREAM.MSG.GET.{self.stream}",
                {"last_by_subj": self._subject(key)},
                within=self._timeout,
            )
        except ApiError as error:
            if error.err_code == MESSAGE_NOT_FOUND:
                return None
            raise BucketAway(str(error)) from error
        except NoAnswer as error:
            raise BucketAway(str(error)) from error
        message = answer["message"]
        head = base64.b64decode(message.get("hdrs", ""))
        data = base64.b64decode(message.get("data", ""))
        return Entry(key, None if _is_mark(head) else data, message["seq"])

    async def create(self, key: str, data: bytes, *, lives: float | None = None) -> int | None:
        """Give a key its first value, or one anew after it was erased; its sequence, or None when it has a value.

        Args:
            key: the key.
            data: the value.
            lives: seconds after which it goes by itself, in a bucket that allows it.

        Raises:
            BucketAway: not confirmed; stored or not.
        """
        expected = 0
        while True:
            try:
                return await self._put(key, data, expected, {}, lives)
            except WriteConflict:
                entry = await self.get(key)
                if entry is not None and entry.data is not None:
                    return None
                expected = 0 if entry is None else entry.sequence

    async def put(self, key: str, data: bytes, *, expected: int | None = None, lives: float | None = None) -> int:
        """Give a key a value; its sequence.

        Args:
            key: the key.
            data: the value.
            expected: the sequence that the key must have; None: any.
            lives: seconds after which it goes by itself.

        Raises:
            WriteConflict: it has another sequence than expected.
            BucketAway: not confirmed; stored or not.
        """
        return await self._put(key, data, expected, {}, lives)

    async def erase(self, key: str, *, lives: float | None = None) -> int:
        """Take a key's value away; the sequence of the mark.

        Args:
            key: the key.
            lives: seconds after which the mark goes by itself.

        Raises:
            BucketAway: not confirmed; done or not.
        """
        return await self._put(key, b"", None, {"KV-Operation": "DEL"}, lives)

    async def messages(self) -> int:
        """How many keys it has, those that were erased too.

        Raises:
            BucketAway: it cannot be asked.
        """
        return (await self._info())["state"]["messages"]

    async def fill_ratio(self) -> float:
        """How full it is, as a share of its room.

        Raises:
            BucketAway: it cannot be asked.
        """
        info = await self._info()
        room = info["config"].get("max_bytes", -1)
        return info["state"]["bytes"] / room if room > 0 else 0.0

    async def _info(self) -> dict[str, Any]:
        try:
            return await call(self._nc, f"STREAM.INFO.{self.stream}", within=self._timeout)
        except (ApiError, NoAnswer) as error:
            raise BucketAway(str(error)) from error

    async def _put(
        self, key: str, data: bytes, expected: int | None, headers: Mapping[str, str], lives: float | None
    ) -> int:
        if lives is not None:
            headers = {**headers, "Nats-TTL": f"{max(1, round(lives))}s"}
        message = Outgoing(subject=self._subject(key), data=data, headers=headers, expected=expected)
        try:
            return (await self._writer.write([message]))[0]
        except WriteConflict:
            raise
        except WriteFailed as error:
            raise BucketAway(f"{self.stream}: {error}") from error

    def _subject(self, key: str) -> str:
        if len(key) > _LONGEST_KEY or not _KEY.fullmatch(key):
            raise ValueError("a key is at most 256 of A-Z, a-z, 0-9, _, - and =, in parts with dots between")
        return self._prefix + key


def _is_mark(head: bytes) -> bool:
    """Whether a message says that the key has no value: it was erased, or the server ended it (`MaxAge`)."""
    if not head:
        return False
    fields = read(head)
    return fields.get("KV-Operation") in _ERASED or "Nats-Marker-Reason" in fields
