"""`vardkase up`, as its user and its operator see it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from servers import Dial, Eventually
from vardkase.runtime.jetstream.api import call

START = 60.0


def environment(**variables: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("VARDKASE_")}
    return clean | {f"VARDKASE_{name}": value for name, value in variables.items()}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "vardkase.cli.main", *arguments]


class Up:
    """A node that was started by `vardkase up --json`, and what it printed."""

    def __init__(self, directory: Path, *options: str, variables: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._told = (directory / "told").open("ab")
        data = directory / "data"
        self.process = subprocess.Popen(
            command("up", "--json", "--http-port", "0", "--nats-port", "0", "--data-dir", str(data), *options),
            env=environment(**{"GATEWAY": "false", "SUPERVISOR_BACKOFF_MIN": "50ms", **(variables or {})}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._told,
            cwd=directory,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.told()
        self.ready: dict[str, Any] = json.loads(line)

    def told(self) -> str:
        """What went to stderr."""
        return (self.directory / "told").read_text()

    def get(self, path: str) -> tuple[int, str]:
        """What the node answers."""
        try:
            with urllib.request.urlopen(self.ready["http"] + path, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def is_ready(self) -> bool:
        """Whether it says so."""
        return self.get("/readyz")[0] == 200

    def children(self) -> dict[str, int]:
        """Its child processes by what they are."""
        found: dict[str, int] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (parent := parent_of(int(entry.name))) == self.process.pid and parent:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                program = words[0].rpartition(b"/")[2]
                name = {b"nats-server": b"nats", b"postgres": program, b"initdb": program}.get(program, words[-2])
                found[name.decode()] = int(entry.name)
        return found

    def end(self, number: int = signal.SIGTERM) -> int:
        """Stops it; its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        self.close()
        return code

    def close(self) -> None:
        """Ends what is left of it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._told.close()


def parent_of(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[1])


def refused(*arguments: str, **variables: str) -> tuple[int, str]:
    """The exit code and the one line of a command that is refused."""
    done = subprocess.run(
        command(*arguments), env=environment(**variables), capture_output=True, text=True, timeout=START, check=False
    )
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return done.returncode, lines[0]


def by_a_person(data: Path) -> subprocess.Popen[str]:
    """A node that tells what it does in words."""
    return subprocess.Popen(
        command("up", "--http-port", "0", "--nats-port", "0", "--data-dir", str(data)),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


MakeUp = Callable[..., Up]


@pytest.fixture
def make_up(tmp_path: Path) -> Iterator[MakeUp]:
    nodes: list[Up] = []

    def make(*options: str, name: str = "node", variables: Mapping[str, str] | None = None) -> Up:
        nodes.append(Up(tmp_path / name, *options, variables=variables))
        return nodes[-1]

    yield make
    for node in nodes:
        node.close()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One node for the tests that leave it as it was."""
    up = Up(tmp_path_factory.mktemp("up"), "--area", "24")
    yield up
    up.close()


def test_the_ready_line_is_as_promised(node: Up) -> None:
    """One line with these keys, printed when the node really is ready; other programs find the node by it."""
    told = dict(node.ready)
    port = r"nats://127\.0\.0\.1:[0-9]+"
    assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+", told["http"])
    assert told.pop("ops") == told.pop("http"), "without a gateway the node itself answers"
    assert re.fullmatch(port, told.pop("nats"))
    assert re.fullmatch(port.replace("//", "//public:public@"), told.pop("nats_public"))
    assert re.fullmatch(r"postgresql://vardkase:[\w-]+@127\.0\.0\.1:[0-9]+/vardkase", told.pop("database"))
    assert told == {"ready": True, "area": "24", "nats_creds": None, "token": None}
    assert node.is_ready()
    file = node.directory / "data" / "run" / "node.json"
    assert json.loads(file.read_text()) == node.ready
    assert file.stat().st_mode & 0o077 == 0


async def test_everyone_reads_what_is_public_and_nothing_else(node: Up, dial: Dial) -> None:
    """The node's account has the streams; the public one has its own, and cannot name another."""
    nc = await dial(node.ready["nats"])
    names = set((await call(nc, "STREAM.NAMES"))["streams"])
    assert names >= {"INTAKE", "REPORTS", "REJECTED", "STATE", "PICTURES", "ALERTS", "ORDERS_UP", "AUDIT"}
    public = await dial(node.ready["nats_public"])
    assert (await call(public, "STREAM.NAMES"))["streams"] == ["PUBLIC"]


def test_the_nodes_metrics_are_those_of_its_services(node: Up) -> None:
    """One valid exposition, with each service's samples told apart."""
    families = list(text_string_to_metric_families(node.get("/metrics")[1]))
    up = {s.labels["service"]: s.value for f in families for s in f.samples if s.name == "vardkase_service_up"}
    assert up == {"intake": 1, "aggregator": 1, "archiver": 1}


def test_the_same_data_directory_is_refused(node: Up) -> None:
    """A second node on it ends with one line, and the first does not notice."""
    data = str(node.directory / "data")
    code, line = refused("up", "--http-port", "0", "--nats-port", "0", "--data-dir", data, SUPERVISOR_LOCK_WAIT="0")
    assert code == 1
    assert line == (
        f"vardkase: the data directory {data} is in use: stop that node (process {node.process.pid}), "
        "or choose another with --data-dir"
    )
    assert node.is_ready()


