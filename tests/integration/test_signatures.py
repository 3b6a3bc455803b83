"""Proof of origin through a real node: whoever cannot prove it is refused, counted and shown, and harms nobody else."""

import asyncio
import base64
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node import Node, subject_of
from servers import Eventually
from signed_kit import Federated, key, publish, report, signed, signer, spoil, write_plan
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase_contracts import signing, streams
from vardkase_contracts.client import connect, new_report
from vardkase_contracts.instants import HOUR, iso

UMEA, STRANGER, NEXT = signer(1), signer(2), signer(3)
OPEN = {"lifecycle": "open"}


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """Umeå must sign; of the others nobody asks."""
    signers = {"2480": {"policy": "required", "keys": [key(UMEA)]}}
    return write_plan(tmp_path / "federation.toml", signatures="off", signers=signers)


@pytest.fixture
async def node(tmp_path: Path, plan: Path, eventually: Eventually) -> AsyncIterator[Node]:
    made = Federated(tmp_path, eventually, VARDKASE_FEDERATION=str(plan), VARDKASE_AGGREGATOR_TICK="0.2")
    try:
        await made.start("intake", "aggregator")
        yield made
    finally:
        await made.stop()


async def occupancies(node: Node, reality: str = "act") -> dict[str, Any]:
    """What the states say of occupancy, by point."""
    states = (each for each in (await node.last(streams.STATE)).values() if each["reality"] == reality)
    return {each["id"]: each["facts"]["occupancy"]["value"] for each in states if "occupancy" in each["facts"]}


async def refused(node: Node) -> list[str]:
    """Which reports were refused for their signature, by the words for it."""
    events = (each["data"] for each in (await node.last(streams.REJECTED)).values())
    return [each["detail"] for each in events if each["reason"] == "signature"]


def counted(node: Node, outcome: str, reality: str = "act") -> float:
    found = node.metrics("aggregator")
    return found.get(f'vardkase_signatures_total{{outcome="{outcome}",reality="{reality}"}}', 0)


async def test_only_what_proves_its_origin_counts(node: Node) -> None:
    """Signed it counts. Unsigned, altered, signed by a stranger or moved elsewhere it is refused, told, counted."""
    mine = report("2480-a", "status", OPEN | {"occupancy": 7}, id="right")
    proof = signed(mine, UMEA)
    # Attacks by whoever can publish at this node: each would change the point if it counted.
    altered = json.dumps(mine | {"id": "altered", "data": {"occupancy": 70}}).encode()
    moved = [
        report("2480-b", "status", {"occupancy": 1}, id="moved-point"),
        report("2480-a", "status", {"occupancy": 2}, id="moved-reality", reality="exe"),
    ]
    attacks = [
        signed(report("2480-a", "status", {"occupancy": 50}, id="unsigned"), None),
        signed(report("2480-a", "status", {"occupancy": 51}, id="stranger"), STRANGER),
        Outgoing(subject=proof.subject, data=altered, headers=proof.headers),
        *(Outgoing(subject=subject_of(each), data=json.dumps(each).encode(), headers=proof.headers) for each in moved),
        Outgoing(
            subject=proof.subject,
            data=json.dumps(mine | {"id": "nonsense", "data": {"occupancy": 52}}).encode(),
            headers={signing.HEADER: "nonsense\x7f å" * 100},
        ),
    ]
    neighbour = signed(report("2401-a", "status", OPEN | {"occupancy": 3}, id="neighbour"), None)
    await publish(node, *attacks[:3], proof, *attacks[3:], neighbour)
    await node.until_quiet()
    assert await occupancies(node) == {"2480-a": 7, "2401-a": 3}
    assert await occupancies(node, "exe") == {}
    rejected = [each["data"] for _, each in await node.all(streams.REJECTED)]
    assert len(rejected) == len(attacks)
    assert {each["reason"] for each in rejected} == {"signature"}
    assert all(each["origin"].startswith("SE/REPORTS/") for each in rejected)
    metrics = node.metrics("aggregator")
    assert metrics['vardkase_rejected_total{reality="act",reason="signature"}'] == 5
    assert metrics['vardkase_rejected_total{reality="exe",reason="signature"}'] == 1
    outcomes = ("valid", "missing", "unknown_key", "wrong", "malformed", "unsigned")
    assert [counted(node, each) for each in outcomes] == [1, 1, 1, 2, 1, 0]
    assert counted(node, "wrong", "exe") == 1
    # The same signed report again, later, and after a stranger has sent it: harmless.
    await publish(node, Outgoing(subject=proof.subject, data=proof.data), proof)
    await node.until_quiet()
    assert await occupancies(node) == {"2480-a": 7, "2401-a": 3}


