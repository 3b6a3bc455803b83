"""What is sent to do harm: a clear 4xx in bounded time and memory, nothing stored, nothing run, the next one served."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from gateway_kit import Running, running_gateway
from servers import Eventually, NatsServer
from vardkase.federation import topology
from vardkase.gateway.openapi import _routes
from vardkase.gateway.web import application
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.jetstream.connection import connect
from vardkase_contracts import streams
from vardkase_contracts.areas import Area

EVENT = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
FORM = "application/x-www-form-urlencoded"
#: Where something can be stored, with how its body is called.
DOORS = [
    ("/v1/reports", EVENT),
    ("/v1/reports", BATCH),
    ("/v1/orders", EVENT),
    ("/v1/orders", "application/json"),
    ("/v1/tokens", "application/json"),
    ("/login", "application/json"),
    ("/login", FORM),
]
#: Where forms are taken.
FORMS = ["/rapportera", "/kommun", "/kommun/aktivering", "/kommun/register", "/kommun/blad", "/kommun/punkt/2480-x"]
KEPT = (streams.INTAKE, streams.ORDERS_UP, "KV_TOKENS")
SLOWEST = 10.0
"""Seconds that an answer may take here, on a machine that others use too."""
GROWTH = 250 << 20
"""Bytes that the process may grow by while all of it is sent."""


@pytest.fixture
async def gateway(nats_server: NatsServer, tmp_path: Path, eventually: Eventually) -> AsyncIterator[Running]:
    lenient = {"rate": 10_000, "burst": 10_000, "failure_rate": 10_000, "failure_burst": 10_000}
    nc = await connect(nats_server.url, name="test")
    await topology.ensure_public(nc, Area.parse("24"), share=0.05)
    await nc.close()
    url = nats_server.url
    async with running_gateway(url, tmp_path, access=lenient, area="24", nats_public_url=url) as running:
        public = running.house.public
        assert public is not None
        await eventually(lambda: public.whole, what="what is public is read")
        yield running


async def kept(gateway: Running) -> list[int]:
    """How far the streams are that something could be stored in."""
    found = [await call(gateway.nc, f"STREAM.INFO.{name}") for name in KEPT]
    return [each["state"]["last_seq"] for each in found]


@asynccontextmanager
async def nothing_stored(gateway: Running) -> AsyncIterator[None]:
    """Whatever is sent meanwhile: nothing is stored, memory stays, and the next one is served."""
    before, memory = await kept(gateway), psutil.Process().memory_info().rss
    yield
    assert await kept(gateway) == before
    assert psutil.Process().memory_info().rss - memory < GROWTH
    assert (await gateway.http.get("/v1/points")).status_code == 200


async def refused(gateway: Running, path: str, data: bytes, kind: str, **headers: str) -> httpx.Response:
    """Send something that must be refused; the answer, which is a clear 4xx."""
    began = time.monotonic()
    answer = await gateway.http.post(path, content=data, headers={"content-type": kind, **headers})
    assert time.monotonic() - began < SLOWEST, f"{path}: slow"
    assert 400 <= answer.status_code < 500, f"{path} {data[:60]!r}: {answer.status_code}"
    if answer.headers["content-type"] == "application/problem+json":
        assert answer.json()["detail"]
        assert len(answer.content) < 2_000, "what was sent is not told back"
    assert b"Traceback" not in answer.content
    return answer


def event(**changes: Any) -> bytes:
    """A report that would be taken, but for what is changed."""
    good = {
        "specversion": "1.0",
        "id": "r1",
        "source": "urn:tp:kommun:2480",
        "type": "se.trygghetspunkt.status.v1",
        "subject": "2480-x",
        "time": "2026-11-20T02:40:00Z",
        "reality": "act",
        "data": {"occupancy": 1},
    }
    return json.dumps(good | changes).encode()


def bombs() -> Iterator[tuple[str, bytes]]:
    """Bodies that would take much time or memory to read, or are read differently by different readers."""
    yield "nothing", b""
    yield "no JSON", b"<xml/>"
    yield "open brackets", b"[" * 60_000
    yield "deep lists", b"[" * 30_000 + b"]" * 30_000
    yield "deep objects", b'{"a":' * 10_000 + b"1" + b"}" * 10_000
    yield "deep data", event(data={}).replace(b'"data": {}', b'"data":' + b'{"a":' * 8_000 + b"1" + b"}" * 8_000)
    yield "a number of many digits", event().replace(b'"occupancy": 1', b'"occupancy": ' + b"9" * 50_000)
    yield "an endless exponent", event().replace(b'"occupancy": 1', b'"occupancy": 1e999999999')
    yield "no number", event().replace(b'"occupancy": 1', b'"occupancy": NaN')
    yield "infinity", event().replace(b'"occupancy": 1', b'"occupancy": Infinity')
    yield "a fraction of many digits", event().replace(b'"occupancy": 1', b'"occupancy": 0.' + b"3" * 50_000)
    yield "many keys", b"{" + b",".join(b'"k%d":0' % number for number in range(5_000)) + b"}"
    yield "not UTF-8", event().replace(b"r1", b"\xff\xfe")
    yield "UTF-16", event().decode().encode("utf-16")
    yield "a byte order mark", b"\xef\xbb\xbf" + event()
    yield "half a character", event().replace(b'"r1"', b'"\\ud800"')
    yield "an end of line in a name", event(subject="2480-x\r\nX: y")
    yield "a wildcard in a name", event(subject="2480->")
    yield "a subject in a name", event(subject="2480-x.status")
    yield "NUL", event(id="a\0b")
    yield "a path", event(subject="../../etc/passwd")
    yield "an order about everything", event(type="se.trygghetspunkt.order.redact.v1", subject="*")
    yield "another's world", event(reality="prod")
    yield "a type of another kind", event(type="se.trygghetspunkt.state.v1")
    yield "far ahead", event(time="9999-12-31T23:59:59Z")
    yield "before all", event(time="0000-00-00T00:00:00Z")
    yield "longer than a report", event(data={"note": "x" * 70_000})
    yield "two in one", event() + event()
    yield "a list of lists", b"[[[]]]"
    yield "null", b"null"
    yield "a text", b'"' + b"a" * 60_000 + b'"'
    yield "a hundred thousand", b"[" + b",".join([b"{}"] * 100_000) + b"]"
    yield "one bad among many", b"[" + b",".join([event(id=f"r{number}") for number in range(50)] + [b"{}"]) + b"]"


async def test_json_bombs(gateway: Running) -> None:
    """Deep, huge, endless, ambiguous: at every door that takes JSON, one clear 4xx."""
    async with nothing_stored(gateway):
        for path, kind in DOORS:
            for name, data in bombs():
                if kind == BATCH and data == b"[]":
                    continue
                answer = await refused(gateway, path, data, kind)
                assert answer.status_code in {400, 401, 403, 413, 415, 422}, (path, kind, name, answer.text)


async def test_numbers_that_not_all_can_write(gateway: Running) -> None:
    """An order in short with an integer of more than 64 bits, or deep data, is refused: it is no fault of ours."""
    async with nothing_stored(gateway):
        for value in (b"18446744073709551616", b"9" * 400, b"-" + b"9" * 30, b'{"a":' * 900 + b"1" + b"}" * 900):
            data = b'{"kind":"incident","area":"24","role":"tib","data":{"id":"x","more":%b}}' % value
            answer = await refused(gateway, "/v1/orders", data, "application/json")
            assert answer.status_code == 422, answer.text


async def test_a_repeated_name_is_read_one_way(gateway: Running) -> None:
    """An event that says two things under one name is no way past the check of its area."""
    ours = await gateway.token_of("kommun", "2480")
    for first, second in (("2480-x", "2482-x"), ("2482-x", "2480-x")):
        data = event(subject=first).replace(b'"reality"', b'"subject": "%b", "reality"' % second.encode())
        answer = await gateway.http.post(
            "/v1/reports", content=data, headers={"content-type": EVENT, "authorization": f"Bearer {ours}"}
        )
        if answer.status_code < 300:
            assert second == "2480-x", "the kommun reported about another's point"
        stored = await call(gateway.nc, "STREAM.INFO.INTAKE", {"subjects_filter": ">"})
        assert not any(".2482." in subject for subject in stored["state"].get("subjects") or ())


LOL = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;"><!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;">
<!ENTITY x SYSTEM "file:///etc/passwd">]><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">&lol3;&x;</alert>"""


