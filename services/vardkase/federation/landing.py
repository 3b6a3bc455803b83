"""A landing stream: where another node's stream arrives, before what is that node's to say goes on to the node's own.

What it remembers of the other stream stands in its messages: each has the sequence that it had there. The server reads
on from the consumer's place, and that is kept at the other node: after a store was put back from an older copy, the two
disagree, and the server believes the consumer. So the place is always set from here (`Landing.read_on`).
"""

import asyncio
import base64
import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import uuid4

from nats.aio.client import Client

from vardkase.federation import topology
from vardkase.federation.asking import Asking
from vardkase.federation.wiring import Source
from vardkase.runtime.jetstream import headers
from vardkase.runtime.jetstream.api import MESSAGE_NOT_FOUND, STREAM_NOT_FOUND, ApiError, call

KEPT: Final = 2_000
"""Messages that stay after they have gone on: by them it is found where two histories part."""
_FROM: Final = "Nats-Stream-Source"
"""The server's header: stream and sequence that a message comes from. No client can write it."""
_LOOK: Final = 0.1
_UNUSED_NS: Final = 10_000_000_000
"""A consumer that was made to count is removed by the server after so long, if it could not be removed before."""
_SETTLED: Final = 3
"""Looks in a row that find nothing under way."""
HEARD: Final = 3.0
"""Seconds since a local source was last heard (it sends a heartbeat each second) in which it is alive."""


class NotYet(Exception):  # noqa: N818 -- what happened
    """What must come first has not happened: tried again later."""


class Message(NamedTuple):
    """A message as a stream tells it when it is asked for one."""

    sequence: int
    subject: str
    data: bytes
    fields: Mapping[str, str]
    """Its headers."""

    @property
    def came_from(self) -> tuple[str, int] | None:
        """Stream and sequence that it had where it comes from; None: it was published here."""
        parts = self.fields.get(_FROM, "").split(" ")
        if len(parts) < 2 or not parts[1].isdecimal():
            return None
        return parts[0].partition(":")[0], int(parts[1])

    @property
    def digest(self) -> str:
        """The same for the same message in another stream."""
        told = (self.subject.encode(), self.fields.get("Nats-Msg-Id", "").encode(), self.data)
        return hashlib.sha256(b"\n".join(map(base64.b64encode, told))).hexdigest()


class Place(NamedTuple):
    """A message here, and where it comes from."""

    here: int
    """Its sequence in the landing stream."""
    there: int
    """Its sequence in the other node's stream."""
    digest: str


def message(answer: Mapping[str, Any]) -> Message:
    """The message of an answer to `STREAM.MSG.GET`.

    Raises:
        ValueError: it is none.
    """
    try:
        told = answer["message"]
        head = base64.b64decode(told.get("hdrs", ""), validate=True)
        return Message(
            sequence=int(told["seq"]),
            subject=str(told["subject"]),
            data=base64.b64decode(told.get("data", ""), validate=True),
            fields=headers.read(head) if head else {},
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"no message: {error}") from None


async def get(nc: Client, stream: str, **what: Any) -> Message | None:
    """A message of a stream here; None: there is none.

    Args:
        nc: a connection.
        stream: its name.
        what: `seq`, or `last_by_subj`.
    """
    try:
        return message(await call(nc, f"STREAM.MSG.GET.{stream}", what))
    except ApiError as error:
        if error.err_code == MESSAGE_NOT_FOUND:
            return None
        raise


