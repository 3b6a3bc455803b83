import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.utils import der_to_raw_signature
from pydantic import ValidationError

from vardkase.gateway.access.grants import granted, parse_grants
from vardkase.gateway.access.keys import KeysAway, read_keys
from vardkase.gateway.access.oidc import Issuer, Wrong, person_id
from vardkase.runtime.access_settings import OidcSettings
from vardkase.runtime.errors import Refused
from vardkase_contracts.areas import Area

ISSUER = "https://login.example.se"
AUDIENCE = "vardkase-24"


def now() -> int:
    return time.time_ns() // 1000


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHORT = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 -- what must be refused
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()


def public(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        found = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        found = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        found = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**found, "kid": kid, "use": "sig", **more}


class Authority:
    """An issuer whose keys are asked for; each answer can be made to be another."""

    def __init__(self) -> None:
        self.keys = [
            public(RSA, "rsa"),
            public(P256, "p256"),
            public(P384, "p384"),
            public(ED, "ed"),
            public(SHORT, "short"),
            public(RSA, "rs512", alg="RS512"),
            {"kty": "oct", "kid": "shared", "k": base64.urlsafe_b64encode(b"s" * 32).decode(), "alg": "HS256"},
        ]
        self.asked: list[str] = []
        self.answer: Callable[[httpx.Request], httpx.Response] = self.as_it_should

    def as_it_should(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/.well-known/openid-configuration":
            return httpx.Response(200, json={"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"})
        return httpx.Response(200, json={"keys": self.keys})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        return self.answer(request)

    def issuer(self, **more: Any) -> Issuer:
        settings = OidcSettings(**{"issuer": ISSUER, "audience": AUDIENCE} | more)
        return Issuer(settings, now=now, transport=httpx.MockTransport(self))


@pytest.fixture
def authority() -> Authority:
    return Authority()


CLAIMS = {"vardkase_role": "lan", "vardkase_area": "24"}


def claims(**more: Any) -> dict[str, Any]:
    at = int(time.time())
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "anna", "iat": at, "exp": at + 600, **CLAIMS, **more}
    return {name: value for name, value in said.items() if value is not ...}


def signed(
    key: Any = RSA, algorithm: str = "RS256", kid: str | None = "rsa", *, header: Any = None, **more: Any
) -> str:
    headers = {**({} if kid is None else {"kid": kid}), **(header or {})}
    return jwt.encode(claims(**more), key, algorithm=algorithm, headers=headers)


async def test_a_jwt_of_the_issuer_is_let_in(authority: Authority) -> None:
    """What it claims is its role and area; who it is is told by a number that is no name."""
    who = await authority.issuer().principal(signed())
    assert who is not None
    assert (who.role, who.area, who.realities) == ("lan", Area.parse("24"), frozenset({"act", "exe", "tst"}))
    assert who.id == person_id(ISSUER, "anna")
    assert "anna" not in who.id
    assert authority.asked == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"), [(RSA, "PS256", "rsa"), (P256, "ES256", "p256"), (ED, "EdDSA", "ed")]
)
async def test_each_way_to_sign_that_is_set(authority: Authority, key: Any, algorithm: str, kid: str) -> None:
    """RSA, elliptic curves and Ed25519, each by a key of its kind."""
    assert await authority.issuer().principal(signed(key, algorithm, kid)) is not None


def raw(header: dict[str, Any], body: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    def part(value: bytes) -> bytes:
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    signing = part(json.dumps(header).encode()) + b"." + part(json.dumps(body).encode())
    return (signing + b"." + part(sign(signing))).decode()


def confused(kid: str = "rsa") -> str:
    """HS256 with the public key for the secret: what a verifier takes that lets the JWT choose how it is verified."""
    pem = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return raw({"alg": "HS256", "kid": kid}, claims(), lambda data: hmac.digest(pem, data, hashlib.sha256))


def embedded() -> str:
    """A key of the attacker's own, sent along in the header."""
    return signed(OTHER, kid="mine", header={"jwk": public(OTHER, "mine")})


def changed(body: dict[str, Any]) -> str:
    """A right one's head and signature around another body."""
    head, _, signature = signed().split(".")
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip('=')}.{signature}"


def by_p384(data: bytes) -> bytes:
    return der_to_raw_signature(P384.sign(data, ec.ECDSA(SHA256())), P384.curve)


def by_hand(key: rsa.RSAPrivateKey, kid: str, **more: Any) -> str:
    """Signed as it should be, without the library that would refuse to."""
    header = {"alg": "RS256", "kid": kid}
    return raw(header, claims(**more), lambda data: key.sign(data, PKCS1v15(), SHA256()))


