"""Making and revoking tokens for somebody who asks: allowed, stored, told of in the audit; else undone."""

from collections.abc import Iterable

from starlette.requests import Request

from vardkase.gateway.house import house_of
from vardkase.gateway.principal import GatewayRole, Principal
from vardkase.gateway.problems import Problem
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import Reality

from . import tokens
from .asking import away, reality_of
from .away import AccessAway
from .dependencies import refuse
from .tokens import Token, TokenError


async def make_token(
    request: Request,
    who: Principal,
    *,
    role: GatewayRole,
    area: Area,
    realities: Iterable[Reality],
    point: str | None = None,
    label: str = "",
    expires: int | None = None,
) -> tuple[Token, str]:
    """Make a token for whoever asks.

    Args:
        request: what it was asked with.
        who: who asks.
        role: see `Access.create` for the rest.
        area: the area.
        realities: the worlds.
        point: the one point.
        label: what it is for.
        expires: the instant (`Access.now`) from which on it opens nothing; None: never.

    Returns:
        The token, and the text that shows it.

    Raises:
        Problem: 403, it is not theirs to make; 422, there can be no such token; 503, it could not be stored, or not be
            told of in the audit: then it opens nothing.
    """
    house, worlds = house_of(request), frozenset(realities)
    if not tokens.may_make(who, role=role, area=area, realities=worlds, point=point):
        refuse(request, "token.create", point or area.code, area, reality_of(who))
    try:
        token, text = await house.access.create(
            role=role, area=area, realities=worlds, point=point, label=label, expires=expires, by=who.id
        )
    except TokenError as error:
        raise Problem(422, "no_such_token", str(error), field=error.field) from None
    except AccessAway:
        raise away() from None
    try:
        await house.audit.act(who, "token.create", token.id, area, reality_of(who))
    except Problem:
        await _undo(request, who, token)
        raise
    return token, text


async def revoke_token(request: Request, who: Principal, identity: str) -> Token:
    """Revoke a token, or shut out an issuer's person (`oidc-…`), for whoever asks.

    Raises:
        Problem: 403, 404, it is not theirs to revoke; 503, it could not be stored, or not be told of in the audit:
            asked for again, both are done.
    """
    house = house_of(request)
    held = house.access.token(identity)
    if tokens.SUBJECT_ID.fullmatch(identity) is not None:
        if not tokens.may_shut_out(who):
            refuse(request, "token.revoke", who.area.code, who.area, reality_of(who))
    elif held is None or not tokens.may_manage(held, who):
        raise _not_theirs()
    try:
        ended = await house.access.revoke(identity, by=who.id, area=who.area)
    except AccessAway:
        raise away() from None
    if ended is None:
        raise _not_theirs()
    await house.audit.act(who, "token.revoke", identity, ended.area, reality_of(who))
    return ended


async def _undo(request: Request, who: Principal, token: Token) -> None:
    """A token that the audit does not know of must not be."""
    try:
        await house_of(request).access.revoke(token.id, by=who.id)
    except AccessAway:
        raise away() from None  # its text was told to nobody


def _not_theirs() -> Problem:
    return Problem(404, "not_found", "There is no such token among those that you manage")
