"""A campaign: a node, a load, faults at random moments of it, observers all along, and a comparison at the end."""

import asyncio
import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

from faults import archive
from faults.comparison import compare
from faults.kinds import Fault
from faults.load import NOW, Load
from faults.observers import SERVICES, WORK, Observers
from faults.outcome import Outcome, Row
from faults.reporters import Reporters
from faults.whole import NATS, NODE, Whole
from servers import Eventually
from vardkase.runtime.jetstream.api import MESSAGE_NOT_FOUND, ApiError, NoAnswer, call
from vardkase_contracts import streams
from vardkase_contracts.instants import iso

STANDING_CLOCK: Final = {"CLOCK_START": iso(NOW), "CLOCK_SPEED": "0"}
"""Two runs judge at one instant."""
WITHOUT_ARCHIVE: Final = {"ARCHIVE": "false"}
_QUIET: Final = 120.0
_HURRY: Final = 5.0
_ACKNOWLEDGED: Final = 60.0
"""Seconds within which something must be acknowledged, at the latest."""


class Campaign:
    """One run against one node, from its start to the comparison.

    Args:
        name: what it is called in the report.
        directory: for the node's data.
        eventually: waits for a condition.
        load: what is reported.
        rate: reports a second during a fault and until the node has recovered; None is as fast as they are taken.
        variables: settings of the node without their prefix, besides a clock that stands still.
        wrap: a command that runs the node's command.
        with_archive: whether it keeps the archive, in a PostgreSQL of its own.
    """

    def __init__(
        self,
        name: str,
        directory: Path,
        eventually: Eventually,
        *,
        load: Load,
        rate: float | None = None,
        variables: Mapping[str, str] | None = None,
        wrap: Sequence[str] = (),
        with_archive: bool = False,
    ) -> None:
        settings = STANDING_CLOCK | ({} if with_archive else WITHOUT_ARCHIVE) | dict(variables or {})
        self.node = Whole(directory, eventually, variables=settings, wrap=wrap)
        self.archive = with_archive
        self.services = (*SERVICES, "archiver") if with_archive else SERVICES
        self.outcome = Outcome(name=name)
        self.eventually = eventually
        self.load = load
        self._rate = rate
        self.reporters: Reporters
        self.observers: Observers
        self.older: Counter[bytes] | None = None
        """Reports that the archive had before the log was lost, if it was."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The node and its observers, while the block runs."""
        await self.node.start()
        try:
            self.reporters = Reporters(
                self.node.nc, self.load.reports(), rate=self._rate, unpaced=self.load.registering
            )
            self.observers = Observers(self.node, self.services)
            for name in self.services:
                await self.node.until_ready(name)
            async with self.observers:
                yield
        finally:
            await self.node.stop()

    async def run(self, faults: Sequence[Fault], *, seed: int, recovers: float = 60.0) -> Outcome:
        """Send the load, commit each fault at a moment of its own, and compare when all is quiet.

        Args:
            faults: in their order.
            seed: of the moments.
            recovers: seconds that the node may take to be ready after a fault.
        """
        async with self.running():
            async with self.sending() as sending:
                moments = _moments(self.load.registering, self.load.count, len(faults), seed)
                for fault, moment in zip(faults, moments, strict=True):
                    self._hurry(_HURRY)
                    await self._reached(moment, sending)
                    self._hurry(1.0)
                    await self.commit(fault, recovers=recovers)
                self._hurry(_HURRY)
            await self.finish(fresh=True)
        return self.outcome

    def _hurry(self, factor: float) -> None:
        """Between faults the load comes faster: some of it must be left for the last of them."""
        if self._rate is not None:
            self.reporters.rate = self._rate * factor

    @contextlib.asynccontextmanager
    async def sending(self) -> AsyncIterator[asyncio.Task[None]]:
        """The load is sent from entering the block, where every point is registered, to leaving it."""
        sending = asyncio.create_task(self.reporters.run())
        try:
            await self._reached(self.load.registering, sending)
            self.outcome.before = self.node.memory()
            yield sending
            await self._sent(sending)
        finally:
            self.reporters.enough()  # a request that is cancelled may be answered instead (Python 3.11)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _sent(self, sending: asyncio.Task[None]) -> None:
        """Wait until the load is sent; not for ever for an acknowledgement that does not come."""
        before = -1
        while not sending.done():
            reporters = self.reporters
            now = len(reporters.acknowledged)
            assert now > before, (
                f"nothing was acknowledged for {_ACKNOWLEDGED:g} s after {now}: sent again {reporters.again} times, "
                f"refused {reporters.refused}"
            )
            before = now
            await asyncio.wait({sending}, timeout=_ACKNOWLEDGED)
        await sending

    async def commit(self, fault: Fault, *, recovers: float = 60.0) -> Row:
        """One fault: wait until the node has recovered from it, and note how it went."""
        began, at = time.monotonic(), len(self.reporters.acknowledged)
        committing = asyncio.create_task(fault.commit(self.node))
        await committing
        return await self.recovered(fault.name, began=began, at=at, recovers=recovers)

    async def recovered(self, name: str, *, began: float, at: int | None = None, recovers: float = 60.0) -> Row:
        """A fault is over: wait until all is ready, and what was accepted before is dealt with. Then note how it went.

        Args:
            name: of the fault.
            began: when it began (monotonic seconds).
            at: how many reports had been acknowledged then; as many as now unless given.
            recovers: seconds that all of it may take.
        """
        ended = time.monotonic()
        await self.eventually(self._all_ready, what=f"ready after {name}", within=recovers)
        goals = await self._goals()
        caught_up: float | None = None

        async def reached() -> bool:
            return await self._floors_reached(goals)

        await self.eventually(reached, what=f"caught up after {name}", within=recovers)
        caught_up = time.monotonic() - ended
        now = time.monotonic()
        unready = [self.observers.until_unready(each, began, now) for each in (NODE, *self.services)]
        ready = [self.observers.until_ready(each, ended, now) for each in (NODE, *self.services)]
        row = Row(
            fault=name,
            at=len(self.reporters.acknowledged) if at is None else at,
            unready=min((each for each in unready if each is not None), default=None),
            ready=max((each for each in ready if each is not None), default=None),
            caught_up=caught_up,
            lie=max(self.observers.worst_lie(each, began) for each in self.services),
        )
        self.outcome.rows.append(row)
        return row

    async def finish(self, *, told: bool = True, fresh: bool = False) -> None:
        """All is sent: wait until all of it is dealt with, compare, and weigh.

        Args:
            told: whether everything that was acknowledged must be in the log.
            fresh: whether all is then started anew and weighed again, to see what the run has left behind.
        """
        orders = Reporters(self.node.nc, self.load.orders())
        await orders.run()
        await self.until_quiet()

        async def same() -> bool:
            self._left = await compare(self.node.nc, self.node.area, NOW, self.reporters.acknowledged if told else None)
            return not self._left.wrong

        # Pictures and orders follow within a moment; nothing else may change any more.
        with contextlib.suppress(AssertionError):
            await self.eventually(same, within=20.0)
        left, outcome = self._left, self.outcome
        outcome.sent, outcome.reports = len(self.reporters.acknowledged), left.reports
        outcome.lost, outcome.doubled, outcome.differing = len(left.lost), len(left.doubled), len(left.differing)
        outcome.after, outcome.most = self.node.memory(), self.observers.most_memory
        outcome.notes += [f"`{each}`" for each in left.wrong]
        if self.archive:
            await self.until_quiet()
            amiss = await archive.wrong(self.node.nc, self.node.told["database"], older=self.older)
            outcome.archive = f"{len(amiss)} wrong" if amiss else "every copy once, every alert, order and state"
            outcome.wrong_in_archive = len(amiss)
            outcome.notes += [f"`{each}`" for each in amiss[:5]]
        if fresh:
            for name in (*self.services, NATS):
                self.node.signal(name, signal.SIGTERM)
            before = self.node.processes()
            await self.eventually(lambda: self._others(before), what="others started", within=60.0)
            await self.until_quiet()
            outcome.fresh = self.node.memory()

    def _others(self, before: Mapping[str, psutil.Process]) -> bool:
        """Whether what was there before is gone, and others run."""
        now = self.node.processes()
        return all(name in now and now[name].pid != before[name].pid for name in (*self.services, NATS))

    async def until_quiet(self, within: float = _QUIET) -> None:
        """Wait until everything stored was acknowledged, and all is ready."""
        waiting: list[str] = []

        async def quiet() -> bool:
            waiting[:] = await self._waiting()
            return not waiting

        try:
            await self.eventually(quiet, what="everything dealt with", within=within)
        except AssertionError as error:
            raise AssertionError(f"{error}: {'; '.join(waiting)}") from None

    async def _waiting(self) -> list[str]:
        """What is not dealt with, in words."""
        found: list[str] = []
        for stream in (streams.INTAKE, streams.REPORTS):
            for info in (await call(self.node.nc, f"CONSUMER.LIST.{stream}"))["consumers"]:
                config = info["config"]
                pattern = config.get("filter_subject") or (config.get("filter_subjects") or [">"])[0]
                floor, last = info["ack_floor"]["stream_seq"], await self._last_of(stream, pattern)
                if floor < last:
                    found.append(f"{info['name']} of {stream} has acknowledged {floor} of {last}")
        for name in (NODE, *self.services):
            if not await self.node.is_ready(name):
                found += [f"{name} is not ready: {each}" for each in await self.node.failing(name)] or [name]
        return [*found, *(await archive.behind(self.node.nc) if self.archive else [])]

    async def _all_ready(self) -> bool:
        return all([await self.node.is_ready(name) for name in (NODE, *self.services)])

    async def _goals(self) -> dict[str, int]:
        return {
            name: await self._last_of(consumer.stream, f"tp.v1.act.{_FAMILY[consumer.stream]}.>")
            for name, consumer in WORK.items()
            if name in self.services
        }

    async def _floors_reached(self, goals: Mapping[str, int]) -> bool:
        return all(
            (self.observers.got[name][-1].floor or 0) >= goal
            for name, goal in goals.items()
            if self.observers.got[name]
        )

    async def _last_of(self, stream: str, pattern: str) -> int:
        deadline = time.monotonic() + _ANSWERS
        while True:
            try:
                found = await call(self.node.nc, f"STREAM.MSG.GET.{stream}", {"last_by_subj": pattern})
            except NoAnswer:  # a question that was under way to a server that is killed is gone
                if time.monotonic() > deadline:
                    raise
            except ApiError as error:
                if error.err_code != MESSAGE_NOT_FOUND:
                    raise
                return 0
            else:
                return found["message"]["seq"]

    async def _reached(self, count: int, sending: asyncio.Task[None]) -> None:
        """Wait until so many reports were acknowledged."""
        reached = asyncio.create_task(self.reporters.reached(count))
        await asyncio.wait({reached, sending}, return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        if sending.done():
            sending.result()


_ANSWERS: Final = 30.0
"""Seconds until a server that was killed answers again, at the most."""
_FAMILY: Final = {streams.INTAKE: "report", streams.REPORTS: "accepted"}


def _moments(first: int, last: int, count: int, seed: int) -> list[int]:
    """Moments in reports, one at random in each of so many equal parts."""
    chance = random.Random(seed)
    part = (last - first) / max(1, count)
    return [round(first + part * (number + chance.random() * 0.7)) for number in range(count)]
