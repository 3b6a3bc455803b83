"""Every documented operation of a whole node, asked by schemathesis: rightly, wrongly, and without being known."""

import json
import os
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
import schemathesis
from geojson_pydantic import Feature, FeatureCollection
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from up import node_up, until
from vardkase.gateway.openapi import published
from vardkase_contracts.instants import from_datetime, iso

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DOCUMENT: dict[str, Any] = json.loads(published())
#: A request that is wrong may be too long besides; one that is valid by the schema may be about what there is not.
CHECKS = {
    "negative_data_rejection": {"expected-statuses": ["4xx"]},
    "positive_data_acceptance": {"enabled": False},
}
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT, config=schemathesis.Config.from_dict({"checks": CHECKS}))
ENDLESS = {"/v1/stream", "/public/v1/stream"}
OPERATIONS = sorted(
    (each.method.upper(), each.path)
    for each in (found.ok() for found in SCHEMA.get_all_operations())
    if each.path not in ENDLESS
)
#: So many of each kind a route, the same in each run; more, and others in each run: OPENAPI_EXAMPLES=200.
EXAMPLES = int(os.environ.get("OPENAPI_EXAMPLES", "15"))
DERANDOMIZED = "OPENAPI_EXAMPLES" not in os.environ
#: What is asked here is asked by one, and often.
UNLIMITED = dict.fromkeys(
    ("ACCESS_RATE", "ACCESS_BURST", "ACCESS_FAILURE_RATE", "ACCESS_FAILURE_BURST", "ACCESS_ADDRESS_RATE"), "1000000"
)
POINT = "2480-umedalen-skola"
NOW = "2026-11-20T02:40:00Z"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A node of a län with one point that has an alert and a need, and with an archive."""
    with node_up(tmp_path_factory.mktemp("node"), **UNLIMITED) as up:
        told = up.told
        with client(told) as http:
            answer = http.post(
                "/v1/reports",
                content=json.dumps(list(reports())).replace('"odd"', "9" * 400),  # a number that is no double
                headers={"content-type": "application/cloudevents-batch+json"},
            )
            assert answer.status_code == 202, answer.text
            until(lambda: http.get(f"/v1/points/{POINT}").status_code == 200, "the point")
            until(lambda: http.get("/v1/points/2480-_").status_code == 200, "the kommun")
            until(lambda: http.get("/v1/alerts").json()["numberMatched"] > 0, "an alert")
            until(lambda: http.get(f"/public/v1/points/{POINT}").status_code == 200, "the public point")
            now = http.get("/public/v1/points").headers["date"]
        yield told | {"then": iso(from_datetime(parsedate_to_datetime(now)))}


def client(told: dict[str, Any], *, known: bool = True) -> httpx.Client:
    """A client with the operator's token, or without."""
    headers = {"authorization": f"Bearer {told['token']}"} if known else {}
    return httpx.Client(base_url=told["http"], headers=headers, timeout=30)


def reports() -> Iterator[dict[str, Any]]:
    """A point that is open, dark and in need of fuel."""
    profile = {
        "name": "Umedalens skola",
        "kind": "trygghetspunkt",
        "position": {"lon": 20.18, "lat": 63.84},
        "publish": "live",
        "planned_services": ["heat"],
    }
    said: list[tuple[str, dict[str, Any]]] = [
        ("register", profile),
        ("status", {"lifecycle": "open", "occupancy": 12, "services": {"heat": {"state": "available"}}, "x": "odd"}),
        ("resources", {"power": {"source": "none"}, "staff": {"present": 1, "required": 3}}),
        ("need", {"need_id": "n1", "direction": "need", "kind": "fuel", "quantity": 200, "unit": "l"}),
    ]
    told = [(POINT, *each) for each in said] + [("2480-_", "activation", {"state": "active"})]
    for number, (about, kind, data) in enumerate(told):
        yield {
            "specversion": "1.0",
            "id": f"story-{number}",
            "source": "urn:tp:kommun:2480",
            "type": f"se.trygghetspunkt.{kind}.v1",
            "subject": about,
            "time": NOW,
            "reality": "act",
            "data": data,
        }


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[" ".join(each) for each in OPERATIONS])
def test_every_answer_is_documented_and_none_is_a_fault(node: dict[str, Any], method: str, path: str) -> None:
    """Whatever is sent: no 5xx, nothing undocumented, nothing for who is not known, nothing wrong taken for right."""
    operation = SCHEMA[path][method]
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=DERANDOMIZED,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: schemathesis.Case) -> None:
            headers = {"Authorization": f"Bearer {node['token']}"}
            case.call_and_validate(base_url=node["http"], headers=headers, timeout=30)

        try:
            ask()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # it takes nothing that could be wrong


