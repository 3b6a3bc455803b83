"""`POST /v1/lines`: one-line reports, as they came by SMS, Rakel or telephone; what was understood is told back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from vardkase.registry.numbers import Numbered, point_of
from vardkase_contracts.areas import Area
from vardkase_contracts.oneline import LONGEST, Line, LineError, normal, parse, reports, sentence
from vardkase_contracts.oneline.reports import LineChannel
from vardkase_contracts.refusals import Refusal

from .access.dependencies import may_report, principal, refuse
from .house import House, house_of
from .live import World
from .principal import Principal
from .problems import Problem
from .writing import bodies
from .writing.documented import JSON, LINE_BODY, LINES_STORED, responses
from .writing.items import Checked, check_report, refused
from .writing.sender import Sent

router: Final = APIRouter()

MOST: Final = 20
"""Lines in one request."""
_PLAIN: Final = "text/plain"
_LIMIT: Final = MOST * LONGEST * 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Understood:
    """A line, the point that it is about, and the reports that it makes."""

    line: Line
    point: str
    text: str
    """What is read back."""
    made: tuple[Checked, ...]

    def told(self, sent: Sequence[Sent]) -> dict[str, Any]:
        """As it is answered."""
        known = {each.id: each.duplicate for each in sent}
        return {
            "line": normal(self.line),
            "text": self.text,
            "point": self.point,
            "reality": self.line.reality,
            "reports": [
                {"id": each.item.id, "kind": each.report.kind} | ({"duplicate": known[each.item.id]} if sent else {})
                for each in self.made
            ],
        }


@router.post(
    "/v1/lines",
    tags=["reports"],
    summary="Send one-line reports",
    status_code=202,
    response_class=Response,
    responses=responses(LINES_STORED),
    openapi_extra=LINE_BODY,
)
async def send_lines(
    request: Request,
    who: Annotated[Principal, Depends(principal)],
    channel: Annotated[LineChannel, Query(description="By what they came.")] = "sms",
    *,
    dry_run: Annotated[bool, Query(description="Tell what is understood, and store nothing.")] = False,
) -> Response:
    """Stores what one-line reports say (`text/plain`, UTF-8, each on a line of its own): all or nothing.

    The answer says what was understood of each: a sentence to read back, and the line in its normal form. `202` when it
    is on disk; `200` when all of it was known, or nothing was to be stored (`dry_run`). The same line again, in other
    words too, is the same reports.
    """
    house = house_of(request)
    counts = house.writing.counts
    try:
        bodies.media_type(request, (_PLAIN,))
        with house.writing.bodies.room(request) as room:
            body = await bodies.read(request, room, limit=_LIMIT, within=house.settings.web.body_patience)
        found = _all_of(request, house, who, body, channel)
        sent = [] if dry_run else await store(house, who, found)
    except Problem as problem:
        outcome = {403: "forbidden", 429: "turned_away", 503: "turned_away"}.get(problem.status, "refused")
        counts.line("unknown", outcome)
        raise
    known = all(each.duplicate for each in sent)
    answer = {"stored": not dry_run, "lines": [each.told(sent) for each in found]}
    return Response(orjson.dumps(answer), 200 if known else 202, {"cache-control": "no-store"}, JSON)


def understand(
    request: Request, house: House, who: Principal, text: str, channel: LineChannel
) -> Understood | LineError:
    """What a line says, if whoever sends it may say it.

    Raises:
        Problem: 403. 422: it is of another node.
    """
    now = house.clock.now()
    line = parse(text, now)
    if isinstance(line, LineError):
        return line
    point = point_of(line.no, line.kommun, _register(house, line))
    if isinstance(point, LineError):
        # Whether a number is in a register is told to nobody who may not report to it.
        kommun = Area("kommun", line.kommun)
        if not who.reports(f"{line.kommun}-_", line.reality, "confirm"):
            refuse(request, "report.line", line.kommun, kommun, line.reality)
        if not house.area.covers(line.kommun):
            raise _elsewhere(house)
        return point
    made: list[Checked] = []
    for event in reports(line, point.id, channel):
        checked = check_report(event, once=True)
        if isinstance(checked, Refusal):
            raise refused(checked)
        may_report(request, point.id, line.reality, checked.report.kind)
        made.append(checked)
    if not house.area.covers(line.kommun):
        raise _elsewhere(house)
    return Understood(line=line, point=point.id, text=sentence(line, now, point.name), made=tuple(made))


async def store(house: House, who: Principal, found: Sequence[Understood]) -> list[Sent]:
    """Store what lines say, all or nothing; it is on disk, and in the audit, when this returns.

    Raises:
        Problem: 503, and the same may be sent again.
    """
    sent = await house.writing.send([each.item for understood in found for each in understood.made])
    for each in found:
        area = Area("kommun", each.line.kommun)
        await house.audit.act(who, "report.submit", each.point, area, each.line.reality)
    realities = [each.line.reality for each in found for _ in each.made]
    for reality, each in zip(realities, sent, strict=True):
        house.writing.counts.line(reality, "known" if each.duplicate else "stored")
    return sent


def wrong(error: LineError, *, index: int | None = None) -> Problem:
    """What is wrong with a line, as an answer: the word, its place, and what was expected there.

    Args:
        error: of the line.
        index: its place among several, from 0.
    """
    more: dict[str, Any] = {"token": error.token, "place": error.place, "expected": error.expected}
    if index is not None:
        more["index"] = index
    return Problem(422, "line", str(error), field=f"word {error.place}", **more)


def _all_of(request: Request, house: House, who: Principal, body: bytes, channel: LineChannel) -> list[Understood]:
    try:
        texts = [each for each in body.decode().splitlines() if each.strip()]
    except UnicodeDecodeError:
        raise Problem(422, "not_text", "Should be text in UTF-8") from None
    if len(texts) > MOST:
        raise Problem(413, "too_large", f"At most {MOST} lines", reason="too_large")
    found: list[Understood] = []
    for index, text in enumerate(texts or [""]):
        one = understand(request, house, who, text, channel)
        if isinstance(one, LineError):
            raise wrong(one, index=index if len(texts) > 1 else None)
        found.append(one)
    return found


def _register(house: House, line: Line) -> Iterator[Numbered]:
    """The points of a line's kommun: an exercise reads the register of the real world where it has none of its own."""
    area = Area("kommun", line.kommun)
    worlds: list[World] = [house.live.worlds[line.reality], house.live.worlds["act"]]
    for point in {each.id: None for world in worlds for each in world.points_of(area)}:
        held = house.live.profile(line.reality, point)
        if held is None or held.retired or not held.registered:
            continue
        profile = (held.document["facts"].get("profile") or {}).get("value") or {}
        yield Numbered(point, held.name or point, profile.get("no"))


def _elsewhere(house: House) -> Problem:
    return refused(Refusal("subject_mismatch", "subject", f"This node takes reports of {house.area.name}"))
