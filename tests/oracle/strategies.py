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
from oracle.table import MINUTE

KOMMUN = "2480"
POINTS = tuple(f"{KOMMUN}-{slug}" for slug in ("umedalen", "ersboda", "teg", "haga", "boda"))
LONGEST = 1_500
"""The longest a timeline goes on, in minutes: every one of them is asked about."""
WATCHED_SERVICES = ("medical_device_charging", "heat", "emergency_call")


def mostly(usual: Any, *others: Any, weight: int = 3) -> st.SearchStrategy[Any]:
    """The usual value `weight` times as often as each of the others."""
    return st.sampled_from([usual] * weight + list(others))


@st.composite
def sparse(draw: st.DrawFn, **fields: st.SearchStrategy[Any]) -> dict[str, Any]:
    """An object with the fields: each mostly given, now and then null or left out."""
    how = {name: draw(mostly("given", "null", "left out", weight=6)) for name in fields}
    return {n: draw(f) if how[n] == "given" else None for n, f in fields.items() if how[n] != "left out"}


LEFT = st.one_of(
    st.builds(
        lambda hours, off: max(0, 60 * hours + off), st.sampled_from([1, 2, 3, 4, 6, 8, 12, 13]), st.integers(-3, 40)
    ),
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
WATER = sparse(
    source=mostly("tank", "mains"), litres=st.sampled_from((0, 7, 7.5, 10, 29, 30, 59, 60, 61, 90, 240, 900))
)
HEAT = sparse(indoor_c=st.sampled_from((22, 20, 19.9, 18, 17.9, 15, 14.5)))
COMMS = sparse(can_call_112=mostly(False, True, weight=2), mobile=st.sampled_from(("up", "down")))
LIFECYCLE = mostly("open", "establishing", "closing", "closed", "planned", "prepared", None, weight=10)
OCCUPANCY = st.sampled_from((None, 0, 0, 5, 20, 39, 40, 45, 47, 48, 50, 60))
CAPACITY = st.sampled_from((None, 0, 25, 50, 50, 60))
SERVICE = st.sampled_from(("stopped", "stopped", "stopped", "available", "limited", "planned", None))


def or_null(section: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The section, or once in a while null."""
    return st.one_of(section, section, section, section, section, st.none())


def sections(minute: int) -> dict[str, st.SearchStrategy[Any]]:
    """The sections of a resources report, read at the minute."""
    soon = st.integers(-30, 400).map(lambda after: make.when(minute + after))
    later = st.sampled_from((-30, 0, 20, 60, 235, 240, 245, 300, 720, 730)).map(lambda after: make.when(minute + after))
    return {
        "power": power(),
        "refill": or_null(sparse(eta=soon, confirmed=mostly(True, False))),
        "staff": or_null(STAFF),
        "next_shift": or_null(sparse(at=later, covered=mostly(False, True))),
        "water": or_null(WATER),
        "heat": or_null(HEAT),
        "comms": or_null(COMMS),
    }


CODES = st.sampled_from((*WATCHED_SERVICES, *WATCHED_SERVICES, "charging", "electricity", "overnight"))
ONE_SERVICE = st.one_of(st.fixed_dictionaries({"state": SERVICE}), st.fixed_dictionaries({"state": SERVICE}), st.none())
STATUS: Mapping[str, st.SearchStrategy[Any]] = {
    "lifecycle": LIFECYCLE,
    "availability": st.sampled_from(("normal", "limited", "full", None)),
    "occupancy": OCCUPANCY,
    "capacity_day": CAPACITY,
    "capacity_night": CAPACITY,
    "services": st.one_of(*[st.dictionaries(CODES, ONE_SERVICE, max_size=3)] * 9, st.none()),
    "note": st.sampled_from((None, "diesel räcker")),
}
SECTIONS = ("power", "refill", "staff", "next_shift", "water", "heat", "comms")


@st.composite
def parts(draw: st.DrawFn, minute: int, names: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Some of a status or a resources report: the parts of these names that go with the first."""
    of: Mapping[str, st.SearchStrategy[Any]] = sections(minute) if names[0] in SECTIONS else STATUS
    return "resources" if names[0] in SECTIONS else "status", {name: draw(of[name]) for name in names if name in of}


REGISTER = st.fixed_dictionaries(
    {
        "name": st.just("Skolan"),
        "kind": st.just("trygghetspunkt"),
        "position": st.just({"lon": 20.25, "lat": 63.8}),
    },
    optional={
        "planned_services": st.one_of(
            st.lists(
                st.sampled_from(("heat", "charging", "rest", "overnight", "information")), unique=True, max_size=3
            ),
            st.just(["heat"]),
            st.just(["heat", "overnight", "medical_device_charging"]),
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


OTHER_KINDS = ("need", "need", "register", "confirm", "heartbeat", "contact")
UNTIDY_KINDS = ("withdraw", "withdraw", "withdraw", "retire")
KINDS_OF_KOMMUN = ("need", "heartbeat", "contact", "activation")


def data(kind: str, minute: int, ids: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    """The data of a report of another kind than status and resources."""
    activation = st.sampled_from(("none_needed", "assessing", "activating", "active", None))
    kinds: dict[str, st.SearchStrategy[dict[str, Any]]] = {
        "register": REGISTER,
        "need": need(minute),
        "contact": st.fixed_dictionaries({"result": st.sampled_from(("reached", "failed"))}),
        "activation": st.fixed_dictionaries({"state": activation}),
        "withdraw": st.fixed_dictionaries(
            {"report_ids": st.lists(st.sampled_from(ids), min_size=1, max_size=2, unique=True)}
        ),
        "retire": sparse(replaced_by=st.sampled_from(POINTS), reason=st.just("riven")),
    }
    return kinds.get(kind, st.just({}))


LATENESS = st.sampled_from([0] * 12 + [1, 2, 7, 45, 200, -1, -2, -3, -60])
"""Minutes from observed to received; below 0 the reporter's clock is fast."""
STEPS = st.sampled_from((0, 1, 2, 4, 5, 6, 10, 14, 15, 16, 25, 29, 30, 31, 55, 60, 61, 90, 120, 180, 240))
"""Minutes from one report to the next."""
FOCUS = (
    "power",
    "power",
    "staff",
    "occupancy",
    "services",
    "lifecycle",
    "heat",
    "water",
    "comms",
    "refill",
    "next_shift",
)


@st.composite
def told(draw: st.DrawFn, n: int, minute: int, point: str, focus: Sequence[str], *, untidy: bool) -> Told:
    """The n-th report of a story: most often of what the story is about."""
    turn = draw(st.integers(0, 9))
    ids = [f"r{i}" for i in range(n + 3)]
    if point.endswith("-_") or turn < 2:
        kinds = (*OTHER_KINDS, *UNTIDY_KINDS) if untidy else OTHER_KINDS
        kind = draw(st.sampled_from(KINDS_OF_KOMMUN if point.endswith("-_") else kinds))
        content = draw(data(kind, minute, ids))
    else:
        of = focus if turn < 8 else (*SECTIONS, *STATUS)
        names = draw(st.lists(st.sampled_from(of), min_size=1, max_size=3, unique=True))
        kind, content = draw(parts(minute, names))
    again = untidy and n > 0 and draw(st.integers(0, 7)) == 0
    return Told(
        minute,
        kind,
        content,
        received=minute + draw(LATENESS),
        point=point,
        id=draw(st.sampled_from(ids[:n])) if again else f"r{n}",
        seq=draw(st.sampled_from((None, None, 0, 1, 2))),
        reporter=draw(st.sampled_from((None, None, "a", "b"))),
    )


@st.composite
def beginnings(draw: st.DrawFn, n: int, point: str) -> list[Told]:
    """How a point begins: most often registered, opened, and with some first readings."""
    found: list[Told] = []
    if draw(st.integers(0, 3)) > 0:
        found.append(Told(-300, "register", draw(REGISTER), point=point, id=f"reg{n}"))
    if draw(st.integers(0, 9)) > 0:
        opened = draw(st.sampled_from((0, 0, 0, -200, 60)))
        found.append(Told(opened, "status", {"lifecycle": "open"}, point=point, id=f"open{n}"))
    if draw(st.booleans()):
        first = {
            "power": draw(st.one_of(power(), st.just({"source": "mains"}))),
            "staff": {"present": 3, "required": 3},
        }
        found.append(Told(draw(st.sampled_from((0, -30))), "resources", first, point=point, id=f"first{n}"))
    return found


@st.composite
def stories(
    draw: st.DrawFn,
    *,
    points: Sequence[str] = POINTS[:1],
    untidy: bool = False,
    sizes: Sequence[int] = (1, 3, 5, 8, 11),
    longest: int = LONGEST,
) -> list[Told]:
    """What was reported about the points, during the first half of the longest time, in any order."""
    story = [one for n, p in enumerate(points) if not p.endswith("-_") for one in draw(beginnings(n, p))]
    focus = draw(st.lists(st.sampled_from(FOCUS), min_size=1, max_size=3, unique=True))
    minute = 0
    for n in range(draw(st.sampled_from(sizes))):
        minute = min(minute + draw(STEPS), longest // 2)
        story.append(draw(told(n, minute, draw(st.sampled_from(points)), focus, untidy=untidy)))
    return story


AFTERWARDS = (
    0,
    0,
    0,
    1,
    4,
    5,
    6,
    15,
    20,
    30,
    31,
    35,
    60,
    65,
    90,
    120,
    121,
    150,
    151,
    180,
    240,
    241,
    245,
    360,
    361,
    720,
    721,
)
"""Minutes after something happened at which something else does."""
BEFOREHAND = (0, 0, 55, 60, 65, 120, 180, 240, 360, 480, 720)
"""Minutes before something happens at which something else does."""
FINE = (0, 0, 0, 0, 1, -1, MINUTE // 2)
"""Microseconds off a whole minute."""


@st.composite
def nows(draw: st.DrawFn, reports: Sequence[Given], longest: int = LONGEST) -> int:
    """An instant to judge the reports at: near a bound, most often when all have been received."""
    past = [report.effective for report in reports] or [make.START]
    coming = [instant for report in reports for instant in _coming(report)]
    turn = draw(st.one_of(*[st.sampled_from(past)] * 2, *[st.sampled_from(coming or past)]))
    offset = draw(st.sampled_from(AFTERWARDS)) if turn in past else -draw(st.sampled_from(BEFOREHAND))
    now = turn + offset * MINUTE
    if draw(st.integers(0, 4)) > 0:
        now = max(now, max(past) + draw(st.sampled_from((-2, -1, 0, 0, 1, 5))) * MINUTE)
    return min(now, make.instant(longest)) + draw(st.sampled_from(FINE))


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


@st.composite
def incident_orders(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Some incidents, declared, changed and ended."""
    return [
        make.order(
            "incident",
            draw(st.integers(-60, 0)),
            {
                "id": draw(st.sampled_from(("alfa", "beta"))),
                "name": "Storm",
                "areas": draw(st.sampled_from((["2480"], ["24"], ["norra"], ["SE"], ["2481"], ["01"]))),
                "from": make.when(draw(st.sampled_from((-400, -60, 0, 60, 200)))),
                **draw(sparse(until=st.sampled_from((30, 120, 400, 1_000)).map(make.when))),
            },
            id_=f"i{n}",
        )
        for n in range(draw(st.integers(0, 3)))
    ]


@st.composite
def ack_orders(draw: st.DrawFn, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Acks of alerts, by several areas, some of them more than once."""
    return [
        make.order(
            "ack",
            draw(st.sampled_from((-30, -1, 0, 1, 10, 30, 31, 60, 120))),
            {
                "key": draw(st.sampled_from(keys)),
                "level": draw(st.sampled_from(("yellow", "red", "critical"))),
                **draw(sparse(until=st.sampled_from((0, 30, 60, 61, 300)).map(make.when))),
            },
            by=draw(st.sampled_from((("lan", "24"), ("lan", "24"), ("kommun", "2480"), ("nation", "SE")))),
            id_=f"a{draw(st.integers(0, 9))}{n}",
        )
        for n in range(draw(st.integers(1, 6)))
    ]
