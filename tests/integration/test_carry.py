"""`vardkase carry`: from a kommun's node on a stick into its län's, once, whole, and from nobody unknown."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node import Node, subject_of
from program import Done, inside
from servers import Eventually
from vardkase.federation import keys
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import signing, streams
from vardkase_contracts.client.signer import Ed25519Signer


def status(number: int, kommun: str = "2480") -> tuple[str, bytes]:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"r{number}",
        "source": f"urn:tp:kommun:{kommun}",
        "type": "se.trygghetspunkt.status.v1",
        "subject": f"{kommun}-p{number % 4}",
        "time": f"2026-01-10T03:{number % 60:02}:00Z",
        "reality": "act",
        "data": {"lifecycle": "open", "occupancy": number},
    }
    return subject_of(event), json.dumps(event).encode()


class Two:
    """A kommun's node and its län's, with no link between them."""

    def __init__(self, tmp_path: Path, eventually: Eventually) -> None:
        self.folder = tmp_path
        self.kommun, self.lan = (
            Node(_made(tmp_path / name), eventually, VARDKASE_AREA=area)
            for name, area in (("kommun", "2480"), ("lan", "24"))
        )
        pair = keys.new_signer()
        self.key = tmp_path / "2480.key"
        keys.write_secret(self.key, pair.secret)
        self.key_id = signing.key_id(Ed25519Signer.from_file(self.key).public_key)
        self.plan = tmp_path / "federation.toml"
        self.plan.write_text(
            f'[nodes.lan-24]\narea = "24"\n[signers.2480]\nkeys = [{{key = "{pair.public}"}}]\n', encoding="utf-8"
        )

    async def out(self, name: str, *options: str) -> Done:
        return await inside(
            *("carry", "out", str(self.folder / name), "--sign", str(self.key), *options),
            VARDKASE_NATS_URL=self.kommun.nats.url,
        )

    async def into(self, name: str, *options: str, node: Node | None = None) -> Done:
        url = (node or self.lan).nats.url
        return await inside("carry", "in", str(self.folder / name), *options, VARDKASE_NATS_URL=url)


def _made(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.fixture
async def two(tmp_path: Path, eventually: Eventually) -> AsyncIterator[Two]:
    made = Two(tmp_path, eventually)
    await made.kommun.start("intake")
    try:
        await made.lan.start("intake")
        try:
            yield made
        finally:
            await made.lan.stop()
    finally:
        await made.kommun.stop()


async def logged(node: Node) -> list[tuple[str, bytes, str | None]]:
    return [
        (one.subject, one.data, one.headers.get(signing.HEADER)) async for one in scan(node.nc, streams.REPORTS, [])
    ]


@pytest.mark.slow
async def test_a_stick_carries_the_log_once(two: Two) -> None:
    """Every byte and signature arrives; the same stick again, and one that overlaps, add only what is new."""
    signer = Ed25519Signer.from_file(two.key)
    await two.kommun.publish([status(number) for number in range(30)])
    subject, data = status(30)
    await two.kommun.nc.publish(subject, data, headers={signing.HEADER: signing.sign(signer, subject, data)})
    await two.kommun.until_quiet()
    done = await two.out("first")
    assert done.code == 0, done
    assert "31 rapporter från" in done.stdout
    assert two.key_id in (await inside("carry", "show", str(two.folder / "first"))).stdout

    dry = await two.into("first", "--federation", str(two.plan), "--dry-run", "--json")
    assert dry.code == 0, dry
    assert (json.loads(dry.stdout)["new"], json.loads(dry.stdout)["stored"]) == (31, False)
    assert await logged(two.lan) == []

    into = await two.into("first", "--federation", str(two.plan))
    assert into.code == 0, into
    await two.lan.until_quiet()
    assert await logged(two.lan) == await logged(two.kommun)
    assert (await logged(two.lan))[-1][2] is not None

    again = await two.into("first", "--federation", str(two.plan))
    assert (again.code, "0 rapporter" in again.stdout) == (0, True), again

    await two.kommun.publish([status(number) for number in range(31, 40)])
    await two.kommun.until_quiet()
    assert (await two.out("second")).code == 0
    overlapping = await two.into("second", "--federation", str(two.plan), "--json")
    assert json.loads(overlapping.stdout)["new"] == 9
    await two.lan.until_quiet()
    assert await logged(two.lan) == await logged(two.kommun)
    assert len(await logged(two.lan)) == 40


@pytest.mark.slow
async def test_a_stick_is_believed_or_nothing_of_it_is_stored(two: Two, tmp_path: Path, eventually: Eventually) -> None:
    """An unknown key, another area, a tampered or cut file, a log without room: told, and nothing half done is lost."""
    await two.kommun.publish([status(number) for number in range(40)])
    await two.kommun.until_quiet()
    assert (await two.out("a")).code == 0

    unknown = await two.into("a")
    assert unknown.code == 1
    assert f"är signerad med nyckeln {two.key_id}, som inte är känd för Umeå" in unknown.stderr
    assert (await two.into("a", "--trust", "0" * 16)).code == 1
    unsigned = await inside("carry", "out", str(tmp_path / "b"), VARDKASE_NATS_URL=two.kommun.nats.url)
    assert (unsigned.code, "--sign" in unsigned.stderr) == (2, True)

    raw = (tmp_path / "a").read_bytes()
    (tmp_path / "cut").write_bytes(raw[: len(raw) // 2])
    (tmp_path / "changed").write_bytes(raw.replace(b'"received":"20', b'"received":"19', 1))
    for name, told in (("cut", "filen är avbruten"), ("changed", "filen är ändrad")):
        refused = await two.into(name, "--trust", two.key_id)
        assert refused.code == 1
        assert told in refused.stderr
        assert "inget är inläst" in refused.stderr
    assert [one async for one in scan(two.lan.nc, streams.INTAKE, [])] == []

    elsewhere = Node(_made(tmp_path / "stockholm"), eventually, VARDKASE_AREA="01")
    await elsewhere.start()
    try:
        refused = await two.into("a", "--trust", two.key_id, node=elsewhere)
        assert refused.code == 1
        assert "har rapporter från Umeå, som den här noden inte tar emot" in refused.stderr
    finally:
        await elsewhere.stop()

    config = (await call(two.lan.nc, f"STREAM.INFO.{streams.INTAKE}"))["config"]
    await call(two.lan.nc, f"STREAM.UPDATE.{streams.INTAKE}", config | {"max_bytes": 2_000})
    full = await two.into("a", "--trust", two.key_id)
    assert full.code == 1
    assert "samma fil kan läsas in igen" in full.stderr
    await call(two.lan.nc, f"STREAM.UPDATE.{streams.INTAKE}", config)
    assert (await two.into("a", "--trust", two.key_id)).code == 0
    await two.lan.until_quiet()
    assert await logged(two.lan) == await logged(two.kommun)
