"""Exercises: where one is going on, and where one was aborted. A function of the set of orders, whatever their order.

An exercise is what its latest order says of a kommun, from that order's time on. But once it was aborted somewhere it
never goes on there: who has been told that this is for real must not be told otherwise by an order that comes late.
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from vardkase_contracts.areas import Area
from vardkase_contracts.instants import DAY, from_datetime, iso
from vardkase_contracts.orders import ExerciseOrder
from vardkase_contracts.vocab import ExerciseState

from .intervals import FOREVER
from .latest import Latest

#: So many exercises are kept, those last changed (ours).
KEPT = 200
#: Of one exercise and one area that its orders are about so many orders (ours): one dated ahead by a wrong clock must
#: not hide those before it.
ORDERS_KEPT = 8
#: So long reports of an exercise stay refused where one was aborted, unless another has begun there since (ours).
ABORT_HOLDS = 30 * DAY
#: So long an abort, or the end of an exercise, is shown to everyone (ours): a shift, and the next.
ABORT_SHOWN = DAY
#: What everyone is told where an exercise was aborted.
ABORTED_SV = "ÖVNING AVBRUTEN – SKARPT LÄGE"  # noqa: RUF001 -- a dash, as it is written


class _Said(NamedTuple):
    """An exercise as one order says. Ordered by the order's time and id; two of those by what they say."""

    time: int
    id: str
    since: int
    until: int
    state: ExerciseState
    name: str
    areas: tuple[str, ...]
    kommuner: frozenset[str]

    @property
    def rank(self) -> tuple[Any, ...]:
        """Its place among the others: what it covers is what its areas do."""
        return self[:-1]


class Running(NamedTuple):
    """An exercise that goes on in a kommun."""

    id: str
    name: str
    since: int
    until: int | None


class Aborted(NamedTuple):
    """An exercise that was aborted in a kommun."""

    id: str
    name: str
    at: int


class Standing(NamedTuple):
    """How exercises stand in a kommun at an instant."""

    running: tuple[Running, ...]
    """Those that go on there, by their ids."""
    aborted: Aborted | None
    """The last that was aborted there, while that holds: no other has begun there since."""


