"""What a handover report asks of the archive: where the last shift was cut off, what was known then, what has come."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from vardkase.domain.rules import Rules
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import DAY, from_datetime, iso, parse, to_datetime
from vardkase_contracts.orders import ORDER, AdoptOrder, SilenceOrder
from vardkase_contracts.vocab import Reality

from .changes import MOST, Window, changes
from .places import inside
from .replay import Question, recreate
from .store import Store

_LONGEST_SILENCE: Final = 30 * DAY
"""A silence lasts so long at most from when it was ordered (CONTRACT §11)."""


class Past(NamedTuple):
    """What is asked."""

    area: Area
    reality: Reality
    since: int
    """Where the last shift was cut off, in the node's time, µs."""
    since_stored: int
    """The same in the time of things stored, µs."""
    now: int
    """In the node's time, µs."""
    by: int
    """What was stored later (µs) is not told."""
    most: int = MOST
    """Most changes that are told."""


async def last_adopted(store: Store, area: Area, reality: Reality, by: int) -> dict[str, Any] | None:
    """The last time an area's picture was adopted (fastställd), as it was known at an instant (µs); None: never.

    Raises:
        Away: the database does not answer.
    """
    query = (
        "SELECT data FROM act WHERE reality = $1 AND kind = 'adopt' AND area = $2 AND stored_at <= $3 "
        "ORDER BY given_at DESC NULLS LAST, stored_at DESC"
    )
    async for row in store.rows(query, reality, area.code, to_datetime(by)):
        try:
            order = ORDER.validate_json(row["data"])
        except ValidationError:
            continue
        if isinstance(order, AdoptOrder) and (order.data.level, order.data.code) == area:
            return {
                "at": iso(from_datetime(order.time)),
                "by": order.data.by.model_dump(mode="json"),
                "note": order.data.note,
                "version": order.data.version,
            }
    return None


async def past(store: Store, asked: Past, fallback: Callable[[], Rules]) -> dict[str, Any]:
    """What was known when the last shift was cut off, what came since, and the silences that are in force.

    Args:
        store: the archive.
        asked: of which area, since when.
        fallback: gives the table of rules when the archive knows none.

    Raises:
        Away: the database does not answer.
    """
    question = Question(asked.area, asked.reality, asked.since, "known", asked.since_stored)
    then = await recreate(store, question, fallback)
    window = Window(asked.area, asked.reality, asked.since_stored, asked.by, most=asked.most)
    found = await changes(store, window)
    return {
        "picture": then.picture(),
        "reports": then.reports,
        "changes": found.entries,
        "truncated": found.last is not None,
        "silences": await _silences(store, asked),
    }


async def _silences(store: Store, asked: Past) -> list[dict[str, Any]]:
    """The silences of the area that are in force, by when they end; of each the order that was given last."""
    query = (
        "SELECT data FROM act WHERE reality = $1 AND kind = 'silence' AND area = ANY($2) AND stored_at <= $3 "
        "AND given_at >= $4 ORDER BY given_at, id"
    )
    began = to_datetime(max(0, asked.now - _LONGEST_SILENCE))
    held: dict[tuple[str, str], Mapping[str, Any]] = {}
    async for row in store.rows(query, asked.reality, inside(asked.area), to_datetime(asked.by), began):
        try:
            order = ORDER.validate_json(row["data"])
        except ValidationError:
            continue
        if not isinstance(order, SilenceOrder):
            continue
        said = order.data
        silence = said.id or order.id
        held[order.subject, silence] = {
            "id": silence,
            "area": order.subject,
            "matcher": said.matcher.model_dump(mode="json", exclude_none=True),
            "by": said.by.model_dump(mode="json"),
            "note": said.note,
            "from": iso(from_datetime(said.from_)),
            "until": iso(min(from_datetime(said.until), from_datetime(order.time) + _LONGEST_SILENCE)),
        }
    in_force = [dict(each) for each in held.values() if parse(each["from"]) <= asked.now < parse(each["until"])]
    return sorted(in_force, key=lambda each: (each["until"], each["area"], each["id"]))
