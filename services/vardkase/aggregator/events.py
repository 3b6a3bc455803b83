"""The newest of what happened in an area: what opened and closed, was raised and cleared; or of what people did."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from vardkase.domain.alerts import Subject
from vardkase.domain.state import PointState
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import DAY, iso

#: How many a picture shows (CONTRACT §5), and how far back.
SHOWN = 50
SPAN = DAY


class Events:
    """The newest events of each area, bounded."""

    def __init__(self) -> None:
        self._events: dict[Area, deque[Mapping[str, Any]]] = {}

    def recall(self, area: Area, events: Iterable[Mapping[str, Any]]) -> None:
        """The events of an area as they were last published, newest first."""
        self._events[area] = deque(events, maxlen=SHOWN)

    def of(self, area: Area, now: int, since: int | None = None) -> list[Mapping[str, Any]]:
        """The events of an area since an instant (µs), else of its last day, newest first."""
        begin = iso(now - SPAN if since is None else since)
        return [event for event in self._events.get(area, ()) if event["at"] >= begin]

    def act(self, area: Area, kind: str, at: str, by: Mapping[str, str], order: str) -> None:
        """Among what people did: one adopted, annotated or asked; or what was asked became due."""
        self._insert((area,), {"at": at, "kind": kind, "by": by, "order": order})

    def lifecycle(self, state: PointState, before: str | None, after: str | None, areas: Iterable[Area]) -> None:
        """A point opened or closed."""
        if after == "open" or (before in {"open", "closing"} and after == "closed"):
            entry = state.newest("lifecycle")
            at = entry[0].time if entry is not None else 0
            self._add(areas, "opened" if after == "open" else "closed", iso(at), state.id, state.kommun)

    def alert(
        self, document: Mapping[str, Any], last: Mapping[str, Any] | None, subject: Subject, areas: Iterable[Area]
    ) -> None:
        """An alert was raised or cleared; changes within it are no event."""
        cleared = document["status"] == "cleared"
        if not cleared and last is not None and last["status"] == "firing":
            return
        self._add(
            areas,
            "cleared" if cleared else "raised",
            document["changed_at"] if cleared else document["raised_at"],
            subject.code if subject.point else None,
            subject.area.code if subject.area.level == "kommun" else None,
            document,
        )

    def _add(
        self,
        areas: Iterable[Area],
        kind: str,
        at: str,
        point: str | None,
        kommun: str | None,
        alert: Mapping[str, Any] | None = None,
    ) -> None:
        event = {
            "at": at,
            "kind": kind,
            "point": point,
            "kommun": kommun,
            "key": None if alert is None else alert["key"],
            "rule": None if alert is None else alert["rule"],
            "level": None if alert is None else alert["level"],
            "reason": None if alert is None else alert["cleared_reason"],
        }
        self._insert(areas, event)

    def _insert(self, areas: Iterable[Area], event: Mapping[str, Any]) -> None:
        at = event["at"]
        for area in areas:
            events = self._events.setdefault(area, deque(maxlen=SHOWN))
            if event in events:
                continue  # told before a restart
            # Late reports bring late events: they stand where they belong in time.
            behind = 0
            while behind < len(events) and events[behind]["at"] > at:
                behind += 1
            if behind < SHOWN:
                if len(events) == SHOWN:
                    events.pop()
                events.insert(behind, event)
