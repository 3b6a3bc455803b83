"""docker-compose.yml, brought up for real: a report goes from a kommun to the nation, containers die, all heals."""

import json
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy import daemon as docker
from deploy import images
from deploy.daemon import Daemon
from servers import free_port

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(docker.missing() is not None, reason=docker.missing() or ""),
]

LASTING = [name for name, each in images.COMPOSE["services"].items() if each["restart"] != "no"]
ONCE = [name for name, each in images.COMPOSE["services"].items() if each["restart"] == "no"]
PORTS = ("NATION", "LAN", "KOMMUN_2480", "KOMMUN_2482", "PROMETHEUS", "ALERTMANAGER", "GRAFANA")
log = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)
AREAS = {"SE", "24", "2480", "2482"}
POINT = "2480-umedalen-skola"
REGISTERED = ("name=Umedalens skola", "kind=trygghetspunkt", 'position={"lon":20.16,"lat":63.84}')


def say(what: str) -> None:
    """Tell of a time that was measured (`--log-cli-level=INFO` shows them)."""
    log.info("%s", what)


def until(condition: Callable[[], object], what: str, within: float) -> float:
    """Wait for a condition. The seconds that it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within, f"{what} did not come true in {within:g} s"
        time.sleep(0.1)
    return time.monotonic() - began


class Stack:
    """What docker-compose.yml describes.

    Args:
        daemon: that runs it.
    """

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._ports = {name: free_port() for name in PORTS}
        self._tokens: dict[str, str] = {}

    def compose(self, *words: str, check: bool = True, within: float = 300.0, image: str = images.OURS) -> str:
        """Run docker-compose. What it printed."""
        ports = {f"{name}_PORT": str(port) for name, port in self._ports.items()} | {"VARDKASE_IMAGE": image}
        command = ["docker-compose", "--project-name", "vardkase", *words]
        done = self.daemon.run(*command, cwd=images.ROOT, more=ports, check=check, within=within)
        return done.stdout

    def inside(self, service: str, *command: str) -> str:
        """Run something in a container. What it printed."""
        return self.compose("exec", "-T", service, *command)

    def seen(self, service: str) -> dict[str, Any]:
        """How a service's container stands."""
        name = self.compose("ps", "--all", "--quiet", service).strip()
        if not name:
            return {}
        return json.loads(self.daemon.run("docker", "inspect", name).stdout)[0]

    def well(self, service: str) -> bool:
        """Whether a service that lasts is healthy, and one that does not has ended well."""
        state = self.seen(service).get("State", {})
        if service in ONCE:
            return state.get("Status") == "exited" and state.get("ExitCode") == 0
        return state.get("Health", {}).get("Status") == "healthy"

    def kill(self, service: str) -> None:
        """SIGKILL, from outside: Docker sees a container that died, and starts it again."""
        os.kill(self.seen(service)["State"]["Pid"], signal.SIGKILL)

    def get(self, service: str, path: str) -> httpx.Response:
        """What a node's gateway answers its operator."""
        if service not in self._tokens:
            self._tokens[service] = self.inside(service, "cat", "/var/lib/vardkase/operator.token").strip()
        port = self._ports[service.upper().replace("-", "_")]
        headers = {"authorization": f"Bearer {self._tokens[service]}"}
        return httpx.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=10)

    def prometheus(self, query: str) -> list[dict[str, Any]]:
        """What Prometheus answers."""
        url = f"http://127.0.0.1:{self._ports['PROMETHEUS']}/api/v1/query"
        return httpx.get(url, params={"query": query}, timeout=10).json()["data"]["result"]

    def report(self, service: str, *words: str) -> None:
        """A report, at a node."""
        self.inside(service, "vardkase", "report", *words)

    def says(self, service: str, note: str) -> bool:
        """Whether a node's state of the point has what was reported last."""
        try:
            answer = self.get(service, f"/v1/points/{POINT}")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200 and note in json.dumps(answer.json(), ensure_ascii=False)

    def arrives(self, note: str, within: float, *at: str) -> float:
        """Wait until a note of the point is known at nodes. The seconds that it took."""
        return until(lambda: all(self.says(each, note) for each in at or ("nation",)), f"{note!r} at {at}", within)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A Docker daemon with all images."""
    directory = tmp_path_factory.mktemp("docker")
    daemon = Daemon(directory)
    daemon.start()
    try:
        told("stand-ins", images.stand_in, daemon, directory / "images")
        told("our image", images.ours, daemon)
        yield daemon
    finally:
        daemon.stop()


def told(what: str, work: Callable[..., Any], *arguments: Any) -> None:
    """Do something, and say how long it took."""
    began = time.monotonic()
    work(*arguments)
    say(f"{what}: {time.monotonic() - began:.1f} s")


@pytest.fixture(scope="module")
def stack(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole of it, up and well."""
    stack = Stack(daemon)
    stack.compose("down", "--volumes", "--remove-orphans")
    try:
        told("docker-compose up", lambda: stack.compose("up", "--detach", within=300))
        for service in images.COMPOSE["services"]:
            until(lambda each=service: stack.well(each), f"{service} well", 120)
        yield stack
    finally:
        logs = tmp_path_factory.mktemp("logs") / "compose.log"
        logs.write_text(stack.compose("logs", "--no-color", check=False))
        say(f"what the containers said: {logs}")
        stack.compose("down", "--volumes", "--remove-orphans", check=False)


