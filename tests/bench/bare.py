"""A bare loop of nats-py over REPORTS: `fetch(500)`, nothing decoded, the last of each batch acknowledged.

    python tests/bench/bare.py <NATS URL> <reports> <asyncio|uvloop>

Started by `table.py`; prints what it took, as JSON.
"""

import asyncio
import sys
import time

import nats
import uvloop
from kit.programs import Took
from nats.js.api import AckPolicy, ConsumerConfig


async def read(url: str, wanted: int, name: str) -> Took:
    """Read so many messages."""
    nc = await nats.connect(url)
    subscription = await nc.jetstream().pull_subscribe(
        "tp.v1.*.accepted.>",
        durable=f"bare-{name}",
        stream="REPORTS",
        config=ConsumerConfig(ack_policy=AckPolicy.ALL, max_ack_pending=20_000),
    )
    count, cpu, began = 0, time.process_time(), time.perf_counter()
    while count < wanted:
        messages = await subscription.fetch(500, timeout=5)
        count += len(messages)
        await messages[-1].ack()
    await nc.flush()
    took = Took(count, time.perf_counter() - began, time.process_time() - cpu)
    await nc.close()
    return took


def main() -> None:
    """Read, and tell."""
    url, wanted, loop = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if loop == "uvloop" else None) as runner:
        runner.run(read(url, int(wanted), loop)).tell()


if __name__ == "__main__":
    main()
