"""What a part of a node that is away means to who reads over HTTP: as docs/gateway.md says; and all heals alone."""

import asyncio
import json
import queue
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from up import Up, node_up, until
from vardkase.runtime.jetstream.connection import connect
from vardkase_contracts import subjects

pytestmark = pytest.mark.timeout(300)

POINT = "2480-umedalen-skola"
QUICKLY = {
    "SUPERVISOR_BACKOFF_MIN": "50ms",
    "SUPERVISOR_BACKOFF_MAX": "500ms",
    "SUPERVISOR_HANG": "60s",
    "WEB_HEARTBEAT": "500ms",
    "PUBLIC_GATHER": "100ms",
    "HISTORY_TIMEOUT": "2s",
}
EVENT = "application/cloudevents+json"
HELD = ("/v1/pictures/lan/24", f"/v1/points/{POINT}", "/v1/alerts", "/public/v1/points", "/publik")
"""What is answered from memory."""
ACTS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/orders", {"kind": "note", "area": "24", "role": "tib", "note": "x"}),
    ("/v1/tokens", {"role": "reader", "area": "2480"}),
    ("/login", {}),
]
"""What must be stored to be true."""
PROMPT = 15.0
"""Seconds within which every answer comes, whatever is away, on a machine that others use too."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A node of a län with an archive, and one point that anyone may see."""
    with node_up(tmp_path_factory.mktemp("node"), **QUICKLY) as up:
        with client(up) as http:
            profile = {"name": "Skola", "kind": "trygghetspunkt", "position": {"lon": 20.2, "lat": 63.8}}
            assert send(http, "register", profile | {"publish": "live"}).status_code == 202
            assert send(http, "status", {"lifecycle": "open", "occupancy": 1}).status_code == 202
            until(lambda: http.get(f"/v1/points/{POINT}").status_code == 200, "the point")
            until(lambda: http.get(f"/public/v1/points/{POINT}").status_code == 200, "the public point")
            until(lambda: http.get(f"/v1/points/{POINT}/history").status_code == 200, "the history")
        yield up


def client(up: Up) -> httpx.Client:
    """A client with the operator's token; no answer may take long."""
    return httpx.Client(
        base_url=up.told["http"], headers={"authorization": f"Bearer {up.told['token']}"}, timeout=PROMPT
    )


_numbers = iter(range(1_000_000))


def event(kind: str, data: dict[str, Any]) -> bytes:
    """A report about the point, seen now."""
    seen = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    number = next(_numbers)
    said = {"specversion": "1.0", "id": f"r{number}", "source": "urn:tp:kommun:2480", "seq": number}
    said |= {"type": f"se.trygghetspunkt.{kind}.v1", "subject": POINT, "time": seen, "reality": "act", "data": data}
    return json.dumps(said).encode()


def send(http: httpx.Client, kind: str, data: dict[str, Any]) -> httpx.Response:
    """Report about the point."""
    return http.post("/v1/reports", content=event(kind, data), headers={"content-type": EVENT})


def occupancy(http: httpx.Client) -> int:
    """How many visitors the point has, as the gateway knows it."""
    return http.get(f"/v1/points/{POINT}").json()["properties"]["facts"]["occupancy"]["value"]


class Reader:
    """A reader of a stream as a browser is one: it comes back with the last id, and notes every event."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.seen: list[tuple[str, Any]] = []
        self.connections = 0
        self.last: str | None = None
        self._url = url
        self._headers = headers
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait_for(self, kind: str, condition: Any = lambda _: True, within: float = 60.0) -> Any:
        """The data of the first event that comes from now on, of a kind and such."""
        deadline = time.monotonic() + within
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"no such {kind} came; last id {self.last}, {self.connections} connections"
            try:
                got, data = self.events.get(timeout=left)
            except queue.Empty:
                continue
            self.seen.append((got, data))
            if got == kind and condition(data):
                return data

    def kinds(self) -> list[str]:
        """The kinds of all that was waited for."""
        return [kind for kind, _ in self.seen]

    def stop(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            headers = self._headers | ({} if self.last is None else {"last-event-id": self.last})
            try:
                with httpx.stream("GET", self._url, headers=headers, timeout=PROMPT) as answer:
                    if answer.status_code == 200:
                        self.connections += 1
                        self._take(answer)
            except httpx.HTTPError:
                pass
            self._ended.wait(0.2)

    def _take(self, answer: httpx.Response) -> None:
        told: dict[str, str] = {}
        for line in answer.iter_lines():
            if self._ended.is_set():
                return
            if line:
                name, _, value = line.partition(": ")
                told[name] = value
            elif "event" in told:
                self.last = told.get("id", self.last)
                self.events.put((told["event"], json.loads(told["data"])))
                told = {}


@contextmanager
def reading(up: Up, path: str) -> Iterator[Reader]:
    """A reader of one of the node's streams."""
    reader = Reader(up.told["http"] + path, {"authorization": f"Bearer {up.told['token']}"})
    try:
        yield reader
    finally:
        reader.stop()


def raised(rule: str, status: str = "firing") -> Any:
    """Whether an alert is of a rule, and stands or has ended."""
    return lambda alert: alert["rule"] == rule and alert["status"] == status


def power(source: str) -> dict[str, Any]:
    """The point's power."""
    return {"power": {"source": source}, "staff": {"present": 4}}


