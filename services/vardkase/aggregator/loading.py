"""Where a world goes on after a restart: from what was last published, or from the log when that is gone."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import orjson
from nats.aio.client import Client

from vardkase.domain.codec import VERSIONED, load
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.delivery import is_answer
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
    async for sequence, document, subject in _documents(nc, streams.STATE, states):
        if document is None:
            point = _point(subject)
            publisher.state_sequences[point] = sequence
            if with_states:
                world.doubt(point)
            continue
        publisher.state_sequences[document["id"]] = sequence
        if with_states:
            clock = {name: value for name, value in document.items() if name not in _NOT_CLOCK}
            world.recall_state(load(document), clock)
            if document.get("cut"):
                world.doubt(document["id"])
    alerts = subjects.family_filters("alert", reality, area)
    async for sequence, document, subject in _documents(nc, streams.ALERTS, alerts):
        if document is None:  # it is raised anew if it holds
            publisher.alert_sequences[subjects.alert_key(subject)] = sequence
            continue
        publisher.alert_sequences[document["key"]] = sequence
        world.recall_alert(document)
    async for _, document, _ in _documents(nc, streams.PICTURES, subjects.family_filters("picture", reality, area)):
        if document is not None:
            pictures.recall(Area(document["level"], document["code"]), document)


async def _documents(nc: Client, stream: str, filters: Any) -> AsyncIterator[tuple[int, dict[str, Any] | None, str]]:
    """Sequence, document and subject of the last values; None for what is no document: it is written over."""
    async for delivery in last_values(nc, stream, list(filters)):
        foreign = is_answer(delivery.data)
        if foreign:
            log.error("what stands here was not written by a service", extra={"subject": delivery.subject})
        yield delivery.sequence, None if foreign else orjson.loads(delivery.data), delivery.subject


def _point(subject: str) -> str:
    """The point, or the kommun itself, that a state's subject is about."""
    kommun, slug = subject.split(".")[-2:]
    return f"{kommun}-{slug}"