@pytest.mark.parametrize("option", ["--http-port", "--nats-port"])
def test_a_taken_port_is_refused(tmp_path: Path, option: str) -> None:
    """One line names the port and the option."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ports = {"--http-port": "0", "--nats-port": "0"} | {option: port}
        code, line = refused("up", *(word for pair in ports.items() for word in pair), "--data-dir", str(tmp_path))
    assert code == 1
    assert port in line
    assert option in line


def test_a_data_directory_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    """One line names it."""
    (tmp_path / "file").write_text("")
    code, line = refused("up", "--data-dir", str(tmp_path / "file"))
    assert code == 1
    assert line == (
        f"vardkase: the data directory {tmp_path}/file cannot be used (File exists): choose another with --data-dir"
    )


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"AREA": "99"}, "VARDKASE_AREA: expected an area"),
        ({"RULES_FILE": "/nowhere.yaml"}, "VARDKASE_RULES_FILE: expected a file that can be read"),
        ({"TICK": "1"}, "VARDKASE_TICK: no such setting"),
    ],
)
def test_a_wrong_setting_is_refused(tmp_path: Path, variables: dict[str, str], expected: str) -> None:
    """Wrong use: exit code 2, and one line that names the variable."""
    code, line = refused("up", "--nats-port", "0", "--data-dir", str(tmp_path), **variables)
    assert code == 2
    assert line.startswith(f"vardkase: {expected}")


def test_rules_that_are_none_end_the_node(tmp_path: Path) -> None:
    """What only a service can know to be wrong use ends the whole node as wrong use, and says so without a trace."""
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: [")
    options = ("--http-port", "0", "--nats-port", "0", "--data-dir", str(tmp_path / "data"))
    done = subprocess.run(
        command("up", *options),
        env=environment(RULES_FILE=str(rules)),
        capture_output=True,
        text=True,
        timeout=START,
        check=False,
    )
    assert done.returncode == 2
    assert f"vardkase: rules file {rules}" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_lists_the_commands_without_importing_them() -> None:
    """The list costs no more than the list."""
    program = (
        "import sys, vardkase.cli.main as main\nsys.argv = ['vardkase', '--help']\n"
        "try:\n    main.main()\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "print(sorted(m for m in sys.modules if m.startswith(('vardkase.', 'pydantic', 'nats', 'faststream'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, timeout=START, check=True
    )
    assert all(f" {name} " in done.stdout for name in ("up", "demo", "run", "report", "watch", "alerts", "ack"))
    imported = done.stdout.splitlines()[-1]
    assert imported == "['vardkase.cli', 'vardkase.cli.main', 'vardkase.runtime', 'vardkase.runtime.errors']"


def test_a_service_alone_needs_a_server() -> None:
    """`run` without a NATS server is wrong use."""
    code, line = refused("run", "intake")
    assert (code, line.split(": ")[1]) == (2, "VARDKASE_NATS_URL")


async def test_what_is_killed_comes_back_and_nothing_is_lost(
    make_up: MakeUp, eventually: Eventually, dial: Dial
) -> None:
    """NATS and each service are killed: the node is not ready, then it is again, at the same addresses."""
    node = make_up("--area", "24")
    nc = await dial(node.ready["nats"])
    await nc.jetstream().publish("tp.v1.act.report.24.2480.skola.status", b"no report")
    for name in ("nats", "intake", "aggregator"):
        before = node.children()
        os.kill(before[name], signal.SIGKILL)
        await eventually(lambda: not node.is_ready(), what=f"unready without {name}", within=3)
        await eventually(node.is_ready, what=f"ready again after {name}", within=START)
        after = node.children()
        changed = {other for other in after if after[other] != before.get(other)}
        assert changed - {"archiver", "postgres", "initdb"} == {
            name
        }  # nothing waits for the archive: it may be starting
    info = await call(nc, "STREAM.INFO.INTAKE")
    assert info["state"]["last_seq"] == 1
    restarts = re.findall(r"vardkase_node_restarts_total\{service=\"(.*)\"\} (.*)", node.get("/metrics")[1])
    told = {"intake": "1", "aggregator": "1", "nats-server": "1", "archiver": "0", "postgres": "0"}
    assert dict(restarts) == told
    await nc.close()
    children = node.children()
    assert set(children) == {"nats", "intake", "aggregator", "archiver", "postgres"}
    assert node.end() == 0
    assert [parent_of(pid) for pid in children.values()] == [None] * 5
    assert not (node.directory / "data" / "run" / "node.json").exists()
    assert "Traceback" not in node.told()


@pytest.mark.slow
async def test_a_killed_node_leaves_no_orphans_and_loses_nothing(
    make_up: MakeUp, eventually: Eventually, dial: Dial
) -> None:
    """Killed outright, all it started ends by itself; the next node has what it had, and tells a person so."""
    node = make_up()
    nc = await dial(node.ready["nats"])
    await nc.jetstream().publish("tp.v1.act.report.24.2480.skola.status", b"no report")
    await nc.close()
    children = node.children()
    node.process.kill()
    node.process.wait()
    await eventually(lambda: not any(map(parent_of, children.values())), what="no orphans", within=15)

    again = by_a_person(node.directory / "data")
    assert again.stdout is not None
    told = ""
    while "Ctrl-C" not in told:
        line = again.stdout.readline()
        assert line, told
        told += line
    assert "Sverige (SE): ready after" in told
    nats = re.search(r"nats://127\.0\.0\.1:[0-9]+", told)
    assert nats is not None
    nc = await dial(nats[0])
    assert (await call(nc, "STREAM.INFO.INTAKE"))["state"]["messages"] == 1
    await nc.close()
    os.killpg(again.pid, signal.SIGINT)  # as a terminal does at Ctrl-C
    _, errors = again.communicate(timeout=30)
    assert again.returncode == 0
    assert "Traceback" not in errors
