"""NATS comes back with an empty store: what was in it is gone, and everything else recovers by itself."""

import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest

from faults.campaign import STANDING_CLOCK, WITHOUT_ARCHIVE, Campaign
from faults.load import Load
from faults.outcome import Record
from faults.reporters import Reporters
from faults.test_kills import whole
from faults.whole import NATS, Whole
from servers import Eventually, MakeServer
from vardkase.runtime.jetstream.api import NoAnswer, call
from vardkase.runtime.jetstream.connection import Connection, connect
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams

QUICKLY = {"SUPERVISOR_BACKOFF_MIN": "50ms", "SUPERVISOR_BACKOFF_MAX": "500ms"}


@pytest.mark.campaign(quick=True)
@pytest.mark.timeout(180)
async def test_an_empty_store_is_told_and_filled_again(open_path: Path, eventually: Eventually, record: Record) -> None:
    """Streams and consumers are made again, reports that are sent again are taken, and nothing of the old is left over.

    The aggregator forgets what it knew of the log that is gone: identities, states and alerts are those of the new log.
    The archive has all that was ever in either, once.
    """
    load = Load(1_500, seed=6, slugs=5)
    campaign = Campaign(
        "NATS with an empty store", open_path, eventually, load=load, variables=QUICKLY, with_archive=True
    )
    node = campaign.node
    async with campaign.running():
        async with campaign.sending():
            pass
        await campaign.until_quiet(60.0)
        sent = list(campaign.reporters.acknowledged)
        campaign.older = Counter([each.data async for each in scan(node.nc, streams.REPORTS, [])])
        assert len(campaign.older) > 1_000

        node.signal(NATS, signal.SIGSTOP)
        shutil.rmtree(node.data / "nats" / "store")
        node.signal(NATS, signal.SIGKILL)
        await eventually(lambda: _unready(campaign), what="told that NATS is gone", within=5.0)
        await node.until_ready()
        assert (await call(node.nc, "STREAM.INFO.REPORTS"))["state"]["messages"] == 0

        # The clients send the second half again; the first half is gone for good (the archive has it).
        again = sent[len(sent) // 2 :]
        campaign.reporters = Reporters(node.nc, again)
        await campaign.reporters.run()
        await campaign.finish()
    record(campaign.outcome)
    whole(campaign.outcome)
    assert 0 < campaign.outcome.reports < len(campaign.older)


async def _unready(campaign: Campaign) -> bool:
    return not await campaign.node.is_ready()


@pytest.mark.campaign(quick=True)
@pytest.mark.timeout(180)
async def test_a_server_of_somebody_elses_that_was_emptied_gets_its_streams_again(
    tmp_path: Path, eventually: Eventually, make_server: MakeServer
) -> None:
    """A node on a server that it does not run itself makes the streams that are gone, and goes on."""
    server = make_server("elsewhere")
    variables = (
        STANDING_CLOCK | WITHOUT_ARCHIVE | QUICKLY | {"NATS_URL": server.url, "SUPERVISOR_STREAMS_POLL": "500ms"}
    )
    node = Whole(tmp_path / "node", eventually, variables=variables)
    await node.start()
    try:
        nc = await connect(server.url, name="test", reconnect_wait=0.05)
        server.kill()
        server.wipe()
        server.start()
        await eventually(lambda: _has_streams(nc), what="the streams are there again", within=20.0)
        await node.until_ready()
        told = list(Load(50, seed=1, slugs=5).reports())
        await Reporters(nc, told).run()

        async def dealt_with() -> bool:
            return (await call(nc, f"STREAM.INFO.{streams.STATE}"))["state"]["messages"] >= 25

        await eventually(dealt_with, what="states of what was reported", within=20.0)
        await nc.close()
    finally:
        await node.stop()


async def _has_streams(nc: Connection) -> bool:
    try:
        return streams.REPORTS in ((await call(nc, "STREAM.NAMES", within=1.0))["streams"] or ())
    except NoAnswer:
        return False
