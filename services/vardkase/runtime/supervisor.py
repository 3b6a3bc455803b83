"""A whole node in one command: NATS and the services as child processes, started, watched, stopped in order.

It never gives up: what dies is started again, and meanwhile the node is not ready and says why. It knows no service by
more than its name, and no stream: what the streams must be is given to it (`prepare`).
"""

import asyncio
import json
import logging
import socket
import sys
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from vardkase.runtime import exposition
from vardkase.runtime.backoff import Backoff
from vardkase.runtime.beside import Beside, Server
from vardkase.runtime.bus_watch import BusWatch, Illness
from vardkase.runtime.child import Child
from vardkase.runtime.errors import DONE, FAILED, WRONG_USE, Ended
from vardkase.runtime.health import Check, readiness
from vardkase.runtime.httpio import Answer, HttpServer
from vardkase.runtime.settings import Settings, environment
from vardkase.runtime.sockets import url

log: Final = logging.getLogger(__name__)


Command = Callable[[str], Sequence[str]]


def command(*services: str) -> Sequence[str]:
    """What runs services in one process."""
    return (sys.executable, "-m", "vardkase.cli.main", "run", *services)


@dataclass(frozen=True, kw_only=True, slots=True)
class Handed:
    """What one service is given besides what all are given."""

    descriptors: Sequence[int] = ()
    """Open files that it inherits."""
    variables: Callable[[], Mapping[str, Any]] = dict
    """Settings, by the variable's name without its prefix; they win over those for all. Asked once the bus is up."""


class Standing(Protocol):
    """Work that the supervisor's own process does as long as it runs: too little for a process of its own."""

    async def run(self) -> None:
        """Does it, until cancelled. It must not end by itself."""
        ...

    def checks(self) -> Sequence[Check]:
        """How it goes."""
        ...

    def exposition(self) -> str:
        """Its metrics as text."""
        ...


