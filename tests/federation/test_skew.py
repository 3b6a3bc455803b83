"""Levels whose clocks differ: what was reported is the same everywhere, and each judges by its own."""

import json

import pytest

from federation.conftest import Three
from federation.country import NOW, country_of
from servers import Eventually
from vardkase.runtime.jetstream.values import last_values
from vardkase_contracts import streams
from vardkase_contracts.instants import MINUTE

REPORTS = 300


@pytest.mark.slow
async def test_clocks_of_levels_ten_minutes_apart(three: Three, eventually: Eventually) -> None:
    """A kommun ten minutes ahead, a län ten minutes behind: nothing lost or doubled, one version of each state."""
    clocks = {three.kommun.name: NOW + 10 * MINUTE, three.lan.name: NOW - 10 * MINUTE, three.nation.name: NOW}
    async with country_of(three, eventually, clocks) as country:
        await country.send(REPORTS)
        await country.all_there(three.nation)
        versions: list[dict[str, str]] = []
        for level in (three.kommun, three.lan, three.nation):
            await country.agreed(level, clocks[level.name])
            states = [json.loads(each.data) async for each in last_values(level.nc, streams.STATE, [])]
            versions.append({each["id"]: each["version"] for each in states})
        assert len(versions[0]) >= 50
        assert versions[0] == versions[1] == versions[2]