#: What says when it was asked, or counts down.
MOVING = {"/v1/points/{point}/history", "/v1/short"}
REAL = [
    ("/v1/pictures/{level}/{code}", "/v1/pictures/lan/24"),
    ("/v1/pictures/{level}/{code}", "/v1/pictures/kommun/2480"),
    ("/v1/points", "/v1/points?code=2480&limit=1"),
    ("/v1/points/{point}", f"/v1/points/{POINT}"),
    ("/v1/points/{point}", "/v1/points/2480-_"),
    ("/v1/pictures/{level}/{code}", "/v1/pictures/lan/24?at=@"),
    ("/v1/points", "/v1/points?at=@"),
    ("/v1/points/{point}", f"/v1/points/{POINT}?at=@&basis=observed"),
    ("/v1/points/{point}/history", f"/v1/points/{POINT}/history"),
    ("/v1/alerts", "/v1/alerts?status=all"),
    ("/v1/alerts/{key}", f"/v1/alerts/power.lost/{POINT}"),
    ("/v1/needs", "/v1/needs?match=true"),
    ("/v1/short", "/v1/short"),
    ("/v1/links", "/v1/links"),
    ("/v1/me", "/v1/me"),
    ("/v1/tokens", "/v1/tokens"),
    ("/metrics", "/metrics"),
    ("/readyz", "/readyz"),
    ("/healthz", "/healthz"),
    ("/openapi.json", "/openapi.json"),
    ("/asyncapi.json", "/asyncapi.json"),
    ("/public/v1/points", "/public/v1/points"),
    ("/public/v1/points/{point}", f"/public/v1/points/{POINT}"),
    ("/public/v1/kommuner", "/public/v1/kommuner"),
    ("/publik", "/publik?kommun=2480"),
    ("/publik/{name}", "/publik/publik.js"),
]


@pytest.mark.parametrize(("template", "path"), REAL)
def test_what_there_is_is_as_documented(node: dict[str, Any], template: str, path: str) -> None:
    """An answer that has something in it is valid by the document, too, and as GeoJSON; so are its 304 and HEAD's."""
    path = path.replace("@", node["then"])
    with client(node) as http:
        until(lambda: http.get(path).status_code != 503, "the archive has come so far")
        answer = http.get(path)
        assert answer.status_code == 200, answer.text
        SCHEMA[template]["GET"].validate_response(answer)
        if answer.headers["content-type"] == "application/geo+json":
            model = FeatureCollection if "features" in answer.json() else Feature
            model.model_validate(answer.json())
        head = http.head(path)
        assert (head.status_code, head.content) == (200, b"")
        if "etag" in answer.headers and template not in MOVING:
            assert head.headers["etag"] == answer.headers["etag"]
            again = http.get(path, headers={"if-none-match": answer.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", sorted(ENDLESS))
def test_streams_refuse_as_documented(node: dict[str, Any], path: str) -> None:
    """A stream that cannot begin is answered with a documented problem."""
    with client(node) as http:
        for query in ("code=9999", "level=moon", "area=9999", "kinds=gossip", "reality=dream"):
            with http.stream("GET", f"{path}?{query}") as answer:
                if answer.status_code == 200:  # a parameter of the other one
                    continue
                answer.read()
                SCHEMA[path]["GET"].validate_response(answer)
                assert answer.status_code == 400


def test_the_document_is_what_is_served(node: dict[str, Any]) -> None:
    """What a node serves is, byte for byte, what is published with the contracts."""
    with client(node, known=False) as http:
        assert http.get("/openapi.json").content == published()
