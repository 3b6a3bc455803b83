import asyncio
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from access_kit import AREA, Gate, audited, gate, make_streams, settings_of, stored

from servers import Eventually, NatsServer
from vardkase.runtime.jetstream.connection import Connection
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import AccessRole

UMEA = Area.parse("2480")
OURS = {"origin": "http://test"}


async def token(one: Gate, role: AccessRole = "lan", area: Area = AREA, **more: Any) -> str:
    return (await one.access.create(role=role, area=area, by="node", **more))[1]


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


def problem(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == answer.status_code
    return found["type"].removeprefix("urn:tp:problem:")


async def test_a_token_opens_its_area_and_nothing_else(nc: Connection, tmp_path: Path) -> None:
    """Its own area, what lies in it, and no area beside or above it; each refusal is told of."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one, one.client() as client:
        text = await token(one)
        for code, status in (("24", 200), ("2480", 200), ("01", 403), ("norra", 403), ("SE", 403)):
            assert (await client.get(f"/picture/{code}", headers=bearer(text))).status_code == status
    told = [(event.data.on, event.data.outcome) for event in await audited(nc)]
    assert {on for on, outcome in told if outcome == "done"} == {"24", "2480"}
    assert {on for on, outcome in told if outcome == "refused"} == {"01", "norra", "SE"}


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("authorization", "Bearer nonsense")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", "Basic dm9yZDpwYXNz")],
        [("authorization", "Bearer vk_aaaaaaaaaaaa_" + "b" * 43)],
        [("authorization", "Bearer " + "x" * 20_000)],
        [("authorization", "Bearer \xff\xfe")],
        [("authorization", "Bearer a"), ("authorization", "Bearer b")],
        [("cookie", "vardkase=nonsense")],
        [("cookie", "vardkase=" + "c" * 43)],
        [("cookie", "vardkase_form=" + "c" * 43)],
        [("cookie", ";;;=;vardkase")],
    ],
)
async def test_who_shows_nothing_that_opens_is_not_let_in(
    nc: Connection, tmp_path: Path, headers: list[tuple[str, str]]
) -> None:
    """401 with what is expected, told of in the audit under nobody's name, and nothing of what was sent comes back."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one, one.client() as client:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        answer = await client.get("/picture/24", headers=raw)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        problem(answer)
        for _, value in headers:
            assert len(value) < 10 or value[7:] not in answer.text
    events = await audited(nc)
    assert [(event.data.who.id, event.data.what, event.data.on) for event in events] == [
        ("anonymous", "request.get", "/picture/{code}")
    ]


async def test_logging_in_by_a_form_and_out_again(nc: Connection, tmp_path: Path) -> None:
    """A cookie that no script reads opens what the token does, until one logs out."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one, one.client() as client:
        text = await token(one)
        answer = await client.post("/login", data={"token": text, "next": "/kommun?x=1"}, headers=OURS)
        assert (answer.status_code, answer.headers["location"]) == (303, "/kommun?x=1")
        assert "httponly" in answer.headers["set-cookie"].lower()
        assert "samesite=strict" in answer.headers["set-cookie"].lower()
        assert text not in str(answer.headers)
        assert (await client.get("/picture/24")).status_code == 200
        me = (await client.get("/v1/me")).json()
        assert (me["role"], me["area"]["name"], me["session"]) == ("lan", "Västerbottens län", True)
        answer = await client.post("/logout", headers=OURS | {"accept": "text/html"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "max-age=0" in answer.headers["set-cookie"].lower()
        assert (await client.get("/picture/24")).status_code == 401
    told = [(event.data.what, event.data.who.id) for event in await audited(nc) if "session" in event.data.what]
    assert told == [("session.open", text.split("_")[1]), ("session.close", text.split("_")[1])]


async def test_logging_in_by_json_tells_who_one_is(nc: Connection, tmp_path: Path) -> None:
    """For programs and scripts on a page; a wrong token is 401, and of a form leads back with a word of it."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one, one.client() as client:
        answer = await client.post("/login", json={"token": await token(one, "reader")}, headers=OURS)
        assert answer.status_code == 200
        assert answer.json()["may"] == {"read": True, "report": False, "orders": [], "tokens": False}
        wrong = await client.post("/login", json={"token": "vk_x"}, headers=OURS)
        assert (wrong.status_code, problem(wrong)) == (401, "invalid_token")
        back = await client.post("/login", data={"token": "vk_x", "next": "/kommun"}, headers=OURS)
        assert (back.status_code, back.headers["location"]) == (303, "/kommun?inloggning=fel")
        away = await client.post("/login", data={"token": "vk_x", "next": "//evil.example"}, headers=OURS)
        assert away.headers["location"] == "/?inloggning=fel"


async def test_a_cookie_changes_something_only_from_a_page_of_ours(nc: Connection, tmp_path: Path) -> None:
    """Another site's form, or one that says nothing, does nothing; a token in a header is no cookie, and may."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one, one.client() as client:
        text = await token(one)
        await client.post("/login", json={"token": text}, headers=OURS)
        for headers in ({}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
            answer = await client.post("/act/24", headers=headers)
            assert (answer.status_code, problem(answer)) == (403, "other_site")
            assert (await client.post("/logout", headers=headers)).status_code == 403
        for headers in (OURS, {"sec-fetch-site": "same-origin"}, {"referer": "http://test/kommun"}):
            assert (await client.post("/act/24", headers=headers)).status_code == 200
        assert (await client.get("/picture/24", headers={"sec-fetch-site": "cross-site"})).status_code == 200
        client.cookies.clear()
        assert (await client.post("/act/24", headers=bearer(text))).status_code == 200
        planted = await client.post("/login", json={"token": text}, headers={"origin": "https://evil.example"})
        assert (planted.status_code, problem(planted)) == (403, "other_site")
        assert "set-cookie" not in planted.headers
    done = [event.data.outcome for event in await audited(nc) if event.data.what == "order.note"]
    assert done == ["done"] * 4


async def test_a_session_ends_with_its_token_at_once(nc: Connection, tmp_path: Path) -> None:
    """Revoked by an admin over HTTP, the next click of whoever has logged in with it is 401, and the cookie goes."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one, one.client() as client:
        text, admin = await token(one), await token(one, "admin")
        await client.post("/login", json={"token": text}, headers=OURS)
        assert (await client.get("/picture/24")).status_code == 200
        async with one.client() as boss:
            answer = await boss.delete(f"/v1/tokens/{text.split('_')[1]}", headers=bearer(admin))
            assert (answer.status_code, answer.json()["status"]) == (200, "revoked")
        ended = await client.get("/picture/24")
        assert (ended.status_code, problem(ended)) == (401, "session_ended")
        assert "max-age=0" in ended.headers["set-cookie"].lower()
        assert (await client.get("/page")).json() == {"who": None}
        assert (await client.get("/picture/24", headers=bearer(text))).status_code == 401


async def test_tokens_over_http(nc: Connection, tmp_path: Path) -> None:
    """Made, told once, listed without secrets, used, revoked; each act stands in the audit."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one, one.client() as client:
        admin = bearer(await token(one, "admin"))
        wanted = {"role": "kommun", "area": "2480", "realities": ["act"], "label": "krisledning"}
        made = await client.post("/v1/tokens", json=wanted, headers=admin)
        assert made.status_code == 201
        assert made.headers["cache-control"] == "no-store"
        new = made.json()
        assert made.headers["location"] == f"/v1/tokens/{new['id']}"
        assert new["expires"] is not None
        assert (await client.get("/v1/me", headers=bearer(new["token"]))).json()["area"]["code"] == "2480"
        listed = await client.get("/v1/tokens", headers=admin)
        assert new["id"] in listed.text
        assert new["token"] not in listed.text
        assert "hash" not in listed.text
        assert (await client.get("/v1/tokens?status=revoked", headers=admin)).json()["tokens"] == []
        assert (await client.delete(f"/v1/tokens/{new['id']}", headers=admin)).status_code == 200
        assert (await client.get("/v1/me", headers=bearer(new["token"]))).status_code == 401
        assert (await client.get("/v1/tokens?status=revoked", headers=admin)).json()["numberMatched"] == 1
        never = await client.post("/v1/tokens", json=wanted | {"expires": None}, headers=admin)
        assert never.json()["expires"] is None
        assert (await client.delete("/v1/tokens/aaaaaaaaaaaa", headers=admin)).status_code == 404
        person = await client.delete(f"/v1/tokens/oidc-{'0' * 24}", headers=admin)
        assert (person.status_code, person.json()["status"]) == (200, "revoked")
    told = [(event.data.what, event.data.on) for event in await audited(nc) if event.data.outcome == "done"]
    assert [each for each in told if each[0] != "token.list"] == [
        ("token.create", new["id"]),
        ("token.revoke", new["id"]),
        ("token.create", never.json()["id"]),
        ("token.revoke", f"oidc-{'0' * 24}"),
    ]


@pytest.mark.parametrize("role", ["reader", "reporter", "kommun", "lan", "nation"])
async def test_nobody_makes_or_sees_tokens_beyond_their_own(nc: Connection, tmp_path: Path, role: AccessRole) -> None:
    """A kommun makes links to its points' forms and sees those alone; others nothing; what they may not is 403."""
    await make_streams(nc)
    areas = {"nation": Area.parse("SE"), "lan": AREA, "reader": AREA}
    async with gate(nc, settings_of(tmp_path)) as one, one.client() as client:
        secret = await token(one, "admin")
        mine = bearer(await token(one, role, areas.get(role, UMEA)))
        form = {"role": "reporter", "area": "2480", "point": "2480-x"}
        for wanted, may in (
            (form, role == "kommun"),
            ({"role": "reporter", "area": "2480"}, False),
            ({"role": "reader", "area": "2480"}, False),
            ({"role": "admin", "area": "2480"}, False),
            ({"role": "reporter", "area": "2401", "point": "2401-x"}, False),
        ):
            answer = await client.post("/v1/tokens", json=wanted, headers=mine)
            assert answer.status_code == (201 if may else 403), wanted
        listed = await client.get("/v1/tokens", headers=mine)
        assert listed.status_code == (200 if role == "kommun" else 403)
        if role == "kommun":
            assert [each["point"] for each in listed.json()["tokens"]] == ["2480-x"]
        others = await client.delete(f"/v1/tokens/{secret.split('_')[1]}", headers=mine)
        assert others.status_code == (404 if role == "kommun" else 403)
        shut = await client.delete(f"/v1/tokens/oidc-{'0' * 24}", headers=mine)
        assert shut.status_code == 403
        assert one.access.by_token(secret) is not None


async def test_an_admin_gives_nothing_that_is_not_theirs(nc: Connection, tmp_path: Path) -> None:
    """Neither another area nor a reality that they do not have, and they see no token of another area."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one, one.client() as client:
        other = await token(one, "reader", Area.parse("01"))
        admin = bearer(await token(one, "admin", AREA, realities=["exe"]))
        for wanted in (
            {"role": "reader", "area": "SE"},
            {"role": "reader", "area": "0180"},
            {"role": "reader", "area": "24", "realities": ["act"]},
        ):
            assert (await client.post("/v1/tokens", json=wanted, headers=admin)).status_code == 403
        real = await token(one, "reader", AREA)
        assert (await client.delete(f"/v1/tokens/{real.split('_')[1]}", headers=admin)).status_code == 404
        assert (await client.delete(f"/v1/tokens/oidc-{'0' * 24}", headers=admin)).status_code == 403
        fine = await client.post("/v1/tokens", json={"role": "reader", "area": "24"}, headers=admin)
        assert fine.json()["realities"] == ["exe"]
        assert other.split("_")[1] not in (await client.get("/v1/tokens", headers=admin)).text
        assert (await client.delete(f"/v1/tokens/{other.split('_')[1]}", headers=admin)).status_code == 404


BODIES: dict[str, tuple[int, str | None, dict[str, Any]]] = {
    "no json": (400, None, {"content": b"{", "headers": {"content-type": "application/json"}}),
    "deep": (400, None, {"content": b"[" * 16_000, "headers": {"content-type": "application/json"}}),
    "no utf-8": (400, None, {"content": b"\xff\xfe", "headers": {"content-type": "application/json"}}),
    "a list": (422, "body", {"json": []}),
    "a number": (422, "body", {"json": 1}),
    "empty": (422, "role", {"json": {}}),
    "too long": (413, None, {"json": {"label": "x" * 20_000}}),
    "xml": (415, "Content-Type", {"content": b"<a/>", "headers": {"content-type": "application/xml"}}),
    "no type": (415, "Content-Type", {"content": b"{}"}),
    "compressed": (
        415,
        "Content-Encoding",
        {"content": b"x", "headers": {"content-type": "application/json", "content-encoding": "gzip"}},
    ),
    "unknown field": (422, "hash", {"json": {"role": "reader", "area": "24", "hash": "x"}}),
    "unknown role": (422, "role", {"json": {"role": "god", "area": "24"}}),
    "unknown area": (422, "area", {"json": {"role": "reader", "area": "99"}}),
    "role and area": (422, "area", {"json": {"role": "kommun", "area": "24"}}),
    "another's point": (422, "point", {"json": {"role": "reporter", "area": "2480", "point": "2401-x"}}),
    "no realities": (422, "realities", {"json": {"role": "reader", "area": "24", "realities": []}}),
    "expired": (422, "expires", {"json": {"role": "reader", "area": "24", "expires": "2020-01-01T00:00:00Z"}}),
    "no offset": (422, "expires", {"json": {"role": "reader", "area": "24", "expires": "2030-01-01T00:00:00"}}),
    "line break": (422, "label", {"json": {"role": "reader", "area": "24", "label": "a\nb"}}),
}


@pytest.mark.parametrize("fault", BODIES)
async def test_a_body_with_a_fault_makes_nothing(nc: Connection, tmp_path: Path, fault: str) -> None:
    """A clear 4xx that names the field; nothing is stored, and nothing that was sent is told back."""
    await make_streams(nc)
    status, field, sent = BODIES[fault]
    async with gate(nc, settings_of(tmp_path)) as one, one.client() as client:
        admin = bearer(await token(one, "admin"))
        sent = sent | {"headers": admin | sent.get("headers", {})}
        answer = await client.post("/v1/tokens", **sent)
        assert answer.status_code == status, answer.text
        problem(answer)
        assert answer.json().get("field") == field
        assert len(one.access.list()) == 1


async def test_a_forms_link_opens_its_point_and_nothing_else(nc: Connection, tmp_path: Path) -> None:
    """Its cookie opens no board; a token that is no link to a form opens no form."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path)) as one, one.client() as client:
        link = await token(one, "reporter", UMEA, point="2480-x")
        answer = await client.get("/form", params={"k": link})
        assert answer.json()["point"] == "2480-x"
        client.cookies.clear()
        form = {"cookie": answer.json()["cookie"].split(";")[0]}
        assert (await client.post("/form", headers=form | OURS)).json() == {"who": link.split("_")[1]}
        assert (await client.post("/form", headers=form)).status_code == 403
        assert (await client.get("/picture/24", headers=form)).status_code == 401
        renamed = {"cookie": form["cookie"].replace("vardkase_form=", "vardkase=")}
        assert (await client.get("/picture/2480", headers=renamed)).status_code == 401
        assert (await client.get("/v1/me", headers=renamed)).status_code == 401
        assert (await client.post("/form", headers=OURS)).json() == {"who": None}
        for role, area in (("reporter", UMEA), ("kommun", UMEA), ("admin", AREA)):
            wrong = await client.get("/form", params={"k": await token(one, role, area)})  # type: ignore[arg-type]
            assert (wrong.status_code, problem(wrong)) == (401, "not_a_link")


async def test_who_asks_too_much_waits_and_nobody_else_does(nc: Connection, tmp_path: Path) -> None:
    """429 with when to come back: by token wherever it asks from, and by address whatever it asks with."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path, rate=1, burst=3, address_rate=1, address_burst=8)) as one:
        first, second = bearer(await token(one)), bearer(await token(one))
        async with one.client() as client, one.client(address=("192.0.2.9", 1)) as elsewhere:
            statuses = [(await client.get("/picture/24", headers=first)).status_code for _ in range(4)]
            assert statuses == [200, 200, 200, 429]
            refused = await elsewhere.get("/picture/24", headers=first)
            assert (refused.status_code, problem(refused)) == (429, "too_often")
            assert int(refused.headers["retry-after"]) >= 1
            assert (await client.get("/picture/24", headers=second)).status_code == 200
            flood = [(await client.get("/public")).status_code for _ in range(6)]
            assert flood[-1] == 429
            assert (await elsewhere.get("/public")).status_code == 200
        assert one.count("vardkase_access_limited_total", limit="address") >= 1


async def test_guessing_is_slowed_down_and_locks_nobody_out(nc: Connection, tmp_path: Path) -> None:
    """After some failures an address gets 429; who shows what is right from the same address is let in."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path, failure_burst=5)) as one, one.client() as client:
        text = await token(one)
        guesses = [(await client.get("/picture/24", headers=bearer(f"vk_{n}"))).status_code for n in range(8)]
        assert guesses[:5] == [401] * 5
        assert guesses[-1] == 429
        assert (await client.get("/picture/24", headers=bearer(text))).status_code == 200


async def test_behind_a_proxy_each_person_has_their_own_limit(nc: Connection, tmp_path: Path) -> None:
    """By the address that a proxy which is set tells; from anybody else the header says nothing."""
    await make_streams(nc)
    settings = settings_of(tmp_path, address_rate=1, address_burst=2, proxies="192.0.2.1")
    async with gate(nc, settings) as one, one.client() as proxy, one.client(address=("192.0.2.7", 1)) as other:
        for client, statuses in ((proxy, [200] * 6), (other, [200, 200, 429, 429, 429, 429])):
            found = [
                (await client.get("/public", headers={"x-forwarded-for": f"203.0.113.{n}"})).status_code
                for n in range(6)
            ]
            assert found == statuses


async def test_over_https_a_cookie_goes_over_https_alone(nc: Connection, tmp_path: Path) -> None:
    """Behind a proxy that speaks https its name and its flag say so, and the page is asked for so from then on."""
    await make_streams(nc)
    settings = settings_of(tmp_path, proxies="192.0.2.0/24")
    async with gate(nc, settings) as one, one.client() as client:
        forwarded = {"x-forwarded-proto": "https", "x-forwarded-host": "lage.example.se", "x-forwarded-for": "1.2.3.4"}
        headers = forwarded | {"origin": "https://lage.example.se"}
        answer = await client.post("/login", json={"token": await token(one)}, headers=headers)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-vardkase=")
        assert "Secure" in cookie
        assert answer.headers["strict-transport-security"]
        sent = {"cookie": cookie.split(";")[0]}
        assert (await client.get("/picture/24", headers=sent)).status_code == 401
        assert (await client.get("/picture/24", headers=forwarded | sent)).status_code == 200


async def test_while_nats_is_away_it_is_told_apart_from_being_wrong(
    nats_server: NatsServer, nc: Connection, tmp_path: Path, eventually: Eventually
) -> None:
    """Who is known reads on; logging in and tokens are 503 with when to come back, never 401."""
    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path, audit_timeout=1)) as one, one.client() as client:
        text, admin = await token(one), bearer(await token(one, "admin"))
        nats_server.kill()
        assert (await client.get("/picture/24", headers=bearer(text))).status_code == 200
        answers = await asyncio.gather(
            client.post("/login", json={"token": text}, headers=OURS),
            client.post("/v1/tokens", json={"role": "reader", "area": "24"}, headers=admin),
            client.delete(f"/v1/tokens/{text.split('_')[1]}", headers=admin),
            client.post("/act/24", headers=bearer(text)),
        )
        for answer in answers:
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
        nats_server.start()

        async def back() -> bool:
            return (await client.post("/act/24", headers=bearer(text))).status_code == 200

        await eventually(back, what="acts are taken again", within=20)


