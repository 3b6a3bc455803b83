import json
from datetime import datetime

import pytest

from vardkase_contracts.client import InvalidEvent, new_id, new_order, new_report
from vardkase_contracts.client.events import encode_report
from vardkase_contracts.report_data import Power, ResourcesData


def test_ids_made_later_sort_later_and_differ() -> None:
    """An id is 26 characters of Crockford's alphabet, and a thousand of them are a thousand."""
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {len(one) for one in ids} == {26}
    assert [one[:10] for one in ids] == sorted(one[:10] for one in ids)


def test_unknown_now_is_said_and_left_out_is_not() -> None:
    """None in the data is sent as null; what was left out is not sent at all."""
    event = new_report("status", "2480-a", {"occupancy": None})
    assert json.loads(encode_report(event).payload)["data"] == {"occupancy": None}


def test_data_can_be_a_model() -> None:
    """A model's given fields are the data."""
    event = new_report("resources", "2480-a", ResourcesData(power=Power(source="mains")))
    assert json.loads(encode_report(event).payload)["data"] == {"power": {"source": "mains"}}


def test_a_kommuns_code_is_the_kommun_itself() -> None:
    """An activation is about the kommun; its code is enough."""
    assert new_report("activation", "2480", {"state": "active"}).subject == "2480-_"


@pytest.mark.parametrize(
    ("field", "build"),
    [
        ("data.power.fuel_l", lambda: new_report("resources", "2480-a", {"power": {"fuel_l": -1}})),
        ("data.lifecycle", lambda: new_report("status", "2480-a", {"lifecycle": "opened"})),
        ("subject", lambda: new_report("confirm", "umedalen")),
        ("subject", lambda: new_report("confirm", "9999-a")),
        ("time", lambda: new_report("confirm", "2480-a", observed_at=datetime(2026, 11, 20))),  # noqa: DTZ001
        ("source", lambda: new_report("confirm", "2480-a", reporter="Åsa Öberg")),
        ("source", lambda: encode_report({**_event(), "source": "urn:tp:kommun:2580"})),
        ("id", lambda: new_report("confirm", "2480-a", id="a b")),
        ("data", lambda: new_report("confirm", "2480-a", {"x": object()})),
        ("(the event)", lambda: encode_report(b"{" + b" " * 70_000 + b"}")),
        ("subject", lambda: new_order("note", "99", role="tib", acting_for="24", note="x")),
        ("by.code", lambda: new_order("note", "24", role="tib", acting_for="mars", note="x")),
        ("data.key", lambda: new_order("ack", "24", {"key": "x", "level": "red"}, role="tib", acting_for="24")),
    ],
)
def test_what_would_be_refused_names_its_field(field: str, build) -> None:  # noqa: ANN001
    """An event that every node would refuse is refused at once, with the field."""
    with pytest.raises(InvalidEvent) as caught:
        build()
    assert caught.value.field == field


def _event() -> dict[str, object]:
    return json.loads(new_report("confirm", "2480-a").model_dump_json(exclude_unset=True))
