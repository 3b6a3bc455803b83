"""What is acknowledged is on disk: seen by the calls that the processes make, with strace."""

import json
from pathlib import Path

import pytest

from faults.campaign import STANDING_CLOCK, WITHOUT_ARCHIVE
from faults.load import Load
from faults.trace import SEND, STORE, SYNC, tracing, why_not
from faults.whole import NATS, Whole
from servers import Eventually


@pytest.mark.strace
@pytest.mark.timeout(180)
async def test_each_step_is_synced_before_it_is_acknowledged(tmp_path: Path, eventually: Eventually) -> None:
    """The publisher hears of a report, INTAKE and REPORTS hear of its being dealt with, when its traces are on disk."""
    if reason := why_not():
        pytest.skip(reason)
    node = Whole(tmp_path, eventually, variables=STANDING_CLOCK | WITHOUT_ARCHIVE)
    await node.start()
    try:
        processes = node.processes()
        traced = [processes[name] for name in (NATS, "intake", "aggregator")]
        async with tracing(traced, tmp_path / "trace", eventually) as trace:
            told = next(iter(Load(1, seed=1).reports()))
            answer = json.loads((await node.nc.request(told.subject, told.data, timeout=10)).data)
            assert answer["seq"] == 1
            await eventually(
                lambda: trace.first(SEND, "PUB $JS.ACK.REPORTS.aggregator-act.") is not None,
                what="acknowledged by the aggregator",
                within=20.0,
            )
        told_in = (
            # What is stored where, and what is told after that: to the publisher, to INTAKE, to REPORTS.
            (("/streams/INTAKE/msgs/", '\\"id\\":\\"r1\\"'), ('\\"stream\\":\\"INTAKE\\"',)),
            (("/streams/REPORTS/msgs/", '\\"id\\":\\"r1\\"'), ("PUB $JS.ACK.INTAKE.intake-act.",)),
            (("/streams/STATE/msgs/", "tp.v1.act.state."), ("PUB $JS.ACK.REPORTS.aggregator-act.",)),
            (("/identities-act.sqlite-wal",), ("PUB $JS.ACK.REPORTS.aggregator-act.",)),
        )
        for stored, heard in told_in:
            written = trace.first(STORE, *stored)
            assert written is not None, f"nothing was written to {stored[0]}"
            synced = trace.first(SYNC, stored[0], after=written)
            acknowledged = trace.first(SEND, *heard, after=written)
            assert synced is not None, f"{stored[0]} was never synced"
            assert acknowledged is not None, f"{heard[0]} was never sent"
            assert written < synced < acknowledged, f"{heard[0]} was sent before {stored[0]} was synced"
    finally:
        await node.stop()
