"""How good forecasts are, on simulated crises that know the truth and on real shelters; against the naive guess.

    uv run --no-sync python tests/bench/foresight.py [--points 1500] [--seeds 1 2 3] [--only storm-gotaland]

Every half hour of simulated time each point's forecast is made of what had been received by then. Endurance is held
against when fuel or charge would really have been gone had nothing come; the naive guess is what was reported (what the
rules go by). Of warmth, water and people the truth is the next reading, one to three hours after the last one that the
trend rests on; the naive guess is that the last reading stays. Medians, so that one absurd reading decides nothing.
"""

import argparse
import bisect
from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from statistics import median
from typing import NamedTuple

from pydantic import ValidationError

from vardkase.domain.fold import fold
from vardkase.domain.forecast.evidence import Evidence, gather
from vardkase.domain.forecast.points import What, conclude, trend_in
from vardkase.domain.forecast.trend import Trend
from vardkase.domain.merge import Received, merge
from vardkase.domain.state import PointState
from vardkase.simulator.emission import Emission
from vardkase.simulator.scenario import Scenario, shipped_scenarios
from vardkase.simulator.shelters.dataset import Dataset, shipped_datasets
from vardkase.simulator.shelters.replay import Replay
from vardkase.simulator.simulation import Simulation
from vardkase.simulator.truth import PointTruth
from vardkase_contracts.instants import HOUR, MINUTE, parse
from vardkase_contracts.reports import REPORT, WithdrawReport

EVERY = 30 * MINUTE
NEXT = (1 * HOUR, 3 * HOUR)
UNITS = {"power": "min", "water": "l", "heat": "°C", "capacity": "persons"}
VALUES: tuple[What, ...] = ("water", "heat", "capacity")


class Tried(NamedTuple):
    """One forecast and what came of it."""

    error: float
    naive: float | None
    held: bool
    width: float | None
    last: int


class Bench:
    """The forecasts of one run."""

    def __init__(self, truth: Mapping[str, PointTruth]) -> None:
        self.truth = truth
        self.states: dict[str, PointState] = {}
        self.reports: dict[str, list[Received]] = defaultdict(list)
        self.tried: dict[What, list[Tried]] = defaultdict(list)
        self.waiting: dict[tuple[str, What], tuple[Trend, float]] = {}
        self.asked = self.too_few = 0
        self.reported_alone: list[float] = []

    def run(self, emissions: Iterable[Emission]) -> None:
        tick: int | None = None
        for emission in emissions:
            tick = emission.at + EVERY if tick is None else tick
            while tick <= emission.at:
                self.look(tick)
                tick += EVERY
            if emission.fault is None:
                self.take(emission)

    def take(self, emission: Emission) -> None:
        try:
            report = REPORT.validate_json(emission.payload)
        except ValidationError:
            return
        item = Received(report=report, received=emission.at, digest=sha256(emission.payload).digest())
        own = self.reports[report.kommun]
        own.append(item)
        if isinstance(report, WithdrawReport):
            self.states |= {
                point: state for (_, point), state in fold(own).items() if self.states.get(point) is not None
            }
            return
        state = self.states.get(report.subject)
        if state is None:
            state = self.states[report.subject] = PointState(report.subject, report.reality)
        merge(state, item)

    def look(self, now: int) -> None:
        for point, state in self.states.items():
            if state.lifecycle not in {"open", "establishing", "closing"}:
                continue
            seen = gather(state)
            self.endurance(point, seen, now)
            for what in VALUES:
                self.settle(point, what, seen)
                trend = trend_in(seen, what, now)
                if trend is not None and (point, what) not in self.waiting:
                    self.waiting[point, what] = trend, series(seen, what)[-1][1]

    def endurance(self, point: str, seen: Evidence, now: int) -> None:
        found = next((each for each in conclude(seen, now) if each.what == "power"), None)
        if found is None or point not in self.truth:
            return
        reaches = self.truth[point].reaches
        place = bisect.bisect_right(reaches, now, key=lambda each: each.since) - 1
        true = reaches[place].until if place >= 0 else None
        if true is None or found.status in {"passed", "not_known"}:
            return
        self.asked += 1
        if found.basis != "trend" or found.at is None or found.earliest is None:
            self.too_few += 1
            if found.at is not None:
                self.reported_alone.append(abs(found.at - true) / MINUTE)
            return
        self.tried["power"].append(
            Tried(
                error=abs(found.at - true) / MINUTE,
                naive=None if found.reported_at is None else abs(found.reported_at - true) / MINUTE,
                held=found.earliest <= true and (found.latest is None or true <= found.latest),
                width=None if found.latest is None else (found.latest - found.earliest) / MINUTE,
                last=now,
            )
        )

    def settle(self, point: str, what: What, seen: Evidence) -> None:
        waits = self.waiting.get((point, what))
        if waits is None:
            return
        trend, last = waits
        for at, value in series(seen, what):
            if at < trend.at + NEXT[0]:
                continue
            del self.waiting[point, what]
            if at <= trend.at + NEXT[1] and not (what == "water" and value > last):
                low, high = trend.band(at)
                error = abs(trend.value(at) - value)
                self.tried[what].append(Tried(error, abs(last - value), low <= value <= high, high - low, at))
            return


def series(seen: Evidence, what: What) -> list[tuple[int, float]]:
    """The readings of one thing."""
    readings = {"water": seen.water, "heat": seen.heat, "capacity": seen.occupancy}[what]
    return [(at, value) for at, value in readings if value is not None]


def row(name: str, what: What, tried: list[Tried]) -> str:
    """One line of the table."""
    if not tried:
        return f"| {name} | {what} | 0 | | | | |"
    both = [each for each in tried if each.naive is not None]
    naive = f"{median(each.naive or 0.0 for each in both):.1f}" if both else ""
    paired = f"{median(each.error for each in both):.1f}" if both else f"{median(each.error for each in tried):.1f}"
    widths = [each.width for each in tried if each.width is not None]
    held = 100 * sum(each.held for each in tried) / len(tried)
    width = f"{median(widths):.1f}" if widths else "open"
    return f"| {name} | {what}, {UNITS[what]} | {len(tried)} | {paired} | {naive} | {held:.0f} % | {width} |"


def main() -> None:
    """Run it, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=1500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--only", choices=(*shipped_scenarios(), *shipped_datasets()))
    options = parser.parse_args()
    print("| run | what | forecasts | median error | naive | in the interval | median width |")
    print("|---|---|---|---|---|---|---|")
    for name in shipped_scenarios():
        if options.only not in {None, name}:
            continue
        story = Scenario.load(name).changed(points={"total": options.points})
        tried: dict[What, list[Tried]] = defaultdict(list)
        asked = few = 0
        alone: list[float] = []
        for seed in options.seeds:
            run = Simulation(story, seed)
            bench = Bench(run.truth)
            bench.run(run)
            for what, found in bench.tried.items():
                tried[what] += found
            asked, few = asked + bench.asked, few + bench.too_few
            alone += bench.reported_alone
        for what in ("power", *VALUES):
            print(row(name, what, tried[what]))
        share = f"; its median error {median(alone):.1f} min" if alone else ""
        print(f"<!-- {name}: endurance asked {asked}, no trend {few}, of those by report {len(alone)}{share} -->")
    for name in shipped_datasets():
        if options.only not in {None, name}:
            continue
        bench = Bench({})
        bench.run(Replay(Dataset.find(name), start=parse("2021-08-25T00:00:00Z")))
        print(row(name, "capacity", bench.tried["capacity"]))


if __name__ == "__main__":
    main()
