"""From a kommun's log to the nation's alerts, over two links; and what a million waiting reports do to others.

    uv run --no-sync python tests/bench/links.py [--rate 1000] [--seconds 12] [--waiting 1000000]

Six real nats-servers on this computer, synced always, with their links over TLS: the nation, two län, three kommuner;
and the nation's aggregator. In earnest each has a computer of its own. Reports are written into a kommun's log as
its intake does.

- alert: reports come in at an even pace; every third one makes some point's staff worse. From a report's being stored
  in the kommun's REPORTS to its alert's being stored in the nation's ALERTS, both the servers' own times.
- waiting: one kommun has no link until so many reports wait; then it has. How long until the nation's log has them
  all, and until they are merged; meanwhile two others, one of them in another län, go on reporting, ten times a second,
  and their alerts are timed as above.
"""

import argparse
import asyncio
import inspect
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from kit.shares import HEAD, shares
from kit.shown import load, show

sys.path.insert(1, str(Path(__file__).parents[1]))  # the levels that the tests use

from federation.conftest import Three
from federation.kit import Federation, Level
from federation.services_kit import LevelServices, merged, report
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.values import scan
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts import streams
from vardkase_contracts.instants import HOUR

_STEP = 0.01
_BATCH = 5_000
_FRESH_EVERY = 0.1
_FEW = 50
"""What is under way when all else is merged: the other kommun goes on."""


async def until(condition: Callable[[], object], *, what: str = "it", within: float = 3_600.0) -> None:
    """Wait for a condition, plain or async."""
    deadline = time.monotonic() + within
    while True:
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true in {within:g} s")
        await asyncio.sleep(0.05)


def now() -> int:
    """The instant, µs."""
    return time.time_ns() // 1000


class Writer:
    """A kommun's intake: writes into its log what it would have let in.

    Args:
        level: the kommun's node.
        points: how many points it has.
        name: what the ids of its reports begin with.
    """

    def __init__(self, level: Level, points: int, *, name: str = "r") -> None:
        self._writer = StreamWriter(level.nc, streams.REPORTS)
        self._points = [f"{level.area.code}-p{number}" for number in range(points)]
        self._name = name
        self._number = 0
        self._staff = 0

    def _message(self, point: str, kind: str, data: dict[str, object], at: int) -> Outgoing:
        self._number += 1
        made = merged(report(point, kind, data, id=f"{self._name}{self._number}", at=at))
        return made._replace(headers={**made.headers, "Tp-Origin": f"{self._name}/{self._number}"})

    async def open(self) -> None:
        """Every point is open, with the staff it needs."""
        at = now() - HOUR
        fine = {"power": {"source": "mains"}, "staff": {"present": 9, "required": 9}}
        for point in self._points:
            both = [
                self._message(point, "status", {"lifecycle": "open"}, at),
                self._message(point, "resources", fine, at),
            ]
            await self._writer.write(both)

    def worse(self, count: int) -> list[Outgoing]:
        """So many reports, every third of which makes a point's staff worse; made now."""
        made: list[Outgoing] = []
        for _ in range(count):
            place, at = self._number % 3, now()
            if place:
                made.append(self._message(self._points[self._staff % len(self._points)], "heartbeat", {}, at))
                continue
            turn, point = divmod(self._staff, len(self._points))
            staff = {"staff": {"present": max(0, 8 - turn), "required": 9}}
            made.append(self._message(self._points[point], "resources", staff, at))
            self._staff += 1
        return made

    async def play(self, rate: int, seconds: float) -> float:
        """Write at an even pace; the rate that was reached."""
        began, written = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            due = round(rate * passed) - written
            if due > 0:
                await self._writer.write(self.worse(due))
                written += due
            await asyncio.sleep(_STEP)
        return written / (time.monotonic() - began)

    async def pile(self, count: int) -> None:
        """Write so many at once: heartbeats and a status now and then, a second apart."""
        at = now() - 2 * HOUR
        for start in range(0, count, _BATCH):
            batch = [
                self._message(
                    self._points[number % len(self._points)],
                    *(("status", {"occupancy": number % 90}) if number % 5 == 0 else ("heartbeat", {})),
                    at + number * 1000,
                )
                for number in range(start, min(count, start + _BATCH))
            ]
            await self._writer.write(batch)


