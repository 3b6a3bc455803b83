"""Which node a command talks to, and how: the options that several commands share, and the connection they open."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from vardkase.runtime.datadir import RUNNING
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts.areas import Area
from vardkase_contracts.client import (
    Client,
    ClientError,
    ConnectFailed,
    ConnectionGone,
    PublishRefused,
    ReadRefused,
    Unconfirmed,
    connect,
)
from vardkase_contracts.signing import Signer
from vardkase_contracts.vocab import Reality

if TYPE_CHECKING:
    from vardkase.runtime.jetstream.connection import Connection

URL: Final = "VARDKASE_NATS_URL"
CREDS: Final = "VARDKASE_NATS_CREDS"
INBOX: Final = "VARDKASE_LINK_INBOX_PREFIX"
SIGN_KEY: Final = "VARDKASE_SIGN_KEY"
_CONNECT_S: Final = 3.0
_LARGEST: Final = 65_536

NatsOption = Annotated[
    str | None,
    typer.Option("--nats", metavar="URL", help=f"The node's NATS. [default: {URL}, else the node that runs here]"),
]
CredsOption = Annotated[
    str | None,
    typer.Option("--creds", metavar="FILE", help=f"A NATS credentials file. [default: {CREDS}]"),
]
SignOption = Annotated[
    str | None,
    typer.Option("--sign", metavar="FILE", help=f"The kommun's secret key: reports are signed. [default: {SIGN_KEY}]"),
]
RealityOption = Annotated[Reality, typer.Option(help="act: skarpt läge, exe: övning, tst: prov.")]
AreaArgument = Annotated[str | None, typer.Argument(help="2480, 24, norra or SE. [default: the node's own]")]
AreaOption = Annotated[str | None, typer.Option(help="2480, 24, norra or SE. [default: the node's own]")]
JsonOption = Annotated[bool, typer.Option("--json", help="For machines: one JSON document per line.")]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A node to talk to."""

    nats: str
    """Its NATS URL."""
    creds: str | None = None
    """A credentials file, if it needs one."""
    area: str | None = None
    """The area it is for, where that is known."""
    database: str | None = None
    """The URL of its archive, where that is known."""
    http: str | None = None
    """Where it answers HTTP, where that is known."""


def find_node(nats: str | None, creds: str | None = None) -> Node:
    """The node that was named, else the one in the environment or the settings' file, else the one that runs here.

    Raises:
        Refused: none was named, and none or several run here; the file is none.
    """
    creds = creds or os.environ.get(CREDS) or None
    url = nats or os.environ.get(URL) or _in_file()
    if url is not None:
        return Node(nats=url, creds=creds)
    found = [node for folder in _data_dirs() if (node := _running(folder / RUNNING)) is not None]
    if not found:
        raise Refused(f"no node runs here (`vardkase up` starts one): give --nats URL, or set {URL}")
    if len(found) > 1:
        urls = ", ".join(f"{node.nats} ({node.area})" for node in found)
        raise Refused(f"several nodes run here: choose one with --nats: {urls}")
    return replace(found[0], creds=creds or found[0].creds)


def _in_file() -> str | None:
    """The URL in the file that `VARDKASE_CONFIG` names: a node whose NATS is not its own, and asks for a password."""
    if not os.environ.get("VARDKASE_CONFIG"):
        return None
    from vardkase.runtime.settings import load  # noqa: PLC0415 -- only when it is needed

    url = load().nats_url
    return None if url is None else url.get_secret_value()


def _data_dirs() -> Iterable[Path]:
    given = os.environ.get("VARDKASE_DATA_DIR")
    if given:
        return [Path(given)]
    from platformdirs import user_data_path  # noqa: PLC0415 -- only when it is needed

    root = user_data_path("vardkase", appauthor=False)
    return sorted(root.iterdir()) if root.is_dir() else []


def _running(path: Path) -> Node | None:
    """The node whose ready line the file holds; None when there is no file, or the node that wrote it is gone."""
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_LARGEST))
        return Node(
            nats=told["nats"],
            creds=told["nats_creds"],
            area=told["area"],
            database=told.get("database"),
            http=told.get("http"),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{path} cannot be read ({' '.join(str(error).split())}): give --nats URL") from None


def parse_area(text: str) -> Area:
    """The area of a code.

    Raises:
        Refused: there is none.
    """
    try:
        return Area.parse(text)
    except ValueError:
        raise Refused(
            f"AREA: expected a kommun (2480), a län (24), a civilområde (norra) or SE; got {text!r}"
        ) from None


def signer_of(path: str | None) -> Signer | None:
    """The key in a file that was named, else in the environment; None: nothing is signed.

    Raises:
        Refused: the file holds none, cannot be read, or can be read by others too.
    """
    named = path or os.environ.get(SIGN_KEY) or None
    if named is None:
        return None
    from vardkase.federation.signers import read_signer  # noqa: PLC0415 -- only when it is needed

    return read_signer(Path(named), SIGN_KEY if path is None else "--sign")


@asynccontextmanager
async def client_of(node: Node, *, signer: Signer | None = None) -> AsyncGenerator[Client]:
    """A client of the node.

    Args:
        node: which.
        signer: signs the reports that it sends.

    Raises:
        Failed: it cannot be reached; or what goes wrong with it inside the block, in one line.
    """
    try:
        async with connect(
            node.nats,
            creds=node.creds,
            inbox_prefix=os.environ.get(INBOX) or "_INBOX",
            name="vardkase-cli",
            timeout_s=_CONNECT_S,
            signer=signer,
        ) as client:
            yield client
    except ConnectFailed as error:
        raise Failed(f"{error}; is the node running?") from None
    except (PublishRefused, ReadRefused) as error:
        if isinstance(error, PublishRefused) and error.reason == "full":
            raise Failed(f"the node has no room now and stored nothing; send it again later: {error}") from None
        raise Failed(f"the node refused: {error}") from None
    except Unconfirmed as error:
        raise Failed(f"not confirmed; it may be stored, and is safe to send again: {error}") from None
    except ConnectionGone as error:
        raise Failed(f"{error}") from None
    except ClientError as error:
        raise Failed(str(error)) from None


async def connection_of(node: Node, name: str = "vardkase-cli") -> "Connection":
    """A connection to the node; the caller closes it.

    Raises:
        Failed: it cannot be reached.
    """
    from vardkase.runtime.jetstream import connection as bus  # noqa: PLC0415 -- heavy, and not for --help

    prefix = os.environ.get(INBOX) or "_INBOX"
    try:
        return await bus.connect(node.nats, name=name, creds=node.creds, inbox_prefix=prefix, within=_CONNECT_S)
    except bus.ConnectFailed as error:
        raise Failed(f"{error}; is the node running?") from None


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end. Ctrl-C ends it."""
    # What the libraries log is for services; a command says itself what went wrong.
    logging.getLogger().addHandler(logging.NullHandler())
    return asyncio.run(work)


async def together(*work: Coroutine[Any, Any, None]) -> None:
    """Run several at once until the first of them ends; the others are cancelled. Its error is raised as it is."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()


def print_json(document: str) -> None:
    """One line for a machine, out at once."""
    sys.stdout.write(f"{document}\n")
    sys.stdout.flush()
