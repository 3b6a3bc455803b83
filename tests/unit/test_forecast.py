"""What is foreseen of a point: by the trend of its readings, by what was reported, and how far to trust it."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle import adapter
from oracle.adapter import states
from oracle.make import POINT, Told, instant, order, register, resources, status
from oracle.make import given as reports
from vardkase.domain.codec import load, merged_document
from vardkase.domain.forecast.evidence import gather
from vardkase.domain.forecast.limits import cold_limits
from vardkase.domain.forecast.points import BEYOND, Forecast, conclude, forecast
from vardkase.domain.forecast.saying import statement
from vardkase.domain.forecast.trend import stretches_of, trend_of
from vardkase.domain.power import Power
from vardkase.domain.state import PointState
from vardkase.domain.tables import Tables
from vardkase.domain.view import View
from vardkase_contracts.instants import HOUR, MINUTE
from vardkase_contracts.orders import ORDER

OPEN = status(-30, lifecycle="open")


def state(*told: Told) -> PointState:
    """A point that is open, with what was told of it."""
    return states(reports([OPEN, *told]))[POINT]


def fuel(minute: float, litres: float | None, rate: float | None = None, **more: Any) -> Told:
    """A reading of a running generator's tank."""
    power = {"source": "backup", "backup_state": "running", "fuel_l": litres, "fuel_l_per_h": rate} | more
    return resources(minute, power={name: value for name, value in power.items() if value is not None})


def seen(what: str, minute: float, *told: Told) -> Forecast:
    """What is foreseen of one thing."""
    (found,) = (each for each in forecast(state(*told), instant(minute)) if each.what == what)
    return found


def minutes(at: int | None) -> float:
    """An instant as a minute of the story."""
    assert at is not None
    return (at - instant(0)) / MINUTE


def test_the_trend_of_the_tank_says_when_it_is_empty() -> None:
    """12 l an hour by the readings is believed, though 8 were reported; what was reported stands beside it."""
    found = seen("power", 125, fuel(0, 60, 8), fuel(60, 48, 8), fuel(120, 36, 8))
    assert (found.status, found.basis, found.unit, found.readings) == ("foreseen", "trend", "l", 3)
    assert found.rate == pytest.approx(-12)
    assert minutes(found.at) == pytest.approx(300, abs=1)
    assert minutes(found.reported_at) == pytest.approx(120 + 36 / 8 * 60)
    assert 270 < minutes(found.earliest) < 300 < minutes(found.latest) < 340


def test_too_few_readings_leave_what_was_reported() -> None:
    """Of one reading there is no trend: then it is what was reported, without an interval, and it says so."""
    found = seen("power", 65, fuel(60, 47, 12))
    assert (found.status, found.basis, found.earliest, found.latest) == ("foreseen", "reported", None, None)
    assert found.at == found.reported_at == instant(60) + round(47 / 12 * HOUR)
    assert statement(found, instant(65)) == {
        "sv": "Enligt rapport 10:00: 47 l, 12 l/h. För få jämförbara avläsningar för en trend.",
        "en": "As reported at 10:00: 47 l, 12 l/h. Too few comparable readings for a trend.",
    }
    close = seen("power", 65, fuel(20, 60, 12), fuel(60, 47, 12))
    assert close.basis == "reported", "forty minutes are too little for two readings"


def test_two_readings_are_held_against_the_reported_rate() -> None:
    """What was read is believed; between it and what was reported lies the truth, as far as anybody can tell."""
    found = seen("power", 125, fuel(0, 60, 8), fuel(120, 36, 8))
    assert (found.basis, found.readings, found.rate) == ("trend", 2, -12)
    assert minutes(found.at) == pytest.approx(300, abs=1)
    assert minutes(found.latest) > minutes(found.reported_at), "the reported is within, and what rounding hides"
    assert statement(found, instant(125))["sv"] == "2 avläsningar 09:00–11:00: 7,5–12 l/h."  # noqa: RUF001


