"""The kinds of value that a setting has, each of which says in one phrase what it expects.

Every refusal reads "expected …", so that the line an operator sees can be made of the variable's name and that phrase.
"""

import math
import re
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from vardkase_contracts import instants
from vardkase_contracts.areas import Area
from vardkase_contracts.vocab import REALITIES, Reality

_UNITS: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d)?")
_LONGEST: Final = 400 * 86400.0
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,7}")
_TIME_OF_DAY: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_NODE: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?")


_EMAIL: Final = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\"]{1,180}\.[A-Za-z0-9-]{2,63}")


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError("expected an e-mail address")
    return value


def seconds(value: Any) -> float:
    """A duration in seconds: a number of them, or a number with a unit such as "250ms", "90s", "30m", "2h", "1d".

    Raises:
        ValueError: anything else, or more than 400 days.
    """
    number = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    elif isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
        number = float(match[1]) * _UNITS[match[2] or ""]
    if not 0 <= number <= _LONGEST:  # NaN too
        raise ValueError('expected a duration: seconds, or a number with ms, s, m, h or d ("250ms", "90s", "2h")')
    return number


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError('expected a duration longer than 0 ("250ms", "90s", "2h")')
    return value


def _whole(value: Any, least: int, most: int, what: str) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"expected {what}")
    return value


def _port(value: Any) -> int:
    return _whole(value, 0, 65535, "a port from 0 to 65535 (0 = a free one)")


def _time_of_day(value: Any) -> str:
    if not isinstance(value, str) or not _TIME_OF_DAY.fullmatch(value.strip()):
        raise ValueError('expected a time of day, such as "03:30"')
    return value.strip()


def _descriptor(value: Any) -> int:
    return _whole(value, 0, 1 << 20, "the number of an open file descriptor")


def _count(value: Any) -> int:
    return _whole(value, 1, 1_000_000_000, "a whole number from 1")


def _copies(value: Any) -> int:
    found = _whole(value, 1, 5, "1, 3 or 5")
    if found % 2 == 0:
        raise ValueError("expected 1, 3 or 5: an even number survives no more than the odd one below it")
    return found


def _speed(value: Any) -> float:
    if isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?", value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1_000_000:
        raise ValueError("expected how many times faster than real time: a number from 0 (stands still) to 1000000")
    return float(value)


