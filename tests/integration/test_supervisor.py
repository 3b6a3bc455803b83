"""A node's processes: started, started again, stopped in order, and never left behind."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from servers import Eventually, MakeServer, NatsServer, stop_still
from vardkase.runtime.errors import WRONG_USE, Failed
from vardkase.runtime.jetstream.connection import connect
from vardkase.runtime.settings import Settings, load
from vardkase.runtime.sockets import listen
from vardkase.runtime.supervisor import Supervisor

TINY = Path(__file__).with_name("tiny_service.py")
FAST: dict[str, Any] = {
    "supervisor": {
        "backoff_min": 0.05,
        "backoff_max": 0.4,
        "poll": 0.1,
        "probe_timeout": 0.5,
        "stop_grace": 5,
        "streams_poll": 600,  # streams are made when the tests say, however long a start takes
    },
    "link": {"reconnect_wait": 0.05},
    "health": {"stall": 1, "stop_timeout": 2},
}


def tiny(name: str) -> Sequence[str]:
    return (sys.executable, str(TINY), name)


class TestBus:
    """The test's nats-server as the node's own."""

    __test__ = False

    def __init__(self, server: NatsServer) -> None:
        self.server = server
        self.starts = 0
        self.stopped = False

    async def start(self) -> None:
        """Starts it on its port and store."""
        self.starts += 1
        await asyncio.to_thread(self.server.start)

    async def wait(self) -> int:
        """Waits for its end."""
        assert self.server._process is not None
        return await asyncio.to_thread(self.server._process.wait)

    async def stop(self) -> None:
        """Ends it."""
        self.stopped = True
        self.server.kill()


class Node:
    """A supervisor that runs in the test's process, and what the test sees of it."""

    def __init__(self, settings: Settings, services: Sequence[str], bus: TestBus) -> None:
        self.bus = bus
        self.prepared = 0
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        self.ready = asyncio.Event()
        self.supervisor = Supervisor(
            settings,
            services=services,
            bus=bus,
            variables=lambda: {"nats_url": bus.server.url},
            prepare=self._prepare,
            bound=listen("127.0.0.1", 0),
            command=tiny,
        )
        self.ending = asyncio.ensure_future(self.supervisor.run(stop=self.stop, hurry=self.hurry, ready=self._tell))

    async def _prepare(self) -> None:
        self.prepared += 1

    async def _tell(self) -> None:
        self.ready.set()

    async def up(self) -> None:
        """Waits until it is ready."""
        waiting = asyncio.ensure_future(self.ready.wait())
        await asyncio.wait({waiting, self.ending}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        assert self.ready.is_set(), [*self.supervisor.checks()]

    async def get(self, path: str) -> tuple[int, str]:
        """What the node answers."""

        def ask() -> tuple[int, str]:
            try:
                with urllib.request.urlopen(self.supervisor.http + path, timeout=5) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read().decode()

        return await asyncio.to_thread(ask)

    async def status(self) -> int:
        """The status of `/readyz`."""
        return (await self.get("/readyz"))[0]

    def pid(self, name: str) -> int:
        """The process of a service."""
        pids = {child.name: child.pid for child in self.supervisor.children}
        assert pids[name] is not None
        return pids[name]

    async def tell(self, name: str, what: str) -> None:
        """Asks a service for a fault."""
        nc = await connect(self.bus.server.url, name="test")
        try:
            await nc.request(f"tiny.{name}.{what}", timeout=5)
        finally:
            await nc.close()


MakeNode = Callable[..., Node]


@pytest.fixture
async def make_node(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeNode]:
    for name in [name for name in os.environ if name.upper().startswith("VARDKASE_")]:
        monkeypatch.delenv(name)
    nodes: list[Node] = []

    def make(*services: str, **changes: Any) -> Node:
        server = make_server()
        server.kill()
        node = Node(load(**{**FAST, **changes}), services, TestBus(server))
        nodes.append(node)
        return node

    yield make
    for node in nodes:
        node.hurry.set()
        node.stop.set()
        with contextlib.suppress(Exception):
            await node.ending


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].strip().startswith("Z")


