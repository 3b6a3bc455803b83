"""What tests share: a real nats-server, clients to it, a link that can be cut, and waiting for what must come true."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

import needs
from postgres import Postgres
from servers import Dial, Eventually, Link, MakeServer, NatsServer
from vardkase.runtime.jetstream.connection import Connection, connect


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that needs a program which is not there is skipped, or fails where it was to be installed."""
    needs.look_for(item)


_ASKED_FOR: Final = {
    "slow": "takes some ten seconds or more: run it with -m slow",
    "campaign": "a long campaign: run it with -m campaign",
}
#: Where every test starts a browser and a node, or the nodes of three levels.
_SLOW_ROOMS: Final = ("browser", "federation")
#: Tests that wait for whole nodes come first, so that the last to end is a file of quick ones.
_LONGEST_FIRST: Final = ("federation", "browser", "faults", "integration", "acceptance")


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what was not asked for
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Rooms of whole nodes first, each in its own order; what takes long only if it is asked for by its mark."""
    items.sort(key=lambda item: _rank(item.path.parent.name))
    for item in items:
        if item.path.parent.name in _SLOW_ROOMS and item.get_closest_marker("campaign") is None:
            item.add_marker("slow")
    for name, reason in _ASKED_FOR.items():
        if name in config.option.markexpr:
            continue
        for item in items:
            marker = item.get_closest_marker(name)
            if marker is not None and not marker.kwargs.get("quick"):
                item.add_marker(pytest.mark.skip(reason=reason))


def _rank(room: str) -> int:
    return _LONGEST_FIRST.index(room) if room in _LONGEST_FIRST else len(_LONGEST_FIRST)


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """Waiting for a condition, plain or async, with a bound."""

    async def wait(condition: Callable[[], object], *, what: str = "the condition", within: float = 10.0) -> None:
        deadline = time.monotonic() + within
        while True:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return
            assert time.monotonic() < deadline, f"{what} did not come true in {within} s"
            await asyncio.sleep(0.02)

    return wait


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    """Makes and starts nats-servers that end with the test."""
    servers: list[NatsServer] = []

    def make(name: str = "nats", *, sync: str = "always", extra: str = "") -> NatsServer:
        server = NatsServer(tmp_path / name, sync=sync, extra=extra)
        servers.append(server)
        server.start()
        return server

    yield make
    for server in servers:
        server.kill()


@pytest.fixture
def nats_server(make_server: MakeServer) -> NatsServer:
    """A nats-server with JetStream, synced always."""
    return make_server()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for all tests. Who kills it, starts it again."""
    server = Postgres(synced=False)
    server.start()
    yield server
    server.close()


@pytest.fixture
async def database(postgres: Postgres) -> str:
    """The URL of an empty database."""
    return await postgres.database()


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    """Connecting; the connections end with the test."""
    connections: list[Connection] = []

    async def make(url: str, **options: object) -> Connection:
        settings: dict[str, object] = {"name": "test", "reconnect_wait": 0.05, "ping_interval": 1.0} | options
        connection = await connect(url, **settings)  # type: ignore[arg-type]
        connections.append(connection)
        return connection

    yield make
    for connection in connections:
        await connection.close()


@pytest.fixture
async def nc(nats_server: NatsServer, dial: Dial) -> Connection:
    """A connection to `nats_server`."""
    return await dial(nats_server.url)


@pytest.fixture
async def link(nats_server: NatsServer) -> AsyncIterator[Link]:
    """A link to `nats_server` that can be cut."""
    proxy = Link(nats_server.port)
    await proxy.start()
    yield proxy
    await proxy.stop()
