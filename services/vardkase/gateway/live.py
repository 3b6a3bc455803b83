"""The situation as it is, held in memory and kept live from the bus: pictures, states and alerts of the node's area."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import orjson
from nats.aio.client import Client

from vardkase.domain.escalation import Policy
from vardkase.runtime.clock import Clock
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.delivery import Delivery, is_answer
from vardkase.runtime.jetstream.follow import Follower
from vardkase.runtime.settings import Settings
from vardkase.runtime.tasks import Tasks
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import NATION_CODE, Area
from vardkase_contracts.instants import SECOND, parse
from vardkase_contracts.vocab import REALITIES, Reality

from .documents import AlertHeld, Held, Point, around, trimmed

log: Final = logging.getLogger(__name__)

ChangeKind = Literal["picture", "state", "alert"]

_REALITIES: Final[Mapping[str, Reality]] = {reality: reality for reality in REALITIES}
_SWEEP: Final = 60.0
"""Seconds between two looks for cleared alerts that are held no longer."""


class Change(NamedTuple):
    """Something that came by a stream."""

    reality: Reality
    kind: ChangeKind
    key: str
    """Of a picture `<level>/<code>`, of a state the point's id, of an alert its key."""
    areas: tuple[Area, ...]
    """The areas that it lies in, innermost first: of a picture, its own and those around it."""
    held: Held


Listener = Callable[[Change], None]


class World:
    """What is held of one reality."""

    def __init__(self, reality: Reality) -> None:
        self.reality: Final = reality
        self.pictures: dict[Area, Held] = {}
        self.points: dict[str, Point] = {}
        """By id; kommuner themselves (`<kommun>-_`) among them."""
        self.alerts: dict[str, AlertHeld] = {}
        """By key: the firing ones, and those that were cleared lately."""
        self._points_of: dict[str, dict[str, Point]] = {}
        self._alerts_of: dict[str, dict[str, AlertHeld]] = {}

    def points_of(self, area: Area) -> Iterator[Point]:
        """The points of an area, kommun by kommun in order of code, kommuner themselves left out."""
        for kommun in area.kommuner():
            for point in self._points_of.get(kommun, {}).values():
                if not point.is_kommun:
                    yield point

    def states_of(self, area: Area) -> Iterator[Point]:
        """As `points_of`, the kommuner themselves included."""
        for kommun in area.kommuner():
            yield from self._points_of.get(kommun, {}).values()

    def alerts_of(self, area: Area) -> Iterator[AlertHeld]:
        """The alerts of an area and of what lies in it."""
        for alert in self.alerts.values():
            if area in alert.areas:
                yield alert

    def alerts_about(self, point: str) -> Iterator[AlertHeld]:
        """The alerts of a point, or of a kommun itself."""
        yield from self._alerts_of.get(point, {}).values()

    def put_point(self, point: Point) -> None:
        """Take a state in."""
        self.points[point.id] = point
        self._points_of.setdefault(point.kommun, {})[point.id] = point

    def put_alert(self, alert: AlertHeld) -> None:
        """Take a change of an alert in: the one that changed last stands last."""
        self.alerts.pop(alert.key, None)
        self.alerts[alert.key] = alert
        if alert.point is not None:
            self._alerts_of.setdefault(alert.point, {})[alert.key] = alert

    def drop_alert(self, alert: AlertHeld) -> None:
        """Hold an alert no longer."""
        self.alerts.pop(alert.key, None)
        if alert.point is not None:
            about = self._alerts_of.get(alert.point, {})
            about.pop(alert.key, None)
            if not about:
                self._alerts_of.pop(alert.point, None)

    def forget_states(self) -> None:
        """The stream of states was made anew."""
        self.points.clear()
        self._points_of.clear()

    def forget_alerts(self) -> None:
        """The stream of alerts was made anew."""
        self.alerts.clear()
        self._alerts_of.clear()


