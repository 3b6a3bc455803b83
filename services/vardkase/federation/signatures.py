"""Who may have signed what: the keys of the federation, and what follows from them for one report. Pure.

A verdict is a function of the report's subject and bytes, its signature, when it was received, and the federation's
file: two nodes that have the same file and the same log merge the same reports. So nothing here looks at a clock.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

import nacl.bindings
import nacl.exceptions

from vardkase.federation import keys
from vardkase.federation.plan import Plan, Policy
from vardkase_contracts import signing
from vardkase_contracts.instants import MINUTE, from_datetime
from vardkase_contracts.refusals import Refusal

Outcome = Literal["valid", "unsigned", "malformed", "unknown_key", "not_in_time", "wrong", "missing"]
"""What was found. `unsigned`: and that is allowed; `missing`: and it is not. `not_in_time`: the key was not in use when
the report was received. `wrong`: of other bytes, another subject or another key."""
MERGED: Final[frozenset[Outcome]] = frozenset({"valid", "unsigned"})
"""The outcomes of reports that count."""
BEHIND: Final = 15 * MINUTE
"""A key counts so much before its `since`, µs: the clock of the node that receives the first report may be behind."""
_FOREVER: Final = 1 << 62
_WORDS: Final[Mapping[Outcome, str]] = {
    "missing": "The federation requires reports of this kommun to be signed",
    "malformed": f"The header {signing.HEADER} should be <key id>:<signature in base64>",
    "unknown_key": "The key that it names is none of this kommun's",
    "not_in_time": "The key that it names was not in use when the report was received",
    "wrong": "The signature is not of these bytes, sent to this subject (its report subject), by the key that it names",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A public key, and when what it signed must have been received."""

    id: str
    public: bytes
    since: int
    """µs, `BEHIND` included."""
    until: int
    """µs."""

    def holds(self, received: int) -> bool:
        """Whether it was in use then."""
        return self.since <= received < self.until


@dataclass(frozen=True, kw_only=True, slots=True)
class Signing:
    """What of signatures on the reports of one kommun. Equal ones judge alike."""

    policy: Policy
    required_since: int
    """µs."""
    keys: tuple[Key, ...]

    def named(self, key: str) -> tuple[Key, ...]:
        """The keys with an id."""
        return tuple(each for each in self.keys if each.id == key)

    def requires(self, received: int) -> bool:
        """Whether what was received then must be signed."""
        return self.policy == "required" and received >= self.required_since


OFF: Final = Signing(policy="off", required_since=0, keys=())
"""Nobody asks who signed."""


class Claim(NamedTuple):
    """A signature that is yet to be verified: the costly part, which may be done anywhere."""

    keys: Sequence[bytes]
    """Public keys: one of them must have made it."""
    signature: bytes
    subject: str
    """The report's subject in the log."""
    data: bytes

    def verify(self) -> Outcome:
        """Whether one of the keys signed it."""
        try:
            message = signing.message(signing.report_subject(self.subject), self.data)
        except ValueError:
            return "wrong"
        for key in self.keys:
            try:
                nacl.bindings.crypto_sign_open(self.signature + message, key)
            except nacl.exceptions.BadSignatureError:
                continue
            return "valid"
        return "wrong"


class Keyring:
    """The signing keys of all kommuner.

    Args:
        plan: the federation.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._signing: dict[str, Signing] = {}

    def of(self, kommun: str) -> Signing:
        """What of signatures on a kommun's reports."""
        found = self._signing.get(kommun)
        if found is None:
            found = self._signing[kommun] = self._made(kommun)
        return found

    def _made(self, kommun: str) -> Signing:
        policy = self._plan.policy(kommun)
        if policy == "off":
            return OFF
        signer = self._plan.signers.get(kommun)
        made: list[Key] = []
        for each in signer.keys if signer is not None else ():
            public = keys.check_signer(each.key)
            since, until = _at(each.since, -_FOREVER), _at(each.until, _FOREVER)
            made.append(
                Key(id=signing.key_id(public), public=public, since=max(-_FOREVER, since - BEHIND), until=until)
            )
        since = self._plan.required_since(kommun)
        return Signing(policy=policy, required_since=_at(since, -_FOREVER), keys=tuple(sorted(made, key=_in_order)))


def look(of: Signing, *, signature: str | None, received: int, subject: str, data: bytes) -> Outcome | Claim | None:
    """What can be said of a report's signature without verifying it.

    Args:
        of: what of signatures on its kommun's reports.
        signature: the header's value; None: there is none.
        received: when the report was received, µs.
        subject: its subject in the log.
        data: its bytes.

    Returns:
        The outcome; a claim, when that hangs on verifying it; None: nobody asks.
    """
    if of.policy == "off":
        return None
    if signature is None:
        return "missing" if of.requires(received) else "unsigned"
    parsed = signing.parse(signature)
    if parsed is None:
        return "malformed"
    named = of.named(parsed.key)
    if not named:
        return "unknown_key"
    in_use = [key.public for key in named if key.holds(received)]
    if not in_use:
        return "not_in_time"
    return Claim(in_use, parsed.signature, subject, data)


def refusal(outcome: Outcome) -> Refusal | None:
    """Why a report with this outcome does not count; None when it does."""
    return None if outcome in MERGED else Refusal("signature", None, _WORDS[outcome])


def dump(of: Signing) -> str:
    """As text, to be remembered: `load` gives it back."""
    return json.dumps(
        [of.policy, of.required_since, [[key.public.hex(), key.since, key.until] for key in of.keys]],
        separators=(",", ":"),
    )


def load(text: str) -> Signing:
    """What `dump` made a text of.

    Raises:
        ValueError: it is none.
    """
    try:
        policy, required_since, found = json.loads(text)
        made = [(bytes.fromhex(public), int(since), int(until)) for public, since, until in found]
        if policy not in {"required", "accepted", "off"}:
            raise ValueError(policy)  # noqa: TRY301 -- one error for all that is wrong
    except (TypeError, ValueError) as error:
        raise ValueError("not what was remembered of a kommun's signatures") from error
    return Signing(
        policy=policy,
        required_since=int(required_since),
        keys=tuple(Key(id=signing.key_id(raw), public=raw, since=since, until=until) for raw, since, until in made),
    )


def _at(when: datetime | None, otherwise: int) -> int:
    return otherwise if when is None else from_datetime(when)


def _in_order(key: Key) -> tuple[bytes, int, int]:
    return key.public, key.since, key.until
