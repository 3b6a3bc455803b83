"""The handover report: what is put under which heading, bounded, told with what it rests on. Pure."""

import copy
from collections.abc import Mapping
from typing import Any

import orjson

from vardkase.archive.changes import alert_entry
from vardkase.archive.handover import MOST, Cutoff, Frame, Now, compose
from vardkase.archive.places import concerning, inside
from vardkase.cli.changes import in_words
from vardkase.gateway.reporting import pages
from vardkase.gateway.shift.printed import WORDS
from vardkase.gateway.shift.since import since
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import DAY, HOUR, iso, parse
from vardkase_contracts.schemas import example

NOW = parse("2026-11-20T02:40:00Z")
LAN = Area.parse("24")
FRAME = Frame(LAN, "act", NOW, Cutoff(NOW - 12 * HOUR, "default"), 8)


def alert(key: str = "heat.low/2480-a", **changes: Any) -> dict[str, Any]:
    """An alert that stands."""
    told = copy.deepcopy(example("alert")) | {"key": key, "acks": [], "inhibited_by": None}
    return told | changes


def ack(until: int) -> dict[str, Any]:
    """Somebody took it in."""
    return {"level": "lan", "code": "24", "role": "tib", "at": iso(NOW - HOUR), "until": iso(until), "note": "på väg"}


def now_of(**changes: Any) -> Now:
    """The live part."""
    given: dict[str, Any] = {"picture": example("picture"), "alerts": [], "needs": [], "short": [], "names": {}}
    return Now(**(given | changes))


def past_of(changes: list[Mapping[str, Any]], *, truncated: bool = False) -> dict[str, Any]:
    """The past."""
    return {
        "picture": example("picture"),
        "reports": 5,
        "changes": changes,
        "truncated": truncated,
        "silences": [],
    }


def short(point: str, runs_out: int | None, *, dark: bool = False) -> dict[str, Any]:
    """What runs short."""
    told = None if runs_out is None else iso(runs_out)
    return {
        "point": point,
        "name": point,
        "dark": dark,
        "endurance_known": told is not None,
        "runs_out_at": told,
        "refill": None,
        "medical_charging": False,
        "overnight": False,
    }


def shown(report: Mapping[str, Any]) -> str:
    """The report as a page."""
    given = {"sedan": "", "timmar": 8}
    told = orjson.loads(orjson.dumps(report))
    shapes: dict[str, Any] = {"area": LAN, "given": given, "hours": (8,), "wrong": "", "say": WORDS}
    return pages.page(
        "overlamning.html", now=NOW, report=told, reality=report["reality"], realities=["act"], **shapes
    ).decode()


def test_what_runs_out_in_the_next_shift_is_told_and_what_runs_out_later_is_not() -> None:
    """To the end of the shift, the dark apart, the unknown counted."""
    found = [short("a", None, dark=True), short("b", None), short("c", NOW + 8 * HOUR), short("d", NOW + 8 * HOUR + 1)]
    forecast = compose(FRAME, now_of(short=found), past_of([]))["forecast"]
    assert [each["point"] for each in forecast["dark"]["items"]] == ["a"]
    assert [each["point"] for each in forecast["runs_out"]["items"]] == ["c"]
    assert forecast["unknown"] == 1


def test_an_ack_that_has_run_out_is_nobody_s_work() -> None:
    """The alert stands among those that nobody has acknowledged."""
    alerts = [alert(acks=[ack(NOW - 1)]), alert("power.lost/2480-a", acks=[ack(NOW + HOUR)])]
    report = compose(FRAME, now_of(alerts=alerts), past_of([]))
    assert [each["key"] for each in report["measures"]["unacked"]["items"]] == ["heat.low/2480-a"]
    assert [each["key"] for each in report["measures"]["acked"]["items"]] == ["power.lost/2480-a"]
    assert report["forecast"]["acks"]["count"] == 1
    assert alerts[0]["acks"], "what was given is left as it was"


