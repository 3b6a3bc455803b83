"""The rules about a kommun or a län, and the alerts of all that lies in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from oracle import overrides, table
from oracle.merge import Given, Point, Said, exact, fold
from oracle.orders import Order, in_force, incidents, within
from oracle.point import Judge
from oracle.scan import Asked, Verdict, history, instants, worst


@dataclass(frozen=True)
class World:
    """All points of one reality, judged at `now`."""

    points: Mapping[str, Point]
    orders: Sequence[Order]
    now: int

    def table(self, place: str) -> table.Table:
        """The table that judges a point or an area."""
        return overrides.table_of(self.orders, place, self.now)

    @classmethod
    def of(cls, given: Iterable[Given], orders: Iterable[Order], now: int, reality: str = "act") -> "World":
        """The world that the reports and orders of a reality make."""
        return cls(fold(given, reality), [o for o in orders if o["reality"] == reality], now)

    @cached_property
    def judges(self) -> dict[str, Judge]:
        """Every point (and kommun itself) that something was said of, judged."""
        return {
            id_: Judge(point, self.now, tuple(self.inherited(id_)), self.table(id_))
            for id_, point in self.points.items()
        }

    def inherited(self, point_id: str) -> list[Said]:
        """The needs of retired points that this one replaces."""
        return [
            need
            for point in self.points.values()
            if point.retired and point.value("retire").get("replaced_by") == point_id
            for need in point.needs.values()
        ]

    def judges_in(self, area: str) -> list[Judge]:
        """Those within an area."""
        return [judge for judge in self.judges.values() if within(judge.point.kommun, area)]

    # -- area.silent ------------------------------------------------------------------------------------------------

    def heard(self, kommun: str) -> tuple[int | None, int | None]:
        """When anything at all was last heard of a kommun, and its last heartbeat."""
        points = [judge.point for judge in self.judges_in(kommun)]
        beats = [p.heartbeat for p in points if p.heartbeat is not None]
        others = [p.content for p in points if p.content is not None]
        others += [p.reached for p in points if p.reached is not None]
        others += [said[-1].at for p in points if (said := p.said.get("activation"))]
        return max(beats + others, default=None), max(beats, default=None)

    def tried_in_vain(self, kommun: str) -> int | None:
        """When somebody last tried to reach a kommun or one of its points whose last attempt was in vain."""
        last = [judge.point.contact for judge in self.judges_in(kommun)]
        return max((one.at for one in last if one is not None and one.value == "failed"), default=None)

    def _silent_at(self, kommun: str, t: int) -> Asked:
        """Whether, at t, nothing had been heard of a kommun for long that should be heard of."""
        heard, beat = self.heard(kommun)
        since: list[int] = []
        if heard is not None and any(judge.lines.open(t) for judge in self.judges_in(kommun) if not judge.itself):
            since.append(heard)
        since += [
            start if heard is None else max(heard, start)
            for start, until in incidents(self.orders, kommun, self.now)
            if in_force((start, until), t)
        ]
        if not since:
            return Asked(None, frozenset())
        rule = self.table(kommun)["area.silent"]
        holds: set[str] = set()
        tried = self.tried_in_vain(kommun)
        for last in since:
            beating = beat is not None and last - beat <= table.HEARTBEATS_CAME and rule.after_heartbeats > 0
            for level in table.LEVELS:
                given = rule.level(level)
                if given is None:
                    continue
                hurry = level == "yellow" and beating
                bound = min(given.after, rule.after_heartbeats) if hurry else given.after
                if t - last >= bound:
                    holds.add(level)
                    if tried is not None and last < tried <= t and level != "critical":
                        holds.add({"yellow": "red", "red": "critical"}[level])
        return Asked("watched", frozenset(holds))

    def silent(self, kommun: str) -> Verdict | None:
        """The kommun's `area.silent`."""
        starts = [judge.times[0] for judge in self.judges_in(kommun)]
        starts += [start for start, _ in incidents(self.orders, kommun, self.now)]
        times = instants(min([*starts, self.now]), self.now)
        rule = table.rule_of("area.silent", self.table(kommun)["area.silent"])
        line = history(rule, times, lambda t: self._silent_at(kommun, t))
        return None if line.now is None else Verdict(level=line.now, raised_at=line.since())

    # -- area.red_share ---------------------------------------------------------------------------------------------

    def red_share(self, area: str) -> str | None:
        """The level of `area.red_share` of a kommun or län (when it was raised, each node knows for itself)."""
        open_ = [judge for judge in self.judges_in(area) if judge.is_open]
        red = sum(judge.red_by_vital for judge in open_)
        rule = self.table(area)["area.red_share"]
        if not open_ or len(open_) < rule.min_open or red < rule.min_red:
            return None
        levels = ((level, rule.level(level)) for level in table.LEVELS)
        return worst(
            level
            for level, given in levels
            if given is not None and given.limit is not None and red >= exact(given.limit) * len(open_)
        )

    # -- all of it --------------------------------------------------------------------------------------------------

    @cached_property
    def kommuner(self) -> list[str]:
        """The kommuner that anything was said of, or that an incident concerns by name."""
        named = {a for o in self.orders for a in o["data"].get("areas", ()) if len(a) == 4 and a.isdigit()}
        return sorted(named | {point.kommun for point in self.points.values()})

    @cached_property
    def silences(self) -> dict[str, Verdict]:
        """The open `area.silent`, by kommun."""
        return {kommun: verdict for kommun in self.kommuner if (verdict := self.silent(kommun)) is not None}

    def verdicts(self, point_id: str) -> dict[str, Verdict]:
        """The open alerts of a point, by rule; what the silence of its kommun mutes says so."""
        judge, found = self.judges[point_id], dict(self.judges[point_id].verdicts)
        if "freshness.stale" in found and judge.point.kommun in self.silences:
            muted = f"area.silent/{judge.point.kommun}"
            found["freshness.stale"] = replace(found["freshness.stale"], inhibited_by=muted)
        return found
