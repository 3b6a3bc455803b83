"""Requests for reports, as notices: one for each area that is asked, and one for the area that asks.

A function of the pictures that were published and the time: a picture says of each request who has answered and who has
not. So every notifier of a node makes the same notices, and one that takes over goes on where the other was.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from vardkase.domain.asking import Call, call_of, named
from vardkase.domain.escalation import served
from vardkase.domain.intervals import FOREVER
from vardkase.federation.below import Below
from vardkase.runtime.clock import Clock
from vardkase.runtime.jetstream.delivery import Delivery, is_answer
from vardkase.runtime.jetstream.follow import Follower
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import REALITIES, Reality

from .asked_words import description, summary
from .metrics import NotifierMetrics
from .notice import Notice, area_labels, places
from .receiver import Desk
from .words import PREFIX

log: Final = logging.getLogger(__name__)

KIND: Final = "request"
"""What these notices are; their keys begin with it."""
_TICK: Final = 0.5
"""Seconds between two looks at whether anything is due."""
_NONE: Final = b'"requests":[]'
_SOME: Final = b'"requests":['
_REALITIES: Final[Mapping[str, Reality]] = {each: each for each in REALITIES}


class _Shown(NamedTuple):
    """The requests that an area's picture shows."""

    reality: Reality
    area: Area
    requests: tuple[Mapping[str, Any], ...]


class _Called(NamedTuple):
    """What an area's people are told of a request."""

    reality: Reality
    call: Call
    request: Mapping[str, Any]

    @property
    def key(self) -> str:
        return f"{KIND}/{self.reality}/{self.call.key}"


class Requesting:
    """Makes the notices, and offers them to the desk.

    Args:
        settings: `area`, `node`, `federation`, `reader` and `notify.board`.
        clock: the node's.
        desk: where notices are offered.
        counts: where a picture that cannot be read is counted.

    Raises:
        Refused: the federation's file describes none.
    """

    def __init__(self, settings: Settings, clock: Clock, desk: Desk, counts: NotifierMetrics) -> None:
        self._area = Area.parse(settings.area)
        self._node = settings.node
        self._board = settings.notify.board
        self._below = Below(settings)
        self._clock = clock
        self._desk = desk
        self._counts = counts
        self._shown: dict[str, _Shown] = {}
        """By the picture's subject; none of those that show no request."""
        self._offered: dict[str, Notice] = {}
        self._over: dict[str, _Called] = {}
        """Those that nobody waits for any more, as long as pictures show them: how they ended."""
        self._due = 0
        self.follower = Follower(
            streams.PICTURES,
            subjects.family_filters("picture", None, self._area),
            settings,
            take=self._take,
            # What is known is kept: a picture that is missing says nothing of who has answered.
            reset=lambda: None,
        )
        """Reads the pictures of the area and below it."""

    def take(self, subject: str, data: bytes) -> None:
        """A picture as it was published. Nearly all of them show no request, and are not decoded.

        Raises:
            ValueError, LookupError, TypeError: it is no picture.
        """
        shown: _Shown | None = None
        if _SOME in data and _NONE not in data:
            picture = orjson.loads(data)
            area = Area(picture["level"], picture["code"])
            shown = _Shown(_REALITIES[picture["reality"]], area, tuple(picture["requests"]))
            for each in shown.requests:
                call_of(each, area, 0)  # one that cannot be read is found here
        before = self._shown.pop(subject, None)
        if shown is not None:
            self._shown[subject] = shown
        if shown != before:
            self._due = 0

    def forget(self) -> None:
        """The desk was emptied: all that stands is offered anew."""
        self._offered.clear()
        self._due = 0

    async def run(self) -> None:
        """Once all pictures are known, look again whenever something has changed or is due; until cancelled."""
        await self.follower.whole.wait()
        while True:
            if self._clock.now() >= self._due:
                self.look()
            await asyncio.sleep(_TICK)

    def look(self) -> None:
        """Offer what is new."""
        now, below, due = self._clock.now(), self._below.areas(), FOREVER
        notices: dict[str, Notice] = {}
        self._over.clear()
        for shown in self._shown.values():
            if not served(shown.area, self._area, below):
                continue
            for request in shown.requests:
                call = call_of(request, shown.area, now)
                if call is None:
                    continue
                called = _Called(shown.reality, call, request)
                due = min(due, call.due)
                if call.over is None:
                    notices[called.key] = self._notice(called, call.level, None)
                else:
                    self._over[called.key] = called
        for key in sorted(self._offered.keys() - notices.keys()):
            self._desk.offer(self.ended(key, self._offered[key].level))
        for key, notice in notices.items():
            if self._offered.get(key) != notice:
                self._desk.offer(notice)
        self._offered, self._due = notices, due
        self._desk.ends[KIND] = self.ended

    def ended(self, key: str, level: str) -> Notice:
        """The end of what somebody was told, perhaps before this process."""
        now = self._clock.now()
        if (called := self._over.get(key)) is not None:
            return self._notice(called, level, now)
        _, reality, name = key.split("/", 2)
        rule, area, request = named(name)
        before = self._offered.get(key)
        return Notice(
            kind=KIND,
            key=key,
            event=request,
            reality=_REALITIES[reality],
            rule=rule,
            level=level,
            areas=places(area),
            labels=self._labels(reality, rule, area, request, level),
            annotations={"summary": f"{PREFIX[reality]}Begäran om lägesrapport gäller inte längre"},
            starts_at=now if before is None else before.starts_at,
            ends_at=now,
            quiet=None,
            document={"request": {"key": name}, "node": self._node, "link": None},
        )

    def _notice(self, called: _Called, level: str, ended: int | None) -> Notice:
        reality, call, request = called
        line, english = summary(call, request, reality)
        annotations = {
            "summary": line,
            "summary_en": english,
            "description": description(line, call, request),
            "area": call.area.name,
            "deadline": request["deadline"],
            "answered": f"{request['answered']}/{request['asked']}",
        }
        if self._board is not None:
            lage = "" if reality == "act" else f"&lage={reality}"
            annotations["link"] = f"{self._board.rstrip('/')}/?omrade={call.area.code}{lage}"
        return Notice(
            kind=KIND,
            key=called.key,
            event=call.request,
            reality=reality,
            rule=call.rule,
            level=level,
            areas=places(call.area),
            labels=self._labels(reality, call.rule, call.area, call.request, level),
            annotations=annotations,
            starts_at=call.since if ended is None else min(call.since, ended),
            ends_at=ended,
            quiet=None,
            document={
                "request": {"key": call.key, "side": call.side, "over": call.over, **request},
                "node": self._node,
                "link": annotations.get("link"),
            },
        )

    def _labels(self, reality: str, rule: str, area: Area, request: str, level: str) -> dict[str, str]:
        return {
            "alertname": rule,
            "key": f"{rule}/{area.code}/{request}",
            "level": level,
            "node": self._node,
            "reality": reality,
            "request": request,
            "rule": rule,
            "severity": level,
        } | area_labels(area)

    def _take(self, deliveries: Sequence[Delivery]) -> None:
        for one in deliveries:
            try:
                if is_answer(one.data):
                    raise ValueError("it was not written by a service")  # noqa: TRY301 -- told of as the rest
                self.take(one.subject, one.data)
            except (ValueError, TypeError, LookupError) as error:
                self._counts.skipped.inc()
                log.error(  # noqa: TRY400 -- one line says it
                    "a picture's requests cannot be read", extra={"subject": one.subject, "error": f"{error!r}"}
                )