def test_unknown_stays_unknown() -> None:
    """Litres without a rate, twice, or nothing at all: nobody can say, which is not that it lasts."""
    few = seen("power", 65, fuel(0, 60), fuel(60, 47))
    assert (few.status, few.at, few.readings) == ("too_few", None, 2)
    assert statement(few, instant(65))["sv"].startswith("För få avläsningar")
    never = seen("power", 65)
    assert (never.status, never.at) == ("not_known", None)
    on_backup = seen("power", 65, fuel(0, None))
    assert (on_backup.status, on_backup.at) == ("not_known", None)


def test_the_statement_says_what_it_rests_on() -> None:
    """So many readings, from when to when, and between what the use lies."""
    found = seen("power", 125, fuel(0, 60, 8), fuel(75, 45, 8), fuel(150, 30, 8), fuel(200, 19.5, 8))
    assert found.readings == 2, "what was read later does not count yet"
    found = seen("power", 205, fuel(0, 60, 8), fuel(75, 45, 8), fuel(150, 28, 8), fuel(200, 19.5, 8))
    said = statement(found, instant(205))
    assert said["sv"] == "4 avläsningar 09:00–12:20: 9,9–14 l/h."  # noqa: RUF001 -- as it is shown
    assert said["en"] == "4 readings 09:00–12:20: 9.9–14 l/h."  # noqa: RUF001


def test_a_refill_is_no_negative_use() -> None:
    """What came in does not count; how fast it went before does, from the first reading after on."""
    found = seen("power", 205, fuel(0, 60, 8), fuel(60, 48, 8), fuel(120, 36, 8), fuel(180, 100, 8))
    assert found.rate == pytest.approx(-12)
    assert found.level == pytest.approx(100)
    assert minutes(found.at) == pytest.approx(180 + 100 / 12 * 60, abs=1)


def test_a_generator_that_stood_still_used_nothing() -> None:
    """Between two readings the mains were back: the time in between is not counted into the use."""
    told = [fuel(0, 60, 8), fuel(30, 54), fuel(60, 48), resources(70, power={"source": "mains"})]
    found = seen("power", 245, *told, fuel(210, 46), fuel(240, 40))
    assert found.rate == pytest.approx(-12)


def test_a_point_on_mains_or_out_of_use_has_nothing_foreseen() -> None:
    """On mains no power runs out, and a closed point is not looked at."""
    on_mains = forecast(state(resources(0, power={"source": "mains"})), instant(10))
    assert [each.what for each in on_mains] == []
    closed = forecast(state(fuel(0, 60, 8), status(10, lifecycle="closed")), instant(20))
    assert closed == ()


def test_what_has_stopped_has_passed() -> None:
    """A generator that is off: it has come to it, at the instant that it was said."""
    found = seen("power", 30, fuel(0, 60, 8), resources(20, power={"source": "backup", "backup_state": "off"}))
    assert (found.status, found.at) == ("passed", instant(20))


def test_fuel_that_does_not_fall_is_not_foreseen_to_end_by_its_trend() -> None:
    """Readings that stay the same say nothing of an end: what was reported goes on to."""
    same = [fuel(minute, 60, 8) for minute in (0, 60, 120)]
    assert seen("power", 125, *same).basis == "reported"
    without = [fuel(minute, 60) for minute in (0, 60, 120)]
    found = seen("power", 125, *without)
    assert (found.status, found.at, found.basis) == ("not_foreseen", None, "trend")


def test_hours_that_are_reported_have_a_trend_too() -> None:
    """A generator that was to last 8 h loses two in each: it lasts half as long as was said."""
    told = [
        resources(m, power={"source": "backup", "backup_state": "running", "endurance_h": 8 - m / 30})
        for m in (0, 60, 120)
    ]
    found = seen("power", 120, *told)
    assert (found.unit, found.basis) == ("h", "trend")
    assert minutes(found.at) == pytest.approx(240, abs=1)
    assert minutes(found.reported_at) == pytest.approx(360, abs=1)


