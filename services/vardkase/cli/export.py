"""`vardkase export`: all that the archive has of an area, in open formats."""

import contextlib
import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from vardkase.archive.export import What, export
from vardkase.archive.formats import FORMATS, Format, pyarrow
from vardkase.archive.store import opened
from vardkase.cli.archived import DatabaseOption, database, fallback, keyring
from vardkase.cli.node import JsonOption, RealityOption, parse_area, print_json, run
from vardkase.cli.times import parse_past
from vardkase.runtime.database import Away
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts.instants import from_datetime

app: Final = typer.Typer(add_completion=False)


@app.command(name="export")
def command(
    *,
    area: Annotated[str, typer.Option(help="2480, 24, norra or SE.")],
    to: Annotated[Path, typer.Option(metavar="DIR", help="A folder that is not there yet.")],
    formats: Annotated[str, typer.Option(help="Which, with commas between.")] = "jsonl,csv,geojson",
    since: Annotated[
        str | None, typer.Option(help="RFC 3339, a time of day, or how long ago (30d). [default: the beginning]")
    ] = None,
    until: Annotated[str | None, typer.Option(help="The same. [default: now]")] = None,
    reality: RealityOption = "act",
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Writes reports, alerts, orders, states, refusals and points, with a manifest; restricted, all of it."""
    where, now = parse_area(area), datetime.now(UTC)
    began = 0 if since is None else from_datetime(parse_past(since, option="--since", now=now))
    ended = from_datetime(now if until is None else parse_past(until, option="--until", now=now))
    if began >= ended:
        raise Refused("--since: expected a time before --until")
    what = What(where, reality, began, ended, _formats(formats))
    url = database(database_url)
    console = Console(stderr=True, quiet=as_json)
    with _whole(to) as folder, console.status("läser arkivet") as status:

        async def work() -> dict[str, Any]:
            try:
                async with opened(url, "vardkase export", keyring=keyring()) as store:
                    return await export(store, what, folder, fallback, _told)
            except Away as error:
                raise Failed(f"the archive cannot be read: {error}") from None
            except OSError as error:
                raise Failed(f"{to} cannot be written: {error.strerror or error}") from None

        def _told(name: str, rows: int) -> None:
            status.update(f"{name}: {rows} rader")

        manifest = run(work())
    if as_json:
        print_json(json.dumps({"folder": str(to), **manifest}, ensure_ascii=False))
        return
    for file in manifest["files"]:
        sys.stdout.write(
            f"{file['name']:<18} {file['rows']:>9} rader {file['bytes']:>12} byte  {file['sha256'][:16]}…\n"
        )
    sys.stdout.write(f"{to}: {manifest['notice']}\n")


def _formats(text: str) -> frozenset[Format]:
    """The formats that were asked for; that Parquet can be written is found out before anything is.

    Raises:
        Refused: one is none, none is given, or pyarrow is not installed.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    found: set[Format] = {each for each in FORMATS if each in names}
    if not names or len(found) != len(set(names)):
        raise Refused(f"--formats: expected some of {', '.join(FORMATS)}; got {text!r}")
    if "parquet" in found:
        pyarrow()
    return frozenset(found)


@contextlib.contextmanager
def _whole(to: Path) -> Iterator[Path]:
    """A folder that has its name only when all in it is written; what a killed run left of it is taken away.

    Raises:
        Refused: it is there already, it cannot be made, or another one is writing it.
        Failed: it cannot be given its name.
    """
    to = to.absolute()
    partial = to.with_name(f".{to.name}.partial")
    if to.exists():
        raise Refused(f"--to: {to} is there already: choose a folder that is not")
    try:
        partial.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise Refused(f"--to: {partial} cannot be made: {error.strerror}") from None
    try:
        _emptied(to, partial, held)
        before = os.umask(0o077)
        try:
            yield partial
            _named(partial, held, to)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        finally:
            os.umask(before)
    finally:
        os.close(held)


def _emptied(to: Path, partial: Path, held: int) -> None:
    """Have the folder alone, and nobody else's to read; what a killed run left in it is taken away.

    Raises:
        Refused: another one is writing it, or what is in it is not ours to take away.
    """
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.fchmod(held, 0o700)
        for left in partial.iterdir():
            left.unlink()
    except BlockingIOError:
        raise Refused(f"--to: another export is writing {to}") from None
    except OSError as error:
        raise Refused(f"--to: {partial} is there, and cannot be emptied: {error.strerror}") from None


def _named(partial: Path, held: int, to: Path) -> None:
    """Give the folder its name: what it holds, and then that it has it, is on disk.

    Raises:
        Failed: it cannot be.
    """
    try:
        os.fsync(held)
        partial.rename(to)
        parent = os.open(to.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
    except OSError as error:
        raise Failed(f"{to} cannot be written: {error.strerror or error}") from None