def _share(value: Any) -> float:
    if isinstance(value, str) and re.fullmatch(r"[01](\.[0-9]+)?", value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError("expected a share: a number above 0, at most 1")
    return float(value)


def _prefix(value: Any) -> str:
    if not isinstance(value, str) or not _PREFIX.fullmatch(value):
        raise ValueError("expected a prefix of subjects, such as _INBOX.2480")
    return value


def _listen(value: Any) -> str:
    host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not host or not colon or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("expected host:port, such as 0.0.0.0:7422")
    return f"{host}:{port}"


def _area(value: Any) -> str:
    try:
        return Area.parse(value).code
    except (ValueError, TypeError) as error:
        message = "expected an area: a kommun (2480), a län (24), a civilområde (norra) or SE"
        raise ValueError(message) from error


def _node(value: Any) -> str:
    if not isinstance(value, str) or not _NODE.fullmatch(value):
        raise ValueError("expected a name of letters, digits and hyphens, at most 64, such as lan-24")
    return value


def _instant(value: Any) -> int:
    try:
        return instants.parse(value)
    except (ValueError, TypeError) as error:
        raise ValueError("expected a time in RFC 3339 with an offset, such as 2026-11-20T03:40:00+01:00") from error


def _readable(path: Path) -> Path:
    try:
        with path.open("rb"):
            return path.absolute()
    except OSError as error:
        raise ValueError(f"expected a file that can be read ({error.strerror or error})") from error


def _urls(value: str, schemes: tuple[str, ...]) -> None:
    for url in value.split(","):
        try:
            parts = urlsplit(url.strip())
            whole = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0  # asking can raise, too
        except ValueError:
            whole = False
        if not whole:
            raise ValueError(
                f"expected a URL that starts with {' or '.join(f'{scheme}://' for scheme in schemes)}, "
                "has a host, and a port up to 65535 if any"
            )


def _nats(value: SecretStr) -> SecretStr:
    _urls(value.get_secret_value(), ("nats", "tls", "ws", "wss"))
    return value


def _http(value: SecretStr) -> SecretStr:
    _urls(value.get_secret_value(), ("http", "https"))
    return value


def _postgres(value: SecretStr) -> SecretStr:
    _urls(value.get_secret_value(), ("postgresql", "postgres"))
    return value


def _address(value: str) -> str:
    _urls(value, ("http", "https"))
    return value


def _listed(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _realities(value: Any) -> Any:
    found = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else list(value)
    if not set(found) <= set(REALITIES) or len(found) != len(set(found)):
        raise ValueError(f"expected some of {', '.join(REALITIES)}, with commas between")
    return tuple(found)


AbsolutePath = Annotated[Path, AfterValidator(Path.absolute)]
"""A path, made absolute: a child process may stand elsewhere."""
Share = Annotated[float, BeforeValidator(_share)]
"""A part of a whole, 0 to 1."""
InboxPrefix = Annotated[str, BeforeValidator(_prefix)]
"""The first tokens of the subjects that answers are sent to."""
Seconds = Annotated[float, BeforeValidator(seconds), AfterValidator(_positive)]
"""A duration longer than 0, in seconds."""
SecondsOrNone = Annotated[float, BeforeValidator(seconds)]
"""A duration in seconds that may be 0: at once."""
Port = Annotated[int, BeforeValidator(_port)]
"""A TCP port; 0 asks for a free one."""
Descriptor = Annotated[int, BeforeValidator(_descriptor)]
"""The number of a file descriptor that the process inherited."""
ListenAddress = Annotated[str, BeforeValidator(_listen)]
"""A host and port to listen on."""
Count = Annotated[int, BeforeValidator(_count)]
"""How many, at least 1."""
Copies = Annotated[int, BeforeValidator(_copies)]
"""How many servers keep the same: 1, 3 or 5."""
Speed = Annotated[float, BeforeValidator(_speed)]
"""Times real time; 0 stands still."""
TimeOfDay = Annotated[str, BeforeValidator(_time_of_day)]
"""A time of day in Sweden, `03:30`."""
AreaCode = Annotated[str, BeforeValidator(_area)]
"""The code of an area: `2480`, `24`, `norra` or `SE`."""
NodeName = Annotated[str, BeforeValidator(_node)]
"""The name of a node, also its JetStream domain."""
Instant = Annotated[int, BeforeValidator(_instant)]
"""µs since the epoch, written as RFC 3339."""
ReadableFile = Annotated[Path, AfterValidator(_readable)]
"""The path of a file that this process can read now, made absolute."""
NatsUrl = Annotated[SecretStr, AfterValidator(_nats)]
"""One URL of a NATS server, or several with commas between. Secret: it may hold a password."""
WebAddress = Annotated[str, AfterValidator(_address)]
"""The URL of something that anyone may look at: no secret."""
Email = Annotated[str, AfterValidator(_email)]
"""An e-mail address that anyone may see."""
HttpUrl = Annotated[SecretStr, AfterValidator(_http)]
"""An HTTP URL. Secret: it may hold a password or a token."""
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres)]
"""A PostgreSQL URL. Secret: it may hold a password."""
Realities = Annotated[tuple[Reality, ...], NoDecode, BeforeValidator(_realities)]
"""Realities; in the environment with commas between."""
HttpUrls = Annotated[tuple[HttpUrl, ...], NoDecode, BeforeValidator(_listed)]
"""HTTP URLs; in the environment with commas between."""
