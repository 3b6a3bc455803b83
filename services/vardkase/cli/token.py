"""`vardkase token`: who is let in at a node's gateways. Made, listed, revoked; and the links to points' forms."""

import json
import sys
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from vardkase.cli import words
from vardkase.cli.node import (
    AreaOption,
    CredsOption,
    JsonOption,
    NatsOption,
    connection_of,
    find_node,
    parse_area,
    print_json,
    run,
)
from vardkase.cli.times import STOCKHOLM, day_and_clock, parse_coming
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts import ids, instants
from vardkase_contracts.areas import KOMMUNER, Area
from vardkase_contracts.vocab import REALITIES, AccessRole, Reality

if TYPE_CHECKING:
    from vardkase.gateway.access.desk import TokenDesk

app: Final = typer.Typer(add_completion=False, help="Who is let in at the gateways.", no_args_is_help=True)

_NEVER: Final = "never"
_NEAR: Final = timedelta(days=180)
_ROLES: Final[dict[AccessRole, str]] = {
    "reader": "läser",
    "reporter": "rapporterar",
    "kommun": "kommunens krisledning",
    "lan": "länsstyrelsens stab",
    "nation": "nationell stab",
    "admin": "sköter noden",
}
_STATUS: Final = {"live": "gäller", "expired": "har gått ut", "revoked": "återkallad"}

ExpiresOption = Annotated[str, typer.Option(metavar="TIME", help="RFC 3339, 07:30, 90d, or never.")]
LabelOption = Annotated[str, typer.Option(help="What it is for. Never a person's name.")]


@app.callback()
def token() -> None:
    """Who is let in at the gateways: tokens, and the links to points' forms."""


