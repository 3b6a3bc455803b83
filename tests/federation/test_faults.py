"""Links and servers fail; what was published meanwhile arrives, once, in order."""

import asyncio

import pytest

from federation.conftest import Three
from vardkase_contracts import streams


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{n}" for n in range(count)]


async def test_links_are_reset(three: Three) -> None:
    """Ten times, while reports flow."""
    told: list[str] = []
    for n in range(10):
        told += (fresh := names(f"r{n}-", 20))
        await three.kommun.report(*fresh)
        for link in three.federation.links.values():
            link.reset()
    await three.federation.until_has([three.nation, three.lan], told)
    assert await three.nation.has() == told


@pytest.mark.parametrize("where", ["SE", "lan-24"])
async def test_a_black_hole(three: Three, where: str) -> None:
    """Nothing passes and nothing is told of it; when it heals, all is there within seconds."""
    link = three.federation.links[where]
    await three.kommun.report(*(before := names("a", 50)))
    await three.federation.until_has([three.nation], before)
    link.hole()
    await three.kommun.report(*(meanwhile := names("b", 500)))
    child, parent = (three.lan, three.nation) if where == "SE" else (three.kommun, three.lan)
    await three.federation.eventually(lambda: not parent.up(child.name), what="the link seen down", within=10)
    assert [each.name for each in parent.links.checks() if not each.ok] == [f"link {child.name}"]
    link.heal()
    await three.federation.until_has([three.nation, three.lan], [*before, *meanwhile], within=20)
    assert await three.nation.has() == [*before, *meanwhile]
    await three.federation.until_up()


async def test_a_parent_that_is_slow_to_speak(three: Three) -> None:
    """A link comes up on which the first word takes longer than the second that NATS waits by itself."""
    await three.kommun.stop()
    three.federation.links["lan-24"].first = 1.5
    await three.kommun.start()
    await three.kommun.report(*(told := names("a", 20)))
    await three.federation.until_has([three.nation, three.lan], told)


@pytest.mark.parametrize("who", ["nation", "lan", "kommun"])
async def test_a_server_is_killed(three: Three, who: str) -> None:
    """SIGKILL, and back on the same store; what the others published meanwhile is not lost, nor doubled."""
    level = getattr(three, who)
    await three.kommun.report(*(told := names("a", 200)))
    await level.kill()
    if who != "kommun":
        await three.kommun.report(*(more := names("b", 300)))
        told += more
    await level.revive()
    await three.kommun.report(*(last := names("c", 10)))
    told += last
    await three.federation.until_has([three.nation, three.lan, three.kommun], told, within=25)
    assert await three.nation.has() == told
    await three.federation.until_up()


async def test_all_are_killed_at_once(three: Three) -> None:
    """The lights go out everywhere, and come back from the top."""
    await three.kommun.report(*(told := names("a", 200)))
    levels = [three.nation, three.lan, three.kommun]
    await asyncio.gather(*(each.kill() for each in levels))
    for each in reversed(levels):
        await each.revive()
    await three.kommun.report(*(more := names("b", 50)))
    await three.federation.until_has(levels, [*told, *more], within=25)
    assert await three.nation.has() == [*told, *more]


async def test_a_wiped_child_begins_anew(three: Three) -> None:
    """What it had sent stays above; what it sends now arrives, whatever sequences it has."""
    await three.kommun.report(*(before := names("a", 100)))
    await three.federation.until_has([three.nation], before)
    await three.kommun.stop()
    three.kommun.wipe()
    await three.kommun.start()
    await three.kommun.report(*(after := names("b", 40)))
    await three.federation.until_has([three.nation, three.lan], [*before, *after], within=20)
    assert three.lan.healed("kommun-2480").get("parted") == 1
    assert await three.kommun.has() == after


async def test_a_child_restored_from_an_older_copy(three: Three) -> None:
    """Its sequences are used again for other reports; they are told apart by what they say, and none is left out."""
    await three.kommun.report(*(kept := names("a", 100)))
    await three.federation.until_has([three.nation], kept)
    await three.kommun.stop()
    copy = three.kommun.keep()
    await three.kommun.start()
    await three.kommun.report(*(lost_there := names("b", 50)))
    await three.federation.until_has([three.nation], [*kept, *lost_there])
    await three.kommun.stop()
    three.kommun.put_back(copy)
    await three.kommun.start()
    # More than were lost: by their number alone it could not be seen.
    await three.kommun.report(*(fresh := names("c", 80)))
    await three.federation.until_has([three.nation, three.lan], [*kept, *lost_there, *fresh], within=20)
    assert three.lan.healed("kommun-2480").get("parted") == 1


@pytest.mark.parametrize("late", [False, True], ids=["before", "overtaken"])
async def test_a_parent_restored_from_an_older_copy(three: Three, *, late: bool) -> None:
    """The consumer's place is at the child and does not go back by itself: it is set from what the parent has."""
    await three.kommun.report(*(told := names("a", 130)))
    await three.federation.until_has([three.nation], told)
    await three.lan.stop()
    copy = three.lan.keep()
    await three.lan.start()
    await three.federation.until_up()
    await three.kommun.report(*(more := names("b", 50)))
    await three.federation.until_has([three.nation], [*told, *more])
    await three.lan.stop()
    three.lan.put_back(copy)
    await three.kommun.all_acknowledged()
    told += more
    if late:
        await three.kommun.report(*(newer := names("c", 20)))
        told += newer
    await three.lan.start()
    await three.federation.until_has([three.lan], told, within=20)
    await three.federation.until_up()
    assert three.lan.healed("kommun-2480").get("restart")
    # Above it some may come twice, of what the län had passed on before: merging them again changes nothing.
    await three.federation.eventually(lambda: _all_there(three, told), what="all at the nation", within=15)


async def _all_there(three: Three, told: list[str]) -> bool:
    return set(await three.nation.has(streams.REPORTS)) == set(told)
