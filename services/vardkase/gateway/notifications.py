"""Notifications that the node's receivers did not take: listed, and sent again. Made by the notifier; see there."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from vardkase.notifier.letters import Letter, Letters
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.bucket import BucketAway
from vardkase.runtime.jetstream.values import Incomplete
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import ALERT_LEVELS, REALITIES

from .access.asking import reality_of
from .access.dependencies import refuse
from .documented import JSON, answers, problem
from .filters import LIMIT, CodeQuery, LevelQuery, LimitQuery, RealityQuery, asked_area
from .house import House, house_of
from .principal import Principal, within
from .problems import Problem
from .reads import Who

router: Final = APIRouter(tags=["notifications"])

_NAME: Final = r"^[a-z0-9][a-z0-9-]{0,39}\.msg_[0-9a-f]{32}$"
_NOTIFICATION: Final[dict[str, Any]] = {
    "type": "object",
    "title": "DeadNotification",
    "description": "A notification that a receiver did not take, and that was given up.",
    "required": ["name", "receiver", "what", "key", "reality", "level", "at", "attempts", "reason", "resend"],
    "properties": {
        "name": {"type": "string", "description": "Names it."},
        "receiver": {"type": "string", "description": "The webhook's name, as the operator set it."},
        "what": {"enum": ["raised", "changed", "cleared"]},
        "key": {"type": "string", "description": "What it is about: `alert/act/power.lost/2480-x`."},
        "reality": {"enum": list(REALITIES)},
        "level": {"enum": list(ALERT_LEVELS)},
        "at": {"type": "string", "format": "date-time", "description": "When it was given up."},
        "attempts": {"type": "integer", "minimum": 0},
        "reason": {"type": "string", "description": "Why, in a line."},
        "resend": {"type": "boolean", "description": "Whether it is to be sent again now."},
    },
}
_LIST: Final = answers(
    {
        "type": "object",
        "required": ["notifications", "numberMatched"],
        "properties": {
            "notifications": {"type": "array", "items": _NOTIFICATION},
            "numberMatched": {"type": "integer", "minimum": 0},
        },
    },
    400,
    401,
    403,
    429,
    503,
    text="Those of an area, the newest first.",
)
_NAMED: Final = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
_ASKED: Final[dict[int | str, dict[str, Any]]] = {
    202: {
        "description": "It is sent again in a moment, and gone from the list once it was taken.",
        "content": {JSON: {"schema": _NAMED}},
    },
    **{status: problem(status) for status in (401, 403, 404, 429, 503)},
}
_NO_STORE: Final = {"cache-control": "no-store"}

NamePath = Annotated[str, Path(description="As the list has it.", pattern=_NAME)]


@router.get("/v1/notifications", summary="Notifications that were not taken", responses=_LIST, response_class=Response)
async def notifications(
    request: Request,
    who: Who,
    *,
    reality: RealityQuery = "act",
    level: LevelQuery = None,
    code: CodeQuery = None,
    limit: LimitQuery = LIMIT,
) -> Response:
    """What webhooks of this node did not take of an area's alerts. For the staff of the area."""
    house = house_of(request)
    area = asked_area(who, level, code)
    if not who.orders("ack", area, reality):
        refuse(request, "notification.list", area.code, area, reality)
    house.audit.read(who, "notification.list", area.code, area, reality)
    try:
        async with house.resuming:
            found = [_told(each) async for each in _letters(house).all() if each.reality == reality and _in(each, area)]
    except (ApiError, NoAnswer, Incomplete) as error:
        raise _away(error) from None
    body = {"notifications": found[::-1][:limit], "numberMatched": len(found)}
    return Response(orjson.dumps(body), 200, _NO_STORE, JSON)


@router.post(
    "/v1/notifications/{name}/resend",
    status_code=202,
    summary="Send a notification again",
    responses=_ASKED,
    response_class=Response,
)
async def resend(request: Request, who: Who, name: NamePath) -> Response:
    """It goes out again with the id and the content that it had."""
    house = house_of(request)
    if not who.orders("ack", who.area, reality_of(who)):
        refuse(request, "notification.resend", who.area.code, who.area, reality_of(who))
    letters = _letters(house)
    try:
        letter = await letters.get(name)
        if letter is None or not _theirs(letter, who):
            raise Problem(404, "no_such_notification", "There is no such notification among those of your area")
        if not await letters.ask(name, who.id):
            raise Problem(404, "no_such_notification", "There is no such notification any more")
    except (BucketAway, ValueError) as error:
        raise _away(error) from None
    await house.audit.act(who, "notification.resend", name, _area(letter), _reality(letter))
    return Response(orjson.dumps({"name": name}), 202, _NO_STORE, JSON)


def _letters(house: House) -> Letters:
    return Letters(house.bus)


def _theirs(letter: Letter, who: Principal) -> bool:
    return who.orders("ack", _area(letter), _reality(letter))


def _in(letter: Letter, area: Area) -> bool:
    return within(_area(letter), area)


def _area(letter: Letter) -> Area:
    """The innermost area that it is about."""
    return Area.parse(next(code for code in letter.areas if "-" not in code))


def _reality(letter: Letter) -> Any:
    return letter.reality


def _told(letter: Letter) -> dict[str, Any]:
    return {
        "name": letter.name,
        "receiver": letter.receiver,
        "what": letter.what,
        "key": letter.key,
        "reality": letter.reality,
        "level": letter.level,
        "at": letter.at,
        "attempts": letter.attempts,
        "reason": letter.reason,
        "resend": letter.resend is not None,
    }


def _away(error: Exception) -> Problem:
    return Problem(
        503, "not_now", f"The notifications cannot be reached now: {type(error).__name__}", headers={"retry-after": "2"}
    )
