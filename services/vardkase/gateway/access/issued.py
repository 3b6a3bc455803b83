"""The tokens that there are: known from memory, made and revoked in NATS."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from vardkase.gateway.principal import GatewayRole, Principal, within
from vardkase.runtime.jetstream.errors import WriteConflict
from vardkase.runtime.settings import Settings
from vardkase_contracts.areas import NATION, Area
from vardkase_contracts.instants import DAY, SECOND
from vardkase_contracts.vocab import REALITIES, Reality

from . import tokens
from .away import AccessAway
from .mirror import Mirror
from .stored import Stored
from .tokens import Token

_KEPT: Final = 90 * DAY
"""How long a token that has expired is still listed."""
_ATTEMPTS: Final = 10
"""So often a token may be changed by others while it is being revoked."""


class Issued:
    """The tokens.

    Args:
        settings: how to read.
        now: the time (µs).
        changed: called with the id of a token of which something has changed.
    """

    def __init__(self, settings: Settings, *, now: Callable[[], int], changed: Callable[[str], None]) -> None:
        self._now = now
        self.stored = Stored(tokens.BUCKET)
        self.mirror = Mirror(
            tokens.BUCKET, settings, decode=tokens.decode, changed=lambda key, *_: changed(key), now=now
        )

    def get(self, identity: str) -> Token | None:
        """The token of an id, live or not."""
        return self.mirror.get(identity)

    def live(self, identity: str) -> Token | None:
        """The token of an id that opens something now."""
        token = self.mirror.get(identity)
        return token if token is not None and token.status(self._now()) == "live" else None

    def list(self) -> Sequence[Token]:
        """All of them, the newest first; also what has expired lately, or was revoked."""
        return sorted(self.mirror.values(), key=lambda each: (-each.created, each.id))

    def is_shut_out(self, principal: Principal) -> bool:
        """Whether somebody of the issuer is let in no more, by whoever manages the area that they would have."""
        held = self.mirror.get(principal.id)
        return held is not None and within(principal.area, held.area)

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
        token, text = tokens.new_token(
            role=role,
            area=area,
            realities=realities,
            point=point,
            label=label,
            expires=expires,
            now=self._now(),
            by=by,
        )
        lives = self._lives(token)
        sequence = await self.stored.create(token.id, tokens.encode(token), lives=lives)
        if sequence is None:
            raise AccessAway("a token of this id was made a moment ago")
        self._seen(token, sequence, lives)
        return token, text

    async def revoke(self, identity: str, *, by: str, area: Area = NATION) -> Token | None:
        """Revoke a token, or shut out an issuer's person; it opens nothing any more, here when this returns.

        Args:
            identity: the token's id, or the person's (`oidc-…`).
            by: the id of who revokes.
            area: of whoever shuts a person out: it is from what lies in it that they are.

        Returns:
            What stands now; None: there is no such token.

        Raises:
            AccessAway: it could not be stored, or that was not confirmed.
        """
        is_person = tokens.SUBJECT_ID.fullmatch(identity) is not None
        if not is_person and not tokens.ID.fullmatch(identity):
            return None
        for _ in range(_ATTEMPTS):
            entry = await self.stored.get(identity)
            if entry is None or entry.data is None:
                if not is_person:
                    return None
                token = tokens.shut_out(identity, now=self._now(), by=by, area=area)
                sequence = await self.stored.create(identity, tokens.encode(token), lives=None)
                if sequence is not None:
                    self._seen(token, sequence, None)
                    return token
                continue
            token = _held(entry.data)
            ended = token.ended(self._now(), by)
            if is_person and not within(area, token.area):
                ended = replace(ended, area=area, revoked=self._now(), revoked_by=by)
            if ended is token:
                return token
            try:
                sequence = await self.stored.put(identity, tokens.encode(ended), expected=entry.sequence)
            except WriteConflict:
                continue
            self._seen(ended, sequence, None)
            return ended
        raise AccessAway(f"the token {identity} is changed by others all the time")

    def _lives(self, token: Token) -> float | None:
        """Seconds after which it goes from the bucket: long after it has expired. What was revoked stays."""
        if token.expires is None:
            return None
        return max(1.0, (token.expires + _KEPT - self._now()) / SECOND)

    def _seen(self, token: Token, sequence: int, lives: float | None) -> None:
        ends = None if lives is None else self._now() + round(lives * SECOND)
        self.mirror.seen(token.id, token, sequence, ends)


def _held(data: bytes) -> Token:
    try:
        return tokens.decode(data)
    except ValueError:
        raise AccessAway("what is stored of this token cannot be read, and opens nothing") from None
