"""Streams are made and mended from data; a server of one's own says in one line why it cannot start."""

import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from servers import Dial
from vardkase.federation import topology
from vardkase.runtime.errors import Failed
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.nats_server import EmbeddedNats
from vardkase.runtime.settings import load
from vardkase_contracts import streams
from vardkase_contracts.areas import NATION, Area


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedNats]:
    server = EmbeddedNats(load(data_dir=tmp_path, nats_port=0))
    await server.start()
    yield server
    await server.stop()


async def test_all_streams_are_made_once(server: EmbeddedNats, dial: Dial) -> None:
    """Ensuring twice changes nothing; every stream keeps its files, and refuses what is new rather than lose what is old."""
    nc = await dial(server.url)
    await topology.ensure(nc, NATION, share=0.1)
    before = {kept.name: (await call(nc, f"STREAM.INFO.{kept.name}"))["config"] for kept in topology.KEPT}
    await topology.ensure(nc, NATION, share=0.1)
    after = {kept.name: (await call(nc, f"STREAM.INFO.{kept.name}"))["config"] for kept in topology.KEPT}
    assert before == after
    assert {config["storage"] for config in after.values()} == {"file"}
    assert after[streams.REPORTS]["discard"] == "new"
    assert after[streams.REPORTS].get("max_age", 0) == 0
    assert after[streams.INTAKE]["duplicate_window"] == 100_000_000
    assert after[streams.STATE]["max_msgs_per_subject"] == 1
    assert set(await topology.fill_ratios(nc)) == set(after)


async def test_what_an_operator_set_stays(server: EmbeddedNats, dial: Dial) -> None:
    """A stream that is otherwise is mended, but keeps its room and what we do not name."""
    nc = await dial(server.url)
    await topology.ensure(nc, NATION, share=0.1)
    config = (await call(nc, f"STREAM.INFO.{streams.PICTURES}"))["config"]
    await call(
        nc,
        f"STREAM.UPDATE.{streams.PICTURES}",
        {**config, "max_bytes": 123 << 20, "description": "ours", "discard": "old"},
    )
    await topology.ensure(nc, NATION, share=0.5)
    mended = (await call(nc, f"STREAM.INFO.{streams.PICTURES}"))["config"]
    assert (mended["max_bytes"], mended["description"], mended["discard"]) == (123 << 20, "ours", "new")


async def test_a_stream_that_cannot_be_is_named(server: EmbeddedNats, dial: Dial) -> None:
    """A stream of another kind under our name is refused in one line."""
    nc = await dial(server.url)
    await call(nc, "STREAM.CREATE.STATE", {"name": "STATE", "subjects": ["other"], "retention": "workqueue"})
    with pytest.raises(Failed, match="the stream STATE cannot be mended"):
        await topology.ensure(nc, NATION)


async def test_a_lan_takes_its_own_reports_alone(server: EmbeddedNats, dial: Dial) -> None:
    """A node of a län has no subject of another's."""
    nc = await dial(server.url)
    await topology.ensure(nc, Area.parse("24"), share=0.1)
    subjects = (await call(nc, f"STREAM.INFO.{streams.INTAKE}"))["config"]["subjects"]
    assert subjects == [f"tp.v1.{reality}.report.24.>" for reality in ("act", "exe", "tst")]


async def test_it_comes_back_on_the_same_port_and_store(server: EmbeddedNats, dial: Dial) -> None:
    """Stopped and started again, it is reached where it was and has what it had."""
    nc = await dial(server.url)
    await topology.ensure(nc, NATION, share=0.1)
    await nc.jetstream().publish("tp.v1.act.report.24.2480.x.status", b"{}")
    await nc.close()
    url = server.url
    await server.stop()
    await server.start()
    assert server.url == url
    nc = await dial(server.url)
    assert (await call(nc, f"STREAM.INFO.{streams.INTAKE}"))["state"]["messages"] == 1


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """The line names the port, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Failed, match=rf"NATS port {port} .*--nats-port"):
            await EmbeddedNats(load(data_dir=tmp_path, nats_port=port)).start()


async def test_a_directory_that_is_a_file_is_named(tmp_path: Path) -> None:
    """The line names what cannot be written."""
    (tmp_path / "nats").write_text("in the way")
    with pytest.raises(Failed, match=r"nats: cannot be written"):
        await EmbeddedNats(load(data_dir=tmp_path, nats_port=0)).start()


async def test_a_store_that_cannot_be_used_is_told_of(tmp_path: Path) -> None:
    """What the server says when it ends at once stands in the line."""
    (tmp_path / "nats").mkdir()
    (tmp_path / "nats" / "store").write_text("not a directory")
    with pytest.raises(Failed, match="nats-server ended at once: "):
        await EmbeddedNats(load(data_dir=tmp_path, nats_port=0)).start()


async def test_secrets_are_for_this_user_alone(server: EmbeddedNats, tmp_path: Path) -> None:
    """Passwords stand in files that nobody else can read, and in no log."""
    directory = tmp_path / "nats"
    passwords = json.loads((directory / "passwords.json").read_text())
    assert len(passwords["projector"]) >= 24
    for name in ("passwords.json", "nats-server.conf"):
        assert (directory / name).stat().st_mode & 0o077 == 0
    assert passwords["projector"] not in (directory / "nats-server.log").read_text()
    assert passwords["projector"] not in repr(server.projector_url)
