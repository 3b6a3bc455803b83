"""Every alert of every scenario as CAP: what a node of the whole country would have sent."""

from collections import Counter
from hashlib import sha256

import pytest

from acceptance.node import Node
from cap_kit import Chains
from vardkase.domain.merge import Received
from vardkase.intake.check import Accepted, check
from vardkase.simulator.scenario import Scenario, shipped_scenarios
from vardkase.simulator.simulation import Simulation
from vardkase_contracts.instants import MINUTE

#: How often what came is judged; the clock's own changes are judged when they are due.
STEP = 5 * MINUTE


def alerts_of(scenario: Scenario) -> Node:
    """A node of the country that was sent all of a scenario."""
    simulation = Simulation(scenario, 1)
    node, now, came = Node(area="SE"), simulation.start, list[Received]()
    for emission in simulation:
        while emission.at > now + STEP:
            now = _judge(node, now, came)
        outcome = check(emission.subject, emission.payload)
        if isinstance(outcome, Accepted):
            digest = sha256(emission.payload).digest()
            came.append(Received(report=outcome.report, received=emission.at, digest=digest))
    while now < simulation.end:
        now = _judge(node, now, came)
    return node


def _judge(node: Node, now: int, came: list[Received]) -> int:
    """Let the clock go on by a step, and judge what came in it."""
    node.drive(now, now + STEP)
    if came:
        node.receive(came)
        came.clear()
    node.judge(now + STEP)
    return now + STEP


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_alert_of_a_scenario_is_valid_cap(name: str) -> None:
    """Each change is a document that is valid by the schema, and each reference is to a message that was sent."""
    # Heartbeats are most of what is sent, and no alert hangs on more of them.
    node = alerts_of(Scenario.load(name).changed(habits={"app_share": 0.1}))
    chains = Chains("SE")
    chains.take(node.streams.alerts)
    kinds = Counter(kind for each in chains.kinds.values() for kind in each)
    assert kinds["Alert"] > 100
    assert kinds["Update"] > 100
    assert kinds["Cancel"] > 50
    for chain in chains.kinds.values():
        assert chain[0] == "Alert"
        assert set(chain[1:-1]) <= {"Update"}
    node.crash()
