"""Every field that a report can have, found in the contract's own schema, and values for those that are restricted.

What is public stands here by name (DOMAIN, "Public or restricted"); all else is restricted, also what the contract
gains tomorrow: a new field is tried without anybody thinking of it.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from oracle.make import POINT, Told, given
from vardkase_contracts.reports import REPORT, REPORT_TYPES
from vardkase_contracts.vocab import SERVICE_CODES

#: What the public may see, by kind of report.
PUBLIC: Mapping[str, frozenset[str]] = {
    "register": frozenset(
        {
            "name",
            "kind",
            "address",
            "position.lon",
            "position.lat",
            "accessibility[]",
            "planned_services[]",
            "publish",
        }
    ),
    "status": frozenset(
        {
            "lifecycle",
            "availability",
            "message.sv",
            "opens_at",
            "closes_at",
            *(f"services.{code}.state" for code in SERVICE_CODES),
        }
    ),
}
#: Restricted, and the public is told of them in bands (`test_public` looks at the bands).
BANDED = frozenset({"register.capacity_day", "register.capacity_night", "status.occupancy"}) | frozenset(
    {"status.capacity_day", "status.capacity_night"}
)
#: Parts of the envelope that say what a report is, or when: without another value of them it is another report.
ENVELOPE = frozenset({"specversion", "type", "subject", "time", "reality", "data"})
#: What a report of a kind must have.
LEAST: Mapping[str, dict[str, Any]] = {
    "register": {
        "name": "Umedalens skola",
        "kind": "trygghetspunkt",
        "position": {"lon": 20.2, "lat": 63.8},
        "publish": "live",
        "capacity_day": 100,
        "planned_services": ["heat"],
    },
    "status": {"lifecycle": "open", "availability": "limited", "occupancy": 30, "message": {"sv": "Välkommen"}},
    "need": {"need_id": "n1"},
    "contact": {"result": "reached"},
    "activation": {"state": "assessing"},
    "withdraw": {"report_ids": ["nobodys"]},
}
#: What a part of a report must have.
PARTS: Mapping[str, dict[str, Any]] = {"need.counterpart": {"counterpart": {"point": "2482-x", "need_id": "n2"}}}
#: In every text and number that is restricted, so that it can be looked for.
MARKER, MARKED_NUMBER = "hemligt", 7317


def is_marked(value: Any) -> bool:
    """Whether a marker stands in a value, or in a text of many."""
    text = str(value).lower()
    return MARKER in text or str(MARKED_NUMBER) in text or str(MARKED_NUMBER / 100) in text


class Restricted(NamedTuple):
    """A restricted field and a value for it."""

    kind: str
    path: str
    value: Any

    @property
    def name(self) -> str:
        """The kind and the path."""
        return f"{self.kind}.{self.path}"


@cache
def _schema() -> dict[str, Any]:
    return REPORT.json_schema(mode="validation")


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = _schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _alternatives(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    schema = _resolved(schema)
    for one in map(_resolved, schema.get("anyOf", (schema,))):
        if one.get("type") != "null":
            yield one


def _leaves(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The fields that hold no fields of their own, with what they may hold."""
    for one in _alternatives(schema):
        match one:
            case {"properties": dict(properties)}:
                for name, inner in properties.items():
                    yield from _leaves(inner, f"{path}.{name}" if path else name)
            case {"type": "array", "items": dict(items)}:
                yield from _leaves(items, f"{path}[]")
            case {"type": "object"} if isinstance(one.get("additionalProperties"), dict):
                yield from _leaves(one["additionalProperties"], f"{path}.sv")
            case {"patternProperties": dict(patterns)}:
                for inner in patterns.values():
                    yield from _leaves(inner, f"{path}.sv")
            case _:
                yield path, one


@cache
def _model(kind: str) -> dict[str, Any]:
    models = _schema()["discriminator"]["mapping"]
    wanted = next(name for name, of in REPORT_TYPES.items() if of == kind)
    return _resolved({"$ref": models[wanted]})


def _values(schema: dict[str, Any]) -> list[Any]:
    """What a field may hold, by its schema: every word of a vocabulary, marked texts and numbers, odd times."""
    match schema:
        case {"enum": list(words)}:
            return words
        case {"const": word}:
            return [word]
        case {"type": "boolean"}:
            return [True, False]
        case {"type": "integer" | "number"}:
            exact = [MARKED_NUMBER, MARKED_NUMBER / 100, MARKED_NUMBER % 100, 3, 2, 1]
            return [*exact, schema.get("minimum", 0), schema.get("maximum", 10**6)]
        case {"format": "date-time"}:
            return ["2026-11-20T09:47:11.737Z", "2026-11-20T23:59:59+01:00", "2027-01-01T00:00:00Z"]
        case _:
            text = [f"{MARKER.upper()} hos oss", MARKER, f"2480-{MARKER}", "2482"]
            return [*text, f"urn:tp:kommun:2480:{MARKER}", "application/json; charset=utf-8", f"exe.2480.{MARKER}"]


def put(data: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The data with a value at a path such as `power.source` or `serves[]`."""
    name, dot, rest = path.partition(".")
    if name.endswith("[]"):
        return {**data, name[:-2]: [value]}
    return {**data, name: put(data.get(name) or {}, rest, value) if dot else value}


def least(kind: str, path: str) -> dict[str, Any]:
    """What a report must have for something to stand at a path of its data."""
    return LEAST.get(kind, {}) | PARTS.get(f"{kind}.{path.partition('.')[0]}", {})


def told(kind: str, minute: float, data: Mapping[str, Any] | None = None, **more: Any) -> Told:
    """A report of a kind, with the least that it must have unless its data are given."""
    point = "2480-_" if kind == "activation" else POINT
    return Told(minute, kind, LEAST.get(kind, {}) if data is None else data, point=point, **more)


def event(report: Told, **envelope: Any) -> dict[str, Any]:
    """A report as a CloudEvent with more in its envelope."""
    (one,) = given([report])
    return {**one.event, **envelope}


def _is_valid(document: Mapping[str, Any]) -> bool:
    try:
        REPORT.validate_json(orjson.dumps(document))
    except ValidationError:
        return False
    return True


def fields() -> Iterator[str]:
    """Every field of every kind of report, public or not."""
    for kind in REPORT_TYPES.values():
        for path, _ in _leaves(_model(kind)["properties"]["data"]):
            if path:
                yield f"{kind}.{path}"


def restricted() -> Iterator[Restricted]:
    """Every restricted field of every kind of report, with each value worth trying.

    Raises:
        AssertionError: there is a field that no value is known for: teach `_values` one.
    """
    for kind in REPORT_TYPES.values():
        for path, schema in _leaves(_model(kind)["properties"]["data"]):
            if not path or path in PUBLIC.get(kind, ()) or f"{kind}.{path}" in BANDED:
                continue
            found = [
                Restricted(kind, path, value)
                for value in _values(schema)
                if _is_valid(event(told(kind, 0, put(least(kind, path), path, value), id="r")))
            ]
            assert found, f"no value for {kind}.{path}: {schema}"
            yield from found


def envelopes() -> Iterator[tuple[str, Any]]:
    """Every part of the envelope that says how a report came about, with each value worth trying."""
    for name, schema in _model("status")["properties"].items():
        if name in ENVELOPE:
            continue
        found = [
            (name, value)
            for one in _alternatives(schema)
            for value in _values(one)
            if _is_valid({**event(told("status", 0, id="r")), name: value})
        ]
        assert found, f"no value for {name}: {schema}"
        yield from found
