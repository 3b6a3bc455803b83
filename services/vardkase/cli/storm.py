"""A simulated storm against a node: what is sent, at whose pace, and into which stream."""

from collections.abc import Iterable, Iterator
from typing import Final

from nats.aio.client import Client as Nats

from vardkase.runtime.errors import Failed, Refused
from vardkase.runtime.jetstream import api
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.errors import WriteFailed
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.simulator.emission import Emission
from vardkase.simulator.scenario import Scenario, ScenarioError
from vardkase_contracts import streams
from vardkase_contracts.instants import SECOND

_ASK_S: Final = 5.0


def load_scenario(name: str, points: int | None) -> Scenario:
    """A scenario by its name or file, with so many points where that is given.

    Raises:
        Refused: there is none such, or it is not valid.
    """
    try:
        scenario = Scenario.load(name)
        return scenario if points is None else scenario.changed(points={"total": points})
    except ScenarioError as error:
        raise Refused(str(error)) from None


class Inlet:
    """Where reports go in at a node: its INTAKE, and what that takes."""

    def __init__(self, nc: Nats, takes: Iterable[str]) -> None:
        self._writer = StreamWriter(nc, streams.INTAKE)
        self._takes = [pattern.split(".") for pattern in takes]
        self.left_out = 0
        """How many reports were not for this node's area. A counter."""

    @classmethod
    async def find(cls, nc: Nats) -> "Inlet":
        """The node's.

        Raises:
            Failed: it has none.
        """
        try:
            info = await api.call(nc, f"STREAM.INFO.{streams.INTAKE}", within=_ASK_S)
        except (api.ApiError, api.NoAnswer) as error:
            raise Failed(f"the node takes no reports: {error}") from None
        return cls(nc, info["config"]["subjects"])

    def takes(self, subject: str) -> bool:
        """Whether a report on this subject is for this node."""
        tokens = subject.split(".")
        return any(_matches(pattern, tokens) for pattern in self._takes)

    async def publish(self, messages: list[tuple[str, bytes]]) -> None:
        """Store reports, in order; returns when they are safe. Those for other areas are left out and counted.

        Raises:
            Failed: they could not be stored.
        """
        ours = [Outgoing(subject=subject, data=data) for subject, data in messages if self.takes(subject)]
        self.left_out += len(messages) - len(ours)
        try:
            await self._writer.write(ours)
        except WriteFailed as error:
            raise Failed(f"the node did not store the reports: {error}") from None


class Paused(Iterator[Emission]):
    """Emissions up to an instant, and then again from there: a play that looks one ahead loses none."""

    def __init__(self, emissions: Iterator[Emission]) -> None:
        self._emissions = emissions
        self._held: Emission | None = None
        self._until: int | None = None

    def until(self, instant: int | None) -> "Paused":
        """End before this instant; None: go on to the last."""
        self._until = instant
        return self

    def __next__(self) -> Emission:
        if self._held is None:
            self._held = next(self._emissions)
        if self._until is not None and self._held.at >= self._until:
            raise StopIteration
        found, self._held = self._held, None
        return found


def seconds(instants: int) -> float:
    """Microseconds in seconds."""
    return instants / SECOND


def _matches(pattern: list[str], tokens: list[str]) -> bool:
    for place, part in enumerate(pattern):
        if part == ">":
            return len(tokens) > place
        if place >= len(tokens) or part not in {"*", tokens[place]}:
            return False
    return len(pattern) == len(tokens)