async def test_what_was_sent_unsigned_can_be_sent_again_signed(node: Node) -> None:
    """A report that was refused for want of a signature is not taken for a repeat when it comes signed."""
    event = report("2480-a", "status", OPEN | {"occupancy": 7}, id="again")
    await publish(node, signed(event, None))
    await node.until_quiet()
    assert await occupancies(node) == {}
    await publish(node, signed(event, UMEA))
    await node.until_quiet()
    assert await occupancies(node) == {"2480-a": 7}


async def test_the_file_is_followed_while_it_runs(node: Node, plan: Path, eventually: Eventually) -> None:
    """A new key counts at once, also for what came before it was known; a broken file changes nothing."""
    await publish(
        node,
        signed(report("2480-a", "status", OPEN | {"occupancy": 1}, id="old"), UMEA),
        signed(report("2480-b", "status", OPEN | {"occupancy": 2}, id="new"), NEXT),
        signed(report("2480-a", "withdraw", {"report_ids": ["old"], "reason": "no"}, id="w"), STRANGER),
    )
    await node.until_quiet()
    assert await occupancies(node) == {"2480-a": 1}

    async def shows(wanted: dict[str, int]) -> bool:
        return await occupancies(node) == wanted

    both = {"2480": {"policy": "required", "keys": [key(UMEA), key(NEXT)]}}
    write_plan(plan, signatures="off", signers=both)
    await eventually(lambda: shows({"2480-a": 1, "2480-b": 2}), what="what the new key signed counts")

    spoil(plan)
    await publish(node, signed(report("2480-c", "status", OPEN | {"occupancy": 3}, id="c"), NEXT))
    await eventually(lambda: shows({"2480-a": 1, "2480-b": 2, "2480-c": 3}), what="the last file that could be read")

    # Umeå's first key was stolen an hour ago: what came with it since does not count, and its points are folded anew.
    stolen = iso(time.time_ns() // 1000 - HOUR)
    write_plan(
        plan, signatures="off", signers={"2480": {"policy": "required", "keys": [key(UMEA, until=stolen), key(NEXT)]}}
    )
    await eventually(lambda: shows({"2480-b": 2, "2480-c": 3}), what="what the stolen key signed is gone")
    node.kill("aggregator")
    node.run("aggregator")
    await node.until_ready("aggregator")
    await node.until_quiet()
    assert await occupancies(node) == {"2480-b": 2, "2480-c": 3}


async def test_a_change_while_the_node_was_down_is_followed_at_its_start(
    node: Node, plan: Path, eventually: Eventually
) -> None:
    """What a node did not see change it sees when it starts; then the same as one that reads its log from scratch."""
    await publish(
        node,
        signed(report("2480-a", "status", OPEN | {"occupancy": 1}, id="one"), UMEA),
        signed(report("2480-a", "status", {"occupancy": 2}, id="two"), NEXT),
        signed(report("2480-a", "withdraw", {"report_ids": ["one"], "reason": "no"}, id="w"), NEXT),
    )
    await node.until_quiet()
    before = await node.versions()
    assert await occupancies(node) == {"2480-a": 1}
    node.kill("aggregator")
    write_plan(plan, signatures="off", signers={"2480": {"policy": "required", "keys": [key(UMEA), key(NEXT)]}})
    node.run("aggregator")

    async def changed() -> bool:
        return await occupancies(node) == {"2480-a": 2}

    await eventually(changed, what="the withdraw counts", within=40)
    await node.until_quiet()
    after = await node.versions()
    assert after != before
    node.kill("aggregator")
    for file in (node.data_dir / "aggregator").iterdir():
        file.unlink()
    node.run("aggregator")
    await node.until_ready("aggregator")
    await node.until_quiet()
    assert await node.versions() == after


async def test_nothing_is_verified_anew_after_a_restart(node: Node) -> None:
    """What was merged and acknowledged was verified: the next run asks only for what is new."""
    await publish(
        node, *(signed(report("2480-a", "status", OPEN | {"occupancy": n}, id=f"r{n}"), UMEA) for n in range(50))
    )
    await node.until_quiet()
    assert counted(node, "valid") == 50
    versions = await node.versions()
    node.kill("aggregator")
    node.run("aggregator")
    await node.until_ready("aggregator")
    await publish(node, signed(report("2480-b", "status", OPEN, id="new"), UMEA))
    await node.until_quiet()
    assert counted(node, "valid") == 1
    assert (await node.versions())["2480-a"] == versions["2480-a"]


async def test_the_client_and_the_command_sign(node: Node, tmp_path: Path) -> None:
    """A program with `signer`, and `vardkase report` with a key, by option or variable, send what counts."""
    async with connect(node.nats.url, signer=UMEA) as client:
        ack = await client.report(new_report("status", "2480-a", OPEN | {"occupancy": 1}), outcome_s=10)
        assert ack.outcome is not None
        assert ack.outcome.status == "accepted"
        await client.report_batch([new_report("status", f"2480-b{n}", OPEN | {"occupancy": n}) for n in range(3)])
    path = tmp_path / "sign.key"
    path.write_text(base64.b64encode(bytes([1]) * 32).decode())
    path.chmod(0o600)
    command = [sys.executable, "-m", "vardkase.cli.main", "report", "status"]
    by_option = await asyncio.create_subprocess_exec(
        *command, "2480-c", "occupancy=7", "--sign", str(path), "--nats", node.nats.url
    )
    assert await by_option.wait() == 0
    by_variable = await asyncio.create_subprocess_exec(
        *command, "2480-d", "occupancy=8", "--nats", node.nats.url, env=os.environ | {"VARDKASE_SIGN_KEY": str(path)}
    )
    assert await by_variable.wait() == 0
    path.chmod(0o644)
    open_to_others = await asyncio.create_subprocess_exec(
        *command, "2480-e", "occupancy=9", "--sign", str(path), "--nats", node.nats.url, stderr=asyncio.subprocess.PIPE
    )
    _, said = await open_to_others.communicate()
    assert open_to_others.returncode == 2
    assert b"--sign: " in said
    assert b"chmod 600" in said
    await node.until_quiet()
    assert await occupancies(node) == {"2480-a": 1, "2480-b0": 0, "2480-b1": 1, "2480-b2": 2, "2480-c": 7, "2480-d": 8}
    assert await refused(node) == []


async def test_a_flood_of_forgeries_delays_nobody(node: Node, eventually: Eventually) -> None:
    """Thousands of forged reports of one kommun are refused one by one; the alert of another comes meanwhile."""
    forged = [signed(report("2480-a", "status", {"occupancy": 1}, id=f"f{n}"), STRANGER) for n in range(3_000)]
    flooding = asyncio.create_task(publish(node, *forged))
    dark = {"power": {"source": "none"}, "staff": {"present": 1, "required": 1}}
    await publish(
        node,
        signed(report("2401-a", "status", OPEN, id="open"), None),
        signed(report("2401-a", "resources", dark, id="dark"), None),
    )

    async def alerted() -> bool:
        return "power.lost/2401-a" in await node.open_alerts()

    await eventually(alerted, what="the neighbour's alert", within=20)
    await flooding
    await node.until_quiet(within=120)
    assert counted(node, "unknown_key") == len(forged)
    assert await occupancies(node) == {}
