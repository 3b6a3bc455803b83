"""The archive's database as its writers see it: there or away, and asked again for as long as it takes."""

import asyncio
import contextlib
import logging
from typing import Final

from pydantic import SecretStr

from vardkase.runtime.backoff import Backoff
from vardkase.runtime.database import Away, described
from vardkase.runtime.health import Check
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings

from .room import Room
from .session import Session

log: Final = logging.getLogger(__name__)


class Database:
    """Keeps a session open, and opens another when it is lost.

    Args:
        url: where it is.
        settings: of the node; group `archiver`.
        metrics: where it tells whether it is there.
        rules: the version and the text of the table of rules that the node judges by.
        room: tells whether there is room to write: see `Room`.
    """

    def __init__(
        self, url: SecretStr, settings: Settings, metrics: Metrics, *, rules: tuple[str, bytes], room: Room
    ) -> None:
        self._url = url
        self._name = f"archiver {settings.node}"
        self._settings = settings.archiver
        self._metrics = metrics
        self._rules = rules
        self._room = room
        self._session: Session | None = None
        self._there = asyncio.Event()
        self._lost = asyncio.Event()
        self._number = 0
        self._trouble = "connecting"

    async def session(self) -> Session:
        """The session that is open, once one is: however long it takes."""
        while self._session is None:
            await self._there.wait()
        return self._session

    def lost(self, session: Session, why: Away) -> None:
        """A session is not to be used any more."""
        session.close()
        if session is self._session:
            self._session = None
            self._there.clear()
            self._trouble = str(why)
            self._metrics.archive_up.set(0)
            self._lost.set()
            log.warning("the archive's database is away", extra={"database": described(self._url), "why": str(why)})

    async def run(self) -> None:
        """Open a session, look after it, and open another when it is lost; for ever."""
        backoff = Backoff(least=self._settings.backoff_min, most=self._settings.backoff_max)
        while True:
            try:
                session = await self._open()
            except Away as error:
                if str(error) != self._trouble:
                    log.warning(
                        "the archive's database is away; trying again",
                        extra={"database": described(self._url), "why": str(error)},
                    )
                self._trouble = str(error)
                await asyncio.sleep(backoff.next())
                continue
            self._number += 1
            self._session, self._trouble = session, ""
            self._lost.clear()
            self._there.set()
            self._metrics.archive_up.set(1)
            log.info("the archive's database is there", extra={"migrated": session.migrated})
            began = asyncio.get_running_loop().time()
            await self._look_after(session)
            if asyncio.get_running_loop().time() - began > self._settings.backoff_max:
                backoff.reset()
            await asyncio.sleep(backoff.next())

    async def _open(self) -> Session:
        await self._see_to_room()
        session = await Session.open(self._url, self._name, self._settings, self._number + 1)
        try:
            await session.remember_rules(*self._rules)
        except BaseException:
            session.close()
            raise
        return session

    async def _look_after(self, session: Session) -> None:
        """Ask it now and then whether it is there, until it is lost; and see that what must be gone is."""
        loop, redact_at = asyncio.get_running_loop(), 0.0
        while not self._lost.is_set():
            try:
                await session.probe(self._settings.connect_timeout)
                await self._see_to_room()
                if loop.time() >= redact_at:
                    if changed := await session.redact():
                        log.info("what must be gone was taken out of the archive", extra={"rows": changed})
                    redact_at = loop.time() + self._settings.redact_every
            except Away as error:
                self.lost(session, error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.tick):
                    await self._lost.wait()

    async def _see_to_room(self) -> None:
        lacking = await self._room.lacking()
        if lacking:
            raise Away(lacking)

    def check(self) -> Check:
        """Whether it is there."""
        return Check(name="database", ok=not self._trouble, detail=self._trouble or described(self._url))

    def close(self) -> None:
        """Let it go; `run` is cancelled before."""
        if self._session is not None:
            self._session.close()
