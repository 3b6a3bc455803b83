"""The HTTP server for people and apps: a second uvicorn in the gateway's process, with bounds on everything.

uvicorn alone bounds neither the head nor the body of a request, nor how long a client may take to send one or to take
its answer. A connection here is in one of four phases, each with its time: a request is arriving, is being answered,
the answer is being taken (at a least rate), or nothing is asked. Streams have bounds of their own (`hub`).
"""

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import Any, Final, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from vardkase.runtime.setting_groups import WebSettings
from vardkase.runtime.settings import Settings

from .metrics import GatewayMetrics
from .problems import Problem

HEAD: Final = 16 * 1024
"""Longest head of a request, in bytes."""
EXTENSION: Final = "vardkase.connection"
"""Under this name in `scope["extensions"]` a route finds the connection that it answers on."""
_SEND_BUFFER: Final = 256 * 1024
"""Bytes that the kernel keeps of a stream that nobody takes."""
_LOOK: Final = 1.0
"""Seconds between two looks at all connections."""
_NEVER: Final = float("inf")
_LEAST_RATE: Final = 1024
"""Bytes a second that an answer is taken at, at least."""
_ANSWER: Final = 120.0
"""Seconds that a route may take; each has a shorter time of its own."""


class Front:
    """The server.

    Args:
        app: what answers.
        bound: the socket that it listens on.
        settings: group `web`.
        counts: where connections are counted.
    """

    def __init__(self, app: ASGIApp, bound: socket.socket, settings: Settings, counts: GatewayMetrics) -> None:
        web = settings.web

        class Connection(BoundedConnection):
            limits = web
            metrics = counts

        self._bound = bound
        self._every = min(_LOOK, web.patience / 4, web.keep_alive / 4)
        self._over = asyncio.Event()
        self._server = _Server(
            uvicorn.Config(
                app,
                http=Connection,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=3600,  # ours comes before
                timeout_graceful_shutdown=2,
                backlog=1024,
            )
        )

    @property
    def up(self) -> bool:
        """Whether it takes connections."""
        return self._server.started and not self._server.should_exit

    async def run(self) -> None:
        """Serve until `stop`."""
        looking = asyncio.create_task(self._look(), name="look at connections")
        try:
            await self._server.serve(sockets=[self._bound])
        finally:
            looking.cancel()
            self._over.set()

    async def _look(self) -> None:
        """One look for all connections costs less than a timer for each, set and ended by every request."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._every)
            now = loop.time()
            for each in list(self._server.server_state.connections):
                if isinstance(each, BoundedConnection):
                    each.look(now)

    async def stop(self) -> None:
        """Take nothing new; returns when what was being answered is answered, or has taken too long."""
        if self._server.started:
            self._server.should_exit = True
            await self._over.wait()


class _Server(uvicorn.Server):
    """uvicorn's, without its hold on the process's signals: those are the service's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """None."""
        yield