def test_the_gateway_killed(node: Up) -> None:
    """Its port stays and is answered again, a reader goes on where it was and misses no alert, nothing else stops."""
    with client(node) as http, reading(node, "/v1/stream?kinds=alert,picture,state") as reader:
        assert send(http, "resources", power("mains")).status_code == 202
        reader.wait_for("live")
        before = node.pids()
        node.signal("gateway", signal.SIGKILL)
        until(lambda: httpx.get(f"{node.told['ops']}/readyz", timeout=PROMPT).status_code == 503, "told to be away")
        publish(node, event("resources", power("none")))
        publish(node, event("resources", power("mains")))
        publish(node, event("resources", power("none")))
        until(lambda: _answers(node), "it answers again")
        reader.wait_for("alert", raised("power.lost"))
        until(lambda: httpx.get(f"{node.told['ops']}/readyz", timeout=PROMPT).status_code == 200, "ready again")
        after = node.pids()
        assert {name for name in before if before[name] != after.get(name)} == {"gateway"}
        assert reader.connections >= 2
        assert "reset" not in reader.kinds()
        assert send(http, "resources", power("mains")).status_code == 202
        reader.wait_for("alert", raised("power.lost", "cleared"))


@pytest.mark.slow
def test_nats_away(node: Up) -> None:
    """What is held is read on; nothing is taken that could not be stored; readers keep their streams; then all goes on.

    A report that was answered 503 and is sent again counts once.
    """
    with (
        client(node) as http,
        reading(node, "/v1/stream?kinds=alert,state") as reader,
        reading(node, "/public/v1/stream") as public,
    ):
        assert send(http, "status", {"lifecycle": "open", "occupancy": 7}).status_code == 202
        until(lambda: occupancy(http) == 7, "the report counts")
        reader.wait_for("live")
        public.wait_for("live", lambda told: told["live"])
        unsent = event("status", {"lifecycle": "open", "occupancy": 9})
        node.signal("nats-server", signal.SIGSTOP)
        try:
            for path in HELD:
                assert http.get(path).status_code == 200, path
            refused = http.post("/v1/reports", content=unsent, headers={"content-type": EVENT})
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) >= 1
            for path, said in ACTS:
                answer = http.post(path, json=said | ({"token": node.told["token"]} if path == "/login" else {}))
                assert (answer.status_code, "retry-after" in answer.headers) == (503, True), (path, answer.text)
            assert http.get(f"/v1/points/{POINT}/history").status_code == 503
            public.wait_for("live", lambda told: not told["live"])
            assert http.get("/public/v1/points").json()["live"] is False
            assert httpx.get(f"{node.told['ops']}/readyz", timeout=PROMPT).status_code == 503
            assert occupancy(http) == 7
        finally:
            node.signal("nats-server", signal.SIGKILL)

        def taken() -> bool:
            answer = http.post("/v1/reports", content=unsent, headers={"content-type": EVENT})
            assert answer.status_code in {200, 202, 503}, answer.text
            return answer.status_code != 503

        until(taken, "it is taken again")
        until(lambda: occupancy(http) == 9, "it counts")
        public.wait_for("live", lambda told: told["live"])
        reader.wait_for("state", lambda state: state["facts"]["occupancy"]["value"] == 9)
        until(lambda: http.get("/public/v1/points").json()["live"], "live again")
        until(lambda: httpx.get(f"{node.told['ops']}/readyz", timeout=PROMPT).status_code == 200, "ready again")
        assert reader.connections == public.connections == 1, "their streams stayed"
        assert "reset" not in reader.kinds() + public.kinds()
        name = json.loads(unsent)["id"]

        def counted() -> int:
            said = http.get(f"/v1/points/{POINT}/history?limit=500").json()
            return [each["report"]["id"] for each in said["reports"]].count(name) if "reports" in said else 0

        until(lambda: counted() > 0, "the archive has it")
        assert counted() == 1


def test_postgres_away(node: Up) -> None:
    """What is now is read, reported and told on; history answers 503, and is back by itself with all of it."""
    with client(node) as http, reading(node, "/v1/stream?kinds=state") as reader:
        reader.wait_for("live")
        history = f"/v1/points/{POINT}/history?limit=500"
        node.signal("postgres", signal.SIGSTOP)
        try:
            for path in (history, "/v1/pictures/lan/24?at=2026-11-20T12:00:00Z"):
                began = time.monotonic()
                answer = http.get(path)
                assert (answer.status_code, "retry-after" in answer.headers) == (503, True), answer.text
                assert time.monotonic() - began < PROMPT
            assert http.get("/v1/pictures/lan/24").status_code == 200
            told = send(http, "status", {"lifecycle": "open", "occupancy": 33})
            assert told.status_code == 202
            reader.wait_for("state", lambda state: state["facts"]["occupancy"]["value"] == 33)
            assert httpx.get(f"{node.told['ops']}/readyz", timeout=PROMPT).status_code == 200
        finally:
            node.signal("postgres", signal.SIGKILL)

        def is_there() -> bool:
            answer = http.get(history)
            assert answer.status_code in {200, 503}
            return answer.status_code == 200 and told.json()["id"] in answer.text

        until(is_there, "the history has it")
        assert reader.connections == 1


def _answers(up: Up) -> bool:
    try:
        with client(up) as http:
            return http.get("/v1/me").status_code == 200
    except httpx.HTTPError:
        return False


def publish(up: Up, data: bytes) -> None:
    """Report by NATS, without the gateway."""

    async def put() -> None:
        nc = await connect(up.told["nats"], name="test")
        try:
            said = json.loads(data)
            kind = said["type"].split(".")[2]
            await nc.request(subjects.report("act", "2480", POINT[5:], kind), data, timeout=10)
        finally:
            await nc.close()

    asyncio.run(put())
