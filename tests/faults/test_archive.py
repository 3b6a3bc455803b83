"""The archive's turn: PostgreSQL and the archiver are killed, frozen and away, and nothing else minds."""

import signal
import time
from pathlib import Path

import pytest

from faults.campaign import Campaign
from faults.kinds import Fault
from faults.load import Load
from faults.outcome import Record
from faults.test_kills import whole
from faults.whole import NODE, POSTGRES
from servers import Eventually

QUICKLY = {
    "SUPERVISOR_BACKOFF_MIN": "50ms",
    "SUPERVISOR_BACKOFF_MAX": "500ms",
    # An hour is a minute here, and so is what the archiver waits for.
    "ARCHIVER_TIMEOUT": "1s",
    "ARCHIVER_CONNECT_TIMEOUT": "500ms",
    "ARCHIVER_BACKOFF_MAX": "200ms",
}


async def away(campaign: Campaign, seconds: float) -> None:
    """PostgreSQL hangs for so long while reports come in: the archiver says so, and the node is ready all the while."""
    node = campaign.node
    began = time.monotonic()
    at = len(campaign.reporters.acknowledged)
    node.signal(POSTGRES, signal.SIGSTOP)
    try:
        await campaign.eventually(lambda: _says_away(campaign), what="told that PostgreSQL is away", within=10.0)
        until = began + seconds
        await campaign.eventually(lambda: time.monotonic() > until, what="the time", within=seconds + 5)
    finally:
        node.signal(POSTGRES, signal.SIGCONT)
    assert len(campaign.reporters.acknowledged) > at, "nothing was accepted meanwhile"
    back = time.monotonic()
    assert not campaign.observers.said_no_for_nothing(NODE, began, back), "the node was not ready without its archive"
    await campaign.recovered(f"PostgreSQL away for {seconds:.0f} s", began=began, at=at)


async def _says_away(campaign: Campaign) -> bool:
    return not await campaign.node.is_ready("archiver")


@pytest.mark.campaign(quick=True)
@pytest.mark.timeout(240)
async def test_the_archive_catches_up_and_doubles_nothing(
    open_path: Path, eventually: Eventually, record: Record
) -> None:
    """PostgreSQL away, PostgreSQL and archiver killed: the node goes on, and the archive has every copy once."""
    campaign = Campaign(
        "PostgreSQL and the archiver",
        open_path,
        eventually,
        load=Load(9_999, seed=14, slugs=5),
        rate=150,
        variables=QUICKLY,
        with_archive=True,
    )
    async with campaign.running():
        async with campaign.sending():
            await away(campaign, 4.0)
            await campaign.commit(Fault(deed="kill", to=("postgres",), holds=0, apart=0))
            await campaign.commit(Fault(deed="kill", to=("archiver", "nats-server"), holds=0, apart=0.2))
            campaign.reporters.enough()
        await campaign.finish()
    record(campaign.outcome)
    whole(campaign.outcome)
