"""Erases the bytes of reports that must be gone, in every stream of the node that keeps them (docs/adr/0038).

A message is erased, not only removed: the server writes over its bytes. What has gone before is looked for once; then,
now and then, what is new, since a report may come late, again, or from a store that was put back.
"""

import asyncio
import base64
import binascii
import contextlib
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import nats.errors
import orjson
from nats.aio.client import Client

from vardkase.domain.merge import Identity
from vardkase.federation.topology import DEAD_LETTERS
from vardkase.runtime.clock import Clock
from vardkase.runtime.jetstream.api import MESSAGE_NOT_FOUND, ApiError, NoAnswer, call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.errors import WriteFailed
from vardkase.runtime.jetstream.values import Incomplete, scan
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.runtime.metrics import Metrics
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.audit import AuditData, AuditEvent, AuditWho
from vardkase_contracts.client import new_id
from vardkase_contracts.instants import to_datetime
from vardkase_contracts.subjects import Family

log: Final = logging.getLogger(__name__)

_FAMILIES: Final[Mapping[str, Family]] = {
    streams.INTAKE: "report",
    streams.REPORTS: "accepted",
    streams.REJECTED: "rejected",
    streams.ALERTS: "alert",
}
_LANDING: Final = "CHILD_"
_ORDERS: Final = "_ORDERS"
_KNOWN: Final = "HTTP_KNOWN"
"""The gateways' bucket of what was sent lately: its keys begin with the identity."""
_LETTERS: Final = f"KV_{DEAD_LETTERS}"
_QUOTED: Final = rb'report\\*": ?\\*"%b\\*"'
"""How evidence names a report, in however many texts within texts."""
_MOST_FILTERS: Final = 100
"""Kommuner that a stream is asked for one by one; of more, all of it is read."""
_PAUSES: Final = (1.0, 30.0)


