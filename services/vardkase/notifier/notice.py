"""What receivers are told of: a notice. Whoever has something to tell makes one; no receiver knows what it comes from.

Pure: made of an alert as it was published, and of nothing else.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from vardkase_contracts.areas import KOMMUNER, LAN, Area
from vardkase_contracts.instants import parse
from vardkase_contracts.vocab import Reality

from .words import about, description

Why = Literal["ack", "silence", "inhibited"]
"""Why nobody is to be disturbed."""

_EVIDENCE: Final = 2_000
"""The most characters of evidence in an annotation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quiet:
    """That nobody is to be disturbed by a notice for now, though it stands."""

    why: Why
    until: int | None
    """Until when, at most, µs; None: as long as the notice says so."""
    comment: str
    """In a line, for those who see that it is quiet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Something that stands, or has ended, as it is now. A newer one of the same `key` replaces it.

    For the next kind of notice: give it a `kind`, a `key` that begins with it, and `labels` that name it; all that
    receivers do with it follows from these.
    """

    kind: str
    """What it is: `alert`. A webhook's `type` begins with it."""
    key: str
    """What it is about, for ever: `alert/<reality>/<key of the alert>`. The same on every node."""
    event: str
    """Which time it is about that: another one whenever it begins anew (`alert_id`)."""
    reality: Reality
    rule: str
    level: str
    """How grave: `yellow`, `red`, `critical`."""
    areas: tuple[str, ...]
    """The codes of the areas that it lies in, and the point's id if it is about one."""
    labels: Mapping[str, str]
    """What routes it. What differs in a label is another alert to Alertmanager."""
    annotations: Mapping[str, str]
    """What people read. May change without being told again."""
    starts_at: int
    """Since when it stands as it is, as this node knew it, µs."""
    ends_at: int | None
    """When it ended, µs; None: it stands."""
    quiet: Quiet | None
    document: Mapping[str, Any]
    """What a webhook carries: the whole of it."""
    stored_at: int = 0
    """When it was published at this node, µs of real time; 0: not known. For measuring."""

    @property
    def stands(self) -> bool:
        """Whether it has not ended."""
        return self.ends_at is None


def notice_of(
    alert: Mapping[str, Any], own: Area, *, node: str, board: str | None, before: Notice | None, stored_at: int = 0
) -> Notice:
    """The notice of an alert as it was published.

    Args:
        alert: the document.
        own: the area whose receivers are told: acks and silences of that area quiet it, and no others.
        node: the name of the node that tells.
        board: where the operations board is reached; None: not known.
        before: the notice of the same key before; None: there was none. Keeps since when a level has stood.
        stored_at: when it was published, µs of real time.

    Raises:
        ValueError, LookupError, TypeError: it is no alert.
    """
    reality: Reality = alert["reality"]
    key, level, event = alert["key"], alert["level"], alert["alert_id"]
    area = Area.parse(alert["area"]["code"])
    point = alert["point"]
    changed_at = parse(alert["changed_at"])
    ended = alert["status"] == "cleared"
    same = before is not None and before.event == event and before.level == level
    starts_at = before.starts_at if before is not None and same else changed_at
    return Notice(
        kind="alert",
        key=f"alert/{reality}/{key}",
        event=event,
        reality=reality,
        rule=alert["rule"],
        level=level,
        areas=places(area, None if point is None else point["id"]),
        labels=_labels(alert, area, node),
        annotations=_annotations(alert, area, board),
        starts_at=min(starts_at, changed_at),
        ends_at=changed_at if ended else None,
        quiet=_quiet(alert, own, ended=ended),
        document={"alert": alert, "node": node, "link": _link(alert, board)},
        stored_at=stored_at,
    )


def places(area: Area, point: str | None = None) -> tuple[str, ...]:
    """The areas that something lies in, and its point if it is about one; the smallest first."""
    inner = () if point is None else (point,)
    match area.level:
        case "kommun":
            return (*inner, area.code, KOMMUNER[area.code].lan, "SE")
        case "nation":
            return (*inner, "SE")
        case _:
            return (*inner, area.code, "SE")


def _labels(alert: Mapping[str, Any], area: Area, node: str) -> dict[str, str]:
    """Labels that are there only where they say something: Alertmanager has no empty ones.

    `event` is another one each time: Alertmanager does not tell again of what it has told of, and it told of no end
    that was muted (nobody could call 112, power was lost and then the telephones were back; now they are gone again).
    """
    point = alert["point"]
    labels = {
        "alertname": alert["rule"],
        "event": alert["alert_id"],
        "key": alert["key"],
        "level": alert["level"],
        "node": node,
        "reality": alert["reality"],
        "rule": alert["rule"],
        "severity": alert["level"],
    }
    labels |= area_labels(area)
    return labels if point is None else labels | {"point": point["id"]}


def area_labels(area: Area) -> dict[str, str]:
    """What routes by area: the län and kommun, or whatever it is; nothing of the nation."""
    match area.level:
        case "kommun":
            return {"lan": KOMMUNER[area.code].lan, "kommun": area.code}
        case "nation":
            return {}
        case _:
            return {area.level: area.code}


def _annotations(alert: Mapping[str, Any], area: Area, board: str | None) -> dict[str, str]:
    told = {
        "summary": about(alert),
        "description": description(alert),
        "summary_en": alert["text"]["en"],
        "area": area.name,
        "raised_at": alert["raised_at"],
        "changed_at": alert["changed_at"],
        "runs_out_at": alert["runs_out_at"],
        "derived": "true" if alert["derived"] else None,
        "inhibited_by": alert["inhibited_by"],
        "rules_version": alert["rules_version"],
        "alert_id": alert["alert_id"],
        "evidence": _evidence(alert["evidence"]),
        "link": _link(alert, board),
    }
    if area.level == "kommun":
        told["lan"] = LAN[KOMMUNER[area.code].lan].name
    return {name: value for name, value in told.items() if value}


def _evidence(evidence: Sequence[Mapping[str, Any]]) -> str:
    """As much of it as there is room for, the first first; whole readings only, so that it can be parsed."""
    kept: list[Mapping[str, Any]] = []
    for each in evidence:
        text = json.dumps([*kept, each], ensure_ascii=False, separators=(",", ":"))
        if len(text) > _EVIDENCE:
            break
        kept.append(each)
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")) if kept else ""


def _link(alert: Mapping[str, Any], board: str | None) -> str | None:
    if board is None:
        return None
    reality = "" if alert["reality"] == "act" else f"&lage={alert['reality']}"
    return f"{board.rstrip('/')}/?larm={alert['key']}{reality}"


def _quiet(alert: Mapping[str, Any], own: Area, *, ended: bool) -> Quiet | None:
    """A silence lasts whatever happens to the alert; an ack as long as the alert stands and gets no worse."""
    for silence in alert.get("silences", ()):
        if (silence["level"], silence["code"]) == (own.level, own.code):
            comment = f"tystad av {silence['role']} till {silence['until']} ({silence['id']})"
            return Quiet(why="silence", until=parse(silence["until"]), comment=comment)
    for ack in () if ended else alert["acks"]:
        if (ack["level"], ack["code"]) == (own.level, own.code):
            return Quiet(why="ack", until=parse(ack["until"]), comment=f"kvitterad av {ack['role']} {ack['at']}")
    if alert["inhibited_by"] is not None and not ended:
        return Quiet(why="inhibited", until=None, comment=f"följer av {alert['inhibited_by']}")
    return None
