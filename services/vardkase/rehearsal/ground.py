"""The ground of a rehearsal: the federation's file and keys, ports, proxies, and what each node is set to."""

import contextlib
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Final

from vardkase.federation.folder import SIGN
from vardkase.federation.office import Joining, Office
from vardkase.federation.signers import read_signer
from vardkase.rehearsal.cast import NATION, Cast, kommun_node
from vardkase.rehearsal.proxy import HOST, Proxy
from vardkase.runtime import settings as runtime_settings
from vardkase.runtime.clock import DrivenTime
from vardkase.runtime.errors import Failed
from vardkase.runtime.settings import Settings
from vardkase_contracts.signing import Signer

_PATIENT: Final = {"answer": "5s", "stalled": "5s", "stuck": "15s", "redial": "180s"}
"""How long things may take on links: three hundred servers share the processors, and one that is slow is not away.
Who takes it for away dials anew, and makes it slower."""
_TICKS: Final = {"lan": "4s", "kommun": "15s"}
"""How often links are looked at of nodes without services, which one process looks after."""
_TELL: Final = "60s"
"""How often they tell of their links in their own bucket, and count what was not a child's to say."""
_PORTS: Final = range(12_000, 32_000)
"""Below those that the system gives out by itself: such a one could be given to a connection while the server that had
it is dead."""


class Ground:
    """Where a rehearsal takes place.

    Args:
        cast: who takes part.
        directory: an empty one.
        proxied: the hubs that are dialled through a proxy.
    """

    def __init__(self, cast: Cast, directory: Path, proxied: frozenset[str]) -> None:
        self._cast = cast
        self._directory = directory
        ports = _free_ports(len(cast.hubs) + len(cast.areas) + len(cast.whole))
        self._ports = {hub: next(ports) for hub in cast.hubs}
        self._clients = {node: next(ports) for node in cast.areas}
        self._http = {node: next(ports) for node in cast.whole}
        self.proxies = {hub: Proxy(self._ports[hub]) for hub in cast.hubs if hub in proxied}
        """The links that can be cut, by the hub that is dialled."""
        self._office = Office(directory / "federation.toml")

    @property
    def file(self) -> Path:
        """The federation's."""
        return self._directory / "federation.toml"

    async def open_links(self) -> None:
        """Let the proxies listen: what they are dialled by stands in the federation's file."""
        for proxy in self.proxies.values():
            await proxy.start()

    def make_federation(self) -> None:
        """Make its file, keys and certificates. Takes some seconds for all of Sweden.

        Raises:
            Ended: it cannot be made.
        """
        cast, areas = self._cast, self._cast.areas
        self._office.init(areas[NATION], name="Sverige", leaf=self._leaf(NATION))
        self._office.add_all(
            [
                Joining(area=area, parent=parent, leaf=self._leaf(name) if name in cast.hubs else None)
                for name, area in areas.items()
                if (parent := cast.parent(name)) is not None
            ]
        )

    def signer(self, kommun: str) -> Signer:
        """The key that a kommun's reports are signed with."""
        return read_signer(self._office.secrets(kommun_node(kommun)) / SIGN)

    def settings(self, node: str) -> Settings:
        """Of a node without services."""
        area = self._cast.areas[node]
        listen = {"listen": self._listen(node)} if node in self._ports else {}
        return runtime_settings.load(
            area=area.code,
            node=node,
            data_dir=self.directory(node),
            nats_port=self._clients[node],
            federation=self.file,
            keys=self._office.secrets(node),
            links={**_PATIENT, "tick": _TICKS[area.level], "tell": _TELL, "count": _TELL, **listen},
        )

    def variables(self, node: str, clock: DrivenTime) -> Mapping[str, str]:
        """The settings of a whole node, by the variable's name without its prefix."""
        return {
            "AREA": self._cast.areas[node].code,
            "NODE": node,
            "NATS_PORT": str(self._clients[node]),
            "HTTP_PORT": str(self._http[node]),
            "DATA_DIR": str(self.directory(node) / "data"),
            "FEDERATION": str(self.file),
            "LINKS_LISTEN": self._listen(node),
            "GATEWAY": "false",
            "ARCHIVE": "false",
            "LOG_FORMAT": "json",
            **{f"LINKS_{name.upper()}": value for name, value in _PATIENT.items()},
            **{name.upper(): value for name, value in clock.settings().items()},
        }

    def directory(self, node: str) -> Path:
        """Of a node."""
        return self._directory / "nodes" / node

    async def close(self) -> None:
        """End the proxies."""
        for proxy in self.proxies.values():
            await proxy.stop()

    def _listen(self, hub: str) -> str:
        return f"{HOST}:{self._ports[hub]}"

    def _leaf(self, hub: str) -> str:
        proxy = self.proxies.get(hub)
        return f"tls://{HOST}:{self._ports[hub] if proxy is None else proxy.port}"


def _free_ports(count: int) -> Iterator[int]:
    """TCP ports on loopback that are free, all different.

    Raises:
        Failed: there are not so many.
    """
    found: list[int] = []
    for port in Random().sample(_PORTS, len(_PORTS)):  # noqa: S311 -- no secret: two rehearsals at once seldom meet
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind((HOST, port))
            found.append(port)
        if len(found) == count:
            return iter(found)
    raise Failed(f"there are no {count} free ports from {_PORTS[0]} to {_PORTS[-1]}")
