"""The nation on a cluster of three NATS servers, each with a copy of every stream."""

import json
import ssl
import stat
import subprocess
import tomllib
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nats
import pytest

from deploy.cluster import Cluster
from servers import BINARY, Dial, Eventually
from vardkase.federation import cluster as made
from vardkase.federation import linkage, topology, wiring
from vardkase.federation.office import Office
from vardkase.runtime.errors import Failed, Refused
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.connection import Connection
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area

NATION = Area.parse("SE")
HOSTS = ["nation-nats-1", "nation-nats-2", "nation-nats-3"]
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """A federation of the nation and one län."""
    office = Office(tmp_path / "federation.toml", now=lambda: NOW)
    office.init(NATION, name="Sverige", leaf="tls://nation.example.se:7422")
    office.add(Area.parse("24"), parent=None, leaf="tls://lan24.example.se:7422")
    return office


def write(office: Office, hosts: list[str] = HOSTS) -> dict[str, Any]:
    """The servers' configurations, as they are written."""
    made.write(office, "SE", hosts, made.Place(), NOW)
    where = office.secrets("SE") / made.FOLDER
    return {host: json.loads((where / f"{host}.conf").read_text()) for host in hosts}


def test_what_the_servers_of_a_cluster_are_given(office: Office) -> None:
    """Each server knows the others; children are let in by their keys alone; nobody is anybody without a name."""
    configs = write(office)
    plan = office.read()
    for host, config in configs.items():
        assert config["server_name"] == host
        assert config["jetstream"]["domain"] == "SE"
        assert "no_auth_user" not in config
        routes = config["cluster"]["routes"]
        assert [each.rpartition("@")[2] for each in routes] == [f"{other}:6222" for other in HOSTS if other != host]
        assert config["cluster"]["tls"]["verify"]
        assert config["leafnodes"]["tls"]["verify"]
        assert config["leafnodes"]["listen"].endswith(":7422")
        users = config["accounts"]["TP"]["users"]
        assert users[1:] == wiring.users(plan, "SE")
        assert all(each.get("password") or each.get("nkey") for each in users)
    where = office.secrets("SE") / made.FOLDER
    assert {stat.S_IMODE(path.stat().st_mode) for path in where.iterdir()} == {0o600}
    settings = tomllib.loads((where / "node.toml").read_text())
    assert settings["nats_replicas"] == 3
    assert settings["nats_url"].count("tls://node:") == 3
    certificate = (where / "tls.crt").read_text()
    for name in (*HOSTS, "nation.example.se"):
        assert name in made._named(made.certs.parsed(certificate))


def test_a_cluster_is_configured_again_when_the_federation_has_changed(office: Office) -> None:
    """Passwords and certificate stay; who has joined is let in, and who was revoked is not."""
    before = write(office)[HOSTS[0]]
    office.add(Area.parse("25"), parent=None, leaf=None)
    office.revoke("lan-24")
    after = write(office)[HOSTS[0]]
    assert after["accounts"]["SYS"] == before["accounts"]["SYS"]
    (one,) = [each["nkey"] for each in after["accounts"]["TP"]["users"] if "nkey" in each]
    assert one == office.read().nodes["lan-25"].link[0]


def test_what_is_no_cluster_is_refused(office: Office) -> None:
    """An even number, the same twice, no name, a node that has a parent, a certificate that names others."""
    for hosts in (HOSTS[:2], [HOSTS[0], HOSTS[0], HOSTS[1]], ["a b", *HOSTS[:2]], []):
        with pytest.raises(Refused, match=r"^--server: "):
            made.write(office, "SE", hosts, made.Place(), NOW)
    with pytest.raises(Refused, match="has a parent"):
        made.write(office, "lan-24", HOSTS, made.Place(), NOW)
    write(office)
    with pytest.raises(Failed, match=r"does not name nation-nats-4: take it and tls\.key away"):
        write(office, [*HOSTS[:2], "nation-nats-4"])


