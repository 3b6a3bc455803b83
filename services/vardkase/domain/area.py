"""The rules about areas: a kommun that is silent, and an area where much is wrong (docs/rules.md)."""

from typing import NamedTuple

from vardkase_contracts.instants import MINUTE

from .finding import WORST_FIRST, Finding, Settled, Verdict, settle
from .intervals import FOREVER, Intervals, intersection, union
from .rules import Rules, RuleSpec

#: Heartbeats were coming when a kommun fell silent if the last was at most this much older than the last thing heard.
HEARTBEATS_CAME = 30 * MINUTE


class Heard(NamedTuple):
    """What was last heard of a kommun: of its points and itself, µs."""

    anything: int | None
    heartbeat: int | None
    #: When somebody last tried to reach it in vain, of the points whose last attempt was in vain.
    failed: int | None = None


NEVER = Heard(None, None)


def silence(heard: Heard, open_points: int, incident_since: int | None, rules: Rules, now: int) -> Settled:
    """`area.silent`: nothing at all is heard of a kommun with open points, or in an incident.

    One that somebody has tried to reach in vain since is a level worse: its silence has been looked into.
    """
    spec = rules["area.silent"]
    if not open_points and incident_since is None:
        return Settled(None, FOREVER)
    anything, heartbeat, failed = heard
    # Either reason to listen is enough: open points from the last thing heard, an incident not before its start.
    reasons: list[int] = []
    if open_points and anything is not None:
        reasons.append(anything)
    if incident_since is not None:
        reasons.append(incident_since if anything is None else max(anything, incident_since))
    if not reasons:
        return Settled(None, FOREVER)
    since = min(reasons)
    patience = spec.held("yellow")
    if patience is not None and heartbeat is not None and since - heartbeat <= HEARTBEATS_CAME:
        patience = min(patience, spec.after_heartbeats or patience)
    begins = min(
        (since + each for each in (patience, spec.held("red"), spec.held("critical")) if each is not None),
        default=FOREVER,
    )
    if now < begins:
        return Settled(None, begins)
    finding = Finding(scope=[(since, FOREVER)])
    finding.yellow = _from(since, patience)
    finding.red = _from(since, spec.held("red"))
    finding.critical = _from(since, spec.held("critical"))
    if failed is not None and failed > since:
        tried: Intervals = [(failed, FOREVER)]
        worse = intersection(finding.yellow, tried), intersection(finding.red, tried)
        finding.red, finding.critical = union(finding.red, worse[0]), union(finding.critical, worse[1])
    return settle("area.silent", finding, 0, now)


def _from(start: int, duration: int | None) -> list[tuple[int, int]]:
    return [] if duration is None else [(start + duration, FOREVER)]


def red_share(open_points: int, grave: int, spec: RuleSpec, now: int, since: int | None) -> Verdict | None:
    """`area.red_share`: of the open points, a large share is red or critical.

    Args:
        open_points: in the area.
        grave: those red or critical by power, staff, heat or water.
        spec: the rule.
        now: the instant, µs.
        since: since when the alert has stood, when it does; shares have no timeline of their own.
    """
    if not open_points or open_points < spec.min_open or grave < spec.min_red:
        return None
    for level in WORST_FIRST:
        limit = spec.limit(level)
        if limit is not None and grave / open_points >= limit:
            return Verdict("area.red_share", level, now if since is None else since, False, (), False, None, None)
    return None
