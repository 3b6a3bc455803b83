"""Subscribers in a process of their own: `python listeners.py URL SUBJECT HOW_MANY EACH`.

Says `ready` when they listen, and `heard` when each has heard so many messages.
"""

import asyncio
import sys
from typing import Any

import nats


async def main(url: str, subject: str, how_many: int, each: int) -> None:
    """Listen until all have heard all."""
    left = [each] * how_many
    heard = asyncio.Event()

    async def listen(number: int) -> None:
        client = await nats.connect(url)

        async def take(_: Any) -> None:
            left[number] -= 1
            if not any(left):
                heard.set()

        await client.subscribe(subject, cb=take)
        await client.flush()

    await asyncio.gather(*(listen(number) for number in range(how_many)))
    say("ready")
    await heard.wait()
    say("heard")


def say(word: str) -> None:
    """A line, out at once."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
