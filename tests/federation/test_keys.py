"""Who may link, and what a hostile child or parent can do: nothing that is not its own."""

import asyncio
import contextlib
import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from federation.conftest import Three
from federation.kit import Federation, Level
from vardkase.federation.asking import Asking
from vardkase.federation.wiring import UP, up_inbox
from vardkase.runtime.jetstream.api import NoAnswer, call
from vardkase.runtime.jetstream.batches import Outgoing
from vardkase.runtime.jetstream.errors import WriteRefused
from vardkase.runtime.jetstream.writer import StreamWriter
from vardkase.runtime.nats_config import Links
from vardkase_contracts import streams
from vardkase_contracts.areas import Area


class Hostile(Level):
    """A child whose owner does as he likes: his own client, and his own server's configuration."""

    def allow_all(self) -> None:
        """Its own server denies it nothing."""
        kept = self.links._member.open

        def opened() -> Links:
            links = kept()
            leafnodes = json.loads(json.dumps(links.leafnodes))
            for remote in leafnodes["remotes"]:
                del remote["deny_exports"], remote["deny_imports"]
            return Links(users=links.users, leafnodes=leafnodes)

        self.links._member.open = opened  # type: ignore[method-assign]


@pytest.fixture
async def hostile(three: Three) -> Hostile:
    """A kommun of the län whose server is its owner's."""
    three.federation.office.add(Area.parse("2482"), parent=None, leaf=None)
    made = Hostile("kommun-2482", "2482", three.federation.file, three.federation.directory / "h", None)
    three.federation.levels[made.name] = made
    await made.start()
    made.allow_all()
    await made.links._relink()
    await three.federation.until_up()
    return made


async def test_forged_subjects_land_and_go_no_further(three: Three, hostile: Hostile) -> None:
    """Reports of another kommun in one's own stream, and orders in its name: the parent takes none of them on."""
    await call(hostile.nc, "STREAM.UPDATE.REPORTS", await _widened(hostile, "accepted", streams.REPORTS))
    await call(hostile.nc, "STREAM.UPDATE.ORDERS_UP", await _widened(hostile, "order", streams.ORDERS_UP))
    await hostile.report("forged", kommun="2480")
    await hostile.order("forged", "2480", "ack")
    await hostile.order("forged too", "24", "incident")
    await hostile.report("its own")
    await hostile.order("its own", "2482", "ack")
    await three.federation.until_has([three.lan, three.nation], {"its own"})
    await three.federation.until_has([three.lan, three.nation], {"its own"}, stream=streams.ORDERS_UP)
    assert await three.lan.count("CHILD_2482") == 2


async def _widened(level: Level, family: str, stream: str) -> dict[str, Any]:
    config = (await call(level.nc, f"STREAM.INFO.{stream}"))["config"]
    return config | {"subjects": [f"tp.v1.*.{family}.>"]}


async def test_a_forged_message_id_suppresses_nobodys_report(three: Three, hostile: Hostile) -> None:
    """The id by which the parent's log knows a repeat is the publisher's to write."""
    await StreamWriter(hostile.nc, streams.REPORTS).write(
        [Outgoing(subject="tp.v1.act.accepted.24.2482.x.status", data=b"hostile", message_id="act.2480.victim")]
    )
    await three.federation.until_has([three.lan], {"hostile"})

    async def past() -> bool:
        """Whether what was stored as long ago as the forged id is no repeat any more."""
        with contextlib.suppress(WriteRefused):
            await three.lan.report("probe", kommun="2401")
        return await three.lan.count() == 3

    await three.federation.eventually(past, what="the window past", within=3)  # 0.1 s; two minutes unless set so
    await three.kommun.report("victim")
    await three.federation.until_has([three.lan, three.nation], ["hostile", "probe", "probe", "victim"])


