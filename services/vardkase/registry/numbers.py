"""Which point has a number that is said over radio: one alone, or it is told why none."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from vardkase_contracts.areas import KOMMUNER
from vardkase_contracts.oneline import LineError

_PLACE: Final = 5
"""The word of a one-line report that has the number."""
_SHOWN: Final = 20
"""Numbers, or points, that are told of."""


class Numbered(NamedTuple):
    """A point of a register."""

    id: str
    name: str
    no: int | None
    """Its speakable number, 1-999; None: it has none."""


def point_of(no: int, kommun: str, points: Iterable[Numbered]) -> Numbered | LineError:
    """The one point that has a number.

    Args:
        no: the number.
        kommun: the code.
        points: those of the kommun's register that are not retired.
    """
    known = list(points)
    found = [each for each in known if each.no == no]
    if len(found) == 1:
        return found[0]
    where = f"registret för {KOMMUNER[kommun].name} ({kommun})"
    if found:
        several = ", ".join(f"{each.name} ({each.id})" for each in found[:_SHOWN])
        return LineError(str(no), _PLACE, f"flera punkter har numret i {where}: {several}; ge dem var sitt först")
    numbers = sorted({each.no for each in known if each.no is not None})
    if not numbers:
        return LineError(str(no), _PLACE, f"ingen punkt har något nummer i {where}")
    shown = ", ".join(str(each) for each in numbers[:_SHOWN]) + (" …" if len(numbers) > _SHOWN else "")
    return LineError(str(no), _PLACE, f"ingen punkt har numret i {where}; väntade {shown}")
