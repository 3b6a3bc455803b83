"""A notifier with real receivers: Debian's Alertmanager, and a small webhook receiver that can misbehave."""

import asyncio
import base64
import contextlib
import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import yaml

from gateway_kit import alert_of
from servers import free_port
from vardkase.federation import topology
from vardkase.notifier import signing
from vardkase.notifier.app import Notifier
from vardkase.runtime.jetstream.connection import Connection, connect
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.setting_types import seconds
from vardkase.runtime.settings import load
from vardkase_contracts import subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import iso
from vardkase_contracts.schemas import example
from vardkase_contracts.vocab import Reality

CONFIG: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[1] / "infra" / "alertmanager" / "alertmanager.yml").read_text()
)
"""The configuration that operators are given."""


def scaled(speed: float) -> dict[str, Any]:
    """The route for officers in skarpt läge, as operators are given it, for a clock that goes so many times as fast."""

    def faster(route: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {name: value for name, value in route.items() if name != "receiver"}
        for name in ("group_wait", "group_interval"):
            if name in made:
                made[name] = f"{max(1, round(1000 * seconds(made[name]) / speed))}ms"
        return made | {"routes": [faster(each) for each in route.get("routes", ())]}

    found = next(each for each in CONFIG["route"]["routes"] if each["receiver"] == "officers")
    return faster({name: value for name, value in found.items() if name != "matchers"}) | {"receiver": "sink"}


@dataclass
class Got:
    """A request that a webhook got."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


#: What a path answers: a status, and seconds before it.
Behaviour = Callable[[Got], tuple[int, float]]


class Sink:
    """A webhook receiver: keeps what comes, by path, and answers as it is told."""

    def __init__(self) -> None:
        self.port = free_port()
        self.got: list[Got] = []
        self.behaviour: dict[str, Behaviour] = {}
        #: Headers that a path answers with.
        self.headers: dict[str, str] = {}
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._client, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Stop listening, and cut what is open."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def to(self, path: str) -> list[Got]:
        """What a path got."""
        return [each for each in self.got if each.path == path]

    def told(self, path: str) -> list[str]:
        """What a webhook of ours was told: "raised red power.lost/2480-x"."""
        return [_line(each.json) for each in self.to(path)]

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
                    body = await reader.readexactly(int(headers.get("content-length", "0")))
                    got = Got(head[0].split(" ")[1], headers, body)
                    self.got.append(got)
                    status, wait = self.behaviour.get(got.path, lambda _: (200, 0.0))(got)
                    if wait:
                        await asyncio.sleep(wait)
                    more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
                    writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n{more}\r\nok".encode())
                    await writer.drain()
        except asyncio.CancelledError:
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()


def _line(body: Any) -> str:
    labels = body["data"]["labels"]
    return f"{body['type'].partition('.')[2]} {labels['level']} {labels['key']}"


class AlertmanagerServer:
    """A real Alertmanager, on one port and one store for all its lives; notifies a path of a sink.

    Args:
        directory: where it keeps its files.
        sink: the URL that it notifies.
        wait: `group_wait`.
        interval: `group_interval`.
        group_by: labels.
        route: instead of these three.
        kept: how often it writes to disk what it has notified of.
    """

    def __init__(
        self,
        directory: Path,
        sink: str,
        *,
        wait: str = "0s",
        interval: str = "1s",
        group_by: Sequence[str] = ("reality", "kommun", "rule"),
        route: Mapping[str, Any] | None = None,
        kept: str = "1s",
    ) -> None:
        self._kept = kept
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        route = route or {
            "receiver": "sink",
            "group_by": list(group_by),
            "group_wait": wait,
            "group_interval": interval,
            "repeat_interval": "4h",
        }
        receiver = {"name": "sink", "webhook_configs": [{"url": sink, "send_resolved": True}]}
        config = {"route": dict(route), "receivers": [receiver], "inhibit_rules": CONFIG["inhibit_rules"]}
        self._config = directory / "alertmanager.yml"
        self._config.write_text(yaml.safe_dump(config))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        with (self.directory / "out").open("ab") as out:
            self._process = subprocess.Popen(
                [
                    "prometheus-alertmanager",
                    f"--config.file={self._config}",
                    f"--storage.path={self.directory / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--cluster.listen-address=",
                    f"--data.maintenance-interval={self._kept}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/-/ready", timeout=1) as answer:
                if answer.status == 200:
                    return
            assert time.monotonic() < deadline, (self.directory / "out").read_text()[-2000:]
            time.sleep(0.02)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End it, and see it dead."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)
            self._process = None

    def alerts(self, query: str = "") -> dict[str, str]:
        """What it holds: the level and state of each key ("red active", "red suppressed")."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts{query}", timeout=5) as answer:
            held = json.load(answer)
        return {each["labels"]["key"]: f"{each['labels']['level']} {each['status']['state']}" for each in held}

    def silences(self) -> list[Any]:
        """Its silences that are in force."""
        with urllib.request.urlopen(f"{self.url}/api/v2/silences", timeout=5) as answer:
            return [each for each in json.load(answer) if each["status"]["state"] == "active"]


