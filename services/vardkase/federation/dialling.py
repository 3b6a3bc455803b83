"""The dialling of the parent: a server may stop trying, and is then made to begin anew."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final, Protocol

from vardkase.federation.health import LinkHealth
from vardkase.federation.member import Member
from vardkase.runtime.errors import Ended, Failed
from vardkase.runtime.nats_config import Links as ServerLinks
from vardkase.runtime.setting_groups import LinksSettings

log: Final = logging.getLogger(__name__)

_DIAL: Final = 2.0
"""Seconds that the parent's port may take to answer."""
_LONGEST_WAIT: Final = 300.0
"""Most seconds between two times that the parent is dialled anew; and that a link which stands is waited for."""
_TRIES: Final = 10
_TRY: Final = 0.5
"""Seconds between two tries to have the parent dialled."""


class Bus(Protocol):
    """The node's own NATS server."""

    async def relink(self, links: ServerLinks) -> None:
        """Gives it other links. Raises `Failed` when it cannot take them while it runs."""
        ...

    async def cut(self, spared: Collection[str]) -> int:
        """Ends the links of all that dialled it, but those of these names. Raises `Failed`."""
        ...

    async def holds(self) -> bool:
        """Whether the link that it dialled stands. Raises `Failed`."""
        ...

    async def stop(self) -> None:
        """Ends it; whoever keeps it starts it again."""
        ...


async def redial(
    bus: Bus, member: Member, seen: LinkHealth, settings: LinksSettings, *, opened: Callable[[], bool]
) -> None:
    """A link that is down though the parent's port answers is dialled anew. Never ends.

    One that stands and is slow is left alone: dialled anew it would have all to do again, and a parent with many
    children that is busy would never be done.

    Args:
        bus: the node's server.
        member: the node's place in the federation.
        seen: how the link is.
        settings: how often it is looked at, and how long it may be down at first.
        opened: whether the links are open at all.
    """
    least = wait = settings.redial
    down = dialled = time.monotonic()
    while True:
        await asyncio.sleep(settings.tick)
        now = time.monotonic()
        if seen.up or not opened():
            down = now
            if down - dialled > 2 * wait:  # it has held
                wait = least
            continue
        if now - down < wait or (now - down < _LONGEST_WAIT and await _may_heal(bus, member)):
            continue
        # Of the many children of a parent that is back, not all at once: each dialling breaks off what was begun.
        down = dialled = time.monotonic()
        wait = min(2 * wait, _LONGEST_WAIT) * random.uniform(0.75, 1.25)  # noqa: S311 -- no secret
        log.warning("the parent answers and the link is down: dialling it anew", extra={"parent": seen.node})
        seen.mended("redial")
        try:
            await dial_anew(bus, member.open())
        except Ended as error:
            log.error("the parent cannot be dialled anew: %s", error)  # noqa: TRY400 -- one line says it


async def dial_anew(bus: Bus, links: ServerLinks) -> None:
    """Have the server dial its parent anew: taken away first, since nothing else makes it.

    A server that is still busy with the one that was taken away refuses it ("cannot be added at the moment, try
    again"); left so, it would dial nobody.

    Raises:
        Failed: the server does not do it.
    """
    leafnodes = {key: value for key, value in links.leafnodes.items() if key != "remotes"}
    await bus.relink(replace(links, leafnodes=leafnodes))
    for _ in range(_TRIES):
        with contextlib.suppress(Failed):
            await bus.relink(links)
            return
        await asyncio.sleep(_TRY)
    await bus.relink(links)


async def _may_heal(bus: Bus, member: Member) -> bool:
    """Whether the link may heal by itself: it stands and is slow, or there is nobody to be dialled."""
    with contextlib.suppress(Failed):
        if await bus.holds():
            return True
    return not await _listens(member)


async def _listens(member: Member) -> bool:
    """Whether the parent's port answers."""
    where = member.parent_port()
    if where is None:
        return False
    try:
        async with asyncio.timeout(_DIAL):
            _, writer = await asyncio.open_connection(*where)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True
