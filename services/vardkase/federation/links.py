"""The standing work on a node's links: each looked at again and again, whatever the others do.

It begins each time that the node's NATS was started: the server starts with its links closed, it is made sure that
nothing is read by a place that may be wrong (`linkage.ensure`), and then they open. From then on each neighbour that
answers is read on from where its own messages here say, and looked after (`tended`).
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from typing import Final, Protocol

import nats.errors

from vardkase.federation import health, linkage, topology, wiring
from vardkase.federation.asking import Asking
from vardkase.federation.dialling import Bus, dial_anew, redial
from vardkase.federation.downward import Parent, Sameness
from vardkase.federation.health import LinkHealth
from vardkase.federation.holding import Holding
from vardkase.federation.landing import Landing
from vardkase.federation.member import Member
from vardkase.federation.plan import Node
from vardkase.federation.tended import Tended, There
from vardkase.federation.told import Told
from vardkase.federation.upward import Child
from vardkase.federation.wiring import Source
from vardkase.runtime.errors import Ended, Failed
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.connection import ConnectFailed, Connection
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.runtime.nats_config import Links as ServerLinks
from vardkase.runtime.setting_groups import LinksSettings
from vardkase.runtime.tasks import ended
from vardkase_contracts import streams, subjects

log: Final = logging.getLogger(__name__)

_STREAMS_EVERY: Final = 10.0
"""Seconds between two looks at the consumers that others read by."""
_TROUBLE: Final = (ApiError, NoAnswer, ConnectFailed, nats.errors.Error, Ended, OSError, TimeoutError)
"""What a look may end in. It is told, and looked again."""


class Dial(Protocol):
    """Connects to the node's account."""

    async def __call__(self) -> Connection:
        """A connection, made anew for ever until it is closed."""
        ...


