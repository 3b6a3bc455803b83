"""Processes of a node are killed, frozen and restarted while reports come in: the quick set."""

from pathlib import Path

import pytest

from faults.campaign import WITHOUT_ARCHIVE, Campaign
from faults.kinds import Fault
from faults.load import Load
from faults.outcome import Outcome, Record
from servers import Eventually

#: Seconds from when a service last got on with its work until it may still say that it is ready: two and a half missed
#: heartbeats of the server, and a busy machine.
HONEST = 5.0
FAULTS = (
    Fault(deed="kill", to=("nats-server",), holds=0, apart=0),
    Fault(deed="freeze", to=("nats-server",), holds=5, apart=0),
    Fault(deed="kill", to=("aggregator", "intake"), holds=0, apart=0.3),
    Fault(deed="restart", to=("intake", "nats-server"), holds=0, apart=0.2),
    Fault(deed="freeze", to=("aggregator",), holds=3, apart=0),
)


def whole(outcome: Outcome) -> None:
    """Nothing is lost, nothing is doubled, and what is said is what an undisturbed run would say."""
    told = outcome.markdown()
    assert (outcome.lost, outcome.doubled, outcome.differing, outcome.wrong_in_archive) == (0, 0, 0, 0), told


@pytest.mark.campaign(quick=True)
@pytest.mark.timeout(240)
async def test_kills_freezes_and_restarts_lose_nothing_and_are_told(
    tmp_path: Path, eventually: Eventually, record: Record
) -> None:
    """Whatever is done to services and NATS: nothing lost or doubled, and no false word about being ready."""
    quickly = {"SUPERVISOR_BACKOFF_MIN": "50ms", "SUPERVISOR_BACKOFF_MAX": "500ms"} | WITHOUT_ARCHIVE
    campaign = Campaign("quick", tmp_path, eventually, load=Load(4_000, seed=3), rate=400, variables=quickly)
    outcome = await campaign.run(FAULTS, seed=5)
    record(outcome)
    whole(outcome)
    by_fault = {row.fault: row for row in outcome.rows}
    assert all(row.lie < HONEST for row in outcome.rows), outcome.markdown()
    for name in ("kill nats-server", "freeze nats-server 5 s", "freeze aggregator 3 s"):
        assert by_fault[name].unready is not None, f"{name} was never told of"
