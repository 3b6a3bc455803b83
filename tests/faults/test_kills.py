"""What is done to the processes of a node while reports come in: the quick set."""

import signal
import time
from collections.abc import Awaitable
from pathlib import Path

import psutil
import pytest

from faults.campaign import WITHOUT_ARCHIVE, Campaign
from faults.kinds import Fault
from faults.load import Load
from faults.outcome import Outcome, Record
from faults.trace import held, why_not
from faults.whole import NATS
from servers import Eventually
from vardkase.runtime.jetstream.api import call

#: Seconds from when a service last got on with its work until it may still say that it is ready: `reader.stuck`, for
#: one batch may take long on a busy machine, and a look of the test's own.
HONEST = 12.0
#: Seconds until the node tells that a service answers nothing: one poll, and one answer's patience; and a busy machine.
TOLD = 4.0
QUICKLY = {"SUPERVISOR_BACKOFF_MIN": "50ms", "SUPERVISOR_BACKOFF_MAX": "500ms"} | WITHOUT_ARCHIVE
HANG = 4.0


def whole(outcome: Outcome) -> None:
    """Nothing is lost, nothing is doubled, and what is said is what an undisturbed run would say."""
    told = outcome.markdown()
    assert (outcome.lost, outcome.doubled, outcome.differing, outcome.wrong_in_archive) == (0, 0, 0, 0), told


async def _not(ready: Awaitable[bool]) -> bool:
    return not await ready


@pytest.mark.campaign(quick=True)
@pytest.mark.timeout(240)
async def test_whatever_is_done_to_it_a_node_loses_nothing_and_tells(
    tmp_path: Path, eventually: Eventually, record: Record
) -> None:
    """Kills, freezes, restarts, deleted consumers, a NATS that hangs: nothing lost or doubled, and no false “ready”."""
    variables = QUICKLY | {"SUPERVISOR_HANG": f"{HANG}s"}
    load = Load(99_999, seed=4, slugs=5)
    campaign = Campaign("The quick set", tmp_path, eventually, load=load, rate=150, variables=variables)
    node = campaign.node
    async with campaign.running():
        async with campaign.sending():
            await campaign.commit(Fault(deed="kill", to=(NATS,), holds=0, apart=0))
            await campaign.commit(Fault(deed="kill", to=("aggregator", "intake"), holds=0, apart=0.3))
            await campaign.commit(Fault(deed="restart", to=("intake", NATS), holds=0, apart=0.2))

            # A service that stands still answers nothing, and the node tells.
            began = time.monotonic()
            node.signal("intake", signal.SIGSTOP)
            await eventually(lambda: _not(node.is_ready()), what="told of a frozen service", within=TOLD)
            assert any("intake" in check for check in await node.failing())
            node.signal("intake", signal.SIGCONT)
            await campaign.recovered("freeze intake", began=began)

            await _delete_consumers(campaign)
            await _hang(campaign)
            campaign.reporters.enough()
        await campaign.finish()
    outcome = campaign.outcome
    record(outcome)
    whole(outcome)
    assert all(row.lie < HONEST for row in outcome.rows), outcome.markdown()
    untold = [row.fault for row in outcome.rows if row.unready is None and "delete" not in row.fault]
    assert untold == [], outcome.markdown()


async def _delete_consumers(campaign: Campaign) -> None:
    """A consumer that somebody deletes is made again, work goes on from where it was, and no process restarts."""
    node = campaign.node
    before = {name: process.pid for name, process in node.processes().items()}
    for service, stream in (("intake", "INTAKE"), ("aggregator", "REPORTS")):
        remade = f'vardkase_reader_remade_total{{reason="gone",stream="{stream}"}}'
        had = (await node.metrics(service)).get(remade, 0.0)
        began = time.monotonic()
        await call(node.nc, f"CONSUMER.DELETE.{stream}.{service}-act")
        await campaign.recovered(f"delete the consumer of {service}", began=began)
        assert (await node.metrics(service))[remade] == had + 1
    assert {name: process.pid for name, process in node.processes().items()} == before


async def _hang(campaign: Campaign) -> None:
    """A NATS that hangs is told of, killed, and started again."""
    node = campaign.node
    hung = node.processes()[NATS].pid
    began = time.monotonic()
    node.signal(NATS, signal.SIGSTOP)
    await campaign.eventually(lambda: _not(node.is_ready()), what="told of a hanging NATS", within=TOLD)
    await campaign.eventually(
        lambda: not psutil.pid_exists(hung) and NATS in node.processes(), what="another NATS", within=40.0
    )
    assert time.monotonic() - began > HANG
    await campaign.recovered("NATS hangs, and is killed for it", began=began)


@pytest.mark.strace
@pytest.mark.campaign(quick=True)
@pytest.mark.timeout(120)
async def test_a_loop_that_stands_still_is_seen_from_outside_it(
    tmp_path: Path, eventually: Eventually, record: Record
) -> None:
    """When the aggregator's event loop stands still its watchdog's thread ends it, with its stacks, to be started anew.

    The loop's own thread is held in the kernel by strace; the other threads go on.
    """
    if reason := why_not():
        pytest.skip(reason)
    stall = 2.0
    load = Load(400, seed=4, slugs=5)
    variables = QUICKLY | {"HEALTH_STALL": f"{stall}s"}
    campaign = Campaign("An event loop stands still", tmp_path, eventually, load=load, variables=variables)
    node = campaign.node
    async with campaign.running():
        async with campaign.sending():
            stuck = node.processes()["aggregator"].pid
            began = time.monotonic()
            async with held(stuck, tmp_path / "trace"):
                await eventually(lambda: _not(node.is_ready()), what="told of a loop that stands still", within=TOLD)
                await eventually(
                    lambda: "the event loop stands still" in node.log.read_text(),
                    what="seen by the watchdog",
                    within=5 * stall,
                )
            await eventually(lambda: not psutil.pid_exists(stuck), what="the end of it")
            await campaign.recovered("the aggregator's loop stands still", began=began)
        await campaign.finish()
    record(campaign.outcome)
    whole(campaign.outcome)
    assert "Thread 0x" in node.log.read_text(), "its stacks were not told"