class Links:
    """A node's links.

    Args:
        member: the node in its federation.
        bus: its NATS server; None: it is somebody else's, and so is its configuration.
        dial: connects to it.
        settings: how often and how long.
    """

    def __init__(self, member: Member, bus: Bus | None, dial: Dial, settings: LinksSettings) -> None:
        self._member = member
        self._bus = bus
        self._dial = dial
        self._settings = settings
        self._open = False
        self._share = 1.0
        self._health: dict[str, LinkHealth] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._trouble = ""
        self._holding = Holding()
        self._logs: dict[str, Tended] = {}
        self._keys: dict[str, set[str]] = {}

    def starting(self) -> ServerLinks:
        """What the server starts with: closed, until `prepare` has opened them."""
        self._open = False
        return self._member.closed()

    async def prepare(self, nc: Connection, share: float) -> None:
        """See to the streams and consumers, and open the links if the server was started since.

        Args:
            nc: a connection to the node's account.
            share: of the room that the streams would have on a disk large enough.

        Raises:
            Failed: a stream cannot be as it must be, a secret is missing, the server refuses its links.
            ApiError, NoAnswer: the server does not do as it is asked.
        """
        closed = self._bus is not None and not self._open
        self._share = share
        await self._ensure(nc, closed=closed)
        if closed:
            await self._relink()
            self._open = True

    def checks(self) -> Sequence[Check]:
        """Each link, and the federation's file. The node is ready without any of them."""
        file = self._member.trouble or self._trouble
        about = Check(name="federation", ok=not file, detail=file or self._member.plan.name, needed=False)
        return [about, *(each.check() for _, each in sorted(self._health.items()))]

    def exposition(self) -> str:
        """Their metrics."""
        return health.exposition([each for _, each in sorted(self._health.items())])

    @property
    def seen(self) -> Sequence[LinkHealth]:
        """How each link was seen last."""
        return list(self._health.values())

    async def run(self) -> None:
        """Look after the links, until cancelled."""
        watching = asyncio.create_task(self._watch(), name="links")
        try:
            await asyncio.wait({watching})
            watching.result()
        finally:
            await ended(watching)

    async def _watch(self) -> None:
        nc: Connection | None = None
        try:
            while nc is None:
                with contextlib.suppress(ConnectFailed):
                    nc = await self._dial()
            await Sameness(nc, lambda: [each.area for each in self._children().values()]).start()
            settings, member = self._settings, self._member
            told = Told(nc, member.name, member.node.area, every=settings.tell, within=settings.answer)
            await self._keep_up(nc, told)
        finally:
            await ended(*self._tasks.values())
            self._tasks.clear()
            if nc is not None:
                await nc.close()

    async def _keep_up(self, nc: Connection, told: Told) -> None:
        """Follow the plan: a task for each neighbour, begun and ended as they come and go; and tell how they are."""
        looked = time.monotonic()
        await told.recall()
        await self._follow(nc)
        for each in self._health.values():
            told.remember(each)
        while True:
            await asyncio.sleep(self._settings.tick)
            await told.see(list(self._health.values()))
            for task in [each for each in self._tasks.values() if each.done()]:
                task.result()  # it never ends by itself: what ended it ends the node
            try:
                if self._member.changed():
                    await self._changed(nc)
                elif time.monotonic() - looked > _STREAMS_EVERY and self._open:
                    looked = time.monotonic()
                    await linkage.ensure_consumers(nc, self._member.plan, self._member.name)
                await self._hold(nc)
                self._trouble = ""
            except _TROUBLE as error:
                self._trouble = str(error) or type(error).__name__
                log.error("the links cannot be seen to: %s", self._trouble)  # noqa: TRY400 -- one line says it

    async def _hold(self, nc: Connection) -> None:
        """Let children wait that fill the log here, while it is nearly full."""
        if not self._logs:
            return
        share = (await topology.fill_ratios(nc, [topology.LOG]))[streams.REPORTS]
        self._holding.look(share, {child: each.brought for child, each in self._logs.items()})
        for child, each in self._logs.items():
            each.held = f"held: the log here is {share:.0%} full" if child in self._holding.held else ""

    async def _changed(self, nc: Connection) -> None:
        log.info("the federation is another: its links are made anew")
        await self._follow(nc)
        if self._bus is not None and self._open:
            await self._relink()
        await self._ensure(nc, closed=False)

    async def _ensure(self, nc: Connection, *, closed: bool) -> None:
        member = self._member
        await linkage.ensure(nc, member.plan, member.name, share=self._share, replicas=member.replicas, closed=closed)

    async def _relink(self) -> None:
        """Give the server its links as they are to be now; started anew if it cannot take them while it runs."""
        bus = self._bus
        if bus is None:
            return
        links = self._member.open()
        held = {child: set(node.link) for child, node in self._children().items()}
        lost, self._keys = {child for child, keys in self._keys.items() if keys - held.get(child, set())}, held
        try:
            await bus.relink(links)
        except Failed as refused:
            # A remote is changed by taking it away first.
            try:
                await dial_anew(bus, links)
            except Failed:
                log.warning("NATS is started anew to take its links", extra={"why": str(refused)})
                await bus.stop()
                return
        if lost:
            # Whoever lost a key may be linked still, under any name. Who answers under his own key's subjects is who
            # he says.
            spared = {child for child, seen in self._health.items() if seen.up and child not in lost}
            count = await bus.cut(spared)
            log.warning("keys were taken away", extra={"nodes": sorted(lost), "links_cut": count})

    def _children(self) -> dict[str, Node]:
        return dict(self._member.plan.children(self._member.name))

    async def _follow(self, nc: Connection) -> None:
        plan, name = self._member.plan, self._member.name
        wanted = {child: node.area for child, node in self._children().items()}
        parent = plan.nodes[name].parent
        neighbours = wanted | ({} if parent is None else {parent: plan.nodes[parent].area})
        for gone in self._tasks.keys() - neighbours.keys():
            await ended(self._tasks.pop(gone))
            del self._health[gone]
        for node in neighbours.keys() - self._tasks.keys():
            seen = self._health[node] = LinkHealth(
                node=node, area=neighbours[node], to="child" if node in wanted else "parent"
            )
            work = self._tend_child(nc, node, seen) if node in wanted else self._tend_parent(nc, node, seen)
            self._tasks[node] = asyncio.create_task(work, name=f"link {node}")

    async def _tend_child(self, nc: Connection, child: str, seen: LinkHealth) -> None:
        asking = Asking(nc, child, wiring.up_inbox(seen.area), self._settings.answer)
        tended = [
            Tended(self._landing(nc, each, asking), self._child(nc, each, asking), self._settings, seen.mended)
            for each in wiring.sources_up(self._member.plan, self._member.name)
            if each.node == child
        ]
        self._logs[child] = tended[0]
        try:
            await self._tend(asking, tended, seen)
        finally:
            del self._logs[child]

    async def _tend_parent(self, nc: Connection, parent: str, seen: LinkHealth) -> None:
        member = self._member
        source = wiring.source_down(member.plan, member.name)
        if source is None:
            raise RuntimeError("a node without a parent has no link to one")
        asking = Asking(nc, parent, wiring.down_inbox(member.node.area), self._settings.answer)
        tended = Tended(
            self._landing(nc, source, asking), Parent(asking, member.node.area), self._settings, seen.mended
        )
        redialling = asyncio.create_task(self._redialled(seen), name=f"redial {parent}")
        try:
            await self._tend(asking, [tended], seen)
        finally:
            await ended(redialling)

    async def _tend(self, asking: Asking, tended: Sequence[Tended], seen: LinkHealth) -> None:
        """Look at one link, for ever."""
        await asking.open()
        try:
            while True:
                if self._open or self._bus is None:
                    await self._look(tended, seen)
                await asyncio.sleep(self._settings.tick)
        finally:
            await asking.close()

    @staticmethod
    async def _look(tended: Sequence[Tended], seen: LinkHealth) -> None:
        found: list[There] = []
        try:
            for each in tended:
                found.append(await each.tick())  # noqa: PERF401 -- one after the other, and what was seen stays
        except _TROUBLE as error:
            if isinstance(error, ApiError):
                # It answers, and something is not as it should be.
                seen.answered(sum(each.waiting for each in found), 0.0, str(error), ill=str(error))
                return
            seen.silent(str(error) or type(error).__name__)
            for each in tended:
                each.forget()
            return
        details = "; ".join(each.detail for each in tended if each.detail)
        seen.foreign = sum(each.foreign for each in tended)
        seen.held = any(each.held for each in tended)
        waiting, behind = sum(each.waiting for each in found), max(each.behind_s for each in found)
        seen.answered(waiting, behind, details, ill="; ".join(each.ill for each in tended if each.ill))

    async def _redialled(self, seen: LinkHealth) -> None:
        if self._bus is not None:
            await redial(self._bus, self._member, seen, self._settings, opened=lambda: self._open)

    def _landing(self, nc: Connection, source: Source, asking: Asking) -> Landing:
        into, local = next(
            (into, each)
            for into, read in wiring.local_sources(self._member.plan, self._member.name).items()
            for each in read
            if each["name"] == source.into
        )
        room = max(1, int(linkage.ROOM[source.stream] * self._share))
        return Landing(nc, source, into=into, local=local, room=room, replicas=self._member.replicas, asking=asking)

    def _child(self, nc: Connection, source: Source, asking: Asking) -> Child:
        area = self._member.plan.nodes[source.node].where
        family: subjects.Family = "accepted" if source.stream == streams.REPORTS else "order"
        return Child(
            asking,
            source.stream,
            filters=subjects.family_filters(family, None, area),
            writer=StreamWriter(nc, source.stream),
        )
