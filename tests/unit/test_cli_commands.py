import asyncio
import base64
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nats
import pytest

from conftest import NatsServer
from vardkase.cli.main import main
from vardkase_contracts import subjects
from vardkase_contracts.areas import NATION, Area
from vardkase_contracts.instants import MINUTE, iso
from vardkase_contracts.schemas import example

STREAMS: dict[str, dict[str, Any]] = {
    "INTAKE": {"subjects": ["tp.v1.*.report.>"], "allow_atomic": True},
    "REPORTS": {"subjects": ["tp.v1.*.accepted.>"]},
    "REJECTED": {"subjects": ["tp.v1.*.rejected.>"]},
    "PICTURES": {"subjects": ["tp.v1.*.picture.>"], "max_msgs_per_subject": 1},
    "ALERTS": {"subjects": ["tp.v1.*.alert.>"]},
    "ORDERS_UP": {"subjects": ["tp.v1.*.order.>"]},
    "KV_NODE": {"subjects": ["$KV.NODE.>"], "max_msgs_per_subject": 1},
}
KEY = "power.endurance/2480-umedalen-skola"
POINT = "2480-umedalen-skola"


def publish(url: str, *messages: tuple[str, Any]) -> None:
    """Store messages, in streams that are made as need be."""

    async def work() -> None:
        nc = await nats.connect(url)
        for name, config in STREAMS.items():
            await nc.request(f"$JS.API.STREAM.CREATE.{name}", json.dumps({"name": name, **config}).encode(), timeout=5)
        for subject, document in messages:
            answer = await nc.request(subject, json.dumps(document).encode(), timeout=5)
            assert "error" not in json.loads(answer.data)
        await nc.close()

    asyncio.run(work())


def stored(url: str, stream: str) -> list[dict[str, Any]]:
    """What a stream holds."""

    async def work() -> list[dict[str, Any]]:
        nc = await nats.connect(url)
        info = json.loads((await nc.request(f"$JS.API.STREAM.INFO.{stream}", b"", timeout=5)).data)
        found = []
        for sequence in range(1, info["state"]["last_seq"] + 1):
            body = json.dumps({"seq": sequence}).encode()
            answer = await nc.request(f"$JS.API.STREAM.MSG.GET.{stream}", body, timeout=5)
            message = json.loads(answer.data)["message"]
            found.append({"subject": message["subject"], "data": json.loads(base64.b64decode(message["data"]))})
        await nc.close()
        return found

    return asyncio.run(work())


class Done(NamedTuple):
    """What a command ended with."""

    returncode: int
    stdout: str
    stderr: str


