"""What is rehearsed: the cast, the storm, how long and how fast. Pure."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vardkase.rehearsal.cast import Cast
from vardkase.runtime.clock import DrivenTime
from vardkase.simulator.scenario import Scenario
from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.instants import HOUR, SECOND

_BESIDE: Final = 1.5
"""Degrees of longitude that a storm that is moved begins before the first of those who take part."""
_KM: Final = 111.0
"""Kilometres in a degree of latitude."""
_WIDEST: Final = 500.0

_MOST: Final = 100.0
"""The weight of a kommun that takes part, where others do not: it has as many points as a kommun can have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """What is rehearsed."""

    cast: Cast
    scenario: Scenario
    seed: int
    """Which of all runs of the storm, and which of all programs of faults."""
    length: float
    """Of the storm, in real seconds."""
    hours: float
    """Of the storm, in its own time."""
    directory: Path
    """An empty one."""

    def time(self, anchor: int) -> DrivenTime:
        """The time at the nodes: it meets real time when the storm is over.

        Args:
            anchor: the real instant at which it begins, µs.
        """
        behind = self.hours * HOUR - self.length * SECOND
        return DrivenTime(start=anchor - round(behind), speed=self.hours * HOUR / (self.length * SECOND), anchor=anchor)


def over(scenario: Scenario, cast: Cast) -> Scenario:
    """A scenario for a few: its points are theirs above all, and a storm goes over them from the west to the east."""
    weights = [{"weight": _MOST, "kommuner": list(cast.kommuner)}]
    scenario = scenario.changed(points={"weights": weights})
    if scenario.storm is None:
        return scenario
    places = [KOMMUNER[code].position for code in cast.kommuner]
    easts, norths = [place[0] for place in places], [place[1] for place in places]
    north = (min(norths) + max(norths)) / 2
    axis = {"axis_from": [min(easts) - _BESIDE, north], "axis_to": [max(easts) + _BESIDE, north]}
    width = scenario.storm.width_km + (max(norths) - min(norths)) / 2 * _KM
    return scenario.changed(storm={**axis, "width_km": min(width, _WIDEST)})
