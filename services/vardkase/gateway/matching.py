"""Which surplus could meet which need: proposals for people to decide on, and what of them one side has agreed to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from vardkase.logistics.distance import ROAD_FACTOR, kilometres
from vardkase.logistics.transport import Demand, Pair, Supply, assign
from vardkase_contracts.instants import iso, parse

from .nearest import start_of
from .needed import Need

MOST: Final = 500
"""Most pairs that are proposed."""
Key = tuple[str, str]
"""Of a need: who said it, and its id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A surplus for a need."""

    need: Need
    surplus: Need
    km: float
    quantity: float | None
    """How much of it; None: one of the two does not say."""
    arrives_at: int | None = None
    """When it could be there if it leaves as soon as it can (µs); None: a side has agreed to it already."""
    late: bool = False
    """Whether that is later than it is needed."""
    accepted: tuple[str, ...] = ()
    """The sides that have agreed: `need`, `surplus`. It waits for the other."""

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "kind": self.need.kind,
            "need": _side(self.need),
            "surplus": _side(self.surplus),
            "km": round(self.km, 1),
            "quantity": self.quantity,
            "unit": self.need.value.get("unit") or self.surplus.value.get("unit"),
            "arrives_at": None if self.arrives_at is None else iso(self.arrives_at // 1_000_000 * 1_000_000),
            "late": self.late,
            "accepted": list(self.accepted),
        }


def match(needs: Sequence[Need], now: int, *, road_factor: float = ROAD_FACTOR) -> list[Match]:
    """First what one side has agreed to and the other has not; then pairs of the whole: `vardkase.logistics.transport`.

    What is agreed to by both is no proposal any more; what is under way already is left alone. Nothing is decided by
    this.

    Args:
        needs: needs and surplus, the most pressing first.
        now: the instant (µs).
        road_factor: how much longer a road is than the way of the crow.

    Raises:
        transport.Unsolved: it took too long.
    """
    halves = _halves(needs)
    taken = _taken(halves)
    demands: list[Demand] = []
    supplies: list[Supply] = []
    by_id = {_name(_key(each)): each for each in needs}
    for each in needs:
        place = start_of(each.point, each.point.kommun)
        left = taken.get(_key(each))
        if each.value["state"] != "requested" or each.kind is None or place is None or left == 0:
            continue
        quantity = each.value.get("quantity") if left is None else left
        common: dict[str, Any] = {
            "id": _name(_key(each)), "kind": each.kind, "position": place, "quantity": quantity,
            "unit": each.value.get("unit"),
        }  # fmt: skip
        if each.direction == "surplus":
            supplies.append(Supply(**common))
        else:
            by = each.value.get("needed_by")
            demands.append(
                Demand(**common, priority=each.value.get("priority"), needed_by=None if by is None else parse(by))
            )
    pairs = assign(demands, supplies, now, road_factor=road_factor)
    return [*halves, *(_proposed(pair, by_id) for pair in pairs)][:MOST]


def _proposed(pair: Pair, by_id: Mapping[str, Need]) -> Match:
    return Match(
        need=by_id[pair.demand],
        surplus=by_id[pair.supply],
        km=pair.km,
        quantity=pair.quantity,
        arrives_at=pair.arrives_at,
        late=pair.late,
    )


def _halves(needs: Sequence[Need]) -> list[Match]:
    """What one side has agreed to, and the other still offers or asks for."""
    by_key = {_key(each): each for each in needs}
    by_origin: dict[Key, list[Need]] = defaultdict(list)
    for each in needs:
        by_origin[_origin(each)].append(each)
    found: list[Match] = []
    for each in needs:
        other = _counterpart(each)
        if each.value["state"] != "assigned" or other is None:
            continue
        if any(_counterpart(theirs) == _origin(each) for theirs in by_origin[other]):
            continue  # both say so
        theirs = by_key.get(other)
        if theirs is None or theirs.value["state"] != "requested" or theirs.direction == each.direction:
            continue
        need, surplus = (theirs, each) if each.direction == "surplus" else (each, theirs)
        half = Match(need=need, surplus=surplus, km=0.0, quantity=None, accepted=(each.direction,))
        places = [start_of(side.point, side.point.kommun) for side in (need, surplus)]
        km = kilometres(places[0], places[1]) if places[0] is not None and places[1] is not None else 0.0
        known = theirs.value.get("quantity") is not None
        quantity = each.value.get("quantity") if known else None
        if quantity is not None:
            quantity = min(quantity, theirs.value["quantity"])
        found.append(replace(half, km=km, quantity=quantity))
    return found


def _taken(halves: Sequence[Match]) -> dict[Key, float]:
    """What is left of those that wait for their side's word: it is not proposed to anybody else meanwhile."""
    left: dict[Key, float] = {}
    for half in halves:
        waits = half.surplus if half.accepted == ("need",) else half.need
        key = _key(waits)
        whole = left.get(key, waits.value.get("quantity"))
        left[key] = 0.0 if whole is None or half.quantity is None else max(0.0, whole - half.quantity)
    return left


def _counterpart(need: Need) -> Key | None:
    other = need.value.get("counterpart")
    return None if other is None else (other["point"], other["need_id"])


def _origin(need: Need) -> Key:
    """As it was proposed: a part has an id of its own."""
    return need.asked_by, need.value.get("part_of") or need.need_id


def _key(need: Need) -> Key:
    return need.asked_by, need.need_id


def _name(key: Key) -> str:
    return f"{key[0]}/{key[1]}"


def _side(need: Need) -> dict[str, Any]:
    return {"point": need.asked_by, "need_id": need.need_id, "report": need.fact["report"]}
