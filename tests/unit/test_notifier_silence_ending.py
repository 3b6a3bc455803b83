"""Silences that end soon, as notices of one node."""

from typing import Any

from gateway_kit import alert_of
from vardkase.notifier.notice import Notice
from vardkase.notifier.receiver import Desk
from vardkase.notifier.silence_ending import SilenceEnding
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import parse

NOW = parse("2026-11-20T05:40:00Z")
SILENCE = {
    "id": "s1",
    "level": "lan",
    "code": "24",
    "role": "tib",
    "from": "2026-11-20T03:00:00Z",
    "until": "2026-11-20T06:00:00Z",
    "note": "Provkörning",
}
SOON = SILENCE | {"ends_soon": True}
A, B = "power.endurance/2480-umedalen-skola", "staff.short/2480-umedalen-skola"


def house(area: str = "24") -> tuple[Desk, SilenceEnding]:
    desk = Desk(keep_ended=3600.0, most_ended=100)
    return desk, SilenceEnding(Area.parse(area), "lan-24", lambda: NOW, desk)


def alert(key: str, *silences: dict[str, Any], **more: Any) -> dict[str, Any]:
    return alert_of(key, **({"acks": [], "silences": list(silences), "status": "firing", "level": "red"} | more))


def notice(desk: Desk) -> Notice:
    (found,) = desk
    return found


def test_one_warning_for_all_that_a_silence_holds_back() -> None:
    """It names them, the gravest first, says until when in local time, and is as grave as the gravest."""
    desk, ending = house()
    ending.take(alert(A, SILENCE))
    assert len(desk) == 0, "it does not end soon"
    ending.take(alert(A, SOON))
    assert notice(desk).annotations["summary"] == "Tystnaden upphör 2026-11-20 07:00, och 1 larm består"
    ending.take(alert(B, SOON, level="critical"))
    found = notice(desk)
    assert (found.key, found.level, found.stands) == ("silence_ending/act/s1", "critical", True)
    assert found.document["silence"] == {"id": "s1", "until": SOON["until"], "alerts": [B, A]}
    assert found.labels["lan"] == "24"
    assert found.quiet is None


def test_it_ends_when_nothing_lasts_or_the_silence_is_prolonged() -> None:
    """With the trouble, or with another end of the silence."""
    desk, ending = house()
    ending.take(alert(A, SOON))
    ending.take(alert(B, SOON))
    ending.take(alert(A, SOON, status="cleared", cleared_reason="recovered"))
    assert notice(desk).stands
    ending.take(alert(B, SILENCE | {"until": "2026-11-20T12:00:00Z"}))
    found = notice(desk)
    assert (found.stands, found.ends_at, found.event) == (False, NOW, "s1")


def test_another_areas_silence_is_its_own_to_tell() -> None:
    """The nation is not told that a län's silence ends."""
    desk, ending = house("SE")
    ending.take(alert(A, SOON))
    assert len(desk) == 0


def test_an_exercise_says_so_and_streams_made_anew_are_read_anew() -> None:
    """Its words begin with ÖVNING; what was known before is forgotten."""
    desk, ending = house()
    ending.take(alert(A, SOON, reality="exe"))
    assert notice(desk).annotations["summary"].startswith("ÖVNING: ")
    ending.forget()
    desk.forget()
    ending.take(alert(B, SOON, reality="exe"))
    assert notice(desk).document["silence"]["alerts"] == [B]


def test_the_end_of_what_was_told_before_this_process() -> None:
    """Whoever takes over can end a warning that it never offered."""
    desk, _ = house()
    found = desk.gone("silence_ending/act/s9", "red")
    assert found is not None
    assert (found.event, found.level, found.ends_at) == ("s9", "red", NOW)