def test_the_gravest_stand_first_and_the_muted_are_counted_alone() -> None:
    """Critical, red, yellow; then those that have stood longest."""
    alerts = [
        alert("a.a/2480-a", level="yellow", raised_at=iso(NOW - 9 * HOUR)),
        alert("b.b/2480-a", level="critical", raised_at=iso(NOW)),
        alert("c.c/2480-a", level="red", inhibited_by="b.b/2480-a"),
        alert("d.d/2480-a", level="critical", raised_at=iso(NOW - HOUR)),
    ]
    measures = compose(FRAME, now_of(alerts=alerts), past_of([]))["measures"]
    assert [each["key"][0] for each in measures["unacked"]["items"]] == ["d", "b", "a"]
    assert measures["inhibited"] == 1


def test_without_the_archive_nothing_is_said_of_the_past() -> None:
    """Not that nothing happened: that it is not known."""
    report = compose(FRAME, now_of(alerts=[alert()]), None, "arkivet går inte att läsa just nu")
    assert report["events"] is None
    assert report["condition"]["then"] is None
    assert report["measures"]["since"] is None
    assert report["sources"]["archive"] == {
        "there": False,
        "why": "arkivet går inte att läsa just nu",
        "reports": None,
        "changes": None,
        "truncated": False,
    }
    said = shown(report)
    assert "Arkivet är borta" in said
    assert "Inget har ändrats" not in said


def test_the_hash_names_the_report() -> None:
    """The same gives the same; anything else another."""
    first = compose(FRAME, now_of(), past_of([]))
    assert compose(FRAME, now_of(), past_of([]))["sha256"] == first["sha256"]
    assert compose(FRAME, now_of(alerts=[alert()]), past_of([]))["sha256"] != first["sha256"]
    assert first["sha256"] in shown(first)


def test_a_report_of_too_much_says_so() -> None:
    """A list ends after its most and says how many there are; what was left out is said first of all."""
    entry = alert_entry(alert(), None, NOW)
    assert entry is not None
    report = compose(FRAME, now_of(alerts=[alert()] * (MOST + 5)), past_of([entry] * 1_000, truncated=True))
    assert (report["events"]["raised"]["count"], len(report["events"]["raised"]["items"])) == (1_000, MOST)
    said = shown(report)
    assert "För mycket har hänt för ett blad" in said
    assert "… och 800 till" in said


def test_what_was_not_said_of_a_need_or_a_refill_breaks_no_page() -> None:
    """A need without a time, a refill that is only confirmed, an alert about an area, an order without an end."""
    need = {"point": "2480-a", "name": None, "direction": "need", "state": "requested", "overdue": False}
    runs_out = short("2480-a", NOW + HOUR) | {"refill": {"confirmed": True}}
    order = {
        "what": "order.incident",
        "at": iso(NOW),
        "stored_at": iso(NOW),
        "area": "24",
        "point": None,
        "by": {"role": "tib", "level": "lan", "code": "24"},
        "note": None,
        "order": {"id": "o", "name": "Storm", "areas": ["24"], "from": iso(NOW)},
    }
    of_area = alert("area.silent/2480", point=None)
    report = compose(FRAME, now_of(needs=[need], short=[runs_out], alerts=[of_area]), past_of([order]))
    said = shown(report)
    assert "Annat" in said
    assert "Storm" in said


def test_an_exercise_is_never_taken_for_the_real_thing() -> None:
    """The page is stamped, and what people wrote is escaped."""
    told = alert(acks=[{**ack(NOW + HOUR), "note": "<script>alert(1)</script>"}])
    report = compose(FRAME._replace(reality="exe"), now_of(alerts=[told]), past_of([]))
    said = shown(report)
    assert "ÖVNING – ÖVNING – ÖVNING" in said  # noqa: RUF001 -- as it is printed
    assert "<script" not in said
    assert "&lt;script&gt;" in said


