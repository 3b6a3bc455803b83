"""Three levels in one process, with real servers and links that can be cut: the nation, a län, two kommuner."""

import asyncio
import os
import shutil
import signal
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from servers import Eventually, Link, free_port
from vardkase.federation.landing import get
from vardkase.federation.links import Links
from vardkase.federation.member import Member
from vardkase.federation.office import Office
from vardkase.federation.wiring import UP
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection, connect
from vardkase.runtime.jetstream.values import scan
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.runtime.nats_config import Links as ServerLinks
from vardkase.runtime.nats_server import EmbeddedNats
from vardkase.runtime.settings import Settings, load
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import OrderKind

SHARE = 0.05
QUICK: dict[str, Any] = {"tick": "100ms", "answer": "700ms", "stalled": "2500ms", "stuck": "4s", "redial": "3s"} | {
    "tell": "300ms",
    "count": "500ms",
}
"""The standing check, hurried."""


class SlowLink(Link):
    """A link whose far end is slow to say its first word."""

    first = 0.0
    """Seconds."""

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self.first)
        await super()._accept(reader, writer)


class Level:
    """A node without its services: its server, its streams, and the standing work on its links."""

    share = SHARE
    """Of the room that its streams would have on a disk large enough."""

    def __init__(self, name: str, area: str, file: Path, directory: Path, listen: str | None) -> None:
        self.name = name
        self.area = Area.parse(area)
        self.file = file
        self.directory = directory
        self._listen = listen
        self._running: asyncio.Task[None] | None = None
        self.outside = False
        """Its server is somebody else's: its links are open from the start, and nothing is looked at before."""
        self.nc: Connection
        self.links: Links
        self.bus: EmbeddedNats

    def settings(self) -> Settings:
        links = QUICK | ({"listen": self._listen} if self._listen else {})
        return load(
            area=self.area.code, node=self.name, data_dir=self.directory, nats_port=0, federation=self.file, links=links
        )

    async def start(self, *, tended: bool = True) -> None:
        """Start it, as a new program on what is on its disk; with its standing work, or without."""
        settings = self.settings()
        member = Member(settings)
        self.links = Links(member, None if self.outside else self, self._dial, settings.links)
        self.bus = EmbeddedNats(settings, links=member.open if self.outside else self.links.starting)
        await self.bus.start()
        self.nc = await self._dial()
        await self.links.prepare(self.nc, self.share)
        if tended:
            self.resume()

    def resume(self) -> None:
        """Begin the standing work."""
        self._running = asyncio.create_task(self.links.run())

    async def rest(self) -> None:
        """End the standing work."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def unlink(self) -> None:
        """Nobody dials its parent any more, and nobody looks after that."""
        await self.rest()
        links = self.links._member.open()
        alone = {key: value for key, value in links.leafnodes.items() if key != "remotes"}
        await self.bus.relink(ServerLinks(users=links.users, leafnodes=alone))

    async def link_again(self) -> None:
        """Its parent is dialled, and the standing work goes on."""
        await self.bus.relink(self.links._member.open())
        self.resume()

    async def stop(self) -> None:
        """End it in order."""
        await self.quit()
        await self.bus.stop()

    async def quit(self) -> None:
        """End all but the server."""
        await self.rest()
        await self.nc.close()

    async def relink(self, links: Any) -> None:
        """As the node's server does."""
        await self.bus.relink(links)

    async def holds(self) -> bool:
        """As the node's server does."""
        return await self.bus.holds()

    async def cut(self, spared: Collection[str]) -> int:
        """As the node's server does."""
        return await self.bus.cut(spared)

    async def kill(self) -> None:
        """SIGKILL of the server."""
        assert self.bus.pid is not None
        os.kill(self.bus.pid, signal.SIGKILL)
        await self.bus.wait()

    async def revive(self) -> None:
        """Start the server again, as its supervisor does."""
        await self.bus.start()
        await self.links.prepare(self.nc, self.share)

    async def _dial(self) -> Connection:
        return await connect(self.bus.url, name="test", reconnect_wait=0.05, ping_interval=1.0)

    @property
    def store(self) -> Path:
        return self.directory / "nats" / "store"

    def keep(self) -> Path:
        """Copy its store; the server must be down, or nothing written meanwhile."""
        copy = self.directory / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.store, copy)
        return copy

    def put_back(self, copy: Path) -> None:
        """Put the store back as it was."""
        shutil.rmtree(self.store)
        shutil.copytree(copy, self.store)

    def wipe(self) -> None:
        """Lose the store."""
        shutil.rmtree(self.store)

    async def report(self, *names: str, kommun: str | None = None) -> None:
        """What its intake writes into the log."""
        code = kommun or self.area.code
        await StreamWriter(self.nc, streams.REPORTS).write(
            [
                Outgoing(
                    subject=subjects.accepted("act", code, "skolan", "status"),
                    data=name.encode(),
                    headers={"Tp-Received": "2026-11-20T02:40:00Z"},
                    message_id=f"act.{code}.{name}",
                )
                for name in names
            ]
        )

    async def all_acknowledged(self) -> None:
        """Let its consumer be where it is at the latest some hundreds of reports later: past all that it has sent."""
        last = (await call(self.nc, f"STREAM.INFO.{streams.REPORTS}"))["state"]["last_seq"]
        await call(self.nc, f"CONSUMER.RESET.{streams.REPORTS}.{UP}", {"seq": last + 1})

    async def order(self, name: str, about: str, kind: OrderKind = "note") -> None:
        """An act of a person at this node."""
        subject = subjects.order("act", Area.parse(about), kind)
        await StreamWriter(self.nc, streams.ORDERS_UP).write([Outgoing(subject=subject, data=name.encode())])

    async def has(self, stream: str = streams.REPORTS) -> list[str]:
        """What is in a stream, in order."""
        return [each.data.decode() async for each in scan(self.nc, stream, [])]

    async def count(self, stream: str = streams.REPORTS) -> int:
        """How many messages are in a stream; -1 while it cannot be asked."""
        try:
            return (await call(self.nc, f"STREAM.INFO.{stream}", within=1.0))["state"]["messages"]
        except (ApiError, NoAnswer):
            return -1

    async def last(self, stream: str) -> str | None:
        found = await get(self.nc, stream, last_by_subj=">")
        return None if found is None else found.data.decode()

    def healed(self, node: str) -> dict[str, int]:
        """What was mended on its link to another."""
        return next(each.healed for each in self.links.seen if each.node == node)

    async def healed_of(self, node: str, what: str) -> bool:
        """Whether something was mended on its link to another."""
        return bool(self.healed(node).get(what))

    def up(self, node: str) -> bool:
        """Whether its link to another is up."""
        return any(each.node == node and each.up for each in self.links.seen)


