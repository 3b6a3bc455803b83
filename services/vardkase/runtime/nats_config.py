"""The configuration of a node's own NATS server, as data.

Five accounts. `TP` has everything and is for this computer alone: whoever connects over loopback without a name is in
it. `PUBLIC` has what everyone may see; its writer has a password that stays in the data directory. `SYS` is the
server's own: from it the node asks whether the server can store, and tells it to read its configuration again.

Who is not trusted has an account without streams, and what he may ask is passed on from there: no permission says where
an answer goes, and in an account with streams it could be stored in the place of anything. `READERS` read what is
public, with a name and password of everybody's (`public`). `REPORTERS` are kommuner without a node: they send reports.

`sync_interval: always`: what is acknowledged is on disk. The server's own default is two minutes, and a power cut is
what this is made for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from vardkase_contracts.streams import PUBLIC

HOST: Final = "127.0.0.1"
"""Where clients connect: this computer alone."""
LONGEST: Final = 2 << 20
"""The longest message, in bytes: the state of a point of which all is said that can be said takes 1.2 MB."""
LOG_BYTES: Final = 10 << 20
"""The server begins another log file at this size."""
NO_LIMIT: Final = 1 << 50
"""Bytes of a server's store. Each stream has its own limit. The server's for all of them, unless it is given, is a
share of what is free when it starts: a store larger than that would take nothing more after a restart."""
COMMON: Final[Mapping[str, Any]] = {
    "max_payload": LONGEST,
    # Otherwise a black hole goes unnoticed for minutes.
    "ping_interval": "5s",
    "ping_max": 2,
    "system_account": "SYS",
}
"""What every server's configuration has."""

#: What an anonymous reader may ask of JetStream: about this one stream, and nothing that changes it.
_READERS_MAY_ASK: Final = (
    "$JS.API.INFO",
    "$JS.API.STREAM.NAMES",
    f"$JS.API.STREAM.INFO.{PUBLIC}",
    f"$JS.API.STREAM.MSG.GET.{PUBLIC}",
    f"$JS.API.DIRECT.GET.{PUBLIC}",
    f"$JS.API.DIRECT.GET.{PUBLIC}.>",
    f"$JS.API.CONSUMER.CREATE.{PUBLIC}",
    f"$JS.API.CONSUMER.CREATE.{PUBLIC}.>",
    f"$JS.API.CONSUMER.INFO.{PUBLIC}.*",
    f"$JS.API.CONSUMER.DELETE.{PUBLIC}.*",
    f"$JS.API.CONSUMER.MSG.NEXT.{PUBLIC}.*",
    f"$JS.ACK.{PUBLIC}.>",
    f"$JS.FC.{PUBLIC}.>",
)
#: What kommuner without a node send.
_REPORTS: Final = "tp.v1.*.report.>"
_READERS_MAY_HEAR: Final = ("_INBOX.>", "tp.v1.act.public.>")
_MANY: Final = ("$JS.API.CONSUMER.MSG.NEXT.", "$JS.API.DIRECT.GET.")
"""What is answered with more than one message."""
#: A link that names nobody would be let in as the node's own user (`no_auth_user` holds for links too), and could do
#: everything.
_CLIENTS: Final = {"allowed_connection_types": ["STANDARD"]}


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """What a server's configuration has for links to other servers; without any it is a server alone."""

    users: Sequence[Mapping[str, Any]] = ()
    """Users of the node's account besides the node's own."""
    reporters: Sequence[Mapping[str, Any]] = ()
    """Users of the reporters' account."""
    leafnodes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The block of that name. Holds secrets."""


def config(
    *, node: str, directory: Path, log: Path, listen: str, passwords: Mapping[str, str], links: Links
) -> dict[str, Any]:
    """The configuration; JSON is a subset of what nats-server reads.

    Args:
        node: the node's name, also its JetStream domain.
        directory: the server's own.
        log: the file that it logs to.
        listen: host and port; -1 is a free one.
        passwords: of `node`, `projector` and `watch`.
        links: to other servers.
    """
    made: dict[str, Any] = {
        **COMMON,
        "server_name": node,
        "listen": listen,
        "ports_file_dir": str(directory),
        "jetstream": {
            "store_dir": str(directory / "store"),
            "domain": node,
            "sync_interval": "always",
            "max_file_store": NO_LIMIT,
        },
        "log_file": str(log),
        "log_size_limit": LOG_BYTES,
        "log_max_num": 3,
        "accounts": accounts(passwords, links.users, links.reporters),
        "no_auth_user": "node",
    }
    return made | ({"leafnodes": dict(links.leafnodes)} if links.leafnodes else {})


def accounts(
    passwords: Mapping[str, str], users: Sequence[Mapping[str, Any]], reporters: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The five accounts.

    Args:
        passwords: of `node`, `projector` and `watch`.
        users: of the node's account besides the node's own.
        reporters: of the reporters' account.
    """
    return {
        "SYS": {"users": [{"user": "watch", "password": passwords["watch"], **_CLIENTS}]},
        "TP": {
            "jetstream": "enabled",
            "users": [{"user": "node", "password": passwords["node"], **_CLIENTS}, *users],
            "exports": [{"service": _REPORTS, "accounts": ["REPORTERS"]}],
        },
        "REPORTERS": {"users": list(reporters), "imports": [{"service": {"account": "TP", "subject": _REPORTS}}]},
        "PUBLIC": {
            "jetstream": "enabled",
            "users": [{"user": "projector", "password": passwords["projector"], **_CLIENTS}],
            "exports": [
                *({"service": each, "accounts": ["READERS"], **_answers(each)} for each in _READERS_MAY_ASK),
                *({"stream": each, "accounts": ["READERS"]} for each in _READERS_MAY_HEAR),
            ],
        },
        "READERS": {
            "users": [
                {
                    "user": "public",
                    "password": "public",
                    "permissions": {
                        "publish": {"allow": list(_READERS_MAY_ASK)},
                        "subscribe": {"allow": list(_READERS_MAY_HEAR)},
                    },
                    **_CLIENTS,
                },
            ],
            "imports": [
                *({"service": {"account": "PUBLIC", "subject": each}} for each in _READERS_MAY_ASK),
                *({"stream": {"account": "PUBLIC", "subject": each}} for each in _READERS_MAY_HEAR),
            ],
        },
    }


def _answers(subject: str) -> dict[str, str]:
    """With how many messages a question is answered."""
    return {"response_type": "stream"} if subject.startswith(_MANY) else {}
