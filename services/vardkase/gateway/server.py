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
        try:
            await self._server.serve(sockets=[self._bound])
        finally:
            self._over.set()

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


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with bounds."""

    limits: WebSettings
    metrics: GatewayMetrics

    _timer: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None
    _head = 0
    _body = 0
    _streaming = False
    _refused = False
    busy = True
    """Whether it has something to do: one that has not gives way."""

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
        self._stop_waiting()
        if self._taking is not None:
            self._taking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """What came, as far as it is not too much."""
        if self._refused or self.parser is None:
            return
        if not self.busy:
            self.busy = True
            self._wait(self.limits.patience, "slow request")
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request."""
        self._head = self._body = 0
        super().on_message_begin()
        self.scope["extensions"] = cast("Any", {EXTENSION: self})

    def on_url(self, url: bytes) -> None:
        """A part of its target."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        self._count_head(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Its head is there."""
        if not self._refused:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        self._body += len(body)
        if self._body > self.limits.body:
            self._refuse(413, "too_large", f"a body of at most {self.limits.body} bytes")
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it is there: now it is being answered."""
        if not self._refused:
            if not self._streaming:
                self._wait(_ANSWER, "slow answer")
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Answered: the next request may come."""
        super().on_response_complete()
        if not self.cycle.response_complete:  # one more waits in the pipeline
            self._wait(_ANSWER, "slow answer")
            return
        self.busy = False
        self._stop_waiting()
        self._timer = self.loop.call_later(self.limits.keep_alive, self._idle_over)

    def pause_writing(self) -> None:
        """More waits to be taken than should."""
        super().pause_writing()
        if not self._streaming and self._taking is None:
            self._see_taken(None)

    def resume_writing(self) -> None:
        """It is being taken."""
        super().resume_writing()
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    # -- for a stream --------------------------------------------------------------------------------------------------

    def become_stream(self) -> None:
        """What is answered now has no end: its time is measured by who sends it."""
        self._streaming = True
        self._stop_waiting()
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def cut(self, reason: str) -> None:
        """End it at once, whatever waits to be taken."""
        self.metrics.cut.labels(reason).inc()
        self._refused = True
        self.transport.abort()

    # ------------------------------------------------------------------------------------------------------------------

    def _count_head(self, more: int) -> None:
        self._head += more
        if self._head > HEAD and not self._refused:
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

    def _idle_over(self) -> None:
        if self.transport.get_write_buffer_size():
            self._see_taken(None)
        else:
            self.transport.close()

    def _see_taken(self, before: int | None) -> None:
        """Looks again and again whether what waits becomes less, until it is gone."""
        waits, patience = self.transport.get_write_buffer_size(), self.limits.patience
        if before is not None and before - waits < _LEAST_RATE * patience:
            self.cut("answer not taken")
        else:
            self._taking = self.loop.call_later(patience, self._see_taken, waits)

    def _wait(self, seconds: float, reason: str) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(seconds, self.cut, reason)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
