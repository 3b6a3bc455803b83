"""Connections to PostgreSQL: bounded in time, cut when they hang, and every error sorted by what it means.

To whoever uses it a database is there or away. Away is all that passes by itself or by an operator's hand: no server,
no answer in time, a full disk, a table that somebody locks. What is wrong with the data alone is `Misfit`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final, cast

import asyncpg
from pydantic import SecretStr

SCHEMA: Final = "vardkase"
"""Where all that is ours stands in a database."""
_OURS_TO_MEND: Final = ("21", "22", "23", "54")
"""Classes of errors that the values cause: cardinality, data, constraints, limits of the program."""


class Away(Exception):  # noqa: N818 -- what it is
    """The database cannot be used now. Its text is one line that says why, without a password."""


class Misfit(Exception):  # noqa: N818 -- what it is
    """The database does not take these values. Its text is one line."""


def described(url: SecretStr) -> str:
    """Which database a URL names, without user and password."""
    return url.get_secret_value().rpartition("@")[2].partition("?")[0] or "PostgreSQL"


async def connect(
    url: SecretStr, *, name: str, connect_timeout: float, statement_timeout: float, read_only: bool = False
) -> asyncpg.Connection:
    """A connection.

    Args:
        url: of the database.
        name: what the server calls the connection.
        connect_timeout: seconds that connecting may take.
        statement_timeout: seconds that one statement may take, here and at the server.
        read_only: refuse to write.

    Raises:
        Away: there is none to be had.
    """
    milliseconds = str(round(statement_timeout * 1000))
    settings = {
        "application_name": name[:63],
        "search_path": SCHEMA,
        "timezone": "UTC",
        "statement_timeout": milliseconds,
        "idle_in_transaction_session_timeout": milliseconds,
        "synchronous_commit": "on",
        # A server whose client vanished without a word lets go of its locks.
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    }
    if read_only:
        settings["default_transaction_read_only"] = "on"
    async with sorted_errors(misfits=False):
        # asyncpg's own limit does not bound the looking up of a host, and its waiting for a cut connection is its own.
        async with asyncio.timeout(connect_timeout):
            return await asyncpg.connect(
                url.get_secret_value(),
                timeout=cast("int", connect_timeout),
                command_timeout=statement_timeout,
                server_settings=settings,
            )


@contextlib.asynccontextmanager
async def sorted_errors(*, misfits: bool = True) -> AsyncIterator[None]:
    """Makes of all that a database may answer `Away` or `Misfit`.

    Args:
        misfits: whether the values come from outside. Where they are the program's own, all is `Away`.

    Raises:
        Away: the database cannot be used; its connection is not to be used any more.
        Misfit: it does not take the values.
    """
    try:
        async with _sorted():
            yield
    except Misfit as error:
        if misfits:
            raise
        raise Away(str(error)) from None


@contextlib.asynccontextmanager
async def _sorted() -> AsyncIterator[None]:
    try:
        yield
    except asyncpg.PostgresError as error:
        code = str(getattr(error, "sqlstate", None) or "?")
        raise (Misfit if code[:2] in _OURS_TO_MEND else Away)(f"{' '.join(str(error).split())} ({code})") from None
    except TimeoutError:
        raise Away("no answer in time") from None
    except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        values = isinstance(error, ValueError) and not isinstance(error, asyncpg.ClientConfigurationError)
        raise (Misfit if values else Away)(text) from None
    except (ValueError, TypeError, OverflowError) as error:  # a value that cannot be put on the wire
        raise Misfit(" ".join(str(error).split())) from None


def cut(connection: asyncpg.Connection) -> None:
    """Ends a connection at once, whatever it is doing."""
    with contextlib.suppress(OSError, asyncpg.InterfaceError):
        connection.terminate()
