"""Generated timelines: valid reports on whole minutes, near the bounds that rules look at, more often than chance.

Minutes are those of `oracle.make` (0 is 09:00 in Stockholm). Every endurance ends on a whole minute.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from oracle import make
from oracle.make import Told
from oracle.merge import Given, endurance
from oracle.merge import instant as parsed
from oracle.table import MINUTE, SERVICES

Minutes = st.SearchStrategy[int]
KOMMUN = "2480"
POINTS = tuple(f"{KOMMUN}-{slug}" for slug in ("umedalen", "ersboda", "teg", "haga", "boda"))
LONGEST = 1_500
"""The longest a timeline goes on, in minutes: every one of them is asked about."""
WATCHED_SERVICES = ("medical_device_charging", "heat", "emergency_call")


def mostly(usual: Any, *others: Any, weight: int = 3) -> st.SearchStrategy[Any]:
    """The usual value `weight` times as often as each of the others."""
    return st.sampled_from([usual] * weight + list(others))


def sparse(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of the fields, each given, null or left out."""
    return st.fixed_dictionaries({}, optional={name: st.one_of(f, f, f, st.none()) for name, f in fields.items()})


LEFT = st.one_of(
    st.builds(lambda hours, off: max(0, 60 * hours + off), st.sampled_from([1, 2, 3, 4, 6, 8, 12, 13]), st.integers(-3, 40)),
    st.integers(0, 90),
    st.just(48 * 60),
)
"""How long power lasts, in minutes: near 1, 2 and 3 times usual leads, soon, or long."""


@st.composite
def power(draw: st.DrawFn) -> dict[str, Any] | None:
    """A reading of the power."""
    source = draw(st.sampled_from(["backup"] * 7 + ["battery", "battery", "mains", "mains", "none", None, "null"]))
    if source == "null":
        return None
    reading: dict[str, Any] = {"source": source}
    if source == "backup" or draw(st.integers(0, 9)) == 0:
        reading["backup_state"] = draw(mostly("running", None, "off", "fault", "not_connected", weight=8))
    how = draw(st.sampled_from(("endurance_h", "endurance_h", "fuel", "fuel", "battery_h", "both", "no", "no rate")))
    if how in ("endurance_h", "both"):
        reading["endurance_h"] = draw(LEFT) / 60
    if how in ("fuel", "both"):
        reading["fuel_l_per_h"] = draw(st.sampled_from((12, 6, 7.5, 60)))
        reading["fuel_l"] = draw(LEFT) * reading["fuel_l_per_h"] / 60
    if how == "battery_h" or (source == "battery" and how != "no"):
        reading["battery_h"] = draw(LEFT) / 60
    if how == "no rate":
        reading |= {"fuel_l": 40, "fuel_l_per_h": draw(st.sampled_from((0, None)))}
    return reading


STAFF = sparse(present=st.integers(0, 4), required=st.sampled_from((0, 2, 3, 4)))
WATER = sparse(source=mostly("tank", "mains"), litres=st.sampled_from((0, 7, 7.5, 10, 29, 30, 59, 60, 61, 90, 240, 900)))
HEAT = sparse(indoor_c=st.sampled_from((22, 20, 19.9, 18, 17.9, 15, 14.5)))
COMMS = sparse(can_call_112=mostly(False, True, weight=2), mobile=st.sampled_from(("up", "down")))
LIFECYCLE = mostly("open", "establishing", "closing", "closed", "planned", "prepared", None, weight=10)
OCCUPANCY = st.sampled_from((None, 0, 0, 5, 20, 39, 40, 45, 47, 48, 50, 60))
CAPACITY = st.sampled_from((None, 0, 25, 50, 50, 60))
SERVICE = st.sampled_from(("stopped", "stopped", "stopped", "available", "limited", "planned", None))


