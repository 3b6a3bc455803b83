"""Which node is examined, and how it is reached: by options, the environment, or what it leaves in its directory."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import SecretStr

from vardkase.runtime.datadir import MARK, RUNNING, STARTED
from vardkase.runtime.errors import Refused
from vardkase.runtime.settings import Settings
from vardkase_contracts.areas import Area

_LARGEST: Final = 65_536


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A node, as far as is known before it is asked."""

    settings: Settings | None
    """None: they are wrong."""
    data_dir: Path | None = None
    """None: its data are elsewhere."""
    area: Area | None = None
    """None: not known before its streams are seen."""
    node: str | None = None
    """Its name, and JetStream domain."""
    nats: SecretStr | None = None
    """Where its account is reached. None: it runs none, or tells of none."""
    creds: str | None = None
    public: SecretStr | None = None
    """Where everyone reads what is public."""
    projector: SecretStr | None = None
    """Where the public account is written."""
    watch: SecretStr | None = None
    """Where the server's own account is reached: only of a NATS that the node runs itself."""
    http: str | None = None
    database: SecretStr | None = None
    """None: it has no archive, or tells of none."""
    given: bool = False
    """NATS was named by an option or in the environment."""


def find(
    settings: Settings | None,
    environment: Mapping[str, str],
    *,
    nats: str | None,
    creds: str | None,
    data_dir: Path | None,
    http: str | None,
) -> Target:
    """The node to examine.

    Args:
        settings: of the environment and the file; None when they are wrong.
        environment: of the process.
        nats: `--nats`.
        creds: `--creds`.
        data_dir: `--data-dir`.
        http: `--http`.

    Raises:
        Refused: several nodes run here, and none was named.
    """
    set_ = None if settings is None or settings.nats_url is None else settings.nats_url.get_secret_value()
    url = nats or environment.get("VARDKASE_NATS_URL") or set_
    given_dir = data_dir or (Path(text) if (text := environment.get("VARDKASE_DATA_DIR")) else None)
    directory = given_dir.absolute() if given_dir is not None else None if url else _here(settings)
    told = _told(directory)
    area = _area(told, settings, environment)
    if url is not None:
        database = None if settings is None else settings.database_url
        return Target(
            settings=settings,
            data_dir=directory,
            area=area,
            nats=SecretStr(url),
            creds=creds or environment.get("VARDKASE_NATS_CREDS") or None,
            projector=None if settings is None else settings.nats_public_url,
            http=http or told.get("ops") or told.get("http"),
            database=database or _secret(told.get("database")),
            given=True,
        )
    server = told.get("nats")
    passwords = told.get("passwords", {})
    return Target(
        settings=settings,
        data_dir=directory,
        area=area,
        node=told.get("node"),
        nats=_secret(server),
        creds=creds or told.get("nats_creds"),
        public=_secret(told.get("nats_public") or _as(server, "public", "public")),
        projector=_secret(_as(server, "projector", passwords.get("projector"))),
        watch=_secret(_as(server, "watch", passwords.get("watch"))),
        http=http or told.get("ops") or told.get("http"),
        database=_secret(told.get("database")) or (None if settings is None else settings.database_url),
    )


def _here(settings: Settings | None) -> Path | None:
    """The data directory of the node that runs here; else of the only one that ever did; else where one would be.

    Raises:
        Refused: there are several.
    """
    root = user_data_path("vardkase", appauthor=False)
    found = [folder for folder in sorted(root.iterdir()) if (folder / MARK).is_file()] if root.is_dir() else []
    running = [folder for folder in found if (folder / STARTED).is_file() or (folder / RUNNING).is_file()]
    among = running or found
    if len(among) > 1:
        raise Refused(f"several nodes are here: choose one with --data-dir: {', '.join(map(str, among))}")
    return among[0] if among else None if settings is None else settings.data_dir


def _told(directory: Path | None) -> dict[str, Any]:
    """What a node leaves in its data directory: how it is reached, whose it is, its passwords."""
    if directory is None:
        return {}
    told = {**_read(directory / MARK), **_read(directory / STARTED), **_read(directory / RUNNING)}
    told["passwords"] = _read(directory / "nats" / "passwords.json")
    if not told.get("nats"):
        told["nats"] = _from_ports(directory / "nats")
    return told


def _from_ports(directory: Path) -> str | None:
    """Where a NATS that is up listens, though its node was never ready: nats-server writes it down."""
    for path in directory.glob("*.ports") if directory.is_dir() else ():
        urls = _read(path).get("nats")
        if isinstance(urls, list) and urls:
            return str(urls[0])
    return None


def _read(path: Path) -> dict[str, Any]:
    """The document in a file; empty when there is none that can be read (the checks of the directory say so)."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_LARGEST))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _area(told: Mapping[str, Any], settings: Settings | None, environment: Mapping[str, str]) -> Area | None:
    code = told.get("area") or environment.get("VARDKASE_AREA")
    if code is None and settings is not None and "area" in settings.model_fields_set:
        code = settings.area
    try:
        return None if code is None else Area.parse(str(code))
    except ValueError:
        return None


def _as(server: str | None, user: str, password: str | None) -> str | None:
    if not server or not password:
        return None
    return urlsplit(server)._replace(netloc=f"{user}:{password}@{urlsplit(server).netloc.rpartition('@')[2]}").geturl()


def _secret(text: str | None) -> SecretStr | None:
    return SecretStr(text) if text else None
