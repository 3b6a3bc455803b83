"""Where a world goes on after a restart: from what was last published, or from the log when that is gone."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import orjson
from nats.aio.client import Client

from vardkase.domain.codec import VERSIONED, load
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.values import last_values
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import Reality

from . import division
from .identities import Identities
from .pictures import PicturePublisher
from .publisher import Publisher
from .world import World

log = logging.getLogger(__name__)

#: The streams whose birth is remembered: another one of the same name is another stream.
_BIRTHS = (streams.REPORTS, streams.STATE)
#: What stands in a state's document beside what the clock adds.
_NOT_CLOCK = frozenset(
    {*VERSIONED, "id", "reality", "kommun", "lan", "registered", "retired", "version", "as_of", "cut"}
)


async def prepare(nc: Client, identities: Identities, reality: Reality, area: Area) -> bool:
    """See whether what is remembered fits the streams; when not, forget it, so that the log is read from its beginning.

    Returns:
        Whether the states in STATE can be gone on from.
    """
    births = {name: (await call(nc, f"STREAM.INFO.{name}"))["created"] for name in _BIRTHS}
    same = all(identities.fact(f"born/{name}") == born for name, born in births.items())
    if same and await division.fits(nc, identities, reality, area):
        return True
    if (await call(nc, f"STREAM.INFO.{streams.REPORTS}"))["state"]["last_seq"]:
        log.warning("reading the log from its beginning", extra={"reality": reality})
    identities.forget()
    await division.sweep(nc, reality, {})
    for name, born in births.items():
        identities.remember(f"born/{name}", born)
    identities.commit(0)
    return False


async def recall(
    world: World,
    publisher: Publisher,
    pictures: PicturePublisher,
    nc: Client,
    *,
    with_states: bool,
) -> None:
    """Take in what was last published of a reality.

    Args:
        world: to be filled.
        publisher: learns the last sequence of every subject.
        pictures: learns the last versions.
        nc: the node's account.
        with_states: whether the states are gone on from; else they are folded from the log.
    """
    reality, area = world.reality, world.area
    states = subjects.family_filters("state", reality, area)
    async for sequence, document in _documents(nc, streams.STATE, states):
        publisher.state_sequences[document["id"]] = sequence
        if with_states:
            clock = {name: value for name, value in document.items() if name not in _NOT_CLOCK}
            world.recall_state(load(document), clock)
            if document.get("cut"):
                world.doubt(document["id"])
    async for sequence, document in _documents(nc, streams.ALERTS, subjects.family_filters("alert", reality, area)):
        publisher.alert_sequences[document["key"]] = sequence
        world.recall_alert(document)
    async for _, document in _documents(nc, streams.PICTURES, subjects.family_filters("picture", reality, area)):
        pictures.recall(Area(document["level"], document["code"]), document)


async def _documents(nc: Client, stream: str, filters: Any) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    async for delivery in last_values(nc, stream, list(filters)):
        yield delivery.sequence, orjson.loads(delivery.data)
