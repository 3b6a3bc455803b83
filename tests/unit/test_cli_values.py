from typing import Any

import pytest

from vardkase.cli.values import set_value
from vardkase.runtime.errors import Refused
from vardkase_contracts.vocab import ReportKind


def data_of(kind: ReportKind, *assignments: str) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for assignment in assignments:
        set_value(data, kind, assignment)
    return data


def test_a_value_is_what_its_field_takes() -> None:
    """Numbers, words, truth and "unknown now", each as the contract has it."""
    assert data_of(
        "resources",
        "power.source=backup",
        "power.fuel_l=60",
        "power.fuel_l_per_h=null",
        "comms.can_call_112=false",
        "staff.present=2",
    ) == {
        "power": {"source": "backup", "fuel_l": 60, "fuel_l_per_h": None},
        "comms": {"can_call_112": False},
        "staff": {"present": 2},
    }


def test_a_note_of_digits_is_a_text() -> None:
    """What looks like a number is a text where the field is one, with what an equals sign follows."""
    assert data_of("status", "note=42", "occupancy=42") == {"note": "42", "occupancy": 42}
    assert data_of("status", "note=a=b") == {"note": "a=b"}
    assert data_of("need", "need_id=17", "quantity=17") == {"need_id": "17", "quantity": 17}


def test_a_service_and_a_message_have_short_forms() -> None:
    """A service's state alone, and a Swedish message alone, are put where they belong."""
    assert data_of("status", "services.heat=stopped", "services.food.state=limited", "message=Öppet") == {
        "services": {"heat": {"state": "stopped"}, "food": {"state": "limited"}},
        "message": {"sv": "Öppet"},
    }
    assert data_of("status", "message.en=Open") == {"message": {"en": "Open"}}


def test_lists_and_objects_are_json() -> None:
    """A list is given as JSON."""
    assert data_of("withdraw", 'report_ids=["a","b"]', "reason=fel punkt") == {
        "report_ids": ["a", "b"],
        "reason": "fel punkt",
    }


@pytest.mark.parametrize(
    ("kind", "assignment", "says"),
    [
        ("resources", "power.fule_l=60", "fuel_l"),
        ("resources", "power", "path=value"),
        ("resources", "=1", "path=value"),
        ("resources", "power.source.x=1", "power.source has no parts"),
        ("confirm", "x=1", "the fields here: none"),
    ],
)
def test_what_is_no_field_is_refused(kind: ReportKind, assignment: str, says: str) -> None:
    """The line names the assignment, and where it helps the fields there are."""
    with pytest.raises(Refused, match=says):
        data_of(kind, assignment)


def test_a_wrong_value_is_left_to_the_contract() -> None:
    """A value that its field does not take is passed on, so that the contract says why."""
    assert data_of("resources", "power.source=diesel") == {"power": {"source": "diesel"}}
    assert data_of("status", "occupancy=many") == {"occupancy": "many"}
