"""The picture of an area on a terminal: what `vardkase watch` shows. Drawing only; nothing here waits or asks.

It fits 80 x 24 and grows. Colour never says anything that a word does not.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from vardkase.cli import words
from vardkase.cli.times import between, clock, span
from vardkase.domain.exercises import ABORTED_SV
from vardkase_contracts import vocab
from vardkase_contracts.alert import Alert
from vardkase_contracts.areas import KOMMUNER, Area
from vardkase_contracts.picture import AreaSummary, Coverage, NextOut, Picture

LEAST_WIDTH: Final = 60
LEAST_HEIGHT: Final = 16
STALE_S: Final = 150.0
"""A picture that is older is said to stand still: a node publishes an unchanged one every minute."""

_BANNER: Final[dict[vocab.Reality, str]] = {
    "act": "bold white on dark_blue",
    "exe": "bold black on yellow",
    "tst": "bold black on bright_cyan",
}
_BORDER: Final[dict[vocab.Reality, str]] = {"act": "blue", "exe": "yellow", "tst": "bright_cyan"}
_ALARM: Final = "bold white on red"
_WIDE: Final = 110
"""From this width there is room for whole sentences."""
_LEVELS: Final[tuple[vocab.AlertLevel, ...]] = ("critical", "red", "yellow")


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What there is to show."""

    area: Area
    """Of which area."""
    reality: vocab.Reality
    """Skarpt läge, övning or prov."""
    picture: Picture | None
    """The latest picture; None when there has been none."""
    alerts: tuple[Alert, ...]
    """The open alerts, in any order."""
    now: datetime
    """What the time is at the node (with a driven clock not ours)."""
    age_s: float
    """How old the picture is, in real seconds."""
    connected: bool
    """Whether the node is being heard."""
    lost_s: float = 0.0
    """How long ago the node was last heard, when it is not."""
    note: str | None = None
    """More to say at the bottom."""
    aborted: tuple[str, ...] = ()
    """Exercises that were aborted here, and when, while that is to be shown."""
    exercises: tuple[str, ...] = ()
    """What those are called that go on here."""


def draw(view: View, *, width: int, height: int) -> RenderableType:
    """The view, `height` lines of `width` columns at most."""
    width, height = max(width, LEAST_WIDTH), max(height, LEAST_HEIGHT)
    if view.picture is None:
        return Group(_banner(view, width), *_exercises(view, width), _no_picture(view), Text(), _footer(view, width))
    summary = [*_exercises(view, width), *_summary(view.picture, view.now)]
    room = height - len(summary) - 2
    below = 0 if not view.picture.areas else max(5, math.floor(room * 0.42))
    above = room - below
    half = width // 2 if width >= _WIDE else width * 3 // 7
    border = _BORDER[view.reality]
    side_by_side = Table.grid(padding=0)
    side_by_side.add_column(width=half)
    side_by_side.add_column(width=width - half)
    side_by_side.add_row(
        _next_out(view, view.picture, rows=above - 2, border=border, wide=width >= _WIDE),
        _alerts(view, rows=above - 2, border=border, wide=width >= _WIDE),
    )
    parts: list[RenderableType] = [_banner(view, width), *summary, side_by_side]
    if below:
        parts.append(_areas(view.picture, rows=below - 3, border=border))
    return Group(*parts, _footer(view, width))


def open_first(alert: Alert) -> tuple[bool, int, datetime, str]:
    """Worst first, muted ones last, and of one level the one that has lasted longest."""
    return (alert.inhibited_by is not None, words.LEVEL_ORDER[alert.level], alert.raised_at, alert.key)


