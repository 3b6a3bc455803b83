"""What `vardkase sweden` shows: the links of all of Sweden on one screen, and the report at the end. Drawing only.

Colour never says anything that a sign does not.
"""

from collections.abc import Mapping
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from vardkase.rehearsal.cast import NATION, Cast, kommun_node, lan_node
from vardkase.rehearsal.comparison import KOMMUNER as OWN
from vardkase.rehearsal.program import Kind
from vardkase.rehearsal.rehearsal import View
from vardkase.rehearsal.values import Healed, LinkSeen, Merged, Outcome, Phase
from vardkase_contracts.areas import KOMMUNER, LAN

FAULT: Final[Mapping[Kind, str]] = {
    "reset": "länkar bryts, en gång i sekunden",
    "hole": "läns länkar till sina kommuner sväljer allt",
    "hole_top": "alla läns länkar till nationen sväljer allt",
    "flap": "läns länkar till sina kommuner fladdrar",
    "frozen": "var tionde kommuns server står stilla",
    "kill_kommuner": "var tionde kommuns server dödas",
    "kill_lan": "hälften av länens servrar dödas",
    "kill_top": "nationens nod dödas",
    "kill_hubs": "alla läns och nationens noder dödas på en gång",
}
"""What happens, for people."""
_PHASE: Final[Mapping[Phase, str]] = {
    "setting up": "filer och nycklar görs",
    "starting": "startar",
    "linking": "länkar kommer upp",
    "storm": "storm",
    "settling": "det sista går fram",
    "comparing": "räknar",
    "stopping": "stannar",
}
_UP: Final = ("■", "green")
_DOWN: Final = ("·", "bold red")
_UNKNOWN: Final = ("?", "dim")
_KILLED: Final = ("x", "bold red")
_NAME: Final = 16
_MOST_ROWS: Final = 8


def clock(view: View) -> str:
    """How far it has come: minutes and seconds of the storm, or what is being done."""
    if view.phase != "storm":
        return _PHASE[view.phase]
    return f"{int(view.elapsed // 60):02}:{int(view.elapsed % 60):02}"


def draw(view: View, cast: Cast) -> RenderableType:
    """The links of all, a row for each län: of its own to the nation, and of each of its kommuner to it."""
    up = sum(each is not None and each.up for each in view.links.values())
    head = Text.assemble(
        (f" Genrep {clock(view)} ", "bold reverse"),
        f"  {view.running} noder  länkar {up}/{len(view.links)}  sända {view.sent}"
        f"  på väg {max(0, view.sent - view.merged)}",
        no_wrap=True,
    )
    rows = [_row(view, cast, code) for code in cast.lan]
    foot = Text("" if view.fault is None else f" {FAULT[view.fault.kind]}", style="bold yellow", no_wrap=True)
    legend = Text(" ■ uppe  · nere  ? ingen att fråga  x dödad", style="dim")
    if NATION in view.down:
        foot.append("  Nationens nod är nere", style="bold red")
    return Group(head, *rows, foot, legend)


def healed_line(healed: Healed) -> str:
    """What came of one fault."""
    back = "" if healed.restarted is None else f"; servrarna tillbaka efter {healed.restarted:g} s"
    told = "kom inte fram i tid" if healed.converged is None else f"allt framme {healed.converged:g} s senare"
    return f"{FAULT[healed.fault.kind]}, {healed.lasted:g} s{back}; {healed.waiting} väntade, {told}"


