"""How long from a report until somebody is notified: ours, a bare script, Prometheus. One table, one run.

    uv run --no-sync python tests/bench/notify.py [--reports 200] [--rate 4]

One Alertmanager (Debian's) with `group_wait: 0s`, each alert a group of its own, and one webhook that it notifies. A
report says that a point has gone over to backup power with fuel for three hours. All ways hear of the same reports at
the same time; each is timed from just before the report is sent until the webhook has the notification.

- ours: nats-server synced always, intake, aggregator, notifier, each a process of its own.
- bare script: a process that hears the same raw report from NATS, looks at the fuel, and posts to Alertmanager. It
  checks, keeps and remembers nothing. This is the floor that ours is compared with.
- posted directly: no bus at all: whoever has the report posts the alert. What Alertmanager and the webhook take alone.
- Prometheus, 1 s and 15 s: a process keeps a gauge of each point's endurance from the same raw reports; a Prometheus
  scrapes it, evaluates a rule on it as often as it scrapes, and tells Alertmanager.
"""

import argparse
import asyncio
import http.client
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import yaml
from kit.bench_node import BenchNode, bench_node, compiled, eventually
from kit.events import sent
from kit.log import fill_intake
from kit.shares import HEAD, shares
from kit.shown import load, show
from kit.storm import Sent

from notify_kit import AlertmanagerServer, Got, Sink
from servers import free_port
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import HOUR

_HERE = Path(__file__).parent
_SERVICES = ("intake", "aggregator", "notifier")
_PROMETHEUS = {"prom1": "1s", "prom15": "15s"}
_NAMES = {
    "ours": "ours",
    "bare": "bare script (the floor)",
    "direct": "posted directly",
    "prom1": "Prometheus, scraped at 1 s",
    "prom15": "Prometheus, scraped at 15 s",
}
_DIRECT_AFTER = 0.1
"""Seconds by which what is posted directly comes later than the report, so that neither disturbs the other."""


def now() -> int:
    """The instant, µs."""
    return time.time_ns() // 1000


class Arrivals:
    """When the webhook first had the notification of a point, by the way that it came."""

    def __init__(self) -> None:
        self.made: dict[str, dict[str, float]] = {way: {} for way in _NAMES}
        self.seen: dict[str, dict[str, float]] = {way: {} for way in _NAMES}

    def take(self, got: Got) -> tuple[int, float]:
        """A notification."""
        for alert in got.json["alerts"]:
            labels = alert["labels"]
            if alert["status"] == "firing" and labels.get("rule", "power.endurance") == "power.endurance":
                self.seen[labels.get("way", "ours")].setdefault(labels["point"], got.at)
        return 200, 0.0

    def took(self, way: str) -> list[float]:
        """Milliseconds of each that came."""
        seen = self.seen[way]
        return [1000 * (seen[point] - at) for point, at in self.made[way].items() if point in seen]

    def complete(self, ways: Sequence[str]) -> bool:
        """Whether all have come."""
        return all(len(self.took(way)) == len(self.made[way]) for way in ways)


def beginning(points: Sequence[str]) -> list[Sent]:
    """Every point is open, and has power and staff."""
    at = now() - HOUR
    has = {"power": {"source": "mains"}, "staff": {"present": 4, "required": 4}}
    reports: list[Sent] = []
    for number, point in enumerate(points):
        reports.append(sent(f"open{number}", point, "status", {"lifecycle": "open"}, at))
        reports.append(sent(f"has{number}", point, "resources", has, at))
    return reports


def shortage(number: int, point: str) -> Sent:
    """The power is gone, and there is fuel for three hours."""
    power = {"source": "backup", "backup_state": "running", "fuel_l": 30, "fuel_l_per_h": 10}
    return sent(f"short{number}", point, "resources", {"power": power}, now())


def alert(point: str, way: str) -> bytes:
    """What a bare script posts."""
    labels = {"alertname": "endurance", "point": point, "way": way}
    return json.dumps([{"labels": labels, "annotations": {"summary": f"{point}: 3 h"}}]).encode()


