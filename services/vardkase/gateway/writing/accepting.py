"""`POST /v1/needs/accept`: a kommun says yes to its side of a proposal. The other kommun says so of its own."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from vardkase.gateway.access.bodies import read
from vardkase.gateway.access.dependencies import may_report, principal
from vardkase.gateway.documented import inlined
from vardkase.gateway.house import House, house_of
from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem
from vardkase.gateway.reads import whole
from vardkase.logistics.acceptance import NotOpen, accepted, report_id
from vardkase_contracts import ids
from vardkase_contracts.areas import Area
from vardkase_contracts.base import EventId, PointOrKommunRef
from vardkase_contracts.instants import iso, parse
from vardkase_contracts.refusals import Refusal
from vardkase_contracts.reports import report_type
from vardkase_contracts.vocab import Reality, Role

from .documented import JSON, responses
from .items import refused, report_item

router: Final = APIRouter()

_REPORTER: Final = "gateway"
"""Tells what was agreed to here from what the kommun reports itself."""


class Side(BaseModel):
    """One side of a proposal."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    point: PointOrKommunRef
    """Who said it: a point, or (`2480-_`) a kommun itself."""
    need_id: EventId
    """Its need, or its surplus."""


class Acceptance(Side):
    """Yes to one's own side of a proposal."""

    counterpart: Side
    """The other side."""
    report: EventId
    """The report that the proposal rested on: when another came since, it is asked anew."""
    quantity: Annotated[float, Field(gt=0, le=1_000_000_000)] | None = None
    """How much; all of it unless given."""
    reality: Reality = "act"
    """`act` skarpt, `exe` övning, `tst` prov."""
    role: Role | None = None
    """In what role somebody says yes. Never a name."""


_STORED: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["reports", "stored", "duplicate"],
    "properties": {
        "reports": {
            "type": "array",
            "description": "The need reports that were made: one, or the rest and the part that was agreed to.",
            "items": {
                "type": "object",
                "required": ["id", "need_id", "state"],
                "properties": {name: {"type": "string"} for name in ("id", "need_id", "state")},
            },
        },
        "stored": {"const": True},
        "duplicate": {"type": "boolean", "description": "It was agreed to before: nothing changes."},
    },
}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    **responses(_STORED),
    404: {"description": "There is no such need here.", "content": responses(_STORED)[422]["content"]},
    409: {"description": "It changed since, or is not open any more.", "content": responses(_STORED)[422]["content"]},
}
_SCHEMA: Final = inlined(Acceptance.model_json_schema())
_BODY: Final = {"requestBody": {"required": True, "content": {JSON: {"schema": _SCHEMA}}}}


@router.post(
    "/v1/needs/accept",
    tags=["needs"],
    summary="Say yes to your side of a proposal",
    status_code=202,
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra=_BODY,
)
async def accept(request: Request, who: Annotated[Principal, Depends(principal)]) -> Response:
    """Reports the need, or surplus, as `assigned`, with its counterpart; of a part of it, the rest stays as it is.

    It edits nobody's reports: it is a report of the kommun whose need it is. Agreed it is when the other side says so.
    """
    house = house_of(request)
    asked, _ = await read(request, Acceptance)
    may_report(request, asked.point, asked.reality, "need")
    kommun = asked.point[:4]
    if not house.area.covers(kommun):
        raise refused(Refusal("subject_mismatch", "point", f"This node takes reports of {house.area.name}"))
    whole(house)
    held = house.live.worlds[asked.reality].points.get(asked.point)
    needs: dict[str, Any] = {} if held is None or not held.needs else held.document["facts"].get("needs", {})
    fact = needs.get(asked.need_id)
    if fact is None or fact["value"] is None:
        raise Problem(404, "not_found", "There is no such need here", field="need_id")
    before = _before(needs, asked)
    if before is not None:
        return _answer([before], duplicate=True)
    if fact["report"] != asked.report:
        detail = "Another report of it came since: look at the proposals again"
        raise Problem(409, "changed", detail, field="report")
    reports = await _reported(house, asked, fact)
    duplicate = all(each.pop("duplicate") for each in reports)
    await house.audit.act(who, "report.submit", asked.point, Area("kommun", kommun), asked.reality)
    for _ in reports:
        house.writing.counts.report(asked.reality, "known" if duplicate else "stored")
    return _answer(reports, duplicate=duplicate)


def _before(needs: dict[str, Any], asked: Acceptance) -> dict[str, Any] | None:
    """What was agreed to so before: the same yes again changes nothing."""
    other = asked.counterpart.model_dump()
    for need_id, fact in needs.items():
        value = fact["value"]
        if value is None or value.get("counterpart") != other or value["state"] == "cancelled":
            continue
        own = need_id == asked.need_id or value.get("part_of") == asked.need_id
        if own and (asked.quantity is None or value.get("quantity") == asked.quantity):
            return {"id": fact["report"], "need_id": need_id, "state": value["state"]}
    return None


async def _reported(house: House, asked: Acceptance, fact: dict[str, Any]) -> list[dict[str, Any]]:
    """The reports, stored: all or none."""
    other = asked.counterpart.point, asked.counterpart.need_id
    try:
        data = accepted(fact["value"], other, asked.quantity)
    except NotOpen as error:
        raise Problem(409, "not_open", f"It cannot be agreed to: {error}", field="need_id") from None
    at = max(house.clock.now(), parse(fact["observed_at"]) + 1)
    items = [
        report_item(
            orjson.dumps(
                {
                    "specversion": "1.0",
                    "id": report_id(asked.point, asked.report, other, asked.quantity, number),
                    "source": ids.kommun_source(asked.point[:4], _REPORTER),
                    "type": report_type("need"),
                    "subject": asked.point,
                    "time": iso(at),
                    "datacontenttype": JSON,
                    "reality": asked.reality,
                    **({} if asked.role is None else {"role": asked.role}),
                    "data": each,
                }
            ),
            once=True,
        )
        for number, each in enumerate(data)
    ]
    sent = await house.writing.send(items)
    return [
        {"id": one.id, "need_id": each["need_id"], "state": each["state"], "duplicate": one.duplicate}
        for one, each in zip(sent, data, strict=True)
    ]


def _answer(reports: list[dict[str, Any]], *, duplicate: bool) -> Response:
    body = orjson.dumps({"reports": reports, "stored": True, "duplicate": duplicate})
    return Response(body, 200 if duplicate else 202, {"cache-control": "no-store"}, JSON)
