"""Levels in time by brute force: every condition is asked at every whole minute, and just after each.

All that a test generates happens on whole minutes, so a condition changes only at a whole minute (inclusive bounds) or
one microsecond after it (strict bounds), and what is asked at an instant holds until the next one that is asked.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from oracle.table import LEVELS, MINUTE, Rule


class Asked(NamedTuple):
    """A rule's answer at one instant."""

    scope: Hashable | None
    """What stretch the instant belongs to; None outside the rule's scope."""
    holds: frozenset[str]
    """The names of the conditions that hold; empty outside the scope."""


NOTHING = Asked(None, frozenset())


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A rule's alert at `now`."""

    level: str
    raised_at: int
    inhibited_by: str | None = None
    derived: bool = False


def instants(first: int, now: int) -> list[int]:
    """Every whole minute from `first` to `now` and the microsecond after each; and `now`."""
    minutes = range(first - first % MINUTE, now + 1, MINUTE)
    return sorted({t for m in minutes for t in (m, m + 1) if t <= now} | {now})


def worst(levels: Iterable[str | None]) -> str | None:
    """The worst of the levels; None of none."""
    return max((level for level in levels if level is not None), key=LEVELS.index, default=None)


@dataclass(frozen=True, kw_only=True)
class History:
    """A rule's level, and the stretch of its scope, at each of the times."""

    times: Sequence[int]
    scopes: Sequence[Hashable | None]
    levels: Sequence[str | None]

    @property
    def now(self) -> str | None:
        """The level at the last of the times."""
        return self.levels[-1]

    def since(self, least: str = LEVELS[0]) -> int:
        """The start of the stretch, unbroken and of one scope up to the last of the times, of that level or worse."""
        i = len(self.times) - 1
        while (
            i > 0
            and self.scopes[i - 1] == self.scopes[-1]
            and worst((self.levels[i - 1], least)) == (self.levels[i - 1])
        ):
            i -= 1
        return self.times[i]

    def clear_where(self, other: "History") -> "History":
        """The same without the levels at the times at which the other has one."""
        levels = [None if there else here for here, there in zip(self.levels, other.levels, strict=True)]
        return replace(self, levels=levels)


def history(rule: Rule, times: Sequence[int], ask: Callable[[int], Asked]) -> History:
    """What a rule comes to at each of the times."""
    answers = [ask(t) for t in times]
    fires = _fires(rule, times, answers)
    return History(
        times=times,
        scopes=[answer.scope for answer in answers],
        levels=[_kept(rule, times, answers, fires, i) for i in range(len(times))],
    )


def _fires(rule: Rule, times: Sequence[int], answers: Sequence[Asked]) -> list[frozenset[str]]:
    """The levels whose conditions have held for long enough, at each of the times, in one pass."""
    since: dict[str, int] = {}
    fires: list[frozenset[str]] = []
    scope: Hashable | None = None
    for t, answer in zip(times, answers, strict=True):
        if answer.scope != scope:
            since, scope = {}, answer.scope
        since = {name: since.get(name, t) for name in answer.holds} if scope is not None else {}
        fires.append(frozenset(c.level for c in rule.clauses if c.name in since and t - since[c.name] >= c.after))
    return fires


def _kept(
    rule: Rule, times: Sequence[int], answers: Sequence[Asked], fires: Sequence[frozenset[str]], i: int
) -> str | None:
    """The worst level that fires or whose end, within the same stretch of the scope, is less than `keep` ago."""
    if answers[i].scope is None:
        return None
    found: set[str] = set(fires[i])
    j = i
    # What is asked at times[j] holds up to times[j + 1], exclusive: it ended there.
    while j > 0 and answers[j - 1].scope == answers[i].scope and times[i] - times[j] < rule.keep:
        j -= 1
        found |= fires[j]
    return worst(found)
