"""Whatever is published on INTAKE: each message is a report of the log, a repeat, or refused once with one reason."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import pytest

from faults.campaign import WITHOUT_ARCHIVE, Campaign
from faults.fuzz import Fuzz
from faults.hose import Hose, Raw
from faults.load import Load
from faults.outcome import Outcome, Record
from faults.test_kills import whole
from servers import Eventually
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams
from vardkase_contracts.refusals import REJECTED

#: Of the memory that a service had before, in MiB: what decoding strange messages may leave behind.
GROWTH = 60.0


class Refusals:
    """Reads REJECTED as it grows: it keeps the newest only, and a campaign has more than it keeps."""

    def __init__(self, nc: Connection) -> None:
        self._nc = nc
        self._next = 1
        self.origins: Counter[int] = Counter()
        self.reasons: Counter[str] = Counter()
        self.gone = 0

    async def read(self) -> None:
        """Read what has come."""
        state = (await call(self._nc, f"STREAM.INFO.{streams.REJECTED}"))["state"]
        self.gone += max(0, state["first_seq"] - self._next)
        async for one in scan(self._nc, streams.REJECTED, [], start=self._next):
            event = REJECTED.validate_json(one.data)
            self.origins[int(event.data.origin.rpartition("/")[2])] += 1
            self.reasons[event.data.reason] += 1
            self._next = one.sequence + 1


async def fuzzed(campaign: Campaign, count: int, *, seed: int) -> tuple[Outcome, Refusals]:
    """Send so many fuzzed messages through a node, and find each of them again."""
    node = campaign.node
    good: set[bytes] = set()

    async with campaign.running():
        async with campaign.sending():
            pass
        refusals = Refusals(node.nc)
        campaign.outcome.before = node.memory()
        async with Hose(node.told["nats"]) as hose:

            def messages() -> Iterator[Raw]:
                for one in Fuzz(count, seed=seed):
                    if one.good:
                        good.add(one.raw.data)
                    yield one.raw

            async def all_of_it() -> None:
                await _send(hose, messages())
                await hose.settled(within=120.0)
                await campaign.until_quiet(600.0)

            # Read all the while: of REJECTED the oldest go when it is full.
            running = asyncio.create_task(all_of_it())
            while not running.done():
                await refusals.read()
                await asyncio.wait({running}, timeout=0.5)
            await running
        await refusals.read()
        await campaign.finish(told=False)

        entered = {int(each.headers["Tp-Origin"].rpartition("/")[2]): each.data async for each in _log(node.nc)}
        held = set(entered.values())
        unaccounted = 0
        async for each in scan(node.nc, streams.INTAKE, []):
            fates = (each.sequence in entered) + refusals.origins[each.sequence]
            if fates > 1 or (fates == 0 and each.data not in held):
                unaccounted += 1
        campaign.outcome.sent = hose.acknowledged
        campaign.outcome.notes += [
            f"{hose.sent:,} messages were sent, of which {len(good):,} were good reports; INTAKE took"
            f" {hose.acknowledged:,}, {len(held):,} entered the log, {refusals.origins.total():,} were refused: "
            + ", ".join(f"`{reason}` {number:,}" for reason, number in refusals.reasons.most_common())
            + "."
        ]
        assert not refusals.gone, f"{refusals.gone} refusals were gone before they were read"
        assert unaccounted == 0, f"{unaccounted} messages are neither in the log nor refused, or both"
        assert set(refusals.origins.values()) <= {1}, "a message was refused twice"
        missing = good - held
        assert not missing, f"{len(missing)} good reports did not survive, such as {next(iter(missing))!r}"
        for name in ("intake", "aggregator"):
            metrics = await node.metrics(name)
            assert metrics["vardkase_service_up"] == 1.0
    return campaign.outcome, refusals


async def _send(hose: Hose, messages: Iterable[Raw]) -> None:
    await hose.send(messages, rate=5_000, ahead=2_000)


async def _log(nc: Connection) -> AsyncIterator[Delivery]:
    async for each in scan(nc, streams.REPORTS, []):
        yield each


@pytest.mark.campaign(quick=True)
@pytest.mark.timeout(300)
async def test_fuzzed_messages_are_refused_once_and_stop_nothing(
    tmp_path: Path, eventually: Eventually, record: Record
) -> None:
    """Of 20,000 fuzzed messages every good report survives, and every other one has one fate and one reason."""
    campaign = Campaign(
        "20,000 fuzzed messages", tmp_path, eventually, load=Load(200, seed=8, slugs=5), variables=WITHOUT_ARCHIVE
    )
    began = campaign.node
    outcome, refusals = await fuzzed(campaign, 20_000, seed=9)
    record(outcome)
    whole(outcome)
    assert {"not_json", "schema", "range", "subject_mismatch", "unknown_kommun"} <= set(refusals.reasons)
    assert "restarts" not in began.log.read_text(), "a service ended"
    for name in ("intake", "aggregator"):
        assert outcome.after[name] < outcome.before[name] + GROWTH, outcome.markdown()