def test_our_image_is_small_and_its_user_is_nobody(daemon: Daemon) -> None:
    """What we add to the base; no root, no shell for the user, nothing of what it was built with."""
    image = json.loads(daemon.run("docker", "inspect", images.OURS).stdout)[0]
    base = json.loads(daemon.run("docker", "inspect", images.python_image()).stdout)[0]
    own = image["Size"] - base["Size"]
    say(f"our image: {own / 1e6:.0f} MB on a base of {base['Size'] / 1e6:.0f} MB")
    assert own < 400e6  # SciPy and NumPy, for who can help whom: 150 of it
    assert image["Config"]["User"] == "10001:10001"
    assert image["Config"]["Healthcheck"]["Test"] == ["CMD", "vardkase", "ready"]
    command = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "/bin/sh", images.OURS, "-c"]
    there = daemon.run(*command, "ls /opt /run/secrets /src 2>/dev/null; id -u").stdout.split()
    assert there == ["/opt:", "vardkase", "10001"]


def test_what_each_container_takes(stack: Stack) -> None:
    """No container is near its limit, at rest."""
    names = {stack.seen(each)["Id"][:12]: each for each in LASTING}
    lines = stack.daemon.run("docker", "stats", "--no-stream", "--format", "{{.ID}} {{.MemUsage}} {{.MemPerc}}").stdout
    for line in sorted(lines.splitlines()):
        identity, used, _, limit, share = line.split()
        say(f"{names[identity]}: {used} of {limit}")
        assert float(share.removesuffix("%")) < 85, line


