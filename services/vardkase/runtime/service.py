"""How a service becomes a process: a FastStream application with health and metrics, and what serves it.

The service itself knows neither: it is given a connection when it starts, and is asked to stop. So tests run it in
process, on a connection of theirs.
"""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, runtime_checkable

import uvicorn
from faststream.asgi import AsgiFastStream
from faststream.nats import NatsRouter
from prometheus_client import generate_latest

from vardkase.runtime.errors import DONE, FAILED, Ended
from vardkase.runtime.health import Check, Receive, Scope, Send, endpoints
from vardkase.runtime.http_limits import BoundedHttp
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.link import FASTSTREAM_LOG, NODE, Broker, Link
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase.runtime.sockets import listen
from vardkase.runtime.tasks import Tasks
from vardkase.runtime.watchdog import Watchdog, wait_for_go

log: Final = logging.getLogger(__name__)


class Service(Protocol):
    """What does the work of one process."""

    @property
    def name(self) -> str:
        """`intake`, `aggregator`."""
        ...

    @property
    def tasks(self) -> Tasks:
        """Its background tasks. One that ends by itself ends the process, to be started anew."""
        ...

    async def start(self, nc: Connection) -> None:
        """Begins its work on a connection that is up; returns when it has begun. An error ends the process."""
        ...

    async def stop(self) -> None:
        """Takes nothing new, finishes what it has in hand, acknowledges it. Also after a start that failed."""
        ...

    def checks(self) -> Sequence[Check]:
        """What must hold for it to be ready, as it is now: its consumers exist and advance. Fast; no I/O."""
        ...


@runtime_checkable
class Early(Protocol):
    """A service that has something to do before it is connected: to answer, if only that it cannot do more yet."""

    async def early(self, nc: Connection) -> None:
        """Begins it.

        Args:
            nc: the connection that `start` will be given, not connected yet.
        """
        ...


class Fate:
    """Whether a process must end, and why. The first reason stands."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.code = DONE
        self._told: list[Callable[[], None]] = []

    def on_fail(self, told: Callable[[], None]) -> None:
        """Calls it when the process must end; at once when it must already."""
        self._told.append(told)
        if self.reason is not None:
            told()

    def fail(self, reason: str, error: BaseException | None = None) -> None:
        """The process must end: `reason` is logged, with the error's trace unless it is one for people."""
        if self.reason is not None:
            return
        for_people = isinstance(error, Ended)
        self.reason = f"{reason}: {error}" if for_people else reason
        self.code = error.code if for_people else FAILED
        log.critical(self.reason, exc_info=None if for_people else error)
        for told in self._told:
            told()