WRONG = {
    "alg none": lambda: raw({"alg": "none", "kid": "rsa"}, claims(), lambda _: b""),
    "alg None": lambda: raw({"alg": "None", "kid": "rsa"}, claims(), lambda _: b""),
    "no alg": lambda: raw({"kid": "rsa"}, claims(), lambda _: b""),
    "hmac by the public key": confused,
    "hmac by a shared key of the jwks": lambda: signed(b"s" * 32, "HS256", "shared"),
    "another's key": lambda: signed(OTHER),
    "key sent along": embedded,
    "key at a url": lambda: signed(OTHER, header={"jku": "https://evil.example/keys"}, kid="rsa"),
    "kid unknown": lambda: signed(kid="nobody"),
    "kid of another key": lambda: signed(kid="p256"),
    "kid a path": lambda: signed(kid="../../etc/passwd"),
    "no kid": lambda: signed(kid=None),
    "kid no text": lambda: raw({"alg": "RS256", "kid": 1}, claims(), lambda _: b"x"),
    "rsa too short": lambda: by_hand(SHORT, "short"),
    "key for another way": lambda: signed(kid="rs512"),
    "way not set": lambda: signed(algorithm="RS512", kid="rs512"),
    "curve of another way": lambda: raw({"alg": "ES256", "kid": "p384"}, claims(), by_p384),
    "expired": lambda: signed(exp=int(time.time()) - 60),
    "no exp": lambda: signed(exp=...),
    "exp a text": lambda: signed(exp="never"),
    "exp infinite": lambda: signed(exp=float("inf")),
    "exp not a number": lambda: signed(exp=float("nan")),
    "holds for years": lambda: signed(exp=int(time.time()) + 400 * 86400),
    "not yet": lambda: signed(nbf=int(time.time()) + 600),
    "issued later": lambda: signed(iat=int(time.time()) + 600),
    "no iat": lambda: signed(iat=...),
    "another issuer": lambda: signed(iss="https://evil.example"),
    "issuer begins alike": lambda: signed(iss=ISSUER + ".evil.example"),
    "issuer a list": lambda: by_hand(RSA, "rsa", iss=[ISSUER]),
    "no issuer": lambda: signed(iss=...),
    "another audience": lambda: signed(aud="somebody-else"),
    "audience begins alike": lambda: signed(aud=AUDIENCE + "0"),
    "no audience": lambda: signed(aud=...),
    "no subject": lambda: signed(sub=...),
    "subject no text": lambda: signed(sub={"a": 1}),
    "critical and unknown": lambda: signed(header={"crit": ["b64", "exp"], "b64": False}),
    "no role": lambda: signed(vardkase_role=...),
    "role unknown": lambda: signed(vardkase_role="god"),
    "role a list": lambda: signed(vardkase_role=["admin"]),
    "area unknown": lambda: signed(vardkase_area="99"),
    "area not the role's": lambda: signed(vardkase_area="2480"),
    "reality unknown": lambda: signed(vardkase_realities=["act", "all"]),
    "realities none": lambda: signed(vardkase_realities=[]),
    "signature cut": lambda: signed()[:-8],
    "signature none": lambda: signed().rpartition(".")[0] + ".",
    "body changed": lambda: changed(claims(vardkase_role="admin")),
    "no jwt": lambda: "a.b.c",
    "empty": lambda: "",
    "dots": lambda: "." * 100,
    "surrogates": lambda: "\udcff.a.b",
    "too long": lambda: "a" * 9000,
}


@pytest.mark.parametrize("fault", WRONG)
async def test_a_jwt_with_any_fault_opens_nothing(authority: Authority, fault: str) -> None:
    """Forged, confused, expired, for somebody else or of somebody else, or claiming what is not: nobody is let in."""
    issuer = authority.issuer(algorithms=("RS256", "PS256", "ES256", "EdDSA"))
    assert await issuer.principal(WRONG[fault]()) is None
    assert await issuer.principal(signed()) is not None  # and the next one is judged as ever


async def test_what_is_wrong_is_told_without_what_was_sent(authority: Authority) -> None:
    """Why a JWT opens nothing is known, and holds nothing of it."""
    with pytest.raises(Wrong) as caught:
        await authority.issuer().judge(signed(sub="hemlig@example.se", aud="somebody-else"))
    assert "InvalidAudience" in str(caught.value)
    assert "hemlig" not in str(caught.value)
    assert "somebody" not in str(caught.value)


async def test_a_clock_that_differs_a_little_is_allowed(authority: Authority) -> None:
    """Half a minute, as set; not more."""
    assert await authority.issuer().principal(signed(exp=int(time.time()) - 10)) is not None
    assert await authority.issuer(leeway=0).principal(signed(exp=int(time.time()) - 10)) is None


