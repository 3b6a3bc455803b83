"""Acts of people are folded like reports: what holds is a function of the set of orders."""

import itertools
from typing import Any

import orjson
import pytest

from oracle.make import instant, order, when
from vardkase.domain.incidents import KEPT
from vardkase.domain.intervals import FOREVER
from vardkase.domain.orders import Orders
from vardkase_contracts.instants import HOUR, MINUTE
from vardkase_contracts.orders import ORDER, Order

KEY = "power.lost/2480-umedalen"


def ack(minute: float, *, id_: str = "a", key: str = KEY, level: str = "critical", **more: Any) -> Order:
    return taken(order("ack", minute, {"key": key, "level": level, **more}, id_=id_))


def incident(minute: float, *areas: str, id_: str = "i", name: str = "storm", **more: Any) -> Order:
    data = {"id": name, "name": "Storm", "areas": areas, "from": when(minute), **more}
    return taken(order("incident", minute, data, id_=id_))


def taken(event: dict) -> Order:
    return ORDER.validate_json(orjson.dumps(event))


def folded(*orders: Order) -> Orders:
    found = Orders()
    for each in orders:
        found.take(each)
    return found


def until(orders: Orders, now: float, *, raised: float = 0, runs_out: float | None = None) -> list[int]:
    """When the acks that count at a minute end."""
    runs_out_at = None if runs_out is None else instant(runs_out)
    return [end for _, _, end in orders.acks_of(KEY, "red", instant(raised), runs_out_at, instant(now))]


def test_only_acks_and_incidents_concern_judging() -> None:
    """Taking an order says whether judging must look again."""
    orders = Orders()
    assert orders.take(ack(0))
    assert orders.take(incident(0, "2480"))
    assert not orders.take(taken(order("note", 0, {"note": "hej"}, id_="n")))


def test_an_ack_lasts_from_its_time_to_its_end_exclusive() -> None:
    """An ack counts at the instant it is given and not at the instant it ends, 4 h later."""
    orders = folded(ack(10))
    ends = instant(10) + 4 * HOUR
    assert until(orders, 10) == [ends]
    assert until(orders, 249.99) == [ends]
    assert until(orders, 250) == []


def test_an_ack_of_the_instant_the_alert_began_counts() -> None:
    """An ack exactly as old as the alert is not older than it."""
    assert until(folded(ack(10)), 20, raised=10)
    assert not until(folded(ack(10)), 20, raised=10 + 1 / 60)


def test_an_ack_ends_at_the_running_out_that_was_ahead_of_it() -> None:
    """A running out after the ack cuts it; one before it, or at it, does not."""
    orders = folded(ack(10))
    assert until(orders, 20, runs_out=60) == [instant(60)]
    assert until(orders, 60, runs_out=60) == []
    assert until(orders, 20, runs_out=10) == [instant(10) + 4 * HOUR]


@pytest.mark.parametrize("turn", range(6))
def test_the_latest_ack_counts_in_any_order(turn: int) -> None:
    """Of acks of one key by one area the latest by time, then by id, is the one, in whatever order they came."""
    acks = [
        ack(10, id_="a", until=when(600)),
        ack(20, id_="b", until=when(100)),
        ack(20, id_="c", until=when(90)),
    ]
    orders = folded(*list(itertools.permutations(acks))[turn])
    assert until(orders, 30) == [instant(90)]
    assert until(orders, 95) == []


def test_forgetting_changes_no_answer() -> None:
    """An older ack that arrives after the latest has run out does not count, forgotten or not."""
    orders = folded(ack(60, id_="b", until=when(120)))
    orders.forget(instant(180))
    orders.take(ack(0, id_="a", until=when(600)))
    assert until(orders, 200) == []


def test_an_ack_dated_ahead_hides_none_before_it() -> None:
    """An ack from a clock that is days ahead does not count yet, and the one that was given before it does."""
    orders = folded(ack(10, id_="a"), ack(9_000, id_="b"))
    assert until(orders, 20) == [instant(10) + 4 * HOUR]


def test_acks_of_one_instant_and_id_can_differ() -> None:
    """The same ack sent twice, the second time with a note, is taken in whatever it says."""
    for notes in ((None, "personal på väg"), ("personal på väg", None)):
        orders = folded(*(ack(10, note=note) for note in notes))
        assert until(orders, 20) == [instant(10) + 4 * HOUR]


def test_an_ack_lasts_no_longer_than_a_week() -> None:
    """An ack until next year ends after seven days, so that old ones can be forgotten."""
    orders = folded(ack(10, until="2027-11-20T00:00:00Z"))
    assert until(orders, 20) == [instant(10) + 7 * 24 * HOUR]


