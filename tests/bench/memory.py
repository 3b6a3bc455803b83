"""What a whole node takes of memory, process by process.

    uv run --no-sync python tests/bench/memory.py [--points 3000] [--reports 30000]

`vardkase up` as an operator runs it, with NATS and PostgreSQL of its own, and a storm's reports published at INTAKE.
When all of them are dealt with, and again after a minute of rest (nats-server lets go of what it keeps at hand): the
resident memory of each process, and its proportional set size (PSS: what is shared, such as Python's own code, divided
among those who share it). PostgreSQL is told apart.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from typing import Any

import psutil
from kit.bench_node import compiled, eventually
from kit.log import fill_intake, stream_state
from kit.shown import load, show
from kit.storm import storm
from kit.usage import MEBIBYTE

from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.connection import Connection, connect
from vardkase_contracts import streams

_READERS = {streams.INTAKE: ("intake-act",), streams.REPORTS: ("aggregator-act", "archiver")}
_POSTGRES = "postgres"
_REST = 60.0


@contextlib.asynccontextmanager
async def up(directory: str, variables: dict[str, str]) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    """A node that is ready: its supervisor's number, and its ready line."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VARDKASE_")} | variables
    options = ("--json", "--http-port", "0", "--nats-port", "0", "--data-dir", directory)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "vardkase.cli.main", "up", *options),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the node has no output")
        async with asyncio.timeout(120):
            ready = json.loads(await process.stdout.readline())
        yield process.pid, ready
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def all_read(nc: Connection) -> bool:
    """Whether every reader has acknowledged all of its stream."""
    for stream, consumers in _READERS.items():
        last = (await stream_state(nc, stream))["last_seq"]
        for consumer in consumers:
            if (await call(nc, f"CONSUMER.INFO.{stream}.{consumer}"))["ack_floor"]["stream_seq"] < last:
                return False
    return True


def processes(supervisor: int) -> dict[str, tuple[float, float]]:
    """Resident memory and PSS, MiB, of each process of the node by its name; PostgreSQL's together."""
    sizes: dict[str, tuple[float, float]] = {}
    main = psutil.Process(supervisor)
    for process in (main, *main.children(recursive=True)):
        memory = process.memory_full_info()
        name = "supervisor" if process.pid == supervisor else _name(process)
        resident, shared = sizes.get(name, (0.0, 0.0))
        sizes[name] = resident + memory.rss / MEBIBYTE, shared + memory.pss / MEBIBYTE
    return sizes


def _name(process: psutil.Process) -> str:
    command = process.cmdline()
    if "run" in command:
        return command[command.index("run") + 1]
    return _POSTGRES if process.name().startswith(_POSTGRES) else process.name()


async def run(points: int, reports: int) -> None:
    """The table."""
    with tempfile.TemporaryDirectory(prefix="vardkase-bench-") as directory:
        async with compiled() as variables, up(directory, variables) as (supervisor, ready):
            nc = await connect(ready["nats"], name="bench")
            try:
                published = await fill_intake(nc, storm(reports, points=points))
                await eventually(lambda: all_read(nc), what="all is dealt with", within=900)
                await asyncio.sleep(2)  # the pictures
                found = processes(supervisor)
                await asyncio.sleep(_REST)
                rested = processes(supervisor)
            finally:
                await nc.close()
    rows = [
        [name, *(f"{size:.0f}" for size in (*sizes, *rested.get(name, (0.0, 0.0))))] for name, sizes in found.items()
    ]
    rows.append(["all but postgres", *(f"{size:.0f}" for size in (*_sum(found), *_sum(rested)))])
    show(("process", "resident, MiB", "PSS, MiB", "after a minute", "PSS"), rows)
    print(f"{published:,} reports, {points:,} points; {load()}")


def _sum(sizes: dict[str, tuple[float, float]]) -> tuple[float, float]:
    ours = [size for name, size in sizes.items() if name != _POSTGRES]
    return sum(resident for resident, _ in ours), sum(shared for _, shared in ours)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=3_000)
    parser.add_argument("--reports", type=int, default=30_000)
    options = parser.parse_args()
    asyncio.run(run(options.points, options.reports))


if __name__ == "__main__":
    main()
