"""Which surplus could meet which need: proposals for people to decide on. Pure."""

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from .nearest import kilometres, start_of
from .needed import Need

MOST: Final = 500
"""Most pairs that are proposed."""
_LOOKED_AT: Final = 2_000
"""Most offers of a kind that are looked at for one need."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A surplus for a need."""

    need: Need
    surplus: Need
    km: float
    quantity: float | None
    """How much of it; None: one of the two does not say."""

    def told(self) -> dict[str, Any]:
        """As JSON."""
        unit = self.need.value.get("unit") or self.surplus.value.get("unit")
        return {
            "kind": self.need.kind,
            "need": {"point": self.need.asked_by, "need_id": self.need.need_id},
            "surplus": {"point": self.surplus.asked_by, "need_id": self.surplus.need_id},
            "km": round(self.km, 1),
            "quantity": self.quantity,
            "unit": unit,
        }


def match(needs: Iterable[Need]) -> list[Match]:
    """Pairs, the most pressing need first, each with the nearest that is left of its kind and unit.

    A surplus of a known quantity goes to several needs until it is used up; one without is proposed once. What is
    under way already is left alone. Nothing is decided by this.

    Args:
        needs: needs and surplus, the most pressing first.
    """
    wanted: list[Need] = []
    offers: dict[str, list[_Offer]] = defaultdict(list)
    for each in needs:
        if each.direction == "surplus":
            if each.kind is not None and each.value["state"] == "requested":
                offers[each.kind].append(_Offer(each))
        elif each.value["state"] == "requested" and each.kind is not None:
            wanted.append(each)
    found: list[Match] = []
    for need in wanted:
        if len(found) >= MOST:
            break
        found += _met(need, offers[need.kind or ""], MOST - len(found))
    return found


class _Offer:
    __slots__ = ("left", "need", "place", "unit", "used")

    def __init__(self, need: Need) -> None:
        self.need = need
        self.left: float | None = need.value.get("quantity")
        self.unit: str | None = need.value.get("unit")
        self.place = start_of(need.point, need.point.kommun)
        self.used = False

    def has(self, unit: str | None) -> bool:
        """Whether anything is left, in a unit that fits."""
        there = not self.used if self.left is None else self.left > 0
        return there and (unit is None or self.unit is None or unit == self.unit)


def _met(need: Need, offers: list[_Offer], most: int) -> list[Match]:
    start, wanted, unit = start_of(need.point, need.point.kommun), need.value.get("quantity"), need.value.get("unit")
    if start is None:
        return []
    near = [
        (kilometres(start, offer.place), place, offer)
        for place, offer in enumerate(offers[:_LOOKED_AT])
        if offer.place is not None and offer.has(unit)
    ]
    found: list[Match] = []
    for km, _, offer in heapq.nsmallest(5, near):
        if len(found) >= most:
            break
        taken: float | None = None
        if wanted is not None and offer.left is not None:
            amount: float = min(wanted, offer.left)
            wanted, offer.left, taken = wanted - amount, offer.left - amount, amount
        else:
            offer.used = offer.left is None
        found.append(Match(need=need, surplus=offer.need, km=km, quantity=taken))
        if wanted is None or wanted <= 0 or taken is None:
            break
    return found