def test_a_node_alone_needs_nothing_but_a_folder(daemon: Daemon, tmp_path: Path) -> None:
    """One container, with its own NATS and PostgreSQL, on a read-only root and without rights."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    os.chown(folder, 10001, 10001)
    daemon.run(
        *("docker", "run", "--detach", "--name", "alone", "--restart", "unless-stopped", "--init", "--read-only"),
        *("--tmpfs=/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "1g"),
        *("--pids-limit", "256", "--stop-timeout", "60", "--env", "VARDKASE_AREA=24"),
        *("--volume", f"{folder}:/var/lib/vardkase", images.OURS),
    )
    try:
        asked = ["docker", "exec", "alone", "vardkase", "ready"]
        say(f"a node alone: {until(lambda: not daemon.run(*asked, check=False).returncode, 'ready', 90):.1f} s")
        archived = json.loads(
            daemon.run(
                *("docker", "exec", "alone", "/opt/vardkase/bin/python", "-c"),
                "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/readyz').read().decode())",
            ).stdout
        )
        assert {each["name"]: each["ok"] for each in archived["checks"]}["archiver: database"]
        began = time.monotonic()
        daemon.run("docker", "stop", "alone")
        say(f"and stopped in order after {time.monotonic() - began:.1f} s")
        assert json.loads(daemon.run("docker", "inspect", "alone").stdout)[0]["State"]["ExitCode"] == 0
    finally:
        daemon.run("docker", "rm", "--force", "alone", check=False)


def test_a_report_goes_from_a_kommun_to_the_nation(stack: Stack) -> None:
    """Through a leaf link to the län, and another to the nation's cluster, where each stream has three copies."""
    stack.report("kommun-2480", "register", POINT, *REGISTERED)
    stack.report("kommun-2480", "status", POINT, "lifecycle=open", "note=det första")
    say(f"kommun to nation: {stack.arrives('det första', 30, 'kommun-2480', 'lan', 'nation'):.1f} s")
    doctor = stack.compose("exec", "-T", "nation", "vardkase", "doctor", "--json", check=False)
    found = [json.loads(line) for line in doctor.splitlines()]
    streams = [each for each in found if each.get("group") == "streams"]
    assert streams
    assert [each for each in streams if each["status"] != "ok"] == []


def test_nothing_is_reached_that_need_not_be(stack: Stack) -> None:
    """Read-only, without rights, and each node with its own secrets alone."""
    for service in ("nation", "lan", "kommun-2480"):
        state = stack.seen(service)
        assert state["HostConfig"]["ReadonlyRootfs"]
        assert state["HostConfig"]["CapDrop"] == ["ALL"]
        tried = stack.daemon.run("docker", "exec", state["Id"], "sh", "-c", "touch /etc/x /opt/vardkase/x", check=False)
        assert tried.returncode
        assert "Read-only file system" in tried.stderr
        assert stack.inside(service, "id", "-u").strip() == "10001"
        modes = stack.inside(service, "find", "/etc/vardkase", "-type", "f", "!", "-perm", "0600")
        assert modes.split() == []
    secrets = stack.inside("kommun-2480", "find", "/etc/vardkase/secrets", "-mindepth", "1", "-maxdepth", "1")
    assert secrets.split() == ["/etc/vardkase/secrets/kommun-2480"]
    nation = stack.seen("nation")
    assert not any("password" in each.lower() or "nats://" in each for each in nation["Config"]["Env"])
    kommun = "import socket; socket.create_connection(('nation-nats-1', 4222), 2)"
    tried = stack.daemon.run(
        "docker", "exec", stack.seen("kommun-2480")["Id"], "/opt/vardkase/bin/python", "-c", kommun, check=False
    )
    assert tried.returncode, "a kommun does not reach the nation's servers"


def scraped(stack: Stack) -> set[str]:
    """The areas whose nodes tell Prometheus their metrics."""
    return {each["metric"]["area"] for each in stack.prometheus("up == 1")}


def test_it_is_watched(stack: Stack) -> None:
    """Prometheus reads all four nodes, each with a token of its own, and has the rules; Alertmanager is told."""
    until(lambda: scraped(stack) == AREAS, "all nodes scraped", 90)
    assert {each["metric"]["area"] for each in stack.prometheus("vardkase_node_ready == 1")} == AREAS
    links = {(each["metric"]["area"], each["metric"]["child"]) for each in stack.prometheus("vardkase_link_up == 1")}
    assert links == {("SE", "lan-24"), ("24", "kommun-2480"), ("24", "kommun-2482")}
    url = f"http://127.0.0.1:{stack._ports['PROMETHEUS']}/api/v1"
    groups = httpx.get(f"{url}/rules", timeout=10).json()["data"]["groups"]
    assert {each["name"] for each in groups} == {"vardkase", "vardkase-federation"}
    assert len(httpx.get(f"{url}/alertmanagers", timeout=10).json()["data"]["activeAlertmanagers"]) == 1


