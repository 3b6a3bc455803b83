"""What goes wrong by itself is seen and mended while the node runs, each kind with a count of its own."""

import itertools

import pytest

from federation.conftest import Three
from federation.kit import Level
from vardkase.federation import landing
from vardkase.federation.wiring import UP
from vardkase.runtime.jetstream.api import call
from vardkase.runtime.nats_config import Links
from vardkase_contracts import streams

_CAUGHT_UP = 'vardkase_source_lag{child="kommun-2480"} 0'


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{n}" for n in range(count)]


async def restored(three: Three, lost: list[tuple[str, str]], last: list[str]) -> None:
    """The län's store is put back as it was before the first of these, on a server whose links are always open.

    Nothing is mended before more has come: the state in which the server alone would stay for ever.

    Args:
        three: the levels.
        lost: kommun and name of each report that the län has no more.
        last: what has come since.
    """
    lan, kommun = three.lan, three.kommun
    await lan.stop()
    copy = lan.keep()
    lan.outside = True
    await lan.start()
    await three.federation.until_up()
    for code, group in itertools.groupby(lost, key=lambda each: each[0]):
        await kommun.report(*(name for _, name in group), kommun=code)
    await three.federation.eventually(lambda: _last(lan, lost[-1][1]), what="the last one there", within=15)
    await lan.stop()
    lan.put_back(copy)
    await kommun.all_acknowledged()
    await lan.start(tended=False)
    await kommun.report(*last)
    await three.federation.eventually(lambda: _last(lan, last[-1]), what="the newest there", within=30)


async def _last(level: Level, name: str) -> bool:
    return await level.last("CHILD_2480") == name


async def _has(level: Level, held: list[str]) -> bool:
    return sorted(await level.has()) == held


@pytest.mark.slow
@pytest.mark.parametrize("count", [30, 1500], ids=["fetched", "read again"])
async def test_a_gap_is_filled(three: Three, count: int) -> None:
    """Reports that the source went past are fetched from the child; if they are many, it is read again from there."""
    await three.kommun.report(*(first := names("a", 20)))
    await three.federation.until_has([three.nation], first)
    skipped, last = names("b", count), names("c", 20)
    await restored(three, [("2480", each) for each in skipped], last)
    held = sorted([*first, *last])
    await three.federation.eventually(lambda: _has(three.lan, held), what="what came since, and no more")
    three.lan.resume()

    async def there() -> bool:
        return set(await three.lan.has()) == {*first, *skipped, *last}

    await three.federation.eventually(there, what="all at the län", within=20)
    await three.federation.eventually(lambda: three.lan.healed_of("kommun-2480", "gap"), within=5)
    if count < 1000:
        await three.federation.until_has([three.lan], [*first, *skipped, *last])


@pytest.mark.slow
async def test_what_is_fetched_is_the_childs_own(three: Three) -> None:
    """What the child has in another's name is left out, as it is when it comes by itself."""
    config = (await call(three.kommun.nc, f"STREAM.INFO.{streams.REPORTS}"))["config"]
    await call(three.kommun.nc, f"STREAM.UPDATE.{streams.REPORTS}", config | {"subjects": ["tp.v1.*.accepted.>"]})
    await three.kommun.report("a")
    await three.federation.until_has([three.nation], ["a"])
    await restored(three, [("2480", "b"), ("2401", "forged"), ("2480", "c")], ["d"])
    three.lan.resume()
    await three.federation.until_has([three.lan], ["a", "b", "c", "d"])
    await three.federation.eventually(lambda: three.lan.healed_of("kommun-2480", "gap"), within=5)


@pytest.mark.slow
async def test_a_consumer_that_was_deleted_is_made_again_and_read(three: Three) -> None:
    """Whoever deleted it: the child makes it, and reports arrive."""
    await three.kommun.report("a")
    await three.federation.until_has([three.nation], ["a"])
    await call(three.kommun.nc, f"CONSUMER.DELETE.{streams.REPORTS}.{UP}")
    await three.kommun.report("b")
    await three.federation.until_has([three.lan, three.nation], ["a", "b"], within=30)


async def test_a_source_that_was_taken_away_is_put_back(three: Three) -> None:
    """The landing stream without its source."""
    await landing.unsource(three.lan.nc, "CHILD_2480")
    await three.kommun.report("a")
    await three.federation.until_has([three.lan, three.nation], ["a"])


@pytest.mark.slow
async def test_a_landing_stream_that_was_lost_is_made_again(three: Three) -> None:
    """And the child is read from its beginning: some of it twice, nothing not at all."""
    await three.kommun.report(*(told := names("a", 50)))
    await three.federation.until_has([three.nation], told)
    await three.federation.eventually(
        lambda: _CAUGHT_UP in three.lan.links.exposition(), what="seen as it was", within=10
    )
    await landing.delete(three.lan.nc, "CHILD_2480")
    await three.kommun.report("b")

    async def there() -> bool:
        return set(await three.nation.has()) == {*told, "b"}

    await three.federation.eventually(there, what="all at the nation", within=30)
    assert await three.lan.healed_of("kommun-2480", "lost")


async def test_a_link_that_is_dialled_no_more_is_dialled_anew(three: Three) -> None:
    """The server of the child has forgotten its parent, whose port answers."""
    leafnodes = {key: value for key, value in three.kommun.links._member.open().leafnodes.items() if key != "remotes"}
    await three.kommun.bus.relink(Links(leafnodes=leafnodes))
    await three.federation.eventually(lambda: not three.kommun.up("lan-24"), what="the link down", within=5)
    await three.kommun.report("a")
    await three.federation.until_has([three.lan, three.nation], ["a"], within=25)
    assert three.kommun.healed("lan-24").get("redial") == 1


async def test_links_tell_how_they_are(three: Three) -> None:
    """Up or down, since when, how far behind; as metrics and as checks that the node is ready without."""
    await three.kommun.report("a")
    await three.federation.until_has([three.nation], ["a"])
    # As it was when it was last asked.
    await three.federation.eventually(lambda: _CAUGHT_UP in three.lan.links.exposition(), within=10)
    told = three.lan.links.exposition()
    assert 'vardkase_link_up{child="kommun-2480"} 1' in told
    assert 'vardkase_parent_up{parent="SE"} 1' in told
    assert 'vardkase_link_healed_total{child="kommun-2480",what="gap"} 0' in told
    await three.kommun.kill()
    await three.federation.eventually(lambda: not three.lan.up("kommun-2480"), within=5)
    told = three.lan.links.exposition()
    assert 'vardkase_link_up{child="kommun-2480"} 0' in told
    assert "vardkase_source_lag" not in told, "what is not known is not told"
    [check] = [each for each in three.lan.links.checks() if not each.ok]
    assert (check.name, check.needed) == ("link kommun-2480", False)
