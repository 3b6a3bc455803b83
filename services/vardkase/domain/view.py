"""A state as it looks at an instant: its aspects as steps in time, up to now."""

from collections.abc import Callable, Mapping
from typing import Any

from vardkase_contracts.instants import parse

from .intervals import FOREVER, Intervals, normal
from .stamps import SKEW, Entry
from .state import PointState

#: A value from an instant on, until the next step.
Step = tuple[int, Any]

RUNNING_LIFECYCLES = frozenset({"open", "establishing", "closing"})


class View:
    """What rules read. Only stamps that count at `now` are seen: later ones within `SKEW` count as of `now`."""

    __slots__ = ("_scopes", "_steps", "now", "profile", "state")

    def __init__(self, state: PointState, now: int) -> None:
        self.state = state
        self.now = now
        self.profile: Mapping[str, Any] = state.profile
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
        return None

    def fact(self, aspect: str) -> Entry | None:
        """An aspect without a timeline, as it is now."""
        entry = self.state.facts.get(aspect)
        return entry if self.counts(entry) else None

    def known_entries(self, aspect: str, known: Callable[[Any], bool]) -> list[Entry]:
        """The entries that are known and count, in ascending order."""
        limit = self.now + SKEW
        timeline = self.state.timelines.get(aspect)
        if timeline is None:
            return []
        entries = [entry for entry in timeline.entries if entry[0].time <= limit and known(entry[1])]
        for name in (aspect, "power.endurance") if aspect == "power" else (aspect,):
            last = self.state.known.get(name)
            if last is not None and last[0].time <= limit and not any(last[0] == entry[0] for entry in entries):
                entries.append(last)
                entries.sort()
        return entries

    def at(self, entry: Entry) -> int:
        """When an entry begins to count: its time, or now."""
        time = entry[0].time
        return min(self.now, time)

    def instant(self, text: str | None) -> int | None:
        """An instant inside a section, µs."""
        return None if text is None else parse(text)

    def steps(self, aspect: str, known: Callable[[Any], bool]) -> list[Step]:
        """The known values of an aspect as steps; the last goes on for ever."""
        steps = self._steps.get(aspect)
        if steps is None:
            steps = self._steps[aspect] = []
            for entry in self.known_entries(aspect, known):
                at = self.at(entry)
                if steps and steps[-1][0] == at:
                    steps[-1] = (at, entry[1])
                else:
                    steps.append((at, entry[1]))
        return steps

    @property
    def lifecycle(self) -> str | None:
        """The last known lifecycle that counts."""
        steps = self.steps("lifecycle", is_some)
        return steps[-1][1] if steps else None

    def scope(self, lifecycles: frozenset[str]) -> Intervals:
        """When the point was in one of these lifecycles; nothing for a point that is retired."""
        scope = self._scopes.get(lifecycles)
        if scope is None:
            scope = [] if self.state.retired else where(self.steps("lifecycle", is_some), lifecycles.__contains__)
            self._scopes[lifecycles] = scope
        return scope


def is_some(value: Any) -> bool:
    """Known, for values that are known unless null."""
    return value is not None


def spans(steps: list[Step]) -> list[tuple[int, int, Any]]:
    """Steps with the instant up to which each counts."""
    ends = [step[0] for step in steps[1:]] + [FOREVER][: len(steps)]
    return [(start, end, value) for (start, value), end in zip(steps, ends, strict=True)]


def where(steps: list[Step], holds: Callable[[Any], bool]) -> Intervals:
    """The instants at which a step's value satisfies a condition."""
    return normal((start, end) for start, end, value in spans(steps) if holds(value))
