"""How long from a report's being stored to its alert's being published, at a steady rate.

    uv run python tests/bench/latency.py [--rates 500,1000] [--seconds 20]

A whole node of real processes on this computer: nats-server synced always, intake, aggregator. The reports come in at
INTAKE at an even pace; every third one makes some point's staff worse, so that it raises an alert or makes one graver.
Both ends are the server's own times: of the report in REPORTS, and of the alert in ALERTS.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from node import Node, subject_of
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import HOUR, iso

_PACE = 0.005


async def eventually(condition: object, *, what: str = "", within: float = 60.0) -> None:
    """Wait for a condition (as the tests' fixture of that name does)."""
    deadline = time.monotonic() + within
    while True:
        value = condition()  # type: ignore[operator]
        if asyncio.iscoroutine(value) or asyncio.isfuture(value):
            value = await value
        if value:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(0.02)


def report(number: int, point: str, kind: str, data: object, at: int) -> dict[str, object]:
    """One report."""
    return {
        "specversion": "1.0",
        "id": f"b{number}",
        "source": f"urn:tp:kommun:{point[:4]}",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": point,
        "time": iso(at),
        "reality": "act",
        "data": data,
    }


async def play(nc: Connection, rate: int, reports: list[dict[str, object]]) -> float:
    """Publish at an even pace; the rate that was reached."""
    began = time.perf_counter()
    for sent, each in enumerate(reports):
        ahead = sent / rate - (time.perf_counter() - began)
        if ahead > _PACE:
            await asyncio.sleep(ahead)
        await nc.publish(subject_of(each), json.dumps(each).encode())
    await nc.flush()
    return len(reports) / (time.perf_counter() - began)


async def measure(rate: int, seconds: float) -> None:
    """One rate, on a fresh node."""
    with tempfile.TemporaryDirectory() as directory:
        node = Node(Path(directory), eventually)  # type: ignore[arg-type]
        await node.start("intake", "aggregator")
        try:
            count = int(rate * seconds)
            points = [f"{code}-p{number}" for code in KOMMUNER for number in range(count // 9 // len(KOMMUNER) + 1)]
            now = time.time_ns() // 1000
            setting_up: list[dict[str, object]] = []
            for point in points:
                setting_up.append(report(len(setting_up), point, "status", {"lifecycle": "open"}, now - HOUR))
                power = {"power": {"source": "mains"}, "staff": {"present": 4, "required": 4}}
                setting_up.append(report(len(setting_up), point, "resources", power, now - HOUR))
            await node.publish((subject_of(each), json.dumps(each).encode()) for each in setting_up)
            await node.until_quiet()
            reports: list[dict[str, object]] = []
            number = len(setting_up)
            for present in (2, 1, 0):
                for point in points:
                    at = time.time_ns() // 1000
                    for kind, data in (
                        ("resources", {"staff": {"present": present, "required": 4}}),
                        ("confirm", {}),
                        ("heartbeat", {}),
                    ):
                        number += 1
                        reports.append(report(number, point, kind, data, at + present))
            reached = await play(node.nc, rate, reports[:count])
            await node.until_quiet()
            stored: dict[str, int] = {}
            async for entry in scan(node.nc, streams.REPORTS, []):
                stored[json.loads(entry.data)["id"]] = entry.stored_at
            took: list[float] = []
            async for entry in scan(node.nc, streams.ALERTS, []):
                document = json.loads(entry.data)
                if document["rule"] == "staff.short" and document["status"] == "firing":
                    took.append((entry.stored_at - stored[document["evidence"][0]["report"]]) / 1000)
            took.sort()
            line = f"{rate:>9} {reached:>9.0f} {len(points):>8} {len(took):>8}"
            for share in (0.5, 0.9, 0.99):
                line += f" {took[int(share * (len(took) - 1))]:>9.1f}"
            print(f"{line} {took[-1]:>9.1f}")
        finally:
            await node.stop()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", default="500,1000")
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    print(f"{'reports/s':>9} {'reached':>9} {'points':>8} {'alerts':>8}", end="")
    print("".join(f" {name + ' ms':>9}" for name in ("p50", "p90", "p99", "max")))
    for rate in options.rates.split(","):
        asyncio.run(measure(int(rate), options.seconds))


if __name__ == "__main__":
    main()
