"""When something runs out, or fills up, at a point: by what was reported and by the trend of the readings.

It stands beside the rules and changes nothing of them: `judge` goes by what was reported. Nothing of it is stored, so
no number of it decays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from vardkase.domain.state import LONGEST_H, PointState
from vardkase_contracts.instants import DAY, HOUR, iso

from .evidence import Evidence, PowerReading, gather
from .trend import Reading, Trend, between, damped, stretches_of, trend_of

What = Literal["power", "water", "heat", "capacity"]
Status = Literal["foreseen", "passed", "not_foreseen", "too_few", "not_known"]
Basis = Literal["trend", "reported", "persons"]

#: Fuel has been filled up when it rose by more than 5 l and by more than a twentieth (ours): gauges are read roughly.
FUEL_JUMP, FUEL_SHARE = 5.0, 0.05
#: The same of water.
WATER_JUMP, WATER_SHARE = 20.0, 0.05
#: Hours that were reported rise by more than one only when something was filled up or charged (ours).
HOURS_JUMP, HOURS_SHARE = 1.0, 0.05
#: How far back people and warmth are looked at (ours): doors open, the night comes, a boiler stops.
RECENT = 3 * HOUR
#: How far back fuel and water are looked at: as far as a timeline remembers everything.
REMEMBERED = 6 * HOUR
#: Litres a person and day: what the rules count with, and the most that is said (DOMAIN: Roslagsvatten).
LEAST_L, MOST_L = 3.0, 5.0
#: As few persons as water is counted for (docs/rules.md).
FEWEST_PERSONS = 10.0
#: Below which of these it falls next, °C (`heat.low` of default-1).
COLD_C = (20.0, 18.0, 15.0)
#: The same, with what a trend of it says, goes beyond this and is not told (ours).
BEYOND = 30 * DAY

_IN_USE = frozenset({"open", "establishing", "closing"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What is foreseen of one thing at a point, and what that rests on."""

    what: What
    status: Status
    """`passed`: it has come to it already. `too_few`, `not_known`: nobody can say, which is not that it lasts."""
    basis: Basis | None = None
    at: int | None = None
    """When (µs); None: not foreseen, or not known."""
    earliest: int | None = None
    """With `latest`, between what it lies in some eight cases of ten; None: nothing to say it by."""
    latest: int | None = None
    """None with an `earliest`: perhaps not within 30 days."""
    reported_at: int | None = None
    """When by what was reported alone: of power, what the rules go by."""
    limit: float | None = None
    """What it comes to: 0 litres or hours, °C, persons."""
    unit: str | None = None
    level: float | None = None
    """What it was at the last reading, by the trend or by that reading."""
    read_at: int | None = None
    """The last reading (µs)."""
    since: int | None = None
    """The first reading of those it rests on (µs)."""
    readings: int = 0
    rate: float | None = None
    """Change an hour, in `unit`."""
    rate_low: float | None = None
    rate_high: float | None = None

    def told(self) -> dict[str, Any]:
        """As JSON; without the statement."""
        return {
            "what": self.what,
            "status": self.status,
            "basis": self.basis,
            **{name: _instant(getattr(self, name)) for name in ("at", "earliest", "latest", "reported_at")},
            "limit": self.limit,
            "unit": self.unit,
            "level": _rounded(self.level),
            "read_at": _instant(self.read_at),
            "since": _instant(self.since),
            "readings": self.readings,
            **{name: _rounded(getattr(self, name)) for name in ("rate", "rate_low", "rate_high")},
        }


def forecast(state: PointState, now: int) -> tuple[Forecast, ...]:
    """What is foreseen at a point: a function of its state and the instant (µs)."""
    return conclude(gather(state), now)


def conclude(evidence: Evidence, now: int, *, cold_c: Sequence[float] = COLD_C) -> tuple[Forecast, ...]:
    """What is foreseen by the evidence at an instant; of a point that is not in use, nothing.

    Args:
        evidence: of `gather`.
        now: the instant (µs).
        cold_c: the limits of warmth that are looked at, °C.
    """
    if evidence.retired or evidence.lifecycle not in _IN_USE:
        return ()
    seen = evidence.until(now)
    found = (_power(seen, now), _water(seen, now), _heat(seen, now, cold_c), _capacity(seen, now))
    return tuple(each for each in found if each is not None)


# -- power -------------------------------------------------------------------------------------------------------------


def _power(evidence: Evidence, now: int) -> Forecast | None:
    if not evidence.power:
        return Forecast(what="power", status="not_known")
    last = evidence.power[-1]
    if last.mode in {"running", "battery"}:
        return _running(evidence, now)
    if last.mode == "mains":
        return None
    return Forecast(what="power", status="passed", at=last.at, basis="reported", read_at=last.at, readings=1)


