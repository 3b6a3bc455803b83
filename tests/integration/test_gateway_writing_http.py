"""Reports and orders over HTTP: stored before they are answered, known when they come again, refused by the field."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from gateway_kit import Running, running_gateway
from servers import Eventually, NatsServer
from vardkase.domain.snapshots import pack
from vardkase.gateway.problems import Problem
from vardkase.gateway.writing.bodies import Bodies
from vardkase.gateway.writing.known import STREAM as KNOWN
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.audit import AUDIT
from vardkase_contracts.client import new_order, new_report
from vardkase_contracts.client.events import to_json
from vardkase_contracts.orders import ORDER

ONE = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
SHORT = {"content-type": "application/json"}
WEB = {"store_timeout": 0.5, "store_patience": 1.0, "fill_check": 0.1, "body_patience": 0.5}


@pytest.fixture
async def gateway(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_gateway(nats_server.url, tmp_path, area="24", web=WEB) as running:
        yield running


def event(name: str = "r1", *, point: str = "2480-x", kind: str = "status", **data: Any) -> bytes:
    """A report's bytes, with blanks that are nobody's to take away."""
    made = {
        "specversion": "1.0",
        "id": name,
        "source": f"urn:tp:kommun:{point[:4]}:app",
        "type": f"se.trygghetspunkt.{kind}.v1",
        "subject": point,
        "time": "2026-01-10T03:40:00+01:00",
        "reality": "act",
        "data": data or {"occupancy": 3},
    }
    return json.dumps(made, indent=1).encode()


async def stored(gateway: Running, stream: str = streams.INTAKE) -> list[tuple[str, bytes]]:
    """What a stream holds, with its subjects."""
    return [(one.subject, one.data) async for one in scan(gateway.nc, stream, [])]


async def audited(gateway: Running) -> list[tuple[str, str, str]]:
    """What was told of in the audit: what, on what, with what outcome."""
    told = [AUDIT.validate_json(data).data for _, data in await stored(gateway, streams.AUDIT)]
    return [(each.what, each.on, each.outcome) for each in told]


async def test_a_report_is_stored_before_it_is_answered(gateway: Running) -> None:
    """202 when it is in INTAKE, byte for byte, and in the audit; again: 200, and nothing more is stored."""
    first = await gateway.http.post("/v1/reports", content=event(), headers=ONE)
    assert (first.status_code, first.json()) == (202, {"id": "r1", "stored": True, "duplicate": False})
    assert await stored(gateway) == [("tp.v1.act.report.24.2480.x.status", event())]
    assert ("report.submit", "2480-x", "done") in await audited(gateway)
    again = await gateway.http.post("/v1/reports", content=event(), headers=ONE)
    assert (again.status_code, again.json()) == (200, {"id": "r1", "stored": True, "duplicate": True})
    assert len(await stored(gateway)) == 1
    other = await gateway.http.post("/v1/reports", content=event(occupancy=4), headers=ONE)
    assert other.status_code == 202
    assert len(await stored(gateway)) == 2


async def test_the_client_of_the_contracts_and_json_alone_are_taken(gateway: Running) -> None:
    """What the package makes is taken as it is; `application/json` with a charset too."""
    report = new_report("resources", "2480-x", {"power": {"source": "backup", "fuel_l": 60}}, reporter="app")
    raw = report.model_dump_json(exclude_unset=True).encode()
    assert (await gateway.http.post("/v1/reports", content=raw, headers=ONE)).status_code == 202
    kind = {"content-type": "application/json; charset=UTF-8"}
    assert (await gateway.http.post("/v1/reports", content=event(), headers=kind)).status_code == 202


async def test_a_batch_is_stored_whole_or_not_at_all(gateway: Running) -> None:
    """Each event keeps its bytes; one that is wrong is told by its place, and nothing is stored."""
    batch = b"[ %s,\n %s ,%s]" % (event("a"), event("b", point="2401-y"), event("a"))
    answer = await gateway.http.post("/v1/reports", content=batch, headers=BATCH)
    assert answer.status_code == 202
    assert [(each["id"], each["status"], each["duplicate"]) for each in answer.json()] == [
        ("a", 202, False),
        ("b", 202, False),
        ("a", 200, True),
    ]
    assert [data for _, data in await stored(gateway)] == [event("a"), event("b", point="2401-y")]
    alone = await gateway.http.post("/v1/reports", content=event("b", point="2401-y"), headers=ONE)
    assert alone.status_code == 200
    again = await gateway.http.post("/v1/reports", content=batch, headers=BATCH)
    assert again.status_code == 200
    wrong = b"[%s,%s]" % (event("c"), event("d", occupancy=-1))
    refused = await gateway.http.post("/v1/reports", content=wrong, headers=BATCH)
    told = refused.json()
    assert refused.status_code == 422
    assert (told["index"], told["reason"], told["field"]) == (1, "range", "data.occupancy")
    assert len(await stored(gateway)) == 2
    assert (await gateway.http.post("/v1/reports", content=b"[]", headers=BATCH)).json() == []
    many = b"[%s]" % b",".join(event(f"m{at}", kind="heartbeat", outbox_depth=0) for at in range(1000))
    assert (await gateway.http.post("/v1/reports", content=many, headers=BATCH)).status_code == 202
    assert len(await stored(gateway)) == 1002


@pytest.mark.parametrize(
    ("headers", "body", "status", "reason", "field"),
    [
        (ONE, b"", 422, "not_json", None),
        (ONE, b"{", 422, "not_json", None),
        (ONE, b"\xff\xfe", 422, "not_json", None),
        (ONE, b"[" * 60_000, 422, "not_json", None),
        (ONE, b"null", 422, "not_cloudevent", None),
        (ONE, b'{"type": "x"}', 422, "not_cloudevent", "type"),
        (
            ONE,
            event().replace(b"2480-x", b"9999-x").replace(b"2480:app", b"9999:app"),
            422,
            "unknown_kommun",
            "subject",
        ),
        (ONE, event().replace(b"2480:app", b"2401:app"), 422, "subject_mismatch", "source"),
        (ONE, event(occupancy="3"), 422, "schema", "data.occupancy"),
        (ONE, event(note="x" * 70_000), 413, "too_large", None),
        (ONE, b"[%s]" % event(), 422, "not_cloudevent", None),
        (BATCH, event(), 422, "not_cloudevent", None),
        (BATCH, b"[%s" % event(), 422, "not_json", None),
        (BATCH, b"[%s] x" % event(), 422, "not_json", None),
        (BATCH, b"[" * 300_000, 422, "not_json", None),
        (BATCH, b"[%s]" % b",".join([b"1"] * 1001), 413, "too_large", None),
        (BATCH, b"[%s]" % event(note="x" * 70_000), 413, "too_large", None),
        (BATCH, b" " * (1 << 20) + b"[]", 413, "too_large", None),
        ({"content-type": "text/plain"}, event(), 415, None, "Content-Type"),
        ({"content-type": "application/xml"}, b"<!DOCTYPE x [<!ENTITY a 'a'>]>", 415, None, "Content-Type"),
        ({"content-type": "application/json; charset=utf-16"}, event(), 415, None, "Content-Type"),
        ({}, event(), 415, None, "Content-Type"),
        (ONE | {"content-encoding": "gzip"}, event(), 415, None, "Content-Encoding"),
    ],
)
async def test_what_would_be_refused_is_refused(
    gateway: Running, headers: dict[str, str], body: bytes, status: int, reason: str | None, field: str | None
) -> None:
    """A clear 4xx that names the field, says nothing of what was sent, and stores nothing."""
    answer = await gateway.http.post("/v1/reports", content=body, headers=headers)
    told = answer.json()
    assert (answer.status_code, told.get("reason"), told.get("field")) == (status, reason, field)
    assert answer.headers["content-type"] == "application/problem+json"
    assert not await stored(gateway)
    assert (await gateway.http.post("/v1/reports", content=event(), headers=ONE)).status_code == 202


async def test_only_what_is_theirs_is_taken(gateway: Running) -> None:
    """A reporter's point, a kommun's own, the realities of the token; the rest 403, audited, and not stored."""
    bound = await gateway.token_of("reporter", "2480", point="2480-x")
    kommun = await gateway.token_of("kommun", "2480", realities=["tst"])
    reader = await gateway.token_of("reader", "24")
    async with gateway.client(bound) as point, gateway.client(kommun) as own, gateway.client(reader) as looks:
        assert (await point.post("/v1/reports", content=event(), headers=ONE)).status_code == 202
        for client, body in (
            (point, event("r2", point="2480-y")),
            (point, event("r2", kind="retire", reason="x")),
            (own, event("r2")),
            (looks, event("r2")),
        ):
            assert (await client.post("/v1/reports", content=body, headers=ONE)).status_code == 403
        batch = b"[%s,%s]" % (event("r3"), event("r4", point="2480-y"))
        answer = await point.post("/v1/reports", content=batch, headers=BATCH)
        assert (answer.status_code, answer.json()["index"]) == (403, 1)
    async with gateway.client(None) as nobody:
        assert (await nobody.post("/v1/reports", content=event("r2"), headers=ONE)).status_code == 401
    async with gateway.client(await gateway.token_of("kommun", "0180")) as elsewhere:
        answer = await elsewhere.post("/v1/reports", content=event("r2", point="0180-x"), headers=ONE)
        assert (answer.status_code, answer.json()["field"]) == (422, "subject")  # of another node's area
    assert len(await stored(gateway)) == 1


async def test_slow_and_endless_bodies_are_cut(gateway: Running) -> None:
    """A body that does not come is answered 408 in time; one without a length is bounded all the same."""
    host, port = gateway.url.removeprefix("http://").split(":")
    shown = f"Authorization: Bearer {gateway.token}\r\nContent-Type: {ONE['content-type']}\r\n"
    head = f"POST /v1/reports HTTP/1.1\r\nHost: x\r\n{shown}"

    def talk(sent: bytes, *, within: float) -> bytes:
        with socket.create_connection((host, int(port)), 5) as sock:
            sock.settimeout(within)
            sock.sendall(sent)
            answer = b""
            while part := sock.recv(65536):
                answer += part
            return answer

    slow = await asyncio.to_thread(talk, f"{head}Content-Length: 500\r\n\r\n{{".encode(), within=5.0)
    assert slow.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in slow.lower()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 4096

    answer = await gateway.http.post("/v1/reports", content=endless(), headers=ONE)
    assert answer.status_code == 413
    assert (await gateway.http.post("/v1/reports", content=event(), headers=ONE)).status_code == 202
    asks = f"{head}Content-Length: 500000\r\nExpect: 100-continue\r\n\r\n".encode()
    assert (await asyncio.to_thread(talk, asks, within=5.0)).startswith(b"HTTP/1.1 413")
    assert gateway.house.writing.bodies.held == 0


async def test_too_much_at_once_is_turned_away(nats_server: NatsServer, tmp_path: Path) -> None:
    """The bytes of bodies that are held are bounded: one more is 503, with when to come again."""
    async with running_gateway(nats_server.url, tmp_path, area="24", web={**WEB, "bodies": 1000}) as gateway:
        answer = await gateway.http.post("/v1/reports", content=event("r" * 60, note="x" * 900), headers=ONE)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert (await gateway.http.post("/v1/reports", content=event(), headers=ONE)).status_code == 202
        assert gateway.house.writing.bodies.held == 0


def test_one_sender_leaves_room_for_others() -> None:
    """A part of all that is held is the most that one has; what is let go is there again."""
    bodies = Bodies(16 << 20)
    one, another = (Request({"type": "http", "headers": [], "client": (address, 1)}) for address in ("a", "b"))
    with bodies.room(one) as first, bodies.room(one) as second, bodies.room(another) as other:
        first.grow(3 << 20)
        second.grow(1 << 20)
        with pytest.raises(Problem):
            second.grow(1)
        other.grow(4 << 20)
        assert bodies.held == 8 << 20
    assert bodies.held == 0
    assert not bodies._of


async def test_what_cannot_be_made_durable_is_never_said_to_be_stored(
    gateway: Running, nats_server: NatsServer, eventually: Eventually
) -> None:
    """INTAKE full: 503 with Retry-After. NATS away: the same, in time. Back: the same reports are taken."""
    info = (await call(gateway.nc, f"STREAM.INFO.{streams.INTAKE}"))["config"]
    await call(gateway.nc, f"STREAM.UPDATE.{streams.INTAKE}", {**info, "max_bytes": 300})
    full = await gateway.http.post("/v1/reports", content=event(), headers=ONE)
    assert full.status_code == 503
    assert full.json()["type"] == "urn:tp:problem:full"
    assert int(full.headers["retry-after"]) >= 20
    await call(gateway.nc, f"STREAM.UPDATE.{streams.INTAKE}", info)
    assert (await gateway.http.post("/v1/reports", content=event(), headers=ONE)).status_code in {200, 202}
    nats_server.kill()
    await eventually(lambda: not gateway.house.bus.is_connected)
    began = time.monotonic()
    away = await gateway.http.post("/v1/reports", content=event("r2"), headers=ONE)
    assert (away.status_code, time.monotonic() - began < 2) == (503, True)
    assert int(away.headers["retry-after"]) > 0
    nats_server.start()

    async def taken() -> bool:
        return (await gateway.http.post("/v1/reports", content=event("r2"), headers=ONE)).status_code in {200, 202}

    await eventually(taken, within=20)
    assert {json.loads(data)["id"] for _, data in await stored(gateway)} == {"r1", "r2"}


async def test_a_full_audit_stops_acts_and_no_reports(gateway: Running) -> None:
    """An order that the audit cannot know of is not in force; a report counts, and is to be sent again all the same."""
    info = (await call(gateway.nc, f"STREAM.INFO.{streams.AUDIT}"))["config"]
    await call(gateway.nc, f"STREAM.UPDATE.{streams.AUDIT}", {**info, "max_bytes": 10})
    note = json.dumps({"kind": "note", "area": "24", "role": "tib", "note": "x", "id": "n1"})
    order = await gateway.http.post("/v1/orders", content=note, headers=SHORT)
    report = await gateway.http.post("/v1/reports", content=event(), headers=ONE)
    beat = await gateway.http.post("/v1/reports", content=event("h", kind="heartbeat", outbox_depth=0), headers=ONE)
    assert [order.status_code, report.status_code, beat.status_code] == [503, 503, 202]
    assert not await stored(gateway, streams.ORDERS_UP)
    assert len(await stored(gateway)) == 2
    await call(gateway.nc, f"STREAM.UPDATE.{streams.AUDIT}", info)
    assert (await gateway.http.post("/v1/reports", content=event(), headers=ONE)).status_code == 200
    assert (await gateway.http.post("/v1/orders", content=note, headers=SHORT)).status_code == 202


async def test_an_order_that_was_not_stored_is_told_of_as_failed(gateway: Running) -> None:
    """503, and the audit says what came of it."""
    info = (await call(gateway.nc, f"STREAM.INFO.{streams.ORDERS_UP}"))["config"]
    await call(gateway.nc, f"STREAM.UPDATE.{streams.ORDERS_UP}", {**info, "max_bytes": 10})
    note = json.dumps({"kind": "note", "area": "24", "role": "tib", "note": "x"})
    assert (await gateway.http.post("/v1/orders", content=note, headers=SHORT)).status_code == 503
    assert [told for told in await audited(gateway) if told[0] == "order.note"][-1] == ("order.note", "24", "failed")


async def test_what_is_forgotten_is_taken_in_anew(gateway: Running) -> None:
    """The bucket of what is known is bounded: it drops the oldest, and a repeat of these is stored again."""
    info = (await call(gateway.nc, f"STREAM.INFO.{KNOWN}"))["config"]
    await call(gateway.nc, f"STREAM.UPDATE.{KNOWN}", {**info, "max_bytes": 4000})
    for number in range(12):
        assert (await gateway.http.post("/v1/reports", content=event(f"r{number}"), headers=ONE)).status_code == 202
    again = await gateway.http.post("/v1/reports", content=event("r11"), headers=ONE)
    oldest = await gateway.http.post("/v1/reports", content=event("r0"), headers=ONE)
    assert (again.status_code, oldest.status_code) == (200, 202)


# -- orders ------------------------------------------------------------------------------------------------------------

BY = {"role": "tib", "acting_for": "24"}
NOW = "2026-01-10T03:40:00+01:00"
EVERY_KIND: list[tuple[str, str, dict[str, Any]]] = [
    ("ack", "2480", {"key": "power.lost/2480-x", "level": "red"}),
    ("silence", "2480", {"matcher": {"point": "2480-x"}, "from": NOW, "until": "2026-01-11T03:40:00Z"}),
    ("incident", "24", {"id": "storm", "name": "Storm", "areas": ["2480", "24"], "from": NOW}),
    ("report_request", "24", {"areas": ["2480"], "questions": ["Hur länge?"], "deadline": NOW}),
    ("note", "24", {"note": "lugnt"}),
    ("adopt", "24", {"level": "lan", "code": "24", "version": "0" * 64}),
    ("redact", "2480", {"identity": {"reality": "act", "kommun": "2480", "id": "r1"}, "reason": "namn"}),
    ("rules", "2480", {"scope": "2480-x", "override": {"power.endurance": {"keep": "10m"}}}),
]


async def adoptable(gateway: Running, version: str, eventually: Eventually) -> dict[str, Any]:
    """What an order brings that adopts the län's picture, once the gateway knows that version."""
    sequence = await gateway.picture("24", version=version)
    await eventually(lambda: gateway.house.live.last_seq["picture"] >= sequence, what="the picture followed")
    packed = pack(gateway.house.live.worlds["act"].pictures[Area.parse("24")].data)
    return {"sha256": packed.sha256, "snapshot": packed.snapshot}


