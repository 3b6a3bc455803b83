"""Reports as a storm makes them: the simulator's, in the mix of kinds that its people and sensors send."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vardkase.simulator.scenario import Scenario
from vardkase.simulator.simulation import Simulation
from vardkase_contracts.instants import HOUR

_SCENARIO: Final = "storm-gotaland"
_FIRST: Final = 2.3
"""Reports of each point before the storm is everywhere: its register, and what is said at first."""
_HOURLY: Final = 0.76
"""Reports of each point in each hour after that."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A report as its sender publishes it."""

    at: int
    """When, µs."""
    subject: str
    data: bytes
    identity: str
    """Reality, kommun and id."""


def storm(count: int, *, points: int, seed: int = 1) -> Iterator[Sent]:
    """Some `count` reports (a tenth more or less) of a storm that ends now.

    Malformed reports are left out; repeats and withdrawals are not.

    Args:
        count: of reports.
        points: that the scenario has.
        seed: which of its runs.
    """
    hours = max(4.0, (count / points - _FIRST) / _HOURLY)
    scenario = Scenario.load(_SCENARIO).changed(points={"total": points}, duration_h=hours)
    start = time.time_ns() // 1000 - int(hours * HOUR)
    for emission in Simulation(scenario, seed, start):
        if emission.fault is None:
            event = emission.event
            identity = f"{event['reality']}.{event['subject'][:4]}.{event['id']}"
            payload = bytes(memoryview(emission.payload))  # orjson leaves room of some 8 KB behind each
            yield Sent(emission.at, emission.subject, payload, identity)
