"""A question answered from the archive, in whatever process: what the gateway tells, and what a test can recompute."""

import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import orjson

from vardkase.aggregator.rules_file import load_rules
from vardkase.archive.hiding import hide
from vardkase.archive.history import Asked, hidden_of, history
from vardkase.archive.replay import Question, Then, canonical, recreate
from vardkase.archive.store import Store, opened
from vardkase.archive.whole import Behind, Upto
from vardkase.archive.whole import Head as StreamHead
from vardkase.domain.merge import Identity
from vardkase.federation.signatures import Keyring
from vardkase.federation.watched import PlanFile
from vardkase.gateway.documents import Held, Point, trimmed
from vardkase.gateway.filters import page_of
from vardkase.gateway.problems import Problem
from vardkase.runtime.database import Away
from vardkase.runtime.errors import Refused
from vardkase_contracts.areas import Area

from . import shifts
from .asks import Ask, Head, Order, Told

_KEPT: Final = 60.0
"""Seconds for which the pages of a list are from one reading: what is to be hidden meanwhile, is hidden after it."""


class Reading:
    """Answers questions; of the last one about points it keeps what it found, for the pages that follow."""

    def __init__(self) -> None:
        """Nothing is kept."""
        self._kept: tuple[float, Ask, list[Point], int] | None = None
        self._plan: PlanFile | None = None
        self._keys: Keyring | None = None

    async def answer(self, order: Order) -> Told:
        """The answer, or why there is none. Raises nothing that passes by itself."""
        ask = order.ask
        try:
            if ask.what == "points" and (kept := self._of_before(ask)) is not None:
                return _page(ask, *kept)
            heads = {stream: StreamHead(*each) for stream, each in order.heads.items()}
            async with opened(
                order.url,
                order.name,
                connect_timeout=order.connect_timeout,
                statement_timeout=order.statement_timeout,
                upto=Upto(ask.by, heads, order.patience),
                keyring=self._keyring(order.federation),
            ) as store:
                return await self._read(store, order)
        except Behind as error:
            return _failed(Head(failure="behind", detail=str(error)))
        except (Away, Refused) as error:
            return _failed(Head(failure="away", detail=str(error)))
        except Problem as problem:
            return _failed(Head(failure="cursor", detail=problem.detail))

    async def _read(self, store: Store, order: Order) -> Told:
        ask = order.ask
        if ask.what == "history":
            return await _history(store, ask)
        if ask.what in shifts.WHAT:
            return await shifts.read(store, ask, lambda: load_rules(order.rules_file))
        question = Question(Area.parse(ask.area), ask.reality, ask.at, ask.basis, ask.by)
        then = await recreate(store, question, lambda: load_rules(order.rules_file))
        if ask.what == "picture":
            body = canonical(then.picture())
            return Told(head=Head(size=len(body), reports=then.reports), body=body)
        found = _points(then, await hidden_of(store, ask.reality, question.area.kommuner()))
        if ask.what == "point":
            return _one(ask, found, then.reports)
        listed = [point for point in found if not point.is_kommun]
        self._kept = (time.monotonic(), ask, listed, then.reports)
        return _page(ask, listed, then.reports)

    def _keyring(self, federation: Path | None) -> Keyring | None:
        """The keys that reports must be signed by; None: nobody asks.

        Raises:
            Refused: the federation's file could not be read yet.
        """
        if federation is not None and self._plan is None:
            self._plan = PlanFile(federation)
            self._keys = Keyring(self._plan.plan)
        elif self._plan is not None and self._plan.changed():
            self._keys = Keyring(self._plan.plan)
        return self._keys

    def _of_before(self, ask: Ask) -> tuple[list[Point], int] | None:
        if self._kept is None:
            return None
        since, before, points, reports = self._kept
        if time.monotonic() - since > _KEPT:
            return None
        same = all(getattr(before, name) == getattr(ask, name) for name in ("reality", "area", "at", "basis", "by"))
        return (points, reports) if same else None


def _points(then: Then, hidden: Collection[Identity]) -> list[Point]:
    found: list[Point] = []
    for state in then.states():
        document: dict[str, Any] = orjson.loads(orjson.dumps(state))
        if hidden:
            hide(document["facts"], {name for _, kommun, name in hidden if kommun == document["kommun"]})
        found.append(Point(document, Held(0, 0, trimmed(document), "")))
    return found


def _one(ask: Ask, found: list[Point], reports: int) -> Told:
    point = next((each for each in found if each.id == ask.point), None)
    if point is None:
        return _failed(Head(failure="not_found", detail="nothing was known of this point then", reports=reports))
    body = point.feature
    return Told(head=Head(size=len(body), reports=reports), body=body)


def _page(ask: Ask, points: list[Point], reports: int) -> Told:
    query = ask.query
    if query is None:
        raise ValueError("a question about points says which")
    wanted = [point for point in points if query.wants(point)]
    page = page_of(wanted, lambda point: point.id, limit=query.limit, cursor=query.cursor)
    body = b"\n".join(point.feature for point in page.items)
    head = Head(size=len(body), reports=reports, matched=page.matched, cursor=page.cursor)
    return Told(head=head, body=body)


async def _history(store: Store, ask: Ask) -> Told:
    if ask.point is None:
        raise ValueError("a question about a history says whose")
    asked = Asked(ask.point, ask.reality, ask.basis, ask.by, ask.first, ask.most, ask.newest_first)
    found = await history(store, asked)
    body = b"\n".join(orjson.dumps(each, option=orjson.OPT_SORT_KEYS) for each in found.entries)
    return Told(head=Head(size=len(body), matched=found.matched, reports=found.matched), body=body)


def _failed(head: Head) -> Told:
    return Told(head=head, body=b"")
