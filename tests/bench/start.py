"""How long the aggregator takes to start with many states, and to make everything anew from the log.

    uv run --no-sync python tests/bench/start.py [--points 10000] [--rebuild 1000000]

- start: with every point's state in STATE and nothing new in the log, from the start of its process to the first time
  that it says it is ready (asked every 20 ms). Phases: until the process answers HTTP at all (Python and imports);
  until it has read STATE, ALERTS, PICTURES and PUBLIC and begins to read the log; until it is ready: what is new is
  merged and judged; and until all points are judged anew.
- rebuild: with nothing but the log, of three days of 3,000 open points in the mix of a storm: from its first report to
  the last merged, judged, published and acknowledged. Beside it the same with 100,000 reports.
"""

import argparse
import asyncio
import signal
import time
from itertools import chain

from kit.bench_node import BenchNode, bench_node, compiled, eventually
from kit.log import fill_log, stream_state
from kit.mix import mixed, opened, point_ids
from kit.shown import load, show
from kit.usage import cpu_seconds

from vardkase_contracts import streams
from vardkase_contracts.instants import DAY, HOUR, MINUTE

_CONSUMER = "aggregator-act"
_POINTS = 3_000
_SPAN = 3 * DAY


async def settled(node: BenchNode) -> None:
    """Wait until all of the log is dealt with and the aggregator is ready."""
    last = (await stream_state(node.nc, streams.REPORTS))["last_seq"]
    await eventually(lambda: node.is_read(streams.REPORTS, _CONSUMER, last), what="all is dealt with", within=3600)
    await node.until_ready("aggregator", within=600)


async def start(count: int) -> list[list[str]]:
    """Rows: a start after an orderly end, and one after SIGKILL."""
    rows: list[list[str]] = []
    async with compiled() as variables, bench_node(**variables) as node:
        await fill_log(node.nc, node.area.code, opened(point_ids(count), time.time_ns() // 1000 - 10 * MINUTE))
        node.run("aggregator")
        await eventually(lambda: node.has_begun(streams.REPORTS, _CONSUMER), what="it begins")
        await settled(node)
        for end in (signal.SIGTERM, signal.SIGKILL):
            node.kill("aggregator", end)
            began = time.perf_counter()
            node.run("aggregator")
            await eventually(lambda: asyncio.to_thread(node.answers, "aggregator"), what="it answers")
            answered = time.perf_counter() - began
            await eventually(lambda: asyncio.to_thread(node.has_started, "aggregator"), what="it has started")
            started = time.perf_counter() - began
            await node.until_ready("aggregator")
            ready = time.perf_counter() - began
            used = cpu_seconds(node.pids["aggregator"])
            await eventually(lambda: asyncio.to_thread(node.has_judged, "aggregator"), what="it has judged all")
            judged = time.perf_counter() - began
            phases = (answered, started - answered, ready - started, ready, used, judged)
            rows.append([f"{count:,}", end.name, *(f"{each:.2f}" for each in phases)])
    return rows


async def rebuild(count: int) -> tuple[float, list[str]]:
    """Reports per second from the log alone, and the row."""
    async with bench_node() as node:
        points, first = point_ids(_POINTS), time.time_ns() // 1000 - _SPAN
        told = mixed(points, count - 3 * _POINTS, first + MINUTE, every=(_SPAN - HOUR) // count)
        reports = await fill_log(node.nc, node.area.code, chain(opened(points, first), told))
        node.run("aggregator")
        await eventually(lambda: node.has_begun(streams.REPORTS, _CONSUMER), what="it begins")
        pid = node.pids["aggregator"]
        began, before = time.perf_counter(), cpu_seconds(pid)
        await settled(node)
        took, used = time.perf_counter() - began, cpu_seconds(pid) - before
    row = [f"{reports:,}", f"{took:.1f}", f"{reports / took:,.0f}", f"{1000 * used / reports:.3f}"]
    return reports / took, row


async def run(points: int, most: int) -> None:
    """Both, and their tables."""
    if points:
        head = (
            "points",
            "ended by",
            "until HTTP, s",
            "until the log, s",
            "until ready, s",
            "in all, s",
            "CPU s",
            "all judged, s",
        )
        show(head, await start(points))
    if most:
        found = [await rebuild(count) for count in (100_000, most)]
        show(("reports", "seconds", "reports/s", "CPU ms each"), [row for _, row in found])
        print(f"rebuild from {found[1][1][0]} at {found[1][0] / found[0][0]:.2f} of the rate of {found[0][1][0]}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=10_000, help="0: leave the start out")
    parser.add_argument("--rebuild", type=int, default=1_000_000, help="0: leave the rebuild out")
    options = parser.parse_args()
    before = load()
    asyncio.run(run(options.points, options.rebuild))
    print(f"{before} before, {load()} after")


if __name__ == "__main__":
    main()
