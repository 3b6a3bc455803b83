from pathlib import Path
from typing import Any

import pytest

from vardkase.simulator.scenario import MAX_BYTES, Scenario, ScenarioError, shipped_scenarios


@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_shipped_scenario_is_valid_and_is_called_what_its_file_is(name: str) -> None:
    """A shipped scenario loads by its name."""
    assert Scenario.load(name).name == name


def test_the_storm_over_gotaland_is_shipped() -> None:
    """The first scenario is there."""
    assert "storm-gotaland" in shipped_scenarios()


def test_a_scenario_loads_from_a_file(tmp_path: Path) -> None:
    """A file of one's own is read like a shipped one."""
    source = Scenario.load("storm-gotaland")
    path = tmp_path / "mine.yaml"
    path.write_text(source.model_dump_json(by_alias=True), encoding="utf-8")
    assert Scenario.load(path) == source


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"storm": {"speed_kmh": -5}}, "storm.speed_kmh"),
        ({"storm": {"sped_kmh": 100}}, "storm.sped_kmh"),
        ({"habits": {"interval_min": {"median": 5, "sigma": 0, "low": 10, "high": 20}}}, "habits.interval_min"),
        ({"storm": {"passage_h": {"low": 2, "high": 1}}}, "storm.passage_h"),
        ({"register": {"publish": {"hidden": 0.5, "live": 0.2}}}, "register.publish"),
        ({"register": {"kinds": {"skyddsrum": 1.0}}}, "register.kinds.skyddsrum.[key]"),
        ({"points": {"total": 100_000}}, "points"),
        ({"points": {"weights": [{"weight": 1, "kommuner": ["9999"]}]}}, "points.weights.0.kommuner"),
        ({"points": {"weights": [{"weight": 1, "kommuner": ["2480", "2480"]}]}}, "points"),
        ({"refill": {"on_time_share": 0.9, "late_share": 0.9}}, "refill"),
        ({"habits": {"endurance": {"fuel_share": 0.9, "hours_share": 0.9}}}, "habits.endurance"),
        ({"power": {"tank_h": {}}}, "power.tank_h"),
        ({"timezone": "Europe/Visby"}, "timezone"),
        ({"duration_h": 10_000}, "duration_h"),
        ({"duration_h": "lång"}, "duration_h"),
        ({"visitors": {"rhythm": [1.0]}}, "visitors.rhythm"),
        ({"needs": None}, "needs"),
    ],
)
def test_an_error_names_the_field(changes: dict[str, Any], field: str) -> None:
    """What is wrong in a scenario is named by its place in the file."""
    with pytest.raises(ScenarioError) as caught:
        Scenario.load("storm-gotaland").changed(**changes)
    assert field in [name for name, _ in caught.value.problems]
    assert field in str(caught.value)


def test_a_missing_file_tells_which_scenarios_are_shipped(tmp_path: Path) -> None:
    """A name that is not there is answered with those that are."""
    with pytest.raises(ScenarioError, match="storm-gotaland"):
        Scenario.load(tmp_path / "storm-norrland.yaml")


@pytest.mark.parametrize("text", [b"a: [", b"\xff\xfe\x00", b"- 1", b"", b"a" * (MAX_BYTES + 1)])
def test_what_is_no_scenario_is_refused_by_one_kind_of_error(text: bytes) -> None:
    """Bytes that are not YAML, not a mapping, or too many, are a scenario error."""
    with pytest.raises(ScenarioError):
        Scenario.parse(text, name="x")


def test_yaml_makes_no_objects() -> None:
    """A tag that would run code is refused."""
    with pytest.raises(ScenarioError):
        Scenario.parse(b"!!python/object/apply:os.getcwd []", name="x")


def test_a_change_is_merged_into_its_section_and_changes_the_digest() -> None:
    """A changed scenario keeps the rest, and is told apart."""
    before = Scenario.load("storm-gotaland")
    after = before.changed(points={"total": 1500}, duration_h=6)
    assert (after.points.total, after.duration_h) == (1500, 6)
    assert after.points.per_kommun_max == before.points.per_kommun_max
    assert after.digest() != before.digest()
    assert before.changed().digest() == before.digest()
