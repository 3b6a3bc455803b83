"""`vardkase federation`: nodes that report to each other. Their file, their keys, their certificates.

Nothing here talks to a node. A node reads the file again when it changes; `vardkase doctor` tells how its links are.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from vardkase.cli.node import JsonOption, parse_area, print_json
from vardkase.federation import cluster as servers
from vardkase.federation.examined import examine
from vardkase.federation.office import Made, Office
from vardkase.federation.plan import Plan
from vardkase.runtime.errors import FAILED, Refused
from vardkase.runtime.setting_types import seconds

app: Final = typer.Typer(add_completion=False, help="Nodes that report to each other.", no_args_is_help=True)

FileOption = Annotated[
    Path, typer.Option("--file", envvar="VARDKASE_FEDERATION", help="The federation's file.", dir_okay=False)
]
LeafOption = Annotated[
    str | None, typer.Option(metavar="URL", help="Where its children dial it: tls://lan24.example:7422.")
]
ParentOption = Annotated[str | None, typer.Option(metavar="NODE", help="Whom it dials. [default: the nearest above]")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A node (lan-24), or a kommun that reports at another's.")]
_FILE: Final = Path("federation.toml")


class What(StrEnum):
    """Which keys."""

    LINK = "link"
    SIGN = "sign"


WhatOption = Annotated[
    What, typer.Option(help="link: of the link to its parent. sign: that its reports are signed with.")
]


@app.callback()
def federation() -> None:
    """Nodes that report to each other: one file, the same at each of them; and the secrets of each, beside it."""


@app.command()
def init(
    *,
    area: Annotated[str, typer.Option(help="Of the topmost node: SE, or a län.")] = "SE",
    name: Annotated[str, typer.Option(help="What people call the federation.")] = "Sverige",
    leaf: LeafOption = None,
    file: FileOption = _FILE,
) -> None:
    """Begins a federation: its file, its topmost node, an authority for certificates."""
    _tell(Office(file).init(parse_area(area), name=name, leaf=leaf))


@app.command("add-lan")
def add_lan(
    code: Annotated[str, typer.Argument(metavar="LÄN", help="24")],
    *,
    parent: ParentOption = None,
    leaf: LeafOption = None,
    file: FileOption = _FILE,
) -> None:
    """A län (or a civilområde) joins, with a node of its own."""
    area = parse_area(code)
    if area.level not in {"lan", "civo"}:
        raise Refused(f"{code} is no län; a kommun joins with add-kommun")
    _tell(Office(file).add(area, parent=parent, leaf=leaf))


@app.command("add-kommun")
def add_kommun(
    code: Annotated[str, typer.Argument(metavar="KOMMUN", help="2480")],
    *,
    parent: ParentOption = None,
    leaf: LeafOption = None,
    node: Annotated[bool, typer.Option(help="With a node of its own, or reporting at its parent's.")] = True,
    file: FileOption = _FILE,
) -> None:
    """A kommun joins. One that reported at another's node and now gets its own keeps its keys and its history."""
    area = parse_area(code)
    if area.level != "kommun":
        raise Refused(f"{code} is no kommun")
    if not node and leaf is not None:
        raise Refused("--leaf: only a node is dialled")
    office = Office(file)
    _tell(office.add(area, parent=parent, leaf=leaf) if node else office.add_reporter(area, node=parent))


@app.command()
def rotate(
    name: Name,
    *,
    what: WhatOption = What.LINK,
    finish: Annotated[bool, typer.Option("--finish", help="The new link key is in use: the old ones go.")] = False,
    overlap: Annotated[str, typer.Option(help="How long the old signing keys hold.")] = "7d",
    file: FileOption = _FILE,
) -> None:
    """Exchanges a key: the new one beside the old one, until the exchange is finished."""
    office = Office(file)
    if what is What.LINK:
        _tell(office.rotate(name, finish=finish))
        return
    try:
        length = timedelta(seconds=seconds(overlap))
    except ValueError as error:
        raise Refused(f"--overlap: {error}") from None
    _tell(office.rotate_signer(_kommun(name), overlap=length))


@app.command()
def revoke(name: Name, *, what: WhatOption = What.LINK, file: FileOption = _FILE) -> None:
    """Takes keys away: a link is cut as soon as the node above it has the file. What was sent before stays."""
    office = Office(file)
    _tell(office.revoke(name) if what is What.LINK else office.revoke_signer(_kommun(name)))


@app.command()
def cluster(
    node: Annotated[str, typer.Argument(metavar="NODE", help="The topmost node: SE.")],
    *,
    server: Annotated[list[str], typer.Option(metavar="HOST", help="One of its NATS servers; three times for three.")],
    at: Annotated[str, typer.Option(help="The folder of its configuration at each server.")] = "/etc/nats",
    store: Annotated[str, typer.Option(help="The folder of its streams at each server.")] = "/data",
    file: FileOption = _FILE,
) -> None:
    """A cluster of NATS servers for the topmost node: their configurations. Again whenever the file has changed."""
    _tell(servers.write(Office(file), node, server, servers.Place(config=at, store=store), datetime.now(UTC)))


@app.command()
def show(*, as_json: JsonOption = False, file: FileOption = _FILE) -> None:
    """Shows who reports to whom."""
    plan = Office(file).read()
    if as_json:
        print_json(json.dumps(plan.model_dump(mode="json"), ensure_ascii=False))
        return
    typer.echo(f"{plan.name}; signaturer: {plan.signatures}")
    for line in _tree(plan, None, ""):
        typer.echo(line)


@app.command()
def check(
    *,
    node: Annotated[str | None, typer.Option(help="Whose secrets to look at. [default: all that are here]")] = None,
    as_json: JsonOption = False,
    file: FileOption = _FILE,
) -> None:
    """Says whether the file and the secrets beside it fit. Exit code 1 when they do not."""
    faults = list(examine(Office(file), node=node, now=datetime.now(UTC)))
    if as_json:
        found = [{"status": each.status, "about": each.about, "seen": each.seen} for each in faults]
        print_json(json.dumps({"faults": found}, ensure_ascii=False))
    else:
        for each in faults:
            typer.echo(f"{'FEL    ' if each.status == 'error' else 'VARNING'} {each.about}: {each.seen}")
        if not faults:
            typer.echo("Filen och hemligheterna här stämmer.")
    if any(each.status == "error" for each in faults):
        raise typer.Exit(FAILED)


def _tree(plan: Plan, parent: str | None, indent: str) -> Iterator[str]:
    for name, node in sorted(plan.nodes.items()):
        if node.parent != parent:
            continue
        told = [node.where.name]
        if node.leaf:
            told.append(f"rings upp på {node.leaf}")
        if parent is not None:
            told.append({0: "ingen nyckel", 1: ""}.get(len(node.link), f"{len(node.link)} nycklar"))
        yield f"{indent}{name}  {', '.join(filter(None, told))}"
        yield from _tree(plan, name, f"{indent}  ")
        for code, reporter in sorted(plan.reporters.items()):
            if reporter.node == name:
                yield f"{indent}  {code}  {parse_area(code).name}, rapporterar hos {name}"


def _kommun(name: str) -> str:
    code = name.removeprefix("kommun-")
    if parse_area(code).level != "kommun":
        raise Refused(f"{name} is no kommun: only a kommun's reports are signed")
    return code


def _tell(made: Made) -> None:
    for line in made.lines:
        typer.echo(line)
