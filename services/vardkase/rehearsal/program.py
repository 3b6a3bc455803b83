"""What is cut, when and for how long: a program of faults, decided by a seed alone. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from vardkase.rehearsal.cast import NATION, Cast, lan_node

Kind = Literal["reset", "hole", "flap", "hole_top", "frozen", "kill_kommuner", "kill_lan", "kill_top", "kill_hubs"]

_ROUND: Final = 300.0
"""Seconds that one round of all kinds takes."""
_SHORTEST: Final = 2.0
"""Seconds that a fault lasts at the least."""
_CALM: Final = 5.0
"""Seconds at the least between two faults, when there are too few for all of them."""
_BEGINS: Final = 0.06
_ENDS: Final = 0.94
"""The part of the storm in which there are faults."""
_CUTS: Final = 6
"""How often a link that flaps is cut."""

_LASTS: Final[dict[Kind, float]] = {
    "reset": 10.0,
    "kill_hubs": 10.0,
    "hole": 30.0,
    "kill_top": 10.0,
    "kill_lan": 10.0,
    "flap": 12.0,
    "kill_kommuner": 10.0,
    "hole_top": 30.0,
    "frozen": 15.0,
}
"""Seconds that each lasts in a rehearsal of five minutes. What matters most stands first: a short one has no time for
the rest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One fault."""

    kind: Kind
    nodes: tuple[str, ...]
    """Whom it strikes, by name: hubs whose children's links are cut, or nodes whose server is killed or frozen."""
    at: float
    """When it begins, in seconds after the storm's beginning; later if the one before has not healed."""
    lasts: float
    """Seconds."""

    @property
    def cuts(self) -> int:
        """How often links are cut in it; 0: it cuts none."""
        if self.kind == "reset":
            return max(1, round(self.lasts))
        return _CUTS if self.kind == "flap" else 0

    @property
    def by_links(self) -> bool:
        """Whether links are cut, and not servers."""
        return self.kind in {"reset", "hole", "flap", "hole_top"}


def program(cast: Cast, *, seed: int, length: float) -> tuple[Fault, ...]:
    """The faults of a rehearsal, in order.

    Args:
        cast: who takes part.
        seed: which of all programs.
        length: of the storm in seconds.
    """
    chance = Random(seed)  # noqa: S311 -- no secret: told, so that it can be played again
    scale = min(1.0, length / _ROUND)
    room = length * (_ENDS - _BEGINS)
    kinds: list[Kind] = []
    for _ in range(max(1, int(length // _ROUND))):
        one = list(_LASTS)
        chance.shuffle(one)
        kinds += one
    if scale < 1:
        fit = max(1, int(room / (_CALM + _mean(scale))))
        kinds = list(_LASTS)[:fit]
        chance.shuffle(kinds)
    lasts = [max(_SHORTEST, _LASTS[kind] * scale) for kind in kinds]
    calm = max(0.0, room - sum(lasts)) / len(kinds)
    faults: list[Fault] = []
    at = length * _BEGINS
    for kind, each in zip(kinds, lasts, strict=True):
        faults.append(Fault(kind=kind, nodes=_struck(kind, cast, chance), at=round(at, 1), lasts=round(each, 1)))
        at += each + calm
    return tuple(faults)


def proxied(faults: Sequence[Fault]) -> frozenset[str]:
    """The hubs whose children dial through a proxy: those whose links are cut. The others are dialled straight."""
    return frozenset(hub for fault in faults if fault.by_links for hub in fault.nodes)


def _mean(scale: float) -> float:
    lasts = [max(_SHORTEST, each * scale) for each in _LASTS.values()]
    return sum(lasts) / len(lasts)


def _struck(kind: Kind, cast: Cast, chance: Random) -> tuple[str, ...]:
    lan = [lan_node(code) for code in cast.lan]
    areas = cast.areas
    kommuner = [name for name, area in areas.items() if area.level == "kommun"]
    match kind:
        case "hole_top" | "kill_top":
            return (NATION,)
        case "kill_hubs":
            return cast.hubs
        case "kill_lan":
            return _some(lan, 2, chance)
        case "frozen" | "kill_kommuner":
            return _some(kommuner, 10, chance)
        case "reset" | "flap" | "hole":
            # A whole one among them: there it is seen what its services make of it.
            whole = [name for name in lan if name in cast.whole]
            first = chance.sample(whole, min(1, len(whole)))
            others = [name for name in lan if name not in first]
            more = (NATION,) if kind == "reset" else ()
            return (*more, *sorted([*first, *chance.sample(others, min(2, len(others)))]))


def _some(names: Sequence[str], part: int, chance: Random) -> tuple[str, ...]:
    """One of so many, and one at the least."""
    return tuple(sorted(chance.sample(names, max(1, len(names) // part))))
