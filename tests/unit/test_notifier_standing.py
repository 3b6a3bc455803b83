"""What an Alertmanager is told leaves it with what stands, whatever happened and however often it was asked."""

from hypothesis import given, settings
from hypothesis import strategies as st

from notices import LEVELS, notice
from vardkase.notifier.notice import Quiet
from vardkase.notifier.standing import Name, Standing, Told, name_of
from vardkase_contracts.instants import SECOND


def standing() -> Standing:
    return Standing(keep_ended=60 * SECOND, most_ended=1000)


class Held:
    """What an Alertmanager holds, as far as it matters: of each name whether it fires."""

    def __init__(self) -> None:
        self.fires: dict[Name, bool] = {}

    def take(self, told: list[Told]) -> None:
        for each in told:
            self.fires[each.name] = each.ends_at is None

    @property
    def firing(self) -> set[Name]:
        return {name for name, fires in self.fires.items() if fires}


step = st.tuples(
    st.sampled_from(["a.b/1", "a.b/2", "c.d/1"]),
    st.sampled_from(LEVELS),
    st.booleans(),
    st.sampled_from(["tell", "", "lost"]),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(step, max_size=25))
def test_it_holds_what_stands(steps: list[tuple[str, str, bool, str]]) -> None:
    """Levels come and go, it is told now and then, and sometimes it was killed: in the end it fires what stands."""
    ours, there = standing(), Held()
    now: dict[str, str] = {}
    for at, (key, drawn, ended, then) in enumerate(steps):
        level = now.pop(key, drawn) if ended else drawn
        if not ended:
            now[key] = level
        ours.offer(notice(key, level, ended=ended, at=at), at)
        if then == "lost":
            there.fires.clear()
            there.take(ours.everything())
        elif then == "tell":
            told = ours.news()
            there.take(told)
            ours.told(told)
            assert not ours.has_news
    there.take(ours.news())
    assert there.firing == {name_of(notice(key, level).labels) for key, level in now.items()}


def test_a_level_ends_the_one_before_in_the_same_breath() -> None:
    """Graver or milder, the level before is over when the new one begins, and the gravest is told first."""
    ours = standing()
    ours.offer(notice(level="yellow", at=1), 1)
    ours.told(ours.news())
    ours.offer(notice(level="red", at=7), 7)
    red, yellow = ours.news()
    assert (red.notice.level, red.ends_at) == ("red", None)
    assert (yellow.notice.level, yellow.starts_at, yellow.ends_at) == ("yellow", 1, 7)


def test_what_changed_while_it_was_being_told_is_news_still() -> None:
    """A request under way tells the old; what came meanwhile is told with the next."""
    ours = standing()
    ours.offer(notice(at=1), 1)
    under_way = ours.news()
    ours.offer(notice(at=1, annotations={"new": "yes"}), 2)
    ours.told(under_way)
    assert [dict(each.annotations) for each in ours.news()] == [{"new": "yes"}]


def test_what_ended_is_told_for_a_while_and_forgotten() -> None:
    """It is repeated as long as an Alertmanager might have missed it, and not before it was told."""
    ours = standing()
    ours.offer(notice(at=1), 1)
    ours.offer(notice(ended=True, at=2), 2)
    ours.sweep(61 * SECOND)
    assert [each.ends_at for each in ours.everything()] == [2]
    ours.told(ours.news())
    ours.sweep(61 * SECOND)
    assert ours.everything() == []


def test_those_that_ended_are_bounded() -> None:
    """The ones that ended first go, and are counted when they had not been told."""
    ours = Standing(keep_ended=SECOND, most_ended=3)
    for number in range(5):
        ours.offer(notice(f"a.b/{number}", ended=True, at=number), number)
    assert [each.ends_at for each in ours.everything()] == [2, 3, 4]
    assert ours.dropped == 2


def test_what_it_holds_and_does_not_stand_is_ended() -> None:
    """After a restart it may hold what ended meanwhile; what stands is left alone."""
    ours = standing()
    ours.offer(notice("a.b/1"), 0)
    stale = name_of(notice("a.b/2", "yellow").labels)
    ours.strangers([name_of(notice("a.b/1").labels), stale], 5, at=9)
    assert [(each.name, each.ends_at) for each in ours.news() if each.ends_at is not None] == [(stale, 9)]


def test_an_act_of_people_mutes_and_what_follows_from_another_does_not() -> None:
    """Acks and silences become silences there; what is inhibited is for its own rules."""
    ours = standing()
    ours.offer(notice("a.b/1", quiet=Quiet(why="ack", until=9, comment="c")), 0)
    ours.offer(notice("a.b/2", quiet=Quiet(why="inhibited", until=None, comment="c")), 0)
    assert [dict(name)["key"] for name in ours.muted] == ["a.b/1"]
    ours.offer(notice("a.b/1", "critical"), 1)
    assert not ours.muted