def test_memory_of_acks_is_bounded() -> None:
    """Hundreds of acks of one alert by one area leave the latest few, and the latest counts."""
    orders = folded(*(ack(n / 100, id_=f"a{n}", until=when(600 + n)) for n in range(500)))
    assert sum(len(acks) for given in orders.acks.values() for acks in given.values()) < 20
    assert until(orders, 20) == [instant(600 + 499)]


def test_acks_are_forgotten_in_the_end() -> None:
    """What has long run out does not stay in memory."""
    orders = folded(ack(0))
    orders.forget(instant(0) + 30 * 24 * HOUR)
    assert orders.acks == {}


def test_an_incident_holds_from_its_start_to_its_end_exclusive() -> None:
    """A kommun is in an incident from the first instant on and not any more at the last."""
    orders = folded(incident(0, "24", until=when(60)))
    assert [orders.incident_since("2480", instant(minute)) for minute in (-0.1, 0, 59.9, 60)] == [
        None,
        instant(0),
        instant(0),
        None,
    ]
    assert orders.incident_since("2580", instant(30)) is None


def test_the_earliest_of_the_incidents_in_force_counts() -> None:
    """A kommun in two incidents is waited for since the first that is still in force."""
    orders = folded(incident(0, "2480", name="one", until=when(60)), incident(30, "SE", name="two", id_="j"))
    assert orders.incident_since("2480", instant(45)) == instant(0)
    assert orders.incident_since("2480", instant(61)) == instant(30)


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_latest_order_of_an_incident_is_the_one(newest_first: bool) -> None:  # noqa: FBT001
    """An incident that is ordered again is changed, whichever order comes first."""
    both = [incident(0, "2480", id_="i"), incident(10, "2482", id_="j")]
    orders = folded(*(reversed(both) if newest_first else both))
    assert orders.incident_since("2480", instant(20)) is None
    assert orders.incident_since("2482", instant(20)) == instant(10)


def test_the_boundaries_of_incidents_are_those_ahead() -> None:
    """Beginnings and ends that are still to come are due; those past, and what has no end, are not."""
    orders = folded(
        incident(0, "2480", name="one", until=when(60)),
        incident(90, "2480", name="two", id_="j"),
    )
    assert sorted(orders.incident_boundaries(instant(0))) == [instant(60), instant(90)]
    assert list(orders.incident_boundaries(instant(95))) == []


def test_an_incident_ordered_by_a_clock_ahead_of_ours_hides_none_before_it() -> None:
    """One that ends it tomorrow, by a wrong clock, leaves it in force today."""
    orders = folded(incident(0, "2480", id_="i"), incident(9_000, "2480", id_="j", until=when(9_000)))
    assert orders.incident_since("2480", instant(20)) == instant(0)
    assert list(orders.incident_boundaries(instant(20))) == [instant(9_000)]
    assert orders.incident_since("2480", instant(9_000)) is None


@pytest.mark.parametrize("newest_first", [False, True])
def test_memory_of_incidents_is_bounded(newest_first: bool) -> None:  # noqa: FBT001
    """The incidents that were changed last are kept, in whatever order they come; the rest are counted."""
    told = [incident(n / 100, "2480", name=f"i{n}", id_=f"o{n}", until=when(600 + n)) for n in range(KEPT + 20)]
    orders = folded(*(reversed(told) if newest_first else told))
    assert (len(orders.incidents), orders.incidents.left_out) == (KEPT, 20)
    assert min(orders.incident_boundaries(instant(20))) == instant(620)


def test_an_incident_that_is_over_costs_nothing_and_stays_over() -> None:
    """It is forgotten where it is looked for, and an older order of it changes nothing when it comes late."""
    orders = folded(incident(10, "2480", id_="b", until=when(60)))
    orders.forget(instant(120))
    assert orders.incidents.kommuner() == set()
    orders.take(incident(0, "2480", id_="a"))
    assert orders.incident_since("2480", instant(130)) is None
    assert orders.incident_since("2480", instant(30)) == instant(10)


def test_forgetting_costs_nothing_when_there_is_nothing_to_forget() -> None:
    """What is too old is looked for once an hour, and not with every judgement."""
    orders = folded(ack(0))
    orders.forget(instant(0) + 29 * 24 * HOUR)
    orders.take(ack(0))
    orders.forget(instant(1) + 29 * 24 * HOUR)
    assert orders.acks
    orders.forget(instant(61) + 29 * 24 * HOUR)
    assert not orders.acks


def test_the_next_ack_is_one_with_a_time_to_come() -> None:
    """An ack given by a clock ahead of ours is waited for until its time."""
    orders = folded(ack(10))
    assert orders.next_ack(KEY, instant(10) - MINUTE) == instant(10)
    assert orders.next_ack(KEY, instant(10)) == FOREVER
