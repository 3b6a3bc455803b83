"""A whole exercise on a whole node, while a small real storm goes on beside it: in real time, killed and aborted."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from up import Up, node_up, until
from vardkase_contracts.client import new_report

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BANNER = "ÖVNING AVBRUTEN – SKARPT LÄGE"  # noqa: RUF001 -- as it is written
DARK = {"power": {"source": "none"}, "staff": {"present": 3, "required": 3}}


def scenario(path: Path) -> Path:
    """An exercise of some seconds: a blackout in Umeå, a message, and a long tail that an abort is to cut off."""
    opened, text = {"lifecycle": "open"}, "Spelledning ringer: hur länge räcker vattnet?"
    injects: list[dict[str, Any]] = [
        {
            "name": "oppnar",
            "at": "0s",
            "report": {"point": "2480-skolan", "kind": "status", "data": opened},
        },
        {
            "name": "stromlost",
            "at": "2s",
            "report": {"point": "2480-skolan", "kind": "resources", "data": DARK},
            "expect": [
                {"alert": {"rule": "power.lost", "about": "2480-skolan"}, "within": "1m"},
                {"ack": {"rule": "power.lost", "about": "2480-skolan"}, "within": "5m"},
                {"report": {"from": "2480-skolan", "kinds": ["need"]}, "within": "5m"},
            ],
        },
        {
            "name": "ringer",
            "at": "3s",
            "message": {"to": "2480", "text": text},
        },
    ]
    for name, at in (("sen", "20m"), ("senare", "40m")):
        late = {"point": "2480-skolan", "kind": "status", "data": {"occupancy": 99}}
        injects.append({"name": name, "at": at, "report": late})
    made = {"id": "ovning-nod", "name": "Övning på en nod", "area": "24", "areas": ["2480", "2482"], "duration": "1h"}
    path.write_text(yaml.safe_dump(made | {"injects": injects}, allow_unicode=True), encoding="utf-8")
    return path


class Officer:
    """Somebody at the node: its HTTP, and its command line."""

    def __init__(self, up: Up) -> None:
        self.up = up
        token = {"authorization": f"Bearer {up.told['token']}"}
        self.http = httpx.Client(base_url=up.told["http"], headers=token, timeout=20)

    def report(self, kind: Any, point: str, data: dict[str, Any], reality: Any = "act", **more: Any) -> httpx.Response:
        event = new_report(kind, point, data, reality=reality, **more)
        headers = {"content-type": "application/cloudevents+json"}
        return self.http.post("/v1/reports", content=event.model_dump_json(exclude_unset=True), headers=headers)

    def get(self, path: str, **params: str) -> Any:
        answer = self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def firing(self, reality: str) -> dict[str, str]:
        found = self.get("/v1/alerts", reality=reality)["alerts"]
        return {each["key"]: each["level"] for each in found if each["status"] == "firing"}

    def command(self, *words: str) -> list[str]:
        nats = self.up.told["nats"]
        return [sys.executable, "-m", "vardkase.cli.main", "exercise", *words, "--nats", nats]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done

    def say(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "vardkase.cli.main", *words, "--nats", self.up.told["nats"]]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def watch(self, area: str, reality: str) -> str:
        words = ["watch", area, "--once", "--reality", reality, "--nats", self.up.told["nats"]]
        command = [sys.executable, "-m", "vardkase.cli.main", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.fixture
def officer(tmp_path: Path) -> Iterator[Officer]:
    with node_up(tmp_path, area="24") as up:
        found = Officer(up)
        yield found
        found.http.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


def storm(officer: Officer) -> None:
    """A small real one: two points, one of them on a tank that is soon empty."""
    place = {"kind": "trygghetspunkt", "staff_required": 3, "backup_type": "fixed", "publish": "live"}
    for point, name, lon in (("2480-skolan", "Skolan", 20.2), ("2482-badet", "Badet", 20.9)):
        data = place | {"name": name, "position": {"lon": lon, "lat": 64.0}}
        assert officer.report("register", point, data).status_code == 202
        assert officer.report("status", point, {"lifecycle": "open", "occupancy": 12}).status_code == 202
    power = {"source": "backup", "backup_state": "running", "fuel_l": 20, "fuel_l_per_h": 10}
    staff = {"present": 3, "required": 3}
    assert officer.report("resources", "2482-badet", {"power": power, "staff": staff}).status_code == 202
    assert officer.report("resources", "2480-skolan", {"power": {"source": "mains"}, "staff": staff}).status_code == 202
    until(lambda: officer.firing("act") == {"power.endurance/2482-badet": "critical"}, "the real alert")
    until(lambda: len(officer.get("/public/v1/points")["features"]) == 2, "the public side")
    until(lambda: judged(officer), "all of it merged, judged and counted")


def judged(officer: Officer) -> bool:
    """Whether skarpt läge has come to rest: one point green and one critical, in the picture and in the metrics."""
    found = officer.get("/v1/pictures/lan/24")["condition"]["condition"]
    metrics = officer.http.get("/metrics").text.splitlines()
    points = [each for each in metrics if each.startswith("vardkase_points{") and 'reality="act"' in each]
    counted = sorted(each.partition('condition="')[2].partition('"')[0] for each in points if each.endswith(" 1.0"))
    return (found["green"], found["critical"], counted) == (1, 1, ["critical", "green"])


def real(officer: Officer) -> dict[str, Any]:
    """All that skarpt läge says, but what the clock alone changes."""
    picture = officer.get("/v1/pictures/lan/24")
    kept = ("condition", "resources", "measures", "alerts", "coverage", "events")
    public = [each["properties"] for each in officer.get("/public/v1/points")["features"]]
    points = [each["properties"]["facts"] for each in officer.get("/v1/points")["features"]]
    metrics = officer.http.get("/metrics").text.splitlines()
    sums = ("vardkase_points{", "vardkase_alerts_open{", "vardkase_reports_total{", "vardkase_alert_changes_total{")
    counted = [each for each in metrics if each.startswith(sums) and 'reality="act"' in each]
    found = {name: picture[name] for name in kept} | {"public": public, "points": points, "counted": sorted(counted)}
    found["coverage"] = {name: value for name, value in picture["coverage"].items() if name != "oldest"}
    return found | {"firing": officer.firing("act")}


def lines(process: "subprocess.Popen[str]", wanted: str) -> list[str]:
    """What a player says, until it says that."""
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if wanted in line:
            return said
    raise AssertionError(f"{wanted!r} was not said: {said}")


def test_an_exercise_beside_a_storm(officer: Officer, stack: ExitStack, tmp_path: Path) -> None:
    """Played, killed, played on, answered, aborted, refused, refiled, evaluated; and skarpt läge is what it was."""
    storm(officer)
    before = real(officer)
    file = str(scenario(tmp_path / "nod.yaml"))
    begun = officer.command("start", file)
    with subprocess.Popen(begun, stdout=subprocess.PIPE, text=True, bufsize=1) as first:
        lines(first, "oppnar")
        first.send_signal(signal.SIGKILL)
    player = stack.enter_context(subprocess.Popen(begun, stdout=subprocess.PIPE, text=True, bufsize=1))
    stack.callback(player.kill)
    said = lines(player, "ringer")
    assert any("oppnar" in line and "redan sänt" in line for line in said)
    until(lambda: "power.lost/2480-skolan" in officer.firing("exe"), "the alert of the exercise")
    assert real(officer) == before, "nothing of it is in skarpt läge"
    (going_on,) = officer.get("/v1/exercises")["exercises"]
    assert (going_on["name"], going_on["running"]) == ("Övning på en nod", ["2480", "2482"])

    # Players answer.
    ack = {"kind": "ack", "area": "2480", "role": "tib", "reality": "exe"}
    ack["data"] = {"key": "power.lost/2480-skolan", "level": officer.firing("exe")["power.lost/2480-skolan"]}
    assert officer.http.post("/v1/orders", json=ack).status_code == 202
    need = {"need_id": "n1", "kind": "power", "direction": "need", "state": "requested"}
    assert officer.report("need", "2480-skolan", need, "exe", id="verkligt-behov").status_code == 202

    # Aborted in one kommun: the player holds back, and nothing more is taken as övning there.
    officer.run("abort", "--area", "2480")
    until(lambda: officer.report("confirm", "2480-skolan", {}, "exe").status_code == 409, "the abort")
    refused = officer.report("confirm", "2480-skolan", {}, "exe")
    by_command = officer.say("report", "confirm", "2480-skolan", "--reality", "exe")
    assert (by_command.returncode, f"{BANNER}: Umeå." in by_command.stderr) == (1, True)
    assert officer.say("report", "confirm", "2482-badet", "--reality", "exe").returncode == 0
    assert refused.json()["detail"].startswith(BANNER)
    assert officer.report("status", "2482-badet", {"occupancy": 3}, "exe").status_code == 202
    for reality in ("act", "exe"):
        assert BANNER in officer.watch("2480", reality)
    assert "Övning pågår" in officer.watch("2482", "act")

    # By hand, what was real after all. Nothing was, until now.
    assert real(officer) == before
    officer.run("refile", "verkligt-behov", "--kommun", "2480", "--role", "krisledning")
    until(lambda: officer.get("/v1/needs")["numberMatched"] == 1, "the need in skarpt läge")
    (found,) = officer.get("/v1/needs")["needs"]
    assert (found["point"], found["quality"]) == ("2480-skolan", "relayed")

    officer.run("stop", file, "--as", "lan:24")
    assert player.wait(30) == 0
    told = json.loads(officer.run("report", file, "--json").stdout)
    assert [each["result"] for each in told["responses"]] == ["met", "met", "met"]
    umea = next(each for each in told["kommuner"] if each["code"] == "2480")
    assert (umea["reports"], umea["after_abort"]) == (1, 0)
    assert umea["aborted_at"] is not None
    page = tmp_path / "utvardering.html"
    officer.run("report", file, "--html", str(page))
    assert "i tid" in page.read_text(encoding="utf-8")
    after = real(officer)
    assert (after["public"], after["firing"]) == (before["public"], before["firing"])
