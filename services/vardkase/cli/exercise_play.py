"""Begins an exercise at a node, or goes on with one that has begun, and plays its scenario."""

import asyncio
import json
from typing import Any, Final

import typer

from vardkase.cli.exercise_node import Begun, NodePost, all_registered, begun, own_kommuner, same
from vardkase.cli.node import Node, print_json
from vardkase.cli.orders import Acting, Desk, desk_of
from vardkase.cli.times import clock, day_and_clock
from vardkase.domain.places import lies_in
from vardkase.exercise.plan import Step, inject_id, steps_of
from vardkase.exercise.player import Became, Player
from vardkase.exercise.scenario import Scenario, ScenarioError
from vardkase.exercise.telling import KIND
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts import instants
from vardkase_contracts.areas import Area
from vardkase_contracts.signing import Signer

_LOOKS: Final = 50
"""So many looks for the order that was just given, …"""
_PAUSE_S: Final = 0.2
"""… with so many seconds between them."""
_BECAME: Final = {"sent": "sänt", "known": "redan sänt", "held": "inte sänt: övningen är slut där"}


async def play(
    node: Node, scenario: Scenario, signer: Signer | None, wait: float, *, unregistered: bool, as_json: bool
) -> None:
    """Begin or go on, and play until all is sent or the exercise is over.

    Raises:
        Refused: it is another's to begin, or was begun with another file.
        Failed: the node does not answer, or has not all points in its register.
    """
    own = Area.parse(node.area or scenario.area)
    kommuner = own_kommuner(scenario.areas, own)
    if not kommuner:
        raise Refused(f"{own.name} takes no part in {scenario.id} (areas: {', '.join(scenario.areas)})")
    async with desk_of(node, signer=signer) as desk:
        post = NodePost(desk, own)
        now = await post.now()
        found = begun(await post.given(), scenario.id)
        if found is None:
            sent = steps(scenario, now)
            await _all_known(post, sent, kommuner, unregistered=unregistered)
            found = await _begin(desk, scenario, own, now, wait, as_json=as_json)
            await _in_force(post, scenario.id, kommuner)
        else:
            same(scenario, found)
            sent = steps(scenario, found.start)
            await _all_known(post, sent, kommuner, unregistered=unregistered)
            if not as_json:
                typer.echo(f"{scenario.name} började {day_and_clock(instants.to_datetime(found.start))}: går vidare")

        def told(step: Step, became: Became) -> None:
            tell_step(step, became, as_json=as_json)

        ending = await Player(scenario.id, sent, kommuner, post, told).run()
    if as_json:
        print_json(json.dumps({"exercise": scenario.id, "ending": ending}))
    elif ending == "played":
        until = "tills den avslutas" if found.until is None else f"till {clock_of(found.until)}"
        typer.echo(f"Alla inspel är sända. Övningen pågår {until}; `vardkase exercise stop` avslutar den.")
    else:
        typer.echo("Övningen är slut. En ny övning har ett nytt id.")


async def _in_force(post: NodePost, name: str, kommuner: frozenset[str]) -> None:
    """Wait until the node tells of the exercise that was just ordered: in a federation it reads its orders anew.

    Raises:
        Failed: it does not within some seconds, or it was aborted before it began.
    """
    for _ in range(_LOOKS):
        exercises, now = await post.exercises(), await post.now()
        if any(exercises.aborted_at(name, kommun, now) is None for kommun in kommuner):
            if any(each.id == name for kommun in kommuner for each in exercises.standing(kommun, now).running):
                return
        else:
            raise Failed(f"{name} was aborted: another exercise needs another id")
        await asyncio.sleep(_PAUSE_S)
    raise Failed(f"{name} is ordered, and the node does not follow the order yet: give the same command again")


async def _begin(desk: Desk, scenario: Scenario, own: Area, now: int, wait: float, *, as_json: bool) -> Begun:
    if not lies_in(scenario.area, own.code):
        raise Refused(f"{scenario.id} has not been begun by {scenario.area}, and cannot be from a node of {own.code}")
    until = now + scenario.duration
    data: dict[str, Any] = {
        "id": scenario.id,
        "name": scenario.name,
        "areas": list(scenario.areas),
        "from": instants.iso(now),
        "until": instants.iso(until),
        "state": "running",
        "plan": {"scenario": scenario.digest, "injects": len(scenario.injects)},
    }
    who = Acting(area=Area.parse(scenario.area), role=scenario.role, reality="exe", wait_s=wait, as_json=as_json)
    done = f"ÖVNING {scenario.name} pågår till {clock_of(until)}: {', '.join(scenario.areas)}"
    about = Area.parse(scenario.area)
    identity = inject_id(scenario.id, "start")
    at = instants.to_datetime(now)
    await who.give(desk, "exercise", about, data, now=at, done=done, order_id=identity, exercise=scenario.id)
    return Begun(scenario.id, scenario.name, now, until, scenario.areas, scenario.area, scenario.digest)


async def _all_known(post: NodePost, steps: list[Step], kommuner: frozenset[str], *, unregistered: bool) -> None:
    if not unregistered:
        points = (each.place for each in steps if each.what == "report" and each.kommuner <= kommuner)
        all_registered(await post.unregistered(points))


def steps(scenario: Scenario, start_at: int) -> list[Step]:
    """What a scenario sends.

    Raises:
        Refused: something of it would be refused.
    """
    try:
        return steps_of(scenario, start_at)
    except ScenarioError as error:
        raise Refused(str(error)) from None


def tell_step(step: Step, became: Became, *, as_json: bool) -> None:
    """Say what became of a step."""
    if as_json:
        told = {"inject": step.inject, "id": step.id, "kind": step.event.kind, "place": step.place, "became": became}
        print_json(json.dumps(told, ensure_ascii=False))
    else:
        at = clock(instants.to_datetime(step.due), seconds=True)
        typer.echo(f"{at}  {step.inject}: {KIND[step.event.kind]} {step.place}: {_BECAME[became]}")


def clock_of(instant: int) -> str:
    """The date and what o'clock it is in Sweden at an instant, µs."""
    return day_and_clock(instants.to_datetime(instant))
