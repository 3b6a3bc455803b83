"""Reports per second: a bare reader, a newcomer's program, our aggregator and intake, a whole node. One table, one run.

    uv run --no-sync python tests/bench/table.py [--only a,c] [--reports 100000] [--points 3000]

(a) nats-py in a loop of `fetch(500)` over REPORTS that decodes nothing and acknowledges the last of each batch, on
    asyncio's own loop and on uvloop.
(b) FastStream, one message per call, decoded by pydantic, one upsert each into PostgreSQL with its default
    durability, from the same REPORTS (its first 20,000 at most).
(c) our aggregator, a process of its own, on the same REPORTS: from its first message until all are merged, judged,
    acknowledged, and ALERTS, PUBLIC, STATE and all PICTURES are stored. Starting is told apart.
(i) our intake, a process of its own, on an INTAKE that was filled before: from its first message until all are in
    REPORTS and acknowledged.
(d) the whole node: reports published at INTAKE in atomic batches by a client, as fast as it takes them; from the first
    until all of them have come through intake and aggregator, the nation's picture is stored, and the archiver has
    reports, alerts and states in PostgreSQL.

NATS syncs always. The reports are the simulator's storm. CPU seconds per 1,000 reports are given for each process, the
client of (d) left out: on a machine that others use, compare those.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass

from kit.bench_node import BenchNode, bench_node, eventually
from kit.log import fill_intake, fill_log, stream_state
from kit.postgres import database
from kit.programs import run_program
from kit.shown import load, show
from kit.storm import Sent, storm
from kit.usage import Cpu

from vardkase_contracts import streams
from vardkase_contracts.instants import SECOND

_MOST_OF_B = 20_000
_SERVICES = ("intake", "aggregator", "archiver")
_ARCHIVED = (streams.REPORTS, streams.ALERTS, streams.STATE)


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement."""

    what: str
    reports: int
    seconds: float
    cpu: Cpu
    note: str = ""

    @property
    def rate(self) -> float:
        """Reports per second."""
        return self.reports / self.seconds


async def bare(node: BenchNode, reports: int, loop: str) -> Row:
    """(a)."""
    before = node.cpu()
    took = await run_program("bare.py", node.nats.url, str(reports), loop)
    cpu = node.cpu().since(before).joined({"client": took.cpu})
    return Row(f"a: fetch(500), {loop}", took.reports, took.seconds, cpu)


async def newcomer(node: BenchNode, reports: int) -> Row:
    """(b)."""
    async with database() as archive:
        node.beside["postgres"] = archive.pid
        before = node.cpu()
        took = await run_program("newcomer.py", node.nats.url, archive.url, str(min(reports, _MOST_OF_B)))
        cpu = node.cpu().since(before).joined({"client": took.cpu})
        del node.beside["postgres"]
    return Row("b: FastStream, one upsert each", took.reports, took.seconds, cpu)


async def aggregator(node: BenchNode, reports: int) -> Row:
    """(c)."""
    last = (await stream_state(node.nc, streams.REPORTS))["last_seq"]
    spawned = time.perf_counter()
    node.run("aggregator")
    await eventually(lambda: node.has_begun(streams.REPORTS, "aggregator-act"), what="the first report is read")
    began, before = time.time(), node.cpu()
    starting = time.perf_counter() - spawned

    async def done() -> bool:
        return await node.is_read(streams.REPORTS, "aggregator-act", last) and await node.pictured() is not None

    await eventually(done, what="the backlog is dealt with", within=1800)
    ended, cpu = time.time(), node.cpu().since(before)
    pictured = await node.pictured()
    if pictured is not None:
        ended = max(ended - 0.02, pictured / SECOND)
    note = f"started in {starting:.1f} s, {1000 * before.seconds['aggregator']:.0f} ms CPU, both left out"
    return Row("c: aggregator, a backlog", reports, ended - began, cpu, note)