class Supervisor:
    """A node's processes.

    Args:
        settings: of the node.
        services: the names of those it runs.
        bus: the NATS server it runs, if it does.
        beside: other servers that it runs, and is ready without.
        optional: those of the services that it is ready without.
        standing: work that this process does itself.
        ask: how the bus is: see `BusWatch`.
        variables: the settings that the services get besides, once the bus is up (`nats_url` …).
        handed: what a service gets that others do not, by its name.
        prepare: sees to it that the streams are there; called again each time NATS was started.
        bound: the socket that the node answers on.
        lease: a descriptor that the services inherit: see `DataDir.lease`.
        command: what runs a service.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        services: Sequence[str],
        bus: Server | None,
        variables: Callable[[], dict[str, Any]],
        prepare: Callable[[], Awaitable[None]],
        bound: socket.socket,
        lease: int | None = None,
        handed: Mapping[str, Handed] | None = None,
        beside: Sequence[Beside] = (),
        optional: Collection[str] = (),
        ask: Callable[[], Awaitable[Illness | None]] | None = None,
        standing: Sequence[Standing] = (),
        command: Command = command,
    ) -> None:
        self._settings = settings
        self._bus = bus
        self._beside = beside
        self._standing = standing
        self._prepare = prepare
        self._bound = bound
        self.http = url(bound)
        """Where the node answers."""
        self._prepared = asyncio.Event()
        self._bus_watch = BusWatch(
            bus=bus, ask=ask, prepare=prepare, running=self._prepared, settings=settings.supervisor
        )
        self._ready = asyncio.Event()
        self._bus_restarts = 0
        self._bus_detail = "starting"
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def own(name: str) -> Handed:
            return (handed or {}).get(name, Handed())

        def variables_of(name: str) -> Callable[[int, int], dict[str, str]]:
            def given(http: int, lifeline: int) -> dict[str, str]:
                changes = {**variables(), **own(name).variables(), "http_fd": http, "lifeline_fd": lifeline}
                return environment(settings, **changes)

            return given

        self.children = [
            Child(
                name,
                command=command(name),
                environment=variables_of(name),
                settings=settings.supervisor,
                go=self._prepared,
                changed=self._look,
                lease=lease,
                needed=name not in optional,
                handed=own(name).descriptors,
            )
            for name in services
        ]
        self._http = HttpServer({"/healthz": self._healthz, "/readyz": self._readyz, "/metrics": self._metrics})

    def checks(self) -> list[Check]:
        """What must hold for the node to be ready."""
        trouble = self._bus_watch.trouble
        nats = Check(name="nats", ok=self._prepared.is_set() and not trouble, detail=trouble or self._bus_detail)
        others = [each.check() for each in self._beside]
        own = [check for each in self._standing for check in each.checks()]
        return [nats, *(check for child in self.children for check in child.checks), *others, *own]

    async def start(self) -> None:
        """Starts everything; returns when it is under way.

        Raises:
            Ended: NATS cannot be started, or its streams cannot be made.
        """
        await self._http.start(self._bound)
        for each in self._beside:
            self._spawn(each.run(), f"keep {each.name}")
        if self._bus is not None:
            await self._bus.start()
            log.debug("NATS is up")
        for child in self.children:
            self._spawn(self._keep(child), f"keep {child.name}")
            self._spawn(child.watch(), f"watch {child.name}")
        await self._make_streams(first=True)
        if self._bus is not None:
            self._spawn(self._keep_bus(self._bus), "keep nats")
        self._spawn(self._bus_watch.run(), "watch nats")
        for each in self._standing:
            self._spawn(each.run(), "standing work")

    async def run(self, *, stop: asyncio.Event, hurry: asyncio.Event, ready: Callable[[], Awaitable[None]]) -> int:
        """Starts the node, keeps it, and stops it in order. The exit code.

        Args:
            stop: set to stop it: from outside, by a signal.
            hurry: see `stop`.
            ready: called once, when every check holds for the first time; cancelled when the node stops. Its end is no
                end of the node; its error is.

        Raises:
            Ended: it could not be started, in one line.
        """

        async def begin() -> None:
            await self.start()
            await self._ready.wait()
            log.debug("everything is ready")
            await ready()

        begun, stopped = asyncio.ensure_future(begin()), asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({begun, stopped, self._ended}, return_when=asyncio.FIRST_COMPLETED)
            if begun.done():
                begun.result()
                await asyncio.wait({stopped, self._ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            begun.cancel()
            stopped.cancel()
            await asyncio.gather(begun, stopped, return_exceptions=True)
            await self.stop(hurry)
        return self._ended.result() if self._ended.done() else DONE

    async def stop(self, hurry: asyncio.Event) -> None:
        """Stops the services, which finish what they have in hand; then NATS and other servers; then HTTP.

        Args:
            hurry: set it to kill the services that are still busy. Nothing is lost by it: what was not acknowledged
                comes again.
        """
        self._stopping = True
        self._bus_detail = "stopping"
        await asyncio.gather(*(child.stop(hurry) for child in self.children))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._prepared.clear()
        servers = [] if self._bus is None else [self._bus]
        await asyncio.gather(*(each.stop() for each in (*servers, *self._beside)))
        await self._http.stop()
        for child in self.children:
            child.close()

    def _look(self) -> None:
        if all(check.ok or not check.needed for check in self.checks()):
            self._ready.set()

    def _spawn(self, coroutine: Any, name: str) -> None:
        task: asyncio.Task[None] = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("the supervisor is at fault", extra={"task": task.get_name()}, exc_info=error)
            self._end(FAILED)

    def _end(self, code: int) -> None:
        if not self._ended.done():
            self._ended.set_result(code)

    async def _keep(self, child: Child) -> None:
        await child.run()
        if child.refused and child.needed:  # it has said why
            self._end(WRONG_USE)

    async def _keep_bus(self, bus: Server) -> None:
        limits = self._settings.supervisor
        backoff = Backoff(least=limits.backoff_min, most=limits.backoff_max)
        loop = asyncio.get_running_loop()
        since = loop.time()
        while True:
            code = await bus.wait()
            self._prepared.clear()
            if loop.time() - since >= limits.stable:
                backoff.reset()
            wait = backoff.next()
            self._bus_restarts += 1
            self._bus_detail = f"ended with {code}; starts again in {wait:.1f} s"
            log.error("NATS ended; starting it again", extra={"code": code, "wait_s": round(wait, 2)})
            await asyncio.sleep(wait)
            try:
                since = loop.time()
                await bus.start()
                await self._make_streams(first=False)
            except (Ended, OSError) as error:
                self._bus_detail = f"cannot be started: {error}"
                log.error("NATS cannot be started", extra={"error": str(error)})  # noqa: TRY400 -- one line says it

    async def _make_streams(self, *, first: bool) -> None:
        """Sees to it that the streams are there, however long that takes; only at the first start does it give up."""
        limits = self._settings.supervisor
        backoff = Backoff(least=limits.backoff_min, most=limits.backoff_max)
        while True:
            self._bus_detail = "making the streams"
            try:
                await self._prepare()
            except (Ended, OSError, TimeoutError) as error:
                if first and self._bus is not None:
                    raise
                self._bus_detail = f"the streams cannot be made: {error}"
                log.error("the streams cannot be made; trying again", extra={"error": str(error)})  # noqa: TRY400
                await asyncio.sleep(backoff.next())
            else:
                self._bus_detail = "running, with its streams"
                self._prepared.set()
                log.debug("the streams are there")
                self._look()
                return

    async def _healthz(self) -> Answer:
        body = {"status": "ok", "service": "node", "node": self._settings.node, "area": self._settings.area}
        return Answer(body=json.dumps(body).encode())

    async def _readyz(self) -> Answer:
        checks = [Check(name="node", ok=not self._stopping, detail="stopping" if self._stopping else "running")]
        status, body = readiness("node", [*checks, *self.checks()])
        return Answer(status=status, body=body)

    async def _metrics(self) -> Answer:
        texts = await asyncio.gather(*(child.metrics() for child in self.children), return_exceptions=True)
        found = {c.name: t for c, t in zip(self.children, texts, strict=True) if isinstance(t, str)}
        own = self._own_metrics(set(found)) + "".join(each.exposition() for each in self._standing)
        body = exposition.merge(found) + own
        return Answer(kind=exposition.CONTENT_TYPE, body=body.encode())

    def _own_metrics(self, answered: set[str]) -> str:
        def of_each(value: Callable[[Child], float]) -> list[tuple[dict[str, str], float]]:
            return [({"service": child.name}, value(child)) for child in self.children]

        restarts = of_each(lambda child: child.restarts)
        if self._bus is not None:
            restarts.append(({"service": "nats-server"}, self._bus_restarts))
        restarts.extend(({"service": each.name}, each.restarts) for each in self._beside)
        ready = all(check.ok or not check.needed for check in self.checks()) and not self._stopping
        return "".join(
            exposition.family(name, kind, text, samples)
            for name, kind, text, samples in (
                ("vardkase_node_ready", "gauge", "1 while every check of the node holds", [({}, ready)]),
                ("vardkase_node_running", "gauge", "1 while it has a process", of_each(lambda c: c.pid is not None)),
                ("vardkase_node_service_ready", "gauge", "1 while its checks hold", of_each(lambda c: c.ready)),
                ("vardkase_node_metrics_ok", "gauge", "1 if its metrics came", of_each(lambda c: c.name in answered)),
                ("vardkase_node_restarts_total", "counter", "Times that it was started again", restarts),
            )
        )
