"""A handover report: what whoever takes over a shift must know, under the five headings of a situation report. Pure.

The live part (`Now`) is what the node holds; the past (`archive.shift.past`) is there only while the archive is. What
is made says what it rests on, and names itself by a SHA-256 of all the rest.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from vardkase_contracts.areas import Area
from vardkase_contracts.instants import HOUR, iso, parse
from vardkase_contracts.vocab import ALERT_LEVELS, Reality

from .replay import canonical

SinceFrom = Literal["given", "adopted", "default"]
"""Where the time came from: somebody gave it, the picture was adopted then, or neither."""
DEFAULT: Final = 12 * HOUR
"""How far back it goes when nobody says, and no picture was ever adopted, µs."""
SHIFT: Final = 12
"""Hours of the next shift, unless given."""
MOST: Final = 200
"""Most rows of one list; how many there are in all stands beside it."""
_GRAVEST: Final = {level: place for place, level in enumerate(reversed(ALERT_LEVELS))}


class Now(NamedTuple):
    """What the node holds now."""

    picture: Mapping[str, Any] | None
    """Of the area, as it was published last; None: there is none yet."""
    alerts: Sequence[Mapping[str, Any]]
    """Those that stand, of the area and what lies in it."""
    needs: Sequence[Mapping[str, Any]]
    """Open needs and surplus, the most pressing first."""
    short: Sequence[Mapping[str, Any]]
    """Points that are, or will be, without power: in that order."""
    names: Mapping[str, str]
    """What points are called, by id."""


class Cutoff(NamedTuple):
    """Since when."""

    at: int
    """µs."""
    origin: SinceFrom
    adopted: Mapping[str, Any] | None = None
    """By whom the picture was adopted then."""


class Frame(NamedTuple):
    """Of what, when, for how long."""

    area: Area
    reality: Reality
    now: int
    """µs."""
    cutoff: Cutoff
    hours: int = SHIFT
    """Of the next shift."""


def compose(frame: Frame, now: Now, past: Mapping[str, Any] | None, why: str | None = None) -> dict[str, Any]:
    """The report.

    Args:
        frame: of which area, since when.
        now: the live part.
        past: as `archive.shift.past` gives it; None: the archive is away.
        why: why it is.
    """
    changes: Sequence[Mapping[str, Any]] = [] if past is None else past["changes"]
    named = [_named(each, now.names) for each in changes]
    report: dict[str, Any] = {
        "kind": "handover",
        "level": frame.area.level,
        "code": frame.area.code,
        "name": frame.area.name,
        "reality": frame.reality,
        "as_of": iso(frame.now),
        "since": iso(frame.cutoff.at),
        "since_from": frame.cutoff.origin,
        "adopted": frame.cutoff.adopted,
        "next_shift": {"hours": frame.hours, "until": iso(frame.now + frame.hours * HOUR)},
        "sources": _sources(now, past, why),
        "events": _events(named, has_past=past is not None),
        "condition": _condition(now, past),
        "forecast": _forecast(now, past, frame),
        "resources": None if now.picture is None else now.picture["resources"],
        "measures": _measures(now, named, frame.now, has_past=past is not None),
    }
    return {**report, "sha256": hashlib.sha256(canonical(report)).hexdigest()}


def _sources(now: Now, past: Mapping[str, Any] | None, why: str | None) -> dict[str, Any]:
    live = None
    if now.picture is not None:
        live = {"picture_as_of": now.picture["as_of"], "picture_version": now.picture["version"]}
    archive = {
        "there": past is not None,
        "why": why,
        "reports": None if past is None else past["reports"],
        "changes": None if past is None else len(past["changes"]),
        "truncated": past is not None and past["truncated"],
    }
    return {"live": live, "archive": archive}


def _named(entry: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    point = entry.get("point")
    return {**entry, "name": entry.get("name") or (names.get(point) if point is not None else None)}


# -- the five headings -------------------------------------------------------------------------------------------------


def _events(changes: Sequence[Mapping[str, Any]], *, has_past: bool) -> dict[str, Any] | None:
    if not has_past:
        return None
    return {
        "raised": _listed(each for each in changes if each["what"] == "alert.raised"),
        "worse": _listed(each for each in changes if each["what"] == "alert.level"),
        "cleared": _listed(each for each in changes if each["what"] == "alert.cleared"),
        "opened": _listed(each for each in changes if each["what"] == "point.opened"),
        "closed": _listed(each for each in changes if each["what"] == "point.closed"),
        "registered": _listed(each for each in changes if each["what"] in {"point.registered", "point.retired"}),
        "activation": _listed(each for each in changes if each["what"] == "kommun.activation"),
    }


def _condition(now: Now, past: Mapping[str, Any] | None) -> dict[str, Any]:
    then = None if past is None else past["picture"]
    return {"now": _short_of(now.picture), "then": _short_of(then)}


def _short_of(picture: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if picture is None:
        return None
    condition = picture["condition"]
    return {
        "as_of": picture["as_of"],
        "lifecycle": condition["lifecycle"],
        "condition": condition["condition"],
        "freshness": condition["freshness"],
        "occupancy": condition["occupancy"],
        "capacity": condition["capacity"],
        "coverage": picture["coverage"],
    }


def _forecast(now: Now, past: Mapping[str, Any] | None, frame: Frame) -> dict[str, Any]:
    """What runs out before the next shift ends."""
    until = frame.now + frame.hours * HOUR

    def ends(text: str | None, *, since: int = 0) -> bool:
        return text is not None and since <= parse(text) <= until

    due = [each for each in now.needs if each["direction"] == "need" and ends(each.get("needed_by"), since=frame.now)]
    acks = [
        {"key": alert["key"], "text": alert["text"], "level": alert["level"], **ack}
        for alert in now.alerts
        for ack in alert["acks"]
        if ends(ack["until"], since=frame.now)
    ]
    silences = None
    if past is not None:
        silences = _listed(each for each in past["silences"] if ends(each["until"]))
    return {
        "dark": _listed(each for each in now.short if each["dark"]),
        "runs_out": _listed(each for each in now.short if not each["dark"] and ends(each["runs_out_at"])),
        "unknown": sum(not each["dark"] and not each["endurance_known"] for each in now.short),
        "needed": _listed(due),
        "acks": _listed(sorted(acks, key=lambda each: parse(each["until"]))),
        "silences": silences,
    }


def _measures(now: Now, changes: Sequence[Mapping[str, Any]], at: int, *, has_past: bool) -> dict[str, Any]:
    alerts = sorted(now.alerts, key=lambda each: (_GRAVEST[each["level"]], each["raised_at"], each["key"]))
    standing = [dict(each) for each in alerts if each["inhibited_by"] is None]
    for each in standing:
        each["acks"] = [ack for ack in each["acks"] if parse(ack["until"]) > at]  # what has run out quiets nobody
    acked = [each for each in standing if each["acks"]]
    needs = [each for each in now.needs if each["direction"] == "need"]
    surplus = [each for each in now.needs if each["direction"] == "surplus"]
    since: dict[str, Any] | None = None
    if has_past:
        since = {
            "acked": _listed(each for each in changes if each["what"] == "alert.acked"),
            "orders": _listed(
                each for each in changes if each["what"].startswith("order.") and each["what"] != "order.ack"
            ),
            "needs_opened": _listed(each for each in changes if each["what"] == "need.requested"),
            "needs_delivered": _listed(each for each in changes if each["what"] == "need.delivered"),
        }
    return {
        "unacked": _listed(each for each in standing if not each["acks"]),
        "acked": _listed(acked),
        "inhibited": len(alerts) - len(standing),
        "needs": _listed(needs),
        "surplus": _listed(surplus),
        "since": since,
    }


def _listed(items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    found = list(items)
    return {"count": len(found), "items": found[:MOST]}
