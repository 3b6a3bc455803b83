"""`GET /v1/exercises`: which exercises go on; `POST /v1/exercises/refile`: what was real after all, filed again."""

import asyncio
import hashlib
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter
from nats.aio.client import Client
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from vardkase.exercise import log
from vardkase.exercise.refile import NotRefiled, origin_of, refiled
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.values import Incomplete
from vardkase_contracts import ids
from vardkase_contracts.areas import KOMMUNER, Area
from vardkase_contracts.base import EventId, KommunCode
from vardkase_contracts.reports import Report
from vardkase_contracts.vocab import Role

from .access.bodies import read
from .access.dependencies import may_read, may_report
from .access.documented import body, responses
from .documented import CACHED, answers
from .filters import CodeQuery, LevelQuery, RealityQuery, asked_area
from .house import House, house_of
from .negotiate import answer, etag_of
from .problems import Problem
from .reads import Who
from .writing.items import Item, report_item

router: Final = APIRouter(tags=["exercises"])

MOST: Final = 100
"""Reports that are filed again at once."""
_WITHIN: Final = 20.0
"""Seconds to find them in the log."""

_INSTANT: Final = {"type": "string", "format": "date-time"}
_EXERCISE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["id", "name", "areas", "from", "until", "state", "running", "aborted"],
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "areas": {"type": "array", "items": {"type": "string"}},
        "from": _INSTANT,
        "until": {"type": ["string", "null"], "format": "date-time"},
        "state": {
            "type": "string",
            "description": "`planned`, `running` (somewhere), `stopped` or `aborted`; others may come.",
        },
        "running": {"type": "array", "items": {"type": "string"}, "description": "Kommuner in which it goes on."},
        "aborted": {
            "type": "array",
            "description": "Kommuner in which it was aborted, while that holds: reports of övning are refused there.",
            "items": {
                "type": "object",
                "required": ["kommun", "at"],
                "properties": {"kommun": {"type": "string"}, "at": _INSTANT},
            },
        },
    },
}
_TOLD: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["level", "code", "exercises", "messages"],
    "properties": {
        "level": {"type": "string"},
        "code": {"type": "string"},
        "exercises": {"type": "array", "items": _EXERCISE},
        "messages": {
            "type": ["array", "null"],
            "description": "What the spelledning says, the latest first; null for who may not look at övning.",
            "items": {
                "type": "object",
                "required": ["id", "at", "to", "text"],
                "properties": {
                    "id": {"type": "string"},
                    "at": _INSTANT,
                    "to": {"type": "string"},
                    "text": {"type": "string"},
                },
            },
        },
    },
}
_REFILED: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["reports"],
    "properties": {
        "reports": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["origin", "id", "duplicate"],
                "properties": {
                    "origin": {"type": "string", "description": "`exe.<kommun>.<id>`."},
                    "id": {"type": "string", "description": "Of the report in skarpt läge."},
                    "duplicate": {"type": "boolean", "description": "It was filed again before: nothing changes."},
                },
            },
        }
    },
}


class Refile(BaseModel):
    """Reports of an exercise that are to be filed again."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    kommun: KommunCode
    """Whose they are."""
    reports: Annotated[tuple[EventId, ...], Field(min_length=1, max_length=MOST)]
    """Their ids."""
    role: Role
    """In what role the person files them again. Never a name."""


@router.get(
    "/v1/exercises",
    summary="Which exercises go on",
    responses=answers(_TOLD, 304, 400, 401, 403, 429, 503, headers=CACHED),
    response_class=Response,
)
async def exercises(
    request: Request, who: Who, *, reality: RealityQuery = "act", level: LevelQuery = None, code: CodeQuery = None
) -> Response:
    """Exercises that concern an area: to come, going on, or over within a day. The same for all realities."""
    house = house_of(request)
    area = asked_area(who, level, code)
    may_read(request, area, reality, what="read.exercises")
    messages = house.exercises.messages(area) if who.reads(area, "exe") else None
    told = {"level": area.level, "code": area.code, "exercises": house.exercises.listed(area), "messages": messages}
    encoded = orjson.dumps(told)
    return answer(request, encoded, etag_of(encoded))


@router.post(
    "/v1/exercises/refile",
    status_code=202,
    summary="File reports of an exercise again, as real",
    responses=responses(202, _REFILED, 400, 403, 404, 408, 413, 415, 422),
    openapi_extra=body(Refile.model_json_schema()),
    response_class=Response,
)
async def refile(request: Request, who: Who) -> Response:
    """For each a report in skarpt läge with an id of its own: what was seen, when it was seen, `quality` `relayed`.

    The reports of the exercise stay as they are. All of them or none; audited before it is stored.
    """
    house = house_of(request)
    wanted, _ = await read(request, Refile)
    if wanted.kommun not in KOMMUNER or not house.area.covers(wanted.kommun):
        may_read(request, house.area, "exe", what="read.points")
        raise Problem(422, "unknown_kommun", f"This node has the reports of {house.area.name}", field="kommun")
    area = Area("kommun", wanted.kommun)
    may_read(request, area, "exe", what="read.points")
    may_report(request, f"{wanted.kommun}-{ids.KOMMUN_ITSELF}", "act", "activation")
    items = _items(wanted, await _found(house, area, wanted))
    house.writing.may_send(items[0][1].stream)
    for origin, _item in items:
        await house.audit.act(who, "exercise.refile", origin, area, "act")
    sent = await house.writing.send([item for _, item in items])
    for each in sent:
        house.writing.counts.report("act", "known" if each.duplicate else "stored")
    told = [
        {"origin": origin, "id": each.id, "duplicate": each.duplicate}
        for (origin, _), each in zip(items, sent, strict=True)
    ]
    return Response(orjson.dumps({"reports": told}), 202, {"cache-control": "no-store"}, "application/json")


async def _found(house: House, area: Area, wanted: Refile) -> dict[str, Report]:
    """The reports that are wanted, as they count."""
    try:
        async with asyncio.timeout(_WITHIN):
            return await find(house.bus, area, frozenset(wanted.reports))
    except (ApiError, NoAnswer, Incomplete, TimeoutError) as error:
        detail = f"The log cannot be read now: {error or 'it takes too long'}"
        raise Problem(503, "bus_away", detail, headers={"retry-after": "5"}) from error


async def find(nc: Client, area: Area, wanted: frozenset[str]) -> dict[str, Report]:
    """Reports of övning of a kommun by their ids; of several copies of one the one that counts in the merge."""
    found: dict[str, tuple[bytes, Report]] = {}
    async for report, delivery in log.each_report(nc, area):
        if report.id in wanted:
            copy = hashlib.sha256(delivery.data).digest(), report
            held = found.get(report.id)
            found[report.id] = copy if held is None or copy[0] < held[0] else held
    return {identity: report for identity, (_, report) in found.items()}


def _items(wanted: Refile, found: dict[str, Report]) -> list[tuple[str, Item]]:
    items: list[tuple[str, Item]] = []
    for place, identity in enumerate(dict.fromkeys(wanted.reports)):
        report = found.get(identity)
        if report is None:
            raise Problem(404, "not_found", f"There is no report {identity} of övning here", field=f"reports.{place}")
        try:
            event = refiled(report, role=wanted.role)
        except NotRefiled as error:
            raise Problem(422, "not_refiled", error.detail, field=f"reports.{place}") from error
        items.append((origin_of(report), report_item(event)))
    return items
