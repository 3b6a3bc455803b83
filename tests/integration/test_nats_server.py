"""A NATS server of the node's own: started, refused, killed, and what its users may do."""

import asyncio
import json
import logging
import os
import signal
import socket
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import nats.errors
import pytest

from servers import Dial, Eventually, stop_still
from vardkase.federation import topology
from vardkase.runtime.errors import Failed
from vardkase.runtime.jetstream.api import NoAnswer, call
from vardkase.runtime.nats_server import EmbeddedNats
from vardkase.runtime.settings import Settings
from vardkase_contracts.areas import Area

LAN = Area.parse("24")
STATE = "tp.v1.act.state.24.2480.x"
PUBLIC = "tp.v1.act.public.24.2480.x"

Make = Callable[..., EmbeddedNats]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    servers: list[EmbeddedNats] = []

    def make(**fields: Any) -> EmbeddedNats:
        settings: dict[str, Any] = {"data_dir": tmp_path, "area": "24", "nats_port": 0} | fields
        servers.append(EmbeddedNats(Settings(**settings)))
        return servers[-1]

    yield make
    for server in servers:
        await server.stop()


async def test_it_comes_back_on_its_port_with_its_store(make: Make, dial: Dial, eventually: Eventually) -> None:
    """Stopped or killed and started again: the same port, passwords and messages, and clients find it by themselves."""
    server = make()
    await server.start()
    nc = await dial(server.url)
    await topology.ensure(nc, LAN, share=0.05)
    await nc.jetstream().publish(STATE, b"{}")
    url, writer = server.url, server.projector_url
    for number in (signal.SIGTERM, signal.SIGKILL):
        assert server.pid is not None
        os.kill(server.pid, number)
        await server.wait()
        await server.start()
        assert (server.url, server.projector_url) == (url, writer)

        async def there() -> bool:
            try:
                return (await call(nc, "STREAM.INFO.STATE", within=0.5))["state"]["messages"] == 1
            except NoAnswer:
                return False

        await eventually(there)


async def test_what_is_acknowledged_is_synced_and_the_domain_is_the_nodes(
    make: Make, dial: Dial, tmp_path: Path
) -> None:
    """Every write is synced before it is acknowledged; the JetStream domain is the node's name."""
    server = make()
    await server.start()
    nc = await dial(server.url)
    assert (await call(nc, "INFO"))["domain"] == "lan-24"
    config = json.loads((tmp_path / "nats" / "nats-server.conf").read_text())
    assert config["jetstream"]["sync_interval"] == "always"
    assert config["listen"].startswith("127.0.0.1:")


async def test_passwords_are_this_users_alone(make: Make, tmp_path: Path) -> None:
    """What holds a password can be read by nobody else."""
    server = make()
    await server.start()
    for name in ("passwords.json", "nats-server.conf"):
        assert stat.S_IMODE((tmp_path / "nats" / name).stat().st_mode) == 0o600