class Cli:
    """The program, as a person runs it: in this process, or (`start`) in one of its own."""

    def __init__(
        self, url: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.url = url
        self._patch = monkeypatch
        self._captured = capsys
        for name in [name for name in os.environ if name.startswith("VARDKASE_")]:
            monkeypatch.delenv(name)
        for name, value in {"VARDKASE_NATS_URL": url, "XDG_DATA_HOME": str(home), "COLUMNS": "100"}.items():
            monkeypatch.setenv(name, value)

    def __call__(self, *arguments: str, stdin: str = "") -> Done:
        """Run one command to its end."""
        self._patch.setattr(sys, "argv", ["vardkase", *arguments])
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        self._captured.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        out, err = self._captured.readouterr()
        assert isinstance(code, int)
        return Done(code, out, err)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin, and let it run."""
        command = [sys.executable, "-m", "vardkase.cli.main", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def cli(
    nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Cli:
    publish(nats_server.url)
    return Cli(nats_server.url, tmp_path, monkeypatch, capsys)


@pytest.fixture
def running() -> Iterator[Callable[[subprocess.Popen[str]], subprocess.Popen[str]]]:
    """Ends what a test started."""
    started: list[subprocess.Popen[str]] = []

    def keep(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
        started.append(process)
        return process

    yield keep
    for process in started:
        process.kill()
        process.communicate()


def alert(**changes: Any) -> tuple[str, dict[str, Any]]:
    document = example("alert") | {"acks": []} | changes
    return subjects.alert("act", document["key"]), document


def picture(area: Area = NATION, **changes: Any) -> tuple[str, dict[str, Any]]:
    document = example("picture") | {"level": area.level, "code": area.code, "name": area.name}
    return subjects.picture("act", area), document | changes


def one_line(text: str) -> bool:
    return len(text.strip().splitlines()) == 1 and "Traceback" not in text


def test_a_report_is_sent_as_typed(cli: Cli) -> None:
    """The fields stand in the event as the contract has them; without an answer of intake it says so, and is done."""
    done = cli("report", "resources", POINT, "power.source=backup", "power.fuel_l=60", "staff.present=2", "--wait=0")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Mottagen: resources {POINT}")
    [kept] = stored(cli.url, "INTAKE")
    assert kept["subject"] == "tp.v1.act.report.24.2480.umedalen-skola.resources"
    assert kept["data"]["data"] == {"power": {"source": "backup", "fuel_l": 60.0}, "staff": {"present": 2}}


def test_options_of_a_report(cli: Cli) -> None:
    """Reality, channel, role, when it was seen, an id of one's own."""
    arguments = ["--reality", "exe", "--channel", "phone", "--role", "tib", "--observed", "2026-11-20T03:40:00+01:00"]
    done = cli("report", "activation", "2480", "state=active", *arguments, "--id", "abc", "--wait=0", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["status"] == "stored"
    [kept] = stored(cli.url, "INTAKE")
    assert kept["subject"] == "tp.v1.exe.report.24.2480._.activation"
    told = {name: kept["data"][name] for name in ("id", "reality", "channel", "role", "time")}
    assert told == {"id": "abc", "reality": "exe", "channel": "phone", "role": "tib", "time": "2026-11-20T02:40:00Z"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["report", "status", POINT, "occupancy=-1"], "data.occupancy"),
        (["report", "status", POINT, "occupant=1"], "there is no field occupant"),
        (["report", "status", "nowhere"], "nowhere"),
        (["report", "status"], "expected KIND and POINT"),
        (["report", "status", POINT, "--data", "{"], "--data: expected JSON"),
        (["report", "status", POINT, "--observed", "förut"], "--observed: expected a time"),
        (["report", "--file", "/no/such/file"], "--file: /no/such/file"),
        (["report", "status", POINT, "--file", "x"], "--file holds whole events"),
        (["watch", "99"], "AREA: expected"),
        (["alerts", "mars"], "AREA: expected"),
        (["ack", "power.endurance"], "KEY: expected"),
        (["ack", KEY, "--as", "kommun:24"], "24 is a lan"),
        (["ack", KEY, "--as", "24", "--until", "sen"], "--until: expected a time"),
        (["simulate", "no-such-storm"], "scenario no-such-storm"),
        (["simulate", "--points", "10"], "points.total"),
        (["simulate", "--start", "2099-01-01T00:00:00Z"], "--start: expected a time that has been"),
        (["demo"], "demo runs a NATS of its own"),
    ],
)
def test_wrong_use_is_one_line_and_2(cli: Cli, arguments: list[str], says: str) -> None:
    """What cannot work is refused before anything is sent, in one line that names what is wrong."""
    done = cli(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert says in done.stderr
    assert one_line(done.stderr)
    assert stored(cli.url, "INTAKE") == []


@pytest.mark.parametrize("arguments", [["report", "stauts", POINT], ["report", "--reality", "on"], ["watch", "--wide"]])
def test_an_unknown_word_or_option_is_2(cli: Cli, arguments: list[str]) -> None:
    """What the parser refuses is wrong use too, without a traceback."""
    done = cli(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["report", "confirm", POINT], ["simulate"]])