def _running(evidence: Evidence, now: int) -> Forecast:
    """Of what runs out: by its trend, else by what was reported, else that nobody can say."""
    anchor = _anchor(evidence.power)
    reported = None if anchor is None else _reported(anchor)
    unit, own, stretches, step = _stock(evidence.power, now)
    trend = _use(unit, own, stretches, step, anchor)
    if trend is not None and (found := _falling("power", unit, trend, 0.0, now)) is not None:
        return replace(found, reported_at=reported)
    if anchor is not None:
        return _by_report(anchor, len(own), now)
    if trend is not None:
        return _still("power", unit, trend)
    return Forecast(what="power", status="too_few" if own else "not_known", readings=len(own), read_at=_end(own))


def _use(
    unit: str, own: Sequence[Reading], stretches: list[list[Reading]], step: float, anchor: PowerReading | None
) -> Trend | None:
    """The trend of what is used up; of two readings, beside the rate that was reported. Hours go by one an hour."""
    if not own:
        return None
    trend = trend_of(stretches, step)
    if trend is not None:
        return trend
    said = 1.0 if unit == "h" else None if anchor is None else anchor.fuel_l_per_h
    return None if said is None else between(own, -said, step)


def _by_report(anchor: PowerReading, readings: int, now: int) -> Forecast:
    """What was reported is all there is: without an interval, since nothing says how wrong it is."""
    at = _reported(anchor)
    litres = anchor.fuel_l is not None and anchor.fuel_l_per_h is not None and anchor.source == "backup"
    return Forecast(
        what="power",
        status="passed" if at <= now else "foreseen",
        basis="reported",
        at=at,
        reported_at=at,
        limit=0.0,
        unit="l" if litres else "h",
        level=anchor.fuel_l if litres else anchor.endurance_h,
        read_at=anchor.at,
        readings=readings,
        rate=-anchor.fuel_l_per_h if litres and anchor.fuel_l_per_h else None,
    )


def _anchor(readings: Sequence[PowerReading]) -> PowerReading | None:
    """The newest reading of the source in use that knows how long it lasts (docs/rules.md)."""
    for each in reversed(readings):
        if each.source != readings[-1].source:
            return None
        if each.endurance_h is not None:
            return each
    return None


def _reported(anchor: PowerReading) -> int:
    return anchor.at + round((anchor.endurance_h or 0.0) * HOUR)


def _stock(readings: Sequence[PowerReading], now: int) -> tuple[str, Sequence[Reading], list[list[Reading]], float]:
    """What is used up, by litres where they are read, else by hours: the unit, its last stretch, all, and the step."""
    runs = _runs([each for each in readings if each.at > now - REMEMBERED])
    litres = [[(each.at, each.fuel_l) for each in run if each.fuel_l is not None] for run in runs]
    if litres and len(litres[-1]) and sum(map(len, litres)) > 1:
        parts = [part for run in litres for part in stretches_of(run, FUEL_JUMP, FUEL_SHARE)]
        return "l", parts[-1], parts, 1.0
    hours = [[(each.at, each.hours) for each in run if each.hours is not None] for run in runs]
    parts = [part for run in hours for part in stretches_of(run, HOURS_JUMP, HOURS_SHARE)]
    own = parts[-1] if hours and hours[-1] else (litres[-1] if litres else [])
    return "h", own, parts, 0.5


def _runs(readings: Sequence[PowerReading]) -> list[list[PowerReading]]:
    """The stretches in which the source in use now ran: what happened between them says nothing of its use."""
    source = readings[-1].source if readings else None
    found: list[list[PowerReading]] = [[]]
    for each in readings:
        if each.source == source and each.mode in {"running", "battery"}:
            found[-1].append(each)
        elif found[-1]:
            found.append([])
    return [run for run in found if run]


# -- water, warmth, people ---------------------------------------------------------------------------------------------


def trend_in(evidence: Evidence, what: What, now: int) -> Trend | None:
    """The trend of what is read of a point at an instant; None: none can be seen.

    Args:
        evidence: of `gather`.
        what: of power, what is used up of the source in use.
        now: the instant (µs).
    """
    seen = evidence.until(now)
    match what:
        case "power":
            unit, own, stretches, step = _stock(seen.power, now)
            return _use(unit, own, stretches, step, _anchor(seen.power))
        case "water":
            return trend_of(stretches_of(_litres(seen, now), WATER_JUMP, WATER_SHARE), 1.0)
        case "heat":
            return _lately(seen.heat, now, 0.5)
        case "capacity":
            return _lately(seen.occupancy, now, 1.0)


def _lately(readings: Sequence[Reading], now: int, step: float) -> Trend | None:
    """The trend of what changes its pace: of the last hours, and damped."""
    found = trend_of([[each for each in readings if each[0] > now - RECENT]], step)
    return None if found is None else damped(found)


def _litres(evidence: Evidence, now: int) -> list[Reading]:
    """The readings of the tank in use."""
    own: list[Reading] = []
    for at, litres in evidence.water:
        if litres is None:
            own = []
        elif at > now - REMEMBERED:
            own.append((at, litres))
    return own


