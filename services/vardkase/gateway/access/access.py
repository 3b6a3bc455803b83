"""Access: who somebody is, by what they show; tokens made and revoked, sessions opened and ended.

All of it is read from memory, kept live from NATS, so letting somebody in needs neither a question nor Postgres, and a
revocation at one gateway holds at all of them a moment later.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from nats.aio.client import Client

from vardkase.gateway.principal import GatewayRole, Principal
from vardkase.runtime.clock import SystemClock
from vardkase.runtime.health import Check
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.bucket import BucketAway
from vardkase.runtime.jetstream.values import Incomplete
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase.runtime.tasks import Tasks
from vardkase_contracts.areas import NATION, Area
from vardkase_contracts.vocab import REALITIES, Reality

from . import sessions, tokens
from .away import AccessAway
from .counts import AccessMetrics
from .issued import Issued
from .keys import KeysAway
from .limits import Limits
from .logins import Logins
from .oidc import Issuer
from .origin import Origins
from .sessions import Kind, Session
from .tokens import Token
from .watchers import Watchers

_TICK: Final = 1.0
"""Seconds between two looks at whether somebody's time is up."""


class Access:
    """Tokens, sessions, and an issuer's JWTs.

    Args:
        settings: of the node: `access`, `oidc`, `reader`.
        metrics: where those of access are registered.
        tasks: where its background tasks run.
        now: the time (µs); the computer's, whatever clock the node is driven by: a token's end is no part of an
            exercise.

    Raises:
        Refused: what is set of the issuer cannot be.
    """

    def __init__(
        self, settings: Settings, metrics: Metrics, tasks: Tasks, *, now: Callable[[], int] | None = None
    ) -> None:
        self._settings = settings.access
        self._tasks = tasks
        self.now = now or SystemClock().now
        """The time (µs) by which what was given ends."""
        self.limits = Limits(settings.access)
        """How often who may ask."""
        self.origins = Origins(settings.access.proxies)
        """From where requests come."""
        self.counts = AccessMetrics(metrics.registry)
        self.watchers = Watchers(self.holds)
        """Those who have something open that must be cut when they are let in no more."""
        self.issuer = Issuer(settings.oidc, now=self.now) if settings.oidc.issuer is not None else None
        """Whose JWTs are taken; None: nobody's."""
        self._issued = Issued(settings, now=self.now, changed=self.watchers.look)
        self._logins = Logins(settings, now=self.now, changed=self.watchers.look)

    async def start(self, nc: Client) -> None:
        """Begin to follow tokens and sessions; returns when all of them are here."""
        for each, name in ((self._issued, tokens.BUCKET), (self._logins, sessions.BUCKET)):
            each.stored.start(nc)
            self._tasks.spawn(each.mirror.run(nc), name=f"follow {name}", finite=True)
            self._tasks.spawn(each.mirror.compare(nc), name=f"compare {name}")
        self._tasks.spawn(self._tick(), name="access tick")
        await self._issued.mirror.whole.wait()
        await self._logins.mirror.whole.wait()

    async def compare(self, nc: Client) -> None:
        """See to it now that what has gone from NATS opens nothing; it is done now and then by itself.

        Raises:
            AccessAway: it cannot be compared now.
        """
        try:
            await self._issued.mirror.compare_once(nc)
            await self._logins.mirror.compare_once(nc)
        except (BucketAway, ApiError, NoAnswer, Incomplete) as error:
            raise AccessAway(str(error)) from error

    async def stop(self) -> None:
        """Let the issuer's connection go; whoever has the tasks ends them."""
        if self.issuer is not None:
            await self.issuer.stop()

    def checks(self) -> Sequence[Check]:
        """Whether what was changed elsewhere is known here; and, told of alone, the issuer."""
        found = [self._issued.mirror.check(), self._logins.mirror.check()]
        return [*found, *([] if self.issuer is None else [self.issuer.check()])]

    # Who somebody is.

    def by_token(self, text: str) -> Principal | None:
        """Who shows a token; None when it opens nothing. At once.

        Raises:
            AccessAway: what was revoked is not known here.
        """
        parts = tokens.split(text)
        if parts is None:
            return None
        self._sure()
        token = self._issued.get(parts[0])
        return token.principal() if token is not None and tokens.opens(token, parts[1], self.now()) else None

    async def authenticate(self, secret: str) -> Principal | None:
        """Who shows a token or an issuer's JWT; None when it opens nothing.

        Raises:
            AccessAway: it cannot be found out now.
        """
        if secret.startswith(f"{tokens.PREFIX}_") or self.issuer is None:
            return self.by_token(secret)
        self._sure()
        try:
            principal = await self.issuer.principal(secret)
        except KeysAway as error:
            raise AccessAway(str(error)) from error
        return None if principal is None or self._issued.is_shut_out(principal) else principal

    def by_session(self, cookie: str, kind: Kind = "staff") -> Principal | None:
        """Who has a session of a kind; None when there is none. At once.

        Raises:
            AccessAway: what was ended is not known here.
        """
        key = sessions.key_of(cookie)
        if key is None:
            return None
        self._sure()
        session = self._logins.live(key)
        return None if session is None or session.kind != kind else self._of_session(key, session)

    def holds(self, principal: Principal) -> bool:
        """Whether somebody who was let in would be still."""
        if self._unsure_s() > self._settings.trust:
            return False
        if principal.session is not None:
            session = self._logins.live(principal.session)
            return session is not None and self._of_session(principal.session, session) == principal
        if tokens.SUBJECT_ID.fullmatch(principal.id):
            return not self._issued.is_shut_out(principal) and (principal.expires or 0) > self.now()
        token = self._issued.live(principal.id)
        return token is not None and token.principal() == principal

    def watch(self, principal: Principal, ended: Callable[[], None]) -> Callable[[], None]:
        """Be told, once, when somebody is let in no more: revoked, logged out, expired.

        Returns:
            What ends the watching.
        """
        return self.watchers.add(principal, ended)

    # Tokens.

    async def create(
        self,
        *,
        role: GatewayRole,
        area: Area,
        realities: Iterable[Reality] = REALITIES,
        point: str | None = None,
        label: str = "",
        expires: int | None = None,
        by: str,
    ) -> tuple[Token, str]:
        """Make a token; it opens what it opens when this returns. Its text is told here and never again.

        Raises:
            tokens.TokenError: there can be no such token.
            AccessAway: it could not be stored, or that was not confirmed.
        """
        return await self._issued.create(
            role=role, area=area, realities=realities, point=point, label=label, expires=expires, by=by
        )

    async def revoke(self, identity: str, *, by: str, area: Area = NATION) -> Token | None:
        """Revoke a token, or shut out an issuer's person (`oidc-…`): see `Issued.revoke`.

        Raises:
            AccessAway: it could not be stored, or that was not confirmed.
        """
        return await self._issued.revoke(identity, by=by, area=area)

    def token(self, identity: str) -> Token | None:
        """The token of an id."""
        return self._issued.get(identity)

    def list(self) -> Sequence[Token]:
        """All tokens, the newest first; also what has expired lately, or was revoked."""
        return self._issued.list()

    # Sessions.

    async def open_session(self, principal: Principal, kind: Kind = "staff") -> tuple[str, Principal]:
        """Open a session for somebody who has shown a token or a JWT; it never holds longer than that does.

        Returns:
            What the cookie is to hold, and who has the session.

        Raises:
            AccessAway: it could not be stored, or what was shown was revoked meanwhile.
        """
        cookie, key = await self._logins.open(principal, kind)
        session = self._logins.live(key)
        opened = None if session is None else self._of_session(key, session)
        if opened is None:
            raise AccessAway("what was shown was revoked meanwhile")
        return cookie, opened

    def is_half_over(self, principal: Principal) -> bool:
        """Whether half of the time of the session that somebody showed has passed."""
        return principal.session is not None and self._logins.is_half_over(principal.session)

    async def renew_session(self, principal: Principal) -> float:
        """Let the session that somebody showed hold anew, when half of its time has passed.

        Returns:
            The seconds that it still holds.

        Raises:
            AccessAway: it could not be stored, or that was not confirmed.
        """
        return 0.0 if principal.session is None else await self._logins.renew(principal.session, principal.expires)

    async def end_session(self, key: str) -> None:
        """End a session (`Principal.session`): log out. Without effect when there is none.

        Raises:
            AccessAway: that could not be stored, or was not confirmed.
        """
        await self._logins.end(key)

    # Within.

    def _sure(self) -> None:
        if not self._issued.mirror.whole.is_set() or not self._logins.mirror.whole.is_set():
            raise AccessAway("the tokens are being read")
        if self._unsure_s() > self._settings.trust:
            raise AccessAway("what was revoked is not known: NATS is away")

    def _unsure_s(self) -> float:
        return max(self._issued.mirror.unsure_s, self._logins.mirror.unsure_s)

    def _of_session(self, key: str, session: Session) -> Principal | None:
        if session.granted is not None:
            ended = self._issued.is_shut_out(session.granted) or (session.granted.expires or 0) <= self.now()
            return None if ended else replace(session.granted, session=key)
        token = self._issued.live(session.who)
        return None if token is None else token.principal(key)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            self.watchers.look_at_all()
            self.counts.held.labels("tokens").set(len(self._issued.mirror))
            self.counts.held.labels("sessions").set(len(self._logins.mirror))
