"""`vardkase carry`: reports out of a node into a signed file, and into another node from it."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from vardkase.cli.node import (
    SIGN_KEY,
    CredsOption,
    JsonOption,
    NatsOption,
    Node,
    SignOption,
    connection_of,
    find_node,
    parse_area,
    print_json,
    run,
    signer_of,
)
from vardkase.cli.times import day_and_clock, parse_past
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts import instants, signing, streams, subjects
from vardkase_contracts.areas import KOMMUNER, NATION, Area
from vardkase_contracts.signing import Signer
from vardkase_contracts.vocab import Reality

if TYPE_CHECKING:
    from vardkase.federation.carried import Carried, Entry, Manifest
    from vardkase.runtime.jetstream.connection import Connection

app: Final = typer.Typer(add_completion=False, help="Reports on a stick, when there is no link.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="On the stick.", dir_okay=False)]
PlanOption = Annotated[
    Path | None,
    typer.Option("--federation", envvar="VARDKASE_FEDERATION", help="Whose signing keys are known.", dir_okay=False),
]
_ANSWER_S: Final = 5.0
_MOST_FILTERS: Final = 40
"""Kommuner that the log is asked for one by one; of more, everything is read."""
_PIECE: Final = 5_000
"""Reports that are sent between two signs of progress."""


@app.callback()
def carry() -> None:
    """A file on a stick: each report's exact bytes, with a manifest that is signed."""