def report(outcome: Outcome) -> RenderableType:
    """The report."""
    passed = Text("GODKÄNT", style="bold green") if outcome.passed else Text("UNDERKÄNT", style="bold red")
    sent = (
        f"{outcome.emitted} rapporter i stormen, {outcome.refused} vägrade, {outcome.repeated} upprepade, "
        f"{outcome.sent} på sin kommuns disk" + (f", {outcome.unsent} kom inte dit" if outcome.unsent else "")
    )
    parts: list[RenderableType] = [Text(), passed, Text(sent), _levels(outcome), _faults(outcome), _nodes(outcome)]
    if outcome.orders is not None:
        each = outcome.orders
        parts.append(Text(f"Order: {each.given} givna, {each.expected} ställen, {each.lost} förlorade"))
    if outcome.costs is not None:
        costs = outcome.costs
        parts.append(
            Text(
                f"{costs.servers} noder, länkade efter {costs.starting_s:g} s; {costs.memory_mib} MiB, därav genrepet "
                f"{costs.rehearsal_mib}; {costs.cpu_s} processorsekunder"
            )
        )
    if outcome.mended:
        parts.append(Text("Lagat: " + ", ".join(f"{what} {count}" for what, count in sorted(outcome.mended.items()))))
    parts += [Text(each, style="red") for each in outcome.troubles]
    parts += [Text(example, style="red") for each in outcome.judged for example in each.examples]
    return Group(*parts)


def _row(view: View, cast: Cast, code: str) -> Text:
    name = LAN[code].name.removesuffix(" län")
    kommuner = [kommun_node(each) for each in cast.kommuner if KOMMUNER[each].lan == code]
    signs = [_sign(view.links.get(each), each in view.down) for each in kommuner]
    up = sum(each is _UP for each in signs)
    whole = "*" if lan_node(code) in cast.whole else " "
    row = Text(f" {name[:_NAME]:<{_NAME}}{whole}", no_wrap=True)
    row.append(*_sign(view.links.get(lan_node(code)), lan_node(code) in view.down))
    row.append(" ")
    for each in signs:
        row.append(*each)
    return row.append(f" {up}/{len(kommuner)}", style="dim")


def _sign(seen: LinkSeen | None, down: bool) -> tuple[str, str]:  # noqa: FBT001
    if down:
        return _KILLED
    if seen is None:
        return _UNKNOWN
    return _UP if seen.up else _DOWN


def _levels(outcome: Outcome) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Nivå")
    for name in ("sända", "framme", "förlorade", "dubbla", "okända"):
        table.add_column(name, justify="right")
    lan = [each for each in outcome.merged if each.hub not in {NATION, OWN}]
    together = Merged(
        hub=f"{len(lan)} län",
        sent=sum(each.sent for each in lan),
        merged=sum(each.merged for each in lan),
        lost=sum(each.lost for each in lan),
        doubled=sum(each.doubled for each in lan),
        strange=sum(each.strange for each in lan),
    )
    wrong = [each for each in lan if each.lost or each.doubled or each.strange][:_MOST_ROWS]
    for each in (*(one for one in outcome.merged if one.hub in {OWN, NATION}), together, *wrong):
        name = {OWN: f"{outcome.kommuner} kommuner", NATION: "nationen"}.get(each.hub, each.hub)
        table.add_row(name, *map(str, (each.sent, each.merged, each.lost, each.doubled, each.strange)))
    return table


def _faults(outcome: Outcome) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Fel")
    for name in ("vid", "varade", "tillbaka", "väntade", "framme efter"):
        table.add_column(name, justify="right")
    for each in outcome.faults:
        table.add_row(
            FAULT[each.fault.kind],
            f"{each.began:.0f} s",
            f"{each.lasted:g} s",
            "-" if each.restarted is None else f"{each.restarted:g} s",
            str(each.waiting),
            "aldrig" if each.converged is None else f"{each.converged:g} s",
        )
    return table


def _nodes(outcome: Outcome) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Nod med tjänster")
    for name in ("tillstånd", "avviker", "larm", "missade", "falska", "dubbla"):
        table.add_column(name, justify="right")
    for each in outcome.judged:
        numbers = (each.states, each.differing, each.alerts, each.missed, each.false, each.doubled)
        table.add_row(each.node, *map(str, numbers))
    return table
