"""Orders that cannot be followed are refused with the field at fault; those of areas that they do not reach, too."""

from typing import Any

import orjson
import pytest

from oracle import adapter
from oracle.make import order, when
from vardkase.domain.order_check import refusal_of
from vardkase_contracts.orders import ORDER, Order
from vardkase_contracts.schemas import example
from vardkase_contracts.vocab import ORDER_KINDS


def given(kind: str, about: str, **data: Any) -> Order:
    """An order about an area."""
    return ORDER.validate_json(orjson.dumps(order(kind, 0, data, id_="o") | {"subject": about}))


def silence(about: str, **matcher: str) -> Order:
    return given("silence", about, **{"matcher": matcher, "from": when(0), "until": when(60)})


def rules(about: str, scope: str, override: Any = None) -> Order:
    return given("rules", about, scope=scope, override=override)


def incident(about: str, *areas: str) -> Order:
    return given("incident", about, **{"id": "i", "name": "Storm", "areas": areas, "from": when(0)})


@pytest.mark.parametrize("kind", ORDER_KINDS)
def test_the_examples_are_followed(kind: str) -> None:
    """Every example of the contract is an order that a node takes in."""
    assert refusal_of(ORDER.validate_json(orjson.dumps(example(f"order.{kind}"))), adapter.rules()) is None


@pytest.mark.parametrize(
    "order_",
    [
        silence("2480", rule="staff.short"),
        silence("24", point="2480-umedalen", area="2480"),
        silence("SE", area="norra"),
        silence("norra", area="24"),
        silence("2480", point="2480-_"),
        rules("2480", "2480-umedalen"),
        rules("24", "24", {"heat.low": {"yellow": 21}}),
        rules("SE", "norra"),
        incident("24", "24", "SE"),
    ],
    ids=str,
)
def test_what_lies_in_the_area_that_an_order_is_about_is_followed(order_: Order) -> None:
    """A place in the order's own area, or that area itself."""
    assert refusal_of(order_, adapter.rules()) is None


@pytest.mark.parametrize(
    ("order_", "reason", "field"),
    [
        (silence("99", rule="staff.short"), "schema", "subject"),
        (silence("2480", area="2482"), "subject_mismatch", "data.matcher.area"),
        (silence("2480", area="24"), "subject_mismatch", "data.matcher.area"),
        (silence("24", area="9999"), "schema", "data.matcher.area"),
        (silence("24", point="2580-lulea"), "subject_mismatch", "data.matcher.point"),
        (silence("24", point="9999-lulea"), "schema", "data.matcher.point"),
        (rules("2480", "2482-boda"), "subject_mismatch", "data.scope"),
        (rules("2480", "24"), "subject_mismatch", "data.scope"),
        (rules("24", "SE"), "subject_mismatch", "data.scope"),
        (rules("24", "9999-lulea"), "schema", "data.scope"),
        (rules("24", "atlantis"), "schema", "data.scope"),
        (rules("24", "24", {"heat.low": {"yellow": 17}}), "schema", "data.override.heat.low"),
        (rules("24", "24", {"heat.low": {"keep": "7h"}}), "range", "data.override.heat.low.keep"),
        (rules("24", "2480-x", {"area.silent": {"keep": "1h"}}), "schema", "data.override.area.silent"),
        (incident("24", "2480", "9999"), "schema", "data.areas"),
    ],
    ids=str,
)
def test_what_cannot_be_followed_is_refused(order_: Order, reason: str, field: str) -> None:
    """Why, for machines, and the field."""
    refusal = refusal_of(order_, adapter.rules())
    assert refusal is not None
    assert refusal[:2] == (reason, field)
    assert refusal.detail