async def test_a_child_can_ask_nothing_of_its_parents_streams(three: Three, hostile: Hostile) -> None:
    """It publishes no report there, makes no consumer, reads no stream, hears no neighbour."""
    heard: list[str] = []

    async def hear(message: Any) -> None:
        heard.append(message.subject)

    # `$JS` and `_INBOX` are its own server's too: what is heard there is its own.
    for subject in ("tp.>", "up.2480.>", "down.2480.>", "$KV.>", "landing.>"):
        await hostile.nc.subscribe(subject, cb=hear)
    await hostile.nc.flush()
    before = await three.lan.count(streams.INTAKE)
    api = "$JS.lan-24.API"
    refused = [
        f"{api}.STREAM.INFO.{streams.REPORTS}",
        f"{api}.STREAM.NAMES",
        f"{api}.STREAM.DELETE.{streams.REPORTS}",
        f"{api}.STREAM.MSG.GET.{streams.REPORTS}",
        f"{api}.DIRECT.GET.{streams.REPORTS}",
        f"{api}.CONSUMER.CREATE.{streams.REPORTS}",
        f"{api}.CONSUMER.RESET.{streams.ORDERS_DOWN}.down-2480",
        f"{api}.CONSUMER.INFO.{streams.ORDERS_DOWN}.down-2480",
        f"{api}.CONSUMER.PAUSE.{streams.ORDERS_DOWN}.down-2480",
        "tp.v1.act.report.24.2480.skolan.status",
        "tp.v1.act.accepted.24.2480.skolan.status",
        "$KV.TOKENS.x",
        "up.2480.reports",
        "landing.CHILD_2480",
    ]
    answered = await asyncio.gather(*(_answers(hostile, subject) for subject in refused))
    assert [subject for subject, one in zip(refused, answered, strict=True) if one] == []
    await three.kommun.report("of the neighbour")
    await three.kommun.order("of the neighbour", "2480")
    await three.federation.until_has([three.lan], {"of the neighbour"})
    own = {*refused, "$KV.LINKS.node"}  # what its own node tells of its links
    assert [subject for subject in heard if subject not in own] == [], "only what it sent itself"
    assert await three.lan.count(streams.INTAKE) == before
    assert await three.lan.count("KV_TOKENS") == 0


async def _answers(level: Level, subject: str) -> bool:
    try:
        answer = await level.nc.request(subject, b"{}", timeout=0.6)
    except Exception:  # noqa: BLE001 -- no answer, of whatever kind
        return False
    return b"lan-24" in answer.data or b'"type"' in answer.data


async def test_a_hostile_parent_reads_and_changes_nothing_of_a_childs(three: Three) -> None:
    """It may withhold, and give orders; the child's streams, tokens and readers are not its to touch."""
    leafs = json.loads((three.lan.directory / "nats" / "nats-server.conf").read_text())
    leafs["accounts"]["TP"]["users"] = [
        {key: value for key, value in user.items() if key != "permissions"} for user in leafs["accounts"]["TP"]["users"]
    ]
    (three.lan.directory / "nats" / "nats-server.conf").write_text(json.dumps(leafs))
    await _reload(three.lan)
    three.federation.links["lan-24"].reset()
    await three.federation.eventually(lambda: _asked(three.lan, "$JS.kommun-2480.API.STREAM.INFO.REPORTS"), within=10)
    heard: list[str] = []

    async def hear(message: Any) -> None:
        heard.append(message.subject)

    for subject in ("tp.v1.*.report.24.2480.>", "tp.v1.*.state.24.2480.>", "$KV.>"):
        await three.lan.nc.subscribe(subject, cb=hear)
    await three.lan.nc.flush()
    await three.kommun.report("a")
    api = "$JS.kommun-2480.API"
    refused = [
        f"{api}.STREAM.DELETE.{streams.REPORTS}",
        f"{api}.STREAM.PURGE.{streams.REPORTS}",
        f"{api}.STREAM.UPDATE.{streams.REPORTS}",
        f"{api}.STREAM.MSG.DELETE.{streams.REPORTS}",
        f"{api}.STREAM.SNAPSHOT.{streams.REPORTS}",
        f"{api}.STREAM.MSG.GET.{streams.INTAKE}",
        f"{api}.STREAM.MSG.GET.KV_TOKENS",
        f"{api}.STREAM.INFO.KV_TOKENS",
        f"{api}.STREAM.NAMES",
        f"{api}.DIRECT.GET.KV_TOKENS",
        f"{api}.CONSUMER.CREATE.{streams.REPORTS}",
        f"{api}.CONSUMER.DELETE.{streams.REPORTS}.{UP}",
        f"{api}.CONSUMER.RESET.{streams.REPORTS}.aggregator-act",
    ]
    answered = await asyncio.gather(*(_asked(three.lan, subject) for subject in refused))
    assert [subject for subject, one in zip(refused, answered, strict=True) if one] == []
    for subject in ("$KV.TOKENS.x", "tp.v1.act.report.24.2480.skolan.status", "tp.v1.act.order.24.2480.ack"):
        await three.lan.nc.publish(subject, b"x")
    await three.lan.nc.flush()
    await three.kommun.report("b")
    await three.federation.until_has([three.lan], {"a", "b"})
    assert await three.kommun.count("KV_TOKENS") == 0
    assert await three.kommun.count(streams.INTAKE) == 0
    assert await three.kommun.count(streams.ORDERS_UP) == 0
    own = ("$KV.TOKENS", "$KV.LINKS")  # the last is what the län tells of its own links
    assert [each for each in heard if not each.startswith(own)] == ["tp.v1.act.report.24.2480.skolan.status"]


async def _reload(level: Level) -> None:
    watch = level.bus._watch
    assert watch is not None
    server = json.loads((await watch.request("$SYS.REQ.SERVER.PING.HEALTHZ", b"")).data)["server"]["id"]
    answer = json.loads((await watch.request(f"$SYS.REQ.SERVER.{server}.RELOAD", b"")).data)
    assert "error" not in answer, answer


