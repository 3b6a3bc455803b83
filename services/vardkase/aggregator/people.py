"""What people say beside the sums, as pictures show it: adopted, annotated, asked for; and when they did."""

from collections.abc import Iterable, Mapping
from typing import Any

from vardkase.domain.annotations import adoption_document, note_document
from vardkase.domain.intervals import FOREVER
from vardkase.domain.orders import Orders
from vardkase.domain.requests import Standing, asked, concerns, requests_of
from vardkase.domain.rollup import RollUp
from vardkase.domain.state import PointState
from vardkase_contracts.areas import Area
from vardkase_contracts.orders import AdoptOrder, NoteOrder, Order, ReportRequestOrder

from .events import SPAN, Events

#: A kommun's states.
Kommuner = Mapping[str, Iterable[str]]


class People:
    """Follows which pictures say something else, by an order, a report that answers one, or the clock.

    Args:
        orders: the folded orders.
        rollup: is told which areas' pictures are others.
        acts: is told what people did; apart from what happened at points.
        states: by point.
        points: by kommun, itself among them.
    """

    def __init__(
        self,
        orders: Orders,
        rollup: RollUp,
        acts: Events,
        states: Mapping[str, PointState],
        points: Kommuner,
    ) -> None:
        self._orders = orders
        self._rollup = rollup
        self._acts = acts
        self._states = states
        self._points = points
        self._areas = {area.code: area for area in rollup.sums}
        self._content: dict[str, int | None] = {}
        #: Of the kommuner that requests ask: which of these each has not answered.
        self._missing: dict[str, frozenset[tuple[str, str, str]]] = {}
        self._heard: set[str] = set()
        #: Areas whose pictures showed something when it was looked last: they show it no more one day.
        self._showing: set[Area] = set()
        #: When `advance` has something to do next, µs.
        self.due = FOREVER

    def take(self, order: Order) -> None:
        """An order was folded in."""
        if isinstance(order, AdoptOrder | NoteOrder | ReportRequestOrder):
            self.due = -FOREVER

    def heard(self, kommun: str) -> None:
        """A point of the kommun, or itself, was judged: it may have answered."""
        self._content.pop(kommun, None)
        if kommun in self._missing:
            self._heard.add(kommun)

    def advance(self, now: int) -> None:
        """See which pictures say something else by now (µs), and what has happened."""
        if now >= self.due:
            self._look(now)
        elif self._heard:
            given = self._orders.requests.given(now)
            for kommun in self._heard & self._missing.keys():
                missing = self._missing_of(kommun, given, now)
                if missing != self._missing[kommun]:
                    self._missing[kommun] = missing
                    self._rollup.touch(kommun)
        self._heard.clear()

    def said(self, area: Area, now: int) -> dict[str, Any]:
        """What stands in an area's picture at an instant (µs)."""
        since = self.since(area, now)
        adoption = self._orders.adoptions.of(area.code, now)
        return {
            "adopted": None if adoption is None else adoption_document(adoption),
            "acts": self._acts.of(area, now, since),
            "notes": [note_document(each) for each in self._orders.notes.of(area.code, now)],
            "requests": requests_of(self._orders.requests, area, self._last_of, now),
        }

    def since(self, area: Area, now: int) -> int:
        """From when on an area's picture tells at an instant what happened, µs: since it was adopted, else a day."""
        adoption = self._orders.adoptions.of(area.code, now)
        return now - SPAN if adoption is None else adoption.rank[0]

    def _look(self, now: int) -> None:
        orders, given = self._orders, self._orders.requests.given(now)
        areas = {
            self._areas[code] for code in (*orders.notes.areas(), *orders.adoptions.areas()) if code in self._areas
        }
        for area in areas:
            self._tell(area, now)
        kommuner: set[str] = set()
        asking: set[Area] = set()
        for standing in given:
            there = [area for area in self._areas.values() if concerns(standing.request, area)]
            kommuner.update(*(asked(standing.request, area) for area in there))
            asking.update(there)
        for area in asking:
            self._tell_requests(area, now)
        areas |= asking
        self._missing = {kommun: self._missing_of(kommun, given, now) for kommun in kommuner}
        for area in areas | self._showing:
            self._rollup.touch_area(area)
        self._showing = areas
        boundaries = (orders.notes, orders.adoptions, orders.requests)
        self.due = min((at for each in boundaries for at in each.boundaries(now)), default=FOREVER)

    def _missing_of(self, kommun: str, given: Iterable[Standing], now: int) -> frozenset[tuple[str, str, str]]:
        area, requests = Area("kommun", kommun), self._orders.requests
        return frozenset(
            each.request.name
            for each in given
            if asked(each.request, area) and requests.missing(each, (kommun,), self._last_of, now)
        )

    def _last_of(self, kommun: str) -> int | None:
        """When content, or activation, was last observed of a kommun, µs."""
        if kommun not in self._content:
            states = [self._states[point] for point in self._points.get(kommun, ())]
            times = [each.content for each in states if each.content is not None]
            times += [each.facts["activation"][0].time for each in states if "activation" in each.facts]
            self._content[kommun] = max(times, default=None)
        return self._content[kommun]

    # -- events --------------------------------------------------------------------------------------------------------

    def _tell(self, area: Area, now: int) -> None:
        adoption = self._orders.adoptions.of(area.code, now)
        if adoption is not None:
            said = adoption_document(adoption)
            self._acts.act(area, "adopted", said["at"], said["by"], adoption.rank[1])
        for note in self._orders.notes.of(area.code, now):
            said = note_document(note)
            self._acts.act(area, "noted", said["at"], said["by"], said["id"])

    def _tell_requests(self, area: Area, now: int) -> None:
        """What was asked; and that a reminder or the deadline came while some of the area had not answered."""
        for said in requests_of(self._orders.requests, area, self._last_of, now):
            by, name = said["by"], said["id"]
            self._acts.act(area, "requested", said["at"], by, name)
            if said["state"] in {"reminded", "overdue"}:
                self._acts.act(area, "reminded", said["remind_at"], by, name)
            if said["state"] == "overdue":
                self._acts.act(area, "overdue", said["deadline"], by, name)


def recalled(picture: Mapping[str, Any]) -> dict[str, Any]:
    """What people had said in a picture as it was last published."""
    return {
        "adopted": picture["adopted"],
        "acts": picture.get("acts", []),
        "notes": picture.get("notes", []),
        "requests": picture.get("requests", []),
    }
