"""What a node says, beside what follows from its log."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from histories import STORY
from vardkase.aggregator.rules_file import load_rules
from vardkase.aggregator.world import World
from vardkase.domain.picture import Pictures
from vardkase.rehearsal.acts import note
from vardkase.rehearsal.verdict import Undisturbed, compare
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import HOUR
from vardkase_contracts.orders import ORDER

AREA = Area("lan", "24")
NOW = STORY.end + HOUR
LOG = [each.delivery for each in STORY.rows]


def _world(log: list[Delivery]) -> World:
    return Undisturbed(log).world(AREA, load_rules(None), [])


@pytest.fixture
def told() -> dict[str, Any]:
    """What an undisturbed node says."""
    world = _world(LOG)
    effects = world.judge(NOW)
    around, pictures = world.surroundings(), Pictures(world.rollup, "act")
    documents: list[Mapping[str, Any]] = [
        *effects.states.values(),
        *effects.alerts.values(),
        *(pictures.of(each, around, NOW) for each in world.rollup.sums),
    ]
    return {str(number): orjson.loads(orjson.dumps(each)) for number, each in enumerate(documents)}


def test_a_node_that_says_what_follows_is_right(told: dict[str, Any]) -> None:
    """States, pictures and alerts, whatever the order its log is in."""
    found = compare("lan-24", _world(LOG[::-1]), told, [], NOW)
    assert not found.wrong, found.examples
    assert found.states == 3
    assert found.alerts > 0


def test_what_it_lacks_is_seen(told: dict[str, Any]) -> None:
    """A report that never came: another state, another picture."""
    found = compare("lan-24", _world(LOG[:-1]), told, [], NOW)
    assert found.wrong
    assert found.differing >= 2


def test_an_alert_that_is_missed_or_false_is_seen(told: dict[str, Any]) -> None:
    """One that is not told, one at another level, and one that should not be."""
    alerts = [name for name, each in told.items() if each.get("status") == "firing"]
    first = told[alerts[0]]
    missing = {name: each for name, each in told.items() if name != alerts[0]}
    assert compare("lan-24", _world(LOG), missing, [], NOW).missed == 1
    other = told | {alerts[0]: {**first, "level": "yellow" if first["level"] != "yellow" else "red"}}
    assert compare("lan-24", _world(LOG), other, [], NOW).missed == 1
    false = told | {"x": {**first, "key": "power.lost/2480-x"}}
    assert compare("lan-24", _world(LOG), false, [], NOW).false == 1
    assert compare("lan-24", _world(LOG), told, ["twice"], NOW).doubled == 1


def test_a_note_is_an_order() -> None:
    """About the area, by its staff; its id tells it again wherever it comes."""
    name, subject, data = note(7, Area("kommun", "2480"), NOW)
    order = ORDER.validate_json(data)
    assert (order.id, order.subject, order.kind) == (name, "2480", "note")
    assert subject == "tp.v1.act.order.24.2480.note"