async def _asked(level: Level, subject: str) -> bool:
    """Whether the child answers on the one kind of subject that its answers may take."""
    asking = Asking(level.nc, "kommun-2480", up_inbox("2480"), 0.6)
    await asking.open()
    try:
        await asking.ask(subject, {"seq": 1})
    except NoAnswer:
        return False
    finally:
        await asking.close()
    return True


async def _leaf_says(federation: Federation, connect: dict[str, Any]) -> bytes:
    """What a link that names itself so is told by the län: a PING when it is let in."""
    secrets = federation.directory / "secrets" / "kommun-2480"
    context = ssl.create_default_context(cafile=secrets / "ca.crt")
    context.load_cert_chain(secrets / "tls.crt", secrets / "tls.key")
    link = federation.links["lan-24"]
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    try:
        await reader.readline()
        await writer.start_tls(context, server_hostname="127.0.0.1")
        said = {"verbose": False, "pedantic": False, "tls_required": True, "name": "x", "domain": "x", "headers": True}
        writer.write(b"CONNECT " + json.dumps(said | connect).encode() + b"\r\nPING\r\n")
        async with asyncio.timeout(5):
            told = b""
            while b"-ERR" not in told and b"PONG" not in told and (line := await reader.readline()):
                told += line
            return told
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    "who",
    [{}, {"user": "public", "pass": "public"}, {"user": "node", "pass": "node"}],
    ids=["nobody", "the public", "the node"],
)
async def test_a_link_without_a_key_is_refused(three: Three, who: dict[str, str]) -> None:
    """Who names nobody is the node's own user when it is a client of this computer; a link is nobody's."""
    told = await _leaf_says(three.federation, who)
    assert b"Authorization Violation" in told, told


async def test_a_link_without_a_certificate_is_refused(three: Three, tmp_path: Path) -> None:
    """The parent asks for one of the federation's authority."""
    del tmp_path
    context = ssl.create_default_context(cafile=three.federation.directory / "secrets" / "lan-24" / "ca.crt")
    reader, writer = await asyncio.open_connection("127.0.0.1", three.federation.links["lan-24"].port)
    await reader.readline()

    async def greet() -> None:
        await writer.start_tls(context, server_hostname="127.0.0.1")
        writer.write(b"CONNECT {}\r\nPING\r\n")
        await reader.readexactly(1)

    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        await greet()
    writer.transport.abort()


async def test_a_revoked_child_is_cut_at_once_and_the_others_notice_nothing(three: Three) -> None:
    """And let in again with a key; what it reported meanwhile arrives then."""
    neighbour = await three.federation.join("2482")
    await three.federation.until_up()
    server = neighbour.bus.pid
    three.federation.office.revoke("kommun-2480")
    await three.federation.eventually(lambda: not three.lan.up("kommun-2480"), what="cut", within=8)
    await three.kommun.report("while revoked")
    await neighbour.report("of the neighbour")
    await three.federation.until_has([three.lan, three.nation], {"of the neighbour"})
    assert three.lan.up("kommun-2482")
    assert neighbour.bus.pid == server
    assert not neighbour.healed("lan-24").get("redial")
    three.federation.office.rotate("kommun-2480", finish=False)
    fresh = next((three.federation.directory / "secrets" / "kommun-2480").glob("link.*.nk"))
    fresh.rename(fresh.parent / "link.nk")
    await three.federation.until_has([three.lan, three.nation], {"of the neighbour", "while revoked"}, within=25)


async def test_a_node_leaves(three: Three) -> None:
    """What it sent stays; what was made for it goes."""
    await three.kommun.report("a")
    await three.federation.until_has([three.nation], {"a"})
    text = three.federation.file.read_text()
    head, _, rest = text.partition("[nodes.kommun-2480]")
    _, _, after = rest.partition("\n\n")
    await three.kommun.stop()
    del three.federation.levels["kommun-2480"]
    three.federation.file.write_text(head + (after if after.startswith("[") else ""))
    await three.federation.eventually(lambda: _gone(three.lan), what="its streams gone", within=15)
    assert await three.lan.has() == ["a"]
    await three.lan.report("b", kommun="2401")
    await three.federation.until_has([three.nation], {"a", "b"})


async def _gone(level: Level) -> bool:
    try:
        names = set((await call(level.nc, "STREAM.NAMES"))["streams"])
        consumers = (await call(level.nc, f"CONSUMER.NAMES.{streams.ORDERS_DOWN}")).get("consumers") or []
    except NoAnswer:
        return False  # a server that reads its configuration anew answers nobody for a moment
    return not names & {"CHILD_2480", "CHILD_2480_ORDERS"} and "down-2480" not in consumers