async def test_a_node_is_ready_when_all_its_services_are(make_node: MakeNode) -> None:
    """Ready is told once everything is; then the node's checks are those of NATS and of each service."""
    node = make_node("a", "b")
    assert await node.status() == 503
    await node.up()
    status, body = await node.get("/readyz")
    assert status == 200
    names = [check["name"] for check in json.loads(body)["checks"]]
    assert names == ["node", "nats", *(f"{n}: {c}" for n in "ab" for c in ("nats node", "started", "health"))]
    assert json.loads((await node.get("/healthz"))[1])["status"] == "ok"
    assert (node.prepared, node.bus.starts) == (1, 1)


async def test_a_service_that_is_not_ready_makes_the_node_so_within_a_second(
    make_node: MakeNode, eventually: Eventually
) -> None:
    """The node's readiness follows what each service says, and names what is wrong."""
    node = make_node("a", "b")
    await node.up()
    await node.tell("b", "ill")

    async def not_ready() -> bool:
        return await node.status() == 503

    await eventually(not_ready, within=1.5)
    failing = [c for c in json.loads((await node.get("/readyz"))[1])["checks"] if not c["ok"]]
    assert failing == [{"name": "b: health", "ok": False, "detail": "ill"}]


@pytest.mark.parametrize("fault", ["kill", "die", "hang"])
async def test_a_service_that_dies_is_started_again(make_node: MakeNode, eventually: Eventually, fault: str) -> None:
    """Killed, with a task that ended or with an event loop that stands still: the service is started again."""
    node = make_node("a", "b")
    await node.up()
    first, other = node.pid("a"), node.pid("b")
    if fault == "kill":
        os.kill(first, signal.SIGKILL)
    else:
        await node.tell("a", fault)
    child = node.supervisor.children[0]
    await eventually(lambda: not child.ready, within=5)
    await eventually(lambda: child.ready, within=15)
    assert not alive(first)
    assert node.pid("a") != first
    assert node.pid("b") == other
    assert await node.status() == 200
    restarts = 'vardkase_node_restarts_total{service="a"} 1'
    assert restarts in (await node.get("/metrics"))[1]


async def test_a_service_that_always_fails_is_tried_again_and_the_others_run(
    make_node: MakeNode, eventually: Eventually, capfd: pytest.CaptureFixture[str]
) -> None:
    """It never gives up, waits longer each time, says why; what is well goes on."""
    node = make_node("a", "fails")
    failing = node.supervisor.children[1]
    await eventually(lambda: failing.restarts >= 3, within=25)
    assert node.supervisor.children[0].ready
    assert await node.status() == 503
    assert not node.ready.is_set()
    assert "cannot, being tiny" in capfd.readouterr().err


async def test_a_service_that_refuses_its_settings_ends_the_node(make_node: MakeNode) -> None:
    """Starting it again cannot help: the node ends with "wrong use", and the service has said why."""
    node = make_node("a", "refuses")
    assert await node.ending == WRONG_USE
    assert node.bus.stopped


async def test_nats_that_dies_is_started_again_and_its_streams_made(
    make_node: MakeNode, eventually: Eventually
) -> None:
    """NATS comes back on its port and store, the streams are looked after again, the services are the same."""
    node = make_node("a")
    await node.up()
    service = node.pid("a")
    assert node.bus.server._process is not None
    node.bus.server._process.kill()

    async def not_ready() -> bool:
        return await node.status() == 503

    await eventually(not_ready, within=1.5)
    await eventually(lambda: node.prepared == 2, within=10)
    await eventually(lambda: node.supervisor.children[0].ready, within=10)
    assert node.pid("a") == service
    assert node.bus.starts == 2