class Federation:
    """The levels, and the links between them."""

    def __init__(self, directory: Path, eventually: Eventually) -> None:
        self.directory = directory
        self.eventually = eventually
        self.office = Office(directory / "federation.toml")
        self.levels: dict[str, Level] = {}
        self.links: dict[str, SlowLink] = {}
        """By the parent that is dialled over it."""

    @property
    def file(self) -> Path:
        return self.directory / "federation.toml"

    async def begin(self, area: str = "SE") -> Level:
        """The topmost node."""
        return await self._level(area, first=True)

    async def join(self, area: str, *, parent: bool = False) -> Level:
        """A node joins; with `parent` it can have children."""
        return await self._level(area, parent=parent)

    async def _level(self, area: str, *, first: bool = False, parent: bool = True) -> Level:
        where = Area.parse(area)
        listen, leaf = None, None
        name = area if where.level == "nation" else f"{where.level}-{area}"
        if parent:
            port = free_port()
            listen = f"127.0.0.1:{port}"
            link = self.links[name] = SlowLink(port)
            await link.start()
            leaf = f"tls://127.0.0.1:{link.port}"
        if first:
            self.office.init(where, name="Sverige", leaf=leaf)
        else:
            self.office.add(where, parent=None, leaf=leaf)
        level = self.levels[name] = Level(name, area, self.file, self.directory / name, listen)
        await level.start()
        return level

    async def stop(self) -> None:
        await asyncio.gather(*(each.stop() for each in self.levels.values()))
        await asyncio.gather(*(each.stop() for each in self.links.values()))

    async def until_up(self, within: float = 15.0) -> None:
        """Wait until every link that has a key answers."""
        plan = self.office.read()

        def up() -> bool:
            return all(
                self.levels[node.parent].up(name) and level.up(node.parent)
                for name, level in self.levels.items()
                if (node := plan.nodes[name]).parent is not None and node.link
            )

        await self.eventually(up, what="all links up", within=within)

    async def until_has(
        self, levels: Sequence[Level], wanted: Collection[str], *, stream: str = streams.REPORTS, within: float = 15.0
    ) -> None:
        """Wait until levels have exactly these messages, each once."""
        for level in levels:
            try:
                await self.eventually(lambda level=level: _counted(level, stream, len(wanted)), within=within)
            except AssertionError:
                has = await level.has(stream)
                lacks, more = set(wanted) - set(has), len(has) - len(set(has))
                healed = {name: [each.healed for each in one.links.seen] for name, one in self.levels.items()}
                told = f"{level.name}: {len(has)} of {len(wanted)}, lacks {sorted(lacks)[:5]}…, {more} twice; {healed}"
                raise AssertionError(told) from None
            assert sorted(await level.has(stream)) == sorted(wanted), level.name


async def _counted(level: Level, stream: str, wanted: int) -> bool:
    return await level.count(stream) == wanted
