"""More reports than a node can take: those that are accepted are dealt with, and the others are told of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.campaign import WITHOUT_ARCHIVE, Campaign
from faults.hose import Hose, Raw
from faults.load import NOW, Load
from faults.outcome import Outcome, Record
from faults.test_kills import whole
from servers import Eventually
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams
from vardkase_contracts.instants import iso

RATE = 20_000
#: MiB that a process may have while it is flooded: its buffers are bounded.
MOST = {"intake": 250.0, "aggregator": 350.0, "nats-server": 1_500.0}


def reports(points: list[str], count: int) -> Iterator[Raw]:
    """Reports without end, one for each point after the other; cheap to make."""
    made = [
        (
            f"tp.v1.act.report.24.{point[:4]}.{point[5:]}.status".encode(),
            (
                f'{{"specversion":"1.0","id":"flood-%d","source":"urn:tp:kommun:{point[:4]}:a",'
                f'"type":"se.trygghetspunkt.status.v1","subject":"{point}","time":"{iso(NOW)}","reality":"act",'
                '"data":{"occupancy":%d,"lifecycle":"open"}}'
            ).encode(),
        )
        for point in points
    ]
    for number in range(count):
        subject, form = made[number % len(made)]
        yield Raw(subject, form % (number, number % 55))


async def flooded(campaign: Campaign, seconds: int, *, recovers: float) -> Outcome:
    """Send 20,000 reports a second for so long, and let the node catch up.

    A server with more waiting than it may hold drops what comes, without a word: whoever sent it is not told that it is
    stored, and sends it again.
    """
    node = campaign.node
    async with campaign.running():
        async with campaign.sending():
            pass
        await campaign.until_quiet()
        campaign.outcome.before = node.memory()
        async with Hose(node.told["nats"]) as hose:
            took = await hose.send(reports(campaign.load.points, RATE * seconds), rate=RATE)
            await hose.settled(within=recovers)
        await campaign.until_quiet(recovers)
        await campaign.finish(told=False)
        taken = [each.data async for each in scan(node.nc, streams.INTAKE, [])]
        entered = {each.data async for each in scan(node.nc, streams.REPORTS, [])}
    outcome = campaign.outcome
    outcome.sent = hose.acknowledged + len(campaign.reporters.acknowledged)
    outcome.lost = sum(1 for each in taken if each not in entered)
    told_no = ", ".join(f"{number:,} “{words}”" for words, number in hose.refused.items()) or "none"
    outcome.notes.append(
        f"{hose.sent:,} reports were sent in {took:.0f} s ({hose.sent / took:,.0f}/s: a server that does not keep up"
        f" makes the sender wait). {hose.acknowledged:,} of them were acknowledged, told no: {told_no}, unanswered:"
        f" {hose.sent - hose.answers:,}."
    )
    assert outcome.sent <= len(taken), "more was acknowledged than INTAKE has"
    return outcome


def bounded(outcome: Outcome) -> None:
    """No process has had more memory than its buffers explain."""
    assert {name: size for name, size in outcome.most.items() if size > MOST.get(name, 150.0)} == {}


@pytest.mark.campaign(quick=True)
@pytest.mark.timeout(300)
async def test_a_flood_loses_nothing_that_was_accepted(tmp_path: Path, eventually: Eventually, record: Record) -> None:
    """Of 20,000 reports a second every one is acknowledged or refused, and what was acknowledged is dealt with."""
    campaign = Campaign(
        "A flood of 20,000/s for a second",
        tmp_path,
        eventually,
        load=Load(200, seed=8, slugs=5),
        variables=WITHOUT_ARCHIVE,
    )
    outcome = await flooded(campaign, 1, recovers=120.0)
    record(outcome)
    whole(outcome)
    bounded(outcome)
