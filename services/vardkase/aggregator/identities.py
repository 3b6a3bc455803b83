"""Which copy of a report counts, and which reports were withdrawn: for all reports ever, on disk.

State is a function of the *set* of reports. To keep it so when a second copy of an identity comes, or a withdraw, one
must know each identity's winner for ever, and memory must not grow with them. So they stand in SQLite beside the
stream, which can always make them again: `position` says up to where they are complete, for each part of the log that
is read by itself.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, NamedTuple, Self

from vardkase.domain.merge import Copy, Identity
from vardkase.runtime.backoff import Backoff
from vardkase_contracts.vocab import Reality

log: Final = logging.getLogger(__name__)

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS identity (
    key TEXT PRIMARY KEY,
    digest BLOB,
    received INTEGER,
    point TEXT,
    is_withdraw INTEGER NOT NULL DEFAULT 0,
    withdrawn INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_VERSION: Final = 1
#: SQLite's default limit of parameters is far above this.
_AT_ONCE: Final = 500
#: SQLite's words for a disk that is full, or does not take a write.
_NO_ROOM: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
_PAUSES: Final = (0.1, 2.0)
"""Seconds between two attempts to write on a full disk: the first, and the longest."""
#: Identities that are written before others get their turn, by `settle`.
_WRITTEN_AT_ONCE: Final = 1_000


class Known(NamedTuple):
    """What is known of an identity. Without a copy: it was withdrawn before it came."""

    copy: Copy | None
    point: str
    is_withdraw: bool
    withdrawn: bool


class Damaged(Exception):  # noqa: N818 - what it is
    """The file could not be read; it is gone, and the process must start anew."""


class NoRoom(Exception):  # noqa: N818 - what it is
    """The disk does not take what is to be kept. Nothing of it is; the same may succeed later."""


class Identities:
    """The winners of one reality, in one file.

    What is noted is kept in memory, where it is found at once, until it is written: by `commit` all of it, or what was
    handed over by a certain moment by `settle`. Who settles bounds how much that is.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file; one that cannot be read is made anew, since the log can fill it again.

        Raises:
            NoRoom: the disk is full.
            sqlite3.OperationalError: the directory cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        #: What is not yet in the file, and what of it was not handed over, by kommun.
        self._pending: dict[Identity, Known] = {}
        self._noted: dict[str, dict[Identity, Known]] = {}
        self._settling = asyncio.Lock()
        try:
            self._db = self._open()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                self._full(error)
                raise
            self._remove()
            self._db = self._open()

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            # FULL: what a commit says is on disk, since a message is acknowledged after it.
            for pragma in (
                "journal_mode = WAL",
                "synchronous = FULL",
                "cache_size = -8000",
                "locking_mode = EXCLUSIVE",
            ):
                db.execute(f"PRAGMA {pragma}")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version not in {0, _VERSION}:
                raise sqlite3.DatabaseError(f"version {version}")  # noqa: TRY301 - closed below, made anew by the caller
            db.executescript(_SCHEMA)
            db.execute(f"PRAGMA user_version = {_VERSION}")
        except BaseException:
            db.close()
            raise
        return db

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go; what was not committed is gone."""
        with contextlib.suppress(sqlite3.ProgrammingError):
            self._db.close()

    def forget(self) -> None:
        """Begin anew: the stream is another one, or must be read from its beginning."""
        self.close()
        self._remove()
        self._pending.clear()
        self._noted.clear()
        self._db = self._open()

    # -- facts -------------------------------------------------------------------------------------------------------

    def fact(self, name: str) -> str | None:
        """A remembered fact, such as when a stream was born."""
        row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def facts(self, prefix: str) -> dict[str, str]:
        """The remembered facts whose names begin so, by the rest of their names."""
        rows = self._db.execute("SELECT name, value FROM fact WHERE substr(name, 1, ?) = ?", (len(prefix), prefix))
        return {name[len(prefix) :]: value for name, value in rows}

    def remember(self, name: str, value: str | None) -> None:
        """Remember a fact with the next commit; None: forget it."""
        self._begin()
        if value is None:
            self._db.execute("DELETE FROM fact WHERE name = ?", (name,))
        else:
            self._db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def position(self, part: str = "") -> int:
        """The sequence in REPORTS up to which all effects of a part of the log are durable."""
        return int(self.fact(position_fact(part)) or 0)

    # -- identities --------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _intact(self) -> Iterator[None]:
        """A file found damaged is removed, so that the next start makes it anew from the log.

        Raises:
            Damaged: it was.
            NoRoom: the disk is full; what was not committed is undone.
        """
        try:
            yield
        except sqlite3.OperationalError as error:
            if self._db.in_transaction:
                with contextlib.suppress(sqlite3.OperationalError):
                    self._db.execute("ROLLBACK")
            self._full(error)
            raise
        except sqlite3.DatabaseError as error:
            self.close()
            self._remove()
            raise Damaged(f"{self._path}: was damaged ({error}); it is made anew from the log") from error

    def _full(self, error: sqlite3.OperationalError) -> None:
        """Tell of a full disk by name.

        Raises:
            NoRoom: it is one.
        """
        if error.sqlite_errorcode & 0xFF in _NO_ROOM:
            raise NoRoom(f"{self._path.name}: {error}") from error

    def look_up(self, identities: Iterable[Identity]) -> dict[Identity, Known]:
        """What is known of these identities; those never heard of are left out."""
        found: dict[Identity, Known] = {}
        wanted: dict[str, Identity] = {}
        for identity in identities:
            pending = self._pending.get(identity)
            if pending is None:
                wanted["/".join(identity)] = identity
            else:
                found[identity] = pending
        with self._intact():
            return found | self._look_up(wanted)

    def _look_up(self, wanted: dict[str, Identity]) -> dict[Identity, Known]:
        keys = list(wanted)
        found: dict[Identity, Known] = {}
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._db.execute(
                f"SELECT key, digest, received, point, is_withdraw, withdrawn FROM identity WHERE key IN ({marks})",  # noqa: S608 - marks alone
                some,
            )
            for key, digest, received, point, is_withdraw, withdrawn in rows:
                copy = None if digest is None else Copy(digest, received)
                found[wanted[key]] = Known(copy, point or "", bool(is_withdraw), bool(withdrawn))
        return found

    def withdrawn_of(self, reality: Reality, kommun: str) -> dict[Identity, Known]:
        """The identities of a kommun that are withdrawn."""
        prefix = f"{reality}/{kommun}/"
        rows = self._db.execute(
            "SELECT key, digest, received, point, is_withdraw FROM identity"
            " WHERE key >= ? AND key < ? AND withdrawn = 1",
            (prefix, prefix + "\x7f"),
        )
        found: dict[Identity, Known] = {
            (reality, kommun, key[len(prefix) :]): Known(
                None if digest is None else Copy(digest, received), point or "", bool(is_withdraw), withdrawn=True
            )
            for key, digest, received, point, is_withdraw in rows
        }
        for identity, known in self._pending.items():
            if identity[:2] == (reality, kommun):
                found.pop(identity, None)
                if known.withdrawn:
                    found[identity] = known
        return found

    def record(self, changed: Mapping[Identity, Known]) -> None:
        """Note what is known of identities now."""
        self._pending.update(changed)
        for key, known in changed.items():
            self._noted.setdefault(key[1], {})[key] = known

    def hand_over(self, held: AbstractSet[str] = frozenset()) -> dict[Identity, Known]:
        """What was noted since this was asked last: to be given to `settle`, in this order.

        Args:
            held: kommuner of which nothing is handed over yet, since their states are not.
        """
        handed: dict[Identity, Known] = {}
        for kommun in self._noted.keys() - held:
            handed |= self._noted.pop(kommun)
        return handed

    def commit(self, position: int, part: str = "") -> None:
        """Make all that was noted durable, with the position that it is complete up to. Synced when it returns."""
        self._write(self._pending.items())
        self._commit({part: position}, {})
        self._pending.clear()
        self._noted.clear()

    async def settle(
        self,
        rows: Mapping[Identity, Known],
        positions: Mapping[str, int],
        facts: Mapping[str, str | None] = MappingProxyType({}),
    ) -> None:
        """Make what was handed over durable, and nothing that was noted since. Synced when it returns.

        Args:
            rows: of `hand_over`; of several, the later ones put over the earlier ones.
            positions: of parts of the log, the sequence in REPORTS up to which they, and the effects, are complete.
            facts: to be remembered with them; None: to be forgotten.

        Raises:
            NoRoom: the disk is full.
        """
        items = list(rows.items())
        async with self._settling:
            # In the loop's thread: in another one, each row would wait for the interpreter.
            for start in range(0, len(items), _WRITTEN_AT_ONCE):
                self._write(items[start : start + _WRITTEN_AT_ONCE])
                await asyncio.sleep(0)
            await asyncio.to_thread(self._commit, positions, facts)
        for identity, known in items:
            if self._pending.get(identity) is known:
                del self._pending[identity]

    async def settle_facts(self, positions: Mapping[str, int], facts: Mapping[str, str | None]) -> None:
        """Make positions and facts durable, however long the disk is full."""
        backoff = Backoff(least=_PAUSES[0], most=_PAUSES[1])
        while True:
            try:
                await self.settle({}, positions, facts)
            except NoRoom as error:
                log.error("what is remembered cannot be kept: %s; trying again", error)  # noqa: TRY400 -- one line
            else:
                return
            await asyncio.sleep(backoff.next())

    def _write(self, items: Iterable[tuple[Identity, Known]]) -> None:
        rows = [
            (
                "/".join(identity),
                known.copy.digest if known.copy is not None else None,
                known.copy.received if known.copy is not None else None,
                known.point,
                known.is_withdraw,
                known.withdrawn,
            )
            for identity, known in items
        ]
        if not rows:
            return
        with self._intact():
            self._begin()
            self._db.executemany("INSERT OR REPLACE INTO identity VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _commit(self, positions: Mapping[str, int], facts: Mapping[str, str | None]) -> None:
        with self._intact():
            self._begin()
            for name, value in {**{position_fact(part): str(at) for part, at in positions.items()}, **facts}.items():
                self.remember(name, value)
            self._db.execute("COMMIT")

    def _begin(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")


def position_fact(part: str) -> str:
    """The name of the fact that tells how far a part of the log is complete."""
    return f"position/{part}" if part else "position"