def test_the_server_takes_its_configuration(office: Office, tmp_path: Path) -> None:
    """nats-server finds nothing wrong with it."""
    where = office.secrets("SE") / made.FOLDER
    made.write(office, "SE", HOSTS, made.Place(config=str(where), store=str(tmp_path / "store")), NOW)
    for host in HOSTS:
        done = subprocess.run([BINARY, "-t", "-c", where / f"{host}.conf"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Three servers that run."""
    cluster = Cluster(tmp_path)
    cluster.begin()
    cluster.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(cluster.where / "ca.crt"))
    yield cluster
    cluster.close()


async def stored(nc: Connection) -> int:
    """How many reports the log has."""
    try:
        return (await call(nc, "STREAM.INFO.REPORTS", within=1.0))["state"]["messages"]
    except (ApiError, NoAnswer):
        return -1


async def leader(nc: Connection, stream: str) -> str | None:
    """The server that leads a stream."""
    return (await call(nc, f"STREAM.INFO.{stream}"))["cluster"].get("leader")


@pytest.mark.slow
async def test_every_stream_has_three_copies_and_outlives_a_server(
    cluster: Cluster, dial: Dial, eventually: Eventually
) -> None:
    """Streams with one copy get two more; the server that leads the log is killed, and writing goes on."""
    cluster.office.add(Area.parse("24"), parent=None, leaf=None)
    url = tomllib.loads((cluster.where / "node.toml").read_text())
    nc = await dial(url["nats_url"])
    public = await dial(url["nats_public_url"])

    async def done(*work: Callable[[], Awaitable[None]]) -> bool:
        try:
            for each in work:
                await each()
        except (ApiError, NoAnswer, Failed):
            return False
        return True

    log = topology.config(topology.KEPT[1], NATION, 0.05)
    await eventually(lambda: done(lambda: topology.see_to(nc, log)), what="one stream", within=30)
    plan = cluster.plan()
    await eventually(
        lambda: done(
            lambda: linkage.ensure(nc, plan, "SE", share=0.05, replicas=3, closed=False),
            lambda: topology.ensure_public(public, NATION, share=0.05, replicas=3),
        ),
        what="streams",
        within=30,
    )
    names = (await call(nc, "STREAM.NAMES"))["streams"]
    assert {"REPORTS", "CHILD_24", "KV_TOKENS"} <= set(names)
    for name in names:
        info = await call(nc, f"STREAM.INFO.{name}")
        assert info["config"]["num_replicas"] == 3, name
        assert len(info["cluster"]["replicas"]) == 2, name
    writer = StreamWriter(nc, streams.REPORTS)

    def some(what: str) -> list[Outgoing]:
        subject = subjects.accepted("act", "2480", "skolan", "status")
        return [Outgoing(subject=subject, data=b"{}", message_id=f"{what}-{number}") for number in range(100)]

    await writer.write(some("before"))
    led = await leader(nc, "REPORTS")
    assert led in cluster.hosts
    cluster.kill(led)
    await writer.write(some("after"))
    assert await stored(nc) == 200
    assert await leader(nc, "REPORTS") != led
    cluster.start(led)

    async def in_step() -> bool:
        copies = (await call(nc, "STREAM.INFO.REPORTS"))["cluster"]["replicas"]
        return len(copies) == 2 and all(each["current"] and not each.get("offline") for each in copies)

    await eventually(in_step, what="the copy of the server that was killed", within=30)


async def test_a_certificate_of_the_federation_makes_no_server_of_anybody(cluster: Cluster) -> None:
    """A child's certificate opens neither a client's connection nor a route: each asks for a password too."""
    context = ssl.create_default_context(cafile=str(cluster.where / "ca.crt"))
    with pytest.raises(nats.errors.Error, match="Authorization"):
        await nats.connect(
            f"tls://{cluster.hosts[0]}:4222", tls=context, allow_reconnect=False, error_cb=_quiet, connect_timeout=5
        )


async def _quiet(_: Exception) -> None:
    """What nats-py tells of on the way to its own error."""
