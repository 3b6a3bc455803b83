"""Silences of the own area that end soon while what they silence lasts, as notices: one for each silence.

A function of the alerts that were published: the judge says of each whether its silence ends soon (`ends_soon`).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from vardkase.domain.finding import RANK
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import parse
from vardkase_contracts.vocab import REALITIES, Reality

from .notice import Notice, area_labels, places
from .receiver import Desk
from .words import PREFIX, local

KIND: Final = "silence_ending"
"""What these notices are; their keys begin with it."""
_RULE: Final = "silence.ending"
_NAMED: Final = 10
"""So many alerts are named in a notice, the gravest first."""
_REALITIES: Final[Mapping[str, Reality]] = {each: each for each in REALITIES}


class SilenceEnding:
    """Makes the notices, and offers them to the desk.

    Args:
        own: the node's area: it tells of its own silences, and of no others.
        node: its name.
        now: what the time is there, µs.
        desk: where notices are offered.
    """

    def __init__(self, own: Area, node: str, now: Callable[[], int], desk: Desk) -> None:
        self._own = own
        self._node = node
        self._now = now
        self._desk = desk
        desk.ends[KIND] = self.ended
        self._held: dict[str, dict[str, Mapping[str, Any]]] = {}
        """By a silence's notice, the alerts that it holds back and that last."""
        self._of: dict[tuple[str, str], str] = {}
        """By reality and alert, the notice that it stands in."""

    def take(self, alert: Mapping[str, Any]) -> None:
        """An alert as it was published.

        Raises:
            ValueError, LookupError, TypeError: it is no alert.
        """
        name = alert["reality"], alert["key"]
        before, key = self._of.pop(name, None), self._ending(alert)
        if before is not None and before != key:
            del self._held[before][alert["key"]]
            self._tell(before)
        if key is not None:
            self._of[name] = key
            self._held.setdefault(key, {})[alert["key"]] = alert
            self._tell(key)

    def forget(self) -> None:
        """The alerts were made anew."""
        self._held.clear()
        self._of.clear()

    def ended(self, key: str, level: str) -> Notice:
        """The end of a warning that somebody was told of before this process, and that does not stand any more."""
        _, reality, silence = key.split("/", 2)
        now = self._now()
        summary = f"{PREFIX[reality]}Tystnaden har upphört, eller det som den gällde"
        return self._notice(reality, silence, level, {"summary": summary}, {"id": silence}, now, now)

    def _ending(self, alert: Mapping[str, Any]) -> str | None:
        """The notice that the alert stands in; None: none of ours ends soon over it."""
        if alert["status"] != "firing":
            return None
        for each in alert.get("silences", ()):
            if each.get("ends_soon") and (each["level"], each["code"]) == (self._own.level, self._own.code):
                return f"{KIND}/{alert['reality']}/{each['id']}"
        return None

    def _tell(self, key: str) -> None:
        _, reality, silence = key.split("/", 2)
        held = sorted(self._held[key].values(), key=lambda each: (-RANK[each["level"]], each["key"]))
        if not held:
            del self._held[key]
            before = self._desk.get(key)
            self._desk.offer(self.ended(key, "yellow" if before is None else before.level))
            return
        found = next(each for each in held[0]["silences"] if each["id"] == silence)
        count = "1 larm" if len(held) == 1 else f"{len(held)} larm"
        summary = f"{PREFIX[reality]}Tystnaden upphör {local(found['until'])}, och {count} består"
        lines = [summary, *(each["text"]["sv"] for each in held[:_NAMED])]
        if len(held) > _NAMED:
            lines.append(f"… och {len(held) - _NAMED} till")
        annotations = {"summary": summary, "description": "\n".join(lines), "area": self._own.name}
        document = {"id": silence, "until": found["until"], "alerts": [each["key"] for each in held[:_NAMED]]}
        started = min(parse(each["changed_at"]) for each in held)
        self._desk.offer(self._notice(reality, silence, held[0]["level"], annotations, document, started, None))

    def _notice(
        self,
        reality: str,
        silence: str,
        level: str,
        annotations: Mapping[str, str],
        document: Mapping[str, Any],
        starts_at: int,
        ends_at: int | None,
    ) -> Notice:
        return Notice(
            kind=KIND,
            key=f"{KIND}/{reality}/{silence}",
            event=silence,
            reality=_REALITIES[reality],
            rule=_RULE,
            level=level,
            areas=places(self._own),
            labels={
                "alertname": _RULE,
                "key": f"{_RULE}/{silence}",
                "level": level,
                "node": self._node,
                "reality": reality,
                "rule": _RULE,
                "severity": level,
            }
            | area_labels(self._own),
            annotations=annotations,
            starts_at=starts_at,
            ends_at=ends_at,
            quiet=None,
            document={"silence": document, "node": self._node, "link": None},
        )
