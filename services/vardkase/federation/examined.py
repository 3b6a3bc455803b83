"""Whether a federation's file and the secrets beside it fit together: what is wrong, before a node is started."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from cryptography import x509

from vardkase.federation import certs, keys
from vardkase.federation.folder import CA, CERTIFICATE, CERTIFICATE_KEY, LINK
from vardkase.federation.office import Office
from vardkase.federation.plan import Node, Plan
from vardkase.runtime.errors import Failed

_SOON: Final = timedelta(days=30)
_STAMP: Final = "%Y-%m-%d"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Something that is not as it should be."""

    status: Literal["warning", "error"]
    about: str
    """The node, or the kommun."""
    seen: str
    """For people, in Swedish."""


def examine(office: Office, *, node: str | None, now: datetime) -> Iterator[Fault]:
    """What is wrong with a federation, as far as its file and the secrets that are here tell.

    Args:
        office: the file and its secrets.
        node: look at the secrets of this one; None: of each whose folder is here.
        now: aware.

    Raises:
        Refused: the file is none.
    """
    plan = office.read()
    for name, each in plan.nodes.items():
        if each.parent is not None and not each.link:
            yield Fault(status="warning", about=name, seen="har ingen nyckel: den släpps inte in")
        if len(each.link) > 1:
            seen = f"har {len(each.link)} nycklar: avsluta bytet med rotate --finish"
            yield Fault(status="warning", about=name, seen=seen)
        folder = office.secrets(name)
        if node == name or (node is None and folder.is_dir()):
            yield from _secrets(plan, name, each, folder, now)
    for code in sorted(plan.reporters):
        if not plan.reporters[code].keys:
            yield Fault(status="warning", about=code, seen="har ingen nyckel: den släpps inte in")
    yield from _signers(plan, now)


def _signers(plan: Plan, now: datetime) -> Iterator[Fault]:
    for code, signer in sorted(plan.signers.items()):
        holds = [each for each in signer.keys if each.until is None or each.until > now]
        if plan.policy(code) == "required" and not holds:
            yield Fault(status="error", about=code, seen="måste signera och har ingen nyckel som gäller")
    for name, node in plan.nodes.items():
        code = node.area
        if node.where.level == "kommun" and plan.policy(code) == "required" and code not in plan.signers:
            yield Fault(status="error", about=name, seen=f"{code} måste signera och har ingen nyckel")


def _secrets(plan: Plan, name: str, node: Node, folder: Path, now: datetime) -> Iterator[Fault]:
    if node.parent is not None:
        try:
            public = keys.user_of(keys.read_secret(folder / LINK)).public
        except (Failed, ValueError) as error:
            yield Fault(status="error", about=name, seen=f"länkens nyckel: {error}")
        else:
            if node.link and public not in node.link:
                yield Fault(status="error", about=name, seen=f"{folder / LINK} är ingen av nycklarna i filen")
    urls = [node.leaf, None if node.parent is None else plan.nodes[node.parent].leaf]
    if any(url and urlsplit(url).scheme == "tls" for url in urls):
        yield from _certificate(name, node, folder, now)


def _certificate(name: str, node: Node, folder: Path, now: datetime) -> Iterator[Fault]:
    try:
        keys.read_secret(folder / CERTIFICATE_KEY)
        cert = certs.parsed((folder / CERTIFICATE).read_text(encoding="utf-8"))
        certs.parsed((folder / CA).read_text(encoding="utf-8"))
    except (Failed, OSError, UnicodeDecodeError) as error:
        yield Fault(status="error", about=name, seen=f"certifikatet: {error}")
        return
    ends = cert.not_valid_after_utc
    if ends <= now:
        yield Fault(status="error", about=name, seen=f"certifikatet gick ut {ends:{_STAMP}}")
    elif ends - now < _SOON:
        yield Fault(status="warning", about=name, seen=f"certifikatet går ut {ends:{_STAMP}}: gör ett nytt")
    host = urlsplit(node.leaf).hostname if node.leaf else None
    if host is not None and host not in _names(cert):
        yield Fault(status="error", about=name, seen=f"certifikatet gäller inte {host}, som noden rings upp på")


def _names(cert: x509.Certificate) -> set[str]:
    try:
        found = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    names = {each.lower() for each in found.get_values_for_type(x509.DNSName)}
    return names | {str(each) for each in found.get_values_for_type(x509.IPAddress)}
