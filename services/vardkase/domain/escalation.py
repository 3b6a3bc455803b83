"""Escalation: a red or critical alert that nobody acknowledges is told to others, as one digest each, never one by one.

First **sideways**, to the deputy and the kommun's own officer; then **up**, to the län, and at last to the nation. A
function of the alerts that stand, a policy and the time: a restart neither forgets a step nor tells it again. When an
alert counts, and for whom, is told in docs/rules.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, Literal, NamedTuple

from vardkase_contracts.areas import KOMMUNER, NATION, Area
from vardkase_contracts.instants import MINUTE, SECOND, iso, parse
from vardkase_contracts.vocab import AlertLevel

from .finding import RANK
from .intervals import FOREVER
from .places import around
from .standing import MUTED, standing_of

Step = Literal["sideways", "up"]
#: Of a digest so many alerts are told, the gravest first (ours); `counts` are of all.
TOLD: Final = 50
#: And so many places are named in its line.
_NAMED: Final = 5


class Patience(NamedTuple):
    """How long alerts of a level may stand unacknowledged, µs. `None`: for ever."""

    sideways: int | None
    #: Before the level above is told; and as long again before the one above that.
    up: int | None


class Policy(NamedTuple):
    """After how long what is escalated."""

    red: Patience = Patience(30 * MINUTE, 60 * MINUTE)
    critical: Patience = Patience(10 * MINUTE, 20 * MINUTE)

    @classmethod
    def after(cls, *, red_sideways: float, red_up: float, critical_sideways: float, critical_up: float) -> "Policy":
        """The policy of so many seconds; 0: never."""
        return cls(
            Patience(_instant(red_sideways), _instant(red_up)),
            Patience(_instant(critical_sideways), _instant(critical_up)),
        )


class Standing(NamedTuple):
    """A firing alert, as far as escalation looks at it."""

    reality: str
    key: str
    level: AlertLevel
    #: The name of the point or area, and the area that the alert is in.
    name: str
    area: Area
    text: Mapping[str, str]
    #: Since when it has been told as at least red, and critical, µs.
    since: Mapping[AlertLevel, int]
    #: By area, until when it was quiet last, µs.
    quieted: Mapping[str, int]
    #: The areas that it is quiet for.
    quiet: frozenset[str]
    muted: bool


class Member(NamedTuple):
    """An alert in a digest."""

    alert: Standing
    #: When it came to this step, µs.
    at: int


class Digest(NamedTuple):
    """What is told to the receivers of an area, together."""

    reality: str
    step: Step
    #: Whose receivers are told.
    area: Area
    #: Its alerts, the gravest first, then those that came first.
    members: tuple[Member, ...]

    @property
    def key(self) -> str:
        """Names it for as long as anything is in it: a new alert changes what it says, and makes no other one."""
        return f"escalation.{self.step}/{self.area.code}"

    @property
    def since(self) -> int:
        """When the first of those in it came to this step, µs."""
        return min(each.at for each in self.members)

    @property
    def level(self) -> AlertLevel:
        """The gravest."""
        return self.members[0].alert.level

    def counts(self) -> dict[str, int]:
        """How many alerts are in it, by level."""
        found = {"critical": 0, "red": 0}
        for each in self.members:
            found[each.alert.level] += 1
        return found


def standing_alert(document: Mapping[str, Any]) -> Standing | None:
    """What an alert's document says for escalation; None: it has ended, or is too mild."""
    if document["status"] != "firing" or RANK[document["level"]] < RANK["red"]:
        return None
    told, said = document["area"], standing_of(document)
    levels: tuple[AlertLevel, ...] = ("red", "critical")
    return Standing(
        reality=document["reality"],
        key=document["key"],
        level=document["level"],
        name=(document["point"] or told)["name"] or document["key"].partition("/")[2],
        area=Area(told["level"], told["code"]),
        text=document["text"],
        since={level: parse(said["since"][level]) for level in levels if level in said["since"]},
        quieted={code: parse(at) for code, at in said["quieted"].items()},
        quiet=frozenset(each["code"] for each in (*document["acks"], *document.get("silences", ()))),
        muted=document["inhibited_by"] is not None,
    )


