"""`vardkase forecast`, `needs` and `fuel-round` against a running node: from reports to what both sides agree to."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from node import Node, subject_of
from program import Done, inside
from servers import Eventually
from vardkase_contracts.instants import MINUTE, iso

HERE, THERE = "2480-umedalen", "2401-hallen"
Cli = Callable[..., Awaitable[Done]]


def report(kind: str, minutes_ago: float, data: dict[str, Any], *, point: str = HERE) -> tuple[str, bytes]:
    """A report, observed some minutes ago."""
    event = {
        "specversion": "1.0",
        "id": f"{kind}-{point}-{minutes_ago}",
        "source": f"urn:tp:kommun:{point[:4]}",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": point,
        "time": iso(time.time_ns() // 1000 - round(minutes_ago * MINUTE)),
        "reality": "act",
        "data": data,
    }
    return subject_of(event), json.dumps(event).encode()


def fuel(minutes_ago: float, litres: float) -> tuple[str, bytes]:
    """A reading of the tank, by somebody who believes that it lasts longer than it does."""
    power = {"source": "backup", "backup_state": "running", "fuel_l": litres, "fuel_l_per_h": 8}
    return report("resources", minutes_ago, {"power": power})


PROFILE = {"name": "Skolan", "kind": "trygghetspunkt", "position": {"lon": 20, "lat": 64}}
NEED = {"need_id": "n1", "kind": "fuel", "quantity": 200, "unit": "l", "priority": "urgent"}
SURPLUS = {"need_id": "s1", "direction": "surplus", "kind": "fuel", "quantity": 500, "unit": "l"}


@pytest.fixture
async def node(tmp_path: Path, eventually: Eventually) -> AsyncIterator[tuple[Node, Cli]]:
    """A län's node with a point on backup that needs fuel, and one in the next kommun that has some to spare."""
    node = Node(tmp_path, eventually, VARDKASE_AREA="24")

    async def run(*arguments: str) -> Done:
        return await inside(*arguments, VARDKASE_NATS_URL=node.nats.url)

    await node.start("intake", "aggregator")
    try:
        await node.publish(
            [
                report(
                    "register", 300, {"name": "Skolan", "kind": "trygghetspunkt", "position": {"lon": 20, "lat": 64}}
                ),
                report("status", 290, {"lifecycle": "open"}),
                *(fuel(minutes_ago, 60 - (130 - minutes_ago) / 5) for minutes_ago in (130, 70, 10)),
                report("need", 5, NEED),
                report("need", 5, SURPLUS, point=THERE),
            ]
        )
        await node.until_quiet()
        yield node, run
    finally:
        await node.stop()


async def documents(cli: Cli, *arguments: str) -> list[Any]:
    """What a command prints, a document a line."""
    done = await cli(*arguments, "--json")
    assert done.code == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
async def test_from_a_tank_that_empties_to_fuel_that_is_agreed_on(node: tuple[Node, Cli], tmp_path: Path) -> None:
    """The trend is told; the neighbour's surplus is proposed; each says yes to its side, once; the truck goes there."""
    running, cli = node
    (power,) = [each for each in await documents(cli, "forecast", "24") if each["what"] == "power"]
    assert (power["point"], power["basis"], power["readings"], power["rate"]) == (HERE, "trend", 3, -12)
    assert power["at"] < power["reported_at"]
    assert "3 avläsningar" in (await cli("forecast", HERE)).stdout

    (pair,) = await documents(cli, "needs", "match", "24")
    assert (pair["need"]["point"], pair["surplus"]["point"], pair["quantity"]) == (HERE, THERE, 200)
    yes = ("needs", "accept", f"{HERE}/n1", f"{THERE}/s1", "--quantity", "200")
    assert "Drivmedel 200 l, brådskande, tilldelat" in (await cli(*yes)).stdout
    await running.until_quiet()
    (half,) = await documents(cli, "needs", "match", "24")
    assert half["accepted"] == ["need"]
    again = await cli(*yes)
    assert (again.code, "not requested any more" in again.stderr) == (1, True)
    done = await cli("needs", "accept", f"{THERE}/s1", f"{HERE}/n1", "--quantity", "200")
    assert done.stdout.count("Rapporterat") == 2, "the rest stays there to give"
    await running.until_quiet()
    assert await documents(cli, "needs", "match", "24") == []
    left = {each["need_id"]: (each["state"], each["quantity"]) for each in await documents(cli, "needs", "list", "24")}
    assert left["s1"] == ("requested", 300)
    assert left["n1"] == ("assigned", 200)
    assert sorted(left.values()).count(("assigned", 200)) == 2

    file = tmp_path / "bilar.yaml"
    file.write_text("trucks:\n  - {name: Tankbil 1, position: {lon: 20.2, lat: 63.9}, litres: 1000}\n")
    (told,) = await documents(cli, "fuel-round", "--area", "24", "--trucks", str(file))
    (stop,) = told["trucks"][0]["stops"]
    assert (stop["point"], stop["litres"], stop["dry_on_arrival"]) == (HERE, 200, False)
    assert "Tankbil 1: 1 stopp" in (await cli("fuel-round", "--area", "24", "--trucks", str(file))).stdout
    file.write_text("trucks: []\n")
    wrong = await cli("fuel-round", "--area", "24", "--trucks", str(file))
    assert (wrong.code, "trucks" in wrong.stderr) == (2, True)
