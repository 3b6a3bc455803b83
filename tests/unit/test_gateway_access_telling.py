from hypothesis import given
from hypothesis import strategies as st

from vardkase.gateway.access.telling import DIFFERENT, Telling, Told
from vardkase_contracts.areas import Area

AC, UMEA = Area.parse("24"), Area.parse("2480")


class Hand:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def told(who: str = "a", on: str = "24", what: str = "read.picture", area: Area = AC) -> Told:
    return Told(who, "lan", what, on, area, "act", "done", 0)


def test_the_same_is_told_of_once_in_a_window() -> None:
    """Whoever looks at the same all day is told of once a minute, and others each for themselves."""
    clock = Hand()
    telling = Telling(60, clock=clock)
    assert telling.to_tell(told())
    clock.now = 59
    assert telling.to_tell(told()) is None
    assert telling.to_tell(told("b"))
    assert telling.to_tell(told(on="2480"))
    assert telling.to_tell(told()._replace(outcome="refused"))
    assert telling.to_tell(told()._replace(reality="exe"))
    clock.now = 60
    assert telling.to_tell(told())


def test_who_reads_very_many_things_is_told_of_by_their_area() -> None:
    """After so many points in a minute the rest are told of as one: nobody fills the audit by reading."""
    clock = Hand()
    telling = Telling(60, clock=clock)
    points = [telling.to_tell(told(on=f"2480-p{number}", what="read.point", area=UMEA)) for number in range(500)]
    each = [one for one in points if one is not None]
    assert len(each) == DIFFERENT + 1
    assert each[-1].on == "2480"
    clock.now = 61
    assert telling.to_tell(told(on="2480-p1", what="read.point", area=UMEA)) == told(
        on="2480-p1", what="read.point", area=UMEA
    )


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["24", "2480-x"]), st.floats(0, 40)), max_size=80))
def test_nothing_is_left_out_for_longer_than_a_window(events: list[tuple[str, str, float]]) -> None:
    """Whatever is not told of was told of less than a window ago."""
    clock = Hand()
    telling = Telling(60, clock=clock)
    last: dict[tuple[str, str], float] = {}
    for who, on, wait in events:
        clock.now += wait
        if telling.to_tell(told(who, on)) is not None:
            last[who, on] = clock.now
        assert clock.now - last[who, on] < 60
