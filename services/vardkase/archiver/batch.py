"""Messages on their way into one table: made into rows while the database is still busy with those before them."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from vardkase.runtime.jetstream.delivery import Delivery

from .session import Misfits
from .tables import Row, Table, Unfit

_AT_ONCE: Final = 100
"""Messages that are made into rows before others get their turn."""


class Batch(NamedTuple):
    """A batch of one stream's life."""

    born: str
    """When the stream was made, as the server tells it."""
    everything: Sequence[Delivery]
    """In the order of the stream; never empty."""
    rows: list[Row]
    deliveries: list[Delivery]
    """Of each row."""
    misfits: list[Misfits]
    """Those that have no row."""

    @property
    def last(self) -> Delivery:
        """Acknowledged when all is stored."""
        return self.everything[-1]


async def prepare(table: Table, stream: str, born: str, deliveries: Sequence[Delivery]) -> Batch:
    """Make rows of messages; others get their turn meanwhile."""
    batch = Batch(born, deliveries, [], [], [])
    for start in range(0, len(deliveries), _AT_ONCE):
        for delivery in deliveries[start : start + _AT_ONCE]:
            try:
                row = table.row(delivery, stream)
            except Unfit as error:
                batch.misfits.append(Misfits(delivery, str(error)))
            else:
                batch.rows.append(row)
                batch.deliveries.append(delivery)
        await asyncio.sleep(0)
    return batch