class Landing:
    """One landing stream.

    Args:
        nc: a connection to the node's account.
        source: what it reads.
        into: the stream of the node's own that reads it.
        local: how it reads it: the source, as it stands in its configuration.
        room: of the stream, in MiB.
        replicas: how many servers keep it.
        asking: questions to the other node.
    """

    def __init__(
        self,
        nc: Client,
        source: Source,
        *,
        into: str,
        local: Mapping[str, Any],
        room: int,
        replicas: int,
        asking: Asking,
    ) -> None:
        self.name = source.into
        self.source = source
        self.into = into
        self._local = dict(local)
        self._nc = nc
        self._room = room
        self._replicas = replicas
        self._asking = asking
        self._counted = 0

    async def look(self) -> Mapping[str, Any] | None:
        """Its state and configuration; None: it is not there."""
        return await look(self._nc, self.name)

    async def place(self, here: int) -> Place | None:
        """Where a message comes from; None: there is no such message."""
        found = await get(self._nc, self.name, seq=here)
        if found is None or found.came_from is None:
            return None
        return Place(found.sequence, found.came_from[1], found.digest)

    async def last(self) -> Place | None:
        """Where the last message comes from; None: there is none."""
        info = await self.look()
        if info is None or not info["state"]["messages"]:
            return None
        return await self.place(info["state"]["last_seq"])

    async def close(self) -> None:
        """Read nothing from now on. What is here stays; without effect when it is not there."""
        await unsource(self._nc, self.name)

    async def read_on(self, after: int) -> None:
        """Read the other stream from the message after this one on. Made anew if it is not there.

        Raises:
            ApiError, NoAnswer: one of the nodes does not do as it is asked. Then nothing is read.
        """
        await self.close()
        await self._reset(after)
        there = await self.look()
        if there is None:
            await self._make()
        else:
            await call(self._nc, f"STREAM.UPDATE.{self.name}", {**there["config"], **self._wanted()})

    async def begin_again(self, after: int) -> None:
        """The same when the other stream is no longer the one that was read: what came of the other has gone on.

        The server remembers how far it had read, and leaves out what it takes for older: so the stream is made anew.
        The node's own stream reads on in it, since its sequences begin above all earlier ones.

        Raises:
            NotYet: what came before has not gone on.
        """
        await self.close()
        await self.settle()
        await unsource(self._nc, self.into, self.name)
        await delete(self._nc, self.name)
        await self._reset(after)
        await self._make()
        await self._read()

    async def settle(self, within: float = 5.0) -> None:
        """Wait until the node's own stream has read all that is here.

        Raises:
            NotYet: not in time.
        """
        ends, calm = time.monotonic() + within, 0
        while calm < _SETTLED:
            calm = calm + 1 if await self.drained() else 0
            if time.monotonic() > ends:
                raise NotYet(f"{self.into} has not read all of {self.name}")
            await asyncio.sleep(_LOOK)

    async def drained(self) -> bool:
        """Whether the node's own stream has read all that is here, as far as it tells; or does not read it."""
        return await drained(self._nc, self.name, self.into)

    async def thin(self) -> bool:
        """Let go of what has long gone on. Whether there was any."""
        info = await self.look()
        if info is None or info["state"]["messages"] <= 2 * KEPT or not await self.drained():
            return False
        upto = info["state"]["last_seq"] - KEPT
        await call(self._nc, f"STREAM.PURGE.{self.name}", {"seq": upto})
        return True

    async def foreign(self) -> int:
        """How many messages have landed since this was last asked that are not the other node's to send.

        Seen only while nothing lands meanwhile; what lands in a flood is counted when there is a moment of quiet, and
        what was thinned out before is not.

        Raises:
            ApiError, NoAnswer: the server does not tell.
        """
        filters = _filters(self._local)
        before = await self.look() if filters else None
        if before is None or before["state"]["last_seq"] <= self._counted:
            return 0
        state = before["state"]
        after = max(self._counted, state["first_seq"] - 1)
        own = await self._pending(filters, after + 1)
        still = await self.look()
        if still is None or still["state"]["last_seq"] != state["last_seq"] or still["state"]["first_seq"] - 1 > after:
            return 0
        self._counted = state["last_seq"]
        return max(0, state["last_seq"] - after - own)

    async def _pending(self, filters: Sequence[str], first: int) -> int:
        """How many messages from a sequence on have one of these subjects, by the server's own count."""
        name = f"counting-{uuid4().hex}"
        config: dict[str, Any] = {
            "name": name,
            "filter_subjects": list(filters),
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": first,
            "ack_policy": "none",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": _UNUSED_NS,
        }
        body = {"stream_name": self.name, "config": config, "action": "create"}
        made = await call(self._nc, f"CONSUMER.CREATE.{self.name}.{name}", body)
        await call(self._nc, f"CONSUMER.DELETE.{self.name}.{name}")
        return int(made["num_pending"])

    async def _reset(self, after: int) -> None:
        consumer = f"{self.source.stream}.{self.source.consumer}"
        await self._asking.api(f"CONSUMER.RESET.{consumer}", {"seq": after + 1})
        await self._asking.api(f"CONSUMER.PAUSE.{consumer}", {})  # without a time: it goes on

    def _wanted(self) -> dict[str, Any]:
        return wanted(self.name, self._room, self._replicas) | {"sources": [self.source.config()]}

    async def _make(self) -> None:
        await make(self._nc, self._wanted())

    async def _read(self) -> None:
        info = await look(self._nc, self.into)
        if info is not None:
            have = [each for each in info["config"].get("sources") or [] if each["name"] != self.name]
            await call(self._nc, f"STREAM.UPDATE.{self.into}", {**info["config"], "sources": [*have, self._local]})