def test_an_alert_tells_what_is_new() -> None:
    """Raised, another level, acknowledged, cleared; not evidence alone, nor a second clearing."""
    stands = alert(level="yellow")
    changes = [
        (stands, None, "alert.raised"),
        (alert(level="red"), stands, "alert.level"),
        (alert(level="yellow", acks=[ack(NOW)]), stands, "alert.acked"),
        (alert(level="yellow", evidence_lost=True), stands, None),
        (alert(status="cleared"), stands, "alert.cleared"),
        (alert(status="cleared"), alert(status="cleared"), None),
        (alert(alert_id="another"), alert(status="cleared"), "alert.raised"),
        (alert(alert_id="another"), stands, "alert.raised"),
    ]
    for told, before, expected in changes:
        entry = alert_entry(told, before, NOW)
        assert (None if entry is None else entry["what"]) == expected


def test_a_time_as_people_write_it() -> None:
    """A time of day is the last such, in Sweden; nothing to come, nor further back than a month."""
    assert since("06:00", NOW) == parse("2026-11-19T05:00:00Z")
    assert since("03:40", NOW) == NOW
    assert since("12h", NOW) == NOW - 12 * HOUR
    assert since("12 tim", NOW) == NOW - 12 * HOUR
    assert since("2026-11-19 18:00", NOW) == since("2026-11-19T18:00", NOW) == parse("2026-11-19T17:00:00Z")
    assert since("2026-11-19T18:00:00+02:00", NOW) == parse("2026-11-19T16:00:00Z")
    assert since(iso(NOW - 31 * DAY), NOW) == NOW - 31 * DAY
    for wrong in ("", "i går", "25:00", iso(NOW + 1), iso(NOW - 31 * DAY - 1), "999h", "2026-13-01 00:00"):
        assert since(wrong, NOW) is None, wrong


def test_what_lies_in_an_area_and_what_concerns_it() -> None:
    """A kommun has neither its län in it nor its neighbours; what is asked of its län concerns it."""
    assert inside(Area.parse("0980")) == ["0980"]  # Gotland's kommun is not Gotland's län
    assert set(inside(LAN)) == {"24", *LAN.kommuner()}
    assert "24" in inside(Area.parse("norra"))
    assert {"SE", "norra", "24", "2480"} <= set(inside(Area.parse("SE")))
    assert set(concerning(Area.parse("2480"))) == {"2480", "24", "norra", "SE"}
    assert {"norra", "SE"} < set(concerning(LAN))
    assert "norra" not in inside(LAN)


def test_an_order_about_an_exercise_is_told_in_words() -> None:
    """Which exercise, what became of it and where, and no name of ours."""
    said = {"id": "ovning-x", "name": "Övning X", "areas": ["2480", "2482"], "state": "aborted"}
    entry = {"what": "order.exercise", "order": said, "by": {"role": "tib", "code": "24"}, "note": None}
    words = "Övning: Övning X, ÖVNING AVBRUTEN – SKARPT LÄGE: Umeå, Skellefteå (TiB, Västerbottens län)"  # noqa: RUF001 -- as it is written
    assert in_words(entry) == words


def test_what_is_acknowledged_and_what_can_be_spared_is_told_of_whom_it_is() -> None:
    """Of several acknowledgements the latest, wherever it stands; a surplus is not asked for."""
    acks = [
        {"role": "tib", "code": "2481", "at": "2026-11-20T02:00:00Z", "note": None},
        {"role": "stab", "code": "24", "at": "2026-11-20T01:00:00Z", "note": "x"},
    ]
    alert = {"level": "red", "text": {"sv": "Röd: A: ingen el"}, "acks": acks}
    assert in_words({"what": "alert.acked", "alert": alert}) == "kvitterat av TiB, Lycksele: röd, ingen el"
    spared = {"what": "surplus.requested", "need": {"kind": "fuel", "quantity": 5, "unit": "l"}}
    assert in_words(spared) == "överskott: Drivmedel 5 l, kan avvaras"
    assert in_words(spared | {"what": "need.requested"}) == "behov: Drivmedel 5 l, begärt"
