import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vardkase.gateway.access import sessions, tokens
from vardkase.gateway.access.sessions import Session
from vardkase.gateway.access.tokens import Token, TokenError, new_token
from vardkase.gateway.principal import Principal
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import REALITIES, AccessRole

UMEA, AC, SE = Area.parse("2480"), Area.parse("24"), Area.parse("SE")
NOW = 1_800_000_000_000_000


def made(**more: object) -> tuple[Token, str]:
    return new_token(**({"role": "reader", "area": UMEA, "now": NOW, "by": "node"} | more))  # type: ignore[arg-type]


def test_a_token_shows_itself_by_its_text_alone() -> None:
    """Its text opens it; a text with one letter other, with another's secret, or cut short, does not."""
    token, text = made()
    other, other_text = made()
    identity, secret = tokens.split(text) or ("", "")
    assert identity == token.id
    assert tokens.opens(token, secret, NOW)
    assert not tokens.opens(token, (tokens.split(other_text) or ("", ""))[1], NOW)
    assert not tokens.opens(other, secret, NOW)
    flipped = secret[:-2] + ("A" if secret[-2] != "A" else "B") + secret[-1]
    assert not tokens.opens(token, flipped, NOW)


def test_its_secret_has_256_bits_and_is_not_stored() -> None:
    """What is stored, and what is told of it, has neither the secret nor (told) its hash."""
    token, text = made(label="karttjänst")
    assert re.fullmatch(r"vk_[a-z0-9]{12}_[A-Za-z0-9_-]{43}", text)
    secret = text.split("_", 2)[2]
    stored = tokens.encode(token).decode()
    assert secret not in stored
    assert secret not in repr(token)
    told = str(token.told(NOW))
    assert secret not in told
    assert token.hash.hex() not in told
    assert len({made()[1] for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "text",
    ["", "vk_", "vk_abc_def", "Bearer x", "vk_" + "a" * 12 + "_" + "b" * 42, "vk_" + "a" * 12 + "_" + "b" * 44],
)
def test_what_is_no_token_is_known_for_none(text: str) -> None:
    """Only the exact form is looked up."""
    assert tokens.split(text) is None


@given(st.text(max_size=80))
def test_no_text_breaks_the_parsing(text: str) -> None:
    """Whatever is sent is a token or none."""
    parts = tokens.split(text)
    assert parts is None or text == f"vk_{parts[0]}_{parts[1]}"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"role": "kommun", "area": AC}, "area"),
        ({"role": "lan", "area": UMEA}, "area"),
        ({"role": "nation", "area": AC}, "area"),
        ({"role": "reporter", "area": SE}, "area"),
        ({"role": "reporter", "point": "0180-x"}, "point"),
        ({"role": "reporter", "point": "2480-_"}, "point"),
        ({"role": "reporter", "point": "2480-Å"}, "point"),
        ({"role": "kommun", "point": "2480-x"}, "point"),
        ({"realities": ()}, "realities"),
        ({"label": "a" * 81}, "label"),
        ({"label": "a\nb"}, "label"),
        ({"expires": NOW}, "expires"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused_with_the_field(more: dict[str, object], field: str) -> None:
    """Role and area, point and kommun must go together; what has expired is not made."""
    with pytest.raises(TokenError) as caught:
        made(**more)
    assert caught.value.field == field


def test_a_token_ends_when_it_expires_or_is_revoked() -> None:
    """From its end on it opens nothing; a revocation stands and is not moved."""
    token, text = made(expires=NOW + 10)
    secret = text.split("_", 2)[2]
    assert tokens.opens(token, secret, NOW + 9)
    assert not tokens.opens(token, secret, NOW + 10)
    assert token.status(NOW + 10) == "expired"
    ended = token.ended(NOW + 3, "boss")
    assert ended.status(NOW) == "revoked"
    assert not tokens.opens(ended, secret, NOW)
    assert ended.ended(NOW + 9, "other") == ended


@given(
    role=st.sampled_from(["reader", "reporter", "kommun", "admin"]),
    realities=st.sets(st.sampled_from(REALITIES), min_size=1),
    label=st.text(st.characters(categories=["L", "N"]), max_size=80),
    expires=st.none() | st.integers(NOW + 1, NOW * 2),
    revoked=st.booleans(),
)
def test_what_is_stored_is_what_was_made(
    role: AccessRole, realities: set[str], label: str, expires: int | None, *, revoked: bool
) -> None:
    """Storing and reading a token changes nothing of it."""
    token, _ = made(role=role, realities=realities, label=label, expires=expires)
    if revoked:
        token = token.ended(NOW + 1, "boss")
    assert tokens.decode(tokens.encode(token)) == token


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"[]",
        b"{}",
        b'{"v":1}',
        tokens.encode(made()[0]).replace(b'"v":1', b'"v":2'),
        tokens.encode(made()[0]).replace(b'"reader"', b'"god"'),
        tokens.encode(made()[0]).replace(b'"2480"', b'"2499"'),
        tokens.encode(made()[0]).replace(b'"act"', b'"all"'),
        tokens.encode(made()[0]).replace(b'"hash":"', b'"hash":"zz'),
    ],
)
def test_what_cannot_be_read_opens_nothing(data: bytes) -> None:
    """A stored token of another form is an error, never a guess."""
    with pytest.raises(ValueError, match="as it is stored"):
        tokens.decode(data)


