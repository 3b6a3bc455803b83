"""Which children wait while the log is nearly full."""

from vardkase.federation.holding import Holding


def test_who_fills_the_log_waits_and_nobody_else() -> None:
    """By what it brought since there was room; what it brought long ago is not held against anybody."""
    holding = Holding()
    holding.look(0.5, {"a": 1_000_000, "b": 10})
    assert holding.held == set()
    holding.look(0.91, {"a": 1_000_010, "b": 50_000})
    assert holding.held == {"b"}


def test_one_more_waits_as_long_as_it_fills_on() -> None:
    """Until it does not; then nobody else is held, and none let go before there is room."""
    holding = Holding()
    holding.look(0.92, {"a": 5, "b": 50, "c": 0})
    holding.look(0.93, {"a": 6, "b": 50, "c": 0})
    assert holding.held == {"a", "b"}
    holding.look(0.93, {"a": 6, "b": 50, "c": 3})
    holding.look(0.88, {"a": 6, "b": 50, "c": 9})
    assert holding.held == {"a", "b"}
    holding.look(0.84, {"a": 6, "b": 50, "c": 9})
    assert holding.held == set()


def test_nobody_waits_for_what_this_node_itself_has_taken_in() -> None:
    """A log that its own intake fills is nobody else's doing."""
    holding = Holding()
    holding.look(0.5, {"a": 100})
    holding.look(0.95, {"a": 100})
    assert holding.held == set()
