"""A rehearsal from its beginning to its end: ground, nodes, storm, faults, and the count of what is left."""

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

import nats.errors

from vardkase.rehearsal.acts import Acts
from vardkase.rehearsal.cast import NATION
from vardkase.rehearsal.comparison import judged, merged
from vardkase.rehearsal.follower import Follower
from vardkase.rehearsal.ground import Ground
from vardkase.rehearsal.ledger import Ledger
from vardkase.rehearsal.program import Fault, program, proxied
from vardkase.rehearsal.reporters import Reporters
from vardkase.rehearsal.script import Script
from vardkase.rehearsal.stage import Stage
from vardkase.rehearsal.values import Costs, Healed, LinkSeen, Outcome, Phase
from vardkase.runtime.clock import DrivenTime
from vardkase.runtime.errors import Ended, Failed
from vardkase.runtime.jetstream.api import ApiError, NoAnswer
from vardkase.runtime.jetstream.values import Incomplete
from vardkase.runtime.tasks import ended
from vardkase.simulator.player import play
from vardkase.simulator.simulation import Simulation
from vardkase_contracts.instants import SECOND

log: Final = logging.getLogger(__name__)

_WHOLE_START: Final = 6.0
"""Seconds that whole nodes are given to start before their time begins to go; and more, the more others there are."""
_MORE: Final = 0.06
_LINKED: Final = 180.0
"""Seconds that all links may take to be up at the beginning."""
_CONVERGED: Final = 120.0
"""Seconds that a fault may take to heal."""
_SETTLED: Final = 120.0
_AGREED: Final = 60.0
"""Seconds that a node may take to say what follows from all it has, when nothing more is sent."""
_LOOK: Final = 0.1


async def _storm(
    simulation: Simulation, reporters: Reporters, begins: int, clock: DrivenTime, over: asyncio.Event
) -> None:
    """Play the storm; then, until all faults are over, at the pace of real time, which the nodes' clocks have met."""
    await play(simulation, reporters.publish, start=begins, speed=clock.speed, until=clock.meets)
    await play(simulation, reporters.publish, start=clock.now(), speed=1.0, stop=over)


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """How a rehearsal stands."""

    phase: Phase
    running: int
    """Nodes that were started."""
    elapsed: float
    """Seconds since the storm's beginning; 0 before it."""
    sent: int
    merged: int
    """At the nation."""
    links: Mapping[str, LinkSeen | None]
    """Of each node to its parent, as the parent sees it; None: it does not say."""
    down: frozenset[str]
    """Nodes that are killed or frozen."""
    cut: frozenset[str]
    """Hubs whose links are cut."""
    fault: Fault | None
    """That goes on, or heals."""


