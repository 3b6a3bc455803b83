"""A disk that is full: what was accepted stays, publishers are not fooled, and all goes on when there is room again."""

import time
from pathlib import Path

import pytest

from faults.campaign import Campaign
from faults.disk import Ballast, is_mounted, mounted, why_not
from faults.load import Load
from faults.outcome import Record
from faults.test_kills import whole
from faults.whole import NODE
from servers import Eventually

#: MiB: room for the streams of a short campaign, and quickly filled.
SIZE = 160
#: Seconds that it stays full after that was told.
FULL = 6.0
QUICKLY = {"SUPERVISOR_BACKOFF_MIN": "50ms", "SUPERVISOR_BACKOFF_MAX": "1s"}


@pytest.mark.campaign(quick=True)
@pytest.mark.timeout(240)
async def test_a_full_disk_stops_all_and_ends(tmp_path: Path, eventually: Eventually, record: Record) -> None:
    """While the node's disk is full it says that it is not ready and accepts nothing; afterwards it is as if never.

    nats-server keeps a stream's first write error until it is started anew: the supervisor does that when there is
    room. The services have done nothing wrong: they wait, and do not end.
    """
    if reason := why_not():
        pytest.skip(reason)
    data = tmp_path / "data"
    data.mkdir()
    campaign = Campaign(
        "A full disk",
        tmp_path,
        eventually,
        load=Load(9_999, seed=12, slugs=5),
        rate=100,
        variables=QUICKLY,
        wrap=mounted(data, SIZE),
    )
    node = campaign.node
    async with campaign.running():
        ballast = Ballast(node.pid, data)
        async with campaign.sending():
            ballast.fill()
            await eventually(lambda: _says(campaign, "no space left"), what="told of a full disk", within=15.0)
            accepted, until = len(campaign.reporters.acknowledged), time.monotonic() + FULL
            await eventually(lambda: time.monotonic() > until, what="the time", within=FULL + 5)
            assert len(campaign.reporters.acknowledged) <= accepted + 1, "accepted on a full disk"
            ballast.empty()
            await node.until_ready()
            await eventually(
                lambda: len(campaign.reporters.acknowledged) > accepted + 100, what="accepting again", within=20.0
            )
            campaign.reporters.enough()
        restarts = await node.metrics(NODE)
        await campaign.finish()
    record(campaign.outcome)
    whole(campaign.outcome)
    for service in ("intake", "aggregator"):
        assert restarts[f'vardkase_node_restarts_total{{service="{service}"}}'] == 0, f"{service} was started again"
    assert not is_mounted(data)


@pytest.mark.campaign
@pytest.mark.timeout(240)
async def test_a_full_disk_of_the_archive_stops_the_archive_alone(
    open_path: Path, eventually: Eventually, record: Record
) -> None:
    """While PostgreSQL's disk is full the node goes on; with room again the archive gets all that it had missed."""
    if reason := why_not():
        pytest.skip(reason)
    disk = open_path / "data" / "postgres"
    disk.mkdir(parents=True)
    campaign = Campaign(
        "A full disk of PostgreSQL",
        open_path,
        eventually,
        load=Load(9_999, seed=13, slugs=5),
        rate=150,
        variables=QUICKLY,
        wrap=mounted(disk, 2 * SIZE),
        with_archive=True,
    )
    node = campaign.node
    async with campaign.running():
        ballast = Ballast(node.pid, disk)
        async with campaign.sending():
            began, at = time.monotonic(), len(campaign.reporters.acknowledged)
            ballast.fill()
            await eventually(lambda: _unready(campaign, "archiver"), what="told of a full disk", within=30.0)
            told = time.monotonic()
            accepted = len(campaign.reporters.acknowledged)
            await eventually(
                lambda: len(campaign.reporters.acknowledged) > accepted + 100, what="accepting without an archive"
            )
            assert not campaign.observers.said_no_for_nothing(NODE, began, told), "the node was not ready without it"
            ballast.empty()
            await campaign.recovered("full disk of PostgreSQL", began=began, at=at, recovers=90.0)
            campaign.reporters.enough()
        await campaign.finish()
    record(campaign.outcome)
    whole(campaign.outcome)


async def _unready(campaign: Campaign, name: str) -> bool:
    return not await campaign.node.is_ready(name)


async def _says(campaign: Campaign, words: str) -> bool:
    return any(words in check for check in await campaign.node.failing())