async def test_a_token_that_the_audit_does_not_know_of_opens_nothing(nc: Connection, tmp_path: Path) -> None:
    """Made while the audit is full, it is revoked again, and its text told to nobody."""
    from vardkase.runtime.jetstream.api import call

    await make_streams(nc)
    async with gate(nc, settings_of(tmp_path, audit_timeout=0.5)) as one, one.client() as client:
        admin = bearer(await token(one, "admin"))
        config = (await call(nc, "STREAM.INFO.AUDIT"))["config"]
        await call(nc, "STREAM.UPDATE.AUDIT", config | {"max_bytes": 10})
        answer = await client.post("/v1/tokens", json={"role": "reader", "area": "24"}, headers=admin)
        assert (answer.status_code, problem(answer)) == (503, "audit_away")
        assert [each.status(one.access.now()) for each in one.access.list()] == ["revoked", "live"]


async def test_no_secret_is_told_anywhere(
    nc: Connection, tmp_path: Path, caplog: pytest.LogCaptureFixture, eventually: Eventually
) -> None:
    """Wherever a token is put, right or wrong, neither logs, answers, the audit nor what is stored has it."""
    await make_streams(nc)
    caplog.set_level(logging.DEBUG)
    answers: list[str] = []
    async with gate(nc, settings_of(tmp_path)) as one, one.client() as client:
        admin, text = await token(one, "admin"), await token(one)
        secrets = [admin.split("_", 2)[2], text.split("_", 2)[2]]
        for request in (
            client.build_request("GET", "/picture/24", headers=bearer(text)),
            client.build_request("GET", "/picture/24", headers=bearer(text[:-1])),
            client.build_request("GET", f"/picture/{text}", headers=bearer(text[:-1])),
            client.build_request("GET", f"/v1/tokens/{text}", headers=bearer(admin)),
            client.build_request("DELETE", f"/v1/tokens/{text}", headers=bearer(admin)),
            client.build_request("GET", f"/v1/tokens?status={text}&point={text}", headers=bearer(admin)),
            client.build_request("POST", "/login", json={"token": text[:-1]}, headers=OURS),
            client.build_request("POST", "/login", json={"token": text, "next": text, "x": text}, headers=OURS),
            client.build_request("POST", "/login", data={"token": text, "next": "/"}, headers=OURS),
            client.build_request("POST", "/v1/tokens", json={"role": text, "area": text}, headers=bearer(admin)),
            client.build_request("POST", "/v1/tokens", content=text, headers=bearer(admin)),
            client.build_request("GET", "/form", params={"k": text}),
            client.build_request("GET", "/nowhere", params={"k": text}, headers={"cookie": f"vardkase={text}"}),
        ):
            answer = await client.send(request)
            answers.append(f"{answer.headers} {answer.text}")
            assert answer.status_code < 500
        await eventually(lambda: "0 wait" in one.audit.check().detail, what="the audit is written")
        kept = await stored(nc, "KV_TOKENS", "KV_SESSIONS")
    for secret in secrets:
        ours = [record for record in caplog.records if not record.name.startswith("httpx")]  # the client, of its own
        assert not any(secret in f"{record.getMessage()} {record.__dict__}" for record in ours)
        assert secret not in kept
        assert not any(secret in answer for answer in answers)