async def test_the_public_user_reads_one_stream_and_nothing_else(make: Make, dial: Dial) -> None:
    """It reads PUBLIC as a stream and as it changes; it cannot publish, change, list or name anything else."""
    server = make()
    await server.start()
    node, writer = await dial(server.url), await dial(server.projector_url.get_secret_value())
    await topology.ensure(node, LAN, share=0.05)
    await topology.ensure_public(writer, LAN, share=0.05)
    await node.jetstream().publish(STATE, b"secret")
    await writer.jetstream().publish(PUBLIC, b"{}")
    reader = await dial(server.public_url)

    assert (await call(reader, "STREAM.NAMES"))["streams"] == ["PUBLIC"]
    assert (await reader.jetstream().get_last_msg("PUBLIC", PUBLIC, direct=True)).data == b"{}"
    pull = await reader.jetstream().pull_subscribe("tp.v1.act.public.>", stream="PUBLIC")
    (message,) = await pull.fetch(1, timeout=2)
    await message.ack_sync()
    live = await reader.subscribe("tp.v1.act.public.>")
    await reader.flush()
    await writer.jetstream().publish(PUBLIC, b"[]")
    assert (await live.next_msg(timeout=10)).data == b"[]"

    push = {"name": "c", "ack_policy": "none", "deliver_subject": PUBLIC}
    forbidden: list[tuple[str, dict[str, Any] | None]] = [
        ("STREAM.LIST", None),
        ("STREAM.PURGE.PUBLIC", None),
        ("STREAM.DELETE.PUBLIC", None),
        ("STREAM.UPDATE.PUBLIC", {"name": "PUBLIC"}),
        ("STREAM.CREATE.OTHER", {"name": "OTHER", "subjects": ["x"]}),
        ("STREAM.MSG.DELETE.PUBLIC", {"seq": 1}),
        ("STREAM.INFO.STATE", None),
        ("STREAM.MSG.GET.STATE", {"last_by_subj": STATE}),
        ("DIRECT.GET.STATE", {"last_by_subj": STATE}),
        ("CONSUMER.LIST.PUBLIC", None),
        ("CONSUMER.NAMES.PUBLIC", None),
        ("CONSUMER.CREATE.STATE", {"stream_name": "STATE", "config": {"ack_policy": "none"}}),
        ("CONSUMER.DURABLE.CREATE.PUBLIC.d", {"stream_name": "PUBLIC", "config": {"durable_name": "d"}}),
    ]
    for subject, body in forbidden:
        with pytest.raises(NoAnswer):
            await call(reader, subject, body, within=0.1)
    for subject in (PUBLIC, STATE, "tp.v1.act.report.24.2480.x.status", "_INBOX.somebody"):
        with pytest.raises((nats.errors.TimeoutError, nats.errors.NoRespondersError)):
            await reader.request(subject, b"forged", timeout=0.1)
    with pytest.raises(Exception, match="forms a cycle"):
        await call(reader, "CONSUMER.CREATE.PUBLIC.c", {"stream_name": "PUBLIC", "config": push})
    heard = [await reader.subscribe(subject) for subject in (">", "tp.v1.act.state.>", "tp.>", "$JS.>")]
    await reader.flush()
    await writer.jetstream().publish(PUBLIC, b"last")
    await node.jetstream().publish(STATE, b"secret")
    await reader.flush()
    assert [one.pending_msgs for one in heard] == [0] * 4
    assert (await call(writer, "STREAM.INFO.PUBLIC"))["state"]["messages"] == 1
    assert (await reader.jetstream().get_last_msg("PUBLIC", PUBLIC, direct=True)).data == b"last"


async def test_a_taken_port_is_told_in_one_line(make: Make) -> None:
    """Another program has the port: it is named, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Failed, match=rf"^NATS port {port} on 127\.0\.0\.1: .*--nats-port[^\n]*$"):
            await make(nats_port=port).start()


async def test_a_store_that_is_none_is_told_in_one_line(make: Make, tmp_path: Path) -> None:
    """A store that is a file, a directory that cannot be made, passwords that are none: each named in one line."""
    (tmp_path / "nats").mkdir()
    (tmp_path / "nats" / "store").write_text("not a directory")
    with pytest.raises(Failed, match=r"^nats-server ended at once: [^\n]*directory[^\n]*$"):
        await make().start()
    (tmp_path / "nats" / "passwords.json").write_text("{}")
    with pytest.raises(Failed, match=r"^[^\n]*passwords\.json: [^\n]*delete it[^\n]*$"):
        await make().start()
    with pytest.raises(Failed, match=r"^[^\n]*not a directory[^\n]*$|^[^\n]*Not a directory[^\n]*$"):
        await make(data_dir=tmp_path / "nats" / "store" / "deeper").start()


async def test_a_damaged_stream_is_mended_with_what_it_holds_and_told(
    make: Make, dial: Dial, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream whose description is damaged is told of, and made again around its messages."""
    server = make()
    await server.start()
    nc = await dial(server.url)
    await topology.ensure(nc, LAN, share=0.05)
    await nc.jetstream().publish(STATE, b"{}")
    await server.stop()
    (tmp_path / "nats" / "store" / "jetstream" / "TP" / "streams" / "STATE" / "meta.inf").write_bytes(b"rubbish")
    with caplog.at_level(logging.WARNING, logger="vardkase.runtime.nats_server"):
        await server.start()
    assert any("STATE/meta.inf" in record.getMessage() for record in caplog.records)
    again = await dial(server.url)
    await topology.ensure(again, LAN, share=0.05)
    assert (await call(again, "STREAM.INFO.STATE"))["state"]["messages"] == 1


async def test_a_server_that_does_not_stop_is_killed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopping takes a bounded time, whatever the server does."""
    monkeypatch.setattr("vardkase.runtime.nats_server._STOP_TIMEOUT", 0.3)
    server = make()
    await server.start()
    assert server.pid is not None
    stop_still(server.pid)
    async with asyncio.timeout(5):
        await server.stop()
    assert server.pid is None
