"""What is sent over HTTP as it is to be stored: checked as the node checks it, under the same reasons and fields."""

import hashlib
from typing import Final, NamedTuple

from pydantic import ValidationError

from vardkase.domain.order_check import refusal_of
from vardkase.domain.rules import Rules
from vardkase.gateway.problems import Problem
from vardkase_contracts import signing, streams, subjects
from vardkase_contracts.areas import KOMMUNER, Area
from vardkase_contracts.orders import ORDER, Order
from vardkase_contracts.refusals import Refusal, explain, mismatch
from vardkase_contracts.reports import MAX_BYTES, REPORT, Report
from vardkase_contracts.subjects import ReportSubject

from .scope import beyond

_TOO_LARGE: Final = Refusal("too_large", None, f"An event is at most {MAX_BYTES} bytes")


class Item(NamedTuple):
    """An event on its way into a stream."""

    id: str
    """The event's own."""
    key: str
    """What it is known under in `HTTP_KNOWN`: made of its identity."""
    stream: str
    """Which stream it goes into."""
    subject: str
    """Under which subject."""
    data: bytes
    """Its bytes, as they were sent."""
    once: bool = False
    """Its bytes were made here (its `time` of an age, say), and its id alone tells whether it is known: then the bytes
    of then are what counts."""
    signature: str | None = None
    """What its sender signed it with. None: it is signed here, if the node has a key of its kommun."""
    kommun: str | None = None
    """Of a report: whose it is."""


class Checked(NamedTuple):
    """A report that every node takes, and how it is stored."""

    report: Report
    item: Item


class CheckedOrder(NamedTuple):
    """An order that every node follows, and how it is stored."""

    order: Order
    item: Item


def check_report(raw: bytes, *, once: bool = False, signature: str | None = None) -> Checked | Refusal:
    """Check a report as intake does: the same is refused, for the same reason.

    Args:
        raw: the event's JSON.
        once: see `Item.once`.
        signature: see `Item.signature`; its form alone is checked.
    """
    if len(raw) > MAX_BYTES:
        return _TOO_LARGE
    if signature is not None and signing.parse(signature) is None:
        return Refusal("signature", None, f"The header {signing.HEADER} should be <key id>:<signature in base64>")
    try:
        report = REPORT.validate_json(raw)
    except ValidationError as error:
        return explain(raw, error)
    kommun = KOMMUNER.get(report.kommun)
    if kommun is None:
        return Refusal("unknown_kommun", "subject", "There is no kommun with this code")
    where = ReportSubject(report.reality, kommun.lan, kommun.code, report.slug, report.kind)
    if (disagreement := mismatch(where, report)) is not None:
        return disagreement
    subject = subjects.report(report.reality, kommun.code, report.slug, report.kind)
    key = f"{report.reality}.{kommun.code}.{report.id}"
    return Checked(report, Item(report.id, key, streams.INTAKE, subject, raw, once, signature, kommun.code))


def check_order(raw: bytes, rules: Rules, *, once: bool = False) -> CheckedOrder | Refusal:
    """Check an order as the aggregator does, and that it reaches no further than the area that it is about.

    Args:
        raw: the event's JSON.
        rules: the node's own table.
        once: see `Item.once`.
    """
    if len(raw) > MAX_BYTES:
        return _TOO_LARGE
    try:
        order = ORDER.validate_json(raw)
    except ValidationError as error:
        return explain(raw, error)
    refusal = refusal_of(order, rules) or beyond(order)
    if refusal is not None:
        return refusal
    subject = subjects.order(order.reality, Area.parse(order.subject), order.kind)
    by = hashlib.sha256(order.source.encode()).hexdigest()[:16]  # a source holds what a key cannot
    key = f"{order.reality}.order.{by}.{order.id}"
    return CheckedOrder(order, Item(order.id, key, streams.ORDERS_UP, subject, raw, once))


def report_item(raw: bytes, *, once: bool = False) -> Item:
    """A report that was made here, as it is to be stored.

    Args:
        raw: the event's JSON.
        once: see `Item.once`.

    Raises:
        Problem: it would be refused: 413 or 422, naming the field.
    """
    found = check_report(raw, once=once)
    if isinstance(found, Refusal):
        raise refused(found)
    return found.item


def refused(refusal: Refusal, *, index: int | None = None) -> Problem:
    """A refusal as an answer.

    Args:
        refusal: why.
        index: the event's place in its batch, from 0.
    """
    status = 413 if refusal.reason == "too_large" else 422
    problem = Problem(status, refusal.reason, refusal.detail, field=refusal.field, reason=refusal.reason)
    if index is not None:
        problem.more["index"] = index
    return problem