async def test_a_jwt_that_was_right_ends_with_its_time(authority: Authority) -> None:
    """That it is known to be right holds no longer than it does."""
    time_now = [now()]
    issuer = Issuer(
        OidcSettings(issuer=ISSUER, audience=AUDIENCE, leeway=0),
        now=lambda: time_now[0],
        transport=httpx.MockTransport(authority),
    )
    text = signed()
    assert await issuer.principal(text) is not None
    time_now[0] += 601_000_000
    assert await issuer.principal(text) is None


async def test_keys_are_asked_for_once_however_many_wait(authority: Authority) -> None:
    """A hundred at once cost the issuer one question; a known JWT none."""
    issuer = authority.issuer(jwks_url=f"{ISSUER}/keys")
    found = await asyncio.gather(*(issuer.principal(signed(sub=str(number))) for number in range(100)))
    assert None not in found
    await issuer.principal(signed())
    assert authority.asked == ["/keys"]


async def test_unknown_keys_do_not_make_us_ask_the_issuer_over_and_over(authority: Authority) -> None:
    """Whoever invents key ids cannot make this gateway a burden to the issuer."""
    issuer = authority.issuer(jwks_url=f"{ISSUER}/keys")
    for number in range(50):
        assert await issuer.principal(signed(kid=f"k{number}")) is None
    assert len(authority.asked) == 1


async def test_a_new_key_is_found_and_an_old_one_opens_nothing_more(authority: Authority) -> None:
    """The issuer changes its keys: the new one is asked for, and what the old one had signed is not known any more."""
    issuer = authority.issuer(jwks_url=f"{ISSUER}/keys", retry=0.01)
    old = signed()
    assert await issuer.principal(old) is not None
    authority.keys = [public(OTHER, "new")]
    await asyncio.sleep(0.02)
    assert await issuer.principal(signed(OTHER, kid="new")) is not None
    assert await issuer.principal(old) is None


async def test_while_the_issuer_is_away_its_keys_hold_for_a_time(authority: Authority) -> None:
    """What is known goes on; when it is too old nobody is judged, which is told apart from being wrong."""
    issuer = authority.issuer(jwks_url=f"{ISSUER}/keys", refresh=0.01, stale=0.3, retry=0.01)
    assert await issuer.principal(signed()) is not None
    authority.answer = lambda _: httpx.Response(500)
    await asyncio.sleep(0.03)
    assert await issuer.principal(signed(sub="b")) is not None
    assert not issuer.check().needed
    await asyncio.sleep(0.3)
    with pytest.raises(KeysAway):
        await issuer.principal(signed(sub="c"))
    assert not issuer.check().ok
    authority.answer = authority.as_it_should
    await asyncio.sleep(0.02)
    assert await issuer.principal(signed(sub="c")) is not None
    assert issuer.check().ok


def raising(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


BAD_ANSWERS: dict[str, Callable[[httpx.Request], httpx.Response]] = {
    "refused": raising,
    "500": lambda _: httpx.Response(500),
    "404": lambda _: httpx.Response(404, json={"keys": [public(RSA, "rsa")]}),
    "redirect": lambda _: httpx.Response(302, headers={"location": "http://169.254.169.254/"}),
    "no json": lambda _: httpx.Response(200, text="<html>"),
    "a list": lambda _: httpx.Response(200, json=[]),
    "no keys": lambda _: httpx.Response(200, json={}),
    "empty": lambda _: httpx.Response(200, json={"keys": []}),
    "secrets alone": lambda _: httpx.Response(200, json={"keys": [{"kty": "oct", "kid": "a", "k": "eA"}]}),
    "too many": lambda _: httpx.Response(200, json={"keys": [public(RSA, f"k{n}") for n in range(51)]}),
    "too long": lambda _: httpx.Response(200, content=orjson.dumps({"keys": [public(RSA, "rsa")]}) + b" " * 300_000),
    "deep": lambda _: httpx.Response(200, content=b"[" * 100_000),
}


@pytest.mark.parametrize("fault", BAD_ANSWERS)
async def test_an_issuer_that_answers_wrong_lets_nobody_in(authority: Authority, fault: str) -> None:
    """No answer, another's, or one that is too long: nobody can be judged, and that is told."""
    authority.answer = BAD_ANSWERS[fault]
    issuer = authority.issuer(jwks_url=f"{ISSUER}/keys")
    with pytest.raises(KeysAway):
        await issuer.principal(signed())
    assert not issuer.check().ok
    with pytest.raises(KeysAway):
        await issuer.principal(signed())
    assert len(authority.asked) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://evil.example", "jwks_uri": f"{ISSUER}/keys"},
        {"issuer": ISSUER, "jwks_uri": "http://login.example.se/keys"},
        {"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"},
        {"issuer": ISSUER, "jwks_uri": 1},
        {"issuer": ISSUER},
    ],
)
async def test_a_configuration_that_is_not_the_issuers_is_not_followed(
    authority: Authority, said: dict[str, Any]
) -> None:
    """It must be of the issuer that is set, and its keys be on a line that nobody can change."""
    authority.answer = lambda _: httpx.Response(200, json=said)
    with pytest.raises(KeysAway):
        await authority.issuer().principal(signed())
    assert authority.asked == ["/.well-known/openid-configuration"]


