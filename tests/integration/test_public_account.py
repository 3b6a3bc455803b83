"""The public account: what everyone may read, and that they can read nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats.errors
import pytest

from node import Node, subject_of
from servers import Dial, Eventually
from vardkase.federation import topology
from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call
from vardkase.runtime.jetstream.values import last_values
from vardkase_contracts import streams
from vardkase_contracts.instants import MINUTE, iso, parse
from vardkase_contracts.public import PUBLIC
from vardkase_contracts.subjects import FAMILIES
from vardkase_contracts.vocab import REALITIES

NOW = parse("2026-11-20T12:07:31Z")
CHANGES = ("PURGE", "DELETE", "UPDATE", "MSG.DELETE")


def event(number: int, kind: str, data: dict[str, Any], *, slug: str = "skola", reality: str = "act") -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "urn:tp:kommun:2480:hemlig",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": f"2480-{slug}",
        "time": iso(NOW - (60 - number) * MINUTE),
        "reality": reality,
        "role": "site_lead",
        "data": data,
    }


PROFILE = {
    "name": "Umedalens skola",
    "kind": "trygghetspunkt",
    "position": {"lon": 20.2, "lat": 63.8},
    "planned_services": ["heat"],
    "capacity_day": 8765,
    "staff_required": 7654,
    "org_unit": "HEMLIG-ENHET",
}


@pytest.fixture
async def node(tmp_path: Path, eventually: Eventually) -> AsyncIterator[Node]:
    node = Node(tmp_path, eventually, VARDKASE_CLOCK_START=iso(NOW), VARDKASE_CLOCK_SPEED="0")
    await node.start("intake", "aggregator")
    yield node
    await node.stop()


async def test_the_public_reads_what_it_may_and_nothing_else(node: Node, dial: Dial) -> None:
    """Published points are there without a secret; hidden ones, exercises and restricted facts are not."""
    power = {"source": "backup", "backup_state": "running", "fuel_l": 4321.0, "fuel_l_per_h": 12.0}
    reports = [
        event(1, "register", PROFILE | {"publish": "live"}),
        event(2, "status", {"lifecycle": "open", "occupancy": 6543, "note": "HEMLIG-ANTECKNING"}),
        event(3, "resources", {"power": power, "staff": {"present": 3456, "required": 7654}}),
        event(4, "need", {"need_id": "HEMLIGT-BEHOV", "kind": "fuel", "quantity": 5432.0}),
        event(5, "register", PROFILE | {"publish": "listed"}, slug="listad"),
        event(6, "status", {"lifecycle": "open"}, slug="listad"),
        event(7, "register", PROFILE | {"name": "HEMLIG PLATS"}, slug="dold"),
        event(8, "status", {"lifecycle": "open"}, slug="dold"),
        event(9, "register", PROFILE | {"publish": "live", "name": "ÖVNING"}, slug="ovning", reality="exe"),
    ]
    await node.publish((subject_of(each), json.dumps(each).encode()) for each in reports)
    await node.until_quiet()
    reader = await dial(node.nats.public_url)
    raw = {each.subject: each.data async for each in last_values(reader, streams.PUBLIC, [])}
    assert set(raw) == {f"tp.v1.act.public.24.2480.{slug}" for slug in ("skola", "listad", "_")}
    for data in raw.values():
        PUBLIC.validate_json(data)
        for secret in (
            b"HEMLIG",
            b"hemlig",
            b"8765",
            b"7654",
            b"6543",
            b"4321",
            b"3456",
            b"5432",
            b"site_lead",
            b"12:07",
        ):
            assert secret not in data
    shown = json.loads(raw["tp.v1.act.public.24.2480.skola"])
    assert (shown["status"], shown["crowding"], shown["updated_at"]) == ("open", "medium", "2026-11-20T11:00:00Z")
    assert "status" not in json.loads(raw["tp.v1.act.public.24.2480.listad"])


async def test_the_public_cannot_name_what_is_restricted(node: Node, dial: Dial, eventually: Eventually) -> None:
    """No stream of the node, no subject of it and no write is within the public's reach."""
    reader = await dial(node.nats.public_url)
    for stream in (streams.STATE, streams.ALERTS, streams.REPORTS):
        with pytest.raises((NoAnswer, ApiError)):
            await call(reader, f"STREAM.INFO.{stream}", within=0.5)
    errors: list[str] = []

    async def told(error: Exception) -> None:
        errors.append(str(error).lower())

    reader._error_cb = told
    heard: list[str] = []

    async def on_message(message: Any) -> None:
        heard.append(message.subject)

    await reader.subscribe("tp.v1.>", cb=on_message)
    await eventually(lambda: any("permissions violation for subscription" in each for each in errors))
    await reader.publish("tp.v1.act.public.24.2480.skola", b"{}")
    await eventually(lambda: any("permissions violation for publish" in each for each in errors))
    with pytest.raises((NoAnswer, ApiError, nats.errors.Error, asyncio.TimeoutError)):
        await call(reader, f"STREAM.PURGE.{streams.PUBLIC}", within=0.5)
    await node.publish([(subject_of(event(1, "confirm", {})), json.dumps(event(1, "confirm", {})).encode())])
    await node.until_quiet()
    assert heard == []


