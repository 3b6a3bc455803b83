"""How a node's links are: as checks, as metrics and as the document that is told."""

import time

from vardkase.federation.health import LinkHealth, exposition
from vardkase.federation.told import document


def link(**given: object) -> LinkHealth:
    return LinkHealth(node="kommun-2480", area="2480", to="child", **given)  # type: ignore[arg-type]


def told(one: LinkHealth) -> dict[str, object]:
    [found] = document("lan-24", "24", [one], time.time())["links"]
    return found


def test_a_link_that_was_not_looked_at_is_neither_up_nor_down() -> None:
    """Nothing is said of it that nobody knows."""
    one = link()
    assert (told(one)["up"], told(one)["last_seen"], told(one)["lag_messages"]) == (None, None, None)
    one.silent("does not answer")
    assert told(one)["up"] is False


def test_what_is_behind_is_told_while_it_answers_and_not_known_when_it_does_not() -> None:
    """Up, since, last seen, lag in messages and in time."""
    one = link()
    one.answered(12, 3.5, "12 waiting")
    up = told(one)
    assert (up["up"], up["lag_messages"], up["lag_s"], up["stalled"]) == (True, 12, 3.5, False)
    assert up["last_seen"] is not None
    one.silent("does not answer: in time")
    down = told(one)
    assert (down["up"], down["lag_messages"], down["lag_s"]) == (False, None, None)
    assert down["last_seen"] == up["last_seen"]
    assert one.check().told() == {
        "name": "link kommun-2480",
        "ok": False,
        "detail": "does not answer: in time",
        "needed": False,
    }


def test_a_source_that_stalled_is_not_well_though_the_other_node_answers() -> None:
    """Readiness says so, and a metric, until something comes."""
    one = link()
    one.answered(12, 3.5, "", ill="stalled: 12 waiting")
    assert (one.check().ok, one.check().detail, told(one)["stalled"]) == (False, "stalled: 12 waiting", True)
    assert 'vardkase_link_stalled{child="kommun-2480"} 1' in exposition([one])
    one.answered(0, 0.0, "")
    assert (one.check().ok, told(one)["stalled"]) == (True, False)
    assert 'vardkase_link_stalled{child="kommun-2480"} 0' in exposition([one])


def test_what_was_not_a_childs_to_send_is_told() -> None:
    """In readiness, as a metric, and in the document."""
    one = link()
    one.answered(0, 0.0, "")
    one.foreign = 3
    assert one.check().ok
    assert "3 messages that were not its to send" in one.check().detail
    assert told(one)["foreign"] == 3
    assert 'vardkase_link_foreign_total{child="kommun-2480"} 3' in exposition([one])
