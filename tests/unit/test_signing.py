"""Proof of origin, pure: what is signed, how a signature is written, and which reports count by which keys."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from vardkase.archive.store import proven
from vardkase.domain.merge import Received
from vardkase.federation.plan import Plan, parse
from vardkase.federation.signatures import (
    BEHIND,
    MERGED,
    OFF,
    Claim,
    Keyring,
    Outcome,
    Signing,
    dump,
    load,
    look,
    refusal,
)
from vardkase.federation.signers import signers_of
from vardkase.intake.carried import fingerprint, signature_of
from vardkase.runtime.errors import Refused
from vardkase.runtime.jetstream.delivery import Delivery
from vardkase.runtime.jetstream.headers import read, value, written
from vardkase.runtime.settings import load as load_settings
from vardkase_contracts import signing, subjects
from vardkase_contracts.client.signer import Ed25519Signer
from vardkase_contracts.instants import MINUTE, from_datetime, iso, to_datetime
from vardkase_contracts.refusals import Refusal
from vardkase_contracts.vocab import REALITIES, REPORT_KINDS

SIGNER = Ed25519Signer(bytes(range(32)))
OTHER = Ed25519Signer(b"\7" * 32)
NOW = from_datetime(datetime(2026, 11, 20, 12, tzinfo=UTC))
SUBJECT = subjects.report("act", "2480", "umedalen-skola", "status")
ACCEPTED = subjects.accepted("act", "2480", "umedalen-skola", "status")
DATA = b'{"id":"r1"}'


def text(signer: Ed25519Signer) -> str:
    return base64.b64encode(signer.public_key).decode()


def plan(**parts: object) -> Plan:
    return parse({"version": 1, "nodes": {"SE": {"area": "SE"}}, **parts}, told="federation.toml")


def keyring(policy: str = "required", **key: object) -> Keyring:
    return Keyring(plan(signatures=policy, signers={"2480": {"keys": [{"key": text(SIGNER), **key}]}}))


def found(
    ring: Keyring,
    signature: str | None,
    *,
    received: int = NOW,
    subject: str = ACCEPTED,
    data: bytes = DATA,
    kommun: str = "2480",
) -> Outcome | None:
    """What is found of a report in the end."""
    first = look(ring.of(kommun), signature=signature, received=received, subject=subject, data=data)
    return first.verify() if isinstance(first, Claim) else first


# -- the form ---------------------------------------------------------------------------------------------------------


def test_the_form_is_fixed() -> None:
    """What is signed is the report subject, a line feed and the bytes; another implementation verifies it."""
    header = signing.sign(SIGNER, SUBJECT, DATA)
    key, _, raw = header.partition(":")
    assert key == hashlib.sha256(SIGNER.public_key).hexdigest()[:16]
    signed = b'tp.v1.act.report.24.2480.umedalen-skola.status\n{"id":"r1"}'
    Ed25519PublicKey.from_public_bytes(SIGNER.public_key).verify(base64.b64decode(raw), signed)
    assert header == (
        "56475aa75463474c:oaPxW1GNOeMKwnz1IjBa86RPkMJvxdaG1MYnqAxH22/tAlMpJOKbBbF1GR6e6fWfbsJ7gpUMRbIb+sStD+OtAA=="
    )


@given(st.binary(min_size=64, max_size=64), st.binary(min_size=32, max_size=32))
def test_a_signature_comes_back_from_its_header(signature: bytes, public: bytes) -> None:
    """Whatever its bytes, and through the headers as they stand on the wire."""
    one = signing.Signature(signing.key_id(public), signature)
    block = written([("Tp-Received", "x"), (signing.HEADER, signing.header(one))])
    assert signing.parse(value(block, b"Tp-Signature") or "") == one
    assert signature_of(block) == signing.header(one)


@given(st.text(max_size=120) | st.from_regex(r"[0-9a-fA-F]{15,17}:[A-Za-z0-9+/=]{80,90}", fullmatch=True))
def test_what_is_no_signature_is_none(words: str) -> None:
    """Nothing that a stranger writes there is an error, and only what comes back unchanged is a signature."""
    parsed = signing.parse(words)
    assert parsed is None or (len(parsed.signature) == 64 and words.startswith(f"{parsed.key}:"))


@pytest.mark.parametrize(
    "subject", ["", "tp.v1.act.report.24.2480.a.status", "x.accepted.y", "tp.v1.act.x.accepted.24", "tp.v1.accepted.a"]
)
def test_only_what_is_accepted_has_a_report_subject(subject: str) -> None:
    """Of any other subject it cannot be said what was signed."""
    with pytest.raises(ValueError, match="accepted"):
        signing.report_subject(subject)


@given(
    st.sampled_from(REALITIES),
    st.sampled_from(["2480", "0180", "1440"]),
    st.sampled_from(["a", "accepted", "umedalen-skola", "_"]),
    st.sampled_from(REPORT_KINDS),
)
def test_the_report_subject_is_found_by_the_accepted_one(reality: str, kommun: str, slug: str, kind: str) -> None:
    """For every report, whatever the point is called."""
    report = subjects.report(reality, kommun, slug, kind)  # type: ignore[arg-type]
    assert signing.report_subject(subjects.accepted(reality, kommun, slug, kind)) == report  # type: ignore[arg-type]


def test_a_key_in_a_file(tmp_path: Path) -> None:
    """A key is read from a file that nobody else can read; its secret is in no error and no representation."""
    path = tmp_path / "sign.key"
    path.write_text(base64.b64encode(bytes(range(32))).decode() + "\n")
    path.chmod(0o600)
    assert Ed25519Signer.from_file(path).public_key == SIGNER.public_key
    assert base64.b64encode(bytes(range(32))).decode() not in repr(SIGNER)
    path.chmod(0o640)
    with pytest.raises(PermissionError, match="chmod 600"):
        Ed25519Signer.from_file(path)
    path.chmod(0o600)
    for wrong in ("", "secret!", base64.b64encode(b"short").decode()):
        path.write_text(wrong)
        with pytest.raises(ValueError, match="32 bytes in base64") as raised:
            Ed25519Signer.from_file(path)
        assert not wrong or wrong not in str(raised.value)


# -- what intake carries ----------------------------------------------------------------------------------------------


@given(st.text(max_size=400))
def test_a_strangers_header_breaks_no_line(words: str) -> None:
    """Whatever stands in the header, what is carried is short and can be written; a signature is carried unchanged."""
    block = f"NATS/1.0\r\nTp-Signature:{words}\r\nNats-Msg-Id: x\r\n\r\n".encode("utf-8", "replace")
    carried = signature_of(block)
    if carried is None:
        return
    assert 0 < len(carried) <= signing.LONGEST_HEADER
    fields = read(written([("Tp-Origin", "SE/1"), (signing.HEADER, carried)]))
    assert fields == {"Tp-Origin": "SE/1", "Tp-Signature": carried}


def test_a_header_is_found_as_other_clients_write_it() -> None:
    """With or without a blank after the colon; without one nothing is carried."""
    header = signing.sign(SIGNER, SUBJECT, DATA)
    assert signature_of(f"NATS/1.0\r\nTp-Signature:{header}\r\n\r\n".encode()) == header
    assert signature_of(f"NATS/1.0\r\nTp-Signature:   {header} \r\n\r\n".encode()) == header
    assert signature_of(b"NATS/1.0\r\nNats-Msg-Id: Tp-Signature\r\n\r\n") is None
    assert signature_of(b"") is None


def test_the_same_bytes_signed_otherwise_are_another_copy() -> None:
    """So a report that was sent unsigned or with a wrong key does not keep out the one that is right."""
    signed = [None, signing.sign(SIGNER, SUBJECT, DATA), signing.sign(OTHER, SUBJECT, DATA)]
    assert len({fingerprint(DATA, each) for each in signed}) == 3
    assert fingerprint(DATA, None) == hashlib.sha256(DATA).digest()


# -- which count ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "unsigned", "right", "wrong", "foreign"),
    [
        ("required", "missing", "valid", "wrong", "unknown_key"),
        ("accepted", "unsigned", "valid", "wrong", "unknown_key"),
        ("off", None, None, None, None),
    ],
)
def test_policies(
    policy: str, unsigned: Outcome | None, right: Outcome | None, wrong: Outcome | None, foreign: Outcome | None
) -> None:
    """`required`: unsigned is refused; `accepted`: one that is there must be right; `off`: nobody asks."""
    ring = keyring(policy)
    header = signing.sign(SIGNER, SUBJECT, DATA)
    assert found(ring, None) == unsigned
    assert found(ring, header) == right
    assert found(ring, header, data=DATA + b" ") == wrong
    assert found(ring, signing.sign(OTHER, SUBJECT, DATA)) == foreign
    assert found(ring, "nonsense") == (None if policy == "off" else "malformed")


def test_a_kommun_has_a_policy_of_its_own() -> None:
    """It goes before the one for all."""
    ring = Keyring(plan(signatures="required", signers={"2480": {"policy": "off"}, "2482": {"policy": "accepted"}}))
    assert [found(ring, None, kommun=code) for code in ("2480", "2482", "2401")] == [None, "unsigned", "missing"]


@given(
    st.sampled_from(REALITIES),
    st.sampled_from(["2480", "2482"]),
    st.sampled_from(["umedalen-skola", "ersboda", "_"]),
    st.sampled_from(["status", "confirm", "need"]),
    st.binary(max_size=60),
)
def test_a_signature_holds_nowhere_else(reality: str, kommun: str, slug: str, kind: str, data: bytes) -> None:
    """A signed report replayed in another reality, kommun, point or kind, or altered, is refused."""
    header = signing.sign(SIGNER, SUBJECT, DATA)
    keys = {"keys": [{"key": text(SIGNER)}]}  # the same key for both: the subject alone must tell
    ring = Keyring(plan(signatures="required", signers={"2480": keys, "2482": keys}))
    subject = subjects.accepted(reality, kommun, slug, kind)  # type: ignore[arg-type]
    expected = "valid" if (subject, data) == (ACCEPTED, DATA) else "wrong"
    assert found(ring, header, subject=subject, data=data, kommun=kommun) == expected


@given(st.integers(0, 63), st.integers(0, 7))
def test_no_bit_of_a_signature_can_be_another(place: int, bit: int) -> None:
    """Any flipped bit is found."""
    one = signing.parse(signing.sign(SIGNER, SUBJECT, DATA))
    assert one is not None
    forged = bytearray(one.signature)
    forged[place] ^= 1 << bit
    assert found(keyring(), signing.header(one._replace(signature=bytes(forged)))) == "wrong"


def test_a_key_of_one_kommun_is_none_of_anothers() -> None:
    """A kommun that signs for another with its own key is refused, for its key is not one of theirs."""
    ring = Keyring(
        plan(
            signatures="required",
            signers={"2480": {"keys": [{"key": text(SIGNER)}]}, "2482": {"keys": [{"key": text(OTHER)}]}},
        )
    )
    subject = subjects.report("act", "2482", "boliden", "status")
    forged = signing.sign(SIGNER, subject, DATA)
    accepted = subjects.accepted("act", "2482", "boliden", "status")
    assert found(ring, forged, subject=accepted, kommun="2482") == "unknown_key"
    # Nor when it claims to be signed with theirs.
    claimed = signing.key_id(OTHER.public_key) + forged[16:]
    assert found(ring, claimed, subject=accepted, kommun="2482") == "wrong"


def test_keys_are_exchanged_with_an_overlap() -> None:
    """While both hold, both count; a key that ended counts for what was received in its time, for ever."""
    ended, began = NOW + 10 * MINUTE, NOW
    ring = Keyring(
        plan(
            signatures="required",
            signers={
                "2480": {
                    "keys": [
                        {"key": text(OTHER), "until": iso(ended)},
                        {"key": text(SIGNER), "since": iso(began)},
                    ]
                }
            },
        )
    )
    old, new = signing.sign(OTHER, SUBJECT, DATA), signing.sign(SIGNER, SUBJECT, DATA)
    assert [found(ring, old, received=at) for at in (0, NOW, ended - 1, ended)] == ["valid"] * 3 + ["not_in_time"]
    assert found(ring, new, received=began - BEHIND) == "valid", "the clock of who received it is behind"
    assert found(ring, new, received=began - BEHIND - 1) == "not_in_time"
    assert found(ring, new, received=ended + 1) == "valid"


def test_required_from_a_day_on_throws_nothing_out_that_came_before() -> None:
    """What was received unsigned before signatures were required counts still; what comes unsigned now does not."""
    of_all = Keyring(plan(signatures="required", signatures_since=iso(NOW)))
    of_one = Keyring(plan(signers={"2480": {"policy": "required", "since": iso(NOW)}}))
    for ring in (of_all, of_one):
        assert found(ring, None, received=NOW - 1) == "unsigned"
        assert found(ring, None, received=NOW) == "missing"
        assert found(ring, signing.sign(OTHER, SUBJECT, DATA), received=NOW - 1) == "unknown_key"


def test_times_need_an_offset() -> None:
    """A time that could be any is refused, and the field named."""
    naive = {"signatures_since": to_datetime(NOW).replace(tzinfo=None)}
    with pytest.raises(Refused, match="signatures_since: a time has an offset"):
        plan(**naive)
    with pytest.raises(Refused, match=r"signers\.2480\.since: a time has an offset"):
        plan(signers={"2480": {"since": to_datetime(NOW).replace(tzinfo=None)}})


def test_two_keys_under_one_id() -> None:
    """An id names a key, it does not prove it: of several with one id any may have signed."""
    key = signing.key_id(SIGNER.public_key)
    mine = keyring().of("2480").keys[0]
    twin = type(mine)(id=key, public=OTHER.public_key, since=mine.since, until=mine.until)
    of = Signing(policy="required", required_since=0, keys=(twin, mine))
    claim = look(of, signature=signing.sign(SIGNER, SUBJECT, DATA), received=NOW, subject=ACCEPTED, data=DATA)
    assert isinstance(claim, Claim)
    assert claim.verify() == "valid"


def test_a_refusal_says_what_is_wrong_and_nothing_of_the_report() -> None:
    """Each outcome that is refused has a reason and words; those that count have none."""
    for outcome in ("missing", "malformed", "unknown_key", "not_in_time", "wrong"):
        why = refusal(outcome)
        assert why is not None
        assert (why.reason, why.field) == ("signature", None)
        assert why.detail
    assert [refusal(outcome) for outcome in sorted(MERGED)] == [None, None]


@given(
    st.sampled_from(["required", "accepted"]),
    st.none() | st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 -- of what is drawn
)
def test_how_a_kommun_signs_is_remembered(policy: str, since: datetime | None) -> None:
    """What is remembered between runs is what it was; what is damaged is an error and not another policy."""
    made = keyring(policy, **({} if since is None else {"since": since})).of("2480")
    assert load(dump(made)) == made
    assert load(dump(OFF)) == OFF
    for damaged in ("", "[]", '["sometimes",0,[]]', "null"):
        with pytest.raises(ValueError, match="remembered"):
            load(damaged)


# -- the keys that a node signs with -----------------------------------------------------------------------------------


def _key_file(path: Path, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(base64.b64encode(bytes(range(32))).decode())
    path.chmod(mode)
    return path


def test_a_node_signs_with_the_keys_that_it_has(tmp_path: Path) -> None:
    """A kommun's node with its own; others with those in a folder, of kommuner of theirs; without one nothing."""
    assert signers_of(load_settings(area="2480")) == {}
    one = _key_file(tmp_path / "sign.key")
    assert {code: found.public_key for code, found in signers_of(load_settings(area="2480", sign_key=one)).items()} == {
        "2480": SIGNER.public_key
    }
    _key_file(tmp_path / "keys" / "2482.key")
    _key_file(tmp_path / "keys" / "0180.key")
    assert set(signers_of(load_settings(area="24", sign_key=tmp_path / "keys"))) == {"2482"}
    with pytest.raises(Refused, match="expected a folder"):
        signers_of(load_settings(area="24", sign_key=one))
    with pytest.raises(Refused, match=r"VARDKASE_SIGN_KEY: .*chmod 600"):
        signers_of(load_settings(area="2480", sign_key=_key_file(tmp_path / "open.key", 0o644)))
    federation = tmp_path / "federation.toml"
    federation.write_text("")
    secrets = _key_file(tmp_path / "secrets" / "kommun-2480" / "sign.key")
    assert set(signers_of(load_settings(area="2480", federation=federation))) == {"2480"}
    secrets.unlink()
    assert signers_of(load_settings(area="2480", federation=federation)) == {}


# -- what is read from the archive -------------------------------------------------------------------------------------


def test_what_is_read_from_the_archive_must_prove_its_origin_too() -> None:
    """A copy with its header counts; the same without it, or with another's, is nobody's word in history either."""
    event = {
        "specversion": "1.0",
        "id": "r1",
        "source": "urn:tp:kommun:2480",
        "type": "se.trygghetspunkt.status.v1",
        "subject": "2480-umedalen-skola",
        "time": iso(NOW),
        "reality": "act",
        "data": {"occupancy": 7},
    }
    data = json.dumps(event).encode()

    def read_with(header: str | None, ring: Keyring | None) -> type:
        fields = [("Tp-Received", iso(NOW)), *([] if header is None else [(signing.HEADER, header)])]
        return type(proven(ring, Delivery(ACCEPTED, data, written(fields), 1, NOW, 0, "")))

    right, wrong = signing.sign(SIGNER, SUBJECT, data), signing.sign(OTHER, SUBJECT, data)
    assert read_with(right, keyring()) is Received
    assert read_with(None, keyring()) is read_with(wrong, keyring()) is Refusal
    assert read_with(wrong, None) is Received