class Exercises:
    """All exercises that a node has been told of."""

    def __init__(self) -> None:
        #: How many exercises were left out, since there are too many.
        self.left_out = 0
        self._said: dict[str, dict[str, list[_Said]]] = {}
        #: By exercise and kommun, when it was aborted there first. Never forgotten before the exercise is.
        self._aborted: dict[str, dict[str, int]] = {}
        self._latest = Latest(KEPT)

    def __len__(self) -> int:
        return len(self._said)

    def take(self, order: ExerciseOrder) -> None:
        """Fold an order in."""
        data, time = order.data, from_datetime(order.time)
        said = _Said(
            time,
            order.id,
            from_datetime(data.from_),
            FOREVER if data.until is None else from_datetime(data.until),
            data.state,
            data.name,
            tuple(sorted(data.areas)),
            frozenset(kommun for code in data.areas for kommun in Area.parse(code).kommuner()),
        )
        orders = self._said.setdefault(data.id, {}).setdefault(order.subject, [])
        if said not in orders:
            insort(orders, said, key=lambda each: each.rank)
            del orders[:-ORDERS_KEPT]
        if said.state == "aborted":
            aborted = self._aborted.setdefault(data.id, {})
            for kommun in said.kommuner:
                aborted[kommun] = min(time, aborted.get(kommun, FOREVER))
        gone = self._latest.put(data.id, (time, data.id))
        if gone is not None:
            del self._said[gone]
            self._aborted.pop(gone, None)
            self.left_out += 1

    def standing(self, kommun: str, now: int) -> Standing:
        """How exercises stand in a kommun at an instant (µs)."""
        running: list[Running] = []
        aborted: Aborted | None = None
        began = -FOREVER
        for name in sorted(self._said):
            at = self._aborted.get(name, {}).get(kommun, FOREVER)
            if at <= now:
                if aborted is None or at > aborted.at:
                    aborted = Aborted(name, self._called(name, now), at)
                continue
            said = self._of(name, kommun, now)
            if said is not None and said.state == "running" and said.since <= now < said.until:
                running.append(Running(name, said.name, said.since, _or_none(said.until)))
                began = max(began, said.since)
        if aborted is not None and (now - aborted.at >= ABORT_HOLDS or began > aborted.at):
            aborted = None
        return Standing(tuple(running), aborted)

    def _of(self, name: str, kommun: str, now: int) -> _Said | None:
        """What the latest order of an exercise says that speaks of a kommun and was given by now."""
        given = (
            each
            for orders in self._said[name].values()
            for each in orders
            if each.time <= now and kommun in each.kommuner
        )
        return max(given, key=lambda each: each.rank, default=None)

    def _called(self, name: str, now: int) -> str:
        """What it is called: by the latest order that was given by now."""
        given = [each for orders in self._said[name].values() for each in orders if each.time <= now]
        return max(given, key=lambda each: each.rank).name if given else name

    def aborted_at(self, name: str, kommun: str, now: int) -> int | None:
        """When an exercise was aborted in a kommun, µs; None: it was not, by an instant (µs)."""
        at = self._aborted.get(name, {}).get(kommun, FOREVER)
        return at if at <= now else None

    def ended(self, name: str, kommun: str, now: int) -> int | None:
        """When an exercise ended in a kommun, aborted or not, µs; None: it has not, by an instant (µs)."""
        at = self.aborted_at(name, kommun, now)
        said = self._of(name, kommun, now) if name in self._said else None
        if at is not None or said is None:
            return at
        if said.state != "running":
            return said.time
        return said.until if said.until <= now else None

    def listed(self, kommuner: Iterable[str], now: int) -> list[Mapping[str, Any]]:
        """The exercises that concern some kommuner, as they are told: to come, going on, or over within a day.

        An exercise is `running` as long as it goes on in any of its kommuner; `aborted` says in which it was aborted.

        Args:
            kommuner: codes.
            now: the instant, µs.
        """
        wanted = set(kommuner)
        return [told for name in sorted(self._said) if (told := self._told(name, wanted, now)) is not None]

    def _told(self, name: str, wanted: set[str], now: int) -> Mapping[str, Any] | None:
        orders = [each for orders in self._said[name].values() for each in orders if each.time <= now]
        if not orders:
            return None
        taking_part = {kommun for each in orders for kommun in each.kommuner}
        if not taking_part & wanted:
            return None
        aborted = {kommun: at for kommun, at in self._aborted.get(name, {}).items() if at <= now}
        latest = {kommun: said for kommun in taking_part if (said := self._of(name, kommun, now)) is not None}
        open_ = {kommun: said for kommun, said in latest.items() if kommun not in aborted and said.state == "running"}
        going_on = [kommun for kommun, said in open_.items() if said.since <= now < said.until]
        to_come = [kommun for kommun, said in open_.items() if now < said.since]
        over_at = max([*aborted.values(), *_ends(latest, aborted, now)], default=now)
        if not going_on and not to_come and now - over_at >= ABORT_SHOWN:
            return None
        plan = max((each for each in orders if each.state != "aborted"), key=lambda each: each.rank, default=None)
        shown = plan or max(orders, key=lambda each: each.rank)
        state = "running" if going_on else "planned" if to_come else "aborted" if aborted else "stopped"
        return {
            "id": name,
            "name": shown.name,
            "areas": list(shown.areas),
            "from": iso(shown.since),
            "until": None if shown.until == FOREVER else iso(shown.until),
            "state": state,
            "running": sorted(set(going_on) & wanted),
            "aborted": [
                {"kommun": kommun, "at": iso(at)}
                for kommun, at in sorted(aborted.items())
                if kommun in wanted and self._holds(kommun, now)
            ],
        }

    def _holds(self, kommun: str, now: int) -> bool:
        """Whether an abort still holds in a kommun."""
        return self.standing(kommun, now).aborted is not None


def _ends(latest: Mapping[str, _Said], aborted: Mapping[str, int], now: int) -> Iterator[int]:
    """When the exercise ended in each kommun in which it was not aborted."""
    for kommun, said in latest.items():
        if kommun not in aborted:
            yield min(said.until, now) if said.state == "running" else said.time


def _or_none(instant: int) -> int | None:
    return None if instant == FOREVER else instant
