"""The run of simulated time: an agenda of what happens next, and the reports that come out of it, in order of time.

There is no clock and no I/O: time is where the agenda has come to. Equal times keep the order in which they were
entered, so a run is the same every time.
"""

import hashlib
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from random import Random
from typing import Any, Final

from vardkase.simulator.daytime import LocalTime
from vardkase.simulator.emission import Emission
from vardkase.simulator.scenario import Scenario
from vardkase_contracts.vocab import Reality

Action = Callable[[int], None]
"""Something that happens; it is told when."""

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
"""Crockford's base 32, two letters (10 bits) at a time."""


class World:
    """What all in one run share: the agenda, chance, local time, ids.

    What is entered for the end of the run or later never happens, and is not kept.
    """

    __slots__ = (
        "_agenda",
        "_entered",
        "_id_bits",
        "_listener",
        "end",
        "local",
        "now",
        "reality",
        "rng",
        "scenario",
    )

    def __init__(self, scenario: Scenario, *, seed: int, start: int, end: int, reality: Reality) -> None:
        self.scenario = scenario
        self.end = end
        self.now = start
        self.reality: Reality = reality
        self.local = LocalTime(scenario.timezone)
        self.rng = Random(f"world:{seed}")
        # Ids differ whenever anything differs, so that two runs in one system are never taken for repeats.
        identity = hashlib.sha256(f"{scenario.digest()}:{seed}:{start}:{reality}".encode()).hexdigest()
        self._id_bits = Random(f"ids:{identity}").getrandbits
        self._agenda: list[tuple[int, int, Action | None, Emission | None]] = []
        self._entered = 0
        self._listener: Callable[[Emission], None] | None = None

    def at(self, when: int, action: Action) -> None:
        """Enter something to happen at an instant, not before now.

        Raises:
            ValueError: the instant has passed.
        """
        self._enter(when, action, None)

    def send(self, when: int, subject: str, event: dict[str, Any]) -> None:
        """Enter a report to be sent at an instant, not before now.

        Raises:
            ValueError: the instant has passed.
        """
        emission = Emission(at=when, subject=subject, event=event)
        self._enter(when, None, emission)
        if self._listener is not None:
            self._listener(emission)

    def send_as_is(self, emission: Emission) -> None:
        """Enter an emission that is sent at its `at`, past the listener: a repeat, or a malformed report.

        Raises:
            ValueError: its time has passed.
        """
        self._enter(emission.at, None, emission)

    def listen(self, listener: Callable[[Emission], None]) -> None:
        """Be told of every report that is entered by `send`."""
        self._listener = listener

    def new_id(self, at: int) -> str:
        """A ULID: sortable by time, the rest by chance."""
        ms = at // 1000
        bits = self._id_bits(80)
        pairs = _PAIRS
        return "".join(
            [
                pairs[ms >> 40 & 1023], pairs[ms >> 30 & 1023], pairs[ms >> 20 & 1023], pairs[ms >> 10 & 1023],
                pairs[ms & 1023], pairs[bits >> 70], pairs[bits >> 60 & 1023], pairs[bits >> 50 & 1023],
                pairs[bits >> 40 & 1023], pairs[bits >> 30 & 1023], pairs[bits >> 20 & 1023],
                pairs[bits >> 10 & 1023], pairs[bits & 1023],
            ]
        )  # fmt: skip

    def run(self) -> Iterator[Emission]:
        """Let time pass until the end (not included); gives the reports as they are sent."""
        agenda = self._agenda
        while agenda:
            when, _, action, emission = heappop(agenda)
            self.now = when
            if action is not None:
                action(when)
            elif emission is not None:
                yield emission

    def _enter(self, when: int, action: Action | None, emission: Emission | None) -> None:
        if when < self.now:
            raise ValueError(f"{when} has passed: it is {self.now}")
        if when >= self.end:
            return
        self._entered += 1
        heappush(self._agenda, (when, self._entered, action, emission))