def test_a_node_that_is_not_there_is_one_line_and_1(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    """Where nothing listens, the line names the address."""
    done = Cli("nats://127.0.0.1:1", tmp_path, monkeypatch, capsys)(*arguments)
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    assert one_line(done.stderr)


def test_without_a_node_it_says_how_to_give_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No option, no variable, no node here: what to do."""
    done = Cli("", tmp_path, monkeypatch, capsys)("watch", "--once")
    assert done.returncode == 2
    assert "--nats URL" in done.stderr


def test_the_program_itself_ends_with_the_code(cli: Cli) -> None:
    """As a process of its own: wrong use is 2, in one line on stderr."""
    process = cli.start("watch", "99")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert one_line(err)


def test_the_node_that_runs_here_is_found(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`up` leaves its ready line in its data directory: commands find the node, and its area, there."""
    publish(cli.url, picture(Area("lan", "24")))
    running = tmp_path / "vardkase" / "lan-24" / "run"
    running.mkdir(parents=True)
    ready = {"ready": True, "area": "24", "http": "", "nats": cli.url, "nats_creds": None}
    (running / "node.json").write_text(json.dumps(ready))
    monkeypatch.delenv("VARDKASE_NATS_URL")
    done = cli("watch", "--once")
    assert done.returncode == 0
    assert "Västerbottens län (24)" in done.stdout


def test_a_file_of_events_is_sent_whole_or_not_at_all(cli: Cli, tmp_path: Path) -> None:
    """Lines, an array or one event; one that is wrong is named by its line, and nothing is sent."""
    events = [example("report.status") | {"id": f"e{n}"} for n in range(3)]
    lines = tmp_path / "events.jsonl"
    lines.write_text("\n".join(json.dumps(event) for event in events))
    assert cli("report", "--file", str(lines), "--wait=0").returncode == 0
    done = cli("report", "--file", "-", "--wait=0", "--json", stdin=json.dumps(events))
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["e0", "e1", "e2"]
    before = len(stored(cli.url, "INTAKE"))
    lines.write_text("\n".join([json.dumps(events[0]), json.dumps(events[1] | {"specversion": "0.3"})]))
    done = cli("report", "--file", str(lines))
    assert done.returncode == 2
    assert "line 2: specversion" in done.stderr
    assert len(stored(cli.url, "INTAKE")) == before


def test_a_refused_report_is_told_with_reason_and_field_and_is_1(
    cli: Cli, running: Callable[[subprocess.Popen[str]], subprocess.Popen[str]]
) -> None:
    """What intake refuses is shown as refused, though it was stored."""
    process = running(cli.start("report", "status", POINT, "occupancy=13", "--wait", "30"))
    deadline = time.monotonic() + 20
    while not (found := stored(cli.url, "INTAKE")):
        assert time.monotonic() < deadline
    raw = json.dumps(found[0]["data"], separators=(",", ":")).encode()
    refusal = example("rejected")
    refusal["data"] |= {"reason": "range", "field": "data.occupancy", "detail": "An unlucky number"}
    refusal["data"]["bytes"] = base64.b64encode(raw).decode()
    publish(cli.url, (subjects.rejected("act", "24", "2480", "umedalen-skola"), refusal))
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert out.startswith(f"Avvisad: status {POINT}")
    assert "data.occupancy: An unlucky number (orimligt värde)" in out


def test_alerts_are_listed_worst_first(cli: Cli) -> None:
    """Open ones, in Swedish, with their keys; ended ones only when asked for."""
    publish(
        cli.url,
        alert(level="yellow"),
        alert(key="heat.low/2480-b", rule="heat.low", level="critical", text={"sv": "Kritisk: B: kallt", "en": ""}),
        alert(key="heat.low/2480-c", rule="heat.low", status="cleared", cleared_reason="recovered"),
    )
    done = cli("alerts", "24")
    assert done.returncode == 0
    assert "SKARPT LÄGE: larm i Västerbottens län (24)" in done.stdout
    assert done.stdout.index("kritisk") < done.stdout.index("gul")
    assert "åtgärdat" not in done.stdout
    assert "åtgärdat" in cli("alerts", "24", "--all").stdout
    keys = [json.loads(line)["key"] for line in cli("alerts", "--json").stdout.splitlines()]
    assert keys == ["heat.low/2480-b", KEY]
    assert "inga" in cli("alerts", "12").stdout


def test_what_is_escalated_is_told_by_the_nodes_own_settings(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the settings of the computer say; a node that does not tell its own is not guessed at."""
    told = dict.fromkeys(("red_sideways", "critical_sideways", "critical_up"), 60.0) | {"red_up": 0.0}
    since = iso(time.time_ns() // 1000 - 10 * MINUTE)
    standing = {"since": dict.fromkeys(("yellow", "red"), since), "quieted": {}}
    publish(
        cli.url,
        alert(level="yellow"),
        alert(key="heat.low/2480-b", rule="heat.low", level="red", changed_at=since, standing=standing),
    )
    silent = cli("alerts", "24").stdout
    assert "Noden säger inte hur den eskalerar" in silent
    assert "eskalerat" not in silent
    publish(cli.url, ("$KV.NODE.escalation", told))
    monkeypatch.setenv("VARDKASE_ESCALATION_RED_SIDEWAYS", "0")
    done = cli("alerts", "24").stdout
    assert done.count("ej kvitterat, eskalerat i kommunen 2480 ") == 1, "of the red one"
    assert "till länet" not in done, "red is not escalated upwards there"
    found = {
        each["key"]: each.get("escalation")
        for each in map(json.loads, cli("alerts", "24", "--json").stdout.splitlines())
    }
    assert found[KEY] is None
    assert [(each["step"], each["code"]) for each in found["heat.low/2480-b"]] == [("sideways", "2480")]


def test_following_alerts_prints_each_change(
    cli: Cli, running: Callable[[subprocess.Popen[str]], subprocess.Popen[str]]
) -> None:
    """After what is open, every change, until Ctrl-C, which is the way to end it."""
    publish(cli.url, alert(level="yellow"))
    process = running(cli.start("alerts", "--follow", "--json"))
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["level"] == "yellow"
    publish(cli.url, alert(level="red"), alert(status="cleared", cleared_reason="recovered"))
    assert json.loads(process.stdout.readline())["level"] == "red"
    assert json.loads(process.stdout.readline())["status"] == "cleared"
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0


def test_an_acknowledgement_is_an_order_at_the_alerts_level(cli: Cli) -> None:
    """It names who, for which area, the key and the level that is open now."""
    publish(cli.url, alert(level="red"))
    done = cli("ack", KEY, "--as", "lan:24", "--role", "stab", "--note", "Diesel på väg", "--wait=0")
    assert done.returncode == 0
    assert "Kvitteringen är lagrad" in done.stdout
    [order] = stored(cli.url, "ORDERS_UP")
    assert order["subject"] == "tp.v1.act.order.24.2480.ack"
    assert order["data"]["data"] == {
        "by": {"role": "stab", "level": "lan", "code": "24"},
        "note": "Diesel på väg",
        "key": KEY,
        "level": "red",
    }


def test_what_is_not_open_cannot_be_acknowledged(cli: Cli) -> None:
    """A cleared alert, or one that never was."""
    publish(cli.url, alert(status="cleared", cleared_reason="recovered"))
    done = cli("ack", KEY, "--as", "24")
    assert done.returncode == 1
    assert f"no alert {KEY} is open" in done.stderr
    assert stored(cli.url, "ORDERS_UP") == []


def test_watch_shows_the_picture_once(cli: Cli) -> None:
    """Without a terminal: as text; with --json: the picture; where there is none, an error."""
    publish(cli.url, picture(), alert(level="red"))
    done = cli("watch", "--once")
    assert done.returncode == 0
    assert "VÅRDKASE  Sverige" in done.stdout
    assert "Larm: 1 röda" in done.stdout
    assert json.loads(cli("watch", "--once", "--json").stdout)["code"] == "SE"
    missing = cli("watch", "24", "--once")
    assert missing.returncode == 1
    assert "no picture of Västerbottens län" in missing.stderr


def test_watch_goes_on_over_a_restart_of_the_node(
    cli: Cli, nats_server: NatsServer, running: Callable[[subprocess.Popen[str]], subprocess.Popen[str]]
) -> None:
    """Snapshots say when contact is lost, and show what is new when it is back."""
    publish(cli.url, picture(as_of="2026-11-20T02:45:00Z"))
    process = running(cli.start("watch", "--interval", "0.25"))
    assert process.stdout is not None
    shown = iter(process.stdout.readline, "")
    assert next(line for line in shown if "bild 03:45:00" in line)
    nats_server.kill()
    assert next(line for line in shown if "INGEN KONTAKT" in line)
    nats_server.start()
    publish(cli.url, picture(as_of="2026-11-20T02:50:00Z"))
    assert next(line for line in shown if "bild 03:50:00" in line)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_a_simulation_is_stored_in_intake(cli: Cli) -> None:
    """The first half hour of a storm, as fast as the node takes it: its registers, and the count at the end."""
    done = cli("simulate", "--points", "1160", "--speed", "0", "--until", "0.25", "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["done"]
    kept = stored_count(cli.url)
    assert kept == told["sent"] > 1000


def stored_count(url: str) -> int:
    async def work() -> int:
        nc = await nats.connect(url)
        info = json.loads((await nc.request("$JS.API.STREAM.INFO.INTAKE", b"", timeout=5)).data)
        await nc.close()
        return info["state"]["messages"]

    return asyncio.run(work())


def test_schemas_are_written_to_a_directory(cli: Cli, tmp_path: Path) -> None:
    """One file a document, and the AsyncAPI document."""
    done = cli("schema", "export", str(tmp_path / "out"))
    assert done.returncode == 0
    assert json.loads((tmp_path / "out" / "alert.json").read_text())["$id"].endswith("alert")
    assert (tmp_path / "out" / "asyncapi.json").exists()
    blocked = tmp_path / "file"
    blocked.write_text("")
    failed = cli("schema", "export", str(blocked))
    assert failed.returncode == 1
    assert one_line(failed.stderr)
