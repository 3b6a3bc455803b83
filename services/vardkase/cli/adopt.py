"""`vardkase adopt`: an area's automatic picture becomes its samlade lägesbild (fastställs), the same bytes for ever."""

import json
import sys
from collections.abc import Iterable
from typing import Annotated, Final

import typer

from vardkase.cli import words
from vardkase.cli.node import (
    AreaArgument,
    CredsOption,
    JsonOption,
    NatsOption,
    Node,
    RealityOption,
    find_node,
    parse_area,
    print_json,
    run,
)
from vardkase.cli.orders import Acting, AsOption, NoteOption, RoleOption, WaitOption, actor_of, desk_of
from vardkase.cli.times import clock, day_and_clock
from vardkase.cli.watching import node_now
from vardkase.domain.snapshots import BadSnapshot, pack, unpack
from vardkase.runtime.errors import Failed
from vardkase_contracts import vocab
from vardkase_contracts.areas import Area
from vardkase_contracts.orders import AdoptOrder, Order
from vardkase_contracts.picture import PICTURE

app: Final = typer.Typer(
    add_completion=False, help="Adopt a picture (fastställ): the samlade lägesbild.", no_args_is_help=True
)


@app.callback()
def adopt() -> None:
    """Adopt a picture (fastställ): the samlade lägesbild."""


@app.command()
def now(
    *,
    version: Annotated[
        str | None, typer.Option(help="Only if this is still its version. [the one that there is now]")
    ] = None,
    note: NoteOption = None,
    role: RoleOption = "tib",
    acting_for: AsOption = None,
    reality: RealityOption = "act",
    wait: WaitOption = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Adopts the picture of the area that you act for, as it is now."""
    node = find_node(nats, creds)
    who = Acting(area=actor_of(acting_for, node), role=role, reality=reality, note=note, wait_s=wait, as_json=as_json)
    run(_adopt(node, who, version))


@app.command("list")
def list_(
    area: AreaArgument = None,
    *,
    reality: RealityOption = "act",
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists the pictures of an area that were adopted, newest first."""
    node = find_node(nats, creds)
    run(_list(node, parse_area(area or node.area or "SE"), reality, as_json=as_json))


@app.command()
def show(
    version: Annotated[str, typer.Argument(help="The version, as `vardkase adopt list` shows it, or how it begins.")],
    *,
    reality: RealityOption = "act",
    nats: NatsOption = None,
    creds: CredsOption = None,
) -> None:
    """Prints an adopted picture: its bytes, the same for ever."""
    run(_show(find_node(nats, creds), version, reality))


async def _adopt(node: Node, who: Acting, version: str | None) -> None:
    async with desk_of(node) as desk:
        raw = await desk.picture(who.area, who.reality)
        if raw is None:
            raise Failed(f"the node has no picture of {who.area.code} ({who.reality})")
        picture = PICTURE.validate_json(raw)
        if version is not None and version != picture.version:
            raise Failed(f"this version is not the current one any more: {picture.version} is")
        try:
            sha256, snapshot = pack(raw)
        except BadSnapshot as bad:
            raise Failed(str(bad)) from None
        data = {
            "level": who.area.level,
            "code": who.area.code,
            "version": picture.version,
            "sha256": sha256,
            "snapshot": snapshot,
        }
        time = max(picture.as_of, await node_now(desk.client, who.area, who.reality))
        done = f"Fastställd: {words.area_title(who.area)}, läget {clock(picture.as_of)}, version {picture.version[:12]}"
        more = {"version": picture.version, "sha256": sha256}
        await who.give(desk, "adopt", who.area, data, now=time, done=done, **more)


async def _list(node: Node, area: Area, reality: vocab.Reality, *, as_json: bool) -> None:
    async with desk_of(node) as desk:
        found = [each for each in _adoptions(await desk.given(reality, "adopt")) if each.subject == area.code]
    if as_json:
        for each in found:
            document = each.data.model_dump(mode="json", include={"by", "note", "version", "sha256"})
            print_json(json.dumps({"at": each.time.isoformat(), "order": each.id, **document}, ensure_ascii=False))
        return
    heading = f"{words.REALITY[reality]}: fastställda lägesbilder, {words.area_title(area)}"
    typer.echo(heading if found else f"{heading}: inga")
    for each in found:
        said = "" if each.data.note is None else f": {each.data.note}"
        typer.echo(f"{day_and_clock(each.time)}  {words.ROLE[each.data.by.role]}{said}  {each.data.version[:12]}")


async def _show(node: Node, version: str, reality: vocab.Reality) -> None:
    async with desk_of(node) as desk:
        found = [
            each
            for each in _adoptions(await desk.given(reality, "adopt"))
            if each.data.version.startswith(version) and each.data.snapshot is not None
        ]
    if not found:
        raise Failed(f"no picture of version {version} was adopted, or it was adopted without its bytes ({reality})")
    try:
        picture = unpack(found[-1].data)
    except BadSnapshot as bad:
        raise Failed(str(bad)) from None
    sys.stdout.buffer.write((picture or b"") + b"\n")


def _adoptions(orders: Iterable[Order]) -> list[AdoptOrder]:
    found = [each for each in orders if isinstance(each, AdoptOrder)]
    return sorted(found, key=lambda each: (each.time, each.id), reverse=True)