async def test_bodies_of_other_kinds(gateway: Running) -> None:
    """XML with its bombs, forms, archives, what is compressed or called two things: 415, and none of it is read."""
    async with nothing_stored(gateway):
        for path in sorted({path for path, _ in DOORS} | set(FORMS)):
            for kind in ("application/xml", "text/xml", "application/cap+xml", "image/svg+xml", "text/plain", "x", ""):
                answer = await refused(gateway, path, LOL, kind)
                assert answer.status_code in {401, 403, 415}, (path, kind, answer.text)
        zipped = gzip.compress(event())
        for path, kind in DOORS:
            for coding in ("gzip", "deflate", "br", "x"):
                answer = await refused(gateway, path, zipped, kind, **{"content-encoding": coding})
                assert answer.status_code == 415, (path, coding, answer.text)
            for called in (f"{kind}; charset=utf-16", f"{kind}, text/plain", "multipart/form-data; boundary=x"):
                if kind != FORM:
                    assert (await refused(gateway, path, event(), called)).status_code in {400, 401, 403, 415, 422}


async def test_forms_that_are_bombs(gateway: Running) -> None:
    """Endless fields, names and files at every form: 4xx, whoever asks."""
    parts = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="f%d"; filename="../../%d"\r\n\r\ny\r\n' % (number, number)
        for number in range(10_000)
    )
    sent = [
        (FORM, b"&" * 200_000),
        (FORM, b"&".join(b"k%d=v" % number for number in range(30_000))),
        (FORM, b"k=" + b"%41" * 60_000),
        (FORM, b"k=%ff%fe%00"),
        (FORM, b"\xff\xfe"),
        ("multipart/form-data; boundary=x", parts + b"--x--\r\n"),
        ("multipart/form-data; boundary=" + "x" * 5_000, b"--x"),
        ("multipart/form-data", b"--"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a'),
    ]
    async with nothing_stored(gateway):
        for path in (*FORMS, "/login"):
            for kind, data in sent:
                await refused(gateway, path, data, kind)


async def test_a_kommuns_forms_that_are_bombs(gateway: Running) -> None:
    """The same from somebody who may use them."""
    token = await gateway.token_of("kommun", "2480")
    async with gateway.client(None) as http, nothing_stored_by(gateway):
        entered = await http.post("/login", json={"token": token})
        assert entered.status_code in {200, 303}
        assert (await http.get("/kommun")).status_code == 200
        for path in ("/kommun", "/kommun/aktivering", "/kommun/register", "/kommun/blad", "/kommun/punkt/2480-x"):
            for kind, data in (
                (FORM, b"&" * 200_000),
                (FORM, b"&".join(b"k%d=v" % number for number in range(30_000))),
                (FORM, b"\xff\xfe"),
                ("multipart/form-data; boundary=x", b"--x\r\n" * 10_000),
                ("application/xml", LOL),
            ):
                answer = await http.post(path, content=data, headers={"content-type": kind, "origin": gateway.url})
                assert 400 <= answer.status_code < 500, (path, kind, data[:20], answer.status_code, answer.text[:300])


@asynccontextmanager
async def nothing_stored_by(gateway: Running) -> AsyncIterator[None]:
    """No report and no order is stored meanwhile."""
    before = (await kept(gateway))[:2]
    yield
    assert (await kept(gateway))[:2] == before


TRAPS = [
    "/../../../../etc/passwd",
    "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/..%2f..%2f..%2fetc%2fpasswd",
    "/..%5c..%5cetc%5cpasswd",
    "/%c0%ae%c0%ae/etc/passwd",
    "/....//....//etc/passwd",
    "/%252e%252e/etc/passwd",
    "//etc/passwd",
    "/.%00./etc/passwd",
    "/x/../../app.py",
    "/__init__.py",
    "/app.py",
    "/.git/config",
    "/index.html~",
    "/\u00e5".encode().decode("latin-1"),
    "/" + "a/" * 3_000,
]


async def raw(gateway: Running, head: bytes, *, within: float = SLOWEST) -> bytes:
    """What comes back for bytes that no client would send, until the connection ends or nothing more comes."""
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 22)
    writer.write(head)
    got = b""
    try:
        async with asyncio.timeout(within):
            while not got.partition(b"\r\n\r\n")[2]:
                part = await reader.read(1 << 16)
                if not part:
                    break
                got += part
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    return got


