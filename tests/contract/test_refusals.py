import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from vardkase_contracts import refusals, vocab
from vardkase_contracts.refusals import Refusal, RejectedEvent, explain, mismatch
from vardkase_contracts.reports import REPORT
from vardkase_contracts.schemas import example
from vardkase_contracts.subjects import ReportSubject, parse_report

from .fixtures import REPORT_NAMES, Faulty, faulty_reports, report, to_json

FAULTY = faulty_reports()


def verdict(subject: str, raw: bytes) -> Refusal | None:
    """What intake does, step by step: the subject, the event, whether they agree."""
    parsed = parse_report(subject)
    if not isinstance(parsed, ReportSubject):
        return Refusal(parsed.reason, parsed.field, parsed.detail)
    try:
        event = REPORT.validate_json(raw)
    except ValidationError as error:
        return explain(raw, error)
    return mismatch(parsed, event)


@pytest.mark.parametrize("faulty", FAULTY, ids=lambda faulty: faulty.name)
def test_refused_by_its_fault(faulty: Faulty) -> None:
    """A report with one fault is refused for that fault, and the field is named."""
    refusal = verdict(faulty.subject, faulty.raw)
    assert refusal is not None
    assert (faulty.reason, faulty.field) == (refusal.reason, refusal.field), refusal.detail


@pytest.mark.parametrize("faulty", FAULTY, ids=lambda faulty: faulty.name)
def test_detail_is_one_line(faulty: Faulty) -> None:
    """Why it was refused is told in one line that fits the rejected event."""
    refusal = verdict(faulty.subject, faulty.raw)
    assert refusal is not None
    assert len(refusal.detail.splitlines()) == 1
    RejectedEvent.model_validate(
        {**RejectedEvent.model_validate_json(to_json(example("rejected"))).model_dump(), "data": _data(refusal)}
    )


def _data(refusal: Refusal) -> dict[str, Any]:
    held = RejectedEvent.model_validate_json(to_json(example("rejected"))).data.model_dump()
    return {**held, **refusal._asdict()}


def test_every_reason_of_the_contract_has_a_fixture() -> None:
    """Each reason is shown, but for the two that need more than a subject and an event."""
    assert set(vocab.REFUSAL_REASONS) - {"too_large", "signature"} == {faulty.reason for faulty in FAULTY}


@pytest.mark.parametrize("name", REPORT_NAMES)
def test_examples_are_accepted(name: str) -> None:
    """The examples of the documents are accepted under their own subject."""
    event = example(name)
    kommun, slug = event["subject"][:4], event["subject"][5:]
    subject = f"tp.v1.act.report.{kommun[:2]}.{kommun}.{slug}.{name.removeprefix('report.')}"
    assert verdict(subject, to_json(event)) is None


def test_the_gravest_fault_is_told() -> None:
    """Of several faults the one that explains the others is told: not an event, then the schema, then the range."""
    event = report("status", data={"occupancy": -1, "lifecycle": "ajar"})
    assert _refused(event)[:2] == ("schema", "data.lifecycle")
    assert _refused({**event, "id": 7})[:2] == ("not_cloudevent", "id")


def _refused(event: dict[str, Any]) -> Refusal:
    with pytest.raises(ValidationError) as caught:
        REPORT.validate_json(to_json(event))
    return explain(to_json(event), caught.value)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_order(raw: bytes) -> None:
    """Whatever bytes come in, they are refused with a reason, and nothing else is raised."""
    with pytest.raises(ValidationError) as caught:
        REPORT.validate_json(raw)
    assert explain(raw, caught.value).reason in {"not_json", "not_cloudevent"}


SECRET = "hemlig8001011234"  # noqa: S105 -- what must not come back
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from(["1763606400", "2026-11-20", "\udcff", SECRET, 10**30, -(10**30), [], {}]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([SECRET, "state", "sv", "a b"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def _paths(node: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(node, dict):
        return [path]
    return [path, *(found for key, inner in node.items() for found in _paths(inner, (*path, key)))]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """An example with something else, or something more, in one place."""
    event = example(draw(st.sampled_from(REPORT_NAMES)))
    path = draw(st.sampled_from(_paths(event)))
    node = event
    for key in path[:-1]:
        node = node[key]
    value = draw(ANY_JSON)
    if path and draw(st.booleans()):
        node[path[-1]] = value
    else:
        node[draw(st.sampled_from([SECRET, "extra", "state", "power"]))] = value
    return json.dumps(event).encode()


@settings(max_examples=1000, deadline=None)
@given(mutated())
def test_a_changed_report_is_accepted_or_refused_in_order(raw: bytes) -> None:
    """Whatever stands in a field, the report is accepted or refused with a reason, and what it held is not repeated."""
    fault = _fault(raw)
    if fault is not None:
        refusal = explain(raw, fault)
        assert refusal.reason in {"not_json", "not_cloudevent", "schema", "range", "unknown_kommun"}
        assert SECRET not in f"{refusal.field} {refusal.detail}"


def _fault(raw: bytes) -> ValidationError | None:
    try:
        REPORT.validate_json(raw)
    except ValidationError as error:
        return error
    return None


def test_what_was_sent_is_not_repeated() -> None:
    """A value, an unknown field's name and a wrong type never stand in a refusal."""
    for event in (
        report("status", type=SECRET),
        report("status", data={"lifecycle": SECRET}),
        report("status", data={"message": {SECRET.upper(): "x"}}),
        report("status", data={SECRET: float("inf")}),
        report("register", data={"serves": [SECRET]}),
    ):
        refusal = _refused(event)
        assert SECRET.lower() not in f"{refusal.field} {refusal.detail}".lower()


def test_a_hostile_report_is_explained_fast() -> None:
    """A report full of faults does not keep the node busy: the worst of 64 KiB is explained well within a second."""
    raw = to_json(report("status", data={"message": {f"K{number}": 1 for number in range(5000)}}))
    with pytest.raises(ValidationError) as caught:
        REPORT.validate_json(raw)
    assert explain(raw, caught.value) == Refusal("schema", "data.message", refusals.LANGUAGE_FORM)
