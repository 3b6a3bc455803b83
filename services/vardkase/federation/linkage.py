"""The streams and consumers of a node's links: made and mended from the plan, before the links open and after."""

import asyncio
import logging
import re
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Final

from nats.aio.client import Client

from vardkase.federation import landing, topology, wiring
from vardkase.federation.plan import Plan
from vardkase.runtime.errors import Failed
from vardkase.runtime.jetstream.api import CONSUMER_NOT_FOUND, ApiError, call
from vardkase_contracts import streams

log: Final = logging.getLogger(__name__)

ROOM: Final[Mapping[str, int]] = {streams.REPORTS: 256, streams.ORDERS_UP: 32, streams.ORDERS_DOWN: 64}
"""Room of the landing stream of each, in MiB: what arrives faster than it goes on, and the newest of what has gone."""
_LANDINGS: Final = re.compile(rf"CHILD_([0-9]{{2,4}}|[a-z]+)(_ORDERS)?|{wiring.PARENT_ORDERS}")
_NEVER: Final = "2100-01-01T00:00:00Z"
"""Until when a consumer rests that nobody tells to go on."""
_AT_ONCE: Final = 16
"""Streams or consumers that are seen to at the same time."""
_LOOKS: Final = 20
_LOOK: Final = 0.1
"""Seconds between two looks."""
_DOWN: Final = re.compile(r"down-[0-9a-zA-Z]+")


async def ensure(nc: Client, plan: Plan, name: str, *, share: float, replicas: int, closed: bool) -> None:
    """Make the streams and consumers of a node in a federation, and mend those that are otherwise.

    Args:
        nc: a connection to the node's account.
        plan: the federation.
        name: the node.
        share: of the room that the streams would have on a disk large enough.
        replicas: how many servers keep each stream.
        closed: no link is open: nothing is read of other nodes until it was seen where to read on. A store that was
            put back from an older copy would otherwise lose what came since.

    Raises:
        Failed: one cannot be as it must be: one line that names it.
        ApiError, NoAnswer: the server does not do as it is asked.
    """
    wanted = _wanted(plan, name)
    strangers = [each for each in await landings(nc) if each not in wanted]
    for each in strangers:  # nothing more is read of a node that is no neighbour any longer
        await landing.unsource(nc, each)
    await _some_at_once(
        _see_to_landing(nc, landing.wanted(each, max(1, int(ROOM[stream] * share)), replicas), closed=closed)
        for each, stream in wanted.items()
    )
    sources = {stream: [dict(each) for each in read] for stream, read in wiring.local_sources(plan, name).items()}
    read = [each for each in strangers if await _until_read(nc, each)]
    for each in set(strangers) - set(read):
        sources[_into(each)] += [one for one in await _sources(nc, _into(each)) if one["name"] == each]
    await topology.ensure(nc, plan.nodes[name].where, share=share, sources=sources, replicas=replicas)
    for each in read:
        await landing.delete(nc, each)
        log.info("a node is no neighbour any longer: its landing stream is gone", extra={"stream": each})
    await ensure_consumers(nc, plan, name, closed=closed)


async def ensure_consumers(nc: Client, plan: Plan, name: str, *, closed: bool = False) -> None:
    """Make the consumers that other nodes read by, mend those that are otherwise, and take away those of nobody.

    Args:
        nc: a connection to the node's account.
        plan: the federation.
        name: the node.
        closed: no link is open, and none is to be sent anything before it says from where on.

    Raises:
        ApiError, NoAnswer: the server does not do as it is asked.
    """
    wanted = wiring.consumers(plan, name)
    await _some_at_once(
        _see_to_consumer(nc, stream, consumer, config, closed=closed) for (stream, consumer), config in wanted.items()
    )
    names = (await call(nc, f"CONSUMER.NAMES.{streams.ORDERS_DOWN}")).get("consumers") or []
    for consumer in names:
        if _DOWN.fullmatch(consumer) and (streams.ORDERS_DOWN, consumer) not in wanted:
            await call(nc, f"CONSUMER.DELETE.{streams.ORDERS_DOWN}.{consumer}")


def rooms(plan: Plan, name: str) -> int:
    """The bytes that the landing streams of a node may take on a disk that has them."""
    return sum(ROOM[stream] for stream in _wanted(plan, name).values()) << 20


def _wanted(plan: Plan, name: str) -> dict[str, str]:
    """The landing streams of a node, each with the stream that it reads."""
    down = wiring.source_down(plan, name)
    sources = [*wiring.sources_up(plan, name), *([] if down is None else [down])]
    return {each.into: each.stream for each in sources}


async def _some_at_once(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Side by side, not all at once: of fifty children there are three hundred questions before their links open.

    All are ended before the first error of any is raised.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(each: Coroutine[Any, Any, None]) -> None:
        async with gate:
            await each

    for error in await asyncio.gather(*map(one, work), return_exceptions=True):
        if error is not None:
            raise error


async def _see_to_consumer(nc: Client, stream: str, consumer: str, config: Mapping[str, Any], *, closed: bool) -> None:
    try:
        have = (await call(nc, f"CONSUMER.INFO.{stream}.{consumer}"))["config"]
    except ApiError as error:
        if error.err_code != CONSUMER_NOT_FOUND:
            raise
        have = None
    if have is None or topology.differences(have, config):
        body = {"stream_name": stream, "config": dict(config)}
        await call(nc, f"CONSUMER.DURABLE.CREATE.{stream}.{consumer}", body)
    if closed:
        await call(nc, f"CONSUMER.PAUSE.{stream}.{consumer}", {"pause_until": _NEVER})


async def _see_to_landing(nc: Client, wanted: dict[str, Any], *, closed: bool) -> None:
    name = wanted["name"]
    info = await landing.look(nc, name)
    if info is None:
        await landing.make(nc, wanted)
        return
    have: dict[str, Any] = dict(info["config"])
    wanted |= {"max_bytes": have["max_bytes"]}
    if not closed:
        wanted["sources"] = have.get("sources") or []
    if topology.differences(have, wanted):
        try:
            await call(nc, f"STREAM.UPDATE.{name}", {**have, **wanted})
        except ApiError as error:
            raise Failed(f"the stream {name} cannot be mended: {error.description}") from None


async def landings(nc: Client) -> list[str]:
    """The names of the landing streams that there are.

    Raises:
        ApiError, NoAnswer: the server does not tell.
    """
    found: list[str] = []
    while True:
        answer = await call(nc, "STREAM.NAMES", {"offset": len(found)})
        page = answer.get("streams") or []
        found += page
        if not page or len(found) >= answer.get("total", 0):
            return [each for each in found if _LANDINGS.fullmatch(each)]


def _into(name: str) -> str:
    """The stream that reads a landing stream."""
    if name == wiring.PARENT_ORDERS:
        return streams.ORDERS_DOWN
    return streams.ORDERS_UP if name.endswith("_ORDERS") else streams.REPORTS


async def _sources(nc: Client, name: str) -> list[dict[str, Any]]:
    info = await landing.look(nc, name)
    return [] if info is None else info["config"].get("sources") or []


async def _until_read(nc: Client, name: str) -> bool:
    """Whether all of a landing stream has gone on; it is waited for, a little."""
    for _ in range(_LOOKS):
        if await landing.drained(nc, name, _into(name)):
            return True
        await asyncio.sleep(_LOOK)
    log.warning("what a former neighbour sent has not gone on yet", extra={"stream": name})
    return False