def _water(evidence: Evidence, now: int) -> Forecast | None:
    if not evidence.water or evidence.water[-1][1] is None:
        return None
    read_at, litres = evidence.water[-1]
    persons = max(evidence.occupancy[-1][1] if evidence.occupancy else FEWEST_PERSONS, FEWEST_PERSONS)
    latest = read_at + round(min((litres or 0.0) / (persons * LEAST_L) * 24, LONGEST_H) * HOUR)
    trend = trend_in(evidence, "water", now)
    if trend is not None and (found := _falling("water", "l", trend, 0.0, now)) is not None:
        return replace(found, reported_at=latest)
    earliest = read_at + round(min((litres or 0.0) / (persons * MOST_L) * 24, LONGEST_H) * HOUR)
    soon = latest <= now + BEYOND
    return Forecast(
        what="water",
        status="passed" if latest <= now else "foreseen" if soon else "not_foreseen",
        basis="persons",
        at=latest if soon else None,
        earliest=earliest if soon else None,
        latest=latest if soon else None,
        reported_at=latest,
        limit=0.0,
        unit="l",
        level=litres,
        read_at=read_at,
        readings=len(_litres(evidence, now)),
        rate=-persons * LEAST_L / 24,
        rate_low=-persons * MOST_L / 24,
        rate_high=-persons * LEAST_L / 24,
    )


def _heat(evidence: Evidence, now: int, limits: Sequence[float]) -> Forecast | None:
    if not evidence.heat or not limits:
        return None
    trend = trend_in(evidence, "heat", now)
    read_at, degrees = evidence.heat[-1]
    if trend is None:
        few = sum(at > now - RECENT for at, _ in evidence.heat)
        return Forecast(what="heat", status="too_few", unit="C", level=degrees, read_at=read_at, readings=few)
    below = [limit for limit in limits if limit < trend.level]
    if not below:
        return replace(_still("heat", "C", trend, min(limits)), status="passed", at=trend.at, earliest=trend.at)
    return _falling("heat", "C", trend, max(below), now) or _still("heat", "C", trend, max(below))


def _capacity(evidence: Evidence, now: int) -> Forecast | None:
    limit = evidence.capacity(now)
    if not evidence.occupancy or limit is None:
        return None
    read_at, persons = evidence.occupancy[-1]
    few = sum(at > now - RECENT for at, _ in evidence.occupancy)
    bare = Forecast(
        what="capacity", status="too_few", unit="persons", limit=limit, level=persons, read_at=read_at, readings=few
    )
    if persons >= limit:
        return replace(bare, status="passed", basis="reported", at=read_at)
    trend = trend_in(evidence, "capacity", now)
    if trend is None:
        return bare
    room = trend._replace(slope=-trend.slope, low=-trend.high, high=-trend.low, level=limit - trend.level)
    found = _falling("capacity", "persons", room, 0.0, now)
    if found is None:
        return _still("capacity", "persons", trend, limit)
    return replace(found, limit=limit, level=trend.level, rate=trend.slope, rate_low=trend.low, rate_high=trend.high)


# -- a line that comes to a limit --------------------------------------------------------------------------------------


def _falling(what: What, unit: str, trend: Trend, limit: float, now: int) -> Forecast | None:
    """When a line comes down to its limit; None: it does not, or not for long."""
    left = max(trend.level - limit, 0.0)
    at = _comes(trend.at, left, trend.slope)
    if at is None or at > now + BEYOND:
        return None
    earliest = _comes(trend.at, max(left - trend.off, 0.0), trend.low)
    latest = _comes(trend.at, left + trend.off, trend.high)
    return Forecast(
        what=what,
        status="passed" if at <= now else "foreseen",
        basis="trend",
        at=at,
        earliest=at if earliest is None else min(earliest, at),
        latest=None if latest is None or latest > now + BEYOND else max(latest, at),
        limit=limit,
        unit=unit,
        level=max(trend.level, 0.0) if limit == 0.0 else trend.level,
        read_at=trend.at,
        since=trend.since,
        readings=trend.readings,
        rate=trend.slope,
        rate_low=trend.low,
        rate_high=trend.high,
    )


def _still(what: What, unit: str, trend: Trend, limit: float = 0.0) -> Forecast:
    """A line that does not come to its limit within the time that is looked at."""
    return Forecast(
        what=what, status="not_foreseen", basis="trend", limit=limit, unit=unit, level=trend.level, read_at=trend.at,
        since=trend.since, readings=trend.readings, rate=trend.slope, rate_low=trend.low, rate_high=trend.high,
    )  # fmt: skip


def _comes(at: int, left: float, slope: float) -> int | None:
    """When a line that falls by `slope` an hour has come down by `left`; None: not within a year."""
    if left <= 0:
        return at
    return at + round(left / -slope * HOUR) if slope < 0 and left <= -slope * LONGEST_H else None


def _end(readings: Sequence[Reading]) -> int | None:
    return readings[-1][0] if readings else None


def _instant(at: int | None) -> str | None:
    return None if at is None else iso(at // 1_000_000 * 1_000_000)


def _rounded(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.4g}")
