import json
import runpy
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
FILE: Final = ROOT / "services/vardkase/gateway/web/board/data/sverige.json"


@pytest.fixture(scope="module")
def derive() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "infra/map/derive.py"))


def test_the_map_is_what_is_derived_from_the_outlines(derive: dict[str, Any]) -> None:
    """The file that is checked in is the one that the script writes."""
    assert FILE.read_text() == derive["derive"]()


def test_every_kommun_and_lan_is_on_the_map_and_drawn_once() -> None:
    """All 290 kommuner and 21 län are there; a border between two kommuner is one arc, used once from each side."""
    drawn = json.loads(FILE.read_text())
    assert len(drawn["kommuner"]) == 290
    assert len(drawn["lan"]) == 21
    used: dict[int, int] = {}
    for *_, polygons in drawn["kommuner"]:
        for number in (number for polygon in polygons for ring in polygon for number in ring):
            arc = number if number >= 0 else ~number
            used[arc] = used.get(arc, 0) + 1
    assert set(used) == set(range(len(drawn["arcs"])))
    assert set(used.values()) == {1, 2}
    assert FILE.stat().st_size < 100_000