def digests(alerts: Iterable[Standing], policy: Policy, now: int) -> tuple[list[Digest], int]:
    """What is to be told at an instant, and when that may change by the clock alone, µs.

    Args:
        alerts: what stands.
        policy: after how long what is escalated.
        now: the instant, µs.

    Returns:
        At most one digest of each reality, step and area, in that order.
    """
    due = FOREVER
    found: dict[tuple[str, Step, Area], list[Member]] = {}
    for alert in alerts:
        for step, area, at in steps(alert, policy):
            if at <= now:
                found.setdefault((alert.reality, step, area), []).append(Member(alert, at))
            else:
                due = min(due, at)
    made = [
        Digest(reality, step, area, tuple(sorted(found[reality, step, area], key=_gravest_first)))
        for reality, step, area in sorted(found)
    ]
    return made, due


def steps(alert: Standing, policy: Policy) -> list[tuple[Step, Area, int]]:
    """The steps that an alert takes if nothing changes: to whom, and when, µs; none to those that it is quiet for."""
    if alert.muted:
        return []
    found: list[tuple[Step, Area, int]] = []
    patiences: tuple[tuple[AlertLevel, Patience], ...] = (("red", policy.red), ("critical", policy.critical))
    for rung, area in enumerate(ladder(alert.area)):
        path = _path(alert.area, area)
        if alert.quiet & path:
            continue
        awake = max((at for code, at in alert.quieted.items() if code in path or code == MUTED), default=0)
        times = [
            max(alert.since[level], awake) + waited
            for level, patience in patiences
            if level in alert.since and (waited := _waited(patience, rung)) is not None
        ]
        if times:
            found.append(("up" if rung else "sideways", area, min(times)))
    return found


def planned(alert: Standing, policy: Policy) -> list[dict[str, Any]]:
    """The steps of an alert as JSON: to whom, and when, unless somebody takes it in. Those not ahead were taken."""
    return [
        {"step": step, "level": area.level, "code": area.code, "name": area.name, "at": iso(at)}
        for step, area, at in steps(alert, policy)
    ]


def served(area: Area, node: Area, children: AbstractSet[Area]) -> bool:
    """Whether a node tells the receivers of an area: its own, and those below it that have no node of their own.

    Args:
        area: whose receivers.
        node: the node's.
        children: the areas of the nodes below it.
    """
    nodes = {node.code, *(child.code for child in children)}
    return next((place for place in around(area.code) if place in nodes), None) == node.code


def told(digest: Digest) -> dict[str, Any]:
    """A digest as JSON."""
    return {
        "key": digest.key,
        "reality": digest.reality,
        "step": digest.step,
        "level": digest.level,
        "area": {"level": digest.area.level, "code": digest.area.code, "name": digest.area.name},
        "since": iso(digest.since),
        "counts": digest.counts(),
        "text": text_of(digest),
        "alerts": [
            {
                "key": each.alert.key,
                "level": each.alert.level,
                "area": {"level": each.alert.area.level, "code": each.alert.area.code, "name": each.alert.area.name},
                "text": dict(each.alert.text),
                "escalated_at": iso(each.at),
            }
            for each in digest.members[:TOLD]
        ],
        "left_out": max(0, len(digest.members) - TOLD),
    }


def text_of(digest: Digest) -> dict[str, str]:
    """A digest in a line, in Swedish and in English."""
    counts, places = digest.counts(), sorted({each.alert.area.name for each in digest.members})
    where, more = ", ".join(places[:_NAMED]), len(places) - _NAMED
    critical, red = counts["critical"], counts["red"]
    rest_sv, rest_en = (f" och {more} till", f" and {more} more") if more > 0 else ("", "")
    return {
        "sv": f"Ej kvitterat: {critical} kritiska och {red} röda larm: {where}{rest_sv}",
        "en": f"Unacknowledged: {critical} critical and {red} red alerts: {where}{rest_en}",
    }


def _instant(seconds: float) -> int | None:
    return round(seconds * SECOND) or None


def _gravest_first(member: Member) -> tuple[int, int, str]:
    return -RANK[member.alert.level], member.at, member.alert.key


def _waited(patience: Patience, rung: int) -> int | None:
    """After how long a rung of the ladder is reached, µs."""
    if not rung:
        return patience.sideways
    return None if patience.up is None else rung * patience.up


def ladder(area: Area) -> Sequence[Area]:
    """Whose receivers are told, one after the other: the alert's own area, then the län, then the nation."""
    if area.level == "kommun" and area.code in KOMMUNER:
        lan = KOMMUNER[area.code].lan
        return area, Area("lan", lan), NATION
    return (area,) if area == NATION else (area, NATION)


def _path(low: Area, high: Area) -> frozenset[str]:
    """The codes of the areas from one up to another: whoever of them takes an alert in, takes it in for both."""
    places = around(low.code)
    return frozenset(places[: places.index(high.code) + 1])
