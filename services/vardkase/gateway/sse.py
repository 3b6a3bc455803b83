"""An answer without an end: server-sent events, sent as they are handed over, to whoever takes them."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Final, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .frames import GZIP_HEAD
from .negotiate import takes_gzip
from .server import EXTENSION

HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    "vary": "accept-encoding, authorization, cookie",
}


class Connection(Protocol):
    """What of a connection a stream needs."""

    def become_stream(self) -> None:
        """What is answered has no end."""
        ...

    def cut(self, reason: str) -> None:
        """End it at once."""
        ...


def connection_of(request: Request) -> Connection | None:
    """The connection that a request came by; None in a test without a server."""
    return (request.scope.get("extensions") or {}).get(EXTENSION)


def cutter(request: Request, reason: str) -> Callable[[], None]:
    """What ends a request's connection at once, whatever waits to be taken."""
    connection = connection_of(request)
    return (lambda: None) if connection is None else (lambda: connection.cut(reason))


class EventStream(Response):
    """Sends what a generator yields until it ends, or the client has gone, or takes nothing for too long.

    Args:
        request: what asked for it.
        parts: bytes of whole events (see `frames.event`), each deflated by itself (`frames.deflated`) when the client
            takes gzip (`packs`). Closed in the end, whatever happens.
        stalled: seconds that a client may take nothing.
        headers: more headers.
    """

    def __init__(
        self,
        request: Request,
        parts: AsyncGenerator[bytes, None],
        *,
        stalled: float,
        headers: dict[str, str] | None = None,
    ) -> None:
        self._parts = parts
        self._stalled = stalled
        self._connection = connection_of(request)
        self._packed = packs(request)
        self.status_code = 200
        self.background = None
        self.init_headers({**HEADERS, **(headers or {}), **({"content-encoding": "gzip"} if self._packed else {})})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        del scope
        if self._connection is not None:
            self._connection.become_stream()
        async with contextlib.aclosing(self._parts):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            gone, sending = asyncio.ensure_future(_gone(receive)), asyncio.ensure_future(self._send(send))
            try:
                await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                gone.cancel()
                sending.cancel()
                await asyncio.gather(gone, sending, return_exceptions=True)
            if not sending.cancelled() and (error := sending.exception()) is not None:
                raise error

    async def _send(self, send: Send) -> None:
        async def put(part: bytes, *, more: bool = True) -> None:
            async with asyncio.timeout(self._stalled):
                await send({"type": "http.response.body", "body": part, "more_body": more})

        try:
            if self._packed:
                await put(GZIP_HEAD)
            async for part in self._parts:
                await put(part)
            await put(b"", more=False)
        except TimeoutError:
            if self._connection is not None:
                self._connection.cut("stalled")
        except OSError:
            pass  # it has gone


def packs(request: Request) -> bool:
    """Whether the parts of a stream are to be deflated."""
    return takes_gzip(request.headers)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
