import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from vardkase_contracts import reports, vocab
from vardkase_contracts.base import Incoming
from vardkase_contracts.reports import REPORT, REPORT_TYPES, ReportBase, StatusReport, extras
from vardkase_contracts.schemas import DOCUMENTS, example

from .fixtures import REPORT_NAMES, report, to_json


def read(event: Any) -> Any:
    return REPORT.validate_json(to_json(event))


@pytest.mark.parametrize("name", REPORT_NAMES)
def test_round_trip(name: str) -> None:
    """What was read and written again says the same: what was left out stays out, and null stays null."""
    decoded = read(example(name))
    again = REPORT.validate_json(decoded.model_dump_json(exclude_unset=True))
    assert decoded == again
    assert set(json.loads(decoded.model_dump_json(exclude_unset=True))) == set(example(name))


@pytest.mark.parametrize("name", REPORT_NAMES)
def test_kind_kommun_and_slug(name: str) -> None:
    """A report knows its kind, its kommun and its point."""
    decoded = read(example(name))
    assert name.removeprefix("report.") == decoded.kind
    assert decoded.kommun == decoded.source_kommun == "2480"
    assert f"{decoded.kommun}-{decoded.slug}" == decoded.subject


def test_every_kind_has_a_type() -> None:
    """Kinds, types and models are the same set."""
    assert tuple(REPORT_TYPES.values()) == vocab.REPORT_KINDS
    assert [document.name.removeprefix("report.") for document in DOCUMENTS if document.family == "report"] == list(
        vocab.REPORT_KINDS
    )


def test_left_out_is_not_null() -> None:
    """A field left out says nothing, null says unknown now: the two can be told apart."""
    decoded = read(report("status", data={"occupancy": None}))
    assert decoded.data.model_fields_set == {"occupancy"}
    assert decoded.data.occupancy is None


def test_extra_fields_are_counted_not_refused() -> None:
    """Fields that are not in the contract are ignored and counted, wherever they stand."""
    event = report("status", traceparent="00-abc", data={"services": {"heat": {"state": "stopped", "why": "fuel"}}})
    event["data"]["temperature"] = 19.5
    event["data"]["services"]["sauna"] = {"state": "available"}
    decoded = read(event)
    assert extras(decoded) == 4
    assert decoded.data.service_states() == {"heat": "stopped"}
    assert extras(read(example("report.status"))) == 0


def test_extras_are_counted_in_every_part() -> None:
    """Each part of each report is looked into."""
    register = example("report.register")
    register["data"]["position"]["altitude"] = 12
    assert extras(read(register)) == 1
    resources = example("report.resources")
    for section in resources["data"].values():
        section["colour"] = "blue"
    assert extras(read(resources)) == len(resources["data"])


def test_parts_are_told_of() -> None:
    """Every field that holds a part with fields of its own is among those whose extras are counted."""
    found: dict[type[Incoming], set[str]] = {}
    for model in _models(Incoming):
        if issubclass(model, ReportBase) or model.__module__ != "vardkase_contracts.report_data":
            continue
        parts = {name for name, field in model.model_fields.items() if "Incoming" in _bases(field.annotation)}
        if parts:
            found[model] = parts
    assert found == {model: set(names) for model, names in reports._PARTS.items()}


def _models(base: type[Incoming]) -> list[type[Incoming]]:
    return [base, *(found for subclass in base.__subclasses__() for found in _models(subclass))]


def _bases(annotation: Any) -> set[str]:
    held = getattr(annotation, "__args__", (annotation,))
    return {base.__name__ for one in held if isinstance(one, type) for base in one.__mro__}


def test_services() -> None:
    """Only services that are mentioned are said anything of; null of all says unknown of each."""
    assert read(report("status", data={})).data.service_states() == {}
    assert read(report("status", data={"services": {"heat": None, "food": {"state": None}}})).data.service_states() == {
        "heat": None,
        "food": None,
    }
    assert read(report("status", data={"services": None})).data.service_states() == dict.fromkeys(vocab.SERVICE_CODES)
    assert tuple(reports.Services.model_fields) == vocab.SERVICE_CODES


def test_null_is_the_default_where_there_is_one() -> None:
    """A register that says null where a default stands gets the default."""
    event = example("report.register")
    event["data"] |= {"publish": None, "staff_min": None, "refill_lead_h": None}
    data = read(event).data
    assert (data.publish, data.staff_min, data.refill_lead_h) == ("hidden", 2, 4.0)
    assert read(report("status", quality=None)).quality == "observed"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T03:40:00+01:00", datetime(2026, 11, 20, 2, 40, tzinfo=UTC)),
        ("2026-11-20T02:40:00Z", datetime(2026, 11, 20, 2, 40, tzinfo=UTC)),
        ("2026-11-20t02:40:00.123456789z", datetime(2026, 11, 20, 2, 40, 0, 123456, tzinfo=UTC)),
        ("2026-11-20T02:40:00-00:00", datetime(2026, 11, 20, 2, 40, tzinfo=UTC)),
        ("2000-01-01T00:00:00Z", datetime(2000, 1, 1, tzinfo=UTC)),
        ("2099-12-31T23:59:59.999999Z", datetime(2099, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_times(text: str, expected: datetime) -> None:
    """RFC 3339 with an offset is read to the microsecond."""
    assert expected == read(report("status", time=text)).time


def test_made_in_python() -> None:
    """A report can be made of Python values: aware datetimes, and nothing that would have to be converted."""
    decoded = read(example("report.status"))
    fields = {name: getattr(decoded, name) for name in decoded.model_fields_set}
    assert decoded == StatusReport(**fields)
    for wrong in ("2026-11-20T03:40:00Z", datetime(2026, 11, 20), datetime(1999, 1, 1, tzinfo=UTC)):  # noqa: DTZ001
        with pytest.raises(ValidationError):
            StatusReport(**{**fields, "time": wrong})


def test_frozen() -> None:
    """A report cannot be changed."""
    with pytest.raises(ValidationError):
        read(example("report.status")).time += timedelta(hours=1)


def test_of_repeated_keys_the_last_counts() -> None:
    """An object that says a field twice is read as JSON readers do: the last one counts."""
    raw = to_json(report("status")).replace(b'"reality": "act"', b'"reality": "exe", "reality": "act"')
    assert REPORT.validate_json(raw).reality == "act"