def or_null(section: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The section, or once in a while null."""
    return st.one_of(section, section, section, section, section, st.none())


@st.composite
def resources(draw: st.DrawFn, minute: int) -> dict[str, Any]:
    """Some sections of a resources report, read at the minute."""
    soon = st.integers(-30, 400).map(lambda after: make.when(minute + after))
    later = st.sampled_from((-30, 0, 20, 60, 235, 240, 245, 300, 720, 730)).map(lambda after: make.when(minute + after))
    sections = {
        "power": power(),
        "refill": or_null(sparse(eta=soon, confirmed=mostly(True, False))),
        "staff": or_null(STAFF),
        "next_shift": or_null(sparse(at=later, covered=mostly(False, True))),
        "water": or_null(WATER),
        "heat": or_null(HEAT),
        "comms": or_null(COMMS),
    }
    names = draw(st.lists(st.sampled_from(["power", "power", "power", "staff", "staff", *sections]), min_size=1, max_size=3))
    return {name: draw(sections[name]) for name in dict.fromkeys(names)}


@st.composite
def status(draw: st.DrawFn) -> dict[str, Any]:
    """Some of a status report."""
    codes = st.sampled_from((*WATCHED_SERVICES, *WATCHED_SERVICES, "charging", "electricity", "overnight"))
    one = st.one_of(st.fixed_dictionaries({"state": SERVICE}), st.fixed_dictionaries({"state": SERVICE}), st.none())
    parts: Mapping[str, st.SearchStrategy[Any]] = {
        "lifecycle": LIFECYCLE,
        "availability": st.sampled_from(("normal", "limited", "full", None)),
        "occupancy": OCCUPANCY,
        "capacity_day": CAPACITY,
        "capacity_night": CAPACITY,
        "services": st.one_of(*[st.dictionaries(codes, one, max_size=3)] * 9, st.none()),
        "note": st.sampled_from((None, "diesel räcker")),
    }
    names = draw(st.lists(st.sampled_from(["lifecycle", "occupancy", "services", *parts]), min_size=1, max_size=3))
    return {name: draw(parts[name]) for name in dict.fromkeys(names)}


REGISTER = st.fixed_dictionaries(
    {
        "name": st.just("Skolan"),
        "kind": st.just("trygghetspunkt"),
        "position": st.just({"lon": 20.25, "lat": 63.8}),
    },
    optional={
        "planned_services": st.one_of(
            st.lists(st.sampled_from(("heat", "charging", "rest", "overnight", "information")), unique=True, max_size=3),
            st.just(["heat"]),
            st.none(),
        ),
        "capacity_day": CAPACITY,
        "capacity_night": CAPACITY,
        "staff_required": st.sampled_from((None, 0, 2, 3)),
        "staff_min": st.sampled_from((None, 0, 1, 3)),
        "refill_lead_h": st.sampled_from((None, 1, 2, 3, 4, 0.5)),
    },
)


@st.composite
def need(draw: st.DrawFn, minute: int) -> dict[str, Any]:
    """A need or a surplus."""
    fields = sparse(
        direction=mostly("need", "surplus"),
        kind=st.sampled_from(("fuel", "water", "staff")),
        priority=mostly("urgent", "high", "normal"),
        needed_by=st.sampled_from((-180, -30, 0, 30, 60, 240)).map(lambda after: make.when(minute + after)),
        state=mostly("requested", "assigned", "under_way", "delivered"),
        quantity=st.sampled_from((1, 40, 2.5)),
        unit=st.sampled_from(("l", "persons")),
    )
    return {"need_id": draw(st.sampled_from(("n1", "n2", "n3"))), **draw(fields)}


KINDS = ["resources"] * 9 + ["status"] * 6 + ["need", "register", "confirm", "heartbeat", "contact"]
KINDS_OF_KOMMUN = ("need", "heartbeat", "contact", "activation")


@st.composite
def data(draw: st.DrawFn, kind: str, minute: int, ids: Sequence[str], points: Sequence[str] = POINTS) -> dict[str, Any]:
    """The data of a report of a kind."""
    match kind:
        case "resources":
            return draw(resources(minute))
        case "status":
            return draw(status())
        case "register":
            return draw(REGISTER)
        case "need":
            return draw(need(minute))
        case "contact":
            return {"result": draw(st.sampled_from(("reached", "failed")))}
        case "activation":
            return {"state": draw(st.sampled_from(("none_needed", "assessing", "activating", "active", None)))}
        case "withdraw":
            return {"report_ids": draw(st.lists(st.sampled_from(ids), min_size=1, max_size=2, unique=True))}
        case "retire":
            return draw(sparse(replaced_by=st.sampled_from(points), reason=st.just("riven")))
        case _:
            return {}


LATENESS = st.sampled_from([0] * 12 + [1, 2, 7, 45, 200, -1, -2, -3, -60])
"""Minutes from observed to received; below 0 the reporter's clock is fast."""


@st.composite
def told(draw: st.DrawFn, n: int, span: int, points: Sequence[str], *, untidy: bool) -> Told:
    """The n-th report of a story that goes on for `span` minutes."""
    minute = draw(st.one_of(st.integers(0, span), st.integers(0, span // 5).map(lambda m: 5 * m)))
    kinds = [*KINDS, "withdraw", "withdraw", "retire"] if untidy else KINDS
    point = draw(st.sampled_from(points))
    kind = draw(st.sampled_from(KINDS_OF_KOMMUN if point.endswith("-_") else kinds))
    ids = [f"r{i}" for i in range(max(n + 3, 3))]
    again = untidy and n > 0 and draw(st.integers(0, 7)) == 0
    return Told(
        minute,
        kind,
        draw(data(kind, minute, ids)),
        received=minute + draw(LATENESS),
        point=point,
        id=draw(st.sampled_from(ids[:n])) if again else f"r{n}",
        seq=draw(st.sampled_from((None, None, 0, 1, 2))),
        reporter=draw(st.sampled_from((None, None, "a", "b"))),
    )


@st.composite
def stories(
    draw: st.DrawFn, *, points: Sequence[str] = POINTS[:1], untidy: bool = False, spans: Sequence[int] = (40, 120, 300, 720), most: int = 12
) -> list[Told]:
    """What was reported about the points: each is opened at some time, most of them early."""
    span = draw(st.sampled_from(spans))
    story = [
        Told(draw(st.sampled_from((0, 0, 0, -200, span // 2))), "status", {"lifecycle": "open"}, point=p, id=f"open{i}")
        for i, p in enumerate(points)
        if not p.endswith("-_") and draw(st.integers(0, 9)) > 0
    ]
    story += [
        Told(-300, "register", draw(REGISTER), point=p, id=f"reg{i}")
        for i, p in enumerate(points)
        if not p.endswith("-_") and draw(st.integers(0, 3)) > 0
    ]
    n = draw(st.integers(1, most))
    return story + [draw(told(i, span, points, untidy=untidy)) for i in range(n)]


AFTERWARDS = (0, 0, 0, 1, 4, 5, 6, 15, 20, 30, 31, 35, 60, 65, 90, 120, 121, 150, 151, 180, 240, 241, 245, 360, 361, 720, 721)
"""Minutes after something happened at which something else does."""
BEFOREHAND = (0, 0, 55, 60, 65, 120, 180, 240, 360, 480, 720)
"""Minutes before something happens at which something else does."""
FINE = (0, 0, 0, 0, 1, -1, MINUTE // 2)
"""Microseconds off a whole minute."""


@st.composite
def nows(draw: st.DrawFn, reports: Sequence[Given]) -> int:
    """An instant to judge the reports at: near a bound, most often when all have been received."""
    past = [report.effective for report in reports] or [make.START]
    coming = [instant for report in reports for instant in _coming(report)]
    turn = draw(st.one_of(*[st.sampled_from(past)] * 2, *[st.sampled_from(coming or past)]))
    offset = draw(st.sampled_from(AFTERWARDS)) if turn in past else -draw(st.sampled_from(BEFOREHAND))
    now = turn + offset * MINUTE
    if draw(st.integers(0, 4)) > 0:
        now = max(now, max(past) + draw(st.sampled_from((-2, -1, 0, 0, 1, 5))) * MINUTE)
    return min(now, make.instant(LONGEST)) + draw(st.sampled_from(FINE))


def _coming(report: Given) -> list[int]:
    """The instants that a report foretells."""
    found: list[int] = []
    left = endurance(report.data.get("power"))
    if left is not None:
        found.append(report.effective + round(left))
    for section, name in (("refill", "eta"), ("next_shift", "at")):
        value = (report.data.get(section) or {}).get(name)
        found += [] if value is None else [parsed(value)]
    needed_by = report.data.get("needed_by")
    return found + ([] if needed_by is None else [parsed(needed_by)])


def services_are_known() -> bool:
    """Whether the services used here are services at all."""
    return set(WATCHED_SERVICES) <= SERVICES


@st.composite
def seconds_apart(draw: st.DrawFn) -> list[Told]:
    """Readings of one point within a few buckets, seconds apart: for merging alone."""
    aspects = st.sampled_from(("staff", "power", "lifecycle", "heat"))
    return [
        Told(
            draw(st.integers(0, 45)) / 3,
            *_reading(draw, draw(aspects)),
            id=f"r{draw(st.integers(0, 3))}{n}",
            seq=draw(st.sampled_from((None, 0, 1, 2))),
            reporter=draw(st.sampled_from((None, "a", "b"))),
        )
        for n in range(draw(st.integers(1, 14)))
    ]


@st.composite
def dense(draw: st.DrawFn) -> list[Told]:
    """Many readings of one aspect over some ten hours, some of them unknown, in any order."""
    aspect = draw(st.sampled_from(("staff", "power", "lifecycle", "heat")))
    n = draw(st.integers(1, 120))
    minutes = draw(st.lists(st.integers(0, 600), min_size=n, max_size=n))
    return [Told(minute, *_reading(draw, aspect), id=f"r{i}") for i, minute in enumerate(minutes)]


def _reading(draw: st.DrawFn, aspect: str) -> tuple[str, dict[str, Any]]:
    if aspect == "lifecycle":
        return "status", {"lifecycle": draw(LIFECYCLE)}
    value: Any = {
        "staff": st.sampled_from((None, {"present": 1}, {"present": 2, "required": 3}, {"required": 3})),
        "heat": st.sampled_from((None, {}, {"indoor_c": 17}, {"indoor_c": 20.5})),
        "power": power(),
    }[aspect]
    return "resources", {aspect: draw(value)}