def test_water_is_counted_by_people_until_there_is_a_trend() -> None:
    """40 people at 3 to 5 l a day; from three readings on, by what is gone."""
    water = [resources(minute, water={"source": "tank", "litres": litres}) for minute, litres in ((0, 240), (60, 220))]
    few = seen("water", 65, status(0, occupancy=40), *water)
    assert (few.basis, few.at, few.latest) == ("persons", few.reported_at, few.reported_at)
    assert minutes(few.earliest) == pytest.approx(60 + 220 / 200 * 24 * 60)
    more = seen("water", 125, *water, resources(120, water={"source": "tank", "litres": 200}))
    assert (more.basis, round(minutes(more.at))) == ("trend", 720)


def test_a_house_that_cools_comes_to_the_next_limit() -> None:
    """From 21 °C at one degree in half an hour: 18 is next after 20 is passed; at half that pace, or never."""
    heat = [resources(minute, heat={"indoor_c": 21 - minute / 30}) for minute in (0, 30, 60)]
    found = seen("heat", 61, *heat)
    assert (found.limit, found.status) == (18.0, "foreseen")
    assert minutes(found.at) == pytest.approx(120, abs=1)
    assert minutes(found.earliest) < 90
    assert found.latest is None, "perhaps it does not go on"


def test_a_house_is_measured_by_the_limits_that_hold_there() -> None:
    """Where it must be warmer, the next limit is another one; its neighbour's is not; where none holds, nothing."""
    tables = Tables(adapter.rules())
    for scope, override in {
        POINT: {"heat.low": {"yellow": 22, "red": 19.5}},
        "2480-shed": {"heat.low": dict.fromkeys(("yellow", "red", "critical"))},
    }.items():
        rules = order("rules", 0, {"scope": scope, "override": override}, by=("kommun", "2480"), id_=scope)
        tables.take(ORDER.validate_json(orjson.dumps(rules)))
    heat = [resources(minute, heat={"indoor_c": 21 - minute / 30}) for minute in (0, 30, 60)]
    evidence, now = gather(state(*heat)), instant(61)

    def limit(point: str) -> float | None:
        found = conclude(evidence, now, cold_c=cold_limits(tables.of_point(point)))
        return next((each.limit for each in found if each.what == "heat"), None)

    assert limit(POINT) == 18.0, "not in force yet"
    tables.advance(now)
    assert [limit(each) for each in (POINT, "2480-other", "2480-shed")] == [15.0, 18.0, None]


