import pytest
from hypothesis import given
from hypothesis import strategies as st

from vardkase.gateway.access.limits import Buckets, one_of, whole_seconds


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_and_then_the_rate() -> None:
    """So many at once, then one as soon as its time has come; who was refused is told when."""
    clock = Hand()
    buckets = Buckets(2, 3, clock=clock)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a") == pytest.approx(0.5)
    clock.now += 0.5
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0


def test_everybody_has_a_bucket_of_their_own() -> None:
    """One who asks too much takes nothing from another."""
    buckets = Buckets(1, 1, clock=Hand())
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0
    assert buckets.take("b") == 0


def test_asking_in_vain_costs_nothing() -> None:
    """Who goes on asking while refused does not wait longer for it."""
    clock = Hand()
    buckets = Buckets(1, 1, clock=clock)
    buckets.take("a")
    waits = [buckets.take("a") for _ in range(100)]
    assert len(set(waits)) == 1


def test_those_who_are_remembered_are_bounded() -> None:
    """A flood of addresses takes a bounded room; whoever asked last is remembered."""
    buckets = Buckets(1, 1, most=100, clock=Hand())
    for number in range(1000):
        buckets.take(f"a{number}")
    assert len(buckets) == 100
    assert buckets.take("a999") > 0
    assert buckets.take("a0") == 0


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 5)), max_size=60))
def test_no_more_than_burst_and_rate_in_any_stretch(steps: list[tuple[float, int]]) -> None:
    """However the requests are spread, no more of them pass than a full bucket and what was refilled since."""
    clock = Hand()
    buckets = Buckets(2, 5, clock=clock)
    begun, passed = clock.now, 0
    for wait, count in steps:
        clock.now += wait
        passed += sum(buckets.take("a") == 0 for _ in range(count))
        assert passed <= 5 + 2 * (clock.now - begun) + 1e-6


def test_what_costs_more_takes_more() -> None:
    """A dear request takes several; one dearer than the bucket takes all of it, and is possible still."""
    clock = Hand()
    buckets = Buckets(1, 10, clock=clock)
    assert buckets.take("a", 6) == 0
    assert buckets.take("a", 6) == pytest.approx(2)
    clock.now += 100
    assert buckets.take("a", 1000) == 0


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1%eth0", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("unix:", "unknown"),
        ("<script>", "unknown"),
    ],
)
def test_whose_an_address_is(address: str, whose: str) -> None:
    """Of IPv6 the /64 counts, since whoever has one address of it has all; what is no address is one and the same."""
    assert one_of(address) == whose


def test_seconds_to_wait_are_whole_and_never_none() -> None:
    """`Retry-After` is at least a second."""
    assert [whole_seconds(wait) for wait in (0.01, 1.0, 1.2, 30)] == ["1", "1", "2", "30"]
