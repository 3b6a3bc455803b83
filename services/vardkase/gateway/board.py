"""`/`: the operations board, its files, and what only it asks for; `/tillganglighet`: how accessible it is."""

from typing import Annotated, Final, Literal

import orjson
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from vardkase.runtime.clock import SystemClock
from vardkase_contracts.instants import SECOND, iso

from .access.dependencies import by_address, optional_principal, principal
from .boardfiles import PREFIX, board_files
from .house import House, house_of
from .negotiate import answer
from .principal import Principal
from .problems import Problem
from .service import readyz

router: Final = APIRouter(include_in_schema=False)

_HTML: Final = "text/html; charset=utf-8"
_FOREVER: Final = {"cache-control": "public, max-age=31536000, immutable"}
_NO_STORE: Final = {"cache-control": "no-store"}
_NAMED: Final = 3
"""How many faults of the node are told by name."""
_real: Final = SystemClock()


@router.get("/")
async def board(who: Annotated[Principal | None, Depends(optional_principal)]) -> Response:
    """The board. The page itself holds nothing restricted: what it shows, it asks for."""
    page = board_files().page("index.html", session="no" if who is None else "yes")
    return Response(page, 200, _NO_STORE, _HTML)


@router.get("/tillganglighet")
async def accessibility(
    _: Annotated[None, Depends(by_address)], sprak: Annotated[Literal["sv", "en"], Query()] = "sv"
) -> Response:
    """The accessibility statement that the law asks of Swedish authorities (2018:1937)."""
    name = "tillganglighet.html" if sprak == "sv" else "accessibility.html"
    return Response(board_files().page(name), 200, {"cache-control": "no-cache"}, _HTML)


@router.get(PREFIX + "/{version}/{path:path}")
async def file(request: Request, version: str, path: str, _: Annotated[None, Depends(by_address)]) -> Response:
    """A file of the board. Another version's is not here: the page that asks for it is another gateway's."""
    files = board_files()
    found = files.files.get(path) if version == files.version else None
    if found is None:
        raise Problem(404, "not_found", "there is no such file")
    return answer(request, found.data, found.etag, media_type=found.media_type, headers=_FOREVER, keep=True)


@router.get("/board/clock")
async def clock(request: Request, _: Annotated[Principal, Depends(principal)]) -> Response:
    """What time it is at the node, how fast its time goes, and whether the node is well.

    The board counts down by the node's clock: the computer that shows it may be wrong.
    """
    house = house_of(request)
    trouble = await _trouble(request)
    now, real = house.clock.now(), _real.now()
    told = {
        "now": iso(now),
        "real": iso(real),
        "speed": 1.0 if abs(now - real) < SECOND else _speed(house),
        "ready": trouble is None,
        "trouble": trouble,
    }
    return Response(orjson.dumps(told), 200, _NO_STORE, "application/json")


def _speed(house: House) -> float:
    """How fast a driven clock goes while it is away from real time."""
    return 1.0 if house.settings.clock_start is None else house.settings.clock_speed


async def _trouble(request: Request) -> str | None:
    """What is wrong with the node, by the names of its checks; None: nothing."""
    try:
        told = await readyz(request)
    except Problem as problem:
        return problem.detail
    if told.status_code == 200:
        return None
    try:
        checks = orjson.loads(bytes(told.body))["checks"]
        wrong = [str(check["name"]) for check in checks if not check["ok"] and check.get("needed", True)]
    except (ValueError, LookupError, TypeError):
        wrong = []
    return ", ".join(wrong[:_NAMED]) or "not ready"