class Direct:
    """Posts straight to Alertmanager, over one connection that is kept."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def post(self, point: str) -> None:
        """One alert."""
        self._connection.request("POST", "/api/v2/alerts", alert(point, "direct"), {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"Alertmanager answers {answer.status}")


@asynccontextmanager
async def program(*command: str, out: Path) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A process that ends with the block."""
    with out.open("ab") as file:
        process = subprocess.Popen(  # noqa: ASYNC220 -- a moment
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(process.wait, 10)
        process.kill()


def answers(url: str) -> bool:
    """Whether it answers."""
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


def prometheus(directory: Path, way: str, every: str, gauges: int, alertmanager: int) -> tuple[list[str], str]:
    """The command of a Prometheus, and where it says that it is ready."""
    directory.mkdir()
    rule = {
        "alert": "endurance",
        "expr": "endurance_hours < 12",
        "labels": {"way": way},
        "annotations": {"summary": "{{ $labels.point }}"},
    }
    (directory / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "r", "rules": [rule]}]}))
    config = {
        "global": {"scrape_interval": every, "scrape_timeout": "1s", "evaluation_interval": every},
        "rule_files": [str(directory / "rules.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
        "scrape_configs": [{"job_name": "gauges", "static_configs": [{"targets": [f"127.0.0.1:{gauges}"]}]}],
    }
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    return command, f"http://127.0.0.1:{port}/-/ready"


@asynccontextmanager
async def rivals(directory: Path, nats: str, alertmanager: int) -> AsyncIterator[None]:
    """The bare script, the gauges, and both Prometheus; ready."""
    gauges = free_port()
    asked = [f"http://127.0.0.1:{gauges}/metrics"]
    script = program(sys.executable, str(_HERE / "notify_bare.py"), nats, str(alertmanager), out=directory / "bare.out")
    keeper = program(sys.executable, str(_HERE / "notify_gauges.py"), nats, str(gauges), out=directory / "gauges.out")
    async with script, keeper:
        commands: Mapping[str, tuple[list[str], str]] = {
            way: prometheus(directory / way, way, every, gauges, alertmanager) for way, every in _PROMETHEUS.items()
        }
        asked += [ready for _, ready in commands.values()]
        one, two = (program(*command, out=directory / f"{way}.out") for way, (command, _) in commands.items())
        async with one, two:
            for url in asked:
                await eventually(lambda url=url: asyncio.to_thread(answers, url), what=url)
            await eventually(lambda: "ready" in (directory / "bare.out").read_text(), what="the bare script")
            yield


async def play(node: BenchNode, arrivals: Arrivals, points: Sequence[str], rate: float, direct: Direct) -> None:
    """One report after another at an even pace."""
    began = time.monotonic()
    for number, point in enumerate(points):
        await asyncio.sleep(max(0.0, number / rate - (time.monotonic() - began)))
        report = shortage(number, point)
        at = time.monotonic()
        for way in _NAMES:
            arrivals.made[way][point] = at
        await node.nc.publish(report.subject, report.data)
        await node.nc.flush()
        await asyncio.sleep(_DIRECT_AFTER)
        arrivals.made["direct"][point] = time.monotonic()
        await asyncio.to_thread(direct.post, point)


async def stages_of(node: BenchNode, arrivals: Arrivals) -> dict[str, list[float]]:
    """Milliseconds of each stage of ours, by when the server stored what came of it."""
    offset = time.time() - time.monotonic()
    stored: dict[str, dict[str, float]] = {streams.INTAKE: {}, streams.REPORTS: {}, streams.ALERTS: {}}
    for stream, found in stored.items():
        async for each in scan(node.nc, stream, []):
            document = json.loads(each.data)
            about = (
                document["point"]["id"] if stream == streams.ALERTS and document["point"] else document.get("subject")
            )
            wanted = document.get("rule") == "power.endurance" or document.get("id", "").startswith("short")
            if about in arrivals.made["ours"] and wanted:
                found.setdefault(about, each.stored_at / 1e6 - offset)
    ends = [arrivals.made["ours"], *stored.values(), arrivals.seen["ours"]]
    names = (
        "sent → in INTAKE",
        "→ in REPORTS (intake)",
        "→ in ALERTS (aggregator)",
        "→ notified (notifier, Alertmanager)",
    )
    return {
        name: [1000 * (after[point] - before[point]) for point in arrivals.made["ours"] if point in after]
        for name, before, after in zip(names, ends, ends[1:], strict=False)
    }


async def measure(count: int, rate: float) -> list[list[str]]:
    """All ways at once, on a fresh node."""
    sink, arrivals = Sink(), Arrivals()
    sink.behaviour["/"] = arrivals.take
    await sink.start()
    with tempfile.TemporaryDirectory(prefix="vardkase-bench-") as name:
        directory = Path(name)
        server = AlertmanagerServer(directory / "am", sink.url("/"), wait="0s", interval="5m", group_by=["..."])
        server.start()
        try:
            async with compiled() as kept, bench_node(VARDKASE_ALERTMANAGER_URL=server.url, **kept) as node:
                for service in _SERVICES:
                    node.run(service)
                for service in _SERVICES:
                    await node.until_ready(service)
                codes = list(KOMMUNER)
                points = [f"{codes[number % len(codes)]}-p{number}" for number in range(count)]
                await fill_intake(node.nc, beginning(points))
                await node.until_quiet()
                async with rivals(directory, node.nats.url, server.port):
                    await play(node, arrivals, points, rate, Direct(server.port))
                    await eventually(lambda: arrivals.complete(list(_NAMES)), what="all notified", within=60)
                stages = await stages_of(node, arrivals)
        finally:
            server.kill()
            await sink.stop()
    show(("where ours takes its time", *HEAD), [[what, *shares(took)] for what, took in stages.items()])
    print(flush=True)
    floor = sorted(arrivals.took("bare"))
    rows: list[list[str]] = []
    for way, told in _NAMES.items():
        took = sorted(arrivals.took(way))
        against = [f"{took[int(q * (len(took) - 1))] / floor[int(q * (len(floor) - 1))]:.2f}" for q in (0.5, 0.99)]
        rows.append([told, f"{len(took)}", *shares(took), *against])
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=200)
    parser.add_argument("--rate", type=float, default=4.0)
    options = parser.parse_args()
    before = load()
    rows = asyncio.run(measure(options.reports, options.rate))
    show(("report → notification", "count", *HEAD, "p50 / floor", "p99 / floor"), rows)
    print(f"{before} before, {load()} after")


if __name__ == "__main__":
    main()