def test_a_person_who_was_shut_out_has_no_secret() -> None:
    """What stands under a person's id opens nothing, whatever is shown."""
    token = tokens.shut_out("oidc-" + "0" * 24, now=NOW, by="boss", area=SE)
    assert token.status(NOW) == "revoked"
    assert not any(tokens.opens(token, each, NOW) for each in ("", "a" * 43))


ADMIN = Principal(id="a", role="admin", area=AC, realities=frozenset({"act", "exe"}))
KOMMUN = Principal(id="k", role="kommun", area=UMEA, realities=frozenset(REALITIES))


@pytest.mark.parametrize(
    ("manager", "role", "area", "realities", "point", "may"),
    [
        (ADMIN, "admin", AC, {"act"}, None, True),
        (ADMIN, "lan", AC, {"act", "exe"}, None, True),
        (ADMIN, "reporter", UMEA, {"act"}, "2480-x", True),
        (ADMIN, "reader", SE, {"act"}, None, False),
        (ADMIN, "reader", Area.parse("0180"), {"act"}, None, False),
        (ADMIN, "reader", AC, {"tst"}, None, False),
        (KOMMUN, "reporter", UMEA, {"act"}, "2480-x", True),
        (KOMMUN, "reporter", UMEA, {"act"}, None, False),
        (KOMMUN, "kommun", UMEA, {"act"}, None, False),
        (KOMMUN, "admin", UMEA, {"act"}, None, False),
        (KOMMUN, "reporter", Area.parse("0180"), {"act"}, "0180-x", False),
    ],
)
def test_nobody_gives_what_they_do_not_have(
    manager: Principal, role: AccessRole, area: Area, realities: set[str], point: str | None, *, may: bool
) -> None:
    """An admin makes tokens within area and realities; a kommun the links to its points' forms; others none."""
    assert tokens.may_make(manager, role=role, area=area, realities=realities, point=point) == may  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["reader", "reporter", "lan", "nation"])
def test_whoever_is_neither_admin_nor_kommun_makes_no_token(role: AccessRole) -> None:
    """Reading, reporting and a level's staff make none, not even their own like."""
    who = Principal(id="x", role=role, area=SE, realities=frozenset(REALITIES))
    assert not any(
        tokens.may_make(who, role=each, area=UMEA, realities={"act"}, point=point)
        for each in ("reader", "reporter", "kommun", "admin")
        for point in (None, "2480-x")
    )


def test_a_session_is_stored_under_the_hash_of_its_cookie() -> None:
    """Whoever reads the bucket can make no cookie of what is there; another cookie has another key."""
    cookie = sessions.new_secret()
    key = sessions.key_of(cookie)
    assert key is not None
    assert cookie not in key
    assert key != sessions.key_of(sessions.new_secret())
    assert sessions.key_of(cookie + "x") is None
    assert sessions.key_of("") is None


def test_a_session_is_read_as_it_was_stored() -> None:
    """Of a token it holds the id alone; of an issuer's person what the JWT gave."""
    of_token = Session(kind="form", who="abc", created=NOW, expires=NOW + 5)
    of_person = Session(
        kind="staff",
        who="oidc-1",
        granted=Principal(id="oidc-1", role="lan", area=AC, realities=frozenset({"exe"}), expires=NOW + 9),
        created=NOW,
        expires=NOW + 5,
    )
    for session in (of_token, of_person):
        assert sessions.decode(sessions.encode(session)) == session
    for wrong in (b"", b"{}", sessions.encode(of_person).replace(b'"lan"', b'"god"')):
        with pytest.raises(ValueError, match="as it is stored"):
            sessions.decode(wrong)
