"""How long until an alert is published, and until the picture of the nation shows a report, at a steady rate.

    uv run --no-sync python tests/bench/latency.py [--rates 500,1000] [--seconds 15]

A whole node of real processes on this computer: nats-server synced always, intake, aggregator. The reports come in at
INTAKE at an even pace; every third one makes some point's staff worse, so that it raises an alert or makes one graver.

- alert: from a report's being stored in REPORTS to its alert's being stored in ALERTS, both the server's own times.
- picture: from when a client made a report (its `time`) to when a client that listens has the first picture of the
  nation that shows it. Ten times a second a report changes one point's occupancy, which the picture sums up; nothing
  else does. A picture is published at most every 200 ms (`VARDKASE_AGGREGATOR_COALESCE`), and that is most of it.
"""

import argparse
import asyncio
import contextlib
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kit.bench_node import BenchNode, bench_node, eventually
from kit.events import sent
from kit.log import fill_intake
from kit.shares import HEAD, shares
from kit.shown import load, show
from kit.storm import Sent
from nats.aio.msg import Msg

from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import HOUR

_PACE = 0.005
_PROBE_EVERY = 0.1
_PROBED = "2480-probe"
_MEANWHILE = {
    'vardkase_judge_seconds{reality="act"}': "judged",
    'vardkase_write_seconds{stream="ALERTS"}': "ALERTS written",
    'vardkase_write_seconds{stream="STATE"}': "STATE written",
    'vardkase_write_seconds{stream="PUBLIC"}': "PUBLIC written",
    'vardkase_write_seconds{stream="PICTURES"}': "PICTURES written",
}
_PROBE_FIRST = 10_000
"""The occupancy of the first probe: each that follows says one more."""


def now() -> int:
    """The instant, µs."""
    return time.time_ns() // 1000


@dataclass(slots=True)
class Probes:
    """Reports that the picture of the nation tells of one by one."""

    made: list[int] = field(default_factory=list[int])
    seen: list[int] = field(default_factory=list[int])

    async def send(self, nc: Connection) -> None:
        """Make one after another, for ever."""
        while True:
            at = now()
            report = sent(f"probe{len(self.made)}", _PROBED, "status", {"occupancy": _PROBE_FIRST + len(self.made)}, at)
            self.made.append(at)
            await nc.publish(report.subject, report.data)
            await asyncio.sleep(_PROBE_EVERY)

    async def look(self, message: Msg) -> None:
        """A picture of the nation."""
        shown = json.loads(message.data)["condition"]["occupancy"]["sum"] or 0
        while len(self.seen) < len(self.made) and _PROBE_FIRST + len(self.seen) <= shown:
            self.seen.append(now())

    @property
    def took(self) -> list[float]:
        """Milliseconds of each that was seen."""
        return [(seen - made) / 1000 for made, seen in zip(self.made, self.seen, strict=False)]


async def play(nc: Connection, rate: int, reports: Sequence[Sent]) -> float:
    """Publish at an even pace; the rate that was reached."""
    began = time.perf_counter()
    for number, each in enumerate(reports):
        ahead = number / rate - (time.perf_counter() - began)
        if ahead > _PACE:
            await asyncio.sleep(ahead)
        await nc.publish(each.subject, each.data)
    await nc.flush()
    return len(reports) / (time.perf_counter() - began)


def beginning(points: Sequence[str]) -> list[Sent]:
    """Every point is open and has what it needs."""
    at = now() - HOUR
    power = {"power": {"source": "mains"}, "staff": {"present": 4, "required": 4}}
    reports: list[Sent] = []
    for number, point in enumerate([*points, _PROBED]):
        reports.append(sent(f"open{number}", point, "status", {"lifecycle": "open"}, at))
        reports.append(sent(f"has{number}", point, "resources", power, at))
    return reports


