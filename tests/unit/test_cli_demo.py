import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vardkase.cli.commentary import Commentary
from vardkase.cli.storm import Inlet, Paused
from vardkase.cli.tally import Summary, Tally
from vardkase.runtime.clock import DrivenTime
from vardkase.simulator.emission import Emission
from vardkase.simulator.truth import Dark, PointTruth
from vardkase_contracts.alert import ALERT, Alert
from vardkase_contracts.instants import HOUR, MINUTE, SECOND, iso, parse
from vardkase_contracts.schemas import example

START = parse("2026-11-20T02:00:00Z")


def alert(at: int, level: str = "yellow", *, rule: str = "power.endurance", **changes: Any) -> Alert:
    """A change of an alert, so many minutes after the start."""
    document = example("alert") | {"acks": [], "rule": rule, "key": f"{rule}/2480-umedalen-skola"}
    document |= {"level": level, "alert_id": rule, "derived": False, "changed_at": iso(START + at * MINUTE)}
    return ALERT.validate_json(json.dumps(document | changes))


def summary(*changes: Alert, dark: int | None = None, **spell: Any) -> Summary:
    tally = Tally()
    for change in changes:
        tally.take(change)
    truth = PointTruth(id="2480-umedalen-skola")
    if dark is not None:
        values = {"cause": "ran_dry", "online": True, "last_sent": START} | spell
        truth.dark.append(Dark(since=START + dark * MINUTE, **values))
    return tally.summary(reports=10, hours=2.0, truth={truth.id: truth})


def test_an_alert_is_counted_once_at_its_worst() -> None:
    """However often it changes, by its rule and the worst level that it reached."""
    found = summary(alert(0), alert(10, "critical", derived=True), alert(20, "yellow", status="cleared"))
    assert found.alerts == {"power.endurance": {"critical": 1}}
    assert (found.changes, found.changes_per_hour, found.derived) == (3, 1.5, 1)


def test_a_lead_time_is_from_the_first_telling_to_the_dark() -> None:
    """From when the warning that stood was first published."""
    found = summary(alert(0), alert(60, "red"), dark=150).leads
    assert (found.dark, found.warned, found.median_min, found.least_min) == (1, 1, 150, 150)


def test_a_warning_that_ended_long_before_is_none() -> None:
    """A refill ended it; that the point went dark hours later was not warned of."""
    found = summary(alert(0), alert(10, status="cleared"), dark=200).leads
    assert (found.dark, found.warned, found.unseen) == (1, 0, 0)


def test_a_warning_that_became_the_dark_counts() -> None:
    """The warning is cleared by `power.lost` as the point goes dark."""
    assert summary(alert(0), alert(119, status="cleared"), dark=120).leads.warned == 1


def test_a_place_that_was_cut_off_could_not_be_known_of() -> None:
    """Dark without a warning, and nothing could be sent from there."""
    assert summary(dark=100, online=False).leads.unseen == 1
    assert summary(dark=100, last_sent=None).leads.unseen == 1


def test_the_busiest_hour_of_a_kommun_and_a_lan() -> None:
    """Changes are counted by the node's clock, hour by hour."""
    found = summary(alert(1), alert(2, "red"), alert(70, "critical"), alert(3, rule="heat.low", alert_id="h"))
    assert found.kommun_hour is not None
    assert found.lan_hour is not None
    assert (found.kommun_hour.code, found.kommun_hour.changes) == ("2480", 3)
    assert (found.lan_hour.code, found.lan_hour.changes) == ("24", 3)


def test_the_commentary_tells_what_is_worth_a_line_and_nothing_twice() -> None:
    """The first of a rule, what gets critical, what is dark; not each repetition, ack or end."""
    commentary = Commentary()
    told = [
        commentary.line(change)
        for change in (
            alert(0),
            alert(5),
            alert(10, "critical"),
            alert(11, "critical"),
            alert(12, "critical", alert_id="2", inhibited_by="area.silent/2480"),
            alert(13, alert_id="3"),
            alert(14, "red", rule="power.lost"),
            alert(15, "red", rule="power.lost", status="cleared"),
        )
    ]
    assert [line is not None for line in told] == [True, False, True, False, False, False, True, False]
    assert "första larmet om uthållighet" in str(told[0])


def test_a_driven_time_meets_real_time() -> None:
    """48 hours back at 600 times the speed: met after 288.5 seconds, from when on the two are one."""
    anchor = time.time_ns() // 1000
    driven = DrivenTime(start=anchor - 48 * HOUR, speed=600.0, anchor=anchor)
    assert (driven.meets - anchor) / SECOND == pytest.approx(48 * 3600 / 599)
    assert 0 <= driven.now() - driven.start < 600 * 60 * SECOND
    over = DrivenTime(start=anchor - 48 * HOUR, speed=600.0, anchor=anchor - HOUR)
    assert abs(over.now() - time.time_ns() // 1000) < SECOND


def test_a_pause_loses_nothing() -> None:
    """What was looked at and lies past the pause comes after it."""

    def emissions() -> Iterator[Emission]:
        for at in range(5):
            yield Emission(at=at, subject="s", event={})

    paused = Paused(emissions())
    assert [each.at for each in paused.until(2)] == [0, 1]
    assert [each.at for each in paused.until(None)] == [2, 3, 4]


@pytest.mark.parametrize(
    ("subject", "takes"),
    [
        ("tp.v1.act.report.24.2480.x.status", True),
        ("tp.v1.exe.report.24.2480._.activation", True),
        ("tp.v1.act.report.25.2580.x.status", False),
        ("tp.v1.act.report.24", False),
        ("tp.v1.act.accepted.24.2480.x.status", False),
    ],
)
def test_a_lans_node_takes_its_own_reports(subject: str, takes: bool) -> None:  # noqa: FBT001
    """As its INTAKE says."""
    inlet = Inlet(None, ["tp.v1.act.report.24.>", "tp.v1.exe.report.24.>"])  # type: ignore[arg-type]
    assert inlet.takes(subject) is takes


@pytest.mark.slow
def test_a_demo_is_ready_in_time_and_sums_up_at_the_end(tmp_path: Path) -> None:
    """One ready line in 15 s; the storm raises alerts; SIGTERM ends it with a summary and leaves nothing running."""
    began = time.monotonic()
    command = [sys.executable, "-m", "vardkase.cli.main", "demo", "--json", "--points", "1160", "--speed", "3000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            assert ready["ready"] is True
            assert time.monotonic() - began < 15
            command = [sys.executable, "-m", "vardkase.cli.main", "alerts", "-f", "--json", "--nats", ready["nats"]]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
                assert following.stdout is not None
                first = [json.loads(following.stdout.readline())["key"] for _ in range(10)]
                following.kill()
            assert len(set(first)) > 1
            process.send_signal(signal.SIGTERM)
            told = json.loads(process.stdout.readline())["summary"]
            assert process.wait(20) == 0
        finally:
            process.kill()
    assert told["reports"] > 1000
    assert sum(count for levels in told["alerts"].values() for count in levels.values()) >= len(set(first))
