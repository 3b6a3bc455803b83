"""What an Alertmanager is to hold: pure. It knows alerts by their labels, and takes what it is not told of for over.

So what stands is told again and again; what has ended is told once, and again to one that was started anew, for some
time. To Alertmanager another level is another alert: the one before is ended in the same breath as the new one begins.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from .notice import Notice, Quiet

#: An alert as Alertmanager knows it: its labels, sorted.
Name = tuple[tuple[str, str], ...]

_GRAVE: Final = {"critical": 0, "red": 1, "yellow": 2}
_MUTES: Final = ("power.lost", "area.silent")
"""What others follow from (CONTRACT §5, inhibition) is told first: it mutes them there."""


def name_of(labels: Mapping[str, str]) -> Name:
    """The name of an alert."""
    return tuple(sorted(labels.items()))


class Told(NamedTuple):
    """An alert on its way to Alertmanager: instants of the node's clock, µs."""

    name: Name
    annotations: Mapping[str, str]
    starts_at: int
    ends_at: int | None
    #: What it is said of.
    notice: Notice


class Muted(NamedTuple):
    """An alert that Alertmanager is to notify nobody of."""

    name: Name
    quiet: Quiet


class Standing:
    """What stands, what has ended and is told for some time more, and what of it is news.

    Args:
        keep_ended: how long what has ended is told, µs of the clock that `offer` and `sweep` are given.
        most_ended: the most of those; the ones that ended first go.
    """

    def __init__(self, *, keep_ended: int, most_ended: int) -> None:
        self._keep = keep_ended
        self._most = most_ended
        self._names: dict[str, Name] = {}
        self._stands: dict[Name, Notice] = {}
        self._ended: dict[Name, tuple[Told, int]] = {}
        self._news: dict[Name, None] = {}
        self._muted: dict[Name, Muted] = {}
        self.dropped = 0
        """How many that had ended were let go of before they were told: there were too many. A counter."""

    def __len__(self) -> int:
        """How many stand."""
        return len(self._stands)

    def offer(self, notice: Notice, now: int) -> None:
        """A notice as it is now; `now` in µs, on any clock that is the same in each call."""
        name = name_of(notice.labels)
        before = self._names.get(notice.key)
        if before is not None and (before != name or not notice.stands):
            stood = self._stands.pop(before)
            at = notice.starts_at if notice.ends_at is None else notice.ends_at
            annotations = _now_other(stood, notice) if notice.stands else notice.annotations
            self._end(before, stood, annotations, at, notice.quiet, now)
        if notice.stands:
            self._names[notice.key] = name
            self._stands[name] = notice
            self._ended.pop(name, None)
            self._mute(name, notice.quiet)
            self._news[name] = None
            return
        self._names.pop(notice.key, None)
        if before != name:  # it may stand there, from before this process
            at = notice.starts_at if notice.ends_at is None else notice.ends_at
            self._end(name, notice, notice.annotations, at, notice.quiet, now)

    def _end(
        self, name: Name, notice: Notice, annotations: Mapping[str, str], at: int, quiet: Quiet | None, now: int
    ) -> None:
        self._ended.pop(name, None)
        self._ended[name] = (Told(name, annotations, min(notice.starts_at, at), at, notice), now)
        self._news[name] = None
        self._mute(name, quiet)
        while len(self._ended) > self._most:
            oldest = next(iter(self._ended))
            self.dropped += oldest in self._news
            self._drop(oldest)

    def _mute(self, name: Name, quiet: Quiet | None) -> None:
        if quiet is None or quiet.why == "inhibited":  # that is for Alertmanager's own rules
            self._muted.pop(name, None)
        else:
            self._muted[name] = Muted(name, quiet)

    def _drop(self, name: Name) -> None:
        del self._ended[name]
        self._news.pop(name, None)
        self._muted.pop(name, None)

    def sweep(self, now: int) -> None:
        """Forget what ended long ago and was told."""
        for name, (_, since) in list(self._ended.items()):
            if since <= now - self._keep and name not in self._news:
                self._drop(name)

    def is_news(self, told: Told) -> bool:
        """Whether it was not told yet."""
        return told.name in self._news

    @property
    def has_news(self) -> bool:
        """Whether something is to be told now."""
        return bool(self._news)

    def news(self) -> list[Told]:
        """What was not told yet, in the order in which it is to be told."""
        return self._in_order(self._news)

    def standing(self) -> list[Told]:
        """All that stands, and what else is news."""
        return self._in_order({**dict.fromkeys(self._stands), **self._news})

    def everything(self) -> list[Told]:
        """All that stands and has lately ended."""
        return self._in_order([*self._stands, *self._ended])

    def told(self, those: Iterable[Told]) -> None:
        """These were told. What was offered anew meanwhile is news still."""
        for each in those:
            ended = self._ended.get(each.name)
            if (each.ends_at is None and self._stands.get(each.name) is each.notice) or (
                ended is not None and ended[0] is each
            ):
                self._news.pop(each.name, None)

    @property
    def muted(self) -> Mapping[Name, Muted]:
        """What stands, or has lately ended, and is to disturb nobody by an act of people."""
        return self._muted

    def strangers(self, held: Iterable[Name], now: int, *, at: int) -> None:
        """End what Alertmanager holds of ours and does not stand here.

        Args:
            held: what it holds as firing.
            now: see `offer`.
            at: when it ended, as far as is known: instant of the node's clock, µs.
        """
        for name in held:
            if name not in self._stands and name not in self._ended:
                self._end(name, _nothing(name, at), {}, at, None, now)

    def _in_order(self, names: Iterable[Name]) -> list[Told]:
        found: list[Told] = []
        for name in names:
            if (notice := self._stands.get(name)) is not None:
                found.append(Told(name, notice.annotations, notice.starts_at, None, notice))
            elif name in self._ended:
                found.append(self._ended[name][0])
        return sorted(found, key=_first)


def _first(told: Told) -> tuple[bool, bool, int]:
    """What mutes others first, then the gravest, then what has ended."""
    notice = told.notice
    return told.ends_at is not None, notice.rule not in _MUTES, _GRAVE.get(notice.level, 9)


def _now_other(before: Notice, now: Notice) -> Mapping[str, str]:
    """Annotations of a level that has ended though the alert has not: else its end reads as that of the alert."""
    return {**before.annotations, "level_now": now.level, "summary_now": now.annotations.get("summary", "")}


def _nothing(name: Name, at: int) -> Notice:
    """What is known of an alert that only Alertmanager knows."""
    labels = dict(name)
    return Notice(
        kind="alert",
        key=f"stranger/{labels.get('key', '')}",
        event="",
        reality="act",
        rule=labels.get("rule", ""),
        level=labels.get("level", ""),
        areas=(),
        labels=labels,
        annotations={},
        starts_at=at,
        ends_at=at,
        quiet=None,
        document={},
    )


def payload(told: Told, *, starts_at: str, ends_at: str, link: str | None) -> dict[str, Any]:
    """An alert as Alertmanager's API v2 takes it.

    Args:
        told: the alert.
        starts_at: RFC 3339, real time.
        ends_at: the same; of what stands, ahead.
        link: where more is to be seen.
    """
    document: dict[str, Any] = {
        "labels": dict(told.name),
        "annotations": dict(told.annotations),
        "startsAt": starts_at,
        "endsAt": ends_at,
    }
    return document if link is None else document | {"generatorURL": link}
