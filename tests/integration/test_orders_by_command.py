"""`vardkase silence`, `rules` and `incident` against a running node: given, shown, ended, refused."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from node import Node, subject_of
from program import Done, program
from servers import Eventually
from vardkase_contracts.instants import MINUTE, iso

POINT = "2480-umedalen"
KEY = f"heat.low/{POINT}"
Cli = Callable[..., Awaitable[Done]]


PROFILE = {
    "name": "Skolan",
    "kind": "trygghetspunkt",
    "position": {"lon": 20.0, "lat": 64.0},
    "planned_services": ["heat"],
}


def report(kind: str, minutes_ago: float, data: dict[str, Any]) -> tuple[str, bytes]:
    """A report about the point, observed some minutes ago."""
    event = {
        "specversion": "1.0",
        "id": f"{kind}-{minutes_ago}",
        "source": "urn:tp:kommun:2480",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": POINT,
        "time": iso(time.time_ns() // 1000 - round(minutes_ago * MINUTE)),
        "reality": "act",
        "data": data,
    }
    return subject_of(event), json.dumps(event).encode()


@pytest.fixture
async def cli(tmp_path: Path, eventually: Eventually) -> AsyncIterator[Cli]:
    """The program, at a län's node with an open point whose heat is 20.5 °C."""
    node = Node(tmp_path, eventually, VARDKASE_AREA="24")

    async def run(*arguments: str) -> Done:
        return await program(*arguments, VARDKASE_NATS_URL=node.nats.url)

    await node.start("intake", "aggregator")
    try:
        await node.publish(
            [
                report("register", 90, PROFILE),
                report("status", 80, {"lifecycle": "open"}),
                report(
                    "resources",
                    10,
                    {"heat": {"indoor_c": 20.5}, "power": {"source": "mains"}, "staff": {"present": 3}},
                ),
            ]
        )
        await node.until_quiet()
        yield run
    finally:
        await node.stop()


async def document(cli: Cli, *arguments: str) -> Any:
    """The one JSON document that a command prints."""
    done = await cli(*arguments, "--json")
    assert done.code == 0, done.stderr
    (line,) = done.stdout.splitlines()
    return json.loads(line)


@pytest.mark.slow
async def test_rules_are_overridden_shown_and_given_back(cli: Cli, tmp_path: Path) -> None:
    """A file makes other limits for a point at once; they are shown with whose they are, and taken away again."""
    file = tmp_path / "o.yaml"
    file.write_text("heat.low: {yellow: 21, critical: null}\ncomms.112: {keep: 10m}\n")
    given = await cli("rules", "set", POINT, str(file), "--as", "24", "--note", "äldre besökare")
    assert (given.code, given.stdout) == (0, f"Nya regler för {POINT}: comms.112, heat.low\n")
    (alert,) = [json.loads(line) for line in (await cli("alerts", "24", "--json")).stdout.splitlines()]
    table = await document(cli, "rules", "show", POINT)
    assert (alert["key"], alert["rules_version"]) == (KEY, table["version"])
    assert table["rules"]["heat.low"]["yellow"] == {"limit": 21.0, "for": 0}
    assert table["origins"] == {
        "heat.low": {"yellow.limit": POINT, "critical": POINT},
        "comms.112": {"keep": POINT},
    }
    shown = await cli("rules", "show", POINT)
    assert f"regler för {POINT}, {table['version']}" in shown.stdout
    assert (await document(cli, "rules", "show", "2480"))["version"] == "default-1"

    taken = await document(cli, "rules", "clear", POINT, "--as", "24")
    assert (taken["status"], taken["scope"]) == ("taken", POINT)
    assert (await document(cli, "rules", "show", POINT))["version"] == "default-1"
    assert (await cli("alerts", "24", "--json")).stdout == ""

    # A table that the node does not have lets through what the node refuses.
    own = tmp_path / "table.yaml"
    built_in = files("vardkase.domain").joinpath("default-1.yaml").read_text()
    own.write_text(built_in.replace("red: {limit: 18}", "red: {limit: 16}").replace("default-1", "umea-1"))
    file.write_text("heat.low: {yellow: 17}\n")
    refused = await cli("rules", "set", POINT, str(file), "--as", "24", "--table", str(own))
    assert refused.code == 1
    assert "the node refused it" in refused.stderr
    assert "data.override.heat.low" in refused.stderr


@pytest.mark.slow
async def test_alerts_are_silenced_listed_and_told_again(cli: Cli, eventually: Eventually, tmp_path: Path) -> None:
    """A silence shows on the alert until it is ended; whoever acts for another area cannot end it."""
    file = tmp_path / "o.yaml"
    file.write_text("heat.low: {yellow: 21}\n")
    await document(cli, "rules", "set", "2480", str(file), "--as", "24")
    given = await document(cli, "silence", "add", "--point", POINT, "--rule", "heat.low", "--until", "2h", "--as", "24")
    assert given["status"] == "taken"

    async def silenced() -> bool:
        return "tystat TiB 24 till" in (await cli("alerts", "24")).stdout

    await eventually(silenced, what="the silence on the alert")
    (listed,) = [json.loads(line) for line in (await cli("silence", "list", "2480", "--json")).stdout.splitlines()]
    assert (listed["id"], listed["rule"], listed["place"], listed["code"]) == (
        given["silence"],
        "heat.low",
        POINT,
        "24",
    )
    assert "tystade larm i Umeå (2480)" in (await cli("silence", "list", "2480")).stdout
    assert (await cli("silence", "list", "2482")).stdout.endswith(": inga\n")

    other = await cli("silence", "expire", given["silence"], "--as", "2480")
    assert (other.code, "2480 has no silence" in other.stderr) == (1, True)
    longer = await document(
        cli, "silence", "add", "--point", POINT, "--until", "6h", "--id", given["silence"], "--as", "24"
    )
    assert longer["silence"] == given["silence"]
    ended = await document(cli, "silence", "expire", given["silence"], "--as", "24")
    assert ended["status"] == "taken"
    assert not await silenced()
    assert (await cli("silence", "list", "--json")).stdout == ""
    assert "slut sedan" in (await cli("silence", "list", "24", "--all")).stdout


async def test_an_incident_is_declared_and_ended(cli: Cli) -> None:
    """It is listed while it lasts, and no longer."""
    given = await cli("incident", "declare", "storm-alfa", "Storm Alfa", "2480", "2482", "--from", "3h", "--as", "24")
    assert (given.code, "Händelsen Storm Alfa gäller från" in given.stdout) == (0, True)
    listed = await document(cli, "incident", "list")
    assert (listed["id"], listed["areas"], listed["until"]) == ("storm-alfa", ["2480", "2482"], None)
    alerts = [json.loads(line) for line in (await cli("alerts", "24", "--json")).stdout.splitlines()]
    assert [each["key"] for each in alerts] == ["area.silent/2482"]
    assert (await document(cli, "incident", "end", "storm-alfa", "--as", "24"))["status"] == "taken"
    assert (await cli("incident", "list")).stdout.endswith(": inga\n")
    assert (await cli("incident", "end", "storm-alfa", "--as", "24")).code == 1
