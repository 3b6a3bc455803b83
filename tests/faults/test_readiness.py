"""Readiness tells the truth: of a service that stands still, of a consumer that is gone, of a NATS that hangs."""

import asyncio
import signal
import time
from pathlib import Path

import psutil
import pytest

from faults.campaign import WITHOUT_ARCHIVE, Campaign
from faults.load import Load
from faults.outcome import Record
from faults.test_kills import HONEST, whole
from faults.trace import held, why_not
from faults.whole import NATS
from servers import Eventually
from vardkase.runtime.jetstream.api import call

QUICKLY = {"SUPERVISOR_BACKOFF_MIN": "50ms", "SUPERVISOR_BACKOFF_MAX": "500ms"} | WITHOUT_ARCHIVE
#: Seconds until the node tells that a service answers nothing: one poll, and one answer's patience; and a busy machine.
TOLD = 4.0


@pytest.mark.campaign(quick=True)
@pytest.mark.timeout(240)
async def test_what_does_not_get_on_is_told_and_mended(tmp_path: Path, eventually: Eventually, record: Record) -> None:
    """A frozen service, deleted consumers and a NATS that hangs: each is told of, and mended without a person."""
    hang = 4.0
    variables = QUICKLY | {"SUPERVISOR_HANG": f"{hang}s"}
    campaign = Campaign(
        "readiness", tmp_path, eventually, load=Load(9_999, seed=4, slugs=5), rate=50, variables=variables
    )
    node = campaign.node
    async with campaign.running():
        async with campaign.sending():
            # A service that stands still answers nothing, and the node tells.
            began = time.monotonic()
            node.signal("intake", signal.SIGSTOP)
            await eventually(lambda: _not(node.is_ready()), what="told of a frozen service", within=TOLD)
            assert any("intake" in check for check in await node.failing())
            node.signal("intake", signal.SIGCONT)
            await campaign.recovered("freeze intake", began=began, at=0)

            # A consumer that somebody deletes is made again, and work goes on from where it was.
            before = {name: pid.pid for name, pid in node.processes().items()}
            for consumer in ("INTAKE.intake-act", "REPORTS.aggregator-act"):
                began = time.monotonic()
                await call(node.nc, f"CONSUMER.DELETE.{consumer}")
                await campaign.recovered(f"delete {consumer}", began=began, at=0)
            assert {name: pid.pid for name, pid in node.processes().items()} == before
            for name, stream in (("intake", "INTAKE"), ("aggregator", "REPORTS")):
                remade = f'vardkase_reader_remade_total{{reason="gone",stream="{stream}"}}'
                assert (await node.metrics(name))[remade] == 1.0

            # A NATS that hangs is told of, killed, and started again.
            hung = node.processes()[NATS].pid
            began = time.monotonic()
            node.signal(NATS, signal.SIGSTOP)
            await eventually(lambda: _not(node.is_ready()), what="told of a hanging NATS", within=TOLD)
            await eventually(
                lambda: not psutil.pid_exists(hung) and NATS in node.processes(), what="another NATS", within=40.0
            )
            assert time.monotonic() - began > hang
            await campaign.recovered("NATS hangs", began=began, at=0)
            campaign.reporters.enough()
        await campaign.finish()
    outcome = campaign.outcome
    record(outcome)
    whole(outcome)
    assert all(row.lie < HONEST for row in outcome.rows), outcome.markdown()


async def _not(ready: "asyncio.Future[bool] | object") -> bool:
    return not await ready  # type: ignore[misc]


@pytest.mark.strace
@pytest.mark.campaign(quick=True)
@pytest.mark.timeout(120)
async def test_a_loop_that_stands_still_is_seen_from_outside_it(tmp_path: Path, eventually: Eventually) -> None:
    """When the aggregator's event loop stands still its watchdog's thread ends it, with its stacks, to be started anew.

    The loop's own thread is held in the kernel by strace; the other threads go on.
    """
    if reason := why_not():
        pytest.skip(reason)
    stall = 2.0
    campaign = Campaign(
        "stall",
        tmp_path,
        eventually,
        load=Load(400, seed=4, slugs=5),
        variables=QUICKLY | {"HEALTH_STALL": f"{stall}s"},
    )
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
            await campaign.recovered("the loop stands still", began=began, at=0)
        await campaign.finish()
    whole(campaign.outcome)
    assert "Thread 0x" in node.log.read_text(), "its stacks were not told"
