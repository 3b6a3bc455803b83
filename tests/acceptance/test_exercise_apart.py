"""Nothing of an exercise or a test is ever in skarpt läge: over random interleavings of all three worlds."""

import random
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acceptance.node import Node, Streams
from oracle.adapter import received
from oracle.make import Told, instant, order, when
from oracle.make import given as story
from oracle.strategies import LONGEST, ack_orders, incident_orders, stories
from vardkase.domain.merge import Received

POINTS = ("2480-umedalen", "2482-skolan")
AREAS = ("2480", "24", "norra", "SE")
"""Whose pictures are compared."""


def of(reality: str, told: Sequence[Told]) -> list[Received]:
    """Reports of a story as they are received in a reality, under ids that those of the others have too."""
    return [received(each) for each in story(one._replace(reality=reality) for one in told)]


def all_of(node: Node, now: int) -> dict[str, Any]:
    """Everything that a node of skarpt läge has ever said, and says now."""
    return {
        "alerts": node.streams.alerts,
        "public": node.streams.public,
        "states": node.streams.states,
        "pictures": [node.picture(code, now) for code in AREAS],
        "open": node.firing(),
        "versions": node.versions(),
    }


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Received], list[tuple[int, int]], list[dict[str, Any]], list[dict[str, Any]]]:
    """A log of three worlds in any order, in any batches with the instants they are judged at; acts in two of them."""
    story_of = stories(points=POINTS, untidy=True, sizes=(1, 3, 5))
    log = [item for reality in ("act", "exe", "tst") for item in of(reality, draw(story_of))]
    shuffler: random.Random = draw(st.randoms(use_true_random=False))
    shuffler.shuffle(log)
    cuts = sorted({*draw(st.lists(st.integers(0, len(log)), max_size=3)), len(log)})
    minutes = sorted(draw(st.lists(st.integers(0, LONGEST), min_size=len(cuts), max_size=len(cuts))))
    batches = [(cut, instant(minute)) for cut, minute in zip(cuts, minutes, strict=True)]
    keys = ["power.lost/2480-umedalen", "staff.short/2480-umedalen"]
    real = draw(incident_orders()) + draw(ack_orders(keys))
    return log, batches, real, draw(incident_orders()) + draw(ack_orders(keys))


def play(
    log: list[Received],
    batches: Sequence[tuple[int, int]],
    acts: Sequence[dict[str, Any]],
    played: Sequence[dict[str, Any]] | None = None,
) -> tuple[Node, Node | None]:
    """What a node makes of it: skarpt läge, and beside it övning when there are acts in it."""
    act = Node(Streams(log=log), area="SE")
    exe = None if played is None else Node(Streams(log=log), area="SE", reality="exe", registers=act)
    for each in acts:
        act.order(each)
    for each in played or ():
        if exe is not None:
            exe.order({**each, "reality": "exe"})
    if exe is not None:
        exercise = {"id": "x", "name": "X", "areas": ["24"], "from": when(0), "state": "running"}
        exe.order(order("exercise", 0, exercise, id_="ovning") | {"reality": "exe"})
    for cut, now in batches:
        for node in (act, exe):
            if node is not None:
                node.take(cut)
                node.judge(now)
    return act, exe


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_skarpt_lage_is_what_it_would_be_without_the_others(
    drawn: tuple[list[Received], list[tuple[int, int]], list[dict[str, Any]], list[dict[str, Any]]],
) -> None:
    """Every state, alert, public document and picture of skarpt läge is the same with and without övning and prov."""
    log, batches, real, played = drawn
    mixed, exercise = play(list(log), batches, real, played)
    alone = [each for each in log if each.report.reality == "act"]
    places = [(sum(each.report.reality == "act" for each in log[:cut]), now) for cut, now in batches]
    pure, _ = play(alone, places, real)
    now = batches[-1][1]
    assert all_of(mixed, now) == all_of(pure, now)
    assert exercise is not None
    assert exercise.streams.public == []
    said = [*exercise.streams.alerts, *exercise.streams.states]
    assert {each["reality"] for each in said} <= {"exe"}


def test_the_comparison_sees_what_crosses() -> None:
    """Were a report of övning taken for a real one, the comparison would tell."""
    told = [Told(0, "status", {"lifecycle": "open"})]
    crossed, _ = play(of("act", told), [(1, instant(1))], [])
    apart, _ = play(of("exe", told), [(1, instant(1))], [])
    assert all_of(crossed, instant(1)) != all_of(apart, instant(1))
