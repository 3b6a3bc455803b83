"""A cluster of NATS servers for a node: one configuration each, made from the federation's file.

A node's own server stands and falls with its computer. The topmost node, which nobody can stand in for, may have
several servers instead (`VARDKASE_NATS_URL`, `VARDKASE_NATS_REPLICAS`), each with a copy of every stream. Accounts,
users and permissions are those of a node's own server; besides, clients and servers reach each other over TLS.

    secrets/<node>/cluster/<server>.conf    of each server: holds passwords
    secrets/<node>/cluster/ca.crt, tls.crt, tls.key
    secrets/<node>/cluster/passwords.json   made once
    secrets/<node>/cluster/node.toml        the node's own settings (`VARDKASE_CONFIG`): holds passwords
"""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509

from vardkase.federation import certs, keys, wiring
from vardkase.federation.folder import AUTHORITY, CA, CERTIFICATE, CERTIFICATE_KEY
from vardkase.federation.office import Made, Office
from vardkase.federation.plan import Plan
from vardkase.runtime.errors import Failed, Refused
from vardkase.runtime.nats_config import COMMON, NO_LIMIT, accounts

FOLDER: Final = "cluster"
"""Of a node's secrets, what its servers are given."""
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")
_USERS: Final = ("node", "projector", "watch", "route")
_CLIENTS: Final = 4222
_ROUTES: Final = 6222
_HEALTH: Final = 8222
_HANDSHAKE: Final = 5
"""Seconds that TLS may take."""
_COPIED: Final = 3
"""Servers from which each stream has this many copies."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where things lie at a server."""

    config: str = "/etc/nats"
    """The folder with its configuration and the certificate."""
    store: str = "/data"
    """The folder of its streams."""


def configurations(
    plan: Plan, node: str, hosts: Sequence[str], passwords: Mapping[str, str], place: Place
) -> dict[str, dict[str, Any]]:
    """The configuration of each server, by its host; JSON is a subset of what nats-server reads.

    Args:
        plan: the federation.
        node: whose servers they are.
        hosts: of the servers: their names too.
        passwords: of `node`, `projector`, `watch` and `route`.
        place: where things lie at each of them.
    """
    tls = {
        "ca_file": f"{place.config}/{CA}",
        "cert_file": f"{place.config}/{CERTIFICATE}",
        "key_file": f"{place.config}/{CERTIFICATE_KEY}",
        "timeout": _HANDSHAKE,
    }
    shared: dict[str, Any] = {
        **COMMON,
        "listen": f"0.0.0.0:{_CLIENTS}",
        "http": f"127.0.0.1:{_HEALTH}",
        "tls": tls,
        "jetstream": {
            "store_dir": place.store,
            "domain": node,
            # What was acknowledged is with two servers of three, and a second later on disk: a power cut of all of them
            # at once takes at most that second. `always` costs a cluster most of its rate.
            "sync_interval": "1s",
            "max_file_store": NO_LIMIT,
        },
        "accounts": accounts(passwords, wiring.users(plan, node), wiring.reporters(plan, node)),
    }
    if (leaf := plan.nodes[node].leaf) is not None:
        shared["leafnodes"] = {
            "listen": f"0.0.0.0:{urlsplit(leaf).port}",
            "isolate_leafnode_interest": True,
            "no_advertise": True,
            "tls": tls | {"verify": True},
        }

    def cluster(own: str) -> dict[str, Any]:
        return {
            "name": node,
            "listen": f"0.0.0.0:{_ROUTES}",
            # A client goes by the names that it was given: those are what the certificate has.
            "no_advertise": True,
            # The authority is the whole federation's: a certificate alone must not make a server of anybody.
            "authorization": {"user": "route", "password": passwords["route"], "timeout": _HANDSHAKE},
            "tls": tls | {"verify": True},
            "routes": [f"nats://route:{passwords['route']}@{host}:{_ROUTES}" for host in hosts if host != own],
        }

    return {host: {"server_name": host, **shared, "cluster": cluster(host)} for host in hosts}