async def alerts(kommun: Level, nation: Level) -> list[float]:
    """Milliseconds from each report's being stored at the kommun to its alert's at the nation."""
    stored = {json.loads(each.data)["id"]: each.stored_at async for each in scan(kommun.nc, streams.REPORTS, [])}
    took: list[float] = []
    async for each in scan(nation.nc, streams.ALERTS, []):
        told = json.loads(each.data)
        own = told["key"].startswith(f"staff.short/{kommun.area.code}-")
        if own and told["status"] == "firing":
            took.append((each.stored_at - stored[told["evidence"][0]["report"]]) / 1000)
    return took


async def run(rate: int, seconds: float, waiting: int) -> list[list[str]]:
    """Both measurements, on fresh nodes."""
    rows: list[list[str]] = []
    Level.share = 0.5  # a million reports have room
    with tempfile.TemporaryDirectory() as directory:
        federation = Federation(Path(directory), until)
        nation = await federation.begin()
        lan = await federation.join("24", parent=True)
        three = Three(federation, nation, lan, await federation.join("2480"))
        others = {"the same län's": await federation.join("2482")}
        await federation.join("03", parent=True)
        others["another län's"] = await federation.join("0380")
        await federation.until_up()
        services = LevelServices(nation, until)
        await services.start("aggregator")
        try:
            writer = Writer(three.kommun, 300)
            await writer.open()
            await services.until_quiet()
            reached = await writer.play(rate, seconds)
            await until(lambda: _all(three.nation, three.kommun))
            await services.until_quiet()
            took = await alerts(three.kommun, nation)
            rows.append([f"{reached:,.0f}/s over two links", f"{len(took):,}", *shares(took)])
            if waiting:
                more, told = await behind(three, others, services, waiting)
                rows += more
                print(told, flush=True)
        finally:
            await services.stop()
            await federation.stop()
    return rows


async def _all(nation: Level, *kommuner: Level) -> bool:
    return await nation.count() >= sum([await each.count() for each in kommuner])


async def behind(
    three: Three, others: Mapping[str, Level], services: LevelServices, waiting: int
) -> tuple[list[list[str]], str]:
    """A pile behind the first kommun's link, and the others' alerts while it comes."""
    kommun, nation = three.kommun, three.nation
    fresh = [Writer(each, 100) for each in others.values()]
    for each in fresh:
        await each.open()
    await until(lambda: _all(nation, kommun, *others.values()))
    await services.until_quiet()
    await kommun.unlink()
    await Writer(kommun, 300, name="piled").pile(waiting)
    healed = time.monotonic()
    playing = [asyncio.create_task(each.play(1 / _FRESH_EVERY, 3_600.0)) for each in fresh]
    await kommun.link_again()
    try:
        await until(lambda: _all(nation, kommun))
        arrived = time.monotonic() - healed
        await until(lambda: _merged(services))
        merging = time.monotonic() - healed
    finally:
        for each in playing:
            each.cancel()
        await asyncio.gather(*playing, return_exceptions=True)
    await until(lambda: _all(nation, kommun, *others.values()))
    await services.until_quiet()
    took = {name: await alerts(each, nation) for name, each in others.items()}
    told = (
        f"{waiting:,} behind a healed link: in the nation's log after {arrived:.1f} s ({waiting / arrived:,.0f}/s), "
        f"merged after {merging:.1f} s ({waiting / merging:,.0f}/s)"
    )
    return [[f"{name}, meanwhile", f"{len(each):,}", *shares(each)] for name, each in took.items()], told


async def _merged(services: LevelServices) -> bool:
    """Whether the aggregator has acknowledged all but the last few."""
    found = (await call(services.nc, f"CONSUMER.LIST.{streams.REPORTS}"))["consumers"]
    return all(each["num_pending"] + each["num_ack_pending"] < _FEW for each in found)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--waiting", type=int, default=0)
    args = parser.parse_args()
    before = load()
    rows = asyncio.run(run(args.rate, args.seconds, args.waiting))
    show(["what", "alerts", *HEAD], rows)
    print(f"{before} before, {load()} after")


if __name__ == "__main__":
    main()
