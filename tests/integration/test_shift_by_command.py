"""A shift on a whole node: reported over HTTP, archived, and asked for by page and by command as an officer would."""

import asyncio
import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from up import Up, node_up, until
from vardkase.runtime.jetstream.connection import connect
from vardkase.runtime.jetstream.values import scan
from vardkase_contracts import streams
from vardkase_contracts.audit import AUDIT
from vardkase_contracts.client import new_id, new_report

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

POINT = "2480-umedalen-skola"
PUBLIC = {"PUBLIC_PUBLISHER": "Länsstyrelsen Västerbotten", "PUBLIC_EMAIL": "data@example.se"}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A node of a län: a point that opens, loses its power and asks for fuel; a request from the län."""
    with node_up(tmp_path_factory.mktemp("node"), **PUBLIC) as up:
        with client(up) as http:
            for each in reports():
                answer = http.post(
                    "/v1/reports",
                    content=each.model_dump_json(exclude_unset=True, by_alias=True),
                    headers={"content-type": "application/cloudevents+json"},
                )
                assert answer.status_code == 202, answer.text
            refused = http.post("/v1/reports", content=b"{}", headers={"content-type": "application/cloudevents+json"})
            assert refused.status_code == 422
            until(lambda: http.get("/v1/alerts").json()["numberMatched"] > 0, "an alert")
            deadline = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
            data = {"areas": ["2480"], "questions": ["Hur länge räcker bränslet?"], "deadline": deadline}
            order = {
                "kind": "report_request",
                "area": "24",
                "reality": "act",
                "role": "tib",
                "id": new_id(),
                "data": data,
            }
            assert http.post("/v1/orders", json=order).status_code == 202

            def archived() -> bool:
                found = http.get("/v1/changes", params={"since": ago(1)})
                told = {each["what"] for each in found.json()["changes"]} if found.status_code == 200 else set()
                return {"order.report_request", "alert.raised", "point.opened", "need.requested"} <= told

            until(archived, "the archive has it")
        yield up


def client(up: Up) -> httpx.Client:
    """A client with the operator's token."""
    return httpx.Client(base_url=up.told["http"], headers={"authorization": f"Bearer {up.told['token']}"}, timeout=60)


def ago(hours: float) -> str:
    """A time, RFC 3339."""
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


def reports() -> Iterator[Any]:
    """What the point says."""
    profile = {"name": "Umedalens skola", "kind": "trygghetspunkt", "position": {"lon": 20.16, "lat": 63.84}}
    yield new_report("register", POINT, profile | {"staff_required": 4, "publish": "live"}, reality="act")
    yield new_report("status", POINT, {"lifecycle": "open", "occupancy": 42}, reality="act")
    yield new_report("resources", POINT, {"power": {"source": "none"}}, reality="act")
    need = {"need_id": "n1", "direction": "need", "kind": "fuel", "quantity": 200, "unit": "l", "priority": "urgent"}
    yield new_report("need", POINT, need | {"state": "requested"}, reality="act")


