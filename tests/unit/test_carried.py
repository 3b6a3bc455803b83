"""A file of reports that a person carries: whole and as it was signed, or not believed."""

import base64
import json
import re
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from vardkase.federation.carried import Broken, Entry, Writing, read
from vardkase.runtime.errors import Failed
from vardkase_contracts.client.signer import Ed25519Signer

SIGNER = Ed25519Signer(b"k" * 32)
OTHER = Ed25519Signer(b"o" * 32)
MADE = "2026-11-20T03:00:00Z"


def entries(many: int, *, size: int = 20) -> list[Entry]:
    return [
        Entry(
            subject=f"tp.v1.act.accepted.24.{'2480' if number % 2 else '2482'}.skolan.status",
            data=b'{"n":%d,"x":"%b"}' % (number, b"x" * size),
            sequence=10 + number * 3,
            received=f"2026-11-20T02:{number % 60:02}:00Z",
            origin=f"kommun-2480/{number}",
            signature=None if number % 3 else "0123456789abcdef:" + "A" * 86 + "==",
        )
        for number in range(1, many + 1)
    ]


def written(path: Path, many: int = 5, signer: Ed25519Signer = SIGNER) -> Path:
    writing = Writing(path, node="kommun-2480", area="24")
    for each in entries(many):
        writing.add(each)
    writing.finish(MADE, signer)
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Bytes, subjects, headers and places as they were; the manifest counts them; only its owner can read the file."""
    file = written(tmp_path / "a.reports")
    carried = read(file)
    assert list(carried.entries) == entries(5)
    manifest = carried.manifest
    assert (manifest.count, manifest.first, manifest.last) == (5, 13, 25)
    assert (manifest.kommuner, manifest.realities) == (("2480", "2482"), ("act",))
    assert (manifest.received_from, manifest.received_upto) == ("2026-11-20T02:01:00Z", "2026-11-20T02:05:00Z")
    assert carried.key == SIGNER.public_key
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["a.reports"]


def test_an_empty_log_is_a_file_too(tmp_path: Path) -> None:
    """Nothing to carry is said, and is no error."""
    assert read(written(tmp_path / "a", 0)).manifest.count == 0


def line(number: int, change: Callable[[dict[str, object]], object]) -> Callable[[list[bytes]], None]:
    """One line's document, changed."""

    def tampered(lines: list[bytes]) -> None:
        document = json.loads(lines[number - 1])
        change(document)
        lines[number - 1] = json.dumps(document).encode() + b"\n"

    return tampered


def _other_data(document: dict[str, object]) -> None:
    document["data"] = base64.b64encode(b"{}").decode()


def _consistent(document: dict[str, object]) -> None:
    import hashlib

    document |= {"data": base64.b64encode(b"{}").decode(), "sha256": hashlib.sha256(b"{}").hexdigest()}


def _manifest(name: str, value: object) -> Callable[[dict[str, object]], None]:
    def change(document: dict[str, object]) -> None:
        document["manifest"] = json.dumps(json.loads(str(document["manifest"])) | {name: value})

    return change


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (line(4, _other_data), "rad 4: innehållet är ändrat: kontrollsumman stämmer inte"),
        (line(4, _consistent), "filen är ändrad: kontrollsumman för hela innehållet"),
        (line(3, lambda one: one.update(subject="tp.v1.act.accepted.24.2480.badet.status")), "filen är ändrad"),
        (line(3, lambda one: one.update(subject="tp.v1.act.state.24.2480.badet")), "rad 3: ämnet är inte en rapports"),
        (line(3, lambda one: one.update(received="2020-01-01T00:00:00Z")), "filen är ändrad"),
        (line(3, lambda one: one.pop("origin")), "rad 3: raden är ingen rapport"),
        (line(3, lambda one: one.update(sequence=1000)), "rad 4: rapporterna står inte i loggens ordning"),
        (line(1, lambda one: one.update(version=2)), "rad 1: det är ingen fil med rapporter"),
        (line(7, _manifest("count", 4)), "innehållsförteckningen är ändrad: signaturen stämmer inte"),
        (line(7, _manifest("area", "01")), "innehållsförteckningen är ändrad: signaturen stämmer inte"),
        (line(7, lambda one: one.update(key=base64.b64encode(OTHER.public_key).decode())), "signaturen stämmer inte"),
        (line(7, lambda one: one.update(signature="")), "kan inte läsas"),
        (lambda lines: lines.pop(3), "5 rapporter skulle finnas i filen, men den har 4"),
        (lambda lines: lines.pop(), "filen är avbruten: innehållsförteckningen i slutet saknas"),
        (lambda lines: lines.append(lines[2]), "rad 8: något står efter innehållsförteckningen"),
        (lambda lines: lines.insert(3, b"[" * 5000 + b"\n"), "rad 4: raden är inte JSON"),
        (lambda lines: lines.insert(3, b"\xff\n"), "rad 4: raden är inte JSON"),
        (lambda lines: lines.insert(3, b"x" * (1 << 20) + b"\n"), "rad 4: raden är för lång"),
        (lambda lines: lines.clear(), "filen är avbruten"),
    ],
)
def test_what_was_changed_is_refused_whole(tmp_path: Path, tamper: Callable[[list[bytes]], object], told: str) -> None:
    """Whatever somebody changes on the way, the file is not believed, and it is said what is wrong and where."""
    file = written(tmp_path / "a")
    lines = file.read_bytes().splitlines(keepends=True)
    tamper(lines)
    file.write_bytes(b"".join(lines))
    with pytest.raises(Broken, match=re.escape(told)):
        read(file)


def test_every_cut_of_a_file_is_seen(tmp_path: Path) -> None:
    """A stick that was pulled out while it was copied: at whatever byte, the file is not believed."""
    file = written(tmp_path / "a", 2)
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(Broken):
            read(file)


def test_every_changed_byte_is_seen(tmp_path: Path) -> None:
    """No byte of the file can be another one."""
    file = written(tmp_path / "a", 1)
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            carried = read(file)
        except Broken:
            continue
        # What base64 leaves out of its last character, or a blank of JSON: nothing that was said is another.
        assert list(carried.entries) == entries(1)


def test_a_full_stick_leaves_nothing_behind(tmp_path: Path) -> None:
    """When there is no room the file is not there at all, and it is said so."""
    writing = Writing(tmp_path / "a", node="n", area="24")

    def fill() -> None:
        for each in entries(200, size=2000):
            writing.add(each)

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(Failed, match="kan inte skrivas"):
            fill()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    """A name that is taken is refused before anything is read; one that cannot be read is told."""
    file = written(tmp_path / "a")
    with pytest.raises(Failed, match="finns redan"):
        Writing(file, node="n", area="24")
    with pytest.raises(Failed, match="kan inte skrivas"):
        Writing(tmp_path / "no" / "such", node="n", area="24")
    with pytest.raises(Failed, match="kan inte läsas"):
        read(tmp_path / "b")