class Whole:
    """A transport that sends an answer's head and the beginning of its body at once: uvicorn would send them apart.

    Args:
        transport: what sends.
        loop: by which a head is sent that nothing follows.
    """

    __slots__ = ("_head", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = b""

    def write(self, data: bytes) -> None:
        """Send; the first time, wait for what follows."""
        head = self._head
        if head is None:
            self._transport.write(data)
        elif not head:
            self._head = data
            self._loop.call_soon(self._flush)
        else:
            self._head = None
            self._transport.writelines((head, data) if data else (head,))

    def close(self) -> None:
        """Close when all is sent."""
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether it is being closed."""
        return self._transport.is_closing()

    def _flush(self) -> None:
        head, self._head = self._head, None
        if head:
            self._transport.write(head)


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with bounds. `Front` looks at each now and then whether its time is up."""

    limits: WebSettings
    metrics: GatewayMetrics

    busy = True
    """Whether it has something to do: one that has not gives way."""
    _until = _NEVER
    _late = ""
    """What it is cut for after `_until`; empty: it is idle, and ends in peace."""
    _stuck_until = _NEVER
    _stuck = 0
    _head = 0
    _body = 0
    _streaming = False
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] -- as uvicorn's own
        """A connection: a full house makes room for it, or has none."""
        super().connection_made(transport)
        self.metrics.connections.inc()
        self._wait(self.limits.patience, "slow request")
        if len(self.connections) > self.limits.connections:
            others = (each for each in self.connections if isinstance(each, BoundedConnection) and each is not self)
            next((each for each in others if not each.busy), self).cut("too many")

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self.metrics.connections.dec()
        self._until = self._stuck_until = _NEVER
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """What came, as far as it is not too much."""
        if self._refused or self.parser is None:
            return
        if not self.busy:
            self.busy = True
            self._head = 0
            self._wait(self.limits.patience, "slow request")
        if self._head >= 0:
            self._head += len(data)
        super().data_received(data)
        if self._head > HEAD:  # and it is not whole yet
            self._refuse_head()

    def on_message_begin(self) -> None:
        """A request."""
        self._body = 0
        super().on_message_begin()
        self.scope["extensions"] = cast("Any", {EXTENSION: self})

    def on_headers_complete(self) -> None:
        """Its head is there."""
        self._head = -1
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > HEAD:
            self._refuse_head()
        if not self._refused:
            super().on_headers_complete()
            self.cycle.transport = cast("asyncio.Transport", Whole(self.transport, self.loop))

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        self._body += len(body)
        if self._body > self.limits.body:
            self._refuse(413, "too_large", f"a body of at most {self.limits.body} bytes")
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it is there: now it is being answered."""
        self._head = 0
        if not self._refused:
            if not self._streaming:
                self._wait(_ANSWER, "slow answer")
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Answered: the next request may come."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self.busy = False
            self._wait(self.limits.keep_alive, "")
        else:  # one more waits in the pipeline
            self._wait(_ANSWER, "slow answer")

    def pause_writing(self) -> None:
        """More waits to be taken than should."""
        super().pause_writing()
        if not self._streaming and self._stuck_until == _NEVER:
            self._see_taken()

    def resume_writing(self) -> None:
        """It is being taken."""
        super().resume_writing()
        self._stuck_until = _NEVER

    def look(self, now: float) -> None:
        """End it when its time is up.

        Args:
            now: monotonic seconds of the loop.
        """
        if now >= self._stuck_until:
            if self._stuck - self.transport.get_write_buffer_size() < _LEAST_RATE * self.limits.patience:
                self.cut("answer not taken")
                return
            self._see_taken()
        if now < self._until:
            return
        self._until = _NEVER
        if self._late:
            self.cut(self._late)
        elif self.transport.get_write_buffer_size():
            self._see_taken()
        else:
            self.transport.close()

    # -- for a stream --------------------------------------------------------------------------------------------------

    def become_stream(self) -> None:
        """What is answered now has no end: its time is measured by who sends it."""
        self._streaming = True
        self._until = self._stuck_until = _NEVER
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    def cut(self, reason: str) -> None:
        """End it at once, whatever waits to be taken."""
        self.metrics.cut.labels(reason).inc()
        self._refused = True
        self.transport.abort()

    # ------------------------------------------------------------------------------------------------------------------

    def _refuse_head(self) -> None:
        self._refuse(431, "head_too_large", f"a request line and headers of at most {HEAD} bytes together")

    def _refuse(self, status: int, code: str, expected: str) -> None:
        if self._refused:
            return
        self._refused = True
        self.metrics.cut.labels(code).inc()
        answer = Problem(status, code, f"expected {expected}").response()
        head = [STATUS_LINE[status], b"connection: close\r\n"]
        head += [b"%s: %s\r\n" % pair for pair in answer.raw_headers]
        self.transport.write(b"".join([*head, b"\r\n", bytes(answer.body)]))
        self.transport.close()
        self._wait(self.limits.patience, "answer not taken")

    def _see_taken(self) -> None:
        """What waits must become less, until it is gone."""
        self._stuck = self.transport.get_write_buffer_size()
        self._stuck_until = self.loop.time() + self.limits.patience

    def _wait(self, seconds: float, late: str) -> None:
        self._until, self._late = self.loop.time() + seconds, late
