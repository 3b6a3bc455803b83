"""Silences: alerts that nobody is notified of for a time. They are judged, published and seen as ever.

A function of the set of orders: a silence is what the latest order with its id says, from that order's time on. Looking
one up costs the same however many there are: they are found by rule and place.
"""

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from vardkase_contracts.instants import DAY, MINUTE, from_datetime, iso
from vardkase_contracts.orders import SilenceOrder
from vardkase_contracts.vocab import Role

from .intervals import FOREVER
from .places import lies_in

#: No silence lasts longer than this after it was ordered (ours): it is ordered again, or somebody is told again.
LASTS_AT_MOST = 30 * DAY
#: Of the orders about one area so many are kept, the latest (ours).
ORDERS_KEPT = 500
#: That a silence ends is told in the last quarter of its time, at most so long before (ours).
WARN_BEFORE = 30 * MINUTE

#: Whose a silence is (level and code of an area), and its id.
Name = tuple[str, str, str]
#: Where a silence is looked up: a rule, or `None` for any; and a point's id or an area's code.
Key = tuple[str | None, str]


class Silence(NamedTuple):
    """A silence as one order says."""

    #: The time and the id of the order.
    rank: tuple[int, str]
    name: Name
    role: Role
    since: int
    until: int
    rule: str | None
    #: What is silenced: a point's id or an area's code; `None` when nothing can match.
    place: str | None
    note: str | None
    #: As it is looked up at an instant: whether it will end soon, and what it silences be told of again.
    ends_soon: bool = False

    @property
    def key(self) -> Key | None:
        """Where it is looked up."""
        return None if self.place is None else (self.rule, self.place)


