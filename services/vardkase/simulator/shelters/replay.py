"""A dataset as the reports that its changes would have been: read line by line, and played like a scenario."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson

from vardkase.simulator.emission import Emission
from vardkase.simulator.shelters.dataset import Dataset
from vardkase.simulator.shelters.records import Gone
from vardkase.simulator.shelters.shelter import Shelter
from vardkase_contracts.ids import kommun_source
from vardkase_contracts.instants import SECOND, iso
from vardkase_contracts.reports import report_type
from vardkase_contracts.subjects import report
from vardkase_contracts.vocab import Reality, ReportKind

_NAMESPACE: Final = uuid.UUID("6f0b9a52-6d3e-5b0f-9a3f-3c8a2f4f7d15")
"""Of the ids made here (UUID version 5), so that they meet no others."""


@dataclass(kw_only=True, slots=True)
class Counts:
    """What has become of the lines read so far."""

    changes: int = 0
    """Lines with a change."""
    shelters: int = 0
    """Shelters heard of."""
    registers: int = 0
    """`register` reports made."""
    statuses: int = 0
    """`status` reports made."""
    gone: int = 0
    """Changes that a shelter left the feed: no report."""
    silent: int = 0
    """Changes of nothing that a report tells, such as a coordinate: no report."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """What a whole dataset holds."""

    changes: int
    shelters: int
    gone: int
    first: int
    """The time of its first change, µs."""
    length: int
    """How long it lasts as it will be played, µs."""


class Timing:
    """Where the dataset's times come to lie: from `start` on, with its own gaps, none of them longer than `longest`."""

    __slots__ = ("_before", "_longest", "at")

    def __init__(self, start: int, longest: int | None) -> None:
        self.at = start
        self._before: int | None = None
        self._longest = longest

    def of(self, t: int) -> int:
        """The instant of a change at `t` (Unix seconds), which is not before the last one asked for."""
        gap = 0 if self._before is None else (t - self._before) * SECOND
        self._before = t
        self.at += gap if self._longest is None else min(gap, self._longest)
        return self.at


def survey(dataset: Dataset, *, longest_gap: int | None = None) -> Survey:
    """Read a whole dataset through, so that nothing of one that has a fault is ever sent.

    Raises:
        DatasetError: it cannot be read, or a line of it is not what it should be.
    """
    timing, first = Timing(0, longest_gap), None
    changes = gone = 0
    shelters: set[int] = set()
    for _, change in dataset.changes():
        first = change.t if first is None else first
        timing.of(change.t)
        changes += 1
        gone += isinstance(change, Gone)
        shelters.add(change.id)
    length = timing.at
    return Survey(changes=changes, shelters=len(shelters), gone=gone, first=(first or 0) * SECOND, length=length)


class Replay(Iterator[Emission]):
    """The reports of a dataset, once, in the order of `at`; each is observed and sent at the time of its change.

    The same dataset, start, gaps and reality give the same reports, to the byte, and so the same ids: told again, they
    are known to be the same. Where anything differs the ids differ, so that two plays are never taken for one.

    A shelter that leaves the feed says nothing: that it closed is one reason, that a poll of the feed failed is
    another (of the archive's shelters that left one in five was back within half an hour). Silence is no "closed".

    In memory is what was last told of each shelter, however long the dataset.
    """

    def __init__(
        self, dataset: Dataset, *, start: int, reality: Reality = "tst", longest_gap: int | None = None
    ) -> None:
        """A play that has not begun.

        Args:
            dataset: what happens.
            start: the instant at which its first change happens, µs.
            reality: where all its reports go, registers too: none of it is ever in `act` unless it is told so.
            longest_gap: stretches in which nothing changes are cut to this, µs; None: not cut.
        """
        self.start = start
        self.counts = Counts()
        self._dataset = dataset
        self._reality: Reality = reality
        self._timing = Timing(start, longest_gap)
        self._source = f"dataset-{dataset.slug}"
        self._emissions = self._run()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Emission:
        return next(self._emissions)

    def _run(self) -> Iterator[Emission]:
        shelters: dict[int, Shelter] = {}
        counts = self.counts
        for number, change in self._dataset.changes():
            counts.changes += 1
            at = self._timing.of(change.t)
            if isinstance(change, Gone):
                counts.gone += 1
                continue
            shelter = shelters.get(change.id)
            if shelter is None:
                shelter = shelters[change.id] = Shelter.first(change.id, change.set)
                counts.shelters += 1
            profile, status = shelter.register(change.set), shelter.status(change.set)
            counts.silent += profile is None and status is None
            if profile is not None:
                counts.registers += 1
                yield self._emission(at, number, shelter, "register", profile)
            if status is not None:
                counts.statuses += 1
                yield self._emission(at, number, shelter, "status", status)

    def _emission(self, at: int, number: int, shelter: Shelter, kind: ReportKind, data: dict[str, Any]) -> Emission:
        event: dict[str, Any] = {
            "specversion": "1.0",
            "source": kommun_source(shelter.kommun, self._source),
            "type": report_type(kind),
            "subject": shelter.point,
            "time": iso(at),
            "datacontenttype": "application/json",
            "reality": self._reality,
            "seq": number,
            "quality": "relayed",
            "data": data,
        }
        # All of the report is in its id: one id never stands for two reports, and a repeat is the same to the byte.
        told = f"{self._dataset.slug}\n{orjson.dumps(event).decode()}"
        event = {"specversion": "1.0", "id": str(uuid.uuid5(_NAMESPACE, told))} | event
        return Emission(at=at, subject=report(self._reality, shelter.kommun, shelter.slug, kind), event=event)