def led(stack: Stack) -> str:
    """The server that leads the nation's log."""
    program = (
        "import asyncio, tomllib, nats\n"
        "async def ask():\n"
        " nc = await nats.connect(tomllib.load(open('/etc/vardkase/node.toml', 'rb'))['nats_url'].split(','))\n"
        " print((await nc.jetstream().stream_info('REPORTS')).cluster.leader)\n"
        " await nc.close()\n"
        "asyncio.run(ask())"
    )
    return stack.inside("nation", "/opt/vardkase/bin/python", "-c", program).strip()


def test_a_server_of_the_nation_dies(stack: Stack) -> None:
    """The one that leads the log is killed: what is reported meanwhile arrives, and the server comes back."""
    leader = led(stack)
    before = stack.seen(leader)["RestartCount"]
    stack.kill(leader)
    stack.report("kommun-2480", "status", POINT, "lifecycle=open", "note=utan en server")
    say(f"without {leader}: {stack.arrives('utan en server', 60):.1f} s")
    took = until(lambda: stack.seen(leader)["RestartCount"] > before and stack.well(leader), f"{leader} back", 90)
    say(f"{leader} back after {took:.1f} s")


def test_a_lan_dies(stack: Stack) -> None:
    """The kommun goes on alone, and what it says meanwhile is at the nation when the län is back."""
    stack.kill("lan")
    stack.report("kommun-2480", "status", POINT, "lifecycle=open", "note=utan länet")
    assert stack.arrives("utan länet", 10, "kommun-2480") < 10
    say(f"the län died: at the nation after {stack.arrives('utan länet', 120, 'lan', 'nation'):.1f} s")


def test_a_kommun_dies(stack: Stack) -> None:
    """It comes back with its log, and goes on."""
    stack.kill("kommun-2480")
    took = until(lambda: stack.says("kommun-2480", "utan länet"), "the kommun back", 90)
    say(f"the kommun back after {took:.1f} s")
    until(lambda: stack.well("kommun-2480"), "the kommun well", 60)
    stack.report("kommun-2480", "status", POINT, "lifecycle=open", "note=åter")
    say(f"and at the nation after {stack.arrives('åter', 60):.1f} s")


def test_the_database_dies(stack: Stack) -> None:
    """The nation is ready without it; when it is back, it gets what it missed."""
    stack.kill("nation-db")
    stack.report("kommun-2480", "status", POINT, "lifecycle=open", "note=utan databas")
    stack.arrives("utan databas", 60)
    until(lambda: stack.well("nation-db"), "the database back", 90)

    def archived() -> bool:
        count = "SELECT count(*) FROM vardkase.report WHERE convert_from(data, 'UTF8') LIKE '%utan databas%'"
        command = ["psql", "-h", "127.0.0.1", "-U", "postgres", "-d", "vardkase", "-Atc", count]
        shell = f'PGPASSWORD=$(cat /run/postgres-secrets/postgres) exec {" ".join(command[:-1])} "{count}"'
        return stack.inside("nation-db", "sh", "-c", shell).strip() == "1"

    say(f"archived after {until(archived, 'what was missed in the archive', 60):.1f} s")


def test_everything_dies_at_once(stack: Stack) -> None:
    """All containers are killed, as by a power cut: they start in any order, and nothing is lost."""
    for service in LASTING:
        stack.kill(service)
    took = until(lambda: stack.says("nation", "utan databas"), "the nation back", 180)
    say(f"the nation back after {took:.1f} s")
    for service in LASTING:
        until(lambda each=service: stack.well(each), f"{service} well", 120)
    stack.report("kommun-2480", "status", POINT, "lifecycle=open", "note=efter strömavbrottet")
    say(f"and a report at it after {stack.arrives('efter strömavbrottet', 60):.1f} s")


