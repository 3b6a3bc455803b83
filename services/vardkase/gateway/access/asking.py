"""What a request shows, and what is said to whom it opens nothing: the ground of `dependencies`."""

from collections.abc import Mapping
from typing import Final, Literal

from starlette.requests import Request

from vardkase.gateway.house import House, house_of
from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem
from vardkase_contracts.vocab import Reality

from .away import AccessAway
from .limits import whole_seconds
from .origin import Origin, is_ours
from .sessions import Kind
from .tokens import PREFIX, gravest

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CHALLENGE: Final = 'Bearer realm="vardkase"'
_ORIGIN: Final = "vardkase.origin"
_LONGEST: Final = 8192
"""Most characters of what is shown."""


async def same_site(request: Request) -> None:
    """That a request which a cookie authorises, and which changes something, was sent by a page of ours.

    Raises:
        Problem: 403.
    """
    who: Principal | None = getattr(request.state, "principal", None)
    if request.method in _SAFE or who is None or who.session is None:
        return
    if not is_ours(origin_of(request), request.headers, must_say=True):
        house_of(request).audit.refused(who, asked(request), route_of(request), who.area, "act")
        raise Problem(403, "other_site", "Another site's page sent this; do it from our own")


def origin_of(request: Request) -> Origin:
    """From where a request comes; found out once."""
    found: Origin | None = request.scope.get(_ORIGIN)
    if found is None:
        found = request.scope[_ORIGIN] = house_of(request).access.origins.of(request.scope, request.headers)
    return found


def route_of(request: Request) -> str:
    """The path as it is documented: what was really asked for may hold anything, and secrets too."""
    return getattr(request.scope.get("route"), "path", None) or "/"


async def by_secret(request: Request, secret: str, origin: Origin) -> Principal:
    """Who shows a token or a JWT.

    Raises:
        Problem: 401, it opens nothing; 429; 503.
    """
    house = house_of(request)
    by = "token" if secret.startswith(f"{PREFIX}_") else "jwt"
    try:
        found = await house.access.authenticate(secret) if len(secret) <= _LONGEST else None
    except AccessAway:
        house.access.counts.came(by, "away")
        raise away() from None
    if found is None:
        house.access.counts.came(by, "refused")
        _failed(house, origin)
        raise unknown(request, "invalid_token", "This token opens nothing: it is wrong, has expired or was revoked")
    house.access.counts.came(by, "let_in")
    return found


def by_session(request: Request, cookie: str, kind: Kind, origin: Origin) -> Principal | None:
    """Who has a session of a kind; None when it has ended, or there never was one.

    Raises:
        Problem: 429; 503.
    """
    house = house_of(request)
    try:
        found = house.access.by_session(cookie, kind)
    except AccessAway:
        house.access.counts.came(kind, "away")
        raise away() from None
    house.access.counts.came(kind, "refused" if found is None else "let_in")
    if found is None:
        _failed(house, origin)
    return found


def bearer(request: Request) -> str | None:
    """What is shown in the header; None when there is none.

    Raises:
        Problem: 401, the header is none that shows something.
    """
    given = request.headers.getlist("authorization")
    if not given:
        return None
    scheme, _, secret = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not secret.strip():
        detail = "Expected one header: Authorization: Bearer <token>"
        raise unknown(request, "invalid_authorization", detail, field="Authorization")
    return secret.strip()


def within_limit(house: House, limit: Literal["principal", "address"], key: str) -> None:
    """That somebody, or an address, asks no more than it may.

    Raises:
        Problem: 429.
    """
    limits = house.access.limits
    wait = (limits.principals if limit == "principal" else limits.addresses).take(key)
    if wait > 0:
        raise _too_often(house, limit, wait)


def _failed(house: House, origin: Origin) -> None:
    """Count an attempt that failed. Who shows what is right is let in all the same: they share the address."""
    wait = house.access.limits.failures.take(origin.address)
    if wait > 0:
        raise _too_often(house, "failure", wait)


def _too_often(house: House, limit: str, wait: float) -> Problem:
    house.access.counts.limited.labels(limit).inc()
    headers = {"retry-after": whole_seconds(wait)}
    return Problem(429, "too_often", "Too many requests: wait a little and go on more slowly", headers=headers)


def unknown(
    request: Request, code: str, detail: str, *, field: str | None = None, headers: Mapping[str, str] | None = None
) -> Problem:
    """Nobody known asks: told of in the audit, and answered with 401."""
    house = house_of(request)
    house.audit.refused(None, asked(request), route_of(request), house.area, "act")
    return Problem(401, code, detail, field=field, headers={"www-authenticate": _CHALLENGE, **(headers or {})})


def away() -> Problem:
    """Nothing can be found out, or stored, now."""
    detail = "It cannot be found out now who may what, or not be stored: try again"
    return Problem(503, "access_away", detail, headers={"retry-after": "5"})


def asked(request: Request) -> str:
    """What is asked, where nothing more is known than how: `request.get`."""
    method = request.method.lower()
    return f"request.{method[:32]}" if method.isascii() and method.isalpha() else "request"


def reality_of(who: Principal) -> Reality:
    """The reality that something is told under which is of none: the gravest that somebody has."""
    return gravest(who.realities)