@app.command()
def create(
    *,
    role: Annotated[AccessRole, typer.Option(help="What it opens: docs/access.md.")],
    area: AreaOption = None,
    point: Annotated[str | None, typer.Option(help="For a reporter: the one point.")] = None,
    realities: Annotated[str, typer.Option(help="Which worlds it opens, with commas between.")] = ",".join(REALITIES),
    label: LabelOption = "",
    expires: ExpiresOption = "90d",
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Makes a token. What shows it is printed once, and is nowhere else."""
    where = None if area is None else parse_area(area)
    if where is None and point is not None:
        where = _kommun_of(point, "--point")
    worlds, until = _realities(realities), _until(expires)
    run(_create(nats, creds, role, where, point, worlds, label, until, as_json=as_json))


@app.command()
def link(
    point: Annotated[str, typer.Argument(metavar="POINT", help="Such as 2480-umedalen-skola.")],
    *,
    reality: Annotated[Reality, typer.Option(help="act: skarpt läge, exe: övning, tst: prov.")] = "act",
    label: LabelOption = "",
    expires: ExpiresOption = "365d",
    http: Annotated[
        str | None, typer.Option(metavar="URL", help="Where people reach the gateway. [the node that runs here]")
    ] = None,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Makes a link to a point's form, which can be tried without its being real (prov)."""
    where = _kommun_of(point, "POINT")
    node = find_node(nats, creds)
    base = (http or node.http or "").rstrip("/")
    if not base:
        raise Refused("--http: expected where people reach the gateway, such as https://lage.example.se")
    worlds = _realities(f"{reality},tst") if reality != "tst" else _realities(reality)
    run(_create(nats, creds, "reporter", where, point, worlds, label, _until(expires), base=base, as_json=as_json))


@app.command("list")
def list_(
    *,
    all_: Annotated[bool, typer.Option("--all", help="Those that open nothing any more, too.")] = False,
    point: Annotated[str | None, typer.Option(help="Those bound to this point.")] = None,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists the tokens, the newest first, without what shows them."""
    run(_list(nats, creds, point, all_=all_, as_json=as_json))


@app.command()
def revoke(
    identities: Annotated[
        list[str], typer.Argument(metavar="ID...", help="As `token list` has it; of a person of the issuer, oidc-….")
    ],
    *,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revokes tokens: at once, at every gateway, with all that is open by them."""
    from vardkase.gateway.access.tokens import ID, SUBJECT_ID  # noqa: PLC0415 -- heavy, and not for --help

    for each in identities:
        if not ID.fullmatch(each) and not SUBJECT_ID.fullmatch(each):
            raise Refused("ID: expected the id of a token, as `vardkase token list` shows it, not the token itself")
    run(_revoke(nats, creds, identities, as_json=as_json))


async def _create(
    nats: str | None,
    creds: str | None,
    role: AccessRole,
    area: Area | None,
    point: str | None,
    realities: Iterable[Reality],
    label: str,
    expires: int | None,
    *,
    base: str | None = None,
    as_json: bool,
) -> None:
    from vardkase.gateway.access.tokens import TokenError  # noqa: PLC0415 -- heavy, and not for --help
    from vardkase.gateway.principal import within  # noqa: PLC0415

    async with _desk(nats, creds) as (desk, own):
        where = area or own
        if where is None:
            raise Refused("--area: expected the area that it is for, such as 24")
        if own is not None and not within(where, own):
            raise Refused(f"--area: this node is for {own.name}, and opens nothing of {where.name}")
        try:
            made, text = await desk.create(
                role=role, area=where, realities=realities, point=point, label=label, expires=expires
            )
        except TokenError as error:
            raise Refused(f"--{error.field}: {error}") from None
    shown = text if base is None else f"{base}/rapportera?k={text}"
    if as_json:
        told = {**made.told(made.created), "token": text, **({} if base is None else {"link": shown})}
        print_json(json.dumps(told, ensure_ascii=False))
        return
    typer.echo(shown)
    until = "tills vidare" if made.expires is None else f"till {_day(made.expires)}"
    about = words.area_title(where) if point is None else point
    sys.stderr.write(f"{made.id}: {_ROLES[role]}, {about}, {until}. Visas bara nu.\n")


async def _list(nats: str | None, creds: str | None, point: str | None, *, all_: bool, as_json: bool) -> None:
    from vardkase.gateway.access.desk import now  # noqa: PLC0415 -- heavy, and not for --help

    async with _desk(nats, creds) as (desk, _):
        held = await desk.list()
    at = now()
    found = [each for each in held if (all_ or each.status(at) == "live") and (point is None or each.point == point)]
    if as_json:
        for each in found:
            print_json(json.dumps(each.told(at), ensure_ascii=False))
        return
    typer.echo(f"Token: {len(found)}" if found else "Inga token")
    for each in found:
        until = "" if each.expires is None else f" till {_day(each.expires)}"
        about = each.point or words.area_title(each.area)
        worlds = ", ".join(word for word in REALITIES if word in each.realities)
        typer.echo(f"{each.id}  {_STATUS[each.status(at)]}{until}: {_ROLES[each.role]}, {about} ({worlds})")
        if each.label:
            typer.echo(f"    {each.label}")


async def _revoke(nats: str | None, creds: str | None, identities: Iterable[str], *, as_json: bool) -> None:
    unknown: list[str] = []
    async with _desk(nats, creds) as (desk, _):
        for each in identities:
            ended = await desk.revoke(each)
            if ended is None:
                unknown.append(each)
            elif as_json:
                print_json(json.dumps(ended.told(ended.revoked or 0), ensure_ascii=False))
            else:
                typer.echo(f"Återkallad: {each}")
    if unknown:
        raise Failed(f"there is no token {', '.join(unknown)}")


@asynccontextmanager
async def _desk(nats: str | None, creds: str | None) -> AsyncGenerator[tuple["TokenDesk", Area | None]]:
    """A desk at the node, and the node's area where it can be told."""
    from vardkase.doctor.streams import area_of  # noqa: PLC0415
    from vardkase.gateway.access.desk import TokenDesk  # noqa: PLC0415 -- heavy, and not for --help
    from vardkase.runtime.jetstream.api import ApiError, NoAnswer  # noqa: PLC0415
    from vardkase.runtime.settings import load  # noqa: PLC0415

    node = find_node(nats, creds)
    nc = await connection_of(node)
    try:
        try:
            own = await area_of(nc)
        except (ApiError, NoAnswer) as error:
            raise Failed(f"this is no node of Vårdkase's: {error}") from None
        yield TokenDesk(nc, load(), own), own
    finally:
        await nc.close()


def _kommun_of(point: str, option: str) -> Area:
    try:
        kommun, slug = ids.split_point_id(point)
    except ValueError as error:
        raise Refused(f"{option}: {error}; got {point!r}") from None
    if kommun not in KOMMUNER or slug == ids.KOMMUN_ITSELF:
        raise Refused(f"{option}: there is no such point: {point!r}")
    return Area("kommun", kommun)


def _realities(text: str) -> frozenset[Reality]:
    given = [part.strip() for part in text.split(",")]
    found: frozenset[Reality] = frozenset(each for each in REALITIES if each in given)
    if len(found) != len(given):
        raise Refused(f"--realities: expected some of {', '.join(REALITIES)} with commas between; got {text!r}")
    return found


def _until(text: str) -> int | None:
    if text == _NEVER:
        return None
    now = datetime.now(UTC)
    moment = parse_coming(text, option="--expires", now=now)
    if moment <= now:
        raise Refused("--expires: expected a time to come, or never")
    return instants.from_datetime(moment)


def _day(instant: int) -> str:
    """When it ends: to the minute while that is near, then to the day."""
    moment = instants.to_datetime(instant)
    return day_and_clock(moment) if moment - datetime.now(UTC) < _NEAR else f"{moment.astimezone(STOCKHOLM):%Y-%m-%d}"
