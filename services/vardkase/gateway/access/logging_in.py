"""Logging in and out with a browser, and staying logged in."""

from typing import Final

from starlette.requests import Request

from vardkase.gateway.house import house_of
from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem

from . import cookies
from .asking import away, by_secret, origin_of, reality_of, route_of, unknown, within_limit
from .away import AccessAway
from .origin import is_ours
from .sessions import Kind

_SAFE: Final = frozenset({"GET", "HEAD"})


async def log_in(request: Request, secret: str, kind: Kind = "staff") -> tuple[Principal, str]:
    """Open a session with a token or a JWT that was sent.

    Args:
        request: what it was sent with.
        secret: the token or JWT.
        kind: of session. `form` is for a reporter who is bound to a point.

    Returns:
        Who, and the `Set-Cookie` header of the answer.

    Raises:
        Problem: 401, it opens nothing (such a session); 403, another site's page sent it; 429; 503.
    """
    house, origin = house_of(request), origin_of(request)
    within_limit(house, "address", origin.address)
    if request.method not in _SAFE and not is_ours(origin, request.headers, must_say=False):
        house.audit.refused(None, "session.open", route_of(request), house.area, "act")
        raise Problem(403, "other_site", "Another site's page sent this; do it from our own")
    who = await by_secret(request, secret, origin)
    if kind == "form" and (who.role != "reporter" or who.point is None):
        raise unknown(request, "not_a_link", "This token is no link to a point's form")
    try:
        cookie, opened = await house.access.open_session(who, kind)
    except AccessAway:
        raise away() from None
    # Told of as what is read is: that somebody looks must not hang on the audit's being written at once.
    house.audit.read(opened, "session.open", opened.point or opened.area.code, opened.area, reality_of(opened))
    request.state.principal = opened
    settings = house.settings.access
    lives = settings.form_session if kind == "form" else settings.session
    return opened, cookies.written(kind, origin, cookie, lives)


async def log_out(request: Request, who: Principal, kind: Kind = "staff") -> str:
    """End the session that somebody has shown.

    Returns:
        The `Set-Cookie` header that takes the cookie away.

    Raises:
        Problem: 503, it could not be ended.
    """
    house = house_of(request)
    if who.session is not None:
        try:
            await house.access.end_session(who.session)
        except AccessAway:
            raise away() from None
        house.audit.read(who, "session.close", who.point or who.area.code, who.area, reality_of(who))
    return cookies.taken_away(kind, origin_of(request))


async def renew(request: Request, who: Principal, kind: Kind = "form") -> str | None:
    """Let a session hold anew when half of its time has passed: the `Set-Cookie` of the answer; None: not yet.

    While that cannot be stored the session holds as it was.
    """
    house, origin = house_of(request), origin_of(request)
    cookie = cookies.read(request.headers, kind, origin)
    if cookie is None or not house.access.is_half_over(who):
        return None
    try:
        lives = await house.access.renew_session(who)
    except AccessAway:
        return None
    return cookies.written(kind, origin, cookie, lives) if lives > 0 else None
