import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway_kit import Running, running_gateway
from servers import Eventually, NatsServer


@pytest.fixture
async def gateway(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_gateway(nats_server.url, tmp_path) as running:
        yield running


async def test_what_runs_short_is_told_whole_and_in_order(gateway: Running, eventually: Eventually) -> None:
    """Dark first, then unknown endurance, then by when; what has power, or is gone, is not among them."""
    dark = {"dark": True, "endurance_known": True, "runs_out_at": None}
    unknown = {"dark": False, "endurance_known": False, "runs_out_at": None}
    well = {"dark": False, "endurance_known": True, "runs_out_at": None}
    late, soon = (well | {"runs_out_at": f"2026-11-20T0{hour}:00:00Z"} for hour in (9, 7))
    for slug, said in {"a-late": late, "b-soon": soon, "c-unknown": unknown, "d-dark": dark, "e-well": well}.items():
        await gateway.state(f"2480-{slug}", **said)
    await gateway.state("2480-f-gone", **dark, retired=True)
    await gateway.state("0114-elsewhere", **dark)
    # Somebody's text that looks like a field of the state is text.
    last = await gateway.state("2480-g-text", **well, facts={"note": '"endurance_known":false'})
    await eventually(lambda: gateway.house.live.last_seq["state"] >= last, what="all states held")
    answer = await gateway.http.get("/v1/short", params={"code": "2480"})
    assert answer.status_code == 200
    told = answer.json()
    assert [each["point"] for each in told["points"]] == ["2480-d-dark", "2480-c-unknown", "2480-b-soon", "2480-a-late"]
    assert (told["dark"], told["endurance_unknown"], told["timed"]) == (1, 1, 2)
    again = await gateway.http.get("/v1/short", params={"code": "2480", "limit": 1})
    assert [each["point"] for each in again.json()["points"]] == ["2480-d-dark"]
    assert again.json()["timed"] == 2


async def test_what_runs_short_is_restricted(gateway: Running) -> None:
    """Without a token nobody is told, and with one of another area neither."""
    async with gateway.client(None) as nobody, gateway.client(await gateway.token_of("lan", "24")) as lan:
        assert (await nobody.get("/v1/short")).status_code == 401
        answers = await asyncio.gather(lan.get("/v1/short"), lan.get("/v1/short", params={"code": "SE"}))
    assert [each.status_code for each in answers] == [200, 403]


async def test_the_boards_files_are_asked_for_once(gateway: Running) -> None:
    """Under their version they are kept for ever; of another version there are none; paths lead nowhere else."""
    async with gateway.client(None) as nobody:
        page = await nobody.get("/")
        assert page.headers["cache-control"] == "no-store"
        assert 'data-session="no"' in page.text
        base = page.text.split('data-base="')[1].split('"')[0]
        module = await nobody.get(f"{base}/js/main.js")
        assert module.headers["content-type"].startswith("text/javascript")
        assert "immutable" in module.headers["cache-control"]
        for path in (
            "/board/static/0/js/main.js",
            f"{base}/../../board.py",
            f"{base}/%2e%2e/board.py",
            f"{base}/index.html",
        ):
            assert (await nobody.get(path)).status_code == 404
        for language, word in (("sv", "Tillgänglighet"), ("en", "Accessibility")):
            assert word in (await nobody.get("/tillganglighet", params={"sprak": language})).text
        assert (await nobody.get("/tillganglighet", params={"sprak": "fi"})).status_code == 400
        assert (await nobody.get("/board/clock")).status_code == 401
    clock = (await gateway.http.get("/board/clock")).json()
    assert (clock["speed"], clock["ready"], clock["trouble"]) == (1.0, True, None)
