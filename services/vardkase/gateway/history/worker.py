"""A process that answers questions about what was: one at a time, by its pipes, until they end.

It is nobody's parent and holds nothing that another has: whoever asked may end it at any moment.
"""

import asyncio
import contextlib
import os
import resource
import signal
import sys
import traceback
from typing import BinaryIO, Final

from vardkase.runtime.orphans import die_with_parent

from .asks import FRAME, HEAD, LONGEST_ORDER, ORDER, Head, Told
from .reading import Reading

_NICE: Final = 10
"""What was may wait for what is."""


def main() -> None:
    """Answer what comes by standard input, until it ends. Arguments: bytes of memory, seconds for an answer."""
    memory, seconds = int(sys.argv[1]), float(sys.argv[2])
    orders = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    _alone(memory)
    reading = Reading()
    _tell(answers, Told(head=Head(), body=b""))  # it can be asked
    with asyncio.Runner() as runner:
        while (order := _frame(orders)) is not None:
            signal.setitimer(signal.ITIMER_REAL, seconds)  # should nobody be left to end it
            told = answer(runner, reading, order)
            signal.setitimer(signal.ITIMER_REAL, 0)
            _tell(answers, told)


def _tell(answers: BinaryIO, told: Told) -> None:
    head = HEAD.dump_json(told.head)
    answers.write(len(head).to_bytes(FRAME, "big") + head)
    answers.write(told.body)
    answers.flush()


def answer(runner: asyncio.Runner, reading: Reading, order: bytes) -> Told:
    """The answer to an order, or why there is none: whatever happens."""
    try:
        return runner.run(reading.answer(ORDER.validate_json(order)))
    except MemoryError:
        return Told(head=Head(failure="too_large", detail="more than fits in memory"), body=b"")
    except Exception:  # noqa: BLE001 -- told to who asked, who logs it
        return Told(head=Head(failure="fault", detail=traceback.format_exc()[-8000:]), body=b"")


def _frame(orders: BinaryIO) -> bytes | None:
    size = int.from_bytes(orders.read(FRAME), "big")
    if not 0 < size <= LONGEST_ORDER:
        return None
    order = orders.read(size)
    return order if len(order) == size else None


def _alone(memory: int) -> None:
    """Bound what it takes, and have it end with whoever started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started it
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    if (ask := die_with_parent(signal.SIGKILL)) is not None:
        ask()


if __name__ == "__main__":
    main()
