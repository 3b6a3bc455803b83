"""What a one-line report says, before anybody has looked up which point has its number."""

from dataclasses import dataclass
from typing import Final, Literal

from vardkase_contracts import vocab

Unknown = Literal["?"]
UNKNOWN: Final[Unknown] = "?"
"""Said to be unknown now, which is not the same as not said (None)."""

PowerCode = Literal["0", "1", "2", "3", "4", "5", "6"]
"""After P: 0 no power, 1 mains, 2 backup running, 3 battery; backup that is 4 off, 5 not connected, 6 at fault."""
WaterCode = Literal["0", "1", "2"]
"""After V: 0 none, 1 mains, 2 tank."""
Means = Literal["mobile", "fixed", "internet", "rakel", "satellite"]
"""A means of communication."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """A need, or something to spare: one of each kind at a point."""

    kind: vocab.NeedKind
    quantity: int | None = None
    unit: str | None = None
    """As the contract has it: `l`, `kg`, `kW`, `st`, `persons`."""
    urgent: bool = False
    state: vocab.NeedState = "requested"
    needed_by: int | None = None
    """µs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A one-line report. A field that is None was not said."""

    reality: vocab.Reality
    observed: int
    """When it was seen, µs: a whole minute."""
    kommun: str
    """The code."""
    no: int
    """The point's speakable number in its kommun's register, 1-999."""
    unchanged: bool = False
    """"ALLT OFÖRÄNDRAT": then nothing else is said."""
    lifecycle: vocab.Lifecycle | None = None
    occupancy: int | Unknown | None = None
    capacity: int | None = None
    """Places at the time: the night's from 22 to 07."""
    power: PowerCode | Unknown | None = None
    endurance: int | None = None
    """Tenths of an hour."""
    fuel: int | None = None
    """Litres."""
    fuel_rate: int | None = None
    """Tenths of a litre an hour."""
    present: int | Unknown | None = None
    required: int | None = None
    water: WaterCode | Unknown | None = None
    litres: int | None = None
    heat: int | Unknown | None = None
    """Tenths of a degree Celsius."""
    call_112: bool | Unknown | None = None
    up: tuple[Means, ...] = ()
    """Means that work, in the order of the table."""
    down: tuple[Means, ...] = ()
    """Means that do not."""
    needs: tuple[Need, ...] = ()
    surplus: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class LineError:
    """Why a text is no one-line report: the first word that is wrong."""

    token: str
    """The word, at most 40 characters; empty when one is missing."""
    place: int
    """Its place in the text, from 1."""
    expected: str
    """What was expected there, in Swedish."""

    def __str__(self) -> str:
        what = f'"{self.token}"' if self.token else "saknas"
        return f"Ord {self.place}, {what}: {self.expected}"