class _Stretch(NamedTuple):
    """A silence in force, from and until."""

    start: int
    end: int
    silence: Silence

    @property
    def warned_at(self) -> int:
        """From when on it ends soon, µs. One that another takes the place of does not end."""
        if self.end < self.silence.until:
            return FOREVER
        return self.end - min(WARN_BEFORE, (self.end - self.start) // 4)


class Silences:
    """The silences of one reality."""

    def __init__(self) -> None:
        #: How many orders were left out, since there are too many about their area.
        self.left_out = 0
        self._about: dict[str, list[Silence]] = {}
        self._named: dict[Name, list[Silence]] = {}
        self._stretches: dict[Key, dict[Name, list[_Stretch]]] = {}

    def __len__(self) -> int:
        return len(self._named)

    def take(self, order: SilenceOrder) -> set[Key]:
        """Fold an order in; where alerts may now be silenced otherwise than before."""
        silence, about = _silence(order), order.subject
        orders = self._about.setdefault(about, [])
        if silence in orders:
            return set()
        insort(orders, silence, key=_in_order)
        insort(self._named.setdefault(silence.name, []), silence, key=_in_order)
        changed = self._lay_out(silence.name)
        if len(orders) > ORDERS_KEPT:
            changed |= self._drop(orders.pop(0))
            self.left_out += 1
        return changed

    def _drop(self, silence: Silence) -> set[Key]:
        """Forget an order; where that may matter."""
        named = self._named[silence.name]
        named.remove(silence)
        changed = self._lay_out(silence.name, silence.key)
        if not named:
            del self._named[silence.name]
        return changed

    def _lay_out(self, name: Name, *gone: Key | None) -> set[Key]:
        """From when until when each order of a silence is in force: until the next one, and not before it was given.

        Returns:
            Where alerts may now be silenced otherwise than before.
        """
        orders = self._named[name]
        keys = {key for key in (*gone, *(each.key for each in orders)) if key is not None}
        for key in keys & self._stretches.keys():
            self._stretches[key].pop(name, None)
            if not self._stretches[key]:
                del self._stretches[key]
        for place, each in enumerate(orders):
            replaced = orders[place + 1].rank[0] if place + 1 < len(orders) else FOREVER
            start, end = max(each.since, each.rank[0]), min(each.until, replaced)
            if each.key is not None and start < end:
                self._stretches.setdefault(each.key, {}).setdefault(name, []).append(_Stretch(start, end, each))
        return keys

    def given(self, now: int) -> list[Silence]:
        """Every silence as it was last ordered by an instant (µs), those that have ended included; by order."""
        latest = (
            next((each for each in reversed(orders) if each.rank[0] <= now), None) for orders in self._named.values()
        )
        return sorted((each for each in latest if each is not None), key=_in_order)

    def forget(self, now: int) -> None:
        """Drop what can silence nothing any more, whatever comes late (`now` in µs)."""
        for about, orders in list(self._about.items()):
            while orders and orders[0].rank[0] <= now - LASTS_AT_MOST:
                self._drop(orders.pop(0))
            if not orders:
                del self._about[about]
        for key, named in list(self._stretches.items()):
            for name, stretches in list(named.items()):
                coming = [each for each in stretches if each.end > now]
                if coming:
                    named[name] = coming
                else:
                    del named[name]
            if not named:
                del self._stretches[key]

    def of(self, rule: str, places: Sequence[str], now: int) -> tuple[list[Silence], int]:
        """The silences of an alert: of each area the one that lasts longest; and when that may change by the clock, µs.

        Args:
            rule: the alert's.
            places: what the alert is about, and the areas that lie around it.
            now: the instant, µs.
        """
        due = FOREVER
        found: dict[tuple[str, str], Silence] = {}
        if not self._stretches:
            return [], due
        for stretch in self._at(rule, places):
            if now < stretch.start:
                due = min(due, stretch.start)
            elif now < stretch.end:
                warned = now >= stretch.warned_at
                due = min(due, stretch.end if warned else stretch.warned_at, stretch.end)
                whose = stretch.silence.name[:2]
                other = found.get(whose)
                if other is None or _longer(stretch.silence) > _longer(other):
                    found[whose] = stretch.silence._replace(ends_soon=True) if warned else stretch.silence
        return [found[whose] for whose in sorted(found)], due

    def _at(self, rule: str, places: Sequence[str]) -> Iterable[_Stretch]:
        for place in places:
            for key in ((rule, place), (None, place)):
                for stretches in self._stretches.get(key, {}).values():
                    yield from stretches


def _silence(order: SilenceOrder) -> Silence:
    data, time = order.data, from_datetime(order.time)
    return Silence(
        rank=(time, order.id),
        name=(data.by.level, data.by.code, data.id or order.id),
        role=data.by.role,
        since=from_datetime(data.from_),
        until=min(from_datetime(data.until), time + LASTS_AT_MOST),
        rule=data.matcher.rule,
        place=_place(order),
        note=data.note,
    )


def _place(order: SilenceOrder) -> str | None:
    """The innermost of what is named and the area that the order is about; `None` unless each lies in the next."""
    matcher = order.data.matcher
    named = [each for each in (matcher.point, matcher.area, order.subject) if each is not None]
    return named[0] if all(lies_in(inner, outer) for inner, outer in pairwise(named)) else None


def _in_order(silence: Silence) -> tuple[Any, ...]:
    """By time, then the order's id; two of one time and id by what they say."""
    return (
        silence.rank,
        silence.name,
        silence.role,
        silence.since,
        silence.until,
        silence.rule or "",
        silence.place or "",
        silence.note or "",
    )


def _longer(silence: Silence) -> tuple[Any, ...]:
    return silence.until, _in_order(silence)


def silence_document(silence: Silence) -> Mapping[str, Any]:
    """A silence as it stands in an alert."""
    level, code, name = silence.name
    document = {
        "id": name,
        "level": level,
        "code": code,
        "role": silence.role,
        "from": iso(silence.since),
        "until": iso(silence.until),
        "note": silence.note,
    }
    return document | ({"ends_soon": True} if silence.ends_soon else {})
