"""Who takes part in a rehearsal: which nodes there are, and which of them have their services. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vardkase.federation.office import node_name
from vardkase.runtime.errors import Refused
from vardkase_contracts.areas import KOMMUNER, LAN, NATION_CODE, Area

NATION: Final = node_name(Area("nation", NATION_CODE))
"""The name of the topmost node."""


def lan_node(code: str) -> str:
    """The name of a län's node."""
    return node_name(Area("lan", code))


def kommun_node(code: str) -> str:
    """The name of a kommun's node."""
    return node_name(Area("kommun", code))


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """Who takes part."""

    lan: tuple[str, ...]
    """The län, by code, in order."""
    kommuner: tuple[str, ...]
    """The kommuner, by code, in order."""
    whole: tuple[str, ...]
    """The nodes that are whole, by name: with services. The others are a NATS server and the work on its links."""

    @property
    def hubs(self) -> tuple[str, ...]:
        """The nodes that others dial, by name: the nation first."""
        return (NATION, *map(lan_node, self.lan))

    @property
    def areas(self) -> Mapping[str, Area]:
        """The area of each node, by its name; parents before children."""
        areas = [
            Area("nation", NATION_CODE),
            *(Area("lan", code) for code in self.lan),
            *(Area("kommun", code) for code in self.kommuner),
        ]
        return {node_name(area): area for area in areas}

    def below(self, hub: str) -> tuple[str, ...]:
        """The kommuner whose reports come to a hub, by code."""
        return tuple(code for code in self.kommuner if hub in {NATION, lan_node(KOMMUNER[code].lan)})

    def parent(self, node: str) -> str | None:
        """The node that a node dials; None: it is the topmost."""
        area = self.areas[node]
        if area.level == "nation":
            return None
        return NATION if area.level == "lan" else lan_node(KOMMUNER[area.code].lan)


def cast(whole_lan: Sequence[str], kommuner: int | None) -> Cast:
    """Who takes part.

    Args:
        whole_lan: codes of the län whose nodes are whole, besides the nation's.
        kommuner: take only so many kommuner of each of these län, and nobody else; None: all of Sweden.

    Raises:
        Refused: there is no such län.
    """
    for code in whole_lan:
        if code not in LAN:
            raise Refused(f"--lan: there is no län {code}")
    chosen = tuple(sorted(set(whole_lan)))
    if kommuner is not None and not chosen:
        raise Refused("--kommuner: say of which län (--lan)")
    lan = tuple(LAN) if kommuner is None else chosen
    taken = [[code for code, each in KOMMUNER.items() if each.lan == one][:kommuner] for one in lan]
    return Cast(
        lan=lan,
        kommuner=tuple(sorted(code for codes in taken for code in codes)),
        whole=(NATION, *map(lan_node, chosen)),
    )
