"""What routes ask of access: who somebody is, and whether they may. Whatever is refused is told of in the audit.

A route depends on `principal` (or `optional_principal`, `form_principal`), and then asks `may_read(request, area,
reality)` or another of its kind.
"""

from typing import NoReturn

from starlette.requests import Request

from vardkase.gateway.house import house_of
from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem
from vardkase_contracts import ids
from vardkase_contracts.areas import KOMMUNER, NATION, Area
from vardkase_contracts.vocab import OrderKind, Reality, ReportKind

from . import cookies
from .asking import (
    bearer,
    by_secret,
    by_session,
    origin_of,
    route_of,
    same_site,
    unknown,
    within_limit,
)
from .logging_in import log_in, log_out, renew
from .sessions import Kind

__all__ = [
    "by_address",
    "form_principal",
    "log_in",
    "log_out",
    "may_order",
    "may_read",
    "may_read_point",
    "may_report",
    "optional_principal",
    "origin_of",
    "principal",
    "refuse",
    "renew",
    "route_of",
    "same_site",
]


async def principal(request: Request) -> Principal:
    """Who asks, by a token, a JWT, or the session of somebody who has logged in.

    A session's cookie opens what changes something only for a page of our own (`same_site`).

    Raises:
        Problem: 401 without, or with what opens nothing; 429; 503 while it cannot be found out.
    """
    found = await _shown(request, "staff")
    if found is None:
        raise unknown(request, "no_token", "This needs a token (Authorization: Bearer …), or that you log in")
    return found


async def optional_principal(request: Request) -> Principal | None:
    """Who asks; None when nothing was shown, or a session that has ended (a page then asks to log in).

    Raises:
        Problem: 401 with a token that opens nothing; 429; 503 while it cannot be found out.
    """
    return await _shown(request, "staff", ended_is_none=True)


async def form_principal(request: Request) -> Principal | None:
    """Who has opened a point's form by its link; None when nobody, or when that has ended.

    Raises:
        Problem: 429; 503 while it cannot be found out.
    """
    house = house_of(request)
    origin = origin_of(request)
    within_limit(house, "address", origin.address)
    cookie = cookies.read(request.headers, "form", origin)
    if cookie is None:
        return None
    found = by_session(request, cookie, "form", origin)
    if found is not None:
        within_limit(house, "principal", found.id)
        request.state.principal = found
        await same_site(request)
    return found


async def by_address(request: Request) -> None:
    """For what everyone may read: no more of it than an address may ask.

    Raises:
        Problem: 429.
    """
    within_limit(house_of(request), "address", origin_of(request).address)


def may_read(
    request: Request, area: Area, reality: Reality, *, what: str = "read.picture", on: str | None = None
) -> None:
    """That whoever asks may read pictures, states and alerts of an area; it is told of in the audit.

    Args:
        request: with who asks (`principal`).
        area: the area.
        reality: the world.
        what: what is read: `read.picture`, `read.points`, `read.alerts` …
        on: what exactly, when it is not the area: an alert's key.

    Raises:
        Problem: 403.
    """
    who = _who(request)
    if not who.reads(area, reality):
        _refuse(request, who, what, on or area.code, area, reality)
    house_of(request).audit.read(who, what, on or area.code, area, reality)


def may_read_point(request: Request, point: str, reality: Reality, *, what: str = "read.point") -> None:
    """That whoever asks may read a point's state; it is told of in the audit.

    Raises:
        Problem: 403.
    """
    who, (area, on) = _who(request), _place_of(point)
    if not who.reads_point(point, reality):
        _refuse(request, who, what, on, area, reality)
    house_of(request).audit.read(who, what, on, area, reality)


def may_report(request: Request, point: str, reality: Reality, kind: ReportKind) -> None:
    """That whoever asks may send a report of a kind about a point (`<kommun>-_`: the kommun itself).

    That it was sent is for the route to tell of, once it is stored (`audit.act`).

    Raises:
        Problem: 403; 409, it is of an exercise that was aborted there.
    """
    who = _who(request)
    if not who.reports(point, reality, kind):
        area, on = _place_of(point)
        _refuse(request, who, f"report.{kind}", on, area, reality)
    house_of(request).exercises.see(point, reality)


def may_order(request: Request, kind: OrderKind, area: Area, reality: Reality) -> None:
    """That whoever asks may give an order of a kind about an area.

    That it was given is for the route to tell of, once it is stored (`audit.act`).

    Raises:
        Problem: 403.
    """
    who = _who(request)
    if not who.orders(kind, area, reality):
        _refuse(request, who, f"order.{kind}", area.code, area, reality)


def refuse(request: Request, what: str, on: str, area: Area, reality: Reality) -> NoReturn:
    """Refuse whoever asks what a route alone can know; it is told of in the audit.

    Raises:
        Problem: 403, always.
    """
    _refuse(request, _who(request), what, on, area, reality)


async def _shown(request: Request, kind: Kind, *, ended_is_none: bool = False) -> Principal | None:
    house, origin = house_of(request), origin_of(request)
    within_limit(house, "address", origin.address)
    secret = bearer(request)
    if secret is not None:
        found = await by_secret(request, secret, origin)
    else:
        cookie = cookies.read(request.headers, kind, origin)
        if cookie is None:
            return None
        session = by_session(request, cookie, kind, origin)
        if session is None:
            if ended_is_none:
                return None
            ended = {"set-cookie": cookies.taken_away(kind, origin)}
            raise unknown(request, "session_ended", "Your session has ended: log in again", headers=ended)
        found = session
    within_limit(house, "principal", found.id)
    request.state.principal = found
    await same_site(request)
    return found


def _who(request: Request) -> Principal:
    who: Principal | None = getattr(request.state, "principal", None)
    if who is None:  # a route that asks whether somebody may, and not who they are
        raise unknown(request, "no_token", "This needs a token (Authorization: Bearer …), or that you log in")
    return who


def _refuse(request: Request, who: Principal, what: str, on: str, area: Area, reality: Reality) -> NoReturn:
    house_of(request).audit.refused(who, what, on, area, reality)
    if reality not in who.realities:
        raise Problem(403, "reality_not_open", "Your token does not open this reality", field="reality")
    raise Problem(403, "not_allowed", f"Your token (role {who.role}, area {who.area.code}) does not open this")


def _place_of(point: str) -> tuple[Area, str]:
    """The kommun of a point, and the point as it may be told of: what is no point's id is not told back."""
    try:
        kommun = ids.split_point_id(point).kommun
    except ValueError:
        return NATION, NATION.code
    return (Area("kommun", kommun), point) if kommun in KOMMUNER else (NATION, NATION.code)
