"""A service as a process: connected, started, asked, stopped; and what makes it end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tiny_service import Tiny, build

from servers import Eventually, MakeServer, NatsServer, free_port
from vardkase.runtime import httpio
from vardkase.runtime.errors import FAILED, WRONG_USE, Refused
from vardkase.runtime.jetstream.connection import Connection, connect
from vardkase.runtime.service import Application
from vardkase.runtime.settings import environment, load

TINY = Path(__file__).with_name("tiny_service.py")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith("VARDKASE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def make(url: str, name: str = "tiny", **changes: Any) -> tuple[Application, Tiny]:
    groups = {"link": {"reconnect_wait": 0.05}, "health": {"start_timeout": 5, "stop_timeout": 2}}
    app = build(load(**{"nats_url": url, **groups, **changes}), name)
    assert isinstance(app.service, Tiny)
    return app, app.service


@asynccontextmanager
async def running(app: Application) -> AsyncIterator[list[str]]:
    """The application's lifespan, as a web server runs it; what it told the server."""
    told: list[str] = []
    end = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not told:
            return {"type": "lifespan.startup"}
        await end.wait()
        return {"type": "lifespan.shutdown"}

    async def send(message: Any) -> None:
        told.append(message["type"])

    lifespan = asyncio.ensure_future(app({"type": "lifespan"}, receive, send))
    try:
        yield told
    finally:
        end.set()
        await lifespan


async def ask(app: Application, path: str, method: str = "GET") -> tuple[int, bytes]:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "path": path, "method": method}, receive, send)
    return sent[0]["status"], sent[1]["body"]


def ready(app: Application) -> bool:
    return all(check.ok for check in app.checks())


async def test_a_service_is_ready_while_it_is_started_connected_and_well(
    nats_server: NatsServer, eventually: Eventually
) -> None:
    """It answers before it is connected, is ready when its checks hold, and stops in order."""
    app, tiny = make(nats_server.url)
    assert (await ask(app, "/readyz"))[0] == 503
    assert (await ask(app, "/healthz"))[0] == 200
    async with running(app) as told:
        await eventually(lambda: ready(app))
        status, body = await ask(app, "/readyz")
        assert (status, json.loads(body)["ready"]) == (200, True)
        assert b"vardkase_service_up 1.0" in (await ask(app, "/metrics"))[1]
        tiny.healthy = False
        status, body = await ask(app, "/readyz")
        assert status == 503
        assert {"name": "health", "ok": False, "detail": "ill"} in json.loads(body)["checks"]
        assert await ask(app, "/readyz", "HEAD") == (503, b"")
        assert (await ask(app, "/readyz", "POST"))[0] == 405
        assert (await ask(app, "/other"))[0] == 404
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert app.fate.code == 0
    assert not ready(app)


async def test_readiness_that_cannot_be_found_out_is_none(nats_server: NatsServer, eventually: Eventually) -> None:
    """A check that raises is a service that is not ready, not an error page."""
    app, tiny = make(nats_server.url)
    async with running(app):
        await eventually(lambda: ready(app))

        def broken() -> list[Any]:
            raise KeyError("x")

        tiny.checks = broken  # type: ignore[method-assign]
        status, body = await ask(app, "/readyz")
        assert status == 503
        assert json.loads(body)["checks"][0]["name"] == "checks"


async def test_a_start_that_fails_ends_the_process_in_order(nats_server: NatsServer, eventually: Eventually) -> None:
    """A service that cannot start is stopped all the same, and the process is to end with 1."""
    app, _ = make(nats_server.url, "fails")
    ended: list[bool] = []
    app.fate.on_fail(lambda: ended.append(True))
    async with running(app) as told:
        await eventually(lambda: ended)
    assert app.fate.code == FAILED
    assert told[-1] == "lifespan.shutdown.complete"


