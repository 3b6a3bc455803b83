"""What really happened, beside what was reported: for back-tests, such as how long before the dark an alert came.

Nothing in a report is made from this; it is written down as the run goes on, and grows with what happens, not with
the number of reports. A run's length is bounded, and so is this.
"""

from dataclasses import dataclass, field
from typing import Literal

DarkCause = Literal["no_backup", "not_connected", "fault", "ran_dry", "battery_empty"]
"""Why a point has no power: nothing to run on, a generator not there yet, one that broke, no fuel, no charge."""


@dataclass(kw_only=True, slots=True)
class Spell:
    """A stretch of time: instants in microseconds, `until` not included, None while it goes on."""

    since: int
    until: int | None = None


@dataclass(kw_only=True, slots=True)
class Dark(Spell):
    """A stretch without any power at a point that was being set up, open or closing."""

    cause: DarkCause
    online: bool
    """Whether a report could get out when it began."""
    last_sent: int | None
    """When the last report from the place itself had got out when it began; None: none ever had."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """How long what the place runs on would last, from an instant on, if nothing came."""

    since: int
    """From when (µs), until the next one."""
    until: int | None
    """When it would be out (µs); None: it runs on nothing that runs out."""


@dataclass(kw_only=True, slots=True)
class PointTruth:
    """What really happened at one point."""

    id: str
    open: list[Spell] = field(default_factory=list[Spell])
    """When it was open."""
    dark: list[Dark] = field(default_factory=list[Dark])
    """When it had no power, in use."""
    unstaffed: list[Spell] = field(default_factory=list[Spell])
    """When it was in use and nobody was there."""
    offline: list[Spell] = field(default_factory=list[Spell])
    """When nothing could be sent from it."""
    no_112: list[Spell] = field(default_factory=list[Spell])
    """When 112 could not be called from it, in use."""
    cold: list[Spell] = field(default_factory=list[Spell])
    """When it was below 15 °C indoors, in use (as looked at now and then, where a heating fails slowly)."""

    reaches: list[Reach] = field(default_factory=list[Reach])
    """How long fuel or charge would last, each time that it began to run or was filled up: for back-tests."""

    @property
    def ran_dry(self) -> list[Dark]:
        """The stretches that began when fuel or charge ran out: what endurance alerts are to foresee."""
        return [dark for dark in self.dark if dark.cause in ("ran_dry", "battery_empty")]


def end(spells: list[Spell] | list[Dark], at: int) -> None:
    """End the stretch that goes on, if one does."""
    if spells and spells[-1].until is None:
        spells[-1].until = at
