import pytest

from vardkase_contracts.areas import CIVO, KOMMUNER, LAN, NATION, Area, areas_of


def test_sweden() -> None:
    """Sweden has 290 kommuner, 21 län and 6 civilområden."""
    assert (len(KOMMUNER), len(LAN), len(CIVO)) == (290, 21, 6)


def test_a_kommun_counts_in_four_areas() -> None:
    """A kommun counts in itself, its län, its civilområde and the nation."""
    assert list(areas_of("2480")) == [("kommun", "2480"), ("lan", "24"), ("civo", "norra"), ("nation", "SE")]
    assert [area.name for area in areas_of("2480")] == ["Umeå", "Västerbottens län", "Norra", "Sverige"]


def test_areas_nest() -> None:
    """Every level divides the nation: each kommun lies in one area of each level, and children make up their parent."""
    for areas in (CIVO, LAN, KOMMUNER):
        held = [kommun for code in areas for kommun in Area.parse(code).kommuner()]
        assert sorted(held) == list(KOMMUNER)
    for area in (NATION, *map(Area.parse, (*CIVO, *LAN))):
        held = [kommun for child in area.children() for kommun in child.kommuner()]
        assert sorted(held) == sorted(area.kommuner())
        assert all(area.covers(kommun) for kommun in held)
    assert not Area.parse("24").covers("2584")
    assert not NATION.covers("2499")
    assert Area.parse("2480").children() == ()


def test_codes_agree() -> None:
    """A kommun's code begins with its län's, and lies within Sweden."""
    for kommun in KOMMUNER.values():
        assert kommun.code[:2] == kommun.lan
        lon, lat = kommun.position
        assert 10 < lon < 25
        assert 55 < lat < 70


@pytest.mark.parametrize("code", ["", "2499", "02", "norr", "se", "SE ", "٢٤٨٠"])
def test_no_such_area(code: str) -> None:
    """What is no area's code is refused."""
    with pytest.raises(ValueError, match="no such area"):
        Area.parse(code)
