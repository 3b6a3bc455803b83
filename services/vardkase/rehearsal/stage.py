"""The nodes and links of a rehearsal: started some at a time, cut, killed, frozen and brought back as a fault says."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

import psutil

from vardkase.rehearsal.bare import BareNode
from vardkase.rehearsal.cast import Cast
from vardkase.rehearsal.ground import Ground
from vardkase.rehearsal.program import Fault
from vardkase.rehearsal.values import LinkSeen
from vardkase.rehearsal.whole import WholeNode
from vardkase.runtime.clock import DrivenTime
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.tasks import ended

_AT_ONCE: Final = 24
"""Servers that start at the same time: each waits for answers most of the time."""
_BACK_AT_ONCE: Final = 4
"""Servers that are brought back at the same time. In earnest each has a computer of its own; here a hub that is not
ready yet has all its children knock in vain each second, and ten of them left none of the processors to get ready."""
_LOOK: Final = 1.0
"""Seconds between two questions to whole nodes about their links."""

Told = Callable[[], None]


class Stage:
    """All nodes of a rehearsal.

    Args:
        cast: who takes part.
        ground: where; its federation is made.
    """

    def __init__(self, cast: Cast, ground: Ground) -> None:
        self._cast = cast
        self._ground = ground
        self._parents = {node: cast.parent(node) for node in cast.areas}
        self.bare = {
            node: BareNode(ground.settings(node), leaf=node not in cast.hubs)
            for node in cast.areas
            if node not in cast.whole
        }
        """The nodes without services, by name."""
        self.whole: dict[str, WholeNode] = {}
        """The nodes with them."""
        self._seen: dict[str, Mapping[str, LinkSeen]] = {}
        self._asking: asyncio.Task[None] | None = None
        self.down: set[str] = set()
        """The nodes that are killed or frozen just now."""
        self.cut: set[str] = set()
        """The hubs whose links are cut just now."""

    @property
    def connections(self) -> Mapping[str, Connection]:
        """A connection to each node's account."""
        return {name: node.nc for name, node in (self.whole | self.bare).items()}

    async def start_bare(self, told: Told) -> None:
        """Start those without services: hubs first, since a child without one only dials.

        Args:
            told: is told of each that runs.

        Raises:
            Ended: one cannot be started.
        """

        async def one(name: str) -> None:
            await self.bare[name].start()
            told()

        hubs = [name for name in self._cast.hubs if name in self.bare]
        await _some_at_once(one, hubs)
        await _some_at_once(one, [name for name in self.bare if name not in hubs])

    async def start_whole(self, clock: DrivenTime, told: Told) -> None:
        """Start the whole ones.

        Args:
            clock: the time at them.
            told: is told of each that is ready.

        Raises:
            Ended: one cannot be started.
        """

        async def one(name: str) -> None:
            ground = self._ground
            node = self.whole[name] = WholeNode(name, ground.directory(name), ground.variables(name, clock))
            await node.start()
            told()

        await _some_at_once(one, self._cast.whole)
        self._asking = asyncio.create_task(self._ask(), name="ask whole nodes")

    async def stop(self) -> None:
        """End all in order, whatever has become of some."""
        asking, self._asking = self._asking, None
        await ended(asking)
        children = [name for name in self.bare if name not in self._cast.hubs]
        hubs = [name for name in self._cast.hubs if name in self.bare]
        for names in (children, hubs, list(self.whole)):
            await _some_at_once(lambda name: self._node(name).stop(), names)

    # -- faults ------------------------------------------------------------------------------------------------------

    async def commit(self, fault: Fault) -> float | None:
        """One fault, from its beginning to its end. Seconds until all that it killed were back; None: it killed none.

        Raises:
            Ended: a node that was killed cannot be started again.
        """
        if fault.by_links:
            self.cut |= set(fault.nodes)
            try:
                await self._cut_links(fault)
            finally:
                self.cut -= set(fault.nodes)
            return None
        self.down |= set(fault.nodes)
        try:
            if fault.kind == "frozen":
                await self._freeze(fault)
                return None
            return await self._kill(fault)
        finally:
            self.down -= set(fault.nodes)

    async def _cut_links(self, fault: Fault) -> None:
        proxies = [self._ground.proxies[hub] for hub in fault.nodes]
        if not fault.cuts:
            for each in proxies:
                each.hole()
            try:
                await asyncio.sleep(fault.lasts)
            finally:
                for each in proxies:
                    each.heal()
            return
        pause = fault.lasts / fault.cuts
        for _ in range(fault.cuts):
            for each in proxies:
                if fault.kind == "reset":
                    each.reset()
                else:
                    each.cut()
            if fault.kind == "reset":
                await asyncio.sleep(pause)
                continue
            try:
                await asyncio.sleep(pause / 2)
            finally:
                for each in proxies:
                    each.heal()
            await asyncio.sleep(pause / 2)

    async def _freeze(self, fault: Fault) -> None:
        for name in fault.nodes:
            self.bare[name].freeze()
        try:
            await asyncio.sleep(fault.lasts)
        finally:
            for name in fault.nodes:
                self.bare[name].thaw()

    async def _kill(self, fault: Fault) -> float:
        await asyncio.gather(*(self._node(name).kill() for name in fault.nodes))
        await asyncio.sleep(fault.lasts)
        began = time.monotonic()

        async def back(name: str) -> None:
            await self._node(name).revive()
            self.down.discard(name)

        whole = [name for name in fault.nodes if name in self.whole]
        bare = [name for name in fault.nodes if name in self.bare]
        await asyncio.gather(*(back(name) for name in whole), _some_at_once(back, bare, _BACK_AT_ONCE))
        return time.monotonic() - began

    # -- what is seen ------------------------------------------------------------------------------------------------

    def links(self) -> dict[str, LinkSeen | None]:
        """The link of each node to its parent, as the parent sees it; None: the parent does not say."""
        found: dict[str, LinkSeen | None] = {}
        seen = dict(self._seen)
        for name, node in self.bare.items():
            if name in self._cast.hubs:
                seen[name] = {each.node: LinkSeen(up=each.up, detail=each.detail) for each in node.links.seen}
        for name, parent in self._parents.items():
            if parent is not None:
                silent = parent in self.down or parent not in seen
                found[name] = None if silent else seen[parent].get(name)
        return found

    def mended(self) -> dict[str, int]:
        """What was mended on the links of the nodes without services, by what."""
        found: dict[str, int] = {}
        for node in self.bare.values():
            for each in node.links.seen:
                for what, count in each.healed.items():
                    found[what] = found.get(what, 0) + count
        return found

    @property
    def troubles(self) -> list[str]:
        """What ended the work on some node's links."""
        return [f"{name}: {node.trouble}" for name, node in self.bare.items() if node.trouble is not None]

    def costs(self) -> tuple[int, int, float]:
        """Resident bytes of all processes and of this one, and the processor seconds of all that run."""
        me = psutil.Process()
        own, total, cpu = me.memory_info().rss, 0, 0.0
        for each in (me, *me.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += each.memory_info().rss
                times = each.cpu_times()
                cpu += times.user + times.system
        return total, own, cpu

    def _node(self, name: str) -> BareNode | WholeNode:
        return self.bare.get(name) or self.whole[name]

    async def _ask(self) -> None:
        while True:
            for name, node in self.whole.items():
                self._seen[name] = {} if name in self.down else await node.seen()
            await asyncio.sleep(_LOOK)


async def _some_at_once(work: Callable[[str], Awaitable[None]], names: Iterable[str], at_once: int = _AT_ONCE) -> None:
    """Do it for all, some at the same time; the first error ends it."""
    left = list(names)[::-1]

    async def one_after_another() -> None:
        while left:
            await work(left.pop())

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(one_after_another())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
