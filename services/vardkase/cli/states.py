"""The points of an area as their states tell them, read from a node's NATS: for commands that reckon with them."""

from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import nats.errors
import orjson

from vardkase.cli.node import Node, client_of, connection_of
from vardkase.cli.watching import node_now
from vardkase.domain.codec import load
from vardkase.domain.forecast.evidence import Evidence, gather
from vardkase.domain.forecast.limits import cold_limits
from vardkase.domain.forecast.points import Forecast, conclude
from vardkase.domain.tables import Tables
from vardkase.gateway.documents import Held, Point, trimmed
from vardkase.gateway.foresight.routes import in_use
from vardkase.runtime.errors import Failed
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.values import Incomplete, last_values
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import from_datetime
from vardkase_contracts.vocab import Reality

MOST: Final = 100_000
"""Most states of an area."""


@dataclass(frozen=True, kw_only=True, slots=True)
class States:
    """An area's states, and the node's time (µs)."""

    now: int
    points: tuple[Point, ...]
    """Kommuner themselves among them."""
    evidence: dict[str, Evidence]

    def foreseen(self, tables: Tables | None) -> list[tuple[Point, tuple[Forecast, ...]]]:
        """Of each point in use, what is foreseen.

        Args:
            tables: whose limits of warmth are looked at; None: warmth is not.
        """
        return [
            (
                point,
                conclude(
                    self.evidence[point.id],
                    self.now,
                    cold_c=() if tables is None else cold_limits(tables.of_point(point.id)),
                ),
            )
            for point in self.points
            if in_use(point) and point.id in self.evidence
        ]


async def states_of(node: Node, area: Area, reality: Reality) -> States:
    """Read them, once.

    Raises:
        Failed: they cannot be read.
    """
    async with client_of(node) as client:
        now = from_datetime(await node_now(client, area, reality))
    points: dict[str, Point] = {}
    evidence: dict[str, Evidence] = {}
    nc = await connection_of(node)
    try:
        filters = subjects.family_filters("state", reality, area)
        async with aclosing(last_values(nc, streams.STATE, filters)) as found:
            async for one in found:
                document = orjson.loads(one.data)
                if not document.get("cut"):
                    evidence[document["id"]] = gather(load(document))
                points[document["id"]] = Point(document, Held(one.sequence, one.stored_at, trimmed(document), ""))
                if len(points) > MOST:
                    raise Failed(f"there are more than {MOST} points: ask about a smaller area")
    except (Incomplete, ApiError, NoAnswer, nats.errors.Error) as error:
        raise Failed(f"the states cannot be read: {error}") from None
    except (ValueError, LookupError, TypeError) as error:
        raise Failed(f"a state cannot be read: {error!r}") from None
    finally:
        await nc.close()
    return States(now=now, points=tuple(points.values()), evidence=evidence)