class Application(AsgiFastStream):
    """A service as a process: connects, starts it, answers HTTP, stops it.

    It answers HTTP before it is connected: alive, and not ready.

    Args:
        service: what does the work.
        settings: how to connect and how long things may take.
        metrics: what `/metrics` shows.
        routers: FastStream's per-message handlers, for what need not be fast.
    """

    def __init__(
        self, service: Service, settings: Settings, metrics: Metrics, *, routers: Sequence[NatsRouter] = ()
    ) -> None:
        self.service = service
        self.metrics = metrics
        self.fate = Fate()
        self._settings = settings
        self._link = Link(settings, metrics, account=NODE, name=f"{service.name} {settings.node}")
        self._nats = Broker(settings, self._link, routers=tuple(routers))
        self._starting: asyncio.Task[None] | None = None
        self._started = self._early = False
        service.tasks.on_death = lambda name, error: self.fate.fail(f"the task {name} ended", error)
        super().__init__(
            self._nats,
            asgi_routes=endpoints(service.name, self.checks, lambda: generate_latest(metrics.registry)),
            logger=FASTSTREAM_LOG,
            on_startup=[self._start_early],
            after_startup=[self._start_service],
            on_shutdown=[self._stop_service],
        )

    def checks(self) -> Sequence[Check]:
        """What must hold for the process to be ready."""
        start = Check(name="started", ok=self._started, detail="" if self._started else "starting or stopping")
        return [self._link.check(), start, *(self.service.checks() if self._started else ())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI. A lifespan that breaks, before or after it began, ends the process."""
        if scope["type"] != "lifespan":
            await super().__call__(scope, receive, send)
            return

        async def without_trace(message: Any) -> None:
            await send({"type": message["type"]})  # the error is told once, by `fail`

        try:
            await super().__call__(scope, receive, without_trace)
        except Exception as error:  # noqa: BLE001 -- told, and the process ends
            self.fate.fail(f"{self.service.name} cannot go on: {error or type(error).__name__}", error)

    async def _start_early(self) -> None:
        if isinstance(self.service, Early):
            self._early = True
            await self.service.early(self._link.client)

    async def _start_service(self) -> None:
        gc.disable()  # all that is made now stays
        watch = self._link.watch(self.fate.fail)
        self.service.tasks.spawn(watch, name="link watch")
        self._starting = asyncio.create_task(self.service.start(self._link.client), name="start")
        try:
            async with asyncio.timeout(self._settings.health.start_timeout):
                await self._starting
        except Exception as error:  # noqa: BLE001 -- told, and the process ends in order
            self.fate.fail(f"{self.service.name} could not start", error)
        else:
            _spare_the_lasting()
            self._started = True
            self.metrics.up.set(1)
            log.info("started", extra={"node": self._settings.node, "area": self._settings.area})
        finally:
            gc.enable()

    async def _stop_service(self) -> None:
        started, self._started = self._started, False
        self.metrics.up.set(0)
        if self._starting is None and not self._early:
            return
        if self._starting is not None and not started:
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):  # already told by the one that waits for it
                await self._starting
        self.service.tasks.closing()
        try:
            async with asyncio.timeout(self._settings.health.stop_timeout):
                await self.service.stop()
        except Exception as error:  # noqa: BLE001 -- told; what was not acknowledged comes again
            self.fate.fail(f"{self.service.name} could not stop in order", error)
        await self.service.tasks.stop()


def _spare_the_lasting() -> None:
    """Keeps Python's cyclic collector from going through all that is held again and again, everything standing still.

    What was loaded at the start, without the collector (see `_start_service`), stays; of the rest nearly all is freed
    by counting references. Measured in an aggregator with 3,000 points: a tenth of its time, and pauses of more than
    100 ms; at a start with 10,000 points: 1.2 s of 5.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def application(
    service: Service, settings: Settings, metrics: Metrics, *, routers: Sequence[NatsRouter] = ()
) -> Application:
    """The FastStream application of a service. See `Application`."""
    return Application(service, settings, metrics, routers=routers)


def serve(app: Application, settings: Settings) -> int:
    """Runs a service until SIGTERM or SIGINT, or until it cannot go on. Its exit code.

    Listens on the socket it inherited (`http_fd`), else on `http_host` and `http_port`.

    Raises:
        Ended: the port is taken, or the address is not this computer's.
    """
    if not wait_for_go(settings.lifeline_fd):
        return FAILED
    bound = (
        listen(settings.http_host, settings.http_port)
        if settings.http_fd is None
        else socket.socket(fileno=settings.http_fd)
    )
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="on",
            http=BoundedHttp,
            ws="none",
            server_header=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=2,
        )
    )
    app.fate.on_fail(lambda: setattr(server, "should_exit", True))
    health = settings.health

    async def run() -> None:
        watchdog = Watchdog(
            stall=health.stall,
            beat=health.beat,
            lifeline=settings.lifeline_fd,
            grace=health.orphan_grace,
            on_lag=app.metrics.loop_lag.observe,
        )
        watchdog.start()
        try:
            await server.serve(sockets=[bound])
        finally:
            watchdog.stop()

    # uvicorn stops on these, and raises them again when it has stopped: that must not end a clean stop with an error.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(run())
        except SystemExit:  # uvicorn's way to say that the lifespan did not begin; why is told
            app.fate.fail("could not start")
    return app.fate.code


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 -- not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