async def intake(reports: list[Sent]) -> Row:
    """(i)."""
    async with bench_node() as node:
        published = await fill_intake(node.nc, reports)
        last = (await stream_state(node.nc, streams.INTAKE))["last_seq"]
        node.run("intake")
        await eventually(lambda: node.has_begun(streams.INTAKE, "intake-act"), what="the first report is read")
        began, before = time.perf_counter(), node.cpu()
        await eventually(
            lambda: node.is_read(streams.INTAKE, "intake-act", last), what="all has been taken in", within=1800
        )
        ended, cpu = time.perf_counter(), node.cpu().since(before)
        stored = (await stream_state(node.nc, streams.REPORTS))["messages"]
    return Row("i: intake, a backlog", published, ended - began, cpu, f"{stored:,} are in the log")


async def whole_node(reports: list[Sent]) -> Row:
    """(d)."""
    async with database() as archive, bench_node(VARDKASE_DATABASE_URL=archive.url) as node:
        node.beside["postgres"] = archive.pid
        for service in _SERVICES:
            node.run(service)
        for service in _SERVICES:
            await node.until_ready(service)
        before, began = node.cpu(), time.time()
        published = await fill_intake(node.nc, reports)
        notes = [f"published in {time.time() - began:.1f} s"]
        last = (await stream_state(node.nc, streams.INTAKE))["last_seq"]
        await eventually(
            lambda: node.is_read(streams.INTAKE, "intake-act", last), what="all has been taken in", within=1800
        )
        notes.append(f"taken in {time.time() - began:.1f}")
        last = (await stream_state(node.nc, streams.REPORTS))["last_seq"]
        await eventually(
            lambda: node.is_read(streams.REPORTS, "aggregator-act", last), what="all is merged", within=1800
        )
        await eventually(node.pictured, what="the nation has a picture")
        notes.append(f"published {time.time() - began:.1f}")
        await eventually(lambda: archived(node), what="all is archived", within=1800)
        ended, cpu = time.time(), node.cpu().since(before)
        notes.append(f"archived {ended - began:.1f}")
    return Row("d: whole node", published, ended - began, cpu, ", ".join(notes))


async def archived(node: BenchNode) -> bool:
    """Whether the archive has all that there is."""
    for stream in _ARCHIVED:
        last = (await stream_state(node.nc, stream))["last_seq"]
        if not await node.is_read(stream, "archiver", last):
            return False
    return True


async def measure(only: set[str], count: int, points: int) -> list[Row]:
    """All that is asked for, in one run."""
    rows: list[Row] = []
    if only & {"a", "b", "c"}:
        async with bench_node() as node:
            reports = await fill_log(node.nc, node.area.code, storm(count, points=points))
            if "a" in only:
                rows += [await bare(node, reports, "asyncio"), await bare(node, reports, "uvloop")]
            if "b" in only:
                rows.append(await newcomer(node, reports))
            if "c" in only:
                rows.append(await aggregator(node, reports))
    if only & {"d", "i"}:
        made = list(storm(count, points=points))
        if "i" in only:
            rows.append(await intake(made))
        if "d" in only:
            rows.append(await whole_node(made))
    return rows


def ratios(rows: list[Row]) -> list[str]:
    """What of one another they are."""
    by_letter = {row.what[0]: row for row in reversed(rows)}  # of two readings of `a`, the first
    found: list[str] = []
    for one, other in (("c", "a"), ("d", "b")):
        if one in by_letter and other in by_letter:
            mine, theirs = by_letter[one], by_letter[other]
            cpu = [1000 * sum(row.cpu.seconds.values()) / row.reports for row in (mine, theirs)]
            found.append(f"{one}/{other} = {mine.rate / theirs.rate:.3f} (CPU per report {cpu[0] / cpu[1]:.2f} times)")
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="a,b,c,i,d", help="which rows, such as a,c")
    parser.add_argument("--reports", type=int, default=100_000, help="about how many")
    parser.add_argument("--points", type=int, default=3_000)
    options = parser.parse_args()
    before = load()
    rows = asyncio.run(measure(set(options.only.split(",")), options.reports, options.points))
    show(
        ("", "reports", "seconds", "reports/s", "CPU s per 1,000", "note"),
        [
            (
                row.what,
                f"{row.reports:,}",
                f"{row.seconds:.1f}",
                f"{row.rate:,.0f}",
                row.cpu.per_thousand(row.reports),
                row.note,
            )
            for row in rows
        ],
    )
    for line in ratios(rows):
        print(line)
    print(f"{options.points:,} points; {before} before, {load()} after")


if __name__ == "__main__":
    main()
