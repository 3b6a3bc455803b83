"""A log filled at once, with what intake would have written: for benches of those who read it."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from nats.aio.client import Client

from kit.storm import Sent
from vardkase.intake.memory import ORIGIN, RECEIVED
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.batches import MOST, Outgoing
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts import streams
from vardkase_contracts.instants import iso


async def fill_log(nc: Client, node: str, reports: Iterable[Sent]) -> int:
    """Put reports into REPORTS, repeats left out; how many it then holds."""
    writer = StreamWriter(nc, streams.REPORTS, batch=MOST)
    number = 0
    for some in _chunks(reports, MOST):
        await writer.write_once(
            [
                Outgoing(
                    subject=each.subject.replace(".report.", ".accepted.", 1),
                    data=each.data,
                    headers={RECEIVED: iso(each.at), ORIGIN: f"{node}/{number + place}"},
                    message_id=each.identity,
                )
                for place, each in enumerate(some, 1)
            ]
        )
        number += len(some)
    return (await stream_state(nc, streams.REPORTS))["messages"]


async def fill_intake(nc: Client, reports: Iterable[Sent]) -> int:
    """Publish reports at INTAKE as fast as it takes them, repeats and all; how many."""
    writer = StreamWriter(nc, streams.INTAKE, batch=MOST)
    number = 0
    for some in _chunks(reports, MOST):
        number += len(await writer.write([Outgoing(subject=each.subject, data=each.data) for each in some]))
    return number


async def stream_state(nc: Client, stream: str) -> dict[str, Any]:
    """What the server says of a stream's messages."""
    return (await call(nc, f"STREAM.INFO.{stream}"))["state"]


def _chunks(reports: Iterable[Sent], most: int) -> Iterator[list[Sent]]:
    one_by_one = iter(reports)
    while some := list(islice(one_by_one, most)):
        yield some