@pytest.mark.parametrize(("kind", "area", "data"), EVERY_KIND)
async def test_orders_of_every_kind_are_stored_and_audited(
    gateway: Running, kind: Any, area: str, data: dict[str, Any], eventually: Eventually
) -> None:
    """Whole or in short: stored byte for byte under their subject, audited before they are answered, known again."""
    async with gateway.client(await gateway.token_of("lan", "24")) as http:
        if kind == "adopt":
            data = data | await adoptable(gateway, data["version"], eventually)
        whole = to_json(new_order(kind, area, data, **BY).model_dump(mode="json", exclude_unset=True))  # type: ignore[arg-type]
        first = await http.post("/v1/orders", content=whole, headers=ONE)
        assert first.status_code == 202, first.text
        assert (await http.post("/v1/orders", content=whole, headers=ONE)).status_code == 200
        short = {"kind": kind, "area": area, "role": "tib", "id": "mine", "data": data}
        if kind == "note":
            short |= {"note": data["note"], "data": {}}
        begun = gateway.house.clock.now()
        sent = await http.post("/v1/orders", content=json.dumps(short), headers=SHORT)
        assert (sent.status_code, sent.json()["id"], sent.json()["kind"]) == (202, "mine", kind), sent.text
        await asyncio.sleep(0.01)
        assert (await http.post("/v1/orders", content=json.dumps(short), headers=SHORT)).status_code == 200
    held = await stored(gateway, streams.ORDERS_UP)
    assert [subject for subject, _ in held] == [subjects.order("act", Area.parse(area), kind)] * 2
    assert held[0][1] == whole
    made = ORDER.validate_json(held[1][1])
    assert (made.data.by.level, made.data.by.code, made.source) == ("lan", "24", "urn:tp:lan:24")
    assert abs(made.time.timestamp() * 1e6 - begun) < 5e6
    assert [what for what, _, outcome in await audited(gateway) if outcome == "done"].count(f"order.{kind}") == 4