def asked(target: str, *headers: str, method: str = "GET") -> bytes:
    """A request as it is written."""
    lines = [f"{method} {target} HTTP/1.1", "Host: x", *headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")


async def test_path_tricks(gateway: Running) -> None:
    """Under every place that has files, and at the root: no path leads out, and none shows what is not meant to be."""
    places = [
        "",
        "/board/static",
        "/board/static/x",
        "/rapportera/static",
        "/rapportera/static/x",
        "/publik",
        "/kommun",
    ]
    places += ["/v1/points", "/v1/alerts", "/v1/pictures", "/public/v1/points"]
    async with nothing_stored(gateway):
        for place in places:
            for trap in TRAPS:
                answer = await raw(gateway, asked(place + trap, f"Authorization: Bearer {gateway.token}"))
                assert answer[9:10] == b"4", (place, trap[:60], answer[:200])
                assert b"root:" not in answer
                assert b"import " not in answer


async def test_header_tricks(gateway: Running) -> None:
    """Headers that pretend to be another method, path, address, scheme, host or person change nothing."""
    tricks = [
        "X-HTTP-Method-Override: DELETE",
        "X-Original-URL: /v1/points",
        "X-Rewrite-URL: /v1/points",
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-User: admin",
        "X-Real-IP: 127.0.0.1",
        "Forwarded: for=127.0.0.1;proto=https;by=admin",
        "Authorization: Bearer",
        "Authorization: Bearer ",
        "Authorization: Bearer null",
        "Authorization: Bearer vk__",
        "Authorization: Bearer vk_a_" + "b" * 5_000,
        "Authorization: Bearer \u00e5\u00e4\u00f6",
        "Authorization: Basic YWRtaW46YWRtaW4=",
        "Authorization: bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
        "Cookie: vardkase_session=admin",
        "Cookie: " + "; ".join(f"c{number}=x" for number in range(500)),
        "Cookie: vardkase_session=" + "x" * 8_000,
        "Cookie: vardkase_session=\u00e5; =; ;;==",
    ]
    async with nothing_stored(gateway):
        for trick in tricks:
            answer = await raw(gateway, asked("/v1/points", trick))
            assert answer[9:12] in {b"400", b"401", b"403", b"431"}, (trick[:60], answer[:200])
            assert b"evil.example" not in answer
        twice = [f"Authorization: Bearer {gateway.token}", "Authorization: Bearer x"]
        for pair in (twice, twice[::-1]):
            assert (await raw(gateway, asked("/v1/points", *pair)))[9:10] == b"4"
        for quiet in ("Range: bytes=0-1", "If-None-Match: " + '"x",' * 1_000, "Accept: \u00e5", "Expect: x"):
            answer = await raw(gateway, asked("/v1/points", f"Authorization: Bearer {gateway.token}", quiet))
            assert answer[9:10] in b"24", (quiet[:40], answer[:200])


async def test_methods_and_targets(gateway: Running) -> None:
    """Methods that a path does not take, those that no path takes, and targets of another form: a clear 4xx."""
    async with nothing_stored(gateway):
        for route in _routes(application()):
            path = route.path_format.replace("{", "").replace("}", "")
            for method in {"PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - route.methods:
                answer = await raw(gateway, asked(path, f"Authorization: Bearer {gateway.token}", method=method))
                assert answer[9:12] in {b"400", b"401", b"403", b"404", b"405"}, (method, path, answer[:120])
        for target, method in (
            ("*", "OPTIONS"),
            ("evil.example:443", "CONNECT"),
            ("http://evil.example/v1/points", "GET"),
            ("/v1/points HTTP/1.1\r\nX: y", "GET"),
            ("/v1/points#fragment", "GET"),
            ("v1/points", "GET"),
        ):
            answer = await raw(gateway, asked(target, method=method))
            assert answer[9:10] == b"4", (target, answer[:120])
        upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: eA==")
        assert (await raw(gateway, asked("/v1/stream", *upgrade)))[9:10] == b"4"


async def test_smuggled_requests(gateway: Running) -> None:
    """What a proxy and we could read as two different requests is refused, and what is behind it is not run."""
    hidden = b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    bodies = [
        (["Content-Length: 6", "Transfer-Encoding: chunked"], b"0\r\n\r\n" + hidden),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], b"0\r\n\r\n" + hidden),
        (["Transfer-Encoding: xchunked"], b"0\r\n\r\n" + hidden),
        (["Transfer-Encoding : chunked"], b"0\r\n\r\n" + hidden),
        (["Content-Length: 5", "Content-Length: 6"], b"abcdef" + hidden),
        (["Content-Length: +5"], b"abcde" + hidden),
        (["Content-Length: 0x5"], b"abcde" + hidden),
        (["Transfer-Encoding: chunked"], b"-1\r\nabc\r\n0\r\n\r\n" + hidden),
        (["Transfer-Encoding: chunked"], b"ffffffffffffffff1\r\nabc\r\n0\r\n\r\n" + hidden),
    ]
    async with nothing_stored(gateway):
        for headers, body in bodies:
            lines = ["POST /v1/reports HTTP/1.1", "Host: x", f"Content-Type: {EVENT}", *headers, "", ""]
            got = await raw(gateway, "\r\n".join(lines).encode() + body)
            assert got[9:12] in {b"400", b"401", b"411", b"413", b"501"}, (headers, got[:200])
            assert got.count(b"HTTP/1.1 ") == 1, (headers, got[:600])


