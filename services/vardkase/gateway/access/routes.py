"""Logging in and out, who one is, and tokens."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import orjson
from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from vardkase.gateway.house import house_of
from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem
from vardkase_contracts import instants
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import DAY
from vardkase_contracts.vocab import ORDER_KINDS, REALITIES

from . import documented, tokens
from .asking import reality_of
from .bodies import Login, Wanted, read
from .dependencies import log_in, log_out, optional_principal, principal, refuse
from .documented import body, responses
from .making import make_token, revoke_token
from .tokens import Status

router: Final = APIRouter(tags=["access"])

Who = Annotated[Principal, Depends(principal)]

_USUAL: Final = 90 * DAY
"""How long a token holds unless something else is said."""
_FAILED: Final = "inloggning=fel"
"""What a page that is gone on to is told when logging in failed."""
_MOST: Final = 5_000
_NO_STORE: Final = {"cache-control": "no-store"}


@router.post(
    "/login",
    summary="Log in with a browser",
    responses={
        **responses(200, documented.ME, 400, 403, 408, 413, 415, 422),
        303: {"description": "Of a form: to `next`, logged in, or with `?inloggning=fel`."},
    },
    openapi_extra=body(documented.LOGIN, form=True),
)
async def login(request: Request) -> Response:
    """Open a session with a token, or a JWT of the issuer: an HttpOnly cookie."""
    given, is_form = await read(request, Login, form=True)
    where = local(given.next)
    try:
        who, cookie = await log_in(request, given.token)
    except Problem as problem:
        if is_form and problem.status == 401:
            return RedirectResponse(f"{where}{'&' if '?' in where else '?'}{_FAILED}", 303, _NO_STORE)
        raise
    headers = {**_NO_STORE, "set-cookie": cookie}
    return RedirectResponse(where, 303, headers) if is_form else _json(_told(who), headers=headers)


@router.post(
    "/logout",
    summary="Log out",
    responses={
        **responses(204, None, 403),
        303: {"description": "To a browser: to the start page. Who had not logged in is sent there too."},
    },
)
async def logout(request: Request, who: Annotated[Principal | None, Depends(optional_principal)]) -> Response:
    """End the session, at every gateway."""
    headers = {} if who is None else {"set-cookie": await log_out(request, who)}
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse("/", 303, _NO_STORE | headers)
    return Response(status_code=204, headers=_NO_STORE | headers)


@router.get("/v1/me", summary="Who you are", responses=responses(200, documented.ME))
async def me(who: Who) -> Response:
    """Role, area and realities, and what they open."""
    return _json(_told(who))


@router.get("/v1/tokens", summary="The tokens that you manage", responses=responses(200, documented.TOKENS, 400, 403))
async def list_(
    request: Request,
    who: Who,
    *,
    status: Annotated[Status | None, Query(description="Those alone.")] = None,
    point: Annotated[
        str | None, Query(description="Those bound to this point.", pattern=r"^[0-9]{4}-[a-z0-9-]{1,40}$")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 500,
) -> Response:
    """The newest first, without their secrets; also what expired lately, or was revoked."""
    house = house_of(request)
    if not manages(who):
        refuse(request, "token.list", who.area.code, who.area, reality_of(who))
    now = house.access.now()
    found = [
        token
        for token in house.access.list()
        if tokens.may_manage(token, who)
        and (status is None or token.status(now) == status)
        and (point is None or token.point == point)
    ]
    house.audit.read(who, "token.list", who.area.code, who.area, reality_of(who))
    return _json({"tokens": [token.told(now) for token in found[:limit]], "numberMatched": len(found)})


@router.post(
    "/v1/tokens",
    status_code=201,
    summary="Make a token",
    responses=responses(201, documented.MADE, 400, 403, 408, 413, 415, 422),
    openapi_extra=body(documented.WANTED),
)
async def create(request: Request, who: Who) -> Response:
    """A token for an area within your own; what shows it is told once."""
    house = house_of(request)
    if not manages(who):
        refuse(request, "token.create", who.area.code, who.area, reality_of(who))
    wanted, _ = await read(request, Wanted)
    token, text = await make_token(
        request,
        who,
        role=wanted.role,
        area=_area(wanted.area),
        realities=wanted.realities or who.realities,
        point=wanted.point,
        label=wanted.label,
        expires=_expires(wanted, house.access.now()),
    )
    told = {**token.told(house.access.now()), "token": text}
    return _json(told, status=201, headers={"location": f"/v1/tokens/{token.id}"})


@router.delete(
    "/v1/tokens/{identity}", summary="Revoke a token", responses=responses(200, documented.TOKEN, 400, 403, 404)
)
async def revoke(
    request: Request,
    who: Who,
    identity: Annotated[
        str,
        Path(
            description="A token's id, or a person's of the issuer (`oidc-…`, as the audit has it).",
            pattern=r"^([a-z0-9]{12}|oidc-[0-9a-f]{24})$",
        ),
    ],
) -> Response:
    """It opens nothing any more, at once, at every gateway, nor do sessions and streams opened with it."""
    house = house_of(request)
    if not manages(who):
        refuse(request, "token.revoke", who.area.code, who.area, reality_of(who))
    ended = await revoke_token(request, who, identity)
    return _json(ended.told(house.access.now()))


def manages(who: Principal) -> bool:
    """Whether somebody may make and revoke any tokens at all."""
    return who.role in {"admin", "kommun"}


def local(path: str) -> str:
    """A path of ours to go on to; the start page, if it is anything else: nobody is led away."""
    parts = urlsplit(path)
    plain = path.isascii() and path.isprintable() and "\\" not in path and not path.startswith("//")
    return path if plain and path.startswith("/") and not parts.scheme and not parts.netloc else "/"


def _area(code: str) -> Area:
    try:
        return Area.parse(code)
    except ValueError as error:
        raise Problem(422, "unknown_area", str(error), field="area") from None


def _expires(wanted: Wanted, now: int) -> int | None:
    if "expires" not in wanted.model_fields_set:
        return now + _USUAL
    return None if wanted.expires is None else instants.from_datetime(wanted.expires)


def _told(who: Principal) -> dict[str, Any]:
    world = reality_of(who)
    return {
        "id": who.id,
        "role": who.role,
        "area": {"level": who.area.level, "code": who.area.code, "name": who.area.name},
        "realities": [each for each in REALITIES if each in who.realities],
        "point": who.point,
        "expires": None if who.expires is None else instants.iso(who.expires),
        "session": who.session is not None,
        "may": {
            "read": who.reads(who.area, world),
            "report": who.may_report,
            "orders": [kind for kind in ORDER_KINDS if who.orders(kind, who.area, world)],
            "tokens": manages(who),
        },
    }


def _json(document: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), status, {**_NO_STORE, **(headers or {})}, documented.JSON)
