"""Which webhooks are told, and of what: from the settings and the file that they name."""

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from vardkase.runtime.errors import Refused
from vardkase.runtime.setting_types import HttpUrl
from vardkase.runtime.settings import Settings
from vardkase_contracts.vocab import ALERT_LEVELS, AlertLevel, Reality

from . import secrets
from .notice import Notice
from .signing import delivery_id

_SETTING: Final = "VARDKASE_NOTIFY_WEBHOOKS"
_LARGEST: Final = 256 << 10
MOST: Final = 50
"""The most webhooks of a node."""

RulePattern = Annotated[str, Field(pattern=r"^[a-z0-9_.*]{1,64}$")]
PlaceCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{2,64}$")]


class Hook(BaseModel):
    """A webhook, and what it wants to hear of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
    """Names it in logs, metrics and lists; with another name it is another receiver."""
    url: HttpUrl
    """Where it is. Secret: it may hold a token."""
    secret_file: Path
    """The file with the secret that is shared with it; from the folder of the file that names it."""
    levels: tuple[AlertLevel, ...] = ALERT_LEVELS
    """What begins at one of these levels is told; from then on every change of it."""
    rules: tuple[RulePattern, ...] = ("*",)
    """Rules: `power.lost`, `power.*`."""
    areas: tuple[PlaceCode, ...] = ()
    """Kommuner (2480), län (24) or points. Empty: all of the node's area."""
    realities: tuple[Reality, ...] = ("act",)
    """An exercise or a test reaches only who asks for it."""
    quiet: bool = False
    """Whether to tell also of what was acknowledged or silenced, or follows from another alert."""
    kinds: tuple[str, ...] = ("*",)
    """Which kinds of notices: `alert`."""

    def wants(self, notice: Notice) -> bool:
        """Whether it wants to hear of something that has begun."""
        return (
            notice.reality in self.realities
            and notice.level in self.levels
            and (self.quiet or notice.quiet is None)
            and any(fnmatchcase(notice.rule, each) for each in self.rules)
            and any(fnmatchcase(notice.kind, each) for each in self.kinds)
            and (not self.areas or not set(self.areas).isdisjoint(notice.areas))
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    webhook: Annotated[tuple[Hook, ...], Field(max_length=MOST)] = ()


class Secreted:
    """A webhook with its secret. Prints neither."""

    def __init__(self, hook: Hook, secret: bytes) -> None:
        self.hook = hook
        self.secret = secret

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.hook.name!r})"


def hooks_of(settings: Settings) -> list[Secreted]:
    """All webhooks that are set.

    Raises:
        Refused: a setting or a file is not as it must be, in one line that holds no secret.
    """
    found = [*_of_file(settings.notify.webhooks), *_of_urls(settings)]
    names = [each.hook.name for each in found]
    for name in names:
        if names.count(name) > 1:
            raise Refused(f"{_SETTING}: expected different names; {name} is there twice")
    return found


def _of_file(path: Path | None) -> list[Secreted]:
    if path is None:
        return []
    text = secrets.read_private(path, _SETTING, _LARGEST)
    try:
        hooks = _File.model_validate(tomllib.loads(text.decode())).webhook
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise Refused(f"{_SETTING}: {path}: expected TOML with [[webhook]] tables") from None
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise Refused(f"{_SETTING}: {path}: {field}: {problem['msg'].removeprefix('Value error, ')}") from None
    return [
        Secreted(each, secrets.read_secret(path.parent / each.secret_file, f"{_SETTING}: {each.name}"))
        for each in hooks
    ]


def _of_urls(settings: Settings) -> list[Secreted]:
    """Those that are named by a URL alone: one secret for all of them."""
    if not settings.webhooks:
        return []
    path = settings.notify.secret
    if path is None:
        secret = secrets.own_secret(settings.data_dir)
    else:
        secret = secrets.read_secret(path, "VARDKASE_NOTIFY_SECRET")
    return [
        Secreted(Hook(name=_name(url), url=url, secret_file=Path()), secret) for url in dict.fromkeys(settings.webhooks)
    ]


def _name(url: SecretStr) -> str:
    """The same for the same URL, and tells nothing of it."""
    return f"webhook-{delivery_id('url', url.get_secret_value())[4:12]}"
