import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from vardkase_contracts import schemas
from vardkase_contracts.reports import REPORT
from vardkase_contracts.schemas import DOCUMENTS, Document, document_schema, example, generate

from .fixtures import SCHEMAS, Faulty, faulty_reports, to_json
from .test_refusals import mutated

OTHERS = {"openapi.json"}
"""Files beside ours: the gateway's own document."""
BEYOND_JSON_SCHEMA = {
    "time_30_february": "the calendar",
    "time_leap_second": "the calendar",
    "time_in_1999": "the value of a time",
    "time_in_2100": "the value of a time",
    "closes_at_in_3000": "the value of a time",
    "occupancy_fraction": "in JSON Schema 35.0 is a whole number",
}
"""Fixtures whose fault a schema cannot see, and why."""
VALIDATORS = {document.name: Draft202012Validator(document_schema(document)) for document in DOCUMENTS}
DOCUMENT_IDS = [document.name for document in DOCUMENTS]


def test_checked_in_files_are_those_of_the_models() -> None:
    """The files in contracts/schemas/v1 are what the models give."""
    made = generate()
    held = {path.name: path.read_bytes() for path in SCHEMAS.glob("*.json") if path.name not in OTHERS}
    faults = [f"{name}: missing" for name in sorted(made.keys() - held.keys())]
    faults += [f"{name}: of no model" for name in sorted(held.keys() - made.keys())]
    faults += [f"{name}: differs" for name in sorted(made.keys() & held.keys()) if made[name] != held[name]]
    mend = "mend it with: uv run vardkase schema export contracts/schemas/v1 (and remove what is of no model)"
    assert not faults, "\n".join((*faults, mend))


@pytest.mark.parametrize("document", DOCUMENTS, ids=DOCUMENT_IDS)
def test_schema(document: Document) -> None:
    """Each schema is one, has a stable id, and tells what every field is for."""
    schema = document_schema(document)
    Draft202012Validator.check_schema(schema)
    assert f"urn:tp:schema:v1:{document.name}" == schema["$id"]
    definitions = schema.get("$defs", {})
    for part in (schema, *definitions.values()):
        for name, field in part.get("properties", {}).items():
            held = definitions.get(field.get("$ref", "").removeprefix("#/$defs/"), {})
            assert field.get("description") or held.get("description"), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=DOCUMENT_IDS)
def test_example(document: Document) -> None:
    """Each example is valid by its schema and by its model, and survives a round trip."""
    VALIDATORS[document.name].validate(example(document.name))
    adapter = TypeAdapter(document.model)
    decoded = adapter.validate_json(to_json(example(document.name)))
    written = adapter.dump_json(decoded, exclude_unset=True)
    assert decoded == adapter.validate_json(written)
    assert set(example(document.name)) == set(json.loads(written))


@pytest.mark.parametrize(
    "faulty",
    [faulty for faulty in faulty_reports() if faulty.reason in {"schema", "range"}],
    ids=lambda faulty: faulty.name,
)
def test_schemas_refuse_what_we_refuse(faulty: Faulty) -> None:
    """Who checks by the schemas finds the same faults, but for the few that a schema cannot see."""
    event = json.loads(faulty.raw)
    validator = VALIDATORS[f"report.{event['type'].split('.')[2]}"]
    assert (faulty.name in BEYOND_JSON_SCHEMA) == validator.is_valid(event)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(mutated())
def test_schemas_accept_what_we_accept(raw: bytes) -> None:
    """What is accepted is valid by the schema: nobody who checks by it refuses a good report."""
    if _is_accepted(raw):
        event = json.loads(raw)
        VALIDATORS[f"report.{event['type'].split('.')[2]}"].validate(event)


def _is_accepted(raw: bytes) -> bool:
    try:
        REPORT.validate_json(raw)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if d.family in {"report", "order"}], ids=lambda d: d.name)
def test_everything_that_comes_in_is_bounded(document: Document) -> None:
    """Every text, list and number that a sender chooses has bounds."""
    schema = document_schema(document)
    assert [fault for name, part in _parts(schema) for fault in _unbounded(name, part)] == []


def _parts(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [("", schema), *schema.get("$defs", {}).items()]


def _unbounded(path: str, node: dict[str, Any]) -> list[str]:
    faults: list[str] = []
    kind = node.get("type")
    if kind == "string" and not _text_is_bounded(node):
        faults.append(path)
    if kind in {"integer", "number"} and not (
        ({"minimum", "exclusiveMinimum"} & node.keys()) and ({"maximum", "exclusiveMaximum"} & node.keys())
    ):
        faults.append(path)
    if kind == "array" and "maxItems" not in node:
        faults.append(path)
    if kind == "object" and "properties" not in node and "maxProperties" not in node and "title" not in node:
        faults.append(path)
    for name, inner in node.get("properties", {}).items():
        faults += _unbounded(f"{path}.{name}", inner)
    for name in ("items", "additionalProperties", "propertyNames"):
        if isinstance(node.get(name), dict):
            faults += _unbounded(f"{path}.{name}", node[name])
    for inner in (*node.get("anyOf", []), *node.get("patternProperties", {}).values()):
        faults += _unbounded(path, inner)
    return faults


def _text_is_bounded(node: dict[str, Any]) -> bool:
    if {"maxLength", "enum", "const"} & node.keys() or node.get("format") == "date-time":
        return True
    without_classes = re.sub(r"\[[^\]]*\]", "", node.get("pattern", "*"))
    return not re.search(r"[*+]|\{[0-9]*,\}", without_classes)


def test_null_is_no_default() -> None:
    """No schema says that leaving a field out is the same as null."""
    for document in DOCUMENTS:
        assert '"default": null' not in schemas.to_bytes(document_schema(document)).decode()


def test_generated_twice_is_the_same() -> None:
    """The files do not change by being made again."""
    assert generate() == generate()
