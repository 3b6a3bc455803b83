"""Which copy counts and what is withdrawn, for all reports ever: on disk, durable by commit, made anew when spoilt."""

import shutil
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from vardkase.aggregator.identities import Damaged, Identities, Known
from vardkase.domain.merge import Copy, Identity
from vardkase_contracts.vocab import Reality


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is to be: in a directory that is not there yet."""
    return tmp_path / "aggregator" / "identities-act.sqlite"


@pytest.fixture
def identities(path: Path) -> Iterator[Identities]:
    """An empty file."""
    with Identities(path) as opened:
        yield opened


def key(report: str, kommun: str = "2480", reality: Reality = "act") -> Identity:
    return reality, kommun, report


def known(digest: int = 1, *, point: str = "2480-a", withdrawn: bool = False) -> Known:
    return Known(Copy(bytes([digest]) * 32, 1_795_161_600_000_000), point, is_withdraw=False, withdrawn=withdrawn)


def test_what_is_recorded_is_looked_up(identities: Identities) -> None:
    """An identity comes back as it was noted, before the commit too; those never heard of are left out."""
    noted = {
        key("a"): known(),
        key("b"): known(2, withdrawn=True),
        key("c"): Known(None, "", is_withdraw=False, withdrawn=True),
        key("d"): Known(Copy(b"\0" * 32, 7), "2480-_", is_withdraw=True, withdrawn=False),
    }
    identities.record(noted)
    assert identities.look_up([*noted, key("e")]) == noted
    identities.commit(1)
    assert identities.look_up(noted) == noted


def test_a_later_note_takes_the_place_of_an_earlier_one(identities: Identities) -> None:
    """An identity has one winner: the last that was noted."""
    identities.record({key("a"): known(2)})
    identities.record({key("a"): known(1)})
    assert identities.look_up([key("a")]) == {key("a"): known(1)}


def test_more_are_looked_up_than_one_query_holds(identities: Identities) -> None:
    """Thousands of identities are looked up at once."""
    noted = {key(f"r{n}"): known(n % 250) for n in range(2_345)}
    identities.record(noted)
    assert identities.look_up(noted) == noted


def test_kommuner_and_realities_are_kept_apart(identities: Identities) -> None:
    """The same id of another kommun or reality is another report."""
    identities.record({key("a"): known()})
    assert identities.look_up([key("a", "2482"), key("a", reality="exe")]) == {}


def test_the_withdrawn_of_a_kommun_are_its_own(identities: Identities) -> None:
    """Withdrawn reports are listed by kommun and reality, those that have not come yet among them."""
    gone = {
        key("a"): known(withdrawn=True),
        key("_-z"): Known(None, "", is_withdraw=False, withdrawn=True),
    }
    others = {
        key("b"): known(),
        key("c", "2481"): known(withdrawn=True),
        key("c", "2482"): known(withdrawn=True),
        key("c", reality="tst"): known(withdrawn=True),
    }
    identities.record(gone | others)
    assert identities.withdrawn_of("act", "2480") == gone


def test_nothing_is_written_for_nothing(identities: Identities) -> None:
    """Noting nothing begins no transaction."""
    identities.record({})
    assert not identities._db.in_transaction


# -- durability --------------------------------------------------------------------------------------------------------


def test_what_is_committed_is_there_after_a_restart(path: Path) -> None:
    """Identities, facts and the position come back when the file is opened again."""
    with Identities(path) as identities:
        assert identities.position() == 0
        identities.record({key("a"): known()})
        identities.remember("born/REPORTS", "2026-11-20")
        identities.commit(17)
    with Identities(path) as identities:
        assert identities.look_up([key("a")]) == {key("a"): known()}
        assert (identities.fact("born/REPORTS"), identities.position()) == ("2026-11-20", 17)


def test_what_was_not_committed_is_gone_after_a_close(path: Path) -> None:
    """A process that ends between the effects and the commit forgets the batch as a whole, position and all."""
    with Identities(path) as identities:
        identities.record({key("a"): known(1)})
        identities.commit(1)
        identities.record({key("a"): known(0), key("b"): known()})
        identities.remember("born/STATE", "later")
    with Identities(path) as identities:
        assert identities.look_up([key("a"), key("b")]) == {key("a"): known(1)}
        assert (identities.position(), identities.fact("born/STATE")) == (1, None)


def test_what_was_not_committed_is_gone_after_a_power_cut(path: Path, tmp_path: Path) -> None:
    """The files as they lie on disk in the middle of a batch open as they were at the last commit."""
    copies = tmp_path / "after the cut"
    with Identities(path) as identities:
        identities.record({key(f"a{n}"): known(1) for n in range(3_000)})
        identities.commit(3_000)
        identities.record({key(f"b{n}"): known(2) for n in range(40_000)})
        shutil.copytree(path.parent, copies)
    with Identities(copies / path.name) as identities:
        assert identities.position() == 3_000
        assert len(identities.look_up(key(f"a{n}") for n in range(3_000))) == 3_000
        assert identities.look_up(key(f"b{n}") for n in range(40_000)) == {}


def test_closing_twice_is_closing(identities: Identities) -> None:
    """A stop that is asked for twice does nothing the second time."""
    identities.close()
    identities.close()


def test_forgetting_begins_anew(path: Path) -> None:
    """When the stream is another one, nothing of the old is left, neither now nor after a restart."""
    with Identities(path) as identities:
        identities.record({key("a"): known()})
        identities.commit(5)
        identities.forget()
        assert (identities.look_up([key("a")]), identities.position()) == ({}, 0)
        identities.commit(2)
    with Identities(path) as identities:
        assert (identities.look_up([key("a")]), identities.position()) == ({}, 2)


# -- what is not as it must be -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"no database at all, but longer than a header of it" * 90, b"SQLite format 3\0" * 300]
)
def test_a_file_that_cannot_be_read_is_made_anew(path: Path, content: bytes) -> None:
    """A file that is no database is replaced by an empty one, since the log can fill it again."""
    path.parent.mkdir()
    path.write_bytes(content)
    with Identities(path) as identities:
        assert identities.position() == 0
        identities.record({key("a"): known()})
        identities.commit(1)
    with Identities(path) as identities:
        assert identities.position() == 1


def test_a_file_of_another_version_is_made_anew(path: Path) -> None:
    """What a newer program wrote is not read by an older one, but made again from the log."""
    with Identities(path) as identities:
        identities.commit(9)
        identities._db.execute("PRAGMA user_version = 99")
    with Identities(path) as identities:
        assert identities.position() == 0


def test_a_file_spoilt_in_its_middle_ends_the_process_once(path: Path) -> None:
    """Damage found while reading says so and removes the file, so that the next start makes it anew."""
    with Identities(path) as identities:
        identities.record({key(f"r{n}"): known(n % 250) for n in range(5_000)})
        identities.commit(5_000)
    content = bytearray(path.read_bytes())
    content[3 * 4096 :] = b"\xaa" * (len(content) - 3 * 4096)
    path.write_bytes(content)
    identities = Identities(path)
    with pytest.raises(Damaged, match="made anew from the log"):
        identities.look_up(key(f"r{n}") for n in range(5_000))
    identities.close()
    with Identities(path) as anew:
        assert (anew.position(), anew.look_up([key("r1")])) == (0, {})


def test_two_processes_cannot_share_a_file(path: Path, identities: Identities, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second aggregator on the same file is refused, and leaves it as it is."""
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0))  # it would wait for 5 s
    identities.commit(3)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        Identities(path)
    assert identities.position() == 3


def test_a_directory_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    """A file that cannot be opened for another reason than its content is not taken away."""
    (tmp_path / "identities.sqlite").mkdir()
    with pytest.raises(sqlite3.OperationalError):
        Identities(tmp_path / "identities.sqlite")
    assert (tmp_path / "identities.sqlite").is_dir()