class Eraser:
    """Erases at one node.

    Args:
        nc: a connection to the node's account.
        node: the node's name, for the audit.
        metrics: counts what is erased, and tells what waits.
        clock: of what is told.
        every: seconds between two looks at what is new.
    """

    def __init__(self, nc: Client, node: str, metrics: Metrics, clock: Clock, *, every: float) -> None:
        self._nc = nc
        self._node = node
        self._metrics = metrics
        self._clock = clock
        self._every = every
        self._wanted: dict[Identity, bool] = {}
        """What must be gone, and whether all that came before has been looked through for it."""
        self._upto: dict[str, int] = {}
        """Up to where each stream was looked through for all of them."""
        self._poked = asyncio.Event()
        self._audit = StreamWriter(nc, streams.AUDIT)

    def erase(self, key: Identity) -> None:
        """This must be gone: now if it is there, and whenever it comes."""
        self._wanted.setdefault(key, False)
        self._poked.set()

    async def run(self) -> None:
        """Erase, for ever."""
        pause = _PAUSES[0]
        while True:
            await self._poked.wait() if not self._wanted else await self._rest()
            self._poked.clear()
            try:
                await self._look()
                pause = _PAUSES[0]
            except (ApiError, NoAnswer, Incomplete, WriteFailed, nats.errors.Error) as error:
                log.warning("what must be gone cannot be erased: %s; trying again", error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _PAUSES[1])
                self._poked.set()

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._every):
                await self._poked.wait()

    async def _look(self) -> None:
        """Look through what may hold any of it."""
        wanted = frozenset(self._wanted)
        fresh = [key for key in wanted if not self._wanted[key]]
        if fresh:
            self._upto.clear()
        erased: Counter[Identity] = Counter()
        waiting = 0
        for stream in [*_FAMILIES, *await self._landing()]:
            waiting += await self._through(stream, wanted, erased)
        await self._letters(wanted)
        for key in {*fresh, *erased}:
            await self._forget(key)
        for key, many in erased.items():
            await self._tell(key, many)
        for key in fresh:
            self._wanted[key] = True
        self._metrics.redacted_waiting.set(waiting)

    async def _through(self, stream: str, wanted: frozenset[Identity], erased: Counter[Identity]) -> int:
        """Look through one stream, from where it was looked through before; how many messages have to wait."""
        last = int((await call(self._nc, f"STREAM.INFO.{stream}"))["state"]["last_seq"])
        start, waits = self._upto.get(stream, 0) + 1, list[int]()
        if last < start:
            return 0
        async for one in scan(self._nc, stream, _filters(stream, wanted), start=start, end=last):
            key = next((each for each in _named(stream, one) if each in wanted), None)
            if key is None:
                continue
            if await self._must_stay(stream, one, last):
                waits.append(one.sequence)
                continue
            # Without `no_erase` the server writes over the bytes.
            with contextlib.suppress(_Gone):
                await self._delete(stream, one.sequence)
            self._metrics.redacted.labels(stream if stream in _FAMILIES else _LANDING).inc()
            erased[key] += 1
        self._upto[stream] = waits[0] - 1 if waits else last
        return len(waits)

    async def _must_stay(self, stream: str, one: Delivery, last: int) -> bool:
        """Whether others go by this message as long as none follows.

        A link goes by the last message that landed, the writer of an alert by the last of its subject.
        """
        if stream.startswith(_LANDING):
            return one.sequence == last
        if stream != streams.ALERTS:
            return False
        found = await call(self._nc, f"STREAM.MSG.GET.{stream}", {"last_by_subj": one.subject})
        return bool(found["message"]["seq"] == one.sequence)

    async def _delete(self, stream: str, sequence: int) -> None:
        try:
            await call(self._nc, f"STREAM.MSG.DELETE.{stream}", {"seq": sequence})
        except ApiError as error:
            if error.err_code == MESSAGE_NOT_FOUND or "not found" in error.description:
                raise _Gone from None
            raise

    async def _letters(self, wanted: frozenset[Identity]) -> None:
        """Drop notifications that were given up and quote any of it: a bucket again, of which a key can be emptied."""
        try:
            last = int((await call(self._nc, f"STREAM.INFO.{_LETTERS}"))["state"]["last_seq"])
        except ApiError:  # a node of before there were any
            return
        start = self._upto.get(_LETTERS, 0) + 1
        if last < start:
            return
        quoted = [(key[0], re.compile(_QUOTED % re.escape(key[2].encode()))) for key in wanted]
        async for one in scan(self._nc, _LETTERS, [], start=start, end=last):
            reality = _document(one.data).get("reality")
            if any(each == reality and pattern.search(one.data) for each, pattern in quoted):
                await call(self._nc, f"STREAM.PURGE.{_LETTERS}", {"filter": one.subject})
                self._metrics.redacted.labels(DEAD_LETTERS).inc()
        self._upto[_LETTERS] = last

    async def _landing(self) -> list[str]:
        """The streams in which reports of other nodes arrive."""
        found: list[str] = []
        while True:
            answer = await call(self._nc, "STREAM.NAMES", {"offset": len(found)})
            names = answer.get("streams") or []
            found += names
            if not names or len(found) >= answer["total"]:
                return [name for name in found if name.startswith(_LANDING) and not name.endswith(_ORDERS)]

    async def _forget(self, key: Identity) -> None:
        """Let the gateways forget that it was sent: their bucket is of the last value of each key, and is emptied."""
        for subject in (f"$KV.{_KNOWN}.{'.'.join(key)}", f"$KV.{_KNOWN}.{'.'.join(key)}.>"):
            with contextlib.suppress(ApiError):  # a node without a gateway has no such bucket
                await call(self._nc, f"STREAM.PURGE.KV_{_KNOWN}", {"filter": subject})

    async def _tell(self, key: Identity, many: int) -> None:
        """An audit line: that it was erased here, and nothing of what it said."""
        reality, kommun, _ = key
        on = ".".join(key)
        event = AuditEvent(
            id=new_id(),
            source=f"urn:tp:node:{self._node}",
            subject=kommun,
            time=to_datetime(self._clock.now()),
            reality=reality,  # type: ignore[arg-type] -- of an order that was checked
            data=AuditData(who=AuditWho(id=f"node:{self._node}"), what="redact.erase", on=on, outcome="done"),
        )
        subject = subjects.audit(event.reality, Area("kommun", kommun))
        await self._audit.write([Outgoing(subject=subject, data=event.model_dump_json(exclude_none=True).encode())])
        log.info("erased", extra={"identity": on, "messages": many})


class _Gone(Exception):  # noqa: N818 -- what happened
    """It is not there any more."""


def _filters(stream: str, wanted: frozenset[Identity]) -> Sequence[str]:
    family = _FAMILIES.get(stream, "accepted")
    places = {(reality, kommun) for reality, kommun, _ in wanted}
    if len(places) > _MOST_FILTERS:
        return []
    return sorted(
        {subjects.family_filter(family, reality, Area("kommun", kommun)) for reality, kommun in places}  # type: ignore[arg-type]
    )


def _named(stream: str, one: Delivery) -> Iterator[Identity]:
    """The identities of the reports that a message holds something of."""
    tokens = one.subject.split(".")
    if len(tokens) < 6:
        return
    reality, kommun = tokens[2], tokens[5]
    said = _document(one.data)
    match stream:
        case streams.ALERTS:
            for each in said.get("evidence") or ():
                if isinstance(each, dict):
                    yield reality, kommun, str(each.get("report"))
        case streams.REJECTED:
            data = said.get("data")
            raw = data.get("bytes") if isinstance(data, dict) else None
            with contextlib.suppress(binascii.Error, ValueError):
                yield reality, kommun, str(_document(base64.b64decode(raw or "")).get("id"))
        case _:
            yield reality, kommun, str(said.get("id"))


def _document(data: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
