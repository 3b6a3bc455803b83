"""What an operator is given for a federation: the compose file, the dashboards and the rules fit the program."""

import json
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from vardkase.runtime.settings import Settings, _paths

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = {name for name, each in SERVICES.items() if each["restart"] == "no"}
SAFE = {"setup"}
"""Runs as root, to hand out what others own."""
DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9]+)*")
METRIC = re.compile(r"\b(?:vardkase|process|python)_[a-z0-9_]+\b")
OURS = re.compile(r'"(vardkase_[a-z0-9_]+)"')
OTHERS = {"process_resident_memory_bytes"}
"""Of the client library."""


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_bounded_and_harmless(name: str) -> None:
    """A version, limits, a read-only root, no rights, a health check of its own; and no port but on this computer."""
    service = SERVICES[name]
    image = DEFAULT.sub(r"\1", service["image"])
    assert PINNED.fullmatch(image), image
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["cpus"] <= 2
    assert service["pids_limit"] <= 256
    assert service["logging"]["options"]["max-size"]
    assert not service.get("privileged")
    assert ("cap_add" in service) == (name in SAFE)
    ours = image.startswith("vardkase:")
    assert ours or not service["user"].startswith("0")
    if name in ONCE:
        assert service["healthcheck"] == {"disable": True}
    else:
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:"), port


def test_what_is_named_is_there() -> None:
    """Volumes, networks, files of this folder, services that are waited for, and settings: no name is mistyped."""
    volumes, networks = set(COMPOSE["volumes"]), set(COMPOSE["networks"])
    used: set[str] = set()
    settings = {f"VARDKASE_{'_'.join(path).upper()}" for path in _paths(Settings)} | {"VARDKASE_CONFIG"}
    for name, service in SERVICES.items():
        for each in service.get("volumes", ()):
            source, _, _ = each.partition(":")
            if source.startswith("./"):
                assert (ROOT / source).exists(), source
                assert each.endswith(":ro"), each
            else:
                assert source in volumes, (name, source)
                used.add(source)
        assert set(service.get("networks", ())) <= networks
        assert set(service.get("depends_on", ())) <= set(SERVICES)
        assert {each for each in service.get("environment", {}) if each.startswith("VARDKASE_")} <= settings
    assert used == volumes
    setup = {each.partition(":")[0] for each in SERVICES["setup"]["volumes"]}
    assert volumes <= setup, "each volume is given its owner"
    for script in (INFRA / "compose").glob("*.sh"):
        assert stat.S_IMODE(script.stat().st_mode) & 0o111, script
        subprocess.run(["sh", "-n", script], check=True)


def test_no_secret_is_in_a_file_or_a_variable() -> None:
    """Passwords and keys come from volumes, made by the setup."""
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert not re.search(r"PASSWORD|TOKEN|SECRET|KEY", name) or name.endswith("_FILE"), name
            assert "@" not in str(value)


def test_a_level_meets_its_neighbours_alone() -> None:
    """The nation's servers are reached by its node and the län's link; the län's by its kommuner; nothing else is."""
    networks = {name: set(each.get("networks", ())) for name, each in SERVICES.items()}
    servers = {f"nation-nats-{number}" for number in (1, 2, 3)}
    assert {name for name, each in networks.items() if "link-se" in each} == servers | {"lan"}
    assert {name for name, each in networks.items() if "link-24" in each} == {"lan", "kommun-2480", "kommun-2482"}
    assert {name for name, each in networks.items() if "nation" in each} == servers | {"nation", "nation-db"}
    assert all(COMPOSE["networks"][name]["internal"] for name in ("nation", "link-se", "link-24"))


def test_the_image_has_nothing_that_was_not_asked_for() -> None:
    """The context is a list of what goes in; what is installed is what the lock file says; the user is nobody."""
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert ignored[0] == "*"
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^ARG PYTHON=python:\d+\.\d+\.\d+-slim-[a-z]+$", text, re.MULTILINE)
    assert text.count("uv sync --locked --no-dev") == 2
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "secret" not in last


def metrics() -> set[str]:
    """The names of the program's metrics, as Prometheus has them."""
    source = "\n".join(path.read_text() for path in (ROOT / "services" / "vardkase").rglob("*.py"))
    found = set(OURS.findall(source)) | OTHERS
    return found | {f"{name}{ending}" for name in found for ending in ("_total", "_bucket", "_sum", "_count")}


def expressions() -> dict[str, str]:
    """What is asked of Prometheus, by dashboards and rules."""
    found = {}
    for path in sorted((INFRA / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                found[f"{path.name} {panel['title']} {target['refId']}"] = target["expr"]
    for group in yaml.safe_load((INFRA / "prometheus" / "vardkase.rules.yml").read_text())["groups"]:
        for rule in group["rules"]:
            found[rule["alert"]] = rule["expr"]
    return found


def test_what_is_asked_of_prometheus_is_told_by_the_program() -> None:
    """Each metric that a dashboard or a rule names is one of ours; one that is renamed leaves no panel empty."""
    known = metrics()
    assert len(expressions()) > 30
    for where, expression in expressions().items():
        for name in METRIC.findall(expression):
            assert name in known, f"{where}: {name}"


def test_dashboards_can_be_provisioned() -> None:
    """Each has an id of its own and the data source that is provisioned beside it."""
    sources = yaml.safe_load((INFRA / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((INFRA / "grafana/provisioning/dashboards/vardkase.yml").read_text())["providers"]
    mounts = SERVICES["grafana"]["volumes"]
    assert f"./infra/grafana/dashboards:{provider['options']['path']}:ro" in mounts
    boards = [json.loads(path.read_text()) for path in (INFRA / "grafana" / "dashboards").glob("*.json")]
    assert len({board["uid"] for board in boards}) == len(boards) == 2
    for board in boards:
        for panel in board["panels"]:
            assert panel["datasource"]["uid"] == sources[0]["uid"]
            assert all(each["datasource"]["uid"] == sources[0]["uid"] for each in panel["targets"])


@pytest.mark.promtool
def test_prometheus_takes_what_it_is_given(tmp_path: Path) -> None:
    """Its configuration, the rules, and every expression of a dashboard."""
    shutil.copy(INFRA / "prometheus" / "vardkase.rules.yml", tmp_path)
    config = (INFRA / "compose" / "prometheus.yml").read_text()
    for name in re.findall(r"/tokens/[\w-]+", config):
        (tmp_path / name.rpartition("/")[2]).write_text("a token")
    (tmp_path / "prometheus.yml").write_text(config.replace("/tokens/", f"{tmp_path}/"))
    rules = [
        {"record": f"x{number}", "expr": each.replace('area=~"$area"', 'area=~"24"')}
        for number, each in enumerate(expressions().values())
    ]
    (tmp_path / "asked.yml").write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))
    for command in (["check", "config", "prometheus.yml"], ["check", "rules", "asked.yml"]):
        done = subprocess.run(["promtool", *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