#: A subject of each kind that there is at a node, and wildcards over them.
RESTRICTED = (
    *(f"tp.v1.*.{family}.>" for family in FAMILIES if family != "public"),
    *(f"tp.v1.{reality}.{family}.24.2480.>" for reality in REALITIES for family in FAMILIES if family != "public"),
    *("tp.>", "tp.v1.>", "tp.v1.*.>", "tp.v1.act.>", "tp.*.act.>", ">", "*", "*.>"),
    *("tp.v1.exe.public.>", "tp.v1.*.public.>", "tp.v1.act.public"),
    *("$KV.>", "$KV.TOKENS.>", "$KV.SESSIONS.>", "$KV.HTTP_KNOWN.>", "$KV.LINKS.>", "$O.>"),
    *("$JS.>", "$JS.API.>", "$JS.API.STREAM.>", "$JS.ACK.>", "$JS.FC.>", "$JS.EVENT.>", "$JSC.R.>"),
    *("$SYS.>", "$SYS.REQ.>", "$SYS.ACCOUNT.>", "$SYS.REQ.SERVER.PING.>", "_R_.>", "_GR_.>"),
    *("up.>", "up.2480.reports", "down.>", "landing.>", "refused.>"),
)


async def test_the_public_hears_nothing_restricted_whatever_it_subscribes_to(
    node: Node, dial: Dial, eventually: Eventually
) -> None:
    """Every family, reality, bucket, API and link: refused, while all of them are in use."""
    reader = await dial(node.nats.public_url)
    errors: list[str] = []
    heard: list[tuple[str, bytes]] = []

    async def told(error: Exception) -> None:
        errors.append(str(error))

    async def hear(message: Any) -> None:
        heard.append((message.subject, message.data))

    reader._error_cb = told
    for subject in (*RESTRICTED, "_INBOX.>", "tp.v1.act.public.>"):
        await reader.subscribe(subject, cb=hear)
    await reader.flush()
    refused = [f'permissions violation for subscription to "{subject}"' for subject in RESTRICTED]
    await eventually(lambda: len(errors) >= len(refused), what="all refused")
    assert sorted(each.partition("nats: ")[2].lower() for each in errors) == sorted(each.lower() for each in refused)
    reports = [
        event(1, "register", PROFILE | {"publish": "live"}),
        event(2, "status", {"lifecycle": "open", "note": "HEMLIG-ANTECKNING"}),
        event(3, "resources", {"power": {"source": "none"}, "staff": {"present": 3456, "required": 7654}}),
        event(4, "status", {"lifecycle": "open"}, reality="exe"),
    ]
    await node.publish((subject_of(each), json.dumps(each).encode()) for each in reports)
    await node.publish([("tp.v1.act.report.24.2480.skola.status", b"HEMLIGT-SKRAP")])
    for subject in ("$KV.TOKENS.x", "$KV.LINKS.node", "tp.v1.act.order.24.2480.note", "tp.v1.act.audit.24.2480"):
        await node.nc.request(subject, b"HEMLIG", timeout=5)
    await node.until_quiet()
    assert {subject for subject, _ in heard if subject.startswith("tp.")} == {
        "tp.v1.act.public.24.2480.skola",
        "tp.v1.act.public.24.2480._",
    }
    # The answers to the projector's own writes come by inboxes of the same account: they say where, and not what.
    assert [each for each in heard if b"HEMLIG" in each[1] or b"hemlig" in each[1] or b"3456" in each[1]] == []


async def test_the_public_can_ask_about_its_one_stream_alone(node: Node, dial: Dial) -> None:
    """Of every stream and bucket of the node, and of every call of JetStream that changes or reads something."""
    reader = await dial(node.nats.public_url)
    reader._error_cb = _quiet
    own = [kept.name for kept in topology.OWN]
    calls = [
        f"{call}.{stream}{rest}"
        for stream in own
        for call, rest in (
            *((f"STREAM.{verb}", "") for verb in ("INFO", "MSG.GET", "SNAPSHOT", "CREATE", *CHANGES)),
            *(("DIRECT.GET", ""), ("DIRECT.GET", ".tp.v1.act.state.24.2480.skola"), ("CONSUMER.CREATE", "")),
            *(("CONSUMER.NAMES", ""), ("CONSUMER.LIST", ""), ("CONSUMER.MSG.NEXT", ".x"), ("CONSUMER.INFO", ".x")),
        )
    ]
    calls += [f"STREAM.{verb}.{streams.PUBLIC}" for verb in ("SNAPSHOT", *CHANGES)]
    calls += ["STREAM.LIST", "ACCOUNT.PURGE.TP", "META.LEADER.STEPDOWN", "SERVER.REMOVE"]
    prefixes = ("$JS.API", "$JS.SE.API", "$JS.TP.API")

    async def answered(subject: str) -> bool:
        try:
            await reader.request(subject, b'{"seq":1}', timeout=0.8)
        except (nats.errors.Error, TimeoutError):
            return False
        return True

    asked = [f"{prefix}.{each}" for prefix in prefixes for each in calls]
    answers = await asyncio.gather(*(answered(each) for each in asked))
    assert [subject for subject, one in zip(asked, answers, strict=True) if one] == []
    assert (await call(reader, "STREAM.NAMES"))["streams"] == [streams.PUBLIC]


async def _quiet(_: Exception) -> None:
    """Refusals are what is wanted."""