def seen(got: Sequence[Got]) -> list[tuple[str, list[str]]]:
    """What Alertmanager notified: of each notification its group's rule, and its alerts ("firing red power.lost/…")."""
    found = []
    for each in got:
        alerts = [f"{a['status']} {a['labels']['level']} {a['labels']['key']}" for a in each.json["alerts"]]
        found.append((each.json["groupLabels"].get("rule", ""), sorted(alerts)))
    return found


class World:
    """The alerts of a node, published by hand, as its aggregator would."""

    def __init__(self, nc: Connection) -> None:
        self.nc = nc
        self._number = 0

    async def alert(
        self, key: str, level: str = "red", *, reality: Reality = "act", event: str | None = None, **changes: Any
    ) -> int:
        """An alert stands, or has changed."""
        self._number += 1
        now = iso(time.time_ns() // 1000)
        document = {
            "level": level,
            "raised_at": now,
            "changed_at": now,
            "alert_id": event or f"id-{key.replace('/', '-')}",
            "acks": [],
            **changes,
        }
        return await self._publish(key, alert_of(key, reality=reality, **document), reality)

    async def clear(self, key: str, level: str = "red", *, reality: Reality = "act", **changes: Any) -> int:
        """An alert has ended."""
        return await self.alert(
            key, level, reality=reality, **{"status": "cleared", "cleared_reason": "recovered", **changes}
        )

    async def picture(self, code: str, *requests: Any, reality: Reality = "act") -> int:
        """An area's picture shows these requests for reports."""
        area = Area.parse(code)
        document = example("picture") | {
            "reality": reality,
            "level": area.level,
            "code": code,
            "name": area.name,
            "requests": list(requests),
        }
        data = orjson.dumps(document)
        answer = json.loads((await self.nc.request(subjects.picture(reality, area), data, timeout=5)).data)
        return answer["seq"]

    async def _publish(self, key: str, document: Any, reality: Reality) -> int:
        data = json.dumps(document, ensure_ascii=False).encode()
        answer = json.loads((await self.nc.request(subjects.alert(reality, key), data, timeout=5)).data)
        return answer["seq"]


@asynccontextmanager
async def running_notifier(url: str, directory: Path, *, area: str = "SE", **settings: Any) -> AsyncIterator[Notifier]:
    """A notifier in the test's process, on a server whose streams are made."""
    group = {"resend": 1.0, "backoff_min": 0.1, "backoff_max": 0.5, "timeout": 1.0, "lease": 2.0}
    group |= settings.pop("notify", {})
    made = load(nats_url=url, area=area, data_dir=directory, notify=group, **settings)
    notifier = Notifier(made, Metrics())
    nc = await connect(url, name="notifier", reconnect_wait=0.05)
    try:
        await notifier.start(nc)
        yield notifier
    finally:
        await notifier.stop()
        await nc.close()


async def streams_of(nc: Connection, area: str = "SE") -> None:
    """The node's streams."""
    await topology.ensure(nc, Area.parse(area), share=0.05)


def verified(got: Got, secret: bytes) -> bool:
    """Whether a request is signed as Standard Webhooks wants it."""
    wanted = signing.headers(
        id=got.headers["webhook-id"], timestamp=int(got.headers["webhook-timestamp"]), body=got.body, secret=secret
    )
    return wanted["webhook-signature"] in got.headers["webhook-signature"].split(" ")


def secret_file(path: Path, secret: bytes = b"s" * 32) -> Path:
    """A file with a secret that nobody else may read."""
    path.write_text(f"whsec_{base64.b64encode(secret).decode()}\n")
    path.chmod(0o600)
    return path


def hooks_file(directory: Path, **hooks: str) -> Path:
    """A file of webhooks: of each its further lines of TOML, `url` among them; all share one secret."""
    secret_file(directory / "hook.secret")
    path = directory / "webhooks.toml"
    path.write_text(
        "".join(
            f'[[webhook]]\nname = "{name}"\nsecret_file = "hook.secret"\n{lines}\n' for name, lines in hooks.items()
        )
    )
    path.chmod(0o600)
    return path
