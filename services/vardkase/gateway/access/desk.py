"""Tokens by command: for whoever has the node's own NATS, with or without a gateway that runs.

Told of in the audit as over HTTP, by `node`: who has the node's NATS has all of the node.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Final

from nats.aio.client import Client
from nats.errors import Error as NatsError

from vardkase.gateway.principal import GatewayRole
from vardkase.runtime.errors import Failed
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.errors import WriteFailed
from vardkase.runtime.jetstream.values import Incomplete, last_values
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams
from vardkase_contracts.areas import NATION, Area
from vardkase_contracts.vocab import Reality

from . import tokens
from .away import AccessAway
from .events import audit_event
from .issued import Issued
from .telling import Told
from .tokens import Token

BY: Final = "node"
"""Who acts by command."""
_SOURCE: Final = "urn:tp:node:command"


class TokenDesk:
    """The tokens of a node.

    Args:
        nc: a connection to the node's account.
        settings: how to write.
        area: the node's; None: not known.
    """

    def __init__(self, nc: Client, settings: Settings, area: Area | None) -> None:
        self._nc = nc
        self._area = area
        self._issued = Issued(settings, now=now, changed=lambda _: None)
        self._issued.stored.start(nc)
        self._audit = StreamWriter(nc, streams.AUDIT, timeout=2.0, patience=10.0)

    async def create(
        self,
        *,
        role: GatewayRole,
        area: Area,
        realities: Iterable[Reality],
        point: str | None,
        label: str,
        expires: int | None,
    ) -> tuple[Token, str]:
        """Make a token, and tell of it in the audit; else there is none.

        Raises:
            tokens.TokenError: there can be no such token.
            Failed: it could not be stored, or not be told of.
        """
        try:
            token, text = await self._issued.create(
                role=role, area=area, realities=realities, point=point, label=label, expires=expires, by=BY
            )
        except AccessAway as error:
            raise Failed(f"the token could not be stored: {error}") from None
        try:
            await self._told("token.create", token)
        except Failed:
            await self._revoked(token.id)
            raise
        return token, text

    async def list(self) -> Sequence[Token]:
        """All tokens, the newest first. What cannot be read opens nothing, and is left out.

        Raises:
            Failed: they cannot be read.
        """
        found: list[Token] = []
        try:
            async for delivery in last_values(self._nc, f"KV_{tokens.BUCKET}", []):
                if delivery.data:
                    try:
                        found.append(tokens.decode(delivery.data))
                    except ValueError:
                        continue
        except (Incomplete, ApiError, NoAnswer, NatsError) as error:
            raise Failed(f"the tokens cannot be read: {error}") from None
        return sorted(found, key=lambda each: (-each.created, each.id))

    async def revoke(self, identity: str) -> Token | None:
        """Revoke a token, or shut out an issuer's person (`oidc-…`); None: there is no such token.

        Raises:
            Failed: it could not be stored, or not be told of. Done again, both are.
        """
        ended = await self._revoked(identity)
        if ended is not None:
            await self._told("token.revoke", ended)
        return ended

    async def _revoked(self, identity: str) -> Token | None:
        try:
            return await self._issued.revoke(identity, by=BY, area=self._area or NATION)
        except AccessAway as error:
            raise Failed(f"{identity} could not be revoked: {error}") from None

    async def _told(self, what: str, token: Token) -> None:
        told = Told(BY, "admin", what, token.id, token.area, tokens.gravest(token.realities), "done", now())
        try:
            await self._audit.write_once([audit_event(told, _SOURCE)])
        except (WriteFailed, NatsError) as error:
            raise Failed(f"it could not be told of in the audit: {error}") from None


def now() -> int:
    """The computer's time (µs)."""
    return time.time_ns() // 1000
