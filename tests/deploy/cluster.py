"""A cluster of three NATS servers on loopback, as `vardkase federation cluster` configures it."""

import contextlib
import os
import random
import subprocess
import time
from pathlib import Path
from urllib.request import urlopen

from servers import BINARY
from vardkase.federation.office import Office
from vardkase.federation.plan import Plan
from vardkase.runtime.settings import PREFIX
from vardkase_contracts.areas import Area

COUNT = 3
READY = 30.0
"""Seconds that the servers may take to find each other."""


class Cluster:
    """Three servers, each on an address of its own.

    Args:
        directory: for the federation's file, the secrets, and what the servers store.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        net = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}"
        self.hosts = [f"{net}.{number}" for number in range(1, COUNT + 1)]
        self.office = Office(directory / "federation.toml")
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def where(self) -> Path:
        """What the servers and the node are given."""
        return self.office.secrets("SE") / "cluster"

    @property
    def leaf(self) -> str:
        """Where children dial the first of them."""
        return f"tls://{self.hosts[0]}:7422"

    def plan(self) -> Plan:
        """The federation."""
        return self.office.read()

    def begin(self) -> None:
        """A federation of the nation, and the servers' configurations by the program's own command."""
        self.office.init(Area.parse("SE"), name="Sverige", leaf=self.leaf)
        self.configure()

    def configure(self) -> None:
        """The configurations, again."""
        servers = [word for host in self.hosts for word in ("--server", host)]
        at = ["--at", str(self.where), "--store", str(self.directory / "store")]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        command = [
            "vardkase",
            "federation",
            "cluster",
            "SE",
            *servers,
            *at,
            "--file",
            str(self.directory / "federation.toml"),
        ]
        subprocess.run(command, check=True, env=clean, timeout=60, stdin=subprocess.DEVNULL, capture_output=True)
        for host in self.hosts:  # on one computer: each on its own address, in its own folder
            path = self.where / f"{host}.conf"
            text = path.read_text().replace('"0.0.0.0:', f'"{host}:').replace('"127.0.0.1:8222"', f'"{host}:8222"')
            path.write_text(text.replace(str(self.directory / "store"), str(self.directory / f"store-{host}")))

    def start(self, *hosts: str) -> None:
        """Start servers, all unless named, and wait until each says that it is well."""
        for host in hosts or self.hosts:
            log = self.directory / f"{host}.log"
            self._running[host] = subprocess.Popen(
                [BINARY, "-c", self.where / f"{host}.conf", "-l", log], stdin=subprocess.DEVNULL
            )
        deadline = time.monotonic() + READY
        while not all(self.well(host) for host in hosts or self.hosts):
            assert time.monotonic() < deadline, "the servers do not become a cluster"
            time.sleep(0.05)

    def well(self, host: str) -> bool:
        """Whether a server says that it is, with all its streams."""
        with contextlib.suppress(OSError), urlopen(f"http://{host}:8222/healthz", timeout=2) as answer:
            return answer.status == 200
        return False

    def kill(self, host: str) -> None:
        """SIGKILL."""
        process = self._running.pop(host)
        process.kill()
        process.wait()

    def close(self) -> None:
        """End them all."""
        for host in list(self._running):
            self.kill(host)
