"""What was at an instant, from the archive: the reports of then, folded and judged as they were.

The same reading gives the same bytes: nothing in it depends on a clock, on memory or on the order of arrival.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson
import yaml
from pydantic import ValidationError

from vardkase.aggregator.events import SPAN
from vardkase.aggregator.world import World
from vardkase.domain.alerts import Subject
from vardkase.domain.document import document
from vardkase.domain.fold import withdrawn_by
from vardkase.domain.merge import Copy, Identity, Received, identity
from vardkase.domain.order_check import refusal_of
from vardkase.domain.picture import Pictures
from vardkase.domain.rules import Rules
from vardkase_contracts import subjects
from vardkase_contracts.areas import KOMMUNER, NATION, Area
from vardkase_contracts.instants import DAY
from vardkase_contracts.orders import ORDER
from vardkase_contracts.reports import WithdrawReport
from vardkase_contracts.vocab import Reality

from .store import Basis, Span, Store

_PASSES: Final = 10
"""So often everything is judged at one instant, at the most, until nothing changes any more."""
_EVENTS_AT_MOST: Final = 7 * DAY
"""So far back changes of alerts are read for the events since a picture was adopted: the newest 50 are told anyway."""
_REGISTERS: Final = ("register", "retire")
"""What exercises and tests read of `act`."""


class Question(NamedTuple):
    """What is asked."""

    area: Area
    reality: Reality
    at: int
    """The instant, µs."""
    basis: Basis
    by: int | None = None
    """What came later than this instant (µs) does not count. None: by the basis `known` what came after `at`; by
    `observed` all counts that came."""


class Answer(NamedTuple):
    """The picture of then."""

    picture: dict[str, Any]
    reports: int
    """How many copies of reports were read."""
    alerts: Sequence[Mapping[str, Any]]
    """The alerts that were open, by key; their ids are of this answer alone."""


class Then:
    """A reality as it was at an instant, judged.

    Args:
        world: it.
        question: what was asked.
        reports: how many copies of reports were read.
    """

    def __init__(self, world: World, question: Question, reports: int) -> None:
        self._world = world
        self._question = question
        self.reports = reports
        """How many copies of reports were read."""

    def picture(self) -> dict[str, Any]:
        """The picture of the area that was asked for."""
        world, asked = self._world, self._question
        made = Pictures(world.rollup, asked.reality).of(asked.area, world.surroundings(), asked.at)
        made.update(world.said(asked.area, asked.at))
        return made

    def alerts(self) -> list[Mapping[str, Any]]:
        """The alerts that were open, by key; their ids are of this answer alone."""
        documents = (each for of_one in self._world.alerts.values() for each in of_one.values())
        return sorted((each for each in documents if each["status"] == "firing"), key=lambda each: each["key"])

    def states(self) -> Iterator[dict[str, Any]]:
        """The states of the area's points, and of its kommuner themselves, by their ids: as they were published.

        What is merged stands in them as `orjson.Fragment`s. What nothing is known of is not among them.
        """
        world, kommuner = self._world, set(self._question.area.kommuner())
        for point in sorted(world.states):
            state = world.states[point]
            if state.kommun in kommuner and not state.is_empty:
                yield document(state, world.clocks[point], self._question.at)


async def replay(store: Store, question: Question, fallback: Callable[[], Rules]) -> Answer:
    """The picture that was asked for. Parameters and errors as of `recreate`."""
    then = await recreate(store, question, fallback)
    return Answer(then.picture(), then.reports, then.alerts())


async def recreate(store: Store, question: Question, fallback: Callable[[], Rules]) -> Then:
    """What was then, of the area that was asked for.

    Args:
        store: the archive.
        question: of which area, when, and by what basis.
        fallback: gives the table of rules when the archive knows none.

    Raises:
        Away: the database does not answer.
    """
    reality, at, basis = question.reality, question.at, question.basis
    area, kommuner = await _needed(store, question.area)
    span = Span.of(reality, kommuner, at, basis, question.by)
    until = at if span.by is None else span.by
    rules = _rules(await store.rules(until if basis == "known" else at)) or fallback()
    registers: World | None = None
    read = 0
    if reality != "act":
        registers = World("act", area, rules)
        read += await _fold(store, span._replace(reality="act"), registers, kinds=_REGISTERS)
    world = World(reality, area, rules, registers=registers)
    async for delivery in store.acts(span):
        _take_order(world, delivery.subject, delivery.data, rules)
    if basis == "known":
        async for data in store.last_alerts(reality, "area.red_share", until):
            told = orjson.loads(data)  # since when it is so has no timeline
            if Area(told["area"]["level"], told["area"]["code"]) in world.rollup.sums:
                world.recall_alert(told)
    read += await _fold(store, span, world)
    _judge(world, at)
    if basis == "known":
        adopted = max(until - _EVENTS_AT_MOST, world.tells_since(question.area, at))
        await _tell_events(store, min(until - SPAN, adopted), until, world)
    return Then(world, question, read)


def canonical(document: Mapping[str, Any]) -> bytes:
    """A document as bytes: the same for the same document."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