def write(office: Office, node: str, hosts: Sequence[str], place: Place, now: datetime) -> Made:
    """Write what the servers and the node are given. Again, when the federation's file or the servers have changed.

    Args:
        office: of the federation.
        node: the name of the node.
        hosts: of its servers.
        place: where things lie at each of them.
        now: aware.

    Raises:
        Refused: there is no such node, or the hosts are none.
        Failed: a file cannot be read or written, or the certificate that is there does not name a host.
    """
    plan = office.read()
    if node not in plan.nodes:
        raise Refused(f"there is no node called {node}")
    if plan.nodes[node].parent is not None:
        raise Refused(f"{node} has a parent: only the topmost node can have a cluster")
    if len(set(hosts)) != len(hosts) or len(hosts) % 2 == 0 or not all(_HOST.fullmatch(each) for each in hosts):
        raise Refused("--server: expected the host names of an odd number of servers, each once")
    where = office.secrets(node) / FOLDER
    passwords = _passwords(where / "passwords.json")
    leaf = plan.nodes[node].leaf
    named = [*hosts, *([] if leaf is None else [urlsplit(leaf).hostname or ""])]
    _certify(office.secrets(AUTHORITY), where, node, named, now)
    for host, config in configurations(plan, node, hosts, passwords, place).items():
        _replace(where / f"{host}.conf", json.dumps(config, indent=2))
    _replace(where / "node.toml", _settings(hosts, passwords))
    copies = _COPIED if len(hosts) >= _COPIED else 1
    lines = (
        f"{node}: {len(hosts)} servrar, {copies} kopior av varje ström; vad var och en ska ha ligger i {where}",
        f"noden: VARDKASE_CONFIG={where / 'node.toml'}, SSL_CERT_FILE={where / CA}",
    )
    return Made(lines=lines)


def _settings(hosts: Sequence[str], passwords: Mapping[str, str]) -> str:
    def urls(user: str) -> str:
        return ",".join(f"tls://{user}:{passwords[user]}@{host}:{_CLIENTS}" for host in hosts)

    copies = _COPIED if len(hosts) >= _COPIED else 1
    return f"""\
# Made with the servers' configurations. Holds passwords.
nats_url = "{urls("node")}"
nats_public_url = "{urls("projector")}"
nats_replicas = {copies}
"""


def _passwords(path: Path) -> dict[str, str]:
    if not path.exists():
        made = {user: secrets.token_urlsafe(24) for user in _USERS}
        keys.write_secret(path, json.dumps(made))
        return made
    try:
        kept = json.loads(keys.read_secret(path))
        return {user: str(kept[user]) for user in _USERS}
    except (ValueError, LookupError, TypeError):
        raise Failed(f"{path}: cannot be read: delete it, and new passwords are made") from None


def _certify(above: Path, where: Path, node: str, hosts: Sequence[str], now: datetime) -> None:
    """A certificate that names all servers, unless one is there: the operator's own, or that of the last time."""
    path = where / CERTIFICATE
    if path.exists():
        missing = set(hosts) - _named(certs.parsed(path.read_text(encoding="utf-8")))
        if missing:
            told = ", ".join(sorted(missing))
            raise Failed(f"{path}: does not name {told}: take it and {CERTIFICATE_KEY} away, or give another")
        return
    ca = certs.Certificate(cert=keys.read_secret(above / CA), key=keys.read_secret(above / "ca.key"))
    made = certs.issue(ca, node, list(dict.fromkeys(hosts)), now)
    keys.write_secret(where / CERTIFICATE_KEY, made.key)
    keys.write_secret(path, made.cert)
    _replace(where / CA, ca.cert)


def _named(certificate: x509.Certificate) -> set[str]:
    """The names and addresses that a certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))}


def _replace(path: Path, text: str) -> None:
    """Write a secret in place of an older one, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    keys.write_secret(fresh, text)
    fresh.replace(path)
