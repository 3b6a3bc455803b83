"""Where a federation is set up: its file is written, keys and certificates are made, exchanged and taken away.

The file keeps its comments and its order. Secrets lie beside it, one folder a node, to be carried to that node alone:

    federation.toml            the same everywhere
    secrets/authority/         ca.crt, ca.key: only here
    secrets/<node>/            ca.crt, tls.crt, tls.key, link.nk, sign.key
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

import tomlkit
import tomlkit.exceptions
from tomlkit.items import Table

from vardkase.federation import certs, keys
from vardkase.federation.folder import AUTHORITY, CA, CERTIFICATE, CERTIFICATE_KEY, LINK, SECRETS, SIGN
from vardkase.federation.plan import Plan, parse
from vardkase.runtime.errors import Failed, Refused
from vardkase_contracts.areas import KOMMUNER, Area

_HEAD: Final = """\
# The federation: the same file at every node. Nothing in it is secret; the secrets lie beside it.
# Changed with `vardkase federation`, or by hand; `vardkase federation check` says whether it fits.
"""


def node_name(area: Area) -> str:
    """What the node of an area is called unless it is named otherwise."""
    return area.code if area.level == "nation" else f"{area.level}-{area.code}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What was done, for whoever did it."""

    lines: Sequence[str]
    """In order; no secret in them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Joining:
    """A node that joins."""

    area: Area
    """Whose picture it makes."""
    parent: str
    """The node that it dials."""
    leaf: str | None = None
    """Where its own children dial it; None: it has none."""


class Office:
    """The file of a federation, and the secrets beside it.

    Args:
        path: of the file.
        now: tells the time (aware).
    """

    def __init__(self, path: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = path
        self._now = now

    def secrets(self, node: str) -> Path:
        """The folder of a node's secrets."""
        return self._path.parent / SECRETS / node

    def read(self) -> Plan:
        """The federation as it stands.

        Raises:
            Refused: the file is none.
        """
        return self._plan(self._document())

    def init(self, area: Area, *, name: str, leaf: str | None) -> Made:
        """Begin: the topmost node, and an authority for certificates.

        Raises:
            Failed: there is a federation already.
            Refused: an argument is wrong.
        """
        if self._path.exists():
            raise Failed(f"{self._path}: is there already")
        document = tomlkit.parse(_HEAD)
        document["version"] = 1
        document["name"] = name
        document["signatures"] = "accepted"
        node: dict[str, Any] = {"area": area.code} | ({"leaf": leaf} if leaf else {})
        document["nodes"] = {node_name(area): node}
        self._plan(document)
        ca = certs.authority(name, self._now())
        where = self.secrets(AUTHORITY)
        keys.write_secret(where / "ca.key", ca.key)
        keys.write_secret(where / CA, ca.cert)
        self._certify(node_name(area), leaf)
        self._write(document)
        return Made(lines=(f"{node_name(area)}: den översta noden", f"en utfärdare för certifikat, i {where}"))

    def add(self, area: Area, *, parent: str | None, leaf: str | None) -> Made:
        """A node joins: with a key for its link, a certificate, and for a kommun a key to sign with.

        Args:
            area: whose picture it makes.
            parent: the node that it dials; None: the nearest that there is above its area.
            leaf: where its own children dial it.

        Raises:
            Refused: it does not fit.
        """
        document = self._document()
        plan = self._plan(document)
        if (there := plan.of_area(area)) is not None:
            raise Refused(f"{area.code} has a node already: {there}")
        above = parent or _nearest(plan, area)
        name, before = node_name(area), plan.reporters.get(area.code)
        link, signer = keys.new_user(), keys.new_signer() if area.level == "kommun" else None
        node: dict[str, Any] = {"area": area.code, "parent": above, "link": [link.public]}
        lines = [f"{name}: ringer upp {above}; dess hemligheter ligger i {self.secrets(name)}"]
        if before is not None:  # it moves to a node of its own, and is who it was
            del self._table(document, "reporters")[area.code]
            node["link"] = list(before.keys)
            signer = None
            lines.append(f"{area.code} rapporterar inte längre direkt hos {before.node}; nycklarna är desamma")
        if leaf is not None:
            node["leaf"] = leaf
        self._table(document, "nodes")[name] = node
        if signer is not None:
            self._sign_from_now(document, area.code, signer.public)
        self._plan(document)
        if before is None:
            keys.write_secret(self.secrets(name) / LINK, link.secret)
        if signer is not None:
            keys.write_secret(self.secrets(name) / SIGN, signer.secret)
        self._certify(name, leaf)
        self._write(document)
        return Made(lines=lines)

    def add_all(self, joining: Sequence[Joining]) -> Made:
        """Many nodes join at once: the file is read, checked and written once for all of them, not once for each.

        Args:
            joining: those that join; a parent stands before its children, or is there.

        Raises:
            Refused: one of them does not fit: then none joins. So it is with a kommun that reports at another's: it
                moves by `add`.
        """
        document = self._document()
        before = self._plan(document)
        secrets: dict[str, tuple[keys.Pair, keys.Pair | None]] = {}
        for each in joining:
            code = each.area.code
            if before.of_area(each.area) is not None or code in before.reporters:
                raise Refused(f"{code} is in the federation already")
            link, signer = keys.new_user(), keys.new_signer() if each.area.level == "kommun" else None
            node: dict[str, Any] = {"area": code, "parent": each.parent, "link": [link.public]}
            if each.leaf is not None:
                node["leaf"] = each.leaf
            name = node_name(each.area)
            self._table(document, "nodes")[name] = node
            secrets[name] = link, signer
            if signer is not None:
                self._sign_from_now(document, code, signer.public)
        self._plan(document)
        for each, (name, (link, signer)) in zip(joining, secrets.items(), strict=True):
            keys.write_secret(self.secrets(name) / LINK, link.secret)
            if signer is not None:
                keys.write_secret(self.secrets(name) / SIGN, signer.secret)
            self._certify(name, each.leaf)
        self._write(document)
        return Made(lines=(f"{len(secrets)} noder är med; deras hemligheter ligger i {self._path.parent / SECRETS}",))

    def add_reporter(self, area: Area, *, node: str | None) -> Made:
        """A kommun without a node of its own may publish at another's.

        Raises:
            Refused: it does not fit.
        """
        document = self._document()
        plan = self._plan(document)
        if area.level != "kommun":
            raise Refused(f"{area.code} is no kommun")
        at = node or _nearest(plan, area)
        pair, signer = keys.new_user(), keys.new_signer()
        self._table(document, "reporters")[area.code] = {"node": at, "keys": [pair.public]}
        self._sign_from_now(document, area.code, signer.public)
        self._plan(document)
        where = self.secrets(node_name(area))
        keys.write_secret(where / LINK, pair.secret)
        keys.write_secret(where / SIGN, signer.secret)
        self._certify(node_name(area), None)
        self._write(document)
        return Made(lines=(f"{area.code}: rapporterar hos {at}; dess hemligheter ligger i {where}",))

    def rotate(self, name: str, *, finish: bool) -> Made:
        """Exchange the keys of a link: first the new one beside the old, then the old one away.

        Args:
            name: a node, or the code of a kommun that publishes at another's.
            finish: whether the old ones go: when the new one is in use.

        Raises:
            Refused: there is no such node, or nothing to finish.
        """
        document = self._document()
        plan = self._plan(document)
        held, where = self._held(document, plan, name)
        if finish:
            if len(held) < 2:
                raise Refused(f"{name}: has one key; there is nothing to finish")
            kept = held[-1]
            held.clear()
            held.append(kept)
            self._plan(document)
            self._write(document)
            return Made(lines=(f"{name}: de gamla nycklarna är borta; noden ovanför släpper dem när den har filen",))
        pair = keys.new_user()
        held.append(pair.public)
        self._plan(document)
        fresh = where / f"link.{self._now():%Y%m%dT%H%M%SZ}.nk"
        keys.write_secret(fresh, pair.secret)
        self._write(document)
        return Made(
            lines=(
                f"{name}: en ny nyckel bredvid den gamla, i {fresh}",
                f"när båda noderna har filen och {name} använder den nya (som {LINK}): --finish",
            )
        )

    def revoke(self, name: str) -> Made:
        """Take a link's keys away: once the parent has the file, the link is cut and stays so.

        What the node sent before stays; nothing of its history is touched.

        Raises:
            Refused: there is no such node, or it has no link.
        """
        document = self._document()
        held, _ = self._held(document, self._plan(document), name)
        count = len(held)
        held.clear()
        self._plan(document)
        self._write(document)
        return Made(
            lines=(f"{name}: {count} nyckel eller nycklar borttagna; noden ovanför bryter länken när den har filen",)
        )

    def rotate_signer(self, code: str, *, overlap: timedelta) -> Made:
        """Exchange the key that a kommun's reports are signed with: the new one holds now, the old ones a while still.

        Args:
            code: of the kommun.
            overlap: how long; what was on its way, or in a phone without a link, is received by then.

        Raises:
            Refused: there is no such kommun.
        """
        document = self._document()
        pair, now = keys.new_signer(), self._now().replace(microsecond=0)
        self._end_signers(document, code, now + overlap)
        self._sign_from_now(document, code, pair.public)
        self._plan(document)
        fresh = self.secrets(node_name(Area.parse(code))) / f"sign.{now:%Y%m%dT%H%M%SZ}.key"
        keys.write_secret(fresh, pair.secret)
        self._write(document)
        return Made(lines=(f"{code}: en ny signeringsnyckel i {fresh}", f"de gamla gäller till {now + overlap}"))

    def revoke_signer(self, code: str) -> Made:
        """A kommun's signing keys hold no longer: for what was received before, they do still.

        Raises:
            Refused: there is no such kommun, or it signs with none.
        """
        document = self._document()
        count = self._end_signers(document, code, self._now().replace(microsecond=0))
        if not count:
            raise Refused(f"{code}: has no signing key that holds")
        self._plan(document)
        self._write(document)
        return Made(lines=(f"{code}: signeringsnycklar som inte längre gäller: {count}",))

    def _end_signers(self, document: tomlkit.TOMLDocument, code: str, when: datetime) -> int:
        """Let a kommun's keys end, those that would hold longer. How many."""
        plan = self._plan(document)
        if code not in KOMMUNER:
            raise Refused(f"there is no kommun {code}")
        held = plan.signers[code].keys if code in plan.signers else ()
        ending = [n for n, each in enumerate(held) if each.until is None or each.until > when]
        for n in ending:
            signer = cast("dict[str, Any]", self._table(document, "signers")[code])
            since = held[n].since
            signer["keys"][n]["until"] = when if since is None or when > since else since + timedelta(seconds=1)
        return len(ending)

    # -- the file ----------------------------------------------------------------------------------------------------

    def _document(self) -> tomlkit.TOMLDocument:
        try:
            return tomlkit.parse(self._path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"{self._path}: {getattr(error, 'strerror', None) or 'not a text'}") from None
        except tomlkit.exceptions.ParseError as error:
            raise Refused(f"{self._path}: expected TOML: {error}") from None

    def _plan(self, document: tomlkit.TOMLDocument) -> Plan:
        return parse(document.unwrap(), told=str(self._path))

    def _write(self, document: tomlkit.TOMLDocument) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(tomlkit.dumps(document), encoding="utf-8")
            fresh.replace(self._path)
        except OSError as error:
            raise Failed(f"{self._path}: cannot be written: {error.strerror or error}") from None

    @staticmethod
    def _table(document: tomlkit.TOMLDocument, name: str) -> Table:
        if name not in document:
            document[name] = tomlkit.table(is_super_table=True)
        return cast("Table", document[name])

    def _held(self, document: tomlkit.TOMLDocument, plan: Plan, name: str) -> tuple[list[str], Path]:
        """The list of a link's keys in the document, and where its secrets lie."""
        if name in plan.reporters:
            return self._table(document, "reporters")[name]["keys"], self.secrets(node_name(Area.parse(name)))  # type: ignore[index] -- checked
        node = plan.nodes.get(name)
        if node is None:
            raise Refused(f"there is no node, nor a kommun that publishes at one, called {name}")
        if node.parent is None:
            raise Refused(f"{name} is the topmost: it has no link")
        table = cast("dict[str, Any]", self._table(document, "nodes")[name])
        table.setdefault("link", [])
        return table["link"], self.secrets(name)

    def _sign_from_now(self, document: tomlkit.TOMLDocument, code: str, public: str) -> None:
        signers = self._table(document, "signers")
        fresh = {"key": public, "since": self._now().replace(microsecond=0)}
        if code in signers:
            cast("dict[str, Any]", signers[code])["keys"].append(fresh)
        else:
            signers[code] = {"keys": [fresh]}

    def _certify(self, name: str, leaf: str | None) -> None:
        above = self.secrets(AUTHORITY)
        where = self.secrets(name)
        if (where / CERTIFICATE).exists():
            return
        ca = certs.Certificate(cert=keys.read_secret(above / CA), key=keys.read_secret(above / "ca.key"))
        host = urlsplit(leaf).hostname if leaf else None
        made = certs.issue(ca, name, [host] if host else [], self._now())
        keys.write_secret(where / CERTIFICATE_KEY, made.key)
        keys.write_secret(where / CERTIFICATE, made.cert)
        keys.write_secret(where / CA, ca.cert)


def _nearest(plan: Plan, area: Area) -> str:
    """The node of the smallest area that an area lies in."""
    mine = set(area.kommuner())
    above = [
        (len(node.where.kommuner()), name) for name, node in plan.nodes.items() if mine < set(node.where.kommuner())
    ]
    if not above:
        raise Refused(f"{area.code}: there is no node above it")
    return min(above)[1]
