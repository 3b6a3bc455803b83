"""Acts of people in the middle of faults: notes, given at the top and in kommuner, and where they must come."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from vardkase.rehearsal.cast import NATION, Cast, kommun_node
from vardkase.rehearsal.values import Orders
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.patient import PatientWriter
from vardkase.runtime.jetstream.values import scan
from vardkase.runtime.metrics import Metrics
from vardkase.runtime.setting_groups import WriterSettings
from vardkase.runtime.tasks import ended
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import NATION_CODE, Area
from vardkase_contracts.instants import to_datetime
from vardkase_contracts.orders import ORDER

_AT_ONCE: Final = 24
_LOOK: Final = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """A note that was given."""

    id: str
    nodes: frozenset[str]
    """The nodes that it must come to, by name."""


def note(number: int, area: Area, at: int) -> tuple[str, str, bytes]:
    """Id, subject and bytes of a note about an area.

    Args:
        number: of the note: makes its id.
        area: which it is about, and who gives it.
        at: the instant that it is given at, µs.
    """
    name = f"rehearsal-{number}"
    source = f"urn:tp:{area.level}:{area.code}:stab"
    order = ORDER.validate_python(
        {
            "specversion": "1.0",
            "id": name,
            "source": source,
            "type": "se.trygghetspunkt.order.note.v1",
            "subject": area.code,
            "time": to_datetime(at),
            "datacontenttype": "application/json",
            "reality": "act",
            "data": {"by": {"role": "stab", "level": area.level, "code": area.code}, "note": "Genrep"},
        }
    )
    return name, subjects.order("act", area, "note"), order.model_dump_json(exclude_unset=True).encode()


class Acts:
    """Gives notes, and sees where they came.

    Args:
        cast: who takes part.
        connections: to each node's account, by name.
        chance: chooses the kommuner.
    """

    def __init__(self, cast: Cast, connections: Mapping[str, Connection], chance: Random) -> None:
        self._cast = cast
        self._connections = connections
        self._chance = chance
        self._metrics = Metrics()
        self._given: list[Given] = []
        self._giving: set[asyncio.Task[None]] = set()

    def give(self, at: int) -> None:
        """One note at the top about the nation, one in some kommun about itself; stored when their servers are there.

        Args:
            at: what the time is at the nodes, µs.
        """
        cast, kommun = self._cast, self._chance.choice(self._cast.kommuner)
        top = frozenset(cast.areas)
        own = kommun_node(kommun)
        path = frozenset(node for node in (own, cast.parent(own), NATION) if node is not None)
        for node, area, nodes in (
            (NATION, Area("nation", NATION_CODE), top),
            (own, Area("kommun", kommun), path),
        ):
            name, subject, data = note(len(self._given) + 1, area, at)
            self._given.append(Given(id=name, nodes=nodes))
            message = Outgoing(subject=subject, data=data, message_id=name)
            writer = PatientWriter(self._connections[node], streams.ORDERS_UP, WriterSettings(), self._metrics)
            self._giving.add(asyncio.create_task(_store(writer, message), name=f"note {name}"))

    async def stored(self, within: float) -> bool:
        """Whether all that were given are stored where they were given; waited for so many seconds at the most."""
        if self._giving:
            await asyncio.wait(self._giving, timeout=within)
        return all(each.done() and each.exception() is None for each in self._giving)

    async def stop(self) -> None:
        """Give no more."""
        await ended(*self._giving)

    async def found(self, within: float) -> Orders:
        """Where they came; waited for so many seconds at most, since a link that was just mended has them to bring."""
        ends = time.monotonic() + within
        while (missing := await self._missing()) and time.monotonic() < ends:  # noqa: ASYNC110 -- it is far away
            await asyncio.sleep(_LOOK)
        return Orders(given=len(self._given), expected=sum(len(each.nodes) for each in self._given), lost=missing)

    async def _missing(self) -> int:
        """At how many places they are not."""
        missing = 0
        left = list(self._cast.areas)

        async def look() -> None:
            nonlocal missing
            while left:
                node = left.pop()
                wanted = {each.id for each in self._given if node in each.nodes}
                here = {
                    ORDER.validate_json(each.data).id
                    async for each in scan(self._connections[node], streams.ORDERS_DOWN, [])
                }
                missing += len(wanted - here)

        await asyncio.gather(*(look() for _ in range(_AT_ONCE)))
        return missing


async def _store(writer: PatientWriter, message: Outgoing) -> None:
    await writer.write_once([message])
