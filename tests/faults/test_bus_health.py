"""How the node's own NATS is: asked of the server itself, by an account that can ask nothing else."""

import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from servers import Eventually, stop_still
from vardkase.runtime.jetstream.connection import connect
from vardkase.runtime.nats_server import EmbeddedNats
from vardkase.runtime.settings import load


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[EmbeddedNats]:
    server = EmbeddedNats(load(data_dir=tmp_path, nats_port=0, area="24"))
    await server.start()
    yield server
    await server.stop()


async def test_a_server_that_is_well_says_so_and_one_that_hangs_says_nothing(
    nats: EmbeddedNats, eventually: Eventually
) -> None:
    """Its silence is told as such: it may be busy. When it goes on, or was started anew, it is well again."""
    assert await nats.illness() is None
    assert nats.pid is not None
    stop_still(nats.pid)
    illness = await nats.illness()
    assert illness is not None
    assert illness.silent
    assert not illness.lasting
    os.kill(nats.pid, signal.SIGCONT)

    async def well() -> bool:
        return await nats.illness() is None

    await eventually(well, what="well again")
    await nats.stop()
    await nats.start()
    assert await well()


async def test_what_it_may_hold_is_no_share_of_what_is_free_when_it_starts(nats: EmbeddedNats, tmp_path: Path) -> None:
    """Each stream has a limit of its own; one that shrinks with the disk would refuse everything after a restart."""
    password = json.loads((tmp_path / "nats" / "passwords.json").read_text())["watch"]
    url = nats.url.replace("nats://", f"nats://watch:{password}@")
    nc = await connect(url, name="test")
    try:
        answer = json.loads((await nc.request("$SYS.REQ.SERVER.PING.JSZ", b"", timeout=2)).data)
        assert answer["data"]["config"]["max_storage"] == 1 << 50
    finally:
        await nc.close()


async def test_the_password_that_an_older_node_did_not_have_is_added(tmp_path: Path) -> None:
    """A data directory of before keeps its passwords and gets the new one."""
    old = {"node": "a" * 24, "projector": "b" * 24}
    (tmp_path / "nats").mkdir()
    path = tmp_path / "nats" / "passwords.json"
    path.write_text(json.dumps(old))
    server = EmbeddedNats(load(data_dir=tmp_path, nats_port=0, area="24"))
    await server.start()
    try:
        kept = json.loads(path.read_text())
        assert {name: kept[name] for name in old} == old
        assert len(kept["watch"]) > 20
        assert path.stat().st_mode & 0o077 == 0
        assert await server.illness() is None
    finally:
        await server.stop()
