"""A federation is set up, and its keys are exchanged and taken away."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vardkase.federation import certs, keys, wiring
from vardkase.federation.folder import CA, CERTIFICATE, LINK, SIGN
from vardkase.federation.office import Joining, Office
from vardkase.runtime.errors import Refused
from vardkase_contracts.areas import Area

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path / "federation.toml", now=lambda: NOW)
    made.init(Area("nation", "SE"), name="Sverige", leaf="tls://nation.example:7422")
    made.add(Area("lan", "24"), parent=None, leaf="tls://lan24.example:7422")
    made.add(Area("kommun", "2480"), parent=None, leaf=None)
    return made


def test_each_node_dials_the_nearest_above_it_with_a_key_of_its_own(office: Office) -> None:
    """A kommun its län, a län the nation; the secret is in the node's folder, the public part in the file."""
    plan = office.read()
    assert {name: node.parent for name, node in plan.nodes.items()} == {
        "SE": None,
        "lan-24": "SE",
        "kommun-2480": "lan-24",
    }
    seed = keys.read_secret(office.secrets("kommun-2480") / LINK)
    assert plan.nodes["kommun-2480"].link == (keys.user_of(seed).public,)
    signer = keys.signer_of(keys.read_secret(office.secrets("kommun-2480") / SIGN))
    assert keys.check_signer(plan.signers["2480"].keys[0].key) == bytes(signer.verify_key)


@pytest.mark.usefixtures("office")
def test_secrets_are_ones_own_and_none_is_in_the_file(tmp_path: Path) -> None:
    """Every secret is a file of mode 600; the file that goes everywhere has none of them."""
    told = (tmp_path / "federation.toml").read_text()
    for path in (tmp_path / "secrets").rglob("*.*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert path.suffix == ".crt" or keys.read_secret(path) not in told


def test_every_certificate_is_of_the_one_authority(office: Office) -> None:
    """And each node has the authority's, to know the others by."""
    for name in office.read().nodes:
        where = office.secrets(name)
        cert = certs.parsed(keys.read_secret(where / CERTIFICATE))
        cert.verify_directly_issued_by(certs.parsed(keys.read_secret(where / CA)))


def test_many_join_at_once(office: Office) -> None:
    """They are as if they had joined one by one; when one does not fit, none joins, and nothing is left of it."""
    before = office.read()
    office.add_all(
        [
            Joining(area=Area("lan", "25"), parent="SE", leaf="tls://lan25.example:7422"),
            Joining(area=Area("kommun", "2505"), parent="lan-25"),
        ]
    )
    plan = office.read()
    assert plan.nodes.keys() - before.nodes.keys() == {"lan-25", "kommun-2505"}
    assert plan.nodes["kommun-2505"].parent == "lan-25"
    assert keys.user_of(keys.read_secret(office.secrets("lan-25") / LINK)).public == plan.nodes["lan-25"].link[0]
    assert plan.signers["2505"].keys
    assert certs.parsed(keys.read_secret(office.secrets("kommun-2505") / CERTIFICATE))
    for wrong in (Joining(area=Area("kommun", "2480"), parent="lan-24"), Joining(area=Area("lan", "03"), parent="x")):
        with pytest.raises(Refused):
            office.add_all([Joining(area=Area("kommun", "2506"), parent="lan-25"), wrong])
    assert office.read() == plan
    assert not office.secrets("kommun-2506").exists()


def test_comments_and_order_of_the_file_stay(office: Office, tmp_path: Path) -> None:
    """It is a file that people read and write too."""
    path = tmp_path / "federation.toml"
    path.write_text(path.read_text().replace("[nodes.lan-24]", "# Länsstyrelsen i Umeå\n[nodes.lan-24]"))
    office.add(Area("kommun", "2482"), parent=None, leaf=None)
    assert "# Länsstyrelsen i Umeå\n[nodes.lan-24]" in path.read_text()
    assert list(office.read().nodes) == ["SE", "lan-24", "kommun-2480", "kommun-2482"]


def test_a_key_is_exchanged_with_both_valid_between(office: Office) -> None:
    """The old one works until the exchange is finished."""
    [old] = office.read().nodes["kommun-2480"].link
    office.rotate("kommun-2480", finish=False)
    both = office.read().nodes["kommun-2480"].link
    assert both[0] == old
    assert len(both) == 2
    fresh = next(path for path in office.secrets("kommun-2480").glob("link.*.nk"))
    assert keys.user_of(keys.read_secret(fresh)).public == both[1]
    office.rotate("kommun-2480", finish=True)
    assert office.read().nodes["kommun-2480"].link == both[1:]
    with pytest.raises(Refused, match="nothing to finish"):
        office.rotate("kommun-2480", finish=True)


def test_a_revoked_link_has_no_user_at_its_parent(office: Office) -> None:
    """And its history, and its signing keys, stay."""
    office.revoke("kommun-2480")
    plan = office.read()
    assert wiring.users(plan, "lan-24") == []
    assert plan.signers["2480"].keys


def test_a_kommun_moves_to_a_node_of_its_own_and_is_who_it_was(office: Office) -> None:
    """It published at its län's node; it keeps its keys, and its reports of then are still verified."""
    office.add_reporter(Area("kommun", "2401"), node=None)
    before = office.read()
    assert wiring.reporters(before, "lan-24")[0]["permissions"]["publish"]["allow"] == ["tp.v1.*.report.24.2401.>"]
    office.add(Area("kommun", "2401"), parent=None, leaf=None)
    plan = office.read()
    assert "2401" not in plan.reporters
    assert plan.nodes["kommun-2401"].parent == "lan-24"
    assert plan.nodes["kommun-2401"].link == before.reporters["2401"].keys
    assert plan.signers["2401"] == before.signers["2401"]


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda office: office.add(Area("lan", "24"), parent=None, leaf=None), "24 has a node already: lan-24"),
        (lambda office: office.add(Area("kommun", "0180"), parent="lan-24", leaf=None), "0180 does not lie in 24"),
        (lambda office: office.add(Area("kommun", "2482"), parent="kommun-2480", leaf=None), "does not lie in 2480"),
        (lambda office: office.rotate("kommun-9999", finish=False), "there is no node"),
        (lambda office: office.revoke("SE"), "SE is the topmost: it has no link"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(office: Office, tmp_path: Path, act, said: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """One line, and the file and the secrets are as they were."""
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(Refused, match=said):
        act(office)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
