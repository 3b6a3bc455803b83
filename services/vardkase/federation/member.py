"""A node as a member of a federation: which one it is, its secrets, and what its NATS server has for its links."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from vardkase.federation import keys, wiring
from vardkase.federation.folder import CA, CERTIFICATE, CERTIFICATE_KEY, LINK, SECRETS
from vardkase.federation.plan import Node, Plan
from vardkase.federation.watched import PlanFile
from vardkase.runtime.errors import Failed, Refused
from vardkase.runtime.nats_config import Links
from vardkase.runtime.settings import Settings
from vardkase_contracts.areas import Area

_ANYWHERE: Final = "0.0.0.0"  # noqa: S104 -- children dial it from elsewhere; TLS on both sides, and a key each
_HANDSHAKE: Final = 5
"""Seconds that TLS may take: a small computer on a slow link."""

log: Final = logging.getLogger(__name__)


class Member:
    """This node in its federation.

    Args:
        settings: `federation`, `keys`, `area`, `node`, `nats_replicas`, `links.listen`.

    Raises:
        Refused: the file describes no federation, or has no node of this area, or calls it otherwise.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.federation is None:
            raise ValueError("the node is in no federation")
        self._file = PlanFile(settings.federation)
        self._area = Area.parse(settings.area)
        self._listen = settings.links.listen
        self.replicas = settings.nats_replicas
        """How many servers keep each of its streams."""
        found = self._file.plan.of_area(self._area)
        if found is None:
            raise Refused(f"{settings.federation}: there is no node of {self._area.code} (VARDKASE_AREA)")
        if found != settings.node:
            raise Refused(f"VARDKASE_NODE: expected {found}, as the federation calls the node of {self._area.code}")
        self.name = found
        self._secrets = settings.keys or settings.federation.parent / SECRETS / found
        self._given = self._mark()

    @property
    def plan(self) -> Plan:
        """The federation, as the file could last be read."""
        return self._file.plan

    @property
    def node(self) -> Node:
        """This node."""
        return self.plan.nodes[self.name]

    @property
    def trouble(self) -> str:
        """Why the file as it is now cannot be read; empty when it can."""
        return self._file.trouble

    def changed(self) -> bool:
        """Look at the file, the link's key and the certificates: whether any is another than when this was asked last.

        A file that no longer has this node is taken for a mistake, and told: the node goes on as it was.
        """
        before = self._file.plan
        changed = self._file.changed()
        if changed and self._file.plan.of_area(self._area) != self.name:
            self._file.plan = before
            self._file.trouble = f"the file no longer has {self.name}; the node goes on as it was"
            log.error(self._file.trouble)
            changed = False
        before_that, self._given = self._given, self._mark()
        return changed or before_that != self._given

    def closed(self) -> Links:
        """What the server starts with: nobody is let in, and nobody dialled, before what came last is looked at."""
        return Links(leafnodes=self._listening())

    def open(self) -> Links:
        """What the server has when its streams are ready for the links.

        Raises:
            Failed: a secret is missing, or others can read it.
        """
        leafnodes = self._listening()
        node = self.node
        if node.parent is not None:
            url = self.plan.nodes[node.parent].leaf or ""
            tls = self._tls() if _is_secure(url) else None
            remote = wiring.remote(self.plan, self.name, seed=self._link_key(), tls=tls)
            leafnodes |= {"reconnect": "1s", "remotes": [remote]}
        plan, name = self.plan, self.name
        return Links(users=wiring.users(plan, name), reporters=wiring.reporters(plan, name), leafnodes=leafnodes)

    def parent_port(self) -> tuple[str, int] | None:
        """Host and port where the parent is dialled; None: there is no parent."""
        node = self.node
        url = None if node.parent is None else self.plan.nodes[node.parent].leaf
        parts = urlsplit(url or "")
        return (parts.hostname, parts.port) if parts.hostname and parts.port else None

    def _listening(self) -> dict[str, Any]:
        leaf = self.node.leaf
        if leaf is None:
            return {}
        parts = urlsplit(leaf)
        host = _ANYWHERE if _is_secure(leaf) else parts.hostname
        made: dict[str, Any] = {
            "listen": self._listen or f"{host}:{parts.port}",
            # A child neither hears of its neighbours' interest, nor learns another address than the one it was given.
            "isolate_leafnode_interest": True,
            "no_advertise": True,
        }
        return made | ({"tls": self._tls() | {"verify": True}} if _is_secure(leaf) else {})

    def _tls(self) -> dict[str, Any]:
        """The node's certificate, which it shows at both ends, and the authority that it knows others by."""
        where = self._secrets
        keys.read_secret(where / CERTIFICATE_KEY)  # refused if others can read it
        for name in (CA, CERTIFICATE):
            if not (where / name).is_file():
                raise Failed(f"{where / name}: is not there (VARDKASE_KEYS names the folder)")
        names: Mapping[str, str] = {"ca_file": CA, "cert_file": CERTIFICATE, "key_file": CERTIFICATE_KEY}
        return {key: str(where / name) for key, name in names.items()} | {"timeout": _HANDSHAKE}

    def _link_key(self) -> str:
        path = self._secrets / LINK
        seed = keys.read_secret(path)
        try:
            public = keys.user_of(seed).public
        except ValueError as error:
            raise Failed(f"{path}: {error}") from None
        if public not in self.node.link:
            log.warning("the key of the link is not in the federation's file: the parent will not let this node in")
        return seed

    def _mark(self) -> tuple[tuple[int, int] | None, ...]:
        return tuple(_mark(self._secrets / name) for name in (LINK, CERTIFICATE, CA))


def _mark(path: Path) -> tuple[int, int] | None:
    """What tells one content of a file from another; None: it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def _is_secure(url: str) -> bool:
    return urlsplit(url).scheme == "tls"
