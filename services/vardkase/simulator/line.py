"""A point's way of getting reports out: at once while there is a network, else by an outbox that is emptied later."""

from collections import deque
from typing import Any, Final

from vardkase.simulator.draw import hours, minutes, seconds
from vardkase.simulator.truth import PointTruth, Spell, end
from vardkase.simulator.world import World
from vardkase_contracts.instants import SECOND
from vardkase_contracts.vocab import ReportKind

_GAP: Final = SECOND // 20
"""Between two reports of one outbox that is being emptied."""
_RETRY_MIN: Final = (0.5, 12.0)
"""Minutes until a phone notices that the network is back."""


class Line:
    """The link from the people at one point. The outbox is bounded: when it is full the oldest report is lost."""

    __slots__ = ("_fixed", "_mobile", "_outbox", "_powered", "_prefix", "_truth", "_world", "last_sent")

    def __init__(self, world: World, *, prefix: str, fixed: bool, truth: PointTruth) -> None:
        self._world = world
        self._prefix = prefix
        self._fixed = fixed
        self._truth = truth
        self._mobile = True
        self._powered = True
        self._outbox: deque[tuple[ReportKind, dict[str, Any]]] = deque(maxlen=world.scenario.networks.outbox_max)
        self.last_sent: int | None = None

    @property
    def online(self) -> bool:
        """Whether a report gets out: by the mobile network, or by a fixed line where there is power for it."""
        return self._mobile or (self._fixed and self._powered)

    @property
    def mobile(self) -> bool:
        """Whether the mobile network works here."""
        return self._mobile

    @property
    def fixed(self) -> bool:
        """Whether a fixed line works here."""
        return self._fixed and self._powered

    @property
    def waiting(self) -> int:
        """How many reports wait in the outbox."""
        return len(self._outbox)

    def send(self, at: int, kind: ReportKind, event: dict[str, Any]) -> None:
        """A report from the place: written at an instant, sent soon after, or when there is a network again."""
        if self.online:
            world = self._world
            when = at + seconds(world.scenario.habits.sending_s.draw(world.rng))
            self.last_sent = when
            world.send(when, self._prefix + kind, event)
        else:
            self._outbox.append((kind, event))

    def beat(self, at: int, event: dict[str, Any]) -> None:
        """A heartbeat: now or never."""
        self._world.send(at, f"{self._prefix}heartbeat", event)

    def set_powered(self, at: int, *, powered: bool) -> None:
        """Whether the place has power: a fixed line needs it."""
        self._change(at, mobile=self._mobile, powered=powered)

    def set_mobile(self, at: int, *, works: bool) -> None:
        """Whether the mobile network works."""
        self._change(at, mobile=works, powered=self._powered)

    def _start_trips(self, at: int) -> None:
        """Cut off: some drive to where there is a network, and empty the outbox there."""
        world = self._world
        networks = world.scenario.networks
        if world.rng.random() < networks.trip_share:
            world.at(at + hours(networks.trip_h.draw(world.rng)), self._try_trip)

    def _try_trip(self, at: int) -> None:
        if not self.online:
            self._flush(at)
            self._start_trips(at)

    def _change(self, at: int, *, mobile: bool, powered: bool) -> None:
        before = self.online
        self._mobile, self._powered = mobile, powered
        if before and not self.online:
            self._truth.offline.append(Spell(since=at))
            self._start_trips(at)
        elif self.online and not before:
            end(self._truth.offline, at)
            world = self._world
            low, high = _RETRY_MIN
            world.at(at + minutes(low + (high - low) * world.rng.random()), self._retry)

    def _retry(self, at: int) -> None:
        if self.online:
            self._flush(at)

    def _flush(self, at: int) -> None:
        when = at
        while self._outbox:
            kind, event = self._outbox.popleft()
            self._world.send(when, self._prefix + kind, event)
            self.last_sent = when
            when += _GAP
