import json
from pathlib import Path
from typing import Any

import pytest
from test_cli_commands import Cli, publish, stored

from conftest import NatsServer

GOOD = (
    '{"t":1,"id":1,"new":true,"set":{"SHELTER_NAME":"A","CITY":"B","STATE":"LA","SHELTER_STATUS":"OPEN",'
    '"TOTAL_POPULATION":5}}\n'
    '{"t":3601,"id":1,"new":false,"set":{"TOTAL_POPULATION":9}}\n'
    '{"t":864001,"id":1,"new":false,"set":{"TOTAL_POPULATION":2}}\n'
    '{"t":864061,"id":1,"gone":true}\n'
)
BAD = GOOD + '{"t":864091,"id":1,"new":false,"set":{"TOTAL_POPULATION":"många"}}\n'
SHAPE = '{"type":"FeatureCollection","features":[]}\n'


@pytest.fixture
def cli(
    nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Cli:
    publish(nats_server.url)
    return Cli(nats_server.url, tmp_path, monkeypatch, capsys)


def file(folder: Path, text: str) -> str:
    path = folder / "mine.jsonl"
    path.write_text(text, encoding="utf-8")
    return str(path)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_dataset_is_played_into_prov_so_that_it_ends_now(cli: Cli, tmp_path: Path) -> None:
    """All of it reaches the node, in `tst`; the first line tells what will be played, the last one what was."""
    done = cli("simulate", "--dataset", file(tmp_path, GOOD), "--speed", "0", "--json")
    assert done.returncode == 0
    head, *_, last = lines(done.stdout)
    assert (head["reality"], head["changes"], head["shelters"]) == ("tst", 4, 1)
    assert (last["sent"], last["registers"], last["statuses"], last["gone"], last["done"]) == (4, 1, 3, 1, True)
    kept = stored(cli.url, "INTAKE")
    assert [message["subject"].split(".")[2] for message in kept] == ["tst"] * 4
    assert [message["data"]["data"].get("occupancy") for message in kept] == [None, 5, 9, 2]


def test_only_act_that_was_asked_for_is_act(cli: Cli, tmp_path: Path) -> None:
    """`--reality act` is all it takes, and no less."""
    assert cli("simulate", "--dataset", file(tmp_path, GOOD), "--speed", "0", "--reality", "act").returncode == 0
    assert {message["data"]["reality"] for message in stored(cli.url, "INTAKE")} == {"act"}


def test_an_interrupted_play_is_gone_on_with(cli: Cli, tmp_path: Path) -> None:
    """What is sent from `--resume` on is what the whole would have sent: the same ids, none before it."""
    play = ["simulate", "--dataset", file(tmp_path, GOOD), "--speed", "0", "--start", "2026-01-01T00:00:00Z", "--json"]
    cut = lines(cli(*play, "--until", "1.5").stdout)[-1]
    assert (cut["sent"], cut["at"]) == (3, "2026-01-01T01:00:00Z")
    cli(*play, "--resume", cut["at"])
    cli(*play)
    ids = [message["data"]["id"] for message in stored(cli.url, "INTAKE")]
    assert len(ids) == 3 + 2 + 4
    assert (ids[:3], ids[3:5]) == (ids[5:8], ids[7:9])


def test_gaps_are_skipped(cli: Cli, tmp_path: Path) -> None:
    """Ten days of nothing are six hours."""
    play = ["simulate", "--dataset", file(tmp_path, GOOD), "--speed", "0", "--start", "2026-01-01T00:00:00Z", "--json"]
    assert lines(cli(*play, "--skip-gaps", "6h").stdout)[-1]["at"] == "2026-01-01T07:00:00Z"


@pytest.mark.parametrize(
    ("text", "arguments", "says"),
    [
        (BAD, [], "line 5: set.TOTAL_POPULATION: "),
        (SHAPE, [], "line 1: t: "),
        ("", [], "there is nothing in it"),
        (None, [], "shipped datasets: ida-2021"),
        (GOOD, ["--skip-gaps", "länge"], "--skip-gaps: expected a length of time"),
        (GOOD, ["--start", "2099-01-01T00:00:00Z"], "--start: expected a time that has been"),
        (GOOD, ["--start", "1999-01-01T00:00:00Z"], "--start: it would begin"),
        (GOOD, ["--resume", "2026-01-01T00:00:00Z"], "--resume: give the same --start"),
        (GOOD, ["--resume", "2025-01-01T00:00:00Z", "--start", "2026-01-01T00:00:00Z"], "--resume: expected a time in"),
        (GOOD, ["--seed", "2"], "--seed: does not go with"),
        (GOOD, ["--points", "2000"], "--points: does not go with"),
        (GOOD, ["storm-gotaland"], "SCENARIO: does not go with"),
    ],
)
def test_what_cannot_be_played_is_refused_before_anything_is_sent(
    cli: Cli, tmp_path: Path, text: str | None, arguments: list[str], says: str
) -> None:
    """One line on stderr and 2, and nothing stored: also when the fault is in the last line."""
    path = str(tmp_path / "none.jsonl") if text is None else file(tmp_path, text)
    done = cli("simulate", "--dataset", path, "--speed", "0", "--json", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert stored(cli.url, "INTAKE") == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--skip-gaps", "6h"], "--skip-gaps: goes with --dataset"),
        (["--resume", "20m"], "--resume: goes with --dataset"),
        (["storm-gotaland", "--scenario", "storm-gotaland"], "--scenario: the scenario is given twice"),
        (["--scenario", "no-such-storm"], "shipped scenarios: "),
    ],
)
def test_options_of_the_one_are_refused_with_the_other(cli: Cli, arguments: list[str], says: str) -> None:
    """A scenario has no gaps to skip; an unknown one is answered with those there are."""
    done = cli("simulate", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert stored(cli.url, "INTAKE") == []
