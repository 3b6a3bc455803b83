"""What a report costs the aggregator with few points and with many.

    uv run --no-sync python tests/bench/scale.py [--points 1000,10000,100000] [--reports 10000]

Each point is registered, open, and has said what it lives on. Then reports in the mix of a storm come in about 1,000
of the points, drawn by chance: always as many, since a point is judged once for all of its reports in a batch. CPU
milliseconds of the aggregator's process per report:

- backlog: the reports are in the log before it sees the first (it is stopped with SIGSTOP while they are written): it
  merges them first, and judges and publishes when they are merged.
- live: they come at an even pace and each batch is judged and published as it comes.

What it uses when nothing comes (metrics, pictures that are published again, what the clock changes) is measured, told
apart, and subtracted.
"""

import argparse
import asyncio
import signal
import time
from collections.abc import Sequence
from random import Random

from kit.bench_node import BenchNode, bench_node, eventually
from kit.log import fill_log, stream_state
from kit.mix import mixed, opened, point_ids
from kit.shown import load, show
from kit.usage import cpu_seconds, resident_mib

from vardkase_contracts import streams
from vardkase_contracts.instants import MINUTE

_TOLD_OF = 1000
_RATE = 400
_BATCH = 20
_IDLE = 5.0
_NEXT_TO_NOTHING = 0.05


def told_of(points: Sequence[str]) -> list[str]:
    """The points that reports are about."""
    return Random("told of").sample(points, _TOLD_OF)


async def settled(node: BenchNode) -> None:
    """Wait until all of the log is dealt with and the aggregator is ready."""
    last = (await stream_state(node.nc, streams.REPORTS))["last_seq"]
    await eventually(
        lambda: node.is_read(streams.REPORTS, "aggregator-act", last), what="all is dealt with", within=1800
    )
    await node.until_ready("aggregator", within=600)


async def until_idle(pid: int, within: float = 120.0) -> None:
    """Wait until a process uses next to no CPU: the pictures have been made, too."""
    deadline = time.monotonic() + within
    before, used = cpu_seconds(pid), 1.0
    while used > _NEXT_TO_NOTHING and time.monotonic() < deadline:
        await asyncio.sleep(1)
        now = cpu_seconds(pid)
        before, used = now, now - before


async def backlog(node: BenchNode, pid: int, points: Sequence[str], count: int) -> tuple[float, float]:
    """CPU seconds for reports that wait already, and the seconds that it took."""
    reports = list(mixed(told_of(points), count, time.time_ns() // 1000, seed=1))
    await until_idle(pid)
    node.signal("aggregator", signal.SIGSTOP)
    try:
        await fill_log(node.nc, node.area.code, reports)
        await asyncio.sleep(1.1)  # so that the last of them is a second old
    finally:
        node.signal("aggregator", signal.SIGCONT)
    before, began = cpu_seconds(pid), time.perf_counter()
    await settled(node)
    await until_idle(pid)
    return cpu_seconds(pid) - before, time.perf_counter() - began


async def live(node: BenchNode, pid: int, points: Sequence[str], count: int) -> tuple[float, float]:
    """CPU seconds for reports that come at a pace, and the seconds that it took."""
    reports = list(mixed(told_of(points), count, time.time_ns() // 1000, seed=2))
    before, began = cpu_seconds(pid), time.perf_counter()
    for start in range(0, count, _BATCH):
        await asyncio.sleep(max(0.0, began + start / _RATE - time.perf_counter()))
        await fill_log(node.nc, node.area.code, reports[start : start + _BATCH])
    await settled(node)
    return cpu_seconds(pid) - before, time.perf_counter() - began


async def measure(count: int, reports: int) -> tuple[list[float], list[str]]:
    """With so many points: milliseconds per report, and the row."""
    async with bench_node() as node:
        points = point_ids(count)
        await fill_log(node.nc, node.area.code, opened(points, time.time_ns() // 1000 - 10 * MINUTE))
        node.run("aggregator")
        await eventually(lambda: node.has_begun(streams.REPORTS, "aggregator-act"), what="it begins")
        await settled(node)
        pid = node.pids["aggregator"]
        waiting, waited = await backlog(node, pid, points, reports)
        before = cpu_seconds(pid)
        await asyncio.sleep(_IDLE)
        idle = (cpu_seconds(pid) - before) / _IDLE
        coming, took = await live(node, pid, points, reports)
        memory = resident_mib(pid)
    each = [1000 * (used - idle * meanwhile) / reports for used, meanwhile in ((waiting, waited), (coming, took))]
    return each, [f"{count:,}", *(f"{one:.3f}" for one in each), f"{100 * idle:.1f} %", f"{memory:.0f}"]


async def run(counts: Sequence[int], reports: int) -> None:
    """One after another; then the table and the ratios."""
    found = [await measure(count, reports) for count in counts]
    show(("points", "backlog, ms each", "live, ms each", "idle, of a core", "MiB"), [row for _, row in found])
    if len(found) > 1:
        first, last = found[0][0], found[-1][0]
        for name, few, many in zip(("backlog", "live"), first, last, strict=True):
            print(f"{name}: {counts[-1]:,} points cost {many / few:.2f} times what {counts[0]:,} cost")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", default="1000,10000,100000")
    parser.add_argument("--reports", type=int, default=10_000)
    options = parser.parse_args()
    before = load()
    asyncio.run(run([int(count) for count in options.points.split(",")], options.reports))
    print(f"{options.reports:,} reports each; {before} before, {load()} after")


if __name__ == "__main__":
    main()
