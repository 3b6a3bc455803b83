"""`vardkase rules`: by which rules a point or an area is judged, where each value comes from, and overriding them."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vardkase.cli import words
from vardkase.cli.node import CredsOption, JsonOption, NatsOption, Node, RealityOption, find_node, parse_area, run
from vardkase.cli.node import print_json as print_line
from vardkase.cli.orders import Acting, AsOption, NoteOption, RoleOption, WaitOption, actor_of, desk_of
from vardkase.cli.tables import base_table, tables_of
from vardkase.cli.times import span
from vardkase.cli.watching import node_now
from vardkase.domain.overrides import BadOverride, Resolved, parse, settings_of
from vardkase.domain.places import is_point
from vardkase.domain.rules import Rules
from vardkase.runtime.errors import Refused
from vardkase_contracts import ids, instants, vocab
from vardkase_contracts.areas import Area
from vardkase_contracts.instants import SECOND
from vardkase_contracts.vocab import ALERT_LEVELS, RULES

app: Final = typer.Typer(add_completion=False, help="The rules in force somewhere, and their overrides.")

_LARGEST: Final = 65_536
_DURATIONS: Final = ("keep", "after_open", "after_heartbeats")
_BESIDE: Final = {
    "keep": "behålls",
    "after_open": "från öppning",
    "after_heartbeats": "efter puls",
    "min_open": "minst öppna",
    "min_red": "minst röda",
}

PlaceArgument = Annotated[
    str, typer.Argument(metavar="PLACE", help="A point (2480-umedalen-skola) or an area (2480, 24, norra, SE).")
]
TableOption = Annotated[
    Path | None,
    typer.Option(
        "--table", metavar="FILE", help="The node's own table, when it is not the built-in one. [VARDKASE_RULES_FILE]"
    ),
]


@app.callback()
def rules() -> None:
    """The rules in force somewhere, and their overrides."""


@app.command()
def show(
    place: PlaceArgument,
    *,
    table: TableOption = None,
    reality: RealityOption = "act",
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows the table that judges a point or an area, with the scope of every value that is overridden.

    The node's own table is not asked of the node: it is the built-in one, unless --table or VARDKASE_RULES_FILE names
    its file.
    """
    run(_show(find_node(nats, creds), _placed(place), base_table(table), reality, as_json=as_json))


@app.command("set")
def set_(
    scope: PlaceArgument,
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="YAML: by rule the settings that are other than the table's; - is stdin."),
    ],
    *,
    table: TableOption = None,
    note: NoteOption = None,
    role: RoleOption = "tib",
    acting_for: AsOption = None,
    reality: RealityOption = "act",
    wait: WaitOption = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Overrides rules for a point or an area: the file takes the place of the scope's last override as a whole.

    The same form as a table's `rules`, or short: `heat.low: {yellow: 21, critical: null, keep: 10m}`. A level that is
    null never holds.
    """
    node = find_node(nats, creds)
    who = Acting(area=actor_of(acting_for, node), role=role, reality=reality, note=note, wait_s=wait, as_json=as_json)
    override = _read(file)
    try:
        if not parse(override, base_table(table), of_point=is_point(_placed(scope))):
            raise Refused("FILE: says nothing; `vardkase rules clear` takes an override away")
    except BadOverride as bad:
        raise Refused(
            f"FILE: {bad.field.removeprefix('data.override').removeprefix('.') or '.'}: {bad.detail}"
        ) from None
    run(_give(node, who, scope, override, f"Nya regler för {_name(scope)}: {', '.join(sorted(override))}"))


@app.command()
def clear(
    scope: PlaceArgument,
    *,
    note: NoteOption = None,
    role: RoleOption = "tib",
    acting_for: AsOption = None,
    reality: RealityOption = "act",
    wait: WaitOption = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Takes the override of a point or an area away."""
    node = find_node(nats, creds)
    who = Acting(area=actor_of(acting_for, node), role=role, reality=reality, note=note, wait_s=wait, as_json=as_json)
    run(_give(node, who, _placed(scope), None, f"{_name(scope)} har inga egna regler längre"))


def _placed(place: str) -> str:
    """A point's id or an area's code, as it was given.

    Raises:
        Refused: there is no such place.
    """
    if not is_point(place):
        return parse_area(place).code
    try:
        ids.split_point_id(place)
    except ValueError as error:
        raise Refused(f"PLACE: {error}; got {place!r}") from None
    parse_area(place[:4])
    return place


def _name(place: str) -> str:
    return place if is_point(place) else words.area_title(Area.parse(place))


