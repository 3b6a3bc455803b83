"""What a judgement changed, made durable: alerts first, states last (docs/adr).

Alerts and states are written with the expected last sequence of their subject, so a second writer is refused: it ends
and reads everything anew.

What is longer than the server takes is left out, counted and told of: nothing of ours is, but on a server that takes
less than ours, and one point's mischief must not silence all others. Of a state that is too long, what it is without
its content stands in STATE, marked as `cut`: who starts from it folds it anew from the log.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import orjson
from nats.aio.client import Client

from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.patient import PatientWriter
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.settings import Settings
from vardkase_contracts import streams, subjects
from vardkase_contracts.refusals import RejectedEvent
from vardkase_contracts.vocab import Reality

from .effects import Effects
from .fitting import HEADERS, fits
from .public_feed import PublicFeed

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
        await _compare_and_set(
            self._alerts,
            self.alert_sequences,
            [each for each in alerts if self._fits(streams.ALERTS, each[1], each[2])],
        )
        if self._feed is not None:
            self._feed.tell(effects.public)

    async def keep(self, states: Mapping[str, dict[str, Any]]) -> None:
        """Make states durable, by the point's id. One call at a time.

        Raises:
            WriteConflict: somebody else writes the same subjects.
        """
        documents = iter(states.items())
        while some := list(islice(documents, _WRITTEN_AT_ONCE)):  # so that not all their JSON is in memory at once
            await _compare_and_set(
                self._states, self.state_sequences, [(point, *self._state(point, doc)) for point, doc in some]
            )

    async def pictures(self, messages: Sequence[Outgoing]) -> None:
        """Publish pictures: made anew from the states at start, so nothing waits for them."""
        await self._pictures.write(self._fitting(streams.PICTURES, messages))

    async def reject(self, events: Sequence[tuple[str, str, RejectedEvent]]) -> None:
        """Tell of refused messages, once each: subject, message id, event. Their bytes are cut to what fits."""
        await self._rejected.write_once(
            Outgoing(subject=subject, message_id=message_id, data=self._rejection(event))
            for subject, message_id, event in events
        )

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


async def _compare_and_set(writer: PatientWriter, last: dict[str, int], items: list[tuple[str, str, bytes]]) -> None:
    messages = [Outgoing(subject=subject, data=data, expected=last.get(name, 0)) for name, subject, data in items]
    if len(messages) <= _FEW:
        sequences = [each for (each,) in await asyncio.gather(*(writer.write([message]) for message in messages))]
    else:
        sequences = await writer.write(messages)
    for (name, _, _), sequence in zip(items, sequences, strict=True):
        last[name] = sequence
