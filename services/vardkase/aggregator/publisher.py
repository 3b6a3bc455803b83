"""What a judgement changed, made durable: alerts first, states last (docs/adr).

Alerts and states are written with the expected last sequence of their subject, so a second writer is refused: it ends
and reads everything anew.

What is longer than the server takes is left out, counted and told of: nothing of ours is, but on a server that takes
less than ours, and one point's mischief must not silence all others. Of a state that is too long, what it is without
its content stands in STATE, marked as `cut`: who starts from it folds it anew from the log.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import orjson
from nats.aio.client import Client

from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.errors import WriteConflict
from vardkase.runtime.jetstream.patient import PatientWriter
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams, subjects
from vardkase_contracts.refusals import RejectedEvent
from vardkase_contracts.vocab import Reality

from .effects import Effects
from .fitting import HEADERS, fits
from .overwritten import Item, Stands, stands
from .public_feed import PublicFeed

log: Final = logging.getLogger(__name__)

_TRIES: Final = 5
"""Times that documents are written over what is none, before the process begins anew."""
_FEW: Final = 8
"""So many messages of subjects of their own are written side by side and not as one atomic batch: the server makes some
files for each batch, which takes it as long as a dozen single messages take."""
_WRITTEN_AT_ONCE: Final = 500
"""States that are made into JSON at once."""
_NOTHING: Final[Mapping[str, Any]] = {
    "facts": {},
    "others": {},
    "timelines": {"reports": [], "aspects": {}, "known": {}},
    "cut": True,
}


class Publisher:
    """Writes the effects of one reality."""

    def __init__(
        self, reality: Reality, nc: Client, settings: Settings, metrics: Metrics, *, feed: PublicFeed | None = None
    ) -> None:
        """Write over `nc`; what the public may see goes to `feed`, or nowhere when there is none."""
        self._reality: Reality = reality
        self._nc = nc
        self._metrics = metrics
        self._alerts, self._states, self._pictures, self._rejected = (
            PatientWriter(nc, stream, settings.writer, metrics)
            for stream in (streams.ALERTS, streams.STATE, streams.PICTURES, streams.REJECTED)
        )
        self._feed = feed
        #: The last sequence of every subject in ALERTS (by key) and STATE (by point).
        self.alert_sequences: dict[str, int] = {}
        self.state_sequences: dict[str, int] = {}

    @property
    def trouble(self) -> str:
        """Why something cannot be written now; empty when all is well."""
        writers = (self._alerts, self._states, self._pictures, self._rejected)
        return next((writer.trouble for writer in writers if writer.trouble), "")

    async def announce(self, effects: Effects) -> None:
        """Make alerts durable, and have the public told. The states follow, by `keep`.

        Raises:
            WriteConflict: somebody else writes the same subjects.
        """
        alerts = [(key, subjects.alert(self._reality, key), orjson.dumps(doc)) for key, doc in effects.alerts.items()]
        fitting = [each for each in alerts if self._fits(streams.ALERTS, each[1], each[2])]
        await self._compare_and_set(streams.ALERTS, self._alerts, self.alert_sequences, fitting)
        if self._feed is not None:
            self._feed.tell(effects.public)

    async def keep(self, states: Mapping[str, dict[str, Any]]) -> None:
        """Make states durable, by the point's id. One call at a time.

        Raises:
            WriteConflict: somebody else writes the same subjects.
        """
        documents = iter(states.items())
        while some := list(islice(documents, _WRITTEN_AT_ONCE)):  # so that not all their JSON is in memory at once
            made = [(point, *self._state(point, doc)) for point, doc in some]
            await self._compare_and_set(streams.STATE, self._states, self.state_sequences, made)

    async def pictures(self, messages: Sequence[Outgoing]) -> None:
        """Publish pictures: made anew from the states at start, so nothing waits for them."""
        await self._pictures.write(self._fitting(streams.PICTURES, messages))

    async def reject(self, events: Sequence[tuple[str, str, RejectedEvent]]) -> None:
        """Tell of refused messages, once each: subject, message id, event. Their bytes are cut to what fits."""
        await self._rejected.write_once(
            Outgoing(subject=subject, message_id=message_id, data=self._rejection(event))
            for subject, message_id, event in events
        )

    async def _compare_and_set(
        self, stream: str, writer: PatientWriter, last: dict[str, int], items: Sequence[Item]
    ) -> None:
        """Write, unless somebody else has; what the server's answers stand in the place of is written over.

        Raises:
            WriteConflict: somebody else writes the same subjects.
        """
        for left in range(_TRIES, 0, -1):
            try:
                await _compare_and_set(writer, last, items)
            except WriteConflict:
                now = await stands(self._nc, stream, items)
                if left == 1 or now is None or not now.foreign or not _ours(now, last):
                    raise
                told = {"stream": stream, "documents": now.foreign}
                log.error("what stands here was not written by a service: written over", extra=told)  # noqa: TRY400
                last |= now.sequences
                items = now.left
            else:
                return

    def _state(self, point: str, document: Mapping[str, Any]) -> tuple[str, bytes]:
        """The subject of a state and its document; of one that is too long, what it is without its content."""
        subject = subjects.state(self._reality, point[:4], point[5:])
        data = orjson.dumps(document)
        return subject, data if self._fits(streams.STATE, subject, data) else orjson.dumps({**document, **_NOTHING})

    def _rejection(self, event: RejectedEvent) -> bytes:
        data = event.model_dump_json(exclude_none=True).encode()
        over = len(data) + HEADERS - self._nc.max_payload
        if over <= 0:
            return data
        kept = max(0, len(event.data.bytes) - over) // 4 * 4  # base64 is whole in fours
        cut = event.data.model_copy(update={"bytes": event.data.bytes[:kept]})
        return event.model_copy(update={"data": cut}).model_dump_json(exclude_none=True).encode()

    def _fitting(self, stream: str, messages: Iterable[Outgoing]) -> list[Outgoing]:
        return [each for each in messages if self._fits(stream, each.subject, each.data)]

    def _fits(self, stream: str, subject: str, data: bytes) -> bool:
        return fits(self._nc, self._metrics, stream, subject, data)


def _ours(now: Stands, last: Mapping[str, int]) -> bool:
    """Whether nothing but answers of the server has come where these stand since they were last written."""
    others = sum(now.sequences[name] != last.get(name, 0) for name, _, _ in now.left)
    return others == now.foreign


async def _compare_and_set(writer: PatientWriter, last: dict[str, int], items: Sequence[Item]) -> None:
    messages = [Outgoing(subject=subject, data=data, expected=last.get(name, 0)) for name, subject, data in items]
    if len(messages) <= _FEW:
        # All are waited for, also when one is refused: what is under way would be stored unseen.
        written = await asyncio.gather(*(writer.write([message]) for message in messages), return_exceptions=True)
        if (fault := next((each for each in written if isinstance(each, BaseException)), None)) is not None:
            raise fault
        sequences = [each for some in written if not isinstance(some, BaseException) for each in some]
    else:
        sequences = await writer.write(messages)
    for (name, _, _), sequence in zip(items, sequences, strict=True):
        last[name] = sequence
