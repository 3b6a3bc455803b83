"""Events into a stream: together when many come at once, each answered when it is on disk, none waiting for ever.

What comes while a group is being stored is the next group: one write of the bucket and one of the stream for all of it,
each synced once. An event that is known is stored again only if it is not certain that it ever was: a gateway may have
ended between the two writes.
"""

import asyncio
import contextlib
import hashlib
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import nats.errors
import orjson

from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.errors import WriteConflict, WriteFailed, WriteRefused
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.runtime.setting_groups import WebSettings
from vardkase_contracts import signing
from vardkase_contracts.signing import Signer

from .items import Item
from .known import Known

_GROUP: Final = 1000
"""Events that are stored together: what the server takes in one atomic batch, and what an HTTP batch may hold."""
_GROUP_BYTES: Final = 3 << 20
_REMEMBERED: Final = 100_000
"""Events that are remembered to be stored."""
_ATTEMPTS: Final = 5
"""So often another gateway may come first with one of a group."""


class Sent(NamedTuple):
    """What became of an event: it is on disk."""

    id: str
    duplicate: bool
    """It was known."""
    data: bytes
    """As it is stored: of an event that was known at another time, the bytes of then."""


class TurnedAway(Exception):  # noqa: N818 -- what happened
    """Nothing can be stored now.

    Attributes:
        why: `full`, `away` (nobody answers) or `busy` (too much waits).
    """

    def __init__(self, why: str, detail: str) -> None:
        super().__init__(detail)
        self.why = why


class _Job(NamedTuple):
    items: Sequence[Item]
    done: "asyncio.Future[list[Sent]]"
    size: int


