"""`vardkase note`: an annotation to an area's picture. It changes nothing that was reported."""

from typing import Annotated, Final

import typer

from vardkase.cli import words
from vardkase.cli.node import CredsOption, JsonOption, NatsOption, Node, RealityOption, find_node, parse_area, run
from vardkase.cli.orders import Acting, AsOption, RoleOption, WaitOption, actor_of, desk_of
from vardkase.cli.watching import node_now
from vardkase_contracts.areas import Area

app: Final = typer.Typer(add_completion=False)


@app.command()
def note(
    area: Annotated[str, typer.Argument(help="Whose picture: 2480, 24, norra or SE.")],
    text: Annotated[str, typer.Argument(help="What is to be said. Restricted; no names of persons.")],
    *,
    role: RoleOption = "stab",
    acting_for: AsOption = None,
    reality: RealityOption = "act",
    wait: WaitOption = 5.0,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Annotates an area's picture. It stands there for 7 days, newest first, and in its course of events."""
    node = find_node(nats, creds)
    about = parse_area(area)
    who = Acting(area=actor_of(acting_for, node), role=role, reality=reality, note=text, wait_s=wait, as_json=as_json)
    run(_note(node, who, about))


async def _note(node: Node, who: Acting, about: Area) -> None:
    async with desk_of(node) as desk:
        now = await node_now(desk.client, who.area, who.reality)
        done = f"Anteckningen står på lägesbilden: {words.area_title(about)}"
        await who.give(desk, "note", about, {}, now=now, done=done)