def test_keys_that_do_not_verify_are_left_out() -> None:
    """Those for encryption, for signing alone, without an id, and secrets; of two with one id the first stands."""
    keys = [
        public(RSA, "a"),
        public(OTHER, "a"),
        public(RSA, "enc") | {"use": "enc"},
        public(RSA, "ops") | {"key_ops": ["sign"]},
        {key: value for key, value in public(RSA, "x").items() if key != "kid"},
        {"kty": "oct", "kid": "oct", "k": "eA"},
        "text",
    ]
    found = read_keys({"keys": keys})
    assert set(found) == {"a"}
    assert found["a"] == keys[0]


@pytest.mark.parametrize(
    ("said", "role", "area"),
    [
        ({"groups": ["x", "tib-24"]}, "lan", "24"),
        ({"groups": "tib-24"}, "lan", "24"),
        ({"groups": ["krisledning-2480", "tib-24"]}, "lan", "24"),
        ({"groups": ["krisledning-2480"]}, "kommun", "2480"),
        ({"groups": ["cn=a=b"]}, "reader", "SE"),
        ({"groups": ["other"]}, None, None),
        ({"groups": []}, None, None),
        ({"groups": [""]}, None, None),
        ({"groups": {"tib-24": 1}}, None, None),
        ({"groups": [["tib-24"]]}, None, None),
        ({"groups": None}, None, None),
        ({}, None, None),
        ({"vardkase_role": "admin", "vardkase_area": "SE"}, None, None),
    ],
)
def test_values_of_a_claim_are_mapped_in_the_order_that_is_set(
    said: dict[str, Any], role: str | None, area: str | None
) -> None:
    """The first grant that fits holds; where grants are set nothing else in the JWT says what it opens."""
    grants = parse_grants(
        ("tib-24=lan:24", "krisledning-2480=kommun:2480:act+exe", "krisledning-2480=kommun:0180", "cn=a=b=reader:SE")
    )
    grant = granted(said, "groups", grants)
    assert (role, area) == (None, None) if grant is None else (grant.role, grant.area.code) == (role, area)


@pytest.mark.parametrize(
    "grant", ["tib", "tib=lan", "tib=lan:", "tib=god:24", "tib=lan:99", "tib=kommun:24", "tib=lan:24:all", "=lan:24"]
)
def test_a_grant_that_cannot_be_is_refused_at_the_start(grant: str) -> None:
    """In one line that names the variable."""
    with pytest.raises(Refused, match=r"^VARDKASE_OIDC_GRANTS: expected"):
        parse_grants((grant,))


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://login.example.se"},
        {"issuer": "ftp://login.example.se"},
        {"issuer": "https://user:secret@login.example.se"},
        {"issuer": "https://login.example.se:0"},
        {"algorithms": "HS256"},
        {"algorithms": "none"},
        {"algorithms": "RS256,HS256"},
        {"claim": "a b"},
    ],
)
def test_settings_that_would_let_others_in_are_refused(wrong: dict[str, str]) -> None:
    """No plain http but on loopback, no shared keys, no `none`."""
    with pytest.raises(ValidationError):
        OidcSettings(**{"issuer": ISSUER, "audience": AUDIENCE, **wrong})  # type: ignore[arg-type]


def test_an_issuer_without_an_audience_is_refused() -> None:
    """A JWT that was made for another service must not open this one."""
    with pytest.raises(Refused, match="VARDKASE_OIDC_AUDIENCE"):
        Issuer(OidcSettings(issuer=ISSUER), now=now)


def test_the_keys_of_the_test_are_real() -> None:
    """The forged JWTs above fail for their fault: what they are forged from is right."""
    assert jwt.decode(by_hand(RSA, "rsa"), RSA.public_key(), ["RS256"], audience=AUDIENCE)["sub"] == "anna"
    pem = RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert jwt.decode(signed(pem), RSA.public_key(), ["RS256"], audience=AUDIENCE)["sub"] == "anna"
