"""The operator's token: made when a node starts, kept in a file that its operator alone can read.

The same one at every start, so that a wall screen or a script goes on after a restart. Whoever can read the file can
read the password of the node's NATS beside it, with which any token can be made: it opens nothing more.
"""

import logging
import os
import time
from pathlib import Path
from typing import Final

from nats.aio.client import Client
from nats.errors import Error as NatsError

from vardkase.runtime.errors import Failed
from vardkase.runtime.jetstream.bucket import Bucket, BucketAway
from vardkase.runtime.jetstream.errors import WriteConflict
from vardkase_contracts.areas import Area

from . import tokens

log: Final = logging.getLogger(__name__)

FILE: Final = "operator.token"
"""Its file in the node's data directory."""
_BY: Final = "node"
_LABEL: Final = "operator of this node"
_LARGEST: Final = 1024


class Operator:
    """The operator's token of one node.

    Args:
        data_dir: the node's.
        area: the node's.

    Raises:
        Failed: the file can be neither read nor written.
    """

    def __init__(self, data_dir: Path, area: Area) -> None:
        self._path = data_dir / FILE
        self._area = area
        self._stood = False
        self._revoked = False
        try:
            self.text = _kept(self._path) or self._made()
            """What shows it. Another one once `see` found it revoked."""
        except OSError as error:
            raise self._unusable(error) from None

    async def see(self, nc: Client) -> None:
        """See to it that the gateways know it; called again now and then, since a store can be lost.

        One that was revoked before this node started is replaced; one that is revoked while it runs stays so.

        Args:
            nc: a connection to the node's account.

        Raises:
            Failed: NATS does not store it, or the file cannot be written.
        """
        if self._revoked:
            return
        bucket = Bucket(nc, tokens.BUCKET)
        try:
            if await self._stands(bucket):
                self._stood = True
            elif self._stood:
                self._revoked = True
                log.warning("the operator's token was revoked: there is a new one when the node is started again")
            else:
                self.text = self._made()
                self._stood = await self._stands(bucket)
        except (BucketAway, WriteConflict, NatsError) as error:
            raise Failed(f"the operator's token cannot be stored: {error}") from None
        except OSError as error:
            raise self._unusable(error) from None

    async def _stands(self, bucket: Bucket) -> bool:
        """Whether the token opens what it should; one that is not known is made known."""
        now = time.time_ns() // 1000
        token = tokens.adopted(self.text, role="admin", area=self._area, now=now, by=_BY, label=_LABEL)
        entry = await bucket.get(token.id)
        if entry is None or entry.data is None:
            return await bucket.create(token.id, tokens.encode(token)) is not None
        try:
            held = tokens.decode(entry.data)
        except ValueError:
            return False
        return (held.hash, held.role, held.area, held.status(now)) == (token.hash, "admin", self._area, "live")

    def _made(self) -> str:
        text = tokens.new_text()
        _write(self._path, text)
        return text

    def _unusable(self, error: OSError) -> Failed:
        return Failed(f"{self._path} cannot be used: {error.strerror or error}")


def _kept(path: Path) -> str | None:
    """The token of the last run; None: there is none, or what is there shows none."""
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST).decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    return text if tokens.split(text) is not None else None


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and never for a moment for others to read."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(descriptor)
    fresh.replace(path)
