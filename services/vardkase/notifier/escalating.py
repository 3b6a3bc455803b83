"""Digests of what nobody acknowledged, as notices: one for each step and area whose receivers this node tells.

A function of the alerts that were published and the time: every notifier of a node makes the same notices, and one that
takes over goes on where the other was.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from vardkase.domain.escalation import Digest, Policy, Standing, digests, ladder, served, standing_alert, told
from vardkase.federation.below import Below
from vardkase.runtime.clock import Clock
from vardkase.runtime.settings import Settings
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import REALITIES, Reality

from .notice import Notice, area_labels
from .receiver import Desk
from .words import PREFIX

KIND: Final = "escalation"
"""What these notices are; their keys begin with it."""
_TICK: Final = 0.5
"""Seconds between two looks at whether anything is due."""
_REALITIES: Final[Mapping[str, Reality]] = {each: each for each in REALITIES}


class Escalating:
    """Makes the notices, and offers them to the desk.

    Args:
        settings: `area`, `node`, `escalation`, `federation` and `notify.board`.
        clock: the node's.
        desk: where notices are offered.

    Raises:
        Refused: the federation's file describes none.
    """

    def __init__(self, settings: Settings, clock: Clock, desk: Desk) -> None:
        self._area = Area.parse(settings.area)
        self._node = settings.node
        self._board = settings.notify.board
        self._policy = Policy.after(**settings.escalation.model_dump())
        self._below = Below(settings)
        self._clock = clock
        self._desk = desk
        desk.ends[KIND] = self.ended
        self._standing: dict[tuple[str, str], Standing] = {}
        self._offered: dict[str, Notice] = {}
        self._due = 0
        self._looked = False

    def take(self, alert: Mapping[str, Any]) -> None:
        """An alert as it was published.

        Raises:
            ValueError, LookupError, TypeError: it is no alert.
        """
        one = standing_alert(alert)
        key = alert["reality"], alert["key"]
        before = self._standing.pop(key, None)
        if one is not None:
            self._standing[key] = one
        if one != before:
            self._due = 0

    def forget(self) -> None:
        """The alerts were made anew: what stood is not known any more, and is ended or offered again."""
        self._standing.clear()
        self._due = 0

    async def run(self) -> None:
        """Look again whenever something has changed or is due, once it was looked at first; until cancelled."""
        while True:
            await asyncio.sleep(_TICK)
            if self._looked and self._clock.now() >= self._due:
                self.look()

    def look(self) -> None:
        """Offer what is new."""
        now = self._clock.now()
        found, self._due = digests(self._standing.values(), self._policy, now)
        below = self._below.areas()
        notices = {
            notice.key: notice
            for digest in found
            if served(digest.area, self._area, below)
            for notice in [notice_of_digest(digest, self._node, self._board)]
        }
        for key in sorted(self._offered.keys() - notices.keys()):
            before = self._offered[key]
            self._desk.offer(_ended(key, before.level, before, self._node, now))
        for key, notice in notices.items():
            if self._offered.get(key) != notice:
                self._desk.offer(notice)
        self._offered, self._looked = notices, True

    def ended(self, key: str, level: str) -> Notice:
        """The end of a digest that somebody was told of before this process, and that does not stand any more."""
        return _ended(key, level, None, self._node, self._clock.now())


def notice_of_digest(digest: Digest, node: str, board: str | None) -> Notice:
    """The notice of a digest. A level more or less is another notice to those who route by it."""
    text = told(digest)
    summary = f"{PREFIX[digest.reality]}{text['text']['sv']}"
    lines = [f"{each['text']['sv']}" for each in text["alerts"]]
    if text["left_out"]:
        lines.append(f"… och {text['left_out']} till")
    rule, _, _ = digest.key.partition("/")
    annotations = {
        "summary": summary,
        "summary_en": text["text"]["en"],
        "description": "\n".join([summary, *lines]),
        "area": digest.area.name,
        "since": text["since"],
    }
    if board is not None:
        lage = "" if digest.reality == "act" else f"&lage={digest.reality}"
        annotations["link"] = f"{board.rstrip('/')}/?omrade={digest.area.code}{lage}"
    return Notice(
        kind=KIND,
        key=_key(digest.reality, digest.key),
        event=digest.key,
        reality=_REALITIES[digest.reality],
        rule=rule,
        level=digest.level,
        areas=tuple(dict.fromkeys(each.code for each in ladder(digest.area))),
        labels=_labels(digest.key, digest.reality, digest.level, node),
        annotations=annotations,
        starts_at=digest.since,
        ends_at=None,
        quiet=None,
        document={"escalation": text, "node": node, "link": annotations.get("link")},
    )


def _ended(key: str, level: str, before: Notice | None, node: str, now: int) -> Notice:
    """The end of a digest; `before` is how it was offered last, where that is known."""
    _, reality, name = key.split("/", 2)
    return Notice(
        kind=KIND,
        key=key,
        event=name,
        reality=_REALITIES[reality],
        rule=name.partition("/")[0],
        level=level,
        areas=() if before is None else before.areas,
        labels=_labels(name, reality, level, node),
        annotations={"summary": f"{PREFIX[reality]}Inget ej kvitterat kvar"} if before is None else before.annotations,
        starts_at=now if before is None else before.starts_at,
        ends_at=now,
        quiet=None,
        document={"escalation": {"key": name}, "node": node, "link": None} if before is None else before.document,
    )


def _labels(name: str, reality: str, level: str, node: str) -> dict[str, str]:
    rule, _, code = name.partition("/")
    labels = {
        "alertname": rule,
        "key": name,
        "level": level,
        "node": node,
        "reality": reality,
        "rule": rule,
        "severity": level,
        "step": rule.partition(".")[2],
    }
    return labels | area_labels(Area.parse(code))


def _key(reality: str, name: str) -> str:
    return f"{KIND}/{reality}/{name}"