def test_the_disk_of_a_lan_is_lost(stack: Stack) -> None:
    """Set up anew on an empty volume, with its old keys, it is filled by its kommuner."""
    stack.compose("rm", "--stop", "--force", "lan", "token-lan", "setup")
    stack.daemon.run("docker", "volume", "rm", "vardkase_lan-data")
    stack.report("kommun-2480", "status", POINT, "lifecycle=open", "note=utan länets disk")
    stack._tokens.pop("lan", None)
    stack.compose("up", "--detach")
    until(lambda: stack.well("lan"), "the län well", 120)
    say(f"a län on an empty disk is filled after {stack.arrives('utan länets disk', 120, 'lan', 'nation'):.1f} s")


def test_all_disks_of_the_nation_are_lost(stack: Stack) -> None:
    """Three new servers on empty volumes: the län sends all that it has."""
    servers = [f"nation-nats-{number}" for number in (1, 2, 3)]
    stack.compose("rm", "--stop", "--force", "nation", "token-nation", "setup", *servers)
    stack.daemon.run("docker", "volume", "rm", *(f"vardkase_{each}-data" for each in servers))
    stack.compose("up", "--detach")
    until(lambda: stack.well("nation"), "the nation well", 120)
    say(f"a nation on empty disks is filled after {stack.arrives('utan länets disk', 120):.1f} s")
    until(lambda: scraped(stack) == AREAS, "Prometheus reading the new ones too, by new tokens", 120)


def test_a_kommun_is_put_back_from_a_copy(stack: Stack, tmp_path: Path) -> None:
    """Its volume is copied and put back: what came later is at the län and the nation, and what comes now arrives."""

    def as_root(program: str, *words: str) -> None:
        command = ["docker", "run", "--rm", "--network", "none", "--user", "0", "--entrypoint", program]
        command += ["--volume", "vardkase_kommun-2480-data:/data", "--volume", f"{tmp_path}:/copy", images.OURS]
        stack.daemon.run(*command, *words)

    stack.compose("stop", "kommun-2480")
    as_root("tar", "-C", "/data", "-czf", "/copy/kommun-2480.tar.gz", ".")
    stack.compose("start", "kommun-2480")
    until(lambda: stack.well("kommun-2480"), "the kommun well", 60)
    stack.report("kommun-2480", "status", POINT, "lifecycle=open", "note=efter kopian")
    stack.arrives("efter kopian", 60)
    stack.compose("stop", "kommun-2480")
    as_root("find", "/data", "-mindepth", "1", "-delete")
    as_root("tar", "-C", "/data", "-xzf", "/copy/kommun-2480.tar.gz")
    stack.compose("start", "kommun-2480")
    until(lambda: stack.well("kommun-2480"), "the kommun well", 60)
    assert not stack.says("kommun-2480", "efter kopian")
    assert stack.says("nation", "efter kopian")
    stack.report("kommun-2480", "status", POINT, "lifecycle=open", "note=återställd")
    say(f"a kommun put back from a copy: at the nation after {stack.arrives('återställd', 60):.1f} s")


def test_one_level_at_a_time_is_upgraded(stack: Stack) -> None:
    """The nation, the län, a kommun: each is made anew from another image while its neighbours run on."""
    stack.daemon.run("docker", "tag", images.OURS, "vardkase:0.1.1")
    for service in ("nation", "lan", "kommun-2480"):
        stack.compose("up", "--detach", "--no-deps", service, image="vardkase:0.1.1")
        until(lambda each=service: stack.well(each), f"{service} well", 120)
        assert stack.seen(service)["Config"]["Image"] == "vardkase:0.1.1"
        note = f"{service} är ny"
        stack.report("kommun-2480", "status", POINT, "lifecycle=open", f"note={note}")
        say(f"{service} is upgraded: a report at the nation after {stack.arrives(note, 60):.1f} s")


def test_the_setup_can_be_run_again(stack: Stack) -> None:
    """Another kommun joins while all runs: the file is changed, handed out, and read."""
    words = ["run", "--rm", "--entrypoint", "vardkase", "setup", "federation", "add-kommun", "2401", "--no-node"]
    stack.compose(*words)
    stack.compose("up", "setup")
    until(lambda: "2401" in stack.inside("lan", "cat", "/etc/vardkase/federation.toml"), "the new file", 10)
    assert stack.well("lan")
