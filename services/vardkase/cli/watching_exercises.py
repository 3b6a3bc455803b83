"""Keeps what is watched up to date on exercises: read anew from the node's orders now and then."""

import asyncio
from typing import Final

import nats.errors

from vardkase.aggregator.rules_file import load_rules
from vardkase.cli.node import Node, connection_of
from vardkase.cli.watching import Watching
from vardkase.exercise import log
from vardkase.federation.landing import look
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.values import Incomplete
from vardkase_contracts import streams

EVERY: Final = 5.0
"""Seconds between two looks: so late an abort is seen."""
_UNKNOWN: Final = "Övningar kan inte läsas här."


async def follow_exercises(node: Node, found: Watching, *, once: bool = False) -> None:
    """Read the exercises every few seconds, for ever; what was known stands while they cannot be read.

    Args:
        node: which.
        found: what is watched.
        once: read them once, and end.

    Raises:
        Failed: the node cannot be reached.
    """
    connection = await connection_of(node)
    try:
        while True:
            await _read(connection, found)
            if once:
                return
            await asyncio.sleep(EVERY)
    finally:
        await connection.close()


async def _read(connection: Connection, found: Watching) -> None:
    try:
        federated = await look(connection, streams.ORDERS_DOWN) is not None
        given = await log.orders(connection, load_rules(None), federated=federated, kinds=("exercise",))
    except (ApiError, NoAnswer, Incomplete, nats.errors.Error):
        found.trouble = _UNKNOWN  # who may not read orders, or a node that is away: the screen says so itself
    else:
        found.exercises, found.trouble = log.exercises_of(given), None
    found.changed.set()
