"""The federation as data: which nodes there are, whose child each is, where it is reached, by which keys it is known.

One file, the same at every node; nothing in it is secret. From it follow server configurations, permissions, streams,
sources and consumers (`wiring`), so nothing about a link is ever written by hand twice.
"""

import ipaddress
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from vardkase.federation import keys
from vardkase.runtime.errors import Refused
from vardkase_contracts.areas import KOMMUNER, Area

VERSION: Final = 1
"""The version of the file's form."""
LARGEST: Final = 4 << 20
"""Largest file in bytes: 290 kommuner with keys take some 150 KB."""
_LINKS: Final = 4
"""Most keys of one link or one reporter: two while one is exchanged, and room for a mistake."""
_SIGNERS: Final = 64
"""Most signing keys of a kommun, those whose time is over with them: its old reports are still verified."""

NodeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}$")]
"""A node's name: its JetStream domain too, so no dots."""
Policy = Literal["required", "accepted", "off"]
"""What of signatures. `required`: unsigned is refused. `accepted`: one that is there must be right."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Node(_Part):
    """A node of the federation."""

    area: str
    """The code of the area whose picture it makes."""
    parent: NodeName | None = None
    """The node that it dials; None: the topmost."""
    leaf: str | None = None
    """Where its children dial it: `tls://name:7422`. None: it has none."""
    link: Annotated[tuple[str, ...], Field(max_length=_LINKS)] = ()
    """The public nkeys that its link to its parent is known by; two while one is exchanged."""

    @field_validator("area")
    @classmethod
    def _known(cls, code: str) -> str:
        return Area.parse(code).code

    @field_validator("leaf")
    @classmethod
    def _reachable(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in {"tls", "nats-leaf"} or not parts.hostname or not parts.port or parts.path.strip("/"):
            raise ValueError("expected tls://<name>:<port> (nats-leaf:// without TLS, on one computer alone)")
        if parts.username or parts.password:
            raise ValueError("no password belongs in it")
        if parts.scheme == "nats-leaf" and not _is_loopback(parts.hostname):
            raise ValueError("expected tls://: without TLS a link stays on one computer")
        return url

    @field_validator("link")
    @classmethod
    def _are_users(cls, found: tuple[str, ...]) -> tuple[str, ...]:
        for key in found:
            keys.check_user(key)
        return found

    @property
    def where(self) -> Area:
        """The area."""
        return Area.parse(self.area)


def _aware(when: datetime | None) -> datetime | None:
    if when is not None and when.tzinfo is None:
        raise ValueError("a time has an offset: 2026-11-22T12:00:00Z")
    return when


class SigningKey(_Part):
    """A key that a kommun's reports are signed with."""

    key: str
    """Ed25519, public, base64."""
    since: datetime | None = None
    """Reports received before it are not signed with it."""
    until: datetime | None = None
    """Nor those received from then on; None: it holds still."""

    @field_validator("key")
    @classmethod
    def _is_one(cls, key: str) -> str:
        keys.check_signer(key)
        return key

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for when in (self.since, self.until):
            _aware(when)
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise ValueError("until: expected a time after since")
        return self


class Signer(_Part):
    """How a kommun's reports are signed."""

    policy: Policy | None = None
    """What of signatures; None: as the file says for all."""
    since: datetime | None = None
    """When `required` began, if that is its policy: what was received before is `accepted`. None: as the file says for
    all, if it is required of all; else from ever."""
    keys: Annotated[tuple[SigningKey, ...], Field(max_length=_SIGNERS)] = ()

    @field_validator("since")
    @classmethod
    def _is_aware(cls, when: datetime | None) -> datetime | None:
        return _aware(when)


class Reporter(_Part):
    """A kommun without a node of its own: it publishes straight at another's."""

    node: NodeName
    """Where it publishes."""
    keys: Annotated[tuple[str, ...], Field(max_length=_LINKS)]
    """Its public nkeys there."""

    @field_validator("keys")
    @classmethod
    def _are_users(cls, found: tuple[str, ...]) -> tuple[str, ...]:
        for key in found:
            keys.check_user(key)
        return found


