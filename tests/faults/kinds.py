"""What is done to a node: each fault has a beginning and an end, and is over when the node may recover by itself."""

import asyncio
import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from faults.whole import Whole

Deed = Literal["kill", "freeze", "restart"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Something done to some of a node's processes, each a little after the other."""

    deed: Deed
    """`kill`: SIGKILL. `freeze`: SIGSTOP, and SIGCONT some seconds later. `restart`: SIGTERM."""
    to: tuple[str, ...]
    """The processes."""
    holds: float
    """Seconds that a frozen process stands still."""
    apart: float
    """Seconds between the first and the second."""

    @property
    def name(self) -> str:
        """In a few words: `kill intake, nats-server`."""
        held = f" {self.holds:.0f} s" if self.deed == "freeze" else ""
        return f"{self.deed} {' + '.join(self.to)}{held}"

    async def commit(self, node: Whole) -> None:
        """Do it, and end it."""
        for number, name in enumerate(self.to):
            if number:
                await asyncio.sleep(self.apart)
            match self.deed:
                case "kill":
                    node.signal(name, signal.SIGKILL)
                case "restart":
                    node.signal(name, signal.SIGTERM)
                case "freeze":
                    node.signal(name, signal.SIGSTOP)
        if self.deed == "freeze":
            await asyncio.sleep(self.holds)
            for name in self.to:
                node.signal(name, signal.SIGCONT)


def alone_and_in_pairs(names: Sequence[str], *, seed: int, holds: tuple[float, float]) -> list[Fault]:
    """Every deed to every process, and to every pair of them in one of the three ways; in an order by chance.

    Args:
        names: the processes.
        seed: makes the order, and how long things take.
        holds: the shortest and the longest that a frozen process stands still, in seconds.
    """
    chance = random.Random(seed)
    deeds: tuple[Deed, ...] = ("kill", "freeze", "restart")
    whom: list[tuple[Deed, tuple[str, ...]]] = [(deed, (name,)) for name in names for deed in deeds]
    pairs = [(first, second) for first in names for second in names if first < second]
    whom += [(deeds[number % len(deeds)], pair) for number, pair in enumerate(chance.sample(pairs, len(pairs)))]
    chance.shuffle(whom)
    return [Fault(deed=deed, to=to, holds=chance.uniform(*holds), apart=chance.uniform(0.0, 1.5)) for deed, to in whom]
