"""What a judgement changed, made durable: alerts first, then public, states last (docs/adr).

Alerts and states are written with the expected last sequence of their subject, so a second writer is refused: it ends
and reads everything anew.
"""

from collections.abc import Sequence

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


class Publisher:
    """Writes the effects of one reality."""

    def __init__(
        self, reality: Reality, nc: Client, public_nc: Client | None, settings: Settings, metrics: Metrics
    ) -> None:
        """Write over `nc`; to the public account over `public_nc`, or nothing public when there is none."""
        self._reality: Reality = reality
        self._alerts, self._states, self._pictures, self._rejected = (
            PatientWriter(nc, stream, settings.writer, metrics)
            for stream in (streams.ALERTS, streams.STATE, streams.PICTURES, streams.REJECTED)
        )
        self._public = None if public_nc is None else PatientWriter(public_nc, streams.PUBLIC, settings.writer, metrics)
        #: The last sequence of every subject in ALERTS (by key) and STATE (by point).
        self.alert_sequences: dict[str, int] = {}
        self.state_sequences: dict[str, int] = {}

    @property
    def trouble(self) -> str:
        """Why something cannot be written now; empty when all is well."""
        writers = (self._alerts, self._states, self._pictures, self._rejected, self._public)
        return next((writer.trouble for writer in writers if writer is not None and writer.trouble), "")

    async def publish(self, effects: Effects) -> None:
        """Make the effects durable, in order.

        Raises:
            WriteConflict: somebody else writes the same subjects.
        """
        await _compare_and_set(
            self._alerts,
            self.alert_sequences,
            [(key, subjects.alert(self._reality, key), orjson.dumps(doc)) for key, doc in effects.alerts.items()],
        )
        if self._public is not None:
            await self._public.write(
                Outgoing(subject=subjects.public(point[:4], point[5:]), data=orjson.dumps(doc))
                for point, doc in effects.public.items()
            )
        await _compare_and_set(
            self._states,
            self.state_sequences,
            [
                (point, subjects.state(self._reality, point[:4], point[5:]), orjson.dumps(doc))
                for point, doc in effects.states.items()
            ],
        )

    async def pictures(self, messages: Sequence[Outgoing]) -> None:
        """Publish pictures: made anew from the states at start, so nothing waits for them."""
        await self._pictures.write(messages)

    async def reject(self, events: Sequence[tuple[str, str, RejectedEvent]]) -> None:
        """Tell of refused messages, once each: subject, message id, event."""
        await self._rejected.write_once(
            Outgoing(subject=subject, message_id=message_id, data=event.model_dump_json(exclude_none=True).encode())
            for subject, message_id, event in events
        )


async def _compare_and_set(writer: PatientWriter, last: dict[str, int], items: list[tuple[str, str, bytes]]) -> None:
    sequences = await writer.write(
        Outgoing(subject=subject, data=data, expected=last.get(name, 0)) for name, subject, data in items
    )
    for (name, _, _), sequence in zip(items, sequences, strict=True):
        last[name] = sequence