@pytest.mark.parametrize(
    ("kind", "area", "data", "field"),
    [
        ("ack", "2480", {"key": "power.lost/2401-x", "level": "red"}, "data.key"),
        ("ack", "2480", {"key": "power.lost/9999-x", "level": "red"}, "data.key"),
        ("incident", "2480", {"id": "s", "name": "S", "areas": ["2401"], "from": NOW}, "data.areas"),
        ("report_request", "2480", {"areas": ["24"], "deadline": NOW}, "data.areas"),
        ("adopt", "24", {"level": "lan", "code": "25", "version": "0" * 64}, "data.code"),
        ("adopt", "24", {"level": "nation", "code": "24", "version": "0" * 64}, "data.level"),
        (
            "redact",
            "2480",
            {"identity": {"reality": "act", "kommun": "2401", "id": "r"}, "reason": "n"},
            "data.identity.kommun",
        ),
        (
            "redact",
            "2480",
            {"identity": {"reality": "exe", "kommun": "2480", "id": "r"}, "reason": "n"},
            "data.identity.reality",
        ),
        ("silence", "2480", {"matcher": {"area": "24"}, "from": NOW, "until": NOW}, "data.matcher.area"),
        ("rules", "2480", {"scope": "2480", "override": {"power.endurance": {"keep": "9h"}}}, None),
        ("rules", "2480", {"scope": "2480", "override": {"no.such": {}}}, None),
        ("note", "SE", {}, None),
    ],
)
async def test_orders_reach_no_further_than_their_area(
    gateway: Running, kind: str, area: str, data: dict[str, Any], field: str | None
) -> None:
    """What the node would not follow, or what lies elsewhere, is 422 with the field; nothing is stored."""
    short = {"kind": kind, "area": area, "role": "tib", "data": data}
    answer = await gateway.http.post("/v1/orders", content=json.dumps(short), headers=SHORT)
    assert answer.status_code == 422, answer.text
    if field is not None:
        assert answer.json()["field"] == field
    assert not await stored(gateway, streams.ORDERS_UP)