class Rehearsal:
    """One rehearsal.

    Args:
        script: what is rehearsed.
        healed: is told of each fault when it has healed.
    """

    def __init__(self, script: Script, healed: Callable[[Healed], None] = lambda _: None) -> None:
        cast = script.cast
        self.script = script
        self.faults = program(cast, seed=script.seed, length=script.length)
        self._healed = healed
        self._ledger = Ledger({hub: cast.below(hub) for hub in cast.hubs})
        self._ground = Ground(cast, script.directory, proxied(self.faults))
        self._stage: Stage | None = None
        self._phase: Phase = "setting up"
        self._running = 0
        self._began: float | None = None
        self._fault: Fault | None = None
        self.outcome = Outcome(
            seed=script.seed, minutes=script.length / 60, kommuner=len(cast.kommuner), lan=len(cast.lan)
        )

    def view(self) -> View:
        """How it stands now."""
        stage = self._stage
        return View(
            phase=self._phase,
            running=self._running,
            elapsed=self._elapsed(),
            sent=self._ledger.total,
            merged=self._ledger.level(NATION).merged,
            links={} if stage is None else stage.links(),
            down=frozenset() if stage is None else frozenset(stage.down),
            cut=frozenset() if stage is None else frozenset(stage.cut),
            fault=self._fault,
        )

    async def run(self) -> Outcome:
        """Rehearse, and count. Ends all that it started, whatever happens.

        Raises:
            Ended: it cannot be set up.
        """
        ground, script = self._ground, self.script
        try:
            await ground.open_links()
            await asyncio.to_thread(ground.make_federation)
            stage = self._stage = Stage(script.cast, ground)
            began = time.monotonic()
            self._phase = "starting"
            await stage.start_bare(self._started)
            clock = script.time(round((time.time() + _WHOLE_START + _MORE * len(script.cast.areas)) * SECOND))
            await stage.start_whole(clock, self._started)
            self._phase = "linking"
            await self._until_linked(stage)
            gc.freeze()  # three hundred nodes stay: to look for garbage in them costs a tenth of this process
            starting = time.monotonic() - began
            await self._play(stage, clock, starting)
        finally:
            self._phase = "stopping"
            if self._stage is not None:
                await self._stage.stop()
            await ground.close()
        return self.outcome

    def _started(self) -> None:
        self._running += 1

    def _elapsed(self) -> float:
        return 0.0 if self._began is None else time.monotonic() - self._began

    async def _until_linked(self, stage: Stage) -> None:
        ends = time.monotonic() + _LINKED
        while True:
            down = [name for name, seen in stage.links().items() if seen is None or not seen.up]
            if not down:
                return
            if time.monotonic() > ends:
                raise Failed(f"{len(down)} links are not up after {_LINKED:g} s: {', '.join(down[:5])}")
            await asyncio.sleep(_LOOK)

    async def _play(self, stage: Stage, clock: DrivenTime, starting: float) -> None:
        script, outcome = self.script, self.outcome
        connections = stage.connections
        signers = {kommun: self._ground.signer(kommun) for kommun in script.cast.kommuner}
        reporters = Reporters(signers, self._ledger)
        acts = Acts(script.cast, connections, Random(script.seed))  # noqa: S311 -- told, to be played again
        followers = [Follower(hub, connections[hub], self._ledger) for hub in script.cast.hubs]
        await asyncio.sleep(max(0.0, (clock.anchor - time.time_ns() // 1000) / SECOND))
        begins = clock.now()
        simulation = await asyncio.to_thread(Simulation, script.scenario, script.seed, begins, reality="act")
        reporters.start(connections)
        for each in followers:
            each.start()
        self._phase, self._began = "storm", time.monotonic()
        over = asyncio.Event()
        storm = asyncio.create_task(_storm(simulation, reporters, begins, clock, over), name="storm")
        try:
            await self._commit_all(stage, acts, clock)
            over.set()
            await storm
            memory, own, cpu = await asyncio.to_thread(stage.costs)
            outcome.costs = Costs(
                servers=self._running,
                memory_mib=memory >> 20,
                rehearsal_mib=own >> 20,
                starting_s=round(starting, 1),
                cpu_s=round(cpu),
            )
            await self._settle(stage, reporters, acts)
            self._phase = "comparing"
            await self._compare(stage, reporters, acts)
        finally:
            await ended(storm)
            await reporters.stop()
            await acts.stop()
            await asyncio.gather(*(each.stop() for each in followers))

    # -- faults ------------------------------------------------------------------------------------------------------

    async def _commit_all(self, stage: Stage, acts: Acts, clock: DrivenTime) -> None:
        for fault in self.faults:
            await asyncio.sleep(max(0.0, fault.at - self._elapsed()))
            self._fault = fault
            acts.give(clock.now())
            healed = await self._commit(stage, fault)
            self.outcome.faults.append(healed)
            log.info("a fault has healed: %s", healed)
            self._healed(healed)
            self._fault = None

    async def _commit(self, stage: Stage, fault: Fault) -> Healed:
        began = self._elapsed()
        restarted = await stage.commit(fault)
        over, marks = time.monotonic(), self._ledger.marks()
        lasted = self._elapsed() - began - (restarted or 0.0)
        waiting = self._ledger.missing(NATION, marks)
        converged = await self._converged(marks, _CONVERGED)
        return Healed(
            fault=fault,
            began=round(began, 1),
            lasted=round(lasted, 1),
            restarted=None if restarted is None else round(restarted, 1),
            waiting=waiting,
            converged=round(time.monotonic() - over, 1) if converged else None,
        )

    async def _converged(self, marks: Mapping[str, int], within: float) -> bool:
        """Whether every hub has all that had been sent then; waited for."""
        ends = time.monotonic() + within
        while any(self._ledger.missing(hub, marks) for hub in self.script.cast.hubs):
            if time.monotonic() > ends:
                return False
            await asyncio.sleep(_LOOK)
        return True

    # -- the count ---------------------------------------------------------------------------------------------------

    async def _settle(self, stage: Stage, reporters: Reporters, acts: Acts) -> None:
        """The storm is over: wait until all is on disk, and everywhere."""
        self._phase = "settling"
        ends = time.monotonic() + _SETTLED
        while reporters.waiting and not reporters.troubles and time.monotonic() < ends:  # noqa: ASYNC110 -- bounded
            await asyncio.sleep(_LOOK)
        outcome = self.outcome
        outcome.emitted, outcome.refused = reporters.emitted, reporters.refused
        outcome.repeated, outcome.unsent = reporters.repeated, reporters.waiting
        outcome.sent = self._ledger.total
        if not await acts.stored(_SETTLED):
            outcome.troubles.append("notes could not be given")
        await self._converged(self._ledger.marks(), _SETTLED)
        outcome.mended = stage.mended()
        outcome.troubles += [*reporters.troubles, *stage.troubles]

    async def _compare(self, stage: Stage, reporters: Reporters, acts: Acts) -> None:
        outcome, cast = self.outcome, self.script.cast
        try:
            outcome.merged = await merged(cast, stage.connections, reporters.ids)
            log.info("the logs were counted")
            outcome.orders = await acts.found(_SETTLED)
            log.info("the notes were looked for")
            for node in cast.whole:
                found = await judged(node, cast.areas[node], stage.whole[node].nc, _AGREED)
                outcome.judged.append(found)
        except* (Incomplete, ApiError, NoAnswer, Ended, nats.errors.Error, OSError) as errors:
            outcome.troubles += [f"what is left cannot be counted: {each}" for each in errors.exceptions]