def _filters(local: Mapping[str, Any]) -> Sequence[str]:
    """What the node's own stream takes of a landing stream; empty: all of it."""
    given = local.get("filter_subject")
    return [given] if given else [each["src"] for each in local.get("subject_transforms") or ()]


def wanted(name: str, room: int, replicas: int) -> dict[str, Any]:
    """The configuration of a landing stream that reads nothing.

    Args:
        name: of the stream.
        room: in MiB.
        replicas: how many servers keep it.
    """
    return {
        "name": name,
        # Without a subject the server would give it its name. Nothing is published here, and no link may.
        "subjects": [f"landing.{name}"],
        "retention": "limits",
        "storage": "file",
        # When it is full, the other node waits: nothing is lost that is on its disk.
        "discard": "new",
        "max_bytes": room << 20,
        "num_replicas": replicas,
        "allow_direct": True,
        # The same id twice, far apart, is two messages there, and must be two here.
        "duplicate_window": topology.SHORTEST,
        "sources": [],
    }


async def make(nc: Client, config: Mapping[str, Any]) -> None:
    """Make a landing stream."""
    # Above every sequence that an earlier stream of this name had: fewer than a million a second ever came.
    first = time.time_ns() // 1000
    await call(nc, f"STREAM.CREATE.{config['name']}", {**config, "first_seq": first})


async def drained(nc: Client, name: str, into: str) -> bool:
    """Whether a stream has read all of a landing stream, as far as it tells; or does not read it.

    Args:
        nc: a connection to their account.
        name: of the landing stream.
        into: of the stream that reads it.
    """
    info = await look(nc, into)
    mine = [each for each in (info or {}).get("sources") or () if each["name"] == name]
    return all(not each.get("lag") and 0 <= each.get("active", -1) < HEARD * 1e9 for each in mine)


async def look(nc: Client, stream: str) -> Mapping[str, Any] | None:
    """A stream's state and configuration; None: it is not there."""
    try:
        return await call(nc, f"STREAM.INFO.{stream}")
    except ApiError as error:
        if error.err_code == STREAM_NOT_FOUND:
            return None
        raise


async def delete(nc: Client, stream: str) -> None:
    """Delete a stream. Without effect when it is not there."""
    try:
        await call(nc, f"STREAM.DELETE.{stream}")
    except ApiError as error:
        if error.err_code != STREAM_NOT_FOUND:
            raise


async def unsource(nc: Client, stream: str, source: str | None = None) -> None:
    """Let a stream read one source no more, or none at all. Without effect when it does not, or is not there."""
    info = await look(nc, stream)
    have = [] if info is None else info["config"].get("sources") or []
    kept = [each for each in have if source is not None and each["name"] != source]
    if info is not None and kept != have:
        await call(nc, f"STREAM.UPDATE.{stream}", {**info["config"], "sources": kept})
