"""A demo's summary, for people."""

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from vardkase.cli import words
from vardkase.cli.tally import Leads, Summary
from vardkase.cli.times import span
from vardkase_contracts import vocab


def show_summary(console: Console, summary: Summary) -> None:
    """Print it."""
    total = sum(count for levels in summary.alerts.values() for count in levels.values())
    heading = Text(
        f"\n{summary.reports} rapporter och {total} larm på {span(summary.hours * 3600)} i nodens tid", style="bold"
    )
    console.print(Group(heading, _alerts(summary), Text(_leads(summary.leads)), Text(_tiring(summary))))


def _alerts(summary: Summary) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Larm")
    for level in vocab.ALERT_LEVELS:
        table.add_column(f"som mest {words.LEVEL[level]}", justify="right")
    for rule, levels in summary.alerts.items():
        table.add_row(words.rule(rule), *(str(levels.get(level, "-")) for level in vocab.ALERT_LEVELS))
    return table


def _leads(leads: Leads) -> str:
    if not leads.dark:
        return "Ingen punkt i drift fick slut på bränsle eller batteri."
    text = f"{leads.dark} gånger tog bränsle eller batteri slut; {leads.warned} gånger hade det larmats"
    if leads.median_min is not None and leads.least_min is not None:
        text += f", som median {span(leads.median_min * 60)} innan, som senast {span(leads.least_min * 60)} innan"
    if leads.unseen:
        text += f"; {leads.unseen} gånger var platsen utan kontakt"
    return f"{text}."


def _tiring(summary: Summary) -> str:
    text = f"{summary.derived} larm härleddes av klockan, utan någon rapport. "
    text += f"{summary.changes} larmändringar, {summary.changes_per_hour:g} i timmen"
    if summary.lan_hour is not None:
        text += f"; mest på en timme i {summary.lan_hour.name}: {summary.lan_hour.changes}"
    if summary.kommun_hour is not None:
        text += f", i en kommun ({summary.kommun_hour.name}): {summary.kommun_hour.changes}"
    return f"{text}."