@app.command("out")
def out(
    file: File,
    *,
    area: Annotated[str | None, typer.Option(metavar="AREA", help="Whose reports. [all of the node's]")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only what came into the log then or later: 20m, 2h, RFC 3339.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Only what came before.")] = None,
    reality: Annotated[Reality | None, typer.Option(help="Of one reality alone. [all]")] = None,
    nats: NatsOption = None,
    creds: CredsOption = None,
    sign: SignOption = None,
    as_json: JsonOption = False,
) -> None:
    """Writes the log's reports into FILE, signed with the kommun's key (--sign)."""
    signer = signer_of(sign)
    if signer is None:
        raise Refused(f"--sign FILE: a file is signed with the kommun's secret key (or set {SIGN_KEY})")
    now = datetime.now(UTC)
    first, last = (
        None if text is None else instants.from_datetime(parse_past(text, option=option, now=now))
        for text, option in ((since, "--since"), (until, "--until"))
    )
    node = find_node(nats, creds)
    whose = parse_area(area or node.area or NATION.code)
    manifest = run(_out(node, file, whose, reality, (first, last), signer, now))
    _tell(manifest, signing.key_id(signer.public_key), as_json=as_json)
    if not as_json:
        typer.echo(f"Skriven: {file}. Filen är inte krypterad: bär den som det den innehåller.")


@app.command()
def show(file: File, *, as_json: JsonOption = False) -> None:
    """Says what FILE holds, if it is whole and as it was signed; reads nothing into a node."""
    carried = _read(file)
    _tell(carried.manifest, carried.key_id, as_json=as_json)


@app.command("in")
def in_(
    file: File,
    *,
    trust: Annotated[
        str | None,
        typer.Option(metavar="KEY-ID", help="This key is right: its sender has read its id to you (`carry show`)."),
    ] = None,
    federation: PlanOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is new; store nothing.")] = False,
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reads FILE into the node, whole or not at all. What the node has already is left out."""
    carried = _read(file)
    _believe(file, carried, trust, federation)
    new = run(_in(find_node(nats, creds), file, carried, store=not dry_run, quiet=as_json))
    _tell(carried.manifest, carried.key_id, as_json=as_json, new=new, stored=not dry_run)
    if not as_json:
        known = carried.manifest.count - new
        what = "är nya; inget är lagrat (--dry-run)" if dry_run else "är lagrade och granskas som alla rapporter"
        typer.echo(f"{new} rapporter {what}; {known} fanns redan.")


# -- out ---------------------------------------------------------------------------------------------------------------


async def _out(
    node: Node,
    file: Path,
    area: Area,
    reality: Reality | None,
    between: tuple[int | None, int | None],
    signer: Signer,
    now: datetime,
) -> "Manifest":
    from vardkase.federation.carried import Writing  # noqa: PLC0415 -- heavy, and not for --help
    from vardkase.runtime.jetstream.api import ApiError, NoAnswer, call  # noqa: PLC0415
    from vardkase.runtime.jetstream.values import Incomplete  # noqa: PLC0415

    nc = await connection_of(node)
    try:
        info = await call(nc, f"STREAM.INFO.{streams.REPORTS}", within=_ANSWER_S)
        name = str(info.get("domain") or node.area or area.code)
        writing = Writing(file, node=name, area=area.code)
        try:
            async for entry in _log(nc, subjects.family_filters("accepted", reality, area), between):
                writing.add(entry)
        except BaseException:
            writing.abandon()
            raise
        return writing.finish(instants.iso(instants.from_datetime(now)), signer)
    except (ApiError, NoAnswer, Incomplete) as error:
        raise Failed(f"the node at {node.nats} does not give its log: {error}; ingen fil lämnades kvar") from None
    finally:
        await nc.close()


async def _log(
    nc: "Connection", filters: Sequence[str], between: tuple[int | None, int | None] = (None, None)
) -> "AsyncGenerator[Entry]":
    """The log's reports, in order."""
    from vardkase.federation.carried import Entry  # noqa: PLC0415
    from vardkase.runtime.jetstream.values import scan  # noqa: PLC0415

    since, until = between
    async for one in scan(nc, streams.REPORTS, filters, since=since):
        if until is not None and one.stored_at >= until:
            return
        headers: Mapping[str, str] = one.headers
        yield Entry(
            subject=one.subject,
            data=one.data,
            sequence=one.sequence,
            received=headers.get("Tp-Received", ""),
            origin=headers.get("Tp-Origin", ""),
            signature=headers.get(signing.HEADER),
        )


# -- in ----------------------------------------------------------------------------------------------------------------


def _read(file: Path) -> "Carried":
    from vardkase.federation.carried import Broken, read  # noqa: PLC0415 -- heavy, and not for --help

    try:
        return read(file)
    except Broken as error:
        raise Failed(f"{file}: {error}; inget är inläst") from None


def _believe(file: Path, carried: "Carried", trust: str | None, federation: Path | None) -> None:
    """See that whoever signed the file is known.

    Raises:
        Failed: nobody known did.
    """
    if trust is not None:
        if trust.strip().lower() != carried.key_id:
            raise Failed(f"{file}: är signerad med nyckeln {carried.key_id}, inte {trust}; inget är inläst")
        return
    unknown = list(carried.manifest.kommuner)
    if federation is not None:
        from vardkase.federation import keys, plan  # noqa: PLC0415 -- heavy, and not for --help

        signers = plan.load(federation).signers
        made = carried.manifest.made
        unknown = [
            code
            for code in carried.manifest.kommuner
            if code not in signers
            or not any(
                keys.check_signer(each.key) == carried.key
                and (each.since is None or each.since <= made)
                and (each.until is None or made < each.until)
                for each in signers[code].keys
            )
        ]
    if unknown:
        whose = ", ".join(KOMMUNER[code].name for code in unknown[:5]) + (" …" if len(unknown) > 5 else "")
        raise Failed(
            f"{file}: är signerad med nyckeln {carried.key_id}, som inte är känd för {whose}; inget är inläst. "
            f"Låt avsändaren läsa upp nyckelns id, och ge --trust {carried.key_id} om det är rätt"
        )


async def _in(node: Node, file: Path, carried: "Carried", *, store: bool, quiet: bool) -> int:
    """How many reports were new; they are stored when this returns."""
    from vardkase.runtime.jetstream.api import ApiError, NoAnswer  # noqa: PLC0415 -- heavy, and not for --help
    from vardkase.runtime.jetstream.errors import WriteFailed  # noqa: PLC0415
    from vardkase.runtime.jetstream.values import Incomplete  # noqa: PLC0415

    nc = await connection_of(node)
    done = 0
    try:
        await _takes_all(nc, file, carried)
        new = await _new(nc, carried)
        if store:
            for done in range(0, len(new), _PIECE):
                await _store(nc, new[done : done + _PIECE])
                if not quiet and len(new) > _PIECE:
                    typer.echo(f"… {min(done + _PIECE, len(new))} av {len(new)}", err=True)
        return len(new)
    except WriteFailed as error:
        raise Failed(
            f"{file}: minst {done} av de nya rapporterna är lagrade, sedan: {error}; inget är förlorat, "
            "och samma fil kan läsas in igen"
        ) from None
    except (ApiError, NoAnswer, Incomplete) as error:
        raise Failed(f"the node at {node.nats} does not answer: {error}; samma fil kan läsas in igen") from None
    finally:
        await nc.close()


async def _takes_all(nc: "Connection", file: Path, carried: "Carried") -> None:
    """See that the node takes in reports of all the kommuner.

    Raises:
        Failed: it does not.
    """
    from vardkase.runtime.jetstream.api import call  # noqa: PLC0415

    elsewhere: list[str] = []
    for code in carried.manifest.kommuner:
        wanted = subjects.report_filter("act", Area("kommun", code))
        found = await call(nc, "STREAM.NAMES", {"subject": wanted}, within=_ANSWER_S)
        if streams.INTAKE not in (found.get("streams") or ()):
            elsewhere.append(KOMMUNER[code].name)
    if elsewhere:
        whose = ", ".join(elsewhere[:5]) + (" …" if len(elsewhere) > 5 else "")
        raise Failed(f"{file}: har rapporter från {whose}, som den här noden inte tar emot; inget är inläst")


async def _new(nc: "Connection", carried: "Carried") -> "list[Entry]":
    """The file's reports that the log does not have, by subject, bytes and signature; each once."""
    from vardkase.intake.carried import fingerprint  # noqa: PLC0415

    wanted = {(each.subject, fingerprint(each.data, each.signature)): each for each in carried.entries}
    kommuner = carried.manifest.kommuner
    areas = [Area("kommun", code) for code in kommuner] if len(kommuner) <= _MOST_FILTERS else [NATION]
    filters = [each for area in areas for each in subjects.family_filters("accepted", None, area)]
    if wanted:
        async for one in _log(nc, filters):
            wanted.pop((one.subject, fingerprint(one.data, one.signature)), None)
    return list(wanted.values())


async def _store(nc: "Connection", entries: "Sequence[Entry]") -> None:
    from vardkase.runtime.jetstream.batches import Outgoing  # noqa: PLC0415
    from vardkase.runtime.jetstream.writer import StreamWriter  # noqa: PLC0415

    await StreamWriter(nc, streams.INTAKE).write(
        [
            Outgoing(
                subject=signing.report_subject(each.subject),
                data=each.data,
                headers=None if each.signature is None else {signing.HEADER: each.signature},
            )
            for each in entries
        ]
    )


def _tell(manifest: "Manifest", key: str, *, as_json: bool, **more: Any) -> None:
    if as_json:
        print_json(json.dumps(manifest.model_dump(mode="json") | {"key": key} | more, ensure_ascii=False))
        return
    whose = ", ".join(KOMMUNER[code].name for code in manifest.kommuner[:5]) + (
        " …" if len(manifest.kommuner) > 5 else ""
    )
    typer.echo(f"{manifest.count} rapporter från {manifest.node}: {whose or 'inga kommuner'}")
    if manifest.count:
        typer.echo(
            f"    nummer {manifest.first} till {manifest.last} i loggen, "
            f"mottagna {_at(manifest.received_from)} till {_at(manifest.received_upto)}"
        )
    typer.echo(f"    skrivna {day_and_clock(manifest.made)}, signerade med nyckeln {key}")


def _at(text: str) -> str:
    """A time that a file tells, as people read it; what is none, as it stands."""
    try:
        return day_and_clock(instants.to_datetime(instants.parse(text)))
    except ValueError:
        return text or "okänt"
