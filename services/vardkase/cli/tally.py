"""Counting what a demo's alerts were worth: how many, how early before the dark, and how tiring.

Nothing here asks for anything: alert changes go in, and at the end what really happened at each point.
"""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from vardkase.cli import words
from vardkase.simulator.truth import PointTruth
from vardkase_contracts import vocab
from vardkase_contracts.alert import Alert
from vardkase_contracts.areas import KOMMUNER, LAN
from vardkase_contracts.instants import HOUR, MINUTE, from_datetime

MOST_ALERTS: Final = 200_000
"""Alerts that are told apart; of more, only the changes are counted."""
_WARNING: Final = frozenset({"power.endurance", "power.battery"})
_SAME_MOMENT: Final = 30 * MINUTE
"""A warning that ended no longer than this before the dark still was its warning: it ends as `power.lost` begins."""


@dataclass(kw_only=True, slots=True)
class _Episode:
    """One alert from when it was raised until it was cleared."""

    rule: str
    about: str
    level: vocab.AlertLevel
    """The worst that it reached."""
    derived: bool
    """Whether the clock alone ever made it what it was."""
    told_at: int
    """When it was first published, µs."""
    cleared_at: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Leads:
    """How long before a point went dark the first warning came."""

    dark: int
    """How often fuel or charge ran out at a point in use."""
    warned: int
    """How often that had been warned of."""
    unseen: int
    """How often no report could have told of it: the place had been cut off since before, or had never reported."""
    median_min: int | None
    """Half of the warnings came earlier than this: minutes."""
    least_min: int | None
    """The latest warning: minutes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Busiest:
    """Where and how often alerts changed most in one hour."""

    code: str
    name: str
    changes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """What came of a demo."""

    reports: int
    """Reports sent."""
    hours: float
    """How long it lasted, in the node's time."""
    alerts: dict[str, dict[str, int]]
    """Alerts by rule and the worst level each reached."""
    derived: int
    """Alerts that the clock alone raised or made worse: nobody had reported it."""
    leads: Leads
    """How early warnings came."""
    changes: int
    """Changes of alerts."""
    changes_per_hour: float
    """In the whole area."""
    lan_hour: Busiest | None
    """The busiest hour of a län."""
    kommun_hour: Busiest | None
    """The busiest hour of a kommun."""

    def as_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


class Tally:
    """Takes alert changes as they come."""

    def __init__(self) -> None:
        self._episodes: dict[str, _Episode] = {}
        self._changes = 0
        self._lan_hours: Counter[tuple[str, int]] = Counter()
        self._kommun_hours: Counter[tuple[str, int]] = Counter()

    def take(self, alert: Alert) -> None:
        """Count one change."""
        self._changes += 1
        at = from_datetime(alert.changed_at)
        for kommun in () if alert.area.level != "kommun" else (alert.area.code,):
            self._kommun_hours[kommun, at // HOUR] += 1
            self._lan_hours[kommun[:2], at // HOUR] += 1
        if alert.area.level == "lan":
            self._lan_hours[alert.area.code, at // HOUR] += 1
        episode = self._episodes.get(alert.alert_id)
        if episode is None:
            if len(self._episodes) >= MOST_ALERTS:
                return
            episode = _Episode(
                rule=alert.rule,
                about=alert.area.code if alert.point is None else alert.point.id,
                level=alert.level,
                derived=alert.derived,
                told_at=at,
            )
            self._episodes[alert.alert_id] = episode
        episode.derived = episode.derived or alert.derived
        if words.LEVEL_ORDER[alert.level] < words.LEVEL_ORDER[episode.level]:
            episode.level = alert.level
        episode.cleared_at = at if alert.status == "cleared" else None

    def summary(self, *, reports: int, hours: float, truth: Mapping[str, PointTruth]) -> Summary:
        """What came of it all.

        Args:
            reports: how many were sent.
            hours: how long it lasted, in the node's time.
            truth: what really happened, by point.
        """
        by_rule: dict[str, Counter[str]] = defaultdict(Counter)
        for episode in self._episodes.values():
            by_rule[episode.rule][episode.level] += 1
        return Summary(
            reports=reports,
            hours=round(hours, 1),
            alerts={
                rule: {level: by_rule[rule][level] for level in vocab.ALERT_LEVELS if by_rule[rule][level]}
                for rule in sorted(by_rule)
            },
            derived=sum(episode.derived for episode in self._episodes.values()),
            leads=self._leads(truth),
            changes=self._changes,
            changes_per_hour=round(self._changes / hours, 1) if hours > 0 else 0.0,
            lan_hour=_busiest(self._lan_hours, {code: lan.name for code, lan in LAN.items()}),
            kommun_hour=_busiest(self._kommun_hours, {code: kommun.name for code, kommun in KOMMUNER.items()}),
        )

    def _leads(self, truth: Mapping[str, PointTruth]) -> Leads:
        warnings: dict[str, list[_Episode]] = defaultdict(list)
        for episode in self._episodes.values():
            if episode.rule in _WARNING:
                warnings[episode.about].append(episode)
        leads: list[int] = []
        dark = unseen = 0
        for point in truth.values():
            for spell in point.ran_dry:
                dark += 1
                found = _warning_of(warnings.get(point.id, ()), spell.since)
                if found is not None:
                    leads.append(spell.since - found)
                elif spell.last_sent is None or not spell.online:
                    unseen += 1
        return Leads(
            dark=dark,
            warned=len(leads),
            unseen=unseen,
            median_min=round(statistics.median(leads) / MINUTE) if leads else None,
            least_min=round(min(leads) / MINUTE) if leads else None,
        )


def _warning_of(episodes: Iterable[_Episode], dark_since: int) -> int | None:
    """When the warning was first told that stood when it went dark."""
    standing = (
        episode.told_at
        for episode in episodes
        if episode.told_at <= dark_since
        and (episode.cleared_at is None or episode.cleared_at >= dark_since - _SAME_MOMENT)
    )
    return min(standing, default=None)


def _busiest(hours: Counter[tuple[str, int]], names: Mapping[str, str]) -> Busiest | None:
    if not hours:
        return None
    (code, _), changes = hours.most_common(1)[0]
    return Busiest(code=code, name=names.get(code, code), changes=changes)