async def test_a_refusal_while_starting_is_wrong_use(
    nats_server: NatsServer, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the user must mend is told as such, with exit code 2."""

    async def start(_: Tiny, __: Connection) -> None:
        raise Refused("VARDKASE_RULES_FILE: expected rules")

    monkeypatch.setattr(Tiny, "start", start)
    app, _ = make(nats_server.url)
    async with running(app):
        await eventually(lambda: app.fate.reason)
    assert app.fate.code == WRONG_USE
    assert app.fate.reason == "tiny could not start: VARDKASE_RULES_FILE: expected rules"


async def test_a_start_that_takes_too_long_ends_the_process(
    nats_server: NatsServer, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing waits for ever."""
    monkeypatch.setenv("TINY_SLOW", "1")
    app, _ = make(nats_server.url, health={"start_timeout": 0.2})
    async with running(app):
        await eventually(lambda: app.fate.code == FAILED)


async def test_a_task_that_ends_ends_the_process(nats_server: NatsServer, eventually: Eventually) -> None:
    """A background task that died is never overlooked."""
    app, _ = make(nats_server.url)
    async with running(app):
        await eventually(lambda: ready(app))
        nc = await connect(nats_server.url, name="test")
        await nc.request("tiny.tiny.die")
        await nc.close()
        await eventually(lambda: app.fate.code == FAILED)
    assert app.fate.reason == "the task work ended"


async def test_without_nats_a_service_waits_and_is_not_ready(make_server: MakeServer, eventually: Eventually) -> None:
    """A server that is away is waited for; the check says so; when it comes the service starts."""
    server = make_server()
    server.kill()
    app, _ = make(server.url)
    async with running(app):
        await eventually(lambda: app.checks()[0].detail.startswith("connecting: "))
        assert app.fate.reason is None
        server.start()
        await eventually(lambda: ready(app))
        server.kill()
        await eventually(lambda: not ready(app))
        assert b'vardkase_nats_connected{account="node"} 0.0' in (await ask(app, "/metrics"))[1]
        server.start()
        await eventually(lambda: ready(app))
    assert app.fate.code == 0


async def test_a_wrong_password_is_told_and_tried_again(make_server: MakeServer, eventually: Eventually) -> None:
    """The user may be added at any time; until then the check says what is wrong."""
    server = make_server(extra="authorization { user: a, password: b }")
    app, _ = make(f"nats://a:wrong@127.0.0.1:{server.port}")
    async with running(app):
        await eventually(lambda: "authorization violation" in app.checks()[0].detail.lower())
        assert app.fate.reason is None
    assert app.fate.code == 0


@pytest.mark.parametrize("ever", [False, True])
async def test_a_service_stops_in_order_while_nats_is_away(
    make_server: MakeServer, eventually: Eventually, *, ever: bool
) -> None:
    """SIGTERM during an outage is a clean stop, whether there ever was a connection or not."""
    server = make_server()
    if not ever:
        server.kill()
    app, _ = make(server.url)
    began = time.monotonic()
    async with running(app) as told:
        if ever:
            await eventually(lambda: ready(app))
            server.kill()
        await eventually(lambda: not app.checks()[0].ok and app.checks()[0].detail)
    assert told[-1] == "lifespan.shutdown.complete"
    assert app.fate.code == 0
    assert time.monotonic() - began < 5


async def test_a_link_that_stays_down_ends_the_process(make_server: MakeServer, eventually: Eventually) -> None:
    """A connection that was up and does not come back is begun anew with a new process."""
    server = make_server()
    app, _ = make(server.url, link={"reconnect_wait": 0.05, "give_up": 0.5})
    async with running(app):
        await eventually(lambda: ready(app))
        server.kill()
        await eventually(lambda: app.fate.code == FAILED)
    assert app.fate.reason == "the connection to NATS (node) has been down for 0.5 s"


class Process:
    """A tiny service in a process of its own."""

    def __init__(self, url: str, **changes: Any) -> None:
        self.port = free_port()
        self._lifeline, self._ours = os.pipe()
        settings = load(nats_url=url, http_port=self.port, **changes)
        self.process = subprocess.Popen(
            [sys.executable, TINY, "tiny"],
            env=environment(settings, lifeline_fd=self._lifeline),
            pass_fds=[self._lifeline],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        os.close(self._lifeline)

    def go(self) -> None:
        """As the supervisor: it may start."""
        os.write(self._ours, b"g")

    def let_go(self) -> None:
        """As a supervisor that died."""
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    async def ready(self) -> bool:
        """Whether it says that it is."""
        try:
            return (await httpio.get(self.port, "/readyz", timeout=1, limit=10_000)).status == 200
        except OSError:
            return False

    async def end(self) -> tuple[int, str]:
        """Waits for its end: exit code, and what it told."""
        out, _ = await asyncio.to_thread(self.process.communicate, timeout=15)
        return self.process.returncode, out.decode()


@pytest.fixture
def start(nats_server: NatsServer) -> Iterator[Callable[..., Process]]:
    processes: list[Process] = []

    def start(**changes: Any) -> Process:
        processes.append(Process(nats_server.url, **changes))
        return processes[-1]

    yield start
    for process in processes:
        process.let_go()
        process.process.kill()
        process.process.communicate()


async def test_sigterm_is_a_clean_stop(
    start: Callable[..., Process], eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service waits for its go; at SIGTERM it finishes what it has in hand and ends with 0, without a trace."""
    monkeypatch.setenv("TINY_STOP", "0.2")
    process = start()
    await asyncio.sleep(0)
    assert not await process.ready()
    process.go()
    await eventually(process.ready)
    process.process.send_signal(signal.SIGTERM)
    code, out = await process.end()
    assert code == 0
    assert "tiny finished" in out
    assert "Traceback" not in out


async def test_a_loop_that_stands_still_ends_the_process_with_its_stacks(
    start: Callable[..., Process], eventually: Eventually, nats_server: NatsServer
) -> None:
    """What the loop cannot tell itself, the watchdog does."""
    process = start(health={"stall": 0.8, "beat": 0.1})
    process.go()
    await eventually(process.ready)
    nc = await connect(nats_server.url, name="test")
    await nc.request("tiny.tiny.hang", timeout=2)
    await nc.close()
    code, out = await process.end()
    assert code == FAILED
    assert "the event loop stands still" in out
    assert "tiny_service.py" in out


@pytest.mark.parametrize("gone", [False, True])
async def test_a_service_ends_with_its_supervisor(
    start: Callable[..., Process], eventually: Eventually, *, gone: bool
) -> None:
    """When the supervisor dies, before it gave its go or after, no service stays behind."""
    process = start()
    if gone:
        process.go()
        await eventually(process.ready)
    process.let_go()
    code, out = await process.end()
    assert (code == 0, "tiny finished" in out) == (gone, gone)
