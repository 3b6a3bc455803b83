"""What can be set, and how a wrong setting is refused."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from vardkase.runtime.errors import WRONG_USE, Refused
from vardkase.runtime.settings import environment, load
from vardkase_contracts import instants


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith("VARDKASE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def put(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"VARDKASE_{name}", value)


def refusal(**overrides: object) -> str:
    with pytest.raises(Refused) as caught:
        load(**overrides)
    line = str(caught.value)
    assert "\n" not in line
    assert caught.value.code == WRONG_USE
    return line


def test_nothing_set_is_the_nation_on_loopback() -> None:
    """Without any setting it is the nation's node, on this computer alone, with NATS of its own."""
    settings = load()
    assert (settings.area, settings.node) == ("SE", "SE")
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8080)
    assert settings.nats_url is None
    assert settings.data_dir.is_absolute()


@pytest.mark.parametrize(
    ("area", "node"), [("SE", "SE"), ("24", "lan-24"), ("2480", "kommun-2480"), ("norra", "civo-norra")]
)
def test_a_node_is_named_after_its_area(monkeypatch: pytest.MonkeyPatch, area: str, node: str) -> None:
    """A node has its area's name unless it is given another, and its data directory has it too."""
    put(monkeypatch, {"AREA": area})
    assert load().node == node
    assert load().data_dir.name == node
    assert load(node="reserve-1").node == "reserve-1"


def test_every_contract_name_can_be_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The names of the contract are read from the environment, each as what it is."""
    (tmp_path / "rules.yaml").write_text("{}")
    (tmp_path / "user.creds").write_text("")
    put(
        monkeypatch,
        {
            "AREA": "24",
            "NATS_URL": "nats://a:4222,nats://b:4222",
            "NATS_CREDS": "user.creds",
            "DATABASE_URL": "postgresql://u:p@h/d",
            "HTTP_HOST": "10.0.0.1",
            "HTTP_PORT": "0",
            "DATA_DIR": "here",
            "RULES_FILE": "rules.yaml",
            "ALERTMANAGER_URL": "https://am:9093",
            "WEBHOOKS": "https://a/x, https://b/y",
            "LOG_FORMAT": "json",
        },
    )
    settings = load()
    assert settings.rules_file == tmp_path / "rules.yaml"
    assert settings.data_dir == tmp_path / "here"
    assert [hook.get_secret_value() for hook in settings.webhooks] == ["https://a/x", "https://b/y"]
    assert settings.nats_creds == tmp_path / "user.creds"
    assert (settings.http_host, settings.http_port, settings.log_format) == ("10.0.0.1", 0, "json")


@pytest.mark.parametrize(
    ("text", "seconds"), [("0.25", 0.25), ("250ms", 0.25), ("90s", 90), ("2m", 120), ("1d", 86400)]
)
def test_a_duration_is_seconds_or_has_a_unit(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    """A duration is a number of seconds, or a number with a unit."""
    put(monkeypatch, {"AGGREGATOR_TICK": text})
    assert load().aggregator.tick == seconds


def test_the_command_line_wins_over_the_environment_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What is nearest to the person decides; what says nothing leaves the others alone."""
    (tmp_path / "vardkase.toml").write_text('area = "24"\nhttp_port = 1\nnats_port = 1\n[aggregator]\ntick = "5s"\n')
    put(monkeypatch, {"HTTP_PORT": "2", "NATS_PORT": "2", "AGGREGATOR_COALESCE": "1s"})
    settings = load(http_port=3, nats_port=None)
    assert (settings.area, settings.http_port, settings.nats_port) == ("24", 3, 2)
    assert (settings.aggregator.tick, settings.aggregator.coalesce) == (5, 1)


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is set to nothing, as compose files do, is not set."""
    put(monkeypatch, {"NATS_URL": "", "HTTP_PORT": ""})
    assert load().nats_url is None


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("AREA", "99", "expected an area"),
        ("HTTP_PORT", "80800", "expected a port from 0 to 65535"),
        ("HTTP_PORT", "http", "expected a port"),
        ("NATS_URL", "localhost:4222", "expected a URL that starts with nats://"),
        ("NATS_URL", "nats://h:99999", "and a port up to 65535"),
        ("NATS_URL", "nats://[::1", "expected a URL"),
        ("NATS_CREDS", "/nowhere", "expected a file that can be read (No such file"),
        ("RULES_FILE", ".", "expected a file that can be read (Is a directory"),
        ("LOG_FORMAT", "xml", "expected 'auto', 'json' or 'human'"),
        ("CLOCK_START", "2026-11-20", "expected a time in RFC 3339"),
        ("CLOCK_SPEED", "-1", "expected how many times faster"),
        ("NODE", "a b", "expected a name"),
        ("WEBHOOKS", "https://a,ftp://b", "expected a URL that starts with http:// or https://"),
        ("AGGREGATOR_TICK", "soon", "expected a duration"),
        ("AGGREGATOR_TICK", "0", "expected a duration longer than 0"),
        ("AGGREGATOR_TICK", "nan", "expected a duration"),
        ("INTAKE_FILL_ALARM", "70", "expected a share"),
        ("READER_BATCH", "0", "expected a whole number from 1"),
        ("LINK_INBOX_PREFIX", "a b", "expected a prefix of subjects"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_expected(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    """A wrong setting ends in one line: the variable, and what is expected of it."""
    put(monkeypatch, {name: value})
    line = refusal()
    assert line.startswith(f"VARDKASE_{name}: ")
    assert expected in line


def test_an_unknown_variable_is_refused_with_the_likely_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is misspelt must not be overlooked."""
    put(monkeypatch, {"AGREGATOR_TICK": "1"})
    assert refusal() == "VARDKASE_AGREGATOR_TICK: no such setting; did you mean VARDKASE_AGGREGATOR_TICK?"


