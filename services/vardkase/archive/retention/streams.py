"""The streams that may be shortened as the archive is: those from which nothing is folded, as far as they are archived.

AUDIT and REJECTED are. REPORTS is the truth that states are folded from, ORDERS_UP and ORDERS_DOWN are read whole at
each start, ALERTS tells what was published last of each alert; STATE, PICTURES and PUBLIC keep the last value alone,
and INTAKE keeps seven days by itself.
"""

from typing import Final

from nats.aio.client import Client

from vardkase.runtime.jetstream.api import call
from vardkase_contracts import streams
from vardkase_contracts.client import new_id
from vardkase_contracts.instants import iso

from .policy import Class

SHORTENED: Final[dict[Class, str]] = {"audit": streams.AUDIT, "rejected": streams.REJECTED}


async def reach(nc: Client, stream: str, before: int, archived: tuple[str, int]) -> int:
    """The last message of a stream from before an instant that is archived; 0: there is none.

    Args:
        nc: a connection.
        stream: its name.
        before: µs.
        archived: when the stream was made as the archive knows it, and the last sequence that the archive has.

    Raises:
        ApiError, NoAnswer: the server does not do as it is asked.
    """
    info = await call(nc, f"STREAM.INFO.{stream}")
    born, sequence = archived
    if born != info["created"] or not info["state"]["messages"]:
        return 0
    last = min(await _last_before(nc, stream, before), sequence)
    return last if last >= info["state"]["first_seq"] else 0


async def shorten(nc: Client, stream: str, last: int) -> int:
    """Let go of a stream's messages up to one. Returns how many went.

    Raises:
        ApiError, NoAnswer: the server does not do as it is asked.
    """
    return (await call(nc, f"STREAM.PURGE.{stream}", {"seq": last + 1}))["purged"]


async def _last_before(nc: Client, stream: str, before: int) -> int:
    """The last sequence from before an instant: a consumer that would begin at it says where that is."""
    name = f"retention-{new_id()}"
    config = {
        "name": name,
        "deliver_policy": "by_start_time",
        "opt_start_time": iso(before),
        "ack_policy": "none",
        "mem_storage": True,
        "inactive_threshold": 5_000_000_000,
    }
    made = await call(nc, f"CONSUMER.CREATE.{stream}.{name}", {"stream_name": stream, "config": config})
    await call(nc, f"CONSUMER.DELETE.{stream}.{name}")
    return made["delivered"]["stream_seq"]