class Sender:
    """Puts events into one stream.

    Args:
        nc: a connection to the node's account.
        stream: its name.
        settings: how long to try, and how much may wait.
        signers: the keys to sign reports with, by kommun.
    """

    def __init__(
        self, nc: Connection, stream: str, settings: WebSettings, signers: Mapping[str, Signer] = MappingProxyType({})
    ) -> None:
        self._nc = nc
        self._signers = signers
        self._settings = settings
        timeout, patience = settings.store_timeout, settings.store_patience
        self._known = Known(nc, timeout=timeout, patience=patience)
        self._writer = StreamWriter(
            nc, stream, timeout=timeout, patience=patience, batch=_GROUP, batch_bytes=2 * _GROUP_BYTES
        )
        self._jobs: deque[_Job] = deque()
        self._some = asyncio.Event()
        self._waiting = 0
        self._waiting_bytes = 0
        self._stored: OrderedDict[bytes, None] = OrderedDict()
        self._reconnects = 0
        self.trouble = ""
        """Why nothing could be stored last; empty when all is well."""

    @property
    def waiting(self) -> int:
        """Events that wait to be stored."""
        return self._waiting

    async def send(self, items: Sequence[Item]) -> list[Sent]:
        """Store events, all of them or none.

        Raises:
            TurnedAway: none is confirmed to be stored; the same may be sent again.
        """
        if not items:
            return []
        self.see()
        size = sum(len(item.data) for item in items)
        over = self._waiting + len(items) > self._settings.waiting
        if over or self._waiting_bytes + size > self._settings.waiting_bytes:
            raise TurnedAway("busy", "Too much waits to be stored")
        job = _Job(items, asyncio.get_running_loop().create_future(), size)
        self._jobs.append(job)
        self._count(job, 1)
        self._some.set()
        try:
            async with asyncio.timeout(2 * self._settings.store_patience):
                return await job.done  # cancelled by the time: then it is left out if it has not begun
        except TimeoutError:
            raise TurnedAway("away", "Not confirmed in time; it may be stored") from None

    def see(self) -> None:
        """See whether the bus is there, as far as is known.

        Raises:
            TurnedAway: it is not.
        """
        if not self._nc.is_connected:
            raise TurnedAway("away", "The node's bus does not answer")

    async def run(self) -> None:
        """Store what comes, for ever."""
        while True:
            await self._some.wait()
            group = self._take()
            if group:
                await self._store(group)

    def close(self) -> None:
        """Turn away what still waits."""
        while self._jobs:
            self._end(self._jobs.popleft(), TurnedAway("away", "The gateway is being stopped"))

    # -- groups --------------------------------------------------------------------------------------------------------

    def _take(self) -> list[_Job]:
        group: list[_Job] = []
        events = size = 0
        while self._jobs:
            job = self._jobs[0]
            if group and (events + len(job.items) > _GROUP or size + job.size > _GROUP_BYTES):
                return group
            self._jobs.popleft()
            if job.done.done():  # nobody waits for it any more
                self._count(job, -1)
                continue
            group.append(job)
            events, size = events + len(job.items), size + job.size
        self._some.clear()
        return group

    async def _store(self, group: Sequence[_Job]) -> None:
        try:
            sent = await self._stored_once([item for job in group for item in job.items])
        except TurnedAway as error:
            self.trouble = str(error)
            for job in group:
                self._end(job, error)
            return
        except BaseException:
            for job in group:
                self._end(job, TurnedAway("away", "The gateway is being stopped"))
            raise
        self.trouble = ""
        at = 0
        for job in group:
            self._count(job, -1)
            if not job.done.done():
                job.done.set_result(sent[at : at + len(job.items)])
            at += len(job.items)

    def _end(self, job: _Job, error: TurnedAway) -> None:
        self._count(job, -1)
        if not job.done.done():
            job.done.set_exception(TurnedAway(error.why, str(error)))

    def _count(self, job: _Job, sign: int) -> None:
        self._waiting += sign * len(job.items)
        self._waiting_bytes += sign * job.size

    # -- storing -------------------------------------------------------------------------------------------------------

    async def _stored_once(self, items: Sequence[Item]) -> list[Sent]:
        """Store events.

        Raises:
            TurnedAway: they are not confirmed to be stored.
        """
        reconnects = self._nc.stats["reconnects"]
        if reconnects != self._reconnects:  # it may be another server, or one that lost its store
            self._reconnects = reconnects
            self._stored.clear()
        try:
            sent = await self._remembered(items)
            outgoing: dict[bytes, Outgoing] = {}
            for item, each in zip(items, sent, strict=True):
                signature = self._signature(item, each.data)
                name = _name(item.key, each.data, signature)
                if name not in self._stored:
                    headers = None if signature is None else {signing.HEADER: signature}
                    outgoing.setdefault(name, Outgoing(subject=item.subject, data=each.data, headers=headers))
            await self._writer.write(list(outgoing.values()))
        except WriteRefused as error:
            why = "full" if error.full else "away"
            raise TurnedAway(why, f"The node cannot store it now: {error.description}") from error
        except (WriteFailed, NoAnswer, ApiError) as error:
            raise TurnedAway("away", f"The node's bus does not answer: {error}") from error
        except (nats.errors.Error, OSError) as error:
            raise TurnedAway("away", "The node's bus is away") from error
        for name in outgoing:
            self._stored[name] = None
        while len(self._stored) > _REMEMBERED:
            self._stored.popitem(last=False)
        return sent

    async def _remembered(self, items: Sequence[Item]) -> list[Sent]:
        """Remember the events under their identities, and say what of each is to be stored."""
        keys = list({item.key: None for item in items})
        for _ in range(_ATTEMPTS):
            known = await self._known.find(keys)
            fresh: dict[str, bytes] = {}
            sent = [self._compared(item, known, fresh) for item in items]
            with contextlib.suppress(WriteConflict):
                await self._known.keep(fresh)
                return sent
        raise TurnedAway("busy", "The same is being sent elsewhere at the same time")

    def _compared(self, item: Item, known: dict[str, bytes], fresh: dict[str, bytes]) -> Sent:
        held = known.get(item.key) or fresh.get(item.key)
        if held is None:
            fresh[item.key] = item.data
            return Sent(item.id, duplicate=False, data=item.data)
        if held == item.data or (item.once and _about_the_same(held, item.data)):
            return Sent(item.id, duplicate=True, data=held)
        # Another event under a known id: which of the two counts is the merge's to say.
        name = _name(item.key, item.data, self._signature(item, item.data))
        return Sent(item.id, duplicate=name in self._stored, data=item.data)

    def _signature(self, item: Item, data: bytes) -> str | None:
        """What the event is signed with: by its sender, else by this node for its kommun."""
        if item.signature is not None or item.kommun is None:
            return item.signature
        signer = self._signers.get(item.kommun)
        return None if signer is None else signing.sign(signer, item.subject, data)


def _name(key: str, data: bytes, signature: str | None) -> bytes:
    """An event as it is stored: the same, signed otherwise, is another."""
    return hashlib.sha256(b"\0".join((key.encode(), data, (signature or "").encode()))).digest()[:16]


def _about_the_same(one: bytes, other: bytes) -> bool:
    """Whether two events are of one kind, and about one thing in one reality."""
    first, second = orjson.loads(one), orjson.loads(other)
    return all(first.get(name) == second.get(name) for name in ("type", "subject", "reality"))
