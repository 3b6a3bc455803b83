import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
from access_kit import AREA, Gate, audited, gate, make_streams, settings_of
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from servers import Eventually
from vardkase.gateway.access.oidc import person_id
from vardkase.runtime.jetstream.connection import Connection

KEY = ec.generate_private_key(ec.SECP256R1())
OURS = {"origin": "http://test"}


class Authority:
    """An issuer on this computer: its configuration and its keys over HTTP; it can be stopped, and can hang."""

    def __init__(self) -> None:
        self.port = 0
        self.asked = 0
        self.hangs = False
        self.keys = [ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": "one"}]
        self._server: asyncio.Server | None = None
        self._waiting: set[asyncio.Task[Any]] = set()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}/realm"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._waiting):
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            if self.hangs:
                await asyncio.Event().wait()
            path = head.split(b" ")[1].decode()
            found: Any = {"keys": self.keys}
            if path.endswith("/.well-known/openid-configuration"):
                found = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
            body = orjson.dumps(found)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def token(self, subject: str = "anna", lives: float = 600, **more: Any) -> str:
        now = time.time()
        claims = {"iss": self.issuer, "aud": "vardkase", "sub": subject, "iat": now, "exp": now + lives}
        return jwt.encode(claims | {"groups": ["tib-ac"]} | more, KEY, "ES256", headers={"kid": "one"})


@asynccontextmanager
async def authority() -> AsyncIterator[Authority]:
    made = Authority()
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@asynccontextmanager
async def trusting(nc: Connection, tmp_path: Path, of: Authority, **oidc: Any) -> AsyncIterator[Gate]:
    """A gateway that takes the issuer's JWTs."""
    await make_streams(nc)
    settings = {"issuer": of.issuer, "audience": "vardkase", "grants": "tib-ac=lan:24,kris=kommun:2480", "timeout": 0.5}
    async with gate(nc, settings_of(tmp_path, oidc=settings | {"leeway": 0} | oidc)) as one:
        yield one


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


async def test_a_jwt_opens_what_its_group_is_granted(nc: Connection, tmp_path: Path) -> None:
    """Over HTTP, as a token does; the audit has a number for who it was, and no name."""
    async with authority() as issuer, trusting(nc, tmp_path, issuer) as one, one.client() as client:
        text = issuer.token("anna.andersson@example.se")
        assert (await client.get("/picture/24", headers=bearer(text))).status_code == 200
        assert (await client.get("/picture/SE", headers=bearer(text))).status_code == 403
        other = issuer.token(groups=["kris"])
        assert (await client.get("/picture/24", headers=bearer(other))).status_code == 403
        assert (await client.get("/picture/2480", headers=bearer(other))).status_code == 200
        for wrong in (issuer.token(groups=["x"]), issuer.token(aud="y"), issuer.token(lives=-5), text[:-3] + "abc"):
            assert (await client.get("/picture/24", headers=bearer(wrong))).status_code == 401
        assert issuer.asked == 2
    who = {event.data.who.id for event in await audited(nc)}
    assert who == {person_id(issuer.issuer, "anna.andersson@example.se"), person_id(issuer.issuer, "anna"), "anonymous"}


async def test_logging_in_with_a_jwt_lasts_as_long_as_it_does(
    nc: Connection, tmp_path: Path, eventually: Eventually
) -> None:
    """A session holds no longer than the JWT, and what is open in it is cut then."""
    async with authority() as issuer, trusting(nc, tmp_path, issuer) as one, one.client() as client:
        answer = await client.post("/login", json={"token": issuer.token(lives=2.5)}, headers=OURS)
        assert (answer.status_code, answer.json()["role"], answer.json()["session"]) == (200, "lan", True)
        who = one.access.by_session(client.cookies["vardkase"])
        assert who is not None
        cut: list[str] = []
        one.access.watch(who, lambda: cut.append("cut"))
        assert (await client.get("/picture/24")).status_code == 200
        await eventually(lambda: cut == ["cut"], what="cut", within=6)
        assert (await client.get("/picture/24")).status_code == 401


async def test_who_is_shut_out_is_so_at_once(nc: Connection, tmp_path: Path) -> None:
    """The JWT is right still; neither it nor a session of it opens anything, and others go on."""
    async with authority() as issuer, trusting(nc, tmp_path, issuer) as one, one.client() as client:
        text = issuer.token()
        await client.post("/login", json={"token": text}, headers=OURS)
        _, admin = await one.access.create(role="admin", area=AREA, by="node")
        async with one.client() as boss:
            gone = await boss.delete(f"/v1/tokens/{person_id(issuer.issuer, 'anna')}", headers=bearer(admin))
            assert gone.status_code == 200
        assert (await client.get("/picture/24")).status_code == 401
        assert (await client.get("/picture/24", headers=bearer(text))).status_code == 401
        assert (await client.get("/picture/24", headers=bearer(issuer.token("berit")))).status_code == 200


@pytest.mark.parametrize("hangs", [False, True])
async def test_without_the_issuer_tokens_open_and_jwts_wait(
    nc: Connection, tmp_path: Path, eventually: Eventually, *, hangs: bool
) -> None:
    """Gone or hanging from the start: 503 in a bounded time and never 401; it heals alone, and the node is ready."""
    async with authority() as issuer:
        issuer.hangs = hangs
        if not hangs:
            await issuer.stop()
        async with trusting(nc, tmp_path, issuer, retry=0.2) as one, one.client() as client:
            _, text = await one.access.create(role="lan", area=AREA, by="node")
            async with asyncio.timeout(5):
                away = await client.get("/picture/24", headers=bearer(issuer.token()))
            assert (away.status_code, away.json()["type"]) == (503, "urn:tp:problem:access_away")
            assert int(away.headers["retry-after"]) > 0
            assert (await client.get("/picture/24", headers=bearer(text))).status_code == 200
            assert all(check.ok for check in one.access.checks() if check.needed)
            assert not all(check.ok for check in one.access.checks())
            issuer.hangs = False
            if not hangs:
                await issuer.start()

            async def healed() -> bool:
                return (await client.get("/picture/24", headers=bearer(issuer.token()))).status_code == 200

            await eventually(healed, what="let in")
            await issuer.stop()
            assert (await client.get("/picture/24", headers=bearer(issuer.token("berit")))).status_code == 200
            await issuer.start()


async def test_without_an_issuer_a_jwt_is_no_token(nc: Connection, tmp_path: Path) -> None:
    """401, whoever signed it."""
    await make_streams(nc)
    async with authority() as issuer, gate(nc, settings_of(tmp_path)) as one, one.client() as client:
        assert (await client.get("/picture/24", headers=bearer(issuer.token()))).status_code == 401
        assert issuer.asked == 0