class Plan(_Part):
    """The whole federation."""

    version: Literal[1] = VERSION
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)] = "Vårdkase"
    """For people."""
    signatures: Policy = "accepted"
    """What of signatures, where a kommun has no policy of its own."""
    signatures_since: datetime | None = None
    """When `required` began, if that is it: what was received before is `accepted`. None: from ever. Without it, what
    was merged unsigned before is thrown out of every node's states when the policy is made `required`."""
    nodes: dict[NodeName, Node]
    reporters: dict[str, Reporter] = {}
    """Kommuner without a node, by code."""
    signers: dict[str, Signer] = {}
    """How kommuner sign, by code."""

    @field_validator("signatures_since")
    @classmethod
    def _is_aware(cls, when: datetime | None) -> datetime | None:
        return _aware(when)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        areas: dict[str, str] = {}
        used: dict[str, str] = {}
        for name, node in self.nodes.items():
            if (other := areas.setdefault(node.area, name)) != name:
                yield f"nodes.{name}.area: {node.area} is the area of {other}"
            yield from self._problems_above(name, node)
            yield from _twins(used, name, node.link, f"nodes.{name}.link")
        roots = [name for name, node in self.nodes.items() if node.parent is None]
        if len(roots) != 1:
            yield f"nodes: expected one without a parent; got {', '.join(sorted(roots)) or 'none'}"
        for code, reporter in self.reporters.items():
            yield from self._problems_of_reporter(code, reporter, areas)
            yield from _twins(used, code, reporter.keys, f"reporters.{code}.keys")
        for code in self.signers:
            yield from _unknown(code, "signers")

    def _problems_of_reporter(self, code: str, reporter: Reporter, areas: Mapping[str, str]) -> Iterator[str]:
        yield from _unknown(code, "reporters")
        if (node := self.nodes.get(reporter.node)) is None:
            yield f"reporters.{code}.node: there is no node {reporter.node}"
        elif code not in node.where.kommuner():
            yield f"reporters.{code}.node: {code} does not lie in the area of {reporter.node}"
        elif code in areas:
            yield f"reporters.{code}: it has a node of its own, {areas[code]}"

    def _problems_above(self, name: str, node: Node) -> Iterator[str]:
        if node.parent is None:
            return
        above = self.nodes.get(node.parent)
        if above is None:
            yield f"nodes.{name}.parent: there is no node {node.parent}"
            return
        mine, theirs = set(node.where.kommuner()), set(above.where.kommuner())
        # Each step up is to a larger area: so there is no circle either.
        if not mine < theirs and not (mine == theirs and _HEIGHT[node.where.level] < _HEIGHT[above.where.level]):
            yield f"nodes.{name}.parent: {node.area} does not lie in {above.area}, the area of {node.parent}"
        if above.leaf is None:
            yield f"nodes.{node.parent}.leaf: expected where {name} dials it"

    def of_area(self, area: Area) -> str | None:
        """The name of the node of an area; None: there is none."""
        return next((name for name, node in self.nodes.items() if node.area == area.code), None)

    def children(self, name: str) -> Mapping[str, Node]:
        """The nodes that dial this one, by name, in order."""
        return {child: node for child, node in sorted(self.nodes.items()) if node.parent == name}

    def below(self, area: Area) -> frozenset[Area]:
        """The areas of all other nodes that lie in an area."""
        inside, others = set(area.kommuner()), {node.where for node in self.nodes.values()} - {area}
        return frozenset(each for each in others if inside.issuperset(each.kommuner()))

    def policy(self, kommun: str) -> Policy:
        """What of signatures on a kommun's reports."""
        signer = self.signers.get(kommun)
        return self.signatures if signer is None or signer.policy is None else signer.policy

    def required_since(self, kommun: str) -> datetime | None:
        """When signatures began to be required of a kommun, if they are; None: from ever."""
        signer = self.signers.get(kommun)
        if signer is not None and signer.since is not None:
            return signer.since
        return self.signatures_since if self.signatures == "required" else None


_HEIGHT: Final = {"kommun": 0, "lan": 1, "civo": 2, "nation": 3}


def _unknown(code: str, where: str) -> Iterator[str]:
    if code not in KOMMUNER:
        yield f"{where}.{code}: there is no kommun with this code"


def _twins(used: dict[str, str], name: str, found: Iterable[str], where: str) -> Iterator[str]:
    """A key that two have could not be taken from one alone."""
    for key in found:
        if (other := used.setdefault(key, name)) != name:
            yield f"{where}: {other} has the same key"


def parse(document: Mapping[str, Any], *, told: str) -> Plan:
    """The federation that a document describes.

    Args:
        document: as the file's TOML holds it.
        told: what the file is called in errors.

    Raises:
        Refused: it is none: one line that names the field.
    """
    try:
        return Plan.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ").replace("Input should be", "expected", 1)
        raise Refused(f"{told}: {field}: {said}" if field else f"{told}: {said}") from None


def load(path: Path) -> Plan:
    """The federation that a file describes.

    Raises:
        Refused: it cannot be read, or describes none: one line that names the field.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise Refused(f"{path}: larger than {LARGEST >> 20} MiB")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise Refused(f"{path}: expected TOML: {' '.join(str(error).split())}") from None
    return _read(text, str(path))


@lru_cache(maxsize=2)
def _read(text: str, told: str) -> Plan:
    """The same text is the same federation: several nodes of one process, as in a rehearsal, have one in memory."""
    try:
        return parse(tomllib.loads(text), told=told)
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{told}: expected TOML: {' '.join(str(error).split())}") from None
