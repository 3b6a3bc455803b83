"""An area's picture at a time, from the archive: the reports of then, folded and judged as they were.

The same reading gives the same bytes: nothing in it depends on a clock, on memory or on the order of arrival.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson
import yaml
from pydantic import ValidationError

from vardkase.aggregator.events import SPAN
from vardkase.aggregator.log import decode
from vardkase.aggregator.world import World
from vardkase.domain.alerts import Subject
from vardkase.domain.fold import withdrawn_by
from vardkase.domain.merge import Copy, Identity, Received, identity
from vardkase.domain.order_check import refusal_of
from vardkase.domain.picture import Pictures
from vardkase.domain.rules import Rules
from vardkase_contracts import subjects
from vardkase_contracts.areas import KOMMUNER, NATION_CODE, Area
from vardkase_contracts.orders import ORDER
from vardkase_contracts.reports import WithdrawReport
from vardkase_contracts.vocab import Reality

from .store import Basis, Span, Store

_PASSES: Final = 10
"""So often everything is judged at one instant, at the most, until nothing changes any more."""
_REGISTERS: Final = ("register", "retire")
"""What exercises and tests read of `act`."""


class Question(NamedTuple):
    """What is asked."""

    area: Area
    reality: Reality
    at: int
    """The instant, µs."""
    basis: Basis


class Answer(NamedTuple):
    """The picture of then."""

    picture: dict[str, Any]
    reports: int
    """How many copies of reports were read."""
    alerts: Sequence[Mapping[str, Any]]
    """The alerts that were open, by key; their ids are of this answer alone."""


async def replay(store: Store, question: Question, fallback: Callable[[], Rules]) -> Answer:
    """The picture that was asked for.

    Args:
        store: the archive.
        question: of which area, when, and by what basis.
        fallback: gives the table of rules when the archive knows none.

    Raises:
        Away: the database does not answer.
    """
    reality, at, basis = question.reality, question.at, question.basis
    rules = _rules(await store.rules(at)) or fallback()
    span = Span(reality, question.area.kommuner(), at, basis)
    area = question.area
    if await store.heirs_from_elsewhere(span):
        area = Area("nation", NATION_CODE)
        span = span._replace(kommuner=tuple(KOMMUNER))
    registers: World | None = None
    read = 0
    if reality != "act":
        registers = World("act", area, rules)
        read += await _fold(store, span._replace(reality="act"), registers, kinds=_REGISTERS)
    world = World(reality, area, rules, registers=registers)
    async for delivery in store.acts(span):
        _take_order(world, delivery.subject, delivery.data, rules)
    if basis == "known":
        async for data in store.last_alerts(span, "area.red_share"):
            document = orjson.loads(data)  # since when it is so has no timeline
            if Area(document["area"]["level"], document["area"]["code"]) in world.rollup.sums:
                world.recall_alert(document)
    read += await _fold(store, span, world)
    _judge(world, at)
    if basis == "known":
        await _tell_events(store, span, world)
    picture = Pictures(world.rollup, reality).of(question.area, world.surroundings(), at)
    picture["events"] = world.events.of(question.area, at)
    firing = [each for documents in world.alerts.values() for each in documents.values() if each["status"] == "firing"]
    return Answer(picture, read, sorted(firing, key=lambda each: each["key"]))


def canonical(document: Mapping[str, Any]) -> bytes:
    """A document as bytes: the same for the same document."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


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
        if key not in gone and (kinds is None or item.report.kind in kinds):
            world.merge(item)
    read = 0
    async for item in _decoded(store, span, kinds=kinds):
        read += 1
        key = identity(item.report)
        if key[1:] not in contested and key not in gone and not _is_later(item, span):
            world.merge(item)
    return read


async def _winners(store: Store, span: Span, contested: set[tuple[str, str]]) -> dict[Identity, Received]:
    """Of each identity with several copies the one that counts: the lowest SHA-256, then the earliest arrival."""
    best: dict[Identity, Received] = {}
    if not contested:
        return best
    ever = span.basis == "observed"
    async for item in _decoded(store, span, ids=sorted({each for _, each in contested}), ever=ever):
        key = identity(item.report)
        if key[1:] not in contested or (_is_later(item, span) and not isinstance(item.report, WithdrawReport)):
            continue
        held = best.get(key)
        if held is None or Copy(item.digest, item.received) < Copy(held.digest, held.received):
            best[key] = item
    return best


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
        item = decode(delivery)
        if isinstance(item, Received):  # what is no report counts nowhere
            yield item


def _judge(world: World, at: int) -> None:
    """Judge until nothing waits: an area's silence is judged after its points, and is looked at by them."""
    for _ in range(_PASSES):
        effects = world.judge(at)
        if not world.waiting and not (effects.states or effects.alerts):
            return


async def _tell_events(store: Store, span: Span, world: World) -> None:
    """What was raised and cleared in the day before, as it was published."""
    last: dict[str, Mapping[str, Any]] = {}
    async for data in store.alert_changes(span, span.at - SPAN):
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