def told(up: Up, *command: str, code: int = 0) -> str:
    """What a command says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VARDKASE_")}
    environment |= {
        "VARDKASE_AREA": "24",
        "VARDKASE_NATS_URL": up.told["nats"],
        "VARDKASE_DATABASE_URL": up.told["database"],
    }
    done = subprocess.run(
        [sys.executable, "-m", "vardkase.cli.main", *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_what_has_changed_by_command(node: Up) -> None:
    """In words of Swedish, and as the route tells it."""
    said = told(node, "changes", "--since", "1h", "--area", "24")
    for expected in (
        "Umedalens skola, Umeå: larm:",
        "Umedalens skola, Umeå: öppen",
        "Drivmedel 200 l, brådskande, begärt",
        "Begäran om lägesrapport: till Umeå",
    ):
        assert expected in said, said
    rows = [json.loads(line) for line in told(node, "changes", "--since", "1h", "--json").splitlines()]
    with client(node) as http:
        over_http = http.get("/v1/changes", params={"since": ago(1)}).json()["changes"]
    assert [each for each in rows if not each["what"].startswith("alert")] == [
        each for each in over_http if not each["what"].startswith("alert")
    ]


def test_the_handover_report_by_page_and_by_command(node: Up) -> None:
    """The same is under the same headings."""
    with client(node) as http:
        page = http.get("/overlamning", params={"sedan": "1h"})
    assert page.status_code == 200, page.text
    said = told(node, "handover", "--area", "24", "--since", "1h")
    for words in ("Utan el nu", "Umedalens skola, Umeå", "Larm som ingen har kvitterat", "Öppnade punkter"):
        assert words in page.text, page.text
        assert words in said, said
    report = json.loads(told(node, "handover", "--area", "24", "--json"))
    assert (report["kind"], report["code"], report["since_from"]) == ("handover", "24", "default")
    assert report["sources"]["archive"]["there"]
    assert report["forecast"]["dark"]["count"] == 1
    assert report["events"]["opened"]["count"] == 1
    assert re.fullmatch("[0-9a-f]{64}", report["sha256"])


def test_an_adopted_picture_is_where_the_next_shift_begins(node: Up) -> None:
    """Unless another time is given."""
    with client(node) as http:
        version = http.get("/v1/pictures/lan/24").json()["version"]
        data = {"level": "lan", "code": "24", "version": version}
        order = {
            "kind": "adopt",
            "area": "24",
            "reality": "act",
            "role": "stab",
            "id": new_id(),
            "data": data,
            "note": "Läget kl 6",
        }
        answer = http.post("/v1/orders", json=order)
        assert answer.status_code in {200, 202}, answer.text
        until(lambda: "senast fastställda lägesbild: stab" in http.get("/overlamning").text, "adopted")
        assert "Läget kl 6" in http.get("/overlamning").text
    assert json.loads(told(node, "handover", "--area", "24", "--json"))["since_from"] == "adopted"


def test_a_scorecard_by_command(node: Up) -> None:
    """The kommun's, and no other kind of area's."""
    assert "4 rapporter från 1 punkter" in told(node, "scorecard", "2480")
    assert json.loads(told(node, "scorecard", "2480", "--json"))["kommun"] == "2480"
    assert "expected the code of a kommun" in told(node, "scorecard", "24", code=2)


def test_an_export_by_command(node: Up, tmp_path: Path) -> None:
    """A folder that was not there, whole; one that is there is refused."""
    to = tmp_path / "out"
    formats = "jsonl,csv,geojson,parquet"
    assert "Begränsad spridning" in told(node, "export", "--area", "2480", "--to", str(to), "--formats", formats)
    manifest = json.loads((to / "manifest.json").read_text(encoding="utf-8"))
    rows = {file["name"]: file["rows"] for file in manifest["files"]}
    assert rows["reports.jsonl"] == rows["reports.csv"] == rows["reports.parquet"] == 4
    with (to / "reports.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["kind"] for row in csv.DictReader(file)] == ["register", "status", "resources", "need"]
    assert rows["points.geojson"] == 1
    assert "is there already" in told(node, "export", "--area", "2480", "--to", str(to), code=2)
    assert "--formats" in told(
        node, "export", "--area", "2480", "--to", str(tmp_path / "b"), "--formats", "xls", code=2
    )
    assert not (tmp_path / "b").exists()


def test_retention_by_command(node: Up, tmp_path: Path) -> None:
    """Nothing without a policy, nothing without --yes; what is done stands in the audit with its decision."""
    assert "for ever" in told(node, "retention", "show")
    assert "kept for ever" in told(node, "retention", "apply", "--yes", code=2)
    policy = tmp_path / "retention.toml"
    policy.write_text("[audit]\nkeep_days = 31\ndecision = 'KS 2026/123'\n", encoding="utf-8")
    assert "by decision KS 2026/123" in told(node, "retention", "plan", "--file", str(policy))
    assert "--yes" in told(node, "retention", "apply", "--file", str(policy), code=2)
    assert "nothing was old enough" in told(node, "retention", "apply", "--yes", "--file", str(policy))
    assert asyncio.run(deletions(node)) == []
    asyncio.run(made_old(node))
    assert "audit_2020_01: 1 rows" in told(node, "retention", "plan", "--file", str(policy))
    assert "audit_2020_01: 1 gone" in told(node, "retention", "apply", "--yes", "--file", str(policy))
    (event,) = asyncio.run(deletions(node))
    assert event["data"]["who"] == {"id": "retention"}
    assert event["data"]["on"].startswith("audit audit_2020_01: 1 rows")
    assert event["data"]["on"].endswith("decision KS 2026/123")
    AUDIT.validate_json(json.dumps(event))


async def made_old(node: Up) -> None:
    """Something of long ago in the archive."""
    connection = await asyncpg.connect(node.told["database"], server_settings={"search_path": "vardkase"})
    try:
        await connection.execute(
            "CREATE TABLE audit_2020_01 PARTITION OF audit FOR VALUES FROM ('2020-01-01Z') TO ('2020-02-01Z'); "
            "INSERT INTO audit (stored_at, sequence, reality, data) VALUES ('2020-01-02Z', 1, 'act', '{}')"
        )
    finally:
        await connection.close()


async def deletions(node: Up) -> list[dict[str, Any]]:
    """What the audit says of what was let go of."""
    nc = await connect(node.told["nats"], name="test")
    try:
        found = scan(nc, streams.AUDIT, ["tp.v1.act.audit.>"])
        events = [json.loads(each.data) async for each in found]
        return [each for each in events if each["data"]["what"] == "retention.delete"]
    finally:
        await nc.close()


def test_the_catalogue_is_of_this_gateway(node: Up) -> None:
    """Its distributions open, without a token."""
    found = httpx.get(f"{node.told['http']}/public/v1/dcat")
    assert found.status_code == 200
    assert found.headers["content-type"].startswith("application/ld+json")
    assert found.headers["access-control-allow-origin"] == "*"
    geojson, _ = found.json()["dcat:dataset"][0]["dcat:distribution"]
    assert httpx.get(geojson["dcat:downloadURL"]["@id"]).json()["type"] == "FeatureCollection"
