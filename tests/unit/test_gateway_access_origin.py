import pytest
from starlette.datastructures import Headers

from vardkase.gateway.access import cookies
from vardkase.gateway.access.headers import CSP, SecurityHeaders
from vardkase.gateway.access.origin import Origin, Origins, is_ours
from vardkase.gateway.access.routes import local


def origin(
    headers: list[tuple[str, str]], *, peer: str = "10.0.0.1", proxies: tuple[str, ...] = ("10.0.0.0/8",)
) -> Origin:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "client": (peer, 1), "scheme": "http", "headers": raw}
    return Origins(proxies).of(scope, Headers(raw=raw))


FORWARDED = [
    ("Host", "inner:8080"),
    ("X-Forwarded-For", "203.0.113.9"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "lage.example.se"),
]


def test_a_proxy_that_is_set_is_believed() -> None:
    """Behind it the person's own address counts, and how they speak."""
    assert origin(FORWARDED) == Origin(address="203.0.113.9", scheme="https", host="lage.example.se")


@pytest.mark.parametrize("proxies", [(), ("192.0.2.0/24",)])
def test_nobody_else_is_believed(proxies: tuple[str, ...]) -> None:
    """Without a proxy, or from another address, headers say nothing: nobody gets around a limit by them."""
    assert origin(FORWARDED, proxies=proxies) == Origin(address="10.0.0.1", scheme="http", host="inner:8080")


def test_a_forged_hop_before_the_proxy_counts_for_nothing() -> None:
    """Of several hops the last that is no proxy of ours counts; what stands before it anyone can have written."""
    hops = [("X-Forwarded-For", "127.0.0.1, 198.51.100.1"), ("X-Forwarded-For", "203.0.113.9, 10.0.0.7")]
    assert origin(hops).address == "203.0.113.9"
    assert origin([("X-Forwarded-For", "<script>, not an address")]).address == "unknown"
    assert origin([("X-Forwarded-For", "10.0.0.2, 10.0.0.3")]).address == "10.0.0.2"
    assert origin([("X-Forwarded-Proto", "gopher")]).scheme == "http"


OURS = Origin(address="a", scheme="https", host="lage.example.se")
PLAIN = Origin(address="a", scheme="http", host="127.0.0.1:8080")


@pytest.mark.parametrize(
    ("where", "headers", "ours"),
    [
        (OURS, {"sec-fetch-site": "same-origin"}, True),
        (OURS, {"sec-fetch-site": "same-site"}, False),
        (OURS, {"sec-fetch-site": "cross-site"}, False),
        (OURS, {"sec-fetch-site": "none"}, False),
        (OURS, {"sec-fetch-site": "cross-site", "origin": "https://lage.example.se"}, False),
        (OURS, {"origin": "https://lage.example.se"}, True),
        (OURS, {"origin": "https://lage.example.se:443"}, True),
        (OURS, {"origin": "https://LAGE.example.se"}, True),
        (OURS, {"origin": "http://lage.example.se"}, False),
        (OURS, {"origin": "https://lage.example.se.evil.example"}, False),
        (OURS, {"origin": "https://evil.example"}, False),
        (OURS, {"origin": "null"}, False),
        (OURS, {"origin": "https://["}, False),
        (OURS, {"referer": "https://lage.example.se/kommun?x=1"}, True),
        (OURS, {"referer": "https://evil.example/lage.example.se"}, False),
        (PLAIN, {"origin": "http://127.0.0.1:8080"}, True),
        (PLAIN, {"origin": "http://127.0.0.1:8081"}, False),
        (PLAIN, {"origin": "http://localhost:8080"}, False),
    ],
)
def test_only_a_page_of_ours_changes_something(where: Origin, headers: dict[str, str], *, ours: bool) -> None:
    """What the browser says of the sending page decides, and it must be ours to the port."""
    assert is_ours(where, Headers(headers), must_say=True) is ours


