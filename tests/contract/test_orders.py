import json
from typing import Any

import pytest
from pydantic import ValidationError

from vardkase_contracts import vocab
from vardkase_contracts.orders import ORDER, order_type
from vardkase_contracts.refusals import explain
from vardkase_contracts.schemas import example

from .fixtures import to_json


def order(kind: str, **data: Any) -> dict[str, Any]:
    """The example of a kind, with other data."""
    event = example(f"order.{kind}")
    return {**event, "data": {**event["data"], **data}}


@pytest.mark.parametrize("kind", vocab.ORDER_KINDS)
def test_round_trip(kind: vocab.OrderKind) -> None:
    """What was read and written again says the same."""
    decoded = ORDER.validate_json(to_json(example(f"order.{kind}")))
    assert (kind, order_type(kind)) == (decoded.kind, decoded.type)
    written = decoded.model_dump_json(exclude_unset=True)
    assert decoded == ORDER.validate_json(written)
    assert set(example(f"order.{kind}")["data"]) == set(json.loads(written)["data"])


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("ack", {"key": "power.endurance"}),
        ("ack", {"level": "green"}),
        ("ack", {"by": {"role": "Anna", "level": "lan", "code": "24"}}),
        ("silence", {"matcher": {}}),
        ("silence", {"until": None}),
        ("incident", {"areas": []}),
        ("incident", {"areas": ["24", "24"]}),
        ("incident", {"name": ""}),
        ("report_request", {"deadline": "2026-11-20"}),
        ("note", {"note": None}),
        ("adopt", {"version": "latest"}),
        ("redact", {"identity": {"reality": "act", "kommun": "2480"}}),
        ("rules", {"scope": "Umeå"}),
        ("rules", {"override": {"heat.low": 3}}),
        ("rules", {"override": "default"}),
        ("silence", {"id": "kväll 1"}),
    ],
)
def test_refused(kind: str, data: dict[str, Any]) -> None:
    """An order that does not say what it must is refused."""
    raw = to_json(order(kind, **data))
    with pytest.raises(ValidationError) as caught:
        ORDER.validate_json(raw)
    refusal = explain(raw, caught.value)
    assert refusal.reason in {"schema", "range"}
    assert refusal.field is not None
    assert refusal.field.startswith(f"data.{next(iter(data))}")


@pytest.mark.parametrize("field", ["from", "until", "override"])
def test_the_field_at_fault_is_named(field: str) -> None:
    """A field is named as it is on the wire, and NaN is not JSON wherever it stands."""
    event = order("rules" if field == "override" else "incident", **{field: "soon"})
    raw = to_json(event)
    with pytest.raises(ValidationError) as caught:
        ORDER.validate_json(raw)
    assert explain(raw, caught.value)[:2] == ("schema", f"data.{field}")


def test_nan_is_not_json() -> None:
    """NaN is refused also where any JSON may stand."""
    raw = to_json(order("rules", override={"heat.low": {"red": "nan"}})).replace(b'"nan"', b"NaN")
    with pytest.raises(ValidationError) as caught:
        ORDER.validate_json(raw)
    assert explain(raw, caught.value).reason == "not_json"


@pytest.mark.parametrize("override", [None, {}, {"heat.low": None}])
def test_an_override_is_taken_away(override: Any) -> None:
    """Nothing in the place of an override is an order, too."""
    decoded = ORDER.validate_json(to_json(order("rules", override=override)))
    assert decoded.kind == "rules"


@pytest.mark.parametrize("source", ["urn:tp:kommun:2480", "urn:tp:civo:norra:stab", "urn:tp:nation:SE:lagesbild-1"])
def test_who_may_order(source: str) -> None:
    """Every level gives orders, in a role or by a system."""
    assert source == ORDER.validate_json(to_json({**example("order.note"), "source": source})).source


@pytest.mark.parametrize("source", ["urn:tp:lan:2480", "urn:tp:nation", "urn:tp:lan:24:", "24"])
def test_who_may_not_order(source: str) -> None:
    """A source that names no area is refused."""
    with pytest.raises(ValidationError):
        ORDER.validate_json(to_json({**example("order.note"), "source": source}))
