"""What an import says to a person, and to a machine."""

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from vardkase.cli import words
from vardkase.cli.registering import Sent
from vardkase.registry.candidates import Candidates
from vardkase.registry.coordinates import to_metres
from vardkase.registry.fields import LABEL, Columns
from vardkase.registry.plan import FieldChange, Plan, Step
from vardkase.registry.problems import Problem
from vardkase.registry.table import Table
from vardkase_contracts.vocab import Reality

_FEW: Final = 20
"""Lines of one kind that are shown unless all are asked for."""
_PUBLISH: Final = {"hidden": "dold", "listed": "listad", "live": "öppet läge"}


class Shown:
    """An import on a terminal."""

    def __init__(
        self, name: str, read: Table, columns: Columns, found: Candidates, *, reality: Reality, full: bool
    ) -> None:
        self._console = Console(soft_wrap=True, highlight=False)
        self._most = 1_000_000 if full else _FEW
        self._name, self._read, self._columns, self._found = name, read, columns, found
        self._place = "rad" if read.form == "csv" else "objekt"
        self._reality: Reality = reality

    def plan(self, made: Plan, *, skip_bad: bool) -> None:
        """What the file is, what it would change, and what is wrong or odd."""
        self._file()
        self._problems("Fel", "bold red", made.errors)
        self._problems("Varningar", "yellow", _warnings(made))
        self._public(made.steps)
        self._section("Nya", "bold green", [Text(f"+ {_named(step)}{_where(step)}") for step in made.of("new")])
        self._section("Ändras", "bold cyan", [line for step in made.of("changed") for line in self._changed(step)])
        missing = [Text(f"  {each.id}  {each.name}") for each in made.missing]
        self._section("Finns hos noden men inte i filen (lämnas orörda)", "bold", missing)
        counts = f"{len(made.of('new'))} nya, {len(made.of('changed'))} ändras, {len(made.of('unchanged'))} oförändrade"
        errors = f", {_count(made.errors)} med fel" if made.errors else ""
        skipped = " (utelämnas)" if made.errors and skip_bad else ""
        self._line(Text(f"{counts}{errors}{skipped}, {len(made.missing)} inte i filen", style="bold"))

    @contextmanager
    def progress(self, total: int, *, hidden: bool) -> Generator[Callable[[int], None]]:
        """A bar, on stderr, while reports are sent."""
        bar = Progress(
            TextColumn("Skickar"),
            BarColumn(),
            TextColumn("{task.completed:.0f} av {task.total:.0f}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=hidden,
            transient=True,
        )
        task = bar.add_task("", total=total)
        with bar:
            yield lambda done: bar.update(task, completed=done)

    def end(self, made: Plan, sent: Sent, *, dry_run: bool, stopped: bool) -> None:
        """What became of it."""
        for step, outcome in sent.rejected[: self._most]:
            at = "" if outcome.field is None else f"{outcome.field}: "
            reason = "okänt skäl" if outcome.reason is None else words.REFUSED[outcome.reason]
            self._line(Text(f"Avvisad: {_named(step)}: {at}{outcome.detail} ({reason})", style="bold red"))
        if stopped:
            text = "Inget skickades. Rätta felen, eller skicka de andra raderna med --skip-bad."
        elif dry_run:
            text = "Provkörning: inget skickades."
        elif not made.to_send:
            text = "Inget att skicka: noden vet redan allt."
        elif not sent.stored:
            text = "Inget skickades."
        else:
            text = _became(sent)
        self._line(Text(text, style="bold"))

    def _file(self) -> None:
        world = words.REALITY[self._reality]
        system = "inga koordinater" if self._found.system is None else self._found.system.name
        self._line(Text(f"{world}: {self._name}", style="bold"))
        self._line(Text(f"{self._read.about}, {len(self._read.rows)} rader, {system}", style="dim"))
        used = ", ".join(f"{header} → {LABEL[field]}" for field, header in self._columns.header_of.items())
        self._line(Text(f"Kolumner: {used or 'inga kända'}", style="dim"))
        if self._columns.unknown:
            text = f"Okända kolumner (används inte; --map KOLUMN=FÄLT): {', '.join(self._columns.unknown)}"
            self._line(Text(text, style="yellow"))
        for header, field in self._columns.passed_over.items():
            self._line(Text(f"Kolumnen {header} används inte: en annan ger redan {LABEL[field]}", style="yellow"))
        if self._found.swapped:
            text = f"På {self._found.swapped} rader stod nord och öst i omvänd ordning; de har vänts"
            self._line(Text(text, style="yellow"))

    def _problems(self, title: str, style: str, found: Sequence[Problem]) -> None:
        lines: list[Text] = []
        for each in found:
            at = "" if each.line is None else f"{self._place} {each.line}: "
            point = "" if each.point is None else f"{each.point}: "
            lines.append(Text(f"  {at}{point}{each.text}"))
        self._section(title, style, lines)

    def _public(self, steps: Sequence[Step]) -> None:
        """Whatever changes of what the public sees: it cannot be taken back once it was seen."""
        opened = [step for step in steps if step.publish[0] == "hidden" != step.publish[1]]
        closed = [step for step in steps if step.publish[0] != "hidden" == step.publish[1]]
        other = [step for step in steps if step.publish[0] != step.publish[1] and "hidden" not in step.publish]
        for title, style, found in (
            ("BLIR SYNLIGA FÖR ALLMÄNHETEN", "bold white on red", opened),
            ("DÖLJS FÖR ALLMÄNHETEN", "bold black on yellow", closed),
            ("Visas annorlunda för allmänheten", "bold yellow", other),
        ):
            lines = [
                Text(f"! {_named(step)}: {_PUBLISH[step.publish[0]]} → {_PUBLISH[step.publish[1]]}") for step in found
            ]
            self._section(title, style, lines)

    def _changed(self, step: Step) -> Iterator[Text]:
        yield Text(f"~ {_named(step)}")
        for change in step.fields:
            yield Text(f"    {LABEL[change.field]}: {_value(change.old)} → {_value(change.new)}{_moved(change)}")

    def _section(self, title: str, style: str, lines: Sequence[Text]) -> None:
        if not lines:
            return
        self._line(Text(f"{title}:", style=style))
        for line in lines[: self._most]:
            self._line(line)
        if len(lines) > self._most:
            self._line(Text(f"  … och {len(lines) - self._most} rader till (--full visar alla)", style="dim"))

    def _line(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


def as_json_lines(made: Plan) -> Iterator[str]:
    """Each problem, point and missing point, one document a line."""
    for each in made.problems:
        yield _dump(
            {
                "type": "problem",
                "severity": each.severity,
                "code": each.code,
                "line": each.line,
                "field": each.field,
                "point": each.point,
                "text": each.text,
            }
        )
    for step in made.steps:
        yield _dump(
            {
                "type": "point",
                "point": step.point,
                "line": step.line,
                "change": step.change,
                "publish": list(step.publish),
                "fields": {each.field: {"old": each.old, "new": each.new} for each in step.fields},
                "profile": dict(step.profile),
            }
        )
    for each in made.missing:
        yield _dump({"type": "missing", "point": each.id, "name": each.name})


def _warnings(made: Plan) -> list[Problem]:
    """In the order of the file, but those that may well be nothing last."""
    found = [each for each in made.problems if each.severity == "warning"]
    return sorted(found, key=lambda each: each.code == "near_border")


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False)


def _count(errors: Sequence[Problem]) -> str:
    rows = len({each.line for each in errors if each.line is not None})
    return f"{rows} rad" if rows == 1 else f"{rows} rader"


def _named(step: Step) -> str:
    return f"{step.point}  {step.profile['name']}"


def _where(step: Step) -> str:
    position = step.profile["position"]
    return f"  ({position['lat']:.5f}, {position['lon']:.5f})"


def _value(value: Any) -> str:
    match value:
        case None:
            return "okänt"
        case list():
            return ", ".join(map(str, value)) or "inga"
        case {"lon": lon, "lat": lat}:
            return f"{lat:.6f}, {lon:.6f}"
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _moved(change: FieldChange) -> str:
    if change.field != "position" or change.old is None:
        return ""
    one, other = to_metres([(each["lon"], each["lat"]) for each in (change.old, change.new)])
    metres = ((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) ** 0.5
    return f" (flyttas {metres:.0f} m)" if metres < 1000 else f" (flyttas {metres / 1000:.1f} km)".replace(".", ",")


def _became(sent: Sent) -> str:
    parts = [f"{sent.stored} rapporter lagrade, {sent.accepted} godkända"]
    if sent.rejected:
        parts.append(f"{len(sent.rejected)} avvisade")
    if sent.unchecked:
        parts.append(f"{sent.unchecked} ännu inte granskade (de är inte förlorade)")
    if sent.in_state is not None:
        hidden = sent.stored - len(sent.rejected) - sent.in_state
        parts.append("alla syns i lägesbilden" if not hidden else f"{hidden} syns ännu inte i lägesbilden")
    return ", ".join(parts)
