"""How a reality's log is divided into parts, and how far each was read: kept from one run to the next."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from nats.aio.client import Client

from vardkase.runtime.jetstream.api import CONSUMER_NOT_FOUND, ApiError, call
from vardkase_contracts import streams
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import Reality

from .identities import Identities, position_fact
from .parts import Part, durable, parts, positions

log: Final = logging.getLogger(__name__)

_CHILDREN: Final = "children"
"""The fact that tells which children had parts of their own: a list of codes in JSON."""


def remembered(identities: Identities, area: Area) -> dict[str, Part]:
    """The parts that the log was read in last."""
    return parts(area, json.loads(identities.fact(_CHILDREN) or "[]"))


async def fits(nc: Client, identities: Identities, reality: Reality, area: Area) -> bool:
    """Whether nothing was acknowledged in any part that is not remembered: else the memory is an older copy."""
    for name in remembered(identities, area):
        if await _acknowledged(nc, durable(reality, name)) > identities.position(name):
            return False
    return True


async def divide(
    nc: Client, identities: Identities, reality: Reality, area: Area, children: Sequence[str]
) -> dict[str, Part]:
    """Read the log in these parts from now on. What is new among them begins where nothing is left out.

    Nobody may be reading the parts that change, and all that they have merged must be settled.

    Returns:
        The parts, by name.
    """
    before, after = remembered(identities, area), parts(area, children)
    known = {name: identities.position(name) for name in before}
    if before != after:
        log.info("the log is read in %d parts", len(after), extra={"reality": reality})
        reached = positions(before, known, after)
        # First what the server remembers, which may be further: without a consumer a reader begins after its position.
        await remove(nc, reality, [name for name in {*before, *after} if before.get(name) != after.get(name)])
        facts: dict[str, str | None] = {position_fact(name): None for name in before.keys() - after.keys()}
        await identities.settle_facts(reached, facts | {_CHILDREN: json.dumps(list(children))})
    return after


async def remove(nc: Client, reality: Reality, names: Iterable[str]) -> None:
    """Remove the consumers of parts, as far as they are there."""
    for name in names:
        try:
            await call(nc, f"CONSUMER.DELETE.{streams.REPORTS}.{durable(reality, name)}")
        except ApiError as error:
            if error.err_code != CONSUMER_NOT_FOUND:
                raise


async def sweep(nc: Client, reality: Reality, kept: Mapping[str, Part]) -> None:
    """Remove the consumers of parts that are no more: of a run whose memory was lost, say."""
    own = durable(reality, "")
    prefix, offset = f"{own}-", 0
    while True:
        answer: dict[str, Any] = await call(nc, f"CONSUMER.NAMES.{streams.REPORTS}", {"offset": offset})
        found: list[str] = answer.get("consumers") or []
        gone = [each.removeprefix(prefix) for each in found if each.startswith(prefix)]
        gone += ["" for each in found if each == own]
        await remove(nc, reality, [name for name in gone if name not in kept])
        offset += len(found)
        if not found or offset >= answer["total"]:
            return


async def _acknowledged(nc: Client, consumer: str) -> int:
    try:
        info = await call(nc, f"CONSUMER.INFO.{streams.REPORTS}.{consumer}")
    except ApiError as error:
        if error.err_code != CONSUMER_NOT_FOUND:
            raise
        return 0
    return info["ack_floor"]["stream_seq"]
