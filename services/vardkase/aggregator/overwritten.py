"""What stands where an alert or a state was to be written and was not: another writer's word, or nobody's.

An answer of the server that somebody had sent there (`is_answer`) is nobody's word, and no reason to end: it is written
over. Anything else is a second writer.
"""

import asyncio
import base64
import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from nats.aio.client import Client

from vardkase.runtime.jetstream.api import MESSAGE_NOT_FOUND, ApiError, NoAnswer, call
from vardkase.runtime.jetstream.delivery import is_answer

log: Final = logging.getLogger(__name__)

_AT_ONCE: Final = 50
"""Questions under way."""

Item = tuple[str, str, bytes]
"""Name, subject and bytes of a document."""


class Stands(NamedTuple):
    """What stands there now."""

    sequences: dict[str, int]
    """The last sequence of each, by name."""
    left: list[Item]
    """What is to be written still: the others stand there already, as they were to."""
    foreign: int
    """How many answers of the server stand where documents stood."""


async def stands(nc: Client, stream: str, items: Sequence[Item]) -> Stands | None:
    """What stands where these were to be written; None when it cannot be told.

    Args:
        nc: a connection.
        stream: where they were to be written.
        items: what was to be written.
    """
    sequences: dict[str, int] = {}
    left: list[Item] = []
    foreign = 0
    for start in range(0, len(items), _AT_ONCE):
        some = items[start : start + _AT_ONCE]
        try:
            found = await asyncio.gather(*(_last(nc, stream, subject) for _, subject, _ in some))
        except (ApiError, NoAnswer, ValueError, LookupError) as error:
            log.warning("what stands in %s cannot be seen: %s", stream, error)
            return None
        for item, (sequence, data) in zip(some, found, strict=True):
            sequences[item[0]] = sequence
            if sequence == 0 or data != item[2]:
                left.append(item)
                foreign += sequence > 0 and is_answer(data)
    return Stands(sequences, left, foreign)


async def _last(nc: Client, stream: str, subject: str) -> tuple[int, bytes]:
    try:
        told = (await call(nc, f"STREAM.MSG.GET.{stream}", {"last_by_subj": subject}))["message"]
    except ApiError as error:
        if error.err_code == MESSAGE_NOT_FOUND:
            return 0, b""
        raise
    return int(told["seq"]), base64.b64decode(told.get("data", ""))