def test_a_point_that_fills_up_comes_to_its_capacity() -> None:
    """10 more each half hour: 80 of 100 are full in two hours at half that pace; one that empties does not fill."""
    rising = [status(minute, occupancy=60 + minute // 3) for minute in (0, 30, 60)]
    found = seen("capacity", 61, register(capacity_day=100), *rising)
    assert (found.limit, found.status, found.rate) == (100.0, "foreseen", pytest.approx(10))
    assert minutes(found.at) == pytest.approx(180, abs=1)
    falling = [status(minute, occupancy=90 - minute // 3) for minute in (0, 30, 60)]
    assert seen("capacity", 61, register(capacity_day=100), *falling).status == "not_foreseen"
    full = seen("capacity", 61, register(capacity_day=100), status(60, occupancy=100))
    assert full.status == "passed"


def test_it_is_the_same_from_what_is_published() -> None:
    """A state that was written and read again foresees the same."""
    found = state(fuel(0, 60, 8), fuel(60, 48, 8), fuel(120, 36, 8), status(60, occupancy=4))
    document = {"id": found.id, "reality": "act"} | merged_document(found)
    assert gather(load(document)) == gather(found)


readings = st.lists(
    st.tuples(
        st.integers(0, 600),
        st.one_of(st.none(), st.floats(0, 1e6, allow_nan=False)),
        st.one_of(st.none(), st.floats(0, 1e4)),
        st.sampled_from(["running", "running", "running", "off"]),
    ),
    min_size=1,
    max_size=14,
    unique_by=lambda each: each[0],
)


def told(drawn: list[Any]) -> list[Told]:
    return [fuel(minute, litres, rate, backup_state=state) for minute, litres, rate, state in drawn]


@given(readings, st.randoms(use_true_random=False), st.integers(0, 1500))
@settings(max_examples=150, deadline=None)
def test_the_order_of_arrival_does_not_matter(drawn: list[Any], random: Any, minute: int) -> None:
    """The same readings in another order, and some of them twice, foresee the same."""
    first = [*reports([OPEN, *told(drawn)])]
    other = [*first, *first[:3]]
    random.shuffle(other)
    now = instant(minute)
    assert forecast(states(first)[POINT], now) == forecast(states(other)[POINT], now)


@given(readings, st.integers(0, 3000))
@settings(max_examples=300, deadline=None)
def test_the_interval_holds_the_estimate(drawn: list[Any], minute: int) -> None:
    """Whatever is read: earliest ≤ at ≤ latest, nothing before the readings, and reported as the rules have it."""
    found, now = state(*told(drawn)), instant(minute)
    power = Power(View(found, now))
    for each in forecast(found, now):
        if each.at is not None and each.basis != "reported":
            assert each.earliest is not None
            assert each.earliest <= each.at <= (each.latest or each.at)
            assert each.read_at is not None
            assert each.earliest >= each.read_at
            assert each.at <= now + BEYOND
        if each.what == "power" and power.current is not None and power.current.mode == "running":
            assert each.reported_at == power.runs_out_at or each.basis == "trend" or power.runs_out_at is None
            if each.basis == "trend":
                assert each.reported_at == power.runs_out_at
        if each.status in {"too_few", "not_known", "not_foreseen"}:
            assert each.at is None
        statement(each, now)


@given(st.floats(1, 40), st.floats(50, 1e6), st.lists(st.integers(0, 340), min_size=5, max_size=12, unique=True))
@settings(max_examples=200, deadline=None)
def test_a_tank_that_falls_evenly_is_foreseen(rate: float, full: float, when: list[int]) -> None:
    """Whatever the rate and the times: with readings to the litre the true end lies in the interval."""
    when = [minute for minute in sorted(when) if full - rate * minute / 60 > 1]
    if len(when) < 5 or when[-1] - when[0] < 60 or len({minute // 10 for minute in when}) < 5:
        return
    found = state(*(fuel(minute, float(round(full - rate * minute / 60))) for minute in when))
    (power,) = (each for each in forecast(found, instant(when[-1])) if each.what == "power")
    if power.at is None:  # so little is used of so much that it lasts for weeks, or the litre hides it
        assert full / rate > 24 * 29 or rate * (when[-1] - when[0]) / 60 < 3
        return
    assert power.earliest is not None
    true = full / rate * 60
    assert minutes(power.earliest) - 1 <= true
    assert power.latest is None or true <= minutes(power.latest) + 1


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.sampled_from([0.0, 1e-300, 1.0, 1e9, 1e300])), min_size=3, max_size=40)
)
@settings(max_examples=200, deadline=None)
def test_huge_and_tiny_values_are_borne(values: list[tuple[int, float]]) -> None:
    """No reading that a number can hold breaks it, and the slope lies between its bounds."""
    ordered = sorted((MINUTE * (at % 10_000), value) for at, value in values)
    trend = trend_of(stretches_of(ordered, 5, 0.05), 1.0)
    if trend is not None:
        assert trend.low <= trend.slope <= trend.high


def test_evidence_of_nothing_is_nothing() -> None:
    """Of a point of which only its opening is known, nobody knows the power; the rest is not spoken of."""
    found = conclude(gather(state()), instant(0))
    assert [(each.what, each.status) for each in found] == [("power", "not_known")]
