"""What is sent over HTTP is checked as intake and the aggregator check it; a batch keeps each event's bytes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.effort import examples
from vardkase.aggregator.rules_file import load_rules
from vardkase.gateway.problems import Problem
from vardkase.gateway.writing.batch import MOST, split
from vardkase.gateway.writing.items import Checked, CheckedOrder, check_order, check_report, report_item
from vardkase.gateway.writing.short import whole
from vardkase.intake.check import Accepted, check
from vardkase_contracts.areas import KOMMUNER, Area
from vardkase_contracts.instants import parse
from vardkase_contracts.refusals import Refusal
from vardkase_contracts.schemas import DOCUMENTS, example

REPORTS = [example(document.name) for document in DOCUMENTS if document.family == "report"]
ORDERS = [example(document.name) for document in DOCUMENTS if document.family == "order"]
RULES = load_rules(None)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
    st.sampled_from(["2480-x", "9999-x", "2480-_", "urn:tp:kommun:2401", "act", "exe", "1e999", "\u0000", "x" * 130]),
)


@st.composite
def mangled(draw: st.DrawFn, kinds: list[dict[str, Any]]) -> bytes:
    """An event, sound or with something wrong in it."""
    event = json.loads(json.dumps(draw(st.sampled_from(kinds))))
    for _ in range(draw(st.integers(0, 2))):
        of: dict[str, Any] = event
        while True:
            name = draw(st.sampled_from([*of, "extra"]))
            inner = of.get(name)
            if isinstance(inner, dict) and inner and draw(st.booleans()):
                of = inner
                continue
            if draw(st.booleans()):
                of.pop(name, None)
            else:
                of[name] = draw(ODD)
            break
        if not event:
            break
    raw = json.dumps(event).encode()
    return raw[: draw(st.integers(0, len(raw)))] if draw(st.integers(0, 9)) == 0 else raw


@examples(200)
@given(mangled(REPORTS))
def test_a_report_is_refused_as_intake_refuses_it(raw: bytes) -> None:
    """For the same reason and field; and what is taken here intake takes."""
    found = check_report(raw)
    if isinstance(found, Checked):
        item = found.item
        verdict = check(item.subject, raw)
        assert isinstance(verdict, Accepted)
        assert item.key == verdict.identity
        assert item.data == raw
        return
    with pytest.raises(Problem) as error:
        report_item(raw)
    assert (error.value.status, error.value.field, error.value.code) == (422, found.field, found.reason)
    try:
        event = json.loads(raw)
        kommun, kind = event["subject"][:4], event["type"].split(".")[2]
        subject = f"tp.v1.{event['reality']}.report.{KOMMUNER[kommun].lan}.{kommun}.{event['subject'][5:]}.{kind}"
    except (ValueError, TypeError, LookupError, AttributeError):
        return  # no subject that it could have been sent to
    verdict = check(subject, raw)
    if found.reason != "subject_mismatch" and isinstance(verdict, Refusal) and verdict.reason != "subject_mismatch":
        assert found == verdict
    assert isinstance(verdict, Refusal)


@examples(200)
@given(mangled(ORDERS))
def test_an_order_is_checked_without_a_fault_of_ours(raw: bytes) -> None:
    """Whatever comes is an order that can be stored, or a refusal that says where."""
    found = check_order(raw, RULES)
    if isinstance(found, CheckedOrder):
        assert found.item.subject.split(".")[3] == "order"
        assert len(found.item.key) < 200
    else:
        assert found.reason


@examples(100)
@given(st.binary(max_size=200))
def test_bytes_that_are_nothing_are_refused(raw: bytes) -> None:
    """Never an error of ours."""
    assert isinstance(check_report(raw), Refusal)
    assert isinstance(check_order(raw, RULES), Refusal)
    assert isinstance(whole(raw, own=Area.parse("24"), now=0), Refusal)
    split(raw)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=8,
)
BLANKS = st.text(alphabet=" \t\r\n", max_size=3)


@examples(100)
@given(st.data(), st.lists(JSON, max_size=6))
def test_a_batch_keeps_the_bytes_of_each_event(data: st.DataObject, events: list[Any]) -> None:
    """However they are written, with whatever blanks between them."""
    texts = [json.dumps(each, indent=data.draw(st.sampled_from((None, 1))), ensure_ascii=False) for each in events]
    parts = [data.draw(BLANKS) + each + data.draw(BLANKS) for each in texts]
    body = data.draw(BLANKS) + "[" + (",".join(parts) or data.draw(BLANKS)) + "]" + data.draw(BLANKS)
    assert split(body.encode()) == [each.encode() for each in texts]
    for broken in (body + "x", body.replace("[", "[,", 1), body.rstrip()[:-1]):
        assert isinstance(split(broken.encode()), Refusal)


def test_a_batch_is_bounded() -> None:
    """A thousand events, no more; NaN and what is nested without end are no JSON."""
    assert len(split(b"[" + b",".join([b"1"] * MOST) + b"]")) == MOST
    for body in (b"[" + b",".join([b"1"] * (MOST + 1)) + b"]", b"[NaN]", b"[" * 100_000, b'["\xff"]', b"[1 2]", b"{}"):
        assert isinstance(split(body), Refusal)


def test_an_order_in_short_is_the_one_that_is_meant() -> None:
    """Who acts, when, and the envelope are the gateway's to say; `id` is kept, so that a retry is known."""
    now = parse("2026-11-20T02:40:00Z")
    short = {
        "kind": "ack",
        "area": "2480",
        "role": "tib",
        "id": "mine",
        "note": "på väg",
        "data": {"key": "power.lost/2480-x", "level": "red"},
    }
    made = whole(json.dumps(short).encode(), own=Area.parse("24"), now=now)
    assert isinstance(made, bytes)
    assert made == whole(json.dumps(short).encode(), own=Area.parse("24"), now=now)
    found = check_order(made, RULES, once=True)
    assert isinstance(found, CheckedOrder)
    assert json.loads(made)["data"]["by"] == {"role": "tib", "level": "lan", "code": "24"}
    assert found.order.time.isoformat() == "2026-11-20T02:40:00+00:00"
    assert found.item.once
