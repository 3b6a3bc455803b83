"""The gateway: how fast it answers, and how soon a thousand listeners hear of a report.

    uv run --no-sync python tests/bench/gateway.py [--clients 1000] [--rate 500] [--seconds 15] [--stalled 20]

All processes and the load on this computer: nats-server synced always, intake, aggregator, one gateway.

- GET: the nation's picture, against a bare "hello world" of the same framework on the same server and event loop, asked
  in turns, by 8 connections that each wait for their answer. Of the hello world nothing is asked but an answer of 25
  bytes; the gateway knows who asks, tells the audit, and sends a picture.
- stream: so many clients of `/v1/stream` for the nation (its picture and all alerts), and some who take nothing, while
  reports come in at an even pace; every third makes some point's staff worse, and so an alert. Until a client has an
  alert, for each client and each alert: from when its report was published, and from when the alert was stored.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import psutil
from kit.bench_node import BenchNode, bench_node
from kit.log import fill_intake
from kit.mix import opened, point_ids
from kit.shares import HEAD, shares
from kit.shown import load, show
from kit.storm import Sent
from kit.usage import cpu_seconds, resident_mib
from latency import beginning, now, play, worsening

from vardkase.gateway.access.operator import Operator
from vardkase.runtime.jetstream.values import scan
from vardkase.runtime.sockets import listen
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import HOUR
from vardkase_contracts.streams import ALERTS

_HERE = Path(__file__).parent
_OPEN = {"VARDKASE_ACCESS_RATE": "100000", "VARDKASE_ACCESS_BURST": "100000"}
_OPEN |= {"VARDKASE_ACCESS_ADDRESS_RATE": "100000", "VARDKASE_ACCESS_ADDRESS_BURST": "100000"}
_OPEN |= {"VARDKASE_WEB_CLIENTS_EACH": "5000", "VARDKASE_WEB_CLIENTS": "5000"}
_CONNECTIONS = 8


class Bench:
    """A node with a gateway, and who asks it."""

    def __init__(self, node: BenchNode, port: int, pid: int, token: str) -> None:
        self.node = node
        self.port = port
        self.pid = pid
        self.token = token

    def metrics(self) -> dict[str, float]:
        """The gateway's samples."""
        return self.node.metrics("gateway")


@contextlib.asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    """A node that runs, with a gateway."""
    front = listen("127.0.0.1", 0)
    port: int = front.getsockname()[1]
    os.set_inheritable(front.fileno(), True)
    variables = _OPEN | {"VARDKASE_WEB_FD": str(front.fileno()), "VARDKASE_ARCHIVE": "false"}
    async with bench_node(**variables) as node:
        operator = Operator(node.data_dir, node.area)
        await operator.see(node.nc)
        for service in ("intake", "aggregator", "gateway"):
            node.run(service, *([front.fileno()] if service == "gateway" else []))
        for service in ("intake", "aggregator", "gateway"):
            await node.until_ready(service)
        yield Bench(node, port, node.pids["gateway"], operator.text)
    front.close()


# -- GET ---------------------------------------------------------------------------------------------------------------


