"""Reading what a stream holds: the last value of every subject, or everything in order. Complete, or an error."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from nats.aio.client import Client

from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.pull import PullLine
from vardkase_contracts.instants import iso

_BATCH: Final = 500
_BUFFER: Final = 4000
_HEARTBEAT: Final = 1.0
_SILENT: Final = 3.0
"""Seconds without a sign of the server after which the reading is begun anew."""
_IDLE: Final = 0.25
"""Seconds without a message after which it is asked whether any is left."""
_ATTEMPTS: Final = 5
"""How often in a row a reading that brings nothing is begun anew."""
_UNUSED_NS: Final = 30_000_000_000
"""A consumer that nobody asks any more is removed by the server after so long."""


class Incomplete(Exception):  # noqa: N818 -- what it is
    """The stream could not be read to the end; what was handed out is not all."""


async def last_values(nc: Client, stream: str, filters: Sequence[str]) -> AsyncGenerator[Delivery, None]:
    """The last message of every subject, oldest first; any number of subjects.

    A subject that is written to meanwhile may come twice, the newer one later. When it ends, everything that was there
    at the beginning, or something newer on the same subject, was handed out.

    Args:
        nc: a connection.
        stream: the stream's name.
        filters: subjects; they must not overlap. Empty: all.

    Raises:
        Incomplete: the end could not be reached.
        ApiError: the server refuses (there is no such stream).
    """
    config = {"deliver_policy": "last_per_subject"}
    async for one in _read(nc, stream, filters or [">"], config, end=None, again=config):
        yield one


async def scan(
    nc: Client,
    stream: str,
    filters: Sequence[str],
    *,
    start: int = 1,
    end: int | None = None,
    since: int | None = None,
    headers_only: bool = False,
) -> AsyncGenerator[Delivery, None]:
    """Everything in order, each message once.

    Args:
        nc: a connection.
        stream: the stream's name.
        filters: subjects; they must not overlap. Empty: all.
        start: the first sequence.
        end: the last sequence; None is the stream's last one now.
        since: only what was stored at this instant (µs since the epoch) or later.
        headers_only: without the payloads.

    Raises:
        Incomplete: the end could not be reached.
        ApiError: the server refuses (there is no such stream).
    """
    if end is None:
        info = await call(nc, f"STREAM.INFO.{stream}")
        end = info["state"]["last_seq"]
    again: dict[str, Any] = {"headers_only": headers_only, "deliver_policy": "by_start_sequence"}
    first = again | {"opt_start_seq": max(1, start)}
    if since is not None:
        first = again | {"deliver_policy": "by_start_time", "opt_start_time": iso(since)}
    if end is not None and start > end:
        return
    async for one in _read(nc, stream, filters, first, end=end, again=again):
        if one.sequence >= start:
            yield one


async def _read(  # noqa: C901 -- one loop, read from top to bottom
    nc: Client,
    stream: str,
    filters: Sequence[str],
    first: Mapping[str, Any],
    *,
    end: int | None,
    again: Mapping[str, Any],
) -> AsyncGenerator[Delivery, None]:
    """Read by consumers made for it: when one breaks, by another, from after the last message handed out."""
    last, attempts, reason, config = 0, 0, "", dict(first)
    while attempts < _ATTEMPTS:
        if attempts:
            await asyncio.sleep(0.1 * 2**attempts)
        try:
            consumer = await _consumer(nc, stream, filters, config)
        except NoAnswer as error:
            attempts, reason = attempts + 1, str(error)
            continue
        line = PullLine(
            nc, stream=stream, consumer=consumer["name"], buffer=_BUFFER, heartbeat=_HEARTBEAT, known=_upto(last)
        )
        done = not consumer["num_pending"]
        try:
            await line.open()
            while not done and not (reason := _broken(line)):
                for one in line.take(_BATCH):
                    attempts = 0
                    if end is not None and one.sequence > end:
                        done = True
                        break
                    last = one.sequence
                    yield one
                    done = one.sequence == end or not one.pending
                    if done:
                        break
                else:
                    await line.fill()
                    done = await _ended(nc, stream, consumer["name"], line)
        except NoAnswer as error:
            reason = str(error)
        finally:
            await line.remove()
        if done:
            return
        attempts += 1
        config = dict(again)
        if again.get("deliver_policy") == "by_start_sequence":
            config["opt_start_seq"] = last + 1
    raise Incomplete(f"the stream {stream} could not be read beyond {last}: {reason}")


def _upto(last: int) -> Any:
    return lambda sequence: sequence <= last


async def _consumer(nc: Client, stream: str, filters: Sequence[str], config: Mapping[str, Any]) -> dict[str, Any]:
    name = f"scan-{uuid4().hex}"
    wanted = {
        "name": name,
        "ack_policy": "none",
        "replay_policy": "instant",
        "max_deliver": 1,
        "mem_storage": True,
        "num_replicas": 1,
        "inactive_threshold": _UNUSED_NS,
        **({"filter_subjects": list(filters)} if filters else {}),
        **config,
    }
    request = {"stream_name": stream, "config": wanted, "action": "create"}
    return await call(nc, f"CONSUMER.CREATE.{stream}.{name}", request)


def _broken(line: PullLine) -> str:
    if line.trouble is not None:
        return line.trouble
    silent = time.monotonic() - line.heard if line.asking else 0.0
    return f"nothing heard for {silent:.1f} s" if silent > _SILENT else ""


async def _ended(nc: Client, stream: str, consumer: str, line: PullLine) -> bool:
    """Wait for more. True when there is no more: what was left has meanwhile been removed or replaced."""
    if len(line):
        return False
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_IDLE):
            await line.arrived.wait()
        return False
    if line.lost():
        raise NoAnswer("a message did not arrive")
    try:
        info = await call(nc, f"CONSUMER.INFO.{stream}.{consumer}")
    except ApiError as error:
        raise NoAnswer(str(error)) from error  # the server was restarted, and the consumer with it
    return not info["num_pending"] and info["delivered"]["consumer_seq"] == line.received and not len(line)
