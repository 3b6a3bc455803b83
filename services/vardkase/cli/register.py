"""`vardkase register import FILE`: a kommun's register of points, from a file."""

import json
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from vardkase.cli.node import CredsOption, JsonOption, NatsOption, Node, RealityOption, find_node, print_json, run
from vardkase.cli.register_text import Shown, as_json_lines
from vardkase.cli.registering import Sent, read_register, send
from vardkase.registry import fields, table
from vardkase.registry.candidates import candidates
from vardkase.registry.plan import Plan, plan
from vardkase.registry.problems import BadFile
from vardkase.registry.values import kommun as parse_kommun
from vardkase.runtime.errors import DONE, FAILED, Refused

app: Final = typer.Typer(add_completion=False, help="The register of points.", no_args_is_help=True)

LARGEST_FILE: Final = 64 << 20

_HELP: Final = """Takes a register of points from a file, and reports what is new or has changed.

The file is CSV (; , or tab; UTF-8 or Windows-1252; decimal comma) or GeoJSON, in SWEREF 99 TM or WGS 84. Look first:

    vardkase register import trygghetspunkter.csv --kommun 2480 --dry-run

    vardkase register import trygghetspunkter.csv --kommun 2480

A column that the file does not have leaves its field as the node knows it; an empty cell makes it unknown. Points that
are not in the file are told of, and left alone. A repeated import sends nothing.
"""


@app.callback()
def register() -> None:
    """The register of points."""


@app.command("import", help=_HELP)
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or GeoJSON.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent; send nothing.")] = False,
    kommun: Annotated[
        str | None, typer.Option(metavar="CODE|NAME", help="The kommun of rows that do not say. [a kommun's node: its]")
    ] = None,
    crs: Annotated[
        str | None, typer.Option(metavar="EPSG:n", help="The coordinate system, such as EPSG:3006. [found out]")
    ] = None,
    maps: Annotated[
        list[str] | None, typer.Option("--map", metavar="COLUMN=FIELD", help="What a column holds.")
    ] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="A value of all rows that do not say.")
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Send the good rows though others are wrong.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before sending.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Show every point and problem, not the first ones.")] = False,
    wait: Annotated[
        float, typer.Option(min=0, max=3600, metavar="SECONDS", help="How long to wait for the check; 0: do not.")
    ] = 60.0,
    reality: RealityOption = "act",
    nats: NatsOption = None,
    creds: CredsOption = None,
    as_json: JsonOption = False,
) -> None:
    """See `_HELP`."""
    node = find_node(nats, creds)
    try:
        constants = _pairs(sets, "--set")
        if wrong := [name for name in constants if name not in fields.PROFILE]:
            raise Refused(f"--set {wrong[0]}: det finns inget sådant fält; det finns {', '.join(fields.PROFILE)}")
        read = table.read(_bytes(file))
        columns = fields.recognise(read.headers, _pairs(maps, "--map"))
        found = candidates(read, columns, constants=constants, kommun=_kommun(kommun, node), crs=crs)
    except BadFile as error:
        raise Refused(f"{file}: {error}") from None
    shown = Shown(str(file), read, columns, found, reality=reality, full=full)
    held = run(read_register(node, reality, sorted({each.kommun for each in found.found})))
    made = plan(found.found, found.problems, held.known, taken=held.taken)
    if as_json:
        for line in as_json_lines(made):
            print_json(line)
    else:
        shown.plan(made, skip_bad=skip_bad)
    stopped = bool(made.errors) and not skip_bad
    sent = Sent()
    if made.to_send and not (stopped or dry_run) and (yes or as_json or _agreed(made)):
        with shown.progress(len(made.to_send), hidden=as_json) as progress:
            sent = run(send(node, made.to_send, reality, wait_s=wait, on_progress=progress))
    failed = stopped or bool(sent.rejected)
    if as_json:
        print_json(json.dumps(_summary(made, sent, dry_run=dry_run, failed=failed), ensure_ascii=False))
    else:
        shown.end(made, sent, dry_run=dry_run, stopped=stopped)
    raise typer.Exit(FAILED if failed else DONE)


def _agreed(made: Plan) -> bool:
    """Whether the person at the terminal wants it sent; without a terminal nobody is asked."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    opened = sum(step.publish[0] == "hidden" != step.publish[1] for step in made.to_send)
    public = f" ({opened} punkter blir synliga för allmänheten)" if opened else ""
    sys.stdout.write(f"Skicka {len(made.to_send)} rapporter{public}? [j/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().casefold() in {"j", "ja", "y", "yes"}


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            raw = opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise Refused(f"{file}: {error.strerror}") from None
    if len(raw) > LARGEST_FILE:
        raise Refused(f"{file}: more than {LARGEST_FILE >> 20} MiB; send it in parts")
    return raw


def _pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.rpartition("=") if option == "--map" else text.partition("=")
        if not (name and equals and value):
            raise Refused(f"{option}: expected NAME=VALUE; got {text!r}")
        found[name.strip()] = value.strip()
    return found


def _kommun(given: str | None, node: Node) -> str | None:
    if given is not None:
        try:
            return parse_kommun(given)
        except ValueError as error:
            raise Refused(f"--kommun: {error}") from None
    return node.area if node.area is not None and len(node.area) == 4 and node.area.isdigit() else None


def _summary(made: Plan, sent: Sent, *, dry_run: bool, failed: bool) -> dict[str, object]:
    return {
        "type": "summary",
        "dry_run": dry_run,
        "ok": not failed,
        **{change: len(made.of(change)) for change in ("new", "changed", "unchanged")},
        "missing": len(made.missing),
        "errors": len(made.errors),
        "warnings": len(made.problems) - len(made.errors),
        "sent": sent.stored,
        "accepted": sent.accepted,
        "rejected": len(sent.rejected),
        "unchecked": sent.unchecked,
        "in_state": sent.in_state,
    }
