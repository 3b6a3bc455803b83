"""`POST /v1/orders`: acts of people, and overrides of rules; audited, and answered when they are on disk."""

import contextlib
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from vardkase.gateway.access.dependencies import may_order, principal
from vardkase.gateway.house import House, house_of
from vardkase.gateway.principal import Principal, within
from vardkase.gateway.problems import Problem
from vardkase_contracts.areas import Area
from vardkase_contracts.orders import AckOrder, AdoptOrder, Order, RedactOrder, RulesOrder
from vardkase_contracts.refusals import Refusal
from vardkase_contracts.reports import MAX_BYTES
from vardkase_contracts.schemas import CLOUDEVENT

from . import bodies
from .adopting import with_picture
from .documented import JSON, ONE_ORDER, ORDER_STORED, STALE, responses
from .items import CheckedOrder, check_order, refused
from .sender import Sent
from .short import ShortOrder, whole

router: Final = APIRouter()

_SHORT: Final = ShortOrder.model_json_schema()
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {CLOUDEVENT: {"schema": ONE_ORDER}, JSON: {"schema": _SHORT}},
    }
}


@router.post(
    "/v1/orders",
    tags=["orders"],
    summary="Give an order",
    status_code=202,
    response_class=Response,
    responses=responses(ORDER_STORED) | STALE,
    openapi_extra=_BODY,
)
async def give_order(
    request: Request,
    who: Annotated[Principal, Depends(principal)],
) -> Response:
    """Stores an order: a whole CloudEvent (`application/cloudevents+json`), or one in short (`application/json`).

    `202` when it is on disk, synced; `200` when the same was given before. In short, the gateway says who acts (the
    area of who sends it), when, and the rest of the envelope. A picture is adopted by its version, as somebody has seen
    it within 15 min; `409` when it is not known (any more): then `current` says which one is.
    """
    house = house_of(request)
    writing = house.writing
    try:
        kind = bodies.media_type(request, (CLOUDEVENT, JSON))
        with writing.bodies.room(request) as room:
            body = await bodies.read(request, room, limit=MAX_BYTES, within=house.settings.web.body_patience)
            return await _give(request, house, who, body, short=kind == JSON)
    except Problem as problem:
        outcome = {403: "forbidden", 429: "turned_away", 503: "turned_away"}.get(problem.status, "refused")
        writing.counts.order("unknown", outcome)
        raise


async def _give(request: Request, house: House, who: Principal, body: bytes, *, short: bool) -> Response:
    found = _checked(house, who, body, short=short)
    order = found.order
    about = Area.parse(order.subject)
    may_order(request, order.kind, about, order.reality)
    _theirs(house, who, order, about)
    if not within(about, house.area):
        raise refused(Refusal("subject_mismatch", "subject", f"This node takes orders about {house.area.name}"))
    if isinstance(order, AdoptOrder):
        found = with_picture(house, order, found, short=short)
    (sent,) = await _audited(house, who, found, about)
    house.writing.counts.order(order.reality, "known" if sent.duplicate else "stored")
    answer = {
        "id": sent.id,
        "kind": order.kind,
        "area": about.code,
        "reality": order.reality,
        "stored": True,
        "duplicate": sent.duplicate,
    }
    return Response(
        orjson.dumps(answer), 200 if sent.duplicate else 202, {"cache-control": "no-store"}, "application/json"
    )


async def _audited(house: House, who: Principal, found: CheckedOrder, about: Area) -> list[Sent]:
    """Store an order, once it stands in the audit: none is in force that the audit does not know of.

    Raises:
        Problem: 503; it is not stored, or that is not confirmed.
    """
    order = found.order
    act = (who, f"order.{order.kind}", _on(order), about, order.reality)
    house.writing.may_send(found.item.stream)
    await house.audit.act(*act)
    try:
        return await house.writing.send([found.item])
    except Problem:
        with contextlib.suppress(Problem):  # what came of it is told to who gave it, whatever becomes of the audit
            await house.audit.act(*act, outcome="failed")
        raise


def _checked(house: House, who: Principal, body: bytes, *, short: bool) -> CheckedOrder:
    event: bytes | Refusal = body
    if short:
        event = whole(body, own=who.area, now=house.clock.now())
    found = event if isinstance(event, Refusal) else check_order(event, house.writing.rules, once=short)
    if isinstance(found, Refusal):
        raise refused(found)
    return found


def _theirs(house: House, who: Principal, order: Order, about: Area) -> None:
    """Whether somebody acts for their own area: a level never takes over another's responsibility.

    Who runs the node acts for any area that is theirs.

    Raises:
        Problem: 403.
    """
    by = order.data.by
    try:
        actor = Area.parse(by.code)
        fits = actor.level == by.level and f"{order.source}:".startswith(f"urn:tp:{actor.level}:{actor.code}:")
    except ValueError:
        raise refused(Refusal("schema", "data.by.code", "There is no such area")) from None
    if not fits:
        raise refused(Refusal("subject_mismatch", "source", "Should be of the area that acts (data.by)"))
    if actor == who.area or (who.role == "admin" and within(actor, who.area)):
        return
    house.audit.refused(who, f"order.{order.kind}", _on(order), about, order.reality)
    raise Problem(403, "not_yours", "Somebody acts for their own area alone", field="data.by")


def _on(order: Order) -> str:
    """What an order is about, for the audit."""
    match order:
        case AckOrder():
            return order.data.key
        case RulesOrder():
            return order.data.scope
        case RedactOrder():
            identity = order.data.identity
            return f"{identity.reality}.{identity.kommun}.{identity.id}"
        case AdoptOrder():
            return f"{order.data.code} {order.data.version}"
        case _:
            return order.subject
