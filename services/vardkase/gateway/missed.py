"""Alerts from their log: what a client missed for longer than memory reaches back, and what fills memory at a start."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import nats.errors
import orjson

from vardkase.domain.escalation import Policy
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.values import Incomplete, scan
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area

from .client import Question
from .documents import Held, around, served_alert
from .frames import Position, pieces
from .house import House
from .live import Change

log: Final = logging.getLogger(__name__)

UNREADABLE: Final = (Incomplete, ApiError, NoAnswer, nats.errors.Error)
"""What reading the log ends with when the bus is away."""
_BATCH: Final = 200


async def missed_alerts(house: House, question: Question, since: Position, *, upto: int) -> AsyncGenerator[bytes, None]:
    """The changes of alerts after a position, in pieces of events.

    Args:
        house: its bus.
        question: which alerts.
        since: what the client has.
        upto: the last sequence that is read; the hub tells of what comes after it.

    Raises:
        Incomplete, ApiError, NoAnswer, nats.errors.Error: the log cannot be read now. The client comes back.
    """
    filters = list(subjects.family_filters("alert", question.reality, question.area))
    at, changes, epoch = since, list[Change](), house.live.epoch
    async with house.resuming, aclosing(_changes(house, filters, since.alert + 1, upto)) as found:
        async for change in found:
            changes.append(change)
            if len(changes) >= _BATCH:
                for piece, after in pieces(changes, epoch, at):
                    at = after
                    yield piece
                changes.clear()
    for piece, _ in pieces(changes, epoch, at):
        yield piece


async def recall_alerts(house: House) -> None:
    """Fill the memory of the last changes: a gateway that was started anew is asked by all its clients at once.

    Without it, or while the bus is away, each of them is answered from the log.
    """
    await house.live.until_whole()
    upto = house.hub.begin_recent()
    after = max(0, upto - house.settings.web.recent_alerts)
    filters = list(subjects.family_filters("alert", None, house.area))
    try:
        async with aclosing(_changes(house, filters, after + 1, upto)) as found:
            house.hub.recent.recall([change async for change in found], after)
    except UNREADABLE as error:
        log.warning("the last alerts are not in memory: %s", error)


async def _changes(house: House, filters: list[str], start: int, end: int) -> AsyncGenerator[Change, None]:
    async with aclosing(scan(house.bus, streams.ALERTS, filters, start=start, end=end)) as found:
        async for one in found:
            if (change := _change(one, house.live.policy)) is not None:
                yield change


def _change(one: Delivery, policy: Policy) -> Change | None:
    try:
        document = orjson.loads(one.data)
        area = Area(document["area"]["level"], document["area"]["code"])
        held = served_alert(document, Held(one.sequence, one.stored_at, one.data, ""), policy)
        return Change(document["reality"], "alert", document["key"], around(area), held)
    except (ValueError, TypeError, LookupError) as error:
        log.error("an alert cannot be read", extra={"subject": one.subject, "error": str(error)})  # noqa: TRY400
        return None
