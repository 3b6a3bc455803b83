"""The sessions that there are: known from memory, opened, renewed and ended in NATS."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from vardkase.gateway.principal import Principal
from vardkase.runtime.access_settings import DAY, AccessSettings
from vardkase.runtime.jetstream.errors import WriteConflict
from vardkase.runtime.settings import Settings
from vardkase_contracts.instants import SECOND

from . import sessions, tokens
from .away import AccessAway
from .mirror import Mirror
from .sessions import Kind, Session
from .stored import Stored

_MARK: Final = 3600.0
"""Seconds that the mark of a session that was ended stays."""
_LONGEST: Final = 30 * DAY
"""The longest that a session holds, in seconds."""


class Logins:
    """The sessions.

    Args:
        settings: how long they hold, how many one may have, how to read.
        now: the time (µs).
        changed: called with the id of a token or a person of whom a session has changed.
    """

    def __init__(self, settings: Settings, *, now: Callable[[], int], changed: Callable[[str], None]) -> None:
        self._settings: AccessSettings = settings.access
        self._now = now
        self._changed = changed
        self._of_who: dict[str, dict[str, int]] = {}
        self.stored = Stored(sessions.BUCKET)
        self.mirror = Mirror(sessions.BUCKET, settings, decode=sessions.decode, changed=self._on_change, now=now)

    def live(self, key: str) -> Session | None:
        """The session stored under a key, while it holds."""
        session = self.mirror.get(key)
        return session if session is not None and session.expires > self._now() else None

    async def open(self, principal: Principal, kind: Kind) -> tuple[str, str]:
        """Open a session for somebody who has shown a token or a JWT: what the cookie is to hold, and the key.

        Raises:
            AccessAway: it could not be stored, or that was not confirmed.
        """
        now = self._now()
        usual = self._settings.form_session if kind == "form" else self._settings.session
        ends = now + round(min(usual, _LONGEST) * SECOND)
        if principal.expires is not None:
            ends = min(ends, principal.expires)
        is_person = tokens.SUBJECT_ID.fullmatch(principal.id) is not None
        session = Session(
            kind=kind,
            who=principal.id,
            granted=replace(principal, session=None) if is_person else None,
            created=now,
            expires=ends,
        )
        cookie = sessions.new_secret()
        key = sessions.key_of(cookie)
        if key is None:
            raise RuntimeError("a new session's cookie is none")
        await self._make_room(principal.id)
        sequence = await self.stored.create(key, sessions.encode(session), lives=_seconds(ends - now))
        if sequence is None:
            raise AccessAway("a session of this key was opened a moment ago")
        self.mirror.seen(key, session, sequence, ends)
        return cookie, key

    def is_half_over(self, key: str) -> bool:
        """Whether half of a session's time has passed."""
        session = self.live(key)
        return session is not None and session.expires - self._now() <= (session.expires - session.created) // 2

    async def renew(self, key: str, until: int | None) -> float:
        """Let a session hold anew, when half of its time has passed; the seconds that it still holds.

        Args:
            key: of the session.
            until: the instant beyond which it must not hold.

        Raises:
            AccessAway: it could not be stored, or that was not confirmed.
        """
        now, session = self._now(), self.live(key)
        if session is None:
            return 0.0
        lives = session.expires - session.created
        ends = now + lives if until is None else min(now + lives, until)
        if not self.is_half_over(key) or ends <= session.expires:
            return (session.expires - now) / SECOND
        renewed = replace(session, created=ends - lives, expires=ends)
        entry = await self.stored.get(key)
        if entry is None:
            return 0.0  # it was ended meanwhile
        try:
            sequence = await self.stored.put(
                key, sessions.encode(renewed), expected=entry.sequence, lives=_seconds(ends - now)
            )
        except WriteConflict:
            return (session.expires - now) / SECOND  # somebody else renewed or ended it: what comes tells
        self.mirror.seen(key, renewed, sequence, ends)
        return (ends - now) / SECOND

    async def end(self, key: str) -> None:
        """End a session. Without effect when there is none.

        Raises:
            AccessAway: that could not be stored, or was not confirmed.
        """
        if self.mirror.get(key) is None:
            return
        sequence = await self.stored.erase(key, lives=_MARK)
        self.mirror.seen(key, None, sequence, self._now() + round(_MARK * SECOND))

    async def _make_room(self, who: str) -> None:
        """End the oldest sessions of whoever has too many."""
        while len(held := self._of_who.get(who, {})) >= self._settings.sessions:
            await self.end(min(held, key=held.__getitem__))

    def _on_change(self, key: str, had: Session | None, has: Session | None) -> None:
        if had is not None:
            of_who = self._of_who.get(had.who, {})
            of_who.pop(key, None)
            if not of_who:
                self._of_who.pop(had.who, None)
        if has is not None:
            self._of_who.setdefault(has.who, {})[key] = has.created
        if had is not None:
            self._changed(had.who)


def _seconds(duration: int) -> float:
    return max(1.0, duration / SECOND)
