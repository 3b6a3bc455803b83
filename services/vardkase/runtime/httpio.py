"""A few lines of HTTP/1.1 for the supervisor: to answer three paths, and to ask its services.

A web server would double the memory of a process that only waits. GET and HEAD, no bodies in, one answer a connection,
everything bounded.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

log: Final = logging.getLogger(__name__)

HEAD_LIMIT: Final = 8192
"""Longest head of a request or an answer, in bytes."""
CONNECTIONS: Final = 64
"""Most connections at once; one more takes the place of the oldest."""
PATIENCE: Final = 5.0
"""Seconds that a client has to send its request, and to take the answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What an HTTP request is answered with."""

    status: int = 200
    kind: str = "application/json"
    """The media type."""
    body: bytes = b""


Route = Callable[[], Awaitable[Answer]]


class HttpServer:
    """Answers paths on a socket that listens.

    Args:
        routes: what answers each path.
    """

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self._routes = routes
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, None] = {}  # the oldest first

    async def start(self, bound: socket.socket) -> None:
        """Begins to answer."""
        self._server = await asyncio.start_server(self._client, sock=bound, limit=HEAD_LIMIT)

    async def stop(self) -> None:
        """Ends. Answers under way are broken off."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= CONNECTIONS:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.transport.abort()
        self._open[writer] = None
        try:
            # What a client does wrong, or leaves undone, ends its connection and is no news.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
                await self._exchange(reader, writer)
                writer.close()
                async with asyncio.timeout(PATIENCE):
                    await writer.wait_closed()  # what is left of the answer is taken
        finally:
            writer.transport.abort()  # not closed: that waits for as long as there is something that nobody takes
            self._open.pop(writer, None)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        answer = await self._answer(method, rest.partition(" ")[0].partition("?")[0])
        phrase = HTTPStatus(answer.status).phrase
        lines = (
            f"HTTP/1.1 {answer.status} {phrase}",
            f"Content-Type: {answer.kind}",
            f"Content-Length: {len(answer.body)}",
            "Cache-Control: no-store",
            "Connection: close",
            "\r\n",
        )
        writer.write("\r\n".join(lines).encode("latin-1"))
        if method != "HEAD":
            writer.write(answer.body)
        async with asyncio.timeout(PATIENCE):
            await writer.drain()

    async def _answer(self, method: str, path: str) -> Answer:
        route = self._routes.get(path)
        if route is None:
            return Answer(status=404, kind="text/plain", body=f"Only {', '.join(self._routes)}.\n".encode())
        if method not in {"GET", "HEAD"}:
            return Answer(status=405, kind="text/plain", body=b"Only GET and HEAD.\n")
        try:
            return await route()
        except Exception:
            log.exception("a request could not be answered", extra={"path": path})
            return Answer(status=500, kind="text/plain", body=b"Could not be answered; see the log.\n")


async def get(
    port: int,
    path: str,
    *,
    timeout: float,  # noqa: ASYNC109 -- bounds all of it
    limit: int,
    host: str = "127.0.0.1",
) -> Answer:
    """What a service answers: one on this computer, unless a host is named.

    Args:
        port: where it listens.
        path: what is asked for.
        timeout: seconds for all of it.
        limit: longest answer in bytes.
        host: where it is.

    Raises:
        OSError: it does not answer, or not in time, or not in HTTP.
    """
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(host, port, limit=HEAD_LIMIT)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1"))
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            body = bytearray()
            while part := await reader.read(65536):
                body += part
                if len(body) > limit:
                    raise OSError(f"answers with more than {limit} bytes")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        if "chunked" in fields.get("transfer-encoding", "") or len(body) != int(
            fields.get("content-length", len(body))
        ):
            raise OSError("answers with a broken body")
        return Answer(status=int(head[0].split(" ")[1]), kind=fields.get("content-type", ""), body=bytes(body))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, LookupError) as error:
        raise OSError(f"does not answer in HTTP: {error}") from error
    except TimeoutError as error:
        raise OSError(f"does not answer in {timeout:g} s") from error
    finally:
        if writer is not None:
            writer.close()
