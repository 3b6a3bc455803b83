"""Requests for reports (begäran om lägesrapport): who is asked what by when, and who has answered.

A function of the set of orders and of what was last heard of each kommun: a request is what the latest order with its
id says, from that order's time on. What answers it is counted from when it was first given, so that a new deadline
loses no answers; a new round is a new request.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from vardkase_contracts.areas import Area
from vardkase_contracts.instants import DAY, HOUR, from_datetime, iso
from vardkase_contracts.orders import NoteOrder, ReportRequestOrder
from vardkase_contracts.vocab import RequestState, Role

from .intervals import FOREVER
from .latest import Latest, Rank
from .places import exists, lies_in

#: No request waits longer than this after it was ordered (ours).
LASTS_AT_MOST = 30 * DAY
#: Of the orders about one area so many are kept, the latest (ours).
ORDERS_KEPT = 100
#: Of so many requests the answers are kept, those answered last (ours); of one area so many to one of them.
ANSWERED_KEPT = 2_000
ANSWERS_KEPT = 8
#: Who has not answered is reminded at the last quarter of the time, at most so long before the deadline (ours).
REMIND_BEFORE = HOUR
#: A picture shows so many, of so much text in all, UTF-8, but always the first (ours: a picture that is adopted must
#: fit in an order); and each until so long after its deadline, or after it was withdrawn.
SHOWN = 10
SHOWN_BYTES = 10_000
SHOWN_AFTER = DAY

#: When content, or activation, was last observed of a kommun, µs; `None`: never.
Heard = Callable[[str], int | None]


class Request(NamedTuple):
    """A request as one order says. Ordered by the order's time and id; two of those by what they say."""

    rank: Rank
    #: Whose it is (level and code of an area), and its id.
    name: tuple[str, str, str]
    role: Role
    about: str
    areas: tuple[str, ...]
    questions: tuple[str, ...]
    deadline: int
    withdrawn: bool
    note: str