class Live:
    """All three realities, kept live. Nothing here is this gateway's own: another one holds the same.

    Args:
        settings: `area`, `reader` and `web`.
        clock: when cleared alerts have been held for long enough.
        tasks: where the following runs.
    """

    def __init__(self, settings: Settings, clock: Clock, tasks: Tasks) -> None:
        self._settings = settings
        self._clock = clock
        self._tasks = tasks
        self._listeners: list[Listener] = []
        self._resets: list[Callable[[], None]] = []
        self.area: Final = Area.parse(settings.area)
        self.policy: Final = Policy.after(**settings.escalation.model_dump())
        """After how long what is escalated."""
        self.worlds: Final[Mapping[Reality, World]] = {reality: World(reality) for reality in REALITIES}
        self._epoch: tuple[list[str], str] = [], ""
        self.skipped = 0
        """Documents that could not be read: a fault of whoever wrote them."""
        self._followers: Final[Mapping[ChangeKind, Follower]] = {
            "picture": self._follower(streams.PICTURES, "picture", self._picture, self._forget_pictures),
            "alert": self._follower(streams.ALERTS, "alert", self._alert, self._forget_alerts),
            "state": self._follower(streams.STATE, "state", self._state, self._forget_states),
        }

    def start(self, nc: Client) -> None:
        """Begin to follow. What is there is not all there is before `whole`."""
        for kind, follower in self._followers.items():
            self._tasks.spawn(follower.run(nc), name=f"follow {kind}", finite=True)
        self._tasks.spawn(self._sweep(), name="sweep alerts")

    @property
    def whole(self) -> bool:
        """Whether all three streams have been read up to what was there at the start."""
        return all(follower.whole.is_set() for follower in self._followers.values())

    async def until_whole(self) -> None:
        """Wait for `whole`."""
        for follower in self._followers.values():
            await follower.whole.wait()

    @property
    def epoch(self) -> str:
        """Names the streams that are read: another when one of them was made anew. Empty before they were asked."""
        marks = [follower.mark for follower in self._followers.values()]
        if self._epoch[0] != marks:
            self._epoch = marks, hashlib.sha256(" ".join(marks).encode()).hexdigest()[:12] if all(marks) else ""
        return self._epoch[1]

    @property
    def last_seq(self) -> Mapping[ChangeKind, int]:
        """The last sequence that was taken of each stream."""
        return {kind: follower.last for kind, follower in self._followers.items()}

    @property
    def heard_s_ago(self) -> float:
        """Seconds since the bus was last heard: how old what is held can be."""
        return max(follower.heard_s_ago for follower in self._followers.values())

    def checks(self) -> list[Check]:
        """Whether each stream is followed."""
        return [follower.check() for follower in self._followers.values()]

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Be told of every change, in the order of its stream, after it was taken in.

        Args:
            listener: must not wait, and must not raise.

        Returns:
            Call it to be told no more.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def on_reset(self, told: Callable[[], None]) -> None:
        """Be told when a stream was made anew and what was held of it is gone."""
        self._resets.append(told)

    def profile(self, reality: Reality, point: str) -> Point | None:
        """The point as its register has it: exercises and tests read the registers of `act`."""
        own = self.worlds[reality].points.get(point)
        return own if own is not None and own.registered else self.worlds["act"].points.get(point) or own

    def _follower(
        self,
        stream: str,
        family: subjects.Family,
        take: Callable[[Delivery], Change],
        forget: Callable[[], None],
    ) -> Follower:
        def reset() -> None:
            forget()
            for told in self._resets:
                told()

        filters = subjects.family_filters(family, None, self.area)
        return Follower(stream, filters, self._settings, take=self._taken(take), reset=reset)

    # -- what comes ----------------------------------------------------------------------------------------------------

    def _taken(self, take: Callable[[Delivery], Change]) -> Callable[[Sequence[Delivery]], None]:
        """Takes what comes, one after another; what cannot be read is told of, and keeps nothing else from being."""

        def taken(deliveries: Sequence[Delivery]) -> None:
            for one in deliveries:
                try:
                    if is_answer(one.data):
                        raise ValueError("it was not written by a service")  # noqa: TRY301 -- told of as the rest
                    change = take(one)
                except (ValueError, TypeError, LookupError) as error:
                    self.skipped += 1
                    log.error(  # noqa: TRY400 -- one line says it
                        "a document cannot be read", extra={"subject": one.subject, "error": f"{error!r}"}
                    )
                    continue
                for listener in self._listeners:
                    listener(change)

        return taken

    def _picture(self, one: Delivery) -> Change:
        # Not decoded: whose it is stands in the subject, and there are hundreds a second.
        reality, area = _picture_of(one.subject)
        held = self._held(one, one.data, "picture")
        self.worlds[reality].pictures[area] = held
        return Change(reality, "picture", f"{area.level}/{area.code}", around(area), held)

    def _state(self, one: Delivery) -> Change:
        document: dict[str, Any] = orjson.loads(one.data)
        world = self.worlds[document["reality"]]
        point = Point(document, self._held(one, trimmed(document), "state"))
        areas = around(Area("kommun", point.kommun))
        world.put_point(point)
        return Change(world.reality, "state", point.id, areas, point.held)

    def _alert(self, one: Delivery) -> Change:
        document: dict[str, Any] = orjson.loads(one.data)
        world = self.worlds[document["reality"]]
        alert = AlertHeld(document, self._held(one, one.data, "alert"), self.policy)
        world.put_alert(alert)
        return Change(world.reality, "alert", alert.key, alert.areas, alert.served)

    def _held(self, one: Delivery, data: bytes, kind: ChangeKind) -> Held:
        return Held(one.sequence, one.stored_at, data, f"{self._followers[kind].mark}-{one.sequence}")

    # -- what goes -----------------------------------------------------------------------------------------------------

    def _forget_pictures(self) -> None:
        for world in self.worlds.values():
            world.pictures.clear()

    def _forget_states(self) -> None:
        for world in self.worlds.values():
            world.forget_states()

    def _forget_alerts(self) -> None:
        for world in self.worlds.values():
            world.forget_alerts()

    async def _sweep(self) -> None:
        web = self._settings.web
        while True:
            await asyncio.sleep(min(_SWEEP, web.cleared_for))
            since = self._clock.now() - round(web.cleared_for * SECOND)
            for world in self.worlds.values():
                cleared = [alert for alert in world.alerts.values() if not alert.firing]
                too_many = len(cleared) - web.cleared_alerts
                for place, alert in enumerate(cleared):
                    if place < too_many or parse(alert.changed_at) < since:
                        world.drop_alert(alert)


def _picture_of(subject: str) -> tuple[Reality, Area]:
    """Whose picture a subject is of.

    Raises:
        ValueError, LookupError: it is not the subject of a picture.
    """
    _, _, reality, _, lan, kommun = subject.split(".")
    code = next((token for token in (kommun, lan) if token != subjects.ABSENT), NATION_CODE)
    return _REALITIES[reality], Area.parse(code)
