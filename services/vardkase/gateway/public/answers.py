"""Whole answers: encoded once for all who ask the same, kept while nothing has changed, bounded.

While much changes an answer is made at most once in `fresh` seconds: nobody may make the gateway encode the whole
country for each request.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from .blocks import Place
from .held import Page, PublicPoints, Question

_MOST: Final = 64
"""Answers that are kept."""
_BYTES: Final = 64 << 20
"""Bytes of all that are kept; the latest is kept in any case."""


class Answer(NamedTuple):
    """An answer, encoded."""

    body: bytes
    etag: str
    """Of the body: the same at every gateway that answers the same. Without its quotes."""
    after: str | None
    """The id after which the next page begins."""


class _Kept(NamedTuple):
    version: int
    live: bool
    made_at: float
    answer: Answer


def etag_of(body: bytes) -> str:
    """An entity tag by content."""
    return hashlib.sha256(body).hexdigest()[:32]


class Answers:
    """Makes and keeps the answers to questions.

    Args:
        points: what is held.
        licence: the URL of the licence that it is given under.
        fresh: seconds for which an answer is taken for current whatever has changed.
        monotonic: a clock, for tests.
    """

    def __init__(
        self,
        points: PublicPoints,
        *,
        licence: str,
        fresh: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._points = points
        self._licence = licence
        self._fresh = fresh
        self._monotonic = monotonic
        self._kept: OrderedDict[Question, _Kept] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def answer(self, question: Question, *, epoch: str, live: bool) -> Answer:
        """The answer to a question.

        Args:
            question: which points.
            epoch: of the store that is held.
            live: whether the public account is being heard.
        """
        now = self._monotonic()
        kept = self._kept.get(question)
        if kept is not None and kept.live == live and self._is_current(kept, now):
            self._kept.move_to_end(question)
            return kept.answer
        made = self._made(question, epoch, live=live)
        self._keep(question, _Kept(self._points.version, live, now, made))
        return made

    def _is_current(self, kept: _Kept, now: float) -> bool:
        return kept.version == self._points.version or now - kept.made_at < self._fresh

    def _made(self, question: Question, epoch: str, *, live: bool) -> Answer:
        page = self._points.page(question)
        taking_part = sorted(code for code in self._points.kommuner if question.covers(code))
        head: dict[str, Any] = {
            "type": "FeatureCollection",
            "license": self._licence,
            "live": live,
            "kommuner": taking_part,
            "gone": page.gone,
            "numberMatched": page.matched,
            "numberReturned": len(page.features),
            "last_event_id": str(Place(epoch, self._points.last_of(question))),
        }
        body = _with_features(head, page)
        return Answer(body, etag_of(body), page.after)

    def _keep(self, question: Question, kept: _Kept) -> None:
        before = self._kept.pop(question, None)
        if before is not None:
            self._bytes -= len(before.answer.body)
        self._kept[question] = kept
        self._bytes += len(kept.answer.body)
        while len(self._kept) > 1 and (len(self._kept) > _MOST or self._bytes > _BYTES):
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.answer.body)


def _with_features(head: Mapping[str, Any], page: Page) -> bytes:
    """The document: the features are encoded already, and are not read again."""
    return b'%b,"features":[%b]}' % (orjson.dumps(head)[:-1], b",".join(page.features))


def kommuner_answer(points: PublicPoints, area: Sequence[tuple[str, str]], *, licence: str, live: bool) -> Answer:
    """Which kommuner of an area take part: all are named, so that one that does not is not overlooked.

    Args:
        points: what is held.
        area: the kommuner of the area, code and name.
        licence: as of `Answers`.
        live: as of `Answers.answer`.
    """
    told = [{"kommun": code, "name": name, "takes_part": code in points.kommuner} for code, name in area]
    document = {
        "license": licence,
        "live": live,
        "of": len(told),
        "taking_part": sum(each["takes_part"] for each in told),
        "kommuner": told,
    }
    body = orjson.dumps(document)
    return Answer(body, etag_of(body), None)
