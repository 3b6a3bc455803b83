"""`vardkase fuel-round`: in which order trucks should refuel the points of an area, so that the fewest run dry."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml
from pydantic import ValidationError

from vardkase.cli.node import (
    AreaOption,
    CredsOption,
    JsonOption,
    NatsOption,
    RealityOption,
    find_node,
    parse_area,
    print_json,
    run,
)
from vardkase.cli.states import states_of
from vardkase.cli.times import day_and_clock
from vardkase.gateway.rounds.asked import Fleet
from vardkase.gateway.rounds.told import planned
from vardkase.gateway.rounds.wanting import wanting
from vardkase.runtime.errors import Refused
from vardkase_contracts.areas import NATION_CODE
from vardkase_contracts.instants import HOUR, parse, to_datetime

app: Final = typer.Typer(add_completion=False)

LARGEST: Final = 64 * 1024
_LEFT_OUT: Final = {
    "refill_confirmed": "påfyllning är bekräftad",
    "endurance_unknown": "uthålligheten är okänd",
    "no_place": "läget är okänt",
    "too_many": "för många punkter",
}


@app.command()
def fuel_round(
    *,
    trucks: Annotated[Path, typer.Option(metavar="FILE", help="Trucks and depots: YAML or JSON.")],
    area: AreaOption = None,
    hours: Annotated[float | None, typer.Option(min=0.1, max=72, help="How far ahead. [the file's, else 24]")] = None,
    reality: RealityOption = "act",
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plans each truck's stops. A proposal: nothing is stored. Distances are as the crow flies, times a road factor."""
    fleet = _fleet(trucks, hours)
    node = find_node(nats, creds)
    found = run(states_of(node, parse_area(area or node.area or NATION_CODE), reality))
    points = [
        (point, next((each for each in forecasts if each.what == "power"), None))
        for point, forecasts in found.foreseen(None)
    ]
    told = planned(fleet, wanting(points, found.now, found.now + round(fleet.hours * HOUR)), found.now)
    if as_json:
        print_json(json.dumps(told, ensure_ascii=False))
    else:
        typer.echo("\n".join(_lines(told)))


def _fleet(path: Path, hours: float | None) -> Fleet:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise Refused(f"--trucks: {path}: {error.strerror}") from None
    if len(raw) > LARGEST:
        raise Refused(f"--trucks: {path}: more than {LARGEST >> 10} KiB")
    try:
        given = yaml.safe_load(raw)
        more: dict[str, Any] = {} if hours is None else {"hours": hours}
        return Fleet.model_validate(given | more)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "(file)"
        detail = "expected a list" if first["type"] == "tuple_type" else first["msg"]
        raise Refused(f"--trucks: {path}: {field}: {detail}") from None
    except (yaml.YAMLError, TypeError) as error:
        raise Refused(f"--trucks: {path}: expected trucks and depots: {error}") from None


def _lines(told: dict[str, Any]) -> list[str]:
    lines = [f"{told['points']} punkter behöver drivmedel före {_at(told['until'])}."]
    for truck in told["trucks"]:
        lines.append(f"{truck['name']}: {len(truck['stops'])} stopp, {truck['litres']:g} l, {truck['km']:g} km")
        for number, stop in enumerate(truck["stops"], 1):
            via = f", fyller först vid {stop['depot']}" if stop["depot"] else ""
            dry = f"  TORR sedan {_at(stop['runs_out_at'])}" if stop["dry_on_arrival"] else ""
            name = stop["name"] or stop["point"]
            lines.append(f"  {number}. {_at(stop['arrives_at'])}  {name}  {stop['litres']:g} l{via}{dry}")
    for each in told["dry"]:
        until = "ingen hinner dit" if each["dry_until"] is None else f"till {_at(each['dry_until'])}"
        lines.append(f"Utan el ändå: {each['name'] or each['point']} från {_at(each['dry_from'])}, {until}")
    lines += [f"Inte med: {each['point']}: {_LEFT_OUT[each['reason']]}" for each in told["left_out"]]
    cost, near = told["cost"], told["compared"]["nearest_first"]
    lines.append(
        f"Torra punkter: {cost['dry_points']} (närmast först: {near['dry_points']}); {cost['km']:g} km. "
        f"Avstånd: fågelvägen gånger {told['road_factor']:g}."
    )
    return lines


def _at(text: str) -> str:
    return day_and_clock(to_datetime(parse(text)))