async def _needed(store: Store, area: Area) -> tuple[Area, Sequence[str]]:
    """The area and the kommuner that must be read to know one.

    The needs of a retired point move to the one in its place, which may lie in another kommun.
    """
    kommuner = set(area.kommuner())
    while more := await store.heirs_from(sorted(kommuner)) & KOMMUNER.keys() - kommuner:
        kommuner |= more
    return (area if len(kommuner) == len(area.kommuner()) else NATION), sorted(kommuner)


def _rules(text: bytes | None) -> Rules | None:
    return None if text is None else Rules.model_validate(yaml.safe_load(text))


def _take_order(world: World, subject: str, data: bytes, rules: Rules) -> None:
    """Take an order in, if a node would have."""
    try:
        order = ORDER.validate_json(data)
        of_it = subjects.order(order.reality, Area.parse(order.subject), order.kind)
    except (ValidationError, ValueError):
        return
    if of_it == subject and refusal_of(order, rules) is None:
        world.take_order(order)


async def _fold(store: Store, span: Span, world: World, *, kinds: Sequence[str] | None = None) -> int:
    """Merge into a world the copies that count, without those withdrawn. Returns how many were read.

    What decides about others comes first: of identities with several copies the one that counts, then what is
    withdrawn. These are few, and held in memory; all others are merged as they come.
    """
    contested = await store.contested(span)
    best = await _winners(store, span, contested)
    # As we now know it was: a withdraw counts whenever it came.
    withdraws = _decoded(store, span, kinds=("withdraw",), ever=span.basis == "observed")
    gone = {key for item in best.values() for key in _withdrawn_by(item)}
    async for item in withdraws:
        if identity(item.report)[1:] not in contested:
            gone.update(_withdrawn_by(item))
    for key, item in best.items():
        if key not in gone and (kinds is None or item.report.kind in kinds) and not _is_later(item, span):
            world.merge(item)
    left_out = contested | {key[1:] for key in gone}
    read = len(best)

    async def take(items: AsyncIterator[Received]) -> None:
        nonlocal read
        async for item in items:
            read += 1
            if identity(item.report)[1:] not in left_out and not _is_later(item, span):
                world.merge(item)

    await take(_decoded(store, span, kinds=kinds))
    if kinds is None:
        unread = set[str]()
        await take(_signs(store, span, left_out, unread))
        if unread:  # a log from elsewhere may hold what is no report, or is forged: then it is not the last that was
            await take(_decoded(store, span._replace(kommuner=sorted(unread)), kinds=("heartbeat",)))
    return read


async def _winners(store: Store, span: Span, contested: set[tuple[str, str]]) -> dict[Identity, Received]:
    """Of each identity with several copies the one that counts: the lowest SHA-256, then the earliest arrival."""
    best: dict[Identity, Received] = {}
    if not contested:
        return best
    ever = span.basis == "observed"
    async for item in _decoded(store, span, ids=sorted({each for _, each in contested}), ever=ever):
        key = identity(item.report)
        if key[1:] not in contested:
            continue
        held = best.get(key)
        if held is None or Copy(item.digest, item.received) < Copy(held.digest, held.received):
            best[key] = item
    return best


async def _signs(
    store: Store, span: Span, left_out: Collection[tuple[str, str]], unread: set[str]
) -> AsyncIterator[Received]:
    """The last sign of life of each point: of the many only that one counts. What cannot be read adds its kommun."""
    async for delivery in store.last_signs(span, left_out):
        item = store.read(delivery)
        if isinstance(item, Received):
            yield item
        else:
            unread.add(delivery.subject.split(".")[5])


def _is_later(item: Received, span: Span) -> bool:
    """Whether it tells of a time after the one that is asked about."""
    return span.basis == "observed" and item.stamp.time > span.at


def _withdrawn_by(item: Received) -> list[Identity]:
    return withdrawn_by(item.report) if isinstance(item.report, WithdrawReport) else []


async def _decoded(
    store: Store,
    span: Span,
    *,
    kinds: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    ever: bool = False,
) -> AsyncIterator[Received]:
    async for delivery in store.reports(span, kinds=kinds, ids=ids, ever=ever):
        item = store.read(delivery)
        if isinstance(item, Received):  # what is no report, or nobody's word, counts nowhere
            yield item


def _judge(world: World, at: int) -> None:
    """Judge until nothing waits: an area's silence is judged after its points, and is looked at by them."""
    for _ in range(_PASSES):
        effects = world.judge(at)
        if not world.waiting and not (effects.states or effects.alerts):
            return


async def _tell_events(store: Store, since: int, until: int, world: World) -> None:
    """What was raised and cleared in the time before, as it was published."""
    last: dict[str, Mapping[str, Any]] = {}
    async for data in store.alert_changes(world.reality, since, until):
        document = orjson.loads(data)
        place = document["area"]
        area = Area(place["level"], place["code"])
        if area not in world.rollup.sums:
            continue
        point = document["point"]
        subject = Subject(
            world.reality,
            area.code if point is None else point["id"],
            area.name if point is None else point["name"],
            area,
            point=point is not None,
        )
        above = world.rollup.areas(area.code) if area.level == "kommun" else (area,)
        world.events.alert(document, last.get(document["key"]), subject, above)
        last[document["key"]] = document
