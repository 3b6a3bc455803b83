"""`POST /v1/reports`: one report, or a batch of them; answered when they are on disk."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from vardkase.gateway.access.dependencies import may_report, principal
from vardkase.gateway.house import House, house_of
from vardkase.gateway.principal import Principal
from vardkase.gateway.problems import Problem
from vardkase_contracts.areas import Area
from vardkase_contracts.refusals import Refusal
from vardkase_contracts.reports import MAX_BYTES
from vardkase_contracts.schemas import CLOUDEVENT
from vardkase_contracts.signing import HEADER
from vardkase_contracts.vocab import Reality

from . import bodies
from .batch import split
from .documented import BATCH, JSON, REPORT_BODY, REPORT_STORED, responses
from .items import Checked, check_report, refused

router: Final = APIRouter()

MAX_BATCH: Final = 1 << 20
"""Longest batch, in bytes."""
_LIMITS: Final = {CLOUDEVENT: MAX_BYTES, JSON: MAX_BYTES, BATCH: MAX_BATCH}
_BREATH: Final = 50
"""So many events are checked before others have their turn."""


@router.post(
    "/v1/reports",
    tags=["reports"],
    summary="Send reports",
    status_code=202,
    response_class=Response,
    responses=responses(REPORT_STORED),
    openapi_extra=REPORT_BODY,
)
async def send_reports(
    request: Request,
    who: Annotated[Principal, Depends(principal)],
) -> Response:
    """Stores a CloudEvent, or a batch of them: all or nothing.

    `202` when it is on disk, synced; `200` when the same was sent before, which changes nothing. Send again what was
    not answered, unchanged, with its id. A batch may name a report twice.
    """
    house = house_of(request)
    writing = house.writing
    try:
        kind = bodies.media_type(request, _LIMITS)
        limit = _LIMITS[kind]
        with writing.bodies.room(request) as room:
            body = await bodies.read(request, room, limit=limit, within=house.settings.web.body_patience)
            return await (_batch if kind == BATCH else _single)(request, house, who, body)
    except Problem as problem:
        outcome = {403: "forbidden", 429: "turned_away", 503: "turned_away"}.get(problem.status, "refused")
        writing.counts.report("unknown", outcome)
        raise


async def _single(request: Request, house: House, who: Principal, body: bytes) -> Response:
    found = _checked(request, house, body, signature=request.headers.get(HEADER))
    (sent,) = await house.writing.send([found.item])
    await _told(house, who, [found])
    house.writing.counts.report(found.report.reality, "known" if sent.duplicate else "stored")
    answer = {"id": sent.id, "stored": True, "duplicate": sent.duplicate}
    return _answer(200 if sent.duplicate else 202, orjson.dumps(answer))


async def _batch(request: Request, house: House, who: Principal, body: bytes) -> Response:
    events = split(body)
    if isinstance(events, Refusal):
        raise refused(events)
    found: list[Checked] = []
    for index, event in enumerate(events):
        found.append(_checked(request, house, event, index=index))
        if index % _BREATH == _BREATH - 1:
            await asyncio.sleep(0)
    sent = await house.writing.send([each.item for each in found])
    await _told(house, who, found)
    for checked, each in zip(found, sent, strict=True):
        house.writing.counts.report(checked.report.reality, "known" if each.duplicate else "stored")
    answer = [
        {"id": each.id, "status": 200 if each.duplicate else 202, "stored": True, "duplicate": each.duplicate}
        for each in sent
    ]
    return _answer(200 if all(each.duplicate for each in sent) else 202, orjson.dumps(answer))


def _checked(
    request: Request, house: House, event: bytes, *, index: int | None = None, signature: str | None = None
) -> Checked:
    """A report that is right, theirs to send, and of this node.

    Raises:
        Problem: 403, 413, 422. Of a batch it says which.
    """
    found = check_report(event, signature=signature)
    if isinstance(found, Refusal):
        raise refused(found, index=index)
    report = found.report
    try:
        may_report(request, report.subject, report.reality, report.kind)
    except Problem as problem:
        if index is not None:
            problem.more["index"] = index
        raise
    if not house.area.covers(report.kommun):
        elsewhere = Refusal("subject_mismatch", "subject", f"This node takes reports of {house.area.name}")
        raise refused(elsewhere, index=index)
    return found


async def _told(house: House, who: Principal, found: Sequence[Checked]) -> None:
    """Tell the audit before it is answered: of each reality and kommun the point, or of several points the kommun.

    They are stored by then: that a place runs short must not wait for the audit. Who sends it is told 503 while that is
    away, and sends it again.

    What machines send by themselves, each minute, is told of as a reading is; the reports are in the log.
    """
    acted: dict[tuple[Reality, str], set[str]] = {}
    for each in found:
        report = each.report
        if report.kind == "heartbeat" or "sensor" in {report.role, report.channel}:
            area = Area("kommun", report.kommun)
            house.audit.read(who, "report.signal", report.subject, area, report.reality)
        else:
            acted.setdefault((report.reality, report.kommun), set()).add(report.subject)
    for (reality, kommun), points in acted.items():
        on = next(iter(points)) if len(points) == 1 else kommun
        await house.audit.act(who, "report.submit", on, Area("kommun", kommun), reality)


def _answer(status: int, body: bytes) -> Response:
    return Response(body, status, {"cache-control": "no-store"}, JSON)
