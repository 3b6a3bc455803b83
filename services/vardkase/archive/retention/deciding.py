"""Which old reports still decide how something is: they are kept when their month goes.

A state is folded from the log (docs/architecture.md): a register of three years ago still says where a point lies. What
a state rests on stands in it, so the reports that it names are those that decide. That the fold of these alone gives
the same state is seen to before anything else of the point goes; where it does not, all of the point's are kept.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Any, Final

import asyncpg

from vardkase.archive.store import EFFECTIVE, Store, report_of
from vardkase.domain.codec import merged_document
from vardkase.domain.fold import winners, withdrawn_by
from vardkase.domain.merge import Identity, Received, identity, merge
from vardkase.domain.stamps import Stamp
from vardkase.domain.state import PointState
from vardkase_contracts.instants import to_datetime
from vardkase_contracts.reports import ContactReport, WithdrawReport

ALWAYS: Final = ("register", "retire", "withdraw")
"""Kinds that are kept whatever they decide: few, and what a point is."""
_POINT: Final = "SELECT * FROM report WHERE reality = $1 AND kommun = $2 AND slug = $3 AND stored_at < $4"
_LAST_SIGN: Final = (
    f"{_POINT} AND kind = 'heartbeat' AND NOT id = ANY($5) AND NOT id = ANY($6) "
    f"ORDER BY {EFFECTIVE} DESC NULLS LAST, id LIMIT 1"
)
"""Of all signs of life the last one counts, and most reports are such."""


async def deciding(store: Store, before: int) -> list[tuple[str, str, str]]:
    """The identities (reality, kommun, id) of the reports from before an instant (µs) that still decide something.

    Raises:
        Away: the database does not answer.
    """
    places = (
        "SELECT DISTINCT reality, kommun, slug FROM report WHERE stored_at < $1 AND kind <> ALL($2) ORDER BY 1, 2, 3"
    )
    found: list[tuple[str, str, str]] = []
    held = [
        (row["reality"], row["kommun"], row["slug"]) async for row in store.rows(places, to_datetime(before), ALWAYS)
    ]
    gone: set[Identity] = set()
    contested: set[str] = set()
    last: tuple[str, str] | None = None
    for reality, kommun, slug in held:
        if (reality, kommun) != last:
            last = reality, kommun
            gone = await _withdrawn(store, reality, kommun)
            contested = await _contested(store, reality, kommun)
            # What is withdrawn one day counts until then: between two withdraws what one of them names may decide.
            found += [(reality, kommun, each) for each in sorted(contested | {name for _, _, name in gone})]
        ids = await _of_point(store, (reality, kommun, slug), before, gone, contested)
        found += [(reality, kommun, each) for each in sorted(ids)]
    return found


async def _of_point(
    store: Store, place: tuple[str, str, str], before: int, gone: Collection[Identity], contested: Collection[str]
) -> set[str]:
    """The ids that decide how a point is, both if what was withdrawn later counts and if it does not."""
    values = (*place, to_datetime(before), list(contested))
    both = await _both(store, place, gone, values, f"{_POINT} AND (kind <> 'heartbeat' OR id = ANY($5))")
    for world, left_out in zip(both, ((), {name for _, _, name in gone}), strict=True):
        async for item in _read(store, _LAST_SIGN, *values, list(left_out)):
            world.take(item)
    ids = {each for world in both for each in world.deciding()}
    kept = (*values, sorted(ids), list(ALWAYS))
    again = await _both(store, place, gone, kept, f"{_POINT} AND (id = ANY($5) OR id = ANY($6) OR kind = ANY($7))")
    if [world.version for world in again] == [world.version for world in both]:
        return ids
    everything = _read(store, f"{_POINT} AND (kind <> 'heartbeat' OR id = ANY($5))", *values)
    return ids | {item.report.id async for item in everything}


async def _both(
    store: Store, place: tuple[str, str, str], gone: Collection[Identity], values: tuple[Any, ...], query: str
) -> "tuple[_Fold, _Fold]":
    """A point's state by what a query gives: with, and without, what was withdrawn later."""
    point, contested = f"{place[1]}-{place[2]}", frozenset[str](values[4])
    both = _Fold(point, place[0], ()), _Fold(point, place[0], gone)
    several: list[Received] = []
    async for item in _read(store, query, *values):
        if item.report.id in contested:
            several.append(item)
            continue
        for world in both:
            world.take(item)
    for item in winners(several).values():
        for world in both:
            world.take(item)
    return both


class _Fold:
    """A point's state as reports make it, and what the state does not name of what it rests on."""

    def __init__(self, point: str, reality: str, gone: Collection[Identity]) -> None:
        self._state = PointState(point, reality)
        self._gone = gone
        self._last: dict[str, tuple[Stamp, str]] = {}

    def take(self, item: Received) -> None:
        """Merge a report, unless it is left out."""
        report = item.report
        if isinstance(report, WithdrawReport) or identity(report) in self._gone:
            return
        merge(self._state, item)
        names = [report.kind]
        if isinstance(report, ContactReport):
            names.append(f"contact.{report.data.result}")
        for name in names:
            if name not in self._last or self._last[name][0] < item.stamp:
                self._last[name] = (item.stamp, report.id)

    @property
    def version(self) -> str:
        """Of what is merged."""
        return merged_document(self._state)["version"]

    def deciding(self) -> Iterator[str]:
        """The ids of the reports that the state rests on."""
        yield from (name for _, name in self._last.values())
        if self._state.is_empty:
            return
        document = merged_document(self._state)
        yield from _named(document["facts"])
        yield from _named(document["others"])
        yield from _named(document["last"])
        for row in document["timelines"]["reports"]:
            yield row[2]


def _named(facts: Mapping[str, Any]) -> Iterator[str]:
    for fact in facts.values():
        if not isinstance(fact, dict):
            continue
        if "report" in fact and "observed_at" in fact:
            yield fact["report"]
        else:
            yield from _named(fact)


async def _read(store: Store, query: str, *values: Any) -> AsyncIterator[Received]:
    async for row in store.rows(query, *values):
        item = _received(store, row)
        if item is not None:
            yield item


def _received(store: Store, row: asyncpg.Record) -> Received | None:
    item = store.read(report_of(row))
    return item if isinstance(item, Received) else None


async def _withdrawn(store: Store, reality: str, kommun: str) -> set[Identity]:
    query = "SELECT * FROM report WHERE reality = $1 AND kommun = $2 AND kind = 'withdraw'"
    items = [item async for item in _read(store, query, reality, kommun)]
    found: set[Identity] = set()
    for item in winners(items).values():
        if isinstance(item.report, WithdrawReport):
            found.update(withdrawn_by(item.report))
    return found


async def _contested(store: Store, reality: str, kommun: str) -> set[str]:
    """The ids under which several copies came, whenever they did: which of them counts is decided by all of them."""
    query = (
        "SELECT id FROM report WHERE reality = $1 AND kommun = $2 AND id IS NOT NULL GROUP BY id HAVING count(*) > 1"
    )
    return {row["id"] async for row in store.rows(query, reality, kommun)}
