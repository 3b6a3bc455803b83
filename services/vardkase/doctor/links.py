"""The links to other nodes, by what lands here: is every neighbour's stream read, and does it come?"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from nats.aio.client import Client

from vardkase.doctor.finding import Findings
from vardkase.doctor.server import ASK_S
from vardkase.federation import landing, linkage
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call

_MANY: Final = 10_000
"""Messages on their way here before it is told of, though they come."""
_DOWN: Final = "går den andra noden, och når de varandra? docs/operations/federation.md, Links"
_MENDS: Final = "noden läser om den själv inom några sekunder; är det kvar: se readyz och nodens logg, starta om noden"


async def examine(found: Findings, nc: Client) -> None:
    """Each stream that a neighbour's lands in; nothing is told of a node that is alone.

    Raises:
        ApiError, NoAnswer: the streams' names cannot be asked for.
    """
    names = await linkage.landings(nc)
    looked = await asyncio.gather(*(_look(nc, each) for each in names))
    for name, info in zip(names, looked, strict=True):
        check = f"link {name}"
        if isinstance(info, Exception):
            found.error(check, f"kan inte ses: {info}", "läs NATS logg")
        else:
            _landing(found, check, info)


def _landing(found: Findings, check: str, info: Mapping[str, Any]) -> None:
    sources: list[Mapping[str, Any]] = info.get("sources") or []
    if not info["config"].get("sources"):
        # So it is from the server's start until the other node has answered.
        found.warning(check, "ingenting läses: den andra noden har inte svarat sedan noden startade", _DOWN)
        return
    active = min((each.get("active", -1) for each in sources), default=-1) / 1e9
    lag = sum(each.get("lag", 0) for each in sources)
    fault = next((each["error"].get("description") for each in sources if each.get("error")), None)
    if fault:
        found.error(check, f"läsningen står: {fault}", _MENDS)
    elif not 0 <= active <= landing.HEARD:
        told = "aldrig" if active < 0 else f"senast för {active:.0f} s sedan"
        found.warning(check, f"inget hörs av den andra noden ({told})", _DOWN)
    elif lag > _MANY:
        found.warning(check, f"{lag} meddelanden på väg", "en kö betas av; blir den inte kortare: är disken full?")
    else:
        found.ok(check, f"hörs; {lag} på väg")


async def _look(nc: Client, name: str) -> Mapping[str, Any] | Exception:
    try:
        return await call(nc, f"STREAM.INFO.{name}", within=ASK_S)
    except (ApiError, NoAnswer) as error:
        return error
