import os

import pytest

from vardkase.runtime.errors import Refused
from vardkase.runtime.settings import environment, load


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("VARDKASE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VARDKASE_CONFIG", os.devnull)


GIVEN = {
    "VARDKASE_ACCESS_PROXIES": "10.0.0.0/8, 2001:db8::1",
    "VARDKASE_ACCESS_SESSION": "8h",
    "VARDKASE_ACCESS_RATE": "5",
    "VARDKASE_OIDC_ISSUER": "https://login.example.se/realms/lst",
    "VARDKASE_OIDC_AUDIENCE": "vardkase-24",
    "VARDKASE_OIDC_ALGORITHMS": "RS256,EdDSA",
    "VARDKASE_OIDC_GRANTS": "tib-ac=lan:24,krisledning-umea=kommun:2480:act+exe",
}


def test_lists_stand_with_commas_between_and_reach_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set for a node is set the same for the services that it starts."""
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    settings = load()
    assert settings.access.proxies == ("10.0.0.0/8", "2001:db8::1/128")
    assert (settings.access.session, settings.access.rate) == (8 * 3600, 5)
    assert settings.oidc.algorithms == ("RS256", "EdDSA")
    assert settings.oidc.grants == ("tib-ac=lan:24", "krisledning-umea=kommun:2480:act+exe")
    child = environment(settings)
    for name in GIVEN:
        monkeypatch.setenv(name, child[name])
    assert (load().access, load().oidc) == (settings.access, settings.oidc)


def test_a_file_has_lists_as_lists(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """As TOML has them."""
    file = tmp_path_factory.mktemp("settings") / "vardkase.toml"
    file.write_text('[access]\nproxies = ["10.1.2.3"]\n[oidc]\nclaim = "roles"\ngrants = ["a=lan:24", "b=nation:SE"]\n')
    monkeypatch.setenv("VARDKASE_CONFIG", str(file))
    settings = load()
    assert settings.access.proxies == ("10.1.2.3/32",)
    assert (settings.oidc.claim, settings.oidc.grants) == ("roles", ("a=lan:24", "b=nation:SE"))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("VARDKASE_ACCESS_PROXIES", "10.0.0.1, example.se", "expected IP addresses or networks"),
        ("VARDKASE_ACCESS_PROXIES", "10.0.0.1/8", "expected IP addresses or networks"),
        ("VARDKASE_ACCESS_RATE", "0", "expected a whole number from 1"),
        ("VARDKASE_ACCESS_TRUST", "0", "expected a duration longer than 0"),
        ("VARDKASE_OIDC_ISSUER", "http://login.example.se", "expected a URL that starts with https://"),
        ("VARDKASE_OIDC_ALGORITHMS", "HS256", "expected 'RS256'"),
        ("VARDKASE_OIDC_CLAIM", "a b", "expected the name of a claim"),
    ],
)
def test_what_cannot_be_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    """One line that names the variable and says what is expected."""
    monkeypatch.setenv(name, value)
    with pytest.raises(Refused) as caught:
        load()
    assert str(caught.value).startswith(f"{name}: ")
    assert says in str(caught.value)
