import asyncio
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway_kit import Running, running_gateway
from servers import Eventually, NatsServer

PATIENCE = 0.6


@pytest.fixture
async def gateway(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    web = {"patience": PATIENCE, "keep_alive": 0.4, "connections": 5, "body": 10_000}
    async with running_gateway(nats_server.url, tmp_path, web=web) as running:
        yield running


async def raw(gateway: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which anything can be sent."""
    host, port = gateway.url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port), limit=1 << 20)


async def answered(gateway: Running, *parts: bytes) -> bytes:
    """All that comes back on a connection on which this was sent, until it is ended."""
    reader, writer = await raw(gateway)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def ask(path: str = "/healthz", *headers: str, method: str = "GET") -> bytes:
    """A request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode("latin-1")


async def test_a_head_that_is_too_long_is_refused(gateway: Running) -> None:
    """16 KiB of request line and headers, in one header or in many, are the most; more is answered 431."""
    for head in (
        ask("/healthz", "X: " + "a" * 20_000),
        ask("/healthz", *(f"X-{number}: aaaaaaaaaaaaaaaa" for number in range(1_000))),
        ask("/" + "a" * 20_000),
    ):
        answer = await answered(gateway, head)
        assert answer.startswith(b"HTTP/1.1 431 "), answer[:100]
        assert b"urn:tp:problem:head_too_large" in answer
    assert (await answered(gateway, ask("/healthz", "X: " + "a" * 10_000, "Connection: close"))).startswith(
        b"HTTP/1.1 200"
    )


async def test_a_body_that_is_too_long_is_refused(gateway: Running) -> None:
    """Told ahead or not, what is longer than the longest is answered 413, and not kept in memory."""
    told = ask("/v1/reports", "Content-Length: 20000", method="POST")
    chunked = ask("/v1/reports", "Transfer-Encoding: chunked", method="POST")
    for parts in ((told, b"a" * 20_000), (chunked, b"4e20\r\n", b"a" * 20_000)):
        assert (await answered(gateway, *parts)).startswith(b"HTTP/1.1 413 ")


async def test_what_is_not_http_is_refused(gateway: Running) -> None:
    """One clear 400, and the connection ends; the next one is served."""
    for nonsense in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ask("/", "Content-Length: 5", "Transfer-Encoding: chunked", method="POST"),
        ask("/", "Content-Length: 5", "Content-Length: 6", method="POST"),
        ask("/", "Content-Length: -1", method="POST"),
        ask("/", "A: b\0c"),
        "GET /å HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    ):
        assert (await answered(gateway, nonsense)).startswith(b"HTTP/1.1 400 "), nonsense
    assert (await gateway.http.get("/healthz")).status_code == 200


async def test_who_is_slow_is_cut(gateway: Running) -> None:
    """A request that trickles in, a body that never comes, and an idle connection end after their time."""
    loop = asyncio.get_running_loop()
    for begun in (b"", b"GET / HT", ask()[:-2], ask("/v1/reports", "Content-Length: 500", method="POST")):
        since = loop.time()
        await answered(gateway, begun)
        assert loop.time() - since < 4 * PATIENCE, begun
    reader, writer = await raw(gateway)
    trickled = 0
    try:
        for byte in ask("/healthz", "X: " + "a" * 1000):
            writer.write(bytes([byte]))
            await writer.drain()
            trickled += 1
            await asyncio.sleep(0.02)
    except ConnectionError:
        pass
    finally:
        writer.close()
    assert trickled < 200, "each byte is no new patience"
    assert reader.at_eof() or reader.exception() is not None


async def test_an_answer_that_nobody_takes_ends_its_connection(gateway: Running, eventually: Eventually) -> None:
    """Who asks and takes nothing holds neither a connection nor memory for long."""
    for number in range(40):
        await gateway.state(f"2480-p{number}", facts={"note": "x" * 20_000})
    last = await gateway.state("2480-p41")
    await eventually(lambda: gateway.house.live.last_seq["state"] >= last)
    host, port = gateway.url.removeprefix("http://").split(":")
    taker = socket.create_connection((host, int(port)))
    taker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    open_connections = gateway.house.counts.connections
    try:
        taker.sendall(ask("/v1/points", f"Authorization: Bearer {gateway.token}") * 8)
        await eventually(lambda: open_connections._value.get() > 0)
        await eventually(lambda: not open_connections._value.get(), what="it is cut")
    finally:
        taker.close()


async def test_a_full_house_makes_room_for_who_asks(gateway: Running, eventually: Eventually) -> None:
    """Idle connections give way to a new one; while none is idle, the new one is the one that goes."""
    idle = [await raw(gateway) for _ in range(4)]
    for _, writer in idle:
        writer.write(ask())
    for reader, _ in idle:
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
    answer = await answered(gateway, ask("/healthz", "Connection: close"))
    assert answer.startswith(b"HTTP/1.1 200")
    answer = await answered(gateway, ask("/healthz", "Connection: close"))
    assert answer.startswith(b"HTTP/1.1 200")
    for _, writer in idle:
        writer.close()
    await eventually(lambda: gateway.house.counts.connections._value.get() <= 1)


async def test_several_requests_at_once_on_a_connection_are_answered_in_order(gateway: Running) -> None:
    """Pipelined requests get their answers, each after the other."""
    paths = ("/healthz", "/v1/nope", "/healthz")
    got = await answered(gateway, b"".join(ask(path) for path in paths[:-1]) + ask(paths[-1], "Connection: close"))
    assert re.findall(rb"HTTP/1.1 ([0-9]+)", got) == [b"200", b"404", b"200"]


async def test_requests_are_counted_by_route(gateway: Running) -> None:
    """The time of a request is counted by the path as documented: what is asked for makes no new series."""
    for path in ("/v1/points/2480-a", "/v1/points/2480-b", "/nothing/here", "/nothing/there"):
        await gateway.http.get(path)
    found = {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for metric in gateway.house.counts.request_seconds.collect()
        for sample in metric.samples
        if sample.name.endswith("_count")
    }
    assert found["/v1/points/{point}", "404"] == 2
    assert found["", "404"] == 2
    assert len(found) == 2