async def test_nobody_acts_for_another(gateway: Running) -> None:
    """An order is by the area of who gives it, and about what lies in it: else 403, audited as refused."""
    ack = {"kind": "ack", "area": "2480", "role": "tib", "data": {"key": "power.lost/2480-x", "level": "red"}}
    async with gateway.client(await gateway.token_of("kommun", "2480")) as kommun:
        own = await kommun.post("/v1/orders", content=json.dumps(ack), headers=SHORT)
        assert own.status_code == 202
        posed = json.dumps(ack | {"acting_for": "24"})
        assert (await kommun.post("/v1/orders", content=posed, headers=SHORT)).status_code == 403
        other = json.dumps(ack | {"area": "2401", "data": {"key": "power.lost/2401-x", "level": "red"}})
        assert (await kommun.post("/v1/orders", content=other, headers=SHORT)).status_code == 403
        asked = {"kind": "report_request", "area": "2480", "role": "tib", "data": {"areas": ["2480"], "deadline": NOW}}
        assert (await kommun.post("/v1/orders", content=json.dumps(asked), headers=SHORT)).status_code == 403
    lying = new_order("ack", "2480", ack["data"], role="tib", acting_for="2480")  # type: ignore[arg-type]
    raw = lying.model_dump_json(exclude_unset=True).replace("urn:tp:kommun:2480", "urn:tp:lan:24").encode()
    refused = await gateway.http.post("/v1/orders", content=raw, headers=ONE)
    assert (refused.status_code, refused.json()["field"]) == (422, "source")
    for_them = new_order("ack", "2480", ack["data"], role="tib", acting_for="2480")  # type: ignore[arg-type]
    operator = await gateway.http.post("/v1/orders", content=for_them.model_dump_json(exclude_unset=True), headers=ONE)
    assert operator.status_code == 202  # who runs the node
    assert len(await stored(gateway, streams.ORDERS_UP)) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", None),
        (b"[]", None),
        (b"{}", "kind"),
        (b'{"kind":"burn","area":"2480","role":"tib"}', "kind"),
        (b'{"kind":"note","area":"2480","role":"Anna"}', "role"),
        (b'{"kind":"note","area":"9999","role":"tib","note":"x"}', "subject"),
        (b'{"kind":"note","area":"2480","role":"tib"}', "data.note"),
        (b'{"kind":"note","area":"2480","role":"tib","note":"x","secret":1}', None),
        (b'{"kind":"note","area":"2480","role":"tib","data":{"by":{"role":"tib"}}}', "data.by"),
        (b'{"kind":"note","area":"2480","role":"tib","note":"x","acting_for":"9999"}', "acting_for"),
    ],
)
async def test_an_order_in_short_that_is_none_is_told_by_its_field(
    gateway: Running, body: bytes, field: str | None
) -> None:
    """422, naming the field."""
    answer = await gateway.http.post("/v1/orders", content=body, headers=SHORT)
    assert (answer.status_code, answer.json().get("field")) == (422, field), answer.text


async def test_other_sites_cannot_send_with_a_session(gateway: Running) -> None:
    """A cookie opens nothing that changes something to a page of another site."""
    async with httpx.AsyncClient(base_url=gateway.url) as browser:
        logged_in = await browser.post("/login", json={"token": gateway.token})
        assert logged_in.status_code < 400
        cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
        evil = {**ONE, **cookie, "origin": "https://evil.example", "sec-fetch-site": "cross-site"}
        assert (await browser.post("/v1/reports", content=event(), headers=evil)).status_code == 403
        ours = {**ONE, **cookie, "origin": gateway.url, "sec-fetch-site": "same-origin"}
        assert (await browser.post("/v1/reports", content=event(), headers=ours)).status_code == 202
