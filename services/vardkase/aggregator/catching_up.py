"""Which kommuner's backlogs are being merged: nothing of them is judged meanwhile (CONTRACT §5).

A part of the log is behind while more of it waits here than has just come. A kommun is late while reports of it come
that were received long ago, somewhere below: a link has healed, and they come over it as fast as it carries them, with
nothing of it to be seen in the log here. The first is known to end; the second is taken to have ended when reports are
fresh again, when none has come for a moment, or when they do not catch up: then that node's clock is behind, and so
late is as fresh as its reports are.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from vardkase.runtime.jetstream.delivery import Delivery
from vardkase_contracts.instants import SECOND

from .parts import OWN, Part

_CATCHES_UP: Final = 2.0
"""A link that has healed brings more than so many seconds of reports in one; less is no backlog."""


class Backlog:
    """Whether one part of the log is behind.

    Args:
        caught_up: whether all that it had at the start is merged already.
    """

    def __init__(self, *, caught_up: bool) -> None:
        self.caught_up = caught_up
        """Whether all that waited at the start was merged once."""
        self.behind = not caught_up
        """Whether more is waiting than what has just come."""
        #: Reports that waited when the first of them came: none is judged before the last of them is merged.
        self._waited: int | None = None
        self._came = 0.0

    def took(self, batch: Sequence[Delivery], now: int, delay: int) -> None:
        """A batch came.

        Args:
            batch: not empty.
            now: by the server's kind of clock, µs.
            delay: how old the last of a batch may be that is judged though more waits, µs.
        """
        self._came = time.monotonic()
        last = batch[-1]
        if last.pending:
            if not self.caught_up:
                # The alerts of some of what waits at the start may be published already: half of it says that they
                # ended.
                self._waited = (batch[0].pending + 1 if self._waited is None else self._waited) - len(batch)
                if self._waited > 0:
                    self.behind = True
                    return
            self.behind = now - last.stored_at > delay
        else:
            self.behind = False
        self.caught_up = self.caught_up or not self.behind

    def waited(self, lag: int, patience: float) -> None:
        """None came in this turn.

        Args:
            lag: how much is known to wait.
            patience: seconds without any after which what came is judged.
        """
        if not self.behind:
            return
        if not lag or (self.caught_up and time.monotonic() - self._came > patience):
            self.behind = False
            self.caught_up = True


@dataclass(slots=True)
class _Flow:
    """The reports of one kommun as they come in. Instants in µs, by the server's kind of clock; `came` is monotonic."""

    #: How old its reports are when they come, when all is well.
    usual: int = 0
    late: bool = False
    #: When, and with a report received when, the present look at its pace began.
    began: float = 0.0
    began_at: int = 0
    came: float = 0.0
    age: int = 0


class Late:
    """Kommuner of which reports come that were received long ago.

    Args:
        delay: how long ago, µs, beyond what is usual of the kommun. Also for how long none must come to end it.
        clock: monotonic seconds.
    """

    def __init__(self, delay: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._delay = delay
        self._clock = clock
        self._flows: dict[str, _Flow] = {}
        self._late: set[str] = set()

    def came(self, kommun: str, received: int, now: int) -> None:
        """The last report of a batch that is of this kommun: when it was received, and now, µs."""
        flow = self._flows.get(kommun)
        if flow is None:
            flow = self._flows[kommun] = _Flow()
        flow.came, flow.age = self._clock(), max(0, now - received)
        if flow.age <= flow.usual + self._delay:
            self._ended(kommun, flow)
        elif not flow.late:
            flow.late, flow.began, flow.began_at = True, flow.came, received
            self._late.add(kommun)
        elif (looked := flow.came - flow.began) * SECOND >= max(self._delay, 1):
            if received - flow.began_at < _CATCHES_UP * looked * SECOND:
                self._ended(kommun, flow)
            else:
                flow.began, flow.began_at = flow.came, received

    def now(self) -> AbstractSet[str]:
        """The kommuner that are late now."""
        quiet = self._clock() - self._delay / SECOND
        for kommun in [each for each in self._late if self._flows[each].came < quiet]:
            self._ended(kommun, self._flows[kommun])
        return self._late

    def _ended(self, kommun: str, flow: _Flow) -> None:
        flow.late, flow.usual = False, flow.age
        self._late.discard(kommun)


class CatchingUp:
    """What of a reality is merged and not judged yet.

    Args:
        delay: seconds after which what is fresh is judged at the latest.
        clock: tells the time as the server does, µs.
    """

    def __init__(self, delay: float, clock: Callable[[], int]) -> None:
        self._delay = delay
        self._clock = clock
        self._parts: Mapping[str, Part] = {}
        self._backlogs: dict[str, Backlog] = {}
        self._late = Late(int(delay * SECOND))
        self._everything: AbstractSet[str] = frozenset()
        self.held: AbstractSet[str] = frozenset()
        """The kommuner of which nothing is judged."""

    def arrange(self, parts: Mapping[str, Part]) -> None:
        """The log is read in these parts from now on; the first ones begin with what waits of them."""
        first = not self._backlogs
        self._backlogs = {name: self._backlogs.get(name, Backlog(caught_up=not first)) for name in parts}
        self._parts = parts
        self._everything = frozenset(kommun for part in parts.values() for kommun in part.kommuner)
        self._hold()

    @property
    def caught_up(self) -> bool:
        """Whether all that waited at the start is merged."""
        return all(each.caught_up for each in self._backlogs.values())

    @property
    def behind(self) -> AbstractSet[str]:
        """The parts that are behind."""
        return {name for name, each in self._backlogs.items() if each.behind}

    @property
    def all_held(self) -> bool:
        """Whether nothing at all is judged."""
        return self.held == self._everything

    def turn(self, part: str | None, batch: Sequence[Delivery], lags: Callable[[str], int]) -> None:
        """A batch of a part came, or none did.

        Args:
            part: which; None: none came.
            batch: it.
            lags: tells how much of a part is known to wait.
        """
        for name, backlog in self._backlogs.items():
            if name == part:
                backlog.took(batch, self._clock(), int(self._delay * SECOND))
            elif backlog.behind:
                backlog.waited(lags(name), self._delay)
        self._hold()

    def received(self, part: str, reports: Iterable[tuple[str, int]]) -> None:
        """Reports of a part, in order: the kommun, and when each was received, µs."""
        if part == OWN:
            return  # they came in here
        now = self._clock()
        for kommun, received in dict(reports).items():
            self._late.came(kommun, received, now)

    def partly_held(self) -> set[str]:
        """The parts of which something is merged and not judged."""
        return {name for name, part in self._parts.items() if not part.kommuner.isdisjoint(self.held)}

    def _hold(self) -> None:
        held = set(self._late.now())
        for name, backlog in self._backlogs.items():
            if backlog.behind:
                held |= self._parts[name].kommuner
        if held != self.held:
            self.held = frozenset(held)
