"""The long campaigns: `uv run pytest -m campaign`. Their report: `.pytest_cache/d/faults/report.md`."""

from pathlib import Path

import pytest

from faults.campaign import WITHOUT_ARCHIVE, Campaign
from faults.kinds import alone_and_in_pairs
from faults.load import Load
from faults.outcome import Record
from faults.test_archive import QUICKLY, away
from faults.test_flood import bounded, flooded
from faults.test_fuzz import fuzzed
from faults.test_kills import HONEST, whole
from faults.whole import NATS, POSTGRES
from servers import Eventually

pytestmark = pytest.mark.campaign


@pytest.mark.timeout(1_800)
async def test_every_process_alone_and_in_pairs(open_path: Path, eventually: Eventually, record: Record) -> None:
    """Services, NATS and PostgreSQL are killed, frozen and restarted, alone and in pairs, during 100,000 reports."""
    campaign = Campaign(
        "Killed, frozen and restarted, alone and in pairs",
        open_path,
        eventually,
        load=Load(100_000, seed=21),
        rate=150,
        variables={"SUPERVISOR_BACKOFF_MAX": "2s"},
        with_archive=True,
    )
    names = ("intake", "aggregator", "archiver", NATS, POSTGRES)
    outcome = await campaign.run(alone_and_in_pairs(names, seed=22, holds=(2.0, 12.0)), seed=23, recovers=240.0)
    record(outcome)
    whole(outcome)
    assert all(row.lie < HONEST for row in outcome.rows), outcome.markdown()


@pytest.mark.timeout(600)
async def test_postgres_away_for_an_hour(open_path: Path, eventually: Eventually, record: Record) -> None:
    """PostgreSQL hangs for an hour, at sixty times the speed; the archive has everything a little later."""
    campaign = Campaign(
        "PostgreSQL away for an hour (a minute, with every wait of the archiver shortened alike)",
        open_path,
        eventually,
        load=Load(100_000, seed=31),
        rate=400,
        variables=QUICKLY,
        with_archive=True,
    )
    async with campaign.running():
        async with campaign.sending():
            await away(campaign, 60.0)
            campaign.reporters.enough()
        await campaign.finish()
    record(campaign.outcome)
    whole(campaign.outcome)


@pytest.mark.timeout(3_600)
async def test_a_million_fuzzed_messages(tmp_path: Path, eventually: Eventually, record: Record) -> None:
    """Of a million fuzzed messages every good report survives, and every other one has one fate and one reason."""
    load = Load(200, seed=8, slugs=5)
    campaign = Campaign("A million fuzzed messages", tmp_path, eventually, load=load, variables=WITHOUT_ARCHIVE)
    outcome, _ = await fuzzed(campaign, 1_000_000, seed=41)
    record(outcome)
    whole(outcome)
    bounded(outcome)


@pytest.mark.timeout(1_800)
async def test_a_flood_for_a_minute(tmp_path: Path, eventually: Eventually, record: Record) -> None:
    """20,000 reports a second for a minute: what was accepted is dealt with, in bounded memory."""
    load = Load(200, seed=8, slugs=5)
    campaign = Campaign("A flood of 20,000/s for a minute", tmp_path, eventually, load=load, variables=WITHOUT_ARCHIVE)
    outcome = await flooded(campaign, 60, recovers=1_200.0)
    record(outcome)
    whole(outcome)
    bounded(outcome)