def worsening(points: Sequence[str], count: int) -> list[Sent]:
    """The staff of one point after another goes home; between, they say that nothing has changed."""
    at = now()
    reports: list[Sent] = []
    for present in (2, 1, 0):
        staff = {"staff": {"present": present, "required": 4}}
        for place, point in enumerate(points):
            number = f"{present}-{place}"
            reports.append(sent(f"staff{number}", point, "resources", staff, at + 2 - present))
            reports.append(sent(f"same{number}", point, "confirm", {}, at + 2 - present))
            reports.append(sent(f"beat{number}", point, "heartbeat", {}, at + 2 - present))
    return reports[:count]


def meanwhile(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """How often the aggregator judged and wrote, and the mean milliseconds of each."""
    told: list[str] = []
    for name, what in _MEANWHILE.items():
        metric, _, labels = name.partition("{")
        often, took = (
            after.get(f"{metric}_{part}{{{labels}", 0.0) - before.get(f"{metric}_{part}{{{labels}", 0.0)
            for part in ("count", "sum")
        )
        if often:
            told.append(f"{what} {often:.0f} times, {1000 * took / often:.1f} ms")
    return "; ".join(told)


def synced(directory: Path) -> list[float]:
    """Milliseconds that this disk takes to make a page durable, many times."""
    took: list[float] = []
    with tempfile.NamedTemporaryFile(dir=directory) as file:
        for _ in range(100):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append(1000 * (time.perf_counter() - began))
    return took


async def alerts(node: BenchNode) -> list[float]:
    """Milliseconds from each report's being stored to its alert's."""
    stored: dict[str, int] = {}
    async for entry in scan(node.nc, streams.REPORTS, []):
        stored[json.loads(entry.data)["id"]] = entry.stored_at
    took: list[float] = []
    async for entry in scan(node.nc, streams.ALERTS, []):
        document = json.loads(entry.data)
        if document["rule"] == "staff.short" and document["status"] == "firing":
            took.append((entry.stored_at - stored[document["evidence"][0]["report"]]) / 1000)
    return took


async def measure(rate: int, seconds: float) -> list[list[str]]:
    """One rate, on a fresh node: a row for alerts and one for pictures."""
    async with bench_node() as node:
        for service in ("intake", "aggregator"):
            node.run(service)
        for service in ("intake", "aggregator"):
            await node.until_ready(service)
        count = int(rate * seconds)
        points = [f"{code}-p{number}" for code in KOMMUNER for number in range(count // 9 // len(KOMMUNER) + 1)]
        await fill_intake(node.nc, beginning(points))
        await node.until_quiet()
        probes = Probes()
        await node.nc.subscribe(subjects.picture("act", node.area), cb=probes.look)
        probing = asyncio.create_task(probes.send(node.nc))
        before, counted = node.cpu(), node.metrics("aggregator")
        reached = await play(node.nc, rate, worsening(points, count))
        cpu = node.cpu().since(before)
        probing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await probing
        await node.until_quiet()
        await eventually(lambda: len(probes.seen) == len(probes.made), what="the last probe is seen")
        took = await alerts(node)
        print(f"{rate:,}/s: {meanwhile(counted, node.metrics('aggregator'))}", flush=True)
    about = [f"{rate:,}", f"{reached:,.0f}", f"{len(points):,}"]
    return [
        [*about, "alert", f"{len(took):,}", *shares(took), cpu.per_thousand(count)],
        [*about, "picture", f"{len(probes.took):,}", *shares(probes.took), ""],
    ]


async def run(rates: Sequence[int], seconds: float) -> list[list[str]]:
    """One rate after another."""
    return [row for rate in rates for row in await measure(rate, seconds)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", default="500,1000")
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args()
    before = load()
    rows = asyncio.run(run([int(rate) for rate in options.rates.split(",")], options.seconds))
    show(("reports/s", "reached", "points", "until the", "count", *HEAD, "CPU s per 1,000"), rows)
    disk = shares(synced(Path(tempfile.gettempdir())))
    print(f"a page synced to disk: p50 {disk[0]}, p90 {disk[1]}, p99 {disk[2]} ms; {before} before, {load()} after")


if __name__ == "__main__":
    main()
