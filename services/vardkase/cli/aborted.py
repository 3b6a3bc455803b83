"""No command reports in övning where the exercise was aborted: who does believes that it is an exercise."""

from collections.abc import Collection
from typing import Final

import typer

from vardkase.aggregator.rules_file import load_rules
from vardkase.cli.node import Node
from vardkase.cli.orders import desk_of
from vardkase.cli.watching import node_now
from vardkase.domain.exercises import ABORTED_SV
from vardkase.exercise import log
from vardkase.gateway.exercises import WHAT_TO_DO
from vardkase.runtime.errors import Failed
from vardkase_contracts.areas import KOMMUNER, NATION_CODE, Area
from vardkase_contracts.instants import from_datetime

_NAMED: Final = 5


async def see_not_aborted(node: Node, kommuner: Collection[str]) -> None:
    """See that no exercise was aborted in kommuner that are about to be reported in, in övning.

    Whoever may not read the node's orders (a restricted user of NATS) is told that it was not seen.

    Raises:
        Failed: one was, in some of them; nothing may be sent.
    """
    if not kommuner:
        return
    try:
        async with desk_of(node) as desk:
            given = await log.orders(desk.connection, load_rules(None), federated=desk.federated, kinds=("exercise",))
            now = from_datetime(await node_now(desk.client, Area.parse(node.area or NATION_CODE), "act"))
    except Failed as error:
        typer.echo(f"Det gick inte att se om övningen är avbruten ({error}).", err=True)
        return
    exercises = log.exercises_of(given)
    aborted = sorted(code for code in kommuner if exercises.standing(code, now).aborted is not None)
    if aborted:
        named = ", ".join(KOMMUNER[code].name for code in aborted[:_NAMED]) + (" …" if len(aborted) > _NAMED else "")
        raise Failed(f"{ABORTED_SV}: {named}. {WHAT_TO_DO} Inget är skickat")