async def ask(port: int, path: str, seconds: float, pid: int, *headers: str) -> dict[str, Any]:
    """Ask for so long; what came of it, with the CPU that the server used."""
    before = cpu_seconds(pid)
    program = [sys.executable, str(_HERE / "http_load.py"), "127.0.0.1", str(port), path, str(seconds)]
    process = await asyncio.create_subprocess_exec(
        *program, str(_CONNECTIONS), *headers, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    told = json.loads(out)
    requests = sum(told["statuses"].values())
    return told | {"rate": requests / told["seconds"], "cpu": 1000 * (cpu_seconds(pid) - before) / requests}


async def gets(bench: Bench, seconds: float, rounds: int) -> list[list[str]]:
    """The picture of the nation against a hello world, in turns."""
    points = point_ids(1_000)
    await fill_intake(bench.node.nc, opened(points, now() - HOUR))
    await bench.node.until_quiet()
    bound = listen("127.0.0.1", 0)
    os.set_inheritable(bound.fileno(), True)
    program = [sys.executable, str(_HERE / "hello.py"), str(bound.fileno())]
    hello = await asyncio.create_subprocess_exec(*program, pass_fds=[bound.fileno()])
    hello_port: int = bound.getsockname()[1]
    path, who = "/v1/pictures/nation/SE", f"Authorization: Bearer {bench.token}"
    try:
        first = await ask(bench.port, path, 0.2, bench.pid, who)
        await ask(hello_port, "/", 0.5, hello.pid)
        etag = await _etag(bench, path)
        asked = {
            "hello world": (hello_port, "/", hello.pid, []),
            "the picture, gzip": (bench.port, path, bench.pid, [who, "Accept-Encoding: gzip"]),
            "the picture, plain": (bench.port, path, bench.pid, [who]),
            "the picture, 304": (bench.port, path, bench.pid, [who, f"If-None-Match: {etag}"]),
        }
        found: dict[str, list[dict[str, Any]]] = {what: [] for what in asked}
        for _ in range(rounds):
            for what, (port, target, pid, headers) in asked.items():
                found[what].append(await ask(port, target, seconds, pid, *headers))
    finally:
        hello.terminate()
        await hello.wait()
        bound.close()
    del first
    return [_row(what, told, found["hello world"]) for what, told in found.items()]


async def _etag(bench: Bench, path: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bench.token}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    writer.close()
    return next(line.split(": ", 1)[1] for line in head.split("\r\n") if line.startswith("etag: "))


def _row(what: str, told: Sequence[dict[str, Any]], bare: Sequence[dict[str, Any]]) -> list[str]:
    def middle(of: Sequence[dict[str, Any]], name: str) -> float:
        return sorted(each[name] for each in of)[len(of) // 2]

    statuses = {status for each in told for status in each["statuses"]}
    requests = sum(sum(each["statuses"].values()) for each in told)
    return [
        what,
        "/".join(sorted(statuses)),
        f"{sum(each['bytes'] for each in told) / requests:,.0f}",
        f"{middle(told, 'rate'):,.0f}",
        f"{middle(told, 'rate') / middle(bare, 'rate'):.2f}",
        f"{middle(told, 'cpu'):.3f}",
        f"{middle(bare, 'cpu') / middle(told, 'cpu'):.2f}",
        f"{middle(told, 'p50'):.2f}",
        f"{middle(told, 'p99'):.2f}",
    ]


# -- the stream --------------------------------------------------------------------------------------------------------


async def streams(bench: Bench, options: argparse.Namespace) -> list[list[str]]:
    """So many clients while reports come in."""
    node, count = bench.node, int(options.rate * options.seconds)
    points = [f"{code}-p{number}" for code in KOMMUNER for number in range(count // 9 // len(KOMMUNER) + 1)]
    await fill_intake(node.nc, beginning(points))
    await node.until_quiet()
    before_mib = resident_mib(bench.pid)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "told.json"
        program = [sys.executable, str(_HERE / "sse_clients.py"), "127.0.0.1", str(bench.port), "/v1/stream"]
        program += [str(options.clients), str(options.stalled), str(file), bench.token]
        process = await asyncio.create_subprocess_exec(
            *program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        if (await process.stdout.readline()).strip() != b"live":
            raise RuntimeError("the clients did not get so far")
        connected_mib = resident_mib(bench.pid)
        pids = node.pids | {"clients": process.pid}
        cpu = {name: cpu_seconds(pid) for name, pid in pids.items()}
        watching = asyncio.create_task(_most_memory(bench.pid))
        began = time.monotonic()
        reports = worsening(points, count)
        reached = await play(node.nc, options.rate, sent := _Timed(reports))
        await node.until_quiet()
        await asyncio.sleep(1.0)
        took = time.monotonic() - began
        used = {name: cpu_seconds(pid) - cpu[name] for name, pid in pids.items()}
        watching.cancel()
        counted = bench.metrics()
        process.stdin.write(b"\n")
        await process.stdin.drain()
        await process.communicate()
        told = json.loads(file.read_text())
    print(_summary(options, told))
    cpu_told = ", ".join(f"{name} {seconds:.1f}" for name, seconds in used.items())
    print(f"reports: {reached:,.0f}/s; CPU seconds in {took:.1f}: {cpu_told}, together {sum(used.values()):.1f}")
    cut = {name: value for name, value in counted.items() if "connections_cut" in name or "sse_ended" in name}
    print(
        f"gateway's memory, MiB: {before_mib:.0f} before, {connected_mib:.0f} with its clients, at most {_most[0]:.0f}"
    )
    print(f"ended: {cut}")
    return _rows(options, told, sent, await _stored(node))


class _Timed(list[Sent]):
    """Reports that note when each is taken to be published."""

    def __init__(self, reports: Sequence[Sent]) -> None:
        super().__init__(reports)
        self.at: dict[str, float] = {}

    def __iter__(self) -> Any:
        for each in super().__iter__():
            self.at[each.identity.split(".", 2)[2]] = time.monotonic()
            yield each


_most = [0.0]


async def _most_memory(pid: int) -> None:
    while True:
        with contextlib.suppress(psutil.NoSuchProcess):
            _most[0] = max(_most[0], resident_mib(pid))
        await asyncio.sleep(0.25)


async def _stored(node: BenchNode) -> dict[str, float]:
    """When each change of an alert was stored, in seconds of this computer's monotonic clock."""
    ahead = time.time() - time.monotonic()
    stored: dict[str, float] = {}
    async for entry in scan(node.nc, ALERTS, []):
        alert = json.loads(entry.data)
        stored[f"{alert['key']} {alert['changed_at']} {alert['level']}"] = entry.stored_at / 1e6 - ahead
    return stored


def _rows(options: argparse.Namespace, told: dict[str, Any], sent: _Timed, stored: dict[str, float]) -> list[list[str]]:
    parts = [(part["times"], part["alerts"]) for part in told["parts"]]
    whole = [
        1000 * (came - sent.at[report]) for times, alerts in parts for _, report in alerts if report for came in times
    ]
    last = [1000 * (came - stored[alert]) for times, alerts in parts for alert, _ in alerts for came in times]
    about = [str(options.clients), str(options.stalled), f"{options.rate:,}"]
    return [
        [*about, "report published", f"{len(whole):,}", *shares(whole)],
        [*about, "alert stored", f"{len(last):,}", *shares(last)],
    ]


def _summary(options: argparse.Namespace, told: dict[str, Any]) -> str:
    heard = [[alert for alert, _ in part["alerts"]] for part in told["parts"]]
    expected = {alert for part in heard for alert in part}
    got = [[alert for part in client for alert in heard[part]] for client in told["clients"]]
    whole = sum(set(each) == expected for each in got)
    once = sum(len(each) == len(set(each)) for each in got)
    pictures = sorted(told["pictures"])
    return (
        f"{whole} of {options.clients} clients got every one of {len(expected):,} changes of alerts, {once} of them "
        f"each once; {told['lost']} were lost; {pictures[0]} to {pictures[-1]} pictures each; "
        f"{told['bytes'] / len(got) / 1024:,.0f} KiB each"
    )


# ----------------------------------------------------------------------------------------------------------------------


async def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    if "get" in options.what:
        async with bench() as one:
            rows = await gets(one, options.round, options.rounds)
        head = ("what", "status", "bytes", "a second", "of hello", "CPU ms", "CPU of hello", "p50 ms", "p99 ms")
        show(head, rows)
    if "stream" in options.what:
        async with bench() as one:
            rows = await streams(one, options)
        show(("clients", "stalled", "reports/s", "from", "heard", *HEAD), rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", default="get,stream")
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--stalled", type=int, default=20)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--round", type=float, default=1.5, help="Seconds of each.")
    options = parser.parse_args()
    before = load()
    asyncio.run(run(options))
    print(f"{before} before, {load()} after")


if __name__ == "__main__":
    main()
