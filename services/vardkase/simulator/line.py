"""A way of getting reports out: at once while there is a network, else by an outbox that is emptied later."""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from vardkase.simulator.draw import hours, minutes, seconds
from vardkase.simulator.truth import Spell, end
from vardkase.simulator.world import World
from vardkase_contracts.instants import SECOND

_GAP: Final = SECOND // 20
"""Between two reports of one outbox that is being emptied."""
_RETRY_MIN: Final = (0.5, 12.0)
"""Minutes until a phone notices that the network is back."""


class Line:
    """The link from the people at one point, or from a krisledning.

    The outbox is bounded: when it is full the oldest report is lost.
    """

    __slots__ = (
        "_broadband",
        "_cut",
        "_fixed",
        "_mobile",
        "_offline",
        "_outbox",
        "_powered",
        "_telephony",
        "_tell",
        "_world",
        "last_sent",
    )

    def __init__(
        self, world: World, *, fixed: bool, offline: list[Spell], tell: Callable[[int], None] | None = None
    ) -> None:
        """A link that works. When it does not is added to `offline`; `tell` is told when anything of it changes."""
        self._world = world
        self._fixed = fixed
        self._offline = offline
        self._mobile = True
        self._powered = True
        self._cut = False
        self._broadband = True
        self._telephony = True
        self._tell = tell
        self._outbox: deque[tuple[str, dict[str, Any]]] = deque(maxlen=world.scenario.networks.outbox_max)
        self.last_sent: int | None = None

    @property
    def online(self) -> bool:
        """Whether a report gets out: by the mobile network, or by a fixed line where there is power for it."""
        return self.mobile or self.fixed

    @property
    def mobile(self) -> bool:
        """Whether the mobile network works here."""
        return self._mobile and not self._cut

    @property
    def fixed(self) -> bool:
        """Whether a fixed line works here, for data at least."""
        return self._fixed and self._powered and self._broadband and not self._cut

    @property
    def telephony(self) -> bool:
        """Whether one can call by a fixed line here."""
        return self.fixed and self._telephony

    @property
    def calls(self) -> bool:
        """Whether one can call from here, by the mobile network or a fixed line."""
        return self.mobile or self.telephony

    @property
    def waiting(self) -> int:
        """How many reports wait in the outbox."""
        return len(self._outbox)

    def send(self, at: int, subject: str, event: dict[str, Any]) -> None:
        """A report that is written now: sent soon after, or when there is a network again."""
        if self.online:
            world = self._world
            when = at + seconds(world.scenario.habits.sending_s.draw(world.rng))
            self.last_sent = when
            world.send(when, subject, event)
        else:
            self._outbox.append((subject, event))

    def set_powered(self, at: int, *, powered: bool) -> None:
        """Whether the place has power: a fixed line needs it."""
        before = self.online
        self._powered = powered
        self._changed(at, before=before)

    def set_mobile(self, at: int, *, works: bool) -> None:
        """Whether the mobile network works."""
        before = self.online
        self._mobile = works
        self._changed(at, before=before)

    def set_broadband(self, at: int, *, works: bool) -> None:
        """Whether what the fixed line leads to works."""
        before = self.online
        self._broadband = works
        self._changed(at, before=before)

    def set_telephony(self, at: int, *, works: bool) -> None:
        """Whether the fixed line carries calls; data it may carry without."""
        before = self.online
        self._telephony = works
        self._changed(at, before=before)

    def set_cut(self, at: int, *, cut: bool) -> None:
        """Whether the whole kommun is cut off, by any line."""
        before = self.online
        self._cut = cut
        self._changed(at, before=before)

    def _changed(self, at: int, *, before: bool) -> None:
        if before and not self.online:
            self._offline.append(Spell(since=at))
            self._start_trips(at)
        elif self.online and not before:
            end(self._offline, at)
            world = self._world
            low, high = _RETRY_MIN
            world.at(at + minutes(low + (high - low) * world.rng.random()), self._retry)
        if self._tell is not None:
            self._tell(at)

    def _start_trips(self, at: int) -> None:
        """Cut off: some drive to where there is a network, and empty the outbox there."""
        world = self._world
        networks = world.scenario.networks
        if world.rng.random() < networks.trip_share:
            world.at(at + hours(networks.trip_h.draw(world.rng)), self._try_trip)

    def _try_trip(self, at: int) -> None:
        if self.online:
            return
        if not self._cut:
            self._flush(at)
        self._start_trips(at)

    def _retry(self, at: int) -> None:
        if self.online:
            self._flush(at)

    def _flush(self, at: int) -> None:
        when = at
        while self._outbox:
            subject, event = self._outbox.popleft()
            self._world.send(when, subject, event)
            self.last_sent = when
            when += _GAP