async def test_a_node_whose_streams_cannot_be_made_ends_with_one_line(
    make_node: MakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be started the first time is told to the one who started it, and nothing is left running."""
    node = make_node("a")

    async def cannot() -> None:
        raise Failed("the disk is full")

    monkeypatch.setattr(node.supervisor, "_prepare", cannot)
    with pytest.raises(Failed, match="the disk is full"):
        await node.ending
    assert node.bus.stopped
    assert node.supervisor.children[0].pid is None


async def test_stopping_lets_services_finish_before_nats(
    make_node: MakeNode, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Services end first, by themselves; NATS is there until they have."""
    monkeypatch.setenv("TINY_STOP", "0.5")
    node = make_node("a", "b")
    await node.up()
    pids = [node.pid("a"), node.pid("b")]
    seen: list[bool] = []
    stop = node.bus.stop

    async def stop_nats() -> None:
        seen.extend(alive(pid) for pid in pids)
        await stop()

    monkeypatch.setattr(node.bus, "stop", stop_nats)
    node.stop.set()
    assert await node.ending == 0
    assert seen == [False, False]
    told = capfd.readouterr().err
    assert "a finished" in told
    assert "b finished" in told
    assert "Traceback" not in told


async def test_who_is_in_a_hurry_does_not_wait(make_node: MakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second signal ends what is still busy."""
    monkeypatch.setenv("TINY_STOP", "30")
    node = make_node("a")
    await node.up()
    node.stop.set()
    node.hurry.set()
    async with asyncio.timeout(3):
        assert await node.ending == 0


async def test_stopping_while_starting_leaves_nothing(
    make_node: MakeNode, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    """A node that is stopped before it was ready ends like any other."""
    monkeypatch.setenv("TINY_SLOW", "1")
    node = make_node("a")
    child = node.supervisor.children[0]
    await eventually(lambda: child.pid is not None)
    pid = node.pid("a")
    node.stop.set()
    assert await node.ending == 0
    assert not alive(pid)


async def test_metrics_of_all_are_one_valid_exposition(make_node: MakeNode) -> None:
    """Each family stands once, each sample names its service."""
    node = make_node("a", "b")
    await node.up()
    for _ in range(2):
        await node.tell("a", "count")
    await node.tell("b", "count")
    status, text = await node.get("/metrics")
    assert status == 200
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    values = {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}
    of = ("kind", "status"), ("outcome", "accepted"), ("reality", "act")
    assert values["vardkase_reports_total", *of, ("service", "a")] == 2
    assert values["vardkase_reports_total", *of, ("service", "b")] == 1
    assert values["vardkase_service_up", ("service", "b")] == 1
    assert values[("vardkase_node_ready",)] == 1


async def test_a_service_that_is_frozen_costs_its_own_metrics_alone(
    make_node: MakeNode, eventually: Eventually
) -> None:
    """Metrics come in bounded time, and the node is not ready; thawed, it is again."""
    node = make_node("a", "b")
    await node.up()
    pid = node.pid("a")
    stop_still(pid)
    try:
        async with asyncio.timeout(2):
            _, text = await node.get("/metrics")
        assert 'vardkase_node_metrics_ok{service="a"} 0' in text
        assert 'vardkase_service_up{service="b"} 1.0' in text

        async def not_ready() -> bool:
            return await node.status() == 503

        await eventually(not_ready, within=2)
    finally:
        os.kill(pid, signal.SIGCONT)

    async def is_ready() -> bool:
        return await node.status() == 200

    await eventually(is_ready, within=3)
    assert node.pid("a") == pid


@pytest.mark.slow
async def test_a_service_that_answers_nothing_for_too_long_is_killed(
    make_node: MakeNode, eventually: Eventually
) -> None:
    """Even one that cannot notice itself, being stopped, is started again."""
    node = make_node("a", supervisor={**FAST["supervisor"], "hang": 6})
    await node.up()
    pid = node.pid("a")
    stop_still(pid)
    child = node.supervisor.children[0]
    await eventually(lambda: child.restarts == 1, within=10)
    await eventually(lambda: child.ready, within=10)
    assert not alive(pid)
