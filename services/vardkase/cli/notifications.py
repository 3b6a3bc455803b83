"""`vardkase notifications`: what receivers outside did not take: listed, sent again, dropped."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from vardkase.cli.node import CredsOption, JsonOption, NatsOption, connection_of, find_node, print_json, run
from vardkase.cli.times import day_and_clock
from vardkase.runtime.errors import Failed, Refused

if TYPE_CHECKING:
    from vardkase.notifier.letters import Letter, Letters

app: Final = typer.Typer(
    add_completion=False, help="What receivers of notifications did not take.", no_args_is_help=True
)

_ALL: Final = "all"
_WHAT: Final = {"raised": "nytt", "changed": "ändrat", "cleared": "upphört"}

NamesArgument = Annotated[list[str], typer.Argument(metavar="NAME...", help="As `notifications list` has it; or all.")]


@app.callback()
def notifications() -> None:
    """Notifications that a webhook did not take, and were given up."""


@app.command("list")
def list_(*, nats: NatsOption = None, creds: CredsOption = None, as_json: JsonOption = False) -> None:
    """Lists them, the oldest first."""
    run(_list(nats, creds, as_json=as_json))


@app.command()
def resend(
    names: NamesArgument, *, nats: NatsOption = None, creds: CredsOption = None, as_json: JsonOption = False
) -> None:
    """Has them sent again, with the ids that they had. What is taken goes from the list."""
    run(_each(nats, creds, names, again=True, as_json=as_json))


@app.command()
def drop(
    names: NamesArgument, *, nats: NatsOption = None, creds: CredsOption = None, as_json: JsonOption = False
) -> None:
    """Takes them away. The alerts themselves stay as they are."""
    run(_each(nats, creds, names, again=False, as_json=as_json))


async def _list(nats: str | None, creds: str | None, *, as_json: bool) -> None:
    async with _letters(nats, creds) as letters:
        found = [each async for each in letters.all()]
    if as_json:
        for letter in found:
            print_json(json.dumps(_told(letter), ensure_ascii=False))
        return
    if not found:
        typer.echo("Inga aviseringar har misslyckats.")
    for letter in found:
        asked = "  skickas om" if letter.resend is not None else ""
        when = day_and_clock(datetime.fromisoformat(letter.at))
        typer.echo(f"{when}  {letter.receiver}: {_WHAT.get(letter.what, letter.what)} {letter.key}{asked}")
        typer.echo(f"         {letter.attempts} försök: {letter.reason}  {letter.name}")


async def _each(nats: str | None, creds: str | None, names: list[str], *, again: bool, as_json: bool) -> None:
    async with _letters(nats, creds) as letters:
        wanted = [each.name async for each in letters.all()] if names == [_ALL] else names
        done = {name: await (letters.ask(name, "cli") if again else letters.drop(name)) for name in wanted}
    for name, there in done.items():
        if as_json:
            print_json(json.dumps({"name": name, "done": there}))
        elif there:
            typer.echo(f"{name}: {'skickas om' if again else 'borttagen'}")
    missing = [name for name, there in done.items() if not there]
    if missing:
        raise Failed(f"no such notification: {', '.join(missing)}")


def _told(letter: "Letter") -> dict[str, object]:
    return {"name": letter.name, **asdict(letter)}


@asynccontextmanager
async def _letters(nats: str | None, creds: str | None) -> AsyncGenerator["Letters"]:
    """The node's dead letters.

    Raises:
        Failed: the node cannot be reached, or does not store.
        Refused: a name is none.
    """
    from vardkase.notifier.letters import Letters  # noqa: PLC0415 -- heavy, and not for --help
    from vardkase.runtime.jetstream.api import ApiError, NoAnswer  # noqa: PLC0415
    from vardkase.runtime.jetstream.bucket import BucketAway  # noqa: PLC0415
    from vardkase.runtime.jetstream.values import Incomplete  # noqa: PLC0415

    nc = await connection_of(find_node(nats, creds))
    try:
        yield Letters(nc)
    except (ApiError, NoAnswer, BucketAway, Incomplete) as error:
        raise Failed(f"the node's notifications cannot be reached: {error}") from None
    except ValueError:
        raise Refused("NAME: expected the name of a notification, as `vardkase notifications list` shows it") from None
    finally:
        await nc.close()
