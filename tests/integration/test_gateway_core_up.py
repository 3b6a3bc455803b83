"""The gateway as a part of `vardkase up`, and alone."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from test_up import Up, environment

from servers import Eventually, free_port
from sse_client import listening

ACCEPTED = {"specversion": "1.0", "source": "urn:tp:kommun:2480", "datacontenttype": "application/json"}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    variables = {"GATEWAY": "true", "ARCHIVE": "false"}
    up = Up(tmp_path_factory.mktemp("gateway"), "--area", "24", variables=variables)
    yield up
    up.close()


def client(node: Up, *, token: bool = True) -> httpx.AsyncClient:
    """A client of the gateway, with the operator's token or without."""
    headers = {"authorization": f"Bearer {node.ready['token']}"} if token else {}
    return httpx.AsyncClient(base_url=node.ready["http"], headers=headers, timeout=30.0)


async def test_the_ready_line_leads_to_the_gateway_with_a_token_that_opens_the_area(node: Up) -> None:
    """`http` is the gateway, `ops` the node itself, `token` the operator's; the same stand in the files it leaves."""
    told, run = node.ready, node.directory / "data" / "run"
    assert told["http"] != told["ops"]
    started = json.loads((run / "started.json").read_text())
    assert (started["http"], started["ops"]) == (told["http"], told["ops"])
    assert "gateway" in started["services"]
    async with client(node) as http:
        assert (await http.get("/v1/pictures/lan/24")).json()["code"] == "24"
        assert (await http.get("/v1/points")).json()["features"] == []
        assert (await http.get("/v1/pictures/nation/SE")).status_code == 403
        assert (await http.get("/v1/me")).json()["role"] == "admin"


async def test_the_gateway_tells_how_the_node_is(node: Up) -> None:
    """`/readyz` has the node's checks, the gateway's among them; `/metrics` is all services', behind a token."""
    async with client(node) as http, client(node, token=False) as nobody:
        ready = await nobody.get("/readyz")
        assert (ready.status_code, ready.json()["service"]) == (200, "node")
        assert {each["name"] for each in ready.json()["checks"]} >= {"gateway: front", "intake: started", "nats"}
        assert (await nobody.get("/healthz")).json()["status"] == "ok"
        assert (await nobody.get("/metrics")).status_code == 401
        metrics = (await http.get("/metrics")).text
        assert 'vardkase_service_up{service="gateway"} 1.0' in metrics
        assert 'vardkase_service_up{service="aggregator"} 1.0' in metrics
        assert "vardkase_node_ready 1" in metrics


async def test_documents_are_there_for_everyone(node: Up) -> None:
    """OpenAPI and AsyncAPI, without a token, and not sent twice."""
    async with client(node, token=False) as nobody:
        for path, version in (("/openapi.json", "openapi"), ("/asyncapi.json", "asyncapi")):
            answer = await nobody.get(path)
            assert answer.json()[version].startswith("3.")
            again = await nobody.get(path, headers={"if-none-match": answer.headers["etag"]})
            assert again.status_code == 304


async def test_a_gateway_that_is_killed_comes_back_on_its_port_and_nobody_misses_anything(
    node: Up, eventually: Eventually
) -> None:
    """Who asks meanwhile waits a moment; who listens comes back with the last id, and is told what it missed."""
    async with client(node) as http:
        async with listening(http, "/v1/stream") as source:
            await eventually(lambda: source.named("live"), within=20)
            os.kill(node.children()["gateway"], signal.SIGKILL)
            await eventually(source.ended.is_set, within=20)
        event = {"id": "missed-1", "type": "se.trygghetspunkt.status.v1", "subject": "2480-x", "reality": "act"}
        event |= ACCEPTED | {"time": "2026-11-20T02:40:00Z", "data": {"lifecycle": "open"}}
        sent = await http.post(
            "/v1/reports", content=json.dumps(event), headers={"content-type": "application/cloudevents+json"}
        )
        assert sent.status_code == 202, sent.text
        async with listening(http, "/v1/stream", last=source.last) as again:
            await eventually(lambda: again.named("live"), within=20)
            assert not again.named("reset")
            await eventually(lambda: again.named("picture"), within=20)


def test_no_other_process_has_the_web_framework(node: Up) -> None:
    """FastAPI is imported where it is needed, and nowhere else: the other services stay as small as they are."""
    for name, pid in node.children().items():
        if name in {"intake", "aggregator"}:
            maps = Path(f"/proc/{pid}/maps").read_text()
            assert "httptools" not in maps, name
    program = "import sys, vardkase.cli.whole_node, vardkase.cli.up; print('fastapi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


async def test_a_gateway_without_its_bus_says_so(tmp_path: Path, eventually: Eventually) -> None:
    """Started while NATS is away it answers at once: alive, not ready, and 503 with the time to wait for all else."""
    port = free_port()
    settings = {
        "WEB_OPENING": "100ms",
        "NATS_URL": f"nats://127.0.0.1:{free_port()}",
        "HTTP_PORT": str(port),
        "DATA_DIR": str(tmp_path),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vardkase.cli.main", "run", "gateway"),
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:

            async def answers() -> bool:
                try:
                    return (await http.get("/healthz")).status_code == 200
                except httpx.HTTPError:
                    return False

            await eventually(answers, within=60)
            ready = await http.get("/readyz")
            assert (ready.status_code, ready.json()["ready"]) == (503, False)
            token = {"authorization": f"Bearer vk_abcdefghijkl_{'x' * 43}"}
            for path in ("/v1/pictures/lan/24", "/v1/points", "/v1/stream"):
                answer = await http.get(path, headers=token)
                assert answer.status_code == 503, (path, answer.text)
                assert int(answer.headers["retry-after"]) > 0
    finally:
        process.terminate()
        await process.wait()