def test_who_says_nothing_is_refused_where_a_cookie_authorises() -> None:
    """Programs say nothing and have a token; where a cookie counts a browser must have said it."""
    assert not is_ours(OURS, Headers({}), must_say=True)
    assert is_ours(OURS, Headers({}), must_say=False)


def test_a_sessions_cookie_is_closed_to_scripts_and_other_sites() -> None:
    """HttpOnly, Strict, for the whole host; over https Secure and by a name that no neighbour can set."""
    plain = cookies.written("staff", PLAIN, "abc", 60.9)
    assert plain == "vardkase=abc; HttpOnly; Max-Age=60; Path=/; SameSite=Strict"
    safe = cookies.written("form", OURS, "abc", 60)
    assert safe.startswith("__Host-vardkase_form=abc; ")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(safe.split("; "))
    assert "Max-Age=0" in cookies.taken_away("staff", OURS)


def test_a_cookie_is_found_among_others_and_by_its_own_name_alone() -> None:
    """Neither another kind's nor, over https, one that plain http could have set."""
    headers = Headers(raw=[(b"cookie", b"a=1; vardkase=x; vardkase_form=y"), (b"cookie", b"__Host-vardkase=z")])
    assert cookies.read(headers, "staff", PLAIN) == "x"
    assert cookies.read(headers, "form", PLAIN) == "y"
    assert cookies.read(headers, "staff", OURS) == "z"
    assert cookies.read(headers, "form", OURS) is None
    assert cookies.read(Headers(raw=[(b"cookie", b"vardkase=" + b"x" * 9000)]), "staff", PLAIN) is None


@pytest.mark.parametrize(
    ("path", "on"),
    [
        ("/", "/"),
        ("/kommun?code=24&x=1", "/kommun?code=24&x=1"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("evil", "/"),
        ("", "/"),
        ("/a\r\nset-cookie: b=c", "/"),
        ("/å", "/"),
    ],
)
def test_after_logging_in_one_stays_here(path: str, on: str) -> None:
    """Where to go on is a path of ours, or the start page: nobody is led to another site."""
    assert local(path) == on


async def answered(headers: list[tuple[bytes, bytes]], scheme: str = "http") -> dict[str, str]:
    async def app(scope: object, receive: object, send: object) -> None:  # noqa: ARG001
        await send({"type": "http.response.start", "status": 200, "headers": headers})  # type: ignore[operator]

    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "http", "scheme": scheme, "client": ("127.0.0.1", 1), "headers": []}
    await SecurityHeaders(app, Origins(()))(scope, None, send)  # type: ignore[arg-type]
    return dict(Headers(raw=sent[0]["headers"]))  # type: ignore[arg-type]


async def test_a_page_loads_and_runs_nothing_but_our_own_files() -> None:
    """Its policy has no inline script or style, no other host, no frame; and it asks for no place of the visitor."""
    page = await answered([(b"content-type", b"text/html; charset=utf-8")])
    assert page["content-security-policy"] == CSP
    assert "unsafe" not in CSP
    assert "http" not in CSP
    assert "default-src 'none'" in CSP
    assert page["x-frame-options"] == "DENY"
    assert page["x-content-type-options"] == "nosniff"
    assert page["referrer-policy"] == "same-origin"
    assert "geolocation=()" in page["permissions-policy"]
    assert "strict-transport-security" not in page


async def test_every_other_answer_is_told_to_be_none() -> None:
    """JSON is never sniffed for something else, and a browser that shows it runs nothing in it."""
    answer = await answered([(b"content-type", b"application/json")], scheme="https")
    assert answer["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer["x-content-type-options"] == "nosniff"
    assert answer["strict-transport-security"].startswith("max-age=")


async def test_what_a_route_says_itself_stands() -> None:
    """The public side says of itself who may embed it; an answer with a cookie is kept by no cache."""
    answer = await answered([(b"cross-origin-resource-policy", b"cross-origin"), (b"set-cookie", b"a=b")])
    assert answer["cross-origin-resource-policy"] == "cross-origin"
    assert answer["cache-control"] == "no-store"
