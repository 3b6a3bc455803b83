"""A link as part of the picture: what it brought ages when it is dead, is never hidden, and never looks better."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from federation.conftest import Three
from federation.kit import Federation, Level
from federation.services_kit import LevelServices, log, merged, report, signer_of
from servers import Eventually
from vardkase.federation.health import LinkHealth
from vardkase.federation.landing import get
from vardkase.federation.told import STREAM, SUBJECT, Told
from vardkase.federation.wiring import UP
from vardkase.runtime.jetstream.api import call
from vardkase_contracts import streams, subjects
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import HOUR, iso, parse

pytestmark = pytest.mark.asyncio(loop_scope="module")

POINT = "2480-skolan"
NOW = time.time_ns() // 1000
POWER = {"source": "mains"}
STAFF = {"present": 2, "required": 2}
SAYS = {"power": POWER, "staff": STAFF}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def three(tmp_path_factory: pytest.TempPathFactory, eventually: Eventually) -> AsyncIterator[Three]:
    """Three levels with their links up."""
    federation = Federation(tmp_path_factory.mktemp("links"), eventually)
    try:
        nation = await federation.begin()
        lan = await federation.join("24", parent=True)
        kommun = await federation.join("2480")
        await federation.until_up()
        yield Three(federation, nation, lan, kommun)
    finally:
        await federation.stop()


async def told(level: Level) -> dict[str, Any]:
    """What a node tells of its links, by node."""
    found = await get(level.nc, STREAM, last_by_subj=SUBJECT)
    return {} if found is None else {each["node"]: each for each in json.loads(found.data)["links"]}


async def is_told(level: Level, node: str, **wanted: Any) -> bool:
    one = (await told(level)).get(node, {})
    return bool(one) and all(one[name] == value for name, value in wanted.items())


async def picture(services: LevelServices, code: str) -> dict[str, Any]:
    return (await services.last(streams.PICTURES)).get(subjects.picture("act", Area.parse(code)), {})


async def test_a_dead_link_ages_what_it_brought_and_raises_area_silent(three: Three, eventually: Eventually) -> None:
    """Thirteen hours behind a black hole: the point is there, open, silent and of unknown condition; not green."""
    signer = signer_of(three.federation, "kommun-2480")
    start = {"VARDKASE_CLOCK_START": iso(NOW), "VARDKASE_CLOCK_SPEED": "0"}
    services = LevelServices(three.lan, eventually, **start)
    await services.start("aggregator")
    try:
        profile = {"name": "Skolan", "kind": "trygghetspunkt", "position": {"lon": 20.0, "lat": 64.0}}
        said = (("register", profile), ("status", {"lifecycle": "open"}), ("resources", SAYS))
        await log(
            three.kommun,
            *(merged(report(POINT, kind, data, id=f"{n}", at=NOW), signer) for n, (kind, data) in enumerate(said)),
        )

        async def shows(condition: str, freshness: str) -> bool:
            for code in ("2480", "24"):
                shown = (await picture(services, code)).get("condition")
                if shown is None or shown["lifecycle"]["open"] != 1:
                    return False
                if shown["condition"][condition] != 1 or shown["freshness"][freshness] != 1:
                    return False
            return True

        await eventually(lambda: shows("green", "fresh"), what="green and fresh", within=20)
        await eventually(lambda: is_told(three.lan, "kommun-2480", up=True, lag_messages=0), what="told to be up")
        up = (await told(three.lan))["kommun-2480"]

        link = three.federation.links["lan-24"]
        link.hole()
        await eventually(lambda: is_told(three.lan, "kommun-2480", up=False), what="told to be down")
        down = (await told(three.lan))["kommun-2480"]
        assert (down["lag_messages"], down["lag_s"]) == (None, None), "what is not known is not told"
        assert parse(up["since"]) < parse(down["last_seen"]) <= parse(down["since"])

        later = NOW + 13 * HOUR
        await services.again("aggregator", VARDKASE_CLOCK_START=iso(later))
        await eventually(lambda: shows("unknown", "silent"), what="silent, and of unknown condition", within=20)
        for code in ("2480", "24"):
            made = await picture(services, code)
            assert made["condition"]["condition"]["green"] == 0
            assert (made["coverage"]["expected"], made["coverage"]["silent"]) == (1, 1)
            assert made["coverage"]["oldest"] == iso(NOW)
        assert (await services.open_alerts())["area.silent/2480"] == "critical"

        link.heal()
        again = report(POINT, "resources", SAYS, id="later", at=later)
        await log(three.kommun, merged(again, signer))
        await eventually(lambda: shows("green", "fresh"), what="green when it is heard again", within=30)
        assert "area.silent/2480" not in await services.open_alerts()
        await eventually(lambda: is_told(three.lan, "kommun-2480", up=True, lag_messages=0), what="told to be up again")
    finally:
        await services.stop()


async def test_what_was_down_before_this_program_is_known_to_be(three: Three) -> None:
    """A program that starts remembers when a neighbour was last seen: one that is down did not go just now."""
    await three.federation.eventually(lambda: is_told(three.lan, "kommun-2480", up=True), what="told to be up")
    before = (await told(three.lan))["kommun-2480"]
    again = Told(three.lan.nc, "lan-24", "24", every=60, within=2)
    await again.recall()
    link = LinkHealth(node="kommun-2480", area="2480", to="child")
    again.remember(link)
    assert link.seen is not None
    assert iso(round(link.seen * 1e6)) >= before["last_seen"]
    assert link.since == link.seen, "up when it was last seen"
    stranger = LinkHealth(node="kommun-2401", area="2401", to="child")
    again.remember(stranger)
    assert stranger.seen is None


async def test_a_source_that_stands_still_is_known_and_mended(three: Three) -> None:
    """Its consumer is gone: the node answers, nothing comes; readiness says so, and soon that it is well again."""
    await call(three.kommun.nc, f"CONSUMER.DELETE.{streams.REPORTS}.{UP}")
    await log(three.kommun, merged(report(POINT, "confirm", {}, id="still")))

    def unwell() -> bool:
        checks = {each.name: each for each in three.lan.links.checks()}
        return not checks["link kommun-2480"].ok

    await three.federation.eventually(unwell, what="seen to stand still", within=10)
    await three.federation.eventually(lambda: is_told(three.lan, "kommun-2480", stalled=True), what="told", within=10)
    assert 'vardkase_link_stalled{child="kommun-2480"} 1' in three.lan.links.exposition()
    assert three.lan.up("kommun-2480"), "the node itself answers"
    await three.federation.eventually(lambda: not unwell(), what="well again", within=30)
    await three.federation.eventually(lambda: is_told(three.lan, "kommun-2480", stalled=False), what="told", within=10)

    async def arrived() -> bool:
        return '"id": "still"' in " ".join(await three.nation.has())

    await three.federation.eventually(arrived, what="what waited is at the nation", within=15)
