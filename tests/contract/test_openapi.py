import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from vardkase.gateway.openapi import published
from vardkase_contracts.schemas import example

from .fixtures import SCHEMAS

DOCUMENT: dict[str, Any] = json.loads(published())
OPERATIONS = [
    pytest.param(path, method, operation, id=f"{method} {path}")
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]


def test_the_checked_in_file_is_that_of_the_routes() -> None:
    """contracts/schemas/v1/openapi.json is what the gateway's routes give."""
    mend = "mend it with: uv run vardkase schema export contracts/schemas/v1"
    assert (SCHEMAS / "openapi.json").read_bytes() == published(), mend


def test_it_is_openapi_3_1_and_every_reference_leads_somewhere() -> None:
    """The version, and no reference to a schema that is not there, nor a schema that nothing refers to."""
    assert DOCUMENT["openapi"].startswith("3.1.")
    named = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert references(DOCUMENT) == named


def references(node: Any) -> set[str]:
    """All `$ref` in a document."""
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


@pytest.mark.parametrize("name", ["Picture", "Alert"])
def test_the_contracts_examples_are_valid_by_it(name: str) -> None:
    """What the streams hold is what the document says that a route answers."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(example(name.lower()))


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_each_route_says_what_it_is_and_what_it_answers(path: str, method: str, operation: dict[str, Any]) -> None:
    """A summary, problems as problems, no answer of the framework's own; who must show who they are is told so."""
    assert operation["summary"]
    assert "HTTPValidationError" not in json.dumps(operation)
    for status, told in operation["responses"].items():
        assert told["description"], (path, method, status)
        if status[0] in "45" and "application/json" not in told.get("content", {}):
            assert "application/problem+json" in told["content"], (path, method, status)
    restricted = path.startswith("/v1/") or path == "/metrics"
    assert ("401" in operation["responses"]) >= restricted
    assert ("security" in operation) >= restricted
