import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from vardkase.cli.screen import View, draw
from vardkase_contracts.alert import ALERT, Alert
from vardkase_contracts.areas import Area
from vardkase_contracts.picture import PICTURE, Picture
from vardkase_contracts.schemas import example

NOW = datetime(2026, 11, 20, 2, 45, tzinfo=UTC)


def picture(areas: int = 0, points: int = 1, **changes: Any) -> Picture:
    """The example, as a län with so many kommuner and so many points that run out."""
    made = example("picture") | {"level": "lan", "code": "24", "name": "Västerbottens län"}
    [first] = made["forecast"]["next"]
    made["forecast"]["next"] = [{**first, "point": f"2480-p{n}", "name": f"Skola {n}"} for n in range(points)]
    summary = {key: made["condition"][key] for key in ("lifecycle", "condition", "freshness")}
    summary |= {"coverage": made["coverage"], "alerts": made["alerts"]}
    kommuner = Area("lan", "24").kommuner()[:areas]
    made["areas"] = [{"level": "kommun", "code": code, "name": f"Kommun {code}", **summary} for code in kommuner]
    for path, value in changes.items():
        first, _, second = path.partition("__")
        made[first] = made[first] | {second: value} if second else value
    return PICTURE.validate_json(json.dumps(made))


def alert(level: str, slug: str, **changes: Any) -> Alert:
    made = example("alert") | {
        "key": f"staff.short/2480-{slug}",
        "rule": "staff.short",
        "level": level,
        "point": {"id": f"2480-{slug}", "name": slug.title()},
        "acks": [],
        "text": {"sv": f"Röd: {slug.title()}: för lite personal", "en": "Red"},
    }
    return ALERT.validate_json(json.dumps(made | changes))


def lines(view: View, width: int = 80, height: int = 24) -> list[str]:
    """What stands on the screen."""
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(draw(view, width=width, height=height))
    shown = console.file
    assert isinstance(shown, io.StringIO)
    return shown.getvalue().splitlines()


def view(shown: Picture | None = None, alerts: tuple[Alert, ...] = (), **changes: Any) -> View:
    values: dict[str, Any] = {
        "area": Area("lan", "24"),
        "reality": "act",
        "picture": shown or picture(),
        "alerts": alerts,
        "now": NOW,
        "age_s": 3.0,
        "connected": True,
    }
    return View(**(values | changes))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (200, 60)])
@pytest.mark.parametrize("reality", ["act", "exe", "tst"])
def test_it_fits_the_terminal(width: int, height: int, reality: str) -> None:
    """However much there is to tell, no line is wider and there are no more lines than the terminal has."""
    full = picture(areas=15, points=20, coverage__silent=3)
    alerts = tuple(alert("red", f"p{n}") for n in range(100))
    shown = lines(view(full, alerts, reality=reality), width, height)
    assert len(shown) <= height
    assert max(map(len, shown)) <= width


def test_what_does_not_fit_is_counted() -> None:
    """A list that is cut says by how much: what is shown and what is not are all there is."""
    shown = lines(view(picture(areas=15), tuple(alert("red", f"p{n}") for n in range(30))))
    cut = [int(found[1]) for line in shown if (found := re.search(r"… ([0-9]+) till", line))]
    assert cut == [30 - sum("bemanning" in line for line in shown), 15 - sum("Kommun" in line for line in shown)]


def test_an_exercise_cannot_be_mistaken() -> None:
    """Övning and prov stand in the first line, more than once; skarpt läge says so too."""
    assert lines(view(reality="exe"))[0].count("ÖVNING") == 2
    assert lines(view(reality="tst"))[0].count("PROV") == 2
    assert "SKARPT LÄGE" in lines(view())[0]


def test_it_says_how_complete_and_how_old_the_picture_is() -> None:
    """Coverage by kommun and point, the oldest reading, and what is missing."""
    kommuner = {"total": 26, "with_points": 26, "reporting": 17, "silent": 2}
    shown = "\n".join(
        lines(
            view(
                picture(
                    coverage__kommuner=kommuner,
                    coverage__oldest="2026-11-20T02:04:00Z",
                    coverage__silent=5,
                    coverage__incident_silent=["2401"],
                )
            )
        )
    )
    assert "17 av 26 kommuner hörs" in shown
    assert "äldsta uppgift 41 min" in shown
    assert "5 tysta" in shown
    assert "1 berörda kommuner har inte hörts" in shown


def test_what_runs_out_next_is_dark_first_then_unknown_then_by_time() -> None:
    """Dark, unknown, and time counting down, in words."""
    [first] = example("picture")["forecast"]["next"]
    points = [
        {**first, "name": "Mörk", "dark": True, "runs_out_at": None},
        {**first, "name": "Oviss", "runs_out_at": None},
        {**first, "name": "Snart", "runs_out_at": "2026-11-20T04:05:00Z"},
    ]
    shown = picture()
    shown = PICTURE.validate_json(
        json.dumps(
            json.loads(shown.model_dump_json())
            | {"forecast": {**json.loads(shown.forecast.model_dump_json()), "next": points}}
        )
    )
    found = [line for line in lines(view(shown), 120, 30) if "Mörk" in line or "Oviss" in line or "Snart" in line]
    assert ["utan el" in found[0], "okänd tid" in found[1], "1 h 20 min" in found[2]] == [True, True, True]


def test_alerts_are_worst_first_and_muted_ones_last() -> None:
    """Critical before red before yellow; of one level the oldest first; muted ones at the end."""
    alerts = (
        alert("yellow", "gul"),
        alert("red", "ny"),
        alert("red", "gammal", raised_at="2026-11-20T00:00:00Z"),
        alert("critical", "kritisk"),
        alert("critical", "muted", inhibited_by="area.silent/2480"),
    )
    shown = [
        name
        for line in lines(view(None, alerts), 120, 30)
        for name in ("Gul", "Ny", "Gammal", "Kritisk", "Muted")
        if f" {name}, " in line
    ]
    assert shown == ["Kritisk", "Gammal", "Ny", "Gul", "Muted"]


def test_an_acknowledged_alert_is_marked() -> None:
    """Somebody has taken it in: it has a mark, and its age."""
    acked = alert("red", "skolan", acks=example("alert")["acks"], raised_at="2026-11-20T02:05:00Z")
    assert any("✓ 40 min" in line for line in lines(view(None, (acked,))))


def test_lost_contact_is_said_with_the_age_of_what_is_shown() -> None:
    """The last line says how long ago the node was heard, and of when the picture is."""
    last = lines(view(connected=False, lost_s=130.0))[-1]
    assert "INGEN KONTAKT MED NODEN på 2 min" in last
    assert "kl 03:45" in last


def test_a_picture_that_stands_still_is_said_to() -> None:
    """A node that is heard but makes no new picture is told of."""
    assert "BILDEN STÅR STILL: 5 min" in lines(view(age_s=300.0))[-1]


def test_no_picture_is_not_an_empty_one() -> None:
    """Where there is no picture, it says so, and shows no zeros."""
    shown = "\n".join(lines(View(**{f: getattr(view(), f) for f in View.__slots__} | {"picture": None})))
    assert "Ingen bild ännu av Västerbottens län" in shown
    assert "0 öppna" not in shown


def test_a_clock_that_has_passed_the_end_says_so() -> None:
    """A time that has come is not shown as a negative one."""
    shown = lines(view(now=NOW + timedelta(hours=9)), 120, 30)
    assert any(" slut " in line for line in shown)
