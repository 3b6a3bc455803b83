"""What a reader of the public stream is told, piece by piece, for as long as it takes them."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Final

from vardkase.gateway.frames import deflated

from .blocks import RESET, RETRY, Place, event
from .held import Question
from .side import PublicSide

_CATCH_UP: Final = 2.0
"""Seconds that a reader waits who has heard more than this gateway, by another one."""


async def told(
    side: PublicSide, question: Question, last: str | None, *, address: str, heartbeat: float, packed: bool
) -> AsyncGenerator[bytes, None]:
    """Whole events: what is public as it is now, or since a place, and then every change, without end.

    Args:
        side: what is told of.
        question: only its kommuner count.
        last: the id of the last event that the reader has; None: it has nothing.
        address: whose it is, for counting.
        heartbeat: seconds after which it hears something when there is nothing to tell.
        packed: deflate each piece by itself.
    """
    side.streams.begin(address)
    try:
        async for data in _told(side, question, last, heartbeat, packed=packed):
            yield data
    finally:
        side.streams.end(address)


async def _told(
    side: PublicSide, question: Question, last: str | None, heartbeat: float, *, packed: bool
) -> AsyncGenerator[bytes, None]:
    def encoded(data: bytes) -> bytes:
        return deflated(data) if packed else data

    stores, live, silent = side.stores, None, True
    place = await _resumed(side, last)
    yield encoded(RETRY if place is not None or last is None else RETRY + RESET)
    place = place or Place(side.epoch, 0)
    fresh = not place.sequence
    while not side.closing:
        bell = side.bell
        if side.stores != stores:
            await _until_whole(side, heartbeat)
            stores, place, fresh = side.stores, Place(side.epoch, 0), True
            yield encoded(RESET)
        block = side.block(question, place, fresh=fresh)
        place = Place(place.epoch, block.position)
        if block.data:
            yield block.encoded(packed=packed)
        if block.more:
            continue
        if fresh:
            fresh = False
            yield encoded(event("current", b"{}", place))
        if silent or side.live != live:
            live = side.live
            yield encoded(event("live", side.told_live))
        silent = not block.data and not await _rung(bell, heartbeat)


async def _resumed(side: PublicSide, last: str | None) -> Place | None:
    """The place to go on from; None: the reader must begin anew."""
    place = None if last is None else Place.parse(last)
    if place is None or place.epoch != side.epoch:
        return None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CATCH_UP):
            while place.sequence > side.points.last:
                await side.bell.wait()
            return place
    return None


async def _until_whole(side: PublicSide, heartbeat: float) -> None:
    """A store that was made anew is being read: nobody is told half of it."""
    while not side.whole and not side.closing:
        await _rung(side.bell, heartbeat)


async def _rung(bell: asyncio.Event, within: float) -> bool:
    """Wait for a change; False when there was none for so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            await bell.wait()
    return bell.is_set()
