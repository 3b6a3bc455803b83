"""The HTTP ports of services and supervisor: how many may connect, how long, and how much they may send."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Literal, NamedTuple

import pytest
import uvicorn
from uvicorn.server import ServerState

from servers import Eventually
from vardkase.runtime import http_limits, httpio
from vardkase.runtime.health import Check, endpoints
from vardkase.runtime.http_limits import BoundedHttp
from vardkase.runtime.sockets import listen

MOST = 10
LONG = 32 << 20
"""More bytes than the buffers of two sockets hold."""


class Port(NamedTuple):
    """A port that is served, and how many connections it has."""

    number: int
    connections: Callable[[], int]


@pytest.fixture(params=["service", "supervisor"])
async def port(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Port]:
    """`/readyz`, and `/metrics` that are long, as a service answers them and as a supervisor does; not so patient."""
    monkeypatch.setattr(http_limits, "CONNECTIONS", MOST)
    monkeypatch.setattr(http_limits, "PATIENCE", 0.3)
    monkeypatch.setattr(httpio, "CONNECTIONS", MOST)
    monkeypatch.setattr(httpio, "PATIENCE", 0.3)
    which: Literal["service", "supervisor"] = request.param
    async with (_service if which == "service" else _supervisor)() as found:
        yield found


@contextlib.asynccontextmanager
async def _service() -> AsyncIterator[Port]:
    routes = dict(endpoints("x", lambda: [Check(name="well", ok=True)], lambda: b"x" * LONG))

    async def app(scope: dict[str, str], receive: Callable[[], Awaitable[object]], send: object) -> None:
        await routes[scope["path"]](scope, receive, send)  # type: ignore[arg-type]

    config = uvicorn.Config(app, http=BoundedHttp, log_config=None, access_log=False, ws="none", lifespan="off")
    config.load()
    state = ServerState()
    bound = listen("127.0.0.1", 0)
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttp(config, server_state=state, app_state={}), sock=bound
    )
    yield Port(bound.getsockname()[1], lambda: len(state.connections))
    server.close()
    for each in list(state.connections):
        each.transport.abort()


@contextlib.asynccontextmanager
async def _supervisor() -> AsyncIterator[Port]:
    async def ready() -> httpio.Answer:
        return httpio.Answer(body=b'{"ready": true}')

    async def metrics() -> httpio.Answer:
        return httpio.Answer(body=b"x" * LONG)

    server = httpio.HttpServer({"/readyz": ready, "/metrics": metrics})
    bound = listen("127.0.0.1", 0)
    await server.start(bound)
    yield Port(bound.getsockname()[1], lambda: server._server._active_count)  # type: ignore[union-attr] -- asyncio's own
    await server.stop()


async def answers(port: Port) -> bool:
    with contextlib.suppress(OSError):
        return (await httpio.get(port.number, "/readyz", timeout=2, limit=1000)).status == 200
    return False


Connect = Callable[..., Awaitable[socket.socket]]


@pytest.fixture
def connected(port: Port) -> Iterator[Connect]:
    """Clients that connect, send something, if anything, and then do nothing."""
    with contextlib.ExitStack() as clients:

        async def connect(text: bytes = b"") -> socket.socket:
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, ("127.0.0.1", port.number))
            await loop.sock_sendall(client, text)
            return client

        yield connect


async def test_connections_are_as_many_as_foreseen(
    port: Port, connected: Connect, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients that connect and never ask keep nobody out, make room for others, and are let go."""
    monkeypatch.setattr(http_limits, "PATIENCE", 30.0)
    monkeypatch.setattr(httpio, "PATIENCE", 30.0)
    for _ in range(5 * MOST):
        await connected()
    await eventually(lambda: port.connections() >= MOST)
    assert await answers(port)
    await eventually(lambda: port.connections() <= MOST)
    monkeypatch.setattr(http_limits, "PATIENCE", 0.1)
    monkeypatch.setattr(httpio, "PATIENCE", 0.1)
    for _ in range(5 * MOST):
        await connected()
    await eventually(lambda: port.connections() == 0, what="all let go")


async def test_who_does_not_take_the_answer_is_let_go(port: Port, connected: Connect, eventually: Eventually) -> None:
    """An answer that nobody takes is thrown away with its connection: it does not stay in memory."""
    for _ in range(3):
        await connected(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    await eventually(lambda: port.connections() == 3)
    await eventually(lambda: port.connections() == 0, what="all let go")


@pytest.mark.parametrize(
    "text",
    [
        b"GET /readyz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * 200_000,
        b"POST /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n" + b"z" * 200_000,
        b"POST /readyz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n" + b"z" * 200_000,
        b"GET /readyz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(20_000)),
        b"G",
    ],
    ids=["head", "body", "chunks", "fields", "slow"],
)
async def test_requests_are_bounded(port: Port, connected: Connect, text: bytes, eventually: Eventually) -> None:
    """A head or a body without end, and one that comes byte by byte, end their own connection, and nobody else's."""
    client, loop = await connected(), asyncio.get_running_loop()

    async def flood() -> None:
        with contextlib.suppress(OSError):  # it is cut: that is what is asked
            while True:
                await loop.sock_sendall(client, text)
                await asyncio.sleep(0.01)

    flooding = asyncio.ensure_future(flood())
    assert await answers(port)
    await eventually(flooding.done, what="cut")
    await eventually(lambda: port.connections() == 0)
