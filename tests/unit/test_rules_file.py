"""A table of rules that cannot be used is refused in one line that names the file and what is wrong in it."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from vardkase.aggregator.rules_file import load_rules
from vardkase.runtime.errors import WRONG_USE, Refused
from vardkase_contracts.instants import HOUR, MINUTE
from vardkase_contracts.vocab import RULES

BUILT_IN = files("vardkase.domain").joinpath("default-1.yaml").read_text()

Refusal = Callable[..., str]


@pytest.fixture
def refusal(tmp_path: Path) -> Refusal:
    """The line by which a file with that content is refused, without the file's own name."""

    def refuse(content: str | bytes) -> str:
        path = tmp_path / "rules.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(Refused) as caught:
            load_rules(path)
        assert caught.value.code == WRONG_USE
        line = str(caught.value)
        assert "\n" not in line
        assert line.startswith(f"rules file {path}")
        return line.removeprefix(f"rules file {path}")

    return refuse


def changed(rule: str, **settings: Any) -> str:
    """The built-in table with other settings of one rule; `None` takes one away."""
    table = yaml.safe_load(BUILT_IN)
    rule_now = table["rules"].setdefault(rule, {}) | settings
    table["rules"][rule] = {name: value for name, value in rule_now.items() if value is not None}
    return yaml.safe_dump(table)


def test_without_a_file_the_built_in_table_is_in_force() -> None:
    """The built-in table has every rule, and the version of the contract."""
    table = load_rules(None)
    assert table.version == "default-1"
    assert set(table.rules) == set(RULES)


def test_an_operators_file_is_in_force(tmp_path: Path) -> None:
    """A whole table with another limit and version is taken as it is."""
    path = tmp_path / "own.yaml"
    path.write_text(changed("heat.low", yellow={"limit": 21}).replace("default-1", "umea-2"))
    table = load_rules(path)
    assert (table.version, table["heat.low"].limit("yellow")) == ("umea-2", 21)
    assert table["heat.low"].limit("red") == 18


def test_a_level_that_is_left_out_never_holds() -> None:
    """What a rule does not have has neither limit nor duration."""
    spec = load_rules(None)["need.overdue"]
    assert (spec.limit("critical"), spec.held("critical")) == (None, None)
    assert spec.held("red") == 2 * HOUR