def _read(file: str) -> dict[str, Any]:
    """What a file of overrides says.

    Raises:
        Refused: it cannot be read, or is no mapping of rules.
    """
    try:
        if file == "-":
            text = sys.stdin.read(_LARGEST + 1)
        else:
            with Path(file).open(encoding="utf-8") as opened:
                text = opened.read(_LARGEST + 1)
        if len(text) > _LARGEST:
            raise Refused(f"FILE: {file}: more than {_LARGEST} characters")
        said = yaml.safe_load(text)
    except OSError as error:
        raise Refused(f"FILE: {file}: {error.strerror or error}") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        raise Refused(f"FILE: {file}{'' if mark is None else f', line {mark.line + 1}'}: is not YAML") from None
    if isinstance(said, dict) and said.keys() <= {"version", "rules"} and "rules" in said:
        said = said["rules"]  # a part of a table, as it stands in one
    if not isinstance(said, dict) or not all(isinstance(each, dict | None) for each in said.values()):
        raise Refused(f"FILE: {file}: expected rules and their settings, such as heat.low: {{yellow: 21}}")
    return {str(rule): settings for rule, settings in said.items()}


async def _give(node: Node, who: Acting, scope: str, override: Mapping[str, Any] | None, done: str) -> None:
    about = Area.parse(scope[:4] if is_point(scope) else scope)
    async with desk_of(node) as desk:
        now = await node_now(desk.client, about, who.reality)
        await who.give(desk, "rules", about, {"scope": scope, "override": override}, now=now, done=done, scope=scope)


async def _show(node: Node, place: str, base: Rules, reality: vocab.Reality, *, as_json: bool) -> None:
    async with desk_of(node) as desk:
        area = Area.parse(place[:4] if is_point(place) else place)
        now = instants.from_datetime(await node_now(desk.client, area, reality))
        tables = await tables_of(desk, base, reality, now)
    changed = tables.explain(place)
    table = tables.of_point(place) if is_point(place) else tables.of_area(area)
    if as_json:
        print_line(json.dumps(_document(place, table, changed), ensure_ascii=False))
    else:
        _print(place, table, changed, reality)


def _document(place: str, table: Rules, changed: Mapping[vocab.Rule, Resolved]) -> dict[str, Any]:
    return {
        "place": place,
        "version": table.version,
        "rules": {rule: _in_seconds(settings_of(table[rule])) for rule in RULES},
        "origins": {rule: dict(each.origins) for rule, each in changed.items()},
        "aside": {rule: list(each.aside) for rule, each in changed.items() if each.aside},
    }


def _in_seconds(settings: dict[str, Any]) -> dict[str, Any]:
    levels = {
        level: None if (given := settings[level]) is None else given | {"for": given["for"] // SECOND}
        for level in ALERT_LEVELS
    }
    return settings | levels | {name: settings[name] // SECOND for name in _DURATIONS}


def _print(place: str, table: Rules, changed: Mapping[vocab.Rule, Resolved], reality: vocab.Reality) -> None:
    console = Console()
    console.print(Text(f"{words.REALITY[reality]}: regler för {_name(place)}, {table.version}", style="bold"))
    found = Table(box=None, pad_edge=False)
    for heading in ("regel", *(words.LEVEL[level] for level in ALERT_LEVELS), "", "ändrat av"):
        found.add_column(heading, overflow="fold")
    for rule in RULES:
        resolved = changed.get(rule)
        scopes = sorted(set(resolved.origins.values())) if resolved is not None else []
        found.add_row(*_row(rule, settings_of(table[rule]), resolved), ", ".join(scopes))
    console.print(found)
    for rule, each in changed.items():
        for scope in each.aside:
            console.print(
                f"{rule}: det som {_name(scope)} har bestämt går inte ihop med det snävare, och gäller inte här"
            )


def _row(rule: str, settings: Mapping[str, Any], resolved: Resolved | None) -> list[Text]:
    origins = {} if resolved is None else resolved.origins
    cells = [Text(rule)]
    for level in ALERT_LEVELS:
        style = "bold" if any(path.partition(".")[0] == level for path in origins) else ""
        cells.append(Text(_level(settings[level]), style=style))
    beside = Text()
    for name, label in _BESIDE.items():
        if settings[name]:
            value = span(settings[name] / SECOND) if name in _DURATIONS else settings[name]
            beside.append(f"{'  ' if beside else ''}{label} {value}", style="bold" if name in origins else "")
    return [*cells, beside]


def _level(given: Mapping[str, Any] | None) -> str:
    if given is None:
        return "-"
    if given["limit"] is not None:
        return f"{given['limit']:g}"
    return span(given["for"] / SECOND) if given["for"] else "genast"
