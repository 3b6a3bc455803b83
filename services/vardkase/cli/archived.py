"""Which archive a command reads, and by whose keys and rules: what several commands share."""

import os
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import SecretStr

from vardkase.aggregator.rules_file import load_rules
from vardkase.cli.node import find_node
from vardkase.domain.rules import Rules
from vardkase.federation.plan import load
from vardkase.federation.signatures import Keyring
from vardkase.runtime.errors import Refused

URL: Final = "VARDKASE_DATABASE_URL"
RULES: Final = "VARDKASE_RULES_FILE"
FEDERATION: Final = "VARDKASE_FEDERATION"

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="URL", help=f"The archive. [default: {URL}, else that of the node that runs here]"
    ),
]


def database(given: str | None) -> SecretStr:
    """The archive that was named, else the one in the environment, else that of the node that runs here.

    Raises:
        Refused: there is none.
    """
    url = given or os.environ.get(URL) or find_node(None).database
    if url is None:
        raise Refused(f"the node that runs here tells of no archive: give --database URL, or set {URL}")
    return SecretStr(url)


def keyring() -> Keyring | None:
    """The keys that reports must be signed by, of the federation that is set; None: nobody asks."""
    given = os.environ.get(FEDERATION)
    return Keyring(load(Path(given))) if given else None


def fallback() -> Rules:
    """The table of rules for an archive that knows none: the one that is set, else the built-in one."""
    given = os.environ.get(RULES)
    return load_rules(None if not given else Path(given))