@pytest.mark.parametrize(("text", "expected"), [("90s", 90 * MINUTE // 60), ("5m", 5 * MINUTE), ("6h", 6 * HOUR)])
def test_durations_are_a_number_and_a_unit(tmp_path: Path, text: str, expected: int) -> None:
    """Seconds, minutes and hours are understood."""
    path = tmp_path / "own.yaml"
    path.write_text(changed("heat.low", keep=text))
    assert load_rules(path)["heat.low"].keep == expected


# -- what cannot be read -----------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is named with the system's reason."""
    with pytest.raises(Refused, match=r"rules file .*none\.yaml: cannot be read: No such file or directory"):
        load_rules(tmp_path / "none.yaml")


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    """A directory in a file's place cannot be read."""
    with pytest.raises(Refused, match="cannot be read: Is a directory"):
        load_rules(tmp_path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("version: [1\nrules: {}\n", ", line 2: is not YAML"),
        ("a: b: c", ", line 1: is not YAML"),
        (b"\xff\xfe\x00", ": is not YAML"),
        ("a: \x01", ": is not YAML"),
        ("version: 2026-13-45", ": is not YAML"),
        ("version: " + "1" * 5_000, ": is not YAML"),
        ("[" * 1_000, ": is not YAML"),
        ("version: !!python/object/apply:os.getcwd []", ", line 1: is not YAML"),
    ],
    ids=["bracket", "colons", "bytes", "control", "date", "number", "depth", "code"],
)
def test_what_is_not_yaml_is_refused(refusal: Refusal, content: str | bytes, expected: str) -> None:
    """Broken YAML of any kind is one line, with the line where there is one."""
    assert refusal(content) == expected


@pytest.mark.parametrize("content", ["", "- 1\n", "hello", "42"], ids=["empty", "list", "text", "number"])
def test_what_is_no_table_is_refused(refusal: Refusal, content: str) -> None:
    """A file that is YAML and no mapping is told so."""
    assert "dictionary" in refusal(content)


# -- what is no table of rules -----------------------------------------------------------------------------------------


def test_an_unknown_rule_is_named(refusal: Refusal) -> None:
    """A rule that the program does not have is refused by its name, not left out."""
    assert "rules.power.endurence" in refusal(changed("power.endurence", yellow={"limit": 3}))


def test_missing_rules_are_named(refusal: Refusal) -> None:
    """A table must be whole: what is missing stands in the line."""
    table = yaml.safe_load(BUILT_IN)
    del table["rules"]["heat.low"], table["rules"]["area.silent"]
    line = refusal(yaml.safe_dump(table))
    assert line == ": rules are missing: heat.low, area.silent"


def test_an_unknown_setting_is_named(refusal: Refusal) -> None:
    """A misspelt level is refused, not taken as a level that never holds."""
    assert refusal(changed("heat.low", yello={"limit": 3})).startswith(": rules.heat.low.yello: ")


def test_an_unknown_setting_of_a_level_is_named(refusal: Refusal) -> None:
    """A misspelt limit is refused, too."""
    assert refusal(changed("heat.low", red={"limt": 3})).startswith(": rules.heat.low.red.limt: ")


@pytest.mark.parametrize(
    "rule", ["power.endurance", "staff.next_shift", "water.low", "freshness.stale", "area.red_share"]
)
def test_a_missing_limit_is_named(refusal: Refusal, rule: str) -> None:
    """A level of a rule of limits without one would mean nothing."""
    assert refusal(changed(rule, yellow={})) == f": {rule}: every level needs a limit"


@pytest.mark.parametrize(
    ("rule", "settings"),
    [
        ("power.endurance", {"red": {"limit": 4}}),
        ("capacity.high", {"red": {"limit": 0.7}}),
        ("heat.low", {"critical": {"limit": 19}}),
        ("area.red_share", {"yellow": {"limit": 0.6}}),
    ],
)
def test_limits_in_the_wrong_order_are_named(refusal: Refusal, rule: str, settings: dict) -> None:
    """A red that is milder than the yellow is a mistake: the yellow would never be seen."""
    assert refusal(changed(rule, **settings)) == f": {rule}: a graver level needs a graver limit"


@pytest.mark.parametrize("limit", [".nan", ".inf", "-1", "many"])
def test_a_limit_that_is_no_number_is_named(refusal: Refusal, limit: str) -> None:
    """A limit is a finite number, not below 0."""
    assert refusal(changed("heat.low", red={"limit": yaml.safe_load(limit)})).startswith(": rules.heat.low.red.limit: ")


@pytest.mark.parametrize("duration", ["soon", "30", "1.5h", "-5m", "1w", 30])
def test_a_duration_without_a_unit_is_named(refusal: Refusal, duration: Any) -> None:
    """What is no number with a unit is refused with how it is to be written."""
    line = refusal(changed("comms.112", red={"for": duration}))
    assert line.startswith(": rules.comms.112.red.for: ")
    assert '"30m"' in line


@pytest.mark.parametrize(
    ("rule", "settings"),
    [
        ("power.lost", {"critical": {"for": "7h"}}),
        ("power.not_connected", {"critical": {"for": "361m"}}),
        ("report.incomplete", {"red": {"for": "1d"}}),
        ("comms.112", {"red": {"for": "7h"}}),
        ("water.low", {"keep": "7h"}),
        ("staff.short", {"after_open": "7h"}),
        ("staff.next_shift", {"after_open": "7h"}),
    ],
)
def test_a_duration_longer_than_a_timeline_is_named(refusal: Refusal, rule: str, settings: dict) -> None:
    """No rule may ask for more than the six hours that timelines remember (CONTRACT §4)."""
    line = refusal(changed(rule, **settings))
    assert rule in line
    assert "6 h" in line


def test_six_hours_is_not_too_long(tmp_path: Path) -> None:
    """Six hours exactly are remembered; rules that rest on no timeline may ask for more."""
    path = tmp_path / "own.yaml"
    path.write_text(changed("comms.112", red={"for": "6h"}))
    assert load_rules(path)["comms.112"].held("red") == 6 * HOUR
    assert load_rules(None)["area.silent"].held("critical") == 12 * HOUR


@pytest.mark.parametrize("rule", ["freshness.stale", "area.silent", "need.overdue"])
def test_keep_without_a_timeline_is_named(refusal: Refusal, rule: str) -> None:
    """A rule that rests on what is known now alone cannot keep a level."""
    line = refusal(changed(rule, keep="5m"))
    assert rule in line
    assert "keep" in line


@pytest.mark.parametrize("version", ["", "Umeå", "1" * 65, "a b", 3])
def test_a_version_that_cannot_be_one_is_named(refusal: Refusal, version: Any) -> None:
    """The version stands in every alert: short, and of plain letters."""
    table = yaml.safe_load(BUILT_IN) | {"version": version}
    assert refusal(yaml.safe_dump(table)).startswith(": version: ")