def test_a_whole_group_in_one_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group has one way in, by its fields."""
    put(monkeypatch, {"LINK": '{"give_up": 1}'})
    assert refusal().startswith("VARDKASE_LINK: no such setting")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("aera = 'SE'", "vardkase.toml: aera: no such setting; did you mean area?"),
        ("[aggregator]\ntik = 1", "vardkase.toml: aggregator.tik: no such setting; did you mean aggregator.tick?"),
        ("http_port = -1", "vardkase.toml: http_port (VARDKASE_HTTP_PORT): expected a port"),
        ("area =", "VARDKASE_CONFIG: expected TOML in vardkase.toml: "),
    ],
)
def test_a_wrong_line_of_the_file_is_named(tmp_path: Path, text: str, expected: str) -> None:
    """What is wrong in the file is named as it is called there."""
    (tmp_path / "vardkase.toml").write_text(text)
    assert refusal().startswith(expected)


def test_a_file_that_was_asked_for_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the file that was named, nothing starts with something else."""
    put(monkeypatch, {"CONFIG": "/nowhere.toml"})
    assert refusal() == "VARDKASE_CONFIG: expected a TOML file; /nowhere.toml is not there"


def test_a_wrong_option_is_named_as_the_option() -> None:
    """What was wrong on the command line is named as it stands there."""
    assert refusal(http_port=70000).startswith("--http-port: expected a port")


def test_several_wrong_settings_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is told, the others are counted; what merely follows from it is not."""
    put(monkeypatch, {"AREA": "x", "HTTP_PORT": "x"})
    assert refusal() == (
        "VARDKASE_AREA: expected an area: a kommun (2480), a län (24), a civilområde (norra) or SE (and 1 more)"
    )


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the settings as text nor a refusal shows a password."""
    put(monkeypatch, {"NATS_URL": "nats://u:hemligt@h:4222", "DATABASE_URL": "postgresql://u:hemligt@h/d"})
    assert "hemligt" not in f"{load()!r} {load()} {load().model_dump()} {load().model_dump_json()}"
    put(monkeypatch, {"NATS_URL": "amqp://u:hemligt@h"})
    assert "hemligt" not in refusal()


def test_a_child_process_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a child reads from its environment is what its parent has, whatever becomes of the file meanwhile."""
    (tmp_path / "vardkase.toml").write_text('area = "24"\n[aggregator]\ntick = "1.5s"\n[supervisor]\npoll = "1ms"')
    put(monkeypatch, {"CLOCK_START": "2026-11-20T03:40:00.5+01:00", "WEBHOOKS": "https://a,https://b"})
    parent = load(http_port=0, data_dir="d")
    variables = environment(parent, nats_url="nats://u:p@h:1", http_fd=7)
    (tmp_path / "vardkase.toml").write_text("broken")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    child = load()
    assert child.model_dump(exclude={"nats_url", "http_fd"}) == parent.model_dump(exclude={"nats_url", "http_fd"})
    assert child.clock_start == instants.parse("2026-11-20T02:40:00.5Z")
    assert child.nats_url is not None
    assert (child.nats_url.get_secret_value(), child.http_fd) == ("nats://u:p@h:1", 7)