async def test_nothing_that_is_sent_comes_back_as_markup_or_header(gateway: Running) -> None:
    """Whatever stands in a query or a path: no answer has it as HTML, and none gets a header from it."""
    evil = "%3Cscript%3Ealert(1)%3C/script%3E%0d%0aSet-Cookie:%20a=b"
    async with gateway.client(None) as http:
        for route in _routes(application()):
            if "GET" not in route.methods or route.path.endswith("/stream"):
                continue
            path = route.path_format
            for name in ("level", "code", "point", "key", "version", "path", "name", "identity"):
                path = path.replace(f"{{{name}}}", evil)
            names = [each.name for each in route.dependant.query_params] + ["x", "next", "k", "lage", "cursor"]
            for known in (False, True):
                headers = {"authorization": f"Bearer {gateway.token}"} if known else {}
                answer = await http.get(f"{path}?" + "&".join(f"{name}={evil}" for name in names), headers=headers)
                assert answer.status_code < 500, path
                assert "<script>alert" not in answer.text, path
                assert "a=b" not in answer.headers.get("set-cookie", ""), path
                assert "script" not in answer.headers.get("location", ""), path


async def test_no_way_in_leads_elsewhere(gateway: Running) -> None:
    """After logging in one stays here, whatever `next` says."""
    for target in (
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/%0d%0aSet-Cookie: a=b",
        "/\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "/\t/evil.example",
        "@evil.example",
        ".evil.example",
    ):
        async with gateway.client(None) as http:
            answer = await http.post("/login", data={"token": gateway.token, "next": target})
            to = answer.headers.get("location", "/")
            assert answer.status_code in {303, 400, 422}, (target, answer.status_code)
            assert to.startswith("/"), (target, to)
            assert not to.startswith(("//", "/\\", "/\t")), (target, to)
            assert "a=b" not in str(answer.headers.get_list("set-cookie")), target
