"""Alerts as CAP 1.2: each change of one is a message that names those before it, read from the stream of alerts."""

import asyncio
from collections import OrderedDict
from contextlib import aclosing
from typing import Final

import orjson
from starlette.requests import Request

from vardkase.domain.cap import Before, Told, cap, message_of, named, plain
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams, subjects
from vardkase_contracts.vocab import Reality

from .documents import AlertHeld
from .house import House
from .missed import UNREADABLE
from .problems import Problem

_KEPT: Final = 8 << 20
"""Bytes of messages that are kept: the newest of an alert is asked for by all who poll."""


class Messages:
    """Messages by what names them. They never change; the least used are forgotten first.

    Args:
        most: bytes that are kept.
    """

    def __init__(self, most: int = _KEPT) -> None:
        self._most = most
        self._size = 0
        self._held: OrderedDict[str, bytes] = OrderedDict()

    def get(self, name: str) -> bytes | None:
        """The message of a name, if it is kept."""
        if name in self._held:
            self._held.move_to_end(name)
        return self._held.get(name)

    def keep(self, name: str, message: bytes) -> None:
        """Keep a message."""
        self._size += len(message) - len(self._held.pop(name, b""))
        self._held[name] = message
        while self._size > self._most:
            self._size -= len(self._held.popitem(last=False)[1])


_messages: Final = Messages()


def wants_cap(request: Request) -> bool:
    """Whether whoever asks would rather have CAP than JSON (RFC 9110, 12.5.1)."""
    cap_at, json_at = 0.0, 0.0
    for part in request.headers.get("accept", "").split(","):
        name, _, rest = part.partition(";")
        quality = _quality(rest)
        match name.strip().lower():
            case "application/cap+xml":
                cap_at = quality
            case "application/json":
                json_at = quality
            case _:
                pass
    return cap_at > 0 and cap_at >= json_at


def _quality(rest: str) -> float:
    for each in rest.split(";"):
        name, _, value = each.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def told_of(alert: AlertHeld) -> Told:
    """The change that an alert is held by."""
    return Told(alert.held.sequence, alert.document)


async def newest_message(house: House, alert: AlertHeld) -> bytes:
    """The message of an alert as it is now.

    Raises:
        Problem: 503; the stream of alerts cannot be read now.
    """
    kept = _messages.get(alert.held.etag)
    if kept is not None:
        return kept
    told = told_of(alert)
    reality, alert_id = told.document["reality"], plain(told.document["alert_id"])
    _, before = await _chain(house, reality, alert.key, alert_id, told.sequence)
    made = cap(told, before, house.area)
    _messages.keep(alert.held.etag, made)
    return made


async def message_named(house: House, reality: Reality, key: str, identifier: str) -> bytes | None:
    """The message of an alert, of now or of before; None: no change of this alert is called so here.

    Raises:
        Problem: 503; the stream of alerts cannot be read now.
    """
    found = named(identifier)
    try:
        subjects.alert(reality, key)
    except ValueError:
        found = None
    if found is None:
        return None
    name = f"{house.live.epoch} {reality}/{key} {identifier}"
    kept = _messages.get(name)
    if kept is not None:
        return kept
    told, before = await _chain(house, reality, key, *found)
    if told is None or message_of(told, house.area).identifier != identifier:
        return None
    made = cap(told, before, house.area)
    _messages.keep(name, made)
    return made


async def _chain(house: House, reality: Reality, key: str, alert_id: str, sequence: int) -> tuple[Told | None, Before]:
    """The change of an alert at a place of the stream, if there is one; and the messages before it."""
    before = Before()
    try:
        async with asyncio.timeout(house.settings.web.patience), house.resuming:
            found = scan(house.bus, streams.ALERTS, [subjects.alert(reality, key)], end=sequence)
            async with aclosing(found):
                async for one in found:
                    document = orjson.loads(one.data)
                    if plain(document["alert_id"]) != alert_id:
                        continue
                    told = Told(one.sequence, document)
                    if one.sequence == sequence:
                        return told, before
                    before.add(message_of(told, house.area))
    except (*UNREADABLE, TimeoutError):
        raise Problem(
            503, "alerts_away", "The log of alerts cannot be read now: ask again", headers={"retry-after": "2"}
        ) from None
    return None, before
