"""A state as it looks at an instant: its aspects as steps in time, up to now."""

from collections.abc import Callable, Mapping
from typing import Any

from vardkase_contracts.instants import parse

from .intervals import FOREVER, Intervals
from .stamps import SKEW, Entry
from .state import PointState, is_known

#: A value from an instant on, until the next step.
Step = tuple[int, Any]

RUNNING_LIFECYCLES = frozenset({"open", "establishing", "closing"})


class View:
    """What rules read. Only stamps that count at `now` are seen: later ones within `SKEW` count as of `now`."""

    __slots__ = ("_known", "_scopes", "_steps", "now", "profile", "state")

    def __init__(self, state: PointState, now: int) -> None:
        self.state = state
        self.now = now
        self.profile: Mapping[str, Any] = state.profile
        self._known: dict[str, list[Entry]] = {}
        self._steps: dict[str, list[Step]] = {}
        self._scopes: dict[frozenset[str], Intervals] = {}

    def counts(self, entry: Entry | None) -> bool:
        """Whether an entry counts yet."""
        return entry is not None and entry[0].time <= self.now + SKEW

    def newest(self, aspect: str) -> Entry | None:
        """The newest entry that counts, known or not."""
        timeline = self.state.timelines.get(aspect)
        if timeline is None:
            entry = self.state.facts.get(aspect)
            return entry if self.counts(entry) else None
        for entry in reversed(timeline.entries):
            if entry[0].time <= self.now + SKEW:
                return entry
        known = self.state.known.get(aspect)
        return known if self.counts(known) else None

    def fact(self, aspect: str) -> Entry | None:
        """An aspect without a timeline, as it is now."""
        entry = self.state.facts.get(aspect)
        return entry if self.counts(entry) else None

    def known_entries(self, aspect: str) -> list[Entry]:
        """The entries of an aspect that are known and count, in ascending order."""
        entries = self._known.get(aspect)
        if entries is None:
            entries = self._known[aspect] = self._find_known(aspect)
        return entries

    def _find_known(self, aspect: str) -> list[Entry]:
        limit = self.now + SKEW
        timeline = self.state.timelines.get(aspect)
        if timeline is None:
            return []
        entries = [entry for entry in timeline.entries if entry[0].time <= limit and is_known(aspect, entry[1])]
        last = self.state.known.get(aspect)
        if last is not None and last[0].time <= limit and (not entries or entries[-1][0] < last[0]):
            entries.append(last)  # the timeline has lost it, so all that it still has of later is not known
        if aspect == "power":
            last = self.state.known.get("power.endurance")
            if last is not None and last[0].time <= limit and not any(last[0] == entry[0] for entry in entries):
                entries.append(last)
                entries.sort()
        return entries

    def recent(self, aspect: str, back: int) -> list[Any] | None:
        """The known values that counted at any instant of the last `back` µs, the newest first; perhaps a few more.

        A rule whose condition none of them meets does not hold now, whatever was before. `None` when that is not seen
        at a glance: the newest known stamp does not count yet.
        """
        newest = self.state.known.get(aspect)
        if newest is None:
            return []
        if newest[0].time > self.now + SKEW:
            return None
        values = [newest[1]]
        since = self.now - back
        if newest[0].time <= since:
            return values
        for stamp, value in reversed(self.state.timelines[aspect].entries):
            if stamp < newest[0] and is_known(aspect, value):
                values.append(value)
                if stamp.time <= since:
                    break
        return values

    def last_known(self, aspect: str) -> Entry | None:
        """The newest entry of an aspect that is known and counts."""
        newest = self.state.known.get(aspect)
        if newest is None or newest[0].time <= self.now + SKEW:
            return newest
        entries = self.known_entries(aspect)
        return entries[-1] if entries else None

    def at(self, entry: Entry) -> int:
        """When an entry begins to count: its time, or now."""
        time = entry[0].time
        return min(self.now, time)

    def instant(self, text: str | None) -> int | None:
        """An instant inside a section, µs."""
        return None if text is None else parse(text)

    def steps(self, aspect: str) -> list[Step]:
        """The known values of an aspect as steps; the last goes on for ever."""
        steps = self._steps.get(aspect)
        if steps is None:
            steps = self._steps[aspect] = []
            for entry in self.known_entries(aspect):
                at = self.at(entry)
                if steps and steps[-1][0] == at:
                    steps[-1] = (at, entry[1])
                else:
                    steps.append((at, entry[1]))
        return steps

    @property
    def lifecycle(self) -> str | None:
        """The last known lifecycle that counts."""
        entry = self.last_known("lifecycle")
        return None if entry is None else entry[1]

    def scope(self, lifecycles: frozenset[str]) -> Intervals:
        """When the point was in one of these lifecycles; nothing for a point that is retired."""
        scope = self._scopes.get(lifecycles)
        if scope is None:
            scope = [] if self.state.retired else where(self.steps("lifecycle"), lifecycles.__contains__)
            self._scopes[lifecycles] = scope
        return scope


def spans(steps: list[Step]) -> list[tuple[int, int, Any]]:
    """Steps with the instant up to which each counts."""
    ends = [step[0] for step in steps[1:]] + [FOREVER][: len(steps)]
    return [(start, end, value) for (start, value), end in zip(steps, ends, strict=True)]


def where(steps: list[Step], holds: Callable[[Any], bool]) -> Intervals:
    """The instants at which a step's value satisfies a condition."""
    result: Intervals = []
    start: int | None = None
    for at, value in steps:
        if holds(value):
            if start is None:
                start = at
        elif start is not None:
            result.append((start, at))
            start = None
    if start is not None:
        result.append((start, FOREVER))
    return result
