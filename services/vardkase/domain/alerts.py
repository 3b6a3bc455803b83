"""From what is judged to what is published: every change of an alert, and nothing twice.

What was last published of an alert is all the memory there is. A judgement that says the same again publishes nothing,
so a restart, a repeated report or another batching cannot make a twin.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from heapq import nsmallest
from typing import Any, NamedTuple, TypeVar

from vardkase_contracts.areas import Area
from vardkase_contracts.instants import MINUTE, iso, parse
from vardkase_contracts.vocab import AREA_LEVELS, ClearedReason

from .finding import Verdict
from .intervals import FOREVER
from .latest import Rank
from .orders import Orders, ack_document
from .places import around
from .silences import Silence, silence_document
from .standing import standing
from .texts import text_of

#: Of an alert so many acks and so many silences are told, those of the widest areas, then the latest (ours):
#: each has a note, and all of an alert is one message.
TOLD = 20
_WIDEST = {level: place for place, level in enumerate(reversed(AREA_LEVELS))}
#: An open alert is published again when its running out has moved by this much; less is read from the state (ours).
RUNS_OUT_MOVED = 15 * MINUTE

_Given = TypeVar("_Given")


class Subject(NamedTuple):
    """What an alert is about: a point of a kommun, or an area."""

    reality: str
    #: The second half of the key: a point's id or an area's code.
    code: str
    name: str
    area: Area
    point: bool


class Change(NamedTuple):
    """An alert's new document."""

    key: str
    document: dict[str, Any]


def key_of(rule: str, subject: Subject) -> str:
    """An alert's key: the same on every node."""
    return f"{rule}/{subject.code}"


def changes(
    subject: Subject,
    verdicts: Mapping[str, Verdict],
    published: Mapping[str, Mapping[str, Any]],
    orders: Orders,
    rules_version: str,
    now: int,
    cleared: Callable[[str], ClearedReason],
) -> tuple[list[Change], int]:
    """The documents to publish, and when the acknowledgements and silences of what holds change by the clock, µs.

    Args:
        subject: what the verdicts are about.
        verdicts: what holds now, by rule.
        published: the last document of each rule ever published for it.
        orders: the acknowledgements and silences.
        rules_version: of the table that judged; an alert that stands is told of again when it is another one.
        now: the instant of the judgement, µs.
        cleared: why a rule's alert that does not hold any more is cleared.
    """
    found: list[Change] = []
    due = FOREVER
    places = around(subject.code) if len(orders.silences) else ()
    for rule, verdict in verdicts.items():
        key = key_of(rule, subject)
        last = published.get(rule)
        open_now = last if last is not None and last["status"] == "firing" else None
        acks = orders.acks_of(key, verdict.level, verdict.raised_at, verdict.runs_out_at, now)
        silences, silences_change = orders.silences.of(rule, places, now)
        due = min(due, silences_change, orders.next_ack(key, now), *(until for _, _, until in acks))
        said = {
            "rules_version": rules_version,
            "acks": [ack_document(*ack) for ack in _told(acks, lambda ack: (*ack[0], ack[1].rank))],
            "silences": _silences(silences),
        }
        if open_now is None or _differs(open_now, verdict, said):
            alert_id = open_now["alert_id"] if open_now is not None else _new_id(subject.reality, key, now, last)
            found.append(Change(key, _firing(subject, key, verdict, alert_id, said, now, open_now)))
    for rule, last in published.items():
        if last["status"] == "firing" and rule not in verdicts:
            silences, _ = orders.silences.of(rule, places, now)
            document: dict[str, Any] = {
                **last,
                "rules_version": rules_version,
                "status": "cleared",
                "cleared_reason": cleared(rule),
                "changed_at": iso(now),
                "acks": [],
                "silences": _silences(silences, cleared=True),
            }
            found.append(Change(key_of(rule, subject), document))
    return found, due


def _silences(silences: Sequence[Silence], *, cleared: bool = False) -> list[Mapping[str, Any]]:
    told = _told(silences, lambda silence: (silence.name[0], silence.name[1], silence.rank))
    return [silence_document(each._replace(ends_soon=each.ends_soon and not cleared)) for each in told]


def _told(given: Sequence[_Given], of: Callable[[_Given], tuple[str, str, Rank]]) -> Sequence[_Given]:
    """Those that are told, in their order. `of` tells of each the level and code of its area, and its rank."""
    if len(given) <= TOLD:
        return given

    def importance(place: int) -> tuple[int, int, str, str]:
        level, code, (at, name) = of(given[place])
        return _WIDEST[level], -at, name, code

    return [given[place] for place in sorted(nsmallest(TOLD, range(len(given)), key=importance))]


def _firing(
    subject: Subject,
    key: str,
    verdict: Verdict,
    alert_id: str,
    said: Mapping[str, Any],
    now: int,
    last: Mapping[str, Any] | None,
) -> dict[str, Any]:
    return {
        "key": key,
        "alert_id": alert_id,
        "reality": subject.reality,
        "rule": verdict.rule,
        "level": verdict.level,
        "status": "firing",
        "cleared_reason": None,
        "raised_at": iso(verdict.raised_at),
        "changed_at": iso(now),
        "point": {"id": subject.code, "name": subject.name} if subject.point else None,
        "area": {"level": subject.area.level, "code": subject.area.code, "name": subject.area.name},
        "evidence": [
            {"aspect": aspect, "value": value, "observed_at": iso(stamp.time), "report": stamp.report}
            for aspect, (stamp, value) in verdict.evidence
        ],
        "evidence_lost": verdict.evidence_lost,
        "runs_out_at": None if verdict.runs_out_at is None else iso(verdict.runs_out_at),
        "derived": verdict.derived,
        "text": text_of(verdict, subject.name),
        "inhibited_by": verdict.inhibited_by,
        **said,
        "standing": standing(last, verdict.level, said, verdict.inhibited_by, iso(now)),
    }


def _new_id(reality: str, key: str, now: int, last: Mapping[str, Any] | None) -> str:
    """An id for a new alert: another one whenever it is raised again."""
    before = "" if last is None else last["alert_id"]
    return hashlib.sha256(f"{reality}/{key}/{now}/{before}".encode()).hexdigest()[:26]


def _differs(last: Mapping[str, Any], verdict: Verdict, said: Mapping[str, Any]) -> bool:
    if (
        last["level"] != verdict.level
        or last["derived"] != verdict.derived
        or last["evidence_lost"] != verdict.evidence_lost
        or last["inhibited_by"] != verdict.inhibited_by
        or last["acks"] != said["acks"]
        or last.get("silences", []) != said["silences"]  # before there were silences, they were not told of
        or last["rules_version"] != said["rules_version"]
    ):
        return True
    was = last["runs_out_at"]
    if was is None or verdict.runs_out_at is None:
        return (was is None) != (verdict.runs_out_at is None)
    return abs(parse(was) - verdict.runs_out_at) >= RUNS_OUT_MOVED