class Standing(NamedTuple):
    """A request as it is at an instant."""

    request: Request
    since: int
    """When it was first given, µs."""

    @property
    def remind_at(self) -> int:
        """When who has not answered is reminded, µs."""
        deadline = self.request.deadline
        return deadline - min(REMIND_BEFORE, max(0, deadline - self.since) // 4)

    @property
    def shown_until(self) -> int:
        """Until when pictures show it, µs."""
        return max(self.request.deadline, self.request.rank[0]) + SHOWN_AFTER

    def boundaries(self) -> tuple[int, ...]:
        """The instants at which the clock alone changes what is told of it, µs."""
        return self.remind_at, self.request.deadline, self.shown_until

    def state(self, missing: Iterable[str], now: int) -> RequestState:
        """How it stands, of kommuner of which these have not answered."""
        if self.request.withdrawn:
            return "withdrawn"
        if not any(True for _ in missing):
            return "answered"
        if now >= self.request.deadline:
            return "overdue"
        return "reminded" if now >= self.remind_at else "open"


class Requests:
    """The requests of one reality, and the answers that say what they answer."""

    def __init__(self) -> None:
        #: How many orders were left out, since there are too many about their area.
        self.left_out = 0
        self._about: dict[str, list[Request]] = {}
        self._named: dict[tuple[str, str, str], list[Request]] = {}
        self._answers: dict[str, dict[str, list[int]]] = {}
        self._answered = Latest(ANSWERED_KEPT)

    def __len__(self) -> int:
        return len(self._named)

    def take(self, order: ReportRequestOrder) -> None:
        """Fold an order in."""
        request, orders = _request(order), self._about.setdefault(order.subject, [])
        if request in orders:
            return
        insort(orders, request)
        insort(self._named.setdefault(request.name, []), request)
        if len(orders) > ORDERS_KEPT:
            self._drop(orders.pop(0))
            self.left_out += 1

    def _drop(self, request: Request) -> None:
        named = self._named[request.name]
        named.remove(request)
        if not named:
            del self._named[request.name]

    def answer(self, order: NoteOrder) -> None:
        """Fold an answer in: a note that names a request."""
        name = order.data.request
        if name is None:
            return
        rank = (from_datetime(order.time), order.id)
        times = self._answers.setdefault(name, {}).setdefault(order.data.by.code, [])
        if rank[0] not in times:
            insort(times, rank[0])
            del times[:-ANSWERS_KEPT]
        gone = self._answered.put(name, rank)
        if gone is not None:
            del self._answers[gone]

    def forget(self, now: int) -> None:
        """Drop what nobody is asked any more, whatever comes late (`now` in µs)."""
        before = now - LASTS_AT_MOST - SHOWN_AFTER
        for about, orders in list(self._about.items()):
            while orders and orders[0].rank[0] <= before:
                self._drop(orders.pop(0))
            if not orders:
                del self._about[about]
        for name in [name for name, given in self._answers.items() if all(t[-1] <= before for t in given.values())]:
            del self._answers[name]
            self._answered.drop(name)

    def given(self, now: int) -> list[Standing]:
        """Every request as it was last ordered by an instant (µs), as long as pictures show it; by order."""
        found: list[Standing] = []
        for orders in self._named.values():
            latest = next((each for each in reversed(orders) if each.rank[0] <= now), None)
            if latest is not None:
                standing = Standing(latest, orders[0].rank[0])
                if now < standing.shown_until:
                    found.append(standing)
        return sorted(found)

    def boundaries(self, now: int) -> Iterator[int]:
        """The instants ahead at which an order or an answer begins to count, or the clock changes a request, µs."""
        for orders in self._named.values():
            yield from (each.rank[0] for each in orders if each.rank[0] > now)
        for given in self._answers.values():
            for times in given.values():
                yield from (each for each in times if each > now)
        for standing in self.given(now):
            yield from (each for each in standing.boundaries() if now < each < FOREVER)

    def missing(self, standing: Standing, kommuner: Iterable[str], heard: Heard, now: int) -> list[str]:
        """Those kommuner that are asked and have not answered.

        One without questions is answered by any content or activation observed since; one with questions, and any, by
        a note of the kommun that names it. The note of a wider area that is asked itself answers for all of it.
        """
        request, since = standing
        said = {
            code
            for code, times in self._answers.get(request.name[2], {}).items()
            if any(since <= each <= now for each in times)
        }
        whole = [code for code in said if code in request.areas]
        found: list[str] = []
        for kommun in kommuner:
            if kommun in said or any(lies_in(kommun, each) for each in whole):
                continue
            last = None if request.questions else heard(kommun)
            if last is None or last < since:
                found.append(kommun)
        return found


def asked(request: Request, area: Area) -> list[str]:
    """The kommuner of an area that a request asks, in order."""
    if not any(lies_in(each, area.code) or lies_in(area.code, each) for each in request.areas):
        return []
    return [code for code in area.kommuner() if any(lies_in(code, each) for each in request.areas)]


def concerns(request: Request, area: Area) -> bool:
    """Whether an area's picture shows a request: it asks there, and is the area's own, or one from above."""
    whose = request.name[1]
    above = area.code in {whose, request.about} or lies_in(area.code, request.about) or lies_in(area.code, whose)
    return above and bool(asked(request, area))


def requests_of(requests: Requests, area: Area, heard: Heard, now: int) -> list[Mapping[str, Any]]:
    """The requests as they stand in an area's picture: those that wait, by deadline; then the others, newest first."""
    found: list[tuple[bool, int, Rank, Mapping[str, Any]]] = []
    for standing in requests.given(now):
        request = standing.request
        if not concerns(request, area):
            continue
        kommuner = asked(request, area)
        missing = requests.missing(standing, kommuner, heard, now)
        state = standing.state(missing, now)
        level, code, name = request.name
        over = state in {"answered", "withdrawn"}
        document: dict[str, Any] = {
            "id": name,
            "by": {"role": request.role, "level": level, "code": code},
            "at": iso(standing.since),
            "note": request.note or None,
            "areas": list(request.areas),
            "questions": list(request.questions),
            "remind_at": iso(standing.remind_at),
            "deadline": iso(request.deadline),
            "state": state,
            "asked": len(kommuner),
            "answered": len(kommuner) - len(missing),
            "missing": missing,
        }
        found.append((over, -standing.since if over else request.deadline, request.rank, document))
    shown: list[Mapping[str, Any]] = []
    room = SHOWN_BYTES
    for _, _, _, each in sorted(found, key=lambda each: each[:3])[:SHOWN]:
        room -= len("".join((each["note"] or "", *each["questions"])).encode())
        if shown and room < 0:
            break
        shown.append(each)
    return shown


def _request(order: ReportRequestOrder) -> Request:
    data, time = order.data, from_datetime(order.time)
    return Request(
        rank=(time, order.id),
        name=(data.by.level, data.by.code, data.id or order.id),
        role=data.by.role,
        about=order.subject,
        areas=tuple(sorted(code for code in data.areas if exists(code) and lies_in(code, order.subject))),
        questions=tuple(data.questions),
        deadline=min(from_datetime(data.deadline), time + LASTS_AT_MOST),
        withdrawn=data.withdrawn,
        note=data.note or "",
    )
