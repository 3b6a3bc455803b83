"""The cookies of sessions. None is set on the public side, and none holds anything but a random number. Pure."""

from http.cookies import SimpleCookie
from typing import Final

from starlette.datastructures import Headers

from .origin import Origin
from .sessions import Kind

_NAMES: Final[dict[Kind, str]] = {"staff": "vardkase", "form": "vardkase_form"}
_HOST: Final = "__Host-"
"""A browser takes a cookie of this name over https alone, and from no neighbouring host."""
_LONGEST: Final = 8192


def name_of(kind: Kind, origin: Origin) -> str:
    """What the cookie of a kind of session is called."""
    return f"{_HOST}{_NAMES[kind]}" if origin.secure else _NAMES[kind]


def read(headers: Headers, kind: Kind, origin: Origin) -> str | None:
    """What the cookie holds that a request came with; None when it has none."""
    wanted = name_of(kind, origin)
    for line in headers.getlist("cookie"):
        if len(line) > _LONGEST:
            continue
        for part in line.split(";"):
            name, equals, value = part.strip().partition("=")
            if equals and name == wanted:
                return value
    return None


def written(kind: Kind, origin: Origin, secret: str, lives: float) -> str:
    """The `Set-Cookie` of a session.

    Args:
        kind: of session.
        origin: of the request.
        secret: what it holds.
        lives: seconds that it holds; 0 takes it away.
    """
    name = name_of(kind, origin)
    cookie: SimpleCookie = SimpleCookie()
    cookie[name] = secret
    morsel = cookie[name]
    morsel["path"] = "/"
    morsel["max-age"] = max(0, int(lives))
    morsel["httponly"] = True
    morsel["secure"] = origin.secure
    morsel["samesite"] = "Strict"
    return morsel.OutputString()


def taken_away(kind: Kind, origin: Origin) -> str:
    """The `Set-Cookie` that takes a session's cookie away."""
    return written(kind, origin, "", 0)
