"""Areas compared with the definitions: silence, the share in distress, acks, and every count of a picture."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from oracle import adapter, make, strategies
from oracle.area import World
from oracle.effort import examples
from oracle.make import Told
from oracle.merge import instant
from oracle.orders import acks, kommuner
from oracle.orders_given import rules_orders, silence_orders
from oracle.overrides import silences
from oracle.picture import picture
from oracle.scan import Verdict
from oracle.table import AHEAD, LEVELS
from vardkase.domain.places import around

TWO_KOMMUNER = (*strategies.POINTS[:3], "2480-_", "2481-blavik", "2481-lycksele")
CROWD = strategies.POINTS
SHORT = 500
"""Minutes that a story of many points goes on: each of them is asked about, of every point."""
LAN = "24"


@examples(30)
@given(
    strategies.stories(points=TWO_KOMMUNER[2:], sizes=(0, 1, 3, 6)),
    strategies.incident_orders(),
    st.one_of(st.just([]), rules_orders()),
    st.data(),
)
def test_silence_is_judged_as_defined(
    story: list[Told], incidents: list[dict[str, Any]], rules: list[dict[str, Any]], data: st.DataObject
) -> None:
    """A kommun with open points or in an incident is silent from when the definitions and the rules there say."""
    orders = [*incidents, *rules]
    reports = make.given(story)
    now = max(data.draw(strategies.nows(reports)), make.instant(0))
    world = World.of(reports, orders, now)
    for kommun in ("2480", "2481", "2482"):
        expected, found = world.silent(kommun), adapter.silence(reports, orders, kommun, now)
        assert (expected and (expected.level, expected.raised_at)) == (found and (found.level, found.raised_at))


@examples(12)
@given(
    strategies.stories(points=CROWD, sizes=(3, 8, 12), longest=SHORT), st.one_of(st.just([]), rules_orders()), st.data()
)
def test_the_share_in_distress_is_judged_as_defined(
    story: list[Told], orders: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Of at least four open points, those red by power, staff, heat or water make a share."""
    reports = make.given(story)
    now = data.draw(strategies.nows(reports, SHORT))
    sums = adapter.Sums(reports, now, LAN, orders=orders)
    for area in (strategies.KOMMUN, LAN):
        assert World.of(reports, orders, now).red_share(area) == sums.red_share(area)


@examples(100)
@given(
    strategies.ack_orders(("power.lost/2480-teg", "area.silent/2480")),
    st.sampled_from(LEVELS),
    st.sampled_from((-60, 0, 1, 30)),
    st.sampled_from((None, None, 20, 60, 200)),
    st.sampled_from((0, 1, 30, 59, 60, 61, 200, 240, 300)),
)
def test_acks_count_as_defined(
    orders: list[dict[str, Any]], level: str, raised: int, runs_out: int | None, minute: int
) -> None:
    """Of each area its latest ack counts, while it lasts and covers the level, and not from before the alert."""
    key, raised_at, now = "power.lost/2480-teg", make.instant(raised), make.instant(minute)
    runs_out_at = None if runs_out is None else make.instant(runs_out)
    orders = [order for order in orders if instant(order["time"]) <= now]
    expected = acks(orders, key, Verdict(level=level, raised_at=raised_at), runs_out_at, now)
    found = adapter.orders(orders).acks_of(key, level, raised_at, runs_out_at, now)
    assert expected == {where: until for where, _, until in found}


@examples(150)
@given(
    silence_orders(("staff.short", "area.silent"), ("2480-teg", "2482-boda")),
    st.sampled_from((("staff.short", "2480-teg"), ("heat.low", "2480-haga"), ("area.silent", "2480"))),
    st.sampled_from((-30, 0, 9, 10, 30, 45, 60, 119, 120, 150)),
)
def test_silences_hold_as_defined(orders: list[dict[str, Any]], alert: tuple[str, str], minute: int) -> None:
    """Of each area the longest silence whose latest order matches the alert, and until when."""
    (rule, about), now = alert, make.instant(minute)
    found, _ = adapter.orders(orders).silences.of(rule, around(about), now)
    assert silences(orders, rule, about, now) == {each.name[:2]: each.until for each in found}


@examples(4)
@given(
    st.booleans().flatmap(lambda u: strategies.stories(points=TWO_KOMMUNER, sizes=(4, 8, 14), untidy=u, longest=SHORT)),
    st.data(),
)
def test_a_picture_counts_as_defined(story: list[Told], data: st.DataObject) -> None:
    """Every count of a kommun's, a län's and the nation's picture is what counting the points anew gives."""
    reports = make.given(story)
    now = max(data.draw(strategies.nows(reports, SHORT)), *(report.effective - AHEAD for report in reports))
    world = World.of(reports, [], now)
    for area in (strategies.KOMMUN, LAN, "SE"):
        expected = {path: n for path, n in leaves(picture(world, area)).items() if n != 0}
        found = adapter.Sums(reports, now, area, silent=world.silences).counts()
        assert expected == {path: n for path, n in leaves(found).items() if n != 0}


@examples(15)
@given(strategies.stories(points=TWO_KOMMUNER, sizes=(4, 8, 14)), st.data())
def test_sums_that_follow_the_clock_equal_sums_made_at_once(story: list[Told], data: st.DataObject) -> None:
    """Points judged again and again in any order leave the sums that judging them once would give."""
    reports = make.given(story)
    now = data.draw(strategies.nows(reports))
    sums = adapter.Sums(reports, data.draw(strategies.nows(reports)), LAN)
    for point in data.draw(st.permutations([*sums.states, *sums.states])):
        sums.put(point, data.draw(strategies.nows(reports)))
    for point in sums.states:
        sums.put(point, now)
    assert sums.rollup.differs(adapter.Sums(reports, now, LAN).rollup) == []


def leaves(counts: Any, path: str = "") -> dict[str, Any]:
    """Every value in an object of objects, by its path."""
    if not isinstance(counts, dict):
        return {path: counts}
    return {p: leaf for name, inner in counts.items() for p, leaf in leaves(inner, f"{path}/{name}").items()}


def test_areas_are_those_of_sweden() -> None:
    """The oracle's own reading of the areas agrees with their numbers."""
    assert (len(kommuner("SE")), len(kommuner(LAN)), len(kommuner("2480"))) == (290, 15, 1)
    assert instant("2026-11-20T09:00:00+01:00") == make.START
