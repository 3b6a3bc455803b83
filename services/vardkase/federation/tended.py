"""One landing stream, looked at again and again while its node answers: read on, mended, thinned."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from vardkase.federation.landing import Landing, NotYet, Place
from vardkase.runtime.jetstream.api import ApiError
from vardkase.runtime.setting_groups import LinksSettings

log: Final = logging.getLogger(__name__)

_THIN_EVERY: Final = 30.0
"""Seconds between two looks at what may go."""


@dataclass(frozen=True, kw_only=True, slots=True)
class There:
    """The other node's stream, as far as it tells."""

    last: int
    """The sequence of its last message; of what is meant for us, if it tells no more."""
    waiting: int
    """Messages that are not here yet, as far as it knows."""
    behind_s: float = 0.0
    """How much older the last one here is than the last one there, in seconds, by the clock there."""
    first: int = 1
    """Of its first message."""
    paused: bool = False
    """Its server was started: it sends nothing until it is told from where on. Had it gone on by itself, and its store
    been put back from an older copy, then what it has now would have come unseen after what it had before."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What was missing here."""

    count: int
    read_after: int | None = None
    """It was too much to be fetched: the other stream is to be read again from the message after this one."""


class Other(Protocol):
    """What is asked of the other node about its stream."""

    async def there(self, have: Place | None) -> There:
        """How its stream stands. What is here is looked at before."""
        ...

    async def same(self, place: Place) -> bool:
        """Whether it has the same message there. What it cannot tell is taken for the same."""
        ...

    async def parted(self, landing: Landing, have: Place) -> int:
        """The sequence there of the last message that both have; 0: none of those that are still here."""
        ...

    async def whole(self, landing: Landing, have: Place, there: There) -> Missing:
        """Fetch what is missing here, up to a bound."""
        ...

    def begun(self, landing_first: int, after: int) -> None:
        """From this place on everything is to be here."""
        ...


Healed = Callable[[str], None]
"""Is told what was mended: `restart`, `parted`, `gap`, `stalled`, `stuck`, `lost`."""


class Tended:
    """Keeps one landing stream right.

    Args:
        landing: the stream.
        other: the other node's.
        settings: how long things may take.
        healed: is told what was mended.
    """

    def __init__(self, landing: Landing, other: Other, settings: LinksSettings, healed: Healed) -> None:
        self._landing = landing
        self._other = other
        self._settings = settings
        self._healed = healed
        self._found = False
        self._known: Place | None = None
        self._sure = False
        self._moved = (0, time.monotonic())
        self._thinned = self._counted = time.monotonic()
        self.detail = ""
        """What is the matter; empty when nothing is."""
        self.still = ""
        """Why nothing comes though there is more, from when it is first read anew until something comes."""
        self.foreign = 0
        """Messages that landed and were not the other node's to send."""
        self.brought = 0
        """Messages that came since this program started."""
        self._came: int | None = None
        self.held = ""
        """Why nothing is to be read for now; empty: it is."""
        self._waited = False

    @property
    def ill(self) -> str:
        """Why nothing comes though the other node answers; empty when it does."""
        return self.held or self.still

    def forget(self) -> None:
        """The link was down: what was the same may be another now."""
        self._sure = False
        self.still = ""
        self._moved = (0, time.monotonic())

    async def tick(self) -> There:
        """Look at it once, and mend what is not right.

        Raises:
            ApiError, NoAnswer: one of the nodes does not do as it is asked.
        """
        landing = self._landing
        info = await landing.look()
        if info is None:
            await self._read(0, "lost" if self._found else "")
            return await self._other.there(None)
        self._found = True
        have = await landing.place(info["state"]["last_seq"]) if info["state"]["messages"] else None
        there = await self._other.there(have)
        try:
            await self._mend(info, have, there)
        except NotYet as error:
            self.detail = f"waits: {error}"
            log.info("a link waits", extra={"stream": landing.name, "why": str(error)})
        now = time.monotonic()
        thin = now - self._thinned > _THIN_EVERY
        if thin or now - self._counted > self._settings.count:
            self._counted = now
            self._count(await landing.foreign())
        if thin:
            self._thinned = now
            await landing.thin()
        return there

    def _count(self, found: int) -> None:
        if found:
            self.foreign += found
            told = {"stream": self._landing.name, "messages": found}
            log.error("a node sends what is not its to send: it goes no further", extra=told)

    async def _mend(self, info: Mapping[str, Any], have: Place | None, there: There) -> None:
        sources = info.get("sources") or []
        if self.held:
            self.detail, self._waited = self.held, True
            if info["config"].get("sources"):
                log.error("a node waits", extra={"stream": self._landing.name, "why": self.held})
                await self._landing.close()
            return
        if have is not None and (there.paused or not self._sure or have != self._known):
            if not await self._other.same(have):
                after = await self._other.parted(self._landing, have)
                await self._rejoin(Missing(0, read_after=after), "parted")
                return
            self._known, self._sure = have, True
        after = 0 if have is None else have.there
        if not info["config"].get("sources"):
            await self._read(after, "" if have is None or self._waited else "restart")
            self._waited = False
            return
        if there.paused:
            await self._read(after, "resumed")
            return
        missing = Missing(0) if have is None else await self._other.whole(self._landing, have, there)
        if missing.count:
            await self._rejoin(missing, "gap")
            return
        await self._see_that_it_moves(sources, after, there)

    async def _rejoin(self, missing: Missing, why: str) -> None:
        """What was missing is here, or the other stream is read again from before it."""
        told = {"stream": self._landing.name, "why": why, "missing": missing.count, "again_after": missing.read_after}
        log.warning("the other node's stream was not as it was read", extra=told)
        self.still = ""
        if missing.read_after is not None:
            await self._landing.begin_again(missing.read_after)
            await self._note(missing.read_after)
        self._healed(why)

    async def _read(self, after: int, why: str) -> None:
        await self._landing.read_on(after)
        if not after:
            await self._note(after)
        self._moved = (after, time.monotonic())
        if why:
            self._healed(why)
        log.info("reading on", extra={"stream": self._landing.name, "after": after, "why": why or "new"})

    async def _note(self, after: int) -> None:
        self._known, self._sure = None, False
        info = await self._landing.look()
        if info is not None:
            self._other.begun(info["state"]["first_seq"], after)

    async def _see_that_it_moves(self, sources: list[Any], after: int, there: There) -> None:
        now = time.monotonic()
        self.brought += 0 if self._came is None else max(0, after - self._came)
        self._came = after
        if after != self._moved[0] or not there.waiting:
            self._moved, self.still = (after, now), ""
        active = min((each.get("active", -1) for each in sources), default=-1) / 1e9
        heard = 0 <= active <= self._settings.stalled
        still = now - self._moved[1]
        error = next((each["error"].get("description") for each in sources if each.get("error")), "")
        if not heard and still > self._settings.stalled:
            why = "stalled"
        elif still > self._settings.stuck:
            why = "stuck"
        else:
            self.detail = f"{there.waiting} waiting{f': {error}' if error else ''}" if there.waiting else ""
            return
        self.still = f"{why}: {there.waiting} waiting{f': {error}' if error else ''}"
        log.warning("nothing comes over a link: reading on anew", extra={"stream": self._landing.name, "why": why})
        await self._read(after, why)


async def quietly_same(ask: Callable[[], Any]) -> bool:
    """What the other node cannot tell is taken for the same: a message that was deleted there, an older program.

    Args:
        ask: whether it is the same.

    Raises:
        NoAnswer: it does not answer.
    """
    try:
        return bool(await ask())
    except (ApiError, ValueError):
        return True