def _banner(view: View, width: int) -> Text:
    style = _BANNER[view.reality]
    reality = words.REALITY[view.reality]
    left = f" VÅRDKASE  {words.area_title(view.area)}"
    middle = reality if view.reality == "act" else f"*** {reality} *** {reality} ***"
    kind = "bild" if view.picture is None or view.picture.adopted is None else "fastställd bild"
    right = "" if view.picture is None else f"{kind} {clock(view.picture.as_of, seconds=True)}, {span(view.age_s)} "
    free = width - len(left) - len(middle) - len(right)
    before = max(1, free // 2)
    line = f"{left}{' ' * before}{middle}{' ' * max(1, free - before)}{right}"
    return Text(line[:width].ljust(width), style=style, no_wrap=True)


def _exercises(view: View, width: int) -> list[Text]:
    """That an exercise was aborted, for all to see; that one goes on, in a line."""
    lines: list[Text] = []
    if view.aborted:
        line = f" *** {ABORTED_SV} *** {', '.join(view.aborted)}"
        lines.append(Text(line[:width].ljust(width), style=_ALARM, no_wrap=True))
    if view.exercises:
        line = f" Övning pågår: {', '.join(view.exercises)}"
        lines.append(Text(line[:width], style="dim", no_wrap=True))
    return lines


def _footer(view: View, width: int) -> Text:
    if not view.connected:
        shown = "" if view.picture is None else f": läget kl {clock(view.picture.as_of)} visas"
        line = f" INGEN KONTAKT MED NODEN på {span(view.lost_s)}{shown}"
        return Text(line[:width].ljust(width), style=_ALARM, no_wrap=True)
    if view.picture is not None and view.age_s > STALE_S:
        line = f" BILDEN STÅR STILL: {span(view.age_s)} gammal. Nodens bearbetning kan vara nere."
        return Text(line[:width].ljust(width), style=_ALARM, no_wrap=True)
    kind = "Automatisk bild" if view.picture is None or view.picture.adopted is None else "Fastställd bild"
    line = f" {kind}. {view.note or 'Ctrl-C avslutar.'}"
    return Text(line[:width], style="dim", no_wrap=True)


def _no_picture(view: View) -> Text:
    return Text(f" Ingen bild ännu av {view.area.name}, {words.REALITY[view.reality].lower()}.", style="bold")


def _summary(picture: Picture, now: datetime) -> list[Text]:
    coverage = picture.coverage
    lines = [
        _line("Punkter", _lifecycles(picture)),
        _line("Läge", _conditions(picture)),
        _line("Underlag", _coverage(coverage, now, picture.level)),
    ]
    missing = _missing(coverage)
    if missing:
        lines.append(_line("", Text(missing, style="bold yellow")))
    lines.append(_line("Resurser", _resources(picture)))
    return lines


def _line(heading: str, content: Text) -> Text:
    line = Text.assemble((f" {heading:<9}", "bold"), content)
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _lifecycles(picture: Picture) -> Text:
    counts = picture.condition.lifecycle
    shown = [("open", counts.open), ("establishing", counts.establishing), ("closing", counts.closing)]
    rest = [
        ("closed", counts.closed),
        ("prepared", counts.prepared),
        ("planned", counts.planned),
        ("unknown", counts.unknown),
    ]
    parts = [f"{count} {words.LIFECYCLE[code]}" for code, count in shown if count or code == "open"]
    parts += [f"{count} {words.LIFECYCLE[code]}" for code, count in rest if count]
    return Text(", ".join(parts))


def _conditions(picture: Picture) -> Text:
    counts = picture.condition.condition
    dark = picture.forecast.dark
    text = Text()
    shown: tuple[tuple[vocab.Condition, int, str], ...] = (
        ("critical", counts.critical, "kritiska"),
        ("red", counts.red, "röda"),
        ("yellow", counts.yellow, "gula"),
        ("green", counts.green, "gröna"),
        ("unknown", counts.unknown, "okända"),
    )
    for condition, count, word in shown:
        text.append(f"{count} {word}", style=words.CONDITION_STYLE[condition] if count else "dim")
        text.append(", ")
    text.append(f"{dark} utan el", style=_ALARM if dark else "dim")
    return text


def _coverage(coverage: Coverage, now: datetime, level: vocab.AreaLevel) -> Text:
    text = Text()
    if level != "kommun":
        kommuner = coverage.kommuner
        weak = kommuner.reporting < kommuner.with_points
        text.append(
            f"{kommuner.reporting} av {kommuner.with_points} kommuner hörs, ", style="bold yellow" if weak else ""
        )
    text.append(f"{coverage.on_time} av {coverage.expected} punkter aktuella")
    if coverage.oldest is not None:
        text.append(f", äldsta uppgift {between(coverage.oldest, now)}")
    return text


def _missing(coverage: Coverage) -> str:
    counts = (
        (coverage.stale, "inaktuella"),
        (coverage.silent, "tysta"),
        (coverage.unregistered, "oregistrerade"),
        (coverage.kommuner.total - coverage.kommuner.with_points, "kommuner utan punkter"),
        (len(coverage.incident_silent), "berörda kommuner har inte hörts"),
    )
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def _resources(picture: Picture) -> Text:
    occupancy, free = picture.condition.occupancy, picture.resources.free_capacity
    staff, measures = picture.resources.staff, picture.measures
    people = str(occupancy.low) if occupancy.high == occupancy.low else f"{occupancy.low}-{occupancy.high or '?'}"
    open_needs = sum(
        count for states in measures.needs.values() for state, count in states.items() if state in _OPEN_NEEDS
    )
    text = Text(f"{people} besökare, {free.sum} lediga platser ({free.points} av {free.of} punkter), ")
    text.append(f"{staff.present} i tjänst")
    if staff.short:
        text.append(f", {staff.short} saknas", style="bold yellow")
    text.append(f", {open_needs} behov")
    if measures.overdue:
        text.append(f", {measures.overdue} försenade", style="bold red")
    return text


_OPEN_NEEDS: Final = frozenset({"requested", "assigned", "under_way"})


def _next_out(view: View, picture: Picture, *, rows: int, border: str, wide: bool) -> Panel:
    table = _grid()
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    found = picture.forecast.next
    for point in found[: _shown(len(found), rows)]:
        table.add_row(_point(point, with_kommun=picture.level != "kommun", wide=wide), _left(point, view.now))
    _more(table, len(found), rows)
    if not found:
        table.add_row(Text(" Ingen på reservkraft eller batteri.", style="dim"))
    within = picture.forecast.out_within
    counts = "/".join(str(within.get(hours, 0)) for hours in ("6h", "12h", "24h"))
    title = f"Tar slut härnäst (inom 6/12/24 h: {counts})" if wide else f"Slut om 6/12/24 h: {counts}"
    return Panel(table, title=title, title_align="left", border_style=border, height=rows + 2, padding=0)


def _point(point: NextOut, *, with_kommun: bool, wide: bool) -> Text:
    text = Text(" ")
    text.append("● ", style=words.CONDITION_STYLE[point.condition])
    marks = [
        long if wide else short
        for holds, short, long in (
            (point.medical_charging, "med", "medicinsk laddning"),
            (point.overnight, "natt", "övernattande"),
        )
        if holds
    ]
    if marks:
        text.append(f"{', '.join(marks)}: ", style="bold")
    text.append(point.name or point.point)
    if with_kommun:
        text.append(f" {KOMMUNER[point.kommun].name}", style="dim")
    return text


def _left(point: NextOut, now: datetime) -> Text:
    if point.dark:
        return Text(" utan el ", style=_ALARM)
    if point.runs_out_at is None:
        return Text(" okänd tid ", style=words.CONDITION_STYLE["unknown"])
    if point.runs_out_at <= now:
        return Text(" slut ", style=_ALARM)
    return Text(f" {between(now, point.runs_out_at)} ", style="bold")


def _alerts(view: View, *, rows: int, border: str, wide: bool) -> Panel:
    table = _grid()
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    found = sorted(view.alerts, key=open_first)
    for alert in found[: _shown(len(found), rows)]:
        muted = alert.inhibited_by is not None
        level = Text(f" {words.LEVEL[alert.level]} ", style="dim" if muted else words.LEVEL_STYLE[alert.level])
        said = f"{words.where(alert)}: {words.saying(alert)}" if wide else _short(alert)
        what = Text(f" {said}", style="dim" if muted or alert.acks else "")
        since = Text(f" {'✓ ' if alert.acks else ''}{between(alert.raised_at, view.now)} ")
        table.add_row(level, what, since)
    _more(table, len(found), rows)
    if not found:
        table.add_row("", Text("Inga larm.", style="dim"))
    counts = ", ".join(
        f"{count} {words.LEVELS[level]}" for level in _LEVELS if (count := sum(a.level == level for a in found))
    )
    title = f"Larm: {counts}" if counts else "Larm"
    return Panel(table, title=title, title_align="left", border_style=border, height=rows + 2, padding=0)


def _short(alert: Alert) -> str:
    name = alert.area.name if alert.point is None else alert.point.name or alert.point.id
    return f"{words.rule(alert.rule)} {name}"


def _areas(picture: Picture, *, rows: int, border: str) -> Panel:
    table = Table(box=None, expand=True, padding=(0, 1), show_edge=False, header_style="bold")
    table.add_column("Område", ratio=1, no_wrap=True, overflow="ellipsis")
    for heading in ("öppna", "kritiska", "röda", "gula", "gröna", "okända", "aktuella", "larm"):
        table.add_column(heading, justify="right", no_wrap=True)
    found = sorted(picture.areas, key=_worst_first)
    for area in found[: _shown(len(found), rows)]:
        counts = area.condition
        alerts = sum(count for levels in area.alerts.values() for count in levels.values())
        table.add_row(
            area.name,
            str(area.lifecycle.open),
            _count(counts.critical, "critical"),
            _count(counts.red, "red"),
            _count(counts.yellow, "yellow"),
            _count(counts.green, "green"),
            _count(counts.unknown, "unknown"),
            f"{area.coverage.on_time}/{area.coverage.expected}",
            str(alerts) if alerts else "-",
        )
    left = len(found) - _shown(len(found), rows)
    if left:
        table.add_row(Text(f"… {left} till", style="dim"))
    return Panel(table, border_style=border, height=rows + 3, padding=0)


def _worst_first(area: AreaSummary) -> tuple[int, int, int, int, int, bool, str]:
    """Last, those that have no point at all: in an exercise, or early in a night, that is most of them."""
    counts, bare = area.condition, area.coverage.expected == 0
    return (-counts.critical, -counts.red, -counts.yellow, -counts.unknown, -area.lifecycle.open, bare, area.code)


def _count(count: int, condition: vocab.Condition) -> Text:
    return Text(str(count), style=words.CONDITION_STYLE[condition]) if count else Text("-", style="dim")


def _grid() -> Table:
    return Table.grid(expand=True, padding=0)


def _shown(count: int, rows: int) -> int:
    """How many rows to show, with one left for "… more" where they do not all fit."""
    return count if count <= rows else max(0, rows - 1)


def _more(table: Table, count: int, rows: int) -> None:
    left = count - _shown(count, rows)
    if left:
        text = Text(f" … {left} till", style="dim")
        table.add_row(*([""] * (len(table.columns) - 2)), text, "")
