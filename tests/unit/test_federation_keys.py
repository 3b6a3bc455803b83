"""Keys and certificates of the federation."""

import ipaddress
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from vardkase.federation import certs, keys
from vardkase.runtime.errors import Failed

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def test_a_link_key_is_found_again_from_its_seed() -> None:
    """The public part follows from the secret one."""
    pair = keys.new_user()
    assert keys.user_of(pair.secret) == pair
    assert keys.check_user(pair.public) == pair.public


@pytest.mark.parametrize(
    "seed", ["", "SUAB", "not a seed", keys.new_user().public], ids=["empty", "short", "words", "public"]
)
def test_what_is_no_seed_is_told_without_telling_it(seed: str) -> None:
    """The error names what is expected, and holds nothing of what was given."""
    with pytest.raises(ValueError, match="seed of a user's nkey") as error:
        keys.user_of(seed)
    assert not seed or seed not in str(error.value)


def test_what_one_key_signs_its_public_part_verifies() -> None:
    """Ed25519, detached."""
    pair = keys.new_signer()
    signed = keys.signer_of(pair.secret).sign(b"a report")
    keys.signer_of(pair.secret).verify_key.verify(b"a report", signed.signature)
    assert bytes(keys.signer_of(pair.secret).verify_key) == keys.check_signer(pair.public)


def test_a_secret_is_in_no_text_of_its_key() -> None:
    """Neither a log nor a traceback shows it."""
    for pair in (keys.new_user(), keys.new_signer(), certs.authority("x", NOW)):
        secret = pair.key if isinstance(pair, certs.Certificate) else pair.secret
        assert secret not in repr(pair)


def test_a_secret_file_is_ones_own_and_never_overwritten(tmp_path: Path) -> None:
    """Mode 600 from its first byte; one that others can read is refused."""
    path = tmp_path / "keys" / "link.nk"
    keys.write_secret(path, "SU…")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.read_secret(path) == "SU…"
    with pytest.raises(Failed, match="never overwritten"):
        keys.write_secret(path, "another")
    path.chmod(0o640)
    with pytest.raises(Failed, match="others can read it"):
        keys.read_secret(path)


def test_a_nodes_certificate_is_its_authoritys_and_serves_both_ends() -> None:
    """It names the node and where it is dialled, and ends no later than its authority."""
    ca = certs.authority("Sverige", NOW)
    node = certs.issue(ca, "lan-24", ["lan24.example", "192.0.2.1"], NOW)
    cert, above = certs.parsed(node.cert), certs.parsed(ca.cert)
    cert.verify_directly_issued_by(above)
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["lan-24", "lan24.example"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("192.0.2.1")]
    usage = cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert len(list(usage)) == 2
    late = NOW + timedelta(days=certs.AUTHORITY_DAYS - 1)
    assert certs.parsed(certs.issue(ca, "x", [], late).cert).not_valid_after_utc == above.not_valid_after_utc
    with pytest.raises(Failed, match="has ended"):
        certs.issue(ca, "x", [], NOW + timedelta(days=certs.AUTHORITY_DAYS + 1))
