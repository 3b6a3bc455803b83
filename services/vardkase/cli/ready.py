"""`vardkase ready`: whether the node on this computer is ready; what a container or a script asks."""

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from vardkase.runtime import httpio
from vardkase.runtime.datadir import STARTED
from vardkase.runtime.errors import FAILED, Failed, Refused

app: Final = typer.Typer()

_LIMIT: Final = 1 << 20
_WITHIN: Final = 4.0
"""Seconds that the answer may take."""


@app.command()
def ready(
    *,
    data_dir: Annotated[Path | None, typer.Option(help="Of the node. [default: VARDKASE_DATA_DIR]")] = None,
) -> None:
    """Says whether the node on this computer is ready. Exit code 1 when it is not, with what it lacks."""
    given = data_dir or (Path(text) if (text := os.environ.get("VARDKASE_DATA_DIR")) else None)
    if given is None:
        raise Refused("VARDKASE_DATA_DIR: expected the data directory of the node (or --data-dir)")
    answer = _ask(given)
    if answer["ready"]:
        typer.echo("redo")
        return
    typer.echo("inte redo")
    for each in answer["checks"]:
        if not each["ok"] and each.get("needed", True):
            typer.echo(f"  {each['name']}: {each['detail']}")
    raise typer.Exit(FAILED)


def _ask(data_dir: Path) -> dict[str, Any]:
    path = data_dir / STARTED
    try:
        port = urlsplit(json.loads(path.read_text(encoding="utf-8"))["ops"]).port or 0
    except FileNotFoundError:
        raise Failed(f"no node runs with {data_dir}") from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise Failed(f"{path} cannot be read: {error}") from None
    try:
        return json.loads(asyncio.run(httpio.get(port, "/readyz", timeout=_WITHIN, limit=_LIMIT)).body)
    except (OSError, ValueError) as error:
        raise Failed(f"the node does not answer: {error}") from None
