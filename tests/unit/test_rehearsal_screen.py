"""What a rehearsal shows: the links of all of Sweden on one screen of a terminal, and the report."""

from rich.console import Console

from vardkase.cli.sweden_screen import draw, healed_line, report
from vardkase.rehearsal.cast import NATION, cast
from vardkase.rehearsal.program import program
from vardkase.rehearsal.rehearsal import View
from vardkase.rehearsal.values import Costs, Healed, Judged, LinkSeen, Merged, Orders, Outcome

ALL = cast(["24"], None)
FAULT = program(ALL, seed=1, length=300)[0]


def _shown(what: object) -> list[str]:
    console = Console(width=80, height=24, record=True, force_terminal=False)
    with console.capture() as captured:
        console.print(what)
    return [line.rstrip() for line in captured.get().splitlines()]


def test_all_links_are_on_one_screen() -> None:
    """A row for each län; each sign says how a link is, without colour."""
    links: dict[str, LinkSeen | None] = {node: LinkSeen(up=True) for node in ALL.areas if node != NATION}
    links |= {"kommun-2401": LinkSeen(up=False), "kommun-2403": None}
    view = View(
        phase="storm",
        running=312,
        elapsed=83.0,
        sent=12_345,
        merged=12_000,
        links=links,
        down=frozenset({"kommun-2404", NATION}),
        cut=frozenset(),
        fault=FAULT,
    )
    lines = _shown(draw(view, ALL))
    assert len(lines) == 24
    assert "01:23" in lines[0]
    assert "länkar 309/311" in lines[0]
    assert "på väg 345" in lines[0]
    [own] = [line for line in lines if "Västerbotten" in line]
    assert "* ■ " not in own  # the sign of its own link follows the name at once
    assert "*■ ·?x■" in own
    assert any("Nationens nod är nere" in line for line in lines)


def test_the_report_says_what_is_wrong_and_where() -> None:
    """A hub that lacks something has a row of its own; what a node should have said is told."""
    healed = Healed(fault=FAULT, began=18.0, lasted=12.0, restarted=None, waiting=17, converged=None)
    outcome = Outcome(
        seed=1,
        minutes=5,
        kommuner=290,
        lan=21,
        sent=9,
        faults=[healed],
        merged=[
            Merged(hub="SE", sent=9, merged=9, lost=0, doubled=0, strange=0),
            Merged(hub="lan-24", sent=9, merged=8, lost=1, doubled=0, strange=0),
            Merged(hub="lan-25", sent=0, merged=0, lost=0, doubled=0, strange=0),
            Merged(hub="kommuner", sent=9, merged=9, lost=0, doubled=0, strange=0),
        ],
        judged=[
            Judged(node="SE", states=3, differing=0, alerts=2, missed=1, false=0, doubled=0, examples=("power.lost/x",))
        ],
        orders=Orders(given=2, expected=315, lost=0),
        costs=Costs(servers=312, memory_mib=9_000, rehearsal_mib=200, starting_s=100.0, cpu_s=500),
    )
    text = "\n".join(_shown(report(outcome)))
    for told in ("UNDERKÄNT", "aldrig", "lan-24", "power.lost/x", "315 ställen", "9000 MiB"):
        assert told in text
    assert "lan-25" not in text
    assert "17 väntade, kom inte fram i tid" in healed_line(healed)
